"""A compiled simplex method for one question about a cone: is a linear form positive somewhere on it?

HiGHS answers it in some 150 µs, most of them fixed; this takes 10 to 40 for a few dozen rows, but importing it costs
a second, and three where numba has not cached it yet: only long searches do (`Cone.compile`). Like HiGHS it is not
trusted: `geometry.cone` verifies the ray or the multipliers that it returns.
"""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Indices, Matrix, Vector
from lipverify.kernels import compiled

_EPS = 1e-12


@compiled
def climb(rows: Matrix, form: Vector, start: Vector, limit: int) -> tuple[int, Vector, Indices, Matrix]:
    """Maximise form·z over {z : rows·z ≥ −rows·start}, from z = 0, where every slack is positive.

    The polyhedron is the cone {rows·z ≥ 0}, shifted: it has a vertex of its own for (almost) every start, so the method
    does not stall, and the form is unbounded on it iff it is positive somewhere on the cone.

    Parameters
    ----------
    rows
        The cone's half-spaces, shape (k, m).
    form, start
        The form, and a point of the cone's interior, shape (m,).
    limit
        The most pivots.

    Returns
    -------
    status
        1: `ray` is a direction of the cone on which the form grows; −1: the rows `basis` carry the multipliers
        −form·inverse ≥ 0; 0: neither was found.
    ray
        Shape (m,).
    basis
        Indices of tight rows, −1 where none is, shape (m,).
    inverse
        The inverse of the basis' rows, shape (m, m).
    """
    k, m = rows.shape
    slack = np.empty(k)
    for i in range(k):
        total = 0.0
        for j in range(m):
            total += rows[i, j] * start[j]
        slack[i] = total
    inverse = np.eye(m)
    basis = np.full(m, -1, dtype=np.intp)
    scale = np.abs(form).max()
    ray = np.zeros(m)
    rates = np.empty(k)
    for _ in range(limit):
        leaving, best, sign = -1, _EPS * scale, 1.0
        for c in range(m):
            gain = 0.0
            length = 0.0
            for j in range(m):
                gain += form[j] * inverse[j, c]
                length += inverse[j, c] * inverse[j, c]
            gain /= np.sqrt(length)
            free = basis[c] < 0
            if gain > best or (free and -gain > best):
                leaving, best, sign = c, abs(gain), 1.0 if gain > 0 else -1.0
        if leaving < 0:
            return -1, ray, basis, inverse
        size = 0.0
        for j in range(m):
            ray[j] = sign * inverse[j, leaving]
            size = max(size, abs(ray[j]))
        entering, step = -1, np.inf
        for i in range(k):
            rate = 0.0
            for j in range(m):
                rate += rows[i, j] * ray[j]
            rates[i] = rate
            if rate < -_EPS * size and slack[i] < -rate * step:
                entering, step = i, slack[i] / -rate
        if entering < 0:
            return 1, ray, basis, inverse
        for i in range(k):
            slack[i] = max(0.0, slack[i] + step * rates[i])
        slack[entering] = 0.0
        pivot = sign * rates[entering]
        for j in range(m):
            inverse[j, leaving] /= pivot
        for c in range(m):
            if c != leaving:
                factor = 0.0
                for j in range(m):
                    factor += rows[entering, j] * inverse[j, c]
                for j in range(m):
                    inverse[j, c] -= factor * inverse[j, leaving]
        basis[leaving] = entering
    return 0, ray, basis, inverse
