"""Spectral norms from Cholesky factorisations: of one large matrix, and of a batch of small ones.

τI − AAᴴ = RRᴴ + E gives ‖A‖² ≤ τ + ‖E‖, whatever R is: what it misses is computed, and bounded with its rounding
(proofs/convolution.md).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Bools
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import TINY, U, gamma, grown, norm_up, quiet, up
from lipverify.trusted.spectral.svd import spectral_upper
from lipverify.watch import tick

Matrix = npt.NDArray[Any]
"""Real or complex, shape (m, n)."""
_FIRST_EXCESS, _GROWTH = 1e-7, 16.0
_LANCZOS_STEPS = 60


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
    shifted = -gram
    diagonal = np.diag_indices(m)
    shifted[diagonal] += tau
    try:
        factor = np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        return None
    tick()
    size = _norm_up(factor)
    product = factor @ factor.conj().T
    product -= shifted
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
        shifted = (largest + 2 * slack)[:, None, None] * np.eye(r) - squares
        bounds = grown(np.sqrt(largest + 4 * slack), 8)
    for k in {*_indefinite(shifted), *np.flatnonzero(~(known & np.isfinite(bounds))).tolist()}:
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
    if np.isfinite(matrices).all():
        try:
            np.linalg.cholesky(matrices)
        except np.linalg.LinAlgError:
            pass
        else:
            return []
    if len(matrices) == 1:
        return [0]
    half = len(matrices) // 2
    return [*_indefinite(matrices[:half]), *(half + k for k in _indefinite(matrices[half:]))]
