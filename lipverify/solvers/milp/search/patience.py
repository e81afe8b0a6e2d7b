"""Which steps of the search are worth their time: what has closed few nodes so far is only tried now and then."""

from __future__ import annotations

import math

import numpy as np

_CLASSES = 40
_LIKELY, _RETRY = 0.4, 16  # LPs: the least share that must have closed their nodes, and how often to try all the same
_SELDOM, _AGAIN, _MEMORY = 0.05, 4, 0.05  # the same of refutations, and the weight of the last one


class Patience:
    """Counts what closed nodes."""

    def __init__(self) -> None:
        self._closings = np.tile([2.0, 4.0], (_CLASSES, 1))  # LPs that closed, and all, by distance; some to begin with
        self._refuted = 1.0

    def lp(self, bound: float, floor: float, node: int) -> bool:
        """Whether an LP is likely enough to close a node of this bound."""
        if not (math.isfinite(bound) and floor > 0):
            return True
        closed, tried = self._closings[_class(bound, floor)]
        return bool(closed >= _LIKELY * tried) or node % _RETRY == 0

    def lp_done(self, bound: float, floor: float, closed: bool) -> None:
        """Count an LP at a node of this bound."""
        if math.isfinite(bound) and floor > 0:
            self._closings[_class(bound, floor)] += (closed, 1)

    def refutation(self, node: int) -> bool:
        """Whether it is likely enough that a node can be refuted."""
        return self._refuted > _SELDOM or node % _AGAIN == 0

    def refutation_done(self, closed: bool) -> None:
        """Count an attempt."""
        self._refuted += _MEMORY * (closed - self._refuted)


def _class(bound: float, floor: float) -> int:
    """How far a bound is from closing a node, in classes of 1 %; the last one takes the rest."""
    return int(min(100 * (bound / floor - 1), _CLASSES - 1))
