"""The theorems that docstrings and pages cite stand in proofs/*.v; that those are proved is for `make -C proofs`."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lipverify.certificates import checker
from tests.certificates.cases import cases

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "proofs").glob("*.v"))
STATED = {
    f"{source.stem}.{name}"
    for source in SOURCES
    for name in re.findall(
        r"^(?:Theorem|Corollary|Lemma|Definition|Fixpoint|Inductive|Record)\s+(\w+)", source.read_text(), re.M
    )
}
CITATION = re.compile(rf"\b(?:{'|'.join(source.stem for source in SOURCES)})\.(?!v\b|md\b)[a-z]\w+")


def cited(text: str) -> set[str]:
    return set(CITATION.findall(text))


@pytest.mark.parametrize("page", sorted((ROOT / "proofs").glob("*.md")), ids=lambda page: page.name)
def test_pages_cite_theorems_that_are_stated(page: Path) -> None:
    assert cited(page.read_text()) <= STATED


def test_code_cites_theorems_that_are_stated() -> None:
    texts = [path.read_text() for path in (ROOT / "lipverify").rglob("*.py")]
    names = set().union(*map(cited, texts))
    assert names
    assert names <= STATED


def test_a_citation_of_nothing_is_noticed() -> None:
    assert cited("by `Regions.no_such_theorem`, see Regions.v") == {"Regions.no_such_theorem"}
    assert not {"Regions.no_such_theorem"} <= STATED


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_nothing_is_admitted_and_every_file_is_compiled(source: Path) -> None:
    assert not re.search(r"\b(?:Admitted|admit|Axioms?|Parameters?|Conjecture)\b", source.read_text())
    files = re.search(r"^FILES := ((?:.*\\\n)*.*)$", (ROOT / "proofs/Makefile").read_text(), re.M)
    assert files
    assert source.stem in files[1].split()


@pytest.mark.parametrize("source", [s for s in SOURCES if s.stem != "Arith"], ids=lambda source: source.name)
def test_every_theorem_is_explained_in_words(source: Path) -> None:
    words = set().union(*(cited(page.read_text()) for page in (ROOT / "proofs").glob("*.md")))
    theorems = {
        f"{source.stem}.{name}" for name in re.findall(r"^(?:Theorem|Corollary)\s+(\w+)", source.read_text(), re.M)
    }
    assert theorems <= words


def test_the_corpora_are_written_as_terms() -> None:
    """All cases but those with the rule SDP, which Checker.v does not know; that it agrees is for `make -C proofs`."""
    run = subprocess.run(
        [sys.executable, "-I", ROOT / "proofs" / "translate.py"], capture_output=True, text=True, check=True
    )
    expected = {
        f"{folder}_{name}".replace("-", "_"): verdict
        for folder, verdict in (("accept", "true"), ("reject", "false"))
        for name, case in cases(folder).items()
        if not any(step[0] == "sdp" for step in case["certificate"]["tree"] or ())
    }
    assert dict(re.findall(r"^Theorem (\w+) : .* = (true|false)\.$", run.stdout, re.M)) == expected
    assert len(expected) > 80


@pytest.mark.parametrize("text", ["-0x1.8p-3", "0x0.0p+0", "1.4142135623730950488", "-1/3", "2e-3"])
def test_numbers_are_written_as_the_rationals_that_they_are(text: str) -> None:
    spec = importlib.util.spec_from_file_location("translate", ROOT / "proofs" / "translate.py")
    assert spec
    assert spec.loader
    translate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(translate)
    value = checker.number(text, "")
    assert translate.number(text) == f"Num ({value.numerator}) {value.denominator}"
