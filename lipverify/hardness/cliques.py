"""Multicoloured clique → LIP-CST with one input per colour: few inputs do not make the constant easy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np

from lipverify.arrays import Pattern, Point
from lipverify.bound import Bound
from lipverify.errors import InvalidArgument
from lipverify.hardness.cuts import Vertex, vertices_and_edges
from lipverify.hardness.reduction import ensure_reached, possible, region, settled, trusted, unweighted
from lipverify.network import Network

if TYPE_CHECKING:
    import networkx as nx

Colour: TypeAlias = Hashable


@final
@dataclass(frozen=True)
class Clique:
    """Vertices of which any two are neighbours, one of each colour, in the colours' order; value is 1."""

    vertices: tuple[Vertex, ...]
    value: Fraction


@final
@dataclass(frozen=True, eq=False)
class MulticolouredClique:
    """A graph whose vertices have colours, and its network; made by `clique`.

    Attributes
    ----------
    network, p
        L_p(network) reaches `threshold` (its square for p = 2) iff there is a clique with a vertex of each colour.
    colours
        The colours in the order of the inputs.
    classes
        The vertices of each colour; the v-th of colour c lives around x_c = v + 1.
    edges
        The edges between different colours, ((c, u), (c′, v)) with c < c′.
    threshold
        Σ_c g_c for p = ∞, Σ_c g_c² for p = 2, where g_c = 1 + (k − 1 − c) + M c is input c's slope with all
        pairs on; without a clique the constant (its square) is at most threshold − 1.
    """

    network: Network
    p: float
    colours: tuple[Colour, ...]
    classes: tuple[tuple[Vertex, ...], ...]
    edges: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    threshold: Fraction

    @property
    def spacing(self) -> int:
        """M, one more than the size of the largest colour: an edge is on around x_c + M x_c′ = u + M v."""
        return max(map(len, self.classes)) + 1

    @property
    def width(self) -> Fraction:
        """ε: a vertex is switched on where x_c is within ε of it."""
        return _width(self.spacing)

    def clique(self, vertices: Iterable[Vertex]) -> Clique:
        """The clique of some vertices.

        Raises
        ------
        InvalidArgument
            For something that is no vertex, a colour that has not exactly one vertex, and two that are no neighbours.
        """
        chosen = set(vertices)
        strangers = chosen.difference(*self.classes)
        if strangers:
            raise InvalidArgument(f"{next(iter(strangers))!r} is no vertex of the graph")
        places: list[int] = []
        for colour, members in zip(self.colours, self.classes, strict=True):
            inside = [k for k, v in enumerate(members) if v in chosen]
            if len(inside) != 1:
                raise InvalidArgument(
                    f"{len(inside)} of the vertices have colour {colour!r}; expected one of each colour"
                )
            places += inside
        joined = set(self.edges)
        for (c, u), (d, v) in itertools.combinations(enumerate(places), 2):
            if ((c, u), (d, v)) not in joined:
                raise InvalidArgument(f"{self.classes[c][u]!r} and {self.classes[d][v]!r} are no neighbours")
        return Clique(tuple(m[k] for m, k in zip(self.classes, places, strict=True)), Fraction(1))

    def interval(self, bound: Bound) -> tuple[Fraction, Fraction | float]:
        """0 and 1 stand for no clique and a clique; (0, 1) when the bound does not decide."""
        low, high = trusted(bound, 2 if self.p == 2 else 1)
        return Fraction(int(low > self.threshold - 1)), Fraction(int(high >= self.threshold))

    def value(self, bound: Bound) -> Fraction:
        """1 when there is a clique, 0 when there is none; InvalidArgument when the bound does not decide."""
        return settled(self.interval(bound))

    def decode(self, bound: Bound) -> Clique | None:
        """The clique at a bound's witness, checked on the graph; None when the bound proves that there is none.

        Raises
        ------
        InvalidArgument
            When the bound does not decide.
        """
        if not possible(self.interval(bound), "there is a clique"):
            return None
        chosen = self.switched_on(region(self.network, bound))
        found = self.clique(v for v in chosen if v is not None)
        ensure_reached(found.value, Fraction(1), "clique")
        return found

    def switched_on(self, pattern: Pattern) -> tuple[Vertex | None, ...]:
        """For each colour the vertex whose term has slope 1 in a region, or None."""
        steps = iter(zip(pattern[0][::2], pattern[0][1::2], strict=True))
        found: list[Vertex | None] = []
        for members in self.classes:
            on = [v for v in members if next(steps) == (True, False)]
            found.append(on[0] if on else None)
        return tuple(found)

    def encode(self, solution: Clique | Collection[Vertex]) -> Point:
        """The point of the network at which every colour and every pair of colours is switched on.

        Raises
        ------
        InvalidArgument
            When the vertices are no clique with one of each colour.
        """
        chosen = self.clique(solution.vertices if isinstance(solution, Clique) else solution).vertices
        return tuple(Fraction(m.index(v) + 1) for m, v in zip(self.classes, chosen, strict=True))

    def describe(self) -> str:
        """The problem, the network, and what their constants have to do with each other."""
        sizes = " + ".join(str(len(members)) for members in self.classes)
        name = f"L = {self.threshold}" if self.p == math.inf else f"L² = {self.threshold}"
        return (
            f"a clique with one vertex of each of {len(self.colours)} colours, in a graph with {sizes} vertices and "
            f"{len(self.edges)} edges between colours; {name} if there is one, else at most {self.threshold - 1}\n"
            f"{self.network!r}"
        )


