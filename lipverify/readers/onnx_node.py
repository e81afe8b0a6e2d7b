"""One ONNX node in its place: inputs, attributes, and the way to the operators that all readers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt

from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.limits import require_numbers
from lipverify.readers.onnx_rows import BATCH
from lipverify.readers.operators import BUILDERS
from lipverify.readers.operators.call import Builder, Call, Ref
from lipverify.readers.operators.movement import relocated

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Value: TypeAlias = "Ref | Array"


@final
@dataclass(frozen=True, eq=False)
class OnnxNode:
    """A node, and what stands on its inputs: a value that depends on the graph's input, a constant, or nothing.

    Attributes
    ----------
    outputs
        How many outputs it has, trailing ones that are left out not counted.
    """

    operator: str
    label: str
    place: str
    inputs: tuple[Value | None, ...]
    attributes: dict[str, Any]
    outputs: int
    opset: int
    builder: Builder

    def require_inputs(self, least: int, most: int) -> None:
        """The right number of inputs, none left out among the first."""
        if not least <= len(self.inputs) <= most or any(value is None for value in self.inputs[:least]):
            raise InvalidNetwork(f"it has {len(self.inputs)} inputs; expected {least} to {most}")

    def value(self, index: int) -> Value:
        """An input that has to be there."""
        found = self.option(index)
        if found is None:
            raise InvalidNetwork(f"its input {index} is missing")
        return found

    def option(self, index: int) -> Value | None:
        """An input that may be missing."""
        return self.inputs[index] if index < len(self.inputs) else None

    def ref(self, index: int) -> Ref:
        """An input that has to depend on the graph's input."""
        found = self.value(index)
        if not isinstance(found, Ref):
            raise UnsupportedLayer(f"its input {index} is a constant; it must depend on the graph's input")
        return found

    def constant(self, index: int) -> Array | None:
        """An input that has to be a constant, if it is there."""
        found = self.option(index)
        if isinstance(found, Ref):
            raise UnsupportedLayer(f"its input {index} depends on the graph's input; only a constant is read there")
        return found

    def floats(self, index: int) -> Array:
        """A constant of a floating type that has to be there."""
        found = self.constant(index)
        if found is None:
            raise InvalidNetwork(f"its input {index} is missing")
        return floats(found, f"its constant input {index}")

    def integers(self, name: str, index: int | None = None, default: Sequence[int] | None = None) -> list[int] | None:
        """A list of integers: an attribute, or a constant input, as opsets have it."""
        given: Any = self.attributes.get(name, default)
        if index is not None and self.option(index) is not None:
            found = self.constant(index)
            assert found is not None
            if found.dtype.kind not in "iu" or found.ndim > 1:
                raise InvalidNetwork(
                    f"its input {index} is {found.dtype} with {found.ndim} axes; expected int64 and one"
                )
            given = found.ravel().tolist()
        if given is None:
            return None
        if not isinstance(given, (list, tuple)) or not all(isinstance(n, int) for n in given):
            raise InvalidNetwork(f"its '{name}' is {given!r}; expected integers")
        return list(given)

    def integer(self, name: str, default: int) -> int:
        """An attribute that is an integer."""
        value = self.attributes.get(name, default)
        if not isinstance(value, int):
            raise InvalidNetwork(f"its attribute '{name}' is {value!r}; expected an integer")
        return value

    def number(self, name: str, default: float) -> float:
        """A float attribute; one that is absent has ONNX's default, a float32 number."""
        value = self.attributes.get(name, float(np.float32(default)))
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise InvalidNetwork(f"its attribute '{name}' is {value!r}; expected a finite number")
        return float(value)

    def axis(self, name: str, default: int, axes: int) -> int:
        """An attribute that names an axis, counted from the front."""
        axis = self.integer(name, default)
        if not -axes <= axis < axes:
            raise InvalidNetwork(f"axis {axis} is outside a tensor of {axes} axes")
        return axis % axes

    def call(self, name: str, shape: Shape, /, **arguments: Any) -> Any:
        """An operator of the readers' own, by ATen's name and arguments."""
        require_numbers(shape)
        builder = self.builder
        return BUILDERS[name](Call(name, None, arguments, tuple(shape), self.label, self.place, builder))

    def moved(self, function: Callable[..., Any], *values: Value) -> Any:
        """What a function that only moves entries makes of values and constants."""
        if any(isinstance(value, Ref) for value in values):
            call = Call(self.operator, None, {}, (), self.label, self.place, self.builder)
            return relocated(call, function, *values)
        made = function(*values)
        several = made if isinstance(made, (list, tuple)) else [made]
        for array in several:
            self.keep(array, any(id(value) in self.builder.rounded for value in values))
        return made

    def keep(self, array: Array, rounded: bool) -> Array:
        """A new constant, and whether it was rounded."""
        self.builder.kept.append(array)
        if rounded:
            self.builder.rounded.add(id(array))
        return array


def floats(values: Array, what: str) -> Array:
    """A constant of a floating type, finite."""
    if values.dtype.kind != "f" or not values.size:
        raise InvalidNetwork(f"{what} has type {values.dtype} and shape {values.shape}; expected real floats")
    if not np.isfinite(values).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise InvalidNetwork(f"{what}: entry {list(where)} is {values[where]}; numbers must be finite")
    return values


def shape_of(value: Value) -> Shape:
    """The shape of a value or a constant."""
    return tuple(value.shape)


def broadcast(*values: Value) -> Shape:
    """The common shape of values and constants."""
    try:
        return tuple(np.broadcast_shapes(*(shape_of(value) for value in values)))
    except ValueError as error:
        shapes = " and ".join(str(shape_of(value)) for value in values)
        raise InvalidNetwork(f"tensors of shapes {shapes} do not broadcast") from error


def plain(sizes: Sequence[int]) -> list[int]:
    """Sizes in which the batch's stands for one row."""
    made = [1 if n == BATCH else n for n in sizes]
    if any(abs(n) >= BATCH // 2 and abs(n) < 2**62 for n in made):
        raise UnsupportedLayer("it computes with the size of the batch")
    return made
