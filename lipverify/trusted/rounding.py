"""Float arithmetic that knows its error: outward rounding, and matrices with a radius.

The model is the standard one for binary64: every operation returns (a ∘ b)(1 + δ) + η with
|δ| ≤ u = 2⁻⁵³ and |η| ≤ 2⁻¹⁰⁷⁴, in whatever order a sum is taken and with or without fused
multiply-add (Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1 and §3.5;
Rump, Acta Numerica 2010, doi:10.1017/S096249291000005X). Proof: proofs/rounding.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lipverify.arrays import Bools, Matrix, Vector

U = 2.0**-53
TINY = 2.0**-1022  # covers, many times over, the underflow of one product
MAX = float(np.finfo(np.float64).max)
quiet = np.errstate(over="ignore", invalid="ignore", under="ignore")
"""Around arithmetic that looks at what overflow leaves: an infinity or a NaN, and never a proof."""


def up(x: float) -> float:
    """The next float above x."""
    return math.nextafter(x, math.inf)


def down(x: float) -> float:
    """The next float below x."""
    return math.nextafter(x, -math.inf)


def float_up(x: Fraction) -> float:
    """The least float64 that is ≥ x (inf beyond the largest)."""
    try:
        nearest = float(x)
    except OverflowError:
        return math.inf if x > 0 else -MAX
    return nearest if nearest >= x else up(nearest)


def float_down(x: Fraction) -> float:
    """The greatest float64 that is ≤ x (-inf below the smallest)."""
    return 0.0 - float_up(-x)  # never −0


def gamma(n: int) -> float:
    """A bound of the relative error of n successive roundings, itself rounded up.

    γ_n = n·u / (1 − n·u); the factor 1.25 covers its own rounding and every n ≤ 2⁵⁰.
    """
    return 1.25 * n * U


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
    def magnitude(self) -> Matrix:
        """An entrywise upper bound of the absolute value, shape (m, n)."""
        return (np.abs(self.mid) + self.rad) * (1 + 4 * U) + TINY * (self.rad > 0)

    @quiet
    def __matmul__(self, other: Ball) -> Ball:
        """The product, with a radius that covers both radii and every rounding.

        What is not known is multiplied as an infinite radius, but for exact zeros: they stay zeros.
        """
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
        return Ball.known(mid, _inflate(spread, n) + _underflow(a + self.rad, b + other.rad))

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
        return Ball.known(mid, rad * (1 + 4 * U))


def _meet(a: Bools, b: Bools) -> Bools:
    """Where a row of the one and a column of the other are True at the same place."""
    return (a.astype(np.float64) @ b.astype(np.float64)) > 0


def _inflate(rad: Matrix, n: int) -> Matrix:
    """Cover the rounding of a radius that was itself computed in O(n) operations."""
    return rad * (1 + gamma(2 * n + 8))


def _underflow(a: Matrix, b: Matrix) -> Matrix | float:
    """What underflow can hide in a product of non-negative matrices; 0 where no product can underflow."""
    least = float(np.where(a > 0, a, 1.0).min(initial=1.0)) * float(np.where(b > 0, b, 1.0).min(initial=1.0))
    if least > 2.0**-960:
        return 0.0
    met = (a > 0).astype(np.float64) @ (b > 0).astype(np.float64)
    return (met + (met > 0)) * TINY


def norm_up(values: Matrix | Vector) -> float:
    """An upper bound of the Euclidean (Frobenius) norm of non-negative values."""
    flat = np.abs(values).ravel()
    top = float(flat.max(initial=0.0))
    if top == 0.0 or not math.isfinite(top):
        return top
    scaled = flat / top  # scaling keeps the squares away from overflow and underflow
    total = float(scaled @ scaled) + flat.size * TINY
    return up(top * math.sqrt(total) * (1 + gamma(2 * flat.size + 16)))
