"""A network as relaxations see it: layers known as balls, with two-slope neurons between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from lipverify.arrays import Array
from lipverify.network import Network
from lipverify.trusted.balls import Ball
from lipverify.trusted.layer import Layer


@final
@dataclass(frozen=True, eq=False)
class Layers:
    """A chain of layers; `slopes` holds one array of shape (n_k, 2) for each of them but the last."""

    layers: tuple[Layer, ...]
    slopes: tuple[Array, ...]

    @classmethod
    def of(cls, net: Chain) -> Layers:
        """The network's own layers, exactly."""
        if isinstance(net, Layers):
            return net
        return cls(tuple(map(Layer.exact, net.weights, net.biases)), net.slopes)

    @classmethod
    def fused(cls, net: Network) -> Layers:
        """The same function with every layer of linear neurons multiplied into the next, rounding enclosed.

        A model that was lowered into more layers, to be exact, gets the bounds of the shorter chain.
        """
        own = cls.of(net)
        current, *rest = own.layers
        chain: list[Layer] = []
        slopes: list[Array] = []
        for layer, pairs in zip(rest, own.slopes, strict=True):
            if (pairs[:, 0] == pairs[:, 1]).all():
                current = layer.after(current, pairs[:, 0])
                continue
            chain.append(current)
            slopes.append(pairs)
            current = layer
        return cls((*chain, current), tuple(slopes))

    def transposed(self) -> Layers:
        """The chain whose Jacobians are this one's transposed: W_1ᵀ D_1 ⋯ D_{K−1} W_Kᵀ, without biases."""
        flipped = (layer.weight.T for layer in reversed(self.layers))
        layers = tuple(Layer(Ball(*(np.pad(part, ((0, 0), (0, 1))) for part in (w.mid, w.rad)))) for w in flipped)
        return Layers(layers, self.slopes[::-1])

    @property
    def input_dim(self) -> int:
        """n_0."""
        return self.layers[0].weight.shape[1]

    @property
    def output_dim(self) -> int:
        """n_K."""
        return self.layers[-1].weight.shape[0]


Chain: TypeAlias = Network | Layers
"""Where a relaxation takes a network it takes its layers too."""
