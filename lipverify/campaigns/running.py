"""The verb: every question of a specification asked once, and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lipverify.campaigns.jobs import Job, lost
from lipverify.campaigns.results import Campaign, InterruptedCampaign, rows_of
from lipverify.campaigns.spec import read_spec
from lipverify.campaigns.store import Store
from lipverify.fanout import check_workers, fan_out


@dataclass(frozen=True)
class Progress:
    """How far a campaign is.

    Attributes
    ----------
    done, total, failed
        Rows, those from the store included.
    job
        The question that was answered last.
    """

    done: int
    total: int
    failed: int
    job: Job

    def __str__(self) -> str:
        failed = f", {self.failed} failed" if self.failed else ""
        asked = f"{self.job.network_name}, {self.job.domain_name}, p = {self.job.norm}, {self.job.method}"
        return f"{self.done} of {self.total} rows{failed}: {asked}"


OnProgress: TypeAlias = Callable[[Progress], Any]


def campaign(
    spec: str | Path | Mapping[str, Any],
    *,
    store: str | Path,
    jobs: int = 1,
    cluster: str | None = None,
    on_progress: OnProgress | None = None,
) -> Campaign:
    """Ask every method about every network, domain and norm of a specification, and keep each answer.

    Parameters
    ----------
    spec
        The path of a .toml file, the name of a specification that comes along, or its content as a mapping, in which
        networks and domains may be objects as well.
    store
        The file of answers, made when it is not there. What it knows is not asked again: after a crash, a kill or
        Ctrl-C the same call goes on. A row that failed, or was stopped by its time limit, is an answer too.
    jobs, cluster
        Who does the work, as for `lipverify.exact` on many domains. Only this process writes to the store.
    on_progress
        Called with a `Progress` after every row; a true return value stops.

    Returns
    -------
    Campaign
        The rows in the order of the specification, with `.table()`, `.to_csv()`, `.to_dict()` and `.to_frame()`.

    Raises
    ------
    InvalidArgument
        For a specification with an entry that means nothing, which is named, and for a file that is no store, or a
        damaged one, which is left as it is.
    LipverifyError
        When the store cannot be written: a full disk, a folder that is read-only. What was written before is kept.
    InterruptedCampaign
        On Ctrl-C; it carries the rows so far.
    """
    check_workers(jobs, cluster)
    asked = read_spec(spec)
    with Store(store) as kept:
        answers = kept.answers()
        left = [job for job in asked.jobs if job.key not in answers]
        found = len(asked.jobs) - len(left)

        def rows() -> Campaign:
            known = ((job, answers[job.key]) for job in asked.jobs if job.key in answers)
            return Campaign(asked.name, rows_of(known), len(asked.jobs), found)

        if left:
            kept.require_writable()
        failed = sum(answers[job.key].failed for job in asked.jobs if job.key in answers)
        done = found
        try:
            with closing(fan_out(left, jobs=jobs, cluster=cluster, lost=lambda place, error: lost(error))) as values:
                for place, answer in values:
                    kept.add(left[place], answer)
                    answers[left[place].key] = answer
                    done, failed = done + 1, failed + answer.failed
                    if on_progress is not None and on_progress(Progress(done, len(asked.jobs), failed, left[place])):
                        break
        except KeyboardInterrupt as stop:
            raise InterruptedCampaign(rows()) from stop
        return rows()
