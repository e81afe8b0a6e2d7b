"""SeqLip on the leading singular triples of each pair, with the residual added back: sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor
from lipverify.errors import InvalidArgument
from lipverify.estimators.pair_by_pair import pair_by_pair
from lipverify.estimators.pair_lowrank import truncated
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side


@final
@dataclass(frozen=True)
class SeqLipLowRank:
    """Π_i of √(max_σ ‖A′ diag(σ) B′‖² + what A′ and B′ leave out), of rank at most `rank` on either side.

    SeqLip (arXiv:1805.10965) on the leading singular triples of A and B alone is below the pair's maximum. With
    AᵀA ⪯ A′ᵀA′ + α²I and BBᵀ ⪯ B′B′ᵀ + β²I the sum max ‖A′ diag(σ) B′‖² + β²‖A′ diag(m)‖² + α²‖diag(m) B‖² is
    above it, and matrices of order 2·rank take the place of those of twice the layer's width
    (proofs/seqlip.md). Valid on every domain, p = 2, ROUNDED, never looser than AutoLip. `details` is a tuple
    of `PairConstant`; `closed` speaks of the truncated pairs, the gap of the whole ones.

    Attributes
    ----------
    rank
        Singular triples kept of either factor of a pair, at least 1.
    steps
        Steps of Newton's method per pair, as in `SeqLip`.
    """

    rank: int = 32
    steps: int = 20_000

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InvalidArgument(f"rank must be at least 1; got {self.rank}")

    name: ClassVar[str] = "seqlip-lowrank"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a search per pair, of matrices of order twice the rank"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The product with every pair at its cheap bound, then closer and closer."""
        yield from pair_by_pair(problem, budget, self.name, lambda pair: truncated(pair, self.rank, self.steps))
