"""An exact method in company: bounds that are cheap run beside it, so that stopped early it is no worse than they are.

The company shares nothing with the method but the processor. Each is a generator of bounds, and who is next is decided
between two bounds: by what each has had, and by what may be expected of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import final

from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import bounds_of
from lipverify.errors import LipverifyError
from lipverify.problem import Budget, Method, Problem, supports
from lipverify.watch import within

QUICK = 1.0  # A method that may end within its limit is alone for so many seconds (or a quarter of the limit);
GLANCE = 2.0  # then the company has so many at once if the method is expected to take longer than QUICK,
SHARE = 0.05  # and this part of the time after that.
STALE = 0.5  # Who has found nothing for this part of its time (and PATIENCE seconds) is only asked now and then,
PATIENCE = 0.3
SELDOM = 0.25  # for so much of the time.


def accompanied(
    method: Method, company: Sequence[Method], problem: Problem, budget: Budget, expected: float
) -> Iterator[Bound]:
    """What the method yields, each side replaced by the company's where that is better.

    Parameters
    ----------
    method
        An exact method; when it ends its last bound is the last.
    company
        Upper and lower methods, the cheapest first; those that do not support the problem are left out.
    expected
        How many seconds the method may take. One that will hardly end within the budget has to wait until the
        company finds nothing more.
    """
    own = _Run(method, problem, budget)
    others = [_Run(other, problem, budget) for other in company if supports(other, problem)]
    shares = _Shares(budget, expected)
    while True:
        chosen = shares.next(own, [run for run in others if not run.over])
        found = chosen.step()
        if found is None:
            continue
        if chosen is own and found.status is not Status.INTERRUPTED:
            yield found if found.exact is not None else _joined(own, others)
            return
        yield _joined(own, others)


@final
class _Run:
    """A method under way, and what it has had and found."""

    def __init__(self, method: Method, problem: Problem, budget: Budget) -> None:
        self.name = method.name
        self._steps = bounds_of(method, problem, budget)
        self._is_own = method.side == "exact"
        self._patience = max(QUICK, budget.seconds / 4)
        self.last: Bound | None = None
        self.spent = 0.0
        self.fruitful = 0.0  # of that, up to the last improvement
        self.over = False

    @property
    def fresh(self) -> bool:
        """Whether it has said nothing yet."""
        return self.last is None

    @property
    def stale(self) -> bool:
        """Whether it has found nothing for long."""
        return self.spent - self.fruitful > STALE * self.spent + PATIENCE

    def step(self) -> Bound | None:
        """Its next bound; None when it is over."""
        began = time.monotonic()
        try:
            # Who takes all the time that there is leaves none to others.
            found = next(self._steps) if self._is_own else next(within(began + self._patience, self._steps), None)
        except (LipverifyError, MemoryError):
            if self._is_own:
                raise
            found = None  # it has nothing to say about this problem
        self.spent += time.monotonic() - began
        if found is None or (found.status is not Status.INTERRUPTED and not self._is_own):
            self.over = True
        if found is not None:
            if self.last is None or found.lower > self.last.lower or found.upper < self.last.upper:
                self.fruitful = self.spent
            self.last = found
        return found


@final
class _Shares:
    """Who is next."""

    def __init__(self, budget: Budget, expected: float) -> None:
        self._budget = budget
        self._began = time.monotonic()
        self._hopeless = expected > budget.seconds / 2
        self._head_start = 0.0 if self._hopeless else min(QUICK, budget.seconds / 4)
        self._glance = 0.0 if expected <= QUICK else GLANCE

    def next(self, own: _Run, others: list[_Run]) -> _Run:
        """The run whose turn it is."""
        elapsed = time.monotonic() - self._began
        if not others or elapsed < self._head_start:
            return own
        spent = elapsed - own.spent
        late = self._budget.remaining < self._budget.seconds / 2  # False without a limit
        if not (late or self._hopeless) and spent > max(self._glance, SHARE * (elapsed - self._head_start)):
            return own
        fresh = next((run for run in others if run.fresh), None)
        if fresh is not None:
            return fresh
        eager = [run for run in others if not run.stale]
        if eager:
            return min(eager, key=lambda run: run.spent)
        return own if spent > SELDOM * elapsed else min(others, key=lambda run: run.spent)


def _joined(own: _Run, others: Sequence[_Run]) -> Bound:
    """The best of each side; a side that contradicts what may be trusted further is left out."""
    first = own.last or Bound(method=own.name, status=Status.INTERRUPTED)
    said = [first, *(run.last for run in others if run.last is not None)]
    lower = max(said, key=lambda bound: bound.lower)
    fits = [bound for bound in said if bound.upper >= lower.lower or bound.upper_rigor > Rigor.NUMERICAL]
    upper = min(fits, key=lambda bound: bound.upper, default=Bound(method=own.name, status=Status.INTERRUPTED))
    stats = {side: best.method for side, best in (("lower", lower), ("upper", upper)) if best is not first}
    return replace(
        first,
        lower=lower.lower,
        lower_rigor=lower.lower_rigor,
        witness=lower.witness,
        upper=upper.upper,
        upper_rigor=upper.upper_rigor,
        stats={**first.stats, **({"from": stats} if stats else {})},
    )
