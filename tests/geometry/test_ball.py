"""Euclidean balls as domains: against Fractions, on tangent cells, on kinks, and at every size."""

from __future__ import annotations

import itertools
import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.geometry.sphere import Sphere
from lipverify.rationals import rational
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.solvers import promises

EXACT = ("enumeration", "branch-and-bound", "milp")
NORMS = (1.0, 2.0, math.inf)


@settings(max_examples=examples(25))
@given(st.data(), st.sampled_from(NORMS))
def test_the_exact_methods_agree_with_brute_force(data: st.DataObject, p: float) -> None:
    net = data.draw(networks(width=(1, 3), slopes=data.draw(st.booleans())))
    ball = data.draw(domains(net.input_dim, kinds=["ball"]))
    for method in EXACT:
        promises.hold_to_the_oracle(net, p, ball, lv.exact(net, method, p=p, domain=ball))


@settings(max_examples=examples(40))
@given(st.data())
def test_the_regions_are_those_of_brute_force(data: st.DataObject) -> None:
    net = data.draw(networks(weights="integers", width=(1, 4)))
    ball = data.draw(domains(net.input_dim, kinds=["ball"]))
    listed = list(lv.regions(net, ball))
    assert {region.pattern for region in listed} == {region.pattern for region in oracle.regions(net, ball)}
    for region in listed:
        assert oracle.in_ball(region.point, oracle.ball_of(ball))


# Cells that touch the sphere -------------------------------------------------------------------------


def tangent(scale: float = 1.0) -> tuple[lv.Network, lv.Ball]:
    """x + relu(3x + 4y − 5): its kink touches the unit circle at (3/5, 4/5), which no float holds."""
    net = lv.Network([[[1, 0], [-1, 0], [3, 4]], [[1, -1, 1]]], [[0, 0, -5 * scale], None])
    return net, lv.Ball([0, 0], scale)


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("scale", [1.0, 2.0**-40, 2.0**40])
def test_a_tangent_cell_is_not_met(method: str, scale: float) -> None:
    net, ball = tangent(scale)
    assert lv.exact(net, method, domain=ball).exact_value == 1
    wider = lv.Ball([0, 0], math.nextafter(scale, math.inf))
    assert lv.exact(net, method, domain=wider).exact_square == 32  # (4, 4)


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("radius", [2.0**-40, 0.5, 3.0])
def test_a_kink_through_the_centre(method: str, radius: float) -> None:
    net = lv.Network([[[1, 0], [-1, 0], [0, 1]], [[1, -2, 1]]])  # relu(x) − 2·relu(−x) + relu(y)
    assert lv.exact(net, method, domain=lv.Ball([0, 0], radius)).exact_square == 5
    assert lv.exact(net, method, domain=lv.Ball([radius, 0], radius)).exact_square == 2
    assert lv.exact(net, method, domain=lv.Ball([radius, -radius], radius)).exact_square == 1


def test_the_last_float_of_a_small_ball_decides() -> None:
    net = lv.Network([[[1.0], [1.0]], [[1, 1]]], [[1, -0.3], None])  # x + 1 + relu(x − 0.3) near 0.3
    below = lv.Ball([0.3 - 2.0**-41], 2.0**-41)
    assert lv.exact(net, domain=below).exact_value == (1 if 0.3 - 2.0**-41 + 2.0**-41 <= 0.3 else 2)
    assert lv.exact(net, domain=lv.Ball([0.3], 2.0**-60)).exact_value == 2


def closed(self: Sphere, ball: lv.Ball) -> None:
    """A ball that is larger by nothing that counts, which is what a closed one amounts to."""
    original(self, ball)
    self._square *= 1 + rational(2.0**-200)


def without_the_square(self: Sphere, ball: lv.Ball) -> None:
    """‖x − c‖² < r."""
    original(self, ball)
    self._radius, self._square = math.sqrt(ball.radius), rational(ball.radius)


original = Sphere.__init__


@pytest.mark.parametrize("broken", [closed, without_the_square])
@pytest.mark.parametrize("method", EXACT)
def test_these_tests_can_fail(monkeypatch: pytest.MonkeyPatch, broken: Any, method: str) -> None:
    monkeypatch.setattr(Sphere, "__init__", broken)
    net, ball = tangent(0.5)
    try:
        value = lv.exact(net, method, domain=ball).exact_value
    except (lv.LipverifyError, AssertionError):
        return
    assert value != 1


