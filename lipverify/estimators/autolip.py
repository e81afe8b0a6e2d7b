"""AutoLip on a chain: the product of the layers' operator norms (Scaman & Virmaux, NeurIPS 2018, Alg. 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.chain import Link, links, product_up
from lipverify.norms import SAME_NORM, NormPair
from lipverify.problem import Budget, Problem, Side


@dataclass(frozen=True)
class LayerConstant:
    """The Lipschitz constant of a layer with the neurons behind it, and the product so far; rounded up."""

    name: str
    local: float
    cumulative: float


@final
@dataclass(frozen=True)
class AutoLip:
    """L ≤ ‖W_K‖ Π_{k<K} ‖diag(m_k) W_k‖ with m_k the steepest slope of each neuron (arXiv:1805.10965).

    Valid on every domain: it looks at none. ROUNDED; one singular value decomposition per layer for p = 2,
    one pass over the weights otherwise. `details` is a tuple of `LayerConstant`. Proof: proofs/autolip.md;
    in Coq: Estimators.autolip_upper.
    """

    name: ClassVar[str] = "autolip"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = SAME_NORM
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "one operator norm per layer"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The one bound."""
        table = layer_constants(links(problem.network), problem.norm)
        yield Bound(
            method=self.name,
            status=Status.ONE_SIDED,
            upper=table[-1].cumulative,
            upper_rigor=self.rigor,
            details=table,
        )


def layer_constants(chain: tuple[Link, ...], pair: NormPair) -> tuple[LayerConstant, ...]:
    """The table of local and cumulative constants, input side first."""
    table: list[LayerConstant] = []
    norms: list[float] = []
    exponent = 0
    for link in chain:
        own = link.exponent + link.shift
        norms.append(link.norm(pair))
        exponent += own
        table.append(LayerConstant(link.name, product_up(norms[-1:], own), product_up(norms, exponent)))
    return tuple(table)
