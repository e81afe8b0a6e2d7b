"""Ranges of everything the program's big-M constants are taken from, given what is known of its binaries.

The more binaries are decided, the narrower the ranges of what reaches the neurons and comes out of the network: a
test vector's range is sent through the layers by interval arithmetic, every slope between those that are left. At a
node of a search rows with constants from these ranges hold too, and are tighter. Many nodes at a time, with limits of
all columns of the model, shape (N, columns); rounded outward. Proof: proofs/milp.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import TypeAlias

import numpy as np

from lipverify.arrays import Array, Bools, Indices
from lipverify.network import Network
from lipverify.solvers.milp.bound.obbt import affine_range
from lipverify.solvers.milp.encode.model import State, is_binary
from lipverify.solvers.milp.encode.norm import Plan, TestVectors
from lipverify.trusted.intervals import Weights
from lipverify.trusted.rounding import norm_up, quiet

Met: TypeAlias = list[tuple[Array, Array]]


class Sweep:
    """The derivative's way through a network, for a plan.

    Attributes
    ----------
    plan, states
        How the norm is encoded; one `State` per neuron, layer by layer.
    matrices, order
        The matrices in the order in which a test vector meets them, and the hidden layers.
    pairs, slopes
        In this order: (left, right), shape (n_k, 2); the least and the greatest slope by state.
    """

    def __init__(self, net: Network, plan: Plan, states: Sequence[Sequence[State]], vectors: TestVectors) -> None:
        self.plan, self.states = plan, states
        step = -1 if plan.backward else 1
        self.matrices = [w.T for w in net.weights[::-1]] if plan.backward else list(net.weights)
        self.order = list(range(len(net.slopes)))[::step]
        self.pairs = [net.slopes[k] for k in self.order]
        self.slopes = [_slopes(states[k], pairs) for k, pairs in zip(self.order, self.pairs, strict=True)]
        self._columns = [
            (
                np.array([is_binary(s) for s in states[k]]),
                np.array([s if is_binary(s) else 0 for s in states[k]], dtype=np.intp),
            )
            for k in self.order
        ]
        self._weights = [Weights.of(matrix) for matrix in self.matrices]
        self._vector_binaries = [_binaries(row) for row in vectors.binaries]
        self._start = sum(len(layer) for layer in states)
        widths = [len(matrix) for matrix in self.matrices]
        self._cuts = list(accumulate(widths, initial=0))

    def offset(self, copy: int) -> int:
        """The number of the first quantity of a copy; pre-activations come before, layer by layer."""
        return self._start + copy * self._cuts[-1]

    @cached_property
    def gain(self) -> float:
        """What no product of entries and slopes on the way exceeds, summed over all ways; inf beyond floats."""
        with np.errstate(over="ignore", invalid="ignore"):
            sizes = [max(float(np.abs(m).max()), 1.0) * max(m.shape) for m in self.matrices]
            return float(np.prod(sizes) * np.prod([max(float(np.abs(p).max()), 1.0) for p in self.pairs]))

    def first(self) -> tuple[Array, Array]:
        """Ranges of the first matrix times the test vector, over all test vectors."""
        matrix = self.matrices[0]
        if self.plan.kind == "units":
            return matrix.min(axis=1), matrix.max(axis=1)
        size = np.array([norm_up(row) if self.plan.kind == "ball" else math.inf for row in matrix])
        ones = np.ones(matrix.shape[1])
        low, high = affine_range((-ones, ones), matrix)
        return np.maximum(low, -size), np.minimum(high, size)

    @quiet
    def met(self, lower: Array, upper: Array, root: Met, slopes: Met) -> Met:
        """Ranges of what reaches each layer's neurons, and of the entries at last, within those of the root.

        Shapes (N, copies, n); the root's are (copies, n). `slopes` are those of `allowed`.
        """
        low, high = self._first(lower, upper)
        found: Met = []
        for step, (least, most) in enumerate(root):
            low, high = np.fmax(low, least), np.fmin(high, most)  # NaN: floats ended
            found.append((low, high))
            if step < len(self.order):
                flat, steep = (end[:, None] for end in slopes[step])
                corners = (flat * low, flat * high, steep * low, steep * high)
                low, high = self._weights[step + 1].product(
                    np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3])),
                    np.maximum(np.maximum(corners[0], corners[1]), np.maximum(corners[2], corners[3])),
                )
        return found

    def allowed(self, lower: Array, upper: Array) -> Met:
        """The least and the greatest slope of each neuron that a layer meets, shapes (N, n), layer by layer."""
        found: Met = []
        for (low, high), (free, binaries), pairs in zip(self.slopes, self._columns, self.pairs, strict=True):
            left, right = pairs.T
            on, off = (lower[:, binaries] == 1) & free, (upper[:, binaries] == 0) & free
            found.append(
                (np.where(on, right, np.where(off, left, low)), np.where(on, right, np.where(off, left, high)))
            )
        return found

    def _first(self, lower: Array, upper: Array) -> tuple[Array, Array]:
        """Ranges of the first matrix times the test vectors that are left."""
        matrix = self.matrices[0]
        where, _ = self._vector_binaries[0]
        if len(where) and self.plan.kind == "units":
            left = self.units_left(lower, upper)
            left = (left | ~left.any(axis=1, keepdims=True))[:, None]  # no test vector: any range will do
            low, high = np.where(left, matrix, np.inf).min(axis=2), np.where(left, matrix, -np.inf).max(axis=2)
            return low[:, None], high[:, None]
        if len(where):
            low, high = self._weights[0].product(*self.signs_left(lower, upper))
            return low[:, None], high[:, None]
        low, high = self.first()
        return np.broadcast_to(low, (len(lower), 1, len(low))), np.broadcast_to(high, (len(lower), 1, len(high)))

    def units_left(self, lower: Array, upper: Array) -> Bools:
        """Which unit vectors are left as test vectors, shape (N, size)."""
        _, binaries = self._vector_binaries[0]
        if not len(binaries):
            return np.ones((len(lower), self.matrices[0].shape[1]), dtype=bool)
        chosen = lower[:, binaries] == 1
        return np.where(chosen.any(axis=1)[:, None], chosen, upper[:, binaries] > 0)

    def signs_left(self, lower: Array, upper: Array) -> tuple[Array, Array]:
        """The ends of every sign of the test vectors that are left, shapes (N, size)."""
        where, binaries = self._vector_binaries[0]
        low = high = np.ones((len(lower), self.matrices[0].shape[1]))
        low, high = low.copy(), high.copy()
        low[:, where] = 2 * lower[:, binaries] - 1
        high[:, where] = 2 * upper[:, binaries] - 1
        return low, high


def _slopes(states: Sequence[State], pairs: Array) -> tuple[Array, Array]:
    """The least and the greatest slope that each neuron of a layer may have."""
    ends = []
    for state, (left, right) in zip(states, pairs.tolist(), strict=True):
        if isinstance(state, bool) or state is None:
            ends.append((0.0, 0.0) if state is None else (right, right) if state else (left, left))
        else:
            ends.append((min(left, right), max(left, right)))
    low, high = zip(*ends, strict=True)
    return np.array(low), np.array(high)


def _binaries(states: Sequence[State]) -> tuple[Indices, Indices]:
    """Where in a row there are binaries, and which."""
    found = [(i, state) for i, state in enumerate(states) if is_binary(state)]
    return np.array([i for i, _ in found], dtype=np.intp), np.array([j for _, j in found], dtype=np.intp)
