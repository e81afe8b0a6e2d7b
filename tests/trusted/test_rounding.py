"""Outward rounding and balls, against the same sums in Fractions."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipverify.arrays import Matrix
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import MAX, down, float_down, float_up, gamma, norm_up, up

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALES = (0, -1074, -1022, -1000, -540, -300, 300)
TINIEST = 2.0**-1074

Exact = list[list[Fraction]]


@given(FLOATS)
def test_up_and_down_are_the_neighbours(x: float) -> None:
    assert down(x) < x < up(x)
    assert down(up(x)) == x


@given(st.fractions())
def test_fractions_are_rounded_outward_and_tightly(x: Fraction) -> None:
    above, below = float_up(x), float_down(x)
    assert below <= x <= above
    assert down(above) < x or above == x
    assert up(below) > x or below == x


@given(FLOATS)
def test_floats_are_left_alone(x: float) -> None:
    assert float_up(Fraction(x)) == float_down(Fraction(x)) == x


def test_beyond_the_largest_float() -> None:
    huge = Fraction(10) ** 400
    assert (float_down(huge), float_up(huge)) == (MAX, math.inf)
    assert (float_down(-huge), float_up(-huge)) == (-math.inf, -MAX)
    assert (float_down(1 / huge), float_up(1 / huge)) == (0.0, TINIEST)
    assert (float_down(-1 / huge), float_up(-1 / huge)) == (-TINIEST, 0.0)


@pytest.mark.parametrize("n", [1, 10, 1000, 10**6, 2**50])
def test_gamma_covers_successive_roundings(n: int) -> None:
    u = Fraction(1, 2**53)
    assert Fraction(gamma(n)) >= n * u / (1 - n * u)


# Balls ---------------------------------------------------------------------------------------------


def random_matrix(rng: random.Random, m: int, n: int) -> Matrix:
    """Entries of wild scales, subnormal ones and zeros among them."""
    centre = rng.choice(SCALES)

    def entry() -> float:
        if rng.random() < 0.2:
            return 0.0
        exponent = max(-1074, centre + rng.randint(-60, 60))
        return math.ldexp(rng.uniform(-1, 1), exponent) or TINIEST

    return np.array([[entry() for _ in range(n)] for _ in range(m)])


def random_ball(rng: random.Random, m: int, n: int) -> Ball:
    """A ball whose radius is zero, small beside the entries, or of a scale of its own."""
    mid = random_matrix(rng, m, n)
    kind = rng.randrange(3)
    if kind == 0:
        return Ball.exact(mid)
    rad = np.abs(random_matrix(rng, m, n))
    return Ball(mid, np.abs(mid) * 2.0**-40 if kind == 1 else rad)


def members(ball: Ball, rng: random.Random) -> Exact:
    """A corner of the ball, or a point within it."""
    choices = [Fraction(-1), Fraction(1), Fraction(0), Fraction(1, 3)]
    return [
        [Fraction(a) + rng.choice(choices) * Fraction(r) for a, r in zip(mids, rads, strict=True)]
        for mids, rads in zip(ball.mid.tolist(), ball.rad.tolist(), strict=True)
    ]


def contains(ball: Ball, exact: Exact) -> bool:
    """Whether every entry lies in mid ± rad."""
    return all(
        abs(Fraction(a) - value) <= Fraction(r)
        for mids, rads, values in zip(ball.mid.tolist(), ball.rad.tolist(), exact, strict=True)
        for a, r, value in zip(mids, rads, values, strict=True)
    )


def multiplied(A: Exact, B: Exact) -> Exact:
    """A·B."""
    columns = list(zip(*B, strict=True))
    return [[sum((a * b for a, b in zip(row, c, strict=True)), Fraction(0)) for c in columns] for row in A]


@given(st.integers(0, 2**40), st.integers(1, 4), st.integers(1, 5), st.integers(1, 4))
def test_a_product_contains_the_products_of_members(seed: int, m: int, k: int, n: int) -> None:
    rng = random.Random(seed)
    A, B = random_ball(rng, m, k), random_ball(rng, k, n)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        product = A @ B
    if np.isfinite(product.mid).all() and np.isfinite(product.rad).all():
        assert contains(product, multiplied(members(A, rng), members(B, rng)))


@given(st.integers(0, 2**40), st.integers(1, 4), st.integers(1, 5))
def test_sums_scalings_and_transposes_contain_those_of_members(seed: int, m: int, n: int) -> None:
    rng = random.Random(seed)
    A, B = random_ball(rng, m, n), random_ball(rng, m, n)
    a, b = members(A, rng), members(B, rng)
    assert contains(A + B, [[x + y for x, y in zip(*rows, strict=True)] for rows in zip(a, b, strict=True)])
    factors = random_matrix(rng, m, 1)[:, 0]
    with np.errstate(over="ignore", under="ignore"):
        scaled = A.scale_rows(factors)
    if np.isfinite(scaled.mid).all():
        exact = [[Fraction(f) * x for x in row] for f, row in zip(factors.tolist(), a, strict=True)]
        assert contains(scaled, exact)
    assert contains(A.T, [list(column) for column in zip(*a, strict=True)])
    magnitude = A.magnitude().tolist()
    assert all(
        Fraction(top) >= abs(x)
        for tops, row in zip(magnitude, a, strict=True)
        for top, x in zip(tops, row, strict=True)
    )


def test_radii_too_small_to_scale_do_not_vanish() -> None:
    faint = Ball(np.zeros((1, 1)), np.array([[TINIEST]]))
    half = np.array([0.5])
    assert faint.scale_rows(half).rad[0, 0] > 0
    assert (faint @ Ball.exact(half[:, None])).rad[0, 0] > 0
    assert (Ball.exact(half[:, None]) @ faint).rad[0, 0] > 0


@given(st.integers(0, 2**40), st.integers(1, 6))
def test_norm_up_is_above_the_euclidean_norm_and_close(seed: int, n: int) -> None:
    values = random_matrix(random.Random(seed), 1, n)
    bound = Fraction(norm_up(values))
    square = sum((Fraction(v) ** 2 for v in values.ravel().tolist()), Fraction(0))
    assert bound**2 >= square
    if bound > 2.0**-1000:
        assert (bound * (1 - Fraction(1, 10**10))) ** 2 <= square


def test_the_norm_of_nothing_is_zero() -> None:
    assert norm_up(np.zeros(3)) == 0.0
