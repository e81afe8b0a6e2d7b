"""What every attack does with its points: certify them, and keep the best."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any, TypeAlias, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.geometry.witness import Certified, certify_point
from lipverify.problem import Problem
from lipverify.search.incumbent import Incumbent

Coordinates: TypeAlias = Sequence[Fraction] | Sequence[float]


@final
class Proposals:
    """Certifies points and keeps the best: mutable, one per run.

    Parameters
    ----------
    problem, method
        What is asked, and who answers.
    lifted
        What an offered point stands for, where the search has coordinates of its own.
    """

    def __init__(
        self, problem: Problem, method: str, lifted: Callable[[Coordinates], Coordinates] | None = None
    ) -> None:
        self._problem = problem
        self._lifted = lifted
        self._method = method
        self._tried = 0
        self._incumbent: Incumbent[Certified] = Incumbent()

    @property
    def best(self) -> Certified | None:
        """The best region, None while there is none."""
        return self._incumbent.best

    def offer(self, point: Coordinates) -> Certified | None:
        """Certify a point; None when it lies on a boundary or outside the domain."""
        self._tried += 1
        certified = certify_point(self._problem, self._lifted(point) if self._lifted else point)
        self._incumbent.offer(certified)
        return certified

    def offer_first(self, points: Iterable[Coordinates]) -> Certified | None:
        """Certify points in turn until one is inside a region."""
        return next((found for point in points if (found := self.offer(point))), None)

    def bound(self, status: Status, **stats: Any) -> Bound:
        """The interval proved so far."""
        return Bound(
            method=self._method,
            status=status,
            lower=self._incumbent.lower,
            lower_rigor=Rigor.PROVED,
            witness=self.best.witness if self.best else None,
            stats={"certified": self._tried, **stats},
        )
