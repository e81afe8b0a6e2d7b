"""The suite's constants are true, and the baseline notices everything that gets worse."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import lipverify as lv
from lipverify.geometry.witness import certify_point
from lipverify.problem import Problem
from lipverify.testing import tightness as held
from lipverify.testing.baseline import BASELINE, HEADER, Entry, read_baseline, write_baseline
from lipverify.testing.suite import EXACT, Case, Exacts, cache_key, exact_constant, suite
from lipverify.testing.tightness import Change, Measurement, compare_entries, updated
from tests.conftest import examples
from tests.testing import sloppy

CASES = suite()
SMALL = tuple(case for case in CASES if case.family in ("max-cut", "degenerate"))
CUTS = {
    "cut-triangle": 2,
    "cut-path-5": 4,
    "cut-cycle-5": 4,
    "cut-cycle-6": 6,
    "cut-complete-4": 4,
    "cut-complete-5": 6,
    "cut-star-4": 4,
    "cut-prism": 7,
}


# The suite -----------------------------------------------------------------------------------------


def test_every_network_has_its_name_and_every_constant_is_stored() -> None:
    assert len({case.name for case in CASES}) == 33
    assert len({case.key for case in CASES}) == len(CASES)
    stored = EXACT.read_text(encoding="utf-8")
    assert all(f'"{cache_key(case)}"' in stored for case in CASES)
    assert stored.count('"low"') == len(CASES)


def test_max_cut_networks_have_their_graphs_cut_as_constant() -> None:
    known = Exacts()
    for case in CASES:
        if case.name in CUTS:
            cut, constant = CUTS[case.name], known(case)
            power = 2 if case.norm.p == 2 else 1
            assert constant.low**power <= cut <= constant.high**power


def test_staircases_have_constant_1() -> None:
    known = Exacts()
    found = [known(case) for case in CASES if case.family == "unreachable"]
    assert [(constant.low, constant.high) for constant in found] == [(1, 1)] * 9


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.norm}")
def test_stored_constants_are_attained_at_their_point(case: Case) -> None:
    constant = Exacts()(case)
    certified = certify_point(Problem(case.network, case.norm, case.domain), constant.point)
    assert certified is not None
    assert certified.norm.settled().enclosure == (constant.low, constant.high)


@pytest.mark.parametrize("case", [c for c in CASES if c.name != "iris"], ids=lambda case: f"{case.name}-{case.norm}")
def test_stored_constants_are_the_enumeration_s(case: Case) -> None:
    new, stored = exact_constant(case), Exacts()(case)
    assert (new.low, new.high) == (stored.low, stored.high)


@pytest.mark.parametrize("case", SMALL if examples(1) == 1 else CASES, ids=lambda case: f"{case.name}-{case.norm}")
def test_branch_and_bound_agrees(case: Case) -> None:
    bound, stored = lv.exact(case.network, "branch-and-bound", p=case.norm, domain=case.domain), Exacts()(case)
    assert bound.lower <= stored.high
    assert stored.low <= bound.upper
    assert bound.status is lv.Status.EXACT


def test_what_the_cache_lacks_is_computed(tmp_path: Path) -> None:
    case = SMALL[0]
    assert Exacts(tmp_path / "none.json")(case).upper == Exacts()(case).upper


# The baseline --------------------------------------------------------------------------------------


def test_the_shipped_baseline_holds_for_every_upper_method() -> None:
    measured = held.measure(held.upper_methods())
    failing = [str(finding) for finding in compare_entries(read_baseline(BASELINE), measured) if finding.fails]
    assert not failing
    assert not measured.unsound


def kinds(old: Any, new: Any, **options: Any) -> set[Change]:
    """What kinds of change there are from one measurement to another."""
    return {finding.change for finding in compare_entries(old.entries, new, **options)}


def scaled(measured: Measurement, factor: float) -> Measurement:
    """The same bounds times a factor."""
    return replace(measured, entries=tuple(replace(e, bound=e.bound * factor) for e in measured.entries))


def test_one_percent_looser_fails_and_one_percent_tighter_is_only_reported() -> None:
    usual = held.measure(["autolip"], SMALL)
    assert kinds(usual, usual) == set()
    assert kinds(usual, scaled(usual, 1.01)) == {Change.LOOSER}
    assert kinds(usual, scaled(usual, 1.01), rtol=0.02) == set()
    assert kinds(usual, scaled(usual, 0.99)) == {Change.TIGHTER}
    assert not any(finding.fails for finding in compare_entries(usual.entries, scaled(usual, 0.99)))


def test_below_the_exact_constant_is_called_unsound_whatever_the_baseline_says() -> None:
    low = held.measure([sloppy.one_percent_low], SMALL)
    findings = compare_entries(low.entries, low)
    assert {finding.change for finding in findings} == {Change.UNSOUND}
    assert "no upper bound" in str(findings[0])
    with pytest.raises(lv.InvalidArgument, match="below the exact constant"):
        updated([], low)
    assert not held.measure([sloppy.hair_low], SMALL).unsound


def test_what_vanishes_fails_and_what_is_new_is_told() -> None:
    usual = held.measure(["autolip"], SMALL)
    fewer = replace(usual, entries=usual.entries[1:])
    assert kinds(usual, fewer) == {Change.VANISHED}
    assert kinds(fewer, usual) == {Change.NEW}
    broken = held.measure([sloppy.crashing], SMALL)
    assert any("two layers" in str(finding) for finding in compare_entries([], broken))
    with pytest.raises(lv.InvalidArgument, match="two layers"):
        updated([], broken)


def test_less_rigor_fails() -> None:
    usual = held.measure(["autolip"], SMALL[:2])
    weaker = replace(usual, entries=tuple(replace(e, rigor="HEURISTIC") for e in usual.entries))
    assert kinds(usual, weaker) == {Change.WEAKER}


def test_a_file_is_read_back_and_untouched_lines_stay(tmp_path: Path) -> None:
    path = tmp_path / "tightness.txt"
    usual = held.measure(["autolip", "frobenius"], SMALL)
    write_baseline(path, updated([], usual))
    before = path.read_text(encoding="utf-8").splitlines()
    assert compare_entries(read_baseline(path), usual) == []
    again = held.measure(["autolip"], SMALL)
    first = again.entries[0]
    changed = replace(again, entries=(replace(first, bound=first.bound * 2), *again.entries[1:]))
    write_baseline(path, updated(read_baseline(path), changed))
    after = path.read_text(encoding="utf-8").splitlines()
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_ratios_of_zero() -> None:
    entry = Entry("m", "n", "everywhere", "2", 0.0, 0.0, "-", 0.0)
    assert entry.ratio == 1
    assert replace(entry, bound=1.0).ratio == math.inf


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        HEADER + "\na b c",
        HEADER + "\nm n d 2 x 1 1 - 0",
        HEADER + "\nm n d 2 nan 1 1 - 0",
        HEADER + "\nm n d 2 1 inf 1 - 0",
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tightness.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(lv.InvalidArgument, match="baseline"):
        read_baseline(path)


def test_a_bound_that_no_float_above_low_reaches_is_unsound() -> None:
    assert held._unsound(0.5, Fraction(1, 2) + Fraction(1, 10**30), lv.Rigor.ROUNDED)
    assert not held._unsound(0.5, Fraction(1, 2) + Fraction(1, 10**30), None)
    assert held._unsound(math.nan, Fraction(0), None)
    assert not held._unsound(0.1, Fraction(1), lv.Rigor.HEURISTIC)


def refuses(net: lv.Network, *, p: Any, domain: Any) -> float:
    """An estimator that answers nothing."""
    raise NotImplementedError("not for me")


def test_an_estimator_that_refuses_everything_fails() -> None:
    silent = held.measure([refuses], SMALL)
    (finding,) = compare_entries([], silent)
    assert (finding.change, finding.fails) == (Change.NOTHING, True)
    with pytest.raises(lv.InvalidArgument, match="answered nothing"):
        updated([], silent)
    name = finding.key[0]
    usual = held.measure(["autolip"], SMALL)
    stored = [replace(entry, method=name) for entry in usual.entries]
    assert {f.change for f in compare_entries(stored, silent)} == {Change.NOTHING, Change.VANISHED}


def test_a_stored_line_that_nobody_measured_is_forgotten_where_all_are_meant() -> None:
    usual = held.measure(["autolip"], SMALL)
    stored = [*usual.entries, replace(usual.entries[0], method="mine:gone")]
    assert compare_entries(stored, usual) == []
    (finding,) = compare_entries(stored, usual, whole=True)
    assert (finding.change, finding.key[0], finding.fails) == (Change.FORGOTTEN, "mine:gone", True)


def test_ctrl_c_keeps_what_was_measured_and_says_nothing_of_the_rest() -> None:
    asked: list[str] = []

    def interrupts(net: lv.Network, *, p: Any, domain: Any) -> float:
        asked.append(repr(net))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return 1e6

    with pytest.raises(held.InterruptedMeasurement) as stop:
        held.measure([interrupts], SMALL)
    partial = stop.value.measured
    assert (len(partial.entries), partial.complete) == (2, False)
    stored = [replace(partial.entries[0], network="another"), *partial.entries]
    assert compare_entries(stored, partial) == []
    assert len(updated(stored, partial)) == 3


def test_a_missing_baseline_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(lv.InvalidArgument, match="there is no baseline"):
        read_baseline(tmp_path / "none.txt")


# The fixture ---------------------------------------------------------------------------------------

LOOSE = """
def bound(net, *, p, domain):
    import lipverify as lv
    return {factor} * lv.upper(net, "autolip", p=p).upper

