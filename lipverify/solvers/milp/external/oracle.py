"""What the solver beside the search is asked, and what its answers mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from lipverify.geometry.witness import Certified
from lipverify.search.incumbent import Incumbent
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.encoding import Encoding
from lipverify.solvers.milp.encode.model import is_binary
from lipverify.solvers.milp.encode.norm import ball_cut, ball_row
from lipverify.solvers.milp.prepare import Prepared
from lipverify.solvers.milp.search.regions import Assignment
from lipverify.solvers.milp.search.tree import Tree
from lipverify.solvers.milp.search.upper_end import UpperEnd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lipverify.solvers.milp.external.backends import Progress, Report

_SOLVES, _BALL_SOLVES = 60, 6  # then rows cut off too little, and cost the search too much
_ENOUGH = 4.0  # allowances between the bounds below which another solve can tell nothing


class Solver(Protocol):
    """A solver that has the model, with all rows that it has when a solve begins."""

    def ask(self, start: Sequence[float] = ()) -> None:
        """Have the program solved."""
        ...

    def poll(self) -> list[Progress | Report]:
        """What it has said since the last look; a Report ends a solve."""
        ...

    def close(self) -> None:
        """End it at once."""
        ...


class Oracle:
    """A solver is asked for the program's maximum; its pattern is looked at in rationals, and cut off; and again.

    Between two steps of the search only: the search's program and nogoods are added to.

    Attributes
    ----------
    over
        Whether the solver has nothing more to tell.
    solves
        How many solves have ended.
    """

    def __init__(
        self, solver: Solver, prepared: Prepared, tree: Tree, incumbent: Incumbent[Certified], upper: UpperEnd
    ) -> None:
        from lipverify.solvers.milp.external.backends import TOLERANCE

        self._solver, self._encoding, self._regions = solver, prepared.encoding, prepared.regions
        self._tree, self._incumbent, self._upper = tree, incumbent, upper
        model = prepared.encoding.model
        self._linear = model.target()
        # Multipliers that miss dual feasibility by the tolerance on every column miss the bound by this much.
        self._allowance = TOLERANCE * (1 + float((np.array(model.upper) - np.array(model.lower)).sum()))
        self.over = False
        self.solves = 0
        solver.ask(warm_start(prepared.encoding, incumbent.best))

    def listen(self) -> bool:
        """Take in what the solver has said, without waiting for it; whether there may be more to hear."""
        from lipverify.solvers.milp.external.backends import Report

        while not self.over and (heard := self._solver.poll()):
            for said in heard:
                if isinstance(said, Report):
                    self._answered(said)
                else:
                    self._progressed(said)
        if self.over:
            self._solver.close()
        return not self.over

    def _progressed(self, progress: Progress) -> None:
        self._claim(progress.bound)
        if progress.values is not None:
            self._tree.suggest(self._pattern(progress.values))

    def _answered(self, report: Report) -> None:
        """Believe an answer as far as its verdict goes, and ask again if that may tell more."""
        from lipverify.solvers.milp.external.backends import Verdict

        self.solves += 1
        self.over = True
        if report.verdict in (Verdict.CRASHED, Verdict.UNKNOWN):
            self._upper.details["failure"] = report.message
            return
        if report.verdict is Verdict.INFEASIBLE:
            if self._upper.cut_off:
                self._claim(0.0)
            return
        self._claim(report.bound)
        if report.values is None:
            return
        self._examine(self._pattern(report.values))
        enough = self._linear.true_upper(_ENOUGH * self._allowance)
        if report.verdict is Verdict.LIMIT or self._upper.claimed <= self._incumbent.lower + enough:
            return
        ball, model = self._encoding.ball, self._encoding.model
        if ball is not None:
            self._tree.add(ball_row(model, ball, ball_cut(2.0 * np.array(report.values)[np.array(ball)])))
        if self.solves < (_SOLVES if ball is None else _BALL_SOLVES):
            self.over = False
            self._solver.ask()

    def _claim(self, bound: float) -> None:
        self._upper.claim(self._linear.true_upper(bound + self._allowance))

    def _pattern(self, values: list[float]) -> Assignment:
        return {j: values[j] > 0.5 for j in self._encoding.model.binaries}

    def _examine(self, values: Assignment) -> None:
        """Evaluate a pattern exactly, and cut it off, with all others that fail for the same reason."""
        found = self._regions.find(values)
        if isinstance(found, Certified):
            self._incumbent.offer(found)
            self._upper.cut_off = max(self._upper.cut_off, found.norm.upper)
            found = tuple((s, values[s]) for s in self._tree.neurons)
        self._tree.close(found)


def warm_start(encoding: Encoding, best: Certified | None) -> list[float]:
    """A region as a solution of the program; nothing where a row excludes it, or there is none."""
    if best is None:
        return []
    pairs = zip(encoding.states, best.witness.pattern, strict=True)
    sides = {s: float(on) for states, row in pairs for s, on in zip(states, row, strict=True) if is_binary(s)}
    relaxation, costs = Relaxation(encoding.model), encoding.model.target().costs
    for _ in range(2):  # the neurons' binaries first, then the others, as the relaxation likes them
        columns, values = np.array(list(sides), dtype=np.intp), np.array(list(sides.values()))
        relaxation.limit(columns, values, values)
        point = relaxation.maximise(costs).point
        if point is None:
            return []
        sides |= {j: float(point[j] > 0.5) for j in encoding.model.binaries if j not in sides}
    return point.tolist()
