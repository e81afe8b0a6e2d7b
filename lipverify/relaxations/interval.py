"""Interval propagation: ranges of pre-activations on a box, and of every Jacobian that slopes allow.

The Jacobian's enclosure is Fast-Lip's (Weng et al. 2018, arXiv:1804.09699), for two-slope neurons, with
exact interval products. Everything is ROUNDED and batched over leading axes. Proof: proofs/interval.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Signs
from lipverify.errors import InvalidArgument
from lipverify.relaxations.layers import Chain, Layers
from lipverify.trusted.intervals import affine, bent, matrix_product, outward, scaled
from lipverify.trusted.rounding import quiet

PartialPattern: TypeAlias = Sequence[Signs]
"""One int8 array (..., n_k) per hidden layer: +1 active, −1 inactive, 0 undecided; linear neurons have no sign."""


@final
@dataclass(frozen=True, eq=False)
class Ranges:
    """low ≤ y ≤ high for the pre-activations: one pair (..., n_k) per hidden layer, and one for the outputs."""

    low: tuple[Array, ...]
    high: tuple[Array, ...]


@final
@dataclass(frozen=True, eq=False)
class Slopes:
    """low ≤ d ≤ high for the neurons' slopes: one pair (..., n_k) per hidden layer."""

    low: tuple[Array, ...]
    high: tuple[Array, ...]

    def transposed(self) -> Slopes:
        """The slopes in the transposed chain."""
        return Slopes(self.low[::-1], self.high[::-1])


@final
@dataclass(frozen=True, eq=False)
class Boxes:
    """Boxes and partial patterns, broadcast against each other, their leading axes `shape` merged into one."""

    low: Array
    high: Array
    signs: tuple[Signs | None, ...]
    shape: tuple[int, ...]

    @classmethod
    def of(
        cls, chain: Layers, lower: npt.ArrayLike, upper: npt.ArrayLike, signs: PartialPattern | None = None
    ) -> Boxes:
        """Checked limits, each of shape (..., n_0), and signs, each of shape (..., n_k).

        Raises
        ------
        InvalidArgument
            For another shape, NaN, infinite or crossed limits. Flat boxes are fine here.
        """
        low, high = (np.asarray(side, dtype=np.float64) for side in (lower, upper))
        if low.shape != high.shape or low.ndim == 0 or low.shape[-1] != chain.input_dim:
            raise InvalidArgument(
                f"lower and upper have shapes {low.shape}, {high.shape}; expected (..., {chain.input_dim}) for both"
            )
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low <= high).all()):
            raise InvalidArgument("the limits of a box must be finite, with lower ≤ upper")
        decided = checked(chain, signs)
        shape = np.broadcast_shapes(low.shape[:-1], *(s.shape[:-1] for s in decided if s is not None))
        return cls(
            flat(low, shape), flat(high, shape), tuple(None if s is None else flat(s, shape) for s in decided), shape
        )

    def pieces(self, length: int) -> Iterator[Boxes]:
        """The same, some at a time; at least one piece."""
        for at in range(0, max(1, len(self.low)), max(1, length)):
            piece = slice(at, at + max(1, length))
            signs = tuple(None if s is None else s[piece] for s in self.signs)
            yield Boxes(self.low[piece], self.high[piece], signs, ())

    def unflat(self, values: Array) -> Array:
        """An array (N, ...) with its leading axes back."""
        return values.reshape((*self.shape, *values.shape[1:]))


def checked(chain: Layers, signs: PartialPattern | None) -> tuple[Signs | None, ...]:
    """One array of signs per hidden layer, or None for each; linear neurons have no sign, theirs become 0.

    Raises
    ------
    InvalidArgument
        For a number of layers or of neurons that is not the network's.
    """
    if signs is None:
        return (None,) * len(chain.slopes)
    arrays = tuple(np.asarray(s, dtype=np.int8) for s in signs)
    widths = [len(pairs) for pairs in chain.slopes]
    if [s.shape[-1:] for s in arrays] != [(n,) for n in widths]:
        raise InvalidArgument(f"signs have shapes {[s.shape for s in arrays]}; expected (..., n) with n = {widths}")
    return tuple(np.where(pairs[:, 0] == pairs[:, 1], 0, s) for s, pairs in zip(arrays, chain.slopes, strict=True))


def flat(values: npt.NDArray, shape: tuple[int, ...]) -> npt.NDArray:
    """An array (..., n) broadcast to (*shape, n), its leading axes merged into one."""
    return np.broadcast_to(values, (*shape, values.shape[-1])).reshape(-1, values.shape[-1])


