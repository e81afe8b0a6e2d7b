"""The campaign over all rigorous methods: it asks each of them, and one that is too low is found among the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import lipverify as lv
from lipverify.testing import audit
from tests import soundness


def test_on_bounded_domains_those_that_look_at_them_are_asked() -> None:
    least = soundness.Least.of(True)
    report = soundness.held(least, math.inf, 5)
    assert report.ok
    assert report.examples > 20
    assert set(least.asked) == {"geolip", "interval", "crown"}
    everywhere = soundness.Least.of(False)
    assert set(everywhere.methods) | set(least.methods) | set(soundness.SLOW) == set(soundness.rigorous())


def test_one_that_is_too_low_is_found_among_the_others() -> None:
    @dataclass(frozen=True)
    class Low:
        least: soundness.Least

        def __call__(self, net: lv.Network, *, p: Any, domain: lv.Domain | None) -> float:
            return min(self.least(net, p=p, domain=domain), 0.999 * lv.exact(net, p=p, domain=domain).upper)

    assert audit(soundness.Least(("autolip",), False), p=math.inf, max_examples=0, rtol=0).ok
    assert not audit(Low(soundness.Least(("autolip",), False)), p=math.inf, max_examples=0, rtol=0, jobs=1).ok
