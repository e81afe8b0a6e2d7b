"""Independent set → LIP-CST: two hidden layers, and no approximation within n^(1−c) either."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, final

import numpy as np

from lipverify.arrays import Point
from lipverify.bound import Bound
from lipverify.errors import InvalidArgument
from lipverify.hardness.cuts import Vertex, vertices_and_edges
from lipverify.hardness.reduction import (
    down_to,
    ensure_reached,
    region,
    require_size,
    settled,
    trusted,
    unweighted,
    up_to,
)
from lipverify.network import Network

if TYPE_CHECKING:
    import networkx as nx

_ONE = Fraction(1)


@final
@dataclass(frozen=True)
class IndependentSet:
    """Vertices of which no two are neighbours, and how many there are."""

    vertices: frozenset[Vertex]
    value: Fraction


@final
@dataclass(frozen=True, eq=False)
class MaxIndependentSet:
    """A graph and its network; made by `independent_set`.

    Attributes
    ----------
    network, p
        L_1(network) is the size of the largest independent set.
    vertices, edges
        The graph; edges as places in `vertices`.
    slope
        δ, the factor of the z_v.
    """

    network: Network
    p: float
    vertices: tuple[Vertex, ...]
    edges: tuple[tuple[int, int], ...]
    slope: Fraction

    def independent(self, vertices: Iterable[Vertex]) -> IndependentSet:
        """The set of some vertices.

        Raises
        ------
        InvalidArgument
            For something that is no vertex, and for two neighbours.
        """
        chosen = frozenset(vertices)
        strangers = chosen - set(self.vertices)
        if strangers:
            raise InvalidArgument(f"{next(iter(strangers))!r} is no vertex of the graph")
        for u, v in self.edges:
            if self.vertices[u] in chosen and self.vertices[v] in chosen:
                raise InvalidArgument(f"{self.vertices[u]!r} and {self.vertices[v]!r} are neighbours")
        return IndependentSet(chosen, Fraction(len(chosen)))

    def interval(self, bound: Bound) -> tuple[Fraction, Fraction | float]:
        """The size of the largest independent set lies between these integers, if lower ≤ L ≤ upper."""
        low, high = trusted(bound, 1)
        return up_to(low, _ONE), down_to(high, _ONE)

    def value(self, bound: Bound) -> Fraction:
        """The size of the largest independent set; InvalidArgument when the bound leaves more than one."""
        return settled(self.interval(bound))

    def decode(self, bound: Bound) -> IndependentSet:
        """The independent set at a bound's witness, checked on the graph; at least as large as the lower side."""
        first, second = region(self.network, bound)
        n = len(self.vertices)
        above = second[n:] if first[-1] else [False] * n  # z_v > t > 0
        chosen = [v for v, on in zip(self.vertices, above, strict=True) if on]
        found = self.independent(chosen or self.vertices[:1])  # every derivative but ∂_t is below 1
        ensure_reached(found.value, self.interval(bound)[0], "independent set")
        return found

    def encode(self, solution: IndependentSet | Collection[Vertex]) -> Point:
        """A point of the network at which ∂f/∂t counts the set."""
        given = solution.vertices if isinstance(solution, IndependentSet) else solution
        chosen = self.independent(given).vertices
        return (*(Fraction(1 if v in chosen else -1) for v in self.vertices), self.slope / 2)

    @property
    def regions(self) -> int:
        """How many activation regions the network has (proofs/independent_set.md); takes 2^n steps."""
        return sum(_regions(len(self.vertices), self.edges, weight) for weight in (1, 2))

    def describe(self) -> str:
        """The problem, the network, and what their constants have to do with each other."""
        return (
            f"largest independent set of a graph with {len(self.vertices)} vertices and {len(self.edges)} edges; "
            f"L = its size, in ℓ1\n{self.network!r}"
        )


def independent_set(graph: nx.Graph) -> MaxIndependentSet:
    """The network of a graph whose ℓ1 constant is the size of the largest independent set.

    Theorem (proofs/independent_set.md). Let z_v = δ(x_v − Σ_{u~v} x_u⁺) and
    f(x, t) = Σ_v [relu(z_v) − relu(z_v − t⁺)] with 0 < δ ≤ 1/(2n(1 + Δ)). Then L_1(f) = α(G), and ⌊L_p(f)⌋ = α(G)
    for every p (in Coq: IndependentSets.independent_set_l1, IndependentSets.independent_set_lower).
    Hence no polynomial algorithm approximates L within n^(1−c), c > 0, unless P = NP
    (Zuckerman 2007, doi:10.4086/toc.2007.v003a006).

    Parameters
    ----------
    graph
        An undirected networkx graph with any hashable vertices; weights play no role.

    Returns
    -------
    MaxIndependentSet
        n + 1 inputs, hidden layers of 2n + 1 and 2n neurons, plain ReLU.

    Raises
    ------
    InvalidArgument
        For a directed graph, one without vertices, or an edge from a vertex to itself.
    """
    vertices, edges = vertices_and_edges(unweighted(graph))
    n = len(vertices)
    require_size(f"a graph with {n} vertices", (2 * n + 1, n + 1), (2 * n, 2 * n + 1))
    adjacency = np.zeros((n, n))
    for u, v, _ in edges:
        adjacency[u, v] = adjacency[v, u] = 1.0
    bound = 2 * n * (1 + int(adjacency.sum(axis=1).max()))
    slope = Fraction(1, 2 ** (bound - 1).bit_length())  # a power of two ≤ 1 / bound
    # Layer 1: x⁺, x⁻ and t⁺; x = x⁺ − x⁻.
    split = np.zeros((2 * n + 1, n + 1))
    split[:n, :n], split[n : 2 * n, :n], split[2 * n, n] = np.eye(n), -np.eye(n), 1.0
    z = float(slope) * np.hstack([np.eye(n) - adjacency, -np.eye(n)])
    compare = np.vstack(
        [np.hstack([z, np.zeros((n, 1))]), np.hstack([z, -np.ones((n, 1))])],
    )
    count = np.hstack([np.ones((1, n)), -np.ones((1, n))])
    pairs = tuple(sorted({(min(u, v), max(u, v)) for u, v, _ in edges}))
    return MaxIndependentSet(Network([split, compare, count]), 1, vertices, pairs, slope)


def _regions(n: int, edges: tuple[tuple[int, int], ...], weight: int) -> int:
    """Σ weight^|S| over the sets P of positive x_v and S ⊆ P of positive z_v that some region has."""
    beside = [0] * n
    for u, v in edges:
        beside[u] |= 1 << v
        beside[v] |= 1 << u

    @cache
    def independent(rest: int) -> int:
        """Σ weight^|S| over the independent sets S of some vertices."""
        if not rest:
            return 1
        lowest = (rest & -rest).bit_length() - 1
        without = rest & (rest - 1)
        return independent(without) + weight * independent(without & ~beside[lowest])

    @cache
    def positive(rest: int) -> int:
        """The sum for P = rest: a product over its components, of which one or two vertices never have all z_v < 0."""
        if not rest:
            return 1
        component, fresh = 0, rest & -rest
        while fresh:
            lowest = (fresh & -fresh).bit_length() - 1
            component |= 1 << lowest
            fresh = (fresh | beside[lowest]) & rest & ~component
        some = independent(component) - (component.bit_count() <= 2)
        return some * positive(rest & ~component)

    return sum(positive(chosen) for chosen in range(1 << n))
