"""Exact constants by enumeration, against brute force, closed forms and published values."""

from __future__ import annotations

import itertools
import math
import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.domain import Domain
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.solvers import promises

INF = math.inf
NORMS: tuple[Any, ...] = (1, 2, INF)
PAIRS = tuple(itertools.product((1, 2, INF), repeat=2))
SMALL: dict[str, Any] = {"width": (1, 3), "outputs": (1, 2)}


def exact(net: lv.Network, p: Any = 2, domain: Domain | None = None, **options: Any) -> lv.Bound:
    """The constant by enumeration; every test here asks for this method."""
    return lv.exact(net, method="enumeration", p=p, domain=domain, **options)


def hold_to_the_oracle(net: lv.Network, p: Any, domain: Domain, bound: lv.Bound) -> None:
    """What every exact method promises, and what enumeration does beyond that."""
    promises.hold_to_the_oracle(net, p, domain, bound)
    assert bound.upper_rigor is lv.Rigor.PROVED
    assert bound.regions == len(oracle.regions(net, domain))


# The oracle ----------------------------------------------------------------------------------------


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from(NORMS))
def test_agrees_with_brute_force_on_relu_networks(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(**SMALL))
    domain = data.draw(domains(net.input_dim))
    hold_to_the_oracle(net, p, domain, exact(net, p, domain))


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from(PAIRS))
def test_agrees_with_brute_force_on_two_slope_networks_and_norm_pairs(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, **SMALL))
    domain = data.draw(domains(net.input_dim))
    hold_to_the_oracle(net, p, domain, exact(net, p, domain))


@settings(max_examples=examples(200))
@given(st.data())
def test_the_regions_are_those_of_brute_force(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 4), outputs=(1, 2)))
    domain = data.draw(domains(net.input_dim))
    truth = {region.pattern: region for region in oracle.regions(net, domain)}
    listed = list(lv.regions(net, domain))
    assert len(listed) == len({region.pattern for region in listed})
    assert {region.pattern for region in listed} == set(truth)
    for region in listed:
        assert oracle.locate(net, domain, region.point) == (region.pattern, truth[region.pattern].jacobian)
        assert tuple(map(tuple, region.weight)) == truth[region.pattern].jacobian
        assert tuple(region.offset) == truth[region.pattern].offset
        image = oracle.evaluate(net, region.point)
        assert image == tuple(oracle.dot(row, (*region.point, 1)) for row in _augmented(region))


def _augmented(region: Any) -> list[tuple[Fraction, ...]]:
    return [(*row, c) for row, c in zip(region.weight, region.offset, strict=True)]


@settings(max_examples=examples(20))
@given(networks(inputs=(2, 3), hidden=2, width=(3, 4), slopes=True), st.sampled_from(NORMS))
def test_agrees_with_brute_force_on_larger_networks(net: lv.Network, p: Any) -> None:
    hold_to_the_oracle(net, p, lv.Everywhere(), exact(net, p))


@given(networks(hidden=0))
def test_an_affine_map_has_one_region_and_its_operator_norm(net: lv.Network) -> None:
    for p in PAIRS:
        bound = exact(net, p)
        assert bound.regions == 1
        hold_to_the_oracle(net, p, lv.Everywhere(), bound)


# Known truths --------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A network whose constant is known, and the wrong value that others have found for it."""

    name: str
    net: lv.Network
    p: Any
    domain: Domain | None
    square: int | Fraction
    wrong: str


