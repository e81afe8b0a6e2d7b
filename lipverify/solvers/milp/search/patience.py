"""Which steps of the search are worth their time: what has closed few nodes so far is only tried now and then."""

from __future__ import annotations

import math

from lipverify.search.effort import Question

_CLASSES = 40  # of 1 %; the last one takes the rest


class Patience:
    """What closed nodes so far.

    Attributes
    ----------
    refutation
        Whether rationals refute a node's pattern; recent answers count most.
    """

    def __init__(self) -> None:
        self._lps = [Question(0.4, 16, asked=4, closed=2) for _ in range(_CLASSES)]
        self._always = Question(0.0, 1)
        self.refutation = Question(0.05, 4, asked=20, closed=20, memory=0.95)

    def lp(self, bound: float, floor: float) -> Question:
        """Whether an LP closes a node, by how far its bound is from that."""
        if not (math.isfinite(bound) and floor > 0):
            return self._always
        return self._lps[int(min(100 * (bound / floor - 1), _CLASSES - 1))]
