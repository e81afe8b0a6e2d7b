"""What each ONNX operator is in the readers' own operators: arithmetic, activations, products; and the table of all.

ATen's names and arguments are the vocabulary (`lipverify.readers.operators`); a rule here says which call, or calls,
a node is, and of which shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.onnx_images import IMAGES
from lipverify.readers.onnx_movement import MOVEMENT, reduced_shape
from lipverify.readers.onnx_node import OnnxNode, Shape, Value, broadcast, floats, shape_of
from lipverify.readers.onnx_rows import Rows
from lipverify.readers.operators.call import Ref
from lipverify.readers.steps import TwoSlope

Rule = Callable[[OnnxNode, "Rows | None"], Any]


def _real(node: OnnxNode, index: int) -> Value:
    """A value, or a constant of floats."""
    value = node.value(index)
    return value if isinstance(value, Ref) else floats(value, f"its constant input {index}")


def _old_broadcast(node: OnnxNode, a: Value, b: Value) -> Value:
    """Before opset 7 a constant was put at an axis of the first operand, where `broadcast` was set."""
    if node.opset >= 7 or not isinstance(b, np.ndarray):
        return b
    if not node.integer("broadcast", 0):
        if b.shape != shape_of(a):
            raise InvalidNetwork(f"shapes {shape_of(a)} and {b.shape} differ, and it is not set to broadcast")
        return b
    axes = len(shape_of(a))
    start = node.integer("axis", axes - b.ndim) % max(axes, 1)
    made = b.reshape(*b.shape, *[1] * (axes - start - b.ndim))
    return node.keep(made, id(b) in node.builder.rounded)


def _of_two(name: str) -> Rule:
    def rule(node: OnnxNode, rows: Rows | None) -> Any:
        node.require_inputs(2, 2)
        a, b = _real(node, 0), _real(node, 1)
        b = _old_broadcast(node, a, b)
        return node.call(name, broadcast(a, b), self=a, other=b)

    return rule


def _product(name: str) -> Rule:
    def rule(node: OnnxNode, rows: Rows | None) -> Any:
        node.require_inputs(2, 2)
        a, b = _real(node, 0), _real(node, 1)
        if isinstance(b, Ref) and (isinstance(a, Ref) or name == "div"):
            raise UnsupportedLayer("both operands depend on the input: it is not piecewise linear")
        b = _old_broadcast(node, a, b)
        return node.call(name, broadcast(a, b), self=a, other=b)

    return rule


def _of_several(name: str) -> Rule:
    def rule(node: OnnxNode, rows: Rows | None) -> Any:
        node.require_inputs(1, max(1, len(node.inputs)))
        parts = [_real(node, k) for k in range(len(node.inputs))]
        parts.sort(key=lambda part: not isinstance(part, Ref))  # in any order: a value comes first
        total = parts[0]
        for part in parts[1:]:
            total = node.call(name, broadcast(total, part), self=total, other=part)
        if node.operator == "Mean" and len(parts) > 1:
            total = node.call("div", shape_of(total), self=total, other=np.array(float(len(parts))))
        return total

    return rule


def _entrywise(name: str) -> Rule:
    def rule(node: OnnxNode, rows: Rows | None) -> Any:
        node.require_inputs(1, 1)
        return node.call(name, node.ref(0).shape, self=node.ref(0))

    return rule


def _leaky(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(1, 1)
    return node.call("leaky_relu", node.ref(0).shape, self=node.ref(0), negative_slope=node.number("alpha", 0.01))


def _prelu(node: OnnxNode, rows: Rows | None) -> Any:
    """Slopes broadcast to the value, not along its channels as torch has it."""
    node.require_inputs(2, 2)
    value, slopes = node.ref(0), node.floats(1)
    if node.opset < 7 and slopes.ndim == 1 and len(value.shape) > 2 and slopes.size > 1:
        slopes = slopes.reshape(-1, *[1] * (len(value.shape) - 2))
    try:
        left = np.broadcast_to(slopes, value.shape).ravel().astype(np.float64)
    except ValueError as error:
        raise InvalidNetwork(f"its slopes do not broadcast to the tensor's shape {value.shape}") from error
    step = TwoSlope(np.column_stack([left, np.ones_like(left)]))
    rounded = id(node.inputs[1]) in node.builder.rounded
    made = node.call("alias", value.shape, self=value)
    return _emitted(node, step, made, rounded)


def _emitted(node: OnnxNode, step: Any, value: Ref, rounded: bool) -> Ref:
    from lipverify.readers.operators.call import Call

    call = Call(node.operator, None, {}, value.shape, node.label, node.place, node.builder)
    marks = (node.inputs[1],) if rounded else ()
    return call.emit(step, (value,), value.shape, None, *marks)


def _clip(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(1, 3)
    limits: list[float | None] = []
    for index, name in ((1, "min"), (2, "max")):
        value = node.attributes.get(name)
        given = node.constant(index)
        if given is not None:
            if given.size != 1 or given.dtype.kind not in "fiu":
                raise InvalidNetwork(f"its limit '{name}' has type {given.dtype} and shape {given.shape}")
            value = float(given.ravel()[0])
        if value is not None and (not isinstance(value, (int, float)) or math.isnan(value)):
            raise InvalidNetwork(f"its limit '{name}' is {value!r}; expected a number")
        limits.append(None if value is None else float(value))
    low, high = limits
    return node.call("clamp", node.ref(0).shape, self=node.ref(0), min=low, max=high)


def _hard_sigmoid(node: OnnxNode, rows: Rows | None) -> Any:
    """max(0, min(1, alpha·x + beta))."""
    node.require_inputs(1, 1)
    value = node.ref(0)
    value = node.call("mul", value.shape, self=value, other=np.array(node.number("alpha", 0.2)))
    value = node.call("add", value.shape, self=value, other=np.array(node.number("beta", 0.5)))
    return node.call("clamp", value.shape, self=value, min=0.0, max=1.0)


def _gemm(node: OnnxNode, rows: Rows | None) -> Any:
    """alpha·A'·B' + beta·C."""
    node.require_inputs(2, 3)
    a, b = (_turned(node, k, name) for k, name in ((0, "transA"), (1, "transB")))
    shape = _product_shape(a, b)
    made = node.call("mm", shape, self=a, mat2=b)
    alpha, beta = node.number("alpha", 1.0), node.number("beta", 1.0)
    if alpha != 1.0:
        made = node.call("mul", shape, self=made, other=np.array(alpha))
    if node.option(2) is None:
        return made
    c = _real(node, 2)
    if broadcast(made, c) != shape:
        raise InvalidNetwork(f"its C of shape {shape_of(c)} does not broadcast to the product's shape {shape}")
    return node.call("add", shape, self=made, other=c, alpha=beta)


def _turned(node: OnnxNode, index: int, name: str) -> Value:
    value = _real(node, index)
    if len(shape_of(value)) != 2:
        raise UnsupportedLayer(f"its input {index} has shape {shape_of(value)}; expected a matrix")
    return node.moved(np.transpose, value) if node.integer(name, 0) else value


def _matmul(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(2, 2)
    a, b = _real(node, 0), _real(node, 1)
    if isinstance(a, Ref) and isinstance(b, Ref):
        raise UnsupportedLayer("both operands depend on the input: it is not piecewise linear")
    constant = a if isinstance(a, np.ndarray) else b
    if math.prod(constant.shape[:-2]) > 1:
        raise UnsupportedLayer(f"its constant is a stack of matrices, of shape {constant.shape}; expected one matrix")
    return node.call("matmul", _product_shape(a, b), self=a, other=b)


def _product_shape(a: Value, b: Value) -> Shape:
    left, right = shape_of(a), shape_of(b)
    inner = right[-2] if len(right) > 1 else right[-1] if right else 0
    if not left or left[-1] != inner:
        raise InvalidNetwork(f"tensors of shapes {left} and {right} cannot be multiplied")
    try:
        lead = np.broadcast_shapes(left[:-2], right[:-2])
    except ValueError as error:
        raise InvalidNetwork(f"tensors of shapes {left} and {right} cannot be multiplied") from error
    return (*lead, *(left[-2:-1] if len(left) > 1 else ()), *(right[-1:] if len(right) > 1 else ()))


def _reduced(name: str) -> Rule:
    def rule(node: OnnxNode, rows: Rows | None) -> Any:
        node.require_inputs(1, 2)
        value = node.ref(0)
        axes, shape = reduced_shape(node, value.shape)
        if axes == []:
            return value
        return node.call(name, shape, self=value, dim=axes)

    return rule


def _same(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(1, 1)
    return node.value(0)


def _cast(node: OnnxNode, rows: Rows | None) -> Any:
    """Between floating types, of which real numbers know nothing."""
    import onnx

    node.require_inputs(1, 1)
    kind = node.integer("to", 0)
    known = onnx.TensorProto
    if kind not in (known.FLOAT, known.DOUBLE, known.FLOAT16, known.BFLOAT16):
        raise UnsupportedLayer(
            f"it casts a value that depends on the input to type {kind}, which holds no real numbers"
        )
    return node.value(0)


def _dropout(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(1, 3)
    training = node.constant(2)
    if (training is not None and (training.dtype.kind != "b" or training.any())) or (
        node.opset < 7 and not node.integer("is_test", 0)
    ):
        raise InvalidNetwork("it is in training mode; export the model in eval mode")
    return node.value(0)


OPERATORS: dict[str, Rule] = {
    **MOVEMENT,
    **IMAGES,
    "Abs": _entrywise("abs"),
    "Add": _of_two("add"),
    "Cast": _cast,
    "Clip": _clip,
    "Div": _product("div"),
    "Dropout": _dropout,
    "Gemm": _gemm,
    "HardSigmoid": _hard_sigmoid,
    "Identity": _same,
    "LeakyRelu": _leaky,
    "MatMul": _matmul,
    "Max": _of_several("maximum"),
    "Mean": _of_several("add"),
    "Min": _of_several("minimum"),
    "Mul": _product("mul"),
    "Neg": _entrywise("neg"),
    "PRelu": _prelu,
    "ReduceMax": _reduced("amax"),
    "ReduceMean": _reduced("mean"),
    "ReduceMin": _reduced("amin"),
    "ReduceSum": _reduced("sum"),
    "Relu": _entrywise("relu"),
    "Sub": _of_two("sub"),
    "Sum": _of_several("add"),
}

_REDUCTION = ("axes", "keepdims", "noop_with_empty_axes")
_OLD = ("broadcast", "axis", "consumed_inputs")
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "Add": _OLD,
    "AveragePool": ("auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"),
    "BatchNormalization": ("epsilon", "momentum", "training_mode", "spatial", "is_test", "consumed_inputs"),
    "Cast": ("to", "saturate"),
    "Clip": ("min", "max", "consumed_inputs"),
    "Concat": ("axis",),
    "Constant": ("value", "value_float", "value_floats", "value_int", "value_ints"),
    "ConstantOfShape": ("value",),
    "Conv": ("auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"),
    "ConvTranspose": (
        *("auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads", "strides"),
    ),
    "DepthToSpace": ("blocksize", "mode"),
    "Div": _OLD,
    "Dropout": ("ratio", "seed", "is_test"),
    "Flatten": ("axis",),
    "Gather": ("axis",),
    "Gemm": ("alpha", "beta", "transA", "transB", "broadcast"),
    "HardSigmoid": ("alpha", "beta"),
    "LeakyRelu": ("alpha", "consumed_inputs"),
    "MaxPool": ("auto_pad", "ceil_mode", "dilations", "kernel_shape", "pads", "storage_order", "strides"),
    "Mul": _OLD,
    "PRelu": ("consumed_inputs",),
    "Pad": ("mode", "pads", "value"),
    "ReduceMax": _REDUCTION,
    "ReduceMean": _REDUCTION,
    "ReduceMin": _REDUCTION,
    "ReduceSum": _REDUCTION,
    "Relu": ("consumed_inputs",),
    "Reshape": ("allowzero",),
    "Shape": ("start", "end"),
    "Slice": ("axes", "ends", "starts"),
    "SpaceToDepth": ("blocksize",),
    "Split": ("axis", "num_outputs", "split"),
    "Squeeze": ("axes",),
    "Sub": _OLD,
    "Transpose": ("perm",),
    "Unsqueeze": ("axes",),
}

# fmt: off
SMOOTH = frozenset((
    "Acos", "Acosh", "ArgMax", "ArgMin", "Asin", "Asinh", "Atan", "Atanh", "Attention", "Ceil", "Celu", "Cos",
    "Cosh", "Elu", "Erf", "Exp", "Floor", "GRU", "Gelu", "GroupNormalization", "HardSwish", "Hardmax",
    "InstanceNormalization", "LRN", "LSTM", "LayerNormalization", "Log", "LogSoftmax", "LpNormalization",
    "Mish", "RMSNormalization", "RNN", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceProd",
    "ReduceSumSquare", "Round", "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus", "Softsign",
    "Swish", "Tan", "Tanh", "ThresholdedRelu",
))
# fmt: on
"""Operators that are known, and known not to be piecewise linear and continuous."""
