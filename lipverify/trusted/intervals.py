"""Interval arithmetic on batches of vectors and matrices, rounded outward.

An enclosure is a pair of float arrays low ≤ high with the exact value between them. Overflow ends in an
infinite end, never in a NaN. Proof: proofs/interval.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.trusted.balls import Ball, underflow
from lipverify.trusted.layer import Layer, exact_below
from lipverify.trusted.rounding import TINY, downs, gamma, grown, half_widths, quiet, ups
from lipverify.watch import tick


def outward(low: Array, high: Array) -> tuple[Array, Array]:
    """Ends that overflow made infinite on the wrong side, or NaN, become infinite on the right one."""
    return np.where(low < np.inf, low, -np.inf), np.where(high > -np.inf, high, np.inf)


def widened(low: Array, high: Array, error_low: Array, error_high: Array) -> tuple[Array, Array]:
    """low − error and high + error, rounded outward; an error of 0 leaves the end as it is."""
    below = np.where(error_low == 0.0, low, downs(low - error_low))
    above = np.where(error_high == 0.0, high, ups(high + error_high))
    return outward(below, above)


@quiet
def middle(low: Array, high: Array) -> tuple[Array, Array]:
    """A middle and a radius of [low, high]; (0, ∞) where an end is infinite."""
    mid = low / 2 + high / 2
    rad = half_widths(low, mid, high)
    lost = ~np.isfinite(rad)
    return np.where(lost, 0.0, mid), np.where(lost, np.inf, rad)


def magnitude(low: Array, high: Array) -> Array:
    """The greatest absolute value in [low, high]."""
    return np.maximum(np.abs(low), np.abs(high))


def times(slope: Array, value: Array) -> tuple[Array, Array]:
    """slope · value rounded down and up; exact for powers of two within range; 0 times anything is 0."""
    product = np.where(slope == 0.0, 0.0, slope * value)
    if ((slope == 0.0) | (np.abs(slope) == 1.0)).all():
        return product, product
    normal = (np.abs(product) >= TINY) & (np.abs(product) < np.inf)
    exact = (np.abs(slope) == 1.0) | (product == 0.0) & ((slope == 0.0) | (value == 0.0))
    exact |= normal & (np.abs(np.frexp(slope)[0]) == 0.5)
    return (
        np.where(exact, product, downs(product)),
        np.where(exact, product, ups(product)),
    )


@quiet
def scaled(low: Array, high: Array, slope_low: Array, slope_high: Array) -> tuple[Array, Array]:
    """The range of d·v over v in [low, high] and d in [slope_low, slope_high]: at the four corners."""
    corners = [times(d, v) for d in (slope_low, slope_high) for v in (low, high)]
    below, above = corners[0]
    for lower, upper in corners[1:]:
        below, above = np.minimum(below, lower), np.maximum(above, upper)
    return outward(below, above)


@quiet
def bent(low: Array, high: Array, slopes: Array) -> tuple[Array, Array]:
    """The range of a two-slope neuron over [low, high]; slopes of shape (n, 2)."""
    left, right = slopes[:, 0], slopes[:, 1]
    at_low = times(np.where(low < 0, left, right), low)
    at_high = times(np.where(high < 0, left, right), high)
    crosses = (low < 0) & (high > 0)
    below, above = np.minimum(at_low[0], at_high[0]), np.maximum(at_low[1], at_high[1])
    return outward(
        np.where(crosses, np.minimum(below, 0.0), below),
        np.where(crosses, np.maximum(above, 0.0), above),
    )


@quiet
def affine(low: Array, high: Array, layer: Layer) -> tuple[Array, Array]:
    """The range of Wx + b over x in [low, high], shapes (N, n_in) to (N, n_out).

    Where all numbers are small multiples of one power of two (integers, say) the ends are exact: neurons
    that touch zero at a corner of the box are common there, and an outward step would undecide them.
    """
    tick()
    mid, rad = layer.weight.mid, layer.weight.rad
    bias, bias_rad = layer.bias
    up, down = np.maximum(mid, 0.0).T, np.maximum(-mid, 0.0).T
    slack = 1 + gamma(2 * len(up) + 8)
    sizes = (np.abs(mid) + rad).T
    lost = underflow(np.abs(low), sizes) + underflow(np.abs(high), sizes)  # either end may be tiny, the other one not
    grid = exact_below(np.concatenate([low, high, np.ones((len(low), 1))], axis=1), layer.ball.mid)
    if layer.ball.rad.any():
        grid = np.zeros_like(grid)
    ends: list[Array] = []
    errors: list[Array] = []
    for near, far in ((low, high), (high, low)):
        mass = np.abs(near) @ up + np.abs(far) @ down + np.abs(bias)
        error = mass * gamma(4 * len(up) + 16) + lost + bias_rad
        if rad.any():  # an entry of one sign has its extremes where its middle has them
            error = error + np.abs(near) @ np.where(mid >= rad, rad, 0.0).T
            error = error + np.abs(far) @ np.where(-mid >= rad, rad, 0.0).T
            error = error + magnitude(near, far) @ np.where(np.abs(mid) < rad, rad, 0.0).T
        ends.append(near @ up - far @ down + bias)
        errors.append(np.where(mass < grid, 0.0, error * slack))
    return widened(ends[0], ends[1], errors[0], errors[1])


@quiet
def matrix_product(low: Array, high: Array, weight: Ball) -> tuple[Array, Array]:
    """The range of X·W over X in [low, high], shape (..., m, n), and W in a ball of shape (n, k)."""
    tick()
    mid, rad = middle(low, high)
    size = np.abs(weight.mid)
    n = size.shape[0]
    centre = mid @ weight.mid
    relative = gamma(n + 2)  # applied last: a subnormal middle times it would be lost
    spread = ((np.abs(mid) + rad / relative) @ size) * relative
    if weight.rad.any():
        spread = spread + (np.abs(mid) + rad) @ weight.rad
    spread = grown(spread, 2 * n + 8) + underflow(magnitude(low, high), size + weight.rad)
    return widened(centre, centre, spread, spread)


@dataclass(frozen=True)
class Weights:
    """A matrix in parts, transposed, for many quick products with intervals."""

    up: Matrix
    down: Matrix
    size: Matrix
    lost: Vector

    @classmethod
    def of(cls, matrix: Matrix) -> Weights:
        """The parts of a matrix (m, n)."""
        size = np.abs(matrix).T
        lost = TINY * (size.sum(axis=0) + 2 * len(size))
        return cls(np.maximum(matrix, 0.0).T, np.minimum(matrix, 0.0).T, size, lost)

    def product(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Ranges of vectors (…, n) times the matrix, to (…, m); the ends may be off by two roundings themselves."""
        error = np.maximum(np.abs(low), np.abs(high)) @ self.size * gamma(2 * len(self.up) + 16) + self.lost
        return low @ self.up + high @ self.down - error, high @ self.up + low @ self.down + error
