"""Lower bounds by gradient ascent on smoothed networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Array
from lipverify.attacks.moves import moved, reach
from lipverify.attacks.points import normalised, sample_points
from lipverify.attacks.proposals import Proposals
from lipverify.attacks.sample import batch_size, jacobian_norms, offer_early, offer_exact, offer_leading
from lipverify.attacks.smooth import Smoothed, aligned
from lipverify.bound import Bound, Rigor, Status
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, NormPair, dual
from lipverify.problem import Budget, Problem, Side

DRAWN = 8  # random points per chain
WIDEST = 0.25
GROW, SHRINK = 1.5, 0.5


@final
@dataclass(frozen=True)
class Ascent:
    """L ≥ ‖J(x)‖ at points x reached by gradient ascent on ‖J‖ of a smoothed network.

    A ReLU network's Jacobian is piecewise constant, so its norm has gradient 0 almost everywhere and none at
    the kinks: there is nothing to ascend. So the kinks are rounded off to a fraction of the pre-activations,
    uᵀ J(x) v is ascended in x, u and v follow by power steps, and the fraction is halved again and again. What
    counts is the Jacobian of the network itself at the points reached: the best is certified in exact
    arithmetic, and the bound is PROVED (proofs/attacks.md). Any pair of norms, any domain.

    Ascending the difference quotients |uᵀ(f(x + hv) − f(x))|/h with decreasing h instead was tried side by
    side, with the same chains and steps: it found less on trained and on random networks, since a quotient
    has a gradient only where x and x + hv lie in different regions.

    Attributes
    ----------
    chains
        How many points ascend side by side.
    rounds
        How often to begin anew, a quarter of the chains at the best ends of earlier rounds.
    halvings
        How often the kinks' width is halved, from a quarter of a layer's root mean square.
    steps
        Steps per width.
    """

    chains: int = 256
    rounds: int = 3
    halvings: int = 6
    steps: int = 24

    name: ClassVar[str] = "ascent"
    side: ClassVar[Side] = "lower"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a forward and a backward pass per step of every chain"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The best so far after every width."""
        rng = np.random.default_rng(budget.seed)
        proposals = Proposals(problem, self.name)
        net = normalised(problem.network)
        chains = min(self.chains, batch_size(net))
        offer_early(proposals, net, problem, budget.seed)
        yield proposals.bound(Status.INTERRUPTED)
        best = -1.0
        for points in self._stages(net, problem, chains, rng):
            values = jacobian_norms(net, points, problem.norm)
            best = offer_leading(proposals, points, values, best)
            yield proposals.bound(Status.INTERRUPTED)
            if budget.expired:
                break
        offer_exact(proposals, problem, rng)
        yield proposals.bound(Status.TIME_LIMIT if budget.expired else Status.ONE_SIDED)

    def _stages(self, net: Network, problem: Problem, chains: int, rng: np.random.Generator) -> Iterator[Array]:
        """The points of every round: as drawn, then after the ascent at each width."""
        kept = np.zeros((0, net.input_dim))
        for _ in range(self.rounds):
            points = sample_points(net, problem.domain, DRAWN * chains, rng)
            if not len(points):
                return
            yield points
            order = np.argsort(-jacobian_norms(net, points, problem.norm), kind="stable")
            fresh = chains - len(kept)
            leading, others = order[: fresh // 2], rng.permutation(order[fresh // 2 :])
            points = np.vstack([kept, points[leading], points[others[: fresh - len(leading)]]])
            v = aligned(rng.standard_normal(points.shape), dual(problem.norm.p))
            for k in range(self.halvings):
                points, v = self._climbed(net, problem, points, v, WIDEST * 0.5**k)
                yield points
            kept = _distinct(net, np.vstack([kept, points]), problem.norm, chains // 4)

    def _climbed(self, net: Network, problem: Problem, points: Array, v: Array, width: float) -> tuple[Array, Array]:
        """The points after ascent with kinks of one width, and their directions v."""
        p, q = problem.norm
        scale = reach(problem.domain, points)
        with np.errstate(all="ignore"):
            smoothed = Smoothed(net, points, width)
            u = np.zeros((len(points), net.output_dim))
            for _ in range(3):
                u = aligned(smoothed.slope(points, u, v).image, q)
                v = aligned(smoothed.slope(points, u, v).preimage, dual(p))
            slope = smoothed.slope(points, u, v)
            size = np.full((len(points), 1), width)
            for step in range(self.steps):
                steps = size * scale * aligned(slope.gradient * scale, 2.0)
                trial = moved(problem.domain, points, steps)
                there = smoothed.slope(trial, u, v)
                better = there.value > slope.value
                points = np.where(better[:, None], trial, points)
                size *= np.where(better, GROW, SHRINK)[:, None]
                slope = there.where(better, slope)
                if step % 2:
                    u = aligned(slope.image, q)
                else:
                    v = aligned(slope.preimage, dual(p))
                slope = smoothed.slope(points, u, v)
        return points, v


def _distinct(net: Network, points: Array, pair: NormPair, count: int) -> Array:
    """The best points, one per value of ‖J‖: most chains end in few regions."""
    values = jacobian_norms(net, points, pair)
    _, first = np.unique(np.round(values / max(float(values.max()), 1e-300), 9), return_index=True)
    return points[first[::-1][:count]]
