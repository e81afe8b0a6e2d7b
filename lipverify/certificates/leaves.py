"""Leaves of a proof: what floats propose to close a node with. The checker decides whether it does."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, ClassVar, Protocol, TypeAlias, final

import numpy as np

from lipverify.arrays import Matrix, Signs, Vector
from lipverify.certificates import checker
from lipverify.network import Network
from lipverify.norms import INF, NormPair, dual, norms_upper
from lipverify.relaxations.sdp import Relaxation, certified_square
from lipverify.relaxations.split import Oriented
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.search.node_bound import Estimate
from lipverify.trusted.rounding import float_up, up

Step: TypeAlias = list[Any]

_BITS = (40, 100)  # of the largest multiplier that are written, fewest first
_DOUBT = 1e-9  # by how much floats may be wrong about a norm; the checker decides


@dataclass(frozen=True, eq=False, slots=True)
class Offer:
    """What a kind of leaf has for a node.

    Attributes
    ----------
    closes
        Whether floats believe that the node can be closed.
    steps
        With what, the shortest first.
    scores
        How much deciding each neuron promises, shape (n,).
    state
        What the node's children start from.
    """

    closes: bool
    steps: Iterable[Step]
    scores: Vector
    state: Any


class Leaves(Protocol):
    """One kind of leaf for one network. Signs are per neuron: +1, −1, or 0 for undecided; shape (n,).

    Attributes
    ----------
    cheap
        Whether an offer costs less than to ask what follows from a node's signs on the domain.
    """

    cheap: ClassVar[bool]

    def offer(self, signs: Signs, parent: Any, upper: float) -> Offer:
        """Leaves that may show that no pattern with these signs has a norm above `upper`."""
        ...

    def loosely(self, signs: Signs, parent: Any, tree: checker.Tree) -> Iterator[tuple[Step, Fraction]]:
        """A leaf and the bound that it shows, without looking for a better one."""
        ...

    def compile(self) -> None:
        """Load compiled code, if there is any: the proof has become a long one."""
        ...


@final
class SpectralLeaves:
    """The split-conditioned SDP, for spectral norms (proofs/sdp.md)."""

    cheap: ClassVar[bool] = False

    def __init__(self, net: Network) -> None:
        self._chain = Oriented.of(net, backwards=True)
        self._bound = SplitSDP().of(self._chain)

    def offer(self, signs: Signs, parent: Estimate | None, upper: float) -> Offer:
        """Descend from the parent's multipliers until the bound is reached, or seen to be out of reach."""
        estimate = self._bound.estimate(signs, parent, upper)
        reached = 0 < estimate.upper <= upper
        return Offer(reached, self._written(estimate.state) if reached else (), estimate.scores, estimate)

    def loosely(self, signs: Signs, parent: Estimate | None, tree: checker.Tree) -> Iterator[tuple[Step, Fraction]]:
        """The parent's multipliers, which hold for the child; at the root a descent to the end."""
        if parent is None:
            relaxation = self._bound.estimate(signs, None, 0.0).state
        else:
            relaxation = parent.state.decided(signs[self._chain.order])
        square = certified_square(self._chain, relaxation)
        for bits in _BITS:
            for slack in (2.0**-30, 2.0**-20, 2.0**-10, 1.0):
                root = up(math.sqrt(square) * (1 + slack))
                if math.isfinite(root):
                    yield self._leaf(relaxation, bits), Fraction(root) * Fraction(2) ** self._chain.exponent

    def compile(self) -> None:
        """The barrier's loops."""
        self._bound.compile()

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
        return ["sdp", shift, [_scaled(multipliers[k], int(lifts[k]) - shift) for k in order]]


def _scaled(value: float, exponent: int) -> int:
    """value · 2^exponent to the nearest integer."""
    numerator, denominator = value.as_integer_ratio()
    return round(Fraction(numerator << max(exponent, 0), denominator << max(-exponent, 0)))


