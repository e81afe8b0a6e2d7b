"""MAX-CUT → LIP-CST: the network whose Lipschitz constant is the maximum cut of a graph."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np

from lipverify.arrays import Point
from lipverify.bound import Bound
from lipverify.errors import InvalidArgument
from lipverify.hardness.reduction import down_to, ensure_reached, region, require_size, settled, trusted, up_to
from lipverify.network import Network
from lipverify.text import short_count

if TYPE_CHECKING:
    import networkx as nx

Vertex: TypeAlias = Hashable
Edge: TypeAlias = tuple[int, int, Fraction]
"""Two vertices by their place, and a weight > 0."""


@final
@dataclass(frozen=True)
class Cut:
    """A cut of a graph: the vertices on one side, and the weight of the edges that leave it."""

    side: frozenset[Vertex]
    value: Fraction


@final
@dataclass(frozen=True, eq=False)
class MaxCut:
    """A graph and its network; made by `maxcut`.

    Attributes
    ----------
    network, p
        L_p(network) is the maximum cut (p ∈ {1, inf}) or its square root (p = 2).
    vertices
        In the order of the hidden neurons: neuron k is active iff vertex k is on the cut's side.
    edges
        The edges of positive weight, as places in `vertices`.
    columns
        For p ∈ {2, inf}: input j moves edge columns[j][0], by columns[j][1].
    """

    network: Network
    p: float
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
    columns: tuple[tuple[int, Fraction], ...]

    @property
    def regions(self) -> int:
        """How many activation regions the network has: Π (2^|C| − 2) over the components C with an edge.

        For p = 1 all 2^|V| patterns have a region.
        """
        if self.p == 1:
            return 2 ** len(self.vertices)
        sizes = [len(c) for c in self._components() if len(c) > 1]
        return math.prod(2**n - 2 for n in sizes)

    def cut(self, side: Iterable[Vertex]) -> Cut:
        """The cut between some vertices and the others.

        Raises
        ------
        InvalidArgument
            For something that is no vertex.
        """
        chosen = frozenset(side)
        strangers = chosen - set(self.vertices)
        if strangers:
            raise InvalidArgument(f"{next(iter(strangers))!r} is no vertex of the graph")
        inside = [v in chosen for v in self.vertices]
        return Cut(chosen, sum((w for u, v, w in self.edges if inside[u] != inside[v]), Fraction(0)))

    def interval(self, bound: Bound) -> tuple[Fraction, Fraction | float]:
        """The maximum cut lies between these values, if lower ≤ L ≤ upper.

        A cut is a multiple of the weights' common divisor; each side is rounded to the nearest one that it
        leaves possible, in exact arithmetic. A side that ignores rounding counts as 0 or inf.
        """
        low, high = trusted(bound, 2 if self.p == 2 else 1)
        unit = self._unit()
        return up_to(low, unit), down_to(high, unit)

    def value(self, bound: Bound) -> Fraction:
        """The maximum cut; InvalidArgument when the bound leaves more than one value."""
        return settled(self.interval(bound))

    def decode(self, bound: Bound) -> Cut:
        """The cut at a bound's witness, its value counted on the graph; at least the bound's lower side."""
        (active,) = region(self.network, bound)
        side = [v for v, on in zip(self.vertices, active, strict=True) if on]
        candidates = [self.cut(side)]
        if self.p == 1:  # another column of the Jacobian may be the largest: it is worth one vertex's star
            candidates += [self.cut([v]) for v in side]
        best = max(candidates, key=lambda cut: cut.value)
        ensure_reached(best.value, self.interval(bound)[0], "cut")
        return best

    def encode(self, solution: Cut | Collection[Vertex]) -> Point:
        """A point of the network in whose region the constant is worth at least the cut.

        For p ∈ {2, inf} a component that lies on one side has no region; one of its vertices changes sides first,
        which never lowers the value.
        """
        cut = self.cut(solution.side if isinstance(solution, Cut) else solution)
        inside = [v in cut.side for v in self.vertices]
        if self.p == 1:
            return (Fraction(0), *(Fraction(1 if on else -1) for on in inside))
        flow = [Fraction(0)] * len(self.edges)
        for component in self._components():
            if len(component) > 1:
                self._route(component, inside, flow)
        first = {edge: j for j, (edge, _) in reversed([*enumerate(self.columns)])}
        point = [Fraction(0)] * self.network.input_dim
        for edge, j in first.items():
            point[j] = flow[edge] / self.columns[j][1]
        return tuple(point)

    def describe(self) -> str:
        """The problem, the network, and what their constants have to do with each other."""
        power = "L²" if self.p == 2 else "L"
        norm = {1: "ℓ1", 2: "ℓ2"}.get(int(self.p) if self.p < math.inf else 0, "ℓ∞")
        return (
            f"max-cut of a graph with {len(self.vertices)} vertices and {len(self.edges)} edges; "
            f"{power} = maximum cut, in {norm}\n"
            f"{self.network!r} has {short_count(self.regions)} activation regions"
        )

    def _unit(self) -> Fraction:
        shared = math.lcm(*(w.denominator for _, _, w in self.edges))
        return Fraction(math.gcd(*(int(w * shared) for _, _, w in self.edges)) or 1, shared)

    def _components(self) -> list[list[int]]:
        """The connected components, every vertex but the first behind a neighbour."""
        neighbours = self._neighbours()
        seen: set[int] = set()
        components: list[list[int]] = []
        for root in range(len(self.vertices)):
            if root in seen:
                continue
            seen.add(root)
            component = [root]
            for v in component:
                fresh = [u for u, _, _ in neighbours[v] if u not in seen]
                for u in dict.fromkeys(fresh):
                    seen.add(u)
                    component.append(u)
            components.append(component)
        return components

    def _route(self, component: list[int], inside: list[bool], flow: list[Fraction]) -> None:
        """Fill in x on a spanning tree so that (Bx)_v is positive exactly on the cut's side."""
        side = {v: inside[v] for v in component}
        if len(set(side.values())) == 1:
            side[component[-1]] = not side[component[-1]]
        on = sum(side.values())
        wanted = {v: Fraction(len(component) - on if side[v] else -on) for v in component}  # these sum to 0
        place = {v: k for k, v in enumerate(component)}
        neighbours = self._neighbours()
        for v in reversed(component[1:]):
            parent, edge, sign = min(neighbours[v], key=lambda link: place[link[0]])
            flow[edge] = sign * wanted[v]
            wanted[parent] += wanted[v]

    def _neighbours(self) -> list[list[tuple[int, int, int]]]:
        """For each vertex: (neighbour, edge, +1 where the edge starts here and −1 where it ends here)."""
        links: list[list[tuple[int, int, int]]] = [[] for _ in self.vertices]
        for e, (u, v, _) in enumerate(self.edges):
            links[u].append((v, e, 1))
            links[v].append((u, e, -1))
        return links


