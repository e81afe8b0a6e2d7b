"""Is an estimator really a bound? `audit` and `assert_sound` hold it to the exact constant."""

from __future__ import annotations

import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, get_args

from hypothesis import strategies as st

from lipverify.domain import Domain, Everywhere
from lipverify.errors import InvalidArgument, InvalidDomain
from lipverify.fanout import check_workers
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Method, Problem
from lipverify.readers import as_network
from lipverify.testing.campaign import Cube, End, Kind, Observation, Plan, Round, Survey, Where, sizes
from lipverify.testing.estimators import AuditSide, Estimator, as_estimator, claim, name_of
from lipverify.testing.families import hard_networks
from lipverify.testing.findings import Counterexample, Failure, InterruptedAudit, Report, Unsound
from lipverify.testing.shards import firsts, greatest, smallest, surveys
from lipverify.testing.snippets import failure_snippet, lower_snippet, upper_snippet
from lipverify.testing.verdicts import Verdict, judge, truth
from lipverify.testing.witness import steepest_pair

OWN = "own"


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
    jobs: int | None = None,
    cluster: str | None = None,
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
    jobs
        Processes; None for one per core where the work is worth it. What cannot be pickled runs in this one.
    cluster
        The workers of a dask scheduler instead, "tcp://HOST:PORT", or of one started here, "local:N".
    on_progress
        Called now and then with the number of networks asked so far, and of the kinds of findings.

    Returns
    -------
    Report
        `.ok`, `.greatest` (the violation by the greatest factor) and `.counterexample` (the smallest network with one),
        each with a program that proves it, `.failures`, `.tightness`, `.text()`.

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
    _check(max_examples, jobs, cluster)
    fixed = (*hard_networks(), *((OWN, as_network(net)) for net in own))
    numbers = sizes(max_examples)
    found: dict[int, Survey] = {}
    parts: list[Survey] = []
    best: dict[Kind, Observation] = {}
    try:
        for place, part in surveys(plan, fixed, numbers, jobs, cluster):
            found[place] = part
            parts = [found[k] for k in sorted(found)]
            best = firsts(parts)
            if on_progress is not None:
                on_progress(sum(len(part.samples) for part in parts), len(best))
            if part.end is End.INTERRUPTED:
                raise KeyboardInterrupt
        best = smallest(plan, parts, numbers, jobs, cluster)
        worst = greatest(plan, parts, best, small=True)
    except KeyboardInterrupt as stop:
        worst = greatest(plan, parts, best, small=False)
        report = _report(plan, parts, best, worst, domain, time.monotonic() - started, End.INTERRUPTED)
        raise InterruptedAudit(report) from stop
    ends = [part.end for part in parts if part.end is not End.COMPLETE]
    return _report(plan, parts, best, worst, domain, time.monotonic() - started, *ends[:1])


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


def _check(max_examples: int, jobs: int | None, cluster: str | None) -> None:
    if isinstance(max_examples, bool) or not isinstance(max_examples, int) or max_examples < 0:
        raise InvalidArgument(f"max_examples must be an integer ≥ 0; got {max_examples!r}")
    check_workers(1 if jobs is None else jobs, cluster)


def _report(
    plan: Plan,
    parts: Sequence[Survey],
    examples: dict[Kind, Observation],
    worst: Observation | None,
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
    violations = [seen for seen in examples.values() if seen.verdict is Verdict.VIOLATION]
    failures = [seen for seen in examples.values() if seen.verdict is not Verdict.VIOLATION]
    wrong = Counter(sample.family for sample in samples if sample.kind[0] is Verdict.VIOLATION)
    times = [sample.seconds for sample in samples if sample.seconds]
    return Report(
        estimator=name_of(plan.estimator),
        side=plan.side,
        p=plan.norm,
        domain=_describe(domain),
        rtol=plan.rtol,
        seed=plan.seed,
        examples=len(samples),
        greatest=None if worst is None else _counterexample(plan, worst),
        counterexample=_counterexample(plan, violations[0]) if violations else None,
        failures=tuple(_failure(plan, seen, kinds[seen.kind]) for seen in failures),
        counts={verdict: verdicts[verdict] for verdict in Verdict},
        ratios={family: tuple(values) for family, values in sorted(ratios.items())},
        wrong=dict(sorted(wrong.items())),
        zeros=(len(zeros), sum(zeros)),
        seconds=seconds,
        call_seconds=statistics.median(times) if times else 0.0,
        end=end,
        lost=sum(part.lost for part in parts),
    )


def _describe(where: Where) -> str:
    if where is None or isinstance(where, (Domain, Cube, Round)):
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
        return Counterexample(seen.network, seen.domain, norm, claimed, known, pair, snippet, exact, seen.excess)
    claimed, known = seen.claim.lower, exact.upper
    snippet = lower_snippet(name, seen.network, seen.domain, norm, claimed)
    return Counterexample(seen.network, seen.domain, norm, claimed, known, None, snippet, exact, seen.excess)


def _failure(plan: Plan, seen: Observation, count: int) -> Failure:
    snippet = failure_snippet(name_of(plan.estimator), seen.network, seen.domain, plan.norm, seen.message)
    return Failure(seen.verdict, seen.message, count, seen.network, seen.domain, snippet)
