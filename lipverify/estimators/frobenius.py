"""The product of Frobenius norms: the cheapest bound, and usually the loosest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.chain import links, product_up
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.trusted.rounding import norm_up


@final
@dataclass(frozen=True)
class Frobenius:
    """L ≤ ‖W_K‖_F Π_{k<K} ‖diag(m_k) W_k‖_F with m_k the steepest slope of each neuron.

    The Frobenius norm bounds the spectral norm. Valid on every domain, p = 2, ROUNDED, one pass over the
    weights. Proof: proofs/frobenius.md.
    """

    name: ClassVar[str] = "frobenius"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "one pass over the weights"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The one bound."""
        chain = links(problem.network)
        factors = [norm_up(link.ball.scale_rows(link.steepest).magnitude()) for link in chain]
        upper = product_up(factors, sum(link.exponent + link.shift for link in chain))
        yield Bound(method=self.name, status=Status.ONE_SIDED, upper=upper, upper_rigor=self.rigor)
