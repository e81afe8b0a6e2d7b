"""What one run knows: the best region, what is proved, and what a solver claims."""

from __future__ import annotations

import math
from typing import Any

from lipverify.bound import Rigor
from lipverify.geometry.witness import Certified


class Known:
    """The two ends of the interval so far.

    Attributes
    ----------
    best
        The best region.
    claimed
        The least upper end that the solver claimed.
    cut_off
        The largest norm of a region that was evaluated and that a row of the solver's program excludes.
    details
        "contradicted": a claim that a region refutes.
    """

    def __init__(self, details: dict[str, Any]) -> None:
        self.best: Certified | None = None
        self.claimed = math.inf
        self.cut_off = 0.0
        self.details = details
        self._proved: tuple[float, Rigor] = (math.inf, Rigor.PROVED)

    @property
    def lower(self) -> float:
        """The lower end."""
        return self.best.norm.lower if self.best else 0.0

    @property
    def upper(self) -> tuple[float, Rigor]:
        """The upper end: the solver's claim where it is the smaller one, and no region that is known is beyond it."""
        upper, rigor = self._proved
        if self.claimed >= upper:
            return upper, rigor
        if self.best is None or self.claimed >= self.best.norm.upper:
            return self.claimed, Rigor.NUMERICAL
        if self.claimed < self.lower:
            self.details["contradicted"] = self.claimed
        return upper, rigor

    def offer(self, found: Certified | None) -> None:
        """Take a region if it is the best."""
        if found is not None and (self.best is None or found.norm.exceeds(self.best.norm)):
            self.best = found

    def prove(self, upper: float, rigor: Rigor) -> None:
        """Take an upper end that may be relied upon."""
        if upper < self._proved[0]:
            self._proved = upper, rigor

    def claim(self, upper: float) -> None:
        """Believe, for the time being, a solver's bound of all regions that its program does not exclude."""
        self.claimed = min(self.claimed, max(upper, self.cut_off))
