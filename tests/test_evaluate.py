"""Forward pass, pattern and Jacobian: floats against rationals, rationals against the oracle."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lipverify as lv
from lipverify.evaluate import (
    affine_rows,
    forward,
    forward_exact,
    jacobian,
    jacobian_exact,
    jacobian_with_error,
    next_affine_rows,
    pattern,
    preactivations,
)
from lipverify.rationals import entries, fraction
from lipverify.testing import networks
from tests import oracle

POINTS = st.lists(st.integers(-24, 24).map(lambda n: n / 8), min_size=3, max_size=3)


def states_of(net: lv.Network, choice: int) -> tuple[tuple[bool, ...], ...]:
    """A pattern from the bits of a number; nothing says that its region exists."""
    bits = iter(bool(choice >> i & 1) for i in range(net.neurons))
    return tuple(tuple(next(bits) for _ in range(n)) for n in net.hidden)


def test_exact_points_must_fit() -> None:
    with pytest.raises(lv.InvalidArgument, match="3 coordinates"):
        forward_exact(lv.Network([[[1, 2]]]), [1.0, 2.0, 3.0])


@given(networks(slopes=True), POINTS)
def test_the_exact_forward_pass(net: lv.Network, x: list[float]) -> None:
    point = [Fraction(c) for c in x[: net.input_dim]]
    assert forward_exact(net, point) == oracle.evaluate(net, point)


@given(networks(slopes=True, weights="dyadics"), POINTS)
def test_the_float_forward_pass_on_dyadics_is_exact(net: lv.Network, x: list[float]) -> None:
    point = x[: net.input_dim]
    truth = [float(v) for v in forward_exact(net, point)]
    assert forward(net, point).tolist() == net(point).tolist() == truth
    batch = forward(net, np.array([[point, point]]))
    assert batch.tolist() == [[truth, truth]]


@given(networks(slopes=True, weights="dyadics"), POINTS)
def test_the_pattern_is_the_sign_of_the_preactivations(net: lv.Network, x: list[float]) -> None:
    point = x[: net.input_dim]
    for states, values in zip(pattern(net, point), preactivations(net, point), strict=True):
        assert states.tolist() == (values > 0).tolist()
    located = oracle.locate(net, None, [Fraction(c) for c in point])
    if located is not None and all((s[:, 0] != s[:, 1]).all() for s in net.slopes):
        assert tuple(tuple(layer.tolist()) for layer in pattern(net, point)) == located[0]


@given(networks(slopes=True), st.integers(0, 2**20))
def test_the_float_jacobian_knows_its_error(net: lv.Network, choice: int) -> None:
    active = states_of(net, choice)
    exact = [[fraction(v) for v in row] for row in entries(jacobian_exact(net, active))]
    mid, rad = jacobian_with_error(net, active)
    assert mid.shape == rad.shape == (net.output_dim, net.input_dim)
    assert mid.tolist() == jacobian(net, active).tolist()
    for mids, rads, row in zip(mid.tolist(), rad.tolist(), exact, strict=True):
        for a, r, value in zip(mids, rads, row, strict=True):
            assert abs(Fraction(a) - value) <= Fraction(r)


@given(networks(slopes=True, hidden=(1, 2)), st.integers(0, 2**20))
def test_jacobians_come_in_batches(net: lv.Network, choice: int) -> None:
    patterns = [states_of(net, choice), states_of(net, choice >> 3)]
    stacked = [np.array([states[k] for states in patterns]) for k in range(len(net.hidden))]
    mid, rad = jacobian_with_error(net, stacked)
    for k, states in enumerate(patterns):
        exact = [[fraction(v) for v in row] for row in entries(jacobian_exact(net, states))]
        gap = [
            [abs(Fraction(a) - v) for a, v in zip(*rows, strict=True)]
            for rows in zip(mid[k].tolist(), exact, strict=True)
        ]
        assert all(
            g <= Fraction(r) for gs, rs in zip(gap, rad[k].tolist(), strict=True) for g, r in zip(gs, rs, strict=True)
        )


def test_the_error_covers_underflow() -> None:
    net = lv.Network([[[1e-200]], [[1e-200]], [[1e300]]])
    mid, rad = jacobian_with_error(net, [[True], [True]])
    exact = fraction(jacobian_exact(net, ((True,), (True,)))[0, 0])
    assert exact > 0
    assert abs(Fraction(float(mid[0, 0])) - exact) <= Fraction(float(rad[0, 0]))


@given(networks(slopes=True, hidden=(1, 2)))
def test_affine_rows_are_the_maps_on_a_region(net: lv.Network) -> None:
    for region in oracle.regions(net)[:4]:
        rows = affine_rows(net)
        z = (*region.point, Fraction(1))
        for k, states in enumerate(region.pattern):
            values = [oracle.dot([fraction(v) for v in row], z) for row in entries(rows)]
            free = [left != right for left, right in net.slopes[k].tolist()]
            assert [v > 0 for v, f in zip(values, free, strict=True) if f] == [
                on for on, f in zip(states, free, strict=True) if f
            ]
            rows = next_affine_rows(net, k, rows, states)
        assert tuple(oracle.dot([fraction(v) for v in row], z) for row in entries(rows)) == oracle.evaluate(
            net, region.point
        )


def test_wrong_shapes_are_refused() -> None:
    net = lv.Network([np.eye(2), np.eye(2)])
    with pytest.raises(lv.InvalidArgument, match=r"\(3,\); expected \(\.\.\., 2\)"):
        net([1, 2, 3])
    with pytest.raises(lv.InvalidArgument, match="0 layers; the network has 1"):
        jacobian(net, [])
