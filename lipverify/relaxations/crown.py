"""CROWN: ranges of pre-activations by linear bounds pushed back to the input box.

Zhang et al. 2018, arXiv:1811.00866, for two-slope neurons and partial patterns. Of the two lines through 0 that
bound an undecided neuron on its flat side, CROWN takes that of the longer side; here all neurons' left ones and all
neurons' right ones are tried as well, in one batch, and the best end is kept: in deep networks it is often another
one. Proof: proofs/crown.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Bools
from lipverify.relaxations.interval import Boxes, PartialPattern, Ranges, clipped, propagated
from lipverify.relaxations.layers import Chain, Layers
from lipverify.trusted.functionals import Lines, Step, chord, upper_bounds
from lipverify.trusted.intervals import affine, bent, magnitude

CHOICES = 3
CHUNK = 2**20  # coefficients at a time: what fits a cache is faster, and memory stays bounded


def crown_ranges(net: Chain, lower: npt.ArrayLike, upper: npt.ArrayLike, signs: PartialPattern | None = None) -> Ranges:
    """Ranges of every pre-activation over boxes: CROWN's, within those of interval propagation.

    Parameters and result as for `interval.preactivation_ranges`; a decided neuron is linear. ROUNDED; for each
    layer three backward passes through those below, cost Σ_k n_k · Σ_{j<k} n_j n_{j−1} each, for each box.
    """
    chain = Layers.of(net)
    boxes = Boxes.of(chain, lower, upper, signs)
    widest = max(layer.ball.mid.size for layer in chain.layers)
    parts = [_ranges(chain, piece) for piece in boxes.pieces(CHUNK // (2 * CHOICES * widest))]
    below = (np.concatenate(layer) for layer in zip(*(part.low for part in parts), strict=True))
    above = (np.concatenate(layer) for layer in zip(*(part.high for part in parts), strict=True))
    return Ranges(tuple(map(boxes.unflat, below)), tuple(map(boxes.unflat, above)))


def _ranges(chain: Layers, boxes: Boxes) -> Ranges:
    # Plain intervals count too: from tightened ends an interval may come out looser by a rounding, and a neuron
    # that touches 0 be undecided by it.
    plain = propagated(chain, boxes)
    below, above = [plain.low[0]], [plain.high[0]]  # on the first layer nothing is better
    first = chain.layers[0]
    steps = [Step(first.weight, first.bias, _repeated(magnitude(boxes.low, boxes.high)))]
    for k, (layer, pairs) in enumerate(zip(chain.layers[1:], chain.slopes, strict=True)):
        part = clipped(below[k], above[k], boxes.signs[k])
        image = bent(*part, pairs)
        steps.insert(0, Step(layer.weight, layer.bias, _repeated(magnitude(*image)), *neuron_lines(*part, pairs)))
        found = (
            (plain.low[k + 1], plain.high[k + 1]),
            affine(*image, layer),
            _linear(steps, boxes, len(layer.ball.mid)),
        )
        below.append(np.maximum.reduce([low for low, _ in found]))
        above.append(np.minimum.reduce([high for _, high in found]))
    return Ranges(tuple(below), tuple(above))


def _repeated(values: Array) -> Array:
    """An array (B, n), once per choice: shape (CHOICES·B, n)."""
    return np.concatenate([values] * CHOICES)


def _linear(steps: Sequence[Step], boxes: Boxes, n: int) -> tuple[Array, Array]:
    """Ranges of the last layer's n values by linear bounds over the box, the best of all choices."""
    unit = np.eye(n)
    bounds = upper_bounds(np.concatenate([unit, -unit])[None], steps, _repeated(boxes.low), _repeated(boxes.high))
    best = bounds.reshape(CHOICES, -1, 2 * n).min(axis=0)
    return -best[:, n:], best[:, :n]


def neuron_lines(low: Array, high: Array, slopes: Array) -> tuple[Lines, Lines]:
    """Lines above and below two-slope neurons over [low, high], shapes (B, n) to (CHOICES·B, n).

    A convex neuron, left slope ≤ right slope, has its chord above, and below it a line through 0 of one of its slopes:
    that of the longer side, then the left one, then the right one. A concave neuron has them the other way
    round. Where 0 is not inside, all are the neuron itself.
    """
    left, right = slopes[:, 0], slopes[:, 1]
    convex = left <= right
    least, greatest = np.minimum(left, right), np.maximum(left, right)
    longer = np.where(high >= -low, right, left)
    crosses = (low < 0) & (high > 0)
    through = np.concatenate([longer, np.where(crosses, left, longer), np.where(crosses, right, longer)])
    ray = Lines(through, np.zeros_like(through))
    over, under = chord(low, high, least, greatest), chord(low, high, -greatest, -least).negated()
    return _chosen(convex, over, ray), _chosen(~convex, under, ray)


def _chosen(by_chord: Bools, chords: Lines, ray: Lines) -> Lines:
    return Lines(
        np.where(by_chord, _repeated(chords.slope), ray.slope), np.where(by_chord, _repeated(chords.shift), ray.shift)
    )
