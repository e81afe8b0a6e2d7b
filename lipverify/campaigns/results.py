"""What a campaign has found: rows, what contradicts what, and a summary by method."""

from __future__ import annotations

import csv
import io
import json
import math
import statistics
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.campaigns.jobs import Answer, Job, Outcome
from lipverify.errors import Interrupted, InvalidArgument
from lipverify.frames import frame
from lipverify.records import json_float
from lipverify.tables import table
from lipverify.writing import write_whole

COLUMNS = (
    "network",
    "digest",
    "domain",
    "p",
    "method",
    "outcome",
    "lower",
    "upper",
    "lower_rigor",
    "upper_rigor",
    "status",
    "ratio",
    "seconds",
    "error",
)
HEADER = ("method", "rows", "exact", "limit", "refused", "failed", "ratio", "largest", "seconds")


@final
@dataclass(frozen=True)
class CampaignRow:
    """One question with its answer.

    Attributes
    ----------
    bound
        What the method said; None where it refused or failed.
    ratio
        upper / L, or lower / L for a lower method, where an exact method of the campaign has found L; else None.
    wrong
        What contradicts the bound: a side that another method, or the exact one, has proved otherwise.
    """

    job: Job
    outcome: Outcome
    bound: Bound | None
    error: str
    ratio: float | None = None
    wrong: str = ""

    @property
    def failed(self) -> bool:
        """Whether the method failed, or broke its promise."""
        gave_up = self.bound is not None and self.bound.status is Status.FAILED
        return self.outcome is Outcome.FAILED or gave_up or bool(self.wrong)

    @property
    def limited(self) -> bool:
        """Whether a limit stopped it."""
        return self.bound is not None and self.bound.status in (Status.TIME_LIMIT, Status.INTERRUPTED)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data: `COLUMNS`, and what `Bound.to_dict` says."""
        job, bound = self.job, self.bound
        asked = {"network": job.network_name, "digest": job.network.digest, "domain": job.domain_name}
        asked |= {"p": str(job.norm), "method": job.method, "outcome": self.outcome.value}
        said = {"ratio": json_float(self.ratio), "error": self.error or self.wrong}
        return ({} if bound is None else bound.to_dict()) | asked | said


@final
@dataclass(frozen=True)
class Campaign:
    """The rows of a campaign in the order of its specification, those that there are.

    Attributes
    ----------
    total
        How many there will be.
    found
        How many of the rows were in the store before this run.
    """

    name: str
    rows: tuple[CampaignRow, ...]
    total: int
    found: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[CampaignRow]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> CampaignRow:
        return self.rows[index]

    @property
    def complete(self) -> bool:
        """Whether every question has an answer."""
        return len(self.rows) == self.total

    @property
    def failures(self) -> tuple[CampaignRow, ...]:
        """The rows that failed, or are contradicted."""
        return tuple(row for row in self.rows if row.failed)

    @cached_property
    def ratios(self) -> dict[str, dict[str, list[float]]]:
        """method → norm and domain → ratios that are finite, of upper methods."""
        found: dict[str, dict[str, list[float]]] = {}
        for row in self.rows:
            if row.ratio is not None and row.job.side == "upper" and 0 < row.ratio < math.inf:
                kind = f"p = {row.job.norm}, {row.job.domain_name}"
                found.setdefault(row.job.method, {}).setdefault(kind, []).append(row.ratio)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        numbers = {"name": self.name, "total": self.total, "complete": self.complete}
        return numbers | {"rows": [row.to_dict() for row in self.rows]}

    def to_csv(self) -> str:
        """A header and one line per row; floats in full, so that none changes its side."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(row.to_dict() for row in self.rows)
        return text.getvalue()

    def to_frame(self) -> Any:
        """A pandas DataFrame of `COLUMNS`.

        Raises
        ------
        LipverifyError
            Where pandas is not installed.
        """
        return frame({name: row.to_dict().get(name) for name in COLUMNS} for row in self.rows)

    def save(self, path: str | Path) -> None:
        """Write the rows to a .csv or .json file, whole or not at all.

        Raises
        ------
        InvalidArgument
            For another ending.
        """
        path = Path(path)
        if path.suffix not in (".csv", ".json"):
            raise InvalidArgument(f"rows are written to .csv or .json files; got {path}")
        text = self.to_csv() if path.suffix == ".csv" else json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"
        write_whole(path, text.encode())

    def table(self) -> str:
        """A summary: a line per method, and the rows that failed."""
        lines = table([HEADER, *map(self._cells, dict.fromkeys(row.job.method for row in self.rows))], left=(0,))
        done = f"{self.name}: {len(self.rows)} of {self.total} rows, {self.found} of them from the store"
        failed = [_described(row) for row in self.failures]
        hidden = len(failed) - _SHOWN
        remarks = [*failed[:_SHOWN], *([f"… and {hidden} more"] if hidden > 0 else [])]
        return "\n".join([done, "", *lines, *(["", *remarks] if remarks else [])])

    def _cells(self, method: str) -> tuple[str, ...]:
        rows = [row for row in self.rows if row.job.method == method]
        exact = sum(row.bound is not None and row.bound.status in (Status.EXACT, Status.CLOSED) for row in rows)
        refused = sum(row.outcome is Outcome.REFUSED for row in rows)
        ratios = [row.ratio for row in rows if row.ratio is not None and row.job.side != "exact"]
        spread = (f"{statistics.median(ratios):.4g}", f"{max(ratios):.4g}") if ratios else ("", "")
        counts = (len(rows), exact, sum(row.limited for row in rows), refused, sum(row.failed for row in rows))
        seconds = sum(row.bound.seconds for row in rows if row.bound is not None)
        return (method, *map(str, counts), *spread, f"{seconds:.2f}")


