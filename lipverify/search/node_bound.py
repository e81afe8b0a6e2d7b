"""What a bound says about a node: a partial pattern, some signs of which are decided."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from lipverify.arrays import Signs, Vector


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """What a bound believes about a partial pattern.

    Attributes
    ----------
    upper
        An upper bound of what its completions attain, in floats; it counts only once it is certified.
    scores
        How much deciding each sign promises, shape (n,), 0 for decided ones.
    state
        What the bound wants to be given back for the pattern's children.
    attained
        Whether some completion attains it, up to rounding, so that nothing is gained by deciding more.
    """

    upper: float
    scores: Vector
    state: Any
    attained: bool = False


class NodeBound(Protocol):
    """An upper bound for partial patterns, opened for one problem.

    Signs are +1, −1, or 0 for undecided, shape (n,): those of a network's neurons, layer by layer.
    """

    def estimate(self, signs: Signs, parent: Estimate | None, enough: float) -> Estimate:
        """A bound for the pattern, no better than it takes to be ≤ enough, or to see that it will not be."""
        ...

    def certified(self, signs: Signs, estimate: Estimate, enough: float) -> float:
        """An upper bound that holds with every rounding error accounted for; inf when none is shown.

        Where the estimate is ≤ enough the answer should be too, if that can be shown.
        """
        ...

    def compile(self) -> None:
        """Load compiled code, if there is any: the search has become a long one."""
        ...


@runtime_checkable
class Tightens(Protocol):
    """A bound that can be made better at some expense, before a node is taken apart."""

    def tightened(self, estimate: Estimate, enough: float) -> Estimate:
        """A node's estimate, made better where that may bring it to ≤ enough; else the same."""
        ...
