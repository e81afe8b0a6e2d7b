"""Networks that are known to be hard: where published tools go wrong, or where bounds are loose.

Each comes with the name of its family; the exact constants are the audit's business.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TypeAlias

import numpy as np

from lipverify.network import Network

Edge: TypeAlias = tuple[int, int]

MAX_CUT, DEGENERATE, INFEASIBLE, GREEDY = "max-cut", "degenerate", "all-active infeasible", "greedy traps"


def max_cut(edges: Iterable[Edge]) -> Network:
    """Σ_v relu((Bx)_v) with B the signed incidence matrix: L₂² and, for p = ∞, L are the maximum cut.

    proofs/suite.md; a bound on it is a bound on the cut, so nobody is cheap and tight on all of these.
    """
    pairs = list(edges)
    vertices = sorted({v for pair in pairs for v in pair})
    incidence = np.zeros((len(vertices), len(pairs)))
    for j, (u, v) in enumerate(pairs):
        incidence[vertices.index(u), j], incidence[vertices.index(v), j] = 1.0, -1.0
    return Network([incidence, np.ones((1, len(vertices)))])


def cycle(*vertices: int) -> list[Edge]:
    """The edges of a cycle through the vertices."""
    return list(zip(vertices, (*vertices[1:], vertices[0]), strict=True))


def complete(n: int) -> list[Edge]:
    """The edges of the complete graph."""
    return list(itertools.combinations(range(n), 2))


def hard_networks() -> tuple[tuple[str, Network], ...]:
    """(family, network) for every network here; small enough to be enumerated at once."""
    cuts = (
        cycle(0, 1, 2),
        cycle(0, 4, 2, 1, 3, 5),
        cycle(0, 1, 2, 3, 4),
        complete(4),
        [(0, 1), (0, 2), (0, 3), (1, 2), (1, 4), (2, 3)],
        [(0, 1), (0, 2), (0, 3), (0, 4)],
    )
    tagged = [(MAX_CUT, max_cut(edges)) for edges in cuts]
    tagged += [(DEGENERATE, net) for net in _degenerate()]
    tagged += [(INFEASIBLE, net) for net in _infeasible()]
    tagged += [(GREEDY, Network([[[w] for w in first], [second]])) for first, second in _GREEDY]
    return tuple(tagged)


_GREEDY = (((3, -1, -1), (-1, -1, -1)), ((1, 1, -1), (3, 3, 7)))


def _degenerate() -> tuple[Network, ...]:
    """Patterns that hold only on a lower-dimensional set, values that are zero all over a region."""
    return (
        Network([[[1], [-1]], [[1, -1]]]),  # relu(x) − relu(−x) = x
        Network([[[1], [-1], [1], [-1]], [[1, 1, -1, -1]]]),  # 0, although no pattern with J = 0 is generic
        Network([[[1, 0], [0, 1], [-1, -1]], [[1, 1, 1]]]),  # all active only at 0
        Network([[[1]], [[-1]], [[1]]]),  # relu(−relu(x)) = 0
        Network([[[1], [-1]], [[1, 0], [0, 1]], [[1, 5]]]),  # 5, though a neuron is zero on each half-line
        Network([[[0, 0]], [[1]]]),  # no input is read
        Network([[[1, -1]]]),  # no hidden layer
        Network([[[1]], [[1]], [[-2]]], [[2], [-1], [0]]),
    )


def _infeasible() -> tuple[Network, ...]:
    """Biases that no point satisfies all at once: the product of all the weights is attained nowhere."""
    return (
        Network([[[1], [-1]], [[1, -1]]], [[-1, -1], [0]]),
        Network([[[1]], [[-1]], [[1]]], [[0], [-1], [0]]),
        Network([[[1], [-1]], [[2, -1], [-1, 3]], [[1, 1]]], [[-1, -1], [-1, -1], [0]]),
        Network([[[0], [2]], [[1, 2]], [[1]]], [[0, 0], [-2], [0]]),
        Network([[[-1]], [[1]], [[-2]]], [[2], [2], [0]]),
    )
