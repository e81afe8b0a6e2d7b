"""Matrices with a radius: every product, sum and scaling widens it by what rounding may have done.

Proof: proofs/rounding.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Bools, Matrix, Vector
from lipverify.trusted.rounding import TINY, U, downs, gamma, grown, quiet, reduced, ups
from lipverify.watch import tick


@dataclass(frozen=True, slots=True)
class Ball:
    """A matrix known up to an entrywise error: every entry lies in mid ± rad, shapes (m, n)."""

    mid: Matrix
    rad: Matrix

    @classmethod
    def exact(cls, mid: Matrix) -> Ball:
        """The matrix whose floats are its exact entries."""
        return cls(mid, np.zeros_like(mid))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.mid.shape[0], self.mid.shape[1]

    @property
    def T(self) -> Ball:  # noqa: N802 (numpy's name)
        """The transpose."""
        return Ball(self.mid.T, self.rad.T)

    @classmethod
    def known(cls, mid: Matrix, rad: Matrix) -> Ball:
        """mid ± rad, an entry that overflow made infinite or NaN being unknown: 0 ± inf."""
        good = np.isfinite(mid) & np.isfinite(rad)
        return cls(mid, rad) if good.all() else cls(np.where(good, mid, 0.0), np.where(good, rad, np.inf))

    @quiet
    def ends(self) -> tuple[Matrix, Matrix]:
        """The least and the greatest entries, rounded outward; the middle itself where there is no radius."""
        sure = self.rad == 0.0
        low, high = downs(self.mid - self.rad), ups(self.mid + self.rad)
        return np.where(sure, self.mid, low), np.where(sure, self.mid, high)

    @quiet
    def distance(self, other: Matrix) -> Matrix:
        """Entrywise bounds of |other − X| for every X in the ball."""
        return grown(np.abs(other - self.mid), 2) + self.rad

    @quiet
    def least_magnitude(self) -> Matrix:
        """An entrywise lower bound of the absolute value, shape (m, n)."""
        return reduced(np.maximum(np.abs(self.mid) - self.rad, 0.0), 4)

    @quiet
    def magnitude(self) -> Matrix:
        """An entrywise upper bound of the absolute value, shape (m, n)."""
        return grown(np.abs(self.mid) + self.rad, 4) + TINY * (self.rad > 0)

    @quiet
    def __matmul__(self, other: Ball) -> Ball:
        """The product, with a radius that covers both radii and every rounding.

        What is not known is multiplied as an infinite radius, but for exact zeros: they stay zeros.
        """
        tick()
        n = self.mid.shape[1]
        lost, gone = np.isinf(self.rad), np.isinf(other.rad)
        if lost.any() or gone.any():
            seen = Ball(self.mid, np.where(lost, 0.0, self.rad)) @ Ball(other.mid, np.where(gone, 0.0, other.rad))
            unknown = _meet(lost, (other.mid != 0) | (other.rad > 0)) | _meet((self.mid != 0) | (self.rad > 0), gone)
            return Ball(np.where(unknown, 0.0, seen.mid), np.where(unknown, np.inf, seen.rad))
        mid = self.mid @ other.mid
        a, b = np.abs(self.mid), np.abs(other.mid)
        # Integer data with exact sums would allow a zero radius; only products of zeros keep it.
        spread = gamma(n + 2) * (a @ b)
        if self.rad.any():
            spread = spread + self.rad @ (b + other.rad)
        if other.rad.any():
            spread = spread + a @ other.rad
        return Ball.known(mid, _inflate(spread, n) + underflow(a + self.rad, b + other.rad))

    @quiet
    def scale_rows(self, factors: Vector) -> Ball:
        """Rows multiplied by exact factors, shape (m,)."""
        column = factors[:, None]
        mid = column * self.mid
        rad = np.where(column == 0.0, 0.0, np.abs(column) * self.rad)  # 0 times what is not known is 0
        if not np.isin(factors, (-1.0, 0.0, 1.0)).all():
            rad = rad + U * np.abs(mid)
            rad = _inflate(rad, 1) + TINY * ((column != 0.0) & ((self.mid != 0) | (self.rad != 0)))
        return Ball.known(mid, rad)

    @quiet
    def __add__(self, other: Ball) -> Ball:
        mid = self.mid + other.mid
        rad = self.rad + other.rad + U * np.abs(mid)
        return Ball.known(mid, grown(rad, 4))


def _meet(a: Bools, b: Bools) -> Bools:
    """Where a row of the one and a column of the other are True at the same place."""
    return (a.astype(np.float64) @ b.astype(np.float64)) > 0


def _inflate(rad: Matrix, n: int) -> Matrix:
    """Cover the rounding of a radius that was itself computed in O(n) operations."""
    return grown(rad, 2 * n + 8)


def underflow(a: Matrix, b: Matrix) -> Matrix | float:
    """What underflow can hide in a product of non-negative matrices; 0 where no product can underflow."""
    least = float(np.where(a > 0, a, 1.0).min(initial=1.0)) * float(np.where(b > 0, b, 1.0).min(initial=1.0))
    if least > 2.0**-960:
        return 0.0
    met = (a > 0).astype(np.float64) @ (b > 0).astype(np.float64)
    return (met + (met > 0)) * TINY
