"""One run of branch and bound: cells and bounds for the tree search, the incumbent, and what is known at any moment."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, final

import numpy as np

from lipverify.arrays import Signs
from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import bounds_of
from lipverify.evaluate import jacobian_with_error
from lipverify.geometry.cells import Cell, Cells
from lipverify.geometry.witness import Certified, certify_point, certify_region, confirmed
from lipverify.memory import resident
from lipverify.norms import norms_upper
from lipverify.problem import Budget, Problem, supports
from lipverify.search.closing import Closing
from lipverify.search.effort import Effort, Question
from lipverify.search.fate import Fate
from lipverify.search.frontier import Frontier
from lipverify.search.incumbent import Incumbent
from lipverify.search.node_bound import Estimate, NodeBound, Tightens
from lipverify.search.tree import expand
from lipverify.solvers.branch_and_bound import loops
from lipverify.solvers.branch_and_bound.checkpoint import Copy, OpenNode, Saved
from lipverify.solvers.branch_and_bound.grid import Grid
from lipverify.solvers.branch_and_bound.mirror import mirrored_neurons
from lipverify.solvers.branch_and_bound.node import Node
from lipverify.solvers.branch_and_bound.stability import Stability
from lipverify.trusted.rounding import MAX

if TYPE_CHECKING:
    from lipverify.solvers.branch_and_bound.search import BranchAndBound

_LOADING, _MAKING = 3.0, 30.0  # seconds that must be left for compiled code: to load it, and to begin to make it
_AT_ONCE = 64  # open nodes whose bounds are certified for one report
_ROOM = 2e-5  # between the incumbent and what is enough: with less, cuts would have to close the gap itself
_LOOK, _FEW = 16, 64  # nodes between two looks at the memory or for compiled code; open ones that are no burden
_TIE = 1e-9  # nodes whose bound is this close to the incumbent wait until the others are done


@final
class Tree:
    """One run: what the tree search needs of cells and bounds, and what it has come to.

    Parameters
    ----------
    upper
        What is known before.
    saved
        The search that it goes on with.

    Attributes
    ----------
    waiting
        Open nodes that are no nodes yet: of a checkpoint, or to be given away.
    away
        Open nodes that others have.
    """

    def __init__(
        self,
        options: BranchAndBound,
        problem: Problem,
        budget: Budget,
        upper: float = math.inf,
        saved: Saved | None = None,
    ) -> None:
        self._options, self._problem, self._budget = options, problem, budget
        self._net = problem.network
        self._grid = Grid.of(problem)
        self._cells = Cells(problem.network, problem.domain, budget.seed)
        self._stability = Stability(problem.network, problem.domain) if problem.domain.bounded else None
        opened = [(bounds.name, bounds.open(problem)) for bounds in options.bounds]
        self._bounds: list[tuple[str, NodeBound]] = [(name, bound) for name, bound in opened if bound is not None]
        self._questions = [Question(1 / 30, 30, closed=1.0) for _ in self._bounds]
        self._order = options.order
        self._frontier: Frontier[Node] = Frontier(options.order, options.memory)
        self._effort = Effort()
        self._target = budget.target or -1.0  # at 0 a region is wanted all the same
        self._closing = Closing(tolerated=self._target)
        self._incumbent: Incumbent[Certified] = Incumbent()
        self._begun = False
        self._copy = Copy(options.checkpoint, problem)
        self._attack = self._proposals()
        self._root_upper = upper
        self._root: Cell | None = None
        self._tried = 0
        self._compiled = False
        self._more: Counter[str] = Counter()
        self.waiting: list[OpenNode] = []
        self.away: Mapping[int, tuple[OpenNode, ...]] = {}
        if saved is not None:
            self._begun = True
            self.waiting = sorted(saved.open, key=_by_upper)
            self._effort.nodes = saved.nodes
            self._take(saved)

    def _take(self, saved: Saved) -> None:
        """Take over what a search has found, apart from its open nodes."""
        self._closing.settle(saved.settled)
        best = self._incumbent.best
        if saved.incumbent is not None and (best is None or saved.incumbent != best.witness.point):
            self._offer(saved.best(self._problem))

    def pack(self) -> None:
        """Put every open node among those that wait, as they travel, the most promising last."""
        self.waiting += (OpenNode(node.signs, node.upper) for node in self._frontier)
        self.waiting.sort(key=_by_upper)
        self._frontier = Frontier(self._order, self._options.memory)

    def given(self, nodes: tuple[OpenNode, ...]) -> Saved:
        """Some open nodes as a search of their own."""
        best = self._incumbent.best
        return Saved(nodes, best.witness.point if best else None, 0.0, 0)

    def unpack(self, saved: Saved, counts: Mapping[str, int]) -> None:
        """Take over what somebody else has made of some of the open nodes."""
        self._take(saved)
        self._more.update(counts)
        self._effort.nodes += saved.nodes
        self._more["nodes"] = 0  # these are counted already
        self.waiting += saved.open
        self.waiting.sort(key=_by_upper)
        while self.waiting and self._closing.closes(self.waiting[0].upper):
            self._effort.count(Fate.PRUNED)
            del self.waiting[0]

    def save(self, *, last: bool = False) -> None:
        """Write the search down, if that is wanted and due: between two steps, when nothing is in hand."""
        if self._begun:
            self._copy.keep(lambda: self.saved, last=last)

    @property
    def saved(self) -> Saved:
        """The search as it is between two steps."""
        best = self._incumbent.best
        away = (node for nodes in self.away.values() for node in nodes)
        nodes = (*self.waiting, *away, *(OpenNode(node.signs, node.upper) for node in self._frontier))
        return Saved(nodes, best.witness.point if best else None, self._closing.settled, self._effort.nodes)

    @property
    def best(self) -> Certified | None:
        """The incumbent."""
        return self._incumbent.best

    def steps(self) -> Iterator[None]:
        """Work, in pieces of a few milliseconds."""
        if not self._begun:
            self._begin()
            self._begun = True
        yield
        while self.waiting or len(self._frontier):
            while self.waiting:
                self._restore()
                yield
                if self._order == "depth-first":  # one after the other
                    yield from self._expand()
            yield from self._expand()

    def _expand(self) -> Iterator[None]:
        """Take nodes apart until none is open, or until they take too much memory."""
        expansion = expand(self, self._frontier, self._effort)
        while True:
            for _ in self.attacked():
                yield
            nodes = self._effort.nodes - self._options.interpreted
            if not self._compiled and nodes >= 0 and nodes % _LOOK == 0:
                self.load()
            if next(expansion, self) is self:
                return
            yield
            if self._relieved():  # after a node, so that the search goes on however little there is
                return

    def _relieved(self) -> bool:
        """Beyond the memory that there is open nodes wait, as signs, and the search goes on depth first."""
        looks = math.isfinite(self._budget.memory) and self._effort.nodes % _LOOK == 0 and len(self._frontier) > _FEW
        if not looks or resident() <= self._budget.memory:
            return False
        self._order = "depth-first"
        self.pack()
        return True

    def attacked(self) -> Iterator[None]:
        """As much of the search for incumbents as so many nodes are worth."""
        while self._tried < self._options.opening + self._options.pace * math.sqrt(self._effort.nodes):
            self._tried += 1
            self._try_proposal()
            yield

    def _restore(self) -> None:
        """Make a node of the last one that waits; it waits until that is done."""
        if self._root is None:
            self._root = self._cells.root()
        signs, upper, _ = self.waiting[-1]  # whatever else these signs are open for
        if not self._closing.closes(upper):
            fate, node = self._consider(self._root, signs, None, upper)
            if node is not None:
                self._frontier.push([node])
            else:
                self._effort.count(fate)
        self.waiting.pop()

    def load(self) -> bool:
        """Load compiled code once that takes a moment and there is time; whether it is there."""
        if self._compiled:
            return True
        left = self._budget.remaining
        if not self._options.interpreted:
            loops.wait()
        elif left < _LOADING or not loops.ready(begin=left > _MAKING):
            return False
        self._compile()
        self._compiled = True
        return True

    def _compile(self) -> None:
        self._cells.compile()
        for _, bound in self._bounds:
            bound.compile()

    # The tree.

    def _begin(self) -> None:
        """The root. Neurons with equal slopes need no sign and count as active."""
        equal = [s[:, 0] == s[:, 1] for s in self._net.slopes]
        signs = np.concatenate([np.zeros(0, dtype=bool), *equal]).astype(np.int8)
        fate, root = self._consider(self._cells.root(), signs, None, self._root_upper)
        if root is not None:
            fate, root = self._without_mirror_images(fate, root)
        if root is None:
            self._effort.count(fate)
        else:
            self._frontier.push([root])

    def _without_mirror_images(self, fate: Fate, root: Node) -> tuple[Fate, Node | None]:
        """One side of the root, where the other is its mirror image; else the root."""
        choices = np.intersect1d(mirrored_neurons(self._problem), root.cell.undecided)
        if not len(choices):
            return fate, root
        signs = root.signs.copy()
        signs[choices[np.argmax(root.estimate.scores[choices])]] = 1
        return self._consider(root.cell, signs, root.estimate, root.upper)

    def still_open(self, node: Node) -> bool:
        """Whether the incumbent, which may have improved, leaves a node open."""
        if node.promise > self._goal > self._incumbent.lower * (1 + _ROOM):
            self._tighten(node)
        if node.promise <= self._goal:
            self._certify(node)
        return not self._closing.closes(node.upper)

    def _tighten(self, node: Node) -> None:
        """Make a node's bounds better before it is taken apart, where there is a way."""
        for name, bound in self._bounds:
            before = node.estimate.state.get(name)
            if before is None or not isinstance(bound, Tightens):
                continue
            found = bound.tightened(before, self._goal)
            if found is not before:
                states = {**node.estimate.state, name: found}
                node.estimate = Estimate(min(node.estimate.upper, found.upper), found.scores, states)
                node.neuron = self._options.rule.choose(found.scores, node.signs, node.cell.undecided)
                node.fresh = False

    def children(self, node: Node) -> Iterator[tuple[Fate, Node | None]]:
        """Both sides of a node's neuron."""
        for side in (1, -1):
            signs = node.signs.copy()
            signs[node.neuron] = side
            yield self._consider(node.cell, signs, node.estimate, node.upper)

    def _consider(self, cell: Cell, signs: Signs, parent: Estimate | None, upper: float) -> tuple[Fate, Node | None]:
        """What becomes of some signs on a cell, within whose bound they are."""
        found = self._decide(cell, signs)
        if found is None:
            return self._noted(Fate.EMPTY, signs, 0.0)
        cell, signs = found
        if self._cells.is_region(cell):
            self._evaluate(cell)
            return self._noted(Fate.LEAF, signs, upper)
        estimate, upper = self._bound(signs, parent, upper)
        if parent is None and not self._begun:
            self._root_upper = upper
        if self._closing.closes(upper):
            return self._noted(Fate.PRUNED, signs, upper)
        neuron = self._options.rule.choose(estimate.scores, signs, cell.undecided)
        node = Node(signs, cell, estimate, neuron, upper)
        best = self._incumbent
        ties = parent is not None and best.best is not None and estimate.upper <= best.lower * (1 + _TIE)
        return self._noted(Fate.TIE if ties else Fate.OPEN, signs, estimate.upper, node)

    def _noted(self, fate: Fate, signs: Signs, upper: float, node: Node | None = None) -> tuple[Fate, Node | None]:
        if self._options.log is not None:
            self._options.log(fate.value, tuple(signs.tolist()), upper)
        return fate, node

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
        scores, least, enough = np.zeros(self._net.neurons), math.inf, self._goal
        for k, (name, bound) in enumerate(self._bounds):
            question = self._questions[k]
            if parent is not None and k + 1 < len(self._bounds) and not question.worth_asking():
                continue
            before = None if parent is None else parent.state.get(name)
            own = bound.estimate(signs, before, enough)
            states[name], scores, least = own, own.scores, min(least, own.upper)
            if parent is None or own.upper <= enough:
                upper = min(upper, bound.certified(signs, own, enough))
            closed = self._closing.closes(upper)
            question.count(closed)
            if closed:
                break
        return Estimate(least, scores, states), upper

    def _certify(self, node: Node) -> None:
        """Give a node a bound of its own."""
        node.fresh = True
        for name, bound in self._bounds:
            own = node.estimate.state.get(name)
            if own is not None:
                node.upper = min(node.upper, bound.certified(node.signs, own, self._goal))

    @property
    def _goal(self) -> float:
        """What a node's bound need not fall below."""
        return max(self._closing.enough, self._target)

    # The incumbent.

    def _proposals(self) -> Iterator[Bound]:
        method = self._options.incumbent
        if method is not None and supports(method, self._problem):
            yield from bounds_of(method, self._problem, replace(self._budget, rel_gap=0.0))

    def _try_proposal(self) -> None:
        bound = next(self._attack, None)
        if bound is not None and bound.witness is not None and bound.lower > self._incumbent.floor:
            self._offer(certify_point(self._problem, bound.witness.point))

    def _evaluate(self, cell: Cell) -> None:
        """A region: rigorous floats rule most of them out, the others are evaluated exactly."""
        pattern = self._cells.pattern(cell)
        floor = self._incumbent.floor
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            mid, rad = jacobian_with_error(self._net, [np.array(layer) for layer in pattern])
            (ceiling,) = norms_upper(mid[None], rad[None], self._problem.norm, floor)
        if not ceiling <= floor:
            self._offer(certify_region(self._problem, self._cells.point(cell), pattern))

    def _offer(self, found: Certified | None) -> None:
        if found is not None and self._incumbent.improved_by(found.norm):
            self._incumbent.offer(confirmed(self._problem, found))
            self._closing.enough = self._grid.enough(found.norm)
            tolerated = min(self._incumbent.lower * (1 + self._budget.rel_gap), MAX)
            self._closing.tolerated = max(tolerated, self._target)

    # What is known.

    def report(self, status: Status) -> Bound:
        """The interval proved so far."""
        for node in heapq.nlargest(_AT_ONCE, self._frontier, key=lambda n: n.upper):
            if not node.fresh:  # these hold the upper side up
                self._certify(node)
        uppers = [node.upper for node in self._frontier]
        uppers += [upper for nodes in (self.waiting, *self.away.values()) for _, upper, _ in nodes]
        upper = max(uppers, default=0.0 if self._begun else self._root_upper)
        upper = max(upper, self._closing.settled, self._incumbent.upper)
        best = self._incumbent.best
        return Bound(
            method=self._options.name,
            status=status,
            lower=self._incumbent.lower,
            lower_rigor=Rigor.PROVED,
            upper=upper,
            upper_rigor=Rigor.PROVED if math.isinf(upper) else Rigor.ROUNDED,
            witness=best.witness if best else None,
            stats=self.stats(),
        )

    def result(self) -> Bound:
        """The end: nothing is open any more."""
        best = self._incumbent.best
        if best is None:  # a domain has an interior, so it meets a region: the target has closed all of them
            return self.report(Status.CLOSED)
        if self._closing.settled > self._closing.enough:  # what was given up may hold more, if by no more than that
            return self.report(Status.CLOSED)
        return Bound.exactly(
            best.norm,
            upper_rigor=Rigor.ROUNDED,
            method=self._options.name,
            witness=best.witness,
            stats=self.stats(),
        )

    def stats(self) -> dict[str, int | str]:
        """What it took, here and elsewhere."""
        return {**self.counts, **self._copy.failure}

    @property
    def counts(self) -> dict[str, int]:
        """The numbers of it."""
        counts = {**self._effort.stats(), "lps": self._cells.lps, "settled": self._cells.settled}
        return {name: count + self._more[name] for name, count in counts.items()}


def _by_upper(node: OpenNode) -> float:
    return node.upper
