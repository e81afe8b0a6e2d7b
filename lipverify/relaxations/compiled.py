"""`relaxations.barrier.descend`, compiled by numba: about five times as fast for a few dozen neurons.

Compiling takes seconds once per machine (numba caches it on disk) and loading some tenths of a second, so this
module is imported by long searches only, and by nothing at the top of a file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba.extending import overload, register_jitable

from lipverify import kernels
from lipverify.arrays import Bools, Matrix, Vector
from lipverify.geometry.simplex import climb
from lipverify.kernels import forget_older, inner, reordered
from lipverify.relaxations import barrier


@inner
def _cholesky(A: Matrix) -> tuple[Matrix, bool]:
    n = len(A)
    L = A.copy()
    for i in range(n):
        for j in range(i):
            total = 0.0
            for k in range(j):
                total += L[i, k] * L[j, k]
            L[i, j] = (L[i, j] - total) / L[j, j]
        total = 0.0
        for k in range(i):
            total += L[i, k] * L[i, k]
        pivot = L[i, i] - total
        if not pivot > 1e-13 * L[i, i]:
            return L, False
        L[i, i] = np.sqrt(pivot)
        for j in range(i + 1, n):
            L[i, j] = 0.0
    return L, True


@inner
def _lower_inverse(L: Matrix) -> Matrix:
    n = len(L)
    W = np.zeros((n, n))
    for i in range(n):
        reciprocal = 1.0 / L[i, i]
        for k in range(i):
            factor = -L[i, k] * reciprocal
            for j in range(k + 1):
                W[i, j] += factor * W[k, j]
        W[i, i] = reciprocal
    return W


@inner
def _assemble(rows: Matrix, gram: Matrix, rho: float, multipliers: Vector) -> Matrix:
    m = len(multipliers)
    size = len(gram)
    d = size - m
    Z = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            Z[i, j] = -gram[i, j]
    for k in range(m):
        for j in range(size):
            Z[d + k, j] -= multipliers[k] * rows[k, j]
            Z[j, d + k] -= multipliers[k] * rows[k, j]
    for i in range(d):
        Z[i, i] += rho
    return Z


@inner
def _derivatives(X: Matrix, P: Matrix, G: Matrix, mu: float, frozen: Bools) -> tuple[Vector, Matrix]:
    m = len(frozen)
    d = len(X) - m
    hessian = np.zeros((m + 1, m + 1))
    gradient = np.zeros(m + 1)
    gradient[0] = 1 / mu
    for i in range(d):
        gradient[0] -= X[i, i]
        for j in range(d):
            hessian[0, 0] += X[i, j] * X[i, j]
    for i in range(m):
        if frozen[i]:
            hessian[i + 1, i + 1] = 1.0
            continue
        gradient[i + 1] = 2 * P[d + i, i]
        border = 0.0
        for j in range(d):
            border -= 2 * X[d + i, j] * P[j, i]
        hessian[0, i + 1] = border
        hessian[i + 1, 0] = border
        for j in range(m):
            if not frozen[j]:
                hessian[i + 1, j + 1] = 2 * (X[d + i, d + j] * G[i, j] + P[d + i, j] * P[d + j, i])
    return gradient, hessian


# What takes numba longest as it is written there is written here in loops.
overload(barrier.assemble, strict=False)(
    lambda rows, gram, rho, multipliers: lambda rows, gram, rho, multipliers: _assemble(rows, gram, rho, multipliers)
)
overload(barrier.derivatives, strict=False)(
    lambda X, P, G, mu, frozen: lambda X, P, G, mu, frozen: _derivatives(X, P, G, mu, frozen)
)
overload(barrier.cholesky, strict=False)(lambda A: lambda A: _cholesky(A))
overload(barrier.lower_inverse, strict=False)(lambda L: lambda L: _lower_inverse(L))
overload(barrier.tick, strict=False)(lambda: lambda: None)
for part in (barrier.feasible, barrier.moments, barrier.advance):
    register_jitable(part)
descend = reordered(barrier.descend)
forget_older(descend, [Path(__file__)])


def on_disk() -> bool:
    """Whether the loops of a long search, this one and that of the LPs, are on the disk: loaded in a moment."""
    return kernels.on_disk(descend) and kernels.on_disk(climb)
