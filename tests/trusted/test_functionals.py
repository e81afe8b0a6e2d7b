"""One step of a linear functional, and fused layers, where rounding decides."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lipverify.arrays import Array
from lipverify.network import Network
from lipverify.relaxations.crown import CHOICES, neuron_lines
from lipverify.relaxations.layers import Layers
from lipverify.trusted.balls import Ball
from lipverify.trusted.functionals import Lines, Step, upper_bounds
from lipverify.trusted.layer import Layer
from tests import oracle


def exact(values: Array) -> list[Fraction]:
    return [Fraction(float(v)) for v in values.ravel()]


def test_what_a_product_rounds_away_is_charged() -> None:
    """0.1 + 0.2 − 0.3 is 2⁻⁵⁵ in exact arithmetic and 2⁻⁵⁴ in floats: the coefficient is all rounding error."""
    weight, nothing = np.array([[0.1], [0.2], [0.3]]), np.zeros(3)
    for scale in (1.0, 2.0**60):
        one = np.full((1, 1), scale)
        step = Step(Ball.exact(weight), (nothing, nothing), one)
        signs = np.array([[[1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]])
        above, below = upper_bounds(signs, [step], one, one)[0].tolist()
        truth = oracle.dot([1, 1, -1], exact(weight)) * Fraction(scale)
        assert -below <= truth <= above
        assert above < 1e-14 * scale


@pytest.mark.parametrize("seed", range(5))
def test_sums_that_cancel_stay_inside(seed: int) -> None:
    """Two steps with biases, of which nearly everything cancels; the bound holds at the points of the box."""
    rng = np.random.default_rng(seed)
    for _ in range(40):
        half = rng.standard_normal((2, 3))
        first, bias = np.vstack([half, -half, half * (1 + 2.0**-50)]), rng.standard_normal(6)
        second = np.tile(rng.standard_normal((1, 2)), (1, 3)) + rng.standard_normal((1, 6)) * 2.0**-48
        point = rng.standard_normal(3)
        y = np.abs(first) @ np.abs(point) + np.abs(bias)
        inner = Step(Ball.exact(first), (bias, np.zeros(6)), np.abs(point)[None])
        ray = Lines(np.ones((1, 6)), np.zeros((1, 6)))
        outer = Step(Ball.exact(second), (np.zeros(1), np.zeros(1)), y[None] * 1.01, ray, ray)
        above, below = upper_bounds(np.array([[[1.0], [-1.0]]]), [outer, inner], point[None], point[None])[0].tolist()
        values = [oracle.dot(exact(row), exact(point)) + Fraction(float(b)) for row, b in zip(first, bias, strict=True)]
        truth = oracle.dot(exact(second), values)
        assert -below <= truth <= above


@pytest.mark.parametrize("slopes", [(0, 1), (0.1, 0.7), (-1, 1), (1, 0), (2, -0.5), (0.3, 0.3)])
def test_lines_lie_on_their_sides_of_a_neuron(slopes: tuple[float, float]) -> None:
    """Exactly, at the ends, at 0 and between; for ends of any size."""
    rng = np.random.default_rng(0)
    ends = np.concatenate(
        [rng.standard_normal((50, 2)), rng.standard_normal((50, 2)) * 10.0 ** rng.integers(-300, 300, (50, 2))]
    )
    ends = np.concatenate([ends, [[0.0, 1.0], [-1.0, 0.0], [0.0, 0.0], [-5e-324, 5e-324], [-1e308, 1e308]]])
    low, high = ends.min(axis=1), ends.max(axis=1)
    above, below = neuron_lines(low[:, None], high[:, None], np.array([slopes], dtype=float))
    for i in range(len(ends)):
        a, b = Fraction(float(low[i])), Fraction(float(high[i]))
        for w in (a, b, (a + b) / 2, *([Fraction(0)] if a <= 0 <= b else [])):
            value = Fraction(slopes[w > 0]) * w
            for lines, sign in ((above, 1), (below, -1)):
                for j in range(i, CHOICES * len(ends), len(ends)):
                    shift = float(lines.shift[j, 0])
                    if np.isfinite(shift):
                        assert sign * (Fraction(float(lines.slope[j, 0])) * w + Fraction(shift) - value) >= 0


def test_a_fused_layer_holds_the_exact_product() -> None:
    """With cancellation, with slopes, with biases; of integers it is exact."""
    rng = np.random.default_rng(1)
    for k in range(60):
        integer = k % 2 == 0
        first = rng.integers(-3, 4, (3, 3)).astype(float) if integer else rng.standard_normal((3, 3)) * [1, 1e-5, 1e9]
        second = rng.integers(-3, 4, (2, 3)).astype(float) if integer else rng.standard_normal((2, 3))
        if not integer:
            second[:, 2] = -(second[:, 0] * first[0, 0] + second[:, 1] * first[1, 0]) / first[2, 0]
        slope = np.ones(3) if integer else rng.standard_normal(3)
        net = Network(
            [first, second], [rng.integers(-3, 4, 3), rng.integers(-3, 4, 2)], [np.stack([slope, slope], axis=1)]
        )
        (layer,) = Layers.fused(net).layers
        assert isinstance(layer, Layer)
        assert (not layer.ball.rad.any()) == integer
        weights, biases, _ = net.fractions()
        inner = [[*row, b] for row, b in zip(weights[0], biases[0], strict=True)]
        for i, row in enumerate(weights[1]):
            for j in range(4):
                value = oracle.dot(
                    [w * Fraction(float(s)) for w, s in zip(row, slope, strict=True)], [r[j] for r in inner]
                )
                value += biases[1][i] * (j == 3)
                mid, rad = Fraction(float(layer.ball.mid[i, j])), Fraction(float(layer.ball.rad[i, j]))
                assert abs(value - mid) <= rad
