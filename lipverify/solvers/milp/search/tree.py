"""The constant proved without trusting a solver: branching over the program's binaries, with proved bounds.

Every node is closed by one of four things: an upper bound from ranges alone (`propagation`), one of its linear
relaxation that holds whatever HiGHS did (`lp`), with constants from the node's own ranges, a clause proved in
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
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.encoding import Encoding
from lipverify.solvers.milp.encode.model import INF, Row, is_switch
from lipverify.solvers.milp.encode.norm import ball_cut, ball_row
from lipverify.solvers.milp.search.branching import FRACTION, Branching, Place
from lipverify.solvers.milp.search.nogoods import Clauses, clause_row
from lipverify.solvers.milp.search.patience import Patience
from lipverify.solvers.milp.search.regions import Assignment, Clause, Regions

_TOGETHER = 16  # nodes whose ranges are computed at once
_CUTS = 4  # rounds of ball cuts per node
_OUTSIDE = 1e-4  # how far outside the ball a seed may stay


@dataclass(order=True, slots=True)
class _Node:
    """Values of some binaries, and an upper bound of what they leave possible; the largest bound sorts first.

    The last decision was about `switch`, which the relaxation had seen at `fraction`.
    """

    negated: float
    number: int
    values: Assignment = field(compare=False)
    switch: int | None = field(compare=False, default=None)
    fraction: float = field(compare=False, default=0.5)


class Proof:
    """The search; `steps` runs it.

    Attributes
    ----------
    floor
        A float that is at most the norm of the best region so far; what is bounded by it is closed.
    upper
        A proved upper bound of the constant.
    nodes
        How many nodes were looked at.
    clauses
        What is closed already: refuted, or evaluated and not better.
    """

    def __init__(self, encoding: Encoding, regions: Regions, best: Certified | None) -> None:
        self._model = encoding.model
        self._linear = encoding.model.target()
        self._ball = encoding.ball
        self._ranges = encoding.ranges
        self._lower, self._upper = np.array(encoding.model.lower), np.array(encoding.model.upper)
        self._regions = regions
        self._states = encoding.states
        self._layers = Layers.of(regions.problem.network)
        self._relaxation = Relaxation(encoding.model)
        self._switches = np.array(encoding.model.switches, dtype=np.intp)
        layers = [[s for s in layer if is_switch(s)] for layer in encoding.states]
        self._neurons = [s for layer in layers for s in layer]
        depth = {s: k for k, layer in enumerate(layers) for s in layer}
        self._branching = Branching(encoding.model, encoding.ranges, depth)
        self._patience = Patience()
        self._tried: set[tuple[bool, ...]] = set()
        self.clauses = Clauses(encoding.model.size)
        self._best: Certified | None = None
        self.floor = -1.0
        self.best = best
        self.upper = INF
        self.nodes = 0

    @property
    def lps(self) -> int:
        """How many LPs were solved."""
        return self._relaxation.solved

    @property
    def best(self) -> Certified | None:
        """The best region so far; a better one may be handed in between two steps."""
        return self._best

    @best.setter
    def best(self, found: Certified | None) -> None:
        self._best = found
        self.floor = found.norm.lower if found else -1.0

    def add(self, row: Row) -> Row:
        """Append a row that no region violates to the program; returns it."""
        self._model.rows.append(row)
        self._relaxation.add(row)
        return row

    def close(self, clause: Clause) -> Row:
        """Count as closed what contains a clause: refuted, or evaluated and not better. The row that says so."""
        self.clauses.add(clause)
        return self.add(clause_row(self._model, clause))

    def suggest(self, pattern: Assignment) -> None:
        """See whether somebody's pattern, every neuron's state among others, is a better region; between two steps."""
        self._suggest({s: pattern[s] for s in self._neurons})

    def steps(self) -> Iterator[None]:
        """Look at some of the most promising nodes, and again, until none is left."""
        number = itertools.count()
        heap = [_Node(-INF, next(number), {})]
        while heap:
            self.upper = min(self.upper, max(-heap[0].negated, self._ceiling()))
            nodes = [heapq.heappop(heap) for _ in range(min(_TOGETHER, len(heap)))]
            nodes = [node for node in nodes if -node.negated > self.floor]
            for bound, values, switch, fraction in self._expanded(nodes) if nodes else ():
                if bound > self.floor:
                    heapq.heappush(heap, _Node(-bound, next(number), values, switch, fraction))
            yield
        self.upper = self._ceiling()

    def _ceiling(self) -> float:
        return self.best.norm.upper if self.best else 0.0

    def _expanded(self, nodes: list[_Node]) -> Iterator[tuple[float, Assignment, int, float]]:
        """The children of the nodes that cannot be closed: bound, values, what was decided, and how far it had been."""
        limits, ranges = self._implied(nodes)
        looks = (self._look(*one) for one in zip(nodes, *limits, *ranges, strict=True))
        places = [place for place in looks if place is not None]
        for place, split in zip(places, self._branching.choose(places, self.floor), strict=True):
            point = place.point
            fraction = 0.5 if point is None else min(max(float(point[split.switch]), FRACTION), 1 - FRACTION)
            for side, end in zip((False, True), split.ends, strict=True):
                yield min(place.bound, end), {**place.values, split.switch: side}, split.switch, fraction

    def _look(self, node: _Node, lower: Vector, upper: Vector, low: Vector, high: Vector) -> Place | None:
        """Close a node, or say what is known of it; given limits of all columns and ranges of all quantities."""
        self.nodes += 1
        values = node.values
        if self.clauses.contradict(values):
            return None
        if all(s in values for s in self._neurons):
            self._leaf(values)
            return None
        known = -node.negated
        if self._ball is not None:  # elsewhere the LP says no less
            known = min(known, self._without_lp(values))
        if known <= self.floor:
            return None
        point = None
        if self._branching.blind or self._patience.lp(known, self.floor, self.nodes):
            self._relaxation.tighten(low, high)
            bound, point = self._bound(lower, upper, known)
            if node.switch is not None:
                self._branching.learn(node.switch, values[node.switch], -node.negated, bound, node.fraction)
            self._patience.lp_done(known, self.floor, bound <= self.floor)
            if bound <= self.floor:
                return None
            known = bound
        if any(s in values for s in self._neurons) and self._patience.refutation(self.nodes):
            clause = self._regions.refute(values)
            self._patience.refutation_done(clause is not None)
            if clause is not None:
                self.clauses.add(clause)
                return None
        if point is not None:
            self._suggest({s: values.get(s, bool(point[s] > 0.5)) for s in self._neurons})
            self._suggest(self._ranges.pattern_at(point))
            if known <= self.floor:
                return None
        return Place(known, values, lower, upper, point)

    def _implied(self, nodes: list[_Node]) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Limits of all columns, and ranges of all quantities, shapes (N, …); what they imply is added to the nodes."""
        lower, upper = (np.tile(ends, (len(nodes), 1)) for ends in (self._lower, self._upper))
        for k, node in enumerate(nodes):
            switches = list(node.values)
            lower[k, switches] = upper[k, switches] = list(node.values.values())
        low, high = self._ranges.at(lower, upper)
        changed, binaries = np.arange(len(nodes)), self._ranges.decidable
        while True:
            on, off = self._ranges.implied(low[changed], high[changed])
            free = lower[np.ix_(changed, binaries)] < upper[np.ix_(changed, binaries)]
            on, off = on & free, off & free
            for k, j in zip(*np.nonzero(on | off), strict=True):
                side, node, switch = bool(on[k, j]), changed[k], int(binaries[j])
                nodes[node].values[switch] = side
                lower[node, switch] = upper[node, switch] = side
            changed = changed[(on | off).any(axis=1)]
            if not len(changed):
                return (lower, upper), (low, high)
            low[changed], high[changed] = self._ranges.at(lower[changed], upper[changed])

    def _leaf(self, values: Assignment) -> None:
        """Close a complete assignment: not better, not a region, or the best from now on."""
        norm = self._regions.norm(values)
        if self.best is not None and not norm.exceeds(self.best.norm):
            return
        found = self._regions.find(values)
        if not isinstance(found, Certified):
            self.close(found)
        elif self.best is None or found.norm.exceeds(self.best.norm):
            self.best = found

    def _suggest(self, pattern: Assignment) -> None:
        """See whether a pattern is a better region."""
        key = tuple(pattern.values())
        if key in self._tried:
            return
        self._tried.add(key)
        if not self._regions.norm_in_floats(pattern) <= self.floor and not self.clauses.contradict(pattern):
            self._leaf(pattern)

    def _without_lp(self, values: Assignment) -> float:
        """A proved upper bound of the norm from the slopes alone, for all that an assignment leaves open."""
        problem = self._regions.problem
        ends: list[tuple[list[float], list[float]]] = []
        for states, pairs in zip(self._states, problem.network.slopes, strict=True):
            low, high = [], []
            for state, pair in zip(states, pairs.tolist(), strict=True):
                on = values.get(state) if is_switch(state) else state
                known = (0.0,) if state is None else pair if on is None else (pair[bool(on)],)
                low.append(min(known))
                high.append(max(known))
            ends.append((low, high))
        slopes = Slopes(tuple(np.array(low) for low, _ in ends), tuple(np.array(high) for _, high in ends))
        return float(jacobian_norms(self._layers, slopes, problem.norm))

    def _bound(self, lower: Vector, upper: Vector, known: float) -> tuple[float, Vector | None]:
        """A proved upper bound of the objective within limits of the columns, and where HiGHS thinks it is attained."""
        columns = self._switches
        self._relaxation.limit(columns, lower[columns], upper[columns])
        for _ in range(_CUTS):
            answer = self._relaxation.maximise(self._linear.costs)
            known = min(known, self._linear.true_upper(answer.upper))
            if known <= self.floor or answer.point is None or not self._cut(answer.point):
                return known, answer.point
        return known, answer.point

    def _cut(self, point: Vector) -> bool:
        """Cut off a seed that lies outside the ball."""
        if self._ball is None:
            return False
        X = point[np.array(self._ball)] * 2.0  # a variable within ±1 is stored as half of itself
        if np.linalg.norm(X, ord="nuc") <= 1 + _OUTSIDE:
            return False
        self._relaxation.add(ball_row(self._model, self._ball, ball_cut(X)))
        return True
