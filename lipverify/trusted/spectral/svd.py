"""Spectral norms from singular value decompositions that are checked, not trusted: of one matrix, and of a batch.

A ≈ U S Vᵀ in floats gives ‖A‖ ≤ ‖U‖ max(S) ‖V‖ + ‖A − U S Vᵀ‖_F with ‖U‖² ≤ 1 + ‖UᵀU − I‖_F; what the
decomposition misses is computed, with its rounding, so nothing rests on its being accurate (proofs/norms.md).
"""

from __future__ import annotations

import math

import numpy as np

from lipverify.arrays import Array
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import TINY, gamma, grown, norm_up, plus_up, quiet, square_root_up, times_up, ups
from lipverify.trusted.scaling import shifted
from lipverify.trusted.vectors import vector_upper
from lipverify.watch import tick


@quiet
def spectral_upper(A: Ball) -> float:
    """A rigorous upper bound of the spectral norm of every matrix in the ball; inf where overflow left nothing to say.

    Never worse than the Frobenius norm, or than √(‖A‖₁‖A‖_∞).
    """
    magnitude = A.magnitude()
    simple = norm_up(magnitude)
    if not 2.0**-900 < simple < 2.0**900:
        return simple
    columns = max(vector_upper(c, 1.0) for c in magnitude.T)
    rows = max(vector_upper(r, 1.0) for r in magnitude)
    mixed = square_root_up(times_up(rows, columns)) if rows * columns > 2.0**-900 else simple
    total = plus_up(float(spectral_uppers(A.mid[None])[0]), norm_up(A.rad))
    return min(simple, mixed, total) if math.isfinite(total) else min(simple, mixed)


@quiet
def spectral_uppers(matrices: Array) -> Array:
    """Upper bounds of the spectral norms of float matrices, shape (N, m, n); inf where no decomposition is found."""
    tick()
    m, n = matrices.shape[1:]
    exponent = np.frexp(np.abs(matrices).max(axis=(1, 2)))[1]
    scaled = shifted(matrices, -exponent[:, None, None])  # what underflows here is paid by the last term
    try:
        left, singular, right = np.linalg.svd(scaled, full_matrices=False)
    except np.linalg.LinAlgError:
        return np.full(len(matrices), np.inf)
    tick()
    weighted = left * singular[:, None, :]
    k = singular.shape[1]
    error = np.abs(scaled - weighted @ right) + gamma(k + 8) * (np.abs(weighted) @ np.abs(right))
    stretch = 1 + np.maximum(_defect(np.swapaxes(left, 1, 2)), _defect(right))  # ≥ ‖U‖‖V‖
    total = grown(singular[:, 0] * stretch + _frobenius(error), 16) + TINY * (m + n)
    found = np.where(singular[:, 0] == 0.0, _frobenius(matrices), ups(shifted(total, exponent)))
    return np.where(np.isfinite(found), found, np.inf)


def _frobenius(matrices: Array) -> Array:
    """Upper bounds of Frobenius norms of matrices with entries of magnitude at most about 1."""
    total = np.einsum("nij,nij->n", matrices, matrices)
    size = matrices.shape[1] * matrices.shape[2]
    return np.where(matrices.any(axis=(1, 2)), grown(np.sqrt(total + size * TINY), size + 16), 0.0)


def _defect(rows: Array) -> Array:
    """Upper bounds of ‖B Bᵀ − I‖_F for a batch of matrices B with almost orthonormal rows."""
    k, n = rows.shape[1:]
    gram = rows @ np.swapaxes(rows, 1, 2)
    size = np.abs(rows)
    error = np.abs(gram - np.eye(k)) + gamma(n + 8) * (size @ np.swapaxes(size, 1, 2))
    return grown(_frobenius(error), 8)
