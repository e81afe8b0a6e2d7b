"""An exact method on each independent part of a problem, and the constant of the whole (proofs/parts.md)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from lipverify.arrays import Point
from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import bounds_of
from lipverify.errors import LipverifyError
from lipverify.geometry.witness import Certified, certify_point
from lipverify.norms import NormPair
from lipverify.problem import Budget, Method, Problem, Side
from lipverify.solvers.parts import Part, Parts, independent
from lipverify.trusted.vectors import vector_upper


@final
@dataclass(frozen=True)
class Apart:
    """A method that solves independent parts one by one, each as far as the whole needs it.

    What has no parts is left to the method as it is. The lower side is the exact norm at a point of the whole network,
    put together from the parts' witnesses, and the upper side the norm of the vector of the parts' upper sides.

    Attributes
    ----------
    method
        An exact method.
    """

    method: Method

    @property
    def name(self) -> str:
        """The method's name."""
        return self.method.name

    @property
    def side(self) -> Side:
        """Both."""
        return self.method.side

    @property
    def rigor(self) -> Rigor:
        """The method's."""
        return self.method.rigor

    @property
    def norms(self) -> tuple[NormPair, ...]:
        """The method's."""
        return self.method.norms

    @property
    def needs_box(self) -> bool:
        """Whether the method does."""
        return self.method.needs_box

    @property
    def cost(self) -> str:
        """The method's."""
        return self.method.cost

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The interval of the whole after every bound of a part."""
        parts = independent(problem)
        if parts is None:
            yield from self.method.run(problem, budget)
            return
        whole = _Whole(self.method, parts, budget)
        try:
            yield from whole.run()
        finally:
            whole.close()


@final
class _Run:
    """The method on one part."""

    def __init__(self, method: Method, part: Part, budget: Budget) -> None:
        self._steps = bounds_of(method, part.problem, budget)
        self.last = Bound(method=method.name, status=Status.INTERRUPTED)

    @property
    def over(self) -> bool:
        """Whether it has said its last."""
        return self.last.status is not Status.INTERRUPTED

    def step(self) -> None:
        """Its next bound."""
        self.last = next(self._steps)

    def close(self) -> None:
        """Stop it, which gives back what it holds."""
        self._steps.close()


@final
class _Whole:
    """All parts under way."""

    def __init__(self, method: Method, parts: Parts, budget: Budget) -> None:
        self._method, self._parts = method, parts
        # What is good enough for the whole is good enough for a part only where the greatest part is all that counts.
        own = budget if parts.order == math.inf else replace(budget, target=0.0)
        self._runs = [_Run(method, part, own) for part in parts.parts]
        self._found: list[Point | None] = []
        self._best: Certified | None = None
        self._upper = math.inf

    def close(self) -> None:
        """Stop all of them."""
        for run in self._runs:
            run.close()

    def run(self) -> Iterator[Bound]:
        """As `Method.run`."""
        while True:
            waiting = [run for run in self._runs if not run.over and not self._negligible(run)]
            if not waiting:
                break
            # First everybody once; then whoever holds the upper side up most.
            max(waiting, key=self._weight).step()
            self._put_together()
            yield self._interval(Status.INTERRUPTED)
        yield self._end()

    def _weight(self, run: _Run) -> float:
        return run.last.upper if self._parts.order == math.inf else run.last.upper - run.last.lower

    def _negligible(self, run: _Run) -> bool:
        """Whether a part cannot be the one that the whole is the maximum of; it may equal it."""
        best = self._best
        return self._parts.order == math.inf and best is not None and run.last.upper <= best.norm.lower

    def _put_together(self) -> None:
        """Certify the parts' witnesses as one point of the whole, where one of them has become better.

        Its norm may have become greater by less than the lower side, a float, can show.
        """
        found = [run.last.witness.point if run.last.witness else None for run in self._runs]
        if found == self._found or not any(point is not None for point in found):
            return
        self._found = found
        for point in self._parts.points(found):
            whole = certify_point(self._parts.whole, point)
            if whole is not None:
                if self._best is None or whole.norm.exceeds(self._best.norm):
                    self._best = whole
                return
        raise LipverifyError("witnesses of independent parts make no witness of the whole; this is a bug in lipverify")

    def _interval(self, status: Status) -> Bound:
        uppers = np.array([run.last.upper for run in self._runs])
        if np.isfinite(uppers).all():
            self._upper = min(self._upper, vector_upper(uppers, self._parts.order))
        rigor = min(run.last.upper_rigor for run in self._runs)
        best = self._best
        return Bound(
            method=self._method.name,
            status=status,
            lower=best.norm.lower if best else 0.0,
            lower_rigor=Rigor.PROVED,
            upper=self._upper,
            upper_rigor=Rigor.PROVED if math.isinf(self._upper) else rigor,
            witness=best.witness if best else None,
            stats=self._stats(),
        )

    def _end(self) -> Bound:
        best, statuses = self._best, {run.last.status for run in self._runs if not self._negligible(run)}
        if best is not None and statuses <= {Status.EXACT}:
            return Bound.exactly(
                best.norm,
                upper_rigor=min(run.last.upper_rigor for run in self._runs),
                method=self._method.name,
                witness=best.witness,
                stats=self._stats(),
            )
        return self._interval(Status.FAILED if Status.FAILED in statuses else Status.CLOSED)

    def _stats(self) -> dict[str, int]:
        """Counts, added up."""
        total: dict[str, int] = {"parts": len(self._runs)}
        for run in self._runs:
            for name, count in run.last.stats.items():
                if isinstance(count, int) and not isinstance(count, bool):
                    total[name] = total.get(name, 0) + count
        return total
