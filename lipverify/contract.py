"""What a method promises, and a check that what it yields keeps the promise.

Everybody who runs a method that somebody else may have written goes through `bounds_of`: the verbs, and the methods
that are given others.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator

from lipverify.bound import Bound, Rigor, Status
from lipverify.errors import InvalidArgument, LipverifyError
from lipverify.problem import Budget, Method, Problem, supports

_MEMBERS = ("name", "side", "rigor", "norms", "needs_box", "cost", "run")


def require_method(method: object) -> Method:
    """The object, when it is a method.

    Raises
    ------
    InvalidArgument
        It names what the object lacks.
    """
    if isinstance(method, type):
        raise InvalidArgument(f"method must be an object, not a class: pass {method.__name__}(), not {method.__name__}")
    missing = [name for name in _MEMBERS if not hasattr(method, name)]
    if len(missing) == len(_MEMBERS):
        raise InvalidArgument(f"method must be a name or a method object; got {method!r}")
    if missing:
        raise InvalidArgument(
            f"{method!r} is no method: it lacks {', '.join(missing)}; lipverify.problem.Method says what they mean"
        )
    assert isinstance(method, Method)
    if not isinstance(method.rigor, Rigor):
        raise InvalidArgument(f"{method.name}.rigor must be a lipverify.Rigor; got {method.rigor!r}")
    return method


def bounds_of(method: Method, problem: Problem, budget: Budget) -> Generator[Bound]:
    """What a method yields, every bound held to what the method claims.

    Raises
    ------
    LipverifyError
        When the method yields nothing, or ends without saying why; when a bound speaks of another side, claims more
        rigor than the method does, or is worse than the one before.
    """
    run = method.run(problem, budget)
    if not isinstance(run, Iterator):
        raise LipverifyError(f"{method.name}.run must yield Bounds; it returned {run!r}")
    last: Bound | None = None
    try:
        for bound in run:
            _check(method, last, bound)
            last = bound
            yield bound
    finally:
        if isinstance(run, Generator):
            run.close()
    if last is None:
        raise LipverifyError(f"{method.name} yielded no Bound; it must yield at least one. This is a bug in it")
    if last.status is Status.INTERRUPTED:
        raise LipverifyError(
            f"the last Bound of {method.name} has status INTERRUPTED; it must say why the method ended, as "
            f"{Status.EXACT.name if method.side == 'exact' else Status.ONE_SIDED.name} does. This is a bug in it"
        )


def ceilings(method: Method | None, problem: Problem, budget: Budget) -> Iterator[Bound]:
    """What an upper method says that an exact one was given to begin with, if it is rigorous and there is one for the
    problem: on anything less an exact result must not rest."""
    if method is None or not supports(method, problem):
        return
    yield from (bound for bound in bounds_of(method, problem, budget) if bound.upper_rigor >= Rigor.ROUNDED)


def _check(method: Method, last: Bound | None, bound: Bound) -> None:
    """Raise LipverifyError when a bound is not what its method promises."""

    def refuse(why: str) -> LipverifyError:
        return LipverifyError(f"{method.name} {why}; this is a bug in it")

    if not isinstance(bound, Bound):
        raise refuse(f"yielded {bound!r}, which is no Bound")
    if method.side == "upper" and bound.lower > 0:
        raise refuse(f"bounds from above, and yielded the lower side {bound.lower!r}")
    if method.side == "lower" and bound.upper < math.inf:
        raise refuse(f"bounds from below, and yielded the upper side {bound.upper!r}")
    if bound.upper < math.inf and bound.upper_rigor > method.rigor:
        raise refuse(f"claims {method.rigor.name}, and yielded an upper side that is {bound.upper_rigor.name}")
    # A witness shows a lower side, whatever the upper one rests on.
    if bound.lower > 0 and bound.lower_rigor > method.rigor and (method.side == "lower" or bound.witness is None):
        raise refuse(f"claims {method.rigor.name}, and yielded a lower side that is {bound.lower_rigor.name}")
    if last is None:
        return
    # What turns out to be wrong may be taken back, for something that may be trusted further.
    if bound.upper > last.upper and not bound.upper_rigor > last.upper_rigor:
        raise refuse(f"yielded the upper side {bound.upper!r} after {last.upper!r}")
    if bound.lower < last.lower and not bound.lower_rigor > last.lower_rigor:
        raise refuse(f"yielded the lower side {bound.lower!r} after {last.lower!r}")
