"""CROWN: ranges of pre-activations by linear bounds pushed back to the input box.

Zhang et al. 2018, arXiv:1811.00866, for two-slope neurons and partial patterns. Proof: proofs/crown.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Bools
from lipverify.relaxations.enclosure import affine, bent, magnitude
from lipverify.relaxations.interval import Boxes, PartialPattern, Ranges, clipped, propagated
from lipverify.relaxations.layers import Chain, Layers
from lipverify.relaxations.linear import Lines, Step, chord, upper_bounds

CHUNK = 2**20  # coefficients at a time: what fits a cache is faster, and memory stays bounded


def crown_ranges(net: Chain, lower: npt.ArrayLike, upper: npt.ArrayLike, signs: PartialPattern | None = None) -> Ranges:
    """Ranges of every pre-activation over boxes: CROWN's, within those of interval propagation.

    Parameters and result as for `interval.preactivation_ranges`; a decided neuron is linear. ROUNDED; for each
    layer one backward pass through those below, cost Σ_k n_k · Σ_{j<k} n_j n_{j−1} for each box.
    """
    chain = Layers.of(net)
    boxes = Boxes.of(chain, lower, upper, signs)
    widest = max(layer.ball.mid.size for layer in chain.layers)
    parts = [_ranges(chain, piece) for piece in boxes.pieces(CHUNK // (2 * widest))]
    below = (np.concatenate(layer) for layer in zip(*(part.low for part in parts), strict=True))
    above = (np.concatenate(layer) for layer in zip(*(part.high for part in parts), strict=True))
    return Ranges(tuple(map(boxes.unflat, below)), tuple(map(boxes.unflat, above)))


def _ranges(chain: Layers, boxes: Boxes) -> Ranges:
    # Plain intervals count too: from tightened ends an interval may come out looser by a rounding, and a neuron
    # that touches 0 be undecided by it.
    plain = propagated(chain, boxes)
    below, above = [plain.low[0]], [plain.high[0]]  # on the first layer nothing is better
    first = chain.layers[0]
    steps = [Step(first.weight, first.bias, magnitude(boxes.low, boxes.high))]
    for k, (layer, pairs) in enumerate(zip(chain.layers[1:], chain.slopes, strict=True)):
        part = clipped(below[k], above[k], boxes.signs[k])
        image = bent(*part, pairs)
        steps.insert(0, Step(layer.weight, layer.bias, magnitude(*image), *neuron_lines(*part, pairs)))
        found = (
            (plain.low[k + 1], plain.high[k + 1]),
            affine(*image, layer),
            _linear(steps, boxes, len(layer.ball.mid)),
        )
        below.append(np.maximum.reduce([low for low, _ in found]))
        above.append(np.minimum.reduce([high for _, high in found]))
    return Ranges(tuple(below), tuple(above))


def _linear(steps: Sequence[Step], boxes: Boxes, n: int) -> tuple[Array, Array]:
    """Ranges of the last layer's n values by linear bounds over the box."""
    unit = np.eye(n)
    bounds = upper_bounds(np.concatenate([unit, -unit])[None], steps, boxes.low, boxes.high)
    return -bounds[:, n:], bounds[:, :n]


def neuron_lines(low: Array, high: Array, slopes: Array) -> tuple[Lines, Lines]:
    """Lines above and below two-slope neurons over [low, high], shapes (B, n).

    A convex neuron, left slope ≤ right slope, has its chord above, and below it the line through 0 with the slope
    of the longer side; a concave one the other way round. Both are the neuron itself where 0 is not inside.
    """
    left, right = slopes[:, 0], slopes[:, 1]
    convex = left <= right
    least, greatest = np.minimum(left, right), np.maximum(left, right)
    ray = Lines(np.where(high >= -low, right, left), np.zeros_like(low))
    over = chord(low, high, least, greatest)
    under = chord(low, high, -greatest, -least).negated()
    return _chosen(convex, over, ray), _chosen(convex, ray, under)


def _chosen(first: Bools, a: Lines, b: Lines) -> Lines:
    return Lines(np.where(first, a.slope, b.slope), np.where(first, a.shift, b.shift))
