"""What each ONNX operator does to the flat tensor: one function per operator, and the table of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array
from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.limits import require_numbers
from lipverify.readers.matrices import dense, eye, finite, selection
from lipverify.readers.steps import Affine, Clip, Step, TwoSlope

Shape: TypeAlias = tuple[int, ...]
Read: TypeAlias = tuple[tuple[Step, ...], Shape]
Constant: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True)
class Node:
    """One operator, its place, and its inputs: a constant, or None for the tensor that flows."""

    place: str
    operator: str
    inputs: tuple[Constant | None, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    def constant(self, index: int) -> Constant:
        """An input that has to be a constant."""
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise UnsupportedLayer(f"input {index} must be a constant")
        return value

    def numbers(self, index: int) -> Array:
        """A constant of a floating type, as the exact float64 numbers it holds."""
        return _floats(self.constant(index), f"constant input {index}")

    def option(self, index: int) -> Constant | None:
        """An input that may be missing."""
        return self.inputs[index] if index < len(self.inputs) else None


def _floats(values: Constant, what: str) -> Array:
    if values.dtype.kind in "OUSbciu" or not values.size:
        raise InvalidNetwork(f"{what} has type {values.dtype} and shape {values.shape}; expected real floats")
    return finite(values, what)


def _number(node: Node, name: str, default: float) -> float:
    """A float attribute; one that is absent has ONNX's default, a float32 number."""
    value = node.attributes.get(name, float(np.float32(default)))
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidNetwork(f"its attribute '{name}' is {value!r}; expected a finite number")
    return float(value)


def _integer(node: Node, name: str, default: int) -> int:
    value = node.attributes.get(name, default)
    if not isinstance(value, int):
        raise InvalidNetwork(f"its attribute '{name}' is {value!r}; expected an integer")
    return value


def _require_inputs(node: Node, least: int, most: int, flowing: int | None = 0) -> None:
    """The right number of inputs, with the flowing tensor in the right place (None: in any place)."""
    if not least <= len(node.inputs) <= most:
        raise InvalidNetwork(f"it has {len(node.inputs)} inputs; expected {least} to {most}")
    if flowing is not None and node.inputs[flowing] is not None:
        raise UnsupportedLayer(f"the flowing tensor must be input {flowing}; the constants stand elsewhere")


def _gemm(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 3)
    weight = node.numbers(1)
    if _integer(node, "transA", 0) or len(shape) != 2 or weight.ndim != 2:
        raise UnsupportedLayer(f"only x·W + C with matrices is read, no transA; x has shape {shape}")
    factor = weight if _integer(node, "transB", 0) else weight.T
    steps, made = _on_last_axis(factor, shape)
    steps += _scaled(_number(node, "alpha", 1.0), math.prod(made))
    if node.option(2) is None:
        return steps, made
    values, gathered, out = _broadcast(node.numbers(2), made)
    if out != made:
        raise InvalidNetwork(f"its C does not broadcast to the product's shape {made}")
    shift, rounded = _products(values, _number(node, "beta", 1.0))
    return (*steps, Affine(eye(len(gathered)), shift, rounded)), made


def _scaled(alpha: float, n: int) -> tuple[Step, ...]:
    return () if alpha == 1.0 else (Affine(alpha * eye(n), np.zeros(n)),)


def _products(values: Array, factor: float) -> tuple[Array, bool]:
    """values·factor, and whether that was rounded."""
    if factor == 1.0:
        return values, False
    products = values * factor
    exact = all(
        math.isfinite(p) and Fraction(p) == Fraction(v) * Fraction(factor)
        for p, v in zip(products.tolist(), values.tolist(), strict=True)
    )
    return products, not exact


def _matmul(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 2, None)
    first = node.inputs[0] is not None
    weight = node.numbers(0 if first else 1)
    if weight.ndim != 2:
        raise UnsupportedLayer(f"its constant has {weight.ndim} axes; expected a matrix")
    if not first or len(shape) == 1:
        return _on_last_axis(weight if first else weight.T, shape)
    # W·X on the last two axes: along a column, once for every column and leading index.
    *lead, k, columns = shape
    if weight.shape[1] != k:
        raise InvalidNetwork(f"a matrix of shape {weight.shape} cannot multiply a tensor of shape {shape}")
    block = _kron(weight, eye(columns))
    full = _kron(eye(math.prod(lead)), block)
    return (Affine(full, np.zeros(len(full))),), (*lead, len(weight), columns)


def _on_last_axis(factor: Array, shape: Shape) -> Read:
    """factor, of shape (out, in), applied along the last axis."""
    if not shape or factor.shape[1] != shape[-1]:
        raise InvalidNetwork(f"a matrix that takes {factor.shape[1]} values meets a tensor of shape {shape}")
    full = _kron(eye(math.prod(shape[:-1])), factor)
    return (Affine(full, np.zeros(len(full))),), (*shape[:-1], len(factor))


def _kron(a: Array, b: Array) -> Array:
    if a.shape == (1, 1) and a[0, 0] == 1.0:
        return b
    product = dense(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])
    product[:] = np.kron(a, b)  # one factor is an identity: nothing is rounded
    return product


def _broadcast(values: Array, shape: Shape) -> tuple[Array, npt.NDArray[np.intp], Shape]:
    """A constant's entries and the flowing tensor's indices, flat, on their common shape, and that shape."""
    try:
        out = np.broadcast_shapes(values.shape, shape)
    except ValueError as error:
        raise InvalidNetwork(f"a constant of shape {values.shape} does not broadcast with {shape}") from error
    require_numbers(out)
    indices = np.arange(math.prod(shape)).reshape(shape)
    return np.broadcast_to(values, out).ravel(), np.broadcast_to(indices, out).ravel(), out


