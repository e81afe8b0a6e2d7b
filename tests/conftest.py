"""Hypothesis profiles, the folder of real networks, and the marker of benchmarks."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or os.environ.get("LIPVERIFY_PROFILE") or "default"
_FACTORS = {"default": 1, "long": 25}
_COMMON = settings(
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

settings.register_profile("default", _COMMON, max_examples=100)
settings.register_profile("long", _COMMON, max_examples=2500)
settings.load_profile(PROFILE)


def examples(number: int, long: int | None = None) -> int:
    """`number` examples by default, in the long profile `long` or 25 times as many: 200 becomes 5000."""
    if PROFILE == "long" and long is not None:
        return long
    return number * _FACTORS.get(PROFILE, 1)


long_only = pytest.mark.skipif(PROFILE != "long", reason="it takes long: LIPVERIFY_PROFILE=long runs it")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the project's markers."""
    config.addinivalue_line("markers", "benchmark: a timing with a limit, slow; alone with -m benchmark")
    config.addinivalue_line("markers", "campaign: many thousand networks, hours; alone with -m campaign")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real networks: LIPVERIFY_DATA, or shared/data beside the checkout."""
    default = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("LIPVERIFY_DATA") or default)
    if not folder.is_dir():
        pytest.skip(f"no real networks at {folder}; set LIPVERIFY_DATA to the folder that holds them")
    return folder


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_as_in_a_terminal() -> None:
    """Tests that press it would wait for ever where the run was started to ignore it, in the background of a shell."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
