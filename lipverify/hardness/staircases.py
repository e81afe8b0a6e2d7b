"""Staircases in a row: L = 1 at every depth, and every bound that cannot see what is reachable is exponential in it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from lipverify.arrays import Point
from lipverify.errors import InvalidArgument
from lipverify.network import Network


@final
@dataclass(frozen=True, eq=False)
class Unreachable:
    """Staircases in a row; made by `unreachable`.

    Attributes
    ----------
    network
        One input, one output.
    layers, steps
        How many staircases, and the steps of each.
    constant
        L_p(network) for every p, also on the box [−steps, steps]: 1.
    """

    network: Network
    layers: int
    steps: int
    constant: Fraction = Fraction(1)

    @property
    def blind(self) -> Fraction:
        """steps^layers: the largest norm of any pattern, reachable or not; LipSDP's value exactly, for p = 2."""
        return Fraction(self.steps) ** self.layers

    @property
    def trivial(self) -> Fraction:
        """(2 · steps)^layers: the product of the layers' spectral norms."""
        return Fraction(2 * self.steps) ** self.layers

    @property
    def point(self) -> Point:
        """A fixed point of every staircase, inside a region where the slope is 1."""
        return (Fraction(self.steps - 1),)

    def describe(self) -> str:
        """The network, and how far bounds are from its constant."""
        return (
            f"{self.layers} staircases of {self.steps} steps in a row; L = 1, bounds that do not see what is reachable "
            f"are at least {self.blind}, the product of the layers' norms is {self.trivial}\n{self.network!r}"
        )


def unreachable(layers: int, steps: int = 2) -> Unreachable:
    """A network with L = 1 of which bounds blind to reachability say steps^layers or more.

    Theorem (proofs/staircases.md). With the half-integers a_i = i − steps − ½, i = 1 … 2·steps, let
    g(x) = −½ + Σ_i (−1)^(i+1) relu(x − a_i), a staircase: its slopes are 0, 1, 0, …. Then L(g ∘ … ∘ g) = 1, but the
    largest norm over all activation patterns is steps^layers, and LipSDP equals it. Every layer costs a factor of half
    its width: what SDP bounds lose to unreachable hidden states is what Kuang, Xu, Sivaranjani & Lin (2026,
    arXiv:2603.28113) discuss; this family is our own.

    Parameters
    ----------
    layers
        How many hidden layers, ≥ 1.
    steps
        Half the width of each, ≥ 1; with one step nothing is lost.

    Returns
    -------
    Unreachable
        One input, `layers` hidden layers of 2·steps neurons, plain ReLU.

    Raises
    ------
    InvalidArgument
        When one of them is no integer ≥ 1.
    """
    for name, value in (("layers", layers), ("steps", steps)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InvalidArgument(f"{name} must be an integer ≥ 1; got {value!r}")
    thresholds = np.arange(1, 2 * steps + 1) - steps - 0.5
    up = np.ones((2 * steps, 1))
    down = np.tile([1.0, -1.0], steps)[None, :]
    weights = [up, *[up @ down] * (layers - 1), down]
    biases = [-thresholds, *[-thresholds - 0.5] * (layers - 1), [-0.5]]
    return Unreachable(Network(weights, biases), int(layers), int(steps))
