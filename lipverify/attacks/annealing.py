"""Lower bounds by simulated annealing over the input."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Array
from lipverify.attacks.moves import moved, reach
from lipverify.attacks.points import directions, normalised, sample_points
from lipverify.attacks.proposals import Proposals
from lipverify.attacks.sample import batch_size, jacobian_norms, offer_early, offer_exact, offer_leading
from lipverify.bound import Bound, Rigor, Status
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem, Side

HOT, COLD = 0.3, 0.01  # a norm e^0.3 times smaller is accepted with probability 1/e at first
SHORTEST = 12.0
ANEW = 0.05
EVERY = 16


@final
@dataclass(frozen=True)
class Annealing:
    """L ≥ ‖J(x)‖ at the best point of Markov chains on log ‖J(x)‖ that cool down.

    The lower bound of the experiments in arXiv:1805.10965. A chain moves by steps of every length from 2⁻¹² of a
    box's width (of its distance from the origin elsewhere) to all of it, and now and then to a new random point; a
    move that lowers log ‖J‖ by δ is accepted with probability e^(−δ/T), and T falls geometrically. The best point
    met is certified in exact arithmetic, so the bound is PROVED (proofs/attacks.md). Any pair of norms, any
    domain. Cost: one Jacobian per step of every chain.

    Attributes
    ----------
    chains
        How many chains run side by side.
    steps
        How many steps each takes.
    """

    chains: int = 128
    steps: int = 512

    name: ClassVar[str] = "annealing"
    side: ClassVar[Side] = "lower"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "one Jacobian per step of every chain"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The best so far, every few steps."""
        rng = np.random.default_rng(budget.seed)
        proposals = Proposals(problem, self.name)
        net = normalised(problem.network)
        offer_early(proposals, net, problem, budget.seed)
        yield proposals.bound(Status.INTERRUPTED)
        best, taken = -1.0, 0
        for batch in _batches(self._visits(net, problem, min(self.chains, batch_size(net)), rng)):
            points, values = (np.concatenate(parts) for parts in zip(*batch, strict=True))
            taken += len(batch)
            best = offer_leading(proposals, points, values, best)
            yield proposals.bound(Status.INTERRUPTED, points=taken * len(batch[0][0]))
            if budget.expired:
                break
        offer_exact(proposals, problem, rng)
        yield proposals.bound(Status.TIME_LIMIT if budget.expired else Status.ONE_SIDED)

    def _visits(
        self, net: Network, problem: Problem, chains: int, rng: np.random.Generator
    ) -> Iterator[tuple[Array, Array]]:
        """Points proposed and their ‖J‖, shapes (N, d) and (N,), step after step."""
        points = sample_points(net, problem.domain, chains, rng)
        if not len(points):
            return
        values = jacobian_norms(net, points, problem.norm)
        yield points, values
        spare = sample_points(net, problem.domain, chains, rng)
        for temperature in np.geomspace(HOT, COLD, self.steps):
            trial = self._proposed(problem, points, spare, rng)
            there = jacobian_norms(net, trial, problem.norm)
            with np.errstate(all="ignore"):
                chance = np.exp((np.log(there) - np.log(values)) / temperature)  # NaN: from 0 to 0, not accepted
            accepted = rng.random(len(points)) < chance
            points, values = np.where(accepted[:, None], trial, points), np.where(accepted, there, values)
            yield trial, there

    def _proposed(self, problem: Problem, points: Array, spare: Array, rng: np.random.Generator) -> Array:
        """A step from every point; some are random points instead."""
        count = len(points)
        sizes = np.exp2(-rng.uniform(0.0, SHORTEST, (count, 1)))
        steps = sizes * directions(count, points.shape[1], rng) * reach(problem.domain, points)
        with np.errstate(all="ignore"):
            trial = moved(problem.domain, points, steps)
        if len(spare):
            anew = rng.random(count) < ANEW
            trial[anew] = spare[rng.integers(len(spare), size=int(anew.sum()))]
        return trial


def _batches(visits: Iterator[tuple[Array, Array]]) -> Iterator[list[tuple[Array, Array]]]:
    while batch := list(itertools.islice(visits, EVERY)):
        yield batch
