"""Exact constants by mixed-integer programming: against enumeration, brute force, and solvers that misbehave."""

from __future__ import annotations

import heapq
import itertools
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import highspy
import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.attacks.local_search import LocalSearch
from lipverify.catalogue import METHODS
from lipverify.child import Child
from lipverify.estimators.autolip import AutoLip
from lipverify.geometry.walk import Walk
from lipverify.geometry.witness import certify_region
from lipverify.norms import ALL_PAIRS, norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.enumeration import Enumeration
from lipverify.solvers.milp import backends, process, proof, run
from lipverify.solvers.milp.arena import Arena
from lipverify.solvers.milp.backends import HIGHS, PULP, Backend, Progress, Report, Verdict
from lipverify.solvers.milp.cells import Cells
from lipverify.solvers.milp.clauses import clause_row
from lipverify.solvers.milp.dialogue import warm_start
from lipverify.solvers.milp.encoding import Strength, encode
from lipverify.solvers.milp.measure import ball_cut, plan, shrunk
from lipverify.solvers.milp.method import Milp
from lipverify.solvers.milp.model import Model
from lipverify.solvers.milp.process import SolverProcess
from lipverify.solvers.milp.program import Program
from lipverify.solvers.milp.proof import Proof
from lipverify.solvers.milp.regions import Regions, is_switch
from lipverify.solvers.milp.relaxation import Relaxation
from lipverify.testing import domains, networks
from lipverify.trusted.rounding import Ball
from tests import oracle
from tests.conftest import examples
from tests.solvers.promises import ends
from tests.solvers.test_enumeration import CASES, Case

INF = math.inf
NORMS: tuple[Any, ...] = (1, 2, INF)
BOX = lv.Box([-1, -1], [1, 1])
NET = lv.Network([[[1, 2], [-1, 1], [3, 0]], [[1, -1, 2], [0, 1, 1]], [[1, 2]]], [[0, 1, -1], [1, 0], [0]])


def random_network(sizes: tuple[int, ...], seed: int) -> tuple[lv.Network, lv.Box]:
    """A network of the given sizes, and a box on which most of its neurons are undecided."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(m, n)) * math.sqrt(2 / n) for n, m in itertools.pairwise(sizes)]
    biases = [0.1 * rng.normal(size=m) for m in sizes[1:]]
    return lv.Network(weights, biases), lv.Box.around(rng.normal(size=sizes[0]), 1.0)


def milp(net: lv.Network, p: Any = 2, domain: Any = None, **options: Any) -> lv.Bound:
    """The constant by the method under test."""
    return lv.exact(net, "milp", p=p, domain=domain, **options)


class Here:
    """A solver in this process, in place of one of its own: the search stands still until it has answered."""

    def __init__(self, model: Model, backend: Backend, budget: Budget) -> None:
        self._model, self._backend, self._budget = model, backend, budget
        self._program, self._sent = Program(model), len(model.rows)
        self._question: Sequence[float] | None = None

    def ask(self, start: Sequence[float] = ()) -> None:
        self._question = start

    def poll(self) -> list[Progress | Report]:
        if self._question is None:
            return []
        for row in self._model.rows[self._sent :]:
            self._program.add(row)
        self._sent, start, self._question = len(self._model.rows), self._question, None
        heard: list[Progress | Report] = []
        seconds, gap = self._budget.remaining, self._budget.rel_gap
        heard.append(self._program.solve(self._backend, seconds, gap, start, heard.append))
        return heard

    def close(self) -> None:
        self._question = None


@contextmanager
def solver_here(solver: Any = Here) -> Iterator[None]:
    """Have a solver in this process asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "SolverProcess", solver)
        yield


def solver_first(net: lv.Network, p: Any = 2, domain: Any = None, solver: Any = Here, **options: Any) -> lv.Bound:
    """The constant, the solver being asked, in this process, before the search begins."""
    method = Milp(bound=AutoLip(), incumbent=LocalSearch(patience=2), head_start=0)
    with solver_here(solver):
        return lv.exact(net, method, p=p, domain=domain, **options)


def refused(*_: Any, **__: Any) -> Any:
    raise AssertionError("nobody must ask a solver")


# Agreement -----------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("p", NORMS)
def test_the_search_finds_the_best_region_by_itself(p: Any) -> None:
    for seed, sizes in itertools.product(range(4), ((3, 8, 1), (2, 7, 6, 2), (4, 4, 4, 4, 1))):
        net, box = random_network(sizes, seed)
        mine, theirs = (lv.exact(net, method, p=p, domain=box) for method in (Milp(), "enumeration"))
        assert (mine.lower, mine.upper, mine.status) == (theirs.lower, theirs.upper, lv.Status.EXACT)
        assert mine.stats["solves"] == 0


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


