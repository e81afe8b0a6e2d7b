"""Pictures of tightness: every format, the same each time, extreme ratios and none at all."""

from __future__ import annotations

from pathlib import Path

import pytest

import lipverify as lv
from lipverify.testing.pictures import plot_ratios

RATIOS = {"autolip": {"random": [1.0, 2.5, 1e9], "max-cut": [1.5]}, "mine": {"random": [0.9]}}


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_same_ratios_give_the_same_file(tmp_path: Path, suffix: str) -> None:
    paths = [tmp_path / f"{k}.{suffix}" for k in range(2)]
    for path in paths:
        plot_ratios(RATIOS, path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith({"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF"}[suffix])


def test_nothing_to_draw_is_no_error(tmp_path: Path) -> None:
    plot_ratios({"mine": {}}, tmp_path / "none.svg")


def test_a_bad_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(lv.InvalidArgument, match="must end in"):
        plot_ratios(RATIOS, tmp_path / "ratios.gif")