def _elementwise(node: Node, shape: Shape, index: int) -> tuple[Array, Array, Shape]:
    """The constant at an input on the common shape, the flowing tensor's copy matrix, and that shape."""
    values, gathered, out = _broadcast(node.numbers(index), shape)
    return values, selection(gathered, math.prod(shape)), out


def _add(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 2, None)
    values, copies, out = _elementwise(node, shape, 0 if node.inputs[0] is not None else 1)
    return (Affine(copies, values),), out


def _sub(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 2, None)
    if node.inputs[0] is not None:
        values, copies, out = _elementwise(node, shape, 0)
        return (Affine(-copies, values),), out
    values, copies, out = _elementwise(node, shape, 1)
    return (Affine(copies, -values),), out


def _mul(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 2, None)
    values, copies, out = _elementwise(node, shape, 0 if node.inputs[0] is not None else 1)
    return (Affine(copies * values[:, None], np.zeros(len(values))),), out


def _div(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 2)
    values, copies, out = _elementwise(node, shape, 1)
    if not values.all():
        raise InvalidNetwork("it divides by zero")
    # 1/c is a float64 exactly when c is ± a power of two, that is, when its mantissa is ± 1/2.
    rounded = bool((np.abs(np.frexp(values)[0]) != 0.5).any())
    with np.errstate(over="ignore"):
        inverse = finite(1.0 / values, "the inverse of the divisor")
    return (Affine(copies * inverse[:, None], np.zeros(len(values)), rounded),), out


def _flatten(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 1, 1)
    axis = _integer(node, "axis", 1)
    split = axis + len(shape) if axis < 0 else axis
    if not 0 <= split <= len(shape):
        raise InvalidNetwork(f"axis {axis} is outside a tensor of shape {shape}")
    return (), (math.prod(shape[:split]), math.prod(shape[split:]))


def _reshape(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 2)
    target = node.constant(1)
    if target.dtype != np.int64 or target.ndim != 1:
        raise InvalidNetwork(f"its target is {target.dtype} with {target.ndim} axes; expected int64 and one")
    axes: list[int] = [int(n) for n in target]
    if 0 in axes and _integer(node, "allowzero", 0):
        raise InvalidNetwork(f"the target {axes} is empty")
    copied = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(axes)]
    n, known = math.prod(shape), math.prod(c for c in copied if c != -1)
    if copied.count(-1) == 1 and known > 0 and n % known == 0:
        copied[copied.index(-1)] = n // known
    if any(c < 1 for c in copied) or math.prod(copied) != n:
        raise InvalidNetwork(f"a tensor of shape {shape} cannot be reshaped to {axes}")
    return (), tuple(copied)


def _relu(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 1, 1)
    return (TwoSlope.relu(math.prod(shape)),), shape


def _abs(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 1, 1)
    return (TwoSlope.uniform(math.prod(shape), -1.0, 1.0),), shape


def _leaky(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 1, 1)
    return (TwoSlope.uniform(math.prod(shape), _number(node, "alpha", 0.01), 1.0),), shape


def _prelu(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 2, 2)
    left, _, out = _broadcast(node.numbers(1), shape)
    if out != shape:
        raise InvalidNetwork(f"its slopes do not broadcast to the tensor's shape {shape}")
    return (TwoSlope(np.column_stack([left, np.ones_like(left)])),), shape


def _clip(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 1, 3)
    limits: list[float] = []
    for index, name, default in ((1, "min", -math.inf), (2, "max", math.inf)):
        value = node.attributes.get(name, default)
        given = node.option(index)
        if given is not None:
            if given.size != 1 or given.dtype.kind in "OUSbciu":
                raise InvalidNetwork(f"its limit '{name}' has type {given.dtype} and shape {given.shape}")
            value = float(given.reshape(()).astype(np.float64))
        if not isinstance(value, (int, float)):
            raise InvalidNetwork(f"its limit '{name}' is {value!r}; expected a number")
        limits.append(float(value))
    return (Clip(math.prod(shape), *limits),), shape


def _identity(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 1, 1)
    return (), shape


def _dropout(node: Node, shape: Shape) -> Read:
    _require_inputs(node, 1, 3)
    training = node.option(2)
    if training is not None and (training.dtype.kind != "b" or training.any()):
        raise InvalidNetwork("it is in training mode; export the model in eval mode")
    return (), shape


RULES: dict[str, Callable[[Node, Shape], Read]] = {
    "Abs": _abs,
    "Add": _add,
    "Clip": _clip,
    "Div": _div,
    "Dropout": _dropout,
    "Flatten": _flatten,
    "Gemm": _gemm,
    "Identity": _identity,
    "LeakyRelu": _leaky,
    "MatMul": _matmul,
    "Mul": _mul,
    "PRelu": _prelu,
    "Relu": _relu,
    "Reshape": _reshape,
    "Sub": _sub,
}

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Clip": ("min", "max"),
    "Constant": ("value", "value_float", "value_floats", "value_int", "value_ints"),
    "Dropout": ("ratio", "seed"),
    "Flatten": ("axis",),
    "Gemm": ("alpha", "beta", "transA", "transB"),
    "LeakyRelu": ("alpha",),
    "Reshape": ("allowzero",),
}
