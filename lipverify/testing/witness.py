"""Two points whose slope comes as close to the exact constant as floats tell.

A Lipschitz constant is the supremum of ‖f(y) − f(x)‖_q / ‖y − x‖_p over x ≠ y, so one pair of points with
a larger slope disproves an upper bound, and whoever can evaluate the network can check it.
On a region f is affine with Jacobian J, so the slope from x to x + t·d there is ‖J d‖_q / ‖d‖_p exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from lipverify.arrays import Array, Pattern, Point
from lipverify.bound import Bound
from lipverify.domain import Domain
from lipverify.evaluate import forward_exact, jacobian_exact
from lipverify.geometry.witness import locate
from lipverify.network import Network
from lipverify.norms import NormPair, dual, reduced_pair
from lipverify.rationals import column, entries, fraction, rational_vector

Pair: TypeAlias = tuple[Point, Point]

_MOST_BITS = 64
_CLOSE, _FEW = 2.0**-40, 8  # relative; directions that are compared exactly


def steepest_pair(net: Network, norm: NormPair, domain: Domain, exact: Bound) -> Pair | None:
    """Points x, y inside the domain with (nearly) the largest slope; None without a witness region."""
    if exact.witness is None:
        return None
    pattern = exact.witness.pattern
    x = _plain(net, domain, exact.witness.point, pattern)
    jacobian = jacobian_exact(net, pattern)
    J = tuple(tuple(fraction(v) for v in row) for row in entries(jacobian))

    def slope_square(d: Point) -> Fraction:
        image = jacobian * column(rational_vector(d))
        return norm_square([fraction(v) for v in image.entries()], norm.q) / norm_square(d, norm.p)

    direction = max((d for d in _directions(J, norm) if any(d)), key=slope_square)
    step = Fraction(1)
    while locate(net, domain, y := _along(x, step, direction)) != pattern:
        step /= 4  # the region is open and convex, so a small step stays in it
    return x, y


def _plain(net: Network, domain: Domain, point: Point, pattern: Pattern) -> Point:
    """A point of few digits in the same region: the first rounding of the given one that lies there."""
    for bits in range(_MOST_BITS):
        candidate = tuple(Fraction(round(t * 2**bits), 2**bits) for t in point)
        if locate(net, domain, candidate) == pattern:
            return candidate
    return point


def norm_square(v: Point | list[Fraction], p: float) -> Fraction:
    """‖v‖_p² as a Fraction."""
    if p == 2:
        return sum((t * t for t in v), Fraction(0))
    sizes = [abs(t) for t in v]
    return (sum(sizes, Fraction(0)) if p == 1 else max(sizes)) ** 2


def slope_square(net: Network, norm: NormPair, pair: Pair) -> Fraction:
    """(‖f(y) − f(x)‖_q / ‖y − x‖_p)², exactly."""
    (x, y), (fx, fy) = pair, (forward_exact(net, point) for point in pair)
    rise = [b - a for a, b in zip(fx, fy, strict=True)]
    run = [b - a for a, b in zip(x, y, strict=True)]
    return norm_square(rise, norm.q) / norm_square(run, norm.p)


def _along(x: Point, step: Fraction, direction: Point) -> Point:
    return tuple(a + step * d for a, d in zip(x, direction, strict=True))


def _directions(J: tuple[Point, ...], norm: NormPair) -> Iterator[Point]:
    """A few directions, one of which has the largest ‖J d‖_q / ‖d‖_p: an axis, an extreme point of a ball, a vector.

    Floats choose among the exponentially many, so that the largest may be missed by their error.
    """
    m, n = len(J), len(J[0])
    pair, scaled = reduced_pair(norm, m, n), _scaled(J)
    yield from (_axis(j, n) for j in _largest(np.linalg.norm(scaled, ord=pair.q, axis=0)))
    if pair.p == 1:
        return
    if pair.q == math.inf or pair == (2, 2):
        for i in _largest(np.linalg.norm(scaled, ord=dual(pair.p), axis=1)):
            yield _signs(J[i]) if pair.p == math.inf else J[i]
    if pair == (2, 2):
        # the leading right singular vector: its slope is off by the square of its error only
        yield tuple(Fraction(t) for t in np.linalg.svd(scaled, full_matrices=False)[2][0].tolist())
    elif pair.q != math.inf:
        by_rows = pair == (2, 1) or (pair == (math.inf, 1) and m < n)  # ‖J‖_{p→q} = ‖Jᵀ‖_{q*→p*}: the shorter side
        A = scaled.T if by_rows else scaled
        signs = 1.0 - 2.0 * (np.arange(2 ** (A.shape[1] - 1))[:, None] >> np.arange(A.shape[1]) & 1)
        best = signs[np.linalg.norm(A @ signs.T, ord=dual(pair.p) if by_rows else pair.q, axis=0).argmax()]
        chosen = tuple(Fraction(int(s)) for s in best)
        if by_rows:
            chosen = tuple(sum((s * row[j] for s, row in zip(chosen, J, strict=True)), Fraction(0)) for j in range(n))
        yield chosen if pair.p == 2 else _signs(chosen)


def _largest(values: Array) -> list[int]:
    """Where numbers are the largest, as far as floats tell: a few places."""
    return np.flatnonzero(values >= values.max() * (1 - _CLOSE))[:_FEW].tolist()


def _axis(j: int, n: int) -> Point:
    return tuple(Fraction(int(i == j)) for i in range(n))


def _signs(v: Point) -> Point:
    return tuple(Fraction(1 if t >= 0 else -1) for t in v)


def _scaled(J: tuple[Point, ...]) -> Array:
    """J in floats, its largest entry 1; zeros stay zeros."""
    largest = max(abs(v) for row in J for v in row) or Fraction(1)
    return np.array([[float(v / largest) for v in row] for row in J])
