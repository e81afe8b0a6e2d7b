"""Every block of code in README.md and docs/ is run, page by page, as a reader would: in an empty folder, in order.

A python block that begins with a comment naming a file (`# mine.py`) is saved as that file, the others are run; a sh
block is run line by line. The language says whether a block is meant to be run: output has none. Links must not dangle.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")) if path.exists()
)
PYPI = "lipverify audit lipverify.testing.adapters:eclipse_fast --with"
ELSEWHERE = (
    "python3 -m venv",
    "lipverify demo",
    "bash .ci/run",
    "export ",
    "mkdocs ",
    "lipverify tightness check",
    PYPI,
)
"""Commands that install, serve or check everything: CI's own steps, and the shipped baseline has a test of its own."""
FINDINGS = {
    "lipverify audit mine:my_bound": 1,
    "lipverify audit lipverify.testing.adapters:eclipse --max-examples 20": None,
}
"""Exit codes other than 0; None where a package that is not installed decides."""


class Block(NamedTuple):
    """A fenced block: its language, where it begins, and its text."""

    language: str
    line: int
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    language, start, lines = "", 0, []
    inside = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            if inside:
                yield Block(language, start, "\n".join(lines) + "\n")
            inside, language, start, lines = not inside, line[3:].strip(), number, []
        elif inside:
            lines.append(line)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with what a checkout has beside it."""
    shutil.copytree(ROOT / "lipverify" / "samples", tmp_path / "lipverify" / "samples")
    (tmp_path / "lipverify" / "certificates").mkdir()
    shutil.copy(ROOT / "lipverify" / "certificates" / "checker.py", tmp_path / "lipverify" / "certificates")
    (tmp_path / "docs").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path, folder: Path) -> None:
    found = [block for block in blocks(page) if block.language in ("python", "sh")]
    program: list[str] = []
    for block in found:
        if block.language == "sh":
            for command in block.text.splitlines():
                if command and not command.startswith(ELSEWHERE):
                    run(command, folder)
            continue
        named = re.match(r"# (\w+\.py)\n", block.text)
        if named:
            (folder / named[1]).write_text(block.text, encoding="utf-8")
        else:
            program.append(f"# line {block.line}\n{block.text}")
    if program:
        path = folder / "page_program.py"
        path.write_text("\n".join(program), encoding="utf-8")
        finish([sys.executable, str(path)], folder, 0)


def run(command: str, folder: Path) -> None:
    """A line of a sh block, by this environment's own programs."""
    program, *rest = command.split()
    if program == "python3":
        arguments = [sys.executable, *rest]
    elif program == "lipverify":
        arguments = [sys.executable, "-m", "lipverify", *rest]
    else:
        arguments = [sys.executable, "-m", program, *rest]
    finish(arguments, folder, FINDINGS.get(command, 0))


def finish(arguments: list[str], folder: Path, code: int | None) -> None:
    """Run to the end, and look at the exit code."""
    environment = os.environ | {"PYTHONUTF8": "1", "MPLBACKEND": "agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert code is None or done.returncode == code, (
        f"{arguments}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    )


def test_every_page_has_its_place_on_the_site() -> None:
    listed = re.findall(r"^ *- [^:\n]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    pages = [path.name for path in (ROOT / "docs").glob("*.md")]
    assert sorted(set(listed) & set(pages)) == sorted(pages)
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} points to {target}, which is not there"
