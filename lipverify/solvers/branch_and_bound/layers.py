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
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, final

import numpy as np

from lipverify.arrays import Bools, Signs
from lipverify.domain import Box, Domain, Polytope
from lipverify.evaluate import jacobian_exact
from lipverify.geometry.cells import Cells
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.geometry.witness import Certified, certify_point, certify_region
from lipverify.norms import exact_norm
from lipverify.problem import Budget, Problem
from lipverify.solvers.branch_and_bound.closing import Grid
from lipverify.solvers.branch_and_bound.heads import heads
from lipverify.solvers.branch_and_bound.starts import good_points
from lipverify.trusted.evidence import Chain, Head, Implied, Pruned, Space
from lipverify.trusted.evidence_exact import ExactReader
from lipverify.trusted.evidence_floats import FloatReader

SPLIT, PRUNED, TIE, REGION, OPEN, FAILED = range(6)  # fates, as in `engine.dive`

_SLICE = 0.1  # seconds that a dive should take
_LEAVES = 4  # how many times the engine's passes a sign tree may take when it is verified
_MARGIN = 3.0  # of the reader's error, kept by the engine


@dataclass(frozen=True, eq=False)
class Dive:
    """What the engine says of the nodes below one: N of them, parents before children, the first the node itself.

    Attributes
    ----------
    parents, fates
        The parent of each, −1 for the first, and what became of it: see `engine.dive`.
    signs, split, failed
        The signs known at each node, shape (N, n), which of them were decided by a split, and the sign vector at which
        its sign tree failed, (N, D), all 0 where there is none.
    passes
        How many passes its sign tree took.
    facts, nodes, sure
        The claims; which node each belongs to, and whether the engine is sure of it in floats.
    points, where
        Points where the norm seems large, and the node of which each is a region's, −1 where any.
    """

    parents: Any
    fates: Any
    signs: Signs
    split: Signs
    failed: Signs
    passes: Any
    facts: Implied
    nodes: Any
    sure: Bools
    points: Any
    where: Any


class Engine(Protocol):
    """Whoever searches below a node; trusted by nobody."""

    def dive(self, node: Node, head: Head, target: float, margin: float, nodes: int) -> Dive:
        """Search below a node for more than the target."""
        ...


@dataclass(eq=False, slots=True)
class Node:
    """An open node: signs that hold, which of them were split, the sign vector to try first, a proved upper bound."""

    head: int
    signs: Signs
    split: Signs
    failed: Signs
    upper: float
    exact: bool = False


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


def space_of(domain: Domain) -> Space | None:
    """The closure of a bounded domain; None for others."""
    if isinstance(domain, Box):
        return Space(domain.lower, domain.upper, np.zeros((0, domain.dimension)), np.zeros(0))
    if isinstance(domain, Polytope) and domain.bounded:
        box = enclosing_box(domain)
        return Space(box.lower, box.upper, -domain.A, domain.b)
    return None


