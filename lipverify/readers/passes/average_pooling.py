"""Average pooling as a matrix of entries 1/divisor: exact for powers of two, rounded otherwise."""

from __future__ import annotations

import numpy as np

from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Steps, rewrite
from lipverify.readers.windows import AveragePooling
from lipverify.trusted.scaling import are_powers


def average_pooling_to_affine(steps: Steps) -> Steps:
    """Every average pooling written out on its flat image."""
    return rewrite(steps, AveragePooling, _matrix)


def _matrix(pooling: AveragePooling) -> Steps:
    windows = len(pooling.members)
    flat = dense(windows, pooling.size)
    row, tap = np.nonzero(pooling.members >= 0)
    flat[row, pooling.members[row, tap]] = 1.0 / pooling.divisors[row]
    # 1/d is a float64 exactly when d is ± a power of two, that is, when its mantissa is ± 1/2.
    rounded = not are_powers(pooling.divisors)
    return (Affine(flat, np.zeros(windows), rounded=rounded),)
