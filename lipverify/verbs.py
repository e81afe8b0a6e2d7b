"""The verbs: exact, upper, lower, regions. A verb owns the problem, the budget and the output."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lipverify.arrays import Pattern, Point
from lipverify.bound import Bound, Status
from lipverify.catalogue import reason, resolve
from lipverify.contract import bounds_of
from lipverify.domain import Domain, Everywhere
from lipverify.errors import Interrupted, InvalidArgument, InvalidDomain
from lipverify.evaluate import forward_exact, jacobian_exact
from lipverify.geometry.walk import Walk
from lipverify.network import Lowering, Network
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Method, Problem, Side, require_supported
from lipverify.rationals import entries, fraction
from lipverify.readers import as_network
from lipverify.solvers.milp.method import write_program
from lipverify.threads import single_threaded

if TYPE_CHECKING:
    from lipverify.readers import Model

Progress: TypeAlias = Callable[[Bound], Any]

_PROGRESS_EVERY = 0.1  # seconds


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
) -> Bound:
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
        Everywhere (None), Box or Polytope.
    time_limit
        Seconds, or None. When it ends the result is a valid interval with status TIME_LIMIT.
    seed
        Of every random choice; it never changes an exact result.
    on_progress
        Called with a valid Bound now and then; a true return value stops (status INTERRUPTED).
    rel_gap
        Stop as soon as upper ≤ (1 + rel_gap)·lower, with status CLOSED.
    certify
        Ask for a certificate; no method writes one yet.

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
    if certify:
        raise InvalidArgument("certify=True: no method of this version writes certificates")
    budget = _budget(time_limit, seed, rel_gap)
    return _drive(net, method, "exact", p, domain, budget, on_progress)


def upper(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Bound:
    """An upper bound of the Lipschitz constant; parameters and errors as for `exact`."""
    return _drive(net, method, "upper", p, domain, _budget(time_limit, seed), on_progress)


def lower(
    net: Model,
    method: str | Method = "auto",
    *,
    p: Any = 2,
    domain: Domain | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    on_progress: Progress | None = None,
) -> Bound:
    """A lower bound of the Lipschitz constant, with a witness; parameters and errors as for `exact`."""
    return _drive(net, method, "lower", p, domain, _budget(time_limit, seed), on_progress)


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
    problem = Problem(network, norm_pair(1), _domain(domain))
    return _regions(problem)


def write_model(net: Model, path: str | Path, *, p: Any = 2, domain: Domain | None = None) -> None:
    """Write the mixed-integer program that method "milp" solves to a .lp or .mps file, with a legend.

    Raises
    ------
    InvalidArgument
        For another ending, and otherwise as for `exact`.
    """
    write_program(Problem(as_network(net), norm_pair(p), _domain(domain)), Path(path))


def _regions(problem: Problem) -> Iterator[Region]:
    for leaf in Walk(problem.network, problem.domain).leaves():
        yield Region(problem.network, leaf.pattern, leaf.point)


def _budget(time_limit: float | None, seed: int, rel_gap: float = 0.0) -> Budget:
    if time_limit is not None and (isinstance(time_limit, bool) or not isinstance(time_limit, (int, float))):
        raise InvalidArgument(f"time_limit must be a number of seconds ≥ 0, or None; got {time_limit!r}")
    return Budget(math.inf if time_limit is None else float(time_limit), seed, float(rel_gap))


def _domain(domain: Domain | None) -> Domain:
    if domain is None:
        return Everywhere()
    if not isinstance(domain, Domain):
        raise InvalidDomain(f"domain must be Everywhere, Box, Polytope or None; got {domain!r}")
    return domain


def _drive(
    net: Model,
    method: str | Method,
    side: Side,
    p: Any,
    domain: Domain | None,
    budget: Budget,
    on_progress: Progress | None,
) -> Bound:
    """Run a method within a budget, and return its last bound with the reason why it is the last."""
    network = as_network(net)
    problem = Problem(network, norm_pair(p), _domain(domain))
    chosen = resolve(method, side, problem)
    require_supported(chosen, problem)
    subject = ""
    if network.lowering is Lowering.ROUNDED:
        subject = f"the float64 network read from {network.source or 'the model'}"

    why = reason(method, side, problem)

    def finished(bound: Bound) -> Bound:
        stats = {**bound.stats, "choice": why} if why else bound.stats
        return replace(bound, seconds=time.monotonic() - budget.started, subject=subject, stats=stats)

    latest = Bound(method=chosen.name, status=Status.INTERRUPTED)
    reported = -math.inf
    try:
        with single_threaded():
            for latest in bounds_of(chosen, problem, budget):
                if latest.status is not Status.INTERRUPTED:
                    continue  # the last one: let the method end
                if 0 < latest.gap <= budget.rel_gap:
                    return finished(latest.stopped(Status.CLOSED))
                if budget.expired:
                    return finished(latest.stopped(Status.TIME_LIMIT))
                if on_progress is not None and time.monotonic() - reported > _PROGRESS_EVERY:
                    reported = time.monotonic()
                    if on_progress(finished(latest)):
                        return finished(latest)
    except KeyboardInterrupt as stop:
        raise Interrupted(finished(latest)) from stop
    return finished(latest)
