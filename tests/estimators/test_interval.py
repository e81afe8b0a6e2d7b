"""The estimators on bounded domains against exact constants, with no tolerance; tightness where it is known."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.attacks.sample import Sample
from lipverify.bound import Bound, Rigor, Status
from lipverify.domain import Box, Domain, Everywhere, Polytope
from lipverify.errors import InvalidArgument, UnsupportedDomain, UnsupportedNorm
from lipverify.estimators.local import Local
from lipverify.network import IDENTITY, Network
from lipverify.norms import ALL_PAIRS, SAME_NORM, NormPair, norm_pair
from lipverify.problem import Budget, Method, Problem, require_supported
from lipverify.readers import load
from lipverify.readers.vnnlib import load_box
from lipverify.relaxations.local import METHODS, local_bounds
from lipverify.testing.strategies import domains, networks
from tests import oracle
from tests.conftest import examples

BOTH: tuple[Method, ...] = (Local("interval"), Local())


def run(method: Method, net: Network, domain: Domain, p: Any = 2) -> float:
    """The last bound, with its labels checked; those before it are no better."""
    problem = Problem(net, norm_pair(p), domain)
    require_supported(method, problem)
    *before, bound = list(method.run(problem, Budget()))
    assert all(earlier.upper >= bound.upper for earlier in before)
    assert isinstance(bound, Bound)
    assert (bound.method, bound.status, bound.upper_rigor) == (method.name, Status.ONE_SIDED, Rigor.ROUNDED)
    return bound.upper


@settings(max_examples=examples(120))
@given(st.data())
def test_never_below_the_exact_constant_and_crown_never_looser(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), outputs=(1, 3)))
    domain = data.draw(domains(net.input_dim, kinds=("box", "polytope")))
    if not domain.bounded:
        for method in BOTH:
            with pytest.raises(UnsupportedDomain, match=method.name):
                run(method, net, domain)
        return
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    for pair in ALL_PAIRS:
        interval, crown = (run(method, net, domain, pair) for method in BOTH)
        assert crown <= interval
        assert oracle.encloses(jacobians, 0.0, crown, pair.p, pair.q), pair


def random_network(rng: np.random.Generator, shape: tuple[int, ...]) -> Network:
    weights = [rng.standard_normal((m, n)) for n, m in itertools.pairwise(shape)]
    return Network(weights, [rng.standard_normal(len(w)) for w in weights])


@pytest.mark.parametrize("shape", [(2, 4, 1), (3, 5, 4, 2), (2, 3, 3, 3, 2)])
def test_a_decided_box_has_its_exact_norm(shape: tuple[int, ...]) -> None:
    """So small a box that no neuron changes sign."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        net = random_network(rng, shape)
        box = Box.around(rng.standard_normal(shape[0]), 1e-7)
        (region,) = oracle.regions(net, box)
        for pair in ALL_PAIRS:
            for method in BOTH:
                upper = run(method, net, box, pair)
                assert oracle.at_most(region.jacobian, Fraction(upper) ** 2, pair.p, pair.q)
                if upper:
                    less = Fraction(upper) ** 2 * (1 - Fraction(1, 10**9))
                    assert not oracle.at_most(region.jacobian, less, pair.p, pair.q)


def test_one_hidden_layer_scalar_output_sup_of_the_gradients_norm() -> None:
    """p = 1: the largest entry over all patterns of the undecided neurons, each entry exactly that."""
    rng = np.random.default_rng(1)
    net = Network([rng.standard_normal((6, 3)), rng.standard_normal((1, 6))])
    box = Box([-1, -1, -1], [1, 1, 1])  # every hyperplane passes through the centre
    patterns = itertools.product((0.0, 1.0), repeat=6)
    truth = max(np.abs((net.weights[1] * s) @ net.weights[0]).max() for s in patterns)
    for method in BOTH:
        assert run(method, net, box, 1) == pytest.approx(truth, rel=1e-12)


