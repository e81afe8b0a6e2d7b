"""Matrix products and convolutions, with constants; a product of two varying matrices is a node of its own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.errors import UnsupportedLayer
from lipverify.readers.graph import MatrixProduct, Unbounded
from lipverify.readers.operators.arithmetic import weighted_sum
from lipverify.readers.operators.call import Call, Ref, Shape, native, numbers
from lipverify.readers.operators.movement import expanded
from lipverify.readers.steps import Dense
from lipverify.readers.windows import Convolution, Window


def _linear(call: Call) -> Ref:
    """x·Wᵀ + b along the last axis."""
    weight = call.constant("weight")
    bias = call.constant("bias")
    assert weight is not None
    value = call.ref("input")
    step = Dense(native(weight, "its weight"), None if bias is None else native(bias, "its bias"), _rows(value))
    return call.emit(step, (value,), call.shape, {"weight": weight}, bias)


def _rows(value: Ref) -> int:
    return math.prod(value.shape[:-1])


def _matmul(call: Call) -> Ref:
    """A·B of two matrices, batches of them, or vectors."""
    return _product(call, call["self"], call.arguments.get("other", call.arguments.get("mat2")), call.shape)


def _mv(call: Call) -> Ref:
    return _product(call, call["self"], call["vec"], call.shape)


def _dot(call: Call) -> Ref:
    return _product(call, call["self"], call["tensor"], call.shape)


def _product(call: Call, a: Any, b: Any, shape: Shape) -> Ref:
    if isinstance(a, Ref) and isinstance(b, Ref):
        return _varying(call, a, b, shape)
    constant = b if isinstance(a, Ref) else a
    value = a if isinstance(a, Ref) else b
    while constant.ndim > 2 and constant.shape[0] == 1:  # a batch of one
        constant = constant[0]
    if constant.ndim > 2:
        raise UnsupportedLayer("a batch of constant matrices is not read; multiply by one matrix at a time")
    if isinstance(a, Ref):
        matrix = constant.T if constant.ndim == 2 else constant[None]
        step = Dense(np.ascontiguousarray(native(matrix, "its matrix")), None, _rows(value))
    else:
        matrix = constant if constant.ndim == 2 else constant[None]
        after = value.shape[-1] if len(value.shape) > 1 else 1
        step = Dense(native(matrix, "its matrix"), None, math.prod(value.shape[:-2]), after)
    return call.emit(step, (value,), shape, {"weight": matrix}, constant)


def _varying(call: Call, a: Ref, b: Ref, shape: Shape) -> Ref:
    left = a.shape if len(a.shape) > 1 else (1, *a.shape)
    right = b.shape if len(b.shape) > 1 else (*b.shape, 1)
    batch = np.broadcast_shapes(left[:-2], right[:-2])
    reads = (
        expanded(call, Ref(a.index, left), (*batch, *left[-2:])),
        expanded(call, Ref(b.index, right), (*batch, *right[-2:])),
    )
    return call.emit(MatrixProduct(math.prod(batch), left[-2], left[-1], right[-1]), reads, shape)


def _addmm(call: Call) -> Ref:
    """beta·self + alpha·mat1·mat2."""
    beta, alpha = float(call.plain("beta", 1)), float(call.plain("alpha", 1))
    product = _product(call, call["mat1"], call["mat2"], call.shape)
    return weighted_sum(call, product, call["self"], alpha, beta)


def _convolution(call: Call) -> Ref:
    weight = call.constant("weight")
    bias = call.constant("bias")
    assert weight is not None
    value = call.ref("input")
    axes = weight.ndim - 2
    transposed = "transpose" in call.name or bool(call.plain("transposed", False))
    stride, dilation = (each(call.plain(name, 1), axes) for name in ("stride", "dilation"))
    padding = call.plain("padding", 0)
    taps = tuple(weight.shape[2:])
    reaches = [d * (k - 1) for d, k in zip(dilation, taps, strict=True)]
    if padding == "same":
        before = tuple(reach // 2 for reach in reaches)  # torch puts the odd one behind
    else:
        before = each(0 if padding == "valid" else padding, axes)
    small = value.shape[-axes:]
    large = call.shape[-axes:]
    if transposed:
        small, large = large, small
    windows = [Window(*numbers_) for numbers_ in zip(small, large, taps, stride, dilation, before, strict=True)]
    channels = weight.shape[1] * call.plain("groups", 1) if transposed else weight.shape[0]
    shift = np.zeros(channels) if bias is None else numbers(bias, "its bias")
    kernel = native(weight, "its kernel")
    step = Convolution(kernel, shift, int(call.plain("groups", 1)), tuple(windows), transposed)
    return call.emit(step, (value,), call.shape, {"weight": weight}, bias)


def each(value: Any, axes: int) -> tuple[int, ...]:
    """One number per axis, from one number for all or a list."""
    numbers_ = [value] if isinstance(value, int) else list(value)
    return tuple(numbers_ * axes if len(numbers_) == 1 else numbers_) or (1,) * axes


def _attention(call: Call) -> Ref:
    reads = tuple(v for v in call.arguments.values() if isinstance(v, Ref))
    reason = "dot-product attention is not globally Lipschitz (Kim, Papamakarios & Mnih 2021, arXiv:2006.04710)"
    return call.emit(Unbounded(reason), reads, call.shape)


LINEAR: dict[str, Callable[[Call], Any]] = {
    "addmm": _addmm,
    "bmm": _matmul,
    "dot": _dot,
    "linear": _linear,
    "matmul": _matmul,
    "mm": _matmul,
    "mv": _mv,
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(
        ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution"),
        _convolution,
    ),
}
