"""Max-cut: the constant, the cut behind it, and the way there, against all cuts."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lipverify as lv
from lipverify.evaluate import jacobian_exact
from lipverify.geometry.witness import locate
from lipverify.hardness.cuts import square_roots
from lipverify.rationals import fraction
from tests.hardness import brute

NORMS = (1, 2, math.inf)


def check(graph: nx.Graph, p: float, method: str) -> None:
    """The exact constant is the maximum cut, and its witness decodes to such a cut."""
    reduction = lv.hardness.maxcut(graph, p)
    truth = brute.maximum_cut(graph)
    bound = lv.exact(reduction.network, method, p=reduction.p)
    assert bound.status is lv.Status.EXACT
    exact = bound.exact_square if p == 2 else bound.exact_value
    assert exact == reduction.value(bound) == truth
    cut = reduction.decode(bound)
    assert cut.value == truth == brute.cut_value(graph, set(cut.side))
    if method == "enumeration":
        assert bound.regions == reduction.regions


@pytest.mark.parametrize("p", [2, math.inf])
def test_every_graph_to_six_vertices(p: float) -> None:
    for graph in brute.graphs(6):
        check(graph, p, "enumeration")


def test_every_graph_to_five_vertices_in_the_1_norm() -> None:
    for graph in brute.graphs(5):
        check(graph, 1, "enumeration")


@pytest.mark.parametrize("p", NORMS)
def test_random_graphs_to_ten_vertices(p: float) -> None:
    for graph in brute.random_graphs(8, 7, 10, seed=int(min(p, 3))):
        check(graph, p, "branch-and-bound")


@pytest.mark.parametrize("p", NORMS)
def test_weights_count(p: float) -> None:
    rng = np.random.default_rng(0)
    for graph in brute.random_graphs(6, 4, 6, seed=40):
        for u, v in graph.edges:
            graph[u][v]["weight"] = Fraction(int(rng.integers(0, 40)), 4)
        check(graph, p, "branch-and-bound")


def gradient_norm(network: lv.Network, point: tuple[Fraction, ...], p: float) -> Fraction:
    """‖J‖ (p ∈ {1, inf}) or ‖J‖² (p = 2, one output) at a point inside a region, by hand."""
    pattern = locate(network, lv.Everywhere(), point)
    assert pattern is not None
    matrix = [[fraction(x) for x in row] for row in jacobian_exact(network, pattern).tolist()]
    if p == 1:
        return max(sum((abs(x) for x in column), Fraction(0)) for column in zip(*matrix, strict=True))
    (row,) = matrix
    return sum((x * x if p == 2 else abs(x) for x in row), Fraction(0))


@pytest.mark.parametrize("p", NORMS)
def test_every_cut_leads_to_a_point_that_is_worth_it(p: float) -> None:
    for graph in itertools.chain(brute.graphs(4), brute.random_graphs(4, 5, 7, seed=5)):
        reduction = lv.hardness.maxcut(graph, p)
        for side in brute.subsets(graph.nodes):
            value = gradient_norm(reduction.network, reduction.encode(side), p)
            cut = brute.cut_value(graph, side)
            assert value >= cut
            mixed = all(0 < len(side & c) < len(c) for c in nx.connected_components(graph) if len(c) > 1)
            if mixed and p != 1:
                assert value == cut


@given(st.data())
def test_any_point_decodes_to_a_cut_of_at_least_its_value(data: st.DataObject) -> None:
    p = data.draw(st.sampled_from(NORMS))
    graph = nx.gnp_random_graph(data.draw(st.integers(2, 6)), 0.6, seed=data.draw(st.integers(0, 1000)))
    reduction = lv.hardness.maxcut(graph, p)
    bound = lv.lower(reduction.network, "sample", p=p, time_limit=0.0, seed=data.draw(st.integers(0, 100)))
    if bound.witness is not None:
        cut = reduction.decode(bound)
        assert cut.value == brute.cut_value(graph, set(cut.side)) >= reduction.interval(bound)[0]


@given(st.integers(0, 2**53), st.integers(0, 60))
def test_weights_become_few_squares(numerator: int, power: int) -> None:
    weight = Fraction(numerator, 2**power)
    roots = square_roots(weight)
    assert sum(r * r for r in roots) == weight
    assert len(roots) <= 8
    assert all(Fraction(float(r)) == r for r in roots)


def test_the_size_is_linear() -> None:
    for n in (5, 20, 40):
        graph = nx.gnp_random_graph(n, 0.5, seed=n)
        for p in NORMS:
            net = lv.hardness.maxcut(graph, p).network
            assert net.hidden == (n,)
            assert max(net.input_dim, net.output_dim) == max(graph.number_of_edges(), n + 1 if p == 1 else 0)
    graph = nx.complete_graph(8)
    nx.set_edge_attributes(graph, 0.1, "weight")
    assert lv.hardness.maxcut(graph, 2).network.input_dim <= 8 * graph.number_of_edges()


def test_estimators_stand_where_the_theorems_put_them() -> None:
    for graph in (nx.petersen_graph(), nx.cycle_graph(5), nx.complete_graph(4), nx.complete_bipartite_graph(3, 3)):
        net = lv.hardness.maxcut(graph).network
        square = brute.maximum_cut(graph)
        laplacian = np.asarray(nx.laplacian_matrix(graph).todense(), dtype=float)
        autolip = lv.upper(net, "autolip").upper
        assert autolip**2 == pytest.approx(len(graph) * np.linalg.eigvalsh(laplacian)[-1])
        assert autolip**2 >= 4 * square - 1e-9
        lipsdp = lv.upper(net, "lipsdp").upper
        assert square <= lipsdp**2 <= 1.1383 * float(square)  # Goemans and Williamson: 1 / 0.87856
        assert lv.upper(net, "seqlip").upper == pytest.approx(math.sqrt(square))


def test_lipsdp_of_the_five_cycle_is_goemans_and_williamson() -> None:
    net = lv.hardness.maxcut(nx.cycle_graph(5)).network
    known = 5 * (1 - math.cos(4 * math.pi / 5)) / 2
    assert lv.upper(net, "lipsdp").upper ** 2 == pytest.approx(known, rel=1e-6)


def test_greedy_seqlip_can_be_below_the_constant() -> None:
    graph = nx.Graph([(0, 1), (0, 2), (0, 3), (1, 2), (1, 4), (2, 3)])
    assert brute.maximum_cut(graph) == 5
    net = lv.hardness.maxcut(graph).network
    assert lv.upper(net, "seqlip-greedy").upper_rigor is lv.Rigor.HEURISTIC
    assert lv.upper(net, "seqlip").upper ** 2 >= 5


def test_an_open_bound_leaves_an_interval() -> None:
    reduction = lv.hardness.maxcut(nx.cycle_graph(5))
    bound = lv.upper(reduction.network, "autolip")
    assert reduction.interval(bound) == (0, math.floor(bound.upper**2))
    with pytest.raises(lv.InvalidArgument, match="open"):
        reduction.value(bound)
    with pytest.raises(lv.InvalidArgument, match="no witness"):
        reduction.decode(bound)
    assert reduction.interval(lv.upper(reduction.network, "seqlip-greedy")) == (0, math.inf)
    other = lv.lower(lv.hardness.maxcut(nx.cycle_graph(6)).network, "local-search")
    with pytest.raises(lv.InvalidArgument, match="another one"):
        reduction.decode(other)


def test_the_description_counts_regions() -> None:
    text = lv.hardness.maxcut(nx.petersen_graph()).describe()
    assert "10 vertices and 15 edges" in text
    assert "1022 activation regions" in text
    large = lv.hardness.maxcut(nx.star_graph(2000)).describe()  # 2^2001 − 2, beyond float64
    assert large.endswith("has about 2.3 · 10^602 activation regions")
    assert isinstance(lv.hardness.maxcut(nx.path_graph(2), 1), lv.hardness.Reduction)


@pytest.mark.parametrize(
    ("graph", "word"),
    [
        (nx.Graph(), "no vertices"),
        (nx.DiGraph([(0, 1)]), "directed"),
        (nx.Graph([(0, 0)]), "itself"),
        (nx.Graph([(0, 1, {"weight": -1})]), "-1"),
        (nx.Graph([(0, 1, {"weight": math.nan})]), "nan"),
        (nx.Graph([(0, 1, {"weight": "heavy"})]), "heavy"),
        (nx.Graph([(0, 1, {"weight": None})]), "None"),
        (nx.Graph([(0, 1, {"weight": Fraction(1, 3)})]), "scale"),
        (nx.Graph([(0, 1, {"weight": 2**2200})]), "float64"),
        ([(0, 1)], "networkx"),
    ],
)
def test_what_is_no_graph_is_refused_by_name(graph: nx.Graph, word: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=word):
        lv.hardness.maxcut(graph)


def test_other_norms_and_strangers_are_refused() -> None:
    with pytest.raises(lv.InvalidArgument, match="p must be"):
        lv.hardness.maxcut(nx.path_graph(2), 3)
    with pytest.raises(lv.InvalidArgument, match="no vertex"):
        lv.hardness.maxcut(nx.path_graph(2)).cut([7])