def test_mine(tightness):
    tightness(bound, rtol=0.005)
"""


def run_pytest(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Pytest with the plugin alone, in a project of its own."""
    plugin = ["-p", "lipverify.testing.plugin"] if not installed() else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin, *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def installed() -> bool:
    """Whether the plugin's entry point is installed, as it is after `pip install`."""
    from importlib.metadata import entry_points

    return any(point.value == "lipverify.testing.plugin" for point in entry_points(group="pytest11"))


def test_the_fixture_in_an_empty_project(tmp_path: Path) -> None:
    test = tmp_path / "test_mine.py"
    test.write_text(LOOSE.format(factor=1), encoding="utf-8")
    unknown = run_pytest(tmp_path)
    assert unknown.returncode == 1
    assert "there is no baseline" in unknown.stdout
    assert "--tightness-update" in unknown.stdout
    assert run_pytest(tmp_path, "--tightness-update").returncode == 0
    assert (tmp_path / "tightness.txt").read_text(encoding="utf-8").startswith(HEADER)
    assert run_pytest(tmp_path).returncode == 0
    test.write_text(LOOSE.format(factor=1.01), encoding="utf-8")
    looser = run_pytest(tmp_path)
    assert looser.returncode == 1
    assert Change.LOOSER.value in looser.stdout
    test.write_text(LOOSE.format(factor=0.1), encoding="utf-8")
    assert Change.UNSOUND.value in run_pytest(tmp_path).stdout


