"""Norms known exactly: neighbours that are truly tight, and one number in one form."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from flint import fmpq, fmpq_mat, fmpz_poly
from hypothesis import given
from hypothesis import strategies as st

from lipverify.norms import NormPair, exact_norm
from lipverify.trusted.algebraic import BITS, ZERO, ExactNorm, largest_root_norm

POSITIVE = st.fractions(min_value=0, max_denominator=10**6)


def significant_bits(x: Fraction) -> int:
    """How many bits x needs, for dyadic x."""
    assert x.denominator & (x.denominator - 1) == 0
    numerator = x.numerator
    while numerator and numerator % 2 == 0:
        numerator //= 2
    return numerator.bit_length()


def tight(norm: ExactNorm, square: Fraction) -> None:
    """Check that the enclosure holds √square and has no 53-bit number strictly inside."""
    low, high = norm.enclosure
    assert low**2 <= square <= high**2
    assert significant_bits(low) <= BITS
    assert significant_bits(high) <= BITS
    if low == high:
        assert low**2 == square
        return
    assert low**2 < square < high**2
    exponent = low.numerator.bit_length() - low.denominator.bit_length()
    while Fraction(2) ** exponent > low:
        exponent -= 1
    while Fraction(2) ** (exponent + 1) <= low:
        exponent += 1
    assert high - low == Fraction(2) ** (exponent - BITS + 1)


@given(POSITIVE, st.integers(-1200, 1200))
def test_rationals_have_their_neighbours(value: Fraction, shift: int) -> None:
    scaled = value * Fraction(2) ** shift
    norm = ExactNorm.rational(scaled)
    assert norm.root == scaled
    tight(norm, scaled**2)


@given(POSITIVE, st.integers(-1200, 1200))
def test_square_roots_have_their_neighbours(square: Fraction, shift: int) -> None:
    scaled = square * Fraction(2) ** shift
    norm = ExactNorm.square_root(scaled)
    assert norm.square == scaled
    assert (norm.root is None) == (norm.enclosure[0] ** 2 != scaled and not _is_square(scaled))
    tight(norm, scaled)


def _is_square(x: Fraction) -> bool:
    return all(math.isqrt(n) ** 2 == n for n in (x.numerator, x.denominator))


@given(POSITIVE)
def test_a_rational_root_is_recognised(value: Fraction) -> None:
    assert ExactNorm.square_root(value**2) == ExactNorm.rational(value)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.integers(0, 60))
def test_polynomials_of_known_roots(roots: list[int], scale: int) -> None:
    coefficients = [1]
    for root in roots:  # times (x − root·4^−scale), denominators cleared
        shifted = [0, *(c * 4**scale for c in coefficients)]
        coefficients = [a - root * b for a, b in zip(shifted, [*coefficients, 0], strict=True)]
    truth = Fraction(max(roots), 4**scale)
    norm = largest_root_norm(coefficients)
    tight(norm, truth)
    settled = norm.settled()
    assert settled.square == truth
    assert settled.enclosure == norm.enclosure == ExactNorm.square_root(truth).enclosure


@given(st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=2, max_size=4))
def test_irrational_spectral_norms_are_enclosed_by_neighbours(rows: list[list[int]]) -> None:
    norm = exact_norm(fmpq_mat(rows), NormPair(2.0, 2.0))
    transposed = exact_norm(fmpq_mat(rows).transpose(), NormPair(2.0, 2.0))
    assert norm.enclosure == transposed.enclosure
    low, high = norm.enclosure
    assert low == high or significant_bits(low) <= BITS >= significant_bits(high)
    assert float(high) == pytest.approx(float(low), rel=2**-51)


def test_the_golden_ratio() -> None:
    norm = largest_root_norm([1, -3, 1])  # S = (3 + √5)/2, so L = (1 + √5)/2
    assert norm.square is None
    assert norm.settled() == norm
    assert norm.root is None
    assert norm.upper == math.nextafter(norm.lower, 2)
    low, high = norm.enclosure
    assert low * low - low - 1 < 0 < high * high - high - 1


def test_order_beyond_the_last_bit() -> None:
    rational = ExactNorm.square_root(Fraction(2))
    above = exact_norm(fmpq_mat([[1, 1], [fmpq(1, 2**40), 0]]), NormPair(2.0, 2.0))
    assert above.enclosure == rational.enclosure
    assert above.exceeds(rational)
    assert not rational.exceeds(above)
    hidden = largest_root_norm([2, -3, 1])  # (S − 1)(S − 2): rational without saying so
    assert above.exceeds(hidden)
    assert not hidden.exceeds(above)
    assert not hidden.exceeds(rational)
    assert not rational.exceeds(hidden)


def test_multiple_and_zero_roots() -> None:
    assert largest_root_norm([0, 0, 1]) == ZERO
    assert largest_root_norm([0, -9, 3]).square == 3
    assert largest_root_norm([4, -4, 1]).settled().square == 2
    assert largest_root_norm([4, -4, 1]).enclosure == ExactNorm.square_root(Fraction(2)).enclosure


@pytest.mark.parametrize("square", [Fraction(1, 2**2148), Fraction(2) ** 2060, Fraction(10) ** 800])
def test_beyond_the_range_of_floats(square: Fraction) -> None:
    norm = ExactNorm.square_root(square)
    assert Fraction(norm.lower) ** 2 <= square
    assert math.isinf(norm.upper) or square <= Fraction(norm.upper) ** 2


@given(POSITIVE, POSITIVE)
def test_order(first: Fraction, second: Fraction) -> None:
    assert ExactNorm.square_root(first).exceeds(ExactNorm.square_root(second)) == (first > second)


def near_two(steps: int, *more: int) -> ExactNorm:
    """√(2 + steps·2⁻²⁰⁰·√2), with further factors x − root of the polynomial that says so."""
    unit = Fraction(2) ** -200
    coefficients = [4 - 2 * (steps * unit) ** 2, Fraction(-4), Fraction(1)]  # (x − 2)² − 2 (steps·unit)²
    for root in more:
        shifted = [Fraction(0), *coefficients]
        coefficients = [a - root * b for a, b in zip(shifted, [*coefficients, Fraction(0)], strict=True)]
    return largest_root_norm([int(c * 4**200) for c in coefficients])


def test_what_53_bits_do_not_tell_apart_is_ordered_all_the_same() -> None:
    """By irrational numbers, a rational one among them, and each also by a multiple of its polynomial."""
    two = ExactNorm.square_root(Fraction(2) + Fraction(3, 2**200))  # between 2 + 2·2⁻²⁰⁰·√2 and 2 + 3·2⁻²⁰⁰·√2
    ordered = [near_two(1), near_two(2), two, near_two(3), near_two(4)]
    again = [near_two(1, 1), near_two(2, 0, 1), two, near_two(3, 1, 1), near_two(4)]
    assert len({number.enclosure for number in ordered}) == 1
    for i, x in enumerate(ordered):
        for j, y in enumerate(again):
            assert x.exceeds(y) == (i > j)
            assert y.exceeds(x) == (j > i)
        assert x.settled() == again[i].settled()


def test_the_largest_of_many_factors_is_found() -> None:
    """Of (x² − 4x + 2)(x² − 6x + 7): 2 + √2 and 3 + √2; in each order, and with a rational root between them."""
    one, other = fmpz_poly([2, -4, 1]), fmpz_poly([7, -6, 1])
    for product in (one * other, other * one * fmpz_poly([-4, 1]), one * one * other):
        found = largest_root_norm([int(c) for c in product]).settled()
        assert found.polynomial == (7, -6, 1)
    assert largest_root_norm([int(c) for c in other * fmpz_poly([-5, 1])]).settled().square == 5
