"""Every pass keeps the function, exactly, on rationals."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.evaluate import forward_exact
from lipverify.network import Lowering
from lipverify.readers.matrices import dense, finite
from lipverify.readers.passes import PASSES, lower
from lipverify.readers.passes.alternate import alternate
from lipverify.readers.passes.average_pooling import average_pooling_to_affine
from lipverify.readers.passes.batch_norm import batch_norm_to_affine
from lipverify.readers.passes.clip import clip_to_relu
from lipverify.readers.passes.convolution import convolution_to_affine
from lipverify.readers.passes.merge_affine import exact_product, fuse, merge_affine
from lipverify.readers.steps import (
    Affine,
    BatchNorm,
    Clip,
    Dense,
    Select,
    Step,
    Sum,
    TwoSlope,
)
from lipverify.readers.windows import AveragePooling, Convolution, LargestOf, SortedGroups, Window, table
from tests.readers.exact import of_steps, points

numbers = st.one_of(
    st.integers(-4, 4).map(float),
    st.sampled_from([0.1, -0.3, 1 / 3, 2.0**-40, 1e10, -0.0]),
    st.floats(-8, 8, width=32),
)


@st.composite
def chains(draw: st.DrawFn) -> tuple[int, list[Step]]:
    """A width and one to five steps of affine maps, neurons and clips that start from it."""
    width = inputs = draw(st.integers(1, 3))
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(
            st.sampled_from(["affine", "affine", "neurons", "clip", "select", "largest", "sort", "dense", "sum"])
        )
        if kind == "affine":
            made = draw(st.integers(1, 3))
            entries = draw(st.lists(numbers, min_size=made * (width + 1), max_size=made * (width + 1)))
            matrix = np.array(entries).reshape(made, width + 1)
            steps.append(Affine(matrix[:, :-1], matrix[:, -1]))
            width = made
        elif kind == "neurons":
            slopes = draw(st.lists(numbers, min_size=2 * width, max_size=2 * width))
            steps.append(TwoSlope(np.array(slopes).reshape(width, 2)))
        elif kind == "select":
            indices = draw(st.lists(st.integers(-1, width - 1), min_size=1, max_size=4))
            factors, offsets = (draw(st.lists(numbers, min_size=len(indices), max_size=len(indices))) for _ in "ab")
            steps.append(Select(width, np.array(indices), np.array(factors), np.array(offsets)))
            width = len(indices)
        elif kind == "largest":
            count = draw(st.integers(1, 3))
            row = st.lists(st.integers(-1, width - 1), min_size=count, max_size=count).filter(lambda r: max(r) >= 0)
            rows = draw(st.lists(row, min_size=1, max_size=3))
            steps.append(LargestOf(width, np.array(rows), draw(st.booleans())))
            width = len(rows)
        elif kind == "sort":
            group = draw(st.sampled_from([k for k in range(1, width + 1) if width % k == 0]))
            places = np.array(draw(st.permutations(range(width)))).reshape(-1, group)
            steps.append(SortedGroups(width, places, draw(st.booleans())))
        elif kind == "dense":
            after = draw(st.sampled_from([k for k in range(1, width + 1) if width % k == 0]))
            entries = draw(st.lists(numbers, min_size=2 * (width // after + 1), max_size=2 * (width // after + 1)))
            matrix = np.array(entries).reshape(2, -1)
            steps.append(Dense(matrix[:, 1:], matrix[:, 0], 1, after))
            width = 2 * after
        elif kind == "sum":
            parts = draw(st.sampled_from([k for k in range(1, width + 1) if width % k == 0]))
            width //= parts
            steps.append(Sum(width, tuple(draw(st.lists(numbers, min_size=parts, max_size=parts)))))
        else:
            limits = sorted([draw(numbers), draw(numbers)])
            limits[0] = draw(st.sampled_from([limits[0], -math.inf]))
            limits[1] = draw(st.sampled_from([limits[1], math.inf]))
            steps.append(Clip(width, limits[0], limits[1]))
    return inputs, steps


@given(chains(), st.integers(0, 2**20))
def test_every_pass_keeps_the_function_exactly(chain: tuple[int, list[Step]], seed: int) -> None:
    inputs, steps = chain
    current = tuple(steps)
    for x in points(seed, inputs, 2):
        truth = of_steps(steps, x)
        current = tuple(steps)
        for rewriting in PASSES:
            current = rewriting(current)
            assert of_steps(current, x) == truth, rewriting


@given(chains(), st.integers(0, 2**20))
def test_lowering_without_rounding_is_exact_and_says_so(chain: tuple[int, list[Step]], seed: int) -> None:
    inputs, steps = chain
    net = lower(steps, inputs=inputs, source="a test")
    assert net.lowering is Lowering.EXACT
    assert net.source == "a test"
    for x in points(seed, inputs, 2):
        assert list(forward_exact(net, x)) == of_steps(steps, x)


@pytest.mark.parametrize(
    ("lower_limit", "upper_limit"),
    [
        (-1.0, 1.0),
        (0.0, 6.0),
        (0.1, 0.3),
        (2.0, 2.0),
        (0.25, math.inf),
        (-math.inf, -0.3),
        (-math.inf, math.inf),
    ],
)
def test_clip(lower_limit: float, upper_limit: float) -> None:
    steps = (Clip(1, lower_limit, upper_limit),)
    rewritten = clip_to_relu(steps)
    assert not any(isinstance(step, Clip) for step in rewritten)
    for x in [Fraction(v, 7) for v in range(-60, 60)]:
        assert of_steps(rewritten, [x]) == of_steps(steps, [x])


@pytest.mark.parametrize("limits", [(1.0, 0.0), (math.nan, 1.0), (math.inf, math.inf), (-math.inf, -math.inf)])
def test_clip_refuses_limits_without_a_function(limits: tuple[float, float]) -> None:
    with pytest.raises(InvalidNetwork, match="cannot clip"):
        Clip(1, *limits)


@pytest.mark.parametrize(
    ("shape", "groups", "rows", "columns"),
    [
        ((2, 3, 3, 3), 1, Window(4, 4, 3, 1, 1, 1), Window(5, 5, 3, 1, 1, 1)),
        ((4, 1, 2, 3), 2, Window(5, 2, 2, 2, 2, 0), Window(4, 3, 3, 2, 1, 2)),
        ((2, 2, 1, 1), 1, Window(1, 1, 1, 1, 1, 0), Window(2, 1, 1, 3, 1, 0)),
        ((3, 1, 5, 2), 3, Window(2, 1, 5, 1, 1, 2), Window(3, 4, 2, 1, 1, 1)),
    ],
)
def test_convolution(shape: tuple[int, int, int, int], groups: int, rows: Window, columns: Window) -> None:
    rng = np.random.default_rng(0)
    step = Convolution(rng.normal(size=shape), rng.normal(size=shape[0]), groups, (rows, columns))
    (affine,) = convolution_to_affine((step,))
    assert isinstance(affine, Affine)
    assert not affine.rounded
    for x in points(1, groups * shape[1] * rows.size * columns.size, 2):
        assert of_steps([affine], x) == of_steps([step], x)


@pytest.mark.parametrize(("divisor", "rounded"), [(4.0, False), (-0.5, False), (3.0, True), (9.0, True)])
def test_average_pooling(divisor: float, rounded: bool) -> None:
    rows, columns = Window(4, 2, 2, 2, 1, 0), Window(5, 3, 3, 2, 1, 1)
    members = table([rows.members(), columns.members()], (4, 5), 2)
    step = AveragePooling(2 * 4 * 5, members, np.full(len(members), divisor))
    (affine,) = average_pooling_to_affine((step,))
    assert isinstance(affine, Affine)
    assert affine.rounded is rounded
    for x in points(2, 2 * 4 * 5, 2):
        made, truth = of_steps([affine], x), of_steps([step], x)
        assert made == truth if not rounded else np.allclose(np.array(made, float), np.array(truth, float))


def test_batch_norm_is_near_and_says_rounded() -> None:
    step = BatchNorm(np.array([1.0, -2.0]), np.array([4.0, 0.5]), np.array([2.0, -1.0]), np.array([0.0, 1.0]), 1e-5)
    (affine,) = batch_norm_to_affine((step,))
    assert isinstance(affine, Affine)
    assert affine.rounded
    assert np.allclose(affine.weight @ [3.0, 1.0] + affine.bias, [2 * 2 / 4.00001**0.5, 1 - 3 / 0.50001**0.5])


@pytest.mark.parametrize("variance", [[-1.0], [-1e-5]])
def test_batch_norm_refuses_a_variance_without_a_root(variance: list[float]) -> None:
    with pytest.raises(InvalidNetwork, match="not positive"):
        BatchNorm(np.zeros(1), np.array(variance), np.ones(1), np.zeros(1), 1e-5)


def test_batch_norm_refuses_what_overflows() -> None:
    step = BatchNorm(np.array([1e300]), np.array([1e-300]), np.array([1e300]), np.zeros(1), 0.0)
    with pytest.raises(InvalidNetwork, match="finite"):
        batch_norm_to_affine((step,))


def test_fusing_stops_where_float64_does() -> None:
    third = Affine(np.array([[1 / 3]]), np.array([0.0]))
    tenth = Affine(np.array([[0.1]]), np.array([0.0]))
    assert fuse(third, tenth) is None
    assert len(merge_affine((third, tenth))) == 2
    assert fuse(third, Affine(np.array([[0.5]]), np.array([0.0]))) is not None
    net = lower([third, tenth], inputs=1, source="")
    assert net.hidden == (1,)
    assert net.slopes[0].tolist() == [[1.0, 1.0]]
    assert forward_exact(net, [Fraction(1)]) == (Fraction(1 / 3) * Fraction(0.1),)


def test_fusing_respects_the_bias() -> None:
    shift = Affine(np.eye(1), np.array([1.0]))
    assert fuse(shift, Affine(np.eye(1), np.array([2.0**-60]))) is None
    fused = fuse(shift, Affine(np.eye(1), np.array([2.0**-50])))
    assert fused is not None
    assert fused.bias.tolist() == [1.0 + 2.0**-50]


@pytest.mark.parametrize(("a", "b"), [(2.0**600, 2.0**600), (2.0**-600, 2.0**-600), (1 + 2.0**-52, 1 + 2.0**-52)])
def test_products_beyond_float64_are_not_products(a: float, b: float) -> None:
    assert exact_product(np.array([[a]]), np.array([[b]])) is None


def test_a_single_inexact_entry_stops_the_fusion() -> None:
    a, b = np.ones((40, 1)), np.ones((1, 40))
    a[23, 0], b[0, 31] = 1 / 3, 0.1
    assert exact_product(a, b) is None
    assert exact_product(a, np.ones((1, 40))) is not None


def test_rounded_maps_fuse_in_floats_unless_they_overflow() -> None:
    third = Affine(np.array([[1 / 3]]), np.array([0.0]), rounded=True)
    tenth = Affine(np.array([[0.1]]), np.array([0.0]))
    net = lower([third, tenth], inputs=1, source="")
    assert net.lowering is Lowering.ROUNDED
    assert net.hidden == ()
    huge = Affine(np.array([[1e300]]), np.array([0.0]))
    assert len(merge_affine((third, huge, huge))) == 2


def test_neurons_at_both_ends_and_in_a_row() -> None:
    net = lower([TwoSlope.relu(2), TwoSlope.uniform(2, 0.1, 1.0)], inputs=2, source="")
    assert net.hidden == (2, 2)
    assert forward_exact(net, [Fraction(-1), Fraction(1, 3)]) == (0, Fraction(1, 3))


def test_no_steps_are_the_identity() -> None:
    net = lower([], inputs=3, source="")
    assert net.hidden == ()
    assert forward_exact(net, [Fraction(1, 3)] * 3) == (Fraction(1, 3),) * 3


@pytest.mark.parametrize(
    "steps",
    [
        [Affine.identity(2), Affine.identity(3)],
        [Affine.identity(2), TwoSlope.relu(3)],
        [TwoSlope.relu(3), Affine.identity(2)],
        [Affine.identity(3)],
    ],
)
def test_widths_must_chain(steps: list[Step]) -> None:
    with pytest.raises(InvalidNetwork):
        lower(steps, inputs=2, source="")


def test_alternate_refuses_what_an_earlier_pass_should_have_removed() -> None:
    with pytest.raises(InvalidNetwork, match="Clip"):
        alternate((Clip(1, 0.0, 1.0),))


def test_steps_refuse_bad_numbers_and_shapes() -> None:
    with pytest.raises(InvalidNetwork, match=r"entry \[0, 1\] is nan"):
        Affine(np.array([[0.0, math.nan]]), np.zeros(1))
    with pytest.raises(InvalidNetwork, match="no affine map"):
        Affine(np.eye(2), np.zeros(3))
    with pytest.raises(InvalidNetwork, match="slope"):
        TwoSlope(np.array([[0.0, math.inf]]))
    with pytest.raises(InvalidNetwork, match="empty"):
        finite(np.zeros((0, 2)), "a weight")
    with pytest.raises(InvalidNetwork, match="kernel does not fit"):
        Window(2, 0, 3, 1, 1, 0)
    with pytest.raises(UnsupportedLayer, match="readers stop at"):
        dense(2**20, 2**20)
