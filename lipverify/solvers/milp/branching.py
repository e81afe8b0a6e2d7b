"""Which binary to branch on: the one both of whose values lower the outlook, or else by pseudo-costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lipverify.arrays import Vector
from lipverify.rounding import float_up
from lipverify.solvers.milp.model import Model
from lipverify.solvers.milp.node_ranges import NodeRanges

FRACTION = 1e-6
"""How far from 0 and 1 a binary counts as undecided."""
_FIRST = 4.0  # the preference of the first layer that is open, where patterns are likely to be no regions
_LEAST = 1e-6  # of the outlook: a smaller gain is none


@dataclass(frozen=True)
class Split:
    """A binary, and upper bounds of the constant where it is 0 and where it is 1, inf where there is none."""

    switch: int
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
        self._gains = np.zeros((model.size, 2))
        self._counts = np.zeros((model.size, 2))
        whole = np.array(model.lower)[None], np.array(model.upper)[None]
        self.blind = not math.isfinite(float(ranges.outlook(*whole)[0]))

    def choose(self, free: list[int], lower: Vector, upper: Vector, point: Vector | None, floor: float) -> Split:
        """One of some binaries at a node, given limits of all columns and perhaps a point of the relaxation.

        A gain beyond what closes a node at `floor` counts for no more.
        """
        if not self.blind:
            rows = np.arange(len(free))
            lows, highs = (np.tile(ends, (2 * len(free) + 1, 1)) for ends in (lower, upper))
            highs[rows, free] = 0.0
            lows[len(free) + rows, free] = 1.0
            outlook = self._ranges.outlook(lows, highs)
            now, ends = float(outlook[-1]), outlook[:-1].reshape(2, -1)
            with np.errstate(over="ignore", under="ignore"):
                needed = now - float(np.ldexp(floor, -self._power))
            least = _LEAST * now
            gains = np.clip(now - ends, 0.0, max(needed, least))
            if gains.max() > least:
                scores = gains.sum(axis=0) + gains.min(axis=0)
                if self._ranges.cells.crowded:
                    first = min(self._depth[s] for s in free if s in self._depth)
                    scores *= np.array([_FIRST if self._depth.get(s) == first else 1.0 for s in free])
                best = int(np.argmax(scores))
                return Split(free[best], (self._true(float(ends[0, best])), self._true(float(ends[1, best]))))
        switch = self._by_costs(free, point)
        return Split(switch, (math.inf, math.inf))

    def _true(self, value: float) -> float:
        """A bound before the model's power, in true units."""
        if 2.0**-400 < value < 2.0**400 and abs(self._power) < 400:
            return math.ldexp(value, self._power)
        return float_up(Fraction(value) * Fraction(2) ** self._power) if math.isfinite(value) else value

    def _by_costs(self, free: list[int], point: Vector | None) -> int:
        if point is not None:
            fractional = [s for s in free if FRACTION < point[s] < 1 - FRACTION]
            if fractional:
                return max(fractional, key=lambda s: (self._score(s, point[s]), -s))
        return min((s for s in free if s in self._depth), key=lambda s: (self._depth[s], s))

    def learn(self, switch: int, side: bool, before: float, after: float, fraction: float) -> None:
        """Remember which share of the bound a decision took away, per unit of the binary's change."""
        if 0 < before < math.inf and math.isfinite(after):
            self._gains[switch, int(side)] += max(1 - after / before, 0.0) / (1 - fraction if side else fraction)
            self._counts[switch, int(side)] += 1

    def _score(self, switch: int, fraction: float) -> float:
        """Pseudo-costs: the product of what both sides are expected to gain."""
        total = self._counts.sum()
        usual = self._gains.sum() / total if total else 1.0
        down, up = (
            self._gains[switch, side] / self._counts[switch, side] if self._counts[switch, side] else usual
            for side in (0, 1)
        )
        return max(down * fraction, 1e-9) * max(up * (1 - fraction), 1e-9)
