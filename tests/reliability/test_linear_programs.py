"""HiGHS misbehaves at random calls: no constant changes, and nothing is lost but time."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any

import highspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.catalogue import METHODS
from lipverify.domain import Domain
from lipverify.testing import domains, networks
from lipverify.testing.suite import random_network
from tests.conftest import examples

STATUSES = tuple(highspy.HighsModelStatus.__members__.values())
EXACT = ("enumeration", "branch-and-bound", "milp")
NET = random_network((2, 4, 4, 1), 3)
BOX = lv.Box([-1] * 2, [1] * 2)


def asking(method: str) -> Any:
    """The method, as it is where its linear programs are HiGHS's: compiled, branch and bound asks none."""
    made = METHODS[method]()
    return replace(made, engines=None) if method == "branch-and-bound" else made


class Faults:
    """What is done to HiGHS: a kind of fault, at some of the calls."""

    def __init__(self, kind: str, rate: float, seed: int, status: Any = highspy.HighsModelStatus.kSolveError) -> None:
        self.kind, self.rate, self.status, self.random = kind, rate, status, Random(seed)
        self.count = 0
        self.hung = False

    def strikes(self, *kinds: str) -> bool:
        struck = self.kind in kinds and self.random.random() < self.rate
        self.count += struck
        return struck

    def run(self, real: Callable[..., Any], solver: Any) -> Any:
        if self.hung or self.strikes("hang"):  # it goes on for ever, as far as it may at a time
            self.hung = True
            time.sleep(solver.getOptionValue("time_limit")[1] - solver.getRunTime())
            return highspy.HighsStatus.kWarning
        if self.strikes("stall"):  # and looks at no clock
            time.sleep(1.5)
        if self.strikes("raise"):
            raise RuntimeError("HiGHS: index out of range")
        if self.strikes("refuse"):
            return highspy.HighsStatus.kError
        return real(solver)

    def model_status(self, real: Callable[..., Any], solver: Any) -> Any:
        if self.hung:
            return highspy.HighsModelStatus.kTimeLimit
        return self.status if self.strikes("status") else real(solver)

    def solution(self, real: Callable[..., Any], solver: Any) -> Any:
        found = real(solver)
        if self.strikes("nan", "infinite", "noise"):
            for name in ("col_value", "col_dual", "row_value", "row_dual"):
                setattr(found, name, [self._number(x) for x in getattr(found, name)])
        return found

    def ray(self, real: Callable[..., Any], solver: Any) -> Any:
        status, exists, ray = real(solver)
        if self.strikes("nan", "infinite", "noise"):
            ray = [self._number(x) for x in ray]
        return status, exists, ray

    def _number(self, x: float) -> float:
        if self.kind == "noise":
            return x + self.random.choice([0.0, 1e-9, -0.1, 3.0]) * self.random.choice([-1, 1])
        return math.nan if self.kind == "nan" else self.random.choice([-math.inf, math.inf])


@contextmanager
def faulty(faults: Faults) -> Iterator[Faults]:
    """HiGHS with faults."""
    methods = {"run": faults.run, "getModelStatus": faults.model_status, "getSolution": faults.solution}
    methods["getDualRay"] = faults.ray
    with pytest.MonkeyPatch.context() as patch:
        for name, fault in methods.items():
            real = getattr(highspy.Highs, name)
            patch.setattr(highspy.Highs, name, lambda solver, fault=fault, real=real: fault(real, solver))
        yield faults


@pytest.mark.parametrize("method", ["enumeration", "milp"])  # the cells of branch and bound are those of enumeration
@pytest.mark.parametrize("status", STATUSES, ids=lambda status: status.name)
def test_every_status(status: Any, method: str) -> None:
    """At every other call; the time limit of HiGHS is that of one piece of work, and goes on."""
    whole = lv.exact(NET, asking(method), domain=BOX, p=math.inf)
    with faulty(Faults("status", 0.5, 1, status)) as faults:
        hold(lv.exact(NET, asking(method), domain=BOX, p=math.inf, time_limit=20), whole)
    assert faults.count


