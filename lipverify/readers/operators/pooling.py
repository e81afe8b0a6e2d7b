"""Max- and average-pooling in one to three dimensions, plain and adaptive, as tables of windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.arrays import Array, Indices
from lipverify.errors import InvalidNetwork
from lipverify.readers.operators.call import Call, Ref
from lipverify.readers.operators.linear import each
from lipverify.readers.windows import AveragePooling, LargestOf, Window, table


def _maxima(axes: int) -> Callable[[Call], Any]:
    def build(call: Call) -> Any:
        value = call.ref("self")
        dilation = each(call.plain("dilation", 1), axes)
        windows = _windows(call, value, axes, dilation)
        members = table([w.members() for w in windows], value.shape[-axes:], _channels(value, axes))
        made = call.emit(LargestOf(value.size, members), (value,), call.shape)
        return (made, None) if "with_indices" in call.name else made

    return build


def _averages(axes: int) -> Callable[[Call], Ref]:
    def build(call: Call) -> Ref:
        value = call.ref("self")
        windows = _windows(call, value, axes, (1,) * axes)
        divisor = call.plain("divisor_override")
        if divisor == 0:
            raise InvalidNetwork("its divisor is zero")
        divisors = np.ones(1)
        padded = bool(call.plain("count_include_pad", True))
        for window, after in zip(windows, call.plain("after", [w.before for w in windows]), strict=True):
            divisors = (divisors[:, None] * _counts(window, after, padded)).ravel()
        if divisor is not None:
            divisors = np.full_like(divisors, float(divisor))
        return _averaged(call, value, [w.members() for w in windows], divisors)

    return build


def _averaged(call: Call, value: Ref, members: list[Indices], divisors: Array) -> Ref:
    channels = _channels(value, len(members))
    listed = table(members, value.shape[-len(members) :], channels)
    return call.emit(AveragePooling(value.size, listed, np.tile(divisors, channels)), (value,), call.shape)


def _counts(window: Window, after: int, padded: bool) -> Array:
    """What each window of an axis is divided by: its entries, with or without the padding around the axis."""
    start = np.arange(window.outputs) * window.stride - window.before
    end = np.minimum(start + window.kernel, window.size + after)
    if not padded:
        start, end = np.maximum(start, 0), np.minimum(end, window.size)
    return (end - start).astype(np.float64)


def _windows(call: Call, value: Ref, axes: int, dilation: tuple[int, ...]) -> list[Window]:
    kernel = each(call.plain("kernel_size"), axes)
    stride = each(call.plain("stride") or kernel, axes)
    padding = each(call.plain("padding", 0), axes)
    sizes, outputs = value.shape[-axes:], call.shape[-axes:]
    return [Window(*n) for n in zip(sizes, outputs, kernel, stride, dilation, padding, strict=True)]


def _channels(value: Ref, axes: int) -> int:
    return math.prod(value.shape[:-axes])


def _adaptive(axes: int, largest: bool) -> Callable[[Call], Any]:
    def build(call: Call) -> Any:
        value = call.ref("self")
        members = [_parts(n, m) for n, m in zip(value.shape[-axes:], call.shape[-axes:], strict=True)]
        if largest:
            listed = table(members, value.shape[-axes:], _channels(value, axes))
            made = call.emit(LargestOf(value.size, listed), (value,), call.shape)
            return made, None
        divisors = np.ones(1)
        for axis in members:
            divisors = (divisors[:, None] * (axis >= 0).sum(axis=1)).ravel()
        return _averaged(call, value, members, divisors)

    return build


def _parts(n: int, outputs: int) -> Indices:
    """torch's adaptive windows: output i reads the inputs from ⌊i·n/m⌋ to ⌈(i + 1)·n/m⌉ − 1."""
    start = [i * n // outputs for i in range(outputs)]
    end = [-(-(i + 1) * n // outputs) for i in range(outputs)]
    longest = max(e - s for s, e in zip(start, end, strict=True))
    inputs = np.array(start)[:, None] + np.arange(longest)
    return np.where(inputs < np.array(end)[:, None], inputs, -1)


POOLING: dict[str, Callable[[Call], Any]] = {
    **{f"max_pool{d}d": _maxima(d) for d in (1, 2, 3)},
    **{f"max_pool{d}d_with_indices": _maxima(d) for d in (1, 2, 3)},
    **{f"avg_pool{d}d": _averages(d) for d in (1, 2, 3)},
    **{f"adaptive_avg_pool{d}d": _adaptive(d, False) for d in (1, 2, 3)},
    **{f"_adaptive_avg_pool{d}d": _adaptive(d, False) for d in (2, 3)},
    **{f"adaptive_max_pool{d}d": _adaptive(d, True) for d in (1, 2, 3)},
}
