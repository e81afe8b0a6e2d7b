"""Pictures: written in every format, for every kind of number, the same each time."""

from __future__ import annotations

import math
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

import lipverify as lv
from lipverify.bound import Bound, Rigor, Status
from lipverify.comparison import Comparison, Row, held_to
from lipverify.norms import NormPair
from lipverify.plots import plot_comparison
from lipverify.trusted.algebraic import ExactNorm

NET = lv.Network([[[1, 2]]])
ZERO = ExactNorm.rational(Fraction(0))
TWO = ExactNorm.rational(Fraction(2))
PROVED = {"lower_rigor": Rigor.PROVED, "upper_rigor": Rigor.PROVED}
CASES = {
    "exact": Bound.exactly(TWO, method="truth"),
    "zero": Bound.exactly(ZERO, method="truth"),
    "open": Bound(method="truth", status=Status.TIME_LIMIT, lower=1.5, upper=7, **PROVED),
    "half-open": Bound(method="truth", status=Status.TIME_LIMIT, lower=1.5, lower_rigor=Rigor.PROVED),
    "unknown": Bound(method="truth", status=Status.TIME_LIMIT),
}


def comparison(exact: Bound, uppers: list[float], lowers: list[float]) -> Comparison:
    rigors = list(Rigor)
    rows = [Row(exact.method, "exact", exact), Row("broken", "upper", None, error="no")]
    for k, value in enumerate(uppers):
        rigor = rigors[k % len(rigors)]
        bound = Bound(method="m", status=Status.ONE_SIDED, upper=value, upper_rigor=rigor)
        rows.append(held_to(exact, f"upper-{k}", "upper", bound))
    for k, value in enumerate(lowers):
        bound = Bound(method="m", status=Status.ONE_SIDED, lower=value, lower_rigor=Rigor.PROVED)
        rows.append(held_to(exact, f"lower-{k}", "lower", bound))
    return Comparison(NET, NormPair(2.0, 2.0), lv.Everywhere(), exact, tuple(rows))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    ("uppers", "lowers"),
    [([], []), ([0.0, 2.5, math.inf], [0.0, 1.0]), ([1e300, 3.0], [1e-300]), ([2.0], [2.0])],
)
def test_every_kind_of_number(tmp_path: Path, case: str, uppers: list[float], lowers: list[float]) -> None:
    path = tmp_path / "bounds.png"
    plot_comparison(comparison(CASES[case], uppers, lowers), path)
    image = np.asarray(imread(path))
    assert image.shape[0] > 200
    assert image.shape[1] > 1000
    assert image[..., :3].min() < 0.5  # there is ink


@pytest.mark.parametrize("suffix", ["svg", "pdf", "PNG"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"bounds.{suffix}"
    plot_comparison(comparison(CASES["exact"], [3.0], [1.0]), path)
    assert path.read_bytes().startswith({"svg": b"<?xml", "pdf": b"%PDF", "PNG": b"\x89PNG"}[suffix])


def test_the_same_comparison_gives_the_same_file(tmp_path: Path) -> None:
    paths = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for path in paths:
        plot_comparison(comparison(CASES["exact"], [3.0], [1.0]), path)
    first, second = (path.read_text() for path in paths)
    assert first == second
    assert ElementTree.fromstring(first).tag.endswith("svg")


def test_a_picture_leaves_no_global_state(tmp_path: Path) -> None:
    program = (
        "import sys, lipverify as lv; from lipverify.plots import plot_comparison; "
        "plot_comparison(lv.compare(lv.Network([[[1, 2]]])), sys.argv[1]); "
        "print('matplotlib.pyplot' in sys.modules)"
    )
    argv = [sys.executable, "-c", program, str(tmp_path / "bounds.svg")]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("name", ["bounds.bmp", "bounds", "no/such/folder/bounds.svg"])
def test_where_no_picture_can_go(tmp_path: Path, name: str) -> None:
    with pytest.raises(lv.InvalidArgument):
        plot_comparison(comparison(CASES["exact"], [3.0], [1.0]), tmp_path / name)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "taken.svg").mkdir()
    with pytest.raises(lv.InvalidArgument, match="cannot write"):
        plot_comparison(comparison(CASES["exact"], [3.0], [1.0]), tmp_path / "taken.svg")
