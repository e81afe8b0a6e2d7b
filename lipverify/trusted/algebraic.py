"""Norms known exactly: rational, the root of a rational, or the root of a polynomial's largest root.

`ExactNorm.enclosure` depends on the number alone, not on the route to it: two ways of computing the
same constant give the same floats, bit for bit. Proof: proofs/algebraic.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from flint import fmpz_poly

from lipverify.trusted.rounding import float_down, float_up

BITS = 53


@dataclass(frozen=True)
class ExactNorm:
    """A number L ≥ 0 known exactly.

    Attributes
    ----------
    root
        L as a Fraction, or None when it is irrational.
    square
        L² as a Fraction, or None when it is irrational, or rational without our knowing (`settled` finds out).
    polynomial
        When `square` is None: integer coefficients, constant term first, of a polynomial with a positive
        leading coefficient and real roots ≥ 0 only, the largest of which is L².
    """

    root: Fraction | None
    square: Fraction | None
    polynomial: tuple[int, ...] = ()

    @classmethod
    def rational(cls, value: Fraction) -> ExactNorm:
        """L = value."""
        return cls(value, value * value)

    @classmethod
    def square_root(cls, square: Fraction) -> ExactNorm:
        """L = √square."""
        root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
        return cls.rational(root) if root * root == square else cls(None, square)

    @cached_property
    def enclosure(self) -> tuple[Fraction, Fraction]:
        """The two neighbours of L among rationals of 53 significant bits; twice L itself if it is one."""
        if self.root is not None:
            return _neighbours(self.root)
        if self.square is not None:
            square = self.square
            return _root_neighbours(square, square, lambda v: square <= v)
        settled = self.settled()
        if settled.square is not None:
            return settled.enclosure
        at_most = _at_most(self.polynomial)
        return _root_neighbours(*_isolate(self.polynomial, at_most), at_most)

    @property
    def lower(self) -> float:
        """The greatest float64 ≤ L."""
        return float_down(self.enclosure[0])

    @property
    def upper(self) -> float:
        """The least float64 ≥ L."""
        return float_up(self.enclosure[1])

    def exceeds(self, other: ExactNorm) -> bool:
        """Whether L > other, exactly."""
        if self.square is not None and other.square is not None:
            return self.square > other.square
        if self.enclosure != other.enclosure or self.polynomial == other.polynomial:
            return self.enclosure > other.enclosure
        mine, theirs = self.settled(), other.settled()
        if mine.square is not None and theirs.square is not None:
            return mine.square > theirs.square
        if theirs.square is not None:
            return not _at_most(mine.polynomial)(theirs.square)
        if mine.square is not None:
            return _at_most(theirs.polynomial)(mine.square)
        low, high = self.enclosure
        return mine.polynomial != theirs.polynomial and _larger(mine.polynomial, theirs.polynomial, low**2, high**2)

    def settled(self) -> ExactNorm:
        """The same number in its one form: by `square` (and `root`) if they are rational, else a minimal polynomial."""
        return self._settled

    @cached_property
    def _settled(self) -> ExactNorm:
        if self.square is not None:
            return self
        at_most = _at_most(self.polynomial)
        _, factors = fmpz_poly(list(self.polynomial)).factor()
        irreducible = [tuple(int(c) for c in factor) for factor, _ in factors]
        for c in irreducible:
            if len(c) == 2 and at_most(Fraction(-c[0], c[1])):
                return ExactNorm.square_root(Fraction(-c[0], c[1]))
        largest, *rest = (c for c in irreducible if len(c) > 2)
        total = Fraction(-self.polynomial[-2], self.polynomial[-1])  # of the roots
        for c in rest:
            if _larger(c, largest, Fraction(0), total):
                largest = c
        return ExactNorm(None, None, largest)


ZERO = ExactNorm.rational(Fraction(0))


def largest_root_norm(coefficients: Sequence[int]) -> ExactNorm:
    """√S for the largest root S of a real-rooted polynomial, roots ≥ 0, constant term first."""
    lowest = next(k for k, c in enumerate(coefficients) if c)  # zero roots
    shared = math.gcd(*coefficients[lowest:])
    reduced = tuple(c // shared for c in coefficients[lowest:])
    if len(reduced) == 1:
        return ZERO
    if len(reduced) == 2:
        return ExactNorm.square_root(Fraction(-reduced[0], reduced[1]))
    return ExactNorm(None, None, reduced)


def _at_most(coefficients: tuple[int, ...]) -> Callable[[Fraction], bool]:
    """The test S ≤ v.

    It holds iff no coefficient of p(x + v) is negative: all roots are real, so this says that none
    of the shifted roots is positive (with real roots Descartes' rule of signs is exact).
    """
    degree = len(coefficients) - 1

    def test(v: Fraction) -> bool:
        # Coefficients of den^degree · p((x + num)/den), by repeated synthetic division.
        shifted = [c * v.denominator ** (degree - k) for k, c in enumerate(coefficients)]
        for i in range(degree):
            for k in range(degree - 1, i - 1, -1):
                shifted[k] += v.numerator * shifted[k + 1]
            if shifted[i] < 0:
                return False
        return True

    return test


def _larger(mine: tuple[int, ...], theirs: tuple[int, ...], low: Fraction, high: Fraction) -> bool:
    """Whether S > T for the largest roots in [low, high] of two different irreducible polynomials, by bisection."""
    above, below = _at_most(mine), _at_most(theirs)
    while True:
        middle = (low + high) / 2
        first, second = above(middle), below(middle)
        if first != second:
            return second
        low, high = (low, middle) if first else (middle, high)


def _isolate(coefficients: tuple[int, ...], at_most: Callable[[Fraction], bool]) -> tuple[Fraction, Fraction]:
    """low ≤ S ≤ high with high − low about 2⁻⁵⁸ high.

    Newton's iteration from above descends to the largest root of a real-rooted polynomial; each step is
    rounded up, and the last one is checked from below.
    """
    degree = len(coefficients) - 1
    high = Fraction(-coefficients[-2], coefficients[-1])  # the sum of the roots
    for _ in range(60 * degree):
        value = slope = 0
        power = 1
        for k in range(degree, -1, -1):  # Horner with the denominators cleared
            slope = slope * high.numerator + value
            value = value * high.numerator + coefficients[k] * power
            power *= high.denominator
        # p = value / den^degree and p' = slope / den^(degree − 1)
        if value <= 0:
            break
        step = Fraction(value, slope * high.denominator)
        if step < high / 2**62:
            break
        high = _round_up(high - step, 64)
    low = high * (1 - Fraction(1, 2**59))
    while at_most(low):
        high, low = low, low * (1 - Fraction(1, 2**59)) - (high - low)
    return low, high


def _round_up(value: Fraction, bits: int) -> Fraction:
    """The least rational of about `bits` significant bits that is ≥ value > 0."""
    unit = Fraction(2) ** (_exponent(value) - bits + 1)
    return math.ceil(value / unit) * unit


def _exponent(value: Fraction) -> int:
    """The e with 2^e ≤ value < 2^(e+1)."""
    e = value.numerator.bit_length() - value.denominator.bit_length()
    return e if Fraction(2) ** e <= value else e - 1


def _neighbours(value: Fraction) -> tuple[Fraction, Fraction]:
    """The neighbours of value ≥ 0 among rationals of 53 significant bits, value itself if it is one."""
    if value == 0:
        return value, value
    unit = Fraction(2) ** (_exponent(value) - BITS + 1)
    below = math.floor(value / unit) * unit
    return below, below if below == value else below + unit


def _root_neighbours(low: Fraction, high: Fraction, at_most: Callable[[Fraction], bool]) -> tuple[Fraction, Fraction]:
    """The 53-bit neighbours of an irrational √S: low ≤ S ≤ high, both close, and at_most(v) decides S ≤ v."""
    candidate, last = _neighbours(_root_down(low))[0], _neighbours(_root_down(high))[1]
    last = _after(last)
    while candidate < last:
        following = _after(candidate)
        if at_most(following * following):
            break
        candidate = following
    return candidate, _after(candidate)  # √S is irrational here, so it is neither


def _after(value: Fraction) -> Fraction:
    """The next rational of 53 significant bits above value > 0."""
    return value + Fraction(2) ** (_exponent(value) - BITS + 1)


def _root_down(value: Fraction) -> Fraction:
    """√value > 0 rounded down, to at least 60 bits."""
    shift = 128 - _exponent(value)
    shift += shift % 2
    scaled = math.floor(value * Fraction(2) ** shift)
    return math.isqrt(scaled) / Fraction(2) ** (shift // 2)
