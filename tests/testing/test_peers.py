"""Other people's packages, through the public command: their known defects are found again."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from importlib.util import find_spec

import pytest

from tests.cli.conftest import Answer, lipverify  # noqa: F401 - a fixture
from tests.testing.test_audit import run_alone

needs_eclipse = pytest.mark.skipif(find_spec("eclipse_nn") is None, reason="eclipse-nn is not installed (PyPI, 0.1.7)")

needs_deel = pytest.mark.skipif(find_spec("deel") is None, reason="deel-torchlip is not installed (PyPI, 1.0)")


@needs_eclipse
@pytest.mark.filterwarnings("default")
def test_eclipse_is_below_the_exact_constant_and_crashes(lipverify: Callable[..., Answer]) -> None:  # noqa: F811
    answer = lipverify("audit", "lipverify.testing.adapters:eclipse", "--max-examples", 20, "--json")
    report = json.loads(answer.out)
    assert answer.code == 1
    found = report["counterexample"]
    assert found["claimed"] < found["exact"]
    assert found["claimed"] > found["exact"] * (1 - 1e-4)  # a solver's tolerance, taken for zero
    run_alone(found["snippet"])
    assert any("Xi" in failure["message"] for failure in report["failures"])  # no hidden layer


@needs_eclipse
@pytest.mark.filterwarnings("default")
def test_eclipse_fast_is_sound_but_crashes(lipverify: Callable[..., Answer]) -> None:  # noqa: F811
    answer = lipverify("audit", "lipverify.testing.adapters:eclipse_fast", "--max-examples", 100, "--json")
    report = json.loads(answer.out)
    assert answer.code == 1
    assert report["counts"]["VIOLATION"] == 0
    assert report["counts"]["CRASH"] > 1
    assert math.isfinite(report["tightness"]["max-cut"]["worst"])


@needs_deel
@pytest.mark.filterwarnings("default")
def test_deel_torchlip_s_power_iteration_stays_below_the_norm(lipverify: Callable[..., Answer]) -> None:  # noqa: F811
    answer = lipverify("audit", "lipverify.testing.adapters:deel_spectral", "--max-examples", 1000, "--json")
    found = json.loads(answer.out)["counterexample"]
    assert answer.code == 1
    assert found["claimed"] < found["exact"]
    run_alone(found["snippet"])
