"""Verified points: what `locate` says against the oracle, and what does not get past it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.geometry.witness import certify_point, certify_region, confirmed, locate
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples

COORDINATES = st.one_of(st.integers(-2, 2).map(Fraction), st.fractions(-3, 3, max_denominator=64))


@settings(max_examples=examples(100))
@given(st.data())
def test_a_point_lies_in_the_region_that_brute_force_says(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3), weights="dyadics"))
    domain = data.draw(domains(net.input_dim))
    point = data.draw(st.lists(COORDINATES, min_size=net.input_dim, max_size=net.input_dim))
    seen = oracle.locate(net, domain, tuple(point))
    assert locate(net, domain, point) == (None if seen is None else seen[0])
    found = certify_point(Problem(net, norm_pair(1), domain), point)
    assert (found is None) == (seen is None)
    if found is not None and seen is not None:
        assert oracle.encloses([seen[1]], found.norm.lower, found.norm.upper, 1, 1)


def test_a_point_on_a_boundary_says_nothing() -> None:
    net = lv.Network([[[1.0]], [[1.0]]])  # relu
    assert locate(net, lv.Everywhere(), [0.0]) is None
    assert locate(net, lv.Box([0], [1]), [1.0]) is None
    assert locate(net, lv.Box([0], [1]), [Fraction(1, 10**30)]) == ((True,),)


def test_what_others_found_is_looked_at_once_more() -> None:
    net = lv.Network([[[1.0]], [[1.0]]])
    problem = Problem(net, norm_pair(2))
    right = certify_region(problem, (Fraction(1),), ((True,),))
    assert confirmed(problem, right).norm.root == 1
    for wrong in (((False,),), ()):
        with pytest.raises(lv.LipverifyError, match="does not lie inside"):
            confirmed(problem, replace(right, witness=replace(right.witness, pattern=wrong)))
    with pytest.raises(lv.LipverifyError, match="does not lie inside"):
        confirmed(problem, replace(right, witness=replace(right.witness, point=(Fraction(0),))))
