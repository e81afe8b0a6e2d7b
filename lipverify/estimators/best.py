"""The smallest of several upper bounds, for when none is the tightest on every domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import bounds_of
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Method, Problem, Side, supports


@final
@dataclass(frozen=True)
class Best:
    """The smallest of the bounds of some upper methods; those that do not support a problem are left out.

    A bound keeps the rigor and the details of the method it comes from, which `stats["from"]` names. Cost: theirs, one
    after the other.

    Parameters
    ----------
    methods
        Upper methods, cheapest first.
    """

    methods: tuple[Method, ...]

    name: ClassVar[str] = "best"
    side: ClassVar[Side] = "upper"
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "that of its methods together"

    @property
    def rigor(self) -> Rigor:
        """The most that one of them claims."""
        return max((method.rigor for method in self.methods), default=Rigor.PROVED)

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The bounds of each method in turn, none looser than the one before."""
        best = Bound(method=self.name, status=Status.INTERRUPTED)
        status = Status.ONE_SIDED
        for method in self.methods:
            if not supports(method, problem):
                continue
            for bound in bounds_of(method, problem, budget):
                if bound.upper < best.upper:
                    stats = {**bound.stats, "from": method.name}
                    best = replace(bound, method=self.name, status=Status.INTERRUPTED, stats=stats)
                    yield best
                if bound.status is Status.TIME_LIMIT:
                    status = Status.TIME_LIMIT
            if budget.expired:
                status = Status.TIME_LIMIT
                break
        yield best.stopped(status)
