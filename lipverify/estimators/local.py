"""Bounds on a bounded domain: ranges of pre-activations decide some neurons and narrow the Jacobian's entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.local import LocalMethod, local_bounds


@final
@dataclass(frozen=True)
class Local:
    """The norm of all Jacobians on a box, or through a verified box around it on a polytope. ROUNDED.

    Attributes
    ----------
    name
        "interval": ranges by interval propagation; the product of the weights with the ranges of the slopes between
        them is Fast-Lip's enclosure (Weng et al. 2018, arXiv:1804.09699), for two-slope neurons (proofs/interval.md).
        "crown", never looser: ranges by linear bounds pushed back to the box (Zhang et al. 2018, arXiv:1811.00866);
        entries by linear bounds pushed through the ranges of the partial products, in the way of RecurJac (Zhang et al.
        2019, arXiv:1810.11783) with chords in place of constants; the norms of rows and columns by one more pass each.
        Where every neuron is decided, the exact norm up to rounding (proofs/crown.md, proofs/passes.md).
    """

    name: LocalMethod = "crown"

    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = True

    @property
    def cost(self) -> str:
        """What it takes, in words."""
        if self.name == "interval":
            return "one pass through the network and back"
        return "for each neuron a pass through the layers below and above it"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The bound; before CROWN's that of intervals, which takes next to nothing."""
        box = enclosing_box(problem.domain)

        def bound(method: LocalMethod, status: Status) -> Bound:
            upper = float(local_bounds(problem.network, box.lower, box.upper, problem.norm, method))
            return Bound(method=self.name, status=status, upper=upper, upper_rigor=self.rigor)

        if self.name != "interval":
            yield bound("interval", Status.INTERRUPTED)
        yield bound(self.name, Status.ONE_SIDED)