# Independence --------------------------------------------------------------------------------------


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
        "import sys, lipverify.solvers.milp.method, lipverify.solvers.milp.program; "
        "print(*(m for m in sys.modules if m.startswith('lipverify.')))"
    )
    loaded = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
    assert "lipverify.solvers.milp.encoding" in loaded
    forbidden = ("lipverify.solvers.enumeration", "lipverify.solvers.branch", "lipverify.geometry.walk")
    assert [m for m in loaded if m.startswith((*forbidden, "lipverify.attacks", "lipverify.estimators"))] == []


# Statuses ------------------------------------------------------------------------------------------


def solved(program: Program, backend: Backend, seconds: float = INF) -> Report:
    """The report of one solve."""
    return program.solve(backend, seconds, 0.0)


def knapsack(*, impossible: bool = False) -> Model:
    """max x + y, x + y ≤ 3/2, binaries; with x + y ≥ 3 on top if it is to be impossible."""
    model = Model()
    x, y = model.switch("x"), model.switch("y")
    model.row("room", [(x, 1.0), (y, 1.0)], -INF, 1.5)
    if impossible:
        model.row("more", [(x, 1.0), (y, 1.0)], 3.0, INF)
    model.objective = [(x, 1.0), (y, 1.0)]
    return model


def test_the_status_tables_are_total() -> None:
    known = {getattr(highspy.HighsModelStatus, n) for n in dir(highspy.HighsModelStatus) if n.startswith("k")}
    assert set(HIGHS) == known
    assert set(PULP) == set(pulp.LpStatus)
    optimal = [status for status, verdict in HIGHS.items() if verdict is Verdict.OPTIMAL]
    assert optimal == [highspy.HighsModelStatus.kOptimal]


@pytest.mark.parametrize("name", backends.available())
def test_every_solver_reports_an_optimum_and_an_impossibility(name: str) -> None:
    model = knapsack()
    report = solved(Program(model), Backend(name))
    assert report.verdict is Verdict.OPTIMAL
    assert model.target().true_upper(report.bound) == pytest.approx(1.0)
    assert report.values is not None
    assert sum(report.values) == pytest.approx(1.0)
    assert solved(Program(knapsack(impossible=True)), Backend(name)).verdict is Verdict.INFEASIBLE


def test_a_changed_number_of_threads_still_solves() -> None:
    for threads in (1, 2, 1):
        assert solved(Program(knapsack()), Backend(threads=threads)).verdict is Verdict.OPTIMAL


def test_a_time_limit_is_no_optimum() -> None:
    net, box = random_network((16, 32, 1), 0)
    model = encode(Problem(net, norm_pair(INF), box), Strength()).model
    report = solved(Program(model), Backend(), 0.2)
    assert report.verdict is Verdict.LIMIT
    truth = lv.lower(net, "sample", p=INF, domain=box).lower
    assert model.target().true_upper(report.bound) >= truth


def test_a_warm_start_is_a_solution_and_no_bound_on_the_way_is_below_it() -> None:
    # HiGHS reports bounds of its sub-programs as well, and completes a part of a solution by one of them.
    for seed in range(12):
        net, box = random_network((3, 5, 5, 2), seed)
        problem = Problem(net, norm_pair(1), box)
        witness = lv.lower(net, LocalSearch(patience=2), p=1, domain=box).witness
        assert witness is not None
        best = certify_region(problem, witness.point, witness.pattern)
        encoding = encode(problem, Strength())
        model = encoding.model
        start = np.array(warm_start(encoding, best))
        A, low, high = model.matrix()
        assert (low - 1e-7 <= A @ start).all()
        assert (A @ start <= high + 1e-7).all()
        binaries = start[model.switches]
        assert (np.abs(binaries - binaries.round()) < 1e-7).all()
        told: list[Progress] = []
        Program(model).solve(Backend(), INF, 0.0, start.tolist(), told.append)
        assert any(math.isfinite(progress.bound) for progress in told)
        assert all(model.target().true_upper(progress.bound) >= best.norm.lower * (1 - 1e-9) for progress in told)


