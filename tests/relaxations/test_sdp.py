"""The split-conditioned SDP: its certificates against exact arithmetic, its value against cvxpy."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.arrays import Signs
from lipverify.rationals import fraction
from lipverify.relaxations import barrier
from lipverify.relaxations.sdp import Relaxation, certified_square, is_certified
from lipverify.relaxations.sdp_exact import exact_matrix, proved_square
from lipverify.relaxations.split import Forms, Oriented
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.testing import networks
from lipverify.trusted.semidefinite import is_positive_exact
from tests import oracle
from tests.conftest import examples

KINDS = [(0.0, 1.0), (0.1, 1.0), (-1.0, 1.0), (1.0, 1.0), (2.0, -0.5), (-0.25, -3.0)]


def random_network(seed: int, dims: tuple[int, ...], *, bent: bool = False, kinds: Any = KINDS) -> lv.Network:
    """Gaussian weights; with `bent`, slopes of every kind."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)]
    slopes = [[kinds[i] for i in rng.integers(0, len(kinds), n)] for n in dims[1:-1]]
    return lv.Network(weights, slopes=slopes if bent else None)


def solved(chain: Oriented, signs: Signs) -> Relaxation:
    """The SDP of a partial pattern, solved to the end."""
    return Relaxation.root(chain, signs).descend(chain, 0.0, 1e-9, 1000)


def completions(chain: Oriented, signs: Signs) -> list[oracle.Matrix]:
    """The exact products of every completion of some signs, the powers of two left out."""
    layers = [[oracle_row(row) for row in w.tolist()] for w in chain.weights]
    found: list[oracle.Matrix] = []
    choices = [
        [Fraction(float(b))] if s > 0 else [Fraction(float(a))] if s < 0 else [Fraction(float(a)), Fraction(float(b))]
        for a, b, s in zip(chain.alpha, chain.beta, signs, strict=True)
    ]
    for chosen in itertools.product(*choices):
        product = tuple(layers[0])
        for weight, layer in zip(layers[1:], chain.layers, strict=True):
            scaled = [tuple(f * x for x in row) for f, row in zip(chosen[layer], product, strict=True)]
            columns = list(zip(*scaled, strict=True))
            product = tuple(tuple(oracle.dot(row, column) for column in columns) for row in weight)
        found.append(product)
    return found


def oracle_row(row: list[float]) -> tuple[Fraction, ...]:
    """Floats as Fractions."""
    return tuple(Fraction(x) for x in row)


def bounded(jacobian: oracle.Matrix, square: float) -> bool:
    """Whether ‖J‖₂² ≤ square, exactly."""
    if not math.isfinite(square):
        return True
    columns = list(zip(*jacobian, strict=True))
    gap = [
        [(Fraction(square) if i == j else 0) - oracle.dot(a, b) for j, b in enumerate(columns)]
        for i, a in enumerate(columns)
    ]
    return oracle.semidefinite(tuple(tuple(row) for row in gap))


# Certificates --------------------------------------------------------------------------------------


@settings(max_examples=examples(150))
@given(st.data())
def test_a_certified_square_bounds_every_completion(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3), outputs=(1, 3)))
    chain = Oriented.of(net)
    drawn = data.draw(st.lists(st.sampled_from([-1, 0, 0, 1]), min_size=chain.neurons, max_size=chain.neurons))
    signs = np.where(chain.settled, 1, np.array(drawn, dtype=np.int8).reshape(-1)).astype(np.int8)
    relaxation = solved(chain, signs)
    rounded, proved = certified_square(chain, relaxation), proved_square(chain, relaxation)
    for jacobian in completions(chain, signs):
        assert bounded(jacobian, rounded)
        assert bounded(jacobian, proved)


