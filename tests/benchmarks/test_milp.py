"""`lipverify bench milp` runs, and the program is as strong as it should be: `pytest -m benchmark`."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from lipverify.bench import run
from lipverify.bench.milp import RADII, TARGETS, VARIANTS, problem, strength, times

# Seconds of a reference encoding for HiGHS, on a machine of its own.
REFERENCE = dict(zip(TARGETS, (1.6, 2.8, 9.9), strict=True))


@pytest.mark.benchmark
def test_the_benchmark_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("milp", ["--seeds", "1", "--cap", "2"]) == 0
    printed = capsys.readouterr().out
    assert "16-8x8" in printed
    assert "LP / exact" in printed


@pytest.mark.benchmark
@pytest.mark.parametrize("radius", RADII)
@pytest.mark.parametrize("size", TARGETS, ids=str)
def test_the_solver_closes_the_targets(size: tuple[int, tuple[int, ...]], radius: float) -> None:
    # Four times the reference: two cores shared with whatever else runs.
    closed, _, bound = times(problem(*size, radius, 1), 4 * REFERENCE[size])
    assert math.isfinite(closed), f"gap {bound.gap}"


@pytest.mark.benchmark
@pytest.mark.parametrize("size", TARGETS, ids=str)
def test_every_tightening_helps(size: tuple[int, tuple[int, ...]]) -> None:
    question = problem(*size, 1.0, 1)
    values = [strength(question, VARIANTS[name]) for name in ("intervals", "CROWN", "LP", "LP, derivative LP")]
    assert all(later <= earlier * (1 + 1e-9) for earlier, later in pairwise(values))
    assert values[-1] <= strength(question, VARIANTS["LP, derivative LP, symmetric |·|"]) * (1 + 1e-9)
