"""The maximum of a pair by branch and bound on the semidefinite bound, from above and anytime.

A node fixes some neurons at a vertex and leaves the others free; its bound is that of `pair_sdp` for what is
left. The multipliers of a node are a good start for its children, and few nodes are ever needed: the bound
is off by a per cent or two at the root and often exact one level below. Proof: proofs/seqlip.md, §6.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lipverify.arrays import Vector
from lipverify.estimators.pair import Pair, Reduced, rigorous_values
from lipverify.estimators.pair_climb import Indices, aligned, climb, starts
from lipverify.estimators.pair_sdp import Relaxation
from lipverify.norms import spectral_upper
from lipverify.rounding import Ball, U, gamma, up

ENUMERATED = 2**14  # entries of the Gram matrices of the vertices that are tried all at once
ACCURACY = 1e-12
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
        half = np.maximum(pair.high - middle, middle - pair.low) * (1 + 4 * U)
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

    def certified(self, relaxation: Relaxation, x: Vector) -> float:
        """A rigorous bound of a node, every rounding included."""
        bound = relaxation.upper(x)
        return up(bound + self.error) if self.error else bound

    def enumerable(self, free: int) -> bool:
        """Whether all vertices are looked at rather than bounded."""
        return free == 0 or (free < 24 and 2**free * self.pair.rows**2 <= ENUMERATED)

    def enumerated(self, node: _Node) -> float:
        """A rigorous bound of all vertices of a node, near its maximum."""
        ends = np.array(list(itertools.product((0, 1), repeat=len(node.free))), dtype=bool)
        sigma = np.repeat(node.centre[None], len(ends), axis=0)
        sigma[:, node.free] = np.where(ends, self.pair.high[node.free], self.pair.low[node.free])
        bound = float(rigorous_values(self.pair.products(sigma)).max())
        return up(bound + self.error) if self.error else bound

    def improved(self, relaxation: Relaxation, x: Vector) -> float:
        """The value of the vertex to which the bound points, after climbing on from there."""
        top = np.linalg.eigh(relaxation.matrix(x))[1][:, -1]
        a = self.pair.left.shape[0]
        return climb(self.pair, aligned(self.pair, top[:a], top[a:])[None])


@dataclass(frozen=True)
class _Node:
    """Slopes of the fixed neurons and middles of the free ones; log multipliers to start the free ones from."""

    centre: Vector
    free: Indices
    x: Vector

    def children(self, box: _Box, relaxation: Relaxation) -> Iterator[_Node]:
        """The most influential free neuron at either end."""
        at = int(np.argmax(relaxation.influences(self.x)))
        j, rest = self.free[at], np.delete(np.arange(len(self.free)), at)
        for end in (box.pair.low[j], box.pair.high[j]):
            centre = self.centre.copy()
            centre[j] = end
            yield _Node(centre, self.free[rest], self.x[rest])


def _search(box: _Box, steps: int) -> Iterator[Progress]:
    pair, size = box.pair, sum(box.pair.shape)
    allowed = steps * min(1.0, (64 / size) ** 3)
    tie = 1 + max(5e-11, gamma(32 * size + 256) * size)  # what certification may cost
    lower = climb(pair, starts(pair, 8 if pair.rows <= 64 else 1, 0))
    target, upper = lower * tie, math.inf
    heap: list[tuple[float, int, _Node]] = [(-math.inf, 0, _Node(box.middle, box.free, box.balance))]
    ticket, nodes, taken = itertools.count(1), 0, 0
    while heap and -heap[0][0] > target:
        if taken > allowed:
            yield Progress(upper, lower, False, nodes)
            return
        limit, _, node = heapq.heappop(heap)
        bound = -limit
        nodes += 1
        rest = max(target, -heap[0][0] if heap else 0.0)
        if box.enumerable(len(node.free)):
            target = max(target, min(bound, box.enumerated(node)))
            continue
        relaxation = box.relaxation(node)
        bound = min(bound, box.certified(relaxation, node.x))
        for x in relaxation.minimise(node.x, target, ACCURACY):
            taken += 1
            node = replace(node, x=x)
            if nodes == 1 or taken > allowed:
                bound = min(bound, box.certified(relaxation, x))
                upper = min(upper, max(bound, rest))
                yield Progress(upper, lower, False, nodes)
            if taken > allowed:
                break
        bound = min(bound, box.certified(relaxation, node.x))
        if bound > target:
            lower = max(lower, box.improved(relaxation, node.x))
            target = max(target, lower * tie)
            for child in node.children(box, relaxation):
                heapq.heappush(heap, (-bound, next(ticket), child))
        upper = min(upper, max(target, -heap[0][0] if heap else 0.0))
        yield Progress(upper, lower, False, nodes)
    yield Progress(min(upper, target), lower, True, nodes)
