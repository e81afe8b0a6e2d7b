"""A time limit holds for every method, whatever its longest step is, and leaves what a moment can find.

What a call takes of the processor is held to the limit, so that a busy machine fails nobody; a method that waits for
another process is held to the clock, with more room.
"""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

import numpy as np
import pytest

import lipverify as lv
from tests.conftest import examples

VERBS: dict[str, Any] = {"upper": lv.upper, "lower": lv.lower, "exact": lv.exact}
WIDE = (784, 256, 256, 10)
DEEP = (784, 200, 200, 200, 200, 10)
DEEPER = (784, 250, 250, 250, 250, 250, 250, 250, 10)
ROOM = 1.0  # seconds


def network(widths: tuple[int, ...]) -> lv.Network:
    """A random network of float32 weights, scaled as trained ones are in the beginning."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(b, a)) * math.sqrt(2 / a) for a, b in itertools.pairwise(widths)]
    biases = [rng.normal(size=b) * 0.01 for b in widths[1:]]
    return lv.Network([w.astype(np.float32) for w in weights], biases)


def held(net: lv.Network, info: Any, limit: float, p: Any = 2) -> lv.Bound:
    """What a method finds by the limit, which holds."""
    ones = [1.0] * net.input_dim
    domain = lv.Box([0.0] * net.input_dim, ones) if info.needs_box else None
    began, spent = time.monotonic(), time.process_time()
    bound = VERBS[info.side](net, info.name, p=p, domain=domain, time_limit=limit)
    assert time.process_time() - spent < limit + ROOM
    assert time.monotonic() - began < limit + 20 * ROOM
    return bound


@pytest.fixture(scope="module")
def wide() -> lv.Network:
    net = network(WIDE)
    assert net.rational_layers  # exact weights are made once, by whoever needs them first
    return net


@pytest.mark.parametrize("info", lv.methods(), ids=lambda info: info.name)
def test_every_method_keeps_a_short_limit_on_a_wide_network(info: Any, wide: lv.Network) -> None:
    bound = held(wide, info, 0.3, 2 if (2, 2) in info.norms else math.inf)
    assert bound.status in (lv.Status.TIME_LIMIT, lv.Status.ONE_SIDED)
    assert bound.lower <= bound.upper


@pytest.mark.skipif(examples(1) == 1, reason="minutes: LIPVERIFY_PROFILE=long")
@pytest.mark.parametrize("p", [1, 2, math.inf])
@pytest.mark.parametrize("widths", [WIDE, DEEP, DEEPER], ids=str)
@pytest.mark.parametrize("info", lv.methods(), ids=lambda info: info.name)
def test_every_method_keeps_its_limit_on_wide_and_deep_networks(info: Any, widths: tuple[int, ...], p: Any) -> None:
    if (p, p) in info.norms:
        bound = held(network(widths), info, 5.0, p)
        assert bound.upper < math.inf or info.side == "lower"
        assert bound.lower > 0 or info.side == "upper"
