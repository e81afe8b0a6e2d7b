"""`lipverify hardness`: the value, the solution, the estimators."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer

Run = Callable[..., Answer]
QUICK = ("--method", "branch-and-bound", "--method", "autolip")


def test_maxcut_of_a_named_graph(lipverify: Run) -> None:
    answer = lipverify("hardness", "maxcut", "petersen")
    assert (answer.code, answer.err) == (0, "")
    assert "10 vertices and 15 edges" in answer.out
    assert "maximum cut: 12, between {" in answer.out
    assert "√(12)" in answer.out
    for name in ("autolip", "lipsdp", "seqlip", "seqlip-greedy", "branch-and-bound", "HEURISTIC"):
        assert name in answer.out


def test_maxcut_as_json_with_weights(lipverify: Run, tmp_path: Path) -> None:
    path = tmp_path / "graph.txt"
    path.write_text("a b 2\nb c 3\nc a 4\n")
    answer = lipverify("hardness", "maxcut", path, "--p", "inf", "--json", *QUICK)
    data = json.loads(answer.out)
    assert (answer.code, data["value"], data["interval"]) == (0, "7", ["7", "7"])
    assert data["solution"] in (["c"], ["a", "b"])
    assert data["network"] == {"inputs": 3, "hidden": [3], "outputs": 1}
    assert [row["name"] for row in data["comparison"]["rows"]] == ["branch-and-bound", "autolip"]


def test_a_time_limit_leaves_an_interval_and_a_cut(lipverify: Run) -> None:
    answer = lipverify("hardness", "maxcut", "random:60", "--method", "enumeration", "--time-limit", "0.5")
    assert answer.code == 3
    assert "proved so far: between" in answer.out


def test_independent_sets(lipverify: Run) -> None:
    data = json.loads(lipverify("hardness", "independent-set", "C4", "--json", *QUICK).out)
    assert (data["value"], len(data["solution"])) == ("2", 2)


def test_a_long_answer_is_announced(lipverify: Run) -> None:
    answer = lipverify("hardness", "independent-set", "petersen", "--time-limit", "0.1")
    assert answer.code == 3
    assert "80,028 regions" in answer.err
    assert lipverify("hardness", "independent-set", "C4", *QUICK).err == ""


def test_cliques(lipverify: Run, tmp_path: Path) -> None:
    graph, colours = tmp_path / "graph.txt", tmp_path / "colours.txt"
    graph.write_text("a b\nb c\n")
    colours.write_text("a red\nb green  # in the middle\n\nc red\n")
    argv = ("--method", "enumeration", "--json")
    data = json.loads(lipverify("hardness", "clique", graph, "--colours", colours, *argv).out)
    assert (data["value"], data["network"]["inputs"]) == ("1", 2)
    assert data["solution"] in (["a", "b"], ["c", "b"])
    colours.write_text("a red\nb red\nc green\n")
    assert json.loads(lipverify("hardness", "clique", graph, "--colours", colours, *argv).out)["solution"] == ["b", "c"]


@pytest.mark.parametrize(("clauses", "value"), [("1 2 0\n-1 0\n", "1"), ("1 0\n-1 0\n", "0")])
def test_sat(lipverify: Run, tmp_path: Path, clauses: str, value: str) -> None:
    path = tmp_path / "formula.cnf"
    path.write_text(f"p cnf 2 2\n{clauses}")
    argv = ("hardness", "sat", path, "--method", "enumeration")
    data = json.loads(lipverify(*argv, "--json").out)
    assert (data["value"], data["solution"]) == (value, [-1, 2] if value == "1" else None)
    assert ("satisfying assignment: -1 2" if value == "1" else "unsatisfiable") in lipverify(*argv).out


def test_the_plot_is_drawn(lipverify: Run, tmp_path: Path) -> None:
    path = tmp_path / "bounds.svg"
    assert lipverify("hardness", "maxcut", "triangle", "--plot", path, *QUICK).code == 0
    assert b"<svg" in path.read_bytes()


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        (("maxcut", "nowhere.txt"), "petersen"),
        (("maxcut", "C5", "--p", "3"), "expected 1, 2 or inf"),
        (("maxcut", "C5", "--p", "1:2"), "one norm"),
        (("sat", "nowhere.cnf"), "no file"),
        (("clique", "C5", "--colours", "nowhere.txt"), "there is no file"),
        (("clique", "C5", "--colours", "2", "--p", "1"), "p must be 2 or inf"),
        (("maxcut", "C5", "--plot", "x.gif"), ".svg"),
    ],
)
def test_bad_input_exits_2(lipverify: Run, argv: tuple[str, ...], word: str) -> None:
    answer = lipverify("hardness", *argv)
    assert (answer.code, answer.out) == (2, "")
    assert word in answer.err


def test_help_has_examples(lipverify: Run) -> None:
    assert "lipverify hardness maxcut petersen" in lipverify("hardness", "--help").out