RELU_CHAIN = lv.Network([[[-1]], [[1]], [[1]], [[-2]]], [[2], [2], [0], [0]])
DOUBLED = lv.Network([[[0], [2]], [[1, 2]], [[1]]], [[0, 0], [-2], [1]])
IDENTITY = lv.Network([[[1], [-1]], [[1, -1]]])
CROSSED = lv.Network([[[-1, 1], [1, 2]], [[-1, 1]]], [[2.5, -0.5], None])
MAXIMUM = lv.Network([[[1, -1], [0, 1], [0, -1]], [[1, 1, -1]]])
HALF = lv.Network([[[1]], [[1]]])
SHIFTED = lv.Network([[[1], [-1]], [[1, -1]]], [[-1, -1], None])
THREE_CONES = lv.Network([[[1, 0], [0, 1], [-1, -1]], [[1, 1, -1]]])
TWICE_ZERO = lv.Network([[[1], [-1], [1], [-1]], [[1, 1, -1, -1]]])
BEHIND = lv.Network([[[1], [-1]], [[1, 0], [0, 1]], [[1, 5]]])
CASES = [
    Case("x as relu(x) − relu(−x)", IDENTITY, 2, None, 1, "2, at x = 0"),
    Case("the same on a box around 0", IDENTITY, INF, lv.Box([-1], [1]), 1, "2"),
    Case("f ≡ 0 from opposite rows", TWICE_ZERO, 2, None, 0, "2"),
    Case("a pattern that holds only at 0", THREE_CONES, 2, None, 5, "√8"),
    Case("relu(−relu(x)) ≡ 0", lv.Network([[[1]], [[-1]], [[1]]]), 2, None, 0, "1, the chain rule at 0"),
    Case("an identically zero pre-activation", BEHIND, 2, None, 25, "0, as no point is strict in every row"),
    Case("the product of all weights", SHIFTED, 2, None, 1, "2, which no point attains"),
    Case("a chain with stable neurons", RELU_CHAIN, 2, lv.Box([-1], [1]), 4, "1 (ExLipBaB)"),
    Case("a first layer that is all stable", DOUBLED, 2, None, 16, "0 (ExLipBaB)"),
    Case("an ℓ1 maximum over coordinates", CROSSED, 1, lv.Box([-1, -1], [1, 1]), 4, "1.000001 (LipMIP)"),
    Case("max(x, y), ℓ2", MAXIMUM, 2, None, 1, "2 (LipMIP)"),
    Case("max(x, y), ℓ∞", MAXIMUM, INF, lv.Box([-1, -1], [1, 1]), 1, "2 (LipMIP)"),
    Case("a hyperplane on a facet, from outside", HALF, INF, lv.Box([-1], [0]), 0, "1 (LipMIP)"),
    Case("a hyperplane on a facet, from inside", HALF, INF, lv.Box([0], [1]), 1, "a crash (LipMIP)"),
    Case("a hyperplane on a polytope's facet", HALF, 2, lv.Polytope([[1]], [0]), 0, "1"),
    Case("a large box", SHIFTED, INF, lv.Box([-1e5], [1e5]), 1, "+119 % (LipMIP)"),
    Case("greedy SeqLip", lv.Network([[[3], [-1], [-1]], [[-1, -1, -1]]]), 2, None, 9, "2, too low"),
    Case("greedy SeqLip again", lv.Network([[[1], [1], [-1]], [[3, 3, 7]]]), 2, None, 49, "6, too low"),
    Case("no hidden layer", lv.Network([[[3, 4]]]), 2, None, 25, "a crash"),
    Case("zero outgoing weights", lv.Network([[[1], [2]], [[0, 0]]]), 2, None, 0, "nan (ECLipsE)"),
    Case("one tiny slope", lv.Network([[[2.0**-40]], [[2.0**-40]]]), 1, None, Fraction(1, 2**160), "0"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_known_truths_that_others_miss(case: Case) -> None:
    bound = exact(case.net, case.p, case.domain)
    assert bound.exact_square == case.square, f"others say {case.wrong}"
    hold_to_the_oracle(case.net, case.p, case.domain or lv.Everywhere(), bound)


def test_a_matrix_below_which_a_published_upper_bound_falls() -> None:
    net = lv.Network([[[1, -1], [0, -1]], [[-1, -1], [-1, 0]]])
    bound = exact(net)
    hold_to_the_oracle(net, 2, lv.Everywhere(), bound)
    assert bound.lower == pytest.approx((3 + math.sqrt(5)) / 2, rel=1e-14)  # L² is no rational number
    assert bound.exact_square is None


def test_a_constant_row_is_no_constraint() -> None:
    # On x > 0 the second neuron of the second layer is constant, at −1, 0 and 1 in turn.
    for shift, regions in ((-1, 3), (0, 2), (1, 3)):
        net = lv.Network([[[1], [-1]], [[1, 0], [0, -1]], [[1, 5]]], [None, [0, shift], None])
        bound = exact(net)
        hold_to_the_oracle(net, 2, lv.Everywhere(), bound)
        assert bound.exact_value == (5 if shift == 1 else 1)
        assert bound.regions == (regions if shift == 1 else 2)


# Reductions: networks whose constant is a hard number --------------------------------------------------


def cut_network(graph: nx.Graph) -> lv.Network:
    """f(x) = Σ_v relu((Bx)_v) for the signed incidence matrix B."""
    incidence = nx.incidence_matrix(graph, oriented=True).toarray()
    return lv.Network([incidence, np.ones((1, len(graph)))])


def maximum_cut(graph: nx.Graph) -> int:
    """By trying every side."""
    vertices = list(graph)
    sides = itertools.product((0, 1), repeat=len(vertices))
    return max(nx.cut_size(graph, [v for v, on in zip(vertices, side, strict=True) if on]) for side in sides)


GRAPHS: dict[str, nx.Graph] = {
    "an edge": nx.path_graph(2),
    "a triangle": nx.complete_graph(3),
    "a path": nx.path_graph(4),
    "a star": nx.star_graph(4),
    "a 5-cycle": nx.cycle_graph(5),
    "K4": nx.complete_graph(4),
    "two components": nx.disjoint_union(nx.path_graph(3), nx.complete_graph(3)),
    "an isolated vertex": nx.disjoint_union(nx.cycle_graph(4), nx.empty_graph(1)),
    "K3,2": nx.complete_bipartite_graph(3, 2),
}


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_a_maximum_cut(graph: nx.Graph) -> None:
    net, cut = cut_network(graph), maximum_cut(graph)
    euclidean = exact(net)
    assert euclidean.exact_square == cut
    assert exact(net, INF).exact_value == cut
    components = [len(c) for c in nx.connected_components(graph) if len(c) > 1]
    assert euclidean.regions == math.prod(2**n - 2 for n in components)


@pytest.mark.parametrize("graph", [nx.path_graph(2), nx.complete_graph(3), nx.path_graph(3), nx.star_graph(3)], ids=str)
def test_a_maximum_independent_set(graph: nx.Graph) -> None:
    n = len(graph)
    degree = max(d for _, d in graph.degree())
    delta = 2.0 ** -math.ceil(math.log2(2 * n * (1 + degree)))
    unit = np.eye(n)
    # relu(x), relu(−x), relu(t); then relu(z) and relu(z − t⁺) with z = δ(x − A x⁺)
    first = np.block([[unit, np.zeros((n, 1))], [-unit, np.zeros((n, 1))], [np.zeros((1, n)), np.ones((1, 1))]])
    z = delta * np.hstack([unit - nx.to_numpy_array(graph), -unit, np.zeros((n, 1))])
    cut = z.copy()
    cut[:, -1] = -1
    net = lv.Network([first, np.vstack([z, cut]), np.hstack([np.ones((1, n)), -np.ones((1, n))])])
    independent = max(
        len(chosen)
        for k in range(n + 1)
        for chosen in itertools.combinations(graph, k)
        if not graph.subgraph(chosen).edges
    )
    assert exact(net, 1).exact_value == independent
    assert math.floor(exact(net, 2).lower) == independent


def formula_network(clauses: Iterable[tuple[int, ...]]) -> lv.Network:
    """relu(½ − Σ_i ||x_i| − 1| − Σ_C relu(−2 − (ℓ₁ + ℓ₂ + ℓ₃)(x))) over three variables."""
    rows = [[-(1.0 if i in c else -1.0) for i in (1, 2, 3)] for c in clauses]
    m = len(rows)
    absolute, relu, identity = (-1.0, 1.0), (0.0, 1.0), (1.0, 1.0)
    return lv.Network(
        [np.vstack([np.eye(3), *([rows] if m else [])]), np.eye(3 + m), -np.ones((1, 3 + m)), [[1.0]]],
        [[0.0] * 3 + [-2.0] * m, [-1.0] * 3 + [0.0] * m, [0.5], None],
        [[absolute] * 3 + [relu] * m, [absolute] * 3 + [identity] * m, [relu]],
    )


def test_satisfiability() -> None:
    every = [
        tuple(s * i for s, i in zip(signs, (1, 2, 3), strict=True)) for signs in itertools.product((1, -1), repeat=3)
    ]
    assert exact(formula_network(every), 1).exact_value == 0
    for formula in ([], every[:1], every[1:], every[::2]):
        net = formula_network(formula)
        assert exact(net, 1).exact_value == 1
        assert exact(net, INF).exact_value == 3


# Invariance ----------------------------------------------------------------------------------------


def same_number(first: lv.Bound, second: lv.Bound) -> bool:
    """The same constant, bit for bit."""
    return (first.lower, first.upper, first.exact_value, first.exact_square, first.regions) == (
        second.lower,
        second.upper,
        second.exact_value,
        second.exact_square,
        second.regions,
    )


@given(networks(hidden=(1, 2), **SMALL), st.integers(0, 2**32), st.sampled_from(NORMS))
def test_permuted_and_rescaled_neurons_change_no_bit(net: lv.Network, seed: int, p: Any) -> None:
    rng = random.Random(seed)
    weights, biases = [w.copy() for w in net.weights], [b.copy() for b in net.biases]
    for k, n in enumerate(net.hidden):
        order = rng.sample(range(n), n)
        scale = np.array([2.0 ** rng.randint(-8, 8) for _ in range(n)])
        weights[k] = (weights[k] * scale[:, None])[order]
        biases[k] = (biases[k] * scale)[order]
        weights[k + 1] = (weights[k + 1] / scale)[:, order]
    assert same_number(exact(net, p), exact(lv.Network(weights, biases), p))


@given(st.data(), st.sampled_from(NORMS))
def test_a_box_is_the_worse_of_its_halves(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, **SMALL))
    box = data.draw(domains(net.input_dim, kinds=("box",)))
    assert isinstance(box, lv.Box)
    middle = (box.lower[0] + box.upper[0]) / 2
    left, right = box.upper.copy(), box.lower.copy()
    left[0] = right[0] = middle
    whole = exact(net, p, box)
    halves = [exact(net, p, lv.Box(box.lower, left)), exact(net, p, lv.Box(right, box.upper))]
    assert whole.lower == max(half.lower for half in halves)
    assert whole.upper == max(half.upper for half in halves)


@given(st.data(), st.integers(0, 2**32))
def test_no_secant_is_steeper(data: st.DataObject, seed: int) -> None:
    net = data.draw(networks(slopes=True, weights="dyadics", **SMALL))
    box = data.draw(domains(net.input_dim, kinds=("box",)))
    assert isinstance(box, lv.Box)
    squares = {p: Fraction(exact(net, p, box).upper) ** 2 for p in NORMS}
    rng = random.Random(seed)
    for _ in range(5):
        x, y = ([_between(rng, *limits) for limits in zip(box.lower, box.upper, strict=True)] for _ in range(2))
        step = [a - b for a, b in zip(x, y, strict=True)]
        rise = [a - b for a, b in zip(oracle.evaluate(net, x), oracle.evaluate(net, y), strict=True)]
        for p, square in squares.items():
            assert oracle.norm_square(rise, p) <= square * oracle.norm_square(step, p)


def _between(rng: random.Random, low: float, high: float) -> Fraction:
    return Fraction(low) + (Fraction(high) - Fraction(low)) * Fraction(rng.randint(0, 64), 64)


@given(st.data(), st.sampled_from(NORMS))
def test_a_domain_is_no_worse_than_everywhere(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(**SMALL))
    domain = data.draw(domains(net.input_dim, kinds=("box", "polytope")))
    assert exact(net, p, domain).upper <= exact(net, p).upper


def test_the_seed_changes_nothing_but_the_order() -> None:
    net = cut_network(nx.cycle_graph(5))
    assert same_number(exact(net, seed=0), exact(net, seed=7))


# Published values ------------------------------------------------------------------------------------


def test_iris_has_its_published_constant(data: Path) -> None:
    net = lv.load(data / "exlipbab" / "iris_net_4x6x6x3_ReLU.onnx")
    bound = exact(net)
    assert bound.status is lv.Status.EXACT
    assert bound.lower == pytest.approx(11.634355134114875, rel=1e-12)


# Anytime ---------------------------------------------------------------------------------------------


def slow_network() -> lv.Network:
    """A network of so many regions that no enumeration ends during a test."""
    rng = np.random.default_rng(0)
    return lv.Network([rng.standard_normal((24, 8)), rng.standard_normal((24, 24)), rng.standard_normal((1, 24))])


def valid(net: lv.Network, bound: lv.Bound) -> bool:
    """Whether the interval is ordered, its lower side attained, and its upper side not refuted by points."""
    if bound.lower > 0:
        assert bound.witness is not None
        located = oracle.locate(net, None, bound.witness.point)
        assert located is not None
        assert not oracle.at_most(located[1], Fraction(bound.lower) ** 2, 2, 2, strict=True)
    rng = random.Random(0)
    for _ in range(20):
        point = [Fraction(rng.randint(-1000, 1000), 100) for _ in range(net.input_dim)]
        located = oracle.locate(net, None, point)
        if located is not None and math.isfinite(bound.upper):
            assert oracle.at_most(located[1], Fraction(bound.upper) ** 2, 2, 2)
    return 0 <= bound.lower <= bound.upper


def test_a_callback_that_says_stop_stops() -> None:
    net = slow_network()
    seen: list[lv.Bound] = []

    def stop(bound: lv.Bound) -> bool:
        seen.append(bound)
        return len(seen) == 2

    bound = exact(net, on_progress=stop)
    assert bound.status is lv.Status.INTERRUPTED
    assert len(seen) == 2
    assert all(valid(net, b) for b in (*seen, bound))
    assert bound.exact_value is None
    assert bound.exact_square is None


def test_a_time_limit_of_zero_still_gives_an_interval() -> None:
    net = slow_network()
    bound = exact(net, time_limit=0)
    assert bound.status is lv.Status.TIME_LIMIT
    assert valid(net, bound)


def test_a_short_time_limit_is_kept() -> None:
    net = slow_network()
    bound = exact(net, time_limit=0.5)
    assert bound.status is lv.Status.TIME_LIMIT
    assert bound.seconds < 10
    assert bound.lower > 0
    assert valid(net, bound)


def test_ctrl_c_carries_the_interval() -> None:
    net = slow_network()

    def interrupt(bound: lv.Bound) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(lv.Interrupted) as caught:
        exact(net, on_progress=interrupt)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.bound.status is lv.Status.INTERRUPTED
    assert valid(net, caught.value.bound)


def test_progress_only_ever_narrows_the_interval() -> None:
    seen: list[lv.Bound] = []
    bound = exact(cut_network(nx.complete_graph(4)), on_progress=lambda b: seen.append(b) is not None)
    for before, after in itertools.pairwise([*seen, bound]):
        assert before.lower <= after.lower
        assert after.upper <= before.upper


@pytest.mark.parametrize("make", [lambda: THREE_CONES, lambda: exact(THREE_CONES)], ids=["network", "bound"])
def test_networks_and_bounds_can_be_pickled(make: Callable[[], Any]) -> None:
    thing = make()
    assert pickle.loads(pickle.dumps(thing)) == thing


# Refusals --------------------------------------------------------------------------------------------


def test_bad_questions_are_refused_with_the_value_in_the_message() -> None:
    with pytest.raises(lv.UnsupportedNorm, match="3"):
        exact(IDENTITY, 3)
    with pytest.raises(lv.InvalidDomain, match="2 coordinates"):
        exact(IDENTITY, 2, lv.Box([0, 0], [1, 1]))
    with pytest.raises(lv.LipverifyError, match="no such method"):
        lv.exact(IDENTITY, method="no such method")
    with pytest.raises(lv.LipverifyError, match="-1"):
        exact(IDENTITY, time_limit=-1)


def test_enumeration_loads_no_torch() -> None:
    program = (
        "import sys, lipverify as lv\n"
        "lv.exact(lv.Network([[[1], [-1]], [[1, -1]]]), method='enumeration')\n"
        "print(sorted({'torch', 'cvxpy', 'numba', 'hypothesis', 'matplotlib', 'onnx'} & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("gap", [2.0**-52, 2.0**-40, 2.0**-20])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("p", NORMS)
def test_regions_that_almost_tie_are_told_apart(
    gap: float, flipped: bool, p: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lipverify.solvers.enumeration._BATCH", 1)  # each region is held to the best so far
    slopes = [1.0, 1.0 + gap][:: -1 if flipped else 1]
    bound = exact(lv.Network([[[1], [-1]], [slopes]]), p)
    assert bound.exact_value == 1 + Fraction(gap)
