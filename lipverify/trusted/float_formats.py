"""How far a layer evaluated in a narrow float format may be from the layer in real arithmetic.

Every operation of the standard model: fl(a ∘ b) = (a ∘ b)(1 + δ) + η, |δ| ≤ u, |η| ≤ the underflow, η only where a
product or a conversion underflows. What is computed here is in float64, with every rounding on the safe side.
Proof: proofs/forward_error.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import final

import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.trusted.rounding import TINY, float_up, gamma, quiet

_EXTRA = 4  # roundings of a value beside those of its sum: conversions to and from a wider accumulator, the bias


@final
@dataclass(frozen=True)
class Format:
    """A binary float format.

    Attributes
    ----------
    bits
        Of the significand: u = 2^−bits.
    least
        The exponent of the smallest positive number.
    underflow
        What an operation that underflows may lose.
    largest
        The greatest finite number.
    """

    bits: int
    least: int
    underflow: float
    largest: float

    def spread(self, roundings: int) -> float:
        """(1 + u)^n − 1, rounded up."""
        return float_up((1 + Fraction(1, 2**self.bits)) ** roundings - 1)

    def conversion(self, values: Array) -> Array:
        """How far float64 values may be from what they become; 0 for those that the format holds, inf beyond it."""
        exponent = np.maximum(np.frexp(values)[1].astype(np.int64) - self.bits, self.least)
        with np.errstate(over="ignore", under="ignore"):
            scaled = np.ldexp(values, -np.clip(exponent, -1000, 1000))
            held = (scaled == np.rint(scaled)) & (np.ldexp(scaled, np.clip(exponent, -1000, 1000)) == values)
        return np.where(held & (np.abs(values) <= self.largest), 0.0, self.rounding(np.abs(values)))

    def rounding(self, size: Array) -> Array:
        """How far any number up to `size` may be from what it becomes; inf beyond the format."""
        lost = size * (2.0**-self.bits * (1 + gamma(4))) + (self.underflow + TINY)
        return np.where(size <= self.largest, lost, np.inf)


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "float64": Format(53, -1074, 2.0**-1022, float(np.finfo(np.float64).max)),
        "float32": Format(24, -149, 2.0**-126, float(np.finfo(np.float32).max)),
        "bfloat16": Format(8, -133, 2.0**-126, (2 - 2.0**-7) * 2.0**127),
        "float16": Format(11, -24, 2.0**-25, 65504.0),
    }
)
"""float32 and bfloat16 may flush subnormals to zero; float16 is taken to underflow gradually, as it does nearly
everywhere."""


@quiet
def affine_error(form: Format, weight: Matrix, bias: Vector, size: Vector, error: Vector) -> tuple[Vector, Vector]:
    """What W·v + b, summed in any order, may be off by, and the greatest magnitude of a partial sum.

    Parameters
    ----------
    size, error
        |v| ≤ size in real arithmetic, and the computed one is within `error` of it, shape (n,).

    Returns
    -------
    error, reach
        Shape (m,); the error is inf where a partial sum may overflow.
    """
    n = weight.shape[1]
    moved_weight, moved_bias = form.conversion(weight), form.conversion(bias)
    spread = form.spread(n + _EXTRA)
    seen = size + error  # of the computed v
    straight = _product(np.abs(weight), error) + _product(moved_weight, seen) + moved_bias
    mass = _product(np.abs(weight) + moved_weight, seen) + np.abs(bias) + moved_bias
    lost = (n + _EXTRA) * (form.underflow + TINY) * (1 + spread)
    reach = (mass * (1 + spread) + lost) * _MARGIN
    total = (straight + mass * spread + lost) * _MARGIN
    return np.where(reach <= form.largest, total, np.inf), reach


@quiet
def bend_error(form: Format, slopes: Array, reach: Vector, error: Vector) -> Vector:
    """What a two-slope neuron's value may be off by, its pre-activation being off by `error`; shapes (n, 2), (n,)."""
    steepest = np.abs(slopes).max(axis=1)
    plain = np.isin(slopes, (-1.0, 0.0, 1.0)).all(axis=1)
    moved = form.conversion(slopes).max(axis=1)
    rounding = (steepest + moved) * reach * form.spread(_EXTRA) + moved * reach + _EXTRA * (form.underflow + TINY)
    total = np.where(error == 0.0, 0.0, steepest * error) + np.where(plain, 0.0, rounding)
    total = np.where(np.where(plain, 0.0, steepest + moved) * reach * 2 <= form.largest, total, np.inf)
    return np.where(np.isnan(total), np.inf, total * _MARGIN)


_MARGIN = 1 + 2.0**-40
"""More than the float64 roundings of the few operations on nonnegative numbers that it covers."""


def _product(a: Matrix, b: Vector) -> Vector:
    """a·b of nonnegative arrays, rounded up; 0·∞ is 0."""
    finite = np.where(np.isfinite(b), b, 0.0)
    total = (a @ finite) * (1 + gamma(2 * len(b) + 4)) + len(b) * TINY
    infinite = ((a > 0) & np.isinf(b)).any(axis=1)
    return np.where(infinite | np.isnan(total), np.inf, total)
