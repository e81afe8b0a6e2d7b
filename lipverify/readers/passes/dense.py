"""A matrix that acts along one axis as the matrix I ⊗ W ⊗ I that it is: every entry is an entry of W or 0."""

from __future__ import annotations

import numpy as np

from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Dense, Steps, rewrite


def dense_to_affine(steps: Steps) -> Steps:
    """Every such map written out on the flat tensor."""
    return rewrite(steps, Dense, _matrix)


def _matrix(step: Dense) -> Steps:
    made, read = step.weight.shape
    flat = dense(step.before * made * step.after, step.before * read * step.after)
    blocks = flat.reshape(step.before, made, step.after, step.before, read, step.after)
    for i in range(step.before):
        for j in range(step.after):
            blocks[i, :, j, i, :, j] = step.weight
    bias = np.zeros(made) if step.bias is None else np.asarray(step.bias, dtype=np.float64)
    return (Affine(flat, np.tile(np.repeat(bias, step.after), step.before)),)
