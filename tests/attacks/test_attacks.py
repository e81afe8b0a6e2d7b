"""The attacks: never above the truth, close to it on small networks, and at home on every domain and norm."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipverify.attacks.annealing import Annealing
from lipverify.attacks.ascent import Ascent
from lipverify.attacks.local_search import LocalSearch
from lipverify.attacks.points import exact_points, normalised, sample_points, scales
from lipverify.attacks.sample import Sample
from lipverify.bound import Bound, Rigor, Status
from lipverify.domain import Box, Domain, Everywhere, Polytope
from lipverify.evaluate import pattern
from lipverify.geometry.margin import MarginProgram
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, norm_pair
from lipverify.problem import Budget, Method, Problem
from tests import oracle

EVERY: tuple[Method, ...] = (
    Sample(points=2_048),
    LocalSearch(),
    Ascent(chains=64, rounds=2, steps=12),
    Annealing(chains=64, steps=128),
)
KINDS = [(0.0, 1.0), (0.125, 1.0), (-1.0, 1.0), (1.0, 1.0), (2.0, -0.5)]


def run(method: Method, net: Network, domain: Domain | None = None, p: Any = 2, **budget: Any) -> Bound:
    """The last bound; those before it must be weaker and say INTERRUPTED."""
    bounds = list(method.run(Problem(net, norm_pair(p), domain or Everywhere()), Budget(**budget)))
    assert all(b.status is Status.INTERRUPTED for b in bounds[:-1])
    assert all(early.lower <= late.lower for early, late in itertools.pairwise(bounds))
    assert bounds[-1].lower_rigor is Rigor.PROVED
    assert bounds[-1].upper == math.inf
    return bounds[-1]


def random_network(rng: np.random.Generator, *, outputs: int = 3) -> Network:
    """Up to three inputs, two hidden layers of up to four neurons; slopes and ties half of the time."""
    hidden = rng.integers(1, 5, rng.integers(0, 3)).tolist()
    dims = [int(rng.integers(1, 4)), *hidden, int(rng.integers(1, outputs + 1))]
    draw = (lambda *s: rng.integers(-2, 3, s)) if rng.random() < 0.5 else (lambda *s: rng.standard_normal(s))
    weights = [draw(m, n) for n, m in itertools.pairwise(dims)]
    slopes = [[KINDS[i] for i in rng.integers(0, len(KINDS), n)] for n in dims[1:-1]]
    return Network(weights, [draw(n) for n in dims[1:]], slopes if rng.random() < 0.5 else None)


def random_domain(rng: np.random.Generator, d: int) -> Domain:
    """Each kind, the polytope unbounded."""
    wedge = Polytope(np.vstack([-np.eye(d)[:1], np.ones(d)]), [-0.25, 2])
    kinds = (Everywhere(), Box(-np.ones(d), np.ones(d) / 2), wedge)
    return kinds[int(rng.integers(3))]


def holds(net: Network, domain: Domain, bound: Bound, p: float, q: float) -> float:
    """Check bound and witness against the oracle; the ratio of the bound to the best region's float norm."""
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    assert oracle.encloses(jacobians, bound.lower, math.inf, p, q)
    if bound.witness is not None:
        found = oracle.locate(net, domain, bound.witness.point)
        assert found is not None
        assert found[0] == bound.witness.pattern
        assert oracle.encloses([found[1]], bound.lower, math.inf, p, q)
    if oracle.encloses(jacobians, 0.0, bound.lower * (1 + 1e-12), p, q):
        return 1.0
    ratios = [r / 100 for r in range(100, 0, -1)]
    return next((r for r in ratios if oracle.encloses(jacobians, 0.0, bound.lower / r, p, q)), 0.0)


def test_bounds_hold_and_local_search_is_close() -> None:
    """200 random networks and domains, ℓ2: exactly below the truth, and ≥ 99 % of it on ≥ 95 % of them."""
    rng = np.random.default_rng(0)
    ratios: list[float] = []
    for _ in range(200):
        net = random_network(rng)
        domain = random_domain(rng, net.input_dim)
        ratios.append(holds(net, domain, run(LocalSearch(), net, domain), 2, 2))
    assert np.mean(np.array(ratios) >= 0.99) >= 0.95


