"""Half of the tree is enough where a reflection changes nothing, and only there."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.attacks.local_search import LocalSearch
from lipverify.norms import ALL_PAIRS, norm_pair
from lipverify.problem import Problem
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.solvers.branch_and_bound.mirror import mirrored_neurons
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.solvers.branch_and_bound.slope_passes import SlopePasses
from lipverify.testing import networks
from tests.conftest import examples
from tests.solvers.promises import hold_to_the_oracle
from tests.solvers.test_enumeration import cut_network, maximum_cut

METHOD = BranchAndBound((SlopePasses(), SplitSDP()), LocalSearch())
WHOLE = lv.Everywhere()
ABSOLUTE = (-1.0, 1.0)
STEP = lv.Network([[[1.0]], [[1.0]], [[1.0]]], [None, [-1.5], None], [[ABSOLUTE], None])
"""relu(|x| − 1.5)."""


def mirrored(net: lv.Network, domain: lv.Domain = WHOLE) -> list[int]:
    """The neurons that change sides."""
    return mirrored_neurons(Problem(net, norm_pair(2), domain)).tolist()


@st.composite
def even_networks(draw: st.DrawFn) -> lv.Network:
    """Networks of x that begin with relu(Wx) and relu(−Wx), with equal weights behind, or with absolute values."""
    net = draw(networks(inputs=(1, 2), width=(1, 2), hidden=(1, 2)))
    first, second, *rest = net.weights
    if draw(st.booleans()):
        slopes = [np.tile(ABSOLUTE, (len(first), 1)), *net.slopes[1:]]
        return lv.Network(net.weights, [None, *net.biases[1:]], slopes)
    order = draw(st.permutations(range(2 * len(first))))
    twice = np.vstack([first, -first])[order], np.hstack([second, second])[:, order]
    return lv.Network([*twice, *rest], [None, *net.biases[1:]])


@settings(max_examples=examples(60))
@given(st.data(), st.sampled_from(ALL_PAIRS))
def test_even_networks_agree_with_brute_force(data: st.DataObject, p: object) -> None:
    net = data.draw(even_networks())
    domain: lv.Domain = data.draw(st.sampled_from([lv.Everywhere(), lv.Box([-1] * net.input_dim, [1] * net.input_dim)]))
    assert mirrored(net, domain) == np.flatnonzero(net.weights[0].any(axis=1)).tolist()
    hold_to_the_oracle(net, p, domain, lv.exact(net, METHOD, p=p, domain=domain))


@pytest.mark.parametrize("domain", [lv.Box([-2.0], [1.0]), lv.Box([-2.0], [1.9]), lv.Ball([-0.1], 2.0)])
def test_a_domain_that_is_no_mirror_image_is_searched_whole(domain: lv.Domain) -> None:
    assert not mirrored(STEP, domain)
    assert lv.exact(STEP, METHOD, domain=domain).exact_value == 1


@pytest.mark.parametrize("domain", [lv.Everywhere(), lv.Box([-2.0], [2.0]), lv.Ball([0.0], 2.0)])
def test_a_domain_that_is_one_is_searched_by_half(domain: lv.Domain) -> None:
    assert mirrored(STEP, domain) == [0]
    assert lv.exact(STEP, METHOD, domain=domain).exact_value == 1


@pytest.mark.parametrize(
    "net",
    [
        lv.Network([[[1], [-1]], [[1, 2]]]),  # 2 on the left only
        lv.Network([[[1], [-1]], [[1, 1 + 2.0**-52]]]),  # one bit more on the left
        lv.Network([[[1]], [[1]], [[1]]], [[0.5], [-1], None], [[ABSOLUTE], None]),
        lv.Network([[[1]], [[1]]], None, [[(-3, 1)]]),
        lv.Network([[[-1], [3]], [[1, 1]]], None, [[(1, 1), (0, 0)]]),
    ],
)
def test_networks_that_are_not_even_are_searched_whole(net: lv.Network) -> None:
    assert not mirrored(net)
    hold_to_the_oracle(net, 2, lv.Everywhere(), lv.exact(net, METHOD))


def test_a_maximum_cut_takes_half_of_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = nx.gnp_random_graph(16, 0.5, seed=3)
    method = BranchAndBound((SplitSDP(),), LocalSearch(), order="depth-first")
    half = lv.exact(cut_network(graph), method)
    monkeypatch.setattr("lipverify.solvers.branch_and_bound.tree.mirrored_neurons", lambda _: np.zeros(0, dtype=int))
    whole = lv.exact(cut_network(graph), method)
    assert half.exact_square == whole.exact_square == maximum_cut(graph)
    assert 2 * (half.nodes or 0) < (whole.nodes or 0) + 2