OWN_SUITE = """
import lipverify as lv

def bound(net, *, p, domain):
    return lv.upper(net, "autolip", p=p, domain=domain)

def test_mine(tightness):
    mine = {"wide": lv.Network([[[1, 2], [3, 4], [-1, 0.5]], [[1, -1, 2]]])}
    tightness(bound, p=1, domain=lv.Box([-1, -1], [1, 1]), suite=mine)

def test_no_network(tightness):
    tightness(bound, domain=lv.Box([0] * 50, [1] * 50))
"""


def test_the_fixture_asks_what_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "test_mine.py").write_text(OWN_SUITE, encoding="utf-8")
    run_pytest(tmp_path, "--tightness-update")
    (line,) = [x for x in (tmp_path / "tightness.txt").read_text(encoding="utf-8").splitlines() if x[0] != "#"]
    assert line.split()[1:4] == ["wide", "-1:1", "1"]
    again = run_pytest(tmp_path)
    assert "1 failed, 1 passed" in again.stdout
    complaint = next(x for x in again.stdout.splitlines() if x.startswith("no network of the suite fits"))
    assert "50 coordinates" in complaint


def test_the_plugin_is_light() -> None:
    heavy = ("torch", "numba", "scipy", "highspy", "hypothesis", "matplotlib", "numpy")
    probe = f"import lipverify.testing.plugin, sys; print(*set({heavy!r}) & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []
