"""`lipverify bench local` runs, and many boxes at once are worth it: `pytest -m benchmark`."""

from __future__ import annotations

import numpy as np
import pytest

from lipverify.bench import run
from lipverify.bench.enumeration import random_network
from lipverify.bench.local import WAYS, seconds
from lipverify.norms import NormPair
from lipverify.relaxations.local import LocalMethod


@pytest.mark.benchmark
def test_the_benchmark_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("local", ["--boxes", "30", "--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    assert "one by one" in printed
    assert "4-16-16-1" in printed


@pytest.mark.benchmark
@pytest.mark.parametrize("way", WAYS)
def test_a_thousand_boxes_at_once_are_fifty_times_faster(way: LocalMethod) -> None:
    centre = np.random.default_rng(0).uniform(-1, 1, (1000, 4))
    at_once, singly = seconds(random_network((4, 8, 8, 1), 0), centre, NormPair(2.0, 2.0), way, 5)
    assert singly > 50 * at_once
