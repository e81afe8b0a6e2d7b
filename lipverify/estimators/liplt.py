"""LipLT: every layer as its middle and what is left, the middles multiplied out (Fazlyab et al., NeurIPS 2023)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import ClassVar, final

from lipverify.arrays import Vector
from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.chain import Link, links
from lipverify.norms import SAME_NORM, NormPair, norm_upper
from lipverify.problem import Budget, Problem, Side
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import float_up, half_widths


@final
@dataclass(frozen=True)
class LipLT:
    """m_k = ‖W_k C ⋯ C W_1‖ + Σ_{j<k} ‖W_k C_{k−1} ⋯ W_{j+1} R_j‖ m_j bounds the first k layers, m_K the network.

    The loop transformation of Fazlyab, Entesari, Roy & Chellappa, *Certified robustness via dynamic margin
    maximization and improved Lipschitz regularization* (NeurIPS 2023, arXiv:2310.00116): a neuron's slope is the middle
    c of its two plus at most r, C and R are the diagonals of these. For any two slopes per neuron, p = 1, 2 and ∞.
    Valid on every domain, ROUNDED, never looser than AutoLip. Cost: for each pair of layers a matrix product and a
    norm. Proof: proofs/liplt.md.
    """

    name: ClassVar[str] = "liplt"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = SAME_NORM
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a matrix product and an operator norm for each pair of layers"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """AutoLip's bound, then the smaller one."""
        chain = links(problem.network)
        (product,) = (bound.upper for bound in AutoLip().run(problem, budget))
        yield self._bound(product, Status.INTERRUPTED)
        total = _whole(chain, problem.norm)
        exponent = sum(link.exponent + link.shift for link in chain)
        upper = product if total is None else min(product, float_up(total * Fraction(2) ** exponent))
        yield self._bound(upper, Status.ONE_SIDED)

    def _bound(self, upper: float, status: Status) -> Bound:
        return Bound(method=self.name, status=status, upper=upper, upper_rigor=self.rigor)


def _whole(chain: tuple[Link, ...], pair: NormPair) -> Fraction | None:
    """m_K, the powers of two of links and slopes left out; None where a norm overflows."""
    middles = [link.low / 2 + link.high / 2 for link in chain]
    rests = [half_widths(link.low, c, link.high) for link, c in zip(chain, middles, strict=True)]
    steepest = [float(link.steepest.max()) for link in chain]
    bounds: list[Fraction] = []
    for k, link in enumerate(chain):
        product, norms = link.ball, []
        for j in range(k - 1, -1, -1):
            norms.append(norm_upper(_scaled_columns(product, rests[j]), pair))
            product = product @ chain[j].ball.scale_rows(middles[j])
        norms.append(norm_upper(product, pair))
        own = norm_upper(link.ball, pair)
        if not all(map(isfinite, (*norms, own))):
            return None
        total = sum(
            (Fraction(norm) * bounds[k - 1 - back] for back, norm in enumerate(norms[:-1])), Fraction(norms[-1])
        )
        # What AutoLip says of this layer behind those before it.
        beside = Fraction(own) * Fraction(steepest[k - 1]) * bounds[-1] if bounds else total
        bounds.append(min(total, beside))
    return bounds[-1]


def _scaled_columns(ball: Ball, factors: Vector) -> Ball:
    """ball · diag(factors)."""
    return ball.T.scale_rows(factors).T
