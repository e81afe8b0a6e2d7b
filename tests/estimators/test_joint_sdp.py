"""The joint moment relaxation: proved from its multipliers whatever the solver says, and tighter than LipSDP."""

from __future__ import annotations

import itertools
import math
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.estimators import joint_sdp
from lipverify.estimators.joint_sdp import JointSDP
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples

cvxpy = pytest.importorskip("cvxpy", reason="joint-sdp models with cvxpy: pip install 'lipverify[sdp]'")


@settings(max_examples=examples(15))
@given(st.data())
def test_it_is_never_below_the_constant_nor_above_lipsdp(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), width=(1, 3), outputs=(1, 1)))
    domain = data.draw(domains(net.input_dim, kinds=["ball", "box", "polytope", "everywhere"]))
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    bound = lv.upper(net, "joint-sdp", domain=domain)
    assert oracle.encloses(jacobians, 0.0, bound.upper, 2, 2)
    assert bound.upper <= lv.upper(net, "lipsdp", domain=domain).upper


def seeded(dims: tuple[int, ...], seed: int) -> lv.Network:
    """Entries N(0, 1/n) of the matrices, then N(0, 1) of the biases."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((m, n)) / math.sqrt(n) for n, m in itertools.pairwise(dims)]
    return lv.Network(weights, [rng.standard_normal(m) for m in dims[1:]])


@pytest.mark.parametrize(
    ("dims", "seed", "lipsdp", "joint"), [((4, 12, 1), 0, 1.1032, 0.95), ((2, 8, 8, 1), 1, 0.7086, 0.53)]
)
def test_it_sees_the_biases_where_no_diagonal_multiplier_does(
    dims: tuple[int, ...], seed: int, lipsdp: float, joint: float
) -> None:
    net = seeded(dims, seed)
    exact, bound = lv.exact(net), lv.upper(net, "joint-sdp")
    assert lipsdp - 1e-4 <= lv.upper(net, "lipsdp").upper <= lipsdp
    assert exact.lower <= bound.upper <= joint
    assert bound.stats["coordinates"] == dims[0] + 1 + 2 * net.neurons


@pytest.mark.parametrize("options", [{"max_iter": 4}, {"max_iter": 12}, {"tol_gap_rel": 0.3, "tol_feas": 0.1}])
def test_what_the_solver_says_is_not_believed(options: dict[str, Any]) -> None:
    net = seeded((2, 4, 1), 5)
    exact, lipsdp = lv.exact(net).lower, lv.upper(net, "lipsdp").upper
    assert exact <= lv.upper(net, JointSDP(options=options)).upper <= lipsdp


def test_another_solver_is_chosen_by_its_name() -> None:
    net = seeded((2, 3, 1), 2)
    assert lv.exact(net).lower <= lv.upper(net, JointSDP("SCS")).upper <= lv.upper(net, "lipsdp").upper
    with pytest.raises(lv.InvalidArgument, match=r"no solver 'MAGIC' here; it has .*CLARABEL"):
        lv.upper(net, JointSDP("MAGIC"))


def test_without_cvxpy_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Any:
        if name == "cvxpy":
            raise ImportError(name)
        return import_module(name)

    monkeypatch.setattr(joint_sdp, "import_module", without)
    with pytest.raises(lv.LipverifyError, match=r"pip install 'lipverify\[sdp\]'"):
        lv.upper(seeded((2, 3, 1), 2), "joint-sdp")


def test_a_neuron_that_no_input_reaches_keeps_its_value() -> None:
    """relu(min(relu(x), 1) + 100 relu(−1) − ¼): were relu(−1) carried on as −1, no point would be steep."""
    hidden = [[[0.0], [1.0], [1.0]], [[100.0, 1.0, -1.0]], [[1.0]]]
    net = lv.Network(hidden, [[-1.0, 0.0, -1.0], [-0.25], [0.0]])
    assert lv.exact(net).exact_square == 1
    assert 1 <= lv.upper(net, "joint-sdp").upper <= 1.001


@pytest.mark.parametrize(
    ("domain", "top"),
    [(lv.Box([-1, -3], [3, 1]), 4), (lv.Polytope([[1, 1], [-1, 0], [0, -1]], [1, 1, 1]), 1)],
    ids=["box", "polytope"],
)
def test_domains_reach_as_far_as_they_do(domain: lv.Domain, top: float) -> None:
    """relu(x_1 + x_2 − s) has slopes where x_1 + x_2 is largest, for s just below its supremum."""
    net = lv.Network([[[1.0, 1.0]], [[1.0]]], [[-0.9 * top], [0.0]])
    assert lv.upper(net, "joint-sdp", domain=domain).upper >= math.sqrt(2)


def test_on_a_ball_it_can_be_the_constant() -> None:
    net, ball = seeded((2, 6, 1), 4), lv.Ball([0, 0], 1)
    exact = lv.exact(net, domain=ball).lower
    assert exact <= lv.upper(net, "joint-sdp", domain=ball).upper <= 1.00001 * exact
    assert exact * 1.1 <= lv.upper(net, "lipsdp", domain=ball).upper


def test_larger_networks_and_several_outputs_get_lipsdps_bound() -> None:
    for net in (seeded((2, 30, 1), 1), seeded((2, 4, 2), 1)):
        bound = lv.upper(net, "joint-sdp")
        assert bound.upper == lv.upper(net, "lipsdp").upper
        assert not bound.stats
