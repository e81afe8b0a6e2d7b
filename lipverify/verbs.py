"""The verbs: exact, upper, lower, regions. A verb owns the problem, the budget and the output."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from lipverify.arrays import Pattern, Point
from lipverify.batches import Batch, each
from lipverify.bound import Bound, Status
from lipverify.catalogue import expect_more, resolve, write_program
from lipverify.domain import Domain, Everywhere
from lipverify.errors import Interrupted, InvalidArgument, InvalidDomain, WorkerLost
from lipverify.evaluate import forward_exact, jacobian_exact
from lipverify.fanout import ALONE, Team
from lipverify.fixed_inputs import Restriction, restrict
from lipverify.geometry.walk import Walk
from lipverify.network import Lowering, Network
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Method, Problem, Side, require_supported
from lipverify.progress import narrated
from lipverify.rationals import entries, fraction
from lipverify.readers import as_network
from lipverify.solvers.branch_and_bound.checkpoint import Checkpoint
from lipverify.threads import single_threaded
from lipverify.watch import OutOfTime, listening, tick, until

if TYPE_CHECKING:
    from lipverify.readers import Model

Progress: TypeAlias = Callable[[Bound], Any]
Domains: TypeAlias = list[Any] | tuple[Any, ...]
"""Many domains, or errors in place of those that could not be read."""

_PROGRESS_EVERY = 0.1  # seconds
_LONG = 0.5  # seconds of a batch, after which loading compiled code for the rest of it is worth a core's second


@overload
def exact(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    rel_gap: float = 0,
    certify: bool = False,
    verbose: bool = False,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    memory: float | None = None,
) -> Bound: ...
@overload
def exact(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domains,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    rel_gap: float = 0,
    certify: bool = False,
    verbose: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    memory: float | None = None,
) -> Batch: ...
def exact(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | Domains | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    rel_gap: float = 0,
    certify: bool = False,
    verbose: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    memory: float | None = None,
) -> Bound | Batch:
    """The exact Lipschitz constant, or the interval proved when the budget ends first.

    Parameters
    ----------
    net
        A Network, a torch module, or the path of a model file.
    method
        A name of `lipverify.methods()`, "auto", or a method object.
    p
        1, 2 or inf for the same norm on both sides, or a pair (p_in, q_out).
    domain
        Everywhere (None), Box, Polytope or Ball. A list of domains gives a `Batch`: a row for each, with a bound or an
        error; the time limit is that of one row.
    time_limit
        Seconds, or None. When it ends the result is a valid interval with status TIME_LIMIT.
    seed
        Of every random choice; it never changes an exact result.
    on_progress
        Called with a valid Bound now and then; a true return value stops (status INTERRUPTED).
    rel_gap
        Stop as soon as upper ≤ (1 + rel_gap)·lower, with status CLOSED.
    certify
        Prove both sides and leave the proof in `bound.certificate`, for `lipverify.check`. With a time limit the method
        has half of it; the upper side is what could be proved by the end of the other half.
    verbose
        Show on stderr what is going on.
    jobs
        So many processes share the work: the rows of a list of domains, or the parts of one search by enumeration or
        branch and bound. Constants are the same for every number. The proof of `certify` is written by this process.
    cluster
        The same with the workers of a dask scheduler, "tcp://HOST:PORT", or of one started here, "local:N".
    checkpoint
        A file in which branch and bound writes its search down, now and then and at the end: after a crash `resume`
        goes on from there. It is bound to network, norm and domain; a file that is there is only taken to resume from.
    resume
        Go on from the checkpoint; from the beginning where it is not there yet.
    memory
        Bytes that this process (each, with `jobs`) may have, or None. Beyond them branch and bound goes on depth first
        and keeps open nodes as signs alone, which is slower; enumeration has a few regions at a time anyway.

    Raises
    ------
    UnsupportedNorm, UnsupportedDomain, InvalidArgument, InvalidDomain, InvalidNetwork, UnsupportedLayer
        For problems that are not well posed or not supported.
    Interrupted
        On Ctrl-C; it carries the interval proved so far as `.bound`.

    References
    ----------
    Scaman & Virmaux, "Lipschitz regularity of deep neural networks", NeurIPS 2018, arXiv:1805.10965:
    computing this number is NP-hard already for two layers.
    """
    if verbose:
        with narrated(verbose, on_progress) as told:
            more: dict[str, Any] = {"time_limit": time_limit, "seed": seed, "on_progress": told}
            more |= {"jobs": jobs, "cluster": cluster, "checkpoint": checkpoint, "resume": resume, "memory": memory}
            return exact(net, method, p=p, domain=domain, rel_gap=rel_gap, certify=certify, **more)
    saved = _checkpoint(checkpoint, resume)
    team = Team(jobs, cluster)
    if isinstance(domain, (list, tuple)):
        if saved is not None:
            raise InvalidArgument("a checkpoint is that of one search; these are many domains")
        options: dict[str, Any] = {"p": p, "time_limit": time_limit, "seed": seed, "memory": memory}
        call: Callable[..., Any] = partial(
            _row, as_network(net), method, time.monotonic(), rel_gap=rel_gap, certify=certify, **options
        )
        return each(call, domain, on_progress=on_progress, jobs=jobs, cluster=cluster)
    budget = budget_of(time_limit, seed, rel_gap, memory)
    if not certify:
        return drive(net, method, "exact", p, domain, budget, on_progress, saved, team)
    network = as_network(net)
    where = restrict(network, domain_of(domain))
    problem = Problem(where.network, norm_pair(p), where.domain)

    def finished(bound: Bound) -> Bound:
        return replace(where.bound(bound), subject="; ".join(filter(None, [bound.subject, where.subject])))

    half = replace(budget, seconds=budget.seconds / 2)
    try:
        bound = drive(where.network, method, "exact", p, where.domain, half, on_progress, saved, team)
        return finished(certified(problem, bound, budget, on_progress))
    except Interrupted as stop:
        if stop.bound.certificate is None:
            stop.bound = certified(problem, stop.bound, replace(budget, seconds=0.0), None)
        stop.bound = finished(stop.bound)
        raise


@overload
def upper(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    verbose: bool = False,
) -> Bound: ...
@overload
def upper(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domains,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    verbose: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
) -> Batch: ...
def upper(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | Domains | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    verbose: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
) -> Bound | Batch:
    """An upper bound of the Lipschitz constant; parameters and errors as for `exact`."""
    with narrated(verbose, on_progress) as told:
        if isinstance(domain, (list, tuple)):
            call: Callable[..., Any] = partial(upper, as_network(net), method, p=p, time_limit=time_limit, seed=seed)
            return each(call, domain, on_progress=told, jobs=jobs, cluster=cluster)
        _require_one(jobs, cluster)
        return drive(net, method, "upper", p, domain, budget_of(time_limit, seed), told)


@overload
def lower(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    verbose: bool = False,
) -> Bound: ...
@overload
def lower(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domains,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    verbose: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
) -> Batch: ...
def lower(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | Domains | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
    verbose: bool = False,
    jobs: int = 1,
    cluster: str | None = None,
) -> Bound | Batch:
    """A lower bound of the Lipschitz constant, with a witness; parameters and errors as for `exact`."""
    with narrated(verbose, on_progress) as told:
        if isinstance(domain, (list, tuple)):
            call: Callable[..., Any] = partial(lower, as_network(net), method, p=p, time_limit=time_limit, seed=seed)
            return each(call, domain, on_progress=told, jobs=jobs, cluster=cluster)
        _require_one(jobs, cluster)
        return drive(net, method, "lower", p, domain, budget_of(time_limit, seed), told)


@dataclass(frozen=True)
class Region:
    """A full-dimensional activation region: f(x) = weight·x + offset on it, exactly.

    Attributes
    ----------
    pattern
        One tuple per hidden layer, True where the neuron is active.
    point
        A rational point in the interior of the region (and of the domain).
    """

    network: Network
    pattern: Pattern
    point: Point

    @cached_property
    def weight(self) -> tuple[Point, ...]:
        """The Jacobian as Fractions, shape (n_K, n_0)."""
        rows = entries(jacobian_exact(self.network, self.pattern))
        return tuple(tuple(fraction(v) for v in row) for row in rows)

    @cached_property
    def offset(self) -> Point:
        """f(point) − weight·point as Fractions, shape (n_K,)."""
        value = forward_exact(self.network, self.point)
        return tuple(
            y - sum((a * x for a, x in zip(row, self.point, strict=True)), Fraction(0))
            for y, row in zip(value, self.weight, strict=True)
        )


def regions(net: Model, domain: Domain | None = None) -> Iterator[Region]:
    """Every activation region whose intersection with the domain has an interior, each once.

    Two regions differ in their pattern. A neuron that is constant on a region counts as active iff it is
    positive, one with equal slopes always.

    Raises
    ------
    InvalidDomain
        When the domain's dimension is not the network's.
    """
    network = as_network(net)
    return _regions(network, restrict(network, domain_of(domain)))


def write_model(net: Model, path: str | Path, *, p: Any = 2, domain: Domain | None = None) -> None:
    """Write the mixed-integer program that method "milp" solves to a .lp or .mps file, with a legend.

    Raises
    ------
    InvalidArgument
        For another ending, and otherwise as for `exact`.
    """
    where = restrict(as_network(net), domain_of(domain))
    write_program(Problem(where.network, norm_pair(p), where.domain), Path(path))


def _regions(network: Network, where: Restriction) -> Iterator[Region]:
    for leaf in Walk(where.network, where.domain).leaves():
        yield Region(network, where.pattern(leaf.pattern), where.point(leaf.point))


def certified(problem: Problem, bound: Bound, budget: Budget, on_progress: Progress | None) -> Bound:
    """The bound with its certificate."""
    from lipverify.certificates.writer import certify

    with listening() as asked:

        def stop() -> bool:
            return asked.stopped or budget.expired or bool(on_progress is not None and on_progress(bound))

        try:
            with single_threaded():
                proved = certify(problem, bound, budget.seed, stop)
        except KeyboardInterrupt as interrupt:
            raise Interrupted(bound) from interrupt
    proved = replace(proved, seconds=time.monotonic() - budget.started)
    if asked.stopped:
        raise Interrupted(proved)
    return proved


def _checkpoint(path: str | Path | None, resume: bool) -> Checkpoint | None:
    if path is None:
        if resume:
            raise InvalidArgument("resume=True goes on from a checkpoint: name the file, checkpoint=…")
        return None
    return Checkpoint(Path(path), resume)


def _require_one(jobs: int, cluster: str | None) -> None:
    """One domain is one task."""
    if jobs != 1 or cluster is not None:
        raise InvalidArgument(
            f"jobs={jobs}, cluster={cluster!r}: these share out many domains, domain=[…]; this is one"
        )


def _row(network: Network, method: str | Method, begun: float, *, p: Any, domain: Domain, **options: Any) -> Bound:
    """A row of a batch that has begun at some time: once it has lasted, compiled code is loaded for the others."""
    bound = exact(network, method, p=p, domain=domain, **options)
    if method == "auto" and time.monotonic() - begun > _LONG:
        where = restrict(network, domain_of(domain))
        expect_more(Problem(where.network, norm_pair(p), where.domain))
    return bound


def budget_of(time_limit: float | None, seed: int, rel_gap: float = 0.0, memory: float | None = None) -> Budget:
    if time_limit is not None and (isinstance(time_limit, bool) or not isinstance(time_limit, (int, float))):
        raise InvalidArgument(f"time_limit must be a number of seconds ≥ 0, or None; got {time_limit!r}")
    if memory is not None and (isinstance(memory, bool) or not isinstance(memory, (int, float))):
        raise InvalidArgument(f"memory must be a number of bytes > 0, or None; got {memory!r}")
    seconds = math.inf if time_limit is None else float(time_limit)
    return Budget(seconds, seed, float(rel_gap), memory=math.inf if memory is None else float(memory))


def domain_of(domain: Domain | None) -> Domain:
    if domain is None:
        return Everywhere()
    if not isinstance(domain, Domain):
        raise InvalidDomain(f"domain must be Everywhere, Box, Polytope, Ball or None; got {domain!r}")
    return domain


def drive(
    net: Model,
    method: str | Method,
    side: Side,
    p: Any,
    domain: Domain | None,
    budget: Budget,
    on_progress: Progress | None,
    checkpoint: Checkpoint | None = None,
    team: Team = ALONE,
) -> Bound:
    """Run a method within a budget, and return its last bound with the reason why it is the last."""
    network = as_network(net)
    where = restrict(network, domain_of(domain))
    problem = Problem(where.network, norm_pair(p), where.domain)
    choice = resolve(method, side, problem, budget, checkpoint, team)
    chosen = choice.method
    require_supported(chosen, problem)
    rounded = f"the float64 network read from {network.source or 'the model'}"
    subject = "; ".join(filter(None, [rounded if network.lowering is Lowering.ROUNDED else "", where.subject]))

    def finished(bound: Bound) -> Bound:
        stats = {**bound.stats, "choice": choice.reason} if choice.reason else bound.stats
        seconds = time.monotonic() - budget.started
        return replace(where.bound(bound), seconds=seconds, subject=subject, stats=stats)

    latest = Bound(method=chosen.name, status=Status.INTERRUPTED)
    reported = -math.inf
    with listening() as asked:
        try:
            with single_threaded(), until(budget.last_call):
                for latest in choice.run(problem, budget):
                    if latest.status is not Status.INTERRUPTED:
                        continue  # the last one: let the method end
                    if 0 < latest.gap <= budget.rel_gap:
                        return finished(latest.stopped(Status.CLOSED))
                    if budget.expired:
                        return finished(latest.stopped(Status.TIME_LIMIT))
                    tick()
                    if on_progress is not None and time.monotonic() - reported > _PROGRESS_EVERY:
                        reported = time.monotonic()
                        if on_progress(finished(latest)):
                            return finished(latest)
        except OutOfTime:
            return finished(latest.stopped(Status.TIME_LIMIT))
        except KeyboardInterrupt as stop:
            raise Interrupted(finished(latest)) from stop
        except MemoryError:
            return finished(replace(latest, status=Status.FAILED, stats={**latest.stats, "failure": "out of memory"}))
        except WorkerLost as lost:
            return finished(replace(latest, status=Status.FAILED, stats={**latest.stats, "failure": str(lost)}))
        except SystemError as error:  # a second Ctrl-C inside of compiled code
            if not asked.stopped:
                raise
            raise Interrupted(finished(latest)) from error
    return finished(latest)
