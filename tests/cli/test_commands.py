"""What the commands answer, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

import lipverify as lv
from lipverify import samples
from lipverify.catalogue import SHORT
from lipverify.cli import compare as compare_command
from tests.cli.conftest import Answer

Run = Callable[..., Answer]


def test_exact_prints_the_fraction(lipverify: Run, small: Path) -> None:
    answer = lipverify("exact", small, "--p", "inf")
    assert (answer.code, answer.err) == (0, "")
    assert "L = 3\n" in answer.out
    assert lv.Status.EXACT.value in answer.out
    assert lv.Rigor.PROVED.value in answer.out


def test_exact_as_json_is_one_object(lipverify: Run, small: Path) -> None:
    answer = lipverify("exact", small, "--p", "inf", "--json")
    data = json.loads(answer.out)
    assert (answer.code, data["status"], data["exact_value"], data["p"]) == (0, "EXACT", "3", "inf")
    assert data["lower"] <= 3 <= data["upper"]
    assert len([Fraction(x) for x in data["witness"]]) == 2


@pytest.mark.parametrize("box", [["--box", "-1:1"], ["--box=-1:1"], ["--box", "-1e-3:.5"]])
def test_a_box_may_begin_with_a_minus(lipverify: Run, small: Path, box: list[str]) -> None:
    data = json.loads(lipverify("exact", small, "--json", *box).out)
    assert data["domain"].endswith("]^2")


def test_a_box_may_have_limits_for_each_input(lipverify: Run, small: Path) -> None:
    data = json.loads(lipverify("exact", small, "--p", "inf", "--box", "-2:-1,3:4", "--json").out)
    x, y = (Fraction(v) for v in data["witness"])
    assert (data["exact_value"], data["status"]) == ("3", "EXACT")
    assert -2 <= x <= -1
    assert 3 <= y <= 4


def test_a_box_from_a_property_file(lipverify: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "prop.vnnlib"
    limits = "".join(f"(assert (>= X_{i} 0.5))\n(assert (<= X_{i} 2))\n" for i in range(2))
    path.write_text("(declare-const X_0 Real)\n(declare-const X_1 Real)\n" + limits)
    data = json.loads(lipverify("exact", small, "--p", "1:inf", "--box", path, "--json").out)
    assert (data["exact_value"], data["p"], data["domain"]) == ("2", "1:inf", "[0.5, 2]^2")


@pytest.mark.parametrize("command", ["upper", "lower"])
def test_one_sided_bounds(lipverify: Run, small: Path, command: str) -> None:
    data = json.loads(lipverify(command, small, "--p", "inf", "--json").out)
    missing = {"upper": ("lower", 0.0), "lower": ("upper", "inf")}[command]
    given = data[command]
    assert data[missing[0]] == missing[1]
    assert given >= 3 if command == "upper" else given <= 3
    text = lipverify(command, small, "--p", "inf").out
    assert ("≤" if command == "upper" else "≥") in text
    assert ("≥" if command == "upper" else "≤") not in text


def test_heuristic_bounds_say_so(lipverify: Run, small: Path) -> None:
    assert "HEURISTIC" in lipverify("upper", small, "--method", "seqlip-greedy").out


def test_compare_without_a_model_uses_the_sample(lipverify: Run) -> None:
    answer = lipverify("compare")
    net = lv.load(samples.path("iris"))
    assert (answer.code, answer.err) == (0, "")
    assert repr(net) in answer.out
    for info in lv.methods():
        asked = info.name in SHORT and not info.needs_box and (2.0, 2.0) in info.norms
        assert info.side == "exact" or (f"\n{info.name} " in answer.out) is asked


def test_compare_answers_for_every_norm(lipverify: Run, small: Path) -> None:
    data = json.loads(lipverify("compare", small, "--p", "inf", "--p", "1:2", "--json").out)
    assert [c["p"] for c in data["comparisons"]] == ["inf", "1:2"]
    for comparison in data["comparisons"]:
        assert comparison["rows"][0]["side"] == "exact"
        assert not any(row["unsound"] or row["error"] for row in comparison["rows"])
        assert all(row["ratio"] >= 1 for row in comparison["rows"] if row["side"] == "upper")


def test_compare_runs_only_what_is_named(lipverify: Run, small: Path) -> None:
    argv = ("compare", small, "--method", "autolip", "--method", "sample", "--json")
    (comparison,) = json.loads(lipverify(*argv).out)["comparisons"]
    assert [row["name"] for row in comparison["rows"][1:]] == ["autolip", "sample"]


def test_a_failing_method_is_reported_and_exits_1(lipverify: Run, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = lv.compare

    def one_fails(*args: object, **options: object) -> lv.Comparison:
        from dataclasses import replace

        from lipverify.comparison import Row

        comparison = real(small, ["autolip"])
        return replace(comparison, rows=(*comparison.rows, Row("broken", "upper", None, error="it gave up")))

    monkeypatch.setattr(compare_command.lv, "compare", one_fails)
    answer = lipverify("compare", small)
    assert answer.code == 1
    assert "it gave up" in answer.out


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_compare_draws(lipverify: Run, small: Path, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bounds.{suffix}"
    assert lipverify("compare", small, "--plot", path).code == 0
    content = path.read_bytes()
    if suffix == "svg":
        assert ElementTree.fromstring(content).tag.endswith("svg")
    assert content.startswith({"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF"}[suffix])


@pytest.mark.parametrize("command", ["exact", "compare"])
@pytest.mark.parametrize("as_json", [False, True])
def test_a_time_limit_exits_3_with_an_interval(lipverify: Run, large: Path, command: str, as_json: bool) -> None:
    argv = (command, large, "--method", "enumeration", "--time-limit", "0.2")
    answer = lipverify(*argv, *(["--json"] if as_json else []))
    assert (answer.code, answer.err) == (3, "")
    if as_json:
        data = json.loads(answer.out)
        bound = data["comparisons"][0]["exact"] if command == "compare" else data
        assert bound["status"] == "TIME_LIMIT"
        assert 0 < bound["lower"] < bound["upper"] < float("inf")
    else:
        assert lv.Status.TIME_LIMIT.value in answer.out


def test_a_relative_gap_is_enough(lipverify: Run, large: Path) -> None:
    data = json.loads(lipverify("exact", large, "--method", "enumeration", "--rel-gap", "1e6", "--json").out)
    assert data["status"] == "CLOSED"


def test_help_and_version(lipverify: Run) -> None:
    assert lipverify("--version").out.strip() == lv.__version__
    assert "compare" in lipverify("--help").out
    for command in ("compare", "exact", "upper", "lower"):
        answer = lipverify(command, "--help")
        assert answer.code == 0
        assert f"lipverify {command} " in answer.out.partition("Examples:")[2]


@pytest.mark.parametrize("options", [[], ["--help"]])
def test_bench_lists_what_there_is(lipverify: Run, options: list[str]) -> None:
    answer = lipverify("bench", *options)
    assert answer.code == 0
    assert "enumeration" in answer.out


def test_a_benchmark_explains_itself_and_its_tables_survive_a_pipe(
    lipverify: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        lipverify("bench", "hardness", "--help")
    assert "--graphs" in capsys.readouterr().out
    answer = lipverify("bench", "hardness", "--only", "cuts", "--sizes", 3, 4, "--graphs", 1)
    assert "branch-and-bound" in answer.out
    assert "…" not in answer.out


def test_the_program_of_the_milp_is_written_and_solved(lipverify: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "program.lp"
    answer = lipverify("exact", small, "--p", "inf", "--method", "milp", "--write-model", path, "--json")
    assert (answer.code, json.loads(answer.out)["exact_value"]) == (0, "3")
    assert "on_L1_N0" in path.read_text()


@pytest.mark.parametrize("options", [["--write-model", "p.lp"], ["--method", "milp", "--write-model", "p.txt"]])
def test_a_program_needs_its_method_and_an_ending(lipverify: Run, small: Path, options: list[str]) -> None:
    answer = lipverify("exact", small, *options)
    assert (answer.code, answer.out) == (2, "")
    assert "--method milp" in answer.err or ".lp or .mps" in answer.err


def test_what_a_state_dict_leaves_open_is_said_by_flags(lipverify: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    torch.save({"fc2.weight": torch.tensor([[1.0, 1.0]]), "fc1.weight": torch.tensor([[2.0], [-3.0]])}, path)
    answer = lipverify("exact", path, "--activation", "relu")
    assert answer.code == 2
    assert "--layers fc2,fc1" in answer.err
    answer = lipverify("exact", path, "--layers", "fc1,fc2")
    assert answer.code == 2
    assert "--activation relu" in answer.err
    for activation, constant in (("relu", "3"), ("abs", "5"), ("leaky_relu:0.5", "2"), ("identity", "1")):
        answer = lipverify("exact", path, "--layers", "fc1,fc2", "--activation", activation)
        assert answer.code == 0
        assert f"L = {constant}\n" in answer.out


@pytest.mark.parametrize("text", ["1,1:0.5", "1:0.5", "{file}:0.5"])
def test_a_ball(lipverify: Run, small: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "center.txt").write_text("1.0,\n1.0\n")
    ball = text.replace("{file}", str(tmp_path / "center.txt"))
    data = json.loads(lipverify("exact", small, "--p", "1:inf", "--ball", ball, "--json").out)
    assert (data["exact_value"], data["domain"]) == ("2", "the ball of radius 0.5 around (1, 1)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ball", "1"], "neither X1,X2"),
        (["--ball", "1,2,3:1"], "3 coordinates; the network has 2"),
        (["--ball", "0:-1"], "positive"),
        (["--ball", "0:1", "--box", "0:1"], "not both"),
    ],
)
def test_what_is_no_ball(lipverify: Run, small: Path, options: list[str], message: str) -> None:
    answer = lipverify("exact", small, *options)
    assert answer.code == 2
    assert message in answer.err
