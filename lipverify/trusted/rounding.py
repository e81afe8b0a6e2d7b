"""Float arithmetic that knows its error: numbers rounded outward, one at a time and in arrays.

The model is the standard one for binary64: every operation returns (a ∘ b)(1 + δ) + η with
|δ| ≤ u = 2⁻⁵³ and |η| ≤ 2⁻¹⁰⁷⁴, in whatever order a sum is taken and with or without fused
multiply-add (Higham, Accuracy and Stability of Numerical Algorithms, 2002, §3.1 and §3.5;
Rump, Acta Numerica 2010, doi:10.1017/S096249291000005X). Proof: proofs/rounding.md.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, overload

import numpy as np

from lipverify.arrays import Array, Matrix, Vector

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


def ups(x: Array) -> Array:
    """The next floats above, entry by entry."""
    return np.nextafter(x, np.inf)


def downs(x: Array) -> Array:
    """The next floats below, entry by entry."""
    return np.nextafter(x, -np.inf)


@overload
def grown(x: float, n: int) -> float: ...
@overload
def grown(x: Array, n: int) -> Array: ...
def grown(x: Any, n: int) -> Any:
    """x ≥ 0, which n relative roundings may have made too small, enlarged to make up for them."""
    return x * (1 + gamma(n))


@overload
def reduced(x: float, n: int) -> float: ...
@overload
def reduced(x: Array, n: int) -> Array: ...
def reduced(x: Any, n: int) -> Any:
    """x ≥ 0, which n relative roundings may have made too large, made smaller to make up for them."""
    return x * (1 - gamma(n))


def upper(x: Any, n: int, products: int = 1) -> Any:
    """`grown`, and what underflow of some products may have hidden."""
    return grown(x, n) + products * TINY


def upper_end(x: Array, n: int) -> Array:
    """Numbers of either sign moved up by n relative roundings of theirs and an underflow."""
    return x + (gamma(n) * np.abs(x) + TINY)


def lower_end(x: Array, n: int) -> Array:
    """Numbers of either sign moved down by n relative roundings of theirs and an underflow."""
    return x - (gamma(n) * np.abs(x) + TINY)


def sum_error(mass: Any, n: int, products: int = 0) -> Any:
    """What rounding can do to sums of n terms whose magnitudes add up to `mass`, some of them products."""
    return gamma(n) * mass + products * TINY


def plus_up(a: float, b: float) -> float:
    """a + b rounded up for a, b ≥ 0; adding 0 changes nothing."""
    return up(a + b) if a and b else a + b


def times_up(a: float, b: float) -> float:
    """The product of two numbers ≥ 0, rounded up; a product with 0 is 0, even with inf."""
    return up(a * b) if a and b else 0.0


def quotient_up(a: float, b: float) -> float:
    """a/b rounded up for a ≥ 0 and b > 0; 0 stays 0."""
    return up(a / b) if a else 0.0


def square_root_up(x: float) -> float:
    """√x rounded up; 0 stays 0."""
    return up(math.sqrt(x)) if x else 0.0


def total_up(total: float, terms: int) -> float:
    """A float sum of `terms` terms ≥ 0, rounded up; 0 stays 0."""
    return up(grown(total, terms + 2)) if total > 0 else total


def half_widths(low: Array, middle: Array, high: Array) -> Array:
    """Bounds of how far [low, high] reaches to either side of its middle."""
    return grown(np.maximum(high - middle, middle - low), 4)


def norm_up(values: Matrix | Vector) -> float:
    """An upper bound of the Euclidean (Frobenius) norm of non-negative values."""
    flat = np.abs(values).ravel()
    top = float(flat.max(initial=0.0))
    if top == 0.0 or not math.isfinite(top):
        return top
    scaled = flat / top  # scaling keeps the squares away from overflow and underflow
    total = float(scaled @ scaled) + flat.size * TINY
    return up(top * math.sqrt(total) * (1 + gamma(2 * flat.size + 16)))
