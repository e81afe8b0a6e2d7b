"""What a node rule says, and how a node's constant follows from those of its operands (proofs/graph.md)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array
from lipverify.trusted.rounding import up

Constant: TypeAlias = Fraction | float
"""A Lipschitz constant: a Fraction, or the float inf."""
Interval: TypeAlias = tuple[Array, Array]
"""Lower and upper limits, entry by entry; infinite where nothing is known."""
INF = math.inf
_BITS = 80


@final
@dataclass(frozen=True)
class Local:
    """Bounds of ‖∂_i g‖ for every operand i, rounded up, and how they add up.

    Attributes
    ----------
    factors
        One per operand, ≥ 0, possibly inf.
    exponent
        g's constant is at most the ℓ_exponent norm of (factor_i · L_i): 1 for sums; the norm's own p where every
        output reads one operand only; inf for the maximum.
    note
        Why a factor is infinite.
    """

    factors: tuple[float, ...]
    exponent: float = 1.0
    note: str = ""


@final
@dataclass(frozen=True)
class Situation:
    """Where a rule is applied.

    Attributes
    ----------
    p
        The norm, on both sides: 1, 2 or inf.
    sizes
        The number of entries of every operand.
    interval
        The range of operand i over the domain, from an interval analysis that runs when asked.
    """

    p: float
    sizes: tuple[int, ...]
    interval: Callable[[int], Interval]


def combined(local: Local, constants: Sequence[Constant]) -> Constant:
    """The node's constant from those of its operands, rounded up."""
    terms = [_times(factor, constant) for factor, constant in zip(local.factors, constants, strict=True)]
    if any(term == INF for term in terms):
        return INF
    exact = [Fraction(term) for term in terms]
    if local.exponent == INF:
        return max(exact)
    if local.exponent == 2.0 and len(exact) > 1:
        return root_up(sum((t * t for t in exact), Fraction(0)))
    return shortened(sum(exact, Fraction(0)))


def _times(factor: float, constant: Constant) -> Constant:
    """factor · constant with 0 · inf = 0: what does not depend on an operand does not care how wild it is."""
    if factor == 0 or constant == 0:
        return Fraction(0)
    return INF if INF in (factor, constant) else Fraction(factor) * Fraction(constant)


def shortened(x: Fraction) -> Fraction:
    """x rounded up to 80 significant bits, with an exponent that neither over- nor underflows."""
    if x == 0:
        return x
    shift = x.denominator.bit_length() - x.numerator.bit_length() + _BITS
    scaled = x * Fraction(2) ** shift
    return Fraction(-(-scaled.numerator // scaled.denominator)) / Fraction(2) ** shift


def root_up(x: Fraction) -> Fraction:
    """√x, rounded up to about 80 significant bits."""
    if x == 0:
        return x
    shift = x.denominator.bit_length() - x.numerator.bit_length() + 2 * _BITS
    shift += shift % 2
    scaled = x * Fraction(2) ** shift
    whole = -(-scaled.numerator // scaled.denominator)
    found = math.isqrt(whole)
    return Fraction(found + (found * found < whole)) / Fraction(2) ** (shift // 2)


def root(value: float, p: float) -> float:
    """value^(1/p), rounded up: how often an input is copied, as a factor of the ℓ_p norm."""
    if p == INF or value == 0:
        return min(value, 1.0)
    if p == 1.0:
        return value
    found = math.sqrt(value)
    return found if found == math.floor(found) and found * found == value else up(found)


def blocks(values: npt.NDArray[Any], sizes: Sequence[int]) -> list[float]:
    """The largest value within each operand's stretch of columns."""
    ends = np.cumsum(sizes)
    return [float(values[end - size : end].max(initial=0.0)) for size, end in zip(sizes, ends, strict=True)]
