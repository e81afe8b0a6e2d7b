"""A network with its kinks rounded off, so that the norm of its Jacobian has a gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from lipverify.arrays import Array, Bools
from lipverify.network import Network
from lipverify.watch import tick

STEEP = 50.0  # tanh is 1 in floats from here on
LEAST = 1e-300


@dataclass(frozen=True)
class Slope:
    """uᵀ J(x) v of smoothed networks, one per row.

    Attributes
    ----------
    value
        uᵀ J v, shape (N,).
    gradient
        Its gradient in x, shape (N, d).
    image, preimage
        J v and Jᵀ u, shapes (N, m) and (N, d).
    """

    value: Array
    gradient: Array
    image: Array
    preimage: Array

    def where(self, chosen: Bools, other: Slope) -> Slope:
        """The rows of self where chosen, of another elsewhere."""
        rows = chosen[:, None]
        return Slope(
            np.where(chosen, self.value, other.value),
            np.where(rows, self.gradient, other.gradient),
            np.where(rows, self.image, other.image),
            np.where(rows, self.preimage, other.preimage),
        )


@final
class Smoothed:
    """N copies of a network, one per point, their neurons αy + (β − α) τ log(1 + exp(y/τ)).

    The width τ of a layer's kinks is `temperature` times the root mean square of its pre-activations at
    the point: a fraction of what is there, whatever the scales of inputs and layers.
    """

    def __init__(self, net: Network, points: Array, temperature: float) -> None:
        self._net = net
        self._widths: list[Array] = []
        z = points
        for w, b, s in zip(net.weights, net.biases, net.slopes, strict=False):
            tick()
            y = z @ w.T + b
            self._widths.append(np.maximum(temperature * np.sqrt((y * y).mean(axis=1, keepdims=True)), LEAST))
            z = np.where(y > 0, s[:, 1], s[:, 0]) * y

    def slope(self, points: Array, u: Array, v: Array) -> Slope:
        """uᵀ J(x) v with its derivatives; points and v of shape (N, d), u of shape (N, m).

        Forward in the direction v, then backward: the cost of a few evaluations of the network.
        """
        net = self._net
        z, t = points, v
        kept: list[tuple[Array, Array]] = []
        for w, b, s, width in zip(net.weights, net.biases, net.slopes, self._widths, strict=False):
            tick()
            y, rate, bend = z @ w.T + b, t @ w.T, s[:, 1] - s[:, 0]
            share = (1 + np.tanh(np.clip(y / (2 * width), -STEEP, STEEP))) / 2
            slopes = s[:, 0] + bend * share
            kept.append((slopes, bend * share * (1 - share) / width * rate))
            z = s[:, 0] * y + bend * width * np.logaddexp(0.0, y / width)
            t = slopes * rate
        image = t @ net.weights[-1].T
        back = u @ net.weights[-1]  # with respect to t, and `lift` with respect to z
        lift = np.zeros_like(back)
        for w, (slopes, curvature) in zip(net.weights[-2::-1], kept[::-1], strict=True):
            tick()
            lift = (back * curvature + slopes * lift) @ w
            back = (slopes * back) @ w
        return Slope(np.einsum("nm,nm->n", u, image), lift, image, back)


def aligned(vectors: Array, q: float) -> Array:
    """The unit vectors u of the dual norm with u·w = ‖w‖_q for the rows w, shape (N, n)."""
    signs = np.where(vectors < 0, -1.0, 1.0)
    if q == 1.0:
        return signs
    if q == 2.0:
        top = np.maximum(np.abs(vectors).max(axis=1, keepdims=True), LEAST)
        scaled = vectors / top
        return scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), LEAST)
    largest = np.zeros_like(vectors)
    chosen = (np.arange(len(vectors)), np.abs(vectors).argmax(axis=1))
    largest[chosen] = signs[chosen]
    return largest
