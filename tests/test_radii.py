"""Certified radii: closed forms, attacks, and chains that hold in Fractions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.testing import networks
from tests import oracle
from tests.conftest import examples

# f = (1 + relu(x − 1), 0): margin 1 at 0, constant 0 up to 1. And a linear one.
LINEAR = lv.Network([[[1.0, 2.0], [0.0, 0.0]]], [[3.0, 0.0]])
KINKED = lv.Network([[[-1.0], [1.0]], [[-2.0, -1.0]]], [[-1.0, 0.0], [4.0]])  # 4 − 2·relu(−x − 1) − relu(x)


def one(net: lv.Network, x: Any, label: Any = None, **options: Any) -> lv.CertifiedRadius:
    found = lv.certified_radius(net, x, label, global_seconds=0, **options)
    assert isinstance(found, lv.CertifiedRadius)
    return found


@pytest.mark.parametrize(("p", "constant"), [(1, 2.0), (2, math.sqrt(5)), (math.inf, 3.0)])
def test_a_linear_margin_is_certified_to_its_boundary(p: float, constant: float) -> None:
    found = one(LINEAR, [0.0, 0.0], p=p)
    assert found.radius == pytest.approx(3 / constant, rel=1e-12)
    assert Fraction(found.radius) ** 2 * Fraction(constant) ** 2 <= 9 * (1 + Fraction(1, 10**15))
    assert found.label == 0


def test_the_local_constant_counts_not_the_global_one() -> None:
    found = one(KINKED, [0.5], rtol=1e-9)
    # 3.5 away from 0 with slope −1 up to 3.5 to the right; to the left slope 2 begins 1.5 away.
    # r ≤ 1.5: L = 1, certified as 3.5 ≥ 1.5. Beyond, L = 2: r = 1.75.
    assert found.radius == pytest.approx(1.75, rel=1e-8)
    assert found.ceiling == pytest.approx(1.75, rel=1e-8)
    assert one(KINKED, [2.0], rtol=1e-9).radius == pytest.approx(2.0, rel=1e-8)  # L = 1 up to 3
    steep = lv.Network([[[-1.0], [1.0]], [[-100.0, -1.0]]], [[-1.0, 0.0], [4.0]])
    assert one(steep, [0.5], rtol=1e-9).radius == pytest.approx(1.5, rel=1e-8)  # the kink itself


def test_nothing_and_everything() -> None:
    assert one(LINEAR, [0.0, 0.0], 1).radius == 0.0
    assert one(LINEAR, [-3.0, 0.0]).radius == 0.0  # a tie
    constant = lv.Network([[[0.0], [0.0]]], [[1.0, 0.0]])
    assert one(constant, [5.0]).radius == math.inf


@settings(max_examples=examples(12))
@given(st.data(), st.sampled_from([1.0, 2.0, math.inf]))
def test_no_certified_radius_reaches_a_counterexample(data: st.DataObject, p: float) -> None:
    net = data.draw(networks(outputs=(1, 3), width=(1, 4), weights="dyadics"))
    x = [data.draw(st.integers(-8, 8)) / 4 for _ in range(net.input_dim)]
    found = one(net, x, p=p)
    if not 0 < found.radius < 2.0**90:
        return
    rng = np.random.default_rng(0)
    along = rng.normal(size=(300, net.input_dim))
    along /= np.linalg.norm(along, ord=p, axis=1, keepdims=True)
    for share in (0.5, 0.999, 1.0):
        for step in (along * found.radius * share).tolist():
            y = [Fraction(a) + Fraction(b) * Fraction(999999, 1000000) for a, b in zip(x, step, strict=True)]
            values = oracle.evaluate(net, y)
            if len(values) == 1:
                assert (values[0] > 0) == (found.label == 1)
            else:
                assert all(values[found.label] > v for j, v in enumerate(values) if j != found.label)


@settings(max_examples=examples(12))
@given(st.data(), st.sampled_from([1.0, 2.0, math.inf]))
def test_the_chain_holds_and_the_ceiling_does_not(data: st.DataObject, p: float) -> None:
    net = data.draw(networks(outputs=2, inputs=(1, 2), width=(1, 3), weights="integers"))
    x = [data.draw(st.integers(-8, 8)) / 4 for _ in range(net.input_dim)]
    found = one(net, x, p=p)
    values = oracle.evaluate(net, [Fraction(v) for v in x])
    margin = values[found.label] - values[1 - found.label]
    row = np.array([1.0, -1.0]) * (1 if found.label == 0 else -1)
    for step in found.chain:
        assert step.margin == margin
        if step.radius == math.inf:
            assert step.bound.upper == 0
            continue
        assert Fraction(step.radius) * Fraction(step.bound.upper) <= margin
        truth = [r.jacobian for r in oracle.regions(net.output(row), lv.Ball(x, step.radius, p))]
        assert all(oracle.at_most(J, Fraction(step.bound.upper) ** 2, p, p) for J in truth)
    if 0 < found.ceiling < math.inf:
        truth = [r.jacobian for r in oracle.regions(net.output(row), lv.Ball(x, found.ceiling, p))]
        assert not all(oracle.at_most(J, (margin / Fraction(found.ceiling)) ** 2, p, p) for J in truth)
        assert found.ceiling <= found.radius * 1.002


def test_batches_are_iterators() -> None:
    found = lv.certified_radius(LINEAR, [[0.0, 0.0], [1.0, 1.0], [-9.0, 0.0]], [0, 0, 0], global_seconds=0)
    assert isinstance(found, Iterator)
    radii = [f.radius for f in found]
    assert radii[0] < radii[1]
    assert radii[2] == 0.0


def test_what_global_constants_certify_is_said() -> None:
    found = lv.certified_radius(KINKED, [0.5])
    assert isinstance(found, lv.CertifiedRadius)
    assert set(found.others) == {"autolip", "lipsdp", "exact"}
    assert found.others["exact"] == 1.75
    assert found.others["autolip"] <= found.others["lipsdp"] <= 1.75 <= found.radius * 1.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0],), r"shape \(1,\)"),
        (([0.0, math.nan],), "finite"),
        (([0.0, 0.0], 2), "label must be an integer from 0 to 1"),
        (([0.0, 0.0], "cat"), "label"),
    ],
)
def test_bad_questions(arguments: Any, message: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=message):
        lv.certified_radius(LINEAR, *arguments)
    with pytest.raises(lv.InvalidArgument, match="rtol"):
        lv.certified_radius(LINEAR, [0.0, 0.0], rtol=0)
    with pytest.raises(lv.InvalidArgument, match="pair"):
        lv.certified_radius(LINEAR, [0.0, 0.0], p=(1, 2))
