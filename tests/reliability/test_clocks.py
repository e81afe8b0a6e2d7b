"""The time of day jumps: limits are those of a clock that does not, and no result depends on either."""

from __future__ import annotations

import math
import time
from pathlib import Path
from random import Random

import pytest

import lipverify as lv
from lipverify.testing import audit
from lipverify.testing.suite import random_network

NET = random_network((3, 5, 5, 1), 3)
PACKAGE = Path(lv.__file__).parent


@pytest.fixture
def jumping(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of day is another one at every look, by years."""
    chance, real = Random(1), time.time
    monkeypatch.setattr(time, "time", lambda: real() + chance.uniform(-1e8, 1e8))


@pytest.mark.usefixtures("jumping")
@pytest.mark.parametrize("method", ["enumeration", "branch-and-bound", "milp"])
def test_an_exact_answer_has_its_time(method: str) -> None:
    found = lv.exact(NET, method, time_limit=60)
    assert found.status is lv.Status.EXACT
    assert 0 < found.seconds < 60


@pytest.mark.usefixtures("jumping")
def test_a_limit_is_kept() -> None:
    began = time.monotonic()
    found = lv.exact(random_network((8, 40, 40, 1), 5), time_limit=0.5)
    assert found.status is lv.Status.TIME_LIMIT
    assert 0 < found.lower <= found.upper < math.inf
    assert 0.5 <= time.monotonic() - began < 20
    assert 0.5 <= found.seconds < 20


@pytest.mark.usefixtures("jumping")
def test_campaigns_and_audits_ask_everything(tmp_path: Path) -> None:
    spec = {"networks": [NET], "methods": ["autolip", "sample"], "time_limit": 60}
    assert lv.campaign(spec, store=tmp_path / "store").complete
    found = lv.campaign(spec, store=tmp_path / "store")
    assert found.found == 2  # what is known is not asked again, whatever the day
    assert audit("frobenius", max_examples=5, time_limit=60, jobs=1).complete


def test_nobody_else_looks_at_the_time_of_day() -> None:
    """Deadlines travel to other machines as times of day, since nothing else means the same there."""
    looks = {path.name for path in PACKAGE.rglob("*.py") if "time.time()" in path.read_text()}
    assert looks == {"campaign.py"}
