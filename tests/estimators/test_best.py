"""The best of several bounds, and what "auto" makes of it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.domain import Domain
from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.best import Best
from lipverify.estimators.frobenius import Frobenius
from lipverify.estimators.lipsdp import LipSDP
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples

NET = lv.Network([[[1, 2], [-1, 1], [3, 0]], [[1, -1, 2]]], [[0, 1, -1], None])
BOX = lv.Box([-1, -1], [1, 1])


@settings(max_examples=examples(60))
@given(st.data(), st.sampled_from([1, 2, math.inf]))
def test_auto_is_an_upper_bound_and_the_best_of_its_parts(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3), outputs=(1, 2)))
    domain = data.draw(domains(net.input_dim))
    bound = lv.upper(net, p=p, domain=domain)
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    assert oracle.encloses(jacobians, 0.0, bound.upper, float(p), float(p))
    assert bound.upper_rigor is lv.Rigor.ROUNDED
    assert bound.upper <= lv.upper(net, "autolip", p=p).upper
    if domain.bounded:
        assert bound.upper <= lv.upper(net, "crown", p=p, domain=domain).upper


@pytest.mark.parametrize(
    ("p", "domain", "name"),
    [
        (2, None, "lipsdp"),
        (2, BOX, "best"),
        (1, None, "best"),
        (math.inf, BOX, "best"),
        ((1, 2), BOX, "crown"),
    ],
)
def test_what_auto_means(p: Any, domain: Domain | None, name: str) -> None:
    assert lv.upper(NET, p=p, domain=domain).method == name


def test_a_pair_that_nobody_bounds_everywhere_is_refused() -> None:
    with pytest.raises(lv.UnsupportedNorm, match="autolip"):
        lv.upper(NET, p=(1, 2))


def test_the_winner_is_named() -> None:
    bound = lv.upper(NET, Best((Frobenius(), AutoLip())))
    assert bound.upper == min(lv.upper(NET, name).upper for name in ("frobenius", "autolip"))
    assert bound.stats["from"] == "autolip"
    assert bound.details == lv.upper(NET, "autolip").details


def test_each_bound_keeps_the_rigor_of_its_method() -> None:
    proved = Best((AutoLip(), LipSDP(prove=True)))
    assert proved.rigor is lv.Rigor.PROVED
    bound = lv.upper(NET, proved)
    assert (bound.stats["from"], bound.upper_rigor) == ("lipsdp", lv.Rigor.PROVED)
