"""Replays a batch of records from the top of a tree, so that nobody has to believe what holds at a node.

What is written down are moves: at a node some neurons were claimed, in batches, and then one was split. The signs at
each node and before each batch follow from the root's. A move that does not fit is left out with all that stands on
it: a node has both its children or is no split, a neuron is decided once. Proof: proofs/engine.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Bools, Indices, Signs
from lipverify.kernels import compiled
from lipverify.trusted.evidence_moves import Moves


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
    count, claims, n = len(moves.parents), len(moves.nodes), len(root)
    entered, signs, states = (np.zeros((rows, n), dtype=np.int8) for rows in (count, count, claims))
    index, sound, splits = np.zeros(claims, dtype=np.intp), np.zeros(count, dtype=bool), _two_children(moves, n)
    if (np.diff(moves.nodes) >= 0).all():
        starts = np.searchsorted(moves.nodes, np.arange(count + 1))
    else:
        starts = np.full(count + 1, -1)
    known = _replay(
        np.ascontiguousarray(root, dtype=np.int8),
        starts.astype(np.intp),
        *(values.astype(np.intp) for values in (moves.parents, moves.neurons, moves.batches, moves.claimed)),
        *(values.astype(np.int8) for values in (moves.sides, moves.signs)),
        *(entered, signs, states, index, sound, splits),
    )
    return Replayed(entered, signs, states[:known], index, sound, splits)


@compiled
def _replay(  # type: ignore[no-untyped-def]
    root, starts, parents, neurons, batches, claimed, sides, given, entered, signs, states, index, sound, splits
):
    """Fill what is given last, and return how many states there are; starts of −1: the claims are in no order."""
    n, known = len(root), 0
    for i in range(len(parents)):
        here, parent = signs[i], parents[i]
        if i == 0:
            for v in range(n):
                here[v] = root[v]
        else:
            if not 0 <= parent < i or not splits[parent]:
                splits[i] = False
                continue
            for v in range(n):
                here[v] = signs[parent, v]
            here[neurons[parent]] = sides[i]
        for v in range(n):
            entered[i, v] = here[v]
        fits, first = starts[i] >= 0, starts[i]
        for k in range(first, starts[i + 1]):
            if not fits:
                break
            if k == first or batches[k] != batches[k - 1]:
                for v in range(n):
                    states[known, v] = here[v]
                known += 1
            index[k] = known - 1
            v, sign = claimed[k], given[k]
            fits = (sign == 1 or sign == -1) and 0 <= v < n and here[v] == 0
            if fits:
                here[v] = sign
        sound[i] = fits
        splits[i] = splits[i] and fits and here[neurons[i]] == 0
    return known


def granted(parents: Indices, splits: Bools, lost: Bools) -> tuple[Bools, Indices]:
    """The nodes that are reached through splits alone and are not lost; and the lost ones reached like that."""
    reached = np.zeros(len(parents), dtype=bool)
    _reach(parents.astype(np.intp), splits & ~lost, reached)
    return reached & ~lost, np.flatnonzero(reached & lost)


@compiled
def _reach(parents, splits, reached):  # type: ignore[no-untyped-def]
    """Which nodes are reached."""
    for i in range(len(parents)):
        reached[i] = i == 0 or (0 <= parents[i] < i and splits[parents[i]] and reached[parents[i]])


def _two_children(moves: Moves, n: int) -> Bools:
    """Which nodes have exactly one child on either side of a neuron."""
    count = len(moves.parents)
    parents, sides = moves.parents[1:], moves.sides[1:]
    inside = (parents >= 0) & (parents < count)
    plus, minus, every = (
        np.bincount(parents[inside & some], minlength=count) for some in (sides == 1, sides == -1, sides == sides)
    )
    return (plus == 1) & (minus == 1) & (every == 2) & (moves.neurons >= 0) & (moves.neurons < n)


COMPILED = (_replay, _reach)
