"""A sum of operands as a matrix of multiples of the identity, side by side."""

from __future__ import annotations

import numpy as np

from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Steps, Sum, rewrite


def sum_to_affine(steps: Steps) -> Steps:
    """Every sum written out on its operands, which stand one behind the other."""
    return rewrite(steps, Sum, _matrix)


def _matrix(total: Sum) -> Steps:
    n = total.n
    flat = dense(n, n * len(total.coefficients))
    for k, coefficient in enumerate(total.coefficients):
        flat[np.arange(n), k * n + np.arange(n)] = coefficient
    return (Affine(flat, np.zeros(n)),)
