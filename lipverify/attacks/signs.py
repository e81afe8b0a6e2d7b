"""The largest gradients of one hidden layer all of whose patterns have a region: flips of signs, no region in between.

Floats: what is found is a proposal for `lipverify.geometry.witness` (proofs/attacks.md, §3).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np

from lipverify.arrays import Bools, Matrix
from lipverify.network import Network
from lipverify.norms import NormPair, reduced_pair
from lipverify.watch import tick

_TOGETHER = 32  # ascents side by side
_KICK = 0.2  # of the signs, at most, that the next ascent from an optimum changes
_GAIN = 1e-12
_PATIENCE = 0.25  # rounds without a gain for every neuron


@final
class SignAscent:
    """‖∇f‖₂² = sᵀGs for the signs s of the neurons, s₀ = 1: batches of ascents by the best single flip.

    Parameters
    ----------
    net
        A network of one hidden layer and one output.
    """

    def __init__(self, net: Network) -> None:
        slopes = net.slopes[0]
        rows = net.weights[1][0][:, None] * net.weights[0]
        with np.errstate(all="ignore"):
            half = (slopes[:, 1] - slopes[:, 0])[:, None] / 2 * rows
            middle = (slopes.sum(axis=1) / 2) @ rows
            vectors = np.vstack([middle, half])
            top = float(np.abs(vectors).max(initial=0.0))
            vectors = np.nan_to_num(vectors / top) if 0 < top < np.inf else np.zeros_like(vectors)
        self._gram: Matrix = vectors @ vectors.T

    @classmethod
    def of(cls, net: Network, pair: NormPair) -> SignAscent | None:
        """None for other networks and norms."""
        shape = (net.output_dim, net.input_dim)
        spectral = reduced_pair(pair, *shape) == reduced_pair(NormPair(2.0, 2.0), *shape)
        return cls(net) if net.is_scalar and len(net.slopes) == 1 and spectral else None

    def optima(self, rounds: int, rng: np.random.Generator) -> Iterator[Bools]:
        """After every round the best pattern so far, if it has become better: shape (n,).

        Ends before so many rounds where nothing has become better for a quarter as many as there are neurons.
        """
        n = len(self._gram)
        signs = _random(_TOGETHER, n, rng)
        best, idle = -np.inf, 0
        for _ in range(rounds):
            values = self._climb(signs)
            leader, idle = int(values.argmax()), idle + 1
            if values[leader] > best * (1 + _GAIN) or not np.isfinite(best):
                best, idle = float(values[leader]), 0
                yield signs[leader, 1:] > 0
            if idle > _PATIENCE * n:
                return
            # Half of the next ones start near the better half, the others anywhere.
            order = np.argsort(-values, kind="stable")
            kept = signs[order[: _TOGETHER // 2]]
            share = rng.uniform(0.0, _KICK, (len(kept), 1))
            kicked = np.where(rng.random(kept.shape) < share, -kept, kept)
            kicked[:, 0] = 1.0
            signs = np.vstack([kicked, _random(_TOGETHER - len(kept), n, rng)])

    def _climb(self, signs: Matrix) -> Matrix:
        """Flip the best sign of every row until none gains; the values."""
        lines = np.arange(len(signs))
        products = signs @ self._gram
        diagonal = np.diagonal(self._gram)
        for _ in range(8 * signs.shape[1]):
            tick()
            gains = diagonal - signs * products
            gains[:, 0] = -np.inf
            best = gains.argmax(axis=1)
            up = gains[lines, best] > _GAIN * diagonal.max(initial=0.0)
            if not up.any():
                break
            rows, flips = lines[up], best[up]
            products[rows] -= 2 * signs[rows, flips][:, None] * self._gram[flips]
            signs[rows, flips] *= -1
        return np.asarray((signs * products).sum(axis=1))


def _random(count: int, size: int, rng: np.random.Generator) -> Matrix:
    signs = rng.choice([-1.0, 1.0], (count, size))
    signs[:, 0] = 1.0
    return signs
