"""What is asked, what it may cost, and what a method must offer to be asked."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from lipverify.bound import Bound, Rigor
from lipverify.domain import Domain, Everywhere
from lipverify.errors import InvalidArgument, InvalidDomain, UnsupportedDomain, UnsupportedNorm
from lipverify.network import Network
from lipverify.norms import NormPair, require_computable

Side: TypeAlias = Literal["upper", "lower", "exact"]

GRACE = 0.25
"""Seconds after the end of a budget in which a method may still finish what it has begun."""


@dataclass(frozen=True)
class Problem:
    """L_{p→q}(f; X): the supremum of ‖J_f(x)‖_{p→q} over the interior of the domain X.

    Raises
    ------
    InvalidDomain
        When the domain's dimension is not the network's, or the domain fixes inputs.
    UnsupportedNorm
        When nobody can compute the norm of a Jacobian of this shape.
    """

    network: Network
    norm: NormPair
    domain: Domain = field(default_factory=Everywhere)

    def __post_init__(self) -> None:
        dimension = self.domain.dimension
        if dimension not in (None, self.network.input_dim):
            raise InvalidDomain(f"the domain has {dimension} coordinates, the network {self.network.input_dim} inputs")
        if self.domain.fixed:
            raise InvalidDomain(
                f"a method takes domains with interior only, but this one fixes inputs ({self.domain}); the verbs of "
                "lipverify fold them into the first bias"
            )
        require_computable(self.norm, self.network.output_dim, self.network.input_dim)


@dataclass(frozen=True)
class Budget:
    """What a method may spend.

    Attributes
    ----------
    seconds
        Wall-clock time from `started`, inf for no limit. The verb stops a method between two of the bounds
        that it yields, and at the first `watch.tick` after `last_call`.
    seed
        The seed of every random choice.
    rel_gap
        The relative gap at which a two-sided search may stop.
    target
        An upper bound that is good enough: a search need not look for a smaller one.
    memory
        Bytes that this process may have: beyond them a search that keeps much goes on with less.
    """

    seconds: float = math.inf
    seed: int = 0
    rel_gap: float = 0.0
    target: float = 0.0
    memory: float = math.inf
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        if not self.seconds >= 0:
            raise InvalidArgument(f"time_limit must be a number of seconds ≥ 0, or None; got {self.seconds}")
        if not 0 <= self.rel_gap < math.inf:
            raise InvalidArgument(f"rel_gap must be finite and ≥ 0; got {self.rel_gap}")
        if not self.memory > 0:
            raise InvalidArgument(f"memory must be a number of bytes > 0, or None; got {self.memory}")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise InvalidArgument(f"seed must be an integer ≥ 0; got {self.seed!r}")

    @property
    def remaining(self) -> float:
        """Seconds left, ≥ 0."""
        return max(0.0, self.started + self.seconds - time.monotonic())

    @property
    def last_call(self) -> float:
        """When a step that is under way is given up, on the clock of `time.monotonic`: a moment after the end."""
        return self.started + self.seconds + GRACE

    @property
    def expired(self) -> bool:
        """Whether the time is up."""
        return self.remaining == 0.0


@runtime_checkable
class Method(Protocol):
    """An algorithm, described well enough to be listed, and run.

    `run` yields valid bounds, each at least as good as the one before, and often: every yield is where a
    time limit, a progress callback or Ctrl-C takes effect. The last one carries the final status; those
    before it carry INTERRUPTED, since that is what they are if nobody goes on. The attributes may be class
    variables. `contract.bounds_of` holds a method to all that.
    """

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def side(self) -> Side:
        """Which side it bounds; "exact" is both."""
        ...

    @property
    def rigor(self) -> Rigor:
        """The most that it claims for any of its numbers."""
        ...

    @property
    def norms(self) -> tuple[NormPair, ...]:
        """The norm pairs that it can be asked for."""
        ...

    @property
    def needs_box(self) -> bool:
        """Whether it can only be asked on bounded domains."""
        ...

    @property
    def cost(self) -> str:
        """What it takes, in words."""
        ...

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """Bounds for the problem, better and better."""
        ...


def supports(method: Method, problem: Problem) -> bool:
    """Whether the problem is inside the method's table."""
    return problem.norm in method.norms and (problem.domain.bounded or not method.needs_box)


def require_supported(method: Method, problem: Problem) -> None:
    """Raise UnsupportedNorm or UnsupportedDomain when the problem is outside the method's table."""
    if problem.norm not in method.norms:
        known = ", ".join(str(pair) for pair in method.norms)
        raise UnsupportedNorm(f"{method.name} does not support p = {problem.norm}; it supports p = {known}")
    if method.needs_box and not problem.domain.bounded:
        raise UnsupportedDomain(f"{method.name} needs a bounded domain (lipverify.Box); got {problem.domain}")
