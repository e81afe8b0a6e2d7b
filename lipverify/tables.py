"""Tables of text: as wide as they need, or as a terminal is, by leaving out columns; no cell is ever broken."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Collection, Sequence

from lipverify.text import in_ascii

Row = Sequence[str]


def width_of_terminal() -> int:
    """The columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def columns_that_fit(rows: Sequence[Row], width: int | None, expendable: Sequence[int]) -> list[int]:
    """The places of the columns that are kept: without the `expendable` ones, in this order, until the rest fits."""
    kept = list(range(len(rows[0])))
    for column in expendable:
        if width is None or sum(_width(rows, k) + 2 for k in kept) - 2 <= width:
            break
        kept.remove(column)
    return kept


def table(rows: Sequence[Row], *, left: Collection[int], kept: Sequence[int] | None = None) -> list[str]:
    """The lines of a table whose first row is its header; columns not in `left` are numbers, and end flush."""
    places = list(range(len(rows[0]))) if kept is None else list(kept)
    widths = {k: _width(rows, k) for k in places}
    lines = [
        "  ".join(row[k].ljust(widths[k]) if k in left else row[k].rjust(widths[k]) for k in places).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * widths[k] for k in places))
    return lines


def wrapped(text: str, width: int | None, indent: str = "  ") -> list[str]:
    """A sentence in lines no longer than the terminal, but for words that are longer themselves."""
    if width is None or len(text) <= width:
        return [text]
    return textwrap.wrap(text, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def as_shown(text: str) -> str:
    """The text, in ASCII if stdout's encoding has no better signs."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return in_ascii(text, encoding)


def _width(rows: Sequence[Row], column: int) -> int:
    return max(len(row[column]) for row in rows)
