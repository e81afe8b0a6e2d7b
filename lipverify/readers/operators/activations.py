"""Activation functions: two-slope neurons, clips, and curves that estimators know by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.errors import UnsupportedLayer
from lipverify.readers.graph import Curve, LogAddExp, Product, Softmax
from lipverify.readers.operators.arithmetic import clamped, curve
from lipverify.readers.operators.call import Call, Live, Ref, axis_of, grouped, is_constant, numbers
from lipverify.readers.steps import Clip, Select, Sum, TwoSlope
from lipverify.readers.windows import SortedGroups


def _neurons(left: float, right: float) -> Callable[[Call], Ref]:
    def build(call: Call) -> Ref:
        value = call.ref("self")
        return call.emit(TwoSlope.uniform(value.size, left, right), (value,), call.shape)

    return build


def _leaky(call: Call) -> Ref:
    value = call.ref("self")
    return call.emit(TwoSlope.uniform(value.size, float(call.plain("negative_slope")), 1.0), (value,), call.shape)


def _random_leaky(call: Call) -> Ref:
    if call.plain("training", False):
        raise UnsupportedLayer("it draws slopes at random in training mode; call module.eval() first")
    value, slope = call.ref("self"), (float(call.plain("lower")) + float(call.plain("upper"))) / 2
    return call.emit(TwoSlope.uniform(value.size, slope, 1.0), (value,), call.shape)


def _prelu(call: Call) -> Ref:
    value, weight = call.ref("self"), call.constant("weight")
    slopes = numbers(weight, "its slopes").ravel()
    channels = value.shape[1] if len(value.shape) > 1 else 1
    inner = math.prod(value.shape[2:])
    outer = value.size // (channels * inner)
    left = np.tile(np.repeat(np.broadcast_to(slopes, (channels,)), inner), outer)
    step = TwoSlope(np.column_stack([left, np.ones_like(left)]))
    live: Live = {} if weight is None else {"slopes": weight}
    return call.emit(step, (value,), call.shape, live)


def _clip(lower: str, upper: str) -> Callable[[Call], Ref]:
    def build(call: Call) -> Ref:
        limits = [call.arguments.get(name) for name in (lower, upper)]
        value = call.ref("self")
        if any(isinstance(limit, Ref) or is_constant(limit) for limit in limits):
            for limit, least in zip(limits, (False, True), strict=True):
                if isinstance(limit, Ref):
                    raise UnsupportedLayer("a limit depends on the input; use torch.maximum or torch.minimum")
                value = value if limit is None else clamped(call, value, limit, least)
            return value
        low, high = (
            default if x is None else float(x) for x, default in zip(limits, (-math.inf, math.inf), strict=True)
        )
        if low > high:  # torch lets the upper limit win
            low = high
        return call.emit(Clip(value.size, low, high), (value,), call.shape)

    return build


def _relu6(call: Call) -> Ref:
    value = call.ref("self")
    return call.emit(Clip(value.size, 0.0, 6.0), (value,), call.shape)


def _threshold(call: Call) -> Ref:
    level, replacement = float(call.plain("threshold")), float(call.plain("value"))
    if level != replacement:
        raise UnsupportedLayer(f"it jumps from {replacement} to {level} at its threshold: it is not Lipschitz")
    value = call.ref("self")
    return call.emit(Clip(value.size, level, math.inf), (value,), call.shape)


def _softshrink(call: Call) -> Ref:
    """x − clip(x, −λ, λ), as two relus: relu(x − λ) − relu(−x − λ)."""
    value, level = call.ref("self"), float(call.plain("lambd", 0.5))
    n = value.size
    twice = np.tile(np.arange(n), 2)
    signs = np.repeat([1.0, -1.0], n)
    doubled = call.emit(Select(n, twice, signs, np.full(2 * n, -level)), (value,), (2, *call.shape))
    bent = call.emit(TwoSlope.relu(2 * n), (doubled,), (2, *call.shape))
    apart = [call.emit(Select(2 * n, np.arange(n) + k * n), (bent,), call.shape) for k in (0, 1)]
    return call.emit(Sum(n, (1.0, -1.0)), (apart[0], apart[1]), call.shape)


def _hardsigmoid(call: Call) -> Ref:
    """clip(x + 3, 0, 6)/6."""
    value = call.ref("self")
    n = value.size
    shifted = call.emit(Select(n, None, None, np.full(n, 3.0)), (value,), call.shape)
    clipped = call.emit(Clip(n, 0.0, 6.0), (shifted,), call.shape)
    return call.emit(Select(n, None, np.full(n, 1 / 6), None, rounded=True), (clipped,), call.shape)


def _elu(call: Call) -> Ref:
    value = call.ref("self")
    factors = tuple(float(call.plain(name, 1)) for name in ("alpha", "scale", "input_scale"))
    return call.emit(Curve(value.size, "elu", factors), (value,), call.shape)


def _selu(call: Call) -> Ref:
    value = call.ref("self")
    return call.emit(Curve(value.size, "elu", (_SELU_ALPHA, _SELU_SCALE, 1.0)), (value,), call.shape)


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def _celu(call: Call) -> Ref:
    """max(0, x) + min(0, α(exp(x/α) − 1)): slope 1 at 0 for every α, so alpha·input_scale = 1."""
    value, alpha = call.ref("self"), float(call.plain("alpha", 1))
    if alpha <= 0:
        raise UnsupportedLayer(f"its alpha is {alpha}; only positive ones are read")
    return call.emit(Curve(value.size, "celu", (alpha,)), (value,), call.shape)


def _softplus(call: Call) -> Ref:
    """log(1 + exp(βx))/β; torch's linear branch beyond its threshold 20 is that function up to 2e-9."""
    value, beta = call.ref("self"), float(call.plain("beta", 1))
    if float(call.plain("threshold", 20)) < 20:
        raise UnsupportedLayer("it jumps where it becomes linear: a threshold below 20 is not read")
    if beta <= 0:
        raise UnsupportedLayer(f"its beta is {beta}; only positive ones are read")
    return call.emit(Curve(value.size, "softplus", () if beta == 1.0 else (beta,)), (value,), call.shape)


