"""Exact constants that are published carry proofs: those of the tightness suite, and of the README's table."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

import lipverify as lv
from lipverify.bench.paper.mlp import SQUARE
from lipverify.bench.paper.mlp_section import PROVED
from lipverify.bench.paper.networks import kept
from lipverify.testing.suite import Case, Exacts, suite
from tests.certificates.constants import FOLDER, LARGE, PAPER, PUBLISHED, UNPROVED, file_of

CASES = suite()
KNOWN = Exacts()


@pytest.mark.parametrize("case", CASES, ids=lambda case: file_of(case).name.removesuffix(".json.gz"))
def test_constants_of_the_tightness_suite_are_proved(case: Case) -> None:
    known = KNOWN(case)
    question = {"p": case.norm, "domain": case.domain}
    lv.check(case.network, file_of(case), **question, lower=known.low, upper=known.high)
    if known.low > 0:
        with pytest.raises(lv.CertificateError):
            lv.check(case.network, file_of(case), **question, upper=known.low * (1 - 2**-40))
    with pytest.raises(lv.CertificateError):
        lv.check(case.network, file_of(case), **question, lower=known.high * (1 + 2**-40) + 2**-40)


@pytest.mark.parametrize("name", PUBLISHED)
def test_constants_of_published_networks_are_proved(name: str, data: Path) -> None:
    lower, upper = PUBLISHED[name]
    lv.check(data / "exlipbab" / f"{name}.onnx", FOLDER / f"{name}.json.gz", lower=lower, upper=upper)


@pytest.mark.parametrize("page", ["README.md", "docs/performance.md"])
def test_a_table_says_what_is_proved(page: str) -> None:
    """Of every network in it the proof is kept, with the digits that it proves, or it is named as one that has none."""
    text = (Path(__file__).resolve().parents[2] / page).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+) ([\d-]+) \| ([\d.]+) \|", text, re.MULTILINE)
    said = {f"{name}_net_{sizes.replace('-', 'x')}_ReLU": constant for name, sizes, constant in rows}
    assert said
    assert said.keys() <= {*PUBLISHED, *LARGE, *UNPROVED}
    for name in said.keys() & PUBLISHED.keys():
        digits = len(said[name]) - 1
        assert [f"{float(x):.{digits}g}" for x in PUBLISHED[name]] == [said[name]] * 2


@pytest.mark.parametrize("layers", PROVED)
def test_constants_of_the_papers_page_are_proved(layers: int) -> None:
    """Both ends round to the digits that the page prints; where it says so the lower end alone is proved."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "paper.md").read_text(encoding="utf-8")
    (plane, square), *_ = re.findall(rf"^\| {layers} \|.*\| \*\*(.+?)\*\* \| \*\*(.+?)\*\* \|", page, re.MULTILINE)
    net = kept()[layers]
    for where, domain, digits in (("plane", lv.Everywhere(), plane), ("square", SQUARE, square)):
        half = Fraction(1, 2 * 10 ** len(digits.partition(".")[2]))
        low, high = Fraction(digits) - half, Fraction(digits) + half
        upper = high if PROVED[layers] == "both ends" else None
        lv.check(net, PAPER[layers, where], domain=domain, lower=low, upper=upper)
        with pytest.raises(lv.CertificateError):
            lv.check(net, PAPER[layers, where], domain=domain, lower=high)
    assert re.search(rf"^\| {layers} \|.*\| {PROVED[layers]} \|$", page, re.MULTILINE)


def test_there_is_no_other_proof() -> None:
    expected = {file_of(case).name for case in CASES} | {f"{name}.json.gz" for name in PUBLISHED}
    expected |= {path.name for path in PAPER.values()}
    assert {path.name for path in FOLDER.iterdir()} == expected