_SHOWN = 10


def _described(row: CampaignRow) -> str:
    job = row.job
    why = row.error or row.wrong or (row.bound is not None and row.bound.stats.get("failure")) or "it gave up"
    return f"FAILED {job.network_name}, {job.domain_name}, p = {job.norm}, {job.method}: {why}"


class InterruptedCampaign(Interrupted):
    """Ctrl-C during a campaign.

    Attributes
    ----------
    campaign
        The rows so far, all of them in the store; the same call goes on from there.
    bound
        [0, inf]: a campaign is about many networks.
    """

    def __init__(self, campaign: Campaign) -> None:
        super().__init__(Bound(method="campaign", status=Status.INTERRUPTED))
        self.campaign = campaign


def rows_of(answers: Iterable[tuple[Job, Answer]]) -> tuple[CampaignRow, ...]:
    """The rows, each held to what the others about the same question have proved."""
    pairs = [(job, answer, _bound(answer)) for job, answer in answers]
    problems: dict[tuple[str, str], list[Bound]] = {}
    for job, _, bound in pairs:
        if bound is not None:
            problems.setdefault(_problem(job), []).append(bound)
    rows = []
    for job, answer, bound in pairs:
        about = problems.get(_problem(job), [])
        ratio = None if bound is None else _ratio(job, bound, about)
        wrong = "" if bound is None else _contradiction(bound, about)
        rows.append(CampaignRow(job, answer.outcome, bound, answer.error, ratio, wrong))
    return tuple(rows)


def _bound(answer: Answer) -> Bound | None:
    return None if answer.record is None else Bound.from_dict(answer.record)


def _problem(job: Job) -> tuple[str, str]:
    return job.network.digest, job.place


def _ratio(job: Job, bound: Bound, about: list[Bound]) -> float | None:
    """Against the far end of the exact value: rounded to the side on which the method looks no better than it is."""
    exact = next((other for other in about if other.status is Status.EXACT), None)
    if exact is None:
        return None
    value, truth = (bound.lower, exact.upper) if job.side == "lower" else (bound.upper, exact.lower)
    return value / truth if truth > 0 else 1.0 if value == 0 else math.inf


def _contradiction(bound: Bound, about: list[Bound]) -> str:
    """What others have proved against a side that promises to hold: with at least its rigor, else they are in doubt."""
    least, most = max(bound.upper_rigor, Rigor.ROUNDED), max(bound.lower_rigor, Rigor.ROUNDED)
    lower = max((other.lower for other in about if other.lower_rigor >= least), default=0.0)
    upper = min((other.upper for other in about if other.upper_rigor >= most), default=math.inf)
    if bound.upper < lower and bound.upper_rigor >= Rigor.ROUNDED:
        return f"UNSOUND: upper {bound.upper!r} is below {lower!r}, a lower bound that another method has proved"
    if bound.lower > upper and bound.lower_rigor >= Rigor.ROUNDED:
        return f"UNSOUND: lower {bound.lower!r} is above {upper!r}, an upper bound that another method has proved"
    return ""
