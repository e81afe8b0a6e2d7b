"""The combinatorial problems solved by looking at everything, with no help from lipverify."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

import networkx as nx


def graphs(largest: int) -> Iterator[nx.Graph]:
    """Every graph with 1 … largest vertices, up to isomorphism (largest ≤ 7)."""
    for graph in nx.graph_atlas_g():
        if 1 <= len(graph) <= largest:
            yield graph


def random_graphs(count: int, smallest: int, largest: int, seed: int) -> Iterator[nx.Graph]:
    """Random graphs of every density, with odd vertices."""
    for k in range(count):
        size = smallest + k % (largest - smallest + 1)
        graph = nx.gnp_random_graph(size, 0.2 + 0.15 * (k % 5), seed=seed + k)
        yield nx.relabel_nodes(graph, {v: ("v", v) if v % 2 else f"<b>{v}</b>" for v in graph})


def subsets(things: Iterable[object]) -> Iterator[set[object]]:
    """All subsets."""
    items = list(things)
    for size in range(len(items) + 1):
        yield from map(set, itertools.combinations(items, size))


def cut_value(graph: nx.Graph, side: set[object]) -> Fraction:
    """The weight of the edges that leave a side."""
    edges = graph.edges(data="weight", default=1)
    return sum((Fraction(w) for u, v, w in edges if (u in side) != (v in side)), Fraction(0))


def maximum_cut(graph: nx.Graph) -> Fraction:
    """The largest weight of a cut."""
    return max(cut_value(graph, side) for side in subsets(graph.nodes))


def is_independent(graph: nx.Graph, chosen: set[object]) -> bool:
    """Whether no two of some vertices are neighbours."""
    return not any(u in chosen and v in chosen for u, v in graph.edges)


def independence_number(graph: nx.Graph) -> int:
    """The size of the largest independent set."""
    return max(len(chosen) for chosen in subsets(graph.nodes) if is_independent(graph, chosen))


def satisfies(values: Sequence[bool], clauses: Iterable[Iterable[int]]) -> bool:
    """Whether an assignment makes every clause true."""
    return all(any(values[abs(x) - 1] == (x > 0) for x in clause) for clause in clauses)


def satisfiable(clauses: Sequence[Sequence[int]], variables: int) -> bool:
    """Whether any assignment does."""
    return any(satisfies(values, clauses) for values in itertools.product((False, True), repeat=variables))


def rainbow_cliques(graph: nx.Graph, colours: dict[object, object]) -> list[tuple[object, ...]]:
    """Every choice of one vertex of each colour of which any two are neighbours."""
    kinds = list(dict.fromkeys(colours[v] for v in graph))
    classes = [[v for v in graph if colours[v] == kind] for kind in kinds]
    return [
        chosen
        for chosen in itertools.product(*classes)
        if all(graph.has_edge(u, v) for u, v in itertools.combinations(chosen, 2))
    ]
