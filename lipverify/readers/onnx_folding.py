"""ONNX operators on constants alone: sizes and weights that a graph computes before it meets its input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.limits import require_numbers
from lipverify.readers.onnx_node import Array, OnnxNode, broadcast, plain


def _of_two(function: Callable[[Any, Any], Any]) -> Callable[[OnnxNode], Array]:
    def fold(node: OnnxNode) -> Array:
        node.require_inputs(2, 2)
        a, b = (_array(node, k) for k in (0, 1))
        require_numbers(broadcast(a, b))
        return function(a, b)

    return fold


def _of_one(function: Callable[[Any], Any]) -> Callable[[OnnxNode], Array]:
    def fold(node: OnnxNode) -> Array:
        node.require_inputs(1, 1)
        a = _array(node, 0)
        return np.asarray(function(a)).astype(a.dtype)

    return fold


def _array(node: OnnxNode, index: int) -> Array:
    value = node.constant(index)
    assert value is not None
    if value.dtype.kind not in "fiub":
        raise UnsupportedLayer(f"its input {index} has type {value.dtype}")
    return value


def _divide(a: Any, b: Any) -> Any:
    if a.dtype.kind == "f":
        return a / b
    if not np.all(b):
        raise InvalidNetwork("it divides by zero")
    return np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b))  # towards zero


def _product(node: OnnxNode) -> Array:
    node.require_inputs(2, 2)
    a, b = _array(node, 0), _array(node, 1)
    if a.ndim > 1 and b.ndim > 1:
        require_numbers((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]))
    return a @ b


def _cast(node: OnnxNode) -> Array:
    node.require_inputs(1, 1)
    kind = onnx.helper.tensor_dtype_to_np_dtype(node.integer("to", 0))
    value = _array(node, 0)
    made = value.astype(kind)
    if made.dtype.kind not in "fiub":
        raise UnsupportedLayer(f"it casts to {made.dtype}")
    return made


def _filled(node: OnnxNode) -> Array:
    """ConstantOfShape."""
    shape = plain(node.integers("", 0) or [])
    if any(n < 0 for n in shape):
        raise InvalidNetwork(f"the shape {shape} is impossible")
    require_numbers(shape)
    value = node.attributes.get("value", np.zeros(1, dtype=np.float32))
    return np.full(shape, value.ravel()[0], dtype=value.dtype)


def _range(node: OnnxNode) -> Array:
    node.require_inputs(3, 3)
    start, limit, step = (_array(node, k).ravel()[0] for k in range(3))
    count = max(0, int(np.ceil((limit - start) / step)))
    require_numbers((count,))
    return start + np.arange(count, dtype=np.result_type(start)) * step


def _power(a: Any, b: Any) -> Any:
    return np.power(a, b).astype(a.dtype)


FOLDS: dict[str, Callable[[OnnxNode], Array]] = {
    "Add": _of_two(np.add),
    "And": _of_two(np.logical_and),
    "Cast": _cast,
    "ConstantOfShape": _filled,
    "Div": _of_two(_divide),
    "Equal": _of_two(np.equal),
    "Greater": _of_two(np.greater),
    "Less": _of_two(np.less),
    "MatMul": _product,
    "Mul": _of_two(np.multiply),
    "Neg": _of_one(np.negative),
    "Not": _of_one(np.logical_not),
    "Or": _of_two(np.logical_or),
    "Pow": _of_two(_power),
    "Range": _range,
    "Reciprocal": _of_one(np.reciprocal),
    "Sqrt": _of_one(np.sqrt),
    "Sub": _of_two(np.subtract),
}
"""Where all inputs are constant; operators that only move entries fold by their own rules."""
