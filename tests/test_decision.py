"""Claims: what holds, what is refuted and how, and that no answer contradicts the exact constant."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.catalogue import METHODS
from lipverify.decision import Deciding
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples

NET = lv.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 2, -2]]])  # |x| + 2y: L = √5, 3, 2
FACTORS = (Fraction(1, 2), Fraction(9, 10), 1 - Fraction(1, 2**60), Fraction(1), Fraction(11, 10), Fraction(4))


def hold_to_the_oracle(net: lv.Network, domain: Any, p: float, claim: Fraction, jacobians: list[Any]) -> None:
    """An answer is right, and a refutation's points are what they should be."""
    found = lv.decide(net, at_most=claim, p=p, domain=domain)
    truth = all(oracle.at_most(J, claim**2, p, p) for J in jacobians)
    assert found.status is (lv.Answer.HOLDS if truth else lv.Answer.REFUTED)
    if found.points is None:
        assert found.bound.upper_rigor >= lv.Rigor.ROUNDED
        assert all(oracle.at_most(J, Fraction(found.bound.upper) ** 2, p, p) for J in jacobians)
        return
    x, y = found.points
    rows = oracle.domain_rows(domain, net.input_dim)
    assert all(oracle.value(row, point) >= 0 for row in rows for point in (x, y))
    rise = [b - a for a, b in zip(oracle.evaluate(net, x), oracle.evaluate(net, y), strict=True)]
    run = [b - a for a, b in zip(x, y, strict=True)]
    assert oracle.norm_square(rise, p) > claim**2 * oracle.norm_square(run, p)


@settings(max_examples=examples(40, long=5000))
@given(st.data(), st.sampled_from([1.0, 2.0, math.inf]), st.sampled_from(FACTORS))
def test_no_answer_contradicts_brute_force(data: st.DataObject, p: float, factor: Fraction) -> None:
    net = data.draw(networks(width=(1, 3), slopes=data.draw(st.booleans())))
    domain = data.draw(domains(net.input_dim))
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    exact = lv.exact(net, "enumeration", p=p, domain=domain)
    if exact.exact_value is None and factor > Fraction(99, 100) and factor < Fraction(101, 100):
        return  # a claim nearer to an irrational constant than floats can tell may stay open
    base = exact.exact_value if exact.exact_value is not None else Fraction(exact.lower)
    hold_to_the_oracle(net, domain, p, base * factor, jacobians)


@pytest.mark.parametrize("p", [1, math.inf])
def test_the_constant_itself_holds_and_anything_less_does_not(p: float) -> None:
    assert lv.decide(NET, at_most=3 if p == math.inf else 2, p=p).status is lv.Answer.HOLDS
    below = lv.decide(NET, at_most=Fraction(3 if p == math.inf else 2) - Fraction(1, 2**200), p=p)
    assert below.status is lv.Answer.REFUTED
    assert below.slope_square == (9 if p == math.inf else 4)


def test_irrational_constants_are_decided_to_the_last_float() -> None:
    exact = lv.exact(NET)
    assert lv.decide(NET, at_most=exact.upper).status is lv.Answer.HOLDS
    assert lv.decide(NET, at_most=exact.lower).status is lv.Answer.REFUTED
    rng = np.random.default_rng(3)
    matrix = lv.Network([rng.normal(size=(4, 3)), rng.normal(size=(3, 4))])
    exact = lv.exact(matrix)
    assert lv.decide(matrix, at_most=exact.upper).status is lv.Answer.HOLDS
    assert lv.decide(matrix, at_most=math.nextafter(exact.lower, 0)).status is lv.Answer.REFUTED


def test_a_refutation_is_a_program_that_runs(tmp_path: Any) -> None:
    found = lv.decide(NET, at_most=Fraction(11, 5), domain=lv.Box([-1, 0.5], [1, 0.5]))
    assert found.status is lv.Answer.HOLDS  # |x| alone
    assert found.snippet == ""
    found = lv.decide(NET, at_most=Fraction(11, 5), domain=lv.Box([-1, -1], [1, 1]))
    path = tmp_path / "points.py"
    path.write_text(found.snippet)
    run = subprocess.run([sys.executable, "-I", path], capture_output=True, text=True, check=True)
    assert "the slope from X to Y is 2.23" in run.stdout
    broken = found.snippet.replace("CLAIMED = F(11, 5)", "CLAIMED = F(12, 5)")
    path.write_text(broken)
    assert subprocess.run([sys.executable, "-I", path], capture_output=True).returncode == 1


