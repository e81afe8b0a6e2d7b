"""SeqLip and its relatives on networks, and the examples that published code gets wrong."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import lipverify as lv
from lipverify.bound import Rigor, Status
from lipverify.estimators.approximation import approximations
from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.eclipse_fast import EclipseFast
from lipverify.estimators.seqlip import SeqLip
from lipverify.estimators.seqlip_greedy import SeqLipGreedy
from lipverify.estimators.seqlip_joint import SeqLipJoint
from lipverify.estimators.seqlip_lbfgs import SeqLipLbfgs, ascent
from lipverify.estimators.seqlip_lowrank import SeqLipLowRank
from lipverify.estimators.seqlip_sdp import SeqLipSdp
from lipverify.network import Network
from lipverify.problem import Method
from lipverify.testing.strategies import networks
from tests import oracle
from tests.conftest import examples
from tests.estimators.test_estimators import (
    all_pattern_jacobians,
    cut_network,
    random_network,
    read_onnx,
    run,
)
from tests.estimators.test_pairs import random_pair, vertices

ROUNDED: tuple[Method, ...] = (
    SeqLip(),
    SeqLip(steps=0),
    SeqLipSdp(),
    SeqLipLowRank(),
    SeqLipLowRank(rank=1),
    SeqLipJoint(),
    EclipseFast(),
)
FIVE = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 4), (2, 3)]


@settings(max_examples=examples(60))
@given(networks(slopes=True))
def test_no_rounded_method_is_below_the_constant(net: Network) -> None:
    """Exact enumeration, degenerate networks, no tolerance."""
    exact = lv.exact(net)
    assert exact.status is Status.EXACT
    for method in ROUNDED:
        assert run(method, net).upper >= exact.lower, method


@settings(max_examples=examples(30))
@given(networks(slopes=True, hidden=(1, 2), width=(1, 3)))
def test_the_joint_maximum_is_that_of_all_patterns(net: Network) -> None:
    """(E1) by brute force in rationals; not above SeqLip."""
    jacobians = all_pattern_jacobians(net)
    bound = run(SeqLipJoint(), net)
    assert oracle.encloses(jacobians, 0.0, bound.upper, 2, 2)
    assert bound.upper <= run(SeqLip(), net).upper
    truth = max(np.linalg.norm(np.array(j, dtype=float), 2) for j in jacobians)
    assert bound.upper <= truth * (1 + 1e-8) + 1e-9 * run(AutoLip(), net).upper


def test_the_family_is_ordered() -> None:
    """joint ≤ seqlip ≤ sdp, low rank; lower estimates stay below seqlip; all of one seed."""
    rng = np.random.default_rng(8)
    for depth in (1, 2, 3):
        for _ in range(4):
            net = random_network(rng, integer=False, slopes=True, depth=depth)
            seqlip = run(SeqLip(), net).upper
            assert run(SeqLipJoint(), net).upper <= seqlip
            for method in (SeqLipSdp(), SeqLipLowRank(rank=1), SeqLipLowRank(rank=2)):
                assert seqlip <= run(method, net).upper * (1 + 1e-9)
            for method in (SeqLipGreedy(), SeqLipLbfgs()):
                assert run(method, net).upper <= seqlip * (1 + 1e-9)


def test_a_joint_search_cut_short_is_still_a_bound() -> None:
    rng = np.random.default_rng(9)
    net = Network([rng.standard_normal((8, 3)), rng.standard_normal((8, 8)), rng.standard_normal((2, 8))])
    full, cut = run(SeqLipJoint(), net), run(SeqLipJoint(nodes=1), net)
    assert full.stats["closed"]
    assert not cut.stats["closed"]
    assert full.upper <= cut.upper <= run(SeqLip(), net).upper
    assert run(SeqLipJoint(), net, seconds=0.0).status is Status.TIME_LIMIT


def test_a_wide_network_is_cheaper_at_low_rank() -> None:
    """64 neurons, 8 triples that matter: within a hundredth, by matrices of order 16."""
    rng = np.random.default_rng(12)
    decay = np.concatenate([np.ones(8), np.full(56, 1e-2)])
    first, last = (np.linalg.qr(rng.standard_normal((64, 64)))[0] for _ in range(2))
    net = Network([first * decay, decay[:, None] * last])
    bound = run(SeqLipLowRank(rank=8), net)
    assert run(SeqLipLbfgs(), net).upper <= bound.upper <= 1.02 * run(SeqLipSdp(), net).upper


def test_methods_refuse_nonsense() -> None:
    with pytest.raises(lv.InvalidArgument, match="rank"):
        SeqLipLowRank(rank=0)
    with pytest.raises(lv.InvalidArgument, match="starts"):
        SeqLipLbfgs(starts=0)
    with pytest.raises(lv.InvalidArgument, match="nodes"):
        SeqLipJoint(nodes=0)


def test_quasi_newton_ascent_is_seeded_and_ends_at_a_vertex() -> None:
    """HEURISTIC, and no worse than where it starts: the norm is convex."""
    rng = np.random.default_rng(13)
    for _ in range(10):
        pair = random_pair(rng, 6, 3, 3)
        start = rng.uniform(pair.low, pair.high)
        value = ascent(pair, start)
        attained = np.linalg.norm(pair.products(vertices(pair)), 2, axis=(1, 2))
        assert np.abs(attained - value).min() <= 1e-12 * (1 + value)
        assert value >= np.linalg.norm(pair.products(start[None])[0], 2) * (1 - 1e-12)
    net = random_network(rng, integer=False, slopes=False, depth=3)
    first, second = (lv.upper(net, "seqlip-lbfgs", seed=5) for _ in range(2))
    assert first.upper == second.upper
    assert first.upper_rigor is Rigor.HEURISTIC


# Known-bad examples ------------------------------------------------------------------------------


def test_greedy_is_below_a_cut_of_five_vertices() -> None:
    """Its cut has four of five edges; the search is not fooled."""
    net = cut_network(FIVE)
    cut = max(sum(s[u] != s[v] for u, v in FIVE) for s in itertools.product((0, 1), repeat=5))
    assert cut == 5
    assert run(SeqLipGreedy(), net).upper ** 2 == pytest.approx(4)
    assert run(SeqLip(), net).upper ** 2 >= 5
    assert lv.exact(net).exact_square == 5


@pytest.mark.parametrize("method", ROUNDED, ids=repr)
def test_known_bad_examples(method: Method) -> None:
    """V for Vᵀ, local optima of flips, even and odd cycles: no rounded method is below any of these constants."""
    for net, square in (
        (Network([[[1, -1], [0, -1]], [[-1, -1], [-1, 0]]]), ((3 + math.sqrt(5)) / 2) ** 2),
        (Network([[[3], [-1], [-1]], [[-1, -1, -1]]]), 9),
        (Network([[[1], [1], [-1]], [[3, 3, 7]]]), 49),
        (cut_network([(0, 4), (4, 2), (2, 1), (1, 3), (3, 5), (5, 0)]), 6),
        (cut_network(FIVE), 5),
        (cut_network([(i, (i + 1) % 7) for i in range(7)]), 6),
    ):
        assert run(method, net).upper >= math.sqrt(square) * (1 - 1e-15)


# Theorem 3 ---------------------------------------------------------------------------------------


def test_the_factors_of_theorem_3() -> None:
    """L_SL ≤ Π ‖W_k‖ · Π sharper ≤ Π ‖W_k‖ · Π paper, with m over all vertices by brute force."""
    rng = np.random.default_rng(14)
    for trial in range(30):
        dims = [int(n) for n in rng.integers(1, 6, 4)]
        weights = [rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)]
        slopes = [np.sort(rng.uniform(-1, 1, (n, 2)), axis=1) for n in dims[1:-1]] if trial % 2 else None
        net = Network(weights, slopes=slopes)
        factors = approximations(net)
        parts = [np.linalg.svd(w, full_matrices=False) for w in net.weights]
        for k, factor in enumerate(factors):
            u, v = parts[k][0][:, 0], parts[k + 1][2][0]
            ends = itertools.product(*net.slopes[k].tolist())
            assert factor.alignment == pytest.approx(max(abs(float((s * u) @ v)) for s in map(np.array, ends)))
            assert factor.sharper <= min(1.0, factor.paper) * (1 + 1e-12)
        norms = math.prod(float(s[0]) for _, s, _ in parts)
        sharper, paper = (math.prod(getattr(f, name) for f in factors) for name in ("sharper", "paper"))
        assert run(SeqLip(), net).upper <= norms * sharper * (1 + 1e-9)
        assert sharper <= paper * (1 + 1e-12)


def test_the_factors_of_matrices_of_rank_one() -> None:
    """r = 0 twice: the factor is m itself, and SeqLip attains it."""
    u, v = np.array([0.6, 0.8]), np.array([0.8, -0.6])
    net = Network([np.outer(u, [1.0, 0.0]), np.outer([1.0, 0.0], v)])
    (factor,) = approximations(net)
    assert factor.sharper == pytest.approx(0.48)
    assert factor.paper == pytest.approx(0.48)
    assert run(SeqLip(), net).upper == pytest.approx(0.48, rel=1e-9)
    with pytest.raises(lv.InvalidArgument, match="at most 1"):
        approximations(Network([np.eye(2), np.eye(2)], slopes=[[(0, 2), (0, 1)]]))


# Real networks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "exact", "eclipse"),
    [
        ("iris_net_4x6x6x3", 11.634355134114875, 1.12),
        ("abalone_net_9x16x16x1", 11.121602332235268, 1.12),
        ("wine_net_11x12x12x1", 1.7433699967107172, 2.10),
        ("bike_net_13x20x16x8x3", 10802.40381274802, 1.64),
    ],
)
def test_published_networks(data: Path, file: str, exact: float, eclipse: float) -> None:
    """ECLipsE-Fast over the exact constant, to the digits published; and the others in order."""
    net = read_onnx(data / "exlipbab" / f"{file}_ReLU.onnx")
    assert round(run(EclipseFast(), net).upper / exact, 2) == eclipse
    joint, seqlip, sdp = (run(m, net).upper for m in (SeqLipJoint(), SeqLip(), SeqLipSdp()))
    assert exact <= joint <= seqlip <= sdp * (1 + 1e-9)
    assert run(SeqLip(), net).details[0].gap < 1e-9
