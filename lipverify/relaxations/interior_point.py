"""An interior-point method for a node of the split-conditioned SDP with cuts: least ρ with

    Z(ρ, T, ν) = ρ I₀ − CᵀC − Σ T_i (e_i b_iᵀ + b_i e_iᵀ) − Σ ν_c ½ (l_c r_cᵀ + r_c l_cᵀ) ⪰ 0,  ν ≥ 0.

Newton's method on a barrier, as in `barrier.py`, takes tens of steps after a round of new cuts; the primal-dual one
half as many, whatever their number. What it computes is a proposal; `relaxations.sdp` certifies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array

from lipverify.arrays import Bools, Matrix, Vector
from lipverify.relaxations.barrier import cholesky, lower_inverse
from lipverify.watch import tick

_STEP = 0.95  # of the way to the boundary
_LEAST_SLACK = 0.05
_ALMOST = 0.02  # of what X lacked of its equations at the start: so little does not matter for what is asked of it
_ENOUGH = 0.3  # of what is missing to the target: a gap so small shows which cuts are violated
_ENLARGEMENTS = 14


@final
@dataclass(frozen=True, eq=False)
class Point:
    """Where a descent stands.

    Attributes
    ----------
    rho, multipliers, weights
        ρ, T of shape (m,), and ν of shape (K,).
    mu, gap
        Mean complementarity; the least ρ is about rho − gap or more, in real arithmetic.
    moments
        X, shape (d + m, d + m).
    steps
        Steps taken.
    """

    rho: float
    multipliers: Vector
    weights: Vector
    mu: float
    gap: float = np.inf
    moments: Matrix | None = None
    steps: int = 0


@final
class Cutting:
    """The program of one node and its cuts."""

    def __init__(self, rows: Matrix, gram: Matrix, frozen: Bools, left: Matrix, right: Matrix) -> None:
        m, size = rows.shape
        self._d, self._m, self._frozen, self._gram = size - m, m, frozen, gram
        self._rows, self._left, self._right = rows, csr_array(left), csr_array(right / 2)

    def matrix(self, rho: float, both: Vector) -> Matrix:
        """Z."""
        d, m = self._d, self._m
        half = (self._left.T @ (self._right * both[m:, None])).toarray()
        half[d:] += both[:m, None] * self._rows
        Z = -self._gram - half - half.T
        Z[np.arange(d), np.arange(d)] += rho
        return Z

    def _products(self, X: Matrix) -> tuple[Matrix, Matrix, Matrix, Matrix, Matrix]:
        """lᵀX, rᵀX, lᵀXl, rᵀXr and lᵀXr for all pairs of forms."""
        d = self._d
        XL = np.vstack([X[d:], self._left @ X])
        XR = np.vstack([self._rows @ X, self._right @ X])
        LL = np.hstack([XL[:, d:], (self._left @ XL.T).T])
        LR = np.hstack([XL @ self._rows.T, (self._right @ XL.T).T])
        RR = np.hstack([XR @ self._rows.T, (self._right @ XR.T).T])
        return XL, XR, LL, RR, LR

    def start(self, point: Point) -> Point | None:
        """The point with ρ and T enlarged until Z is positive definite; None where no such factor is found.

        Every u_i² has 2T_i in Z: what cuts that were taken away, or new ones, leave negative is paid there.
        """
        more = 0.0
        for k in range(_ENLARGEMENTS):
            enlarged = replace(point, rho=(1 + more) * point.rho, multipliers=(1 + more) * point.multipliers)
            if cholesky(self.matrix(enlarged.rho, np.concatenate([enlarged.multipliers, point.weights])))[1]:
                return enlarged
            more = 2.0 ** (k - 14)
        return None

    def descend(self, point: Point, target: float, tolerance: float, limit: int) -> Point:
        """From a strictly feasible point until ρ ≤ target, or it will not be, or nothing is left to gain.

        Directions of Helmberg, Rendl, Vanderbei & Wolkowicz (1996, doi:10.1137/0806020), with σ by how far the last
        step went; X need not satisfy its equations at the start.
        """
        d, m, size, count = self._d, self._m, len(self._gram), len(point.weights)
        order = size + count
        rho, both = point.rho, np.concatenate([point.multipliers, point.weights])
        moving = np.concatenate([[True], ~self._frozen, np.ones(count, dtype=bool)])
        gap, steps, missed = np.inf, 0, 1.0
        Z = self.matrix(rho, both)
        L, positive = cholesky(Z)
        if not positive:
            return replace(point, moments=None)
        W = _inverse(L)
        X = W / np.trace(W[:d, :d]) if point.moments is None else point.moments / np.trace(point.moments[:d, :d])
        slack = np.maximum(self._values(X), _LEAST_SLACK)
        mu = 0.0
        shorter = 0.5
        while True:
            tick()
            mu = float((X * Z).sum() + both[m:] @ slack) / order
            if missed < _ALMOST:
                gap = mu * order
            if (
                steps >= limit
                or rho <= target
                or gap < tolerance * rho
                or (target > 0 and gap < _ENOUGH * (rho - target))
            ):
                break
            steps += 1
            hessian, first = self._schur(X, W, both, slack)
            sigma = 0.1 if shorter > 0.9 else 0.25 if shorter > 0.6 else 0.6
            right = sigma * mu * first
            right[0] -= 1.0
            hessian, right = hessian[np.ix_(moving, moving)], right[moving]
            scale = 1 / np.sqrt(np.diagonal(hessian))
            K, convex = cholesky(hessian * np.outer(scale, scale))
            if not convex:
                break
            half = solve_triangular(K, scale * right, lower=True, check_finite=False)
            step = np.zeros(1 + m + count)
            step[moving] = scale * solve_triangular(K, half, trans=1, lower=True, check_finite=False)
            dZ = self.matrix(step[0], step[1:]) + self._gram
            dX = X @ dZ @ W
            dX = sigma * mu * W - X - (dX + dX.T) / 2
            nu, dnu = both[m:], step[1 + m :]
            ds = sigma * mu / nu - slack - slack / nu * dnu
            C, solid = cholesky(X)
            if not solid:
                break
            along = min(1.0, _STEP * _most(C, dX, slack, ds))
            down = min(1.0, _STEP * _most(L, dZ, nu, dnu))
            X, slack, missed = X + along * dX, slack + along * ds, missed * (1 - along)
            for _ in range(20):
                r, t = rho + down * step[0], both + down * step[1:]
                Z = self.matrix(r, t)
                M, positive = cholesky(Z)
                if positive and (t[m:] > 0).all():
                    break
                down /= 2
            else:
                break
            rho, both, L = r, t, M
            W = _inverse(L)
            shorter = min(along, down)
            if shorter < 1e-4:
                break
        return Point(float(rho), both[:m], both[m:], mu, float(gap), X, steps)

    def _values(self, X: Matrix) -> Vector:
        """What the cuts' forms are worth at X: lᵀXr twice, r being halved."""
        return np.asarray(2 * (self._left.multiply(self._right @ X)).sum(axis=1)).ravel()

    def _schur(self, X: Matrix, W: Matrix, both: Vector, slack: Vector) -> tuple[Matrix, Vector]:
        """⟨B_k, X B_j W⟩ with what the cuts' signs add, and ⟨B_k, W⟩ with 1/ν."""
        d, m = self._d, self._m
        XL, XR, LLx, RRx, LRx = self._products(X)
        WL, WR, LLw, RRw, LRw = self._products(W)
        found = np.empty((1 + len(both), 1 + len(both)))
        found[1:, 1:] = LRx.T * LRw + RRx * LLw + LLx * RRw + LRx * LRw.T
        found[0, 1:] = found[1:, 0] = -((XL[:, :d] * WR[:, :d]).sum(axis=1) + (XR[:, :d] * WL[:, :d]).sum(axis=1))
        found[0, 0] = (X[:d, :d] * W[:d, :d]).sum()
        at = 1 + m + np.arange(len(slack))
        found[at, at] += slack / both[m:]
        first = np.empty(1 + len(both))
        first[0], first[1:] = np.trace(W[:d, :d]), -2 * np.diagonal(LRw)
        first[1 + m :] += 1 / both[m:]
        return found, first


def _inverse(L: Matrix) -> Matrix:
    half = lower_inverse(L)
    return np.asarray(half.T @ half)


def _most(L: Matrix, change: Matrix, numbers: Vector, changes: Vector) -> float:
    """The longest step at which LLᵀ + s·change ⪰ 0 and numbers + s·changes ≥ 0."""
    half = solve_triangular(L, change, lower=True, check_finite=False)
    least = float(np.linalg.eigvalsh(solve_triangular(L, half.T, lower=True, check_finite=False))[0])
    least = min(least, float((changes / numbers).min(initial=0.0)))
    return -1 / least if least < 0 else np.inf
