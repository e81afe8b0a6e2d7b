"""Networks that fall apart, solved part by part: against brute force in Fractions on the whole."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag

import lipverify as lv
from lipverify.attacks.local_search import LocalSearch
from lipverify.catalogue import METHODS
from lipverify.driver import budget_of
from lipverify.estimators.autolip import AutoLip
from lipverify.norms import ALL_PAIRS, norm_pair
from lipverify.problem import Method, Problem
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.solvers.apart import Apart
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.solvers.branch_and_bound.slope_passes import SlopePasses
from lipverify.solvers.enumeration import Enumeration
from lipverify.solvers.parts import independent
from lipverify.testing import networks
from tests.conftest import examples
from tests.solvers.promises import hold_to_the_oracle
from tests.solvers.test_enumeration import cut_network, maximum_cut

INF = math.inf
SEARCH = BranchAndBound((SlopePasses(), SplitSDP()), LocalSearch(), AutoLip())
BLOCKS = lv.Network([[[0, 1], [1, 0]], [[0, 3], [4, 0]]])  # (3 relu(x), 4 relu(y))
SUM = lv.Network([[[0, 1], [1, 0]], [[4, 3]]])
SIDES: dict[tuple[float, float], int] = {  # squares of the constants of BLOCKS: of diag(3, 4)
    **{(p, q): 16 for p in (1, 2, INF) for q in (1, 2, INF) if p <= q},
    (2, 1): 25,
    (INF, 1): 49,
    (INF, 2): 25,
}


def joined(blocks: list[lv.Network], order: np.random.Generator, added: bool) -> lv.Network:
    """Networks of one depth side by side, neurons, inputs and outputs in any order; outputs added up if wanted."""
    weights = [block_diag(*layer) for layer in zip(*(net.weights for net in blocks), strict=True)]
    biases = [np.concatenate(layer) for layer in zip(*(net.biases for net in blocks), strict=True)]
    slopes = [np.concatenate(layer) for layer in zip(*(net.slopes for net in blocks), strict=True)]
    if added:
        weights[-1] = np.hstack([net.weights[-1] for net in blocks])
        biases[-1] = blocks[0].biases[-1]
    ways = [order.permutation(n) for n in (weights[0].shape[1], *(len(w) for w in weights))]
    weights = [w[np.ix_(after, before)] for w, before, after in zip(weights, ways[:-1], ways[1:], strict=True)]
    biases = [b[way] for b, way in zip(biases, ways[1:], strict=True)]
    return lv.Network(weights, biases, [s[way] for s, way in zip(slopes, ways[1:-1], strict=True)])


@st.composite
def in_blocks(draw: st.DrawFn) -> tuple[lv.Network, int]:
    """A network of blocks that share at most their outputs, and how many blocks."""
    inputs = draw(st.sampled_from([(1, 1), (1, 2), (1, 1, 1)]))
    hidden, added = draw(st.integers(1, 2)), draw(st.booleans())
    outputs = draw(st.integers(1, 2)) if added else (1, 2)
    shape: dict[str, Any] = {"hidden": hidden, "width": (1, 2), "outputs": outputs, "slopes": draw(st.booleans())}
    blocks = [draw(networks(inputs=n, **shape)) for n in inputs]
    return joined(blocks, np.random.default_rng(draw(st.integers(0, 99))), added), len(blocks)


@settings(max_examples=examples(25))
@given(in_blocks(), st.sampled_from(ALL_PAIRS), st.sampled_from([SEARCH, Enumeration(), METHODS["milp"]()]), st.data())
def test_parts_agree_with_brute_force(
    drawn: tuple[lv.Network, int], p: Any, method: Method, data: st.DataObject
) -> None:
    net, _ = drawn
    ends = [(-1.0, 1.0), (-2.0, 0.5), (0.25, 3.0)]
    box = data.draw(st.lists(st.sampled_from(ends), min_size=net.input_dim, max_size=net.input_dim))
    domain: lv.Domain = data.draw(st.sampled_from([lv.Everywhere(), lv.Box(*zip(*box, strict=True))]))
    hold_to_the_oracle(net, p, domain, lv.exact(net, Apart(method), p=p, domain=domain))


@pytest.mark.parametrize("p", ALL_PAIRS)
def test_blocks_have_the_norm_of_a_diagonal_matrix(p: Any) -> None:
    parts = independent(Problem(BLOCKS, norm_pair(p)))
    assert parts is not None
    assert len(parts.parts) == 2
    assert lv.exact(BLOCKS, Apart(SEARCH), p=p).exact_square == SIDES[p]


@pytest.mark.parametrize(("p", "square"), [(1, 16), (2, 25), (INF, 49)])
def test_a_sum_has_the_dual_norm(p: float, square: int) -> None:
    assert lv.exact(SUM, Apart(SEARCH), p=p).exact_square == square


@pytest.mark.parametrize(
    ("net", "domain", "p"),
    [
        (lv.Network([[[1, 1], [1, 0]], [[1, 1]]]), None, 2),  # an input is shared
        (lv.Network([[[1, 0], [0, 1]], [[1, 1], [1, 1]]]), None, 2),  # outputs are shared, and not added up
        (lv.Network([[[1, 0], [0, 1]], [[1, 2.0**-300], [0, 1]], [[1, 1]]]), None, 2),  # by next to nothing
        (SUM, lv.Ball([0, 0], 1.0), 2),
        (SUM, lv.Polytope([[1, 1]], [1]), 2),
        (lv.Network([[[1, 1]]]), None, 2),
    ],
)
def test_what_hangs_together_is_left_whole(net: lv.Network, domain: lv.Domain | None, p: Any) -> None:
    assert independent(Problem(net, norm_pair(p), domain or lv.Everywhere())) is None


def test_columns_are_apart_for_the_norm_of_columns() -> None:
    net = lv.Network([[[1, 0], [0, 1]], [[1, 2], [1, -3]]])
    assert independent(Problem(net, norm_pair((1, 2)))) is not None
    assert lv.exact(net, Apart(SEARCH), p=(1, 2)).exact_square == 13
    assert independent(Problem(net, norm_pair(2))) is None


def test_idle_inputs_and_neurons_are_in_no_part() -> None:
    net = lv.Network([[[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 0, 7]], [[1, 2, 5, 0]]], [[0, 0, 1, 0], None])
    parts = independent(Problem(net, norm_pair(2)))
    assert parts is not None
    assert [part.inputs.tolist() for part in parts.parts] == [[0], [1]]
    bound = lv.exact(net, Apart(SEARCH))
    assert bound.exact_square == 5
    assert bound.witness is not None
    assert len(bound.witness.point) == 3


def test_cuts_of_components_add_up() -> None:
    graphs = [nx.cycle_graph(5), nx.complete_graph(4), nx.path_graph(3)]
    graph = nx.disjoint_union_all(graphs)
    bound = lv.exact(cut_network(graph))
    assert bound.exact_square == sum(map(maximum_cut, graphs))
    assert bound.stats["parts"] == 3
    assert "3 independent parts" in bound.stats["choice"]


@pytest.mark.parametrize("p", [2, INF])
def test_intervals_on_the_way_hold(p: float) -> None:
    rng = np.random.default_rng(1)
    blocks = [lv.Network([rng.normal(size=(6, 2)), rng.normal(size=(1, 6))]) for _ in range(2)]
    for added in (True, False):
        net, seen = joined(blocks, rng, added), list[lv.Bound]()
        truth = [lv.exact(block, SEARCH, p=p).enclosure for block in blocks]
        low, high = (np.array([float(pair[k]) for pair in truth if pair is not None]) for k in (0, 1))
        order = {2: 2, INF: 1}[p] if added else INF
        bound = lv.exact(net, Apart(SEARCH), p=p, on_progress=seen.append)
        assert bound.status is lv.Status.EXACT
        for found in (*seen, bound):
            assert found.lower <= np.linalg.norm(high, order) * (1 + 1e-12)
            assert found.upper >= np.linalg.norm(low, order) * (1 - 1e-12)
        near = lv.exact(net, Apart(SEARCH), p=p, rel_gap=0.1)
        assert near.status in (lv.Status.CLOSED, lv.Status.EXACT)
        assert near.lower <= bound.upper
        assert near.upper >= bound.lower
        assert near.gap <= 0.1


def test_a_part_that_cannot_be_the_largest_is_left_alone() -> None:
    rng = np.random.default_rng(2)
    hard = lv.Network([rng.normal(size=(30, 4)), rng.normal(size=(1, 30))])
    net = joined([hard, lv.Network([[[1000.0]], [[1000.0]]])], rng, added=False)
    bound = lv.exact(net, Apart(SEARCH))
    assert bound.exact_value == Fraction(10**6)
    assert (bound.nodes or 0) < 2


@pytest.mark.parametrize("method", ["enumeration", "milp", "branch-and-bound"])
@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("p", [1, math.inf])
def test_what_a_part_gains_below_the_last_bit_counts(method: str, side: float, p: float) -> None:
    """The slopes of a part differ by 2⁻¹¹⁰, its lower sides as floats by nothing; whichever comes first."""
    near, tiny = 1 + 2.0**-52, 2.0**-55
    part = [[side * near], [-side * near], [side * tiny]], [[near, near, tiny]]
    net = lv.Network([block_diag(part[0], [[0.5]]), block_diag(part[1], [[0.5]])])
    *_, bound = Apart(METHODS[method]()).run(Problem(net, norm_pair(p)), budget_of(None, 0))
    assert bound.stats["parts"] == 2
    assert bound.exact_value == Fraction(near) ** 2 + Fraction(tiny) ** 2