def test_incumbents_on_the_way_are_solutions_of_the_program_and_become_better() -> None:
    # HiGHS solves sub-programs, whose solutions have other columns.
    steps = 0
    for seed in range(6):
        net, box = random_network((4, 7, 7, 1), seed)
        model = encode(Problem(net, norm_pair(INF), box), Strength()).model
        told: list[Progress] = []
        report = Program(model).solve(Backend(), INF, 0.0, (), told.append)
        found = [np.array(progress.values) for progress in told if progress.values is not None]
        A, low, high = model.matrix()
        for point in found:
            assert (low - 1e-6 <= A @ point).all()
            assert (A @ point <= high + 1e-6).all()
            assert (np.abs(point[model.switches] - point[model.switches].round()) < 1e-6).all()
        values = [float(model.target().costs @ point) for point in found]
        assert values == sorted(values)
        assert values[-1] == pytest.approx(report.bound)
        steps += len(values)
    assert steps > 6


@pytest.mark.parametrize(
    "verdict", [Verdict.CRASHED, Verdict.UNKNOWN, Verdict.INFEASIBLE, Verdict.LIMIT, Verdict.OPTIMAL]
)
def test_whatever_the_solver_says_the_interval_is_valid(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> None:
    def claim(self: Program, backend: Backend, seconds: float, gap: float, start: Any, tell: Any) -> Report:
        tell(Progress(INF))
        return Report(verdict, message="as told")

    exact = lv.exact(NET, "enumeration", p=INF, domain=BOX)
    monkeypatch.setattr(Program, "solve", claim)
    seen: list[lv.Bound] = []
    bound = solver_first(NET, INF, BOX, on_progress=seen.append)
    assert (bound.status, bound.exact_value) == (lv.Status.EXACT, exact.exact_value)
    assert bound.stats["solves"] == 1
    assert all(one.lower <= exact.upper and exact.lower <= one.upper for one in seen)
    if verdict in (Verdict.CRASHED, Verdict.UNKNOWN):
        assert bound.details["failure"] == "as told"


@pytest.mark.parametrize("late", [False, True])
def test_a_solver_that_lies_is_found_out(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    def lie(self: Program, backend: Backend, seconds: float, gap: float, start: Any, tell: Any) -> Report:
        tell(Progress(INF if late else 0.0))
        return Report(Verdict.OPTIMAL, 1e-3)

    exact = lv.exact(NET, "enumeration", p=INF, domain=BOX)
    monkeypatch.setattr(Program, "solve", lie)
    bound = solver_first(NET, INF, BOX)
    assert (bound.status, bound.exact_value) == (lv.Status.EXACT, exact.exact_value)
    assert bound.details["contradicted"] < exact.lower


@pytest.mark.skipif(not Backend("CBC").available(), reason="PuLP finds no CBC here")
def test_a_solver_that_is_a_killed_process_of_its_own_is_told_and_not_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "cbc"
    script.write_text("#!/bin/sh\nkill -9 $$\n")
    script.chmod(0o755)
    monkeypatch.setattr(backends, "pulp_cbc_path", str(script))
    monkeypatch.chdir(tmp_path)
    exact = lv.exact(NET, "enumeration", p=INF, domain=BOX)
    with solver_here():
        bound = lv.exact(NET, Milp(solver="CBC", head_start=0), p=INF, domain=BOX)
    assert (bound.status, bound.exact_value) == (lv.Status.EXACT, exact.exact_value)
    assert "PulpSolverError" in bound.details["failure"]


@pytest.mark.skipif(not Backend("CBC").available(), reason="PuLP finds no CBC here")
def test_cbc_agrees() -> None:
    for p, domain in itertools.product((1, INF), (None, BOX)):
        with solver_here():
            bound = lv.exact(NET, Milp(solver="CBC", head_start=0), p=p, domain=domain)
        assert (bound.status, bound.exact_value) == (lv.Status.EXACT, milp(NET, p, domain).exact_value)
        assert bound.stats["solves"] > 0
        assert bound.details["solver"] == "CBC"


def test_unknown_solvers_are_refused_with_the_known_ones() -> None:
    with pytest.raises(lv.InvalidArgument, match=r"no solver 'Magic'.*HiGHS"):
        lv.exact(NET, Milp(solver="Magic"))
    missing = [name for name in ("Gurobi", "CPLEX") if not Backend(name).available()]
    for name in missing:
        with pytest.raises(lv.InvalidArgument, match=f"does not find the solver {name}"):
            lv.exact(NET, Milp(solver=name))


# Budgets -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large() -> tuple[lv.Network, lv.Box]:
    """A network that takes minutes."""
    return random_network((16, 32, 32, 1), 1)


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
        if bound.stats["solves"] == 0 and "undecided" in bound.stats:
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


@pytest.mark.parametrize("p", NORMS)
def test_the_search_needs_no_solver(monkeypatch: pytest.MonkeyPatch, p: Any) -> None:
    monkeypatch.setattr(process, "SolverProcess", refused)
    exact = lv.exact(NET, "enumeration", p=p, domain=BOX)
    bound = milp(NET, p, BOX)
    assert (bound.lower, bound.upper, bound.stats["solves"]) == (exact.lower, exact.upper, 0)
    with pytest.raises(AssertionError, match="nobody must ask"):
        solver_first(NET, p, BOX, refused)


def test_the_search_goes_on_where_it_stood_when_the_solver_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Here):
        """Says nothing before it was looked at three times."""

        looks = 0

        def poll(self) -> list[Progress | Report]:
            self.looks += 1
            return super().poll() if self.looks > 3 else []

    monkeypatch.setattr(run, "_GLANCE", 0.0)
    monkeypatch.setattr(proof, "_TOGETHER", 1)  # many looks
    for sizes, p in (((3, 8, 1), INF), ((2, 6, 6, 2), 1), ((2, 5, 5, 2), 2)):
        net, box = random_network(sizes, 5)
        with solver_here(Slow):
            bound = lv.exact(net, Milp(head_start=0), p=p, domain=box)
        exact = lv.exact(net, "enumeration", p=p, domain=box)
        assert bound.status is lv.Status.EXACT
        assert bound.stats["solves"] > 0
        assert bound.stats["nodes"] >= 3
        assert (bound.lower, bound.upper) == (exact.lower, exact.upper)


def test_patterns_on_the_way_become_the_best_region_if_they_are_better() -> None:
    net, box = random_network((3, 8, 1), 5)
    problem = Problem(net, norm_pair(INF), box)
    exact = lv.exact(net, "enumeration", p=INF, domain=box)
    assert exact.witness is not None
    best = certify_region(problem, exact.witness.point, exact.witness.pattern)

    class Prophet(Here):
        """Knows the best region, and a pattern that is none, and never ends."""

        def poll(self) -> list[Progress | Report]:
            if self._question is None:
                return []
            self._question = None
            solution = warm_start(encode(problem, Strength()), best)
            return [Progress(values=[1.0] * len(solution)), Progress(values=solution)]

    with solver_here(Prophet):
        steps = Milp(head_start=0).run(problem, Budget())
        lower = [next(steps).lower for _ in range(4)]
    assert lower[-1] == exact.lower > lower[-2]
    *_, last = steps
    assert (last.status, last.exact) == (lv.Status.EXACT, exact.exact)


# The solver's process ------------------------------------------------------------------------------


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """The processes that are started."""
    started: list[Child] = []

    def recorded(*given: Any) -> Child:
        started.append(Child(*given))
        return started[-1]

    monkeypatch.setattr(process, "Child", recorded)
    return started


def hard(sizes: tuple[int, ...] = (16, 32, 32, 1), **options: Any) -> Iterator[lv.Bound]:
    """A run that takes minutes, or long enough, with the solver beside it from the first."""
    net, box = random_network(sizes, 1)
    return Milp(head_start=0, **options).run(Problem(net, norm_pair(INF), box), Budget())


def test_the_process_answers_like_a_solver_here() -> None:
    net, box = random_network((3, 8, 1), 5)
    model = encode(Problem(net, norm_pair(INF), box), Strength()).model
    reports = []
    for kind in (SolverProcess, Here):
        solver = kind(model, Backend(), Budget())
        for rows in range(3):
            solver.ask()
            report = until(lambda solver=solver: [one for one in solver.poll() if isinstance(one, Report)])[0]
            assert report.values is not None
            reports.append(model.target().true_upper(report.bound))
            on = {j: report.values[j] > 0.5 for j in model.switches}
            model.rows.append(clause_row(model, tuple(on.items())))
            assert rows < 2 or solver.poll() == []
        solver.close()
        del model.rows[-3:]
    assert reports[:3] == pytest.approx(reports[3:])
    assert reports[0] > reports[2]


def until(answer: Callable[[], Any]) -> Any:
    """What an answer is as soon as it is something."""
    end = time.monotonic() + 60
    while not (found := answer()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


class Awaited(SolverProcess):
    """The process, but the search waits for what it says next."""

    def poll(self) -> list[Progress | Report]:
        heard = super().poll()
        while not heard and not self._waits:
            time.sleep(0.01)
            heard = super().poll()
        return heard


@pytest.mark.parametrize("name", backends.available())
def test_what_the_process_says_is_taken_in(children: list[Child], name: str) -> None:
    for (sizes, p), domain in itertools.product((((3, 6, 1), INF), ((2, 4, 4, 2), 1), ((2, 4, 2), 2)), (True, False)):
        net, box = random_network(sizes, 5)
        exact = lv.exact(net, "enumeration", p=p, domain=box if domain else None)
        with solver_here(Awaited):
            problem = Problem(net, norm_pair(p), box) if domain else Problem(net, norm_pair(p))
            *steps, last = Milp(head_start=0, solver=name).run(problem, Budget())
        assert (last.status, last.exact) == (lv.Status.EXACT, exact.exact)
        assert last.stats["solves"] > 0
        assert set(last.details) == {"solver"}
        assert any(step.upper_rigor is lv.Rigor.NUMERICAL for step in steps)
        assert all(step.lower <= exact.upper and exact.lower <= step.upper for step in steps)
    assert len(children) == 6
    assert not any(child.lives for child in children)


def test_a_killed_process_leaves_a_valid_interval_and_the_search_goes_on(children: list[Child]) -> None:
    class Doomed(SolverProcess):
        """Is killed as soon as it has said how its solve goes."""

        def poll(self) -> list[Progress | Report]:
            heard = super().poll()
            if any(isinstance(said, Progress) for said in heard) and children[0].lives:
                os.kill(children[0].pid, signal.SIGKILL)
            return heard

    net, box = random_network((4, 10, 10, 1), 1)
    exact = lv.exact(net, Milp(head_start=INF), p=INF, domain=box)
    with solver_here(Doomed):
        seen = list(hard((4, 10, 10, 1)))
    assert all(one.lower <= exact.upper and exact.lower <= one.upper for one in seen)
    assert (seen[-1].status, seen[-1].exact) == (lv.Status.EXACT, exact.exact)
    assert seen[-1].details["failure"] == "the solver's process ended: SIGKILL"
    assert [child.lives for child in children] == [False]


def test_a_process_that_cannot_be_started_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> Any:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(process, "Child", full)
    *_, bound = hard((3, 8, 1))
    assert bound.status is lv.Status.EXACT
    assert "did not start: Resource temporarily unavailable" in bound.details["failure"]


@pytest.mark.parametrize("name", [name for name in ("HiGHS", "CBC") if name in backends.available()])
def test_closing_the_run_ends_the_process_at_once(
    children: list[Child], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    steps = hard(solver=name)
    begun = time.monotonic()
    while not children or (name == "CBC" and not list(tmp_path.glob("*/*.mps"))):
        next(steps)
        assert time.monotonic() - begun < 60
    assert os.listdir(tmp_path)
    begun = time.monotonic()
    assert isinstance(steps, Generator)
    steps.close()
    assert time.monotonic() - begun < 2
    assert not children[0].lives
    until(lambda: not group_lives(children[0].pid))
    assert os.listdir(tmp_path) == []


def group_lives(group: int) -> bool:
    """Whether a process of a group runs; zombies that nobody has asked about do not."""
    rows = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout.splitlines()
    return any(int(row.split()[0]) == group and not row.split()[1].startswith("Z") for row in rows)


def test_ctrl_c_ends_the_process_and_carries_the_interval(
    children: list[Child], large: tuple[lv.Network, lv.Box]
) -> None:
    def interrupt(bound: lv.Bound) -> None:
        if children:
            signal.raise_signal(signal.SIGINT)

    net, box = large
    with pytest.raises(lv.Interrupted) as stop:
        lv.exact(net, Milp(head_start=0), p=INF, domain=box, on_progress=interrupt)
    assert 0 < stop.value.bound.lower < stop.value.bound.upper
    assert [child.lives for child in children] == [False]


def test_a_process_prints_nothing_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    for name in backends.available():
        *_, bound = hard((4, 10, 10, 1), solver=name)
        assert bound.status is lv.Status.EXACT
        assert "failure" not in bound.details
    assert capfd.readouterr().out == ""


# The pieces ----------------------------------------------------------------------------------------


@settings(max_examples=examples(40))
@given(st.data(), st.sampled_from(ALL_PAIRS))
def test_the_relaxation_is_above_every_region(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3)))
    domain = data.draw(domains(net.input_dim))
    strength = Strength(*data.draw(st.sampled_from([("interval", "interval", True), ("crown", "lp"), ("lp", "lp")])))
    model = encode(Problem(net, p, domain), strength).model
    linear = model.target()
    top = linear.true_upper(Relaxation(model).maximise(linear.costs).upper)
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    assert oracle.encloses(jacobians, 0.0, max(top, 0.0), *ends(p))


@settings(max_examples=examples(80))
@given(st.data(), st.sampled_from(ALL_PAIRS))
def test_what_ranges_say_at_a_node_holds_for_every_region_in_it(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), width=(1, 3)))
    domain = data.draw(domains(net.input_dim))
    encoding = encode(Problem(net, p, domain), Strength(*data.draw(st.sampled_from([("interval",) * 2, ("lp",) * 2]))))
    model, linear = encoding.model, encoding.model.target()
    relaxation = Relaxation(model)
    switches = np.array(model.switches, dtype=np.intp)
    for region in oracle.regions(net, domain):
        lower, upper = np.array(model.lower), np.array(model.upper)
        sides = zip(itertools.chain(*encoding.states), itertools.chain(*region.pattern), strict=True)
        for state, on in [(s, on) for s, on in sides if is_switch(s)]:
            if data.draw(st.booleans()):
                lower[state] = upper[state] = float(on)
        low, high = encoding.ranges.at(lower[None], upper[None])
        outlook = float(encoding.ranges.outlook(lower[None], upper[None])[0])
        bounds = [model.target().true_upper(math.ldexp(outlook, -linear.exponent + model.power))]
        for side in (False, True):  # first without, then with what the ranges imply
            if side:
                on, off = (choice[0] for choice in encoding.ranges.implied(low, high))
                free = lower[encoding.ranges.decidable] < upper[encoding.ranges.decidable]
                lower[encoding.ranges.decidable[on & free]] = 1.0
                upper[encoding.ranges.decidable[off & free]] = 0.0
            relaxation.tighten(low[0], high[0])
            relaxation.limit(switches, lower[switches], upper[switches])
            bounds.append(linear.true_upper(relaxation.maximise(linear.costs).upper))
        for bound in bounds:
            assert oracle.encloses([region.jacobian], 0.0, bound, *ends(p))


