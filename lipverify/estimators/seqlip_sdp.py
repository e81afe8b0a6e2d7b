"""SeqLip with every pair at its semidefinite bound: polynomial, and off by a per cent or two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor
from lipverify.estimators.pair_by_pair import pair_by_pair
from lipverify.estimators.pair_search import relaxed
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side


@final
@dataclass(frozen=True)
class SeqLipSdp:
    """Π_i of a semidefinite upper bound of the i-th pair of SeqLip (arXiv:1805.10965).

    For a pair A diag(σ) B it is the LipSDP bound (Fazlyab et al., NeurIPS 2019, arXiv:1906.04893) with diagonal
    multipliers of the network with matrices B, then A: the least λ_max of [[A diag(h/t) Aᵀ, A diag(c) B], [·,
    Bᵀ diag(h t) B]] over t > 0. The multipliers are found in floats and the value is certified for whatever they
    are (proofs/seqlip.md). Valid on every domain, p = 2, ROUNDED, between seqlip and autolip. Some thirty
    steps of Newton's method per pair. `details` is a tuple of `PairConstant`.

    Attributes
    ----------
    accuracy
        The relative distance to the least value at which a pair's multipliers are good enough.
    """

    accuracy: float = 1e-7

    name: ClassVar[str] = "seqlip-sdp"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "some thirty matrix inversions per pair"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The product with every pair at its cheap bound, then closer and closer."""
        yield from pair_by_pair(problem, budget, self.name, lambda pair: relaxed(pair, self.accuracy))