@pytest.mark.parametrize("p", [2, math.inf])
@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("kind", ["raise", "refuse", "nan", "infinite", "noise"])
def test_every_fault_at_every_call(kind: str, method: str, p: Any) -> None:
    whole = lv.exact(NET, asking(method), domain=BOX, p=p)
    with faulty(Faults(kind, 1.0, 1)) as faults:
        hold(lv.exact(NET, asking(method), domain=BOX, p=p, time_limit=20), whole)
    assert faults.count


@settings(max_examples=examples(30))
@given(
    net=networks(slopes=True),
    data=st.data(),
    kind=st.sampled_from(["raise", "refuse", "nan", "infinite", "noise", "status"]),
    status=st.sampled_from(STATUSES),
    rate=st.sampled_from([0.1, 0.5, 1.0]),
    p=st.sampled_from([1, 2, math.inf]),
    method=st.sampled_from(EXACT),
)
def test_any_network(
    net: lv.Network, data: st.DataObject, kind: str, status: Any, rate: float, p: Any, method: str
) -> None:
    domain: Domain = data.draw(domains(net.input_dim))
    whole = lv.exact(net, "enumeration", p=p, domain=domain)
    with faulty(Faults(kind, rate, data.draw(st.integers(0, 9)), status)):
        hold(lv.exact(net, asking(method), p=p, domain=domain, time_limit=20), whole)


@pytest.mark.parametrize("p", [2, math.inf])
@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("rate", [1.0, 0.2])
def test_a_program_that_does_not_end_leaves_an_interval_in_time(rate: float, method: str, p: Any) -> None:
    """The first one, or some later one: HiGHS is asked in pieces, between which the clock is looked at."""
    whole = lv.exact(NET, asking(method), domain=BOX, p=p)
    with faulty(Faults("hang", rate, 2)) as faults:
        began = time.monotonic()
        found = lv.exact(NET, asking(method), domain=BOX, p=p, time_limit=2.0)
        lasted = time.monotonic() - began
    assert faults.count
    assert found.status is lv.Status.TIME_LIMIT
    assert found.lower <= whole.upper
    assert whole.lower <= found.upper < math.inf
    assert lasted < 2.0 + 1.0 + 5.0  # a piece, and a machine that is busy


@pytest.mark.parametrize("method", EXACT)
def test_a_program_that_does_not_end_hears_ctrl_c(method: str) -> None:
    whole = lv.exact(NET, asking(method), domain=BOX)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with faulty(Faults("hang", 1.0, 2)), pytest.raises(lv.Interrupted) as caught:
        lv.exact(NET, asking(method), domain=BOX)
    timer.join()
    assert caught.value.bound.lower <= whole.upper
    assert whole.lower <= caught.value.bound.upper < math.inf


@pytest.mark.parametrize("method", EXACT)
def test_a_step_that_looks_at_no_clock_costs_its_time_and_nothing_else(method: str) -> None:
    """Nobody in one process can stop it; `jobs` can: test_a_process_that_hangs (tests/solvers/test_shared.py)."""
    whole = lv.exact(NET, asking(method), domain=BOX)
    with faulty(Faults("stall", 1.0, 2)) as faults:
        found = lv.exact(NET, asking(method), domain=BOX, time_limit=0.5)
    assert faults.count <= 1  # the limit is over when it ends, on a busy machine before it begins
    assert found.status is lv.Status.TIME_LIMIT
    assert found.lower <= whole.upper
    assert whole.lower <= found.upper < math.inf


def test_an_exception_that_is_not_its_own_comes_through() -> None:
    """Ctrl-C, or memory that ran out, is nobody's answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(highspy.Highs, "run", stop)
        with pytest.raises(lv.Interrupted) as caught:
            lv.exact(NET, "enumeration", domain=BOX)
        assert 0 < caught.value.bound.upper < math.inf


def stop(solver: Any) -> Any:
    raise KeyboardInterrupt


def hold(found: lv.Bound, whole: lv.Bound) -> None:
    """The constant, or at worst an interval around it where the program's solver gave up."""
    low, high = whole.enclosure
    assert found.lower <= high
    assert low <= found.upper
    if found.status is lv.Status.EXACT:
        assert found.enclosure == whole.enclosure
    else:
        assert found.method == "milp" or found.status is lv.Status.TIME_LIMIT
