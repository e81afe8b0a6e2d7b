"""What rounding can do to products of matrices and slopes along a network.

Every entry is a sum of products over paths; every product and every sum on the way is rounded. γ of their number
times the same expression in absolute values covers that. An underflow is multiplied by what stands behind it, which
`_reach` bounds. Proofs: proofs/rounding.md, proofs/sdp.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.trusted.rounding import TINY, gamma, grown, quiet


@quiet
def chain_error(
    product: Array, magnitude: Array, weights: Sequence[Matrix], slopes: Sequence[Array]
) -> tuple[Array, Array]:
    """W_K D_{K−1} ⋯ W_1 as floats found it, and an entrywise error; what overflowed is 0 with an infinite one.

    Parameters
    ----------
    product, magnitude
        The product in floats, and the same product of absolute values, shapes (..., n_K, n_0).
    weights, slopes
        Every weight, and every slope that may stand in a D_k.
    """
    steps = sum(w.shape[1] + 3 for w in weights)
    steepest = [max(1.0, float(np.abs(s).max())) for s in slopes]
    error = magnitude * gamma(2 * steps) + TINY * _reach(weights, 1.0) * math.prod(steepest) * steps
    good = np.isfinite(product) & np.isfinite(error)
    return np.where(good, product, 0.0), np.where(good, error, np.inf)


def form_errors(weights: Sequence[Matrix], steepest: float) -> tuple[float, float]:
    """A relative error, of the masses of `relaxations.sdp`, and an absolute one for underflow, both of its matrix."""
    steps = sum(w.shape[1] + 8 for w in weights) + weights[-1].shape[0]
    reach = _reach(weights, 3 * max(1.0, steepest))
    return gamma(4 * steps), TINY * reach * reach * steps


@quiet
def diagonal_error(left: Matrix, steepest: Vector, right: Matrix) -> Matrix:
    """An entrywise error of the float product A diag(σ) B for every |σ| ≤ steepest, shape (a, b)."""
    sizes = np.abs(left), np.abs(right)
    spread = gamma(2 * len(steepest) + 8) * ((sizes[0] * steepest) @ sizes[1])
    met = ((sizes[0] > 0) & (steepest > 0)).astype(np.float64) @ (sizes[1] > 0).astype(np.float64)
    # An entry of A diag(σ) that underflows is multiplied by one of B, a product that does by nothing.
    return grown(spread + met * TINY * (1 + float(sizes[1].max(initial=0.0))), 4)


def _reach(weights: Sequence[Matrix], factor: float) -> float:
    """What nothing of size 1 exceeds on any way through the layers, with a factor for each."""
    return math.prod((1.0 + float(np.abs(w).sum())) * factor for w in weights)
