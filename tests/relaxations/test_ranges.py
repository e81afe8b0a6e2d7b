"""Ranges of pre-activations and Jacobians against exact values, with no tolerance anywhere."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.arrays import Array, Signs
from lipverify.domain import Ball, Box
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.relaxations.crown import crown_ranges
from lipverify.relaxations.decided import domain_ranges
from lipverify.relaxations.interval import Ranges, Slopes, jacobian_ranges, preactivation_ranges, slope_ranges
from lipverify.relaxations.layers import Layers
from lipverify.testing.strategies import domains, networks
from tests import oracle
from tests.conftest import examples

Point: TypeAlias = tuple[Fraction, ...]
METHODS: dict[str, Callable[..., Ranges]] = {"interval": preactivation_ranges, "crown": crown_ranges}


def values(net: Network, x: Sequence[Fraction]) -> list[Point]:
    """Every layer's pre-activations at x, the outputs last, exactly."""
    weights, biases, slopes = net.fractions()
    v: Point = tuple(x)
    found: list[Point] = []
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        y = tuple(oracle.dot(row, v) + b for row, b in zip(weight, bias, strict=True))
        found.append(y)
        if k < len(slopes):
            v = tuple(pair[value > 0] * value for pair, value in zip(slopes[k], y, strict=True))
    return found


def corners(box: Box) -> list[Point]:
    """The box's corners and its centre."""
    ends = [(Fraction(a), Fraction(b)) for a, b in zip(box.lower.tolist(), box.upper.tolist(), strict=True)]
    return [*itertools.product(*ends), tuple((a + b) / 2 for a, b in ends)]


def holds(low: Array, high: Array, exact: Sequence[Fraction]) -> bool:
    """Whether exact numbers lie between float ends, entry by entry."""
    flat = zip(low.ravel().tolist(), exact, high.ravel().tolist(), strict=True)
    return all(a <= value <= b for a, value, b in flat)


def entries(matrix: oracle.Matrix) -> list[Fraction]:
    return [value for row in matrix for value in row]


def partial(data: st.DataObject, pattern: oracle.Pattern) -> list[Signs]:
    """A region's pattern with some neurons left open."""
    return [
        np.array([0 if data.draw(st.booleans()) else (1 if on else -1) for on in layer], dtype=np.int8)
        for layer in pattern
    ]


@settings(max_examples=examples(150))
@given(st.data())
def test_exact_values_lie_in_the_ranges(data: st.DataObject) -> None:
    """At corners, centre and a point of every region; every region's Jacobian; with and without a pattern."""
    net = data.draw(networks(slopes=data.draw(st.booleans())))
    box = data.draw(domains(net.input_dim, kinds=("box",)))
    assert isinstance(box, Box)
    regions = oracle.regions(net, box)
    points = [*corners(box), *(region.point for region in regions)]
    for method in METHODS.values():
        ranges = method(net, box.lower, box.upper)
        for x in points:
            for low, y, high in zip(ranges.low, values(net, x), ranges.high, strict=True):
                assert holds(low, high, y)
        low, high = jacobian_ranges(net, slope_ranges(net, ranges))
        assert all(holds(low, high, entries(region.jacobian)) for region in regions)
        for region in regions[:8]:
            signs = partial(data, region.pattern)
            ranges = method(net, box.lower, box.upper, signs)
            for a, y, b in zip(ranges.low, values(net, region.point), ranges.high, strict=True):
                assert holds(a, b, y)
            for known in (slope_ranges(net, ranges, signs), slope_ranges(net, None, signs)):
                assert holds(*jacobian_ranges(net, known), entries(region.jacobian))


@settings(max_examples=examples(80))
@given(networks(slopes=True))
def test_with_every_slope_free_the_jacobian_ranges_hold_globally(net: Network) -> None:
    low, high = jacobian_ranges(net, slope_ranges(net))
    assert low.shape == high.shape == (net.output_dim, net.input_dim)
    for region in oracle.regions(net):
        assert holds(low, high, entries(region.jacobian))


@settings(max_examples=examples(80))
@given(st.data())
def test_fused_layers_hold_what_the_network_does(data: st.DataObject) -> None:
    """Layers of linear neurons multiplied away: the Jacobians and the outputs still lie inside."""
    net = data.draw(networks(slopes=True, hidden=(1, 3), width=(1, 3)))
    linear = [data.draw(st.booleans()) for _ in net.slopes]
    pairs = [np.repeat(s[:, 1:], 2, axis=1) if flat else s for s, flat in zip(net.slopes, linear, strict=True)]
    net = Network(net.weights, net.biases, pairs)
    chain = Layers.fused(net)
    assert not any((s[:, 0] == s[:, 1]).all() for s in chain.slopes)
    box = data.draw(domains(net.input_dim, kinds=("box",)))
    assert isinstance(box, Box)
    for method in METHODS.values():
        ranges = method(chain, box.lower, box.upper)
        low, high = jacobian_ranges(chain, slope_ranges(chain, ranges))
        for region in oracle.regions(net, box):
            assert holds(low, high, entries(region.jacobian))
            assert holds(ranges.low[-1], ranges.high[-1], values(net, region.point)[-1])


