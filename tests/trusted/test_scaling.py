"""Powers of two taken out and put back: no digit changes, or it is said that one would."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipverify.trusted.balls import Ball
from lipverify.trusted.scaling import (
    are_powers,
    balanced,
    exactly,
    exponent_of,
    exponents_of,
    moved,
    outward,
    shifted_float,
    shifted_up,
)

EXPONENTS = st.integers(-1060, 1000)
NUMBERS = st.builds(math.ldexp, st.sampled_from([0.0, 1.0, -1.0, 0.75, 1 / 3]), EXPONENTS)
SQUARES = st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=2, max_size=2)


def power(e: int) -> Fraction:
    return Fraction(2) ** e


@given(SQUARES)
def test_the_exponent_is_that_of_the_greatest_magnitude(rows: list[list[float]]) -> None:
    values = np.array(rows)
    top = max(abs(Fraction(x)) for row in rows for x in row)
    e = exponent_of(values)
    assert e == 0 if top == 0 else power(e - 1) <= top < power(e)
    assert exponents_of(values, axis=1).tolist() == [exponent_of(row) for row in values]
    assert int(exponents_of(values[None], axis=(1, 2))[0]) == e


@given(SQUARES)
def test_nothing_is_lost_where_it_is_said_to_be_exact(rows: list[list[float]]) -> None:
    scaled, e = exactly(np.array(rows))
    for row, new in zip(rows, scaled.tolist(), strict=True):
        assert [Fraction(x) for x in row] == [power(e) * Fraction(y) for y in new]


@given(SQUARES, SQUARES)
def test_balanced_pairs_have_the_same_products(left: list[list[float]], right: list[list[float]]) -> None:
    found = balanced(np.array(left), np.array(right))
    if found is None:
        return
    A, B, e = found
    for j in range(2):
        for i in range(2):
            for k in range(2):
                product = Fraction(float(A[i, j])) * Fraction(float(B[j, k])) * power(e)
                assert product == Fraction(left[i][j]) * Fraction(right[j][k])
    assert max(np.abs(A).max(), np.abs(B).max()) < 1


@given(SQUARES, EXPONENTS)
def test_what_is_lost_lies_in_the_radius(rows: list[list[float]], e: int) -> None:
    ball = moved(Ball.exact(np.array(rows)), e)
    for row, mids, rads in zip(rows, ball.mid.tolist(), ball.rad.tolist(), strict=True):
        for x, mid, rad in zip(row, mids, rads, strict=True):
            assert rad == math.inf or abs(power(e) * Fraction(x) - Fraction(mid)) <= Fraction(rad)


@given(st.lists(st.tuples(NUMBERS, NUMBERS).map(sorted), min_size=1, max_size=3))
def test_limits_move_outward(pairs: list[list[float]]) -> None:
    low, high = np.array(pairs).T
    below, above, e = outward(low, high)
    for (a, b), x, y in zip(pairs, below.tolist(), above.tolist(), strict=True):
        assert power(e) * Fraction(x) <= Fraction(a) <= Fraction(b) <= power(e) * Fraction(y)


@given(NUMBERS.map(abs), EXPONENTS)
def test_one_number_is_rounded_up(x: float, e: int) -> None:
    found = shifted_up(x, e)
    assert found == math.inf or Fraction(found) >= power(e) * Fraction(x)
    assert (found == 0) == (x == 0)
    near = shifted_float(x, e)
    assert near == math.inf or abs(Fraction(near) - power(e) * Fraction(x)) <= power(-1075)


@pytest.mark.parametrize(("values", "said"), [([1.0, -2.0, 2.0**-1074], True), ([1.0, 0.0], False), ([3.0], False)])
def test_powers_of_two_are_told_apart(values: list[float], said: bool) -> None:
    assert are_powers(np.array(values)) is said
