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
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import ceilings
from lipverify.evaluate import jacobian_with_error
from lipverify.geometry.walk import Leaf, Walk
from lipverify.geometry.witness import Certified, certify_region, confirmed
from lipverify.norms import ALL_PAIRS, NormPair, norms_upper
from lipverify.problem import Budget, Method, Problem, Side
from lipverify.search.incumbent import Incumbent

_BATCH = 256
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
    """

    bound: Method | None = None

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
        regions = 0
        yield self._interval(incumbent, ceiling, regions, walk)
        for leaves in _batches(walk.steps()):
            if leaves:
                _improve(problem, incumbent, leaves)
            regions += len(leaves)
            yield self._interval(incumbent, ceiling, regions, walk)
        best = incumbent.best
        assert best is not None  # a domain has an interior, so it meets a region
        yield Bound.exactly(best.norm, method=self.name, witness=best.witness, stats=_stats(regions, walk))

    def _interval(self, incumbent: Incumbent[Certified], ceiling: Bound, regions: int, walk: Walk) -> Bound:
        best = incumbent.best
        return Bound(
            method=self.name,
            status=Status.INTERRUPTED,
            lower=incumbent.lower,
            lower_rigor=self.rigor,
            upper=ceiling.upper,
            upper_rigor=ceiling.upper_rigor,
            witness=best.witness if best else None,
            stats=_stats(regions, walk),
        )


def _stats(regions: int, walk: Walk) -> dict[str, int]:
    return {"regions": regions, "lps": walk.cone.lps, "settled": walk.cone.settled}


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
