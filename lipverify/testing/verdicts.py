"""A claim against the exact constant: every comparison is made in rationals."""

from __future__ import annotations

import enum
import math
from fractions import Fraction

from lipverify import verbs
from lipverify.bound import Bound
from lipverify.domain import Domain
from lipverify.network import Network
from lipverify.norms import NormPair
from lipverify.solvers.enumeration import Enumeration
from lipverify.testing.estimators import Claim


class Verdict(enum.Enum):
    """What became of one question; the value is what a reader sees."""

    SOUND = "sound"
    ROUNDING = "off by rounding only"
    VIOLATION = "on the wrong side of the exact constant"
    NAN = "not a number"
    CRASH = "an exception"
    UNSTABLE = "another answer when asked again"
    REFUSED = "refused as unsupported"


FINDINGS = (Verdict.VIOLATION, Verdict.CRASH, Verdict.NAN, Verdict.UNSTABLE)
"""The verdicts that an estimator must answer for."""


def truth(net: Network, pair: NormPair, domain: Domain) -> Bound:
    """The exact constant, by visiting every activation region: small networks only."""
    return verbs.exact(net, Enumeration(), p=pair, domain=domain)


def judge(claimed: Claim, exact: Bound, rtol: float) -> Verdict:
    """A claim below exact·(1 − rtol) or above exact·(1 + rtol) is a violation; one in between is rounding.

    Where the exact constant is an open interval, only what contradicts the interval counts.
    """
    if claimed.is_nan:
        return Verdict.NAN
    low, high = _interval(exact)
    irrational = exact.enclosure is not None and low < high
    slack = Fraction(rtol)
    below = claimed.upper < low or (irrational and claimed.upper == low)
    above = claimed.lower > high or (irrational and claimed.lower == high)
    if (below and claimed.upper < low * (1 - slack)) or (above and claimed.lower > high * (1 + slack)):
        return Verdict.VIOLATION
    return Verdict.ROUNDING if below or above else Verdict.SOUND


def excess(claimed: Claim, exact: Bound) -> float:
    """By what factor a claim is on the wrong side of the exact constant: 1 where it is not."""
    low, high = _interval(exact)
    return max(1.0, _quotient(low, claimed.upper), _quotient(claimed.lower, high))


def _quotient(greater: Fraction | float, smaller: Fraction | float) -> float:
    """The quotient of numbers ≥ 0, 0 / 0 = 1."""
    if smaller == math.inf or greater == 0:
        return 0.0 if smaller else 1.0
    if smaller == 0 or greater == math.inf:
        return math.inf
    try:
        return float(Fraction(greater) / Fraction(smaller))
    except OverflowError:
        return math.inf


def ratio(value: float, exact: Bound) -> float | None:
    """value / exact in floats, for statistics; None where the exact constant is 0 or open."""
    if exact.enclosure is None or exact.enclosure[1] == 0 or math.isnan(value):
        return None
    return value / exact.upper


def _interval(exact: Bound) -> tuple[Fraction | float, Fraction | float]:
    return exact.enclosure or (exact.lower, exact.upper)
