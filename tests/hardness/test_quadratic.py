"""Convex quadratic maximisation over the hypercube, against all vertices."""

from __future__ import annotations

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lipverify as lv
from lipverify.geometry.witness import locate
from tests.hardness import brute


def maximum(A: np.ndarray) -> int:
    """The largest sᵀAAᵀs, in integers."""
    vertices = itertools.product((0, 1), repeat=len(A))
    return max(sum(int(x) ** 2 for x in np.array(s, dtype=object) @ A.astype(object)) for s in vertices)


@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 4))
def test_random_matrices(seed: int, n: int, width: int) -> None:
    A = np.random.default_rng(seed).integers(-4, 5, size=(n, width))
    reduction = lv.hardness.convex_quadratic(A)
    bound = lv.exact(reduction.network, "enumeration", p=reduction.p)
    assert bound.regions == 2**n
    assert reduction.value(bound) == maximum(A)
    found = reduction.decode(bound)
    assert found.value == maximum(A) == sum(int(x) ** 2 for x in np.array(found.entries, dtype=int) @ A)
    for entries in itertools.product((False, True), repeat=n):
        assert locate(reduction.network, lv.Everywhere(), reduction.encode(entries)) == (entries,)


def test_the_incidence_matrix_gives_the_maximum_cut() -> None:
    for graph in brute.graphs(5):
        if graph.number_of_edges():
            A = np.asarray(nx.incidence_matrix(graph, oriented=True).todense())
            reduction = lv.hardness.convex_quadratic(A)
            bound = lv.exact(reduction.network, "branch-and-bound")
            assert reduction.value(bound) == brute.maximum_cut(graph)


def test_the_size_is_linear() -> None:
    net = lv.hardness.convex_quadratic(np.ones((30, 7))).network
    assert (net.input_dim, *net.hidden, net.output_dim) == (37, 30, 1)


@pytest.mark.parametrize(("A", "word"), [([[0.5]], "0.5"), ([], "A has shape"), ([[np.inf]], "inf"), ("x", "A is not")])
def test_what_is_no_integer_matrix_is_refused(A: object, word: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=word):
        lv.hardness.convex_quadratic(A)  # ty: ignore[invalid-argument-type]
