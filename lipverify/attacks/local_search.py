"""Lower bounds by a walk over activation regions, one or two neurons at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.attacks.narrow import Narrowed
from lipverify.attacks.patterns import Neighbourhood, Region
from lipverify.attacks.points import normalised, sample_points
from lipverify.attacks.proposals import Proposals
from lipverify.attacks.sample import batch_size, offer_early, offer_exact
from lipverify.attacks.signs import SignAscent
from lipverify.attacks.starts import Starts
from lipverify.bound import Bound, Rigor, Status
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem, Side

BETTER = 1 + 1e-10
ELITE = 16


@final
@dataclass(frozen=True)
class LocalSearch:
    """L ≥ ‖J_R‖ for a region R that no feasible flip of one neuron (or of two) improves.

    From random points, the norms after every flip are scored as rank-one updates of the Jacobian; a linear
    program looks for an interior point of the flipped pattern, over the cone of (x, t) in which global and
    local problems look alike; the best feasible flip is taken. Every other walk starts near one of the best
    local optima so far. A local optimum's point is certified in exact arithmetic, so the bound is PROVED
    (proofs/attacks.md). Any pair of norms, any domain.

    Attributes
    ----------
    patience
        How many walks without any improvement are the last.
    points
        How many random points to draw the starts from.
    kicks
        How many points to look at for a start near a local optimum.
    pairs
        How many flips of two neurons to try at a local optimum.
    programs
        How many linear programs to solve in all.
    rounds
        How many batches of ascents over signs to begin with, where every pattern of one hidden layer has a region.
    """

    patience: int = 60
    points: int = 2_048
    kicks: int = 64
    pairs: int = 40
    programs: int = 6_000
    rounds: int = 40

    name: ClassVar[str] = "local-search"
    side: ClassVar[Side] = "lower"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a few linear programs per step of a walk"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The best so far after every step of every walk."""
        seen = Narrowed.of(normalised(problem.network), problem)
        proposals = Proposals(problem, self.name, seen.wide)
        inner = Problem(seen.network, problem.norm, problem.domain)
        walks = programs = 0
        for walks, programs in self._steps(inner, budget, proposals):
            yield proposals.bound(Status.INTERRUPTED, walks=walks, lps=programs)
        status = Status.TIME_LIMIT if budget.expired else Status.ONE_SIDED
        yield proposals.bound(status, walks=walks, lps=programs)

    def _steps(self, problem: Problem, budget: Budget, proposals: Proposals) -> Iterator[tuple[int, int]]:
        """Offer one local optimum after the other; the numbers of walks and of linear programs, after every step."""
        rng = np.random.default_rng(budget.seed)
        net = problem.network
        offer_early(proposals, net, problem, budget.seed)
        yield 0, 0
        points = sample_points(net, problem.domain, min(self.points, batch_size(net)), rng)
        starts = Starts(net, points, problem.norm)
        proposals.offer_first(points[k].tolist() for k in starts.order[:8])
        offer_exact(proposals, problem, rng)
        walks = idle = 0
        around = Neighbourhood(
            net, problem.domain, problem.norm, lambda: budget.expired or around.programs >= self.programs
        )
        best = 0.0
        elite: list[Region] = []
        yield walks, around.programs
        for region in self._by_signs(around, net, problem.norm, rng):
            elite.append(region)
            starts.visited.add(region.key)
            best = _certify(proposals, [region], best)
            yield walks, around.programs
        elite.reverse()
        while idle < self.patience and not around.enough():
            kicked = starts.kicked(elite[int(rng.integers(len(elite)))], self.kicks, rng) if walks % 2 else None
            region = kicked or starts.fresh()
            if region is None:
                return
            walks += 1
            trail = [region]
            for step in _walk(around, region, self.pairs, starts.visited):
                trail.append(step)
                yield walks, around.programs
            elite.append(trail[-1])
            elite.sort(key=lambda end: -end.value)
            del elite[ELITE:]
            found = _certify(proposals, trail, best)
            idle = 0 if found > best * BETTER else idle + 1
            best = found
            yield walks, around.programs

    def _by_signs(
        self, around: Neighbourhood, net: Network, norm: NormPair, rng: np.random.Generator
    ) -> Iterator[Region]:
        """Better and better regions where every pattern seems to have one."""
        ascent = SignAscent.of(net, norm) if around.is_direct else None
        for states in ascent.optima(self.rounds, rng) if ascent else ():
            point = around.interior((states,))
            if point is not None:
                yield Region((states,), around.value((states,)), *point)


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


def _certify(proposals: Proposals, trail: list[Region], best: float) -> float:
    """Offer a walk's end, or where floats were wrong about it a region before; the best float value."""
    for region in reversed(trail):
        if region.value <= best * (1 + 1e-12) and proposals.best:
            break
        if proposals.offer(region.point):
            return max(best, region.value)
    return best
