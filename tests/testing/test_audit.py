"""The audit finds what is wrong, shrinks it, proves it, and goes on; it clears what is right."""

from __future__ import annotations

import contextlib
import io
import math
import pickle
import time
import unittest
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.testing import Cube, Report, Unsound, assert_sound, audit, domains, networks
from lipverify.testing.verdicts import Verdict, truth
from lipverify.testing.witness import slope_square, steepest_pair
from tests import oracle
from tests.conftest import examples
from tests.testing import sloppy


def run_alone(snippet: str) -> str:
    """What a snippet prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(snippet, "snippet", "exec"), {"__name__": "__main__"})
    return out.getvalue()


def test_a_sound_estimator_is_cleared_and_its_tightness_told() -> None:
    report = audit("autolip", max_examples=60)
    assert report.ok
    assert report.counterexample is None
    assert report.examples > 60
    assert report.rounding == 0
    assert report.tightness["all"].median >= 1
    assert {"max-cut", "degenerate", "all-active infeasible"} <= set(report.tightness)
    assert report.tightness["max-cut"].worst > 1.5
    assert "median" in report.text()


def test_an_estimator_below_by_one_percent_is_caught_with_a_minimal_network_and_two_points() -> None:
    report = audit(sloppy.one_percent_low, max_examples=40)
    found = report.counterexample
    assert not report.ok
    assert found is not None
    assert found.network == lv.Network([[[1.0]]])
    assert found.claimed < found.exact == 1
    assert found.witness is not None
    assert slope_square(found.network, found.p, found.witness) > Fraction(found.claimed) ** 2
    assert "import lipverify" not in found.snippet.replace("# import lipverify", "")
    assert "0.99" in run_alone(found.snippet)


def test_a_defect_that_needs_a_neuron_shrinks_to_one_neuron() -> None:
    report = audit(sloppy.blind_to_kinks, networks=networks(inputs=1, outputs=1), domain=lv.Box([-1], [1]))
    found = report.counterexample
    assert found is not None
    assert found.network.neurons == 1
    assert {abs(v) for a in (*found.network.weights, *found.network.biases) for v in a.ravel().tolist()} <= {0, 1}
    assert found.domain == lv.Box([-1], [1])
    run_alone(found.snippet)


def test_rounding_is_counted_and_forgiven_within_the_tolerance_only() -> None:
    lenient = audit(sloppy.hair_low, max_examples=20)
    assert lenient.ok
    assert lenient.rounding > 10
    strict = audit(sloppy.hair_low, max_examples=20, rtol=0)
    assert strict.violations == lenient.rounding
    assert "1e-09" in lenient.text()


@pytest.mark.parametrize(
    ("estimator", "verdict", "text"),
    [
        (sloppy.crashing, Verdict.CRASH, "ZeroDivisionError: two layers"),
        (sloppy.nan_at_zero, Verdict.NAN, "nan"),
        (sloppy.wordy, Verdict.CRASH, "returned str, which is no number"),
        (sloppy.moody, Verdict.UNSTABLE, "then"),
    ],
)
def test_failures_are_findings_and_not_the_end(estimator: Any, verdict: Verdict, text: str) -> None:
    report = audit(estimator, max_examples=40)
    assert not report.ok
    assert report.examples > 40
    assert report.counts[verdict] > 1
    failure = next(f for f in report.failures if f.verdict is verdict)
    assert text in failure.message
    assert f"from tests.testing.sloppy import {estimator.__name__} as estimator" in failure.snippet
    assert failure.network.neurons == (2 if verdict is Verdict.CRASH and "two" in text else 0)


def test_a_refusal_is_no_crash_but_refusing_everything_is_no_audit_either() -> None:
    report = audit(sloppy.picky, max_examples=5)
    assert report.crashes == 0
    assert report.counts[Verdict.REFUSED] == report.examples
    assert not report.ok
    assert "nothing was audited" in report.text()


def test_nothing_was_asked_is_another_thing() -> None:
    report = audit("autolip", max_examples=0, domain=lv.Box([0] * 99, [1] * 99))
    assert (report.examples, report.ok, report.complete) == (0, False, True)
    assert "nothing was asked" in report.text()
    assert "refused" not in report.text()


def test_the_greatest_violation_is_the_headline_and_then_comes_the_smallest_network() -> None:
    nets = [lv.Network([[[1.0]]]), lv.Network([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 1.0]]])]
    report = audit(sloppy.zero_on_two_inputs, own=nets, max_examples=30)
    assert report.greatest is not None
    assert report.counterexample is not None
    assert (report.greatest.claimed, report.greatest.excess, report.greatest.network.input_dim) == (0.0, math.inf, 2)
    assert report.counterexample.network == lv.Network([[[1.0]]])
    assert report.counterexample.excess == pytest.approx(1 / 0.9999)
    run_alone(report.greatest.snippet)
    text = report.text()
    headline = text.splitlines()[1]
    assert headline.startswith("NOT A BOUND: it claims 0.0 where L = ")
    assert text.index("greatest violation") < text.index("smallest network")
    assert report.tightness["all"].least == 0
    assert report.wrong["own"] == 2
    assert sum(report.wrong.values()) == report.violations
    data = report.to_dict()
    assert (data["violations"]["own"], data["greatest"]["excess"], data["tightness"]["all"]["least"]) == (2, "inf", 0.0)
    header = next(line for line in text.splitlines() if line.startswith("claim / exact"))
    assert header.split()[-5:] == ["least", "median", "90", "%", "worst", "wrong"][-5:]


def test_lower_bounds_and_exact_solvers() -> None:
    assert audit("sample", side="lower", max_examples=20).ok
    assert audit("enumeration", side="both", max_examples=20, p=math.inf).ok
    for side in ("lower", "both"):
        report = audit(sloppy.one_percent_high, side=side, max_examples=20)
        assert report.counterexample is not None
        assert report.counterexample.claimed > report.counterexample.exact
        assert report.counterexample.witness is None
        run_alone(report.counterexample.snippet)


@pytest.mark.parametrize("where", [domains, Cube(-1, 1), st.just(lv.Box([0, 0], [1, 1])), lv.Polytope([[1, 1]], [1])])
def test_domains_of_every_kind(where: Any) -> None:
    nets = networks(inputs=2) if isinstance(where, st.SearchStrategy) else None
    report = audit(sloppy.one_percent_low, domain=where, max_examples=20, networks=nets)
    assert report.counterexample is not None
    run_alone(report.counterexample.snippet)


def test_the_report_depends_on_the_seed_and_not_on_the_processes() -> None:
    def facts(report: Report) -> Any:
        data = report.to_dict()
        return {key: value for key, value in data.items() if "seconds" not in key}

    one = audit(sloppy.crashing, max_examples=150, jobs=1, seed=3)
    assert facts(audit(sloppy.crashing, max_examples=150, jobs=2, seed=3)) == facts(one)
    assert facts(audit(sloppy.crashing, max_examples=150, jobs=1, seed=4)) != facts(one)


def test_what_cannot_be_pickled_is_audited_in_this_process() -> None:
    stuck = iter([])  # generators of a running frame do not travel
    handle = (x for x in stuck)

    def estimator(net: lv.Network, *, p: Any, domain: Any) -> float:
        assert handle is not None
        return sloppy.product(net, p=p, domain=domain)

    with pytest.raises((TypeError, pickle.PicklingError)):
        pickle.dumps(handle)
    assert audit(estimator, max_examples=110, jobs=2).examples > 110


def test_a_time_limit_ends_it() -> None:
    started = time.monotonic()
    report = audit(sloppy.product, max_examples=10**5, time_limit=1, jobs=1)
    assert not report.complete
    assert 0 < report.examples < 10**5
    assert time.monotonic() - started < 20
    assert "time limit" in report.text()


def test_own_networks_are_asked_about() -> None:
    net = lv.Network([[[1, 2], [3, 4]], [[1, 1]]])
    report = audit("autolip", own=[net], max_examples=0)
    assert report.tightness["own"].count == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": "left"}, "side must be"),
        ({"rtol": 2}, "rtol must be"),
        ({"seed": -1}, "seed must be"),
        ({"max_examples": -1}, "max_examples must be"),
        ({"jobs": 0}, "jobs must be"),
        ({"domain": 3}, "domain must be"),
        ({"networks": [1]}, "networks must be"),
        ({"p": 3}, "p = 3"),
        ({"time_limit": -1}, "time_limit must be"),
        ({"estimator": "nobody"}, "neither package.module:function"),
        ({"estimator": "tests.testing.sloppy:nobody"}, "has no 'nobody'"),
        ({"estimator": "no.such.module:f"}, "cannot import"),
        ({"estimator": 3}, "a callable"),
    ],
)
def test_bad_questions(options: dict[str, Any], message: str) -> None:
    with pytest.raises(lv.LipverifyError, match=message):
        audit(**{"estimator": sloppy.product} | options)


# Witnesses -----------------------------------------------------------------------------------------


@settings(max_examples=examples(60))
@given(st.data())
def test_the_steepest_pair_reaches_the_exact_constant(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), outputs=(1, 3)))
    domain = data.draw(domains(net.input_dim))
    norm: NormPair = data.draw(st.sampled_from(ALL_PAIRS))
    exact = truth(net, norm, domain)
    pair = steepest_pair(net, norm, domain, exact)
    assert pair is not None
    assert all(domain.contains_inside(point) for point in pair)
    x, y = pair
    fx, fy = oracle.evaluate(net, x), oracle.evaluate(net, y)
    rise = oracle.norm_square([b - a for a, b in zip(fx, fy, strict=True)], norm.q)
    slope = rise / oracle.norm_square([b - a for a, b in zip(x, y, strict=True)], norm.p)
    assert exact.enclosure is not None
    low, high = (t * t for t in exact.enclosure)
    assert low * (1 - Fraction(1, 10**11)) <= slope <= high


@settings(max_examples=examples(100))
@given(st.data())
def test_the_steepest_direction_of_a_matrix_has_its_norm(data: st.DataObject) -> None:
    m, n = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    rows = st.lists(st.lists(st.integers(-3, 3), min_size=n, max_size=n), min_size=m, max_size=m)
    net, norm = lv.Network([data.draw(rows)]), data.draw(st.sampled_from(ALL_PAIRS))
    exact = truth(net, norm, lv.Everywhere())
    pair = steepest_pair(net, norm, lv.Everywhere(), exact)
    assert pair is not None
    assert exact.enclosure is not None
    low, high = (t * t for t in exact.enclosure)
    assert low * (1 - Fraction(1, 10**12)) <= slope_square(net, norm, pair) <= high


# In a test suite of one's own ----------------------------------------------------------------------


def test_assert_sound_raises_an_assertion_error_with_the_program() -> None:
    net = lv.Network([[[3, 4]]])
    assert_sound(sloppy.product, net)
    assert_sound("autolip", net)
    assert_sound(sloppy.hair_low, net)
    with pytest.raises(AssertionError, match=r"claimed 4\.95, exactly 5") as caught:
        assert_sound(sloppy.one_percent_low, net)
    assert isinstance(caught.value, Unsound)
    assert caught.value.counterexample is not None
    run_alone(caught.value.counterexample.snippet)
    with pytest.raises(Unsound, match="claimed"):
        assert_sound(sloppy.one_percent_high, net, side="lower")
    with pytest.raises(Unsound, match="nan"):
        assert_sound(sloppy.nan_at_zero, lv.Network([[[0]]]))
    with pytest.raises(ZeroDivisionError):
        assert_sound(sloppy.crashing, lv.Network([[[1]], [[1]], [[1]]]))
    with pytest.raises(lv.InvalidDomain):
        assert_sound(sloppy.product, net, domain=lv.Box([0], [1]))


@given(networks())
@settings(max_examples=20)
def test_the_recipe_with_given(net: lv.Network) -> None:
    assert_sound("frobenius", net)


def test_the_recipe_under_unittest() -> None:
    class Mine(unittest.TestCase):
        @given(networks())
        @settings(max_examples=10, database=None)
        def test_mine(self, net: lv.Network) -> None:
            assert_sound(sloppy.one_percent_low, net)

    result = unittest.TestResult()
    Mine("test_mine").run(result)
    ((_, text),) = result.failures
    assert "claimed 0.99, exactly 1" in text


def test_estimators_may_return_whatever_is_a_number() -> None:
    import torch

    def by_torch(net: lv.Network, *, p: Any, domain: Any) -> Any:
        with torch.no_grad():
            return torch.stack([torch.linalg.norm(torch.tensor(w)) for w in net.weights]).prod()

    assert audit(by_torch, max_examples=10).ok
    assert audit(lambda net, p, domain: np.float64(np.inf), max_examples=5).ok
