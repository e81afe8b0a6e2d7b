"""Pictures of tightness: every format, the same each time, extreme ratios and none at all."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from matplotlib.figure import Figure

import lipverify as lv
from lipverify.testing.pictures import _draw, plot_ratios

RATIOS = {"autolip": {"random": [1.0, 2.5, 1e9], "max-cut": [1.5]}, "mine": {"random": [0.9]}}


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_same_ratios_give_the_same_file(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{k}.{suffix}" for k in range(2)]
    for path in paths:
        plot_ratios(RATIOS, path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith({"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF"}[suffix])


@pytest.mark.parametrize(
    ("values", "side", "shaded", "arrows"),
    [
        ([1.0, 2.0], "upper", None, 0),
        ([0.0, 1.5], "upper", "below", 1),
        ([0.9, math.inf], "upper", "below", 1),
        ([0.0, 0.5], "lower", None, 1),
        ([2.0], "lower", "above", 0),
    ],
)
def test_what_is_no_bound_is_shaded_and_0_is_drawn(values: list[float], side: str, shaded: str, arrows: int) -> None:
    figure = Figure()
    _draw(figure, {"mine": {"random": values}}, side)
    (axes,) = figure.axes
    left, right = axes.get_xlim()
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == {None: [], "below": [(left, 1)], "above": [(1, right)]}[shaded]
    lines = [line for line in axes.get_lines() if line.get_marker() in ("<", ">") and len(line.get_xdata())]
    assert len(lines) == arrows
    drawn = sum(len(line.get_xdata()) for line in axes.get_lines() if line.get_marker() in ("<", ">", "o"))
    assert drawn == len(values)


def test_nothing_to_draw_is_no_error(tmp_path: Path) -> None:
    plot_ratios({"mine": {}}, tmp_path / "none.svg")


def test_a_bad_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lv.InvalidArgument, match="must end in"):
        plot_ratios(RATIOS, tmp_path / "ratios.gif")
