"""Linear bounds on a bounded domain: CROWN for the pre-activations, functional passes for the Jacobian."""

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
class Crown:
    """Ranges by CROWN, the Jacobian's entries and its norm by functional passes; never looser than "interval".

    Pre-activations by linear bounds pushed back to the domain's box (Zhang et al. 2018, arXiv:1811.00866); entries
    by linear bounds pushed through the ranges of the partial products, in the way of RecurJac (Zhang et al. 2019,
    arXiv:1810.11783) with chords in place of constants; the norms of rows and columns by one more pass
    each. Where every neuron is decided, the exact norm up to rounding. On a bounded domain, a polytope
    through a verified box around it. ROUNDED. Proofs: proofs/crown.md, proofs/passes.md.
    """

    name: ClassVar[str] = "crown"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = True
    cost: ClassVar[str] = "for each neuron a pass through the layers below and above it"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """That of intervals, which takes next to nothing, then the bound."""
        box = enclosing_box(problem.domain)
        first = float(local_bounds(problem.network, box.lower, box.upper, problem.norm, "interval"))
        yield Bound(method=self.name, status=Status.INTERRUPTED, upper=first, upper_rigor=self.rigor)
        upper = float(local_bounds(problem.network, box.lower, box.upper, problem.norm, "crown"))
        yield Bound(method=self.name, status=Status.ONE_SIDED, upper=upper, upper_rigor=self.rigor)
