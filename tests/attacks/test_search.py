"""Attacks on degenerate networks and odd domains: below the exact constant, at a witness with exactly that norm."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.attacks.annealing import Annealing
from lipverify.attacks.ascent import Ascent
from lipverify.attacks.dataset import Dataset
from lipverify.attacks.local_search import LocalSearch
from lipverify.attacks.moves import moved, reach
from lipverify.attacks.patterns import updated_norms
from lipverify.attacks.points import sample_points
from lipverify.attacks.sample import Sample
from lipverify.attacks.smooth import Smoothed, aligned
from lipverify.domain import Domain
from lipverify.evaluate import jacobian, pattern
from lipverify.norms import ALL_PAIRS, dual, norm_pair, operator_norm
from lipverify.problem import Budget, Method, Problem
from lipverify.testing.strategies import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.estimators.test_estimators import read_onnx

SMALL: tuple[Method, ...] = (
    Sample(points=256),
    LocalSearch(patience=10, points=128),
    Ascent(chains=16, rounds=1, halvings=2, steps=6),
    Annealing(chains=16, steps=32),
)


def witnessed(net: lv.Network, domain: Domain, bound: lv.Bound, pair: Any) -> None:
    """The witness lies inside a region whose exact norm, rounded down, is the bound."""
    assert bound.witness is not None
    found = oracle.locate(net, domain, bound.witness.point)
    assert found is not None
    assert found[0] == bound.witness.pattern
    above = math.nextafter(bound.lower, math.inf)
    assert oracle.encloses([found[1]], bound.lower, above, *pair)


@pytest.mark.parametrize("method", SMALL, ids=lambda m: m.name)
@settings(max_examples=examples(40))
@given(st.data())
def test_never_above_the_exact_constant(method: Method, data: st.DataObject) -> None:
    """Two-slope, dead, duplicate, cancelling and scaled neurons; boxes and polytopes; all pairs of norms."""
    net = data.draw(networks(slopes=True))
    domain = data.draw(domains(net.input_dim))
    pair = data.draw(st.sampled_from(ALL_PAIRS))
    bound = lv.lower(net, method, p=pair, domain=domain)
    assert bound.lower <= lv.exact(net, p=pair, domain=domain).upper
    assert bound.lower_rigor is lv.Rigor.PROVED
    witnessed(net, domain, bound, pair)


def random_cases(count: int, seed: int) -> list[tuple[lv.Network, Any, Domain | None]]:
    """Random networks with 2–4 inputs and 1–3 hidden layers of 4–8 neurons; every norm; the space or a box."""
    rng = np.random.default_rng(seed)
    cases: list[tuple[lv.Network, Any, Domain | None]] = []
    for k in range(count):
        dims = [int(rng.integers(2, 5)), *rng.integers(4, 9, rng.integers(1, 4)).tolist(), int(rng.integers(1, 4))]
        weights = [rng.standard_normal((m, n)) / math.sqrt(n) for n, m in pairwise(dims)]
        net = lv.Network(weights, [rng.standard_normal(m) / 2 for m in dims[1:]])
        box = lv.Box(-np.ones(dims[0]), np.ones(dims[0]))
        cases.append((net, (1, 2, math.inf)[k % 3], box if rng.random() < 0.5 else None))
    return cases


def test_local_search_reaches_the_truth() -> None:
    """99 % of the exact constant on 95 % of random networks, and never more than all of it."""
    ratios: list[float] = []
    for net, p, domain in random_cases(24, seed=5):
        exact = lv.exact(net, "enumeration", p=p, domain=domain)
        low, high = exact.enclosure or (Fraction(0), Fraction(0))
        found = Fraction(lv.lower(net, "local-search", p=p, domain=domain).lower)
        assert found <= high
        ratios.append(float(found / low))
    assert np.mean(np.array(ratios) >= 0.99) >= 0.95


@pytest.mark.parametrize(
    ("file", "exact"), [("wine_net_11x24x24x1", 1.998345897418251), ("bike_net_13x20x16x8x3", 10802.40381274802)]
)
def test_local_search_on_networks_that_mislead_it(data: Path, file: str, exact: float) -> None:
    """Many local optima: without walks that start near good ones, one seed of three stops below the truth."""
    net = read_onnx(data / "exlipbab" / f"{file}_ReLU.onnx")
    for seed in (0, 1):
        bound = lv.lower(net, LocalSearch(patience=400), seed=seed, on_progress=lambda b: b.lower > exact * (1 - 1e-9))
        assert exact * (1 - 1e-9) <= bound.lower <= exact * (1 + 1e-15)


def test_a_budget_that_is_gone_still_gives_a_region() -> None:
    net = random_cases(1, seed=2)[0][0]
    problem = Problem(net, norm_pair(2))
    for method, budget in ((LocalSearch(), Budget(seconds=0.0)), (LocalSearch(programs=0), Budget())):
        *_, found = method.run(problem, budget)
        assert found.witness is not None
        located = oracle.locate(net, None, found.witness.point)
        assert located is not None
        assert located[0] == found.witness.pattern


@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
@pytest.mark.parametrize("shape", [(1, 4), (3, 1), (2, 5), (4, 2)])
def test_norms_of_rank_one_updates(pair: Any, shape: tuple[int, int]) -> None:
    """The Gram shortcut against the norms themselves."""
    rng = np.random.default_rng(0)
    J, columns, rows = (
        rng.standard_normal(shape),
        rng.standard_normal((7, shape[0])),
        rng.standard_normal((7, shape[1])),
    )
    for scale in (1.0, 1e-140, 1e140):
        expected = operator_norm(scale * J + scale * columns[:, :, None] * rows[:, None, :], pair)
        assert updated_norms(scale * J, scale * columns, rows, pair) == pytest.approx(expected, rel=1e-12)
    assert not updated_norms(0 * J, 0 * columns, rows, pair).any()


def test_smoothed_gradient_is_the_derivative() -> None:
    """Against central differences, and the smoothed slope against the network's own where kinks are narrow."""
    rng = np.random.default_rng(1)
    slopes = [[(0, 1), (-1, 1), (0.25, 1), (1, 1)], [(0, 1), (2, -0.5), (0, 1)]]
    weights = [rng.standard_normal(s) for s in ((4, 3), (3, 4), (2, 3))]
    net = lv.Network(weights, [rng.standard_normal(4), rng.standard_normal(3), None], slopes)
    x, u, v = rng.standard_normal((5, 3)), rng.standard_normal((5, 2)), rng.standard_normal((5, 3))
    smoothed = Smoothed(net, x, 0.5)
    slope = smoothed.slope(x, u, v)
    for i in range(3):
        step = 1e-6 * np.eye(3)[i]
        difference = (smoothed.slope(x + step, u, v).value - smoothed.slope(x - step, u, v).value) / 2e-6
        assert slope.gradient[:, i] == pytest.approx(difference, rel=1e-6, abs=1e-8)
    assert np.einsum("nd,nd->n", slope.preimage, v) == pytest.approx(slope.value)
    sharp = Smoothed(net, x, 1e-9).slope(x, u, v)
    assert sharp.image == pytest.approx(np.einsum("nmd,nd->nm", jacobian(net, pattern(net, x)), v))


