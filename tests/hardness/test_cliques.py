"""Multicoloured cliques: the constant, the clique behind it, and the way there, against all choices of vertices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lipverify as lv
from lipverify.evaluate import jacobian_exact
from lipverify.geometry.witness import locate
from lipverify.rationals import fraction
from tests.conftest import PROFILE
from tests.hardness import brute

Instance = tuple[nx.Graph, dict[object, object]]


def instances(*sizes: int) -> Iterator[Instance]:
    """Every set of edges between classes of the given sizes."""
    vertices = [(c, v) for c, size in enumerate(sizes) for v in range(size)]
    pairs = [(u, v) for u, v in itertools.combinations(vertices, 2) if u[0] != v[0]]
    for chosen in brute.subsets(pairs):
        graph = nx.Graph()
        graph.add_nodes_from(vertices)
        graph.add_edges_from(chosen)
        yield graph, {v: f"colour {v[0]}" for v in vertices}


def random_instance(sizes: tuple[int, ...], density: float, seed: int) -> Instance:
    """Classes of the given sizes, edges within them too."""
    graph = nx.gnp_random_graph(sum(sizes), density, seed=seed)
    kinds = [c for c, size in enumerate(sizes) for _ in range(size)]
    return graph, dict(zip(graph, kinds, strict=True))


def gradient(network: lv.Network, point: tuple[Fraction, ...]) -> list[Fraction] | None:
    """∇f at a point, in rationals; None where it lies on a boundary."""
    pattern = locate(network, lv.Everywhere(), point)
    return None if pattern is None else [fraction(x) for x in jacobian_exact(network, pattern).tolist()[0]]


def check(instance: Instance, method: str, p: float = math.inf) -> None:
    """The exact constant reaches the threshold iff there is a clique, and its witness decodes to one."""
    graph, colours = instance
    reduction = lv.hardness.clique(graph, colours, p)
    truth = brute.rainbow_cliques(graph, colours)
    bound = lv.exact(reduction.network, method, p=reduction.p)
    assert bound.status is lv.Status.EXACT
    constant = bound.exact_value if p == math.inf else bound.exact_square
    assert constant is not None
    assert (constant == reduction.threshold) == bool(truth)
    assert constant <= reduction.threshold - (not truth)
    assert reduction.value(bound) == bool(truth)
    found = reduction.decode(bound)
    assert (found is not None and found.vertices in truth) if truth else found is None


@pytest.mark.parametrize(
    "sizes", [(1,), (3,), (1, 1), (1, 2), (2, 2), (1, 1, 1), *([(2, 3)] if PROFILE == "long" else [])]
)
def test_every_instance_of_these_sizes(sizes: tuple[int, ...]) -> None:
    for instance in instances(*sizes):
        check(instance, "enumeration")


def test_in_two_norms_and_by_another_method() -> None:
    for density in (0.4, 0.8):
        check(random_instance((2, 2), density, seed=3), "enumeration", p=2)
        check(random_instance((1, 2), density, seed=3), "branch-and-bound")


@pytest.mark.parametrize("seed", range(40 if PROFILE == "long" else 2))
def test_three_colours(seed: int) -> None:
    sizes = (2, 2, 2) if PROFILE == "long" else (1, 2, 1)
    check(random_instance(sizes, 0.5 + 0.3 * (seed % 2), seed), "enumeration")


def test_every_clique_has_its_point_and_nobody_else_has() -> None:
    for graph, colours in itertools.chain(
        instances(2, 3), (random_instance((3, 4, 2, 3), 0.7, seed) for seed in range(5))
    ):
        reduction = lv.hardness.clique(graph, colours, 2)
        cliques = brute.rainbow_cliques(graph, colours)
        for chosen in itertools.product(*reduction.classes):
            if chosen not in cliques:
                with pytest.raises(lv.InvalidArgument, match="no neighbours"):
                    reduction.encode(chosen)
                continue
            found = gradient(reduction.network, reduction.encode(chosen))
            assert found is not None
            assert sum(x * x for x in found) == reduction.threshold


@given(st.data())
def test_no_gradient_beside_a_clique_reaches_the_threshold(data: st.DataObject) -> None:
    sizes = tuple(data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)))
    graph, colours = random_instance(sizes, data.draw(st.sampled_from([0.3, 0.6, 0.9])), data.draw(st.integers(0, 99)))
    reduction = lv.hardness.clique(graph, colours)
    step = st.integers(-9, 9)  # sixths of ε: beside, at the edge of, and outside a vertex's interval
    point = tuple(data.draw(st.integers(1, n)) + data.draw(step) * reduction.width / 6 for n in sizes)
    pattern = locate(reduction.network, lv.Everywhere(), point)
    if pattern is None:
        return
    row = [fraction(x) for x in jacobian_exact(reduction.network, pattern).tolist()[0]]
    on = reduction.switched_on(pattern)
    cliques = brute.rainbow_cliques(graph, colours)
    assert min(row) >= 0
    assert sum(row) <= reduction.threshold
    assert (sum(row) == reduction.threshold) == (on in cliques)


def test_cliques_of_a_graph_by_copies() -> None:
    for graph in brute.graphs(4):
        for size in (1, 2, 3, 4):
            reduction = lv.hardness.clique(graph, size)
            has = any(len(c) >= size for c in nx.find_cliques(graph))
            rainbow = [c for c in itertools.product(*reduction.classes) if _is_clique(reduction, c)]
            assert bool(rainbow) == has
            assert all(len({v for v, _ in chosen}) == size for chosen in rainbow)


def _is_clique(reduction: lv.hardness.MulticolouredClique, vertices: tuple[object, ...]) -> bool:
    try:
        reduction.clique(vertices)
    except lv.InvalidArgument:
        return False
    return True


def test_the_size_is_linear_in_vertices_and_edges_and_the_entries_are_short() -> None:
    for k, n in ((2, 3), (3, 10), (5, 20)):
        graph, colours = random_instance((n,) * k, 0.5, seed=n)
        reduction = lv.hardness.clique(graph, colours)
        between = sum(colours[u] != colours[v] for u, v in graph.edges)
        net = reduction.network
        assert (net.input_dim, *net.hidden, net.output_dim) == (k, 2 * (k * n + between), 1)
        assert abs(net.weights[0]).max() == n + 1
        assert Fraction(1, 8 * (n + 2)) < reduction.width <= Fraction(1, 4 * (n + 2))


def test_an_open_bound_does_not_decide() -> None:
    reduction = lv.hardness.clique(nx.cycle_graph(5), 2)
    bound = lv.upper(reduction.network, "autolip", p=math.inf)
    assert reduction.interval(bound) == (0, 1)
    with pytest.raises(lv.InvalidArgument, match="does not decide"):
        reduction.decode(bound)
    with pytest.raises(lv.InvalidArgument, match="open"):
        reduction.value(bound)


def test_refusals_name_what_is_wrong() -> None:
    path = nx.path_graph(3)
    for graph, colours, options, word in (
        (path, {0: 0, 1: 1}, {}, "vertex 2 has no colour"),
        (path, {0: 0, 1: 1, 2: 0, "x": 1}, {}, "'x' has a colour"),
        (path, 0, {}, "number ≥ 1"),
        (path, True, {}, "number ≥ 1"),
        (path, 2, {"p": 1}, "p must be 2 or inf"),
        (nx.Graph(), 2, {}, "no vertices"),
        (nx.DiGraph([(0, 1)]), 2, {}, "directed"),
        (nx.Graph([(0, 0)]), 2, {}, "itself"),
    ):
        with pytest.raises(lv.InvalidArgument, match=word):
            lv.hardness.clique(graph, colours, **options)
    reduction = lv.hardness.clique(path, {0: "red", 1: "green", 2: "red"})
    with pytest.raises(lv.InvalidArgument, match="no vertex"):
        reduction.encode([0, "x"])
    with pytest.raises(lv.InvalidArgument, match="2 of the vertices have colour 'red'"):
        reduction.encode([0, 1, 2])
    assert "2 + 1 vertices and 2 edges" in reduction.describe()
