"""A node of one hidden layer next to a scalar end, in signs: the semidefinite bound with cuts, by smoothing its dual.

With u_i = c_i v₀ (1 + s_i)/2 and s₀ = 1 a node asks for the maximum of sᵀQs over signs s of length N. Its relaxation
with cuts, Z = Diag(λ) − Q − Σ μ_c ½ (b_c b_cᵀ off the diagonal) ⪰ 0, μ ≥ 0, bounds it by Σλ + Σ μ_c (‖b_c‖² − 1)/2.
For any λ, μ ≥ 0 adding the largest eigenvalue of −Z to λ makes Z ⪰ 0. The penalty ‖(−Z)₊‖²/(2α) is smooth, so a
quasi-Newton method brings the sum down whatever the number of cuts, at one eigenvalue decomposition a step (Malick &
Roupin 2013, doi:10.1007/s10107-012-0594-z, for maximum cuts). What it finds is a proposal; `relaxations.sdp` certifies.
proofs/cuts.md, §3.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from itertools import combinations
from typing import final

import numpy as np
from scipy.optimize import minimize

from lipverify.arrays import Indices, Matrix, Vector
from lipverify.watch import tick

_MEMORY = 15  # pairs of the quasi-Newton method
_AHEAD = 1e-9  # how far below the target is far enough


@final
@dataclass(frozen=True, eq=False)
class Dual:
    """λ and μ, and the bound that they give when λ is raised until Z ⪰ 0.

    Attributes
    ----------
    diagonal, weights
        λ of shape (N,), raised already, and μ of shape (K,).
    bound
        Σλ + Σ μ_c (‖b_c‖² − 1)/2.
    """

    diagonal: Vector
    weights: Vector
    bound: float


@final
class Smoothed:
    """The dual of one node for some cuts: mutable, it remembers the best that it has met.

    Parameters
    ----------
    Q
        Shape (N, N).
    cuts
        b of the cuts, integers of shape (K, N).
    target
        The bound that is good enough.
    """

    def __init__(self, Q: Matrix, cuts: Indices, target: float) -> None:
        self._Q, self._cuts, self._target = Q, cuts, target
        self._size = len(Q)
        self._limits = ((cuts * cuts).sum(axis=1) - 1) / 2.0
        self._cut, self._at, self._factor = _pairs(cuts)
        self.best: Dual | None = None
        self.steps = 0

    def minimise(
        self, diagonal: Vector, weights: Vector, smoothing: float, limit: int
    ) -> tuple[Vector, Vector, Matrix]:
        """Go on from λ and μ; what they have become, and moments E[s sᵀ] with a diagonal of 1.

        Stops as soon as the target is reached, and after so many evaluations.
        """
        start = np.concatenate([diagonal, weights])
        bounds = [(None, None)] * self._size + [(0.0, None)] * len(weights)
        options = {"maxfun": limit, "maxiter": limit, "maxcor": _MEMORY, "ftol": 1e-7}
        moments = np.eye(self._size)

        def value(x: Vector) -> tuple[float, Vector]:
            nonlocal moments
            tick()
            found, slope, moments = self._value(x, smoothing)
            if self.best is not None and self.best.bound <= self._target * (1 - _AHEAD):
                raise _Reached
            return found, slope

        with contextlib.suppress(_Reached):
            start = minimize(value, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        sizes = np.sqrt(np.maximum(np.diagonal(moments), 1e-12))
        return start[: self._size], start[self._size :], moments / np.outer(sizes, sizes)

    def _value(self, x: Vector, smoothing: float) -> tuple[float, Vector, Matrix]:
        """The smooth function, its gradient, and X = (−Z)₊/α."""
        n = self._size
        self.steps += 1
        pairs = np.bincount(self._at, weights=self._factor * x[n + self._cut], minlength=n * n).reshape(n, n)
        M = self._Q + (pairs + pairs.T) / 2
        M[np.arange(n), np.arange(n)] -= x[:n]
        values, vectors = np.linalg.eigh(M)
        total = float(x[:n].sum() + self._limits @ x[n:])
        bound = total + n * float(values[-1])
        if self.best is None or bound < self.best.bound:
            self.best = Dual(x[:n] + values[-1], x[n:].copy(), bound)
        up = values > 0
        positive, vectors = values[up] / smoothing, vectors[:, up]
        X = (vectors * positive) @ vectors.T
        slope = np.empty_like(x)
        slope[:n] = 1 - np.diagonal(X)
        reached = np.bincount(self._cut, weights=self._factor * X.ravel()[self._at], minlength=len(x) - n)
        slope[n:] = self._limits + reached
        return total + smoothing * float(positive @ positive) / 2, slope, X


class _Reached(Exception):
    """The target is reached."""


def _pairs(cuts: Indices) -> tuple[Indices, Indices, Vector]:
    """Every product b_i b_j of two coefficients, i < j: its cut, its place in a matrix, and its value."""
    size = cuts.shape[1]
    support = cuts != 0
    counts = support.sum(axis=1)
    which, places, factors = [np.zeros(0, dtype=np.intp)], [np.zeros(0, dtype=np.intp)], [np.zeros(0)]
    for count in np.unique(counts).tolist():
        rows = np.flatnonzero(counts == count)
        columns = np.nonzero(support[rows])[1].reshape(len(rows), count)
        for i, j in combinations(range(count), 2):
            which.append(rows)
            places.append(columns[:, i] * size + columns[:, j])
            factors.append((cuts[rows, columns[:, i]] * cuts[rows, columns[:, j]]).astype(np.float64))
    return np.concatenate(which), np.concatenate(places), np.concatenate(factors)
