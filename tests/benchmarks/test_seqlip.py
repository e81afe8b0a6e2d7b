"""`lipverify bench seqlip` runs, and pairs of 20 and 30 neurons are solved in seconds: `pytest -m benchmark`."""

from __future__ import annotations

import time

import numpy as np
import pytest

from lipverify.bench import run
from lipverify.bench.seqlip import KINDS
from lipverify.estimators.pair_search import search


@pytest.mark.benchmark
def test_the_benchmark_prints_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("seqlip", ["--repeats", "1", "--width", "20", "--width", "30"]) == 0
    printed = capsys.readouterr().out
    assert "Gaussian" in printed
    assert "1/1" in printed


@pytest.mark.benchmark
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "limit"), [(20, 1.0), (30, 3.0)])
def test_pairs_are_solved_in_seconds(kind: str, width: int, limit: float) -> None:
    pair = KINDS[kind](np.random.default_rng(1), width)
    start = time.perf_counter()
    *_, end = search(pair, 20_000)
    assert time.perf_counter() - start < limit
    assert end.closed
    assert end.gap < 1e-9