def clique(graph: nx.Graph, colours: Mapping[Vertex, Colour] | int, p: float = math.inf) -> MulticolouredClique:
    """The network, with one input per colour, whose constant tells whether a clique has a vertex of each colour.

    Theorem (proofs/clique.md). Let s(t; a, e) = relu(t − a + e) − relu(t − a − e), number the N vertices of each of k
    colours, and with M = N + 1 and 4ε(1 + M) ≤ 1 let f(x) = Σ_{c,v} s(x_c; v, ε) + Σ_{(c,u)(c′,v) ∈ E, c<c′}
    s(x_c + M x_c′; u + M v, ¼). Then L_∞(f) = k + (1 + M) k (k − 1) / 2 iff there is such a clique, else it is at most
    one less (in Coq: Cliques.clique_reaches_threshold, Cliques.no_clique_misses_threshold).
    As finding one is W[1]-hard in k, so is the Lipschitz constant in the number of inputs d, and under the
    exponential time hypothesis no algorithm takes n^o(d): the n^O(d) of enumeration is essentially the best there is
    (Froese, Grillo, Hertrich & Stargalla 2025, arXiv:2509.22849, for every p; this network for every p > 1).

    Parameters
    ----------
    graph
        An undirected networkx graph with any hashable vertices; weights play no role.
    colours
        The colour of every vertex; edges within a colour play no role. Or a number k: every vertex then has a copy
        (vertex, c) of each colour c < k, and the question is whether the graph has a clique of k vertices.
    p
        2 or inf. For p = 1 the gradient's largest entry counts, which does not see all pairs at once.

    Returns
    -------
    MulticolouredClique
        One input per colour, one hidden layer of 2 (vertices + edges between colours) neurons, plain ReLU.

    Raises
    ------
    InvalidArgument
        For a directed graph, one without vertices, an edge from a vertex to itself, a vertex without a colour, a colour
        of no vertex, a number of colours below 1, or another p.
    """
    if p not in (2, math.inf):
        raise InvalidArgument(f"p must be 2 or inf for cliques; got {p!r}")
    vertices, edges = vertices_and_edges(unweighted(graph))
    pairs = [(vertices[u], vertices[v]) for u, v, _ in edges]
    if isinstance(colours, Mapping):
        kinds, classes = _classes(vertices, colours)
    else:
        kinds, classes, pairs = _copies(vertices, pairs, colours)
    place = {v: (c, k) for c, members in enumerate(classes) for k, v in enumerate(members)}
    between = sorted({(min(a, b), max(a, b)) for u, v in pairs if (a := place[u])[0] != (b := place[v])[0]})
    spacing = max(map(len, classes)) + 1
    slopes = [1 + (len(kinds) - 1 - c) + spacing * c for c in range(len(kinds))]
    threshold = Fraction(sum(g if p == math.inf else g * g for g in slopes))
    network = _network(classes, between, spacing)
    return MulticolouredClique(network, p, kinds, classes, tuple(between), threshold)


def _classes(
    vertices: tuple[Vertex, ...], colours: Mapping[Vertex, Colour]
) -> tuple[tuple[Colour, ...], tuple[tuple[Vertex, ...], ...]]:
    """The colours in the order in which they first occur, and their vertices."""
    for v in vertices:
        if v not in colours:
            raise InvalidArgument(f"vertex {v!r} has no colour")
    strangers = [v for v in colours if v not in set(vertices)]
    if strangers:
        raise InvalidArgument(f"{strangers[0]!r} has a colour, but is no vertex of the graph")
    kinds = tuple(dict.fromkeys(colours[v] for v in vertices))
    return kinds, tuple(tuple(v for v in vertices if colours[v] == kind) for kind in kinds)


def _copies(
    vertices: tuple[Vertex, ...], pairs: list[tuple[Vertex, Vertex]], count: int
) -> tuple[tuple[Colour, ...], tuple[tuple[Vertex, ...], ...], list[tuple[Vertex, Vertex]]]:
    """Every vertex once in each colour: a clique of the graph with its vertices in any order is a coloured one."""
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
        raise InvalidArgument(f"colours must be a mapping from vertices to colours, or their number ≥ 1; got {count!r}")
    classes: tuple[tuple[Vertex, ...], ...] = tuple(tuple((v, c) for v in vertices) for c in range(count))
    ordered = list(itertools.combinations(range(count), 2))
    copied: list[tuple[Vertex, Vertex]] = [
        ((u, c), (v, d)) for a, b in pairs for u, v in ((a, b), (b, a)) for c, d in ordered
    ]
    kinds: tuple[Colour, ...] = tuple(range(count))
    return kinds, classes, copied


def _width(spacing: int) -> Fraction:
    """The largest power of two with 4ε(1 + M) ≤ 1."""
    return Fraction(1, 2 ** (4 * (1 + spacing) - 1).bit_length())


def _network(
    classes: tuple[tuple[Vertex, ...], ...],
    edges: list[tuple[tuple[int, int], tuple[int, int]]],
    spacing: int,
) -> Network:
    """Two neurons a step: first the vertices in order, then the edges."""
    width = float(_width(spacing))
    rows: list[np.ndarray] = []
    shifts: list[float] = []
    eye = np.eye(len(classes))
    for c, members in enumerate(classes):
        for v in range(1, len(members) + 1):
            rows += [eye[c], eye[c]]
            shifts += [width - v, -width - v]
    for (c, u), (d, v) in edges:
        centre = (u + 1) + spacing * (v + 1)
        rows += [eye[c] + spacing * eye[d]] * 2
        shifts += [0.25 - centre, -0.25 - centre]
    signs = np.tile([1.0, -1.0], len(rows) // 2)
    return Network([np.array(rows), signs[None, :]], [shifts, [0.0]])
