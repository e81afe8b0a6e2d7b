"""One network on many domains: a row each, and a row that fails is a row, not the end."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

from lipverify.bound import Bound, Status
from lipverify.domain import Domain
from lipverify.errors import Interrupted, LipverifyError, WorkerLost
from lipverify.fanout import check_workers, fan_out
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
        That of the domain under way; [0, inf] where several were, in other processes.
    batch
        The rows so far, that of the domain under way included.
    """

    def __init__(self, bound: Bound, batch: Batch) -> None:
        super().__init__(bound)
        self.batch = batch


def each(
    call: Callable[..., Bound],
    domains: Sequence[Domain | LipverifyError],
    *,
    on_progress: Callable[[Bound], Any] | None = None,
    jobs: int = 1,
    cluster: str | None = None,
) -> Batch:
    """The rows of `call(domain=…, on_progress=…)` on every domain; an error in place of a domain becomes its row.

    With other processes (see `fan_out`) `on_progress` hears of rows that are done; where it asks to stop, and on
    Ctrl-C, the others' intervals are [0, inf].

    Raises
    ------
    InvalidArgument
        For jobs and clusters that are none.
    InterruptedBatch
        On Ctrl-C, with the rows so far.
    """
    check_workers(jobs, cluster)
    if jobs > 1 or cluster is not None:
        return _each_elsewhere(call, domains, on_progress, jobs, cluster)
    rows: list[BatchRow] = []
    for domain in domains:
        try:
            rows.append(_row(partial(call, on_progress=on_progress), domain))
        except Interrupted as stop:
            assert not isinstance(domain, LipverifyError)
            rows.append(BatchRow(domain, stop.bound))
            raise InterruptedBatch(stop.bound, Batch(tuple(rows))) from stop
    return Batch(tuple(rows))


def _row(call: Callable[..., Bound], domain: Domain | LipverifyError) -> BatchRow:
    if isinstance(domain, LipverifyError):
        return BatchRow(None, None, str(domain))
    try:
        return BatchRow(domain, call(domain=domain))
    except LipverifyError as error:
        return BatchRow(domain, None, str(error))


def _each_elsewhere(
    call: Callable[..., Bound],
    domains: Sequence[Domain | LipverifyError],
    on_progress: Callable[[Bound], Any] | None,
    jobs: int,
    cluster: str | None,
) -> Batch:
    nothing = Bound(method="not asked", status=Status.INTERRUPTED)
    rows = [BatchRow(None, None, str(d)) if isinstance(d, LipverifyError) else BatchRow(d, nothing) for d in domains]

    def lost(place: int, error: WorkerLost) -> BatchRow:
        return BatchRow(rows[place].domain, None, str(error))

    tasks = [partial(_row, call, domain) for domain in domains]
    try:
        with closing(fan_out(tasks, jobs=jobs, cluster=cluster, lost=lost)) as done:
            for place, row in done:
                rows[place] = replace(row, domain=rows[place].domain)
                if on_progress is not None and row.bound is not None and on_progress(row.bound):
                    break
    except KeyboardInterrupt as stop:
        raise InterruptedBatch(nothing, Batch(tuple(rows))) from stop
    return Batch(tuple(rows))
