"""Solvers: their statuses, what is believed of them, and the process that they run in."""

from __future__ import annotations

import itertools
import math
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import highspy
import numpy as np
import pulp
import pytest

import lipverify as lv
from lipverify.attacks.local_search import LocalSearch
from lipverify.child import Child
from lipverify.geometry.witness import certify_region
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.milp.encode.encoding import Strength, encode
from lipverify.solvers.milp.external import backends, oracle, process
from lipverify.solvers.milp.external.backends import HIGHS, PULP, Backend, Progress, Report, Verdict
from lipverify.solvers.milp.external.oracle import warm_start
from lipverify.solvers.milp.external.process import SolverProcess
from lipverify.solvers.milp.external.pulp import Program
from lipverify.solvers.milp.method import Milp
from lipverify.solvers.milp.search.nogoods import nogood_row
from lipverify.watch import OutOfTime, Watch
from tests.solvers.milp.common import (
    BOX,
    INF,
    NET,
    Here,
    knapsack,
    milp,
    random_network,
    solved,
    solver_first,
    solver_here,
)


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
        binaries = start[model.binaries]
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
            assert (np.abs(point[model.binaries] - point[model.binaries].round()) < 1e-6).all()
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
            on = {j: report.values[j] > 0.5 for j in model.binaries}
            model.rows.append(nogood_row(model, tuple(on.items())))
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


def test_no_time_to_ask_leaves_no_process_and_no_folder(
    children: list[Child], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The time may be up between the process' start and the first question."""

    def late(*_: Any) -> Any:
        raise OutOfTime(Watch(0.0, None))

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(oracle, "warm_start", late)
    with pytest.raises(OutOfTime) as stop:
        list(hard())
    assert not children[0].lives  # though the exception still holds the frames
    assert os.listdir(tmp_path) == []
    del stop


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
