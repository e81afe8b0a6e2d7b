"""Is L at most this number? The cheapest bound that answers is the last one computed."""

from __future__ import annotations

import enum
import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

from lipverify.attacks.local_search import LocalSearch
from lipverify.bound import Bound, Rigor, Status
from lipverify.catalogue import METHODS, resolve
from lipverify.contract import bounds_of
from lipverify.domain import Domain, domain_of
from lipverify.driver import Progress, budget_of, certified, drive
from lipverify.errors import InvalidArgument
from lipverify.estimators.autolip import AutoLip
from lipverify.evaluate import jacobian_exact
from lipverify.fixed_inputs import Restriction, restrict
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, NormPair, exact_norm, norm_pair
from lipverify.problem import Budget, Problem, Side, supports
from lipverify.progress import narrated
from lipverify.readers import as_network
from lipverify.records import bound_to_dict, json_float
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
from lipverify.solvers.choice import choose
from lipverify.testing.witness import Pair, slope_square, steepest_pair
from lipverify.trusted.algebraic import ExactNorm
from lipverify.trusted.rounding import float_down, up

if TYPE_CHECKING:
    from lipverify.readers import Model

_GLANCES = 3  # bounds of the incumbent search before anything that takes long
_FIRST = 0.3  # seconds of either search, where it begins at once, before upper bounds that take as long


class Answer(enum.Enum):
    """What became of a claim; the value is the sentence that a user reads."""

    HOLDS = "the claim holds: the constant is at most that, proved"
    REFUTED = "the claim is refuted: two points have a larger slope, in exact arithmetic"
    UNDECIDED = "undecided: the claim lies inside the interval"


@final
@dataclass(frozen=True, kw_only=True)
class Decision:
    """The answer to "is L ≤ at_most?", with what it rests on.

    Attributes
    ----------
    status
        HOLDS, REFUTED or UNDECIDED.
    network, domain, norm, at_most
        The claim.
    bound
        The interval when the search stopped; for HOLDS its `upper_rigor` is the claim's.
    points
        For REFUTED: two rational points of the domain with ‖f(y) − f(x)‖_q > at_most·‖y − x‖_p, exactly.
    slope_square
        (‖f(y) − f(x)‖_q / ‖y − x‖_p)² for these points.
    """

    status: Answer
    network: Network
    domain: Domain
    norm: NormPair
    at_most: float | Fraction
    bound: Bound
    points: Pair | None = None
    slope_square: Fraction | None = None

    @property
    def snippet(self) -> str:
        """For REFUTED: a program of the standard library alone that computes the slope. Otherwise empty."""
        if self.points is None:
            return ""
        from lipverify.testing.snippets import slope_snippet

        heading = f"L ≤ {self.at_most} is claimed for p = {self.norm}; two points show that it is not so."
        return slope_snippet(heading, self.network, self.domain, self.norm, self.at_most, self.points)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        exact = isinstance(self.at_most, Fraction)
        return {
            "answer": self.status.name,
            "answer_text": self.status.value,
            "at_most": str(self.at_most) if exact else json_float(self.at_most),
            "points": None if self.points is None else [[str(t) for t in x] for x in self.points],
            "slope_square": None if self.slope_square is None else str(self.slope_square),
        } | bound_to_dict(self.bound)


def decide(
    net: Model,
    *,
    at_most: float | Fraction,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    certify: bool = False,
    verbose: bool = False,
) -> Decision:
    """Whether the Lipschitz constant is at most a number, as soon as that is known.

    Product bounds first, then a glance for steep regions, the best cheap bound, and at last an exact search that drops
    whatever is bounded by the claim: it never looks for the constant itself. The search by layers, where it is loaded,
    and the one for steep regions have a moment each before the cheap bounds, which may take longer than they do.

    Parameters
    ----------
    at_most
        The claim, ≥ 0: a float or a Fraction, taken exactly.
    net, p, domain, time_limit, seed, on_progress
        As for `lipverify.exact`.
    certify
        For HOLDS, leave a proof in `.bound.certificate`.
    verbose
        Show on stderr what is going on.

    Raises
    ------
    InvalidArgument
        For a claim that is no number ≥ 0; otherwise as for `lipverify.exact`.
    Interrupted
        On Ctrl-C; it carries the interval.
    """
    if verbose:
        with narrated(verbose, on_progress) as told:
            more: dict[str, Any] = {"time_limit": time_limit, "seed": seed, "on_progress": told, "certify": certify}
            return decide(net, at_most=at_most, p=p, domain=domain, **more)
    claim = _claim(at_most)
    network, asked = as_network(net), domain_of(domain)
    where = restrict(network, asked)
    problem = Problem(where.network, norm_pair(p), where.domain)
    budget = budget_of(time_limit, seed)
    bound = drive(network, Deciding(claim), "exact", p, asked, budget, on_progress)
    if bound.status is Status.CLOSED:  # as far as the interval goes, the search was stopped
        bound = bound.stopped(Status.INTERRUPTED)
    answer: dict[str, Any] = {"network": network, "domain": asked, "norm": problem.norm, "at_most": at_most}
    if holds(bound, claim):
        if certify:
            # The claim is proved, not the bound: that proof is shorter.
            loose = Bound(
                method=bound.method,
                status=Status.CLOSED,
                upper=_ceiling(bound, claim),
                upper_rigor=bound.upper_rigor,
            )
            proved = certified(problem, loose, budget, on_progress)
            bound = replace(bound, certificate=proved.certificate, upper=proved.upper, upper_rigor=proved.upper_rigor)
            if not holds(bound, claim):
                return Decision(status=Answer.UNDECIDED, bound=bound, **answer)
        return Decision(status=Answer.HOLDS, bound=bound, **answer)
    steep = None if bound.witness is None else _steeper(network, problem, where, bound, claim)
    if steep is not None:
        return Decision(status=Answer.REFUTED, bound=bound, points=steep[0], slope_square=steep[1], **answer)
    return Decision(status=Answer.UNDECIDED, bound=bound, **answer)


