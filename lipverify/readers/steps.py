"""What a reader makes of a model: a short list of steps, still in the model's own terms.

The passes in `lipverify.readers.passes` rewrite the list until only affine maps and two-slope neurons
are left, in turns: a network. Tensors are flat here: a step knows the shape that it needs, the last
axis runs fastest (PyTorch's C, H, W order), and every float is meant as the exact rational it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Indices, Matrix, Vector
from lipverify.errors import InvalidNetwork
from lipverify.network import IDENTITY, RELU
from lipverify.readers.limits import require_numbers
from lipverify.readers.matrices import eye, finite
from lipverify.readers.windows import AveragePooling, Convolution, LargestOf, SortedGroups, finite_entries


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
        require_numbers((n, 2))
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
@dataclass(frozen=True, eq=False)
class Select:
    """y_i = factors_i · x_{indices_i} + offsets_i, or offsets_i alone where the index is −1.

    Every way of moving entries about (slices, permutations, copies, paddings of every kind) and every product
    or sum with a constant is one of these. None stands for the identity, for ones and for zeros.

    Attributes
    ----------
    size
        The number of inputs.
    rounded
        Whether factors or offsets are only the float64 numbers nearest to the model's.
    """

    size: int
    indices: Indices | None = None
    factors: Vector | None = None
    offsets: Vector | None = None
    rounded: bool = False

    def __post_init__(self) -> None:
        for name in ("factors", "offsets"):
            values = getattr(self, name)
            if values is not None:
                object.__setattr__(self, name, finite(values, f"a constant's {name}"))

    @property
    def width(self) -> int:
        """The number of outputs."""
        return self.size if self.indices is None else len(self.indices)


@final
@dataclass(frozen=True, eq=False)
class Dense:
    """One matrix along one axis: I_before ⊗ weight ⊗ I_after, and bias_o added at place o of that axis.

    weight, shape (out, in), and bias, shape (out,) or None, keep the model's own dtype: whichever real floating
    dtype it is, they are the exact numbers they are.
    """

    weight: npt.NDArray[np.floating[Any]]
    bias: npt.NDArray[np.floating[Any]] | None = None
    before: int = 1
    after: int = 1

    def __post_init__(self) -> None:
        finite_entries(self.weight, "a weight matrix")


@final
@dataclass(frozen=True)
class Sum:
    """Σ c_k x_k over operands x_1, x_2, … of n coordinates each, one behind the other; c are exact floats."""

    n: int
    coefficients: tuple[float, ...]


Step: TypeAlias = (
    Affine
    | TwoSlope
    | Clip
    | BatchNorm
    | Select
    | Dense
    | Sum
    | Convolution
    | AveragePooling
    | LargestOf
    | SortedGroups
)
"""A piecewise-linear map on flat tensors."""
Steps: TypeAlias = tuple[Step, ...]

_S = TypeVar(
    "_S", Affine, TwoSlope, Clip, BatchNorm, Select, Dense, Sum, Convolution, AveragePooling, LargestOf, SortedGroups
)


def rewrite(steps: Iterable[Step], kind: type[_S], rule: Callable[[_S], Steps]) -> Steps:
    """The steps with every one of a kind replaced by what the rule makes of it."""
    done: list[Step] = []
    for step in steps:
        done.extend(rule(step) if isinstance(step, kind) else (step,))
    return tuple(done)
