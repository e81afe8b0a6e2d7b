"""Spectral norms certified by factorisations that are checked, not trusted: of one matrix, a batch, a large one.

Floats propose a factorisation, and what it misses is computed, with its rounding; so nothing rests on its being
accurate. A ≈ U S Vᵀ gives ‖A‖ ≤ ‖U‖ max(S) ‖V‖ + ‖A − U S Vᵀ‖_F with ‖U‖² ≤ 1 + ‖UᵀU − I‖_F (proofs/norms.md), and
τI − AAᴴ = RRᴴ + E gives ‖A‖² ≤ τ + ‖E‖, whatever R is (proofs/convolution.md).

spectral_upper     one matrix known up to a radius, by its singular values
spectral_uppers    a batch, likewise
cholesky_uppers    a batch, quicker: decompositions of τ²I − CCᵀ, and singular values where there is none
cholesky_upper     one large matrix, real or complex: τ grows until there is a factor
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Bools
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import TINY, U, gamma, grown, norm_up, plus_up, quiet, square_root_up, times_up, up, ups
from lipverify.trusted.scaling import exponents_of, shifted
from lipverify.trusted.semidefinite import factorised
from lipverify.trusted.vectors import vector_upper
from lipverify.watch import tick

Matrix = npt.NDArray[Any]
"""Real or complex, shape (m, n)."""
_FIRST_EXCESS, _GROWTH = 1e-7, 16.0
_LANCZOS_STEPS = 60


@quiet
def spectral_upper(A: Ball) -> float:
    """A rigorous upper bound of the spectral norm of every matrix in the ball; inf where overflow left nothing to say.

    Never worse than the Frobenius norm, or than √(‖A‖₁‖A‖_∞).
    """
    magnitude = A.magnitude()
    tick()
    simple = norm_up(magnitude)
    tick()
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
    exponent = exponents_of(matrices, axis=(1, 2))
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


def cholesky_uppers(matrices: Array) -> Array:
    """Upper bounds of the spectral norms of a batch of float matrices (N, a, b), tight to about 1e-12.

    τ ≥ ‖C‖ is shown by the success of a float Cholesky decomposition of a slightly smaller matrix than
    τ²I − CCᵀ; where it fails, a singular value decomposition takes its place (proofs/seqlip.md).
    """
    squares, known = gram(matrices)
    r, inner = squares.shape[-1], max(matrices.shape[-2:])
    largest = np.maximum(np.linalg.eigvalsh(squares)[:, -1], 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        mass = np.einsum("nab,nab->n", matrices, matrices)
        slack = gamma(8 * (r + inner) + 64) * (mass + r * largest) + TINY * (r + inner) * 2.0**10
        above = (largest + 2 * slack)[:, None, None] * np.eye(r) - squares
        bounds = grown(np.sqrt(largest + 4 * slack), 8)
    for k in {*_indefinite(above), *np.flatnonzero(~(known & np.isfinite(bounds))).tolist()}:
        bounds[k] = spectral_upper(Ball.exact(matrices[k]))
    return bounds


@quiet
def gram(matrices: Array) -> tuple[Array, Bools]:
    """The smaller of C Cᵀ and Cᵀ C in floats for a batch, 0 where that overflows, and where it does not."""
    flipped = np.swapaxes(matrices, -1, -2)
    squares = matrices @ flipped if matrices.shape[-2] <= matrices.shape[-1] else flipped @ matrices
    known = np.array([bool(np.isfinite(square).all()) for square in squares], dtype=bool)
    return np.where(known[:, None, None], squares, 0.0), known


def _indefinite(matrices: Array) -> list[int]:
    """Indices at which the Cholesky decomposition does not run to completion."""
    if factorised(matrices) is not None:
        return []
    if len(matrices) == 1:
        return [0]
    half = len(matrices) // 2
    return [*_indefinite(matrices[:half]), *(half + k for k in _indefinite(matrices[half:]))]


def cholesky_upper(matrix: Matrix, enough: float = 0.0) -> float:
    """An upper bound of the spectral norm of a float64 or complex128 matrix with entries of magnitude at most 1.

    τ starts a little above the largest eigenvalue of AAᴴ that a few Lanczos steps see, or at enough² where that is
    larger, and grows while there is no factorisation. ROUNDED. Cost: AAᴴ and, per attempt, one
    factorisation and one product on the smaller side.
    """
    if matrix.shape[0] > matrix.shape[1]:
        matrix = matrix.conj().T
    m, n = matrix.shape
    frobenius = _norm_up(matrix)
    if frobenius <= max(enough, 2.0**-400):
        return frobenius
    gram = matrix @ matrix.conj().T
    # Entrywise |AAᴴ − gram| ≤ √2 γ |A||A|ᵀ, whose Frobenius norm is at most ‖A‖_F² times that; and underflow.
    missed = _product_error(n, frobenius) + TINY * m * n
    seen = _largest_eigenvalue(gram)
    excess = _FIRST_EXCESS
    while excess < 1.0:
        tick()
        tau = up(max(seen * (1 + excess), enough * enough if excess == _FIRST_EXCESS else 0.0))
        residual = _residual(gram, tau)
        if residual is not None:
            return min(up(math.sqrt(up(up(tau + residual) + missed))), frobenius)
        excess *= _GROWTH
    return frobenius


def _norm_up(matrix: Matrix) -> float:
    """An upper bound of the Frobenius norm."""
    return (
        norm_up(matrix.view(np.float64)) if matrix.flags.c_contiguous else norm_up(np.stack([matrix.real, matrix.imag]))
    )


def _product_error(terms: int, size: float) -> float:
    """A bound of ‖fl(XXᴴ) − XXᴴ‖_F for ‖X‖_F ≤ size: real parts of 2·terms products each."""
    return up(math.sqrt(2) * gamma(2 * terms + 4) * size * size * (1 + gamma(8)))


def _residual(gram: Matrix, tau: float) -> float | None:
    """A bound of ‖τI − gram − RRᴴ‖ for the float Cholesky factor R; None when there is none."""
    m = len(gram)
    above = -gram
    diagonal = np.diag_indices(m)
    above[diagonal] += tau
    try:
        factor = np.linalg.cholesky(above)
    except np.linalg.LinAlgError:
        return None
    tick()
    size = _norm_up(factor)
    product = factor @ factor.conj().T
    product -= above
    # Rounded are the diagonal's shift, the product, and the difference (entrywise by u of the result).
    shift = 4 * U * (tau + float(np.abs(gram[diagonal]).max()))
    difference = _norm_up(product) * (1 + 4 * U)
    return up(up(difference + _product_error(m, size)) + shift + TINY * m * m)


def _largest_eigenvalue(gram: Matrix) -> float:
    """The largest Ritz value after some Lanczos steps with full reorthogonalisation: a guess from below."""
    m = len(gram)
    steps = min(_LANCZOS_STEPS, m)
    rng = np.random.default_rng(0)
    basis = np.zeros((steps + 1, m), dtype=gram.dtype)
    start = rng.standard_normal(m)
    basis[0] = start / np.linalg.norm(start)
    diagonal, beside = np.zeros(steps), np.zeros(steps)
    taken = 0
    for k in range(steps):
        tick()
        image = gram @ basis[k]
        diagonal[k] = np.vdot(basis[k], image).real
        for _ in range(2):
            image = image - (basis[: k + 1].conj() @ image) @ basis[: k + 1]
        taken = k + 1
        beside[k] = np.linalg.norm(image)
        if beside[k] <= 1e-14 * diagonal[: k + 1].max():
            break
        basis[k + 1] = image / beside[k]
    ritz: Array = np.diag(diagonal[:taken]) + np.diag(beside[: taken - 1], 1) + np.diag(beside[: taken - 1], -1)
    return max(float(np.linalg.eigvalsh(ritz)[-1]), TINY)
