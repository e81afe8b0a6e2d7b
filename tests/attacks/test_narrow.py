"""Networks of more inputs than neurons in the first layer: searched in few coordinates, certified in all."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from lipverify.attacks.local_search import LocalSearch
from lipverify.attacks.narrow import Narrowed
from lipverify.attacks.patterns import Neighbourhood
from lipverify.domain import Box, Everywhere
from lipverify.evaluate import jacobian, pattern
from lipverify.network import Network
from lipverify.norms import norm_pair, operator_norm
from lipverify.problem import Budget, Problem
from tests import oracle
from tests.attacks.test_attacks import run


def wide_network(rng: np.random.Generator, dims: tuple[int, ...]) -> Network:
    """Gaussian weights and biases."""
    return Network(
        [rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)], [rng.standard_normal(m) for m in dims[1:]]
    )


@pytest.mark.parametrize("q", [1.0, 2.0, math.inf])
def test_narrowed_network_is_the_network(q: float) -> None:
    rng = np.random.default_rng(0)
    net = wide_network(rng, (40, 6, 5, 3))
    pair = norm_pair((2, q))
    seen = Narrowed.of(net, Problem(net, pair))
    assert seen.network.input_dim == 6
    for z in rng.standard_normal((20, 6)):
        x = np.array(seen.wide(z.tolist()), dtype=np.float64)
        mine, its = pattern(net, x), pattern(seen.network, z)
        assert all(np.array_equal(a, b) for a, b in zip(mine, its, strict=True))
        there, here = jacobian(net, mine), jacobian(seen.network, its)
        assert float(operator_norm(there, pair)) == pytest.approx(float(operator_norm(here, pair)), rel=1e-12)


@pytest.mark.parametrize("p", [(1, 2), (math.inf, math.inf), 2])
def test_only_where_nothing_is_lost(p: object) -> None:
    """Other norms see the inputs themselves, and so do domains; an affine network has nothing to search."""
    net = wide_network(np.random.default_rng(1), (9, 3, 2))
    domain = Box(-np.ones(9), np.ones(9)) if p == 2 else Everywhere()
    assert Narrowed.of(net, Problem(net, norm_pair(p), domain)).basis is None
    affine = Network([np.ones((2, 9))])
    assert Narrowed.of(affine, Problem(affine, norm_pair(2))).basis is None


def test_local_search_on_a_wide_network_reaches_the_truth() -> None:
    """Every pattern has a region, so the truth is a maximum over all of them; its witness is one of 60 inputs."""
    net = wide_network(np.random.default_rng(2), (60, 7, 2))
    w, v = net.weights
    every = np.array(list(itertools.product((0.0, 1.0), repeat=7)))
    truth = max(float(np.linalg.norm(v @ (s[:, None] * w), 2)) for s in every)
    bound = run(LocalSearch(), net)
    assert bound.lower == pytest.approx(truth, rel=1e-12)
    assert bound.stats["lps"] == 0
    assert bound.witness is not None
    assert len(bound.witness.point) == 60
    assert oracle.locate(net, None, bound.witness.point) is not None


def test_patterns_without_a_region_have_no_direct_point() -> None:
    """Rows a, −a and no biases: of four patterns two have a region. A direct point is believed only where it fits."""
    row = np.array([1.0, 2.0, -1.0])
    net = Network([np.array([row, -row]), [[1.0, 1.0]]])
    around = Neighbourhood(net, Everywhere(), norm_pair(2), lambda: False)
    found = {s: around.interior((np.array(s),)) for s in itertools.product((False, True), repeat=2)}
    assert {s for s, z in found.items() if z is not None} == {(False, True), (True, False)}


def test_direct_points_have_their_pattern() -> None:
    rng = np.random.default_rng(3)
    net = wide_network(rng, (12, 8, 1))
    around = Neighbourhood(net, Everywhere(), norm_pair(2), lambda: False)
    for bits in rng.random((50, 8)) < 0.5:
        found = around.interior((bits,))
        assert found is not None
        z, t = found
        (seen,) = pattern(net, np.array(z) / float(t))
        assert np.array_equal(seen, bits)
    assert around.programs == 0


def test_offers_are_certified_in_all_inputs() -> None:
    """A basis that is wrong costs quality and no truth: what is reported is the norm at the point that was offered."""
    rng = np.random.default_rng(4)
    net = wide_network(rng, (20, 4, 4, 1))
    for bound in LocalSearch(patience=3).run(Problem(net, norm_pair(2)), Budget()):
        if bound.witness is not None:
            at = np.array([float(x) for x in bound.witness.point])
            assert float(np.linalg.norm(jacobian(net, pattern(net, at)), 2)) == pytest.approx(bound.lower, rel=1e-9)
