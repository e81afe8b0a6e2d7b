"""A tree that a search went through, as moves; `evidence_replay` derives what holds at a node."""

from __future__ import annotations

from dataclasses import dataclass

from lipverify.arrays import Indices, Signs


@dataclass(frozen=True, eq=False)
class Moves:
    """N nodes, parents before children, the first the root; and F claims, in the order in which they were made.

    Attributes
    ----------
    parents, neurons, sides
        The parent of each node; the neuron that was split there, −1 for none; on which side of its parent's it is.
    nodes, batches, claimed, signs
        Per claim the node, the batch, the neuron, and its sign.
    """

    parents: Indices
    neurons: Indices
    sides: Signs
    nodes: Indices
    batches: Indices
    claimed: Indices
    signs: Signs
