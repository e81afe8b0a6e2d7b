"""Ascents over signs where every pattern has a region."""

from __future__ import annotations

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

import lipverify as lv
from lipverify.attacks.local_search import LocalSearch
from lipverify.attacks.signs import SignAscent
from lipverify.norms import norm_pair
from lipverify.testing import networks
from tests.conftest import examples
from tests.solvers.test_enumeration import cut_network, maximum_cut


@settings(max_examples=examples(25))
@given(networks(hidden=1, outputs=1, width=(1, 4), slopes=True))
def test_the_best_pattern_is_found(net: lv.Network) -> None:
    ascent = SignAscent.of(net, norm_pair(2))
    assert ascent is not None

    def value(states: tuple[bool, ...]) -> float:
        chosen = np.where(states, net.slopes[0][:, 1], net.slopes[0][:, 0])
        return float(np.linalg.norm(net.weights[1] @ (chosen[:, None] * net.weights[0])))

    best = max(value(states) for states in itertools.product((False, True), repeat=len(net.slopes[0])))
    *_, found = ascent.optima(4, np.random.default_rng(0))
    assert value(tuple(found.tolist())) == pytest.approx(best, rel=1e-6)


def test_other_networks_and_norms_are_left_to_walks() -> None:
    net = lv.Network([[[1.0, 2.0]], [[1.0]]])
    assert SignAscent.of(net, norm_pair(math.inf)) is None
    assert SignAscent.of(lv.Network([[[1.0]], [[1.0], [2.0]]]), norm_pair(2)) is None
    assert SignAscent.of(lv.Network([[[1.0, 2.0]]]), norm_pair(2)) is None


def test_a_maximum_cut_is_found_without_a_linear_program() -> None:
    graph = nx.gnp_random_graph(14, 0.5, seed=1)
    bound = lv.lower(cut_network(graph), LocalSearch(patience=0, programs=0, points=64))
    assert bound.lower**2 == pytest.approx(maximum_cut(graph))
    assert bound.stats["lps"] == 0
