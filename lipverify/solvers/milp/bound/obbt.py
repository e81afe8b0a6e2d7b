"""Ranges of linear forms: by intervals, and by linear programs over the part of the model that is there."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Array, Bools, Matrix
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.model import Model, Terms
from lipverify.trusted.intervals import affine
from lipverify.trusted.layer import Layer
from lipverify.trusted.rounding import down, up


def affine_range(ends: tuple[Array, Array], matrix: Matrix, bias: Array | None = None) -> tuple[Array, Array]:
    """The range of matrix · x + bias over x between the ends, rounded outward."""
    layer = Layer.exact(np.ascontiguousarray(matrix), np.zeros(len(matrix)) if bias is None else bias)
    low, high = affine(ends[0][None], ends[1][None], layer)
    return low[0], high[0]


@dataclass
class Tightener:
    """Cuts ranges down by linear programs over what a model has so far, until a moment of the monotonic clock.

    Attributes
    ----------
    solved
        How many LPs were solved.
    """

    model: Model
    until: float = math.inf
    solved: int = 0

    def narrowed(
        self, forms: Sequence[Terms], low: Array, high: Array, wanted: Bools, bias: Array | None = None
    ) -> tuple[Array, Array]:
        """Ranges of form + bias, where wanted cut down to what the model allows; afterwards left as they are.

        Rounded outward, whatever the LP solver says (`lp`).
        """
        low, high = low.copy(), high.copy()
        if not wanted.any():
            return low, high
        shift = np.zeros(len(forms)) if bias is None else bias
        relaxation = Relaxation(self.model, many_objectives=True)
        for i in np.flatnonzero(wanted):
            if time.monotonic() > self.until:
                break
            for sign in (1.0, -1.0):
                linear = self.model.linear([(j, sign * c) for j, c in forms[i]])
                top = linear.true_upper(relaxation.maximise(linear.costs).upper)
                if sign > 0:
                    high[i] = min(high[i], up(top + shift[i]))
                else:
                    low[i] = max(low[i], down(shift[i] - top))
        self.solved += relaxation.solved
        return low, high