@final
class SlopeRanges:
    """The ranges of slopes alone, for every other norm."""

    cheap: ClassVar[bool] = True

    def __init__(self, net: Network, pair: NormPair) -> None:
        self._net = net
        self._pair = pair
        self._ends = np.cumsum([0, *net.hidden])
        self._sizes = [np.abs(w) for w in net.weights]
        pairs = np.concatenate([np.zeros((0, 2)), *net.slopes])
        left, right = pairs.T
        # A neuron's least and greatest slope by its sign: 0, +1, and the last for −1.
        self._least, self._most = np.stack([pairs.min(axis=1), right, left]), np.stack([pairs.max(axis=1), right, left])
        self._all = np.arange(len(pairs))
        self._rising = bool((pairs >= 0).all())
        self._first = np.stack([net.weights[0], -net.weights[0]])
        signed = [(np.maximum(w, 0.0), np.maximum(-w, 0.0)) for w in net.weights[1:]]
        self._parts = [np.block([[plus, minus], [minus, plus]]) for plus, minus in signed]

    def offer(self, signs: Signs, parent: None, upper: float) -> Offer:
        """The rule has no evidence of its own: the checker computes the ranges."""
        least, most = self._least[signs, self._all], self._most[signs, self._all]
        with np.errstate(all="ignore"):
            reached = not self._norm(least, most) > upper * (1 + _DOUBT)
            # A neuron is chosen where the leaf stays open; should the checker refuse it, any will do.
            scores = np.zeros(len(signs)) if reached else self._scores(least, most)
        return Offer(reached, [["slopes"]] if reached else (), scores, None)

    def loosely(self, signs: Signs, parent: None, tree: checker.Tree) -> Iterator[tuple[Step, Fraction]]:
        """The norm of the ranges, rounded up."""
        sizes, below = tree.jacobian()
        entries = np.array([[float_up(Fraction(abs(x), below)) for x in row] for row in sizes])
        (norm,) = norms_upper(entries[None], np.zeros_like(entries)[None], self._pair)
        if math.isfinite(norm):
            yield ["slopes"], Fraction(float(norm))

    def compile(self) -> None:
        """There is no compiled code."""

    def _layers(self, values: Vector) -> list[Vector]:
        return [values[a:b, None] for a, b in pairwise(self._ends.tolist())]

    def _norm(self, least: Vector, most: Vector) -> float:
        """About the norm of the entrywise largest Jacobian.

        `ends`, shape (2, n_k, d), are the entries' upper ends and their lower ends' negatives, which slopes and the
        positive and negative parts of weights send to the same again.
        """
        ends = self._first
        for a, b, parts in zip(self._layers(least), self._layers(most), self._parts, strict=True):
            widest = np.maximum(a * ends, b * ends)
            if not self._rising:
                widest = np.maximum(widest, np.maximum(-a * ends[::-1], -b * ends[::-1]))
            ends = (parts @ widest.reshape(-1, widest.shape[2])).reshape(2, -1, widest.shape[2])
        return _monotone_norm(np.maximum(ends[0], ends[1]), self._pair)

    def _scores(self, least: Vector, most: Vector) -> Vector:
        """A neuron's range of slopes times the magnitudes that reach it from either end."""
        steep = self._layers(np.maximum(np.abs(least), np.abs(most)))
        weights = self._sizes
        below = [weights[0].sum(axis=1)]
        for weight, s in zip(weights[1:-1], steep, strict=False):
            below.append(weight @ (s[:, 0] * below[-1]))
        above = [weights[-1].sum(axis=0)]
        for weight, s in zip(weights[-2:0:-1], steep[::-1], strict=False):
            above.append((s[:, 0] * above[-1]) @ weight)
        reach = [x * y for x, y in zip(below, reversed(above), strict=False)] if steep else []
        scores = (most - least) * np.concatenate([np.zeros(0), *reach])
        return np.where(np.isfinite(scores), scores, 0.0)


def _monotone_norm(sizes: Matrix, pair: NormPair) -> float:
    """‖A‖_{p→q} of a matrix without negative entries, to rounding, for every pair but 2→2."""
    if pair.p == 1.0:
        return float(np.linalg.norm(sizes, pair.q, axis=0).max())
    if pair.q == INF:
        return float(np.linalg.norm(sizes, dual(pair.p), axis=1).max())
    if pair.p == INF:
        return float(np.linalg.norm(sizes.sum(axis=1), pair.q))
    return float(np.linalg.norm(sizes.sum(axis=0)))  # 2→1, that of the transpose from ∞ to 2
