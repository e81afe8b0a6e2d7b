"""Ranges of linear forms: by intervals, and by linear programs over the part of the model that is there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from lipverify.arrays import Array, Bools, Matrix
from lipverify.relaxations.enclosure import affine
from lipverify.relaxations.layers import Layer
from lipverify.rounding import down, up
from lipverify.solvers.milp.measure import Terms
from lipverify.solvers.milp.model import Model
from lipverify.solvers.milp.relaxation import Relaxation


def affine_range(ends: tuple[Array, Array], matrix: Matrix, bias: Array | None = None) -> tuple[Array, Array]:
    """The range of matrix · x + bias over x between the ends, rounded outward."""
    layer = Layer.exact(np.ascontiguousarray(matrix), np.zeros(len(matrix)) if bias is None else bias)
    low, high = affine(ends[0][None], ends[1][None], layer)
    return low[0], high[0]


def narrowed(
    model: Model, forms: Sequence[Terms], ends: tuple[Array, Array], wanted: Bools, bias: Array, until: float
) -> tuple[Array, Array, int]:
    """Ranges of form + bias, where wanted cut down to what the model allows, and the number of LPs.

    Rounded outward, whatever the LP solver says (`relaxation`). After the moment `until` of the monotonic clock the
    ranges are left as they are.
    """
    low, high = ends[0].copy(), ends[1].copy()
    if not wanted.any():
        return low, high, 0
    relaxation = Relaxation(model, many_objectives=True)
    for i in np.flatnonzero(wanted):
        if time.monotonic() > until:
            break
        for sign in (1.0, -1.0):
            linear = model.linear([(j, sign * c) for j, c in forms[i]])
            top = linear.true_upper(relaxation.maximise(linear.costs).upper)
            if sign > 0:
                high[i] = min(high[i], up(top + bias[i]))
            else:
                low[i] = max(low[i], down(bias[i] - top))
    return low, high, relaxation.solved
