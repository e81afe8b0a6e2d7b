"""`lipverify bench certificates` runs: `pytest -m benchmark`."""

from __future__ import annotations

import pytest

from lipverify.bench import run


@pytest.mark.benchmark
def test_the_benchmark_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("certificates", ["--only", "enumeration"]) == 0
    printed = capsys.readouterr().out
    assert "3-10-10-2" in printed
    assert "bytes/node" in printed