@settings(max_examples=examples(60))
@given(st.data())
def test_crown_is_within_interval(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, hidden=(1, 3)))
    box = data.draw(domains(net.input_dim, kinds=("box",)))
    assert isinstance(box, Box)
    outer, inner = (method(net, box.lower, box.upper) for method in METHODS.values())
    for k in range(len(net.weights)):
        assert (outer.low[k] <= inner.low[k]).all()
        assert (inner.high[k] <= outer.high[k]).all()


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_many_boxes_at_once_are_the_same_as_one_by_one(method: Callable[..., Ranges]) -> None:
    """Up to the order of summation; leading axes of boxes and signs are broadcast."""
    rng = np.random.default_rng(0)
    net = Network([rng.standard_normal((m, n)) for n, m in itertools.pairwise((3, 5, 4, 2))])
    centre = rng.standard_normal((2, 3, 3))
    signs = [rng.integers(-1, 2, (7, 1, 1, n)).astype(np.int8) for n in (5, 4)]
    ranges = method(net, centre - 0.1, centre + 0.1, signs)
    low, high = jacobian_ranges(net, slope_ranges(net, ranges, signs))
    assert [a.shape for a in ranges.low] == [(7, 2, 3, 5), (7, 2, 3, 4), (7, 2, 3, 2)]
    assert low.shape == (7, 2, 3, 2, 3)
    for i, j, k in itertools.product(range(7), range(2), range(3)):
        own = [s[i, 0, 0] for s in signs]
        one = method(net, centre[j, k] - 0.1, centre[j, k] + 0.1, own)
        for got, want in zip((*ranges.low, *ranges.high), (*one.low, *one.high), strict=True):
            assert got[i, j, k] == pytest.approx(want, rel=1e-9, abs=1e-12)
        alone = jacobian_ranges(net, slope_ranges(net, one, own))
        assert low[i, j, k] == pytest.approx(alone[0], rel=1e-9, abs=1e-12)
        assert high[i, j, k] == pytest.approx(alone[1], rel=1e-9, abs=1e-12)


def test_crown_sees_what_intervals_cannot() -> None:
    """|x| + 1 − |x| through linear neurons: CROWN cancels, intervals do not; and relu's chord is ½(x + 1)."""
    net = Network([[[1.0], [1.0]], [[1.0, -1.0]]], [None, [1.0]], [[(-1, 1), (-1, 1)]])
    outer = preactivation_ranges(net, [-1.0], [1.0])
    inner = crown_ranges(net, [2.0], [3.0])
    assert (outer.low[1][0], outer.high[1][0]) == (0.0, 2.0)
    assert inner.low[1] == pytest.approx(1)
    assert inner.high[1] == pytest.approx(1)
    sloped = Network([[[1.0], [1.0]], [[1.0, -0.5]]], slopes=[[(0, 1), (1, 1)]])  # relu(x) − x/2 = |x|/2
    ranges = crown_ranges(sloped, [-1.0], [1.0])
    assert ranges.high[1] == pytest.approx(0.5)
    assert preactivation_ranges(sloped, [-1.0], [1.0]).high[1] == pytest.approx(1.5)


@settings(max_examples=examples(40))
@given(
    st.lists(st.fractions(-3, 3, max_denominator=50), min_size=2, max_size=2),
    st.integers(1, 2**20),
    st.sampled_from([(3, 4), (5, -12), (-8, 15), (0, 1), (0, 0)]),
)
def test_a_first_layer_reaches_what_it_does_on_a_ball(centre: list[Fraction], size: int, row: tuple[int, int]) -> None:
    """w·x + b on a ball ends at w·c + b ± r‖w‖₂, which is rational for rows of whole length."""
    ball = Ball([float(x) for x in centre], size * 2.0**-18)
    net = Network([[row]], [[0.3]])
    ranges = domain_ranges(Layers.of(net), ball)
    middle = oracle.dot([Fraction(x) for x in ball.center.tolist()], [Fraction(x) for x in row]) + Fraction(0.3)
    reach = Fraction(ball.radius) * math.isqrt(row[0] ** 2 + row[1] ** 2)
    for end, exact, sign in ((ranges.low[0], middle - reach, -1), (ranges.high[0], middle + reach, 1)):
        beyond = sign * (Fraction(float(end[0])) - exact)
        assert 0 <= beyond <= Fraction(1, 10**12)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_a_hyperplane_on_a_facet_decides_its_neuron(method: Callable[..., Ranges]) -> None:
    """x − 1 on [1, 2] and x + 2y − 3 on [1, 2]²: the ends are 0 exactly, and so are those of the layer above."""
    net = Network([[[1, 0], [1, 2], [-1, 0]], [[1, 1, 1], [-1, 0, 0]], [[1, 1]]], [[-1, -3, 1], [0, 0], [0]])
    ranges = method(net, [1, 1], [2, 2])
    assert ranges.low[0].tolist() == [0, 0, -1]
    assert ranges.high[0].tolist() == [1, 3, 0]
    assert ranges.low[1][0] == 0
    assert ranges.high[1][1] == 0
    slopes = slope_ranges(net, ranges)
    assert [s.tolist() for s in slopes.low] == [s.tolist() for s in slopes.high] == [[1, 1, 0], [1, 0]]
    low, high = jacobian_ranges(net, slopes)
    assert low == pytest.approx(np.array([[2, 2]]), rel=1e-14)
    assert high == pytest.approx(np.array([[2, 2]]), rel=1e-14)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("scale", [1e-320, 1e-200, 1e200, 1e308])
