"""The maximum over all sign patterns, by the tree search with a bound of partial patterns: from above and anytime.

A pattern is a vertex: every free neuron at one of its two slopes. What a pattern attains is only known in floats, so a
node is given up where its certified bound is within a tie of the best vertex, and the maximum is at most the largest
bound that was given up. Proof: proofs/seqlip.md, §5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np

from lipverify.arrays import Signs
from lipverify.search.closing import Closing
from lipverify.search.effort import Effort
from lipverify.search.fate import Fate
from lipverify.search.frontier import Frontier
from lipverify.search.node_bound import Estimate, NodeBound
from lipverify.search.tree import expand

Climb: TypeAlias = Callable[[Signs, Estimate], float]
"""The value, in floats, of a good vertex near what a bound thinks of a partial pattern."""


@dataclass(frozen=True, eq=False, slots=True)
class _Node:
    signs: Signs
    estimate: Estimate
    upper: float

    @property
    def promise(self) -> float:
        return self.upper


@final
class Vertices:
    """One search.

    Parameters
    ----------
    bound
        What bounds partial patterns.
    climb
        Looks for good vertices.
    tie
        At which factor of the best vertex's value a bound counts as attained.
    lower
        The value of a vertex to begin with.

    Attributes
    ----------
    lower
        The value of the best vertex, in floats.
    nodes
        How many nodes were bounded.
    """

    def __init__(self, bound: NodeBound, climb: Climb, tie: float, lower: float) -> None:
        self._bound, self._climb, self._tie = bound, climb, tie
        self._closing = Closing()
        self._frontier: Frontier[_Node] = Frontier("best-first")
        self._expansion = expand(self, self._frontier, Effort())
        self.lower = lower
        self.nodes = 0
        self._attained(lower)

    @property
    def upper(self) -> float:
        """A certified upper bound of the maximum, after the root."""
        return max(self._closing.settled, max((node.upper for node in self._frontier), default=0.0))

    @property
    def target(self) -> float:
        """Where a bound counts as attained."""
        return max(self._closing.tolerated, self._closing.settled)

    @property
    def over(self) -> bool:
        """Whether nothing is open."""
        return not len(self._frontier)

    def begin(self, signs: Signs, estimate: Estimate, upper: float) -> None:
        """Take in the root, which has been bounded."""
        self.nodes += 1
        root = self._met(signs, estimate, upper)[1]
        if root is not None:
            self._frontier.push([root])

    def step(self) -> None:
        """Take one node apart, if there is one that may hold more than the best vertex."""
        next(self._expansion, None)

    def still_open(self, node: _Node) -> bool:
        """Whether a node may hold more than the best vertex."""
        return not self._closed(node.upper)

    def children(self, node: _Node) -> Iterator[tuple[Fate, _Node | None]]:
        """The neuron that promises most, on either side."""
        neuron = int(np.argmax(np.where(node.signs == 0, node.estimate.scores, -1.0)))
        for side in (1, -1):
            signs = node.signs.copy()
            signs[neuron] = side
            estimate = self._bound.estimate(signs, node.estimate, self.target)
            # Certified as it is, not at the target: what is given up is the result.
            upper = min(node.upper, self._bound.certified(signs, estimate, -1.0))
            self.nodes += 1
            yield self._met(signs, estimate, upper)

    def _met(self, signs: Signs, estimate: Estimate, upper: float) -> tuple[Fate, _Node | None]:
        if self._closed(upper):
            return Fate.PRUNED, None
        if estimate.attained or signs.all():
            self._closing.settle(upper)
            return Fate.LEAF, None
        self._attained(self._climb(signs, estimate))
        return Fate.OPEN, _Node(signs, estimate, upper)

    def _closed(self, upper: float) -> bool:
        if upper <= self._closing.settled:
            return True
        return self._closing.closes(upper)

    def _attained(self, value: float) -> None:
        self.lower = max(self.lower, value)
        self._closing.tolerated = self.lower * self._tie
