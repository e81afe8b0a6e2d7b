"""Signals at random moments: the interval, or one line, or the whole answer; never a traceback, never a half."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import examples

# It tells when `main` is about to be called: before that, Python itself answers. Signals that the tests' own parent
# ignores (nohup, a shell's background) would stay ignored.
CODE = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from lipverify.cli import main
os.write({ready}, b".")
sys.exit(main())
"""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LINE = "lipverify: error: interrupted before anything was proved\n"
COMMANDS = {
    "enumeration": ("exact", "LARGE", "--method", "enumeration"),
    "branch-and-bound": ("exact", "LARGE", "--method", "branch-and-bound"),
    "milp": ("exact", "LARGE", "--method", "milp"),
    "upper": ("upper", "LARGE", "--method", "seqlip-joint"),
    "lower": ("lower", "LARGE", "--method", "annealing"),
    "compare": ("compare", "LARGE", "--method", "branch-and-bound", "--method", "lipsdp", "--method", "ascent"),
    "maxcut": ("hardness", "maxcut", "random:30"),
    "sat": ("hardness", "independent-set", "random:40"),
    "audit": ("audit", "seqlip-greedy", "--jobs", "1"),
    "tightness": ("tightness", "check", "frobenius", "autolip"),
}


def run(argv: list[str], delay: float, number: signal.Signals, folder: Path) -> tuple[int, str, str, float]:
    """A command that gets a signal after a delay: exit code, stdout, stderr, seconds that it took to end."""
    here, there = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", CODE.format(ready=there), *argv, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=[there],
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
    ) as process:
        os.close(there)
        os.read(here, 1)
        os.close(here)
        time.sleep(delay)
        process.send_signal(number)
        sent = time.monotonic()
        out, err = answer(process)
    return process.returncode, out, err, time.monotonic() - sent


def answer(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What it says before it ends; one that does not end is killed, and is a failure."""
    try:
        return process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def interval(data: dict[str, Any]) -> tuple[float, float] | None:
    """The exact interval in an answer, where it has one."""
    data = data.get("comparison", data.get("comparisons", data))
    data = data[0] if isinstance(data, list) else data
    data = data.get("exact", data) or data
    return (data["lower"], data["upper"]) if "lower" in data else None


def moments() -> list[tuple[str, int]]:
    """Twenty of every command in the long profile; a few in the default one."""
    if examples(1) > 1:
        return [(name, k) for name in COMMANDS for k in range(20)]
    return [("branch-and-bound", 0), ("milp", 1), ("compare", 2), ("maxcut", 3), ("audit", 4)]


@pytest.mark.parametrize(("name", "k"), moments())
def test_a_signal_never_costs_the_interval(name: str, k: int, large: Path, tmp_path: Path) -> None:
    draw = random.Random(f"{name} {k}")
    folder = tmp_path / "temporary"
    folder.mkdir()
    argv = [str(large) if word == "LARGE" else word for word in COMMANDS[name]]
    delay, number = draw.uniform(0.0, 4.0), draw.choice(SIGNALS)
    code, out, err, seconds = run(argv, delay, number, folder)
    where = f"{number.name} after {delay:.3f} s: {code} {out[:300]!r} {err[-2000:]!r}"
    assert seconds < 3, where
    assert not os.listdir(folder), where
    if code == 130:
        assert (out, err) == ("", LINE), where
        return
    assert err == "", where
    assert code in (0, 1, 3), where
    found = interval(json.loads(out))
    if found is not None and code == 3:
        assert 0 <= float(found[0]) <= float(found[1]), where


@pytest.mark.parametrize("number", SIGNALS)
def test_while_it_starts_a_signal_is_one_line(number: signal.Signals, tmp_path: Path) -> None:
    code, out, err, _ = run(["compare"], 0.05, number, tmp_path)
    assert (code, out, err) == (130, "", LINE)


def test_ignored_signals_stay_ignored_and_sigterm_gives_the_interval(large: Path) -> None:
    """As in `nohup lipverify … &`, which a shell starts with Ctrl-C ignored."""
    code = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
def tell():  # when it has worked for long enough to have an interval, however slow the machine
    while time.process_time() < 3:
        time.sleep(0.05)
    os.write({ready}, b".")
threading.Thread(target=tell, daemon=True).start()
from lipverify.cli import main
sys.exit(main())
"""
    here, there = os.pipe()
    argv = [sys.executable, "-c", code.format(ready=there), "exact", str(large), "--method", "enumeration", "--json"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=[there]) as process:
        os.close(there)
        os.read(here, 1)
        os.close(here)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        out, err = answer(process)
    assert (process.returncode, err) == (3, "")
    assert json.loads(out)["lower"] > 0
