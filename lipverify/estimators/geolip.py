"""GeoLIP: the semidefinite bound for ℓ∞ and ℓ1, with a multiplier for every input beside those of the neurons."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Signs
from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.chain import links, product_up, root_up
from lipverify.network import Network
from lipverify.norms import NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.decided import decided_signs
from lipverify.relaxations.diagonal import DiagonalRelaxation
from lipverify.relaxations.split import Oriented
from lipverify.trusted.vectors import vector_upper

_INF = math.inf


@final
@dataclass(frozen=True)
class GeoLip:
    """‖J‖_{∞→∞} ≤ max over outputs of √(Σ N_j) for the N and T at which Z(N, T) ⪰ 0; for ℓ1 the same, transposed.

    The programme of the formal global Lipschitz constant of GeoLIP (Wang, Prakriya & Jha, NeurIPS 2022,
    arXiv:2203.01212): for one hidden layer the Shor relaxation of the maximum over all patterns and signs, within
    Grothendieck's constant of it. Here for any depth and any two slopes; on a bounded domain neurons that ranges
    decide leave the programme. Valid on every domain, p = 1 and ∞, ROUNDED, never looser than AutoLip. Cost: for each
    output (p = ∞) or input (p = 1) that AutoLip does not settle some dozens of Newton steps, each cubic in the number
    of neurons and inputs (outputs). Proof: proofs/sdp.md, §8.

    Attributes
    ----------
    tolerance
        The relative duality gap at which a descent stops.
    steps
        The most Newton steps of a descent.
    """

    tolerance: float = 1e-7
    steps: int = 300

    name: ClassVar[str] = "geolip"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = (NormPair(1.0, 1.0), NormPair(_INF, _INF))
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "per output or input some dozens of Newton steps, each cubic in the number of neurons"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """AutoLip's bound, then the largest of those of the single outputs or inputs."""
        (product,) = (bound.upper for bound in AutoLip().run(problem, budget))
        yield self._bound(product, Status.INTERRUPTED)
        net, decided = problem.network, decided_signs(problem.network, problem.domain)
        tops = _products(net, problem.norm)
        largest = 0.0
        for k in np.argsort(tops)[::-1].tolist():
            if tops[k] <= largest:  # and so are those behind it
                break
            if budget.expired:
                yield self._bound(min(product, max(largest, tops[k])), Status.TIME_LIMIT)
                return
            largest = max(largest, min(tops[k], self._part(_part(net, problem.norm.p, k), decided, problem.norm.p)))
        yield self._bound(min(product, largest), Status.ONE_SIDED)

    def _part(self, part: Network, decided: Signs, p: float) -> float:
        """A bound of ‖∇f‖₁ for a network of one output, and for one of one input with the ends exchanged."""
        chain = Oriented.of(part, backwards=p == 1)
        mine = decided[chain.order]
        start = DiagonalRelaxation.root(chain, np.where(mine != 0, mine, chain.settled))
        found = start.descend(chain, self.tolerance, self.steps)
        return root_up(found.certified_sum(chain), chain.exponent)

    def _bound(self, upper: float, status: Status) -> Bound:
        return Bound(method=self.name, status=status, upper=upper, upper_rigor=self.rigor)


def _products(net: Network, norm: NormPair) -> list[float]:
    """AutoLip's bounds of the outputs for p = ∞, of the inputs for p = 1: all of its factors but one are shared."""
    chain = links(net)
    own = chain[-1 if norm.p == _INF else 0]
    shared = [link.norm(norm) for link in chain if link is not own]
    sizes = own.ball.scale_rows(own.steepest).magnitude()
    exponent = sum(link.exponent + link.shift for link in chain)
    return [product_up([vector_upper(v, 1.0), *shared], exponent) for v in (sizes if norm.p == _INF else sizes.T)]


def _part(net: Network, p: float, k: int) -> Network:
    """The network's k-th output alone for p = ∞, its k-th input for p = 1."""
    *inner, last = net.weights
    if p == _INF:
        return Network([*inner, last[k : k + 1]], slopes=net.slopes)
    first, *behind = net.weights
    return Network([first[:, k : k + 1], *behind], slopes=net.slopes)
