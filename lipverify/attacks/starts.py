"""Where walks start: in regions of random points, and on the way from a good region to a random point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

import numpy as np

from lipverify.arrays import Array, Bools
from lipverify.attacks.patterns import Region
from lipverify.attacks.points import nearest_float
from lipverify.attacks.sample import jacobian_norms
from lipverify.evaluate import pattern
from lipverify.network import Network
from lipverify.norms import NormPair

NEAR = 6.0  # a kick goes at least 2⁻⁶ of the way


@final
class Starts:
    """Regions not visited before; mutable, one per run.

    Attributes
    ----------
    order
        Indices of the points, the largest ‖J‖ first.
    visited
        The keys of all regions that were handed out, and of those that a walk added.
    """

    def __init__(self, net: Network, points: Array, pair: NormPair) -> None:
        self._net, self._points, self._pair = net, points, pair
        self._regions = _Regions(net, points, pair)
        self.order = self._regions.order
        self.visited: set[bytes] = set()
        self._queues = [iter(self._regions.distinct), iter(sorted(self._regions.first))]

    def fresh(self) -> Region | None:
        """The region of a random point: the best and an arbitrary one in turn, until none is left."""
        self._queues.reverse()
        for queue in reversed(self._queues):
            found = self._first(map(self._regions.__getitem__, queue))
            if found:
                return found
        return None

    def kicked(self, region: Region, count: int, rng: np.random.Generator) -> Region | None:
        """The best of some regions between this one and random points, near ones as often as far ones.

        The segment is one in the cone over the domain, where points far away are near the boundary t = 0: its
        points lie inside the domain, so these regions need no linear program.
        """
        if not len(self._points):
            return None
        here = _scaled(np.array([[*region.z, nearest_float(region.t)]]))
        there = self._points[rng.integers(len(self._points), size=count)]
        there = _scaled(np.column_stack([there, np.ones(count)]))
        share = np.exp2(-rng.uniform(0.0, NEAR, (count, 1)))
        with np.errstate(all="ignore"):
            between = (1 - share) * here + share * there
            points = between[:, :-1] / between[:, -1:]
        found = _Regions(self._net, points[np.isfinite(points).all(axis=1)], self._pair)
        return self._first(map(found.__getitem__, found.distinct))

    def _first(self, regions: Iterator[Region]) -> Region | None:
        found = next((r for r in regions if r.key not in self.visited), None)
        if found:
            self.visited.add(found.key)
        return found


@final
class _Regions:
    """The regions of points (N, d), made when asked for.

    Attributes
    ----------
    order
        Indices of the points, the largest ‖J‖ first.
    distinct, first
        Of all points with one pattern the first in that order, and the first of all.
    """

    def __init__(self, net: Network, points: Array, pair: NormPair) -> None:
        self._points, self._states = points, pattern(net, points)
        self._values = jacobian_norms(net, points, pair)
        order = np.argsort(-self._values, kind="stable")
        self.order: list[int] = order.tolist()
        codes = np.packbits(np.column_stack([np.zeros((len(points), 0), dtype=bool), *self._states]), axis=1)
        self.first: list[int] = np.unique(codes, axis=0, return_index=True)[1].tolist()
        self.distinct: list[int] = order[np.sort(np.unique(codes[order], axis=0, return_index=True)[1])].tolist()

    def __getitem__(self, k: int) -> Region:
        states: tuple[Bools, ...] = tuple(layer[k] for layer in self._states)
        return Region(states, float(self._values[k]), tuple(self._points[k].tolist()))


def _scaled(rays: Array) -> Array:
    """Rays (z, t) of the cone, scaled to a largest entry of 1, shape (N, d + 1)."""
    return rays / np.abs(rays).max(axis=1, keepdims=True)