def test_ranges_at_a_node_are_within_those_of_the_root_and_shrink_its_bound() -> None:
    net, box = random_network((4, 6, 6, 1), 0)
    encoding = encode(Problem(net, norm_pair(INF), box), Strength())
    model, costs = encoding.model, encoding.model.target().costs
    lower, upper = np.array(model.lower), np.array(model.upper)
    free = [s for layer in encoding.states for s in layer if is_switch(s)]
    root = [ends[0] for ends in encoding.ranges.at(lower[None], upper[None])]
    outlook = encoding.ranges.outlook(lower[None], upper[None])
    old, new = Relaxation(model), Relaxation(model)
    for s in free[::2]:
        lower[s] = upper[s] = 1.0
    low, high = (ends[0] for ends in encoding.ranges.at(lower[None], upper[None]))
    assert (low >= root[0]).all()
    assert (high <= root[1]).all()
    assert encoding.ranges.outlook(lower[None], upper[None]) < outlook
    new.tighten(low, high)
    for relaxation in (old, new):
        relaxation.limit(np.arange(model.size), lower, upper)
    assert new.maximise(costs).upper < old.maximise(costs).upper * (1 - 1e-6)
    new.tighten(*root)  # and back
    assert new.maximise(costs).upper == pytest.approx(old.maximise(costs).upper, rel=0.02)


