"""A process beside this one ends when it should, with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import pytest

from lipverify.child import Child


def echoing(pipe: Connection) -> None:
    """Send back what comes, with the process' own id and that of one that it started; print something."""
    other = subprocess.Popen(["sleep", "60"])
    while True:
        print("this must not reach stdout", flush=True)
        pipe.send((pipe.recv(), os.getpid(), other.pid))


def quitting(pipe: Connection) -> None:
    os._exit(pipe.recv())


def alive(pid: int) -> bool:
    """Whether a process runs: not gone, and no zombie that nobody has asked about."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def until(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_it_answers_and_ends_with_what_it_started(capfd: pytest.CaptureFixture[str]) -> None:
    child = Child(echoing)
    child.pipe.send("hello")
    word, pid, other = child.pipe.recv()
    assert (word, pid) == ("hello", child.pid)
    assert os.getpgid(other) == pid != os.getpgid(0)
    assert alive(other)
    assert child.lives
    child.end()
    assert not child.lives
    assert until(lambda: not alive(pid) and not alive(other))
    printed = capfd.readouterr()
    assert printed.out == ""
    assert set(printed.err.splitlines()) == {"this must not reach stdout"}
    child.end()  # twice does no harm


def test_an_object_that_is_lost_leaves_no_process() -> None:
    child = Child(echoing)
    child.pipe.send("hello")
    _, *pids = child.pipe.recv()
    del child
    assert until(lambda: not any(map(alive, pids)))


def test_ctrl_c_is_not_its_business() -> None:
    child = Child(echoing)
    child.pipe.send(1)
    child.pipe.recv()
    os.kill(child.pid, signal.SIGINT)
    child.pipe.send(2)
    assert child.pipe.recv()[0] == 2
    child.end()


def test_last_words_say_how_it_ended() -> None:
    for code in (0, 7):
        child = Child(quitting)
        child.pipe.send(code)
        with pytest.raises(EOFError):
            child.pipe.recv()
        assert child.last_words() == f"exit code {code}"
        assert not child.lives
    child = Child(quitting)
    os.kill(child.pid, signal.SIGKILL)
    assert child.last_words() == "SIGKILL"


@pytest.mark.parametrize("end", ["sys.exit()", "os.kill(os.getpid(), signal.SIGKILL)", "raise KeyboardInterrupt"])
def test_it_ends_with_the_parent(end: str) -> None:
    program = (
        "import os, signal, sys; from lipverify.child import Child; from tests.test_child import echoing\n"
        "child = Child(echoing); child.pipe.send(0); print(*child.pipe.recv()[1:], flush=True)\n"
        f"{end}\n"
    )
    run = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, timeout=60)
    pids = [int(pid) for pid in run.stdout.split()]
    assert len(pids) == 2
    assert until(lambda: not any(map(alive, pids)))
