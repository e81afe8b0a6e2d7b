"""`relaxations.barrier.descend`, compiled by numba: about five times as fast for a few dozen neurons.

Compiling takes seconds once per machine (numba caches it on disk) and loading some tenths of a second, so this
module is imported by long searches only, and by nothing at the top of a file.
"""

from __future__ import annotations

import numpy as np
from numba.extending import overload, register_jitable

from lipverify.arrays import Matrix
from lipverify.kernels import reordered
from lipverify.relaxations import barrier


@reordered
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


@reordered
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


overload(barrier.cholesky, strict=False)(lambda A: lambda A: _cholesky(A))
overload(barrier.lower_inverse, strict=False)(lambda L: lambda L: _lower_inverse(L))
overload(barrier.tick, strict=False)(lambda: lambda: None)
for part in (barrier.assemble, barrier.feasible, barrier.moments, barrier.derivatives, barrier.advance):
    register_jitable(part)
descend = reordered(barrier.descend)
