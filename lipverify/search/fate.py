"""What becomes of a node of a search tree."""

from __future__ import annotations

import enum


class Fate(enum.Enum):
    """What became of a node; the value is the name under which it is counted."""

    OPEN = "open"
    """It will be taken apart."""
    TIE = "ties"
    """It will, when the others are done: its bound is hardly better than the incumbent."""
    PRUNED = "pruned"
    """A bound shows that nothing in it is better than the incumbent."""
    EMPTY = "empty"
    """There is nothing in it."""
    LEAF = "leaves"
    """Nothing is undecided in it: it has been evaluated."""
