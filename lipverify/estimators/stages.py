"""From a network to SeqLip's pairs, and from bounds of the pairs back to a bound of the network.

Float factors P_i Q_i replace each inner matrix W_i; what they miss, E_i = W_i − P_i Q_i, is enclosed and
added back, so that the bound holds whatever the singular value decomposition returned (proofs/seqlip.md).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from lipverify.arrays import Matrix
from lipverify.estimators.chain import Link, links, product_up
from lipverify.estimators.pair import Pair, balanced
from lipverify.network import Network
from lipverify.norms import EUCLIDEAN
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import float_up, grown, norm_up
from lipverify.trusted.spectral.certifier import spectral_upper


@dataclass(frozen=True)
class Split:
    """W = P Q + E for every W of a link, with ‖E‖₂ ≤ residual; P and Q are exact floats."""

    left: Matrix
    right: Matrix
    residual: float


@dataclass(frozen=True)
class Joint:
    """The neurons between two links, as a pair: max ‖Q_{i+1} diag(σ) P_i‖ = 2^exponent · the pair's maximum.

    Attributes
    ----------
    cheap
        An upper bound of the pair's maximum that needs no search.
    shown
        The power of two between the pair's maximum and the value in the network's own scale.
    missed
        A bound of ‖Q_{i+1} diag(σ) E_i‖, the powers of two of links and slopes left out.
    """

    name: str
    pair: Pair
    exponent: int
    cheap: float
    shown: int
    missed: Fraction

    def value(self, upper: float) -> float:
        """A bound of the pair's maximum in the network's own scale, rounded up."""
        return product_up([upper], self.shown)


@final
@dataclass(frozen=True)
class Stages:
    """A network's pairs, and what is needed to compose their bounds.

    Attributes
    ----------
    joints
        One per hidden layer that is not linear throughout.
    norms
        Bounds of ‖diag(m_i) W_i‖, one per link.
    last_residual
        A bound of ‖E_K‖: the last matrix's radius, 0 unless layers were fused into it.
    exponent
        The power of two taken out of the whole.
    """

    joints: tuple[Joint, ...]
    norms: tuple[float, ...]
    last_residual: float
    exponent: int

    @classmethod
    def of(cls, net: Network) -> Stages:
        """The stages of a network."""
        chain = links(net)
        splits = [split(link, first=k == 0, last=k == len(chain) - 1) for k, link in enumerate(chain)]
        halves = [link.exponent // (1 if k in (0, len(chain) - 1) else 2) for k, link in enumerate(chain)]
        return cls(
            tuple(_joint(chain, splits, halves, k) for k in range(len(chain) - 1)),
            tuple(link.norm(EUCLIDEAN[0]) for link in chain),
            splits[-1].residual,
            sum(link.exponent + link.shift for link in chain),
        )

    def upper(self, maxima: Sequence[float]) -> float:
        """The bound that follows from upper bounds of the pairs' maxima; never above the product of norms.

        With X_i = diag(σ_i) W_i … diag(σ_1) W_1, t_i ≥ ‖Q_{i+1} X_i‖ and u_i ≥ ‖X_i‖:
        t_i = s_i t_{i−1} + ‖Q_{i+1} diag(σ_i) E_i‖ u_{i−1}, and L ≤ t_{K−1} + ‖E_K‖ u_{K−1}.
        """
        product = product_up(self.norms, self.exponent)
        if not self.joints or not all(math.isfinite(s) for s in maxima):
            return product
        through = carried = Fraction(1)
        for joint, top, norm in zip(self.joints, maxima, self.norms, strict=False):
            through = Fraction(top) * Fraction(2) ** joint.exponent * through + joint.missed * carried
            carried *= Fraction(norm)
        total = through + Fraction(self.last_residual) * carried
        return min(product, float_up(total * Fraction(2) ** self.exponent))


def split(link: Link, *, first: bool, last: bool) -> Split:
    """P = U Σ^½ and Q = Σ^½ Vᵀ in floats; the first layer is all P, the last all Q, as in the paper."""
    mid, spread = link.ball.mid, norm_up(link.ball.rad)
    trivial = Split(mid, np.eye(mid.shape[1]), spread)
    if first:
        return trivial
    if last:
        return Split(np.eye(mid.shape[0]), mid, spread)
    try:
        basis, singular, cobasis = np.linalg.svd(mid, full_matrices=False)
    except np.linalg.LinAlgError:
        return trivial
    root = np.sqrt(singular)
    left, right = basis * root, root[:, None] * cobasis
    product = Ball.exact(left) @ Ball.exact(right)
    return Split(left, right, norm_up(grown(product.distance(mid) + link.ball.rad, 4)))


def _joint(chain: Sequence[Link], splits: Sequence[Split], halves: Sequence[int], k: int) -> Joint:
    link, after = chain[k], splits[k + 1].right
    raw = Pair(after, link.low, link.high, splits[k].left)
    pair, exponent = balanced(raw)
    missed = Fraction(float(link.steepest.max())) * Fraction(splits[k].residual)
    if missed:
        missed *= Fraction(spectral_upper(Ball.exact(after)))
    return Joint(
        f"{link.name} to {chain[k + 1].name}",
        pair,
        exponent,
        product_up([raw.product_of_norms()], -exponent),
        exponent + halves[k] + halves[k + 1] + link.shift,
        missed,
    )
