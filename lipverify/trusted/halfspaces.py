"""Half-spaces row·z > 0 in floats with their errors: on which side of which ones is a point, proven?

Proof: proofs/cone.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from flint import fmpq

from lipverify.arrays import Array, Matrix, Signs, Vector
from lipverify.rationals import fraction
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import TINY, U, gamma, quiet
from lipverify.trusted.scaling import exponents_of, moved

TINY_ENTRY = 2.0**-900
"""Of a row with entries near 1: γ times less may be lost, and a coordinate that it meets be huge."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class HalfSpaces:
    """Rows of greatest entry near 1, shape (n, m), their radii, and γ|row| + 2·radius, what a product may be off by."""

    rows: Matrix
    radii: Matrix
    unit: Matrix

    @classmethod
    def none(cls, dimension: int) -> HalfSpaces:
        """No rows."""
        nothing = np.zeros((0, dimension))
        return cls(nothing, nothing, nothing)

    @classmethod
    def of(cls, ball: Ball) -> HalfSpaces:
        """Rows of any scale: each is divided by a power of two, which changes no sign."""
        top = exponents_of(ball.mid, axis=1)
        scaled = moved(ball, -top[:, None])
        return cls(scaled.mid, scaled.rad, product_unit(scaled.mid) + 2 * scaled.rad)

    def __len__(self) -> int:
        return len(self.rows)

    def and_(self, others: HalfSpaces) -> HalfSpaces:
        """These and others after them."""
        pairs = ((self.rows, others.rows), (self.radii, others.radii), (self.unit, others.unit))
        return HalfSpaces(*(np.concatenate(pair) for pair in pairs))

    def part(self, which: slice) -> HalfSpaces:
        """Some of them."""
        return HalfSpaces(self.rows[which], self.radii[which], self.unit[which])

    def signs_at(self, points: Array) -> Signs:
        """Proven signs at float points (k, m), shape (k, n): 0 where floats cannot tell, or the sum overflowed."""
        value = points @ self.rows.T
        error = np.abs(points) @ self.unit.T + TINY
        finite = np.abs(value) < np.inf
        return ((value > error) & finite).astype(np.int8) - ((value < -error) & finite).astype(np.int8)

    def hold_at(self, point: Vector, sides: Signs, index: int | None = None, side: int = 0) -> bool:
        """Whether a point provably lies on these sides, 0 for either, and on `side` of row `index`."""
        value = self.rows @ point
        error = self.unit @ np.abs(point) + TINY
        margin = sides * value
        if not ((margin > error) & (margin < np.inf) | (sides == 0)).all():
            return False
        return index is None or bool(error[index] < side * value[index] < np.inf)


def product_unit(rows: Matrix) -> Matrix:
    """γ|row|, per entry: times a point's coordinates it bounds the rounding of the product of row and point."""
    return gamma(2 * rows.shape[1] + 8) * np.maximum(np.abs(rows), TINY_ENTRY) * (rows != 0)


@quiet
def near_floats(row: list[fmpq]) -> tuple[Vector, Vector]:
    """A rational row divided by a power of two that brings its largest entry near 1, in floats, and their errors."""
    values = [fraction(x) for x in row]
    exponent = max((x.numerator.bit_length() - x.denominator.bit_length() for x in values if x), default=0)
    floats = [float(x * 2**-exponent if exponent < 0 else x / 2**exponent) for x in values]
    return np.array(floats), np.array([2 * U * abs(x) + TINY * bool(v) for x, v in zip(floats, values, strict=True)])
