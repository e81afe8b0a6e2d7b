"""The network as estimators see it: normalised matrices, known up to rounding, with slopes between them.

Layers whose neurons are all linear are multiplied into their neighbours, rounding accounted for, so that a
network read with extra identity layers gets the bound of the network without them (proofs/autolip.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lipverify.arrays import Vector
from lipverify.network import Network
from lipverify.norms import NormPair, norm_upper
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import float_up, up
from lipverify.trusted.scaling import normalised, outward


@dataclass(frozen=True)
class Link:
    """2^exponent · W for every W in the ball, followed by neurons with slopes in 2^shift · [low, high].

    Attributes
    ----------
    name
        Which of the network's layers, counted from 1, were fused into this one.
    ball
        Shape (n_k, n_{k−1}), entries of magnitude at most about 1.
    exponent
        The power of two taken out of the matrix; even.
    low, high
        Per neuron the least and the greatest slope, shape (n_k,), magnitudes below 2; ones in the last link.
    shift
        The power of two taken out of the slopes.
    """

    name: str
    ball: Ball
    exponent: int
    low: Vector
    high: Vector
    shift: int

    @property
    def steepest(self) -> Vector:
        """m_i = max(|low_i|, |high_i|), shape (n_k,)."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    def norm(self, pair: NormPair) -> float:
        """An upper bound of ‖diag(m) W‖, the powers of two left out."""
        return norm_upper(self.ball.scale_rows(self.steepest), pair)


def links(net: Network) -> tuple[Link, ...]:
    """The chain of the network; only the neurons behind its last link, and mixed layers', may be linear."""
    chain: list[Link] = []
    last = len(net.weights) - 1
    ball, exponent = normalised(Ball.exact(net.weights[0]))
    first = 0
    for k in range(last):
        slopes = net.slopes[k]
        following, power = normalised(Ball.exact(net.weights[k + 1]))
        if (slopes[:, 0] == slopes[:, 1]).all():
            scaled, gain = _scaled_rows(ball, slopes[:, 0])
            ball, carry = normalised(following @ scaled)
            exponent += gain + power + carry
            continue
        low, high, shift = outward(slopes.min(axis=1), slopes.max(axis=1))
        chain.append(Link(_name(first, k), ball, exponent, low, high, shift))
        ball, exponent, first = following, power, k + 1
    ones = np.ones(ball.shape[0])
    return (*chain, Link(_name(first, last), ball, exponent, ones, ones, 0))


def product_up(factors: Iterable[float | Fraction], exponent: int = 0) -> float:
    """The least float64 ≥ 2^exponent times a product of factors ≥ 0, each of which may be inf."""
    total = Fraction(2) ** exponent
    infinite = False
    for factor in factors:
        if factor == 0:
            return 0.0
        if factor == math.inf:
            infinite = True
        else:
            total *= Fraction(factor)
    return math.inf if infinite else float_up(total)


def root_up(square: float, exponent: int) -> float:
    """A float ≥ 2^exponent √square, inf for inf."""
    return product_up([up(math.sqrt(square))], exponent) if math.isfinite(square) else math.inf


def _name(first: int, last: int) -> str:
    return f"layer {first + 1}" if first == last else f"layers {first + 1}-{last + 1}"


def _scaled_rows(ball: Ball, factors: Vector) -> tuple[Ball, int]:
    """diag(factors) · ball with the power of two taken out of the factors."""
    if np.isin(factors, (-1.0, 0.0, 1.0)).all():
        return ball.scale_rows(factors), 0
    diagonal, exponent = normalised(Ball.exact(np.diag(factors)))
    return diagonal @ ball, exponent
