"""Leaves of a proof: what floats propose to close a node with. The checker decides whether it does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol, TypeAlias, final

import numpy as np

from lipverify.arrays import Array, Signs, Vector
from lipverify.certificates import checker
from lipverify.network import Network
from lipverify.norms import NormPair, norms_upper
from lipverify.relaxations.sdp import Relaxation, certified_square
from lipverify.relaxations.split import Oriented
from lipverify.trusted.rounding import down, float_down, float_up, up

Step: TypeAlias = list[Any]

_TOLERANCE = 1e-7
_LIMIT = 60  # Newton steps a node may take
_AIM = 1 - 2e-10  # a target so far below what is to be proved that rounding has room
_BITS = (40, 100)  # of the largest multiplier that are written, fewest first


@dataclass(frozen=True, eq=False, slots=True)
class Offer:
    """What may close a node, the shortest first; what deciding each neuron promises; what children start from."""

    steps: Iterable[Step]
    scores: Vector
    state: Any


class Leaves(Protocol):
    """One kind of leaf for one network. Signs are per neuron: +1, −1, or 0 for undecided; shape (n,)."""

    def offer(self, signs: Signs, parent: Any, upper: Fraction) -> Offer:
        """Leaves that may show that no pattern with these signs has a norm above `upper`."""
        ...

    def loosely(self, signs: Signs, parent: Any, tree: checker.Tree) -> Iterator[tuple[Step, Fraction]]:
        """A leaf and the bound that it shows, without looking for a better one."""
        ...


@final
class SplitSDP:
    """The split-conditioned SDP, for spectral norms (proofs/sdp.md)."""

    def __init__(self, net: Network) -> None:
        self._chain = Oriented.of(net)
        self._way = "backward" if net.output_dim < net.input_dim else "forward"

    def offer(self, signs: Signs, parent: Relaxation | None, upper: Fraction) -> Offer:
        """Descend from the parent's multipliers until the bound is reached, or seen to be out of reach."""
        chain = self._chain
        square = self._square(float_down(upper))
        relaxation = self._descended(signs, parent, square * _AIM)
        scores = np.zeros(chain.neurons)
        moments = np.maximum(relaxation.scores, 0.0)
        scores[chain.order[relaxation.free]] = relaxation.multipliers**2 * moments[:, 0] * moments[:, 1]
        reached = 0 < relaxation.rho <= square
        return Offer(self._written(relaxation) if reached else (), scores, relaxation)

    def loosely(self, signs: Signs, parent: Relaxation | None, tree: checker.Tree) -> Iterator[tuple[Step, Fraction]]:
        """The parent's multipliers, which hold for the child; at the root a descent to the end."""
        mine = signs[self._chain.order]
        relaxation = self._descended(signs, None, 0.0) if parent is None else parent.decided(mine)
        square = certified_square(self._chain, relaxation)
        for bits in _BITS:
            for slack in (2.0**-30, 2.0**-20, 2.0**-10, 1.0):
                root = up(math.sqrt(square) * (1 + slack))
                if math.isfinite(root):
                    yield self._leaf(relaxation, bits), Fraction(root) * Fraction(2) ** self._chain.exponent

    def _descended(self, signs: Signs, parent: Relaxation | None, target: float) -> Relaxation:
        mine = signs[self._chain.order]
        if parent is None:
            return Relaxation.root(self._chain, mine).descend(self._chain, target, _TOLERANCE, 10 * _LIMIT)
        return parent.decided(mine, target).descend(self._chain, target, _TOLERANCE, _LIMIT)

    def _square(self, upper: float) -> float:
        """The chain's ρ that stands for a constant of at most `upper`, rounded down; 0 where floats end."""
        scaled = math.ldexp(upper, -self._chain.exponent) if upper else 0.0
        return down(scaled * scaled) if 2.0**-400 < scaled < 2.0**400 else 0.0

    def _written(self, relaxation: Relaxation) -> Iterator[Step]:
        return (self._leaf(relaxation, bits) for bits in _BITS)

    def _leaf(self, relaxation: Relaxation, bits: int) -> Step:
        """The multipliers for the network's own matrices, by neuron, as integers times a power of two."""
        free = relaxation.free
        multipliers = np.where(np.isfinite(relaxation.multipliers), relaxation.multipliers, 0.0)
        lifts = self._chain.lifts[free]
        exponents = np.frexp(multipliers)[1] + lifts
        shift = int(exponents[multipliers != 0].max()) - bits if multipliers.any() else 0
        order = np.argsort(self._chain.order[free])
        return ["sdp", self._way, shift, [_scaled(multipliers[k], int(lifts[k]) - shift) for k in order]]


def _scaled(value: float, exponent: int) -> int:
    """value · 2^exponent to the nearest integer."""
    numerator, denominator = value.as_integer_ratio()
    return round(Fraction(numerator << max(exponent, 0), denominator << max(-exponent, 0)))


@final
class SlopeRanges:
    """The ranges of slopes alone, for every other norm. Whether they suffice is decided exactly, at every node."""

    def __init__(self, net: Network, pair: NormPair) -> None:
        self._net = net
        self._pair = pair

    def offer(self, signs: Signs, parent: None, upper: Fraction) -> Offer:
        """The rule has no evidence of its own: the checker computes the ranges."""
        return Offer([["slopes"]], self._scores(signs), None)

    def loosely(self, signs: Signs, parent: None, tree: checker.Tree) -> Iterator[tuple[Step, Fraction]]:
        """The norm of the ranges, rounded up."""
        sizes, below = tree.slope_ranges()
        entries = np.array([[float_up(Fraction(x, below)) for x in row] for row in sizes])
        (norm,) = norms_upper(entries[None], np.zeros_like(entries)[None], self._pair)
        if math.isfinite(norm):
            yield ["slopes"], Fraction(float(norm))

    def _scores(self, signs: Signs) -> Vector:
        """A neuron's range of slopes times the magnitudes that reach it from either end."""
        net = self._net
        layers = np.split(signs, np.cumsum(net.hidden)[:-1]) if net.hidden else []
        ranges = [_range(s, d) for s, d in zip(layers, net.slopes, strict=True)]
        steep = [np.maximum(np.abs(a), np.abs(b)) for a, b in ranges]
        weights = [np.abs(w) for w in net.weights]
        with np.errstate(all="ignore"):
            below = [weights[0].sum(axis=1)]
            for weight, s in zip(weights[1:-1], steep, strict=False):
                below.append(weight @ (s * below[-1]))
            above = [weights[-1].sum(axis=0)]
            for weight, s in zip(weights[-2:0:-1], steep[::-1], strict=False):
                above.append((s * above[-1]) @ weight)
            parts = [(b - a) * x * y for (a, b), x, y in zip(ranges, below, reversed(above), strict=False)]
        return np.nan_to_num(np.concatenate([np.zeros(0), *parts]), nan=0.0)


def _range(signs: Signs, slopes: Array) -> tuple[Vector, Vector]:
    """The least and the greatest slope of a layer's neurons, shapes (n,)."""
    least = np.where(signs > 0, slopes[:, 1], np.where(signs < 0, slopes[:, 0], slopes.min(axis=1)))
    most = np.where(signs > 0, slopes[:, 1], np.where(signs < 0, slopes[:, 0], slopes.max(axis=1)))
    return least, most
