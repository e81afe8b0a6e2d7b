"""Is an estimator really a bound? `audit` and `assert_sound` hold it to the exact constant."""

from __future__ import annotations

import math
import os
import pickle
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, cast, get_args

import cloudpickle
from hypothesis import strategies as st
from joblib import Parallel, delayed

from lipverify.domain import Domain, Everywhere
from lipverify.errors import InvalidArgument, InvalidDomain
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Method, Problem
from lipverify.readers import as_network
from lipverify.testing.campaign import (
    Cube,
    End,
    Kind,
    Observation,
    OutOfTime,
    Plan,
    Recorder,
    Survey,
    Where,
    ended,
    fixed_questions,
    observe,
    shrink,
    survey,
)
from lipverify.testing.estimators import AuditSide, Estimator, as_estimator, claim, name_of
from lipverify.testing.families import hard_networks
from lipverify.testing.findings import Counterexample, Failure, InterruptedAudit, Report, Unsound
from lipverify.testing.reduction import reduced
from lipverify.testing.snippets import failure_snippet, lower_snippet, upper_snippet
from lipverify.testing.verdicts import FINDINGS, Verdict, judge, truth
from lipverify.testing.witness import steepest_pair

T = TypeVar("T")

SHARD = 100  # questions to a Hypothesis run: a constant, so that the number of processes changes no result
OWN = "own"
_WORTH = 3.0  # seconds of work that are worth starting processes for
_KINDS = 6  # kinds of findings that are shrunk
_PATIENCE = 60.0  # seconds in which parts are taken away: an estimator may be slow, or hang


def audit(
    estimator: Estimator | Method | str,
    *,
    side: AuditSide = "upper",
    p: Any = 2,
    domain: Where = None,
    max_examples: int = 200,
    seed: int = 0,
    rtol: float = 1e-9,
    networks: st.SearchStrategy[Network] | None = None,
    own: Sequence[Any] = (),
    time_limit: float | None = None,
    workers: int | None = None,
    on_progress: Callable[[int, int], Any] | None = None,
) -> Report:
    """Hold an estimator to the exact constant on random networks, known-hard ones, and your own.

    Parameters
    ----------
    estimator
        A callable `estimator(net, *, p, domain) -> float | Bound`, a method object, `"package.module:function"`,
        or the name of a method of the catalogue.
    side
        "upper" or "lower": what it bounds; "both" for an exact solver.
    p
        1, 2, inf or a pair, as everywhere.
    domain
        None for the whole space, a domain, a Hypothesis strategy for domains, or a function from the number
        of inputs to either, such as `lipverify.testing.domains`.
    max_examples
        How many random networks, besides about twenty that are known to be hard.
    seed
        Of every random choice; the report does not depend on the number of processes.
    rtol
        A claim below exact·(1 − rtol) is a violation, one in between counts as rounding.
    networks
        A strategy for networks; None for `lipverify.testing.networks()`.
    own
        Networks, torch modules or paths to be asked about as well. Their constants are enumerated, so they
        must be small.
    time_limit
        Seconds; the report then speaks of what was asked by then.
    workers
        Processes; None for one per core where the work is worth it. What cannot be pickled runs in this one.
    on_progress
        Called now and then with the number of networks asked so far, and of the kinds of findings.

    Returns
    -------
    Report
        `.ok`, `.counterexample` (shrunk, with a program that proves it), `.failures`, `.tightness`, `.text()`.

    Raises
    ------
    InvalidArgument, InvalidDomain, UnsupportedNorm
        For questions that make no sense. What the estimator raises is a finding, and does not end the audit;
        NotImplementedError (and so lipverify's Unsupported…) counts as a refusal. An estimator that may end
        its process, or hang, is audited as `Isolated(estimator, call_limit=…)`.
    InterruptedAudit
        On Ctrl-C; it carries the report on what was asked by then.
    """
    started = time.monotonic()
    plan = _plan(estimator, side, p, domain, rtol, networks, seed, time_limit)
    _check(max_examples, workers)
    fixed = (*hard_networks(), *((OWN, as_network(net)) for net in own))
    jobs = [min(SHARD, max_examples - done) for done in range(0, max_examples, SHARD)]
    parts: list[Survey] = []
    best: dict[Kind, Observation] = {}
    try:
        for part in _surveys(plan, fixed, jobs, workers):
            parts.append(part)
            best = _firsts(parts)
            if on_progress is not None:
                on_progress(sum(len(part.samples) for part in parts), len(best))
            if part.end is End.INTERRUPTED:
                raise KeyboardInterrupt
        best = _smallest(plan, parts, jobs, workers)
    except KeyboardInterrupt as stop:
        report = _report(plan, parts, best, domain, time.monotonic() - started, End.INTERRUPTED)
        raise InterruptedAudit(report) from stop
    ends = [part.end for part in parts if part.end is not End.COMPLETE]
    return _report(plan, parts, best, domain, time.monotonic() - started, *ends[:1])


