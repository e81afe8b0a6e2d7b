"""LipLT, ECLipsE, its local form and the localised LipSDP: never below the truth, ordered as their papers say."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.estimators.eclipse import Eclipse
from lipverify.estimators.eclipse_closed import EclipseClosed, candidates, reached
from lipverify.estimators.eclipse_gen_local import EclipseGenLocal
from lipverify.estimators.geolip import GeoLip
from lipverify.estimators.liplt import LipLT
from lipverify.estimators.lipsdp import LipSDP
from lipverify.problem import Method
from lipverify.relaxations.decided import decided_signs, domain_ranges
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.estimators.test_estimators import run

NEARLY = 1 + 1e-6  # what two descents to the same programme may differ by
LOCAL: tuple[Method, ...] = (LipSDP(), EclipseGenLocal())


@settings(max_examples=examples(15))
@given(st.data(), st.sampled_from([2, 2, 2, 1, math.inf]))
def test_none_is_below_the_constant_and_each_keeps_its_place(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), width=(1, 3), outputs=(1, 2)))
    domain = data.draw(domains(net.input_dim, kinds=["ball", "box", "polytope", "everywhere"]))
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]

    def upper(method: Method, domain: lv.Domain | None) -> float:
        bound = lv.upper(net, method, p=p, domain=domain)
        assert oracle.encloses(jacobians, 0.0, bound.upper, float(p), float(p)), method.name
        assert bound.upper_rigor is lv.Rigor.ROUNDED
        return bound.upper

    assert upper(LipLT(), domain) <= lv.upper(net, "autolip", p=p).upper
    if p != 2:
        geolip = upper(GeoLip(), None)
        assert geolip <= lv.upper(net, "autolip", p=p).upper
        assert upper(GeoLip(), domain) <= geolip * NEARLY
        return
    eclipse, lipsdp = upper(Eclipse(), domain), upper(LipSDP(), None)
    assert lipsdp <= eclipse * NEARLY
    fast = lv.upper(net, "eclipse-fast").upper
    assert eclipse <= fast
    assert upper(EclipseClosed(), domain) <= fast
    assert upper(LipSDP(), domain) <= lipsdp * NEARLY
    if domain.bounded:
        assert upper(EclipseGenLocal(), domain) <= eclipse


def paper_liplt(weights: list[np.ndarray]) -> float:
    """The recursion of arXiv:2310.00116 for relu: middles ½, rests ½."""
    bounds: list[float] = []
    for k in range(len(weights)):
        product, total = weights[k], 0.0
        for j in range(k - 1, -1, -1):
            total += np.linalg.norm(product, 2) / 2 * bounds[j]
            product = product @ weights[j] / 2
        bounds.append(total + np.linalg.norm(product, 2))
    return bounds[-1]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_liplt_is_the_papers_recursion(depth: int) -> None:
    rng = np.random.default_rng(depth)
    for _ in range(5):
        dims = rng.integers(1, 9, depth + 2)
        weights = [rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)]
        assert run(LipLT(), lv.Network(weights)).upper == pytest.approx(paper_liplt(weights), rel=1e-12)


def test_eclipse_is_lipsdp_for_one_hidden_layer_and_between_the_two_behind_it() -> None:
    rng = np.random.default_rng(3)
    between = 0
    for depth in (1, 1, 1, 3, 3, 3):
        dims = [4, *[7] * depth, 2]
        net = lv.Network([rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)])
        fast, eclipse, lipsdp = (lv.upper(net, name).upper for name in ("eclipse-fast", "eclipse", "lipsdp"))
        if depth == 1:
            assert eclipse == pytest.approx(lipsdp, rel=1e-6)
        between += lipsdp * 1.001 < eclipse < fast * 0.999
    assert between == 3


def test_every_closed_form_is_above_the_gram_matrix_and_the_best_lies_between_one_multiplier_and_all() -> None:
    rng = np.random.default_rng(8)
    factor = rng.standard_normal((6, 3)) * np.array([1, 1, 2, 3, 0.1, 10])[:, None]
    gram, low, high = factor @ factor.T, np.zeros(6), np.ones(6)
    scales = candidates(gram, low, high)
    for scale in scales:
        assert np.linalg.eigvalsh(np.diag(scale**-2.0) - gram)[0] > 0
    values = [reached(gram, low, high, scale, np.ones((1, 6))) for scale in scales]
    assert min(values) < 0.9 * values[0]
    net = lv.Network([factor, np.ones((1, 6))])
    closed = run(EclipseClosed(), net).upper
    assert closed == pytest.approx(math.sqrt(min(values)), rel=1e-6)
    assert run(LipSDP(), net).upper <= closed


def shor(quadratic: np.ndarray) -> float:
    """max ⟨Q, X⟩ over X ⪰ 0 with a diagonal of ones, by cvxpy: the relaxation of max sᵀQs over signs s."""
    import cvxpy as cp

    matrix = cp.Variable(quadratic.shape, PSD=True)
    problem = cp.Problem(cp.Maximize(cp.trace(quadratic @ matrix)), [cp.diag(matrix) == 1])
    problem.solve(solver=cp.CLARABEL)
    return float(problem.value)


@pytest.mark.parametrize(("inputs", "neurons"), [(3, 4), (2, 6)])
def test_with_one_hidden_layer_and_output_the_programmes_are_shor_s(inputs: int, neurons: int) -> None:
    """p = 2: max ‖Aᵀs‖² over s ∈ {0, 1}ⁿ, A = diag(c) W. p = ∞: max sᵀA x over x ∈ {−1, 1}ᵈ as well."""
    rng = np.random.default_rng(neurons)
    first, last = rng.standard_normal((neurons, inputs)), rng.standard_normal((1, neurons))
    net, A = lv.Network([first, last]), last.T * first
    stacked = np.vstack([A.sum(axis=0), A]) / 2  # s = (1 + signs)/2, and a sign more that multiplies the 1
    assert lv.upper(net, "lipsdp").upper == pytest.approx(math.sqrt(shor(stacked @ stacked.T)), rel=1e-5)
    n = neurons + 1
    bilinear = np.block([[np.zeros((n, n)), stacked / 2], [stacked.T / 2, np.zeros((inputs, inputs))]])
    assert lv.upper(net, "geolip", p=math.inf).upper == pytest.approx(shor(bilinear), rel=1e-5)


def test_geolip_sees_every_output_and_every_input() -> None:
    """Rows of different sizes, whichever comes first; linear networks get their norm."""
    rng = np.random.default_rng(5)
    net = lv.Network([rng.standard_normal((5, 3)), rng.standard_normal((4, 5)) * np.array([[1], [3], [0.1], [2]])])
    rows = [lv.upper(net.output(np.eye(4)[[k]]), GeoLip(), p=math.inf).upper for k in range(4)]
    assert lv.upper(net, GeoLip(), p=math.inf).upper == pytest.approx(max(rows), rel=1e-6)
    matrix = rng.standard_normal((3, 4))
    for p in (1, math.inf):
        assert lv.upper(lv.Network([matrix]), GeoLip(), p=p).upper == pytest.approx(np.linalg.norm(matrix, p), rel=1e-6)


def test_where_ranges_decide_all_neurons_the_norm_itself_is_left() -> None:
    net = lv.Network([[[1, 0], [0, 1]], [[3, 4], [4, -3]], [[1, 1]]], [[2, -2], [0, 0], [0]])
    box = lv.Box([-1, -1], [1, 1])  # the first neuron is active, the second one is not
    for method in LOCAL:
        bound = lv.upper(net, method, domain=box)
        assert 7 <= bound.upper <= 7 * (1 + 1e-6)  # (3, 0) + (4, 0)
    assert lv.upper(net, LipSDP()).upper > 7.07


@pytest.mark.parametrize("method", LOCAL)
def test_a_ball_decides_by_its_radius_and_a_cube_by_the_way_to_its_corners(method: Method) -> None:
    """relu(x_1 + x_2 − s) is 0 on a ball of radius r iff s ≥ √2 r, and on a cube of radius r iff s ≥ 2 r."""
    for shift, on_ball, on_box in ((1.25, False, False), (1.5, True, False), (1.75, True, False), (2.0, True, True)):
        net = lv.Network([[[1, 1]], [[1]]], [[-shift], [0]])
        for domain, decided in ((lv.Ball([0, 0], 1), on_ball), (lv.Box([-1, -1], [1, 1]), on_box)):
            upper = lv.upper(net, method, domain=domain).upper
            assert upper < 1e-70 if decided else upper >= math.sqrt(2)


@settings(max_examples=examples(20))
@given(st.data())
def test_ranges_hold_at_points_of_every_region(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3)))
    domain = data.draw(domains(net.input_dim, kinds=["ball", "box"]))
    ranges = domain_ranges(net, domain)
    signs = np.split(decided_signs(net, domain), np.cumsum(net.hidden)[:-1]) if net.hidden else []
    for region in oracle.regions(net, domain):
        values = [float(v) for v in region.point]
        for layer, (low, high) in enumerate(zip(ranges.low, ranges.high, strict=True)):
            found = preactivations(net, region.point)[layer]
            assert all(a <= y <= b for a, y, b in zip(low.tolist(), found, high.tolist(), strict=True)), values
            if layer < len(signs):
                assert all(s * y >= 0 for s, y in zip(signs[layer].tolist(), found, strict=True))


def preactivations(net: lv.Network, point: Any) -> list[list[Any]]:
    """Of every layer at a rational point, exactly."""
    weights, biases, slopes = net.fractions()
    values, found = list(point), []
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        found.append(
            [sum(w * v for w, v in zip(row, values, strict=True)) + b for row, b in zip(weight, bias, strict=True)]
        )
        if k < len(slopes):
            values = [y * s[1 if y > 0 else 0] for y, s in zip(found[-1], slopes[k], strict=True)]
    return found