@settings(max_examples=examples(60))
@given(st.integers(0, 2**32), st.booleans(), st.integers(-12, 12))
def test_float_certificates_hold_in_rationals(seed: int, bent: bool, k: int) -> None:
    """Right at the edge of the feasible set: what floats certify is positive semidefinite exactly."""
    net = random_network(seed, (3, 4, 4, 2), bent=bent)
    chain = Oriented.of(net)
    relaxation = solved(chain, chain.settled)
    edge = _edge(chain, relaxation)
    trial = edge * (1 + k * 2.0**-51)
    if is_certified(chain, relaxation, trial):
        rows = [[fraction(x) for x in row] for row in exact_matrix(chain, relaxation, trial).tolist()]
        assert oracle.semidefinite(tuple(map(tuple, rows)))
    assert is_certified(chain, relaxation, edge * (1 + 1e-9))
    assert not is_certified(chain, relaxation, edge * (1 - 1e-9))
    assert not is_positive_exact(exact_matrix(chain, relaxation, edge * (1 - 1e-9)))


@settings(max_examples=examples(30))
@given(st.integers(0, 2**32), st.integers(-40, 40))
def test_a_bound_is_no_less_than_the_root_of_its_square(seed: int, k: int) -> None:
    """The certified ρ, its root and the power of two that the chain left out: rounded up, and by no more than that."""
    net = random_network(seed, (3, 3, 2))
    net = lv.Network([net.weights[0] * 2.0**k, net.weights[1]])
    chain = Oriented.of(net)
    bounds = SplitSDP().of(chain)
    for first in (-1, 0, 1):
        signs = np.array([first, 1, -1], dtype=np.int8)
        estimate = bounds.estimate(signs, None, 0.0)
        assert isinstance(estimate.state, Relaxation)
        square = Fraction(certified_square(chain, estimate.state)) * Fraction(4) ** chain.exponent
        found = Fraction(bounds.certified(signs, estimate, 0.0)) ** 2
        assert square <= found <= square * (1 + Fraction(1, 2**49))


def _edge(chain: Oriented, relaxation: Relaxation) -> float:
    """The ρ at which the matrix of these multipliers becomes singular: the largest eigenvalue of a Schur complement."""
    forms = Forms.of(chain, relaxation.signs)
    Z = barrier.assemble(forms.rows, forms.gram, 0.0, relaxation.multipliers)
    d = chain.inputs
    complement = Z[:d, :d] - Z[:d, d:] @ np.linalg.solve(Z[d:, d:], Z[d:, :d])
    return float(-np.linalg.eigvalsh(complement)[0])


def cancelling(seed: int) -> lv.Network:
    """A path sum that cancels to a ten-millionth, whose square floats get wrong, in either direction."""
    rng = np.random.default_rng(seed)
    first, last = rng.standard_normal(4), rng.standard_normal(4)
    last[3] = -(1 + 1e-7) * (first[:3] @ last[:3]) / first[3]
    return lv.Network([first[:, None], last[None]])


def lies(chain: Oriented) -> bool:
    """Whether a value that floats believe in is certified although it is too small."""
    signs = np.ones(chain.neurons, dtype=np.int8)
    relaxation = solved(chain, signs)
    trial = relaxation.rho * (1 + 1e-9)
    (jacobian,) = completions(chain, signs)
    return is_certified(chain, relaxation, trial) and not bounded(jacobian, trial)


def test_without_its_radius_a_certificate_would_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forms' rounding errors count: ignoring them certifies too much."""
    nets = [cancelling(seed) for seed in range(30)]
    assert not any(lies(Oriented.of(net)) for net in nets)
    monkeypatch.setattr(Oriented, "rounding", (0.0, 0.0))
    assert any(lies(Oriented.of(net)) for net in nets)


# The value -----------------------------------------------------------------------------------------