def test_fixed_inputs_stay_fixed_in_a_refutation() -> None:
    domain = lv.Box([-1, 0.3], [1, 0.3])
    found = lv.decide(NET, at_most=Fraction(9, 10), domain=domain)
    assert found.status is lv.Answer.REFUTED
    assert found.points is not None
    assert all(domain.contains_inside(x) for x in found.points)
    assert "vary" in found.bound.subject


def test_a_claim_that_takes_long_stays_undecided_within_the_limit() -> None:
    rng = np.random.default_rng(0)
    net = lv.Network([rng.normal(size=(60, 10)), rng.normal(size=(60, 60)), rng.normal(size=(1, 60))])
    found = lv.decide(net, at_most=lv.upper(net).upper * 0.97, time_limit=0.5)
    assert found.status is lv.Answer.UNDECIDED
    assert found.bound.lower <= found.at_most <= found.bound.upper
    assert found.bound.status is lv.Status.TIME_LIMIT


def test_a_claim_far_from_the_constant_needs_no_search() -> None:
    assert lv.decide(NET, at_most=100).bound.stats["decided by"] == "autolip"
    assert lv.decide(NET, at_most=0.1).bound.stats["decided by"] == "local-search"
    assert lv.decide(NET, at_most=math.inf).status is lv.Answer.HOLDS


def test_where_few_regions_are_left_they_are_looked_at() -> None:
    """Two inputs, 48 neurons: a thousand regions, and bounds that are 10 % off for every half of them."""
    rng = np.random.default_rng(1)
    sizes = ((24, 2), (24, 24), (2, 24))
    net = lv.Network([rng.normal(size=s) for s in sizes], [rng.normal(size=s[0]) for s in sizes])
    domain = lv.Box([-1] * 2, [1] * 2)
    exact = lv.exact(net, "enumeration", domain=domain)
    found = lv.decide(net, at_most=1.1 * exact.upper, domain=domain)
    assert (found.status, found.bound.stats["decided by"]) == (lv.Answer.HOLDS, "enumeration")


def test_the_search_drops_what_the_claim_bounds() -> None:
    """Without a target the same search must close every node that could beat the incumbent."""
    rng = np.random.default_rng(5)
    net = lv.Network([rng.normal(size=(10, 4)), rng.normal(size=(1, 10))], [rng.normal(size=10), None])
    nodes = lv.exact(net, "branch-and-bound").nodes or 0
    problem = Problem(net, norm_pair(2))
    target = lv.exact(net).upper * 1.1
    *_, last = METHODS["branch-and-bound"]().run(problem, Budget(target=target))
    assert lv.exact(net).lower <= last.upper <= target
    assert (last.nodes or 0) < nodes / 2


def test_a_certificate_proves_the_claim() -> None:
    found = lv.decide(NET, at_most=Fraction(23, 10), certify=True)
    assert found.status is lv.Answer.HOLDS
    assert found.bound.upper <= Fraction(23, 10)
    assert found.bound.upper_rigor is lv.Rigor.PROVED
    assert lv.check(NET, found.bound.certificate, upper=Fraction(23, 10)).upper is not None
    assert lv.decide(NET, at_most=1, certify=True).status is lv.Answer.REFUTED


@pytest.mark.parametrize("claim", [-1, math.nan, "1", True, None])
def test_what_is_no_claim(claim: Any) -> None:
    with pytest.raises(lv.InvalidArgument, match="at_most must be a number"):
        lv.decide(NET, at_most=claim)


def test_the_method_stops_by_itself() -> None:
    bound = lv.exact(NET, Deciding(Fraction(100)))
    assert (bound.method, bound.lower) == ("decide", 0.0)


@pytest.mark.parametrize("wrap", ["spectral_norm", "weight_norm", "orthogonal"])
def test_modules_with_parametrizations(wrap: str) -> None:
    import torch
    from torch.nn.utils import parametrizations

    torch.manual_seed(0)
    make = getattr(parametrizations, wrap)
    module = torch.nn.Sequential(make(torch.nn.Linear(3, 3)), torch.nn.ReLU(), make(torch.nn.Linear(3, 1))).eval()
    exact = lv.exact(module)
    assert lv.decide(module, at_most=exact.upper * 1.01).status is lv.Answer.HOLDS
    assert lv.decide(module, at_most=exact.lower * 0.99).status is lv.Answer.REFUTED
