"""A node of the search tree, and what a bound says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from lipverify.arrays import Signs, Vector
from lipverify.geometry.cells import Cell
from lipverify.problem import Problem


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """What a bound believes about a partial pattern.

    Attributes
    ----------
    upper
        An upper bound of the norms of its Jacobians, in floats; it counts only once it is certified.
    scores
        How much deciding each neuron of the network promises, shape (n,), 0 for decided ones.
    state
        What the bound wants to be given back for the pattern's children.
    """

    upper: float
    scores: Vector
    state: Any


class NodeBound(Protocol):
    """An upper bound for partial patterns, opened for one problem.

    Signs are per neuron of the network, counted layer by layer, shape (n,): +1, −1, or 0 for undecided.
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


class NodeBounds(Protocol):
    """A kind of bound: which problems it can be opened for."""

    @property
    def name(self) -> str:
        """What it is called in reports."""
        ...

    def open(self, problem: Problem) -> NodeBound | None:
        """The bound for a problem, or None when it has nothing to say about it."""
        ...


@dataclass(eq=False, slots=True)
class Node:
    """An open node: a full-dimensional cell, the signs decided on it, and the neuron that is decided next.

    Attributes
    ----------
    signs
        Per neuron of the network, shape (n,).
    cell
        The cell of the signs that the lower layers give a meaning to.
    estimate
        What the bound said.
    neuron
        The neuron whose sides are its children.
    upper
        A certified upper bound: its parent's, until somebody wants to know and its own is certified.
    fresh
        Whether it is its own.
    """

    signs: Signs
    cell: Cell
    estimate: Estimate
    neuron: int
    upper: float
    fresh: bool = False