def maxcut(graph: nx.Graph, p: float = 2) -> MaxCut:
    """The network of a graph whose Lipschitz constant is the maximum cut.

    Theorem (proofs/maxcut.md). Let B be the signed incidence matrix of the graph, f(x) = Σ_v relu((Bx)_v).
    Then L_2(f)² = L_∞(f) = maxcut, and f has Π (2^|C| − 2) activation regions over the components C with an edge.
    (In Coq: MaxCut.maximum_cut_bounds, MaxCut.maximum_cut_least, MaxCut.maximum_cut_linf.)
    With M_1 = [1 | I] and M_2 = Bᵀ instead, L_1 = maxcut. Since MAX-CUT is NP-hard (Karp 1972,
    doi:10.1007/978-1-4684-2001-2_9), so is the Lipschitz constant of a network with one hidden layer, and for p = 2
    so is any approximation within √(17/16) (Håstad 2001, doi:10.1145/502090.502098).

    Parameters
    ----------
    graph
        An undirected networkx graph with any hashable vertices. The edge attribute "weight" counts where it is
        there: numbers ≥ 0 of which float64 holds the square root of a few summands, such as integers and floats.
    p
        1, 2 or inf.

    Returns
    -------
    MaxCut
        One hidden neuron per vertex; for p ∈ {2, inf} one input per edge (for p = 2 a few per edge with a weight).

    Raises
    ------
    InvalidArgument
        For a directed graph or one without vertices, an edge from a vertex to itself, a weight that is negative
        (it would count as its absolute value) or that float64 cannot carry, or another p.
    """
    if p not in (1, 2, math.inf):
        raise InvalidArgument(f"p must be 1, 2 or inf; got {p!r}")
    vertices, edges = vertices_and_edges(graph)
    what = f"a graph with {len(vertices)} vertices and {len(edges)} edges"
    if p == 1:
        require_size(what, (len(edges), len(vertices)), (len(vertices), len(vertices) + 1))
        weight = np.zeros((max(len(edges), 1), len(vertices)))
        for e, (u, v, w) in enumerate(edges):
            weight[e, u], weight[e, v] = _float(w), -_float(w)
        spread = np.hstack([np.ones((len(vertices), 1)), np.eye(len(vertices))])
        return MaxCut(Network([spread, weight]), 1, vertices, edges, ())
    columns = tuple((e, entry) for e, (_, _, w) in enumerate(edges) for entry in (square_roots(w) if p == 2 else [w]))
    require_size(what, (len(vertices), len(columns) + 1), (len(vertices), len(vertices)))
    incidence = np.zeros((len(vertices), max(len(columns), 1)))
    for j, (e, entry) in enumerate(columns):
        u, v, _ = edges[e]
        incidence[u, j], incidence[v, j] = _float(entry), -_float(entry)
    return MaxCut(Network([incidence, np.ones((1, len(vertices)))]), p, vertices, edges, columns)