def assert_sound(
    estimator: Estimator | Method | str,
    net: Any,
    *,
    side: AuditSide = "upper",
    p: Any = 2,
    domain: Domain | None = None,
    rtol: float = 1e-9,
) -> None:
    """Raise `Unsound`, an AssertionError, unless the estimator keeps its promise on one network.

    For a test suite of one's own, under pytest, unittest, or none; with Hypothesis it shrinks:

        @given(lipverify.testing.networks())
        def test_mine(net):
            assert_sound(mine, net)

    Parameters are those of `audit`. The network's constant is enumerated, so it must be small. Rounding (by
    less than rtol) is forgiven; exceptions of the estimator pass through as they are.
    """
    plan = _plan(estimator, side, p, domain, rtol, None, 0, None)
    network = as_network(net)
    where = Problem(network, plan.norm, Everywhere() if domain is None else domain).domain
    said = claim(plan.estimator, network, plan.norm, where, side)
    exact = truth(network, plan.norm, where)
    verdict = judge(said, exact, plan.rtol)
    if verdict is Verdict.VIOLATION:
        example = _counterexample(plan, Observation("", network, where, verdict, "", said, exact))
        raise Unsound(f"{name_of(plan.estimator)}: {example}\n\n{example.snippet}", verdict, example)
    if verdict is Verdict.NAN:
        raise Unsound(f"{name_of(plan.estimator)} says {said} on {network!r}", verdict, None)


def _plan(
    estimator: Any,
    side: AuditSide,
    p: Any,
    domain: Where,
    rtol: float,
    networks: st.SearchStrategy[Network] | None,
    seed: int,
    time_limit: float | None,
) -> Plan:
    if side not in get_args(AuditSide):
        raise InvalidArgument(f"side must be one of {', '.join(get_args(AuditSide))}; got {side!r}")
    if not (isinstance(rtol, (int, float)) and 0 <= rtol < 1):
        raise InvalidArgument(f"rtol must be a number in [0, 1); got {rtol!r}")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InvalidArgument(f"seed must be an integer ≥ 0; got {seed!r}")
    if time_limit is not None and not (isinstance(time_limit, (int, float)) and time_limit >= 0):
        raise InvalidArgument(f"time_limit must be a number of seconds ≥ 0, or None; got {time_limit!r}")
    if not (domain is None or isinstance(domain, (Domain, st.SearchStrategy)) or callable(domain)):
        raise InvalidDomain(
            f"domain must be a domain, a strategy, a function of the dimension, or None; got {domain!r}"
        )
    if not (networks is None or isinstance(networks, st.SearchStrategy)):
        raise InvalidArgument(f"networks must be a Hypothesis strategy or None; got {networks!r}")
    deadline = math.inf if time_limit is None else time.monotonic() + time_limit
    return Plan(as_estimator(estimator), side, norm_pair(p), float(rtol), networks, domain, seed, deadline)


