"""An affine map known up to a radius, and where its float sums are exact. Proof: proofs/interval.md."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np

from lipverify.arrays import Indices, Matrix, Vector
from lipverify.trusted.balls import Ball


@final
@dataclass(frozen=True, eq=False)
class Layer:
    """x ↦ Wx + b for every [W | b] in a ball of shape (n_out, n_in + 1)."""

    ball: Ball

    @classmethod
    def exact(cls, weight: Matrix, bias: Vector) -> Layer:
        """The layer whose floats are its exact entries."""
        return cls(Ball.exact(np.column_stack([weight, bias])))

    @cached_property
    def weight(self) -> Ball:
        """W, shape (n_out, n_in)."""
        return Ball(np.ascontiguousarray(self.ball.mid[:, :-1]), np.ascontiguousarray(self.ball.rad[:, :-1]))

    @cached_property
    def bias(self) -> tuple[Vector, Vector]:
        """The middle and the radius of b, both of shape (n_out,)."""
        return self.ball.mid[:, -1], self.ball.rad[:, -1]

    def after(self, below: Layer, slopes: Vector) -> Layer:
        """This layer behind another one and linear neurons of these slopes, as one layer.

        Entries whose sums are exact have no radius: of integers, say.
        """
        inner = below.ball.scale_rows(slopes)
        with np.errstate(over="ignore", invalid="ignore"):
            product = self.weight @ inner
            shift = np.zeros_like(product.mid), np.zeros_like(product.rad)
            shift[0][:, -1], shift[1][:, -1] = self.bias
            total = product + Ball(*shift)
            mass = np.abs(self.weight.mid) @ np.abs(inner.mid) + np.abs(shift[0])
        lost = ~(np.isfinite(total.mid) & np.isfinite(total.rad))
        mid, rad = np.where(lost, 0.0, total.mid), np.where(lost, np.inf, total.rad)
        if not (self.ball.rad.any() or inner.rad.any()):
            columns = np.vstack([inner.mid, np.ones(inner.shape[1])]).T
            rad = np.where(mass < exact_below(self.ball.mid, columns), 0.0, rad)
        return Layer(Ball(mid, rad))


def exact_below(first: Matrix, second: Matrix) -> Matrix:
    """Where the mass of r·c, r a row of one matrix and c of the other, is below this, all its sums are exact.

    The mass of r·c is Σ|r_j c_j|. If it is below 2^(e+52) with r in 2^a·ℤ, c in 2^b·ℤ and e = a + b, every partial sum
    is a float, in any order. 0 where e is too small for that. Shapes (m, k), (n, k) to (m, n).
    """
    exponent = _unit(first)[:, None] + _unit(second)
    return np.where(exponent > -1000, np.ldexp(1.0, np.clip(exponent + 52, -1000, 1000)), 0.0)


def _unit(rows: Matrix) -> Indices:
    """For each row an e with all entries in 2^e·ℤ; 2000 where they are all 0, −4000 if one is infinite."""
    finite = np.isfinite(rows)
    mantissa, exponent = np.frexp(np.where(finite, rows, 0.0))
    integers = np.ldexp(mantissa, 53).astype(np.int64)
    lowest = np.frexp((integers & -integers).astype(np.float64))[1] + exponent - 54
    lowest = np.where(finite, np.where(integers == 0, 2000, lowest), -4000)
    return np.asarray(lowest.min(axis=-1), dtype=np.intp)