def vertices_and_edges(graph: nx.Graph) -> tuple[tuple[Vertex, ...], tuple[Edge, ...]]:
    """A graph's vertices, and its edges of positive weight; see `maxcut` for what is refused."""
    if not hasattr(graph, "is_directed") or not hasattr(graph, "edges"):
        raise InvalidArgument(f"graph must be a networkx graph; got {type(graph).__name__}")
    if graph.is_directed():
        raise InvalidArgument("the graph is directed; use graph.to_undirected()")
    vertices = tuple(graph.nodes)
    if not vertices:
        raise InvalidArgument("the graph has no vertices")
    place = {v: k for k, v in enumerate(vertices)}
    edges: list[Edge] = []
    for u, v, weight in graph.edges(data="weight", default=1):
        if u == v:
            raise InvalidArgument(f"vertex {u!r} has an edge to itself; remove it: no cut crosses it")
        value = _weight(weight, u, v)
        if value:
            edges.append((place[u], place[v], value))
    return vertices, tuple(edges)


def square_roots(weight: Fraction) -> list[Fraction]:
    """Numbers whose squares sum to a dyadic weight: the largest one, then the rest's, a handful in all."""
    power = weight.denominator.bit_length() - 1
    unit = Fraction(1, 2 ** ((power + 1) // 2))
    left = int(weight / unit**2)
    roots: list[Fraction] = []
    while left:
        root = math.isqrt(left)
        roots.append(root * unit)
        left -= root * root
    return roots


def _weight(weight: Any, u: Vertex, v: Vertex) -> Fraction:
    try:
        value = Fraction(weight)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgument(f"the edge {u!r} – {v!r} has weight {weight!r}; expected a number ≥ 0") from None
    if value < 0:
        raise InvalidArgument(
            f"the edge {u!r} – {v!r} has weight {weight}; weights must be ≥ 0, a negative one would count as positive"
        )
    if value.denominator & (value.denominator - 1):
        raise InvalidArgument(f"the edge {u!r} – {v!r} has weight {weight}, which is no binary fraction; scale it")
    return value


def _float(x: Fraction) -> float:
    """x as the float64 that equals it."""
    try:
        nearest = float(x)
    except OverflowError:
        nearest = math.inf
    if not math.isfinite(nearest) or Fraction(nearest) != x:
        raise InvalidArgument(f"a weight needs the entry {x}, which is no float64; scale or round the weights")
    return nearest