@final
class LayerSearch:
    """One run: open nodes, the incumbent, the counts.

    Parameters
    ----------
    problem, budget
        What is asked, on a bounded domain, for a norm that has `heads`.
    space
        The closure of its domain.
    engine
        What searches.
    best
        An incumbent to start from.
    """

    def __init__(self, problem: Problem, budget: Budget, space: Space, engine: Engine, best: Certified | None) -> None:
        self._problem = problem
        self._budget = budget
        self._space = space
        self._engine = engine
        net = problem.network
        self._chain = Chain(net.weights, net.biases, net.slopes)
        self._heads = heads(problem)
        self._reader = FloatReader(self._chain, space)
        self._exact = ExactReader(self._chain, space)
        self._cells = Cells(net, problem.domain, budget.seed)
        self._grid = Grid.of(problem)
        self._best: Certified | None = None
        self._lower, self._enough = 0.0, -1.0
        self._heap: list[tuple[float, int, Node]] = []
        self._ticket = itertools.count()
        self._sloppy = 0.0
        self._ceiling = math.inf
        self._busy: Node | None = None
        self._size = 64
        self._errors: list[float] = []
        self.counts = Counts()
        if best is not None:
            self._offer(best)

    @property
    def upper(self) -> float:
        """An upper bound of the constant, at any moment."""
        top = max(self._sloppy, self._best.norm.upper if self._best else 0.0)
        for node in (self._busy, self._heap[0][2] if self._heap else None):
            if node is not None:
                top = max(top, node.upper)
        return min(top, self._ceiling) if self._best is not None else self._ceiling

    @property
    def best(self) -> Certified | None:
        """The incumbent."""
        return self._best

    @property
    def sloppy(self) -> float:
        """An upper bound of what was given up for the sake of rel_gap."""
        return self._sloppy

    def steps(self) -> Iterator[None]:
        """Work, in pieces of a tenth of a second."""
        signs = self._chain.linear.astype(np.int8)
        self._errors = [self._reader.error(head) for head in self._heads]
        roots = np.array([self._reader.upper(signs[None], head)[0] for head in self._heads])
        self._ceiling = float(roots.max())
        for h, upper in enumerate(roots.tolist()):
            failed = np.zeros(len(self._heads[h].directions), dtype=np.int8)
            self._push(Node(h, signs, np.zeros_like(signs), failed, upper))
        yield
        for point in good_points(self._problem, self._space, 20, 64, self._budget.seed)[:4]:
            if self._try_point(point):
                break
        yield
        while self._heap:
            node = heapq.heappop(self._heap)[2]
            if self._closes(node.upper):
                self.counts.pruned += 1
                continue
            self._busy = node
            if node.exact:
                self._expand(node)
            else:
                self._search(node)
            self._busy = None
            yield

    # Committing what is proved.

    def _search(self, node: Node) -> None:
        """A dive below a node, verified."""
        head = self._heads[node.head]
        margin = _MARGIN * self._errors[node.head]
        begun = time.monotonic()
        dive = self._engine.dive(node, head, self._enough, margin, self._size)
        for point, where in zip(dive.points[::-1], dive.where[::-1], strict=True):
            if where < 0 and self._try_point(point):
                break  # the last one is the best
        good = self._proved(node, dive)
        self._close(node, head, dive, good)
        self.counts.dives += 1
        spent = time.monotonic() - begun
        if spent < _SLICE / 2 and len(dive.parents) > self._size // 2:
            self._size = min(2 * self._size, 4096)
        elif spent > 2 * _SLICE:
            self._size = max(16, self._size // 2)

    def _proved(self, node: Node, dive: Dive) -> Bools:
        """The nodes of a dive all of whose signs are proved; those at which this ends become open, to be settled."""
        facts = dive.facts
        count = len(dive.parents)
        held = self._reader.implied(facts) & dive.sure
        self.counts.facts += len(held)
        lost = np.zeros(count, dtype=bool)
        for f in np.flatnonzero(~held).tolist():
            if lost[dive.nodes[f]]:
                continue
            state = facts.states[facts.index[f]]
            support = np.flatnonzero(facts.multipliers[f] > 0).tolist()
            self.counts.settled += 1
            if not self._exact.implied(state, int(facts.neurons[f]), int(facts.signs[f]), support):
                lost[dive.nodes[f]] = True
        good = np.zeros(count, dtype=bool)
        for i in range(count):
            parent = int(dive.parents[i])
            if parent >= 0 and not good[parent]:
                continue
            if not lost[i]:
                good[i] = True
                continue
            self.counts.refused += 1
            self._push_exact(node, dive, i)
        return good

    def _close(self, node: Node, head: Head, dive: Dive, good: Bools) -> None:
        """Commit the ends of a dive: what is pruned, regions, and what stays open."""
        fates = dive.fates
        self.counts.nodes += int(good.sum())
        self.counts.passes += int(dive.passes.sum())
        shut = np.flatnonzero(good & (fates == PRUNED))
        if len(shut):
            limit = _LEAVES * int(dive.passes[shut].max()) + 64
            ok = self._reader.pruned(Pruned(dive.signs[shut], head, self._enough, limit))
            self.counts.pruned += int(ok.sum())
            for i in shut[~ok].tolist():
                self._settle(node, head, dive, i)
        points = {int(w): k for k, w in enumerate(dive.where.tolist()) if w >= 0}
        for i in np.flatnonzero(good & (fates == REGION)).tolist():
            self.counts.leaves += 1
            point = dive.points[points[i]] if i in points else None
            if point is None or not self._is_region(dive.signs[i], point):
                self._settle(node, head, dive, i)
        for i in np.flatnonzero(good & ((fates == TIE) | (fates == FAILED))).tolist():
            self._settle(node, head, dive, i)
        left = np.flatnonzero(good & (fates == OPEN))
        if len(left):
            uppers = np.minimum(self._reader.upper(dive.signs[left], head), node.upper)
            for i, upper in zip(left.tolist(), uppers.tolist(), strict=True):
                self._push(Node(node.head, dive.signs[i].copy(), dive.split[i].copy(), dive.failed[i].copy(), upper))

    def _settle(self, node: Node, head: Head, dive: Dive, i: int) -> None:
        """A node whose signs are proved and whose end is not."""
        if self._best is not None and self._best.norm.root is not None:
            self.counts.settled += 1
            if self._is_no_better(dive.signs[i]):
                return
            if self._exact.pruned(dive.signs[i], head, self._best.norm.root):
                self.counts.pruned += 1
                return
        self.counts.refused += 1
        self._push_exact(node, dive, i, dive.signs[i])

    def _push_exact(self, node: Node, dive: Dive, i: int, signs: Signs | None = None) -> None:
        """Open a node of a dive for exact arithmetic; without its own signs with its parent's and the split's."""
        if signs is None:
            parent = int(dive.parents[i])
            signs = node.signs
            if parent >= 0:
                signs = dive.signs[parent].copy()
                fresh = np.flatnonzero((dive.split[i] != 0) & (dive.split[parent] == 0))
                signs[fresh] = dive.signs[i][fresh]
        self._push(Node(node.head, signs.copy(), dive.split[i].copy(), dive.failed[i].copy(), node.upper, True))

    def _expand(self, node: Node) -> None:
        """One step in exact arithmetic: the cell of a node's signs, and both sides of a neuron."""
        self.counts.nodes += 1
        head = self._heads[node.head]
        found = self._cells.restrict(self._cells.root(), node.signs)
        if found is None:
            return
        cell, signs = found
        if self._cells.is_region(cell):
            self.counts.leaves += 1
            self._offer(certify_region(self._problem, self._cells.point(cell), self._cells.pattern(cell)))
            return
        upper = min(node.upper, float(self._reader.upper(signs[None], head)[0]))
        if self._closes(upper):
            self.counts.pruned += 1
            return
        neuron = int(cell.undecided[0])
        for side in (1, -1):
            child = signs.copy()
            child[neuron] = side
            split = ((child != 0) & ~self._chain.linear).astype(np.int8)
            self._push(Node(node.head, child, split, node.failed, upper))

    def _is_no_better(self, signs: Signs) -> bool:
        """Whether the Jacobian of a complete pattern, be there a region of it or not, does not beat the incumbent."""
        if not signs.all() or self._best is None:
            return False
        layers = np.split(signs > 0, self._chain.offsets[1:-1])
        pattern = tuple(tuple(layer.tolist()) for layer in layers)
        norm = exact_norm(jacobian_exact(self._problem.network, pattern), self._problem.norm)
        return not norm.exceeds(self._best.norm)

    def _is_region(self, signs: Signs, point: Any) -> bool:
        """Whether a point shows that a complete pattern has a region; its norm counts then."""
        found = self._certified(point)
        if found is None:
            return False
        there = np.where(np.concatenate([np.array(layer) for layer in found.witness.pattern]), 1, -1)
        if not (there == signs).all():
            return False
        self._offer(found)
        return True

    def _push(self, node: Node) -> None:
        heapq.heappush(self._heap, (-node.upper, next(self._ticket), node))

    def _closes(self, upper: float) -> bool:
        if upper <= self._enough:
            return True
        if self._best is not None and upper <= self._lower * (1 + self._budget.rel_gap):
            self._sloppy = max(self._sloppy, upper)
            return True
        return False

    # The incumbent.

    def _try_point(self, point: Any) -> bool:
        found = self._certified(point)
        if found is not None:
            self._offer(found)
        return found is not None

    def _certified(self, point: Any) -> Certified | None:
        values = np.asarray(point, dtype=np.float64)
        return certify_point(self._problem, values.tolist()) if np.isfinite(values).all() else None

    def _offer(self, certified: Certified) -> None:
        if self._best is None or certified.norm.exceeds(self._best.norm):
            self._best = certified
            self._lower = certified.norm.lower
            self._enough = self._grid.enough(certified.norm)
