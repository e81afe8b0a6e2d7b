"""The pytest plugin: a fixture `tightness`. Nothing heavy is imported before a test asks for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """`tightness(estimator, …)`: fail when an upper bound is looser than it was, or unsound, or answers nothing.

    Its keywords: rtol (0.001), baseline (a file below the project's root), p and domain (asked instead of the suite's
    own), suite (a mapping from names to networks, instead of the suite's).
    """
    root, update = pytestconfig.rootpath, bool(pytestconfig.getoption(UPDATE))
    usual = root / str(pytestconfig.getini(INI))

    def check(
        estimator: Any,
        rtol: float | None = None,
        baseline: str | Path | None = None,
        *,
        p: Any = None,
        domain: Any = None,
        suite: Mapping[str, Any] | None = None,
    ) -> None:
        from lipverify.errors import LipverifyError
        from lipverify.testing import baseline as files
        from lipverify.testing import tightness as held
        from lipverify.testing.suite import cases_of

        path = usual if baseline is None else root / baseline
        try:
            stored = [] if update and not path.exists() else _stored(files, path)
            measured = held.measure([estimator], cases_of(suite, p, domain))
            if update:
                files.write_baseline(path, held.updated(stored, measured))
                return
            found = held.compare_entries(stored, measured, rtol=held.RTOL if rtol is None else rtol)
        except LipverifyError as error:
            pytest.fail(str(error), pytrace=False)
        lines = [str(finding) for finding in found if finding.fails]
        unknown = [finding for finding in found if finding.change is held.Change.NEW]
        if unknown:
            lines.append(f"{len(unknown)} bounds are not in {path}: run pytest {UPDATE} once, and commit the file")
        if lines:
            pytest.fail("\n".join(lines), pytrace=False)

    return check


def _stored(files: Any, path: Path) -> Any:
    """The baseline, or how to get one."""
    if not path.exists():
        pytest.fail(f"there is no baseline {path}: run pytest {UPDATE} once, and commit the file", pytrace=False)
    return files.read_baseline(path)
