"""One run of branch and bound: the open nodes, the incumbent, and what is known at any moment."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

import numpy as np

from lipverify.arrays import Signs
from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import bounds_of, ceilings
from lipverify.evaluate import jacobian_with_error
from lipverify.geometry.cells import Cell, Cells
from lipverify.geometry.witness import Certified, certify_point, certify_region, confirmed
from lipverify.norms import norms_upper
from lipverify.problem import Budget, Problem, supports
from lipverify.solvers.branch_and_bound.closing import Grid
from lipverify.solvers.branch_and_bound.node import Estimate, Node, NodeBound
from lipverify.solvers.branch_and_bound.stability import Stability
from lipverify.trusted.rounding import MAX

if TYPE_CHECKING:
    from lipverify.solvers.branch_and_bound.search import BranchAndBound

_AT_ONCE = 64  # open nodes whose bounds are certified for one report
_TIE = 1e-9  # nodes whose bound is this close to the incumbent wait until the others are done


@dataclass(slots=True)
class Record:
    """How often a cheaper bound was asked and closed a node: one that hardly ever does is hardly ever asked."""

    asked: int = 0
    closed: int = 0
    skipped: int = 0

    def worth_asking(self) -> bool:
        """True while it is new or closes one node in thirty, and now and then to see whether that has changed."""
        if self.asked < 30 or 30 * self.closed >= self.asked:
            return True
        self.skipped += 1
        return self.skipped % 30 == 0

    def count(self, closed: bool) -> None:
        """Remember an answer."""
        self.asked += 1
        self.closed += closed


@final
class Tree:
    """One run: the open nodes, the incumbent, the counts."""

    def __init__(self, options: BranchAndBound, problem: Problem, budget: Budget) -> None:
        self._options = options
        self._problem = problem
        self._net = problem.network
        self._budget = budget
        self._grid = Grid.of(problem)
        self._cells = Cells(problem.network, problem.domain, budget.seed)
        self._stability = Stability(problem.network, problem.domain) if problem.domain.bounded else None
        opened = [(bounds.name, bounds.open(problem)) for bounds in options.bounds]
        self._bounds: list[tuple[str, NodeBound]] = [(name, bound) for name, bound in opened if bound is not None]
        self._records = [Record() for _ in self._bounds]
        self._best: Certified | None = None
        self._lower = 0.0
        self._enough = -1.0
        self._ceiling = math.inf  # a bound of what was given up for the sake of rel_gap
        self._stack: list[Node] = []
        self._heap: list[tuple[float, int, Node]] = []
        self._ties: list[Node] = []
        self._ticket = itertools.count()
        self._counts = dict.fromkeys(("nodes", "empty", "pruned", "leaves", "ties"), 0)
        self._sloppy = 0.0
        self._attack = self._incumbents()
        self._root_upper = math.inf

    @property
    def best(self) -> Certified | None:
        """The incumbent."""
        return self._best

    def steps(self) -> Iterator[None]:
        """Work, in pieces of a few milliseconds."""
        for bound in ceilings(self._options.ceiling, self._problem, self._budget):
            self._root_upper = min(self._root_upper, bound.upper)
            yield
        self._consider(self._cells.root(), self._linear(), None, self._root_upper)
        yield
        tried = 0
        while True:
            while tried < self._options.opening + self._options.pace * math.sqrt(self._counts["nodes"]):
                self._try_incumbent()
                tried += 1
                yield
            node = self._next()
            if node is None:
                return
            if self._counts["nodes"] == self._options.interpreted:
                self._compile()
            self._expand(node)
            yield

    def _compile(self) -> None:
        self._cells.compile()
        for _, bound in self._bounds:
            bound.compile()

    # The tree.

    def _linear(self) -> Signs:
        """The root's signs: neurons with equal slopes need none and count as active."""
        equal = [s[:, 0] == s[:, 1] for s in self._net.slopes]
        return np.concatenate([np.zeros(0, dtype=bool), *equal]).astype(np.int8)

    def _next(self) -> Node | None:
        """The next node that is still worth expanding."""
        while True:
            if self._stack:
                node = self._stack.pop()
            elif self._heap:
                node = heapq.heappop(self._heap)[2]
            elif self._ties:
                node = self._ties.pop()
            else:
                return None
            if node.estimate.upper <= self._enough:  # the incumbent has improved
                self._certify(node)
            if not self._closes(node.upper):
                return node
            self._counts["pruned"] += 1

    def _push(self, node: Node) -> None:
        if self._options.order == "best-first" and len(self._heap) < self._options.memory:
            heapq.heappush(self._heap, (-node.estimate.upper, next(self._ticket), node))
        else:
            self._stack.append(node)

    def _expand(self, node: Node) -> None:
        """Both children of a node, the one of the larger bound on top."""
        self._counts["nodes"] += 1
        children: list[Node] = []
        for side in (1, -1):
            signs = node.signs.copy()
            signs[node.neuron] = side
            child = self._consider(node.cell, signs, node.estimate, node.upper)
            if child is not None:
                children.append(child)
        for child in sorted(children, key=lambda c: c.estimate.upper):
            self._push(child)

    def _consider(self, cell: Cell, signs: Signs, parent: Estimate | None, upper: float) -> Node | None:
        """The node of some signs, or None when it is dealt with."""
        found = self._decide(cell, signs)
        if found is None:
            return self._dealt_with("empty", signs, 0.0)
        cell, signs = found
        if self._cells.is_region(cell):
            self._evaluate(cell)
            return self._dealt_with("leaves", signs, upper)
        estimate, upper = self._bound(signs, parent, upper)
        if parent is None:
            self._root_upper = upper
        if self._closes(upper):
            return self._dealt_with("pruned", signs, upper)
        neuron = self._options.rule.choose(estimate.scores, signs, cell.undecided)
        node = Node(signs, cell, estimate, neuron, upper)
        if parent is None:
            self._push(node)
            return None
        if self._best is not None and estimate.upper <= self._lower * (1 + _TIE):
            self._ties.append(node)
            return self._dealt_with("ties", signs, estimate.upper)
        self._note("open", signs, estimate.upper)
        return node

    def _dealt_with(self, fate: str, signs: Signs, upper: float) -> None:
        self._counts[fate] += 1
        self._note(fate, signs, upper)

    def _note(self, fate: str, signs: Signs, upper: float) -> None:
        if self._options.log is not None:
            self._options.log(fate, tuple(signs.tolist()), upper)

    def _decide(self, cell: Cell, signs: Signs) -> tuple[Cell, Signs] | None:
        """The cell of some signs with all that follows from them, or None when, proven, it holds no region."""
        while True:
            found = self._cells.restrict(cell, signs)
            if found is None or self._stability is None or self._cells.is_region(found[0]):
                return found
            cell, signs = found
            gained = self._stability.implied(signs)
            if gained is None:
                return None
            if not (gained & (signs == 0)).any():
                return cell, signs
            signs = np.where(signs == 0, gained, signs)

    def _bound(self, signs: Signs, parent: Estimate | None, upper: float) -> tuple[Estimate, float]:
        """What the bounds say, cheapest first, and a certified upper bound from those that were asked."""
        states: dict[str, Estimate] = {}
        scores, least = np.zeros(self._net.neurons), math.inf
        for k, (name, bound) in enumerate(self._bounds):
            record = self._records[k]
            if parent is not None and k + 1 < len(self._bounds) and not record.worth_asking():
                continue
            before = None if parent is None else parent.state.get(name)
            own = bound.estimate(signs, before, self._enough)
            states[name], scores, least = own, own.scores, min(least, own.upper)
            if parent is None or own.upper <= self._enough:
                upper = min(upper, bound.certified(signs, own, self._enough))
            closed = self._closes(upper)
            record.count(closed)
            if closed:
                break
        return Estimate(least, scores, states), upper

    def _closes(self, upper: float) -> bool:
        """Whether a certified upper bound rules out anything better than the incumbent."""
        if upper <= self._enough:
            return True
        if self._best is not None and upper <= min(self._lower * (1 + self._budget.rel_gap), MAX):
            self._sloppy = max(self._sloppy, upper)
            return True
        return False

    # The incumbent.

    def _incumbents(self) -> Iterator[Bound]:
        method = self._options.incumbent
        if method is not None and supports(method, self._problem):
            yield from bounds_of(method, self._problem, replace(self._budget, rel_gap=0.0))

    def _try_incumbent(self) -> None:
        bound = next(self._attack, None)
        if bound is None or bound.witness is None:
            return
        if self._best is None or bound.lower > self._lower:
            certified = certify_point(self._problem, bound.witness.point)
            if certified is not None:
                self._offer(certified)

    def _evaluate(self, cell: Cell) -> None:
        """A region: rigorous floats rule most of them out, the others are evaluated exactly."""
        pattern = self._cells.pattern(cell)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            mid, rad = jacobian_with_error(self._net, [np.array(layer) for layer in pattern])
            floor = self._lower if self._best else -math.inf
            (ceiling,) = norms_upper(mid[None], rad[None], self._problem.norm, floor)
        if not ceiling <= floor:
            self._offer(certify_region(self._problem, self._cells.point(cell), pattern))

    def _offer(self, certified: Certified) -> None:
        if self._best is None or certified.norm.exceeds(self._best.norm):
            self._best = certified = confirmed(self._problem, certified)
            self._lower = certified.norm.lower
            self._enough = self._grid.enough(certified.norm)

    # What is known.

    def report(self, status: Status) -> Bound:
        """The interval proved so far."""
        self._refresh()
        started = self._counts["nodes"] > 0 or bool(self._stack or self._heap)
        upper = max((node.upper for node in self._open()), default=0.0 if started else self._root_upper)
        ceiling = max(upper, self._sloppy, self._best.norm.upper if self._best else 0.0)
        return Bound(
            method=self._options.name,
            status=status,
            lower=self._lower,
            lower_rigor=Rigor.PROVED,
            upper=ceiling,
            upper_rigor=Rigor.PROVED if math.isinf(ceiling) else Rigor.ROUNDED,
            witness=self._best.witness if self._best else None,
            stats=self._stats(),
        )

    def result(self) -> Bound:
        """The end: nothing is open any more."""
        assert self._best is not None  # a domain has an interior, so it meets a region
        if self._sloppy > self._enough:  # what was given up may hold more, if by no more than that
            return self.report(Status.CLOSED)
        return Bound.exactly(
            self._best.norm,
            upper_rigor=Rigor.ROUNDED,
            method=self._options.name,
            witness=self._best.witness,
            stats=self._stats(),
        )

    def _refresh(self) -> None:
        """Certify the bounds of the open nodes that hold the upper side up; each of them once."""
        for node in heapq.nlargest(_AT_ONCE, self._open(), key=lambda n: n.upper):
            if not node.fresh:
                self._certify(node)

    def _certify(self, node: Node) -> None:
        """Give a node a bound of its own."""
        node.fresh = True
        for name, bound in self._bounds:
            own = node.estimate.state.get(name)
            if own is not None:
                node.upper = min(node.upper, bound.certified(node.signs, own, self._enough))

    def _open(self) -> Iterator[Node]:
        yield from self._stack
        yield from (node for _, _, node in self._heap)
        yield from self._ties

    def _stats(self) -> dict[str, int]:
        return {**self._counts, "lps": self._cells.lps, "settled": self._cells.settled}
