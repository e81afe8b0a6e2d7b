"""A dual barrier for  min Σ N_j  subject to  Z(N, T) = diag(N, 0) − CᵀC − Σ T_i (e_i b_iᵀ + b_i e_iᵀ) ⪰ 0.

`barrier` with a number for every coordinate of v₀ in place of one ρ for all: what norms other than the Euclidean ask
for. Proposes only; `relaxations.sdp` certifies.
"""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Bools, Matrix, Vector
from lipverify.relaxations import barrier
from lipverify.watch import tick

_HALVINGS = 40


def descend(
    rows: Matrix,
    gram: Matrix,
    frozen: Bools,
    weights: Vector,
    multipliers: Vector,
    mu: float,
    tolerance: float,
    limit: int,
) -> tuple[Vector, Vector, int]:
    """Newton's method on Σ N_j/μ − log det Z from a strictly feasible (N, T), until the relative gap is small.

    Parameters and result as for `barrier.descend`: N and T where it ended, shapes (d,) and (m,), and the steps taken.
    """
    d, m = len(weights), len(multipliers)
    columns = np.ascontiguousarray(rows.T)
    x = np.concatenate([weights, multipliers])
    factor, positive = barrier.cholesky(_assemble(rows, gram, x))
    steps = rescues = 0
    while positive and steps < limit:
        tick()
        steps += 1
        X, P, G = barrier.moments(rows, columns, factor)
        gradient, hessian = _derivatives(X, P, G, d, mu, frozen)
        K, convex = barrier.cholesky(hessian)
        if not convex:
            break
        inverse = barrier.lower_inverse(K)
        scaled = inverse @ gradient
        square = float(scaled @ scaled)
        direction = inverse.T @ scaled
        factor, x, moved = _advance(rows, gram, factor, x, mu, direction, square)
        decrement, total = np.sqrt(square), float(x[:d].sum())
        if not moved:
            rescues += 1
            if rescues > barrier.MOST_RESCUES or mu * (d + m) >= 0.3 * total:
                break
            mu *= barrier.RESCUE
        elif decrement < barrier.CENTRED:
            if mu * (d + m + decrement * np.sqrt(d + m)) < tolerance * total:
                break
            mu *= barrier.SHRINK
    return x[:d], x[d:], steps


def _assemble(rows: Matrix, gram: Matrix, x: Vector) -> Matrix:
    d = len(gram) - len(rows)
    Z = barrier.assemble(rows, gram, 0.0, x[d:])
    Z[np.arange(d), np.arange(d)] += x[:d]
    return Z


def _derivatives(X: Matrix, P: Matrix, G: Matrix, d: int, mu: float, frozen: Bools) -> tuple[Vector, Matrix]:
    """Gradient and Hessian in (N, T)."""
    E = P[d:]
    cross = -2 * X[:d, d:] * P[:d]
    hessian = np.block([[X[:d, :d] ** 2, cross], [cross.T, 2 * (X[d:, d:] * G + E * E.T)]])
    gradient = np.concatenate([1 / mu - np.diag(X)[:d], 2 * np.diag(E)])
    still = d + np.flatnonzero(frozen)
    hessian[still], hessian[:, still], gradient[still] = 0.0, 0.0, 0.0
    hessian[still, still] = 1.0
    return gradient, hessian


def _advance(
    rows: Matrix, gram: Matrix, factor: Matrix, x: Vector, mu: float, direction: Vector, square: float
) -> tuple[Matrix, Vector, bool]:
    """The factor and (N, T) after a step against a direction, shortened until the barrier falls; whether it does."""
    d = len(gram) - len(rows)
    value = float(x[:d].sum()) / mu - 2 * float(np.log(np.diag(factor)).sum())
    length = 1.0
    for _ in range(_HALVINGS):
        tick()
        tried = x - length * direction
        found, positive = barrier.cholesky(_assemble(rows, gram, tried))
        if positive:
            reached = float(tried[:d].sum()) / mu - 2 * float(np.log(np.diag(found)).sum())
            if reached <= value - barrier.ARMIJO * length * square + 1e-9 * abs(value):
                return found, tried, True
        length /= 2
    return factor, x, False
