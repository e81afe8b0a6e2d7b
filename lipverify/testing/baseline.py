"""The baseline file: text, one line per (method, network, domain, p), sorted.

A line is rewritten only when its bound, exact constant or rigor has changed, so that a diff shows what a change did and
nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lipverify.bound import Rigor
from lipverify.errors import InvalidArgument
from lipverify.writing import write_whole

BASELINE = Path(__file__).with_name("baseline.txt")
"""The one that comes along, for the catalogue's upper methods."""
OWN = Path("tightness.txt")
"""Where anybody else's is looked for."""
HEADER = "# lipverify tightness 1: bound / exact; written by `lipverify tightness update`"
COLUMNS = ("method", "network", "domain", "p", "bound", "exact", "ratio", "rigor", "seconds")

Key: TypeAlias = tuple[str, str, str, str]
"""Method, network, domain, p."""


@dataclass(frozen=True)
class Entry:
    """One measured bound.

    Attributes
    ----------
    rigor
        What a `Bound` says of itself; "-" for a plain number, which is held to be a promise.
    seconds
        Information only.
    """

    method: str
    network: str
    domain: str
    p: str
    bound: float
    exact: float
    rigor: str
    seconds: float

    @property
    def key(self) -> Key:
        """What it answers."""
        return self.method, self.network, self.domain, self.p

    @property
    def ratio(self) -> float:
        """bound / exact; 1 for 0 / 0."""
        if self.exact == 0:
            return 1.0 if self.bound == 0 else math.inf
        return self.bound / self.exact

    def cells(self) -> tuple[str, ...]:
        """The line's columns."""
        numbers = (repr(self.bound), repr(self.exact), f"{self.ratio:.6f}")
        return (*self.key, *numbers, self.rigor, f"{self.seconds:.2g}")


def read_baseline(path: Path) -> list[Entry]:
    """The entries of a baseline file.

    Raises
    ------
    InvalidArgument
        Where there is no file, or one that is no baseline, with the line.
    """
    if not path.exists():
        raise InvalidArgument(f"there is no baseline {str(path)!r}: write one with `update`, and commit it")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"cannot read the baseline {str(path)!r}: {error}") from error
    if not lines or lines[0] != HEADER:
        raise InvalidArgument(f"{str(path)!r} is no baseline: its first line is not {HEADER!r}")
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            method, network, domain, p, bound, exact, _, rigor, seconds = line.split()
            if rigor != "-":
                Rigor[rigor]
            entry = Entry(method, network, domain, p, float(bound), float(exact), rigor, float(seconds))
            if math.isnan(entry.bound) or not math.isfinite(entry.exact):
                raise ValueError("a bound or a constant that is no number")
            entries.append(entry)
        except (ValueError, KeyError) as error:
            raise InvalidArgument(f"{path}:{number} is no line of a baseline: {line!r} ({error})") from error
    return entries


def write_baseline(path: Path, entries: Sequence[Entry]) -> None:
    """Write a baseline file; columns have fixed widths, so that a line never changes because of another."""
    widths = (24, 24, 10, 4, 22, 22, 12, 10, 0)
    rows = [("# " + COLUMNS[0], *COLUMNS[1:]), *(entry.cells() for entry in entries)]
    lines = [" ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    try:
        write_whole(path, "\n".join([HEADER, *lines, ""]).encode())
    except OSError as error:
        raise InvalidArgument(f"cannot write the baseline {str(path)!r}: {error.strerror or error}") from error
