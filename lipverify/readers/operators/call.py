"""One call of an operator: its arguments by name, and the way to add nodes to the graph.

Operators bear ATen's names and arguments, whichever framework the model comes from. Constants are torch tensors or
numpy arrays; torch itself is not imported here.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeGuard, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Indices
from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.graph import Node, Operator
from lipverify.readers.limits import require_numbers

Shape: TypeAlias = tuple[int, ...]
Constant: TypeAlias = Any
"""A torch tensor or a numpy array."""
Live: TypeAlias = dict[str, Constant]
"""The tensors behind a node's constants, by role, with their gradients: what a penalty differentiates."""


@final
@dataclass(frozen=True)
class Ref:
    """A value that depends on the input: its index in the graph, and its shape here."""

    index: int
    shape: Shape

    @property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)


@final
@dataclass
class Builder:
    """The graph as it grows.

    Attributes
    ----------
    rounded
        The ids of constants that were computed in floats, kept alive by `kept`.
    """

    nodes: list[Node] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    rounded: set[int] = field(default_factory=set)
    kept: list[Constant] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)

    def node(self, ref: Ref) -> Node | None:
        """The node that makes a value; None for the input."""
        return self.nodes[ref.index - 1] if ref.index else None


@final
@dataclass(frozen=True)
class Call:
    """One operator, called.

    Attributes
    ----------
    name, target
        The operator's name without its overload, and the operator itself.
    arguments
        By name: a `Ref`, a constant, or a plain value.
    shape
        Of the (first) result.
    label, place
        The name of the node, and the source line that made the call.
    """

    name: str
    target: Any
    arguments: dict[str, Any]
    shape: Shape
    label: str
    place: str
    builder: Builder

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    def ref(self, name: str) -> Ref:
        """An argument that has to depend on the input.

        Raises
        ------
        UnsupportedLayer
            When it is a constant.
        """
        value = self.arguments.get(name)
        if not isinstance(value, Ref):
            raise UnsupportedLayer(f"its argument '{name}' must depend on the input; it is a constant")
        return value

    def constant(self, name: str) -> Constant | None:
        """A tensor argument that has to be constant, or None when it is left out."""
        value = self.arguments.get(name)
        if isinstance(value, Ref):
            raise UnsupportedLayer(f"its argument '{name}' depends on the input; only a constant is read there")
        if value is None or is_constant(value):
            return value
        raise UnsupportedLayer(f"its argument '{name}' is {value!r}; expected a tensor")

    def plain(self, name: str, default: Any = None) -> Any:
        """An argument that has to be a plain value."""
        value = self.arguments.get(name)
        if isinstance(value, Ref) or is_constant(value):
            raise UnsupportedLayer(f"its argument '{name}' is a tensor; only a plain value is read there")
        return default if value is None else value

    def emit(
        self, operator: Operator, reads: tuple[Ref, ...], shape: Shape, live: Live | None = None, *constants: Any
    ) -> Ref:
        """A new node, and the value that it makes; the tensors among `constants` say whether it is rounded."""
        builder = self.builder
        used = builder.labels[self.label]
        builder.labels[self.label] += 1
        name = f"{self.label}.{used}" if used else self.label
        rounded = any(id(c) in builder.rounded for c in (*(live or {}).values(), *constants))
        node = Node(name, self.name, operator, tuple(r.index for r in reads), shape, self.place, rounded)
        builder.nodes.append(node)
        builder.live.append(live or {})
        return Ref(len(builder.nodes), shape)


def is_constant(value: object) -> TypeGuard[Constant]:
    """Whether it is an array or a tensor, not a plain value."""
    return isinstance(value, np.ndarray) or is_tensor(value)


def is_tensor(value: object) -> bool:
    """Whether it is a torch tensor, which may have a gradient."""
    return hasattr(value, "detach") and hasattr(value, "is_meta")


def native(tensor: Constant, what: str) -> npt.NDArray[np.floating[Any]]:
    """A constant in the float dtype that it has (bfloat16, which numpy lacks, as float32), without a copy."""
    if isinstance(tensor, np.ndarray):
        if tensor.dtype.kind != "f":
            raise InvalidNetwork(f"{what} is of type {tensor.dtype}; expected a real floating dtype")
        return tensor
    if not tensor.dtype.is_floating_point:
        raise InvalidNetwork(f"{what} is of type {tensor.dtype}; expected a real floating dtype")
    if tensor.is_meta or str(tensor.layout) != "torch.strided":
        raise InvalidNetwork(f"{what} is a meta or sparse tensor; expected a dense one with data")
    tensor = tensor.detach().cpu()
    array: npt.NDArray[np.floating[Any]] = (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()
    return array


def numbers(value: Any, what: str) -> Array:
    """A constant of any real dtype, or a plain number, as float64: exactly, or refused."""
    if is_tensor(value):
        if value.dtype.is_floating_point:
            return np.asarray(native(value, what), dtype=np.float64)
        if value.dtype.is_complex:
            raise InvalidNetwork(f"{what} is complex; expected real numbers")
        value = value.detach().cpu().numpy()
    array: Array = np.asarray(value, dtype=np.float64)
    return array


def spread(value: Any, shape: Shape, what: str) -> Array:
    """A constant repeated to a shape, flat."""
    require_numbers(shape, what)
    return np.broadcast_to(numbers(value, what), shape).ravel()


def axis_of(dim: int, axes: int) -> int:
    """A dimension counted from the front."""
    return dim + axes if dim < 0 else dim


def grouped(shape: Shape, dims: Any) -> Indices:
    """Flat indices in groups along the given dimensions (None or none: all), shape (groups, entries)."""
    axes = sorted({axis_of(d, len(shape)) for d in ([dims] if isinstance(dims, int) else dims or [])})
    axes = axes or list(range(len(shape)))
    kept = [a for a in range(len(shape)) if a not in axes]
    indices = np.arange(math.prod(shape)).reshape(shape).transpose([*kept, *axes])
    return indices.reshape(math.prod(shape[a] for a in kept), -1)
