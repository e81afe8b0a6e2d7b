"""One question shared out: the same constants, whoever does what, in whatever order, and whoever is lost."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.catalogue import METHODS
from lipverify.domain import Domain
from lipverify.errors import WorkerLost
from lipverify.fanout import Team
from lipverify.geometry.walk import Walk
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers import enumeration
from lipverify.solvers.branch_and_bound import search, shared
from lipverify.solvers.branch_and_bound.checkpoint import Checkpoint
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.solvers.dealing import Deal
from lipverify.testing import domains, networks
from lipverify.testing.suite import random_network
from tests.conftest import examples, long_only
from tests.reliability.workers import kill_a_worker, workers
from tests.tasks import asleep

NET = random_network((3, 6, 6, 1), 3)
TWO = Team(2)


class Shuffled:
    """A crew in this process that pickles what it is given, takes its time, and loses some of it."""

    def __init__(self, seed: int, losses: float) -> None:
        self.random, self.losses = Random(seed), losses
        self.tasks: dict[int, bytes] = {}

    @property
    def room(self) -> int:
        return 3 - len(self.tasks)

    def start(self, key: int, task: Callable[[], Any]) -> None:
        assert key not in self.tasks
        self.tasks[key] = cloudpickle.dumps(task)

    def finished(self, seconds: float) -> list[tuple[int, Any]]:
        key = self.random.choice(list(self.tasks))
        task = self.tasks.pop(key)
        if self.random.random() < self.losses:
            return [(key, WorkerLost("it is gone"))]
        return [(key, cloudpickle.loads(cloudpickle.dumps(cloudpickle.loads(task)())))]


@contextmanager
def shuffled(seed: int = 0, losses: float = 0.0) -> Iterator[None]:
    """Teams are such crews, are hired at once, and have no time for more than a node or two."""

    @contextmanager
    def hired(self: Team) -> Generator[Shuffled]:
        yield Shuffled(seed, losses)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Team, "hired", hired)
        for module in (enumeration, shared):
            patch.setattr(module, "_HEAD_START", -1.0)
        patch.setattr(shared, "_SLICE", -1.0)
        patch.setattr(shared, "_LEAST", 1)
        patch.setattr(search, "_REPORT", -1.0)
        yield


def alone(team: Team = TWO, **options: Any) -> BranchAndBound:
    """Branch and bound without an attack or an engine: nothing but the search finds the constant."""
    method = METHODS["branch-and-bound"]()
    assert isinstance(method, BranchAndBound)
    return replace(method, incumbent=None, ceiling=None, engines=None, team=team, **options)


# What is dealt out ---------------------------------------------------------------------------------


@settings(max_examples=examples(40))
@given(net=networks(slopes=True), data=st.data(), least=st.integers(1, 30))
def test_parts_of_a_walk_have_every_region_once(net: lv.Network, data: st.DataObject, least: int) -> None:
    domain: Domain = data.draw(domains(net.input_dim))
    whole = sorted(leaf.pattern for leaf in Walk(net, domain).leaves())
    parts = Walk(net, domain).parts(least)
    found = [leaf for part in parts for leaf in Walk(net, domain, 0, part).leaves()]
    assert sorted(leaf.pattern for leaf in found) == whole
    for leaf in found:
        assert domain.contains_inside(leaf.point)


def test_there_are_as_many_parts_as_are_wanted() -> None:
    assert len(Walk(NET, lv.Everywhere()).parts(1)) == 1
    assert 20 <= len(Walk(NET, lv.Everywhere()).parts(20)) < 40


@settings(max_examples=examples(20))
@given(
    net=networks(slopes=True),
    data=st.data(),
    seed=st.integers(0, 9),
    losses=st.sampled_from([0.0, 0.3]),
    p=st.sampled_from([1, 2, math.inf]),
)
def test_constants_are_the_same(net: lv.Network, data: st.DataObject, seed: int, losses: float, p: Any) -> None:
    domain: Domain = data.draw(domains(net.input_dim))
    whole = lv.exact(net, "enumeration", p=p, domain=domain)
    with shuffled(seed, losses):
        for method in (enumeration.Enumeration(team=TWO), alone()):
            found = lv.exact(net, method, p=p, domain=domain)
            assert found.status is lv.Status.EXACT
            assert found.enclosure == whole.enclosure
            assert found.regions in (None, whole.regions)


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_every_interval_on_the_way_holds_the_constant(p: Any) -> None:
    problem = Problem(NET, norm_pair(p))
    low, high = lv.exact(NET, "enumeration", p=p).enclosure
    with shuffled(1, 0.2):
        for method in (enumeration.Enumeration(team=TWO), alone()):
            upper, bounds = math.inf, 0
            for bound in method.run(problem, Budget()):
                assert bound.lower <= high
                assert low <= bound.upper <= upper
                upper, bounds = bound.upper, bounds + 1
            assert bounds > 10
            assert bound.status is lv.Status.EXACT


def test_these_tests_would_notice_a_lost_part(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lv.exact(NET, "enumeration")
    parts = Walk.parts
    monkeypatch.setattr(Walk, "parts", lambda self, least: parts(self, least)[:-1])
    unpack = shared.Tree.unpack
    monkeypatch.setattr(
        shared.Tree, "unpack", lambda self, saved, counts: unpack(self, replace(saved, open=()), counts)
    )
    with shuffled():
        assert (lv.exact(NET, enumeration.Enumeration(team=TWO)).regions or 0) < (whole.regions or 0)
        assert lv.exact(NET, alone()).enclosure != whole.enclosure


@pytest.mark.parametrize("gap", [0.01, 0.3])
def test_a_tolerance_is_kept(gap: float) -> None:
    low, high = lv.exact(NET, "enumeration").enclosure
    with shuffled(2):
        found = lv.exact(NET, alone(), rel_gap=gap)
    assert found.status in (lv.Status.CLOSED, lv.Status.EXACT)
    assert found.lower <= high
    assert low <= found.upper <= (1 + gap) * found.lower * (1 + 1e-12)


def test_whoever_is_always_lost_leaves_the_interval() -> None:
    low, high = lv.exact(NET, "enumeration").enclosure
    with shuffled(0, 1.0):
        for method in ("enumeration", "branch-and-bound"):
            found = lv.exact(NET, method, jobs=2)
            assert found.status is lv.Status.FAILED
            assert found.lower <= high
            assert low <= found.upper < math.inf
            assert "was lost 9 times: it is gone" in found.stats["failure"]


def test_a_checkpoint_has_what_is_away(tmp_path: Path) -> None:
    path, problem = tmp_path / "search", Problem(NET, norm_pair(2))
    whole = lv.exact(NET, "enumeration")
    with shuffled(3, 0.1):
        for stop in (30, 60, 90):
            steps = alone(checkpoint=Checkpoint(path, resume=True)).run(problem, Budget())
            for _, bound in zip(range(stop), steps, strict=False):
                assert bound.lower <= whole.upper
            steps.close()
        assert lv.exact(NET, checkpoint=path, resume=True, jobs=2).enclosure == whole.enclosure
    assert lv.exact(NET, checkpoint=path, resume=True).enclosure == whole.enclosure


def test_a_proof_is_complete() -> None:
    with shuffled():
        bound = lv.exact(NET, "branch-and-bound", jobs=2, certify=True)
    verdict = lv.check(NET, bound.certificate, p=2, lower=bound.lower, upper=bound.upper)
    assert verdict.lower
    assert verdict.upper


def test_who_can_share() -> None:
    for method in ("milp", METHODS["milp"]()):
        with pytest.raises(lv.InvalidArgument, match="by enumeration and branch-and-bound only"):
            lv.exact(NET, method, jobs=2)
    with pytest.raises(lv.InvalidArgument, match="jobs must be an integer"):
        lv.exact(NET, jobs=0)
    with pytest.raises(lv.InvalidArgument, match="not with a team"):
        alone(log=print)
    with shuffled():
        assert lv.exact(NET, jobs=2).status is lv.Status.EXACT  # whichever method promises to be fast
        assert lv.exact(NET, domain=lv.Box([-1] * 3, [1] * 3), p=math.inf, jobs=2).status is lv.Status.EXACT


# Other processes -----------------------------------------------------------------------------------


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are started at the beginning."""
    for module in (enumeration, shared):
        monkeypatch.setattr(module, "_HEAD_START", -1.0)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("method", [pytest.param("enumeration", marks=long_only), "branch-and-bound"])
