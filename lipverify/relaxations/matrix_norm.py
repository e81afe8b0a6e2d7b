"""Operator norms of all matrices between two, batched and rounded up. Proof: proofs/passes.md."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Array
from lipverify.norms import NormPair, norms_upper, reduced_pair
from lipverify.relaxations.enclosure import magnitude, middle, quiet
from lipverify.trusted.rounding import TINY, gamma
from lipverify.watch import tick


@quiet
def norms_of_ranges(low: Array, high: Array, pair: NormPair) -> Array:
    """Upper bounds of ‖A‖_{p→q} over low ≤ A ≤ high, shapes (..., m, n) to (...); inf where an end is infinite.

    For norms that do not decrease with |A| the norm of the greatest absolute values. For 2→2 the least of the
    Frobenius and the spectral norm of these, and ‖M‖ + ‖R‖ for the middle M and the radius R.
    """
    shape, sides = low.shape[:-2], low.shape[-2:]
    low, high = low.reshape(-1, *sides), high.reshape(-1, *sides)
    bounds = np.full(len(low), np.inf)
    known = np.flatnonzero(np.isfinite(low).all(axis=(1, 2)) & np.isfinite(high).all(axis=(1, 2)))
    if len(known):
        bounds[known] = _norms(low[known], high[known], pair)
    return bounds.reshape(shape)


def _norms(low: Array, high: Array, pair: NormPair) -> Array:
    mid, rad = middle(low, high)
    if reduced_pair(pair, *mid.shape[1:]) != (2.0, 2.0):
        return norms_upper(mid, rad, pair)
    frobenius = norms_upper(mid, rad, pair, enough=np.inf)
    centre, spread, whole = spectral_norms(np.concatenate([mid, rad, magnitude(low, high)])).reshape(3, -1)
    return np.minimum.reduce([frobenius, whole, np.nextafter(centre + spread, np.inf)])


@quiet
def spectral_norms(matrices: Array) -> Array:
    """Upper bounds of the spectral norms of finite float matrices, shape (N, m, n): `norms.spectral_upper`, batched.

    inf where the decomposition fails: callers have other bounds.
    """
    tick()
    m, n = matrices.shape[1:]
    exponent = np.frexp(np.abs(matrices).max(axis=(1, 2)))[1]
    scaled = np.ldexp(matrices, -exponent[:, None, None])  # what underflows here is paid by the last term
    try:
        left, singular, right = np.linalg.svd(scaled, full_matrices=False)
    except np.linalg.LinAlgError:
        return np.full(len(matrices), np.inf)
    weighted = left * singular[:, None, :]
    k = singular.shape[1]
    error = np.abs(scaled - weighted @ right) + gamma(k + 8) * (np.abs(weighted) @ np.abs(right))
    residual = _frobenius(error)
    stretch = 1 + np.maximum(_defect(np.swapaxes(left, 1, 2)), _defect(right))  # ≥ ‖U‖‖V‖
    total = (singular[:, 0] * stretch + residual) * (1 + gamma(16)) + TINY * (m + n)
    return np.where(singular[:, 0] == 0.0, _frobenius(matrices), np.nextafter(np.ldexp(total, exponent), np.inf))


def _frobenius(matrices: Array) -> Array:
    """Upper bounds of Frobenius norms of matrices with entries of magnitude at most about 1."""
    total = np.einsum("nij,nij->n", matrices, matrices)
    size = matrices.shape[1] * matrices.shape[2]
    return np.where(matrices.any(axis=(1, 2)), np.sqrt(total + size * TINY) * (1 + gamma(size + 16)), 0.0)


def _defect(rows: Array) -> Array:
    """Upper bounds of ‖B Bᵀ − I‖_F for a batch of matrices B with almost orthonormal rows."""
    k, n = rows.shape[1:]
    gram = rows @ np.swapaxes(rows, 1, 2)
    size = np.abs(rows)
    error = np.abs(gram - np.eye(k)) + gamma(n + 8) * (size @ np.swapaxes(size, 1, 2))
    return _frobenius(error) * (1 + gamma(8))
