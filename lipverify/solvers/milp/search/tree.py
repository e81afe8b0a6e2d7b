"""The constant proved without trusting a solver: branching over the program's binaries, with proved bounds.

Every node is closed by one of four things: an upper bound from ranges alone (`propagation`), one of its linear
relaxation that holds whatever HiGHS did (`lp`), with constants from the node's own ranges, a nogood proved in
rationals (`regions`), or, once every neuron has a state, the exact norm of its Jacobian. A pattern that is better than
the best so far and is a region becomes the best. Nodes are looked at best first, some at a time, for whose ranges numpy
takes hardly longer than for one's. When no node is left the constant is the best region's norm,
exactly; before that, the largest bound of an open node is an upper bound. Proof: proofs/milp.md.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lipverify.arrays import Array, Vector
from lipverify.geometry.witness import Certified
from lipverify.relaxations.interval import Slopes
from lipverify.relaxations.jacobian import jacobian_norms
from lipverify.relaxations.layers import Layers
from lipverify.search.incumbent import Incumbent
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.model import INF, Row, is_binary
from lipverify.solvers.milp.encode.norm import ball_cut, ball_row
from lipverify.solvers.milp.prepare import Prepared
from lipverify.solvers.milp.search.branching import FRACTION, Branching, Place
from lipverify.solvers.milp.search.nogoods import Nogoods, nogood_row
from lipverify.solvers.milp.search.patience import Patience
from lipverify.solvers.milp.search.regions import Assignment, Nogood

_TOGETHER = 16  # nodes whose ranges are computed at once
_CUTS = 4  # rounds of ball cuts per node
_OUTSIDE = 1e-4  # how far outside the ball a test vector may stay


@dataclass(order=True, slots=True)
class _Node:
    """Values of some binaries, and an upper bound of what they leave possible; the largest bound sorts first.

    The last decision was about `binary`, which the relaxation had seen at `fraction`.
    """

    negated: float
    number: int
    values: Assignment = field(compare=False)
    binary: int | None = field(compare=False, default=None)
    fraction: float = field(compare=False, default=0.5)


class Tree:
    """The search; `steps` runs it.

    Attributes
    ----------
    upper
        A proved upper bound of the constant.
    neurons
        The binaries of the neurons, layer by layer.
    nodes
        How many nodes were looked at.
    nogoods
        What is closed already: refuted, or evaluated and not better.
    """

    def __init__(self, prepared: Prepared, incumbent: Incumbent[Certified]) -> None:
        encoding, regions = prepared.encoding, prepared.regions
        self._incumbent = incumbent
        self._model = encoding.model
        self._linear = encoding.model.target()
        self._ball = encoding.ball
        self._ranges = encoding.ranges
        self._lower, self._upper = np.array(encoding.model.lower), np.array(encoding.model.upper)
        self._regions = regions
        self._states = encoding.states
        self._layers = Layers.of(regions.problem.network)
        self._relaxation = Relaxation(encoding.model)
        self._binaries = np.array(encoding.model.binaries, dtype=np.intp)
        layers = [[s for s in layer if is_binary(s)] for layer in encoding.states]
        self.neurons = [s for layer in layers for s in layer]
        depth = {s: k for k, layer in enumerate(layers) for s in layer}
        self._branching = Branching(encoding.model, encoding.ranges, depth)
        self._patience = Patience()
        self._tried: set[tuple[bool, ...]] = set()
        self.nogoods = Nogoods(encoding.model.size)
        self.upper = INF
        self.nodes = 0

    @property
    def lps(self) -> int:
        """How many LPs were solved."""
        return self._relaxation.solved

    @property
    def undecided(self) -> int:
        """How many neurons are undecided at the root."""
        return len(self.neurons)

    def add(self, row: Row) -> Row:
        """Append a row that no region violates to the program; returns it."""
        self._model.rows.append(row)
        self._relaxation.add(row)
        return row

    def close(self, nogood: Nogood) -> Row:
        """Count as closed what contains a nogood: refuted, or evaluated and not better. The row that says so."""
        self.nogoods.add(nogood)
        return self.add(nogood_row(self._model, nogood))

    def suggest(self, pattern: Assignment) -> None:
        """See whether somebody's pattern, every neuron's state among others, is a better region; between two steps."""
        self._suggest({s: pattern[s] for s in self.neurons})

    def steps(self) -> Iterator[None]:
        """Look at some of the most promising nodes, and again, until none is left."""
        number = itertools.count()
        heap = [_Node(-INF, next(number), {})]
        while heap:
            self.upper = min(self.upper, max(-heap[0].negated, self._incumbent.upper))
            nodes = [heapq.heappop(heap) for _ in range(min(_TOGETHER, len(heap)))]
            nodes = [node for node in nodes if -node.negated > self._incumbent.floor]
            for bound, values, binary, fraction in self._expanded(nodes) if nodes else ():
                if bound > self._incumbent.floor:
                    heapq.heappush(heap, _Node(-bound, next(number), values, binary, fraction))
            yield
        self.upper = self._incumbent.upper

    def _expanded(self, nodes: list[_Node]) -> Iterator[tuple[float, Assignment, int, float]]:
        """The children of the nodes that cannot be closed: bound, values, what was decided, and how far it had been."""
        limits, ranges = self._implied(nodes)
        looks = (self._look(*one) for one in zip(nodes, *limits, *ranges, strict=True))
        places = [place for place in looks if place is not None]
        for place, split in zip(places, self._branching.choose(places, self._incumbent.floor), strict=True):
            point = place.point
            fraction = 0.5 if point is None else min(max(float(point[split.binary]), FRACTION), 1 - FRACTION)
            for side, end in zip((False, True), split.ends, strict=True):
                yield min(place.bound, end), {**place.values, split.binary: side}, split.binary, fraction

    def _look(self, node: _Node, lower: Vector, upper: Vector, low: Vector, high: Vector) -> Place | None:
        """Close a node, or say what is known of it; given limits of all columns and ranges of all quantities."""
        self.nodes += 1
        values = node.values
        if self.nogoods.contradict(values):
            return None
        if all(s in values for s in self.neurons):
            self._leaf(values)
            return None
        known = -node.negated
        if self._ball is not None:  # elsewhere the LP says no less
            known = min(known, self._without_lp(values))
        if known <= self._incumbent.floor:
            return None
        point, lp = None, self._patience.lp(known, self._incumbent.floor)
        if self._branching.blind or lp.worth_asking():
            self._relaxation.tighten(low, high)
            bound, point = self._bound(lower, upper, known)
            if node.binary is not None:
                self._branching.learn(node.binary, values[node.binary], -node.negated, bound, node.fraction)
            lp.count(bound <= self._incumbent.floor)
            if bound <= self._incumbent.floor:
                return None
            known = bound
        refutation = self._patience.refutation
        if any(s in values for s in self.neurons) and refutation.worth_asking():
            nogood = self._regions.refute(values)
            refutation.count(nogood is not None)
            if nogood is not None:
                self.nogoods.add(nogood)
                return None
        if point is not None:
            self._suggest({s: values.get(s, bool(point[s] > 0.5)) for s in self.neurons})
            self._suggest(self._ranges.pattern_at(point))
            if known <= self._incumbent.floor:
                return None
        return Place(known, values, lower, upper, point)

    def _implied(self, nodes: list[_Node]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Limits of all columns, and ranges of all quantities, shapes (N, …); what they imply is added to the nodes."""
        lower, upper = (np.tile(ends, (len(nodes), 1)) for ends in (self._lower, self._upper))
        for k, node in enumerate(nodes):
            binaries = list(node.values)
            lower[k, binaries] = upper[k, binaries] = list(node.values.values())
        low, high = self._ranges.at(lower, upper)
        changed, binaries = np.arange(len(nodes)), self._ranges.decidable
        while True:
            on, off = self._ranges.implied(low[changed], high[changed])
            free = lower[np.ix_(changed, binaries)] < upper[np.ix_(changed, binaries)]
            on, off = on & free, off & free
            for k, j in zip(*np.nonzero(on | off), strict=True):
                side, node, binary = bool(on[k, j]), changed[k], int(binaries[j])
                nodes[node].values[binary] = side
                lower[node, binary] = upper[node, binary] = side
            changed = changed[(on | off).any(axis=1)]
            if not len(changed):
                return (lower, upper), (low, high)
            low[changed], high[changed] = self._ranges.at(lower[changed], upper[changed])

    def _leaf(self, values: Assignment) -> None:
        """Close a complete assignment: not better, not a region, or the best from now on."""
        if not self._incumbent.improved_by(self._regions.norm(values)):
            return
        found = self._regions.find(values)
        if isinstance(found, Certified):
            self._incumbent.offer(found)
        else:
            self.close(found)

    def _suggest(self, pattern: Assignment) -> None:
        """See whether a pattern is a better region."""
        key = tuple(pattern.values())
        if key in self._tried:
            return
        self._tried.add(key)
        if not self._regions.norm_in_floats(pattern) <= self._incumbent.floor and not self.nogoods.contradict(pattern):
            self._leaf(pattern)

    def _without_lp(self, values: Assignment) -> float:
        """A proved upper bound of the norm from the slopes alone, for all that an assignment leaves open."""
        problem = self._regions.problem
        ends: list[tuple[list[float], list[float]]] = []
        for states, pairs in zip(self._states, problem.network.slopes, strict=True):
            low, high = [], []
            for state, pair in zip(states, pairs.tolist(), strict=True):
                on = values.get(state) if is_binary(state) else state
                known = (0.0,) if state is None else pair if on is None else (pair[bool(on)],)
                low.append(min(known))
                high.append(max(known))
            ends.append((low, high))
        slopes = Slopes(tuple(np.array(low) for low, _ in ends), tuple(np.array(high) for _, high in ends))
        return float(jacobian_norms(self._layers, slopes, problem.norm))

    def _bound(self, lower: Vector, upper: Vector, known: float) -> tuple[float, Vector | None]:
        """A proved upper bound of the objective within limits of the columns, and where HiGHS thinks it is attained."""
        columns = self._binaries
        self._relaxation.limit(columns, lower[columns], upper[columns])
        for _ in range(_CUTS):
            answer = self._relaxation.maximise(self._linear.costs)
            known = min(known, self._linear.true_upper(answer.upper))
            if known <= self._incumbent.floor or answer.point is None or not self._cut(answer.point):
                return known, answer.point
        return known, answer.point

    def _cut(self, point: Vector) -> bool:
        """Cut off a test vector that lies outside the ball."""
        if self._ball is None:
            return False
        X = point[np.array(self._ball)] * 2.0  # a variable within ±1 is stored as half of itself
        if np.linalg.norm(X, ord="nuc") <= 1 + _OUTSIDE:
            return False
        self._relaxation.add(ball_row(self._model, self._ball, ball_cut(X)))
        return True
