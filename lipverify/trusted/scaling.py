"""Powers of two taken out of arrays, so that what is computed with them neither overflows nor underflows.

A power of two changes no digit. What it moves below float64's range is lost, and is said to be: either nothing is
moved (`exactly`), or the loss goes into a radius (`normalised`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Matrix, Vector
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import TINY, downs, grown, quiet, up, ups
from lipverify.watch import tick

_FAR = 2**20


def exponent_of(values: Array) -> int:
    """The e with 2^(e−1) ≤ max |values| < 2^e; 0 when all are 0."""
    return math.frexp(float(np.abs(values).max(initial=0.0)))[1]


def exponents_of(values: Array, axis: int | tuple[int, ...]) -> Indices:
    """The same along some axes, which go."""
    return np.frexp(np.abs(values).max(axis=axis, initial=0.0))[1]


def are_powers(values: Array | float) -> bool:
    """Whether all of them are ± powers of two: then 1/values are floats, and products change no digit."""
    return bool((np.abs(np.frexp(values)[0]) == 0.5).all())


@quiet
def shifted(values: Array, exponent: int | Indices) -> Array:
    """values · 2^exponent, rounded where it underflows, infinite where it overflows."""
    return np.ldexp(values, exponent)


def shifted_float(value: float, exponent: int) -> float:
    """The same for one number ≥ 0."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.inf


def shifted_up(value: float, exponent: int) -> float:
    """value · 2^exponent for a value ≥ 0, rounded up where it is no float; 0 stays 0."""
    return up(shifted_float(value, exponent)) if value else 0.0


def is_exact(values: Array, exponent: int | Indices) -> bool:
    """Whether values · 2^exponent are floats."""
    moved = shifted(values, exponent)
    return bool(np.isfinite(moved).all()) and np.array_equal(shifted(moved, np.negative(exponent)), values)


def exactly(values: Array) -> tuple[Array, int]:
    """(values · 2^−e, e) with the greatest magnitude in [½, 1); as they are, e = 0, where an entry would be lost."""
    exponent = exponent_of(values)
    return (shifted(values, -exponent), exponent) if is_exact(values, -exponent) else (values, 0)


def normalised(ball: Ball) -> tuple[Ball, int]:
    """(ball · 2^−e, e) with the greatest magnitude in [¼, 1) and e even, losses in the radius.

    Even, so that the square root of the power is a power of two as well.
    """
    exponent = exponent_of(np.abs(ball.mid) + ball.rad)
    exponent += exponent % 2
    return moved(ball, -exponent), exponent


@quiet
def moved(ball: Ball, exponent: int | Indices) -> Ball:
    """ball · 2^exponent (one for all, or one a row, shape (m, 1)), losses in the radius."""
    tick()
    mid, rad = shifted(ball.mid, exponent), shifted(ball.rad, exponent)
    tick()
    lost = (shifted(mid, np.negative(exponent)) != ball.mid) | (ball.rad > 0)
    return Ball.known(mid, np.where(lost, grown(rad, 4) + 2 * TINY, 0.0))


def outward(low: Vector, high: Vector) -> tuple[Vector, Vector, int]:
    """Limits divided by a power of two that brings the greatest magnitude into [1, 2), losses outward."""
    exponent = exponent_of(np.maximum(np.abs(low), np.abs(high)))
    exponent -= 1 if exponent or low.any() or high.any() else 0  # the usual greatest slope, 1, stays 1
    below, above = shifted(low, -exponent), shifted(high, -exponent)
    below = np.where(shifted(below, exponent) > low, downs(below), below)
    above = np.where(shifted(above, exponent) < high, ups(above), above)
    return below, above, exponent


