"""Interval arithmetic on batches, against Fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lipverify.trusted.balls import Ball
from lipverify.trusted.intervals import affine, bent, matrix_product, middle, scaled
from lipverify.trusted.layer import Layer
from tests import oracle

SCALES = [
    (1.0, 1.0),
    (1e-310, 1e200),
    (1e-310, 1e300),
    (1e-200, 1e-110),
    (1e-160, 1e-160),
    (3e-320, 1e10),
    (1e300, 1e8),
]


def fractions(values: np.ndarray) -> list[Fraction]:
    return [Fraction(float(v)) for v in values.ravel()]


@pytest.mark.parametrize(("first", "second"), SCALES)
def test_sums_of_products_lie_inside_at_every_scale(first: float, second: float) -> None:
    """A middle so small that its own error bound underflows, products that underflow, and products that overflow."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        x, y = rng.standard_normal((2, 1, 3)) * first
        low, high = np.minimum(x, y), np.maximum(x, y)
        weight, bias = rng.standard_normal((3, 2)) * second, rng.standard_normal(2) * second * min(first, 1.0)
        product = matrix_product(low, high, Ball.exact(weight))
        image = affine(low, high, Layer.exact(weight.T.copy(), bias))
        assert not np.isnan([product, image]).any()
        for point in (low, high, x, y):
            for j in range(2):
                exact = oracle.dot(fractions(point), fractions(weight[:, j]))
                assert product[0][0, j] <= exact <= product[1][0, j]
                assert image[0][0, j] <= exact + Fraction(float(bias[j])) <= image[1][0, j]


def test_every_end_and_weight_of_a_scale_of_its_own() -> None:
    """One end of a range may underflow in a product where the other one does not."""
    rng = np.random.default_rng(0)

    def drawn(*shape: int) -> np.ndarray:
        scales = rng.choice([0, 0, -104, -520, -1043, -1070, 300], size=shape)
        return np.ldexp(rng.choice([-1.0, 1.0, 1.5, 0.0], size=shape), scales)

    for count in [1, 2] * 500:
        x, y = drawn(2, 1, count)
        low, high = np.minimum(x, y), np.maximum(x, y)
        weight, bias = drawn(count, 2), drawn(2) * rng.choice([0.0, 1.0])
        image = affine(low, high, Layer.exact(weight.T.copy(), bias))
        product = matrix_product(low, high, Ball.exact(weight))
        ends = list(zip(fractions(low), fractions(high), strict=True))
        for j in range(2):
            terms = [(w * a, w * b) for w, (a, b) in zip(fractions(weight[:, j]), ends, strict=True)]
            least, most = sum(map(min, terms), Fraction(0)), sum(map(max, terms), Fraction(0))
            assert product[0][0, j] <= least
            assert product[1][0, j] >= most
            assert image[0][0, j] <= least + Fraction(float(bias[j]))
            assert image[1][0, j] >= most + Fraction(float(bias[j]))


def test_ends_are_exact_where_sums_are() -> None:
    """Integers and small dyadics; an entry of 53 bits is not, and has an outward step."""
    layer = Layer.exact(np.array([[1.0, -2.0, 0.25], [3.0, 0.0, 1.5]]), np.array([-1.0, 0.125]))
    low, high = affine(np.array([[1.0, -1.0, 0.5]]), np.array([[2.0, 1.0, 0.5]]), layer)
    assert (low.tolist(), high.tolist()) == ([[-1.875, 3.875]], [[3.125, 6.875]])
    third = Layer.exact(np.array([[1 / 3, 1.0]]), np.array([0.0]))
    low, high = affine(np.array([[1.0, 1.0]]), np.array([[1.0, 1.0]]), third)
    assert low[0, 0] < Fraction(1 / 3) + 1 < high[0, 0]


def test_radii_of_a_layer_count() -> None:
    """[W | b] within a radius: the extreme members' values lie inside."""
    ball = Ball(np.array([[1.0, -1.0, 0.5]]), np.array([[0.5, 0.25, 0.125]]))
    low, high = affine(np.array([[-1.0, 2.0]]), np.array([[1.0, 3.0]]), Layer(ball))
    assert low[0, 0] <= -1 * 1.5 - 1.25 * 3 + 0.375
    assert high[0, 0] >= 1.5 - 0.75 * 2 + 0.625
    assert high[0, 0] - low[0, 0] < 7


def test_products_with_slopes_are_the_four_corners() -> None:
    """[−1, 2] times [0, 1], times [−3, ½]: the exact ranges, not a middle and a radius."""
    low, high = np.array([-1.0, -1.0]), np.array([2.0, 2.0])
    below, above = scaled(low, high, np.array([0.0, -3.0]), np.array([1.0, 0.5]))
    assert below == pytest.approx([-1, -6])
    assert above == pytest.approx([2, 3])
    assert below[0] == -1
    assert above[0] == 2
    below, above = scaled(np.array([0.1]), np.array([0.1]), np.array([0.3]), np.array([0.3]))
    assert below[0] < Fraction(0.1) * Fraction(0.3) < above[0]


@pytest.mark.parametrize(
    ("slopes", "expected"),
    [
        ((0, 1), (0, 3)),
        ((-1, 1), (0, 3)),
        ((1, 0), (-2, 0)),
        ((2, -0.5), (-4, 0)),
        ((0.5, 2), (-1, 6)),
        ((1, 1), (-2, 3)),
    ],
)
def test_a_neuron_over_an_interval(slopes: tuple[float, float], expected: tuple[float, float]) -> None:
    below, above = bent(np.array([-2.0]), np.array([3.0]), np.array([slopes], dtype=float))
    assert (below[0], above[0]) == expected


def test_infinite_ends_stay_on_their_side() -> None:
    inf = math.inf
    low, high = np.array([-inf, -inf, 1.0]), np.array([inf, -1.0, inf])
    slopes = np.array([[0.0, 1.0], [-2.0, 1.0], [0.3, 0.7]])
    below, above = bent(low, high, slopes)
    assert (below[0], above[0]) == (0, inf)
    assert (below[1], above[1]) == (2, inf)
    assert 0 < below[2] <= 0.7
    assert above[2] == inf
    mid, rad = middle(low, high)
    assert (mid == 0).all()
    assert (rad == inf).all()
    below, above = matrix_product(low[None], high[None], Ball.exact(np.eye(3)))
    assert (below == -inf).all()
    assert (above == inf).all()
