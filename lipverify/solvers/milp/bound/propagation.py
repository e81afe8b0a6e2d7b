"""What ranges the quantities of a program have at a node of a search, and a bound from these ranges alone.

Pre-activations: interval propagation with the states of the layers below, or CROWN from a box around a cell
(`cell_boxes`). What the derivative meets: `sweep`. Both within the root's ranges, which linear programs have narrowed.
Proof: proofs/milp.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from lipverify.arrays import Array, Bools, Signs, Vector
from lipverify.relaxations.crown import crown_ranges
from lipverify.relaxations.interval import preactivation_ranges
from lipverify.relaxations.layers import Layers
from lipverify.solvers.milp.bound.cell_boxes import CellBoxes
from lipverify.solvers.milp.bound.sweep import Met, Sweep
from lipverify.solvers.milp.encode.lifting import Lifting
from lipverify.solvers.milp.encode.model import is_binary
from lipverify.solvers.milp.encode.neurons import Neurons
from lipverify.trusted.functionals import TAME, charged, sloped_lines
from lipverify.trusted.vectors import vectors_upper

_REMEMBERED = 1000  # states of the layers below, whose ranges of pre-activations are kept


class NodeRanges:
    """The ranges of all quantities, pre-activations first, then what each copy of the test vector meets,
    and its entries.

    Attributes
    ----------
    decidable
        The binaries that ranges may decide.
    cells
        Boxes around cells.
    """

    def __init__(
        self,
        lifting: Lifting,
        values: Neurons,
        sweep: Sweep,
        met: Met,
        signs: Sequence[int | None],
        exponents: Sequence[int],
    ) -> None:
        self._lifting, self._values, self._sweep, self._met = lifting, values, sweep, met
        self._layers = Layers.of(lifting.chain)
        self.cells = CellBoxes(lifting)
        self._exponents = np.array(exponents[: len(lifting.names)])
        self._sign_places = np.array([j for j, s in enumerate(signs) if s is not None], dtype=np.intp)
        self._sign_binaries = np.array([s for s in signs if s is not None], dtype=np.intp)
        self._neurons = [[(i, s) for i, s in enumerate(layer) if is_binary(s)] for layer in values.states]
        starts = accumulate((len(layer) for layer in values.states), initial=0)
        neurons = [(start + i, s) for start, layer in zip(starts, self._neurons, strict=False) for i, s in layer]
        entries = sweep.offset(1) - met[-1][0].shape[1]  # only a single copy's have signs
        self._deciding = np.array([*(i for i, _ in neurons), *(entries + self._sign_places)], dtype=np.intp)
        self.decidable = np.array([*(s for _, s in neurons), *self._sign_binaries], dtype=np.intp)
        self._below: dict[bytes, tuple[Vector, Vector]] = {}

    def at(self, lower: Array, upper: Array) -> tuple[Array, Array]:
        """Both ends of all quantities' ranges under limits of the model's columns, shapes (N, quantities)."""
        met = self._sweep.met(lower, upper, self._met, self._sweep.allowed(lower, upper))
        low, high = self._preactivations(lower, upper)
        copies = range(self._sweep.plan.copies)
        return (
            np.concatenate([low, *(ends[0][:, copy] for copy in copies for ends in met)], axis=1),
            np.concatenate([high, *(ends[1][:, copy] for copy in copies for ends in met)], axis=1),
        )

    def implied(self, low: Array, high: Array) -> tuple[Bools, Bools]:
        """Which of the binaries `decidable` must be 1 by their ranges, as far as they are free, and which 0."""
        on = low[:, self._deciding] >= 0
        return on, ~on & (high[:, self._deciding] <= 0)

    def _preactivations(self, lower: Array, upper: Array) -> tuple[Array, Array]:
        root = self._values
        count = len(lower)
        if len(root.low) < 2:
            whole = np.concatenate([np.zeros(0), *root.low]), np.concatenate([np.zeros(0), *root.high])
            return np.tile(whole[0], (count, 1)), np.tile(whole[1], (count, 1))
        signs = self._signs(lower, upper)
        keys = [row.tobytes() for row in np.concatenate(signs[:-1], axis=1)]
        if len(self._below) > _REMEMBERED:
            self._below.clear()
        new = list({key: row for row, key in enumerate(keys) if key not in self._below}.values())
        if new:
            wanted = [side[new] for side in signs]
            boxes = [self.cells.box(first) for first in wanted[0]]
            ranges = crown_ranges if self.cells.crowded else preactivation_ranges
            found = ranges(self._layers, *(np.array(ends) for ends in zip(*boxes, strict=True)), wanted)
            low = [np.maximum(r, f[:, : len(r)]) for r, f in zip(root.low, found.low, strict=False)]
            high = [np.minimum(r, f[:, : len(r)]) for r, f in zip(root.high, found.high, strict=False)]
            pairs = zip(np.concatenate(low, axis=1), np.concatenate(high, axis=1), strict=True)
            self._below.update(zip((keys[row] for row in new), pairs, strict=True))
        known = [self._below[key] for key in keys]
        return np.array([low for low, _ in known]), np.array([high for _, high in known])

    def _signs(self, lower: Array, upper: Array) -> list[Signs]:
        signs = []
        for k, layer in enumerate(self._neurons):
            side = np.zeros((len(lower), len(self._lifting.chain.slopes[k])), dtype=np.int8)
            binaries = [s for _, s in layer]
            decided = (lower[:, binaries] == 1).astype(np.int8) - (upper[:, binaries] == 0)
            side[:, [i for i, _ in layer]] = decided
            signs.append(side)
        return signs

    def pattern_at(self, point: Vector) -> dict[int, bool]:
        """The binaries of the neurons as floats have them at the point of a solution."""
        lifting = self._lifting
        found = {}
        with np.errstate(over="ignore", invalid="ignore"):
            x = np.ldexp(point[: len(lifting.names)], self._exponents)
            for k, layer in enumerate(self._neurons):
                y = lifting.chain.weights[k] @ x + lifting.chain.biases[k]
                left, right = lifting.chain.slopes[k].T
                x = np.where(y > 0, right, left) * y
                found |= {s: bool(y[i] > 0) for i, s in layer}
        return found

    # Bounds without a program

    def outlook(self, lower: Array, upper: Array) -> Array:
        """Upper bounds of the objective under limits of the columns, all rows about points left out, shape (N,).

        A functional of the entries that is above the sum of their sizes, pushed through the layers to the test vector.
        In the objective's units before `Model.power`; inf where nothing is known.
        """
        sweep = self._sweep
        if sweep.plan.measure == "trace" or not sweep.gain <= TAME:
            return np.full(len(lower), np.inf)
        slopes = sweep.allowed(lower, upper)
        met = [(low[:, 0], high[:, 0]) for low, high in sweep.met(lower, upper, self._met, slopes)]
        low, high = met[-1]
        if sweep.plan.measure == "largest":
            return np.maximum(np.maximum(-low, high).max(axis=1), 0.0)
        left, right = -np.ones_like(low), np.ones_like(low)
        left[:, self._sign_places] = 2 * lower[:, self._sign_binaries] - 1
        right[:, self._sign_places] = 2 * upper[:, self._sign_binaries] - 1
        total, mass, rows = sloped_lines(low, high, left, right, np.ones_like(low))
        longest = len(sweep.order) + max(max(matrix.shape) for matrix in sweep.matrices)
        for step in range(len(sweep.order))[::-1]:
            flat, steep = slopes[step]
            size = np.maximum(np.abs(met[step][0]), np.abs(met[step][1])) * np.maximum(np.abs(flat), np.abs(steep))
            mass = mass + (np.abs(rows) * (size @ np.abs(sweep.matrices[step + 1]).T)).sum(axis=1)
            shift, more, rows = sloped_lines(*met[step], flat, steep, rows @ sweep.matrices[step + 1])
            total, mass = total + shift, mass + more
        mass = mass + (np.abs(rows) @ np.abs(sweep.matrices[0])).sum(axis=1)
        rows = rows @ sweep.matrices[0]
        if sweep.plan.kind == "ball":
            end = vectors_upper(np.abs(rows), 2.0)
        elif sweep.plan.kind == "units":
            left = sweep.units_left(lower, upper)
            end = np.where(left, rows, -np.inf).max(axis=1)
            total, end = np.where(left.any(axis=1), total, -np.inf), np.where(left.any(axis=1), end, 0.0)
        else:
            least, most = sweep.signs_left(lower, upper)
            end = np.maximum(rows * least, rows * most).sum(axis=1)
        sizes = mass + np.abs(end) + np.where(np.isfinite(total), np.abs(total), 0.0)
        return charged(total + end, sizes, mass, longest)