def by_cvxpy(net: lv.Network) -> float:
    """LipSDP from its definition, (v − αy)(βy − v) ≥ 0 with multipliers ≥ 0, by cvxpy and Clarabel."""
    cp = pytest.importorskip("cvxpy")
    d, n = net.input_dim, net.neurons
    starts = np.cumsum([d, *net.hidden])
    values = np.eye(d, d + n)
    T = cp.Variable(n, nonneg=True)
    rho = cp.Variable()
    corner = np.zeros((d + n, d + n))
    corner[:d, :d] = np.eye(d)
    terms = []
    for k, (weight, slopes) in enumerate(zip(net.weights[:-1], net.slopes, strict=True)):
        y = weight @ values
        values = np.eye(d + n)[starts[k] : starts[k + 1]]
        for i, (alpha, beta) in enumerate(np.sort(slopes, axis=1)):
            left, right = values[i] - alpha * y[i], beta * y[i] - values[i]
            pair = np.outer(left, right)
            terms.append(T[int(starts[k] - d + i)] * (pair + pair.T))
    out = net.weights[-1] @ values
    problem = cp.Problem(cp.Minimize(rho), [rho * corner - out.T @ out - sum(terms) >> 0])
    problem.solve(solver="CLARABEL")
    return math.sqrt(problem.value)


@pytest.mark.parametrize("bent", [False, True])
@pytest.mark.parametrize("dims", [(2, 5, 1), (4, 6, 6, 3), (3, 5, 4, 5, 2), (1, 6, 6, 1), (12, 8, 1), (6, 20, 20, 1)])
def test_the_value_is_cvxpys(dims: tuple[int, ...], bent: bool) -> None:
    net = random_network(sum(dims), dims, bent=bent, kinds=[kind for kind in KINDS if kind[0] != kind[1]])
    assert lv.upper(net, "lipsdp").upper == pytest.approx(by_cvxpy(net), rel=2e-5)


@pytest.mark.parametrize("bent", [False, True])
def test_both_ends_give_the_same_value(bent: bool) -> None:
    """Scalings that bound the network bound its transpose."""
    for seed in range(5):
        net = random_network(seed, (4, 6, 5, 4), bent=bent)
        turned = lv.Network([w.T for w in reversed(net.weights)], slopes=list(reversed(net.slopes)))
        assert lv.upper(net, "lipsdp").upper == pytest.approx(lv.upper(turned, "lipsdp").upper, rel=1e-7)


def test_deciding_a_neuron_never_loosens() -> None:
    rng = np.random.default_rng(0)
    chain = Oriented.of(random_network(1, (3, 5, 5, 1)))
    relaxation = solved(chain, chain.settled)
    for position in rng.permutation(chain.neurons).tolist():
        signs = relaxation.signs.copy()
        signs[position] = rng.choice([-1, 1])
        child = relaxation.decided(signs).descend(chain, 0.0, 1e-9, 1000)
        assert child.rho <= relaxation.rho * (1 + 1e-7)
        assert child.rho == pytest.approx(solved(chain, signs).rho, rel=1e-6, abs=1e-9)
        relaxation = child
    assert relaxation.rho == pytest.approx(float(max(oracle_norm(j) for j in completions(chain, relaxation.signs))))


def oracle_norm(jacobian: oracle.Matrix) -> float:
    """The square of the spectral norm, in floats."""
    return float(np.linalg.norm(np.array(jacobian, dtype=float), 2) ** 2)


def test_the_descent_stops_where_it_is_told() -> None:
    chain = Oriented.of(random_network(2, (4, 12, 12, 1)))
    end = solved(chain, chain.settled)
    root = Relaxation.root(chain, chain.settled)
    enough = root.descend(chain, 1.5 * end.rho, 1e-9, 1000)
    assert end.rho < enough.rho <= 1.5 * end.rho
    assert enough.steps < end.steps
    hopeless = root.descend(chain, 0.5 * end.rho, 1e-9, 1000)
    assert hopeless.steps < end.steps
    assert hopeless.rho - hopeless.gap > 0.5 * end.rho


def test_the_compiled_descent_is_the_same() -> None:
    compiled = pytest.importorskip("lipverify.relaxations.compiled")
    for seed, dims in enumerate([(3, 4, 1), (4, 10, 10, 2), (1, 1, 1), (5, 20, 7, 3)]):
        chain = Oriented.of(random_network(seed, dims, bent=bool(seed % 2)))
        root = Relaxation.root(chain, chain.settled)
        plain = root.descend(chain, 0.0, 1e-9, 500)
        fast = root.descend(chain, 0.0, 1e-9, 500, compiled.descend)
        assert fast.rho == pytest.approx(plain.rho, rel=1e-8)
        assert certified_square(chain, fast) == pytest.approx(certified_square(chain, plain), rel=1e-8)


