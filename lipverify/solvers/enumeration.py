"""The exact constant by visiting every full-dimensional activation region.

L_{p→q}(f; X) is the maximum of ‖J_R‖_{p→q} over the full-dimensional regions R that meet X
(Rademacher's theorem on a convex domain; Jordan & Dimakis 2020, arXiv:2003.01219, for the general
position case). Proof, degenerate networks included: proofs/enumeration.md;
checked by Coq: Regions.lipschitz_iff_regions.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Pattern, Point
from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import ceilings
from lipverify.evaluate import jacobian_with_error
from lipverify.fanout import ALONE, Team
from lipverify.geometry.walk import Leaf, Part, Walk
from lipverify.geometry.witness import Certified, certify_region, confirmed
from lipverify.norms import ALL_PAIRS, NormPair, norms_upper
from lipverify.problem import Budget, Method, Problem, Side
from lipverify.search.incumbent import Incumbent
from lipverify.solvers.dealing import Deal
from lipverify.threads import single_threaded

_BATCH = 256
_PARTS = 96  # that are dealt out: small, since they differ in size, and the last one to end decides
_HEAD_START = 1.0  # seconds of walking alone, which most walks end within, before processes are started
_PATIENCE = 0.1  # seconds after which a smaller batch is evaluated, so that progress is seen


@dataclass(frozen=True)
class Enumeration:
    """Exhaustive enumeration: exact for every network, domain and computable norm pair.

    Cost: proportional to the number of regions (about n^d for n neurons on d inputs, however many of the
    2^n patterns are empty); memory does not grow with it.

    Parameters
    ----------
    bound
        An upper method that gives the upper side while the walk is under way; inf without one.
    team
        Who walks: the cells of the first layer's first neurons are dealt out.
    """

    bound: Method | None = None
    team: Team = ALONE

    name: ClassVar[str] = "enumeration"
    side: ClassVar[Side] = "exact"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "one or two small LPs per activation region; exponential in the number of inputs"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """Yield the interval proved so far, a few times a second, and the exact constant at the end."""
        walk = Walk(problem.network, problem.domain, budget.seed)
        ceiling = Bound(method=self.name, status=Status.INTERRUPTED)
        for given in ceilings(self.bound, problem, budget):
            ceiling = given
        incumbent: Incumbent[Certified] = Incumbent()
        count = Count()
        yield self._interval(incumbent, ceiling, count)
        for count in self._visit(problem, walk, incumbent):
            yield self._interval(incumbent, ceiling, count)
        best = incumbent.best
        assert best is not None  # a domain has an interior, so it meets a region
        yield Bound.exactly(best.norm, method=self.name, witness=best.witness, stats=asdict(count))

    def _visit(self, problem: Problem, walk: Walk, incumbent: Incumbent[Certified]) -> Iterator[Count]:
        """Visit every region, alone or with others; what was visited so far, a few times a second."""
        began = time.monotonic()
        for count in _walk(problem, walk, incumbent):
            yield count
            if not self.team.alone and time.monotonic() - began > _HEAD_START:
                break
        else:
            return
        again = Walk(problem.network, problem.domain, walk.seed)  # from the start
        yield from _deal(self.team, problem, again, incumbent)

    def _interval(self, incumbent: Incumbent[Certified], ceiling: Bound, count: Count) -> Bound:
        best = incumbent.best
        return Bound(
            method=self.name,
            status=Status.INTERRUPTED,
            lower=incumbent.lower,
            lower_rigor=self.rigor,
            upper=ceiling.upper,
            upper_rigor=ceiling.upper_rigor,
            witness=best.witness if best else None,
            stats=asdict(count),
        )


@final
@dataclass(frozen=True)
class Count:
    """What was visited, and what it took."""

    regions: int = 0
    lps: int = 0
    settled: int = 0

    def plus(self, other: Count) -> Count:
        """Both."""
        return Count(self.regions + other.regions, self.lps + other.lps, self.settled + other.settled)


def _walk(problem: Problem, walk: Walk, incumbent: Incumbent[Certified]) -> Iterator[Count]:
    """Visit every region; what was visited so far, a few times a second."""
    regions = 0
    for leaves in _batches(walk.steps()):
        if leaves:
            _improve(problem, incumbent, leaves)
        regions += len(leaves)
        yield Count(regions, walk.cone.lps, walk.cone.settled)


def _deal(team: Team, problem: Problem, walk: Walk, incumbent: Incumbent[Certified]) -> Iterator[Count]:
    """The same by others: the parts have every region once between them, so the numbers add up."""
    waiting = walk.parts(_PARTS)[::-1]
    count = Count(0, walk.cone.lps, walk.cone.settled)
    with team.hired() as crew:
        deal: Deal[Part] = Deal(crew)
        while waiting or deal.away:
            while waiting and deal.room:
                part = waiting.pop()
                deal.out(part, Excursion(problem, walk.seed, part, incumbent.floor))
            done, lost = deal.back(_PATIENCE)
            waiting += lost
            for _, (visited, found) in done:
                count = count.plus(visited)
                if found is not None:
                    region = certify_region(problem, *found)
                    if incumbent.improved_by(region.norm):
                        incumbent.offer(confirmed(problem, region))
            yield count


@final
@dataclass(frozen=True)
class Excursion:
    """A part of a walk in another process: how many regions it has, and the best of those that beat a floor."""

    problem: Problem
    seed: int
    part: Part
    floor: float

    def __call__(self) -> tuple[Count, tuple[Point, Pattern] | None]:
        incumbent: Incumbent[Certified] = Incumbent()
        incumbent.floor = self.floor
        count = Count()
        with single_threaded():
            walk = Walk(self.problem.network, self.problem.domain, self.seed, self.part)
            for visited in _walk(self.problem, walk, incumbent):
                count = visited
        best = incumbent.best
        return count, None if best is None else (best.witness.point, best.witness.pattern)


def _batches(steps: Iterator[Leaf | None]) -> Iterator[list[Leaf]]:
    """Leaves in batches that fill up or have waited long enough (and may then be empty)."""
    batch: list[Leaf] = []
    since = time.monotonic()
    for leaf in steps:
        if leaf is not None:
            batch.append(leaf)
        if len(batch) == _BATCH or time.monotonic() - since > _PATIENCE:
            yield batch
            batch = []
            since = time.monotonic()
    if batch:
        yield batch


def _improve(problem: Problem, incumbent: Incumbent[Certified], leaves: list[Leaf]) -> None:
    """Offer the regions that may be better: rigorous float bounds rule almost every one out."""
    net = problem.network
    states = np.array([leaf.states for leaf in leaves])
    layers = np.split(states, np.cumsum(net.hidden)[:-1], axis=1) if net.hidden else []
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        mid, rad = jacobian_with_error(net, layers)
        if not layers:
            mid, rad = mid[None], rad[None]
        uppers = norms_upper(mid, rad, problem.norm, incumbent.floor)
    for k in np.argsort(-np.nan_to_num(uppers, nan=math.inf)):
        if uppers[k] <= incumbent.floor:
            break
        region = certify_region(problem, leaves[k].point, leaves[k].pattern)
        if incumbent.improved_by(region.norm):
            incumbent.offer(confirmed(problem, region))