def test_every_node_that_could_hold_more_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[Any] = []
    looked: set[int] = set()

    def push(heap: list[Any], node: Any) -> None:
        pushed.append(node)
        heapq.heappush(heap, node)

    def look(self: Proof, node: Any, *rest: Any) -> Any:
        looked.add(node.number)
        return before(self, node, *rest)

    before = Proof._look
    monkeypatch.setattr(Proof, "_look", look)
    monkeypatch.setattr(proof, "heapq", SimpleNamespace(heappush=push, heappop=heapq.heappop))
    net, box = random_network((4, 10, 10, 1), 1)
    problem = Problem(net, norm_pair(INF), box)
    encoding = encode(problem, Strength())
    search = Proof(encoding, Regions(problem, encoding.states), None)
    for _ in search.steps():
        assert all(-node.negated <= search.upper for node in pushed if node.number not in looked)
    assert len(looked) > 100  # more than fit into one step
    assert all(-node.negated <= search.floor for node in pushed if node.number not in looked)


@pytest.mark.parametrize("sizes", [(4, 6, 6, 1), (2, 7, 5, 2)])  # the second one with boxes around cells
def test_ranges_of_many_nodes_at_once_are_those_of_each(sizes: tuple[int, ...]) -> None:
    net, box = random_network(sizes, 0)
    encoding, other = (encode(Problem(net, norm_pair(INF), box), Strength()) for _ in range(2))
    model, rng = encoding.model, np.random.default_rng(0)
    limits = np.tile(np.array([model.lower, model.upper])[:, None], (1, 12, 1))
    for node in range(8):  # the first one is the root, and the last four are as others
        chosen = rng.choice(model.switches, node, replace=False)
        limits[:, node, chosen] = rng.integers(0, 2, node)
    limits[:, 8:] = limits[:, 2:6]
    together = (*encoding.ranges.at(*limits), encoding.ranges.outlook(*limits))
    for node in range(12):
        one = limits[:, node, None]
        alone = (*other.ranges.at(*one), other.ranges.outlook(*one))
        for all_, single in zip(together, alone, strict=True):
            np.testing.assert_allclose(all_[node], single[0], rtol=1e-12)


