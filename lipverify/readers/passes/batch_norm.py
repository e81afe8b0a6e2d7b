"""Batch normalisation with stored statistics is affine, but its square root is no float: rounded."""

from __future__ import annotations

import numpy as np

from lipverify.readers.matrices import eye
from lipverify.readers.steps import Affine, BatchNorm, Steps, rewrite


def batch_norm_to_affine(steps: Steps) -> Steps:
    """Every batch normalisation as a diagonal affine map that says it is rounded."""
    return rewrite(steps, BatchNorm, _diagonal)


def _diagonal(norm: BatchNorm) -> Steps:
    with np.errstate(over="ignore", invalid="ignore"):  # Affine refuses what overflows
        factor = norm.scale / np.sqrt(norm.variance + norm.epsilon)
        bias = norm.shift - factor * norm.mean
    weight = eye(len(factor))
    np.fill_diagonal(weight, factor)
    return (Affine(weight, bias, rounded=True),)
