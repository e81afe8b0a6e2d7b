"""Moved, scaled and shifted entries as a matrix: one entry per row, the model's own factor, so nothing is rounded."""

from __future__ import annotations

import numpy as np

from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Select, Steps, rewrite


def select_to_affine(steps: Steps) -> Steps:
    """Every selection written out; one that is rounded already stays so."""
    return rewrite(steps, Select, _matrix)


def _matrix(select: Select) -> Steps:
    width = select.width
    indices = np.arange(width) if select.indices is None else select.indices
    factors = np.ones(width) if select.factors is None else select.factors
    rows = np.flatnonzero(indices >= 0)
    flat = dense(width, select.size)
    flat[rows, indices[rows]] = factors[rows]
    offsets = np.zeros(width) if select.offsets is None else select.offsets
    return (Affine(flat, offsets, select.rounded),)
