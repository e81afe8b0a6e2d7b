"""The verbs: exact, upper, lower. What they are asked, checked and put to a method (`driver`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from lipverify.batches import Batch, each
from lipverify.bound import Bound
from lipverify.catalogue import expect_more, write_program
from lipverify.domain import Domain, domain_of
from lipverify.driver import Progress, budget_of, certified, drive
from lipverify.errors import Interrupted, InvalidArgument
from lipverify.fanout import Team
from lipverify.fixed_inputs import restrict
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Method, Problem
from lipverify.progress import narrated
from lipverify.readers import as_network
from lipverify.solvers.branch_and_bound.checkpoint import Checkpoint

if TYPE_CHECKING:
    from lipverify.readers import Model

Domains: TypeAlias = list[Any] | tuple[Any, ...]
"""Many domains, or errors in place of those that could not be read."""

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


def write_model(net: Model, path: str | Path, *, p: Any = 2, domain: Domain | None = None) -> None:
    """Write the mixed-integer program that method "milp" solves to a .lp or .mps file, with a legend.

    Raises
    ------
    InvalidArgument
        For another ending, and otherwise as for `exact`.
    """
    where = restrict(as_network(net), domain_of(domain))
    write_program(Problem(where.network, norm_pair(p), where.domain), Path(path))


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
