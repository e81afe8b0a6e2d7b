"""The maximum of a pair by branch and bound on the semidefinite bound, from above and anytime.

A node fixes some neurons at a vertex and leaves the others free; its bound is that of `pair_sdp` for what is
left. The multipliers of a node are a good start for its children, and few nodes are ever needed: the bound
is off by a per cent or two at the root and often exact one level below. Proof: proofs/seqlip.md, §5.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Indices, Matrix, Signs, Vector
from lipverify.estimators.pair import Pair, Reduced
from lipverify.estimators.pair_climb import aligned, climb, starts
from lipverify.estimators.pair_sdp import Relaxation
from lipverify.estimators.vertices import Vertices
from lipverify.search.node_bound import Estimate
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import half_widths, up
from lipverify.trusted.spectral.certifier import cholesky_uppers, spectral_upper

ENUMERATED = 2**14  # entries of the Gram matrices of the vertices that are tried all at once
TIE = 5e-11  # a relative distance at which a bound counts as attained
ACCURACY = 1e-12  # what is left to gain, relatively, when a node gives up
NEGLIGIBLE = 2.0**-60  # neurons so much weaker than another are charged to the error


@dataclass(frozen=True)
class Progress:
    """What a search knows: lower, in floats, ≤ the maximum ≤ upper; closed when they meet up to rounding."""

    upper: float
    lower: float
    closed: bool
    nodes: int

    @property
    def gap(self) -> float:
        """upper / lower − 1, at least 0."""
        return max(0.0, self.upper / self.lower - 1) if self.lower > 0 else (math.inf if self.upper > 0 else 0.0)


def search(pair: Pair, steps: int) -> Iterator[Progress]:
    """Upper bounds of the maximum, decreasing; closed, or after `steps` of Newton the upper end of what is open."""
    reduced = Reduced.of(pair)
    box = _Box.of(reduced.pair)
    bound = _PairBound(box, int(steps * min(1.0, (64 / max(sum(box.pair.shape), box.pair.width)) ** 3)))
    lower = climb(box.pair, starts(box.pair, 8 if box.pair.rows <= 64 else 1, 0))
    vertices = Vertices(bound, lambda _, estimate: estimate.state.value, 1 + max(TIE, box.blur(lower)), lower)
    root = Estimate(math.inf, np.zeros(0), None)
    for root in bound.descend(box.undecided, None, vertices.target):
        yield Progress(reduced.whole(root.upper), lower, False, 1)
    vertices.begin(box.undecided, root, root.upper)
    upper = root.upper
    while not vertices.over:
        if bound.taken >= bound.allowed:
            return
        vertices.step()
        upper = min(upper, vertices.upper)
        yield Progress(reduced.whole(upper), vertices.lower, False, vertices.nodes)
    yield Progress(reduced.whole(min(upper, vertices.upper)), vertices.lower, True, vertices.nodes)


def relaxed(pair: Pair, accuracy: float) -> Iterator[Progress]:
    """The semidefinite bound of the pair, from above, until its multipliers are optimal up to `accuracy`."""
    reduced = Reduced.of(pair)
    box = _Box.of(reduced.pair)
    lower = climb(box.pair, starts(box.pair, 1, 0))
    if not len(box.free):
        yield Progress(reduced.whole(box.enumerated(box.undecided)), lower, True, 1)
        return
    relaxation = box.relaxation(box.undecided)
    upper = math.inf
    for x, largest in relaxation.minimise(box.balance, 0.0, accuracy):
        upper = min(upper, box.certified(relaxation, x, largest))
        yield Progress(reduced.whole(upper), lower, upper <= lower * (1 + TIE), 1)


@dataclass(frozen=True)
class _Box:
    """A pair, the middles and half-widths of its slopes, and the neurons whose choice matters."""

    pair: Pair
    middle: Vector
    half: Vector
    free: Indices
    balance: Vector
    error: float

    @classmethod
    def of(cls, pair: Pair) -> _Box:
        """Neurons without a choice, or without influence, are not free."""
        middle = pair.low / 2 + pair.high / 2
        half = half_widths(pair.low, middle, pair.high)
        out, into = np.abs(pair.left).max(axis=0), np.abs(pair.right).max(axis=1)
        weight = half * out * into
        free = np.flatnonzero(weight > NEGLIGIBLE * weight.max())
        rest = np.flatnonzero((half > 0) & (out > 0) & (into > 0) & ~np.isin(np.arange(pair.width), free))
        charge = 0.0
        if len(rest):
            left, right = Ball.exact(pair.left[:, rest]), Ball.exact(pair.right[rest])
            charge = up(spectral_upper(left) * spectral_upper(right.scale_rows(half[rest])))
        balance = np.log(out[free]) - np.log(into[free])
        return cls(pair, middle, half, free, balance, up(pair.error + charge) if pair.error or charge else 0.0)

    @property
    def undecided(self) -> Signs:
        """The signs that decide nothing, one per free neuron."""
        return np.zeros(len(self.free), dtype=np.int8)

    def centre(self, signs: Signs) -> Vector:
        """Slopes of all neurons: decided ones at their end, the others in the middle."""
        pair, centre = self.pair, self.middle.copy()
        upper, lower = self.free[signs > 0], self.free[signs < 0]
        centre[upper], centre[lower] = pair.high[upper], pair.low[lower]
        return centre

    def relaxation(self, signs: Signs) -> Relaxation:
        """What signs leave free, around what they decide."""
        pair, free = self.pair, self.free[signs == 0]
        centre = self.centre(signs)
        return Relaxation(pair.left[:, free], self.half[free], pair.right[free], pair.products(centre[None])[0])

    def certified(self, relaxation: Relaxation, x: Vector, largest: float) -> float:
        """A rigorous bound of a node, every rounding included."""
        bound = relaxation.upper(x, largest)
        return up(bound + self.error) if self.error else bound

    def blur(self, lower: float) -> float:
        """Twice the relative width that certification adds to a bound near `lower`."""
        added = self.relaxation(self.undecided).slack(self.balance, lower) + self.error
        return 4 * added / lower if lower > 0 else 0.0

    def enumerable(self, free: int) -> bool:
        """Whether all vertices are looked at rather than bounded."""
        return free == 0 or (free < 24 and 2**free * self.pair.rows**2 <= ENUMERATED)

    def enumerated(self, signs: Signs) -> float:
        """A rigorous bound of all vertices with these signs, near their maximum."""
        free = self.free[signs == 0]
        ends = np.array(list(itertools.product((0, 1), repeat=len(free))), dtype=bool)
        sigma = np.repeat(self.centre(signs)[None], len(ends), axis=0)
        sigma[:, free] = np.where(ends, self.pair.high[free], self.pair.low[free])
        bound = float(cholesky_uppers(self.pair.products(sigma)).max())
        return up(bound + self.error) if self.error else bound

    def improved(self, relaxation: Relaxation, Z: Matrix) -> float:
        """The value of the vertex to which the bound points, after climbing on from there."""
        return climb(self.pair, aligned(self.pair, *relaxation.direction(Z))[None])


@dataclass(frozen=True, eq=False, slots=True)
class _State:
    """Log multipliers to start the children from, one per free neuron, and the value of the vertex they point to."""

    x: Vector
    value: float


class _PairBound:
    """The semidefinite bound as a bound of nodes; rigorous as it is. Signs are those of the free neurons of a box.

    Attributes
    ----------
    taken, allowed
        Newton steps so far, and how many there may be.
    """

    def __init__(self, box: _Box, allowed: int) -> None:
        self._box = box
        self.taken, self.allowed = 0, allowed

    def estimate(self, signs: Signs, parent: Estimate | None, enough: float) -> Estimate:
        """The last of the bounds that a descent meets."""
        *_, found = self.descend(signs, parent, enough)
        return found

    def certified(self, signs: Signs, estimate: Estimate, enough: float) -> float:
        """The estimate: every rounding error is in it."""
        return estimate.upper

    def compile(self) -> None:
        """There is no compiled code."""

    def descend(self, signs: Signs, parent: Estimate | None, enough: float) -> Iterator[Estimate]:
        """Lower and lower bounds of the root, or the only one of another node; the last has what children need."""
        box, free = self._box, signs == 0
        nothing = np.zeros(len(signs))
        if box.enumerable(int(free.sum())):
            yield Estimate(box.enumerated(signs), nothing, None, attained=True)
            return
        relaxation = box.relaxation(signs)
        start = box.balance if parent is None else parent.state.x
        x, largest, upper = start[free], math.inf, math.inf
        for x, largest in relaxation.minimise(start[free], enough, ACCURACY):
            if parent is None:
                upper = min(upper, box.certified(relaxation, x, largest))
                yield Estimate(upper, nothing, None)
            if self.taken >= self.allowed:
                break
            self.taken += 1
        upper = min(upper, box.certified(relaxation, x, largest))
        if upper <= enough:
            yield Estimate(upper, nothing, None)
            return
        Z = relaxation.resolvent(x, largest)
        scores, kept = nothing.copy(), start.copy()
        scores[free], kept[free] = relaxation.influences(Z), x
        yield Estimate(upper, scores, _State(kept, box.improved(relaxation, Z)))
