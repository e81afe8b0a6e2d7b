"""Lower bounds by a walk over activation regions, one or two neurons at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Array, Bools
from lipverify.attacks.incumbent import Incumbent
from lipverify.attacks.patterns import Neighbourhood, Region
from lipverify.attacks.points import normalised, sample_points
from lipverify.attacks.sample import batch_size, jacobian_norms, offer_exact
from lipverify.bound import Bound, Rigor, Status
from lipverify.evaluate import pattern
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem, Side

BETTER = 1 + 1e-10


@final
@dataclass(frozen=True)
class LocalSearch:
    """L ≥ ‖J_R‖ for a region R that no feasible flip of one neuron (or of two) improves.

    From random points, the norms after every flip are scored as rank-one updates of the Jacobian; a linear
    program looks for an interior point of the flipped pattern, over the cone of (x, t) in which global and
    local problems look alike; the best feasible flip is taken. A local optimum's point is certified in exact
    arithmetic, so the bound is PROVED (proofs/attacks.md). Any pair of norms, any domain.

    Attributes
    ----------
    restarts
        How many walks to start, from points not yet in a region that was visited.
    points
        How many random points to draw the starts from.
    pairs
        How many flips of two neurons to try at a local optimum.
    programs
        How many linear programs to solve in all.
    """

    restarts: int = 60
    points: int = 2_048
    pairs: int = 40
    programs: int = 3_000

    name: ClassVar[str] = "local-search"
    side: ClassVar[Side] = "lower"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a few linear programs per step of a walk"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The best so far after every step of every walk."""
        rng = np.random.default_rng(budget.seed)
        incumbent = Incumbent(problem, self.name)
        net = normalised(problem.network)
        points = sample_points(net, problem.domain, min(self.points, batch_size(net)), rng)
        starts = _Starts(net, points, problem.norm)
        incumbent.offer_first(points[k].tolist() for k in starts.order[:8])
        offer_exact(incumbent, problem, rng)
        yield incumbent.bound(Status.INTERRUPTED)
        around = Neighbourhood(net, problem.domain, problem.norm)
        walks = 0
        best = 0.0
        for region in starts.regions(self.restarts):
            walks += 1
            trail = [region]
            for step in _walk(around, region, self.pairs, starts.visited):
                trail.append(step)
                yield incumbent.bound(Status.INTERRUPTED, lps=around.programs, walks=walks)
                if budget.expired or around.programs >= self.programs:
                    break
            best = _certify(incumbent, trail, best)
            yield incumbent.bound(Status.INTERRUPTED, lps=around.programs, walks=walks)
            if budget.expired or around.programs >= self.programs:
                break
        status = Status.TIME_LIMIT if budget.expired else Status.ONE_SIDED
        yield incumbent.bound(status, lps=around.programs, walks=walks)


def _walk(around: Neighbourhood, region: Region, pairs: int, visited: set[bytes]) -> Iterator[Region]:
    """Better and better regions, up to a local optimum or to a region that was visited before."""
    while True:
        flips = around.flips(region)
        found = around.first_feasible(region, flips, BETTER) or around.first_feasible(
            region, around.double_flips(region, flips, pairs, BETTER), BETTER
        )
        if found is None or found.key in visited:
            return
        visited.add(found.key)
        region = found
        yield region


def _certify(incumbent: Incumbent, trail: list[Region], best: float) -> float:
    """Offer a walk's end, or where floats were wrong about it a region before; the best float value."""
    for region in reversed(trail):
        if region.value <= best * (1 + 1e-12) and incumbent.best:
            break
        if incumbent.offer(region.point):
            return max(best, region.value)
    return best


@final
class _Starts:
    """Regions of random points, best and arbitrary ones in turn, none of them visited before."""

    def __init__(self, net: Network, points: Array, pair: NormPair) -> None:
        values = jacobian_norms(net, points, pair)
        self.order: list[int] = [int(k) for k in np.argsort(-values, kind="stable")]
        self.visited: set[bytes] = set()
        self._points, self._values, self._states = points, values, pattern(net, points)

    def regions(self, count: int) -> Iterator[Region]:
        """At most `count` starting regions."""
        queues = [iter(self.order), iter(range(len(self._points)))]
        for turn in range(count):
            regions = map(self._region, queues[turn % 2])
            region = next((r for r in regions if r.key not in self.visited), None)
            if region is None:
                return
            self.visited.add(region.key)
            yield region

    def _region(self, k: int) -> Region:
        states: tuple[Bools, ...] = tuple(layer[k] for layer in self._states)
        return Region(states, float(self._values[k]), tuple(self._points[k].tolist()))
