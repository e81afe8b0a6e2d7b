"""What a section of the page is made of: options, Markdown lines, figures."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Options:
    """Small networks or the paper's; the seed; the seconds for each upper bound that takes any."""

    quick: bool
    seed: int
    seconds: float


@dataclass(frozen=True)
class Section:
    """A section's Markdown, and its figures: file name → what writes it."""

    lines: list[str]
    figures: dict[str, Callable[[Path], None]] = field(default_factory=dict)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table, the first column to the left and numbers to the right."""
    return [_line(header), _line([":--", *["--:"] * (len(header) - 1)]), *map(_line, rows)]


def prose(text: str) -> list[str]:
    """A paragraph, wrapped, with the empty line behind it."""
    return [*textwrap.wrap(text, 110, break_long_words=False, break_on_hyphens=False), ""]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def number(value: float) -> str:
    """Four significant digits, without an exponent where that is short."""
    return f"{value:.4g}" if value < 1e4 else f"{value:,.0f}" if value < 1e6 else f"{value:.2e}"


def write_figure(figure: Figure, path: Path) -> None:
    """Save as SVG; the same figure gives the same file."""
    from matplotlib import rc_context

    style: dict[Any, Any] = {"svg.fonttype": "path", "svg.hashsalt": "lipverify"}
    with rc_context(style):
        figure.savefig(path, metadata={"Date": None})
