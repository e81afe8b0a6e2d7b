"""Every method on one problem, each number beside the exact constant."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from html import escape
from typing import Any, final

from lipverify import html
from lipverify.bound import Bound, Rigor, Status
from lipverify.domain import Domain, Everywhere
from lipverify.errors import InvalidArgument
from lipverify.frames import frame
from lipverify.network import Network
from lipverify.norms import NormPair, norm_pair
from lipverify.problem import Side
from lipverify.records import bound_from_dict, bound_to_dict, json_float
from lipverify.report import describe, digits_down, digits_up, early_stop
from lipverify.tables import as_shown, columns_that_fit, table, width_of_terminal, wrapped
from lipverify.trusted.rounding import float_down, float_up

RTOL = 1e-9  # a NUMERICAL bound ignores rounding: it is unsound only beyond this
HEADER = ("method", "lower", "upper", "bound/exact", "rigor", "seconds", "")
TEXTS = (0, 4, 6)  # columns that are no numbers
REMARKS = 6
EXPENDABLE = (5, 3)  # seconds, then ratios, on a terminal that is too narrow; sides and rigor never


@final
@dataclass(frozen=True)
class Row:
    """One method's result.

    Attributes
    ----------
    name, side
        The method, and what it bounds.
    bound
        Its result; None when it raised an error.
    ratio
        upper / exact rounded up, or lower / exact rounded down; against the far end of the exact interval
        while that is not closed. None for exact methods, and without a bound.
    wrong_side
        Whether the exact interval disproves the number: an upper bound below it, a lower bound above it.
    error
        What the method said instead of a number.
    """

    name: str
    side: Side
    bound: Bound | None
    ratio: float | None = None
    wrong_side: bool = False
    error: str = ""

    @property
    def value(self) -> float:
        """The side that the method bounds (the upper one for exact methods); NaN without a bound."""
        if self.bound is None:
            return math.nan
        return self.bound.lower if self.side == "lower" else self.bound.upper

    @property
    def rigor(self) -> Rigor:
        """The rigor of what the method bounds, the weaker of two sides; HEURISTIC without a bound."""
        if self.bound is None:
            return Rigor.HEURISTIC
        sides = {"upper": [self.bound.upper_rigor], "lower": [self.bound.lower_rigor]}
        return min(sides.get(self.side, [self.bound.lower_rigor, self.bound.upper_rigor]))

    @property
    def unsound(self) -> bool:
        """Whether the number breaks its promise; a heuristic promises nothing, and rounding is forgiven
        up to 1e-9 where the method is NUMERICAL."""
        if not self.wrong_side or self.ratio is None or self.rigor is Rigor.HEURISTIC:
            return False
        excess = self.ratio - 1 if self.side == "lower" else 1 - self.ratio
        return self.rigor > Rigor.NUMERICAL or excess > RTOL

    @property
    def failed(self) -> bool:
        """Whether the method raised an error, gave up, or broke its promise."""
        gave_up = self.bound is not None and self.bound.status is Status.FAILED
        return bool(self.error) or self.unsound or gave_up

    @property
    def remark(self) -> str:
        """What a reader must know about the number; empty when all is as it should be."""
        if self.error:
            return self.error
        if self.unsound:
            return "UNSOUND: " + self._contradiction
        if self.wrong_side and self.rigor is Rigor.HEURISTIC:
            return self._contradiction
        return early_stop(self.bound)

    @property
    def _contradiction(self) -> str:
        return "above the exact value" if self.side == "lower" else "below the exact value"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        number: dict[str, Any] = {} if self.bound is None else bound_to_dict(self.bound)
        own = {"name": self.name, "side": self.side, "ratio": json_float(self.ratio)}
        return own | {"wrong_side": self.wrong_side, "unsound": self.unsound, "error": self.error} | number

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Row:
        """The inverse of `to_dict`.

        Raises
        ------
        InvalidArgument
            For data that no row can have written.
        """
        try:
            side, ratio = data["side"], data["ratio"]
            if side not in ("upper", "lower", "exact"):
                raise InvalidArgument(f"this is no record of a row: its side is {side!r}")
            bound = bound_from_dict(data) if "method" in data else None
            ratio = None if ratio is None else float(ratio)
            return cls(str(data["name"]), side, bound, ratio, bool(data["wrong_side"]), str(data["error"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgument(f"this is no record of a row: {error!r}") from error


@final
@dataclass(frozen=True, repr=False)
class Comparison:
    """What every method says about one problem.

    Attributes
    ----------
    network, norm, domain
        The problem.
    exact
        The interval that everything is compared with: one value when its status is EXACT.
    rows
        One `Row` per method, in the order of the catalogue; the exact method comes first.
    """

    network: Network
    norm: NormPair
    domain: Domain
    exact: Bound
    rows: tuple[Row, ...]

    @property
    def settled(self) -> bool:
        """Whether the exact constant is known, so that ratios are ratios to it."""
        return self.exact.status is Status.EXACT

    def ranked(self) -> tuple[Row, ...]:
        """Upper bounds, exact methods, lower bounds, each from the largest; errors last."""
        places = {"upper": 0, "exact": 1, "lower": 2}
        return tuple(sorted(self.rows, key=lambda r: (r.bound is None, places[r.side], -r.value if r.bound else 0.0)))

    def cells(self) -> list[tuple[str, ...]]:
        """The text of the table below `HEADER`, one tuple per row."""
        return [self._cells(row) for row in self.ranked()]

    def _cells(self, row: Row) -> tuple[str, ...]:
        if row.bound is None:
            return (row.name, "", "", "", "", "", row.error)
        lower = "" if row.side == "upper" else digits_down(row.bound.lower)
        upper = "" if row.side == "lower" else digits_up(row.bound.upper)
        seconds = f"{row.bound.seconds:.2f}"
        return (row.name, lower, upper, self.ratio_text(row), row.rigor.name, seconds, row.remark)

    def ratio_text(self, row: Row) -> str:
        """The ratio as it is printed: with ≤ or ≥ while the exact interval is open."""
        if row.ratio is None:
            return "1" if row.bound is not None and row.bound.status is Status.EXACT else ""
        sign = "" if self.settled else ("≥ " if row.side == "lower" else "≤ ")
        return sign + (f"{row.ratio:.4f}" if row.ratio < 1e6 else f"{row.ratio:.4g}")

    def caption(self) -> list[str]:
        """Lines on what was asked, what the answer is, and what it speaks of."""
        problem = [f"network: {self.network!r}", f"domain: {self.domain}, p = {self.norm}"]
        lines = [*problem, *describe(self.exact)]
        if not self.settled:
            lines.append("ratios are worst cases over that interval: ≤ for upper bounds, ≥ for lower ones")
        return lines

    def body(self, width: int | None = None) -> tuple[list[str], list[str]]:
        """The lines of the table, header and rule first, and remarks that stand below it where it is too wide."""
        rows = [HEADER, *self.cells()]
        remarks = [f"{row[0]}: {row[REMARKS]}" for row in rows[1:] if row[REMARKS]]
        columns = len(HEADER) if remarks else REMARKS
        lines = table([row[:columns] for row in rows], left=TEXTS)
        if width is None or max(map(len, lines)) <= width:
            return lines, []
        rows = [row[:REMARKS] for row in rows]
        lines = table(rows, left=TEXTS, kept=columns_that_fit(rows, width, EXPENDABLE))
        return lines, [line for remark in remarks for line in wrapped(remark, width)]

    def table(self, width: int | None = None) -> str:
        """A text table with its caption; with a width, as many columns as fit, and every number whole."""
        lines, remarks = self.body(width)
        caption = [line for text in self.caption() for line in wrapped(text, width)]
        return "\n".join([*caption, "", *lines, *([""] if remarks else []), *remarks])

    def __str__(self) -> str:
        return as_shown(self.table(width_of_terminal()))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """The table with bars from the exact constant to each bound."""
        exact = self.exact.lower if self.exact.lower > 0 else self.exact.upper
        scale = html.Scale(exact, [row.value for row in self.rows if row.bound is not None])
        rows = [
            [*map(escape, cells[:REMARKS]), self._bar(scale, row), escape(cells[REMARKS])]
            for row, cells in zip(self.ranked(), self.cells(), strict=True)
        ]
        header = (*HEADER[:REMARKS], "(logarithmic)", "")
        return html.table(header, rows, (0, 4, 6, 7), self.caption())

    def _bar(self, scale: html.Scale, row: Row) -> str:
        if row.bound is None:
            return ""
        start = row.bound.lower if row.side == "exact" else scale.reference or 0.0
        value = digits_down(row.value) if row.side == "lower" else digits_up(row.value)
        return html.bar(scale, start, row.value, row.rigor, f"{row.name}: {value} ({row.rigor.name})")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data: fractions and infinities are strings. Of the network its digest alone."""
        return {
            "network": repr(self.network),
            "digest": self.network.digest,
            "domain": str(self.domain),
            "p": str(self.norm),
            "exact": bound_to_dict(self.exact),
            "rows": [row.to_dict() for row in self.rows],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], network: Network, domain: Domain | None = None) -> Comparison:
        """The comparison that `to_dict` wrote down, of this network on this domain.

        Raises
        ------
        InvalidArgument
            For data that no comparison can have written, or that speaks of another network or domain.
        """
        where = Everywhere() if domain is None else domain
        try:
            for name, given, mine in (
                ("digest", data["digest"], network.digest),
                ("domain", data["domain"], str(where)),
            ):
                if given != mine:
                    raise InvalidArgument(f"this comparison is of another {name}: {given!r}; got {mine!r}")
            norm = norm_pair(tuple(data["p"].split(":")) if ":" in data["p"] else data["p"])
            return cls(network, norm, where, bound_from_dict(data["exact"]), tuple(map(Row.from_dict, data["rows"])))
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidArgument(f"this is no record of a comparison: {error!r}") from error

    def to_frame(self) -> Any:
        """The rows as a pandas DataFrame, ranked.

        Raises
        ------
        LipverifyError
            Where pandas is not installed.
        """
        return frame(
            {
                "method": row.name,
                "side": row.side,
                "lower": math.nan if row.bound is None else row.bound.lower,
                "upper": math.nan if row.bound is None else row.bound.upper,
                "ratio": math.nan if row.ratio is None else row.ratio,
                "rigor": row.rigor.name,
                "seconds": math.nan if row.bound is None else row.bound.seconds,
                "remark": row.remark,
            }
            for row in self.ranked()
        )


def held_to(exact: Bound, name: str, side: Side, bound: Bound) -> Row:
    """A method's row: its bound, set against the exact interval."""
    low, high = exact.enclosure or (exact.lower, exact.upper)
    if side == "upper":
        return Row(name, side, bound, _ratio(bound.upper, low, float_up), bound.upper < low)
    if side == "lower":
        return Row(name, side, bound, _ratio(bound.lower, high, float_down), bound.lower > high)
    return Row(name, side, bound, None, bound.upper < low or bound.lower > high)


def _ratio(value: float, reference: Fraction | float, rounded: Callable[[Fraction], float]) -> float:
    """value / reference with 0 / 0 = 1."""
    if reference == 0:
        return 1.0 if value == 0 else math.inf
    if math.isinf(value) or reference == math.inf:  # a Fraction may be beyond floats
        return math.inf if math.isinf(value) else 0.0
    return rounded(Fraction(value) / Fraction(reference))
