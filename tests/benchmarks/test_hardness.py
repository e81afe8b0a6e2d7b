"""`lipverify bench hardness` measures, fits and draws; the long run: `pytest -m benchmark`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lipverify.bench import few_inputs, run
from lipverify.bench.hardness import Series, empty, measure


def test_small_graphs_are_measured_and_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "gap.svg"
    assert run("hardness", ["--sizes", "4", "5", "--graphs", "2", "--only", "cuts", "--plot", str(path)]) == 0
    printed = capsys.readouterr().out
    for name in ("enumeration", "branch-and-bound", "autolip", "seqlip-greedy"):
        assert name in printed
    assert b"<svg" in path.read_bytes()


def test_ratios_are_where_the_theorems_put_them() -> None:
    by_name = empty()
    measure(by_name, [5, 7], 3, 5.0, seed=1)
    assert all(r >= 2 - 1e-9 for ratios in by_name["autolip"].ratios.values() for r in ratios)
    assert all(1 <= r <= 1.0669 for ratios in by_name["lipsdp"].ratios.values() for r in ratios)
    assert all(r >= 1 for ratios in by_name["seqlip"].ratios.values() for r in ratios)


def test_growth_is_the_factor_per_vertex() -> None:
    assert Series("x", {n: 0.01 * 1.5**n for n in range(4, 9)}).growth() == pytest.approx(1.5)
    assert Series("x", {4: 1.0, 5: 2.0, 6: 1e-5}).growth() is None


def test_few_inputs_are_measured_until_the_limit(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--vertices", "1", "2", "--colours", "1", "2", "9", "--limit", "3"]
    assert run("hardness", ["--only", "inputs", *sizes]) == 0
    printed = capsys.readouterr().out
    assert "regions" in printed
    assert "> 3" in printed


def test_regions_of_few_inputs_grow_with_a_power_that_the_inputs_bound() -> None:
    runs = list(few_inputs.measure([2, 4], [1, 2], 20.0, seed=0))
    assert [run.regions for run in runs[:2]] == [2 * n + 1 for n in (2, 4)]  # 2n thresholds on a line
    powers = [few_inputs.exponent([run for run in runs if run.colours == k]) for k in (1, 2)]
    assert powers[0] is not None
    assert powers[1] is not None
    assert powers[0] < powers[1] <= 2.1
    assert few_inputs.exponent(runs[:1]) is None


def test_ctrl_c_keeps_what_was_measured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from lipverify import cli
    from lipverify.bench import hardness, seqlip

    real, asked = hardness.graphs, list[int]()

    def third_time_is_enough(size: int, count: int, seed: int) -> list[Any]:
        asked.append(size)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return real(size, count, seed)

    monkeypatch.setattr(hardness, "graphs", third_time_is_enough)
    assert cli.main(["bench", "hardness", "--only", "cuts", "--sizes", "3", "4", "5", "--graphs", "1"]) == 3
    text = capsys.readouterr()
    (row,) = [line for line in text.out.splitlines() if " autolip " in line][:1]
    assert len(re.findall(r"\d\.\d{3}", row)) == 2
    assert text.err == "interrupted: what stands above was measured, the rest was not\n"

    rows = iter([["1", "2", "3", "4", "5"]])
    monkeypatch.setattr(seqlip, "_row", lambda pairs: next(rows, None) or _interrupt())
    assert cli.main(["bench", "seqlip", "--width", "2", "--repeats", "1"]) == 3
    assert len([line for line in capsys.readouterr().out.splitlines() if line.startswith("│")]) == 1


def _interrupt() -> Any:
    raise KeyboardInterrupt


@pytest.mark.benchmark
def test_enumeration_grows_faster_than_branch_and_bound() -> None:
    by_name = empty()
    measure(by_name, [8, 10, 12, 14], 3, 20.0, seed=0)
    enumeration, search = by_name["enumeration"].growth(), by_name["branch-and-bound"].growth()
    assert enumeration is not None
    assert search is not None
    assert enumeration > search
