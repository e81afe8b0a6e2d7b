"""What every exact method promises of a Bound with status EXACT, checked in Fractions against brute force."""

from __future__ import annotations

import math
from typing import Any

import lipverify as lv
from lipverify.domain import Domain
from tests import oracle

INF = math.inf


def ends(p: Any) -> tuple[float, float]:
    """The pair of norms that p means."""
    p_in, q_out = p if isinstance(p, tuple) else (p, p)
    return float(p_in), float(q_out)


def hold_to_the_oracle(net: lv.Network, p: Any, domain: Domain, bound: lv.Bound) -> None:
    """Everything that a Bound with status EXACT promises, checked in Fractions."""
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    p_in, q_out = ends(p)
    assert bound.status is lv.Status.EXACT
    assert bound.lower_rigor is lv.Rigor.PROVED
    assert bound.lower <= bound.upper <= math.nextafter(bound.lower, INF)
    assert oracle.encloses(jacobians, bound.lower, bound.upper, p_in, q_out)
    square = oracle.largest_square(jacobians, p_in, q_out)
    if square is not None:
        assert bound.exact_square == square
        assert bound.exact_value is None or bound.exact_value**2 == square
        if 2 not in (p_in, q_out) or (net.is_scalar and p_in != 2):
            assert bound.exact_value is not None
    assert bound.enclosure is not None
    low, high = bound.enclosure
    assert bound.lower <= low <= high <= bound.upper
    # the witness: a point inside, its pattern, and the constant attained there
    assert bound.witness is not None
    located = oracle.locate(net, domain, bound.witness.point)
    assert located is not None
    pattern, jacobian = located
    assert pattern == bound.witness.pattern
    assert oracle.encloses([jacobian], bound.lower, bound.upper, p_in, q_out)
    if square is not None:
        assert oracle.square(jacobian, p_in, q_out) == square