@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
def test_every_pair_of_norms(pair: tuple[float, float]) -> None:
    """Every attack, all nine pairs, every domain."""
    rng = np.random.default_rng(ALL_PAIRS.index(pair))
    for _ in range(6):
        net = random_network(rng, outputs=2)
        domain = random_domain(rng, net.input_dim)
        for method in EVERY:
            bound = run(method, net, domain, pair)
            assert bound.witness is not None
            holds(net, domain, bound, *pair)


DEGENERATE = {
    "identity": (Network([[[1.0], [-1.0]], [[1.0, -1.0]]]), 1.0),
    "zero": (Network([[[1.0], [-1.0], [1.0], [-1.0]], [[1.0, 1.0, -1.0, -1.0]]]), 0.0),
    "corner": (Network([[[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [[1.0, 1.0, -1.0]]]), math.sqrt(5)),
    "dead": (Network([[[1.0]], [[-1.0]], [[1.0]]]), 0.0),
    "constant": (Network([[[1.0], [-1.0]], np.eye(2), [[1.0, 5.0]]]), 5.0),
    "scalar": (Network([[[-7.0]]]), 7.0),
    "linear": (Network([[[2.0]], [[3.0]]], slopes=[[(1.0, 1.0)]]), 6.0),
}


@pytest.mark.parametrize("name", DEGENERATE)
@pytest.mark.parametrize("method", EVERY, ids=lambda m: m.name)
def test_degenerate_networks(name: str, method: Method) -> None:
    """Closed forms; patterns that hold on a lower-dimensional set do not count."""
    net, truth = DEGENERATE[name]
    bound = run(method, net)
    assert bound.lower == pytest.approx(truth, rel=1e-12)
    assert bound.witness is not None
    assert bound.status is Status.ONE_SIDED


@pytest.mark.parametrize("size", [1e-150, 1e-12, 1.0, 1e12, 1e150])
@pytest.mark.parametrize("method", EVERY, ids=lambda m: m.name)
def test_biases_of_any_scale(size: float, method: Method) -> None:
    """A bump of slope 3 on an interval of that size, slope 1 outside, at that distance from 0."""
    net = Network([[[1.0], [1.0], [1.0]], [[1.0, 2.0, -2.0]]], [[0.0, -size, -2 * size], [0.0]])
    assert run(method, net).lower == 3.0


@pytest.mark.parametrize("factors", [(1e200, 1e-200), (1e-200, 1e200), (1e200, 1e200), (1e-200, 1e-200)])
def test_weights_of_any_scale(factors: tuple[float, float]) -> None:
    """|x| scaled: no overflow on the way, and at the end the nearest float below."""
    net = Network([[[factors[0]], [-factors[0]]], [[factors[1], factors[1]]]])
    exact = factors[0] * factors[1]
    for method in EVERY:
        assert run(method, net).lower == pytest.approx(min(exact, np.finfo(float).max), rel=1e-12)


@pytest.mark.parametrize("method", EVERY, ids=lambda m: m.name)
def test_thin_and_far_domains(method: Method) -> None:
    """A polytope that holds no float, a sliver of a box, a wide box whose kinks are all near 0."""
    net = Network([[[1.0], [-1.0]], [[1.0, 2.0]]])
    fibonacci = [1, 1]
    while len(fibonacci) < 76:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    a, b, c = fibonacci[-3:]
    assert b * b - a * c == 1  # a/b < x < b/c is 1/(bc) wide: neither holds a float
    bound = run(method, net, Polytope([[-b], [c]], [-a, b]))
    assert bound.lower == 1.0
    assert bound.witness is not None
    sliver = Box([1.0], [np.nextafter(1.0, 2.0)])
    assert run(method, net, sliver).lower == 1.0
    bump = Network([[[1.0], [1.0], [1.0]], [[1.0, 5.0, -5.0]]], [[0.0, -1.0, -2.0], [0.0]])
    assert run(method, bump, Box([-1e5], [1e5])).lower == 6.0
    assert run(method, net, Polytope([[1.0]], [-1e100])).lower == 2.0


def test_same_seed_same_bound() -> None:
    """Deterministic for a seed, witness included."""
    rng = np.random.default_rng(3)
    net = Network([rng.standard_normal((9, 5)), rng.standard_normal((7, 9)), rng.standard_normal((2, 7))])
    for method in EVERY:
        first, second = (run(method, net, seed=4) for _ in range(2))
        assert (first.lower, first.witness) == (second.lower, second.witness)


def test_no_time_still_gives_a_bound() -> None:
    """The first batch is always looked at."""
    rng = np.random.default_rng(3)
    net = Network([rng.standard_normal((9, 5)), rng.standard_normal((2, 9))])
    for method in (Sample(), LocalSearch(), Ascent(), Annealing()):
        bound = run(method, net, seconds=0.0)
        assert bound.lower > 0
        assert bound.status is Status.TIME_LIMIT


def test_local_search_beats_sampling() -> None:
    """Ten inputs, twenty neurons: regions that random points do not meet."""
    rng = np.random.default_rng(9)
    weights = [rng.standard_normal((20, 10)), rng.standard_normal((1, 20))]
    net = Network(weights, [rng.standard_normal(20), None])
    assert run(LocalSearch(), net).lower > run(Sample(), net).lower * 1.02


def test_points_lie_inside_their_domain() -> None:
    """Floats almost all of them, rational ones all of them."""
    rng = np.random.default_rng(1)
    net = Network([rng.standard_normal((4, 3)), np.ones((1, 4))], [rng.standard_normal(4), None])
    simplex = Polytope(np.vstack([-np.eye(3), np.ones(3)]), [0, 0, 0, 1])
    for domain in (Everywhere(), Box(-np.ones(3), np.full(3, 1e-3)), simplex):
        points = sample_points(net, domain, 200, rng)
        inside = [domain.contains_inside(p) for p in points.tolist()]
        assert np.mean(inside) > 0.95
        exact = list(itertools.islice(exact_points(domain, 3, rng), 20))
        assert all(domain.contains_inside(p) for p in exact)
        assert len(set(exact)) == 20


def test_scales_are_those_of_the_biases() -> None:
    """Kinks at 1e-6 and 1e6: both are in the range."""
    net = Network([[[1.0], [1.0]], [[1.0, 1.0]]], [[1e-6, 1e6], [0.0]])
    low, high = scales(net, np.random.default_rng(0))
    assert low <= math.log2(1e-6) + 1
    assert high >= math.log2(1e6) - 1


def test_normalised_keeps_patterns() -> None:
    """Powers of two leave every sign as it is."""
    rng = np.random.default_rng(2)
    weights = [rng.standard_normal(shape) for shape in ((4, 2), (3, 4), (1, 3))]
    weights = [scale * w for scale, w in zip((1e150, 1e-170, 1.0), weights, strict=True)]
    net = Network(weights, [rng.standard_normal(4), 1e-20 * rng.standard_normal(3), None])
    points = rng.standard_normal((50, 2)) * 1e-150
    for a, b in zip(pattern(net, points), pattern(normalised(net), points), strict=True):
        assert np.array_equal(a, b)


def test_margin_program() -> None:
    """Closed forms: a half-space, a wedge, an empty and a flat cone, rows of any scale."""
    program = MarginProgram(2)
    assert program.interior_point(np.array([[1.0, -1.0], [0.0, 0.0]])) is not None
    wedge = program.interior_point(np.array([[1e200, 0.0], [0.0, 1e-200]]))
    assert wedge is not None
    assert wedge.margin == pytest.approx(1.0)
    assert wedge.point == pytest.approx([1.0, 1.0])
    assert program.interior_point(np.array([[1.0, 0.0], [-1.0, 0.0]])) is None
    assert program.interior_point(np.array([[0.0, -1.0], [1.0, 0.0]])) is None
    assert program.interior_point(np.zeros((0, 2))) is not None


@pytest.mark.parametrize(
    ("file", "exact"),
    [
        ("iris_net_4x6x6x3", 11.634355134114875),
        ("abalone_net_9x16x16x1", 11.121602332235268),
        ("wine_net_11x12x12x1", 1.7433699967107172),
    ],
)
def test_published_networks(data: Path, file: str, exact: float) -> None:
    """Trained networks whose global ℓ2 constant is known: reached, and not exceeded."""
    from tests.estimators.test_estimators import read_onnx

    bound = run(LocalSearch(), read_onnx(data / "exlipbab" / f"{file}_ReLU.onnx"))
    assert exact * (1 - 1e-9) <= bound.lower <= exact * (1 + 1e-15)
