"""lipverify claim: exit codes, and a program that shows a refutation."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer

Run = Callable[..., Answer]


@pytest.mark.parametrize(("claim", "code"), [("3", 0), ("9/4", 0), ("2.2", 1), ("1e-3", 1)])
def test_exit_codes(lipverify: Run, small: Path, claim: str, code: int) -> None:
    answer = lipverify("claim", small, "--at-most", claim)
    assert (answer.code, answer.err) == (code, "")
    assert ("REFUTED" in answer.out) == bool(code)
    assert ("x = (" in answer.out) == bool(code)
    data = json.loads(lipverify("claim", small, "--at-most", claim, "--json").out)
    assert data["answer"] == ("REFUTED" if code else "HOLDS")
    assert (data["points"] is None) == (code == 0)


def test_no_time_no_answer(lipverify: Run, small: Path) -> None:
    answer = lipverify("claim", small, "--at-most", "2.23606797749979", "--time-limit", "0")
    assert answer.code == 3
    assert "UNDECIDED" in answer.out


def test_a_refutation_as_a_program(lipverify: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "shown.py"
    assert lipverify("claim", small, "--at-most", "5/2", "--p", "inf", "--snippet", path).code == 1
    run = subprocess.run([sys.executable, "-I", path], capture_output=True, text=True, check=True)
    assert "the slope from X to Y is 3.0" in run.stdout


@pytest.mark.parametrize("claim", ["one", "1/0", "-1", "nan"])
def test_what_is_no_claim(lipverify: Run, small: Path, claim: str) -> None:
    answer = lipverify("claim", small, f"--at-most={claim}")
    assert answer.code == 2
    assert claim in answer.err