@settings(max_examples=examples(30))
@given(st.data())
def test_a_box_around_a_cell_contains_it(data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 2))
    net = data.draw(networks(slopes=True, inputs=d, hidden=2, width=(3 * d, 7)))
    arena = Arena.of(Problem(net, norm_pair(INF), lv.Box([-1] * d, [1.5] * d)))
    cells = Cells(arena)
    assert cells.crowded == (len(net.weights[0]) >= 3 * len(arena.names))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    for z in rng.uniform(arena.lower, arena.upper, size=(10, len(arena.names))):
        y = arena.chain.weights[0] @ z + arena.chain.biases[0]
        clear = np.abs(y) > 1e-9 * (np.abs(arena.chain.weights[0]) @ np.abs(z) + np.abs(arena.chain.biases[0]))
        signs = np.where(clear & (rng.uniform(size=len(y)) < 0.7), np.sign(y), 0).astype(np.int8)
        low, high = cells.box(signs)
        assert (low <= z).all()
        assert (z <= high).all()


def test_a_box_around_a_cell_is_smaller_than_the_domain() -> None:
    net = lv.Network([[[1, 0], [-1, 1], [0, 1], [1, 1], [2, 1], [1, -1]], np.ones((3, 6)), [[1, 2, 3]]])
    cells = Cells(Arena.of(Problem(net, norm_pair(INF), lv.Box([-4, -3], [2, 5]))))
    low, high = cells.box(np.array([1, -1, 1, 0, 0, 0], dtype=np.int8))  # x ≥ 0, y ≤ x, y ≥ 0
    assert np.allclose([*low, *high], [0, 0, 1, 1], atol=1e-8)  # without biases the cones are met in [−1, 1]²
    assert (low <= 0).all()
    assert (high >= 1).all()


