"""Tasks dealt out: every value once, at its place, whoever does the work and whoever dies."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import lipverify as lv
from lipverify.errors import WorkerLost
from lipverify.fanout import Team, fan_out
from lipverify.testing import audit
from lipverify.testing.suite import suite
from lipverify.testing.tightness import InterruptedMeasurement, measure
from tests.conftest import long_only
from tests.tasks import deadly, refused, square, where

ROOT = Path(__file__).resolve().parent.parent
NET = lv.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 2, -2]]])  # |x| + 2y


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The address of a scheduler with two workers of one thread."""
    pytest.importorskip("distributed", reason="dask.distributed is not installed (the extra [cluster])")
    import json

    from lipverify.fanout.cluster import _scheduler

    with _scheduler(2) as file:
        yield json.loads(Path(file).read_text())["address"]


@pytest.fixture(params=["one", "processes", "cluster"])
def how(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Who does the work."""
    if request.param == "cluster":
        return {"cluster": request.getfixturevalue("cluster")}
    return {"jobs": 2 if request.param == "processes" else 1}


@pytest.fixture(params=["processes", "cluster"])
def others(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Who does it elsewhere."""
    return {"jobs": 2} if request.param == "processes" else {"cluster": request.getfixturevalue("cluster")}


def test_every_value_at_its_place(how: dict[str, Any]) -> None:
    assert dict(fan_out([partial(square, k) for k in range(40)], **how)) == {k: k * k for k in range(40)}
    assert list(fan_out([], **how)) == []
    assert list(fan_out([partial(square, 3)], **how)) == [(0, 9)]


def test_a_crew_gives_back_what_it_is_dealt(others: dict[str, Any]) -> None:
    """More than it takes at a time, and what a task raises."""
    waiting, found = list(range(12)), dict[int, Any]()
    with Team(**others).hired() as crew:
        while len(found) < 12:
            while waiting and crew.room > 0:
                key = waiting.pop()
                crew.start(key, partial(square, key))
            found |= crew.finished(0.1)
        crew.start(12, partial(refused, 3))
        with pytest.raises(ZeroDivisionError, match="3 is refused"):
            list(iter(partial(crew.finished, 1.0), None))
    assert found == {key: key * key for key in range(12)}


def test_a_killed_worker_loses_and_doubles_nothing(others: dict[str, Any]) -> None:
    seen: list[int] = []
    pids = set()
    for place, (k, pid) in fan_out([partial(where, k) for k in range(120)], **others):
        assert place == k
        seen.append(place)
        pids.add(pid)
        if len(seen) in (10, 50):
            os.kill(pid, signal.SIGKILL)
    assert sorted(seen) == list(range(120))
    assert len(pids) > 2
    assert os.getpid() not in pids


@long_only
def test_a_task_that_ends_every_process_is_told_from_the_others(others: dict[str, Any]) -> None:
    tasks = [partial(deadly, k) for k in range(12)]  # some wait behind the third, on the same worker
    told: list[str] = []

    def lost(place: int, error: WorkerLost) -> int:
        told.append(str(error))
        return -place

    found = dict(fan_out(tasks, lost=lost, **others))
    assert found == {k: -3 if k == 3 else k for k in range(12)}
    assert len(told) == 1
    assert re.match(r"task 3 ended its (process, 12|worker, 4) times when it was alone", told[0])


def test_what_a_task_raises_is_raised_here(how: dict[str, Any]) -> None:
    with pytest.raises(ZeroDivisionError, match="is refused"):
        list(fan_out([partial(refused, k) for k in range(4)], **how))


def test_tasks_that_do_not_travel_stay_here_or_are_refused(cluster: str) -> None:
    handle = (x for x in [1])
    tasks = [lambda: (handle is not None, os.getpid())] * 2
    assert dict(fan_out(tasks, jobs=2)) == dict.fromkeys(range(2), (True, os.getpid()))
    with pytest.raises(lv.InvalidArgument, match="cannot be pickled"):
        fan_out(tasks, cluster=cluster)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jobs": 0}, "jobs must be an integer"),
        ({"jobs": True}, "jobs must be an integer"),
        ({"jobs": 2.5}, "jobs must be an integer"),
        ({"cluster": "http://here"}, "a cluster is tcp://"),
        ({"cluster": "local:0"}, "a cluster is tcp://"),
        ({"cluster": 2}, "a cluster is tcp://"),
        ({"cluster": "local:2", "jobs": 2}, "not by both"),
    ],
)
def test_who_does_it_is_checked_at_once(options: dict[str, Any], message: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=message):
        fan_out([partial(square, 1)], **options)


def test_a_cluster_without_dask_or_without_an_answer_is_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from lipverify.fanout import cluster as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(lv.InvalidArgument, match=r"pip install 'lipverify\[cluster\]'"):
        fan_out([partial(square, 1)], cluster="local:2")
    monkeypatch.undo()
    pytest.importorskip("distributed", reason="dask.distributed is not installed (the extra [cluster])")
    monkeypatch.setattr(module, "_PATIENCE", 0.5)
    with pytest.raises(lv.InvalidArgument, match="no dask scheduler answers at tcp://127"):
        list(fan_out([partial(square, 1)], cluster="tcp://127.0.0.1:9"))


