"""Norms of matrices with two columns, exactly: surds, their order and their text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, cmp_to_key, reduce
from typing import TypeAlias

from lipverify.report import digits_nearest

SHORT = 14  # characters of a fraction that is shown as one
Matrix: TypeAlias = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class Norm:
    """A number L ≥ 0 with L² = (t + √d) / 2: every norm of a matrix with two columns is one.

    Equal numbers are equal objects: √d is irrational, or d = 0.
    """

    t: Fraction
    d: Fraction = Fraction(0)

    @property
    def square(self) -> Fraction | None:
        """L² when it is rational."""
        return None if self.d else self.t / 2

    @cached_property
    def root(self) -> Fraction | None:
        """L when it is rational."""
        return None if self.square is None else _root(self.square)

    def __float__(self) -> float:
        scale = 1 << 600  # far more digits than the smallest L that the page meets needs
        inner = math.isqrt(int(self.d * scale * scale))
        square = (self.t * scale + inner) / 2
        return float(Fraction(math.isqrt(int(square * scale)), scale))

    def exceeds(self, other: Norm) -> bool:
        """Whether L > the other, exactly."""
        return _sign(self.t - other.t, self.d, other.d) > 0

    def within(self, enclosure: tuple[Fraction, Fraction]) -> bool:
        """Whether low ≤ L ≤ high for two rationals ≥ 0."""
        low, high = (Norm(2 * x * x) for x in enclosure)
        return not low.exceeds(self) and not self.exceeds(high)


def norm(matrix: Matrix, p: float) -> Norm:
    """The operator norm of a rational matrix with two columns, p the same on both sides."""
    if p == 2:  # the larger eigenvalue of JᵀJ
        first, second, mixed = (sum((r[i] * r[j] for r in matrix), Fraction(0)) for i, j in ((0, 0), (1, 1), (0, 1)))
        d = (first - second) ** 2 + 4 * mixed * mixed
        root = _root(d)
        return Norm(first + second, d) if root is None else Norm(first + second + root)
    lines = matrix if math.isinf(p) else tuple(zip(*matrix, strict=True))
    value = max(sum((abs(x) for x in line), Fraction(0)) for line in lines)
    return Norm(2 * value * value)


def largest(norms: Sequence[Norm]) -> Norm:
    """The largest of them."""
    return reduce(lambda x, y: y if y.exceeds(x) else x, norms)


def descending(norms: Sequence[Norm]) -> list[int]:
    """The places of the norms from the largest to the smallest, equal ones in their order."""

    rough = [float(x) for x in norms]

    def compare(i: int, j: int) -> int:
        if abs(rough[i] - rough[j]) > 1e-12 * max(rough[i], rough[j]):  # no two floats err by that much
            return -1 if rough[i] > rough[j] else 1
        return -1 if norms[i].exceeds(norms[j]) else int(norms[j].exceeds(norms[i]))

    return sorted(range(len(norms)), key=cmp_to_key(compare))


def _root(x: Fraction) -> Fraction | None:
    root = Fraction(math.isqrt(x.numerator), math.isqrt(x.denominator))
    return root if root * root == x else None


def _sign(a: Fraction, d: Fraction, e: Fraction) -> int:
    """The sign of a + √d − √e."""
    if a < 0:
        return -_sign(-a, e, d)
    # a + √d and √e are both ≥ 0: compare their squares, a² + d − e against −2a√d
    c = a * a + d - e
    if c >= 0:
        return int(c > 0 or (a > 0 and d > 0))
    return (4 * a * a * d > c * c) - (4 * a * a * d < c * c)


def short(x: Fraction) -> str:
    """The fraction where it is short, else six digits that say so."""
    text = str(x)
    return text if len(text) <= SHORT else f"≈ {float(x):.6g}"


def norm_text(x: Norm) -> str:
    """Twelve digits, and what they are the digits of where that is short."""
    digits = digits_nearest(float(x))
    if x.root is not None:
        name = str(x.root)
    elif x.square is not None:
        name = f"√({x.square})"
    else:
        name = f"√(({x.t} + √{x.d})/2)" if x.d.denominator == 1 else f"√(({x.t} + √({x.d}))/2)"
    return plain(digits if name == digits or len(name) > 2 * SHORT else f"{digits} = {name}")


def plain(text: str) -> str:
    """√5 for √(5)."""
    return re.sub(r"√\((\d+)\)", r"√\1", text)
