"""ECLipsE-Fast against its paper's recursion, closed forms, and the inputs on which published code fails."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.eclipse_fast import EclipseFast, equal_scales, majorant, passed
from lipverify.network import Network
from lipverify.trusted.balls import Ball
from tests import oracle
from tests.estimators.test_estimators import all_pattern_jacobians, run


def paper_value(weights: list[np.ndarray]) -> float:
    """X_0 = I, Λ = 2/‖W X⁻¹ Wᵀ‖ · I, X ← Λ − ¼ Λ W X⁻¹ Wᵀ Λ; L² = ‖W_K X⁻¹ W_Kᵀ‖ (arXiv:2404.04375 for relu)."""
    inverse = np.eye(weights[0].shape[1])
    for weight in weights[:-1]:
        gram = weight @ inverse @ weight.T
        multiplier = 2 / np.linalg.norm(gram, 2)
        inverse = np.linalg.inv(multiplier * np.eye(len(gram)) - multiplier**2 / 4 * gram)
    return math.sqrt(np.linalg.norm(weights[-1] @ inverse @ weights[-1].T, 2))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_relu_networks_get_the_papers_value(depth: int) -> None:
    rng = np.random.default_rng(depth)
    for _ in range(5):
        dims = rng.integers(1, 9, depth + 2)
        weights = [rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)]
        bound = run(EclipseFast(), Network(weights))
        assert bound.upper == pytest.approx(paper_value(weights), rel=1e-9)
        assert bound.upper <= run(AutoLip(), Network(weights)).upper
        assert len(bound.details) == depth


@pytest.mark.parametrize("slopes", [(-1.0, 1.0), (0.25, 1.0), (-2.0, 0.5), (0.0, -3.0), (0.0, 0.0)])
def test_one_neuron_passes_its_steepest_slope(slopes: tuple[float, float]) -> None:
    """P = G max(|l|, |h|)², for slopes of any sign."""
    limits = np.array([[4.0]]), np.array([min(slopes)]), np.array([max(slopes)])
    ball = passed(*limits, equal_scales(*limits))
    assert ball.mid[0, 0] == pytest.approx(4 * max(map(abs, slopes)) ** 2, rel=1e-5)


def test_what_passes_stays_in_the_ellipsoid() -> None:
    """v = diag(σ) y for y on the boundary of the first ellipsoid and σ at vertices: vᵀ P⁻¹ v ≤ 1."""
    rng = np.random.default_rng(0)
    for _ in range(10):
        n = int(rng.integers(1, 6))
        factor = rng.standard_normal((n, n))
        low, high = np.sort(rng.uniform(-2, 2, (2, n)), axis=0)
        gram = factor @ factor.T
        scale = equal_scales(gram, low, high) if rng.random() < 0.5 else rng.exponential(1.0, n)  # any is valid
        shape, exponent = majorant(passed(gram, low, high, scale))
        inverse = np.linalg.inv(shape * 2.0**exponent)
        for _ in range(200):
            z = rng.standard_normal(n)
            v = np.where(rng.random(n) < 0.5, low, high) * (factor @ (z / np.linalg.norm(z)))
            assert v @ inverse @ v <= 1 + 1e-12


def test_a_majorant_is_above_its_ball() -> None:
    rng = np.random.default_rng(1)
    mid, rad = rng.standard_normal((4, 4)), 0.1 * rng.random((4, 4))
    above, exponent = majorant(Ball(mid, rad))
    for _ in range(100):
        member = mid + rad * rng.uniform(-1, 1, (4, 4))
        assert np.linalg.eigvalsh(2.0**exponent * above - (member + member.T) / 2)[0] >= 0


@pytest.mark.parametrize(
    ("weights", "slopes", "constant"),
    [
        ([[[3.0, 4.0]]], None, 5.0),  # no hidden layer
        ([[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0]]], None, 0.0),  # zero outgoing weights
        ([[[0.0, 0.0]], [[1.0], [1.0]]], None, 0.0),  # constant 0
        ([[[2.0]], [[0.0]], [[3.0]]], None, 0.0),
        ([[[1.0], [-1.0]], [[1.0, -1.0]]], [[(1, 1), (1, 1)]], 2.0),  # linear throughout: fused
        ([[[1.0], [-1.0]], [[1.0, -1.0]]], [[(0, 0), (0, 0)]], 0.0),  # dead
        ([[[2.0]], [[3.0]]], [[(-1, 1)]], 6.0),
        ([np.eye(4, dtype=np.float32), 0.5 * np.ones((1, 4), dtype=np.float32)], None, 1.0),
    ],
)
def test_small_networks_with_known_constants(weights: list, slopes: list | None, constant: float) -> None:
    """Never nan, never below; here the ellipsoid is as good as the constant itself."""
    bound = run(EclipseFast(), Network(weights, slopes=slopes))
    assert constant <= bound.upper <= constant * (1 + 1e-5) + 1e-150


def test_a_star_of_four_edges_is_not_rounded_below_two() -> None:
    """Its constant is 2; a semidefinite solver's tolerance has been seen to return 1.9999968."""
    star = np.zeros((5, 4))
    star[0], star[1:] = 1.0, -np.eye(4)
    net = Network([star, np.ones((1, 5))])
    assert oracle.encloses(all_pattern_jacobians(net), 0.0, run(EclipseFast(), net).upper, 2, 2)
    assert run(EclipseFast(), net).upper >= 2


def test_layers_of_mixed_slopes_and_sizes() -> None:
    """Neurons of very different slopes and scales side by side, exactly not below any pattern."""
    rng = np.random.default_rng(2)
    kinds = [(0.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (5e-324, 0.0), (0.0, 2.0**20)]
    for _ in range(10):
        first = rng.standard_normal((5, 2)) * 2.0 ** rng.integers(-40, 20, (5, 1))
        net = Network([first, rng.standard_normal((2, 5))], slopes=[[kinds[i] for i in rng.permutation(5)]])
        assert oracle.encloses(all_pattern_jacobians(net), 0.0, run(EclipseFast(), net).upper, 2, 2)