def balanced(left: Matrix, right: Matrix) -> tuple[Matrix, Matrix, int] | None:
    """(A, B, e) with left diag(σ) right = 2^e · A diag(σ) B for every σ; None where an entry would be lost.

    Column j of left takes the power of two that row j of right gives up, so that both have about the same norm; a
    common power brings the largest near 1. What meets only zeros on the other side is 0.
    """
    out, into = exponents_of(left, axis=0), exponents_of(right, axis=1)
    live: Bools = np.logical_and(left.any(axis=0), right.any(axis=1))
    if not live.any():
        return None
    shift = np.where(live, (into - out) // 2, 0)
    top = int(np.where(live, out + shift, -_FAR).max()), int(np.where(live, into - shift, -_FAR).max())
    left, right = np.where(live, left, 0.0), np.where(live[:, None], right, 0.0)
    by_left, by_right = shift - top[0], (-shift - top[1])[:, None]
    if not (is_exact(left, by_left) and is_exact(right, by_right)):
        return None
    return shifted(left, by_left), shifted(right, by_right), sum(top)


Chain: TypeAlias = tuple[list[Matrix], list[Vector], list[Array], int]
"""Weights, biases, slopes, and the e with J = 2^e · the Jacobian of these."""


def by_layers(weights: Sequence[Matrix], biases: Sequence[Vector], slopes: Sequence[Array]) -> Chain | None:
    """The network with every layer's weights divided by a power of two; None where an entry would be lost.

    Neurons are positively homogeneous, so patterns stay, and nothing overflows in the new network.
    """
    scaled, shifts = [], []
    total = 0
    for w, b in zip(weights, biases, strict=True):
        exponent = exponent_of(w)
        total += exponent
        if not (is_exact(w, -exponent) and is_exact(b, -total)):
            return None
        scaled.append(shifted(w, -exponent))
        shifts.append(shifted(b, -total))
    return scaled, shifts, list(slopes), total


@quiet
def relative_gains(weights: Sequence[Matrix], slopes: Sequence[Array]) -> list[Indices]:
    """For every hidden layer the exponents of how strongly its neurons can move the output, the strongest about 0.

    Where values of neurons are multiplied by these powers of two all neurons are about as strong. A neuron that moves
    nothing gets weights as large as the layer's others.
    """
    gains, gain = [], np.ones(len(weights[-1]))
    for w, s in zip(weights[:0:-1], slopes[::-1], strict=True):
        gain = (gain @ np.abs(w)) * np.abs(s).max(axis=1)
        top = float(gain.max(initial=0.0))
        gain = gain / top if 0 < top < np.inf else np.zeros(len(gain))
        gains.insert(0, gain)
    found, before = [], np.zeros(weights[0].shape[1], dtype=np.intp)
    for w, gain in zip(weights, gains, strict=False):
        after = np.where(gain > 0, np.frexp(gain)[1] - 1, 0).astype(np.intp)
        sizes = np.where(w != 0, np.frexp(w)[1] - before, -_FAR).max(axis=1)
        largest = int(np.where(gain > 0, sizes + after, -_FAR).max())
        after = np.where((gain > 0) | (sizes == -_FAR), after, (largest if largest > -_FAR else 0) - sizes)
        found.append(after)
        before = after
    return found


def by_neurons(weights: Sequence[Matrix], biases: Sequence[Vector], slopes: Sequence[Array]) -> Chain | None:
    """The same with a power of two of its own for every neuron's weights, and one for its slopes."""
    scaled, shifts, pairs = [], [], []
    carried = np.zeros(weights[0].shape[1], dtype=np.intp)  # v = 2^carried · the new network's v
    for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
        sizes = np.where(w != 0, np.frexp(w)[1] + carried, -_FAR)
        own = sizes.max(axis=1)
        if k == len(slopes):
            own = np.full(len(w), own.max())
        own = np.where(own > -_FAR, own, 0)
        by = carried - own[:, None]
        if not (is_exact(w, by) and is_exact(b, -own)):
            return None
        scaled.append(shifted(w, by))
        shifts.append(shifted(b, -own))
        carried = own
        if k < len(slopes):
            power = np.frexp(np.abs(slopes[k]).max(axis=1))[1] - slopes[k].any(axis=1)  # a greatest slope of 1 stays
            if not is_exact(slopes[k], -power[:, None]):
                return None
            pairs.append(shifted(slopes[k], -power[:, None]))
            carried = own + power
    return scaled, shifts, pairs, int(carried.max())
