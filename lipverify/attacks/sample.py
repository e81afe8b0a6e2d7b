"""Lower bounds from random points."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Array
from lipverify.attacks.points import exact_points, normalised, sample_points
from lipverify.attacks.proposals import Proposals
from lipverify.bound import Bound, Rigor, Status
from lipverify.evaluate import jacobian, pattern
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, NormPair, operator_norm
from lipverify.problem import Budget, Problem, Side
from lipverify.watch import tick

TRIES = 4
EXACT_TRIES = 16
FIRST = 32  # points of a first batch, so that something is known early
HEAVY = 2_048  # batches of fewer points than this take long
PIECES = 16  # of a batch, between which the clock is looked at


@final
@dataclass(frozen=True)
class Sample:
    """L ≥ ‖J(x)‖ at the best of many random points x of the domain's interior.

    Jacobian norms in float batches; the best point of a batch is certified in exact arithmetic, so the bound
    is PROVED (proofs/witness.md). Any pair of norms, any domain. Cost: one Jacobian per point.

    Attributes
    ----------
    points
        How many points to draw in all.
    batch
        How many of them at a time.
    """

    points: int = 16_384
    batch: int = 2_048

    name: ClassVar[str] = "sample"
    side: ClassVar[Side] = "lower"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "one Jacobian per point"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The best so far after every batch."""
        rng = np.random.default_rng(budget.seed)
        proposals = Proposals(problem, self.name)
        net = normalised(problem.network)
        drawn, best = 0, -1.0
        size = min(self.batch, batch_size(net))
        while drawn < self.points and not (drawn and budget.expired):
            count = min(size if drawn else FIRST, self.points - drawn)
            points = sample_points(net, problem.domain, count, rng)
            drawn += count
            values = jacobian_norms(net, points, problem.norm)
            best = offer_leading(proposals, points, values, best)
            yield proposals.bound(Status.INTERRUPTED, points=drawn)
        offer_exact(proposals, problem, rng)
        cut = drawn < self.points
        yield proposals.bound(Status.TIME_LIMIT if cut else Status.ONE_SIDED, points=drawn)


def offer_leading(proposals: Proposals, points: Array, values: Array, best: float) -> float:
    """Certify the best of some points, shape (N, d), if its float value exceeds `best`; the best float value then."""
    leading = np.argsort(-values, kind="stable")[:TRIES]
    order = leading[values[leading] > best * (1 + 1e-12)]
    if proposals.offer_first(points[k].tolist() for k in order):
        return float(values[order[0]])
    return best


def offer_early(proposals: Proposals, net: Network, problem: Problem, seed: int) -> None:
    """Certify one of a few points, where a search's first batch takes long: so something is known early."""
    if batch_size(net) < HEAVY:
        points = sample_points(net, problem.domain, FIRST, np.random.default_rng([seed, 1]))
        offer_leading(proposals, points, jacobian_norms(net, points, problem.norm), -1.0)


def offer_exact(proposals: Proposals, problem: Problem, rng: np.random.Generator) -> None:
    """Where no float point was certified, try rational ones: a domain may hold no float at all."""
    if proposals.best is None:
        exact = exact_points(problem.domain, problem.network.input_dim, rng)
        proposals.offer_first(itertools.islice(exact, EXACT_TRIES))


def batch_size(net: Network) -> int:
    """How many Jacobians fit into a moderate amount of memory at once."""
    widest = max(net.output_dim, net.input_dim, *(0, *net.hidden))
    return max(16, 2**22 // (widest * min(net.output_dim, net.input_dim) + net.input_dim))


def jacobian_norms(net: Network, points: Array, pair: NormPair) -> Array:
    """‖J(x)‖ in floats for points of shape (N, d), shape (N,); what overflows counts as 0."""
    size = max(1, batch_size(net) // PIECES)
    if len(points) > size and net.hidden:  # an affine network has one Jacobian, whatever the points
        pieces = [points[at : at + size] for at in range(0, len(points), size)]
        return np.concatenate([jacobian_norms(net, piece, pair) for piece in pieces])
    tick()
    with np.errstate(all="ignore"):
        jacobians = jacobian(net, pattern(net, points))
        # A value that is no number ranks last, and would stop the singular value decomposition.
        usable = np.nan_to_num(jacobians, nan=0.0, posinf=1e150, neginf=-1e150)
        if usable.ndim == 2:
            usable = np.broadcast_to(usable, (len(points), *usable.shape))
        return np.nan_to_num(operator_norm(usable, pair))