def _steeper(
    network: Network, problem: Problem, where: Restriction, bound: Bound, claim: Fraction | float
) -> tuple[Pair, Fraction] | None:
    """Two points of the domain with a slope above the claim, and its square; None when the steepest found is none."""
    if not _may_exceed(bound, claim):
        return None
    pair = steepest_pair(problem.network, problem.norm, problem.domain, where.inner(bound))
    if pair is None:
        return None
    points = where.point(pair[0]), where.point(pair[1])
    square = slope_square(network, problem.norm, points)
    return (points, square) if square > claim**2 else None


@final
@dataclass(frozen=True)
class Deciding:
    """Bounds on both sides, from the cheapest methods on, until one of them settles a claim."""

    at_most: Fraction | float

    name: ClassVar[str] = "decide"
    side: ClassVar[Side] = "exact"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "that of the cheapest bound that answers; at worst that of the exact value"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The interval so far; the last one settles the claim, or is exact."""
        best = Bound(method=self.name, status=Status.INTERRUPTED)
        for bound in self._bounds(problem, budget):
            if bound.status is Status.EXACT:
                yield replace(bound, method=self.name, stats=_stats(bound))
                return
            best = _tighter(best, bound)
            if holds(best, self.at_most) or self._refutes(problem, best):
                yield best.stopped(Status.CLOSED)
                return
            yield best
        yield best.stopped(Status.TIME_LIMIT if budget.expired else Status.CLOSED)

    def _bounds(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        if supports(AutoLip(), problem):
            yield from bounds_of(AutoLip(), problem, budget)
        walks = bounds_of(LocalSearch(), problem, budget)
        yield from itertools.islice(walks, 1 + _GLANCES)
        aim = float_down(self.at_most) if isinstance(self.at_most, Fraction) else self.at_most
        search = bounds_of(METHODS[choose(problem)[0]](), problem, replace(budget, target=aim))
        engines = CompiledEngines()
        if engines.loaded() and engines.able(problem):
            yield from _for_a_while(search, _FIRST)
            yield from _for_a_while(walks, _FIRST)
        yield from bounds_of(resolve("auto", "upper", problem).method, problem, budget)
        yield from search

    def _refutes(self, problem: Problem, bound: Bound) -> bool:
        """Whether the witness of the lower side is steeper than the claim, exactly."""
        if bound.witness is None or not _may_exceed(bound, self.at_most):
            return False
        if bound.lower > self.at_most:
            return True
        matrix = jacobian_exact(problem.network, bound.witness.pattern)
        return exact_norm(matrix, problem.norm).exceeds(ExactNorm.rational(Fraction(self.at_most)))


def _for_a_while(bounds: Iterator[Bound], seconds: float) -> Iterator[Bound]:
    """The bounds of the first seconds; whoever has the iterator may go on with it."""
    until = time.monotonic() + seconds
    for bound in bounds:
        yield bound
        if time.monotonic() > until:
            return


def _may_exceed(bound: Bound, claim: Fraction | float) -> bool:
    """Whether the norm at the witness, of which the lower side is the float below, may be greater."""
    return up(bound.lower) > claim


def holds(bound: Bound, at_most: Fraction | float) -> bool:
    """Whether a bound proves the claim."""
    if bound.upper <= at_most:
        return True
    return bound.exact is not None and not bound.exact.exceeds(ExactNorm.rational(Fraction(at_most)))


def _tighter(best: Bound, bound: Bound) -> Bound:
    """The better of both sides, each with its own rigor."""
    if bound.lower > best.lower or (best.witness is None and bound.witness is not None):
        best = replace(best, lower=bound.lower, lower_rigor=bound.lower_rigor, witness=bound.witness)
    if bound.upper < best.upper or (bound.upper == best.upper and bound.upper_rigor > best.upper_rigor):
        best = replace(best, upper=bound.upper, upper_rigor=bound.upper_rigor)
    return replace(best, stats=_stats(bound))


def _stats(bound: Bound) -> dict[str, Any]:
    return {**bound.stats, "decided by": bound.method}


def _claim(at_most: object) -> Fraction | float:
    if isinstance(at_most, bool) or not isinstance(at_most, (int, float, Fraction)):
        raise InvalidArgument(f"at_most must be a number ≥ 0; got {at_most!r}")
    if not at_most >= 0:
        raise InvalidArgument(f"at_most must be a number ≥ 0; got {at_most!r}")
    return math.inf if at_most == math.inf else Fraction(at_most)


def _ceiling(bound: Bound, claim: Fraction | float) -> float:
    """The greatest float that is no more than the claim, if the bound shows as much."""
    return max(bound.upper, float_down(claim)) if isinstance(claim, Fraction) else bound.upper