def _gelu(call: Call) -> Ref:
    value, tanh = call.ref("self"), call.plain("approximate", "none") == "tanh"
    return call.emit(Curve(value.size, "gelu_tanh" if tanh else "gelu"), (value,), call.shape)


def _softmax(logarithm: bool) -> Callable[[Call], Ref]:
    def build(call: Call) -> Ref:
        value = call.ref("self")
        group = value.shape[axis_of(call.plain("dim"), len(value.shape))] if value.shape else 1
        return call.emit(Softmax(group, logarithm), (value,), call.shape)

    return build


def _log_add_exp(call: Call) -> Ref:
    a, b = call.ref("self"), call.ref("other")
    if a.shape != b.shape:
        raise UnsupportedLayer("its operands have different shapes; broadcast them first")
    return call.emit(LogAddExp(a.size), (a, b), call.shape)


def _gated(call: Call) -> Ref:
    """a·sigmoid(b) for the two halves of an axis."""
    value = call.ref("self")
    axis = axis_of(call.plain("dim", -1), len(value.shape))
    indices = np.arange(value.size).reshape(value.shape)
    half = value.shape[axis] // 2
    parts = [np.take(indices, range(k * half, (k + 1) * half), axis).ravel() for k in (0, 1)]
    a, b = (call.emit(Select(value.size, part), (value,), call.shape) for part in parts)
    gate = call.emit(Curve(a.size, "sigmoid"), (b,), call.shape)
    return call.emit(Product(a.size), (a, gate), call.shape)


def _sort(call: Call) -> Any:
    value = call.ref("self")
    places = grouped(value.shape, call.plain("dim", -1))
    step = SortedGroups(value.size, places, bool(call.plain("descending", False)))
    return call.emit(step, (value,), call.shape), None


def _top(call: Call) -> Any:
    """The k largest of every group, sorted."""
    value, k = call.ref("self"), int(call.plain("k"))
    axis = axis_of(call.plain("dim", -1), len(value.shape))
    step = SortedGroups(value.size, grouped(value.shape, axis), bool(call.plain("largest", True)))
    ordered = call.emit(step, (value,), value.shape)
    first = np.take(np.arange(value.size).reshape(value.shape), range(k), axis)
    return call.emit(Select(value.size, first.ravel()), (ordered,), first.shape), None


ACTIVATIONS: dict[str, Callable[[Call], Any]] = {
    "abs": _neurons(-1.0, 1.0),
    "absolute": _neurons(-1.0, 1.0),
    "celu": _celu,
    "clamp": _clip("min", "max"),
    "clamp_max": _clip("", "max"),
    "clamp_min": _clip("min", ""),
    "clip": _clip("min", "max"),
    "elu": _elu,
    "gelu": _gelu,
    "glu": _gated,
    "hardsigmoid": _hardsigmoid,
    "hardtanh": _clip("min_val", "max_val"),
    "leaky_relu": _leaky,
    "log_softmax": _softmax(True),
    "_log_softmax": _softmax(True),
    "logaddexp": _log_add_exp,
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "relu": _neurons(0.0, 1.0),
    "relu6": _relu6,
    "rrelu": _random_leaky,
    "selu": _selu,
    "softmax": _softmax(False),
    "_softmax": _softmax(False),
    "softplus": _softplus,
    "softshrink": _softshrink,
    "sort": _sort,
    "threshold": _threshold,
    "topk": _top,
    **{name: curve(name) for name in ("hardswish", "log_sigmoid", "mish", "sigmoid", "silu", "softsign", "tanh")},
}