PEERS: list[tuple[str, Network, Box, float, int]] = [
    # What published tools get wrong on boxes, with the exact square of the constant.
    (
        "a first layer of stable neurons",
        Network([[[-1]], [[1]], [[1]], [[-2]]], [[2], [2], [0], [0]]),
        Box([-1], [1]),
        2,
        4,
    ),
    (
        "one stable, one constant neuron",
        Network([[[0], [2]], [[1, 2]], [[1]]], [[0, 0], [-2], [0]]),
        Box([-1], [1]),
        2,
        16,
    ),
    ("ℓ1 by index", Network([[[-1, 1], [1, 2]], [[-1, 1]]], [[2.5, -0.5], [0]]), Box([-1, -1], [1, 1]), 1, 4),
    ("relu(x) − relu(−x)", Network([[[1], [-1]], [[1, -1]]]), Box([-1], [1]), math.inf, 1),
    ("max(x, y)", Network([[[1, -1], [0, 1], [0, -1]], [[1, 1, -1]]]), Box([-1, -1], [1, 1]), math.inf, 1),
    ("no hidden layer", Network([[[3, -4]]]), Box([0, 0], [1, 1]), 2, 25),
    ("an interval that is exactly 0", Network([[[0, 0], [1, 0]], [[1, 1]], [[1]]]), Box([0, 0], [1, 1]), 2, 1),
    ("a hyperplane on a facet", Network([[[1, 1], [1, 0]], [[1, 5]]], [[-2, -1], [0]]), Box([0, 0], [1, 1]), 2, 0),
    ("a facet, from the other side", Network([[[1, 0], [-1, 0]], [[1, 5]]], [[-1, 1], [0]]), Box([1, 0], [2, 1]), 2, 1),
]


@pytest.mark.parametrize(("net", "box", "p", "square"), [case[1:] for case in PEERS], ids=[case[0] for case in PEERS])
def test_cases_that_other_tools_get_wrong(net: Network, box: Box, p: Any, square: int) -> None:
    pair = norm_pair(p)
    truth = oracle.largest_square([r.jacobian for r in oracle.regions(net, box)], pair.p, pair.q)
    assert truth == square
    for method in BOTH:
        assert Fraction(run(method, net, box, pair)) ** 2 >= square


@pytest.mark.parametrize("name", ["a hyperplane on a facet", "a facet, from the other side", "no hidden layer"])
def test_a_facet_costs_nothing(name: str) -> None:
    """A hyperplane that touches the box at a facet or a corner leaves its neuron decided."""
    (net, box, p, square), *_ = [case[1:] for case in PEERS if case[0] == name]
    for method in BOTH:
        assert run(method, net, box, p) == pytest.approx(math.sqrt(square), rel=1e-13)


def test_extra_linear_layers_do_not_loosen() -> None:
    """W2 = C·D read as two layers with linear neurons between: the bound of the product."""
    rng = np.random.default_rng(2)
    first, last = rng.standard_normal((6, 3)), rng.standard_normal((2, 5))
    C, D = rng.integers(-8, 9, (5, 4)).astype(float), rng.integers(-8, 9, (4, 6)).astype(float)
    whole = Network([first, C @ D, last])
    parts = Network([first, D, C, last], slopes=[None, np.tile(IDENTITY, (4, 1)), None])
    box = Box([-1, -1, 0], [1, 0.5, 1])
    for method in BOTH:
        for pair in SAME_NORM:
            assert run(method, parts, box, pair) == pytest.approx(run(method, whole, box, pair), rel=1e-9)


@pytest.mark.parametrize(
    "scales",
    [
        (1e200, 1e-200, 1.0),
        (1e200, 1e200, 1e-300),
        (1e-200, 1e-200, 1e300),
        (1e-200,) * 3,
        (1e200,) * 3,
        (5e-324, 1.0, 1.0),
    ],
)
def test_extreme_scales(scales: tuple[float, float, float]) -> None:
    plain: list[npt.ArrayLike] = [[[1.0, 2.0], [-1.0, 1.0]], [[1.0, -1.0], [2.0, 1.0]], [[1.0, 3.0]]]
    net = Network([scale * np.array(w) for scale, w in zip(scales, plain, strict=True)], [[0.5, 0.25], None, None])
    for box in (Box([-1, -1], [1, 1]), Box([-1e308, -1e-300], [1e308, 1e-300])):
        jacobians = [region.jacobian for region in oracle.regions(net, box)]
        for method in BOTH:
            for pair in SAME_NORM:
                assert oracle.encloses(jacobians, 0.0, run(method, net, box, pair), pair.p, pair.q)


