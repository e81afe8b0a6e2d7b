"""`lipverify audit` and `lipverify tightness`: what they answer, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from lipverify.testing.baseline import HEADER
from lipverify.testing.tightness import Change
from tests.cli.conftest import Answer

Run = Callable[..., Answer]
SLOPPY = "tests.testing.sloppy"


def test_a_sound_estimator_exits_0(lipverify: Run) -> None:
    answer = lipverify("audit", "autolip", "--max-examples", 20)
    assert answer.code == 0
    assert "max-cut" in answer.out


def test_a_violation_exits_1_with_a_program(lipverify: Run) -> None:
    answer = lipverify("audit", f"{SLOPPY}:one_percent_low", "--max-examples", 10)
    assert answer.code == 1
    assert "claimed 0.99, exactly 1" in answer.out
    assert "from fractions import Fraction" in answer.out


def test_json_is_one_object_whatever_the_estimator_prints(lipverify: Run) -> None:
    command = ("audit", f"{SLOPPY}:one_percent_high", "--side", "both", "--p", "inf", "--box", "-1:1")
    answer = lipverify(*command, "--max-examples", 10, "--json")
    report = json.loads(answer.out)
    assert answer.code == 1
    assert (report["domain"], report["p"], report["side"]) == ("[-1, 1]^d", "inf", "both")
    assert report["counterexample"]["claimed"] > report["counterexample"]["exact"]
    chatty = lipverify("audit", f"{SLOPPY}:chatty", "--max-examples", 5, "--json")
    assert json.loads(chatty.out)["ok"]


def test_in_a_ball_a_bound_that_holds_there_alone_is_sound(lipverify: Run) -> None:
    answer = lipverify("audit", "crown", "--ball", 0.5, "--max-examples", 10, "--jobs", 1, "--json")
    report = json.loads(answer.out)
    assert answer.code == 0
    assert report["domain"] == "‖x‖₂ < 0.5"
    assert report["counts"]["SOUND"] == report["examples"] > 10
    wrong = lipverify("audit", f"{SLOPPY}:one_percent_low", "--ball", 0.5, "--max-examples", 5, "--jobs", 1)
    assert wrong.code == 1
    assert "F(0.5) ** 2 for v in (X, Y)" in wrong.out


def test_crashes_exit_1(lipverify: Run) -> None:
    answer = lipverify("audit", f"{SLOPPY}:crashing", "--max-examples", 20)
    assert answer.code == 1
    assert "ZeroDivisionError" in answer.out


def test_a_time_limit_exits_3(lipverify: Run) -> None:
    assert lipverify("audit", f"{SLOPPY}:product", "--max-examples", 10**5, "--time-limit", 0.5, "--jobs", 1).code == 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody",),
        ("no.module:f",),
        ("autolip", "--box", "1"),
        ("autolip", "--box", "2:1"),
        ("autolip", "--ball", "0"),
        ("autolip", "--ball", "nan"),
        ("autolip", "--ball", "1", "--box", "-1:1"),
        ("autolip", "--p", "3"),
    ],
)
def test_bad_usage_exits_2(lipverify: Run, arguments: tuple[str, ...]) -> None:
    assert lipverify("audit", *arguments).code == 2


def test_the_ratios_are_drawn_and_own_networks_asked(lipverify: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "ratios.svg"
    answer = lipverify("audit", "autolip", "--max-examples", 5, "--network", small, "--plot", path)
    assert answer.code == 0
    assert "own" in answer.out
    assert path.read_bytes().startswith(b"<?xml")


def test_tightness_update_then_check_then_a_looser_bound(lipverify: Run, tmp_path: Path) -> None:
    path = tmp_path / "tightness.txt"
    name = f"{SLOPPY}:chatty"
    assert lipverify("tightness", "update", name, "--baseline", path).code == 0
    text = path.read_text(encoding="utf-8")
    assert text.startswith(HEADER)
    assert lipverify("tightness", "check", name, "--baseline", path).code == 0
    lines = [line.split() for line in text.splitlines()[2:]]
    tighter = [[*line[:4], repr(float(line[4]) / 1.01), *line[5:]] for line in lines]
    path.write_text("\n".join([HEADER, *map(" ".join, tighter)]), encoding="utf-8")
    answer = lipverify("tightness", "check", name, "--baseline", path)
    assert answer.code == 1
    assert Change.LOOSER.value in answer.out


def test_the_shipped_baseline_is_checked_by_default(lipverify: Run) -> None:
    answer = lipverify("tightness", "check", "frobenius", "autolip")
    assert answer.code == 0
    assert "no failures" in answer.out
    data = json.loads(lipverify("tightness", "check", "frobenius", "--json").out)
    assert data["ok"]
    assert data["entries"][0]["method"] == "frobenius"


def test_unsound_estimators_fail_the_check_and_are_not_taken(lipverify: Run, tmp_path: Path) -> None:
    path, name = tmp_path / "tightness.txt", f"{SLOPPY}:a_third"
    assert lipverify("tightness", "update", name, "--baseline", path).code == 2
    assert not path.exists()
    path.write_text(HEADER + "\n", encoding="utf-8")
    answer = lipverify("tightness", "check", name, "--baseline", path)
    assert answer.code == 1
    assert Change.UNSOUND.value in answer.out


def test_a_check_without_a_baseline_is_bad_usage_and_one_that_compares_nothing_fails(
    lipverify: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = f"{SLOPPY}:chatty"
    missing = lipverify("tightness", "check", name)
    assert missing.code == 2
    assert "there is no baseline 'tightness.txt'" in missing.err
    assert lipverify("tightness", "update", name).code == 0  # into the working folder, not into the package
    assert (tmp_path / "tightness.txt").exists()
    assert lipverify("tightness", "check", name).code == 0
    (tmp_path / "tightness.txt").write_text(HEADER + "\n", encoding="utf-8")
    empty = lipverify("tightness", "check", name)
    assert empty.code == 1
    assert "nothing was compared" in empty.out


def test_show_prints_a_table_and_a_picture(lipverify: Run, tmp_path: Path) -> None:
    path = tmp_path / "ratios.png"
    answer = lipverify("tightness", "show", "autolip", "--plot", path)
    assert answer.code == 0
    assert "| autolip | ROUNDED |" in answer.out
    assert path.exists()
