"""An estimator that ends its process, or never answers, is a finding like any other."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import lipverify as lv
from lipverify.testing import InterruptedAudit, Isolated, audit
from lipverify.testing.elsewhere import installed
from lipverify.testing.estimators import Named, name_of
from lipverify.testing.isolation import ProcessEnded
from lipverify.testing.verdicts import Verdict
from tests.cli.conftest import lipverify  # noqa: F401 a fixture
from tests.testing import sloppy

LINE = lv.Network([[[3, 4]]])
NEURON = lv.Network([[[1]], [[1]]])
DEEP = lv.Network([[[1]], [[1]], [[1]]])
FORK = lv.Network([[[1], [1]]])


def test_the_answer_is_the_same() -> None:
    assert Isolated(sloppy.product)(LINE, p=2, domain=lv.Everywhere()) == 5
    bound = Isolated(sloppy.chatty)(LINE, p=2, domain=lv.Everywhere())
    assert isinstance(bound, lv.Bound)
    assert bound.upper >= 5
    seven = 7.0
    assert Isolated(lambda net, p, domain: seven)(LINE, p=2, domain=None) == 7
    assert name_of(Isolated(sloppy.product)) == "tests.testing.sloppy:product"


@pytest.mark.parametrize(
    ("estimator", "net", "kind", "words"),
    [
        (sloppy.suicidal, NEURON, ProcessEnded, "SIGSEGV"),
        (sloppy.quitting, FORK, ProcessEnded, "exit code 7"),
        (sloppy.dozing, DEEP, TimeoutError, r"no answer within 0\.5 s"),
        (sloppy.odd, LINE, RuntimeError, "OddError: 1 and 2"),
        (sloppy.crashing, DEEP, ZeroDivisionError, "two layers"),
        (sloppy.picky, LINE, lv.UnsupportedNorm, "not today"),
        (sloppy.wordy, LINE, TypeError, "returned str"),
    ],
)
def test_what_goes_wrong_there_is_raised_here_and_the_next_question_is_answered(
    estimator: Any, net: lv.Network, kind: type[Exception], words: str
) -> None:
    alone = Isolated(estimator, call_limit=0.5)
    for _ in range(2):
        with pytest.raises(kind, match=words):
            alone(net, p=2, domain=None)
    assert Isolated(sloppy.product)(LINE, p=2, domain=None) == 5


def test_a_process_that_ends_between_two_questions_is_missed_once() -> None:
    alone = Isolated(sloppy.fleeting)
    assert alone(LINE, p=2, domain=None) == 5
    time.sleep(0.5)
    with pytest.raises(ProcessEnded, match="exit code 3"):
        alone(LINE, p=2, domain=None)
    assert alone(LINE, p=2, domain=None) == 5


@pytest.mark.parametrize(("given", "limit", "words"), [(len, 0, "call_limit"), (iter([]), 1, "another process")])
def test_what_cannot_be(given: Any, limit: Any, words: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=words):
        Isolated(given if callable(given) else (lambda net, p, domain, held=(x for x in given): held), limit)


def test_an_audit_survives_and_shrinks() -> None:
    report = audit(Isolated(sloppy.quitting), max_examples=12)
    (failure,) = report.failures
    assert failure.verdict is Verdict.CRASH
    assert "exit code 7" in failure.message
    assert (failure.network.neurons, failure.network.output_dim) == (0, 2)
    assert report.counts[Verdict.SOUND] > 5


def test_the_command_isolates(lipverify: Any) -> None:  # noqa: F811
    answer = lipverify("audit", "tests.testing.sloppy:dozing", "--max-examples", 0, "--call-limit", 0.2, "--jobs", 1)
    assert answer.code == 1
    assert "TimeoutError: no answer within 0.2 s" in answer.out


def test_ctrl_c_leaves_a_report_and_progress_is_told() -> None:
    seen: list[tuple[int, int]] = []

    def note(asked: int, kinds: int) -> None:
        seen.append((asked, kinds))
        if asked > 150:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(InterruptedAudit) as stop:
        audit(sloppy.one_percent_low, max_examples=10_000, jobs=1, on_progress=note)
    report = stop.value.report
    assert not report.complete
    assert "Ctrl-C" in report.text()
    assert report.counterexample is not None
    assert report.examples == seen[-1][0] < 400
    assert seen[0][1] == 1


def test_ctrl_c_in_the_estimator_keeps_what_was_asked_before() -> None:
    asked = []

    def impatient(net: lv.Network, *, p: Any, domain: Any) -> float:
        asked.append(net)
        if len(asked) == 60:
            raise KeyboardInterrupt
        return float("inf")

    with pytest.raises(InterruptedAudit) as stop:
        audit(impatient, max_examples=100, jobs=1)
    assert 20 < stop.value.report.examples < 60


def test_ctrl_c_where_exceptions_are_lost_is_kept_for_the_next_question() -> None:
    """In a callback of the garbage collector, of which Hypothesis has one, KeyboardInterrupt is printed and lost."""
    asked = []

    def collected(phase: str, info: dict[str, int]) -> None:
        gc.callbacks.remove(collected)
        signal.raise_signal(signal.SIGINT)

    def unhurried(net: lv.Network, *, p: Any, domain: Any) -> float:
        asked.append(net)
        if len(asked) == 60:
            gc.callbacks.append(collected)
            gc.collect()
        return float("inf")

    with pytest.raises(InterruptedAudit) as stop:
        audit(unhurried, max_examples=100, jobs=1)
    assert len(asked) == 60
    assert stop.value.report.examples > 20


def test_ctrl_c_does_not_wait_for_an_estimator_in_another_process() -> None:
    pressed = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    pressed.start()
    start = time.monotonic()
    with pytest.raises(InterruptedAudit):
        audit(Isolated(lambda net, *, p, domain: time.sleep(60.0)), max_examples=100, jobs=1, time_limit=30)
    assert time.monotonic() - start < 30


# Packages of named versions ------------------------------------------------------------------------


def test_the_process_imports_what_it_is_given_and_this_one_does_not(tmp_path: Path) -> None:
    """One folder holds a package that this environment lacks, another one the same in a different version."""
    for version in (1, 2):
        module = tmp_path / str(version) / "a_bound_of_theirs.py"
        module.parent.mkdir()
        module.write_text(f"def product(net, *, p, domain):\n    return {version}.0\n")
    estimator = Named("a_bound_of_theirs:product")
    for version in (1, 2):
        asked = Isolated(estimator, packages=str(tmp_path / str(version)))
        assert asked(LINE, p=2, domain=None) == version
        assert name_of(asked) == "a_bound_of_theirs:product"
    with pytest.raises(lv.InvalidArgument, match="cannot import"):
        estimator(LINE, p=2, domain=None)


def test_what_pip_cannot_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with (
        pytest.raises(lv.InvalidArgument, match=r"could not install no-such-thing==0\.0"),
        installed(["no-such-thing==0.0"]),
    ):
        pass
    with pytest.raises(lv.InvalidArgument, match="NAME==VERSION"), installed(["--index-url=x"]):
        pass
