"""When the bound of a node is good enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass
class Closing:
    """What closes a node: mutable, one per run.

    Attributes
    ----------
    enough
        An upper bound ≤ this shows that a node holds nothing better than the incumbent; −1 while there is none.
    tolerated
        An upper bound ≤ this is given up too, for the sake of a tolerance, and is settled.
    settled
        The largest bound that was given up: what is closed is bounded by it, or by the incumbent.
    """

    enough: float = -1.0
    tolerated: float = -1.0
    settled: float = 0.0

    def closes(self, upper: float) -> bool:
        """Whether an upper bound closes its node."""
        if upper <= self.enough:
            return True
        if upper <= self.tolerated:
            self.settle(upper)
            return True
        return False

    def settle(self, upper: float) -> None:
        """Give a bound up: it will not become smaller."""
        self.settled = max(self.settled, upper)