@settings(max_examples=examples(40))
@given(st.data())
def test_every_region_is_a_pattern_of_the_program_and_no_other_is(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3), hidden=(1, 2)))
    domain = data.draw(domains(net.input_dim))
    encoding = encode(Problem(net, norm_pair(INF), domain), Strength("crown", "interval"))
    regions = Regions(Problem(net, norm_pair(INF), domain), encoding.states)
    switches = [s for layer in encoding.states for s in layer if is_switch(s)]
    truth = oracle.regions(net, domain)
    found = set()
    clauses: list[Any] = []
    kept: list[dict[int, bool]] = []
    for sides in itertools.product((False, True), repeat=len(switches)):
        answer = regions.find(dict(zip(switches, sides, strict=True)))
        if isinstance(answer, tuple):
            values = dict(zip(switches, sides, strict=True))
            assert all(values[s] is side for s, side in answer)
            clauses.append(answer)
            continue
        kept.append(dict(zip(switches, sides, strict=True)))
        found.add(answer.witness.pattern)
    norms = {oracle.square(region.jacobian, INF, INF) for region in truth}
    known = {region.pattern: oracle.square(region.jacobian, INF, INF) for region in truth}
    assert found <= set(known)
    assert {known[pattern] for pattern in found} == norms
    for clause, region in itertools.product(clauses, kept):
        assert not all(region[s] is side for s, side in clause), "a clause cuts off a region"


@pytest.mark.parametrize(
    ("weights", "biases"),
    [
        # "relu(x) − 1 on" contradicts x < 0, where it is constant, and not x > 1.
        ([[[1.0]], [[1.0]], [[1.0]]], [None, [-1.0], None]),
        # "relu(x) − 2 relu(x − 1) − ½ on" contradicts x > 2, and not ½ < x < 1.
        ([[[1.0], [1.0]], [[1.0, -2.0]], [[1.0]]], [[0.0, -1.0], [-0.5], None]),
    ],
)
def test_a_clause_names_the_layers_below_its_rows(weights: Any, biases: Any) -> None:
    problem = Problem(lv.Network(weights, biases), norm_pair(INF), lv.Box([-3], [3]))
    encoding = encode(problem, Strength("interval", "interval"))
    regions = Regions(problem, encoding.states)
    switches = [s for layer in encoding.states for s in layer if is_switch(s)]
    clauses, kept = [], []
    for sides in itertools.product((False, True), repeat=len(switches)):
        values = dict(zip(switches, sides, strict=True))
        answer = regions.find(values)
        if isinstance(answer, tuple):
            clauses.append(answer)
        else:
            kept.append(values)
    assert clauses
    assert len({tuple(values.values()) for values in kept}) == len(oracle.regions(problem.network, problem.domain))
    for clause, values in itertools.product(clauses, kept):
        assert not all(values[s] is side for s, side in clause)


