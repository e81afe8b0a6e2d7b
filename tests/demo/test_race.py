"""The race measures, fits, and says what its lines say; no browser."""

from __future__ import annotations

import json
import math

import pytest

from lipverify.demo import race
from lipverify.demo.race import YEAR, Family, Runner, duration, study


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1e-5, "1 ms"),
        (0.25, "250 ms"),
        (1.2, "1 second"),
        (59, "59 seconds"),
        (90, "2 minutes"),
        (7200, "2 hours"),
        (3 * 86400, "3 days"),
        (YEAR, "1 year"),
        (1.4 * YEAR, "1 year"),
        (1234 * YEAR, "1 200 years"),
        (3e6 * YEAR, "3 · 10⁶ years"),
        (1e30, "longer than the universe is old"),
    ],
)
def test_times_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_line_is_fitted_to_the_last_measurements_that_say_something() -> None:
    runner = Runner("enumeration", [(n, 1e-6 * 2.0**n) for n in range(1, 20)])
    line = runner.line()
    assert line is not None
    assert 10 ** line[1] == pytest.approx(2)
    assert 10 ** (line[0] + 60 * line[1]) == pytest.approx(1e-6 * 2.0**60, rel=1e-6)
    assert runner.to_dict()["factor"] == 2.0
    assert dict(map(tuple, runner.to_dict()["told"]))[60] == duration(1e-6 * 2.0**60)
    assert Runner("branch-and-bound", runner.points).to_dict()["told"] == [[20, duration(1e-6 * 2.0**20)]]
    assert Runner("enumeration", [(4, 1e-5), (5, 1e-4), (6, 0.1), (7, 0.2)]).line() is None  # two are too few
    assert Runner("lipsdp", runner.points).line() is None  # an estimate is no answer
    assert Runner("enumeration", [(4, 0.3), (5, 0.2), (6, 0.1)]).line() is None


def test_whoever_takes_too_long_leaves_the_race(monkeypatch: pytest.MonkeyPatch) -> None:
    family = Family("cuts", (4, 6, 30, 31), race.FAMILIES["cuts"].make, ("autolip",), "so it is")
    monkeypatch.setitem(race.FAMILIES, "few", family)
    monkeypatch.setattr(race, "CAP", 0.3)
    states = list(study({"version": 5, "family": "few"}))
    json.dumps(states, allow_nan=False)
    assert {s["version"] for s in states} == {5}
    assert [s["phase"] for s in states] == ["warming up", *["racing"] * (len(states) - 2), "done"]
    by_name = {r["name"]: r for r in states[-1]["runners"]}
    assert by_name["enumeration"]["left"] == 30
    assert [n for n, _ in by_name["enumeration"]["points"]] == [4, 6]
    assert [n for n, _ in by_name["autolip"]["points"]][:3] == [4, 6, 30]
    assert all(math.isfinite(s) for r in states[-1]["runners"] for _, s in r["points"])


def test_it_stops_when_asked_and_refuses_what_it_does_not_know() -> None:
    assert list(study({"version": 1, "stop": True})) == []
    (state,) = study({"version": 1, "family": "<b>"})
    assert "no family" in state["error"]
    seen: list[object] = []
    for state in study({"version": 2, "family": "sets"}, lambda: len(seen) >= 3):
        seen.append(state)
    assert len(seen) == 3
