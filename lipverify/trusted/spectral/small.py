"""The spectral norm of a small matrix: a singular value decomposition, checked, not trusted (proofs/norms.md)."""

from __future__ import annotations

import math

import numpy as np

from lipverify.arrays import Array
from lipverify.trusted.rounding import Ball, U, norm_up, up
from lipverify.trusted.vectors import vector_upper
from lipverify.watch import tick

INF = math.inf


def spectral_upper(A: Ball) -> float:
    """A rigorous upper bound of the spectral norm of every matrix in the ball.

    From a float singular value decomposition A ≈ U S Vᵀ: ‖A‖ ≤ ‖U‖ max(S) ‖V‖ + ‖A − U S Vᵀ‖_F, where
    ‖U‖² ≤ 1 + ‖UᵀU − I‖_F; the residuals are computed as balls, so nothing rests on the decomposition
    being accurate. Never worse than the Frobenius norm, or than √(‖A‖₁‖A‖_∞).
    """
    tick()
    magnitude = A.magnitude()
    simple = norm_up(magnitude)
    if not 2.0**-900 < simple < 2.0**900:
        return simple
    scale = 2.0 ** -math.frexp(simple)[1]  # a power of two: exact, and far from overflow
    mid = A.mid * scale
    columns = vector_upper(np.array([vector_upper(c, 1.0) for c in magnitude.T]), INF)
    rows = vector_upper(np.array([vector_upper(r, 1.0) for r in magnitude]), INF)
    mixed = up(math.sqrt(up(rows * columns))) if rows * columns > 2.0**-900 else simple
    try:
        left, singular, right = np.linalg.svd(mid, full_matrices=False)
    except np.linalg.LinAlgError:
        return min(simple, mixed)
    tick()
    basis, cobasis = Ball.exact(left), Ball.exact(right)
    product = (basis @ _diagonal(singular)) @ cobasis
    residual = np.abs(mid - product.mid) * (1 + 2 * U) + product.rad
    stretch = 1 + max(_defect(basis.T @ basis), _defect(cobasis @ cobasis.T))  # ≥ ‖U‖‖V‖
    certified = float(singular[0]) * stretch * (1 + 8 * U) + norm_up(residual)
    total = up(certified * (1 + 4 * U)) / scale
    if A.rad.any():
        total = up(total + norm_up(A.rad))
    return min(simple, mixed, total) if math.isfinite(total) else min(simple, mixed)


def _diagonal(values: Array) -> Ball:
    return Ball.exact(np.diag(values))


def _defect(gram: Ball) -> float:
    """An upper bound of ‖G − I‖_F for a Gram matrix known as a ball."""
    distance = np.abs(gram.mid - np.eye(gram.shape[0])) * (1 + 2 * U) + gram.rad
    return norm_up(distance) * (1 + 2 * U)