@settings(max_examples=examples(40))
@given(st.lists(st.lists(st.floats(-4, 4), min_size=3, max_size=3), min_size=1, max_size=4), st.randoms())
def test_bounds_hold_for_any_multipliers(rows: list[list[float]], random: Any) -> None:
    model = Model()
    columns = [model.variable(f"x_{j}", -1.0, 1.0) for j in range(3)]
    for i, row in enumerate(rows):
        model.row(f"r_{i}", list(zip(columns, row, strict=True)), -1.0, 1.0)
    relaxation = Relaxation(model)
    costs = np.array([random.uniform(-1, 1) for _ in columns])
    multipliers = np.array([random.uniform(-2, 2) for _ in model.rows])
    bound = Fraction(relaxation.bound(costs, multipliers))
    for point in itertools.product((Fraction(-1), Fraction(-1, 3), Fraction(0), Fraction(1)), repeat=3):
        if all(abs(sum(Fraction(a) * x for a, x in zip(row, point, strict=True))) <= 1 for row in rows):
            # a variable within ±1 is stored as half of itself
            assert sum(Fraction(c) * x / 2 for c, x in zip(costs.tolist(), point, strict=True)) <= bound


def test_a_refuted_relaxation_is_proved_so() -> None:
    assert Relaxation(knapsack(impossible=True)).maximise(np.ones(2)).upper == -INF
    assert Relaxation(knapsack()).maximise(np.ones(2)).upper == pytest.approx(1.5)


def test_rows_with_tiny_coefficients_become_wider_and_lose_nothing() -> None:
    model = Model()
    x, y = model.variable("x", -1.0, 1.0), model.variable("y", -4.0, 4.0)
    model.row("r", [(x, 1.0), (y, 2.0**-40)], 0.0, 0.0)
    (row,) = model.rows
    assert row.columns == (x,)
    exponent = -1  # the row is divided by x's scale, 2, times its coefficient
    assert row.high >= 4 * 2.0**-40 * 2.0**exponent
    assert row.low == -row.high


def test_cuts_of_the_ball_keep_the_ball() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        X = rng.normal(size=(rng.integers(1, 4), rng.integers(1, 5))) * 10.0 ** rng.integers(-5, 5)
        for C in (ball_cut(X), shrunk(X)):
            exact = [[Fraction(v) for v in row] for row in C.tolist()]
            assert oracle.at_most(tuple(map(tuple, exact)), Fraction(1), 2, 2)
    C = ball_cut(X)
    assert float((C * X).sum()) == pytest.approx(float(np.linalg.norm(X, ord="nuc")), rel=1e-9)
    assert Ball.exact(C).shape == X.shape


def test_every_pair_has_a_plan() -> None:
    for pair, m, d in itertools.product(ALL_PAIRS, (1, 3), (1, 3)):
        chosen = plan(pair, m, d)
        assert chosen.copies == (3 if pair == (2.0, 2.0) and m == d == 3 else 1)


def test_stable_and_unread_neurons_have_no_binary() -> None:
    net = lv.Network([[[1.0], [1.0], [1.0], [1.0]], [[1, 1, 0, 1]]], [[2, -2, 0, 0], None])
    encoding = encode(Problem(net, norm_pair(INF), lv.Box([-1], [1])), Strength())
    assert encoding.states[0][:3] == (True, False, None)
    assert is_switch(encoding.states[0][3])


# The model file ------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_the_model_can_be_written_and_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"program{suffix}"
    lv.write_model(NET, path, p=INF, domain=BOX)
    text = path.read_text()
    assert "on_L1_N0" in text
    assert "through_L2_N0" in text or "v_L2_N0" in text
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    scale = 2.0 ** encode(Problem(NET, norm_pair(INF), BOX), Strength()).model.target().exponent
    assert abs(highs.getInfo().objective_function_value) * scale == pytest.approx(milp(NET, INF, BOX).lower)


def test_a_model_file_has_one_of_two_endings(tmp_path: Path) -> None:
    with pytest.raises(lv.InvalidArgument, match=r"\.lp or \.mps"):
        lv.write_model(NET, tmp_path / "program.txt")
    assert os.listdir(tmp_path) == []
