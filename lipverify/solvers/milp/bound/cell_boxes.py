"""Boxes around the cells that decided neurons of the first layer cut out, where they cut often.

Interval arithmetic does not see the half-spaces of decided neurons; a box around what they leave does. It takes two LPs
per coordinate, and pays where few coordinates meet many neurons: then most patterns are no regions.
"""

from __future__ import annotations

import math

import numpy as np

from lipverify.arrays import Signs, Vector
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.bound.obbt import affine_range
from lipverify.solvers.milp.encode.lifting import Lifting
from lipverify.solvers.milp.encode.model import Model, minus
from lipverify.solvers.milp.encode.neurons import combined

_CROWD = 3  # neurons per coordinate


class CellBoxes:
    """Boxes for an lifting, by linear programs over its coordinates and the first layer's pre-activations.

    Attributes
    ----------
    crowded
        Whether the first layer has so many neurons that the boxes are worth their LPs.
    """

    def __init__(self, lifting: Lifting) -> None:
        self._lifting = lifting
        self._model = Model()
        width = lifting.hidden[0] if len(lifting.hidden) > 1 else 0
        self.crowded = width >= _CROWD * len(lifting.names)
        if not self.crowded:
            return
        coordinates: list[int | None] = [
            self._model.variable(name, low, high)
            for name, low, high in zip(lifting.names, lifting.lower.tolist(), lifting.upper.tolist(), strict=True)
        ]
        weights, bias = lifting.chain.weights[0][:width], lifting.chain.biases[0][:width]
        low, high = affine_range((lifting.lower, lifting.upper), weights, bias)
        self._neurons: list[int] = []
        for i, row in enumerate(weights.tolist()):
            y = self._model.variable(f"y_{i}", min(float(low[i]), 0.0), max(float(high[i]), 0.0))
            self._model.row(f"y_{i}_is", [(y, 1.0), *minus(combined(coordinates, row))], float(bias[i]), float(bias[i]))
            self._neurons.append(y)
        self._relaxation = Relaxation(self._model, many_objectives=True)

    def box(self, signs: Signs) -> tuple[Vector, Vector]:
        """A box that contains the part of the lifting's on which the first layer has these signs, 0 for any."""
        lower, upper = self._lifting.lower.copy(), self._lifting.upper.copy()
        if not self.crowded or not signs.any():
            return lower, upper
        columns, model = np.array(self._neurons), self._model
        sides = signs[: len(columns)]
        low, high = np.array(model.lower)[columns], np.array(model.upper)[columns]
        self._relaxation.limit(columns, np.where(sides > 0, 0.0, low), np.where(sides < 0, 0.0, high))
        for j in range(len(lower)):
            unit = np.eye(1, model.size, j)[0]
            tops = (self._relaxation.maximise(costs).upper for costs in (unit, -unit))
            ends = [float(np.ldexp(top, model.exponents[j])) for top in tops]
            if -math.inf in ends:  # there is no such part, and any box will do
                return self._lifting.lower, self._lifting.upper
            lower[j], upper[j] = max(lower[j], -ends[1]), min(upper[j], ends[0])
        return np.minimum(lower, upper), np.maximum(lower, upper)
