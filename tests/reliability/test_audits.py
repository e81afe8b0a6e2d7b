"""Audits whose workers are killed: the same report, or one that says what was not asked."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from typing import Any

import pytest

from lipverify.errors import WorkerLost
from lipverify.fanout import Lost, processes
from lipverify.testing import audit, shards, soundness
from lipverify.testing.campaign import End
from lipverify.testing.findings import Report
from tests.conftest import long_only
from tests.reliability.workers import kill_a_worker
from tests.tasks import DeadlyBound


def told(report: Report) -> dict[str, Any]:
    """What a report says, apart from seconds."""
    return {key: value for key, value in report.to_dict().items() if "seconds" not in key}


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five shards of twelve networks."""
    monkeypatch.setattr(soundness, "sizes", lambda examples: [12] * (examples // 12))


@pytest.fixture(scope="module")
def whole() -> Report:
    """The report of an audit that nothing happens to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soundness, "sizes", lambda examples: [12] * (examples // 12))
        return audit("frobenius", max_examples=60, seed=3, jobs=1)


@pytest.mark.usefixtures("small_shards")
def test_the_report_is_the_same_with_workers_killed(whole: Report) -> None:
    killed: list[int] = []

    def kill(asked: int, kinds: int) -> None:
        if len(killed) < 2 and (pid := kill_a_worker(killed)):
            killed.append(pid)

    assert told(audit("frobenius", max_examples=60, seed=3, jobs=2, on_progress=kill)) == told(whole)
    assert whole.complete
    assert len(killed) == 2


@long_only
def test_ten_thousand_networks_with_a_worker_killed_every_thirty_seconds() -> None:
    """The issue of a night's audit on machines that come and go."""
    over, killed = threading.Event(), list[int]()

    def kill() -> None:
        while not over.wait(30):
            killed.append(kill_a_worker())

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        report = audit("frobenius", max_examples=10_000, jobs=2)
    finally:
        over.set()
        killer.join()
    print(f"{sum(pid > 0 for pid in killed)} workers were killed in {report.seconds:.0f} s")
    assert any(killed)
    assert told(report) == told(audit("frobenius", max_examples=10_000, jobs=1))


@pytest.mark.usefixtures("small_shards")
def test_a_shard_that_is_lost_costs_its_own_questions(monkeypatch: pytest.MonkeyPatch, whole: Report) -> None:
    """The second of five; its questions are counted, and the others' answers are there."""
    dealt = shards.fan_out

    def losing(tasks: Sequence[Any], *, lost: Lost[Any], **options: Any) -> Generator[tuple[int, Any]]:
        for place, value in dealt(tasks, lost=lost, **options):
            yield place, lost(place, WorkerLost("it ended its process")) if place == 1 else value

    monkeypatch.setattr(shards, "fan_out", losing)
    report = audit("frobenius", max_examples=60, seed=3, jobs=1)
    assert report.end is End.LOST
    assert not report.complete
    assert (report.lost, report.examples) == (12, whole.examples - 12)
    assert "\n12 networks were not asked" in report.text()
    assert report.to_dict()["lost"] == 12
    assert not report.counterexample


@long_only
def test_an_estimator_that_ends_every_process_leaves_a_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is lost in every worker; what this process asked by itself is told."""
    monkeypatch.setattr(processes, "SUSPECT", 1)
    monkeypatch.setattr(processes, "ALONE", 1)
    report = audit(DeadlyBound(), max_examples=150, jobs=2)
    assert (report.end, report.lost) == (End.LOST, 150)
    assert report.examples > 10
    assert report.ok


def test_an_example_that_nobody_could_make_smaller_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(tasks: Sequence[Any], *, lost: Lost[Any], **options: Any) -> Generator[tuple[int, Any]]:
        for place, task in enumerate(tasks):
            shrinks = task.func is shards.shrink
            yield place, lost(place, WorkerLost("it ended its process")) if shrinks else task()

    monkeypatch.setattr(shards, "fan_out", losing)
    report = audit("seqlip-greedy", max_examples=60, seed=0, jobs=1)
    assert report.complete
    assert report.counterexample is not None
