"""Linear functionals pushed through relaxed layers: the one step behind CROWN and the functional passes.

A step knows φ(w) ≤ s·w + t and φ(w) ≥ s′·w + t′ on the range of w for every coordinate, so a functional of
φ(w) becomes a constant and a functional of w, and one of w = Wv + b becomes one of v. Coefficients are plain
floats: what a rounding changes in a coefficient changes the functional by at most that times the greatest
|w| or |v|, and these charges add up. Proof: proofs/crown.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Array, Vector
from lipverify.trusted.balls import Ball
from lipverify.trusted.intervals import magnitude
from lipverify.trusted.rounding import TINY, U, gamma, grown, quiet, ups
from lipverify.watch import tick

TAME, _LOST = 2.0**400, 2.0**-500
"""Sizes up to the one lose less than the other by underflow."""


@dataclass(frozen=True)
class Lines:
    """slope·w + shift on one side of φ(w), shapes (B, n); an infinite shift says that there is no such line."""

    slope: Array
    shift: Array

    def negated(self) -> Lines:
        """The lines of −φ, for those of φ."""
        return Lines(-self.slope, -self.shift)


@dataclass(frozen=True)
class Step:
    """w = Wv + b with v = φ(u), and lines around φ; for the last step no lines: v is what the ranges are of.

    Attributes
    ----------
    weight, bias
        W as a ball, shape (m, n), and the middle and the radius of b.
    size
        A bound of |v|, shape (B, n).
    above, below
        Lines above and below φ, as functions of u.
    """

    weight: Ball
    bias: tuple[Vector, Vector]
    size: Array
    above: Lines | None = None
    below: Lines | None = None


@quiet
def chord(low: Array, high: Array, left: Array, right: Array) -> Lines:
    """Lines above the convex functions max(left·w, right·w), left ≤ right, over w in [low, high].

    The chord between the ends where 0 lies inside, the function itself elsewhere.
    """
    crosses = (low < 0) & (high > 0)
    width = high / 2 - low / 2
    inside = crosses & np.isfinite(width) & (width > 0)
    # (right·high − left·low)/(high − low) without overflow; any slope from left to right gives a valid line
    slope = np.clip(left + (right - left) * (high / 2 / np.where(inside, width, 1.0)), left, right)
    shift = np.maximum((left - slope) * low, (right - slope) * high) * (1 + 8 * U) + TINY
    return Lines(
        np.where(inside, slope, np.where(high <= 0, left, right)),
        np.where(inside, shift, np.where(crosses, np.inf, 0.0)),
    )


@quiet
def upper_bounds(coefficients: Array, steps: Sequence[Step], low: Array, high: Array) -> Array:
    """Upper bounds of a·w for rows a, shape (B, R, m) or (1, R, m), to shape (B, R); rounding included.

    w is the output of the first step, and [low, high], shape (B, n), the range of the last one's input.
    """
    a = coefficients
    total = np.zeros((1, a.shape[1]))
    error = np.zeros((1, a.shape[1]))
    spare = 4 * len(steps) + 12  # roundings outside the sums of m or n terms
    longest = a.shape[2]
    for step in steps:
        tick()
        mid, rad = step.weight.mid, step.weight.rad
        bias, bias_rad = step.bias
        m, n = mid.shape
        longest = max(longest, n)
        reach = step.size @ np.abs(mid).T + np.abs(bias)  # a bound of |w|
        charge = reach * gamma(2 * m + spare) + bias_rad + TINY * n
        if rad.any():
            charge = charge + step.size @ rad.T
        lost = TINY * m * (1 + step.size.sum(axis=1, keepdims=True) + reach.sum(axis=1, keepdims=True))
        error = error + _dot(np.abs(a), charge) + lost
        total = total + a @ bias
        a = a @ mid
        if step.above is not None and step.below is not None:
            up, down = step.above.shift, step.below.shift
            total = total + _dot(np.maximum(a, 0.0), up) + _dot(np.minimum(a, 0.0), down)
            error = error + _dot(np.abs(a), magnitude(up, down)) * gamma(2 * n + spare) + TINY * n
            a = np.where(a > 0, a * step.above.slope[:, None, :], a * step.below.slope[:, None, :])
    ends = magnitude(low, high)
    total = total + _dot(np.maximum(a, 0.0), high) + _dot(np.minimum(a, 0.0), low)
    error = (
        error + _dot(np.abs(a), ends) * gamma(2 * longest + spare) + TINY * (longest + ends.sum(axis=1, keepdims=True))
    )
    bound = ups(total + grown(error, 2 * longest + 2 * spare))
    return np.where(np.isfinite(bound), bound, np.inf)


def _dot(rows: Array, vectors: Array) -> Array:
    """rows (B, R, n) times vectors (B, n), shape (B, R)."""
    return (rows @ vectors[:, :, None])[:, :, 0]


def sloped_lines(low: Array, high: Array, left: Array, right: Array, rows: Array) -> tuple[Array, Array, Array]:
    """Lines above Σ r·d·v over d ∈ [left, right] and v ∈ [low, high], for rows r, shapes (N, n): the sums of their
    shifts and of the sizes of all that was added, shape (N,), and their slopes, as rows."""
    ends = rows * low, rows * high
    small, large = np.minimum(*ends), np.maximum(*ends)
    at_small, at_large = np.maximum(left * small, right * small), np.maximum(left * large, right * large)
    width = large - small
    slope = np.where(width > 0, (at_large - at_small) / np.where(width > 0, width, 1.0), right)
    slope = np.clip(slope, left, right)
    shift = np.maximum(at_small - slope * small, at_large - slope * large)
    size = np.maximum(np.abs(small), np.abs(large)) * np.maximum(np.abs(left), np.abs(right))
    return shift.sum(axis=1), 4 * size.sum(axis=1), slope * rows


def charged(value: Array, sizes: Array, mass: Array, longest: int) -> Array:
    """A functional pushed through `sloped_lines` with what rounding can have done to it added.

    `sizes` and `mass` are the sums of magnitudes that `sloped_lines` counts; nothing on the way exceeds `TAME`.
    """
    return value + gamma(8 * longest + 64) * sizes + (1 + mass) * _LOST