def test_neurons_that_see_nothing_do_not_stall() -> None:
    """Zero rows, exact or up to rounding, leave their multiplier without a limit."""
    rng = np.random.default_rng(5)
    first = rng.standard_normal((6, 3))
    first[2] = 0.0
    middle = rng.standard_normal((6, 6))
    middle[4] = 0.0
    net = lv.Network([first, middle, rng.standard_normal((1, 6))])
    bound = lv.upper(net, "lipsdp")
    assert bound.stats["steps"] < 150
    reduced = lv.Network(
        [np.delete(first, 2, 0), np.delete(np.delete(middle, 4, 0), 2, 1), np.delete(net.weights[2], 4, 1)]
    )
    assert bound.upper == pytest.approx(lv.upper(reduced, "lipsdp").upper, rel=1e-6)


def test_a_lying_descent_is_not_believed() -> None:
    """ρ and T are proposals: whatever they say, what is certified holds."""
    chain = Oriented.of(random_network(3, (3, 4, 4, 2)))
    end = solved(chain, chain.settled)
    truth = max(oracle_norm(j) for j in completions(chain, chain.settled))
    for lie in (
        replace(end, rho=0.5 * truth),
        replace(end, multipliers=0 * end.multipliers),
        replace(end, rho=math.nan),
    ):
        assert certified_square(chain, lie) >= truth
        assert proved_square(chain, lie) >= truth


# Networks of hard numbers and published values -------------------------------------------------------


def goemans_williamson(edges: list[tuple[int, int]], n: int) -> float:
    """max ¼ Σ (1 − x_u·x_v)·2 over unit vectors, by cvxpy."""
    cp = pytest.importorskip("cvxpy")
    X = cp.Variable((n, n), PSD=True)
    value = sum((1 - X[u, v]) / 2 for u, v in edges)
    problem = cp.Problem(cp.Maximize(value), [cp.diag(X) == 1])
    problem.solve(solver="CLARABEL")
    return float(problem.value)


@pytest.mark.parametrize(
    "edges",
    [
        [(i, (i + 1) % 5) for i in range(5)],
        list(itertools.combinations(range(4), 2)),
        [(0, 1), (0, 2), (0, 3), (1, 2), (1, 4), (2, 3)],
        [(0, 4), (4, 2), (2, 1), (1, 3), (3, 5), (5, 0)],
    ],
)
def test_on_cut_networks_it_is_goemans_and_williamsons(edges: list[tuple[int, int]]) -> None:
    n = 1 + max(map(max, edges))
    incidence = np.zeros((n, len(edges)))
    for k, (u, v) in enumerate(edges):
        incidence[u, k], incidence[v, k] = 1, -1
    bound = lv.upper(lv.Network([incidence, np.ones((1, n))]), "lipsdp").upper
    cut = max(sum(s[u] != s[v] for u, v in edges) for s in itertools.product((0, 1), repeat=n))
    assert bound**2 == pytest.approx(goemans_williamson(edges, n), rel=1e-5)
    assert Fraction(bound) ** 2 >= cut
    assert bound <= 1.0669 * math.sqrt(cut)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("exlipbab/iris_net_4x6x6x3_ReLU", 11.6353),
        ("exlipbab/wine_net_11x12x12x1_ReLU", 1.8469),
        ("exlipbab/abalone_net_9x16x16x1_ReLU", 11.2255),
        ("exlipbab/bike_net_13x20x16x8x3_ReLU", 11184.5),
        ("exlipbab/wine_net_11x24x24x1_ReLU", 2.3038),
        ("lipsdp/random_weights", 36.4822),
    ],
)
def test_published_values(data: Any, name: str, value: float) -> None:
    """LipSDP-Neuron's, to the digits that are printed."""
    bound = lv.upper(lv.load(data / f"{name}.onnx"), "lipsdp")
    assert bound.upper == pytest.approx(value, rel=5e-5)
    assert bound.upper_rigor is lv.Rigor.ROUNDED
