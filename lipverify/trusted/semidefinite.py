"""Symmetric matrices shown to be positive semidefinite, in floats and in rationals (proofs/sdp.md)."""

from __future__ import annotations

import math

import numpy as np
from flint import fmpq, fmpq_mat

from lipverify.arrays import Array, Matrix, Vector
from lipverify.rationals import near_floats, rational, rational_matrix
from lipverify.trusted.rounding import TINY, U, gamma, grown, up

_TAKEN = 2.0**-46  # of the diagonal, per coordinate, before the factor is computed


def is_positive(Z: Matrix, radius: Vector) -> bool:
    """Whether Z − diag(radius) ⪰ 0 is shown by a float Cholesky decomposition.

    If the decomposition of a symmetric H runs to completion then H + Δ ⪰ 0 with |Δ_ij| ≤ γ √(h_ii h_jj) (Demmel 1989;
    Higham 2002, Thm 10.3), hence H + diag(γ √h_ii Σ_j √h_jj) ⪰ 0.
    """
    size = np.diag(Z).copy()
    if not (np.isfinite(Z).all() and np.isfinite(radius).all() and (size > 0).all()):
        return False
    roots = np.sqrt(size)
    n = len(size)
    taken = (radius + gamma(2 * n + 16) * roots * roots.sum()) * (1 + 8 * U)
    H = Z.copy()
    H[np.arange(n), np.arange(n)] = np.nextafter(size - taken, -np.inf)
    return factorised(H) is not None


def eigenvalue_slack(size: int, largest: float, missed: float) -> float:
    """What rounding can hide in a Cholesky decomposition of τI − H of this size, H ⪰ 0 known up to `missed` in norm."""
    return gamma(4 * size + 64) * size * largest + missed + TINY * size * 2.0**10


def largest_eigenvalue_up(H: Matrix, seen: float, missed: float) -> float:
    """A bound of the largest eigenvalue of every symmetric matrix within `missed` of H in norm; or inf.

    `seen` is that of H as floats see it, and nothing rests on it: the bound is shown by the success of a Cholesky
    decomposition of a slightly smaller matrix than τI − H. The diagonal of H must not be negative (proofs/seqlip.md).
    """
    seen = max(seen, 0.0)
    slack = eigenvalue_slack(len(H), seen, missed)
    for factor in (1.0, 2.0**4, 2.0**8):
        if factorised((seen + factor * slack) * np.eye(len(H)) - H) is not None:
            return up(grown(seen + 2 * factor * slack, 4))
    return math.inf


def is_positive_exact(Z: fmpq_mat) -> bool:
    """Whether a rational symmetric matrix is shown to be positive semidefinite."""
    near = near_floats(Z)
    size = np.diag(near)
    if not np.isfinite(near).all() or not (size > 0).all():
        return False
    roots: Vector = np.sqrt(size)
    factor = factorised(near - np.diag(_TAKEN * len(size) * size))
    return factor is not None and _dominant(Z - _square(factor), roots)


def _square(factor: Matrix) -> fmpq_mat:
    exact = rational_matrix(np.tril(factor))
    return exact * exact.transpose()


def _dominant(R: fmpq_mat, roots: Vector) -> bool:
    """Whether R_ii / r_i ≥ Σ_{j≠i} |R_ij| / r_j for all i: then diag(1/r) R diag(1/r) is diagonally dominant."""
    scale = [rational(1.0 / r) for r in roots.tolist()]
    for i, row in enumerate(R.tolist()):
        if row[i] * scale[i] < sum((abs(x) * scale[j] for j, x in enumerate(row) if j != i), fmpq(0)):
            return False
    return True


def factorised(A: Array) -> Array | None:
    """The lower Cholesky factor in floats, or None when there is none; of a matrix that overflowed there is none.

    Of a batch, shape (N, n, n), all factors or none.
    """
    if not np.isfinite(A).all():
        return None
    try:
        return np.linalg.cholesky(A).astype(np.float64, copy=False)
    except np.linalg.LinAlgError:
        return None