def test_a_killed_process_takes_nothing_with_it(method: str) -> None:
    killed: list[int] = []

    def kill(bound: lv.Bound) -> None:
        if len(killed) < 2 and (pid := kill_a_worker(killed)):
            killed.append(pid)

    net = random_network((3, 10, 10, 1), 5)
    found = lv.exact(net, method, jobs=2, on_progress=kill)
    assert found.status is lv.Status.EXACT
    assert found.enclosure == lv.exact(net, method).enclosure
    assert killed


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("method", "module"), [("enumeration", enumeration), ("branch-and-bound", shared)])
def test_a_process_that_hangs_leaves_an_interval_in_time(
    method: str, module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is busy with: this process keeps the time, and ends it."""
    monkeypatch.setattr(module, "Excursion", lambda *_: asleep)
    low, high = lv.exact(NET, method).enclosure
    began = time.monotonic()
    found = lv.exact(NET, method, jobs=2, time_limit=4)
    assert time.monotonic() - began < 4 + 1 + 10  # a machine that is busy
    assert found.status is lv.Status.TIME_LIMIT
    assert found.lower <= high
    assert low <= found.upper < math.inf
    until = time.monotonic() + 10
    while workers() and time.monotonic() < until:
        time.sleep(0.05)
    assert not workers()


@long_only
@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("method", ["enumeration", "branch-and-bound"])
def test_on_a_cluster(method: str) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is not installed (the extra [cluster])")
    found = lv.exact(NET, method, cluster="local:2")
    assert found.enclosure == lv.exact(NET, method).enclosure


PROGRAM = """
import lipverify as lv
from lipverify.solvers.dealing import Deal
from lipverify.solvers.branch_and_bound import shared
from lipverify.testing.suite import random_network
shared._HEAD_START = 0.1
told = lambda bound: print("told", flush=True)
try:
    lv.exact(random_network((8, 40, 40, 1), 5), "branch-and-bound", jobs=2, on_progress=told)
except lv.Interrupted as stop:
    print("kept", stop.bound.lower, stop.bound.upper, flush=True)
"""


def test_ctrl_c_leaves_an_interval() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    assert process.stdout is not None
    for _ in range(12):
        process.stdout.readline()
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    word, low, high = out.split()[-3:]
    assert word == "kept"
    assert 0 < float(low) < float(high) < math.inf
    assert "Traceback" not in err
    assert process.returncode == 0
    assert time.monotonic() - began < 30


class Deadly:
    """A crew whose process ends with everything that it is given."""

    room = 1

    def __init__(self) -> None:
        self.given: list[int] = []

    def start(self, key: int, task: Any) -> None:
        self.given.append(key)

    def finished(self, seconds: float) -> list[tuple[int, Any]]:
        lost, self.given = [(key, WorkerLost("it ended")) for key in self.given], []
        return lost


def test_what_ends_every_process_is_noticed_though_it_is_dealt_out_in_new_company() -> None:
    deal: Deal[Any] = Deal(Deadly())
    deadly = [object()]
    parts = [(deadly, [object()]) for _ in range(10)]

    def lose(part: Any) -> None:
        deal.out(part, lambda: None)
        assert deal.back(0.0)[1] == [part]

    for part in parts[:8]:
        lose(part)
    with pytest.raises(WorkerLost, match="lost 9 times"):
        lose(parts[8])