# What contains what --------------------------------------------------------------------------------


@settings(max_examples=examples(20))
@given(st.data(), st.sampled_from(NORMS))
def test_constants_grow_with_the_domain(data: st.DataObject, p: float) -> None:
    net = data.draw(networks(width=(1, 4)))
    ball = data.draw(domains(net.input_dim, kinds=["ball"]))
    assert isinstance(ball, lv.Ball)
    diamond = lv.Ball(ball.center, ball.radius, p=1)
    box = lv.Ball(ball.center, ball.radius, p=math.inf)
    wide = lv.Ball(ball.center, 2 * ball.radius)  # √d ≤ 2
    chain = [diamond, ball, box, wide, lv.Everywhere()]
    if 2 * ball.radius * 2.0**-40 < np.abs(ball.center).max(initial=0.0):
        chain = [ball, box, wide, lv.Everywhere()]  # the diamond's limits are rounded outward
    bounds = [lv.exact(net, p=p, domain=domain) for domain in chain]
    for smaller, larger in itertools.pairwise(bounds):
        assert smaller.exact is not None
        assert larger.exact is not None
        assert not smaller.exact.exceeds(larger.exact)


@settings(max_examples=examples(4))
@given(st.data(), st.sampled_from(NORMS))
def test_no_bound_is_on_the_wrong_side(data: st.DataObject, p: float) -> None:
    net = data.draw(networks(width=(1, 3)))
    ball = data.draw(domains(net.input_dim, kinds=["ball"]))
    exact = lv.exact(net, "enumeration", p=p, domain=ball)
    for row in lv.compare(net, "all", p=p, domain=ball).rows:
        assert not row.error
        if row.bound is not None and row.rigor is not lv.Rigor.HEURISTIC:
            assert row.bound.lower <= exact.upper
            assert exact.lower <= row.bound.upper


# The domain itself ---------------------------------------------------------------------------------


def test_a_ball_is_a_value() -> None:
    ball = lv.Ball([0, 0.5], 0.25)
    assert ball == pickle.loads(pickle.dumps(ball)) == lv.Ball([-0.0, 0.5], 0.25)
    assert ball != lv.Ball([0, 0.5], 0.5)
    assert hash(ball) == hash(lv.Ball([-0.0, 0.5], 0.25))
    assert str(ball) == "the ball of radius 0.25 around (0, 0.5)"
    assert "4 dimensions" in str(lv.Ball([0] * 4, 1))
    assert lv.Ball([0, 1], 1, p=math.inf) == lv.Box([-1, 0], [1, 2])
    assert not ball.contains_inside((Fraction(0), Fraction(1, 4)))
    assert ball.contains_inside((Fraction(3, 20), Fraction(7, 10) - Fraction(1, 2**90)))
    assert not ball.contains_inside((Fraction(3, 20), Fraction(7, 10)))


def test_claims_on_balls_are_certified() -> None:
    net, ball = tangent()
    found = lv.decide(net, at_most=Fraction(11, 10), domain=ball, certify=True)
    assert found.bound.upper_rigor is lv.Rigor.PROVED
    assert lv.check(net, found.bound.certificate, domain=ball, upper=Fraction(11, 10)).upper == Fraction(11, 10)
    with pytest.raises(lv.CertificateError):
        lv.check(net, found.bound.certificate, domain=lv.Ball([0, 0], 1.5), upper=Fraction(11, 10))


def test_refutations_lie_in_the_ball() -> None:
    net, ball = tangent()
    found = lv.decide(net, at_most=0.9, domain=ball)
    assert found.points is not None
    assert all(ball.contains_inside(x) for x in found.points)
    exec(compile(found.snippet, "snippet", "exec"), {})


@given(st.data())
def test_floats_never_call_inside_what_is_not(data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 3))
    numbers = st.floats(-1e3, 1e3) | st.sampled_from([0.0, 0.6, 0.8, 2.0**-600, 1e300])
    ball = lv.Ball(
        [data.draw(numbers) for _ in range(d)], data.draw(st.sampled_from([1.0, 2.0**-40, 2.0**-600, 1e160]))
    )
    along = [data.draw(numbers) for _ in range(d)]
    x = np.array([c + ball.radius * v for c, v in zip(ball.center.tolist(), along, strict=True)] + [1.0])
    if Sphere(ball).holds(x):
        assert ball.contains_inside([Fraction(v) for v in x[:-1].tolist()])