@pytest.mark.parametrize("q", [1.0, 2.0, math.inf])
def test_aligned_vectors_attain_the_norm(q: float) -> None:
    """u·w = ‖w‖_q with ‖u‖ ≤ 1 in the dual norm, zero vectors included."""
    w = np.vstack([np.random.default_rng(0).standard_normal((4, 3)), np.zeros((1, 3)), [[0.0, -1e-200, 0.0]]])
    u = aligned(w, q)
    assert np.einsum("ij,ij->i", u, w) == pytest.approx(np.linalg.norm(w, ord=q, axis=1), rel=1e-12)
    assert (np.linalg.norm(u, ord=dual(q), axis=1) <= 1 + 1e-12).all()


@settings(max_examples=examples(40))
@given(st.data())
def test_moves_stay_in_the_domain(data: st.DataObject) -> None:
    """Long steps from inside end inside, up to rounding."""
    net = data.draw(networks(hidden=0))
    domain = data.draw(domains(net.input_dim))
    rng = np.random.default_rng(0)
    points = sample_points(net, domain, 16, rng)
    steps = 8 * rng.standard_normal(points.shape) * reach(domain, points)
    ends = moved(domain, points, steps)
    if isinstance(domain, lv.Polytope):
        room = np.abs(ends) @ np.abs(domain.A.T) + np.abs(domain.b)
        assert (ends @ domain.A.T <= domain.b + 1e-9 * room).all()
    elif isinstance(domain, lv.Box):
        assert all(domain.contains_inside(p) for p in ends.tolist())
    else:
        assert np.array_equal(ends, points + steps)


