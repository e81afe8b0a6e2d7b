"""What a search took, and which of its questions were worth asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from lipverify.search.fate import Fate


@final
@dataclass
class Effort:
    """Counts.

    Attributes
    ----------
    nodes
        Nodes that were taken apart.
    fates
        What became of the nodes that came up; one that was open and closed later is pruned too.
    """

    nodes: int = 0
    fates: dict[Fate, int] = field(default_factory=lambda: dict.fromkeys(Fate, 0))

    def count(self, fate: Fate) -> None:
        """Count one node."""
        self.fates[fate] += 1

    @property
    def met(self) -> int:
        """Nodes that came up."""
        return 1 + 2 * self.nodes

    def stats(self) -> dict[str, int]:
        """The counts by their names, as reports have them."""
        closed = (Fate.EMPTY, Fate.PRUNED, Fate.LEAF, Fate.TIE)
        return {"nodes": self.nodes, **{fate.value: self.fates[fate] for fate in closed}}


@final
@dataclass
class Question:
    """A step that closes a node or does not: one that hardly ever does is hardly ever worth its time.

    Attributes
    ----------
    least
        The share of nodes that it must close.
    retry
        How often to ask it all the same, to see whether that has changed: every so many times.
    asked, closed
        How often it was asked, and with success; what is given to begin with counts as experience.
    memory
        The weight of what was before, at every answer: 1 forgets nothing.
    """

    least: float
    retry: int
    asked: float = 0.0
    closed: float = 0.0
    memory: float = 1.0
    skipped: int = 0

    def worth_asking(self) -> bool:
        """Whether it closes enough nodes, or it is time to try again."""
        if self.closed >= self.least * self.asked:
            return True
        self.skipped += 1
        return self.skipped % self.retry == 0

    def count(self, closed: bool) -> None:
        """Remember an answer."""
        self.asked = self.memory * self.asked + 1
        self.closed = self.memory * self.closed + closed
