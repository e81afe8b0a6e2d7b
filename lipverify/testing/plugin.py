"""The pytest plugin: a fixture `tightness`. Nothing heavy is imported before a test asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

INI = "tightness_baseline"
UPDATE = "--tightness-update"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the baseline is, and whether to write it."""
    parser.addini(INI, "the baseline file of lipverify's tightness fixture", default="tightness.txt")
    text = "write what lipverify's tightness fixture measures into its baseline"
    parser.getgroup("lipverify").addoption(UPDATE, action="store_true", help=text)


@pytest.fixture
def tightness(pytestconfig: pytest.Config) -> Callable[..., None]:
    """`tightness(estimator, rtol=0.001, baseline=None)`: fail when an upper bound is looser than it was, or unsound."""
    root, update = pytestconfig.rootpath, bool(pytestconfig.getoption(UPDATE))
    usual = root / str(pytestconfig.getini(INI))

    def check(estimator: Any, rtol: float | None = None, baseline: str | Path | None = None) -> None:
        from lipverify.testing import tightness as held

        path = usual if baseline is None else root / baseline
        stored = held.read_baseline(path)
        measured = held.measure([estimator])
        if update:
            held.write_baseline(path, held.updated(stored, measured))
            return
        found = held.compare_entries(stored, measured, rtol=held.RTOL if rtol is None else rtol)
        lines = [str(finding) for finding in found if finding.fails]
        unknown = [finding for finding in found if finding.change is held.Change.NEW]
        if unknown:
            lines.append(f"{len(unknown)} bounds are not in {path}: run pytest {UPDATE} once, and commit the file")
        if lines:
            pytest.fail("\n".join(lines), pytrace=False)

    return check