# The maximum over a data set -------------------------------------------------------------------------

ABS = lv.Network([[[1.0]], [[1.0]]], slopes=[[(-3.0, 1.0)]])  # slope 1 on the right, −3 on the left


def test_dataset_maximum() -> None:
    """The best point's norm, exactly; points on a kink or on the domain's boundary count for nothing."""
    assert lv.lower(ABS, Dataset([[1.0], [2.0]])).lower == 1.0
    assert lv.lower(ABS, Dataset([[1.0], [-2.0]])).lower == 3.0
    bound = lv.lower(ABS, Dataset([[0.0], [1.0]]), domain=lv.Box([-1.0], [2.0]))
    assert (bound.lower, bound.stats["skipped"]) == (1.0, 1)  # floats take the kink at 0 for the left side
    edge = lv.lower(ABS, Dataset([[-1.0]]), domain=lv.Box([-1.0], [2.0]))
    assert (edge.lower, edge.witness, edge.status) == (0.0, None, lv.Status.ONE_SIDED)
    assert lv.lower(ABS, Dataset([[0.5], [-1]]), domain=lv.Polytope([[1.0]], [0.5])).lower == 3.0


@settings(max_examples=examples(40))
@given(st.data())
def test_dataset_is_the_maximum_over_its_points(data: st.DataObject) -> None:
    """Against the oracle's Jacobian at every point."""
    net = data.draw(networks(slopes=True))
    coordinate = st.integers(-16, 16).map(lambda n: n / 8)
    row = st.lists(coordinate, min_size=net.input_dim, max_size=net.input_dim)
    points = data.draw(st.lists(row, min_size=1, max_size=5))
    pair = data.draw(st.sampled_from(ALL_PAIRS))
    bound = lv.lower(net, Dataset(points), p=pair)
    inside = [found for p in points if (found := oracle.locate(net, None, [Fraction(x) for x in p]))]
    if not inside:
        assert (bound.lower, bound.witness) == (0.0, None)
        return
    assert oracle.encloses([J for _, J in inside], bound.lower, math.inf, *pair)
    near = math.nextafter(bound.lower, math.inf) * (1 + 1e-9)  # floats choose among norms that nearly tie
    assert oracle.encloses([J for _, J in inside], 0.0, near, *pair)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([1.0, 2.0], r"shape \(2,\)"),
        (np.zeros((0, 1)), r"shape \(0, 1\)"),
        ([[1.0], [math.nan]], r"points\[1, 0\] is nan"),
        ([[math.inf]], r"points\[0, 0\] is inf"),
        ([["a"]], "not an array of real numbers"),
        ([[1.0], [2.0, 3.0]], "not an array of real numbers"),
    ],
)
def test_bad_points(points: Any, message: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=message):
        Dataset(points)


def test_points_that_do_not_fit_the_problem() -> None:
    with pytest.raises(lv.InvalidArgument, match=r"2 coordinates; the network has 1 input"):
        lv.lower(ABS, Dataset([[1.0, 2.0]]))
    with pytest.raises(lv.InvalidArgument, match=r"2 of 3 points lie outside the domain.*points\[1\]"):
        lv.lower(ABS, Dataset([[0.5], [2.0], [-3.0]]), domain=lv.Box([-1.0], [1.0]))
    third = lv.Polytope([[3.0]], [1.0])  # x ≤ 1/3, which no float is
    just_above = np.nextafter(1 / 3, 1)
    assert lv.lower(ABS, Dataset([[1 / 3]]), domain=third).lower == 1.0
    with pytest.raises(lv.InvalidArgument, match="1 of 1 points"):
        lv.lower(ABS, Dataset([[just_above]]), domain=third)
