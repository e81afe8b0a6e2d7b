"""Replays a batch of records from the top of a tree, so that nobody has to believe what holds at a node.

What is written down are moves: at a node some neurons were claimed, in batches, and then one was split. The signs at
each node and before each batch follow from the root's. A move that does not fit is left out with all that stands on
it: a node has both its children or is no split, a neuron is decided once. Proof: proofs/engine.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lipverify.arrays import Bools, Indices, Signs

_BYTES: Final = {1: 1, -1: 255}  # signs as unsigned bytes


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


@dataclass(frozen=True, eq=False)
class Replayed:
    """What follows, if the nodes above are granted.

    Attributes
    ----------
    entered, signs
        The signs at every node before and after its claims, shape (N, n).
    states, index
        The signs before each batch of claims, shape (S, n), and under which of them each claim was made, (F,).
    sound
        Which nodes' claims fit: undecided neurons, one sign each.
    splits
        Which nodes have two children, one on either side of a neuron that is undecided there.
    """

    entered: Signs
    signs: Signs
    states: Signs
    index: Indices
    sound: Bools
    splits: Bools


def replay(root: Signs, moves: Moves) -> Replayed:
    """The signs that a batch of moves leads to from the root's."""
    count, n = len(moves.parents), len(root)
    blank = bytes(n)
    entered, signs = [blank] * count, [blank] * count  # rows of int8
    sound, splits = np.zeros(count, dtype=bool), _two_children(moves, n).tolist()
    states: list[bytes] = []
    index = [0] * len(moves.nodes)
    ordered = bool((np.diff(moves.nodes) >= 0).all())
    starts = np.searchsorted(moves.nodes, np.arange(count + 1)).tolist() if ordered else [0] * (count + 1)
    neurons, batches, claimed, given = (
        values.tolist() for values in (moves.neurons, moves.batches, moves.claimed, moves.signs)
    )
    for i, (parent, side) in enumerate(zip(moves.parents.tolist(), moves.sides.tolist(), strict=True)):
        here = bytearray(root.tobytes())
        if i:
            if not (0 <= parent < i and splits[parent]):
                splits[i] = False
                continue
            here = bytearray(signs[parent])
            here[neurons[parent]] = _BYTES[side]
        entered[i] = bytes(here)
        fits, k, last, batch = ordered, starts[i], starts[i + 1], None
        while fits and k < last:
            if batches[k] != batch:
                batch = batches[k]
                states.append(bytes(here))
            index[k] = len(states) - 1
            neuron, sign = claimed[k], given[k]
            fits = sign in _BYTES and 0 <= neuron < n and not here[neuron]
            if fits:
                here[neuron] = _BYTES[sign]
            k += 1
        signs[i], sound[i] = bytes(here), fits
        splits[i] = bool(splits[i] and fits and not here[neurons[i]])
    return Replayed(
        _rows(entered, n), _rows(signs, n), _rows(states, n), np.array(index, dtype=np.intp), sound, np.array(splits)
    )


def _rows(rows: list[bytes], n: int) -> Signs:
    return np.frombuffer(b"".join(rows), dtype=np.int8).reshape(len(rows), n)


def _two_children(moves: Moves, n: int) -> Bools:
    """Which nodes have exactly one child on either side of a neuron."""
    count = len(moves.parents)
    parents, sides = moves.parents[1:], moves.sides[1:]
    inside = (parents >= 0) & (parents < count)
    plus, minus, every = (
        np.bincount(parents[inside & some], minlength=count) for some in (sides == 1, sides == -1, sides == sides)
    )
    return (plus == 1) & (minus == 1) & (every == 2) & (moves.neurons >= 0) & (moves.neurons < n)
