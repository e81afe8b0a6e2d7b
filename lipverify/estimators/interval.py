"""Interval arithmetic on a bounded domain: ranges of pre-activations, then of the Jacobian."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.local import local_bounds


@final
@dataclass(frozen=True)
class Interval:
    """The norm of an interval matrix that holds every Jacobian on the domain.

    Ranges of the pre-activations by interval propagation decide some neurons; the product of the weights with
    the ranges of the slopes between them is Fast-Lip's enclosure (Weng et al. 2018, arXiv:1804.09699), for
    two-slope neurons. On a bounded domain, a polytope through a verified box around it. ROUNDED; one pass
    through the network and one back. Proof: proofs/interval.md.
    """

    name: ClassVar[str] = "interval"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = True
    cost: ClassVar[str] = "one pass through the network and back"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The one bound."""
        box = enclosing_box(problem.domain)
        upper = float(local_bounds(problem.network, box.lower, box.upper, problem.norm, "interval"))
        yield Bound(method=self.name, status=Status.ONE_SIDED, upper=upper, upper_rigor=self.rigor)
