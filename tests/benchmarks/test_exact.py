"""`lipverify bench exact` runs: `pytest -m benchmark`."""

from __future__ import annotations

from pathlib import Path

import pytest

from lipverify.bench import run


@pytest.mark.benchmark
def test_the_benchmark_prints_its_tables(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("exact", ["--only", "cuts", "growth", "--time-limit", "1", "--plot", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "max-cut, n = 40" in printed
    assert "kernels ready" in printed
    assert (tmp_path / "gap.svg").is_file()
    assert (tmp_path / "growth.svg").is_file()
