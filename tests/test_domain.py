"""Domains: interior always, and a message that says what is wrong."""

from __future__ import annotations

import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lipverify as lv
from lipverify.domain import Domain
from lipverify.testing import domains
from tests import oracle


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (lv.Box, ([0, 1], [1]), "must agree"),
        (lv.Box, ([1, 1], [1, 1]), "one point"),
        (lv.Box, ([2], [1]), r"empty in coordinate 0: lower 2\.0 is above upper 1\.0"),
        (lv.Box, ([0], [np.inf]), r"upper\[0\] is inf; limits must be finite"),
        (lv.Box, ([np.nan], [1]), r"lower\[0\] is nan"),
        (lv.Box, (0, 1), r"lower has shape \(\)"),
        (lv.Box, ([], []), r"lower has shape \(0,\)"),
        (lv.Box, (["low"], [1]), "lower is not a vector of real numbers"),
        (lv.Box.around, ([0], 0), "radius must be positive and finite; got 0"),
        (lv.Box.around, ([0], -1.0), "radius must be positive"),
        (lv.Box.around, ([0, 1], [0, 0]), "radius must be positive"),
        (lv.Polytope, ([[1], [-1]], [0, 0]), "one point"),
        (lv.Polytope, ([[1], [-1]], [0, -1]), "empty"),
        (lv.Polytope, ([[0]], [-1]), "empty"),
        (lv.Polytope, ([[1, 1], [-1, 0], [0, -1]], [0, 0, 0]), "one point"),
        (lv.Polytope, ([[1, 1], [-1, -1]], [1, -1]), "an equation ties several"),
        (lv.Polytope, ([[3, 0], [-3, 0]], [1, -1]), "fixes input 0 to 1/3, which is no float64"),
        (lv.Polytope, ([[1, 0], [-1, 0], [0.1, 1]], [0.1, -0.1, 1]), "no float64 holds"),
        (lv.Polytope, ([[1, 0, 0], [-1, 0, 0], [0, 1, 1], [0, -1, -1]], [1, -1, 0, 0]), "an equation ties several"),
        (lv.Ball, ([0, 0], 0), "positive, finite float64; got 0"),
        (lv.Ball, ([0, 0], np.inf), "positive, finite"),
        (lv.Ball, ([0, 0], "wide"), "radius must be a number"),
        (lv.Ball, ([0, 0], Fraction(1, 3)), "float64"),
        (lv.Ball, ([0, np.nan], 1), r"center\[1\] is nan"),
        (lv.Ball, ([0, 0], 1, 3), "got p = 3"),
        (lv.Ball, ([0] * 11, 1, 1), r"2\^11 facets"),
        (lv.Polytope, ([[1, 2]], [1, 2]), r"expected \(m, d\) and \(m,\)"),
        (lv.Polytope, ([1], [1]), r"expected \(m, d\)"),
        (lv.Polytope, ([[np.nan]], [1]), "NaN or infinite"),
        (lv.Polytope, ([[1]], [np.inf]), r"b\[0\] is inf"),
        (lv.Polytope, ([["a"]], [1]), "A is not a matrix"),
    ],
)
def test_what_is_no_domain_is_refused(make: Any, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(lv.InvalidDomain, match=message):
        make(*arguments)


@given(st.integers(1, 3).flatmap(lambda d: st.tuples(st.just(d), domains(d))))
def test_rows_and_interior_agree_with_the_oracle(case: tuple[int, Domain]) -> None:
    d, domain = case
    rows = oracle.domain_rows(domain, d)
    mine = {
        oracle.half_space([Fraction(v) for v in row[:-1]], Fraction(row[-1]))
        for row in domain.rows(d).tolist()
        if any(row[:-1])
    }
    assert mine == set(rows)
    inside = oracle.point_inside(rows, d)
    assert inside is not None
    assert domain.contains_inside(inside)
    for row in rows:  # a point of a facet's hyperplane is not inside
        i = next(i for i, a in enumerate(row[:-1]) if a)
        on = list(inside)
        on[i] -= oracle.value(row, inside) / row[i]
        assert not domain.contains_inside(on)


@given(domains(2))
def test_domains_compare_by_value_and_can_be_pickled(domain: Domain) -> None:
    again = pickle.loads(pickle.dumps(domain))
    assert again == domain
    assert hash(again) == hash(domain)
    assert str(again) == str(domain)
    assert domain != "a domain"


def test_minus_zero_is_zero() -> None:
    for first, second in (
        (lv.Box([0.0], [1.0]), lv.Box([-0.0], [1.0])),
        (lv.Polytope([[1.0, 0.0]], [0.0]), lv.Polytope([[1.0, -0.0]], [-0.0])),
    ):
        assert first == second
        assert hash(first) == hash(second)


@given(st.floats(-1e6, 1e6), st.floats(2.0**-40, 1e3))
def test_a_box_around_a_point_contains_the_ball(x: float, radius: float) -> None:
    box = lv.Box.around([x], radius)
    assert Fraction(float(box.lower[0])) <= Fraction(x) - Fraction(radius)
    assert Fraction(float(box.upper[0])) >= Fraction(x) + Fraction(radius)


def test_a_radius_per_coordinate() -> None:
    assert lv.Box.around([0, 1], [1, 2]) == lv.Box([-1, -1], [1, 3])


def test_bounded_and_dimension() -> None:
    everywhere, box, half = lv.Everywhere(), lv.Box([0], [1]), lv.Polytope([[1]], [1])
    assert [d.bounded for d in (everywhere, box, half)] == [False, True, False]
    assert [d.dimension for d in (everywhere, box, half)] == [None, 1, 1]
    assert [str(d) for d in (everywhere, box)] == ["everywhere", "[0, 1]^1"]