@pytest.mark.parametrize("other", [1e-320, 1e-200, 1.0, 1e200])
def test_extreme_scales_stay_sound(method: Callable[..., Ranges], scale: float, other: float) -> None:
    """Over- and underflow may lose everything, but never the truth, and never a NaN."""
    net = Network(
        [
            np.array([[1.0, 0.5], [-1.0, 0.3], [0.0, 0.0]]) * scale,
            np.array([[1.0, -0.7, 1.0], [0.0, 1.0, -1.0]]) * other,
            [[1.0, 1.0]],
        ],
        [[0.0, scale / 3, 0.0], None, None],
        [[(0, 1), (-0.3, 1), (0.5, -2)], [(0.1, 3), (0, 1)]],
    )
    box = Box([-1, -0.5], [0.7, 3])
    regions = oracle.regions(net, box)
    for chain in (net, Layers.fused(net)):
        ranges = method(chain, box.lower, box.upper)
        low, high = jacobian_ranges(chain, slope_ranges(chain, ranges))
        for array in (*ranges.low, *ranges.high, low, high):
            assert not np.isnan(array).any()
        for region in regions:
            assert holds(low, high, entries(region.jacobian))
            for a, y, b in zip(ranges.low, values(net, region.point), ranges.high, strict=True):
                assert holds(a, b, y)


def test_a_part_that_is_empty_shows_itself() -> None:
    """relu(x) on [1, 2] decided inactive: the range lies beyond 0."""
    net = Network([[[1.0]], [[1.0]]])
    ranges = crown_ranges(net, [1.0], [2.0], [np.array([-1], dtype=np.int8)])
    assert ranges.low[0] > 0


def test_signs_go_before_ranges_and_linear_neurons_have_none() -> None:
    net = Network([np.eye(3), np.ones((1, 3))], slopes=[[(0, 1), (0.5, 0.5), (2, -1)]])
    ranges = preactivation_ranges(net, [1, 1, -1], [2, 2, 1])
    assert isinstance(slopes := slope_ranges(net, ranges), Slopes)
    assert slopes.low[0].tolist() == [1, 0.5, -1]
    assert slopes.high[0].tolist() == [1, 0.5, 2]
    decided = slope_ranges(net, ranges, [np.array([-1, -1, -1], dtype=np.int8)])
    assert decided.low[0].tolist() == decided.high[0].tolist() == [0, 0.5, 2]
    below = preactivation_ranges(net, [-1, -1, -1], [1, 1, 1], [np.array([1, 1, 0], dtype=np.int8)])
    assert (below.low[1][0], below.high[1][0]) == (0 - 0.5 - 2, 1 + 0.5 + 0)
    below = preactivation_ranges(net, [-1, -1, -1], [1, 1, 1], [np.array([-1, 0, -1], dtype=np.int8)])
    assert (below.low[1][0], below.high[1][0]) == (0 - 0.5 - 2, 0 + 0.5 + 0)


def test_no_hidden_layer_has_its_matrix_for_jacobian() -> None:
    net = Network([[[1.0, -2.5]]], [[3.0]])
    for method in METHODS.values():
        ranges = method(net, [0, 0], [1, 1])
        assert (ranges.low[0][0], ranges.high[0][0]) == (0.5, 4)
        low, high = jacobian_ranges(net, slope_ranges(net, ranges))
        assert low.tolist() == high.tolist() == [[1.0, -2.5]]


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        ([0.0], [1.0], r"expected \(..., 2\)"),
        ([0.0, 0.0], [1.0, math.inf], "finite"),
        ([0.0, math.nan], [1.0, 1.0], "finite"),
        ([0.0, 2.0], [1.0, 1.0], "lower ≤ upper"),
        ([[0.0, 0.0]], [1.0, 1.0], "shapes"),
    ],
)
def test_bad_boxes(lower: Array, upper: Array, message: str) -> None:
    net = Network([[[1.0, 1.0]], [[1.0]]])
    for method in METHODS.values():
        with pytest.raises(InvalidArgument, match=message):
            method(net, lower, upper)


def test_bad_signs() -> None:
    net = Network([[[1.0, 1.0]], [[1.0]]])
    with pytest.raises(InvalidArgument, match="signs"):
        crown_ranges(net, [0, 0], [1, 1], [])
    with pytest.raises(InvalidArgument, match="signs"):
        slope_ranges(net, None, [np.zeros(2, dtype=np.int8)])
