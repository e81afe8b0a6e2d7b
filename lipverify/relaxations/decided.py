"""Which neurons a bounded domain decides, and between which slopes it leaves the others (proofs/sdp.md, §7)."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Array, Signs
from lipverify.domain import Ball, Domain
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.relaxations.crown import crown_ranges
from lipverify.relaxations.interval import Ranges
from lipverify.relaxations.layers import Chain, Layers
from lipverify.trusted.intervals import affine, widened
from lipverify.trusted.layer import Layer
from lipverify.trusted.rounding import quiet, ups
from lipverify.trusted.vectors import vectors_upper


def domain_ranges(net: Chain, domain: Domain) -> Ranges:
    """Ranges of every pre-activation on a bounded domain, each of shape (n_k,). ROUNDED.

    CROWN's over a box around the domain; on a Euclidean ball those of the first layer are centre ± radius · ‖row‖₂,
    and what they decide is used behind it.

    Raises
    ------
    UnsupportedDomain
        When the domain is unbounded.
    """
    chain = Layers.of(net)
    box = enclosing_box(domain)
    if not isinstance(domain, Ball):
        return crown_ranges(chain, box.lower, box.upper)
    low, high = _on_ball(chain.layers[0], domain)
    signs = [np.zeros(len(pairs), dtype=np.int8) for pairs in chain.slopes]
    if signs:
        signs[0] = _signs(low, high)
    ranges = crown_ranges(chain, box.lower, box.upper, signs)
    below, above = np.maximum(low, ranges.low[0]), np.minimum(high, ranges.high[0])
    return Ranges((below, *ranges.low[1:]), (above, *ranges.high[1:]))


def decided_signs(net: Chain, domain: Domain) -> Signs:
    """+1 for neurons that are nowhere below 0 on the domain, −1 for those nowhere above, else 0; layer by layer.

    Every Jacobian on the domain has the slope of the sign, or a row of zeros there. On an unbounded domain nothing is
    decided.
    """
    chain = Layers.of(net)
    if not domain.bounded or not chain.slopes:
        return np.zeros(sum(len(pairs) for pairs in chain.slopes), dtype=np.int8)
    ranges = domain_ranges(chain, domain)
    return np.concatenate([_signs(low, high) for low, high in zip(ranges.low[:-1], ranges.high[:-1], strict=True)])


def _signs(low: Array, high: Array) -> Signs:
    on = low >= 0
    return on.astype(np.int8) - (~on & (high <= 0)).astype(np.int8)


@quiet
def _on_ball(layer: Layer, ball: Ball) -> tuple[Array, Array]:
    """The range of a layer on a ball: its value at the centre ± radius · ‖row‖₂, rounded outward."""
    low, high = affine(ball.center[None], ball.center[None], layer)
    reach = ups(vectors_upper(layer.weight.magnitude(), 2.0) * ball.radius)
    reach = np.where(np.isnan(reach), np.inf, reach)
    below, above = widened(low[0], high[0], reach, reach)
    return below, above
