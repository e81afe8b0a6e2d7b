"""Which binary to branch on: the one whose two values lower the outlook the most, or else by pseudo-costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

import numpy as np

from lipverify.arrays import Indices, Vector
from lipverify.solvers.milp.bound.propagation import NodeRanges
from lipverify.solvers.milp.encode.model import Model
from lipverify.solvers.milp.search.regions import Assignment
from lipverify.trusted.rounding import float_up

FRACTION = 1e-6
"""How far from 0 and 1 a binary counts as undecided."""
_FIRST = 4.0  # the preference of the first layer that is open, where patterns are likely to be no regions
_MOST = 2**22  # limits at a time
_LEAST = 1e-6  # of the outlook: a smaller gain is none


@dataclass(frozen=True, slots=True)
class Place:
    """An open node: an upper bound, values of binaries, limits of all columns, and perhaps the relaxation's point."""

    bound: float
    values: Assignment
    lower: Vector
    upper: Vector
    point: Vector | None


@dataclass(frozen=True, slots=True)
class Split:
    """A binary, and upper bounds of the constant where it is 0 and where it is 1, inf where there is none."""

    binary: int
    ends: tuple[float, float]


class Branching:
    """The rule, and what it has learnt.

    Attributes
    ----------
    blind
        Whether there is no outlook for this norm.
    """

    def __init__(self, model: Model, ranges: NodeRanges, depth: dict[int, int]) -> None:
        self._ranges, self._depth, self._power = ranges, depth, model.power
        self._binaries = np.array(model.binaries, dtype=np.intp)
        self._gains = np.zeros((model.size, 2))
        self._counts = np.zeros((model.size, 2))
        whole = np.array(model.lower)[None], np.array(model.upper)[None]
        self.blind = not math.isfinite(float(ranges.outlook(*whole)[0]))

    def choose(self, places: Sequence[Place], floor: float) -> list[Split]:
        """A free binary of every node.

        A gain beyond what closes a node at `floor` counts for no more.
        """
        if self.blind or not places:
            return [self._by_costs(place) for place in places]
        free = [self._free(place) for place in places]
        counts = [2 * len(binaries) + 1 for binaries in free]
        if len(places) > 1 and sum(counts) * len(places[0].lower) > _MOST:
            half = len(places) // 2
            return [*self.choose(places[:half], floor), *self.choose(places[half:], floor)]
        # What matters are the binaries' limits: small integers will do.
        lower, upper = (
            np.repeat(np.array(ends).astype(np.int8), counts, axis=0)
            for ends in ([place.lower for place in places], [place.upper for place in places])
        )
        begins = list(accumulate(counts, initial=0))
        for begin, binaries in zip(begins, free, strict=False):
            rows = begin + np.arange(len(binaries))
            upper[rows, binaries] = 0
            lower[rows + len(binaries), binaries] = 1
        outlooks = np.split(self._ranges.outlook(lower, upper), begins[1:-1])
        return [
            self._by_gains(binaries, outlook, floor) or self._by_costs(place)
            for place, binaries, outlook in zip(places, free, outlooks, strict=True)
        ]

    def _free(self, place: Place) -> Indices:
        return self._binaries[place.lower[self._binaries] < place.upper[self._binaries]]

    def _by_gains(self, free: Indices, outlook: Vector, floor: float) -> Split | None:
        """The binary whose values lower the outlook the most, given outlooks at 0, at 1, and of the node itself."""
        now, ends = float(outlook[-1]), outlook[:-1].reshape(2, -1)
        with np.errstate(over="ignore", under="ignore"):
            needed = now - float(np.ldexp(floor, -self._power))
        least = _LEAST * now
        gains = np.clip(now - ends, 0.0, max(needed, least))
        if gains.max() <= least:
            return None
        scores = gains.sum(axis=0) + gains.min(axis=0)
        if self._ranges.cells.crowded:
            first = min(self._depth[s] for s in free.tolist() if s in self._depth)
            scores *= np.array([_FIRST if self._depth.get(s) == first else 1.0 for s in free.tolist()])
        best = int(np.argmax(scores))
        return Split(int(free[best]), (self._true(float(ends[0, best])), self._true(float(ends[1, best]))))

    def _true(self, value: float) -> float:
        """A bound before the model's power, in true units."""
        if 2.0**-400 < value < 2.0**400 and abs(self._power) < 400:
            return math.ldexp(value, self._power)
        return float_up(Fraction(value) * Fraction(2) ** self._power) if math.isfinite(value) else value

    def _by_costs(self, place: Place) -> Split:
        """The fractional binary of the best pseudo-costs, or the first neuron's."""
        free, point = self._free(place).tolist(), place.point
        fractional = [s for s in free if point is not None and FRACTION < point[s] < 1 - FRACTION]
        if point is not None and fractional:
            best = max(fractional, key=lambda s: (self._score(s, point[s]), -s))
        else:
            best = min((s for s in free if s in self._depth), key=lambda s: (self._depth[s], s))
        return Split(best, (math.inf, math.inf))

    def learn(self, binary: int, side: bool, before: float, after: float, fraction: float) -> None:
        """Remember which share of the bound a decision took away, per unit of the binary's change."""
        if 0 < before < math.inf and math.isfinite(after):
            self._gains[binary, int(side)] += max(1 - after / before, 0.0) / (1 - fraction if side else fraction)
            self._counts[binary, int(side)] += 1

    def _score(self, binary: int, fraction: float) -> float:
        """Pseudo-costs: the product of what both sides are expected to gain."""
        total = self._counts.sum()
        usual = self._gains.sum() / total if total else 1.0
        down, up = (
            self._gains[binary, side] / self._counts[binary, side] if self._counts[binary, side] else usual
            for side in (0, 1)
        )
        return max(down * fraction, 1e-9) * max(up * (1 - fraction), 1e-9)
