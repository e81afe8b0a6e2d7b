"""One network on many domains: a row each, and a row that fails is a row, not the end."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

from lipverify.bound import Bound
from lipverify.domain import Domain
from lipverify.errors import Interrupted, LipverifyError
from lipverify.records import bound_to_dict

COLUMNS = ("row", "domain", "lower", "upper", "lower_rigor", "upper_rigor", "status", "seconds", "error")


@final
@dataclass(frozen=True)
class BatchRow:
    """One domain's answer.

    Attributes
    ----------
    domain
        The domain; None where it could not be read.
    bound
        Its bound; None when it raised an error.
    error
        What was said instead of a bound.
    """

    domain: Domain | None
    bound: Bound | None
    error: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        number: dict[str, Any] = {} if self.bound is None else bound_to_dict(self.bound)
        return {"domain": None if self.domain is None else str(self.domain), "error": self.error} | number


@final
@dataclass(frozen=True)
class Batch:
    """The rows in the order of the domains: a sequence of `BatchRow`."""

    rows: tuple[BatchRow, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> BatchRow:
        return self.rows[index]

    def __iter__(self) -> Iterator[BatchRow]:
        return iter(self.rows)

    @property
    def upper(self) -> float:
        """An upper bound on the union of the domains; inf where a row failed."""
        return max((float("inf") if row.bound is None else row.bound.upper for row in self.rows), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        return {"rows": [row.to_dict() for row in self.rows]}

    def to_csv(self) -> str:
        """A header and one line per row; floats in full, so that none changes its side."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(self.rows):
            writer.writerow({"row": number, **row.to_dict()})
        return text.getvalue()


class InterruptedBatch(Interrupted):
    """Ctrl-C during a batch.

    Attributes
    ----------
    bound
        That of the domain under way.
    batch
        The rows so far, that of the domain under way included.
    """

    def __init__(self, bound: Bound, batch: Batch) -> None:
        super().__init__(bound)
        self.batch = batch


def each(call: Callable[[Domain], Bound], domains: Sequence[Domain | LipverifyError]) -> Batch:
    """The rows of a call on one domain after the other; an error in place of a domain becomes its row.

    Raises
    ------
    InterruptedBatch
        On Ctrl-C, with the rows so far.
    """
    rows: list[BatchRow] = []
    for domain in domains:
        if isinstance(domain, LipverifyError):
            rows.append(BatchRow(None, None, str(domain)))
            continue
        try:
            rows.append(BatchRow(domain, call(domain)))
        except LipverifyError as error:
            rows.append(BatchRow(domain, None, str(error)))
        except Interrupted as stop:
            rows.append(BatchRow(domain, stop.bound))
            raise InterruptedBatch(stop.bound, Batch(tuple(rows))) from stop
    return Batch(tuple(rows))