def test_zero_networks_have_0() -> None:
    for net in (
        Network([np.zeros((2, 2)), np.ones((1, 2))]),
        Network([np.ones((2, 2)), np.eye(2), np.ones((1, 2))], slopes=[np.zeros((2, 2)), None]),
        Network([np.zeros((1, 2))]),
    ):
        for method in BOTH:
            assert run(method, net, Box([-1, -1], [1, 1])) == 0.0


def test_a_bounded_polytope_is_as_good_as_its_box() -> None:
    rng = np.random.default_rng(3)
    net = random_network(rng, (2, 5, 4, 1))
    diamond = Polytope([[1, 1], [1, -1], [-1, 1], [-1, -1]], [1, 1, 1, 1])
    for method in BOTH:
        assert run(method, net, diamond) == run(method, net, Box([-1, -1], [1, 1]))


@pytest.mark.parametrize("domain", [Everywhere(), Polytope([[1.0, 0.0]], [1.0])], ids=str)
def test_unbounded_domains_are_refused(domain: Domain) -> None:
    for method in BOTH:
        with pytest.raises(UnsupportedDomain, match=method.name):
            run(method, Network([np.eye(2), np.ones((1, 2))]), domain)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(3, 5, 4, 2), (3, 6, 1), (3, 2)])
def test_many_boxes_at_once(method: Any, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces or not, every box gets the bound that it would get alone, up to rounding."""
    rng = np.random.default_rng(4)
    net = random_network(rng, shape)
    centre = rng.standard_normal((2, 9, 3))
    lower, upper = centre - 0.3, centre + 0.3
    for pair in SAME_NORM:
        bounds = local_bounds(net, lower, upper, pair, method)
        assert bounds.shape == (2, 9)
        for i, j in itertools.product(range(2), range(9)):
            alone = local_bounds(net, lower[i, j], upper[i, j], pair, method)
            assert bounds[i, j] == pytest.approx(float(alone), rel=1e-9)
        monkeypatch.setattr("lipverify.relaxations.local.CHUNK", 1)
        monkeypatch.setattr("lipverify.relaxations.crown.CHUNK", 1)
        assert local_bounds(net, lower, upper, pair, method) == pytest.approx(bounds, rel=1e-9)
        monkeypatch.undo()


def test_bad_questions() -> None:
    net = Network([np.ones((20, 20)), np.ones((20, 20))])
    low, high = -np.ones(20), np.ones(20)
    with pytest.raises(InvalidArgument, match="magic"):
        local_bounds(net, low, high, NormPair(2.0, 2.0), "magic")  # ty: ignore[invalid-argument-type]
    with pytest.raises(InvalidArgument, match="shapes"):
        local_bounds(net, low[:3], high[:3], NormPair(2.0, 2.0))
    with pytest.raises(UnsupportedNorm, match="NP-hard"):
        local_bounds(net, low, high, NormPair(math.inf, 1.0))


@pytest.mark.parametrize(
    ("model", "property_file"),
    [
        ("reach_prob_density/vdp.onnx", "reach_prob_density/vdp_0.vnnlib"),
        ("rl_benchmarks/cartpole.onnx", "rl_benchmarks/cartpole_case_safe_14.vnnlib"),
        ("acasxu/ACASXU_run2a_5_9_batch_2000.onnx", "acasxu/prop_1.vnnlib"),
    ],
)
def test_real_networks(data: Path, model: str, property_file: str) -> None:
    """Above every gradient that sampling finds, and tighter than intervals."""
    net, box = load(data / model), load_box(data / property_file)
    *_, sampled = Sample().run(Problem(net, norm_pair(2), box), Budget())
    assert sampled.lower <= run(Local(), net, box) < run(Local("interval"), net, box)