INTERRUPTED = """
import sys, time
from functools import partial
from lipverify.fanout import Team, fan_out
got = []
try:
    for place, value in fan_out([partial(time.sleep, 0.05)] * 400, **{options!r}):
        got.append(place)
        print(place, flush=True)
except KeyboardInterrupt:
    print("kept", len(got), len(set(got)))
"""


@pytest.mark.parametrize("others", ["processes", pytest.param("cluster", marks=long_only)], indirect=True)
def test_ctrl_c_leaves_what_is_done(others: dict[str, Any]) -> None:
    program = INTERRUPTED.format(options=others)
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, process_group=0
    )
    assert process.stdout is not None
    for _ in range(6):
        process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    word, number, distinct = out.split()[-3:]
    assert (word, number) == ("kept", distinct)
    assert 6 <= int(number) < 400
    assert "Traceback" not in err
    assert process.returncode == 0


# Who takes part ------------------------------------------------------------------------------------


def facts(bound: lv.Bound | None) -> Any:
    data = None if bound is None else bound.to_dict()
    return data if data is None else {k: v for k, v in data.items() if k not in ("seconds", "stats")}


@pytest.mark.parametrize("how", ["cluster", pytest.param("processes", marks=long_only)], indirect=True)
def test_the_rows_of_a_batch_are_the_same(how: dict[str, Any]) -> None:
    domains = [lv.Box([-1, -1], [1, 1]), lv.Box([0], [1]), lv.Ball([0, 0], 1), lv.InvalidDomain("line 3 is none")]
    alone = lv.exact(NET, domain=domains, p=math.inf, certify=True)
    seen: list[lv.Bound] = []
    batch = lv.exact(NET, domain=domains, p=math.inf, certify=True, on_progress=lambda b: seen.append(b), **how)
    assert [facts(row.bound) for row in batch] == [facts(row.bound) for row in alone]
    assert [(row.domain, row.error) for row in batch] == [(row.domain, row.error) for row in alone]
    assert batch[0].bound is not None
    assert seen
    verdict = lv.check(NET, batch[0].bound.certificate, p=math.inf, domain=domains[0], lower=3, upper=3)
    assert verdict.upper


def test_one_domain_is_not_shared_out() -> None:
    for verb in (lv.upper, lv.lower):
        with pytest.raises(lv.InvalidArgument, match="share out many domains"):
            verb(NET, jobs=2)


@long_only
def test_who_stops_a_batch_has_every_row(others: dict[str, Any]) -> None:
    domains = [lv.Ball([0, 0], 1 + k) for k in range(30)]
    batch = lv.lower(NET, "sample", domain=domains, on_progress=lambda bound: True, **others)
    assert len(batch) == 30
    done = [row for row in batch if row.bound is not None and row.bound.status is lv.Status.ONE_SIDED]
    assert 1 <= len(done) < 30
    assert batch.upper == math.inf


@long_only
def test_an_audit_is_the_same_with_a_worker_killed(cluster: str) -> None:
    def told(report: Any) -> Any:
        return {key: value for key, value in report.to_dict().items() if "seconds" not in key}

    once: list[int] = []

    def kill(asked: int, kinds: int) -> None:
        if not once:
            once.append(asked)
            (pid, *_) = dict(fan_out([os.getpid], cluster=cluster)).values()
            os.kill(pid, signal.SIGKILL)

    alone = audit("frobenius", max_examples=110, seed=1, jobs=1)
    assert told(audit("frobenius", max_examples=110, seed=1, cluster=cluster, on_progress=kill)) == told(alone)
    assert once


@long_only
def test_a_time_limit_holds_on_a_cluster(cluster: str) -> None:
    started = time.monotonic()
    report = audit("frobenius", max_examples=5000, time_limit=0.5, cluster=cluster)
    assert not report.complete
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("others", ["processes", pytest.param("cluster", marks=long_only)], indirect=True)
def test_tightness_is_the_same(others: dict[str, Any]) -> None:
    def told(found: Any) -> Any:
        return [entry.cells()[:-1] for entry in found.entries], found.unsound, dict(found.errors), found.asked

    cases = suite()[:6]
    assert told(measure(["autolip", "crown"], cases, **others)) == told(measure(["autolip", "crown"], cases))


@long_only
def test_ctrl_c_keeps_what_was_measured_elsewhere() -> None:
    def stop(name: str, case: Any) -> None:
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(case)

    seen: list[Any] = []
    with pytest.raises(InterruptedMeasurement) as caught:
        measure(["autolip"], suite()[:20], on_progress=stop, jobs=2)
    assert 2 <= len(caught.value.measured.entries) < 20
