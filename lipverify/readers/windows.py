"""Steps that slide a window over an image of any dimension: convolutions, averages, maxima; and sorted groups.

A convolution keeps its kernel and is never written out unless a pass asks for its matrix. A pooling is a
table: row i lists the flat indices of the inputs in window i, filled up with −1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Indices, Vector
from lipverify.errors import InvalidNetwork
from lipverify.readers.limits import require_numbers
from lipverify.readers.matrices import finite


@final
@dataclass(frozen=True)
class Window:
    """How a kernel slides along one axis of an image.

    Attributes
    ----------
    size, outputs
        The lengths of the axis before and after.
    kernel, stride, dilation
        The number of taps, the step between windows, the step between taps.
    before
        The zeros in front of the axis; those behind it are implied by `outputs`.
    """

    size: int
    outputs: int
    kernel: int
    stride: int
    dilation: int
    before: int

    def __post_init__(self) -> None:
        if min(self.size, self.outputs, self.kernel, self.stride, self.dilation) < 1 or self.before < 0:
            raise InvalidNetwork(f"a kernel does not fit its image: {self}")

    @property
    def reach(self) -> int:
        """The distance between the first and the last tap."""
        return self.dilation * (self.kernel - 1)

    def taps(self, k: int) -> tuple[Indices, Indices]:
        """The output indices at which tap k lies inside the axis, and the inputs it reads there."""
        outputs = np.arange(self.outputs)
        inputs = outputs * self.stride + k * self.dilation - self.before
        inside = (inputs >= 0) & (inputs < self.size)
        return outputs[inside], inputs[inside]

    def members(self) -> Indices:
        """The inputs of every window, shape (outputs, kernel), −1 outside the axis."""
        inputs = np.arange(self.outputs)[:, None] * self.stride + np.arange(self.kernel) * self.dilation - self.before
        return np.where((inputs >= 0) & (inputs < self.size), inputs, -1)


@final
@dataclass(frozen=True, eq=False)
class Convolution:
    """A cross-correlation with zero padding on (channels, *sizes) flat, or the transpose of one.

    kernel has shape (out channels, in channels / groups, *taps), in the model's own dtype, with one `Window` per
    axis of taps. Where `transposed`, the map is the transpose of that convolution: it takes the convolution's
    outputs to its inputs. bias has one entry per channel that the map makes.
    """

    kernel: npt.NDArray[np.floating[Any]]
    bias: Vector
    groups: int
    axes: tuple[Window, ...]
    transposed: bool = False

    def __post_init__(self) -> None:
        finite_entries(self.kernel, "a convolution's kernel")
        object.__setattr__(self, "bias", finite(self.bias, "a convolution's bias"))

    @property
    def pixels(self) -> int:
        """The number of places in the image that the kernel reads."""
        return math.prod(axis.size for axis in self.axes)

    @property
    def places(self) -> int:
        """The number of places in the image that the kernel makes."""
        return math.prod(axis.outputs for axis in self.axes)


@final
@dataclass(frozen=True, eq=False)
class AveragePooling:
    """Sums over windows, each divided by its divisor; members of shape (windows, k), divisors of shape (windows,)."""

    size: int
    members: Indices
    divisors: Vector

    def __post_init__(self) -> None:
        object.__setattr__(self, "divisors", finite(self.divisors, "a pooling divisor"))


@final
@dataclass(frozen=True, eq=False)
class LargestOf:
    """The largest entry of every window (the smallest, if `least`); members of shape (windows, k).

    Max-pooling, maxima along an axis and the maximum of several operands are all this one step: operands stand
    one behind the other. Every window has a member.
    """

    size: int
    members: Indices
    least: bool = False

    def __post_init__(self) -> None:
        if not self.members.size or (self.members < 0).all(axis=1).any():
            raise InvalidNetwork("a window of a max-pooling lies outside its image")


@final
@dataclass(frozen=True, eq=False)
class SortedGroups:
    """Disjoint groups of entries, each sorted in place; places of shape (groups, k), ascending or descending."""

    size: int
    places: Indices
    descending: bool = False


def table(axes: Sequence[Indices], sizes: Sequence[int], channels: int) -> Indices:
    """One row of flat input indices per window of an image (channels, *sizes), −1 where a window leaves it.

    `axes` holds one table per axis, shape (outputs, k), as `Window.members` makes it.
    """
    outputs, taps = math.prod(len(axis) for axis in axes), math.prod(axis.shape[1] for axis in axes)
    require_numbers((channels * outputs, taps))
    flat = np.zeros((1, 1), dtype=np.intp)
    for axis, size in zip(axes, sizes, strict=True):
        inside = (flat[:, None, :, None] >= 0) & (axis[None, :, None, :] >= 0)
        combined = np.where(inside, flat[:, None, :, None] * size + axis[None, :, None, :], -1)
        flat = combined.reshape(len(flat) * len(axis), -1)
    channel = np.arange(channels)[:, None, None] * math.prod(sizes)
    return np.where(flat >= 0, flat + channel, -1).reshape(channels * outputs, taps)


def finite_entries(values: npt.NDArray[np.floating[Any]], what: str) -> None:
    """As `finite`, for an array that is kept as it is."""
    if not values.size or not np.isfinite(values).all():
        finite(values, what)
