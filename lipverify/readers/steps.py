"""What a reader makes of a model: a short list of steps, still in the model's own terms.

The passes in `lipverify.readers.passes` rewrite the list until only affine maps and two-slope neurons
are left, in turns: a network. Tensors are flat here: a step knows the shape that it needs, the last
axis runs fastest (PyTorch's C, H, W order), and every float is meant as the exact rational it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Matrix, Vector, frozen
from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.network import IDENTITY, RELU

MOST_ENTRIES = 2**28
"""The largest matrix that a reader will write out, in entries: 2 GiB of float64."""


@final
@dataclass(frozen=True, eq=False)
class Affine:
    """x ↦ weight·x + bias, shapes (out, in) and (out,).

    Attributes
    ----------
    rounded
        Whether some entry is only the float64 nearest to the model's number, or near it.
    """

    weight: Matrix
    bias: Vector
    rounded: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", finite(self.weight, "a weight matrix"))
        object.__setattr__(self, "bias", finite(self.bias, "a bias"))
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise InvalidNetwork(
                f"a weight of shape {self.weight.shape} and a bias of shape {self.bias.shape} "
                "make no affine map; expected (out, in) and (out,)"
            )

    @classmethod
    def identity(cls, n: int) -> Affine:
        """x ↦ x on n coordinates."""
        return cls(eye(n), np.zeros(n))

    @property
    def width(self) -> int:
        """The number of outputs."""
        return len(self.weight)


@final
@dataclass(frozen=True, eq=False)
class TwoSlope:
    """One neuron per coordinate: slopes left and right of 0, shape (n, 2)."""

    slopes: Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "slopes", finite(self.slopes, "a neuron's slope"))

    @classmethod
    def uniform(cls, n: int, left: float, right: float) -> TwoSlope:
        """n neurons of one kind."""
        _require_size(n, 2)
        return cls(np.tile((left, right), (n, 1)))

    @classmethod
    def relu(cls, n: int) -> TwoSlope:
        """n relus."""
        return cls.uniform(n, *RELU)

    @classmethod
    def passing(cls, n: int) -> TwoSlope:
        """n neurons that pass their value on."""
        return cls.uniform(n, *IDENTITY)

    @property
    def width(self) -> int:
        """The number of neurons."""
        return len(self.slopes)


@final
@dataclass(frozen=True)
class Clip:
    """x ↦ min(max(x, lower), upper) on n coordinates; one of the limits may be infinite."""

    n: int
    lower: float
    upper: float

    def __post_init__(self) -> None:
        if not self.lower <= self.upper or self.lower == math.inf or self.upper == -math.inf:
            raise InvalidNetwork(f"cannot clip to [{self.lower}, {self.upper}]: expected lower ≤ upper")


@final
@dataclass(frozen=True, eq=False)
class BatchNorm:
    """x ↦ scale·(x − mean)/√(variance + epsilon) + shift, coordinatewise, all of shape (n,)."""

    mean: Vector
    variance: Vector
    scale: Vector
    shift: Vector
    epsilon: float

    def __post_init__(self) -> None:
        for name in ("mean", "variance", "scale", "shift"):
            object.__setattr__(self, name, finite(getattr(self, name), f"batch-norm's {name}"))
        if not (self.variance + self.epsilon > 0).all():
            raise InvalidNetwork("batch-norm's variance + epsilon is not positive everywhere")


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

    def taps(self, k: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The output indices at which tap k lies inside the axis, and the inputs it reads there."""
        outputs = np.arange(self.outputs)
        inputs = outputs * self.stride + k * self.dilation - self.before
        inside = (inputs >= 0) & (inputs < self.size)
        return outputs[inside], inputs[inside]


@final
@dataclass(frozen=True, eq=False)
class Convolution:
    """A 2-D cross-correlation with zero padding, from (channels, rows.size, columns.size) flat to flat.

    kernel has shape (out channels, in channels / groups, rows.kernel, columns.kernel), bias (out channels,).
    """

    kernel: Array
    bias: Vector
    groups: int
    rows: Window
    columns: Window

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", finite(self.kernel, "a convolution's kernel"))
        object.__setattr__(self, "bias", finite(self.bias, "a convolution's bias"))


@final
@dataclass(frozen=True, eq=False)
class AveragePooling:
    """Each channel's windows summed and divided, from (channels, rows.size, columns.size) flat to flat.

    divisors has shape (rows.outputs, columns.outputs): what each window's sum is divided by.
    """

    channels: int
    divisors: Array
    rows: Window
    columns: Window

    def __post_init__(self) -> None:
        object.__setattr__(self, "divisors", finite(self.divisors, "a pooling divisor"))


Step: TypeAlias = Affine | TwoSlope | Clip | BatchNorm | Convolution | AveragePooling
Steps: TypeAlias = tuple[Step, ...]

_S = TypeVar("_S", Affine, TwoSlope, Clip, BatchNorm, Convolution, AveragePooling)


def rewrite(steps: Iterable[Step], kind: type[_S], rule: Callable[[_S], Steps]) -> Steps:
    """The steps with every one of a kind replaced by what the rule makes of it."""
    done: list[Step] = []
    for step in steps:
        done.extend(rule(step) if isinstance(step, kind) else (step,))
    return tuple(done)


def finite(values: npt.ArrayLike, what: str) -> Array:
    """A frozen float64 array; an empty one, or an entry that is NaN or infinite, is refused.

    Raises
    ------
    InvalidNetwork
        Naming `what` and the entry.
    """
    with np.errstate(invalid="ignore"):  # a signalling NaN, refused below
        array = frozen(values)
    if not array.size:
        raise InvalidNetwork(f"{what} is empty (shape {array.shape})")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        raise InvalidNetwork(f"{what}: entry {list(where)} is {array[where]}; numbers must be finite")
    return array


def dense(rows: int, columns: int) -> Matrix:
    """A zero matrix to be filled in.

    Raises
    ------
    UnsupportedLayer
        When it has more than MOST_ENTRIES entries.
    """
    _require_size(rows, columns)
    return np.zeros((rows, columns))


def eye(n: int) -> Matrix:
    """The identity matrix, with the same limit as `dense`."""
    _require_size(n, n)
    return np.eye(n)


def selection(indices: npt.NDArray[np.intp], n: int) -> Matrix:
    """The matrix S, shape (len(indices), n), with (S·x)_i = x_{indices[i]}."""
    matrix = dense(len(indices), n)
    matrix[np.arange(len(indices)), indices] = 1.0
    return matrix


def _require_size(rows: int, columns: int) -> None:
    if rows * columns > MOST_ENTRIES:
        raise UnsupportedLayer(
            f"a layer needs a dense array of {rows} × {columns} numbers; the limit is {MOST_ENTRIES}"
        )
