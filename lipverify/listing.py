"""The list of methods that `lipverify.methods()` gives, as text, for notebooks, and as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, final

from lipverify import html
from lipverify.bound import Rigor
from lipverify.frames import frame
from lipverify.norms import ALL_PAIRS, EUCLIDEAN, SAME_NORM, NormPair
from lipverify.problem import Side
from lipverify.tables import as_shown, columns_that_fit, table, width_of_terminal

HEADER = ("method", "side", "rigor", "p", "domains", "cost")
TEXTS = range(len(HEADER))
EXPENDABLE = (5, 4)  # cost, then domains, on a terminal that is too narrow
_NORMS = {ALL_PAIRS: "any", SAME_NORM: "1, 2, inf", EUCLIDEAN: "2"}


@dataclass(frozen=True)
class MethodInfo:
    """What a method is, and what it supports."""

    name: str
    side: Side
    rigor: Rigor
    norms: tuple[NormPair, ...]
    needs_box: bool
    cost: str

    def cells(self) -> tuple[str, ...]:
        """The text of its row below `HEADER`."""
        norms = _NORMS.get(self.norms) or ", ".join(map(str, self.norms))
        return (self.name, self.side, self.rigor.name, norms, "bounded" if self.needs_box else "all", self.cost)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        norms = [str(pair) for pair in self.norms]
        own = {"name": self.name, "side": self.side, "rigor": self.rigor.name, "norms": norms}
        return own | {"needs_box": self.needs_box, "cost": self.cost}


@final
@dataclass(frozen=True, repr=False)
class Methods:
    """The methods in the order of the catalogue: a collection of `MethodInfo`, picked by place or name."""

    rows: tuple[MethodInfo, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[MethodInfo]:
        return iter(self.rows)

    def __contains__(self, which: object) -> bool:
        return which in self.rows or which in {info.name for info in self.rows}

    def __getitem__(self, which: int | str) -> MethodInfo:
        return self.rows[which] if isinstance(which, int) else {info.name: info for info in self.rows}[which]

    def table(self, width: int | None = None) -> str:
        """A text table; with a width, without what does not fit."""
        rows = [HEADER, *(info.cells() for info in self.rows)]
        return "\n".join(table(rows, left=TEXTS, kept=columns_that_fit(rows, width, EXPENDABLE)))

    def __str__(self) -> str:
        return as_shown(self.table(width_of_terminal()))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html.table(HEADER, [[escape(cell) for cell in info.cells()] for info in self.rows], TEXTS, ())

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        return {"methods": [info.to_dict() for info in self.rows]}

    def to_frame(self) -> Any:
        """A row of a pandas DataFrame for every method.

        Raises
        ------
        LipverifyError
            Where pandas is not installed.
        """
        return frame(dict(zip(HEADER, info.cells(), strict=True)) for info in self.rows)
