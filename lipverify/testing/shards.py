"""The questions of an audit dealt out: the fixed ones here, random ones in shards, findings made small.

Every shard is a Hypothesis run with a seed of its own, so the answer does not depend on the number of processes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import partial

from lipverify.errors import WorkerLost
from lipverify.fanout import fan_out
from lipverify.network import Network
from lipverify.testing.campaign import (
    End,
    Kind,
    Observation,
    OutOfTime,
    Plan,
    Recorder,
    Survey,
    ended,
    fixed_questions,
    greater,
    observe,
    shrink,
    survey,
)
from lipverify.testing.reduction import reduced
from lipverify.testing.verdicts import FINDINGS, Verdict
from lipverify.watch import listening

_WORTH = 3.0  # seconds of work that are worth starting processes for
_KINDS = 6  # kinds of findings that are shrunk
_PATIENCE = 60.0  # seconds in which parts are taken away: an estimator may be slow, or hang


def surveys(
    plan: Plan,
    fixed: tuple[tuple[str, Network], ...],
    numbers: Sequence[int],
    jobs: int | None,
    cluster: str | None = None,
) -> Iterator[tuple[int, Survey]]:
    """What is asked, with its place: the fixed networks, then the shards of random ones as they are done.

    A shard whose processes end again and again costs its own questions, and not the others'.
    """
    started = time.monotonic()
    first = _survey_fixed(plan, fixed)
    yield 0, first
    worth = (time.monotonic() - started) / max(1, len(first.samples)) * sum(numbers) > _WORTH
    tasks = [partial(survey, plan, k, n) for k, n in enumerate(numbers)]

    def lost(shard: int, error: WorkerLost) -> Survey:
        return Survey((), (), End.LOST, lost=numbers[shard])

    with closing(fan_out(tasks, jobs=_processes(jobs, cluster, worth), cluster=cluster, lost=lost)) as done:
        for shard, part in done:
            yield shard + 1, part


def _survey_fixed(plan: Plan, fixed: tuple[tuple[str, Network], ...]) -> Survey:
    recorder = Recorder(plan.side)

    def work() -> None:
        for question in fixed_questions(plan, fixed):
            if time.monotonic() > plan.deadline:
                raise OutOfTime
            recorder.add(observe(plan, *question, again=True))

    return recorder.survey(ended(work))


def _processes(jobs: int | None, cluster: str | None, worth: bool = True) -> int:
    """Those that are asked for; else one per core, where it is worth it."""
    return jobs or (os.cpu_count() or 1 if worth and cluster is None else 1)


def firsts(parts: Sequence[Survey]) -> dict[Kind, Observation]:
    """For every kind of finding its first example."""
    found: dict[Kind, Observation] = {}
    for part in parts:
        for seen in part.firsts:
            found.setdefault(seen.kind, seen)
    return found


def smallest(
    plan: Plan, parts: Sequence[Survey], numbers: Sequence[int], jobs: int | None, cluster: str | None = None
) -> dict[Kind, Observation]:
    """For every kind of finding its smallest example: one as given, or one that Hypothesis shrinks."""
    best = firsts(parts)
    homes: dict[Kind, int] = {}
    for shard, part in enumerate(parts[1:]):
        for seen in part.firsts:
            homes.setdefault(seen.kind, shard)
    ordered = sorted(homes, key=lambda kind: FINDINGS.index(kind[0]))[:_KINDS]
    work = [partial(shrink, plan, homes[kind], numbers[homes[kind]], kind) for kind in ordered]
    for place, seen in fan_out(work, jobs=_processes(jobs, cluster), cluster=cluster, lost=_as_given) if work else ():
        kind = ordered[place]
        if seen is not None and seen.size < best[kind].size:
            best[kind] = seen
    return {kind: _reduce(plan, seen) for kind, seen in best.items()}


def _as_given(place: int, error: WorkerLost) -> None:
    """An example that nobody could make smaller stays as it is."""


def greatest(plan: Plan, parts: Sequence[Survey], best: dict[Kind, Observation], *, small: bool) -> Observation | None:
    """The greatest violation of all, made small if so wanted: without becoming less of one."""
    found: Observation | None = None
    for seen in (*(part.greatest for part in parts), best.get((Verdict.VIOLATION, ""))):
        found = greater(found, seen)
    return _reduce(plan, found, found.excess) if found is not None and small else found


def _reduce(plan: Plan, seen: Observation, least: float = 1.0) -> Observation:
    """A finding with parts of its network taken away; a violation stays one by the least factor."""

    def ask(net: Network) -> Observation:
        return observe(plan, seen.family, net, seen.domain, again=seen.verdict is Verdict.UNSTABLE)

    def alike(other: Observation) -> bool:
        return other.kind == seen.kind and other.excess >= least

    deadline = min(plan.deadline, time.monotonic() + _PATIENCE)

    def shows(net: Network) -> bool:
        return time.monotonic() < deadline and alike(ask(net))

    with listening():
        net = reduced(seen.network, seen.domain, shows)
        last = ask(net)
    return last if alike(last) else seen
