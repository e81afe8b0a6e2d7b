"""The mixed-integer method as a whole: against enumeration and brute force, alone, and within limits."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.catalogue import METHODS
from lipverify.geometry.walk import Walk
from lipverify.norms import ALL_PAIRS, norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.enumeration import Enumeration
from lipverify.solvers.milp.encode.encoding import Strength, encode
from lipverify.solvers.milp.external.backends import Backend
from lipverify.solvers.milp.external.pulp import Program
from lipverify.solvers.milp.method import Milp
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.solvers.milp.common import (
    BOX,
    INF,
    NET,
    NORMS,
    milp,
    random_network,
    solved,
    solver_first,
    solver_here,
)
from tests.solvers.promises import ends
from tests.solvers.test_enumeration import CASES, Case


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from(NORMS))
def test_agrees_with_enumeration(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans())))
    domain = data.draw(domains(net.input_dim))
    method = data.draw(st.sampled_from(["milp", Milp(), Milp(head_start=0), Milp(head_start=0.01)]))
    with solver_here():
        mine, theirs = (lv.exact(net, name, p=p, domain=domain) for name in (method, "enumeration"))
    assert mine.status is lv.Status.EXACT
    assert mine.lower_rigor is mine.upper_rigor is lv.Rigor.PROVED
    assert (mine.lower, mine.upper) == (theirs.lower, theirs.upper)
    assert (mine.exact_value, mine.exact_square) == (theirs.exact_value, theirs.exact_square)


@settings(max_examples=examples(40))
@given(st.data(), st.sampled_from(ALL_PAIRS))
def test_agrees_with_brute_force_for_every_pair(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3)))
    domain = data.draw(domains(net.input_dim))
    bound = milp(net, p, domain)
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    assert bound.status is lv.Status.EXACT
    assert oracle.encloses(jacobians, bound.lower, bound.upper, *ends(p))
    assert bound.upper <= math.nextafter(bound.lower, INF)
    assert bound.witness is not None
    located = oracle.locate(net, domain, bound.witness.point)
    assert located is not None
    assert located[0] == bound.witness.pattern
    assert oracle.encloses([located[1]], bound.lower, bound.upper, *ends(p))


@settings(max_examples=examples(25))
@given(st.data(), st.sampled_from(NORMS))
def test_every_interval_on_the_way_is_valid(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, hidden=(1, 2), weights="dyadics"))
    domain = data.draw(domains(net.input_dim))
    exact = lv.exact(net, "enumeration", p=p, domain=domain)
    last = lv.Bound(method="none", status=lv.Status.INTERRUPTED)
    for bound in METHODS["milp"]().run(Problem(net, norm_pair(p), domain), Budget()):
        assert bound.lower <= exact.upper
        assert exact.lower <= bound.upper
        assert last.lower <= bound.lower
        assert bound.upper <= last.upper
        last = bound
    assert last.status is lv.Status.EXACT


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_known_truths_that_others_miss(case: Case) -> None:
    bound = milp(case.net, case.p, case.domain)
    assert bound.status is lv.Status.EXACT
    assert bound.exact_square == case.square, f"others say {case.wrong}"


@pytest.mark.parametrize(
    ("rows", "outputs", "p", "square", "fake"),
    [
        ([[1], [-1]], [[1, -1]], INF, 1, 4),
        ([[1], [-1], [1], [-1]], [[1, 1, -1, -1]], 1, 0, 4),
        ([[1, 0], [0, 1], [-1, -1]], [[1, 1, -1]], 2, 5, 8),
    ],
)
def test_a_pattern_that_holds_at_one_point_only_is_cut_off(
    rows: list[list[float]], outputs: list[list[float]], p: Any, square: int, fake: int
) -> None:
    # All hyperplanes meet in one point inside the box, at which the program accepts every pattern.
    shift = [-0.25 * sum(row) for row in rows]
    net, box = lv.Network([rows, outputs], [shift, None]), lv.Box([-1] * len(rows[0]), [1] * len(rows[0]))
    encoding = encode(Problem(net, norm_pair(p), box), Strength())
    report = solved(Program(encoding.model), Backend())
    seen = encoding.model.target().true_upper(report.bound)
    assert seen**2 > fake - 1e-6  # what a look at the program alone says
    bound = milp(net, p, box)
    assert (bound.status, bound.exact_square) == (lv.Status.EXACT, square)
    assert bound.stats["cuts"] > 0


@pytest.mark.parametrize("p", NORMS)
def test_two_middling_networks(p: Any) -> None:
    for sizes in ((3, 8, 1), (2, 6, 6, 2)):
        net, box = random_network(sizes, 5)
        mine, theirs = milp(net, p, box), lv.exact(net, "enumeration", p=p, domain=box)
        assert (mine.lower, mine.upper, mine.status) == (theirs.lower, theirs.upper, lv.Status.EXACT)


def test_more_inputs_than_regions_can_be_counted() -> None:
    net, box = random_network((16, 12, 1), 0)
    bound = milp(net, INF, box)
    assert bound.status is lv.Status.EXACT
    # One hidden layer, and the box meets every sign pattern of twelve independent rows.
    assert bound.lower > lv.lower(net, "sample", p=INF, domain=box).lower * (1 - 1e-12)
    assert bound.upper <= lv.upper(net, "autolip", p=INF).upper


@pytest.mark.parametrize("power", [-900, -300, -60, 60, 300, 900])
def test_scales_far_from_one(power: int) -> None:
    scale = 2.0**power
    first = np.array([[1, 2], [-1, 1], [3, 0]])
    net = lv.Network([first * scale, [[1, -1, 2]]], [np.array([0, 1, -1]) * scale, None])
    plain = lv.Network([[[1, 2], [-1, 1], [3, 0]], [[1, -1, 2]]], [[0, 1, -1], None])
    for domain in (None, BOX):
        expected = milp(plain, INF, domain).exact_value
        assert expected is not None
        assert milp(net, INF, domain).exact_value == expected * Fraction(2) ** power


@pytest.mark.parametrize("power", [-700, 700])
def test_products_that_floats_cannot_hold(power: int) -> None:
    weights = [np.array([[1.0, 2], [-1, 1]]), np.array([[1.0, -1], [1, 1]]), np.array([[1.0, 2]])]
    plain, net = lv.Network(weights), lv.Network([w * 2.0**power for w in weights])
    expected = milp(plain, INF).exact_value
    assert expected is not None
    assert milp(net, INF).exact_value == expected * Fraction(2) ** (3 * power)


def test_runs_with_the_enumeration_and_the_walk_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("the MILP must not use the enumeration")

    for name in ("__post_init__", "steps", "leaves"):
        monkeypatch.setattr(Walk, name, refuse)
    monkeypatch.setattr(Enumeration, "run", refuse)
    for p in NORMS:
        for domain in (None, BOX):
            assert milp(NET, p, domain).status is lv.Status.EXACT
    with pytest.raises(AssertionError, match="must not use"):
        lv.exact(NET, "enumeration")


def test_imports_no_other_solver() -> None:
    probe = (
        "import sys, lipverify.solvers.milp.method, lipverify.solvers.milp.external.pulp; "
        "print(*(m for m in sys.modules if m.startswith('lipverify.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert "lipverify.solvers.milp.encode.encoding" in loaded
    forbidden = ("lipverify.solvers.enumeration", "lipverify.solvers.branch", "lipverify.geometry.walk")
    assert [m for m in loaded if m.startswith((*forbidden, "lipverify.attacks", "lipverify.estimators"))] == []


def test_a_time_limit_leaves_a_valid_interval(large: tuple[lv.Network, lv.Box]) -> None:
    net, box = large
    begun = time.monotonic()
    bound = milp(net, INF, box, time_limit=2.0)
    assert time.monotonic() - begun < 20
    assert bound.status is lv.Status.TIME_LIMIT
    assert 0 < bound.lower < bound.upper <= lv.upper(net, "autolip", p=INF).upper
    assert bound.exact_value is None


def test_progress_may_stop_it(large: tuple[lv.Network, lv.Box]) -> None:
    net, box = large
    seen: list[lv.Bound] = []

    def stop(bound: lv.Bound) -> bool:
        seen.append(bound)
        return len(seen) > 3

    assert milp(net, INF, box, on_progress=stop).status is lv.Status.INTERRUPTED
    assert len(seen) == 4


def test_ctrl_c_carries_the_interval(large: tuple[lv.Network, lv.Box]) -> None:
    def interrupt(bound: lv.Bound) -> None:
        if bound.stats.get("solves") == 0 and "undecided" in bound.stats:
            raise KeyboardInterrupt

    with pytest.raises(lv.Interrupted) as stop:
        milp(*large[:1], INF, large[1], on_progress=interrupt)
    assert 0 < stop.value.bound.lower < stop.value.bound.upper


def test_a_gap_is_closed_by_the_solver_alone() -> None:
    net, box = random_network((8, 10, 1), 0)
    bound = solver_first(net, INF, box, rel_gap=1e-5)
    exact = milp(net, INF, box)
    assert bound.status is lv.Status.CLOSED
    assert bound.upper_rigor is lv.Rigor.NUMERICAL
    assert bound.nodes == 0
    assert bound.exact_value is None
    assert bound.lower <= exact.upper
    assert exact.lower <= bound.upper <= bound.lower * (1 + 1e-5)


def test_a_gap_is_closed_by_the_search_and_counts_as_rounded() -> None:
    net, box = random_network((8, 10, 1), 0)
    bound = milp(net, INF, box, rel_gap=0.05)
    exact = milp(net, INF, box)
    assert (bound.status, bound.upper_rigor) == (lv.Status.CLOSED, lv.Rigor.ROUNDED)
    assert bound.exact_value is None
    assert bound.stats["solves"] == 0
    assert exact.lower <= bound.upper <= bound.lower * 1.05 * (1 + 1e-12)
