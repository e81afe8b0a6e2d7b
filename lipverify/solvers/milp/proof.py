"""The constant proved without trusting a solver: branching over the program's binaries, with proved bounds.

Every node is closed by one of three things: an upper bound of its linear relaxation that holds whatever HiGHS did
(`relaxation`), a clause proved in rationals (`regions`), or, once every neuron has a state, the exact norm of its
Jacobian. A pattern that is better than the best so far and is a region becomes the best. When no node is left the
constant is the best region's norm, exactly; before that, the largest bound of an open node is an upper bound.
Proof: proofs/milp.md.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.geometry.witness import Certified
from lipverify.relaxations.interval import Slopes
from lipverify.relaxations.jacobian import jacobian_norms
from lipverify.relaxations.layers import Layers
from lipverify.solvers.milp.encoding import Encoding
from lipverify.solvers.milp.measure import ball_cut
from lipverify.solvers.milp.model import INF, Model, Row
from lipverify.solvers.milp.regions import Assignment, Clause, Regions, is_switch
from lipverify.solvers.milp.relaxation import Relaxation

_FRACTION = 1e-6  # how far from 0 and 1 a binary counts as undecided
_CUTS = 4  # rounds of ball cuts per node
_OUTSIDE = 1e-4  # how far outside the ball a seed may stay


@dataclass(order=True, slots=True)
class _Node:
    """Values of some binaries, and an upper bound of what they leave possible; the largest bound sorts first."""

    negated: float
    number: int
    values: Assignment = field(compare=False)
    fraction: float = field(compare=False, default=0.5)


class Proof:
    """The search; `steps` runs it.

    Attributes
    ----------
    best
        The best region so far.
    upper
        A proved upper bound of the constant.
    nodes
        How many nodes were looked at.
    clauses
        What is closed already: refuted, or evaluated and not better. Its rows stand in the model.
    """

    def __init__(self, encoding: Encoding, regions: Regions, best: Certified | None, clauses: list[Clause]) -> None:
        self._model = encoding.model
        self._linear = encoding.model.target()
        self._ball = encoding.ball
        self._regions = regions
        self._states = encoding.states
        self._layers = Layers.of(regions.problem.network)
        self._relaxation = Relaxation(encoding.model)
        self._switches = np.array(encoding.model.switches, dtype=np.intp)
        layers = [[s for s in layer if is_switch(s)] for layer in encoding.states]
        self._neurons = [s for layer in layers for s in layer]
        self._depth = {s: k for k, layer in enumerate(layers) for s in layer}
        self._tried: set[tuple[bool, ...]] = set()
        self._gains = np.zeros((encoding.model.size, 2))
        self._counts = np.zeros((encoding.model.size, 2))
        self.best = best
        self.upper = INF
        self.nodes = 0
        self.clauses: list[Clause] = []
        self._table = np.zeros((256, encoding.model.size), dtype=np.float32)
        self._lengths = np.ones(256, dtype=np.float32)
        for clause in clauses:
            self._remember(clause)

    @property
    def lps(self) -> int:
        """How many LPs were solved."""
        return self._relaxation.solved

    @property
    def floor(self) -> float:
        """A float that is at most the best region's norm; what is bounded by it is closed."""
        return self.best.norm.lower if self.best else -1.0

    def steps(self) -> Iterator[None]:
        """Look at one node after the other until none is left."""
        number = itertools.count()
        heap = [_Node(-INF, next(number), {})]
        current: _Node | None = None
        while heap or current:
            node = current or heapq.heappop(heap)
            current = None
            self.upper = min(self.upper, max(-node.negated, -heap[0].negated if heap else -INF, self._ceiling()))
            if -node.negated <= self.floor:
                continue
            self.nodes += 1
            children = self._expand(node)
            made = [
                _Node(-bound, next(number), values, fraction)
                for bound, values, fraction in children
                if bound > self.floor
            ]
            made.sort()
            if made:  # go on with the better child while the basis is warm
                current = made.pop(0)
            for child in made:
                heapq.heappush(heap, child)
            yield
        self.upper = self._ceiling()

    def _ceiling(self) -> float:
        return self.best.norm.upper if self.best else 0.0

    def _expand(self, node: _Node) -> list[tuple[float, Assignment, float]]:
        """The children of a node that is not closed: bound, values, and how far the relaxation had decided."""
        values = node.values
        if self._contradicts(values):
            return []
        if all(s in values for s in self._neurons):
            self._leaf(values)
            return []
        last = next(reversed(values), None)
        if last in self._depth:
            clause = self._regions.refute(values)
            if clause is not None:
                self._remember(clause)
                return []
        known = -node.negated
        if self._ball is not None:  # elsewhere the LP says no less
            known = min(known, self._without_lp(values))
            if known <= self.floor:
                return []
        bound, point = self._bound(values, known)
        if last is not None:
            self._record(last, values[last], node, bound)
        if bound > self.floor and point is not None:
            self._try(values, point)
        if bound <= self.floor:
            return []
        switch = self._branch(values, point)
        fraction = 0.5 if point is None else min(max(float(point[switch]), _FRACTION), 1 - _FRACTION)
        return [(bound, {**values, switch: side}, fraction) for side in (True, False)]

    def _record(self, switch: int, side: bool, node: _Node, bound: float) -> None:
        """Remember how much a decision lowered the bound, per unit of the binary's change."""
        if math.isfinite(bound) and math.isfinite(node.negated):
            distance = 1 - node.fraction if side else node.fraction
            self._gains[switch, int(side)] += max(-node.negated - bound, 0.0) / distance
            self._counts[switch, int(side)] += 1

    def _score(self, switch: int, fraction: float) -> float:
        """Pseudo-costs: the product of what both sides are expected to gain."""
        total = self._counts.sum()
        usual = self._gains.sum() / total if total else 1.0
        down, up = (
            self._gains[switch, side] / self._counts[switch, side] if self._counts[switch, side] else usual
            for side in (0, 1)
        )
        return max(down * fraction, 1e-9) * max(up * (1 - fraction), 1e-9)

    def _contradicts(self, values: Assignment) -> bool:
        """Whether a clause refutes an assignment."""
        signs = np.zeros(self._model.size, dtype=np.float32)
        signs[list(values)] = [1.0 if side else -1.0 for side in values.values()]
        return bool((self._table[: len(self.clauses)] @ signs == self._lengths[: len(self.clauses)]).any())

    def _remember(self, clause: Clause) -> None:
        k = len(self.clauses)
        if k == len(self._table):
            self._table = np.concatenate([self._table, np.zeros_like(self._table)])
            self._lengths = np.concatenate([self._lengths, np.ones_like(self._lengths)])
        self._table[k, [s for s, _ in clause]] = [1.0 if side else -1.0 for _, side in clause]
        self._lengths[k] = len(clause)
        self.clauses.append(clause)

    def _leaf(self, values: Assignment) -> None:
        """Close a complete assignment: not better, not a region, or the best from now on."""
        norm = self._regions.norm(values)
        if self.best is not None and not norm.exceeds(self.best.norm):
            return
        found = self._regions.find(values)
        if isinstance(found, Certified):
            if self.best is None or found.norm.exceeds(self.best.norm):
                self.best = found
        else:
            self._remember(found)
            self._relaxation.add(clause_row(self._model, found))

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

    def _bound(self, values: Assignment, known: float) -> tuple[float, Vector | None]:
        """A proved upper bound of the objective under an assignment, and a point that HiGHS thinks attains it."""
        columns = self._switches
        chosen = [values.get(j) for j in columns.tolist()]
        lower = np.array([1.0 if side is True else 0.0 for side in chosen])
        upper = np.array([0.0 if side is False else 1.0 for side in chosen])
        self._relaxation.limit(columns, lower, upper)
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

    def _try(self, values: Assignment, point: Vector) -> None:
        """See whether the pattern that the relaxation suggests is a better region."""
        suggested = {s: values.get(s, bool(point[s] > 0.5)) for s in self._neurons}
        key = tuple(suggested.values())
        if key in self._tried:
            return
        self._tried.add(key)
        if self._contradicts(suggested):
            return
        self._leaf(suggested)

    def _branch(self, values: Assignment, point: Vector | None) -> int:
        """The binary to branch on."""
        free = [s for s in self._switches.tolist() if s not in values]
        if point is not None:
            fractional = [s for s in free if _FRACTION < point[s] < 1 - _FRACTION]
            if fractional:
                return max(fractional, key=lambda s: (self._score(s, point[s]), -s))
        return min((s for s in free if s in self._depth), key=lambda s: (self._depth[s], s))


def clause_row(model: Model, clause: Clause) -> Row:
    """Σ over the clause of (binary if it says so, else 1 − binary) ≤ its length − 1."""
    coefficients = tuple(1.0 if side else -1.0 for _, side in clause)
    limit = sum(side for _, side in clause) - 1.0
    return Row(f"not_{len(model.rows)}", tuple(s for s, _ in clause), coefficients, -INF, limit)


def ball_row(model: Model, ball: list[list[int]], C: Matrix) -> Row:
    """⟨C, X⟩ ≤ 1 over the seed's variables, shape (copies, size)."""
    scales = [model.exponents[j] for row in ball for j in row]
    coefficients = tuple(float(np.ldexp(c, e)) for c, e in zip(C.ravel().tolist(), scales, strict=True))
    return Row(f"ball_{len(model.rows)}", tuple(j for row in ball for j in row), coefficients, -INF, 1.0)
