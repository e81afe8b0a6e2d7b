"""A node of the tree, and the kinds of bounds that it may be given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lipverify.arrays import Signs
from lipverify.geometry.cells import Cell
from lipverify.problem import Problem
from lipverify.search.node_bound import Estimate, NodeBound


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
        What the bounds said.
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

    @property
    def promise(self) -> float:
        """What the bounds believe."""
        return self.estimate.upper
