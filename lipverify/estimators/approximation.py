"""How far SeqLip can improve on AutoLip: Theorem 3 of Scaman & Virmaux (NeurIPS 2018), and a sharper form of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Vector
from lipverify.errors import InvalidArgument
from lipverify.estimators.chain import Link, links
from lipverify.network import Network
from lipverify.trusted.scaling import shifted, shifted_float


@dataclass(frozen=True)
class Approximation:
    """One pair of SeqLip over the product of its two norms: at most `sharper`, and that is at most `paper`.

    Attributes
    ----------
    alignment
        m = max_σ |⟨diag(σ) v, u⟩| for the first left singular vector u of the layer before the neurons and the
        first right singular vector v of the layer behind them.
    before, behind
        r, the second singular value of either layer over the first.
    """

    name: str
    alignment: float
    before: float
    behind: float

    @property
    def paper(self) -> float:
        """√((1 − r − r′) m² + r + r′ + r r′), with r and r′ the ratios; may be above 1."""
        r, s = self.before, self.behind
        return math.sqrt(max(0.0, (1 - r - s) * self.alignment**2 + r + s + r * s))

    @property
    def sharper(self) -> float:
        """√(1 − (1 − r)(1 − r′)(1 − m²)); never above 1."""
        return math.sqrt(max(0.0, 1 - (1 - self.before) * (1 - self.behind) * (1 - min(1.0, self.alignment) ** 2)))


def approximations(net: Network) -> tuple[Approximation, ...]:
    """The factors of every pair of layers, input side first: SeqLip ≤ Π ‖W_k‖₂ · Π sharper ≤ Π ‖W_k‖₂ · Π paper.

    Theorem 3 of arXiv:1805.10965, and the sharper factor, for slopes of magnitude at most 1. NUMERICAL: plain
    floats, to understand a network, not to bound it. One singular value decomposition per layer. Linear
    layers are fused first, as in `seqlip`. Proof: proofs/seqlip.md.

    Raises
    ------
    InvalidArgument
        When a neuron has a slope of magnitude above 1.
    """
    chain = links(net)
    for link in chain[:-1]:
        steepest = shifted_float(float(link.steepest.max()), link.shift)
        if steepest > 1:
            raise InvalidArgument(f"the factors need slopes of magnitude at most 1; {link.name} has {steepest}")
    parts = [np.linalg.svd(link.ball.mid, full_matrices=False) for link in chain]
    ratios = [float(s[1] / s[0]) if len(s) > 1 and s[0] > 0 else 0.0 for _, s, _ in parts]
    return tuple(
        Approximation(
            f"{link.name} to {chain[k + 1].name}",
            alignment(link, parts[k][0][:, 0] * parts[k + 1][2][0]),
            ratios[k],
            ratios[k + 1],
        )
        for k, link in enumerate(chain[:-1])
    )


def alignment(link: Link, products: Vector) -> float:
    """max |Σ σ_j p_j| over slopes σ of a link's neurons: every neuron at the end that its sign asks for."""
    ends = shifted(np.stack([link.low * products, link.high * products]), link.shift)
    return max(float(ends.max(axis=0).sum()), float(-ends.min(axis=0).sum()))
