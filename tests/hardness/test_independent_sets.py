"""Independent sets: the ℓ1 constant, the set behind it, and the way there, against all sets."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import networkx as nx
import pytest

import lipverify as lv
from lipverify.catalogue import METHODS
from lipverify.evaluate import jacobian_exact
from lipverify.geometry.witness import locate
from lipverify.rationals import fraction
from tests.conftest import PROFILE
from tests.hardness import brute


def check(graph: nx.Graph, method: str) -> None:
    """The exact constant is the independence number, and its witness decodes to such a set."""
    reduction = lv.hardness.independent_set(graph)
    truth = brute.independence_number(graph)
    bound = lv.exact(reduction.network, METHODS[method](), p=1)  # alone: by name, cheap bounds take half of the time
    assert bound.status is lv.Status.EXACT
    assert bound.exact_value == reduction.value(bound) == truth
    if method == "enumeration":
        assert bound.regions == reduction.regions
    found = reduction.decode(bound)
    assert found.value == len(found.vertices) == truth
    assert brute.is_independent(graph, set(found.vertices))


def test_every_small_graph_by_enumeration() -> None:
    for graph in brute.graphs(6 if PROFILE == "long" else 4):  # half a second each with 6 vertices
        check(graph, "enumeration")


def test_every_small_graph_by_branch_and_bound() -> None:
    for graph in brute.graphs(4 if PROFILE == "long" else 3):
        check(graph, "branch-and-bound")


def test_the_five_cycle() -> None:
    check(nx.cycle_graph(5), "branch-and-bound")


def test_every_set_leads_to_a_point_that_counts_it() -> None:
    for graph in itertools.chain(brute.graphs(6), brute.random_graphs(6, 7, 10, seed=3)):
        reduction = lv.hardness.independent_set(graph)
        largest = max((c for c in brute.subsets(graph.nodes) if brute.is_independent(graph, c)), key=len)
        for chosen in ([], largest, [next(iter(graph))]):
            point = reduction.encode(set(chosen))
            pattern = locate(reduction.network, lv.Everywhere(), point)
            assert pattern is not None
            (row,) = jacobian_exact(reduction.network, pattern).tolist()
            assert fraction(row[-1]) == len(chosen)


def test_the_integer_part_is_the_same_in_every_norm() -> None:
    for graph in brute.graphs(2):
        net = lv.hardness.independent_set(graph).network
        for p in (1, 2, math.inf):
            assert math.floor(lv.exact(net, "enumeration", p=p).lower) == brute.independence_number(graph)


def test_any_witness_decodes_to_a_set_of_at_least_its_value() -> None:
    for graph in brute.random_graphs(6, 6, 10, seed=11):
        reduction = lv.hardness.independent_set(graph)
        for method in ("sample", "local-search"):
            bound = lv.lower(reduction.network, method, p=1, time_limit=0.3)
            found = reduction.decode(bound)
            assert brute.is_independent(graph, set(found.vertices))
            assert found.value >= bound.lower


def test_the_size_is_linear_and_the_entries_are_short() -> None:
    for n in (3, 10, 30):
        reduction = lv.hardness.independent_set(nx.gnp_random_graph(n, 0.5, seed=n))
        net = reduction.network
        assert (net.input_dim, *net.hidden, net.output_dim) == (n + 1, 2 * n + 1, 2 * n, 1)
        assert reduction.slope >= Fraction(1, 8 * n * n)


def test_weights_play_no_role() -> None:
    graph = nx.Graph([(0, 1, {"weight": 0})])
    assert lv.exact(lv.hardness.independent_set(graph).network, "enumeration", p=1).exact_value == 1


def test_refusals_name_what_is_wrong() -> None:
    reduction = lv.hardness.independent_set(nx.path_graph(3))
    with pytest.raises(lv.InvalidArgument, match="neighbours"):
        reduction.encode([0, 1])
    with pytest.raises(lv.InvalidArgument, match="no vertex"):
        reduction.encode(["x"])
    for graph, word in (
        (nx.Graph(), "no vertices"),
        (nx.DiGraph([(0, 1)]), "directed"),
        (nx.Graph([(0, 0)]), "itself"),
    ):
        with pytest.raises(lv.InvalidArgument, match=word):
            lv.hardness.independent_set(graph)
    assert "3 vertices and 2 edges" in reduction.describe()
