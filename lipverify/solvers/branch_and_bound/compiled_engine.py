"""The compiled engine behind `layers.Engine`. Importing this loads numba, and at its first dive compiled code."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, final

import numpy as np

from lipverify.arrays import Matrix
from lipverify.engine import layout
from lipverify.engine.dive import dive
from lipverify.kernels import alone, forget_older, on_disk, place
from lipverify.solvers.branch_and_bound.dives import Dive, Node
from lipverify.trusted import evidence_replay
from lipverify.trusted.evidence import Block, Chain, Head, Implied, Pruned, Space, Turned
from lipverify.trusted.evidence_floats import FloatReader
from lipverify.trusted.evidence_moves import Moves
from lipverify.trusted.evidence_sizes import Sizes

_MEMORY = 2**27  # bytes of tableaus at most, and of what a dive says
_NODES = 2048  # of a dive at most
_CODES = 2**20  # choices in the sign trees of a dive that are written down
_START = np.zeros(1, dtype=np.int64)
_PREDICTED = 3e4  # leaves of a sign tree that are foretold before it is given up
_ARITHMETIC = 20  # passes for slopes at a full sign vector
_ASCENTS, _FEW = 1000, 200  # moves of random ascents for the first head, and for each other one
_SLACK = 1e-11  # how far from zero, relative to its size, a pre-activation must stay to have a sign in floats


@final
class CompiledEngine:
    """The engine for one network on one domain."""

    def __init__(self, chain: Chain, space: Space) -> None:
        size = Sizes.of(chain, space).value
        self._net = layout.net_arrays(chain, space, size, _SLACK * size)
        self._cone = space.cone  # where floats are sure of nothing by the value, which is 0 at the origin
        self._heads: dict[Head | Block, Any] = {}
        self._passes = 0
        self._rng = np.random.default_rng(0)
        self._arrays: dict[tuple[int, ...], Any] = {}

    def dive(self, node: Node, head: Head | Block, target: float, margin: float, passes: int) -> Dive:
        """Search below a node."""
        net = self._net
        ascents = min(_ASCENTS, self._passes // 16)  # now and then, for a few per cent of the time
        if head not in self._heads:
            ascents = _FEW if self._heads else _ASCENTS
            self._heads[head] = layout.head_arrays(net, head)
        n, d, arrays = len(net.size), net.d, self._heads[head]
        shape = len(arrays.directions), len(arrays.outputs), len(arrays.inputs)
        if shape not in self._arrays:
            self._arrays.clear()
            levels = max(2, min(n + 2, _MEMORY // (24 * (n + len(net.shifts)) * d)))
            turns = shape[1] ** 2 + shape[2] ** 2
            nodes = max(64, min(_NODES, _MEMORY // (64 * (n + len(net.shifts) + shape[0] + turns))))
            self._arrays[shape] = (
                *layout.work_arrays(net, arrays, levels),
                layout.out_arrays(net, arrays, nodes, _CODES),
            )
        cells, work, out = self._arrays[shape]
        best = max(target, 0.0)
        low = target - margin if math.isfinite(target) else -math.inf
        count, _, facts, points = dive(
            net,
            arrays,
            cells,
            work,
            out,
            node.signs,
            node.split,
            node.failed,
            int(node.failed.any()),
            low,
            target + margin,
            margin,
            best,
            passes,
            _PREDICTED,
            _ARITHMETIC,
            *self._moves(ascents),
        )
        self._passes = int(out.used[:count].sum())
        moves = Moves(
            out.parent[:count],
            out.neuron[:count],
            out.side[:count],
            out.fact_node[:facts],
            out.fact_state[:facts],
            out.fact_neuron[:facts],
            out.fact_sign[:facts],
        )
        return Dive(
            moves,
            out.fate[:count],
            out.node_failed[:count] * out.node_has_failed[:count, None],
            out.used[:count],
            out.mult[:facts],
            (out.fact_kind[:facts] != 0) | self._cone,
            out.points[:points],
            out.point_node[:points],
            out.tree,
            np.concatenate([_START, out.tree_end[:count]]),
            out.left[:count],
            out.right[:count],
        )

    def _moves(self, count: int) -> tuple[Matrix, Matrix]:
        """Where random ascents start, and so many of their moves: of some coordinates, of every size."""
        low, width, d = self._net.lower, self._net.upper - self._net.lower, self._net.d
        rng = self._rng
        starts = low + width * rng.uniform(size=(count // 100 + 1, d))
        share = rng.choice([1.0 / d, 2.0 / d, 1.0], size=(count, 1))
        some = rng.uniform(size=(count, d)) < share
        return starts, width * 10.0 ** (-4.0 * rng.uniform(size=(count, 1))) * rng.normal(size=(count, d)) * some


def load() -> None:
    """Compile everything, or load it from disk; processes take turns, so that one compiles and the others load."""
    if stored():
        _first_dive()
        return
    with alone(dive):
        _first_dive()


def stored() -> bool:
    """Whether numba has compiled code of everything on disk, or could not put it there."""
    for function, folder in _COMPILED.items():
        forget_older(function, Path(folder).parent.glob("*.py"))
    return all(place(function) is None or on_disk(function) for function in _COMPILED)


_COMPILED: dict[Any, str] = {
    dive: layout.__file__,
    **dict.fromkeys((*FloatReader.COMPILED, *evidence_replay.COMPILED), evidence_replay.__file__),
}


def _first_dive() -> None:
    """One dive through a tiny network, and what is read of it."""
    chain = Chain((np.ones((1, 1)), np.ones((1, 1))), (np.zeros(1), np.zeros(1)), (np.array([[0.0, 1.0]]),))
    space = Space(-np.ones(1), np.ones(1), np.zeros((0, 1)), np.zeros(0))
    head = Head(True, 0, (0,))
    blank = np.zeros(1, dtype=np.int8)
    found = CompiledEngine(chain, space).dive(Node(0, blank, blank, blank, math.inf), head, -1.0, 1e-9, 16)
    tree = evidence_replay.replay(blank, found.moves)
    evidence_replay.granted(found.moves.parents, tree.splits, ~tree.sound)
    reader = FloatReader(chain, space)
    reader.upper(blank[None], head)
    reader.pruned(Pruned(blank[None], head, 1.0, 1))
    one = np.ones((1, 1, 1))
    reader.turned(Turned(blank[None], Block((0,), (0,)), 1.0, one, one))
    none = np.zeros(1, dtype=np.intp)
    claim = Implied(blank[None], none, none, np.ones(1, dtype=np.int8), np.zeros((1, 1)))
    reader.implied(claim)
    FloatReader(chain, replace(space, cone=True)).implied(claim)
