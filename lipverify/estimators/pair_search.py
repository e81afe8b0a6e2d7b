"""The maximum of a pair by branch and bound on the semidefinite bound, from above and anytime.

A node fixes some neurons at a vertex and leaves the others free; its bound is that of `pair_sdp` for what is
left. The multipliers of a node are a good start for its children, and few nodes are ever needed: the bound
is off by a per cent or two at the root and often exact one level below. Proof: proofs/seqlip.md, §5.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lipverify.arrays import Indices, Matrix, Vector
from lipverify.estimators.pair import Pair, Reduced
from lipverify.estimators.pair_climb import aligned, climb, starts
from lipverify.estimators.pair_sdp import Relaxation
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import half_widths, up
from lipverify.trusted.spectral.cholesky import cholesky_uppers
from lipverify.trusted.spectral.svd import spectral_upper

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
    for found in _search(_Box.of(reduced.pair), steps):
        yield Progress(reduced.whole(found.upper), found.lower, found.closed, found.nodes)


def relaxed(pair: Pair, accuracy: float) -> Iterator[Progress]:
    """The semidefinite bound of the pair, from above, until its multipliers are optimal up to `accuracy`."""
    reduced = Reduced.of(pair)
    box = _Box.of(reduced.pair)
    root = _Node(box.middle, box.free, box.balance)
    lower = climb(box.pair, starts(box.pair, 1, 0))
    if not len(box.free):
        yield Progress(reduced.whole(box.enumerated(root)), lower, True, 1)
        return
    relaxation = box.relaxation(root)
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

    def relaxation(self, node: _Node) -> Relaxation:
        """What a node leaves free, around what it has fixed."""
        pair, free = self.pair, node.free
        return Relaxation(pair.left[:, free], self.half[free], pair.right[free], pair.products(node.centre[None])[0])

    def certified(self, relaxation: Relaxation, x: Vector, largest: float) -> float:
        """A rigorous bound of a node, every rounding included."""
        bound = relaxation.upper(x, largest)
        return up(bound + self.error) if self.error else bound

    def blur(self, node: _Node, lower: float) -> float:
        """Twice the relative width that certification adds to a bound near `lower`."""
        added = self.relaxation(node).slack(node.x, lower) + self.error
        return 4 * added / lower if lower > 0 else 0.0

    def enumerable(self, free: int) -> bool:
        """Whether all vertices are looked at rather than bounded."""
        return free == 0 or (free < 24 and 2**free * self.pair.rows**2 <= ENUMERATED)

    def enumerated(self, node: _Node) -> float:
        """A rigorous bound of all vertices of a node, near its maximum."""
        ends = np.array(list(itertools.product((0, 1), repeat=len(node.free))), dtype=bool)
        sigma = np.repeat(node.centre[None], len(ends), axis=0)
        sigma[:, node.free] = np.where(ends, self.pair.high[node.free], self.pair.low[node.free])
        bound = float(cholesky_uppers(self.pair.products(sigma)).max())
        return up(bound + self.error) if self.error else bound

    def improved(self, relaxation: Relaxation, Z: Matrix) -> float:
        """The value of the vertex to which the bound points, after climbing on from there."""
        return climb(self.pair, aligned(self.pair, *relaxation.direction(Z))[None])


@dataclass(frozen=True)
class _Node:
    """Slopes of the fixed neurons and middles of the free ones; log multipliers to start the free ones from."""

    centre: Vector
    free: Indices
    x: Vector

    def children(self, box: _Box, influences: Vector) -> Iterator[_Node]:
        """The most influential free neuron at either end."""
        at = int(np.argmax(influences))
        j, rest = self.free[at], np.delete(np.arange(len(self.free)), at)
        for end in (box.pair.low[j], box.pair.high[j]):
            centre = self.centre.copy()
            centre[j] = end
            yield _Node(centre, self.free[rest], self.x[rest])


def _search(box: _Box, steps: int) -> Iterator[Progress]:
    pair, size = box.pair, sum(box.pair.shape)
    allowed = int(steps * min(1.0, (64 / max(size, pair.width)) ** 3))
    lower = climb(pair, starts(pair, 8 if pair.rows <= 64 else 1, 0))
    root = _Node(box.middle, box.free, box.balance)
    tie = 1 + max(TIE, box.blur(root, lower))
    target, settled, upper = lower * tie, 0.0, math.inf
    heap: list[tuple[float, int, _Node]] = [(-math.inf, 0, root)]
    ticket, nodes, taken = itertools.count(1), 0, 0
    while heap and -heap[0][0] > target:
        if nodes and taken >= allowed:
            return
        limit, _, node = heapq.heappop(heap)
        bound = -limit
        nodes += 1
        rest = max(settled, -heap[0][0] if heap else 0.0)
        if box.enumerable(len(node.free)):
            settled = max(settled, min(bound, box.enumerated(node)))
            target = max(target, settled)
            continue
        relaxation = box.relaxation(node)
        x, largest = node.x, math.inf
        for x, largest in relaxation.minimise(node.x, target, ACCURACY):
            if nodes == 1:
                bound = min(bound, box.certified(relaxation, x, largest))
                upper = min(upper, max(bound, rest))
                yield Progress(upper, lower, False, nodes)
            if taken >= allowed:
                break
            taken += 1
        bound = min(bound, box.certified(relaxation, x, largest))
        if bound <= target:
            settled = max(settled, bound)
        elif taken >= allowed:
            heapq.heappush(heap, (-bound, next(ticket), node))
        else:
            Z = relaxation.resolvent(x, largest)
            lower = max(lower, box.improved(relaxation, Z))
            target = max(target, lower * tie)
            for child in replace(node, x=x).children(box, relaxation.influences(Z)):
                heapq.heappush(heap, (-bound, next(ticket), child))
        upper = min(upper, max(settled, -heap[0][0] if heap else 0.0))
        yield Progress(upper, lower, False, nodes)
    yield Progress(min(upper, max(settled, -heap[0][0] if heap else 0.0)), lower, True, nodes)
