"""Replays a batch of records from the top of a tree, so that nobody has to believe what holds at a node.

What is written down are moves: at a node some neurons were claimed, in batches, and then one was split. The signs at
each node and before each batch follow from the root's. A move that does not fit is left out with all that stands on
it: a node has both its children or is no split, a neuron is decided once. Proof: proofs/engine.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Bools, Indices, Signs


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
    signs, entered = np.zeros((count, n), dtype=np.int8), np.zeros((count, n), dtype=np.int8)
    sound, splits = np.zeros(count, dtype=bool), _two_children(moves, n)
    states: list[Signs] = []
    index = np.zeros(len(moves.nodes), dtype=np.intp)
    ordered = bool((np.diff(moves.nodes) >= 0).all())
    starts = np.searchsorted(moves.nodes, np.arange(count + 1)).tolist() if ordered else [0] * (count + 1)
    batches = moves.batches.tolist()
    every = zip(moves.parents.tolist(), moves.sides.tolist(), moves.neurons.tolist(), strict=True)
    for i, (parent, side, neuron) in enumerate(every):
        here = root.copy()
        if i:
            if not (0 <= parent < i and splits[parent]):
                splits[i] = False
                continue
            here = signs[parent].copy()
            here[moves.neurons[parent]] = side
        entered[i] = here
        fits, first, last = ordered, starts[i], starts[i + 1]
        while fits and first < last:
            after = first + 1
            while after < last and batches[after] == batches[first]:
                after += 1
            index[first:after] = len(states)
            states.append(here.copy())
            claimed, given = moves.claimed[first:after], moves.signs[first:after]
            fits = bool(((claimed >= 0) & (claimed < n) & (np.abs(given) == 1)).all())
            fits = fits and not here[claimed].any() and len(set(claimed.tolist())) == len(claimed)
            if fits:
                here[claimed] = given
            first = after
        signs[i], sound[i] = here, fits
        splits[i] &= bool(fits and splits[i] and here[neuron] == 0)
    return Replayed(entered, signs, np.array(states, dtype=np.int8).reshape(-1, n), index, sound, splits)


def _two_children(moves: Moves, n: int) -> Bools:
    """Which nodes have exactly one child on either side of a neuron."""
    count = len(moves.parents)
    parents, sides = moves.parents[1:], moves.sides[1:]
    inside = (parents >= 0) & (parents < count)
    plus, minus, every = (
        np.bincount(parents[inside & some], minlength=count) for some in (sides == 1, sides == -1, sides == sides)
    )
    return (plus == 1) & (minus == 1) & (every == 2) & (moves.neurons >= 0) & (moves.neurons < n)
