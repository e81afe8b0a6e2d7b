"""The catalogue keeps its promises: supported cases are answered, others refused by name, and all sides agree."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.catalogue import METHODS, resolve
from lipverify.domain import Domain
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Problem
from lipverify.testing.strategies import domains, networks
from tests.conftest import examples

VERBS: dict[str, Any] = {"upper": lv.upper, "lower": lv.lower, "exact": lv.exact}
ONE, TWO, INF = (NormPair(p, p) for p in (1.0, 2.0, math.inf))

# The public promise, written out: method → the norm pairs that it supports, on which domains.
PROMISE: dict[str, tuple[set[NormPair], bool]] = {
    "frobenius": ({TWO}, False),
    "autolip": ({ONE, TWO, INF}, False),
    "liplt": ({ONE, TWO, INF}, False),
    "seqlip": ({TWO}, False),
    "seqlip-greedy": ({TWO}, False),
    "lipsdp": ({TWO}, False),
    "seqlip-joint": ({TWO}, False),
    "seqlip-lbfgs": ({TWO}, False),
    "seqlip-lowrank": ({TWO}, False),
    "seqlip-sdp": ({TWO}, False),
    "eclipse-fast": ({TWO}, False),
    "eclipse-closed": ({TWO}, False),
    "eclipse": ({TWO}, False),
    "eclipse-gen-local": ({TWO}, True),
    "geolip": ({ONE, INF}, False),
    "joint-sdp": ({TWO}, False),
    "interval": (set(ALL_PAIRS), True),
    "crown": (set(ALL_PAIRS), True),
    "sample": (set(ALL_PAIRS), False),
    "ascent": (set(ALL_PAIRS), False),
    "annealing": (set(ALL_PAIRS), False),
    "local-search": (set(ALL_PAIRS), False),
    "enumeration": (set(ALL_PAIRS), False),
    "branch-and-bound": (set(ALL_PAIRS), False),
    "milp": (set(ALL_PAIRS), False),
}
NET = lv.Network([[[1, 2], [-1, 1], [3, 0]], [[1, -1, 2], [0, 1, 1]], [[1, 2], [2, -1]]], [[0, 1, -1], [1, 0], [0, 0]])
DOMAINS: tuple[Domain, ...] = (
    lv.Everywhere(),
    lv.Box([-1, -1], [1, 2]),
    lv.Polytope([[1, 1], [-1, 0]], [1, 1]),
    lv.Polytope([[1, 1], [-1, 0], [0, -1]], [1, 1, 1]),
    lv.Ball([0.5, -0.25], 0.75),
)


def test_the_catalogue_lists_every_method_of_the_promise() -> None:
    listed = {info.name: (set(info.norms), info.needs_box) for info in lv.methods()}
    assert listed == PROMISE
    for info in lv.methods():
        assert info.cost, info.name
        assert METHODS[info.name]().name == info.name


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
@pytest.mark.parametrize("info", lv.methods(), ids=lambda info: info.name)
def test_the_support_table(info: Any, pair: NormPair, domain: Domain) -> None:
    norms, needs_box = PROMISE[info.name]
    verb = VERBS[info.side]
    if pair not in norms:
        with pytest.raises(lv.UnsupportedNorm, match=info.name):
            verb(NET, info.name, p=pair, domain=domain)
        return
    if needs_box and not domain.bounded:
        with pytest.raises(lv.UnsupportedDomain, match=info.name):
            verb(NET, info.name, p=pair, domain=domain)
        return
    bound = verb(NET, info.name, p=pair, domain=domain)
    exact = lv.exact(NET, p=pair, domain=domain)
    assert bound.method == info.name
    if info.side == "exact":
        assert bound.status is lv.Status.EXACT
        assert bound.upper <= math.nextafter(bound.lower, math.inf)
        return
    assert bound.status is lv.Status.ONE_SIDED
    if info.rigor is not lv.Rigor.HEURISTIC:
        assert bound.lower <= exact.upper
        assert exact.lower <= bound.upper


@settings(max_examples=examples(60))
@given(st.data())
def test_every_rigorous_method_encloses_the_exact_constant(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans())))
    domain = data.draw(domains(net.input_dim))
    pair = data.draw(st.sampled_from((ONE, TWO, INF)))
    exact = lv.exact(net, p=pair, domain=domain)
    assert exact.status is lv.Status.EXACT
    for info in lv.methods():
        if info.side == "exact" or pair not in info.norms or info.rigor is lv.Rigor.HEURISTIC:
            continue
        if info.needs_box and not domain.bounded:
            continue
        if info.name == "joint-sdp":
            continue  # a hundred times the others' time: tests/estimators/test_joint_sdp.py
        bound = VERBS[info.side](net, info.name, p=pair, domain=domain)
        assert bound.lower <= exact.upper, f"{info.name} is above the exact constant"
        assert exact.lower <= bound.upper, f"{info.name} is below the exact constant"
        for value, rigor in ((bound.lower, bound.lower_rigor), (bound.upper, bound.upper_rigor)):
            assert value in (0.0, math.inf) or rigor is info.rigor


def test_auto_says_what_it_chose() -> None:
    assert lv.upper(NET, p=2).method == "lipsdp"
    for p in (1, math.inf):
        auto = lv.upper(NET, p=p)
        assert auto.method == "best"
        assert auto.upper == min(lv.upper(NET, name, p=p).upper for name in ("liplt", "geolip"))
    wide = lv.Network([np.ones((800, 30)), np.ones((3, 800))])
    assert lv.upper(wide, p=1).method == "liplt"
    assert lv.lower(NET, p=1).method == "local-search"
    assert lv.exact(NET, p=1).method == "enumeration"


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_unknown_methods_are_refused_with_the_known_ones(verb: Any) -> None:
    with pytest.raises(lv.InvalidArgument, match=r"no method 'magic'.*auto"):
        verb(NET, "magic")
    with pytest.raises(lv.InvalidArgument, match="method must be a name"):
        verb(NET, 3)


def test_a_method_of_another_side_is_refused() -> None:
    with pytest.raises(lv.InvalidArgument, match=r"autolip is a method for lipverify\.upper"):
        lv.exact(NET, "autolip")
    problem = Problem(NET, TWO)
    with pytest.raises(lv.InvalidArgument, match="enumeration"):
        resolve(METHODS["enumeration"](), "lower", problem)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"p": 3}, lv.UnsupportedNorm, "p = 3"),
        ({"p": "two"}, lv.UnsupportedNorm, "two"),
        ({"p": (1, 2, 3)}, lv.UnsupportedNorm, "pair"),
        ({"time_limit": -1}, lv.InvalidArgument, "-1"),
        ({"time_limit": math.nan}, lv.InvalidArgument, "nan"),
        ({"time_limit": "fast"}, lv.InvalidArgument, "fast"),
        ({"seed": -1}, lv.InvalidArgument, "seed"),
        ({"domain": lv.Box([0], [1])}, lv.InvalidDomain, "1 coordinates"),
        ({"domain": "box"}, lv.InvalidDomain, "box"),
    ],
)
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_bad_questions(verb: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        verb(NET, **options)


def test_a_gap_that_is_small_enough_closes_the_search() -> None:
    bound = lv.exact(NET, rel_gap=1e9)
    assert bound.status in (lv.Status.CLOSED, lv.Status.EXACT)
    assert bound.lower <= lv.exact(NET).upper <= bound.upper * (1 + 1e-15)
    with pytest.raises(lv.InvalidArgument, match="rel_gap"):
        lv.exact(NET, rel_gap=-1)


def test_what_cannot_be_computed_is_refused_by_name() -> None:
    wide = lv.Network([[[1.0] * 20] * 20, [[1.0] * 20] * 20])
    with pytest.raises(lv.UnsupportedNorm, match="NP-hard"):
        lv.exact(wide, p=(math.inf, 1))
