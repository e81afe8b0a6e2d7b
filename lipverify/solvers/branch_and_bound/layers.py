"""Branch and bound by layers: the engine proposes, the reader disposes, rational arithmetic settles what is left.

An open node is a set of signs that are proved to hold there. The engine searches below it and hands back records;
only what `FloatReader` accepts is committed, fact by fact from the top. A node with a claim that is refused is
settled by exact geometry: its cell in rationals, one neuron decided, both sides open again. So a wrong claim costs
time, and at any moment the open nodes cover what has not been proved. Proof: proofs/engine.md.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, final

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Matrix, Signs, Vector
from lipverify.evaluate import jacobian_exact
from lipverify.geometry.cells import Cells
from lipverify.geometry.margin import MarginProgram
from lipverify.geometry.witness import Certified, certify_point, certify_region, confirmed
from lipverify.norms import exact_norm
from lipverify.problem import Budget, Problem
from lipverify.search.closing import Closing
from lipverify.search.crew import Crew
from lipverify.search.incumbent import Incumbent
from lipverify.solvers.branch_and_bound.checkpoint import OpenNode, Saved
from lipverify.solvers.branch_and_bound.dives import OPEN, PRUNED, REGION, SPLIT, TIE, Dive, Engine, Node
from lipverify.solvers.branch_and_bound.grid import Grid
from lipverify.solvers.branch_and_bound.heads import heads
from lipverify.solvers.branch_and_bound.setting import Setting
from lipverify.trusted.evidence import Block, Chain, Head, Implied, Pruned, Turned
from lipverify.trusted.evidence_exact import ExactReader
from lipverify.trusted.evidence_floats import FloatReader
from lipverify.trusted.evidence_moves import Moves
from lipverify.trusted.evidence_replay import Replayed, granted, replay
from lipverify.trusted.rounding import MAX
from lipverify.watch import tick

_SLICE = 0.1  # seconds of work that a dive should be, its verification included
_LEAST, _BEGIN, _MOST = 2**8, 2**14, 2**20  # passes of a dive
_LEAVES = 4  # how many times the engine's passes a sign tree may take when it is verified
_MARGIN = 3.0  # of the reader's error, kept by the engine


class _Hands(NamedTuple):
    """What one dive at a time has for itself."""

    engine: Engine
    reader: FloatReader


@final
@dataclass(frozen=True, eq=False)
class _Found:
    """A dive below a node, the claims that hold, the nodes that are closed at a goal, and the seconds it took."""

    node: Node
    dive: Dive
    tree: Replayed
    held: Bools
    closed: Bools
    goal: float
    seconds: float


@final
@dataclass(eq=False)
class Counts:
    """What was done."""

    nodes: int = 0
    pruned: int = 0
    leaves: int = 0
    facts: int = 0
    refused: int = 0
    settled: int = 0
    passes: int = 0
    dives: int = 0


@final
class LayerSearch:
    """One run: open nodes, the incumbent, the counts.

    Parameters
    ----------
    problem, budget
        What is asked, for a norm that has `heads`.
    setting
        What is searched.
    engines
        Who searches: so many dives at a time, in threads.
    best
        An incumbent to start from.
    ceiling
        An upper bound that is known.
    saved
        The search that it goes on with, whose incumbent is `best` or worse.

    Attributes
    ----------
    begun
        Whether its first nodes are open.
    """

    def __init__(
        self,
        problem: Problem,
        budget: Budget,
        setting: Setting,
        engines: Sequence[Engine],
        best: Certified | None,
        ceiling: float = math.inf,
        saved: Saved | None = None,
    ) -> None:
        self._problem = problem
        self._budget = budget
        self._setting = setting
        self._chain, space = setting.chain, setting.space
        self._heads = heads(problem)
        self._reader = FloatReader(self._chain, space)
        self._exact = ExactReader(self._chain, space)
        self._hands = [_Hands(engine, FloatReader(self._chain, space)) for engine in engines]
        self._offering = threading.Lock()
        self._grid = Grid.of(problem)
        self._incumbent: Incumbent[Certified] = Incumbent()
        self._target = budget.target or -1.0  # at 0 a region is wanted all the same
        self._closing = Closing(tolerated=self._target)
        self._heap: list[tuple[float, int, Node]] = []
        self._ticket = itertools.count()
        self._ceiling = ceiling
        self._opened: tuple[OpenNode, ...] | None = None
        if saved is not None:
            self._opened = saved.open
            known = [saved.settled, best.norm.upper if best else 0.0, *(node.upper for node in saved.open)]
            self._ceiling = min(ceiling, max(known))
        self._busy: list[Node] = []
        self.begun = False
        self._passes = _BEGIN
        self._errors: list[float] = []
        self.counts = Counts(nodes=saved.nodes if saved else 0)
        self._closing.settle(saved.settled if saved else 0.0)
        if best is not None:
            self._offer(best)

    @cached_property
    def _margins(self) -> MarginProgram:
        return MarginProgram(self._problem.network.input_dim + 1)

    @cached_property
    def _cells(self) -> Cells:
        return Cells(self._problem.network, self._problem.domain, self._budget.seed)

    @property
    def upper(self) -> float:
        """An upper bound of the constant, at any moment."""
        top = max(self._closing.settled, self._incumbent.upper)
        for node in (*self._busy, *(entry[2] for entry in self._heap[:1])):
            top = max(top, node.upper)
        return min(top, self._ceiling) if self.begun else self._ceiling

    @property
    def best(self) -> Certified | None:
        """The incumbent."""
        return self._incumbent.best

    @property
    def exact(self) -> bool:
        """Whether, at the end, the incumbent is the constant: nothing was given up that may hold more."""
        return self.best is not None and self._closing.settled <= self._closing.enough

    @property
    def _goal(self) -> float:
        """What a node's bound need not fall below."""
        return max(self._closing.enough, self._closing.tolerated)

    def steps(self) -> Iterator[None]:
        """Work, in pieces of a tenth of a second."""
        self._errors = [self._reader.error(head) for head in self._heads]
        root = OpenNode(self._setting.root[self._setting.own], math.inf)
        for node in (root,) if self._opened is None else self._opened:
            tick()
            self._open(node)
        if self._opened is None:
            self._ceiling = min(self._ceiling, -self._heap[0][0])
        self._opened, self.begun = None, True
        yield
        with Crew[_Hands, _Found](self._hands) as crew:
            while self._heap or crew.busy:
                while self._heap and crew.idle:
                    self._take(heapq.heappop(self._heap)[2], crew)
                for found in crew.finished(_SLICE):
                    self._commit(found)
                    self._busy.remove(found.node)
                yield

    @property
    def saved(self) -> Saved:
        """The search as it is between two steps, once it has begun."""
        nodes = (*self._busy, *(entry[2] for entry in self._heap))
        own = self._setting.own
        opened = tuple(OpenNode(node.signs[own], min(node.upper, self._ceiling), node.head) for node in nodes)
        best = self.best
        return Saved(opened, best.witness.point if best else None, self._closing.settled, self.counts.nodes)

    def _open(self, node: OpenNode) -> None:
        """Open a node of the beginning, for every head that it is open for."""
        signs = self._setting.within(node.signs)
        for h in range(len(self._heads)) if node.head is None else (node.head,):
            head = self._heads[h]
            upper = min(node.upper, float(_upper(self._reader, signs[None], head)[0]))
            failed = np.zeros(len(head.directions), dtype=np.int8)
            self._push(Node(h, signs, self._hint(signs), failed, upper))

    def _take(self, node: Node, crew: Crew[_Hands, _Found]) -> None:
        """Begin with an open node."""
        if self._closing.closes(node.upper):
            self.counts.pruned += 1
            return
        self._busy.append(node)
        if node.exact:
            self._expand(node)
            self._busy.remove(node)
        else:
            crew.start(partial(self._look, node))

    def _look(self, node: Node, hands: _Hands) -> _Found:
        """A dive below a node, and which of its claims are proved; may be run in several threads at a time."""
        head = self._heads[node.head]
        begun = time.thread_time()  # a busy machine is no reason for small batches
        dive = hands.engine.dive(node, head, self._goal, _MARGIN * self._errors[node.head], self._passes)
        for point in dive.points[::-1]:
            if self._try_point(self._setting.point(point)):
                break  # the last one is the best
        tree = replay(node.signs, dive.moves)
        held = np.ones(len(dive.moves.nodes), dtype=bool)
        asked = np.flatnonzero(tree.sound[dive.moves.nodes])
        index, neurons, signs = tree.index[asked], dive.moves.claimed[asked], dive.moves.signs[asked]
        claims = Implied(tree.states, index, neurons, signs, dive.multipliers[asked])
        held[asked] = hands.reader.implied(claims) & dive.sure[asked]
        goal, closed = self._goal, np.zeros(len(dive.fates), dtype=bool)
        shut = np.flatnonzero(np.isin(dive.fates, (PRUNED, TIE, REGION)) & tree.sound)
        if len(shut):
            closed[shut] = _closed(hands.reader, tree.signs[shut], head, goal, dive, shut)
        return _Found(node, dive, tree, held, closed, goal, time.thread_time() - begun)

    # Committing what is proved.

    def _commit(self, found: _Found) -> None:
        """What a dive has found becomes part of the tree."""
        self._close(found, self._proved(found))
        self.counts.dives += 1
        if found.seconds < _SLICE / 2 and (found.dive.fates == OPEN).any():
            self._passes = min(2 * self._passes, _MOST)
        elif found.seconds > 2 * _SLICE:
            self._passes = max(_LEAST, self._passes // 2)

    def _proved(self, found: _Found) -> Bools:
        """The nodes of a dive all of whose signs are proved; those at which this ends become open, to be settled."""
        node, dive, tree, held = found.node, found.dive, found.tree, found.held
        moves = dive.moves
        self.counts.facts += len(held)
        lost = ~tree.sound
        for f in np.flatnonzero(~held).tolist():
            if lost[moves.nodes[f]]:
                continue
            support = np.flatnonzero(dive.multipliers[f] > 0).tolist()
            self.counts.settled += 1
            state = tree.states[tree.index[f]]
            if not self._exact.implied(state, int(moves.claimed[f]), int(moves.signs[f]), support):
                lost[moves.nodes[f]] = True
        good, fallen = granted(moves.parents, tree.splits & (dive.fates == SPLIT), lost)
        for i in fallen.tolist():
            self._reopen(node, tree.entered[i], dive.failed[i])
        return good

    def _close(self, found: _Found, good: Bools) -> None:
        """Commit the ends of a dive: what is pruned, regions, and what stays open."""
        node, dive, tree = found.node, found.dive, found.tree
        head, fates = self._heads[node.head], dive.fates
        self.counts.nodes += int(good.sum())
        self.counts.passes += int(dive.passes.sum())
        rest = good & ~(tree.splits & (fates == SPLIT))
        closed = rest & found.closed
        if closed.any() and found.goal > self._closing.enough:
            self._closing.settle(min(found.goal, node.upper))  # the goal rose with the dive's own points
        self.counts.pruned += int(closed.sum())
        rest &= ~closed
        fates = np.where(rest & (fates == PRUNED), OPEN, fates)  # refused: the engine hoped for a better incumbent
        points = {int(w): k for k, w in enumerate(dive.where.tolist()) if w >= 0}
        for i in np.flatnonzero(rest & (fates == REGION)).tolist():
            self.counts.leaves += 1
            shown = i in points and self._is_region(tree.signs[i], self._setting.point(dive.points[points[i]]))
            rest[i] = not shown and not self._is_region(tree.signs[i], self._middle(tree.signs[i]))
        left = np.flatnonzero(rest & (fates == OPEN))
        if len(left):
            turns = dive.left[left], dive.right[left]
            uppers = np.minimum(_upper(self._reader, tree.signs[left], head, turns), node.upper)
            for i, upper in zip(left.tolist(), uppers.tolist(), strict=True):
                cuts = _cuts(node, dive.moves, i)
                # a dive that came no further than its first node would not the next time either
                self._push(Node(node.head, tree.signs[i].copy(), cuts, dive.failed[i].copy(), upper, i == 0))
            rest[left] = False
        for i in np.flatnonzero(rest).tolist():
            self._settle(node, tree.signs[i], dive.failed[i])

    def _settle(self, node: Node, signs: Signs, failed: Signs) -> None:
        """A node whose signs are proved and whose end is not."""
        self.counts.settled += 1
        if self._is_no_better(signs):
            self.counts.pruned += 1
            return
        self._reopen(node, signs, failed)

    def _reopen(self, node: Node, signs: Signs, failed: Signs) -> None:
        """Open a node of a dive below `node` for exact arithmetic."""
        self.counts.refused += 1
        self._push(Node(node.head, signs.copy(), self._hint(signs), failed.copy(), node.upper, True))

    def _hint(self, signs: Signs) -> Signs:
        """Which neurons' half-spaces cut a cell out, as far as the engine needs to know."""
        return ((signs != 0) & ~self._chain.linear & self._setting.own).astype(np.int8)

    def _expand(self, node: Node) -> None:
        """One step in exact arithmetic: the cell of a node's signs, and both sides of a neuron."""
        self.counts.nodes += 1
        head = self._heads[node.head]
        found = self._cells.restrict(self._cells.root(), node.signs[self._setting.own])
        if found is None:
            return
        cell, signs = found
        if self._cells.is_region(cell):
            self.counts.leaves += 1
            self._offer(certify_region(self._problem, self._cells.point(cell), self._cells.pattern(cell)))
            return
        signs = self._setting.within(signs)
        upper = min(node.upper, float(_upper(self._reader, signs[None], head)[0]))
        if self._closing.closes(upper):
            self.counts.pruned += 1
            return
        neuron = int(np.flatnonzero(self._setting.own)[cell.undecided[0]])
        for side in (1, -1):
            child = signs.copy()
            child[neuron] = side
            self._push(Node(node.head, child, self._hint(child), node.failed, upper))

    def _is_no_better(self, signs: Signs) -> bool:
        """Whether the Jacobian of a complete pattern, be there a region of it or not, does not beat the incumbent."""
        if not signs.all() or self.best is None:
            return False
        net = self._problem.network
        layers = np.split(signs[self._setting.own] > 0, np.cumsum(net.hidden)[:-1])
        pattern = tuple(tuple(layer.tolist()) for layer in layers)
        norm = exact_norm(jacobian_exact(net, pattern), self._problem.norm)
        return not norm.exceeds(self.best.norm)

    def _is_region(self, signs: Signs, point: Any) -> bool:
        """Whether a point shows that a complete pattern has a region; its norm counts then."""
        found = self._certified(point)
        if found is None:
            return False
        there = np.where(np.concatenate([np.array(layer) for layer in found.witness.pattern]), 1, -1)
        if not (there == signs[self._setting.own]).all():
            return False
        self._offer(found)
        return True

    def _middle(self, signs: Signs) -> Any:
        """A point that seems to be in the middle of the region of a complete pattern."""
        net, own = self._problem.network, signs[self._setting.own]
        chain = Chain(net.weights, net.biases, net.slopes)
        rows = _rows(chain, own) * own[:, None]
        found = self._margins.interior_point(np.vstack([rows[~chain.linear], self._problem.domain.rows(net.input_dim)]))
        return np.array([np.nan]) if found is None or not found.point[-1] > 0 else found.point[:-1] / found.point[-1]

    def _push(self, node: Node) -> None:
        heapq.heappush(self._heap, (-node.upper, next(self._ticket), node))

    # The incumbent.

    def _try_point(self, point: Any) -> bool:
        found = self._certified(point)
        if found is not None:
            self._offer(found)
        return found is not None

    def _certified(self, point: Any) -> Certified | None:
        values = np.asarray(point, dtype=np.float64)
        return certify_point(self._problem, values.tolist()) if np.isfinite(values).all() else None

    def _offer(self, found: Certified) -> None:
        with self._offering:
            self._take_up(found)

    def _take_up(self, found: Certified) -> None:
        if self._incumbent.improved_by(found.norm):
            self._incumbent.offer(confirmed(self._problem, found))
            self._closing.enough = self._grid.enough(found.norm)
            tolerated = min(self._incumbent.lower * (1 + self._budget.rel_gap), MAX)
            self._closing.tolerated = max(tolerated, self._target)


def _upper(reader: FloatReader, states: Signs, head: Head | Block, turns: tuple[Array, Array] | None = None) -> Vector:
    """Upper bounds of the norm of a head under some states, shape (S,); without turns a block is read as it is."""
    if isinstance(head, Head):
        return reader.upper(states, head)
    if turns is None:
        sides = (np.eye(len(part)) for part in (head.outputs, head.inputs))
        left, right = (np.repeat(side[None], len(states), axis=0) for side in sides)
        turns = left, right
    return reader.upper_of_block(states, head, *turns)


def _closed(reader: FloatReader, states: Signs, head: Head | Block, goal: float, dive: Dive, nodes: Indices) -> Bools:
    """Which nodes of a dive, in these states, have no Jacobian whose head exceeds the goal."""
    if isinstance(head, Block):
        return reader.turned(Turned(states, head, goal, dive.left[nodes], dive.right[nodes]))
    limit = _LEAVES * int(dive.passes[nodes].max()) + 64
    return reader.pruned(Pruned(states, head, goal, limit, *_trees(dive, nodes)))


def _cuts(node: Node, moves: Moves, i: int) -> Signs:
    """Which neurons were split on the way to node i of a dive: their half-spaces cut its cell out."""
    cuts = node.split.copy()
    while i > 0:
        i = int(moves.parents[i])
        cuts[moves.neurons[i]] = 1
    return cuts


def _trees(dive: Dive, nodes: Indices) -> tuple[Indices, Indices]:
    """The sign trees of some nodes of a dive, one behind the other, and where they begin."""
    ends = np.clip(dive.begins, 0, len(dive.trees))
    first, last = ends[nodes], np.maximum(ends[nodes], ends[nodes + 1])
    begins = np.concatenate([[0], np.cumsum(last - first)])
    return dive.trees[np.arange(begins[-1]) + np.repeat(first - begins[:-1], last - first)], begins


def _rows(chain: Chain, signs: Signs) -> Matrix:
    """The affine forms (a, c) of all pre-activations under a complete pattern, about; shape (n, d + 1)."""
    rows = [np.column_stack([chain.weights[0], chain.biases[0]])]
    with np.errstate(all="ignore"):
        for k, slopes in enumerate(chain.slopes[:-1]):
            on = signs[chain.offsets[k] : chain.offsets[k + 1]] > 0
            rows.append(chain.weights[k + 1] @ (np.where(on, slopes[:, 1], slopes[:, 0])[:, None] * rows[-1]))
            rows[-1][:, -1] += chain.biases[k + 1]
    return np.vstack(rows)
