"""Powers of two that are moved from layer to layer and neuron to neuron change no bound by more than rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.testing import networks
from tests.conftest import examples

VERBS: dict[str, Any] = {"upper": lv.upper, "lower": lv.lower, "exact": lv.exact}
BY_NEURON = ("lipsdp", "interval", "crown", "enumeration", "branch-and-bound", "milp")
"""Those that do not look at norms of layers, which depend on how neurons of a layer compare."""


def moved(net: lv.Network, powers: list[list[int]], whole: int) -> lv.Network:
    """The same function times 2^whole: every hidden neuron's value times a power of two of its own."""
    weights, biases, before = [], [], np.zeros(net.input_dim, dtype=int)
    for k, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        after = np.array(powers[k]) if k < len(powers) else np.full(net.output_dim, whole)
        weights.append(np.ldexp(w, after[:, None] - before))
        biases.append(np.ldexp(b, after))
        before = after
    return lv.Network(weights, biases, net.slopes)


def close(a: float, b: float, rtol: float, size: float = 0.0) -> bool:
    """Whether two bounds are the same up to rounding; near 0, up to rounding beside numbers of a size."""
    return math.isclose(a, b, rel_tol=rtol, abs_tol=1e-6 * size) or a == b


@settings(max_examples=examples(6))
@given(st.data())
def test_scales_of_layers_change_no_bound(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3), outputs=(1, 2)))
    powers = [[data.draw(st.integers(-60, 60))] * n for n in net.hidden]
    whole = data.draw(st.integers(-60, 60))
    other, size = moved(net, powers, whole), lv.upper(net, "autolip").upper
    box = lv.Box([-1.0] * net.input_dim, [2.0] * net.input_dim)
    for info in lv.methods():
        if info.side == "lower":
            continue  # searches begin elsewhere
        domain, p = box if info.needs_box else None, 2 if (2, 2) in info.norms else math.inf
        here, there = (VERBS[info.side](n, info.name, p=p, domain=domain).upper for n in (net, other))
        assert close(here, math.ldexp(there, -whole), 1e-7, size), info.name


@settings(max_examples=examples(12))
@given(st.data())
def test_scales_of_neurons_change_no_bound_that_does_not_compare_them(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3), outputs=(1, 2)))
    powers = [data.draw(st.lists(st.integers(-60, 60), min_size=n, max_size=n)) for n in net.hidden]
    other, size = moved(net, powers, 0), lv.upper(net, "autolip").upper
    box = lv.Box([-1.0] * net.input_dim, [2.0] * net.input_dim)
    for name in BY_NEURON:
        verb = lv.exact if name in ("enumeration", "branch-and-bound", "milp") else lv.upper
        here, there = (verb(n, name, domain=box).upper for n in (net, other))
        assert close(here, there, 1e-6, size), name


@pytest.mark.parametrize("slopes", [(0.0, 1.0), (-1.0, 1.0)])
def test_a_neuron_that_reads_next_to_nothing_beside_one_that_is_hardly_read(slopes: tuple[float, float]) -> None:
    """What they move the output by is 2^19 apart, their multipliers 2^54."""
    net = lv.Network([[[0.0, 0.0, 81672.0], [0.0, 0.0, 1.0]], [[2.0, 1.0]]], None, [[slopes, slopes]])
    other = moved(net, [[-36, -1]], 0)
    assert lv.upper(net, "lipsdp").upper == pytest.approx(163345.0, rel=1e-7)
    assert lv.upper(other, "lipsdp").upper == pytest.approx(163345.0, rel=1e-7)


def test_weights_of_very_different_sizes_side_by_side() -> None:
    """A sparse network, a quarter of whose weights are near 1e-8: the bound by layers is off by 10⁸."""
    rng = np.random.default_rng(7)
    weights = []
    for shape in ((6, 3), (5, 6), (2, 5)):
        w, kind = rng.normal(size=shape), rng.random(shape)
        weights.append(np.where(kind < 0.5, 0.0, np.where(kind < 0.75, w * 1e-8, w)))
    net = lv.Network(weights, [rng.normal(size=6) * 1e-8, rng.normal(size=5), None])
    exact = lv.exact(net)
    assert exact.status is lv.Status.EXACT
    assert exact.lower > 0
    for name in ("auto", "lipsdp"):
        assert exact.lower <= lv.upper(net, name).upper <= 2 * exact.upper
    certified = lv.exact(net, certify=True)
    assert lv.check(net, certified.certificate, p=2, upper=certified.upper * (1 + 1e-12)).upper is not None


@pytest.mark.parametrize("name", BY_NEURON)
def test_the_property_can_fail(name: str) -> None:
    net = lv.Network([[[1.0, 2.0], [1.0, -1.0]], [[1.0, 1.0]]], [[1.0, 0.0], None])
    other = moved(net, [[3, -4]], 1)
    box = lv.Box([-1.0, -1.0], [2.0, 2.0])
    verb = lv.exact if name in ("enumeration", "branch-and-bound", "milp") else lv.upper
    here, there = (verb(n, name, domain=box).upper for n in (net, other))
    assert not close(here, there, 1e-6)
