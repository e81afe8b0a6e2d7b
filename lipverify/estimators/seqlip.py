"""SeqLip with every pair of layers solved to proven optimality (Scaman & Virmaux, NeurIPS 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor
from lipverify.estimators.pair_by_pair import pair_by_pair
from lipverify.estimators.pair_search import search
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side


@final
@dataclass(frozen=True)
class SeqLip:
    """L ≤ Π_i max_σ ‖Σ̃_{i+1} V_{i+1}ᵀ diag(σ) U_i Σ̃_i‖₂, the maximum over all slopes of the i-th neurons.

    The bound of arXiv:1805.10965, where W_i = U_i Σ_i V_iᵀ; here with float factors, and what they miss of W_i
    added back (proofs/seqlip.md). Valid on every domain, p = 2, ROUNDED, never looser than AutoLip.
    Each pair is NP-hard: branch and bound on the pair's semidefinite bound. Pairs of 50 random neurons take
    about a second; a search cut short by `steps` or by the time leaves its proven upper end. `details` is a
    tuple of `PairConstant`.

    Attributes
    ----------
    steps
        Steps of Newton's method per pair, each about a matrix inversion of order at most twice the pair's
        neurons; fewer for orders beyond 64, in proportion to what a step costs.
    """

    steps: int = 20_000

    name: ClassVar[str] = "seqlip"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "exponential in the widest layer, anytime"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The product with every pair at its cheap bound, then closer and closer."""
        yield from pair_by_pair(problem, budget, self.name, lambda pair: search(pair, self.steps))
