"""Calls stop at `tick` and nowhere else: by a deadline, by Ctrl-C, by a signal that means the same."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

import lipverify as lv
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem
from lipverify.watch import OutOfTime, listening, tick, until, within

NET = lv.Network([[[1.0]]])


@dataclass(frozen=True)
class Slow:
    """One bound, and then a long step."""

    step: Any

    name: ClassVar[str] = "slow"
    side: ClassVar[str] = "upper"
    rigor: ClassVar[lv.Rigor] = lv.Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a long step"

    def run(self, problem: Problem, budget: Budget) -> Iterator[lv.Bound]:
        yield lv.Bound(method=self.name, status=lv.Status.INTERRUPTED, upper=5.0, upper_rigor=self.rigor)
        self.step()
        yield lv.Bound(method=self.name, status=lv.Status.ONE_SIDED, upper=1.0, upper_rigor=self.rigor)


def for_ever() -> None:
    while True:
        time.sleep(0.001)
        tick()


def test_without_a_verb_nothing_ticks() -> None:
    tick()


def test_the_time_is_up_for_the_outermost_watch() -> None:
    with until(math.inf), until(time.monotonic() - 1) as outer, until(time.monotonic() - 2):
        with pytest.raises(OutOfTime) as over:
            tick()
        assert over.value.watch is outer


def test_what_is_within_its_own_deadline_ends_and_the_rest_goes_on() -> None:
    def steps() -> Iterator[int]:
        yield 1
        for_ever()

    assert list(within(time.monotonic() + 0.05, steps())) == [1]
    tick()
    with until(time.monotonic() + 0.05), pytest.raises(OutOfTime):
        list(within(math.inf, steps()))


def test_a_time_limit_holds_inside_a_long_step() -> None:
    began = time.monotonic()
    bound = lv.upper(NET, Slow(for_ever), time_limit=0.1)
    assert time.monotonic() - began < 1
    assert (bound.upper, bound.status) == (5.0, lv.Status.TIME_LIMIT)


def test_memory_that_runs_out_keeps_the_interval() -> None:
    def exhausted() -> None:
        raise MemoryError

    bound = lv.upper(NET, Slow(exhausted))
    assert (bound.upper, bound.status) == (5.0, lv.Status.FAILED)
    assert bound.stats["failure"] == "out of memory"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_a_tick(number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)
    done: list[bool] = []

    def step() -> None:
        os.kill(os.getpid(), number)
        time.sleep(0.01)  # where a handler of Python's would raise
        done.append(True)
        tick()

    try:
        with pytest.raises(lv.Interrupted) as stop:
            lv.upper(NET, Slow(step))
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert done
    assert stop.value.bound.upper == 5.0


def test_a_second_signal_does_not_wait() -> None:
    def step() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)

    with pytest.raises(lv.Interrupted) as stop:
        lv.upper(NET, Slow(step))
    assert stop.value.bound.upper == 5.0


def test_an_error_of_compiled_code_after_ctrl_c_is_an_interrupt() -> None:
    def step() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        raise SystemError("a compiled function returned a result with an exception set")

    with pytest.raises(lv.Interrupted) as stop:
        lv.upper(NET, Slow(step))
    assert stop.value.bound.upper == 5.0


def test_other_errors_of_compiled_code_are_not_hidden() -> None:
    def step() -> None:
        raise SystemError("something else")

    with pytest.raises(SystemError, match="something else"):
        lv.upper(NET, Slow(step))


def test_handlers_of_others_are_left_alone() -> None:
    seen: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with listening() as asked:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
            tick()
            assert not asked.stopped
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def test_a_thread_has_a_watch_of_its_own() -> None:
    found: list[lv.Bound] = []
    with until(time.monotonic() - 1):
        thread = threading.Thread(target=lambda: found.append(lv.upper(NET, Slow(for_ever), time_limit=0.05)))
        thread.start()
        thread.join(10)
    assert found[0].status is lv.Status.TIME_LIMIT