def clipped(low: Array, high: Array, signs: Signs | None) -> tuple[Array, Array]:
    """The part of a pre-activation's range on the decided side; {0} where that part is empty."""
    if signs is None:
        return low, high
    on, off = signs > 0, signs < 0
    return (
        np.where(on, np.maximum(low, 0.0), np.where(off, np.minimum(low, 0.0), low)),
        np.where(off, np.minimum(high, 0.0), np.where(on, np.maximum(high, 0.0), high)),
    )


def preactivation_ranges(
    net: Chain, lower: npt.ArrayLike, upper: npt.ArrayLike, signs: PartialPattern | None = None
) -> Ranges:
    """Ranges of every pre-activation over boxes, by interval propagation.

    Parameters
    ----------
    net
        The network, or its layers.
    lower, upper
        Limits of one box or many, shape (..., n_0).
    signs
        A partial pattern: the ranges then hold on the part of the box where every decided neuron of a layer
        *below* is on its side. A range is not cut to its own neuron's side, so that a decided neuron whose
        range lies beyond 0 shows that the part is empty; so do ends that cross.

    Returns
    -------
    Ranges
        Every pre-activation, in exact arithmetic, lies between its ends; the outputs come last.
    """
    chain = Layers.of(net)
    boxes = Boxes.of(chain, lower, upper, signs)
    ranges = propagated(chain, boxes)
    return Ranges(tuple(map(boxes.unflat, ranges.low)), tuple(map(boxes.unflat, ranges.high)))


def propagated(chain: Layers, boxes: Boxes) -> Ranges:
    """`preactivation_ranges` with the leading axes merged into one."""
    low, high = boxes.low, boxes.high
    below: list[Array] = []
    above: list[Array] = []
    for k, layer in enumerate(chain.layers):
        low, high = affine(low, high, layer)
        below.append(low)
        above.append(high)
        if k < len(chain.slopes):
            low, high = bent(*clipped(low, high, boxes.signs[k]), chain.slopes[k])
    return Ranges(tuple(below), tuple(above))


def slope_ranges(net: Chain, ranges: Ranges | None = None, signs: PartialPattern | None = None) -> Slopes:
    """Ranges of the neurons' slopes, given ranges of the pre-activations, a partial pattern, both or neither.

    A neuron with low ≥ 0, or decided active, has its right slope; one with high ≤ 0, or decided inactive,
    its left one; the pattern goes first. Others have the range of both. At 0 nothing is lost: a
    pre-activation that is ≥ 0 on an open set and 0 inside it is 0 around it, a zero row under any slope.

    Returns
    -------
    Slopes
        Shapes (..., n_k), those of `ranges` and `signs` broadcast; (n_k,) with neither.
    """
    chain = Layers.of(net)
    below: list[Array] = []
    above: list[Array] = []
    for k, (pairs, sides) in enumerate(zip(chain.slopes, checked(chain, signs), strict=True)):
        left, right = pairs[:, 0], pairs[:, 1]
        on = off = np.zeros(len(pairs), dtype=bool)
        if ranges is not None:
            on = ranges.low[k] >= 0
            off = ~on & (ranges.high[k] <= 0)
        if sides is not None:
            on, off = (sides > 0) | (on & (sides == 0)), (sides < 0) | (off & (sides == 0))
        below.append(np.where(on, right, np.where(off, left, np.minimum(left, right))))
        above.append(np.where(on, right, np.where(off, left, np.maximum(left, right))))
    return Slopes(tuple(below), tuple(above))


def jacobian_ranges(net: Chain, slopes: Slopes) -> tuple[Array, Array]:
    """Entrywise ranges of W_K D_{K−1} W_{K−1} ⋯ D_1 W_1 over all diagonal D_k within the slopes.

    Multiplied from the output's side. No domain is needed: with every slope free the result holds globally.

    Returns
    -------
    (low, high)
        Both of shape (..., n_K, n_0).
    """
    chain = Layers.of(net)
    low, high = last_matrix(chain)
    for k in reversed(range(len(chain.slopes))):
        low, high = scaled(low, high, slopes.low[k][..., None, :], slopes.high[k][..., None, :])
        low, high = matrix_product(low, high, chain.layers[k].weight)
    return low, high


@quiet
def last_matrix(chain: Layers) -> tuple[Array, Array]:
    """W_K as an enclosure, shape (n_K, n_{K−1})."""
    return outward(*chain.layers[-1].weight.ends())
