"""What passes between the search by layers and whoever searches for it: open nodes, and what is said of those below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from lipverify.arrays import Array, Bools, Indices, Matrix, Signs
from lipverify.trusted.evidence import Block, Head
from lipverify.trusted.evidence_moves import Moves

SPLIT, PRUNED, TIE, REGION, OPEN, FAILED = range(6)  # fates, as in `engine.dive`


@dataclass(frozen=True, eq=False)
class Dive:
    """What the engine says of the nodes below one: N of them, the first the node itself.

    Attributes
    ----------
    moves
        The tree and its claims.
    fates
        What became of each node: see `engine.dive`.
    failed
        The sign vector at which its sign tree failed, shape (N, D), all 0 where there is none.
    passes
        How many passes its sign tree took.
    multipliers, sure
        The claims' evidence, shape (F, g + n), and whether the engine is sure of it in floats, (F,).
    trees, begins
        The choices of sign trees as in `trusted.evidence.Pruned`: those of node i are trees[begins[i]:begins[i + 1]].
    left, right
        How the block is turned at every node, as in `trusted.evidence.Turned`; no entries for a head.
    points, where
        Points where the norm seems large, and the node of which each is a region's, −1 where any.
    """

    moves: Moves
    fates: Signs
    failed: Signs
    passes: Indices
    multipliers: Matrix
    sure: Bools
    points: Matrix
    where: Indices
    trees: Indices
    begins: Indices
    left: Array
    right: Array


class Engine(Protocol):
    """Whoever searches below a node; trusted by nobody."""

    def dive(self, node: Node, head: Head | Block, target: float, margin: float, passes: int) -> Dive:
        """Search below a node for more than the target, in about so many passes."""
        ...


@dataclass(eq=False, slots=True)
class Node:
    """An open node: signs that hold, which of them were split, the sign vector to try first, a proved upper bound."""

    head: int
    signs: Signs
    split: Signs
    failed: Signs
    upper: float
    exact: bool = False
