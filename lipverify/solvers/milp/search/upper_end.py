"""The upper end of a run's interval: what is proved, and what a solver claims."""

from __future__ import annotations

import math
from typing import Any

from lipverify.bound import Rigor
from lipverify.geometry.witness import Certified
from lipverify.search.incumbent import Incumbent


class UpperEnd:
    """The upper end so far.

    Attributes
    ----------
    claimed
        The least upper end that the solver claimed.
    cut_off
        The largest norm of a region that was evaluated and that a row of the solver's program excludes.
    details
        "contradicted": a claim that a region refutes.
    """

    def __init__(self, incumbent: Incumbent[Certified], details: dict[str, Any]) -> None:
        self.claimed = math.inf
        self.cut_off = 0.0
        self.details = details
        self._incumbent = incumbent
        self._proved: tuple[float, Rigor] = (math.inf, Rigor.PROVED)

    @property
    def value(self) -> tuple[float, Rigor]:
        """The solver's claim where it is the smaller one, and no region that is known is beyond it."""
        upper, rigor = self._proved
        if self.claimed >= upper:
            return upper, rigor
        if self.claimed >= self._incumbent.upper:
            return self.claimed, Rigor.NUMERICAL
        if self.claimed < self._incumbent.lower:
            self.details["contradicted"] = self.claimed
        return upper, rigor

    def prove(self, upper: float, rigor: Rigor) -> None:
        """Take an upper end that may be relied upon."""
        if upper < self._proved[0]:
            self._proved = upper, rigor

    def claim(self, upper: float) -> None:
        """Believe, for the time being, a solver's bound of all regions that its program does not exclude."""
        self.claimed = min(self.claimed, max(upper, self.cut_off))
