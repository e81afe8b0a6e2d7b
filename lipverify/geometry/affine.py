"""The pre-activations of one layer on one region: affine forms, as balls in floats and exactly on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import fmpq_mat

from lipverify.arrays import Bools, Indices
from lipverify.evaluate import affine_rows, next_affine_rows
from lipverify.network import Network
from lipverify.trusted.balls import Ball


@dataclass(frozen=True)
class LayerForms:
    """The rows (a, c) of a·x + c·t feeding layer k (0-based; k = K − 1 are the outputs), shape (n_k, n_0 + 1).

    `below` and `states` say where they come from: the layer below and its activation states.
    """

    net: Network
    k: int
    ball: Ball
    below: LayerForms | None = None
    states: tuple[bool, ...] = ()

    @classmethod
    def first(cls, net: Network) -> LayerForms:
        """The first layer's forms: the weights and biases themselves, exact."""
        return cls(net, 0, Ball.exact(np.column_stack([net.weights[0], net.biases[0]])))

    def above(self, states: Sequence[bool] | Bools) -> LayerForms:
        """The forms of the next layer on the region where this layer has these states."""
        on = np.asarray(states, dtype=bool)
        slopes = self.net.slopes[self.k]
        carried = self.ball.scale_rows(np.where(on, slopes[:, 1], slopes[:, 0]))
        following = self.k + 1
        product = Ball.exact(self.net.weights[following]) @ carried
        bias = np.zeros_like(product.mid)
        bias[:, -1] = self.net.biases[following]
        return LayerForms(self.net, following, product + Ball.exact(bias), self, tuple(on.tolist()))

    @cached_property
    def exact(self) -> fmpq_mat:
        """The rows over the rationals."""
        if self.below is None:
            return affine_rows(self.net)
        return next_affine_rows(self.net, self.below.k, self.below.exact, self.states)

    def vanishing(self) -> Bools:
        """Which rows are constant, a = 0, decided exactly."""
        mid, rad = np.abs(self.ball.mid[:, :-1]), self.ball.rad[:, :-1]
        zero: Bools = np.logical_not((mid > rad).any(axis=1))
        for i in np.flatnonzero(zero & (rad > 0).any(axis=1)):
            zero[i] = not any(self.exact.tolist()[i][:-1])
        return zero

    def constant_is_positive(self, i: int) -> bool:
        """Whether the constant row i has c > 0, decided exactly."""
        c, rad = self.ball.mid[i, -1], self.ball.rad[i, -1]
        if abs(c) > rad or rad == 0:
            return bool(c > 0)
        return bool(self.exact[i, self.exact.ncols() - 1] > 0)

    def classified(self) -> tuple[Bools, Indices]:
        """States of the neurons that need no decision, shape (n_k,), and the indices of those that do.

        A neuron with equal slopes is linear and counts as active; a constant one is active iff it is positive.
        """
        slopes = self.net.slopes[self.k]
        linear = slopes[:, 0] == slopes[:, 1]
        constant = self.vanishing() & ~linear
        states = linear.copy()
        for i in np.flatnonzero(constant):
            states[i] = self.constant_is_positive(int(i))
        return states, np.flatnonzero(~linear & ~constant)
