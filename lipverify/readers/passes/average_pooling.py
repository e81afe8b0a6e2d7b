"""Average pooling as a matrix of entries 1/divisor: exact for powers of two, rounded otherwise."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Matrix
from lipverify.readers.steps import Affine, AveragePooling, Steps, Window, dense, rewrite


def average_pooling_to_affine(steps: Steps) -> Steps:
    """Every average pooling written out on its flat image, in C, H, W order."""
    return rewrite(steps, AveragePooling, _matrix)


def _matrix(pooling: AveragePooling) -> Steps:
    rows, columns = pooling.rows, pooling.columns
    pixels, places = rows.size * columns.size, rows.outputs * columns.outputs
    flat = dense(pooling.channels * places, pooling.channels * pixels)
    one_channel = np.kron(_members(rows), _members(columns)) / pooling.divisors.reshape(-1, 1)
    for c in range(pooling.channels):
        flat[c * places : (c + 1) * places, c * pixels : (c + 1) * pixels] = one_channel
    # 1/d is a float64 exactly when d is ± a power of two, that is, when its mantissa is ± 1/2.
    rounded = bool((np.abs(np.frexp(pooling.divisors)[0]) != 0.5).any())
    return (Affine(flat, np.zeros(pooling.channels * places), rounded=rounded),)


def _members(window: Window) -> Matrix:
    """Which inputs lie in which window along one axis, shape (outputs, size), entries 0 and 1."""
    members = np.zeros((window.outputs, window.size))
    for k in range(window.kernel):
        made, read = window.taps(k)
        members[made, read] = 1.0
    return members
