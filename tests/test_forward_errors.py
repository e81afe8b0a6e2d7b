"""Rounding errors of a forward pass: torch in narrow formats against Fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.testing import domains, networks
from lipverify.trusted.float_formats import FORMATS
from tests import oracle
from tests.conftest import examples

SAMPLES = 12 if examples(1) == 1 else 100  # of each of 40 networks, or of 1,000
DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.float64)


def largest_share(net: lv.Network, domain: Any, dtype: torch.dtype, count: int, seed: int) -> float:
    """The largest error seen, as a share of the bound; every one of them is checked."""
    bound = lv.rounding_error(net, domain, dtype)
    try:
        module = net.to_torch(dtype)
    except lv.InvalidArgument:  # a parameter beyond the format
        return 0.0
    rng = np.random.default_rng(seed)
    box = getattr(domain, "box", domain)
    points = rng.uniform(box.lower, box.upper, size=(count, net.input_dim))
    if isinstance(domain, lv.Ball):
        points = domain.center + (points - domain.center) / math.sqrt(net.input_dim)
    points[: len(points) // 4] = np.where(rng.random((len(points) // 4, net.input_dim)) < 0.5, box.lower, box.upper)
    if isinstance(domain, lv.Ball):
        points = points[len(points) // 4 :]
    with torch.no_grad():
        seen = module(torch.tensor(points).to(dtype)).to(torch.float64).numpy()
    worst = 0.0
    for x, computed in zip(points.tolist(), seen.tolist(), strict=True):
        truth = oracle.evaluate(net, [Fraction(v) for v in x])
        for value, exact, limit in zip(computed, truth, bound.tolist(), strict=True):
            if limit == math.inf:
                continue
            error = abs(Fraction(value) - exact)
            assert error <= Fraction(limit), (x, value, float(exact), limit)
            worst = max(worst, float(error / Fraction(limit)) if limit else 0.0)
    return worst


@settings(max_examples=examples(40))
@given(st.data(), st.sampled_from(DTYPES))
def test_no_forward_pass_is_further_off(data: st.DataObject, dtype: torch.dtype) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), width=(1, 5)))
    domain = data.draw(domains(net.input_dim, kinds=["box", "ball"]))
    largest_share(net, domain, dtype, SAMPLES, data.draw(st.integers(0, 100)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_bound_is_of_the_right_size(dtype: torch.dtype) -> None:
    rng = np.random.default_rng(1)
    net = lv.Network([rng.normal(size=(16, 8)), rng.normal(size=(16, 16)), rng.normal(size=(2, 16))])
    assert largest_share(net, lv.Box([-1] * 8, [1] * 8), dtype, 200, 0) > 1e-3


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_bound_that_forgets_something_is_caught(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single layer with one product: conversions and roundings are all there is."""
    monkeypatch.setattr("lipverify.trusted.float_formats.Format.spread", lambda *_: 0.0)
    monkeypatch.setattr("lipverify.trusted.float_formats.Format.rounding", lambda _, size: size * 0)
    net = lv.Network([[[1 / 3, 0.7, -0.3]], [[1.0]]])
    with pytest.raises(AssertionError):
        largest_share(net, lv.Box([-1] * 3, [1] * 3), dtype, 100, 0)


def test_what_stagnates_in_one_layer_is_not_forgotten_in_the_next() -> None:
    """2048 + 1 is 2048 in float16, and so 64 ones are lost, one after the other."""
    total = np.float16(2048)
    for _ in range(64):
        total = np.float16(total + np.float16(1))
    assert float(total) == 2048
    net = lv.Network([[[2048.0] + [1.0] * 64], [[1.0]]])
    (bound,) = lv.rounding_error(net, lv.Box([0.5] * 65, [1] * 65), "float16")
    assert bound >= 64


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("low", "high"), [(0.3, 1.7), (-1.7, 0.3), (-0.7, -0.1)])
def test_the_bound_is_no_less_than_the_theorems(name: str, low: float, high: float) -> None:
    """|x| through a neuron, in rationals, underflow left out (proofs/forward_error.md): no less, and hardly more."""
    u = Fraction(1, 2 ** FORMATS[name].bits)
    spread = (1 + u) ** 5 - 1  # one product, and four roundings more
    net = lv.Network([[[1.0]], [[2.0]]], [[0.25], [0.5]], [[(-1.0, 1.0)]])
    size = max(abs(Fraction(low)), abs(Fraction(high)))
    error = u * size
    error = error + (size + error + Fraction(1, 4)) * spread
    size = max(abs(Fraction(low) + Fraction(1, 4)), abs(Fraction(high) + Fraction(1, 4)))
    error = 2 * error + (2 * (size + error) + Fraction(1, 2)) * spread
    (bound,) = lv.rounding_error(net, lv.Box([low], [high]), name)
    assert error <= Fraction(bound) <= error * (1 + Fraction(1, 2**10))


def test_what_a_format_holds_costs_nothing() -> None:
    form = FORMATS["bfloat16"]
    values = np.array([1.0, 257.0, 2.0**-133, 2.0**-134, 3.0e38, 3.4e38, 0.0])
    lost = form.conversion(values)
    assert (lost[[0, 2, 6]] == 0).all()
    assert lost[1] >= 1.0
    assert lost[3] >= 2.0**-134
    assert 0 < lost[4] < math.inf
    assert lost[5] == math.inf
    for name in ("float32", "bfloat16", "float16"):
        numbers = np.concatenate([np.random.default_rng(0).normal(size=500), 2.0 ** np.arange(-150, 16)])
        became = torch.tensor(numbers).to(getattr(torch, name)).to(torch.float64).numpy()
        assert (np.abs(became - numbers) <= FORMATS[name].conversion(numbers)).all()
        assert (FORMATS[name].conversion(numbers) == 0)[became == numbers].sum() >= (became == numbers).sum() - 20


def test_overflow_is_not_vouched_for() -> None:
    net = lv.Network([[[300.0, 300.0]], [[1.0]]])
    assert lv.rounding_error(net, lv.Box([-200] * 2, [200] * 2), "float16").tolist() == [math.inf]
    assert lv.rounding_error(net, lv.Box([-20] * 2, [20] * 2), np.float16)[0] < 100


def test_fixed_inputs_are_what_they_are() -> None:
    net = lv.Network([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]])
    both = lv.rounding_error(net, lv.Box([0, 0.5], [1, 0.5]), "float32")
    assert both[0] < lv.rounding_error(net, lv.Box([0, 0], [1, 1]), "float32")[0]


def test_bad_questions() -> None:
    net = lv.Network([[[1.0]]])
    with pytest.raises(lv.InvalidArgument, match="dtype must be one of"):
        lv.rounding_error(net, lv.Box([0], [1]), "int8")
    with pytest.raises(lv.UnsupportedDomain, match="bounded"):
        lv.rounding_error(net, lv.Everywhere(), "float32")
    with pytest.raises(lv.InvalidDomain, match="coordinates"):
        lv.rounding_error(net, lv.Box([0, 0], [1, 1]), "float32")