def _check(max_examples: int, workers: int | None) -> None:
    for name, value, least in (("max_examples", max_examples, 0), ("workers", 1 if workers is None else workers, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InvalidArgument(f"{name} must be an integer ≥ {least}; got {value!r}")


def _surveys(
    plan: Plan, fixed: tuple[tuple[str, Network], ...], jobs: Sequence[int], workers: int | None
) -> Iterator[Survey]:
    """What is asked, in order: the fixed networks, then every shard of random ones."""
    started = time.monotonic()
    first = _survey_fixed(plan, fixed)
    yield first
    worth = (time.monotonic() - started) / max(1, len(first.samples)) * sum(jobs) > _WORTH
    count = workers or (_cores() if worth else 1)
    yield from _each(count, [partial(survey, plan, k, n) for k, n in enumerate(jobs)])


def _survey_fixed(plan: Plan, fixed: tuple[tuple[str, Network], ...]) -> Survey:
    recorder = Recorder(plan.side)

    def work() -> None:
        for question in fixed_questions(plan, fixed):
            if time.monotonic() > plan.deadline:
                raise OutOfTime
            recorder.add(observe(plan, *question, again=True))

    return recorder.survey(ended(work))


def _cores() -> int:
    return os.cpu_count() or 1


def _each(workers: int, jobs: Sequence[Callable[[], T]]) -> Iterator[T]:
    """The jobs' results, in order: the same for every number of processes."""
    if workers > 1 and len(jobs) > 1 and _travels(jobs[0]):
        count = min(workers, len(jobs))
        pool = Parallel(n_jobs=count, backend="loky", return_as="generator")
        yield from cast("Iterator[T]", pool(delayed(job)() for job in jobs))
    else:
        yield from (job() for job in jobs)


def _travels(job: Callable[[], Any]) -> bool:
    """Whether another process can do it: an estimator or a strategy that cannot be pickled stays here."""
    try:
        cloudpickle.dumps(job)
    except (pickle.PicklingError, TypeError):
        return False
    return True


def _firsts(parts: Sequence[Survey]) -> dict[Kind, Observation]:
    """For every kind of finding its first example."""
    firsts: dict[Kind, Observation] = {}
    for part in parts:
        for seen in part.firsts:
            firsts.setdefault(seen.kind, seen)
    return firsts


def _smallest(plan: Plan, parts: Sequence[Survey], jobs: Sequence[int], workers: int | None) -> dict[Kind, Observation]:
    """For every kind of finding its smallest example: one as given, or one that Hypothesis shrinks."""
    best = _firsts(parts)
    homes: dict[Kind, int] = {}
    for shard, part in enumerate(parts[1:]):
        for seen in part.firsts:
            homes.setdefault(seen.kind, shard)
    ordered = sorted(homes, key=lambda kind: FINDINGS.index(kind[0]))[:_KINDS]
    work = [partial(shrink, plan, homes[kind], jobs[homes[kind]], kind) for kind in ordered]
    for kind, seen in zip(ordered, _each(workers or _cores(), work), strict=True):
        if seen is not None and seen.size < best[kind].size:
            best[kind] = seen
    return {kind: _reduce(plan, seen) for kind, seen in best.items()}


def _reduce(plan: Plan, seen: Observation) -> Observation:
    """A finding with parts of its network taken away."""

    def ask(net: Network) -> Observation:
        return observe(plan, seen.family, net, seen.domain, again=seen.verdict is Verdict.UNSTABLE)

    deadline = min(plan.deadline, time.monotonic() + _PATIENCE)

    def shows(net: Network) -> bool:
        return time.monotonic() < deadline and ask(net).kind == seen.kind

    net = reduced(seen.network, seen.domain, shows)
    last = ask(net)
    return last if last.kind == seen.kind else seen


def _report(
    plan: Plan,
    parts: Sequence[Survey],
    smallest: dict[Kind, Observation],
    domain: Where,
    seconds: float,
    end: End = End.COMPLETE,
) -> Report:
    samples = [sample for part in parts for sample in part.samples]
    kinds = Counter(sample.kind for sample in samples)
    verdicts = Counter(sample.kind[0] for sample in samples)
    ratios: dict[str, list[float]] = {}
    for sample in samples:
        if sample.ratio is not None:
            ratios.setdefault(sample.family, []).append(sample.ratio)
    zeros = [sample.zero for sample in samples if sample.zero is not None]
    violations = [seen for seen in smallest.values() if seen.verdict is Verdict.VIOLATION]
    failures = [seen for seen in smallest.values() if seen.verdict is not Verdict.VIOLATION]
    times = [sample.seconds for sample in samples if sample.seconds]
    return Report(
        estimator=name_of(plan.estimator),
        side=plan.side,
        p=plan.norm,
        domain=_describe(domain),
        rtol=plan.rtol,
        seed=plan.seed,
        examples=len(samples),
        counterexample=_counterexample(plan, violations[0]) if violations else None,
        failures=tuple(_failure(plan, seen, kinds[seen.kind]) for seen in failures),
        counts={verdict: verdicts[verdict] for verdict in Verdict},
        ratios={family: tuple(values) for family, values in sorted(ratios.items())},
        zeros=(len(zeros), sum(zeros)),
        seconds=seconds,
        call_seconds=statistics.median(times) if times else 0.0,
        end=end,
    )


def _describe(where: Where) -> str:
    if where is None or isinstance(where, (Domain, Cube)):
        return str(Everywhere() if where is None else where)
    return "random domains"


def _counterexample(plan: Plan, seen: Observation) -> Counterexample:
    assert seen.claim is not None
    assert seen.exact is not None
    name, norm, exact = name_of(plan.estimator), plan.norm, seen.exact
    if seen.claim.upper < exact.upper:
        claimed, known = seen.claim.upper, exact.lower
        pair = steepest_pair(seen.network, norm, seen.domain, exact)
        assert pair is not None
        snippet = upper_snippet(name, seen.network, seen.domain, norm, claimed, pair)
        return Counterexample(seen.network, seen.domain, norm, claimed, known, pair, snippet, exact)
    claimed, known = seen.claim.lower, exact.upper
    snippet = lower_snippet(name, seen.network, seen.domain, norm, claimed)
    return Counterexample(seen.network, seen.domain, norm, claimed, known, None, snippet, exact)


def _failure(plan: Plan, seen: Observation, count: int) -> Failure:
    snippet = failure_snippet(name_of(plan.estimator), seen.network, seen.domain, plan.norm, seen.message)
    return Failure(seen.verdict, seen.message, count, seen.network, seen.domain, snippet)
