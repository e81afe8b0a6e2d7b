"""A dual barrier for  min ρ  subject to  Z(ρ, T) = ρ I₀ − CᵀC − Σ T_i (e_i b_iᵀ + b_i e_iᵀ) ⪰ 0.

Newton's method on ρ/μ − log det Z in (ρ, T); the multipliers' signs are free (proofs/sdp.md). All that is
computed here proposes T; `relaxations.sdp` certifies. The text is plain numpy, and at the same time what
`relaxations.compiled` hands to numba: a few hundred times this runs as it is, beyond that compiled.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import get_lapack_funcs

from lipverify.arrays import Array, Bools, Matrix, Vector
from lipverify.watch import tick

CENTRED = 0.8  # a Newton decrement below this counts as centred
SHRINK = 0.15  # of μ once centred
ARMIJO = 0.1
LONGEST = 12.0  # of a step that is tried, in those that are certain to be feasible
_potrf, _trtri = get_lapack_funcs(("potrf", "trtri"), dtype=np.float64)
RESCUE = 8.0  # of μ when the iteration is jammed
MOST_RESCUES = 4
MOST_TRIES = 400


def cholesky(A: Matrix) -> tuple[Matrix, bool]:
    """The lower Cholesky factor, and whether there is one."""
    # LAPACK counts by columns: its upper triangle of Aᵀ is the lower one of A. It lets NaN pass, and so the last pivot.
    U, broken = _potrf(A.T, lower=0, clean=1)
    return U.T, broken == 0 and bool(U[-1, -1] > 0)


def lower_inverse(L: Matrix) -> Matrix:
    """The inverse of a lower triangular matrix."""
    return _trtri(L, lower=1)[0]


def assemble(rows: Matrix, gram: Matrix, rho: float, multipliers: Vector) -> Matrix:
    """Z(ρ, T), shape (d + m, d + m)."""
    m = len(multipliers)
    d = gram.shape[0] - m
    Z = -gram
    weighted = multipliers.reshape(-1, 1) * rows
    Z[d:] -= weighted
    Z[:, d:] -= weighted.T
    for i in range(d):
        Z[i, i] += rho
    return Z


def feasible(rows: Matrix, gram: Matrix, rho: float, multipliers: Vector) -> tuple[Matrix, float, bool]:
    """The factor of Z for the first ρ, increased step by step, at which Z ≻ 0; and whether there was one."""
    L, positive = cholesky(assemble(rows, gram, rho, multipliers))
    tries = 0
    while not positive and tries < MOST_TRIES:
        tick()
        rho *= 1.05
        tries += 1
        L, positive = cholesky(assemble(rows, gram, rho, multipliers))
    return L, rho, positive


def moments(rows: Matrix, columns: Matrix, L: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """X = Z⁻¹, P = X b and G = bᵀ X b for the factor of Z."""
    tick()
    W = lower_inverse(L)
    tick()
    X = np.ascontiguousarray(W.T) @ W
    tick()
    P = X @ columns
    tick()
    return X, P, rows @ P


def derivatives(X: Matrix, P: Matrix, G: Matrix, mu: float, frozen: Bools) -> tuple[Vector, Matrix]:
    """Gradient and Hessian in (ρ, T) of the barrier."""
    m = len(frozen)
    d = len(X) - m
    E = P[d:]
    hessian = np.empty((m + 1, m + 1))
    gradient = np.empty(m + 1)
    hessian[1:, 1:] = 2 * (X[d:, d:] * G + E * E.T)
    border = -2 * (X[d:, :d] * P[:d].T).sum(axis=1)
    hessian[0, 1:] = border
    hessian[1:, 0] = border
    hessian[0, 0] = (X[:d, :d] * X[:d, :d]).sum()
    gradient[0] = 1 / mu - np.diag(X)[:d].sum()
    gradient[1:] = 2 * np.diag(E)
    if frozen.any():
        still = 1 + np.flatnonzero(frozen)
        hessian[still] = 0.0
        hessian[:, still] = 0.0
        hessian[still, still] = 1.0
        gradient[still] = 0.0
    tick()
    return gradient, hessian


def advance(
    rows: Matrix, gram: Matrix, L: Matrix, rho: float, multipliers: Vector, mu: float, direction: Vector, square: float
) -> tuple[Matrix, float, Vector, bool]:
    """The factor, ρ and T after a step against a direction, shortened until the barrier decreases; whether it does."""
    value = rho / mu - 2 * np.log(np.diag(L)).sum()
    # Far from the path only short steps are feasible; some 1 / (1 + decrement) always is, in real arithmetic.
    length = min(1.0, LONGEST / (1 + np.sqrt(square)))
    for _ in range(40):
        tick()
        r, t = rho - length * direction[0], multipliers - length * direction[1:]
        M, positive = cholesky(assemble(rows, gram, r, t))
        if positive:
            volume = 2 * np.log(np.diag(M)).sum()
            if r / mu - volume <= value - ARMIJO * length * square + 1e-9 * abs(value):
                return M, float(r), t, True
        length *= 0.5
    return L, rho, multipliers, False


def descend(
    rows: Matrix,
    gram: Matrix,
    frozen: Bools,
    rho: float,
    multipliers: Vector,
    mu: float,
    target: float,
    tolerance: float,
    limit: int,
) -> tuple[float, Vector, float, float, Array, int]:
    """Descend from a strictly feasible (ρ, T) until ρ ≤ target, or the duality gap says that it never will be.

    Parameters
    ----------
    rows, gram
        b_i and CᵀC, shapes (m, d + m) and (d + m, d + m).
    frozen
        Neurons whose multiplier stays as it is, shape (m,).
    rho, multipliers, mu
        The start; ρ is increased until Z ≻ 0.
    target
        Where to stop; 0 to go on until the relative gap is below `tolerance`.
    tolerance, limit
        The relative gap that is small enough, and the most Newton steps.

    Returns
    -------
    rho, multipliers, mu
        Where it ended.
    gap
        The least ρ is at least rho − gap, in real arithmetic; inf when nothing is known.
    scores
        μ X_ii and μ (y_iᵀ X y_i − X_ii) for X = Z⁻¹, shape (m, 2): an undecided neuron's moments.
    steps
        Newton steps taken.
    """
    m = len(multipliers)
    d = gram.shape[0] - m
    N = d + m
    T = multipliers.copy()
    scores = np.zeros((m, 2))
    columns = np.ascontiguousarray(rows.T)
    gap = np.inf
    steps = rescues = 0
    L, rho, positive = feasible(rows, gram, rho, T)
    if not positive:
        return rho, T, mu, gap, scores, steps
    while True:
        X, P, G = moments(rows, columns, L)
        if steps >= limit:
            break
        steps += 1
        gradient, hessian = derivatives(X, P, G, mu, frozen)
        K, convex = cholesky(hessian)
        if not convex:
            break
        V = lower_inverse(K)
        scaled = V @ gradient
        square = (scaled * scaled).sum()
        L, rho, T, moved = advance(rows, gram, L, rho, T, mu, np.ascontiguousarray(V.T) @ scaled, square)
        decrement = np.sqrt(square)
        if not moved:
            rescues += 1
            if rescues > MOST_RESCUES or mu * N >= 0.3 * rho:
                break
            mu *= RESCUE
        elif rho <= target:
            limit = steps  # once more around, for the moments
        elif decrement < CENTRED:
            gap = mu * (N + decrement * np.sqrt(N))
            if rho - gap > target > 0 or gap < tolerance * rho:
                limit = steps
            else:
                mu *= SHRINK
    scores[:, 0] = mu * np.diag(X)[d:]
    scores[:, 1] = np.maximum(mu * (np.diag(G) + 2 * np.diag(P[d:])), 0.0)
    return rho, T, mu, gap, scores, steps
