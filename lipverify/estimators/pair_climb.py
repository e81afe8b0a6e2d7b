"""Climbing from vertex to vertex of a pair's box: values that are attained, hence no upper bounds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lipverify.arrays import Array, Indices, Matrix, Vector
from lipverify.estimators.pair import Pair, values
from lipverify.watch import tick

TIE = 1e-12  # vertices whose values are this close need not be told apart


def greedy(pair: Pair) -> Iterator[tuple[Vector, float]]:
    """Vertices and their float values, each better than the one before.

    From all slopes high (for relu: all ones), the flip that improves most, the first among equals. A local
    optimum is no maximum, and not even an upper bound of the network's constant.
    """
    sigma = pair.high.copy()
    free = np.flatnonzero(pair.low < pair.high)
    product = pair.products(sigma[None])[0]
    value = float(values(product[None])[0])
    yield sigma.copy(), value
    chunk = max(1, 2**18 // max(product.size, 1))
    while len(free):
        steps = pair.low[free] + pair.high[free] - 2 * sigma[free]
        pieces = [slice(at, at + chunk) for at in range(0, len(free), chunk)]
        scores = np.concatenate([_flip_values(pair, product, free[at], steps[at]) for at in pieces])
        best = int(np.flatnonzero(scores >= scores.max() * (1 - TIE))[0])
        if not scores[best] > value * (1 + TIE):
            return
        j = int(free[best])
        sigma[j] = pair.low[j] if sigma[j] == pair.high[j] else pair.high[j]
        product = pair.products(sigma[None])[0]
        value = float(values(product[None])[0])
        yield sigma.copy(), value


def _flip_values(pair: Pair, product: Matrix, chosen: Indices, steps: Vector) -> Array:
    """The values after each single flip: rank-one updates of the product."""
    tick()
    updates = (steps[:, None] * pair.left[:, chosen].T)[:, :, None] * pair.right[chosen][:, None, :]
    return values(product + updates)


def climb(pair: Pair, sigma: Array) -> float:
    """The value of a good vertex, in floats: fix the singular vectors, choose the best σ for them, repeat.

    `sigma` has shape (starts, n); every start climbs.
    """
    best = 0.0
    for _ in range(20):
        tick()
        left, singular, right = np.linalg.svd(pair.products(sigma), full_matrices=False)
        if not singular[:, 0].max() > best:
            break
        best = float(singular[:, 0].max())
        sigma = aligned(pair, left[:, :, 0], right[:, 0, :])
    return best


def aligned(pair: Pair, left: Array, right: Array) -> Array:
    """The vertices σ that maximise uᵀ A diag(σ) B v, for u of shape (..., a) and v of shape (..., b)."""
    return np.where((left @ pair.left) * (right @ pair.right.T) > 0, pair.high, pair.low)


def starts(pair: Pair, number: int, seed: int) -> Array:
    """All slopes high, and random vertices, shape (number, n)."""
    rng = np.random.default_rng(seed)
    sigma = np.where(rng.random((number, pair.width)) < 0.5, pair.low, pair.high)
    sigma[0] = pair.high
    return sigma
