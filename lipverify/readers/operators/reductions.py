"""Sums, means, extremes and norms along axes; the largest or smallest of two tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.arrays import Indices
from lipverify.errors import UnsupportedLayer
from lipverify.readers.graph import EuclideanNorm, LogSumExp
from lipverify.readers.operators.arithmetic import of_two
from lipverify.readers.operators.call import Call, Ref, grouped
from lipverify.readers.steps import Select
from lipverify.readers.windows import AveragePooling, LargestOf


def _along(call: Call) -> Indices:
    """The groups along the call's dimensions, flat."""
    return grouped(call.ref("self").shape, call.plain("dim"))


def summed(call: Call) -> Ref:
    """Sums along axes."""
    return _averaged(call, 1)


def mean(call: Call) -> Ref:
    """Means along axes."""
    return _averaged(call, _along(call).shape[1])


def _averaged(call: Call, divisor: int) -> Ref:
    members = _along(call)
    step = AveragePooling(call.ref("self").size, members, np.full(len(members), float(divisor)))
    return call.emit(step, (call.ref("self"),), call.shape)


def extreme(least: bool) -> Callable[[Call], Any]:
    """The largest or smallest entry: of two tensors, along an axis (with where it is), or of all."""

    def build(call: Call) -> Any:
        if "other" in call.arguments:
            return of_two(call, call["self"], call["other"], least)
        value = _largest(call, _along(call), least)
        return (value, None) if "dim" in call.arguments and call.name in ("max", "min") else value

    return build


def _largest(call: Call, members: Indices, least: bool) -> Ref:
    value = call.ref("self")
    return call.emit(LargestOf(value.size, members, least), (value,), call.shape)


def log_sum_exp(call: Call) -> Ref:
    """log Σ exp along axes."""
    groups = _along(call)
    return call.emit(LogSumExp(groups.shape[1]), (call.ref("self"),), call.shape)


def vector_norm(call: Call) -> Ref:
    """The Euclidean, sum or maximum norm along axes."""
    value, order = call.ref("self"), call.plain("ord", call.plain("p", 2))
    groups = _along(call)
    if order == 2:
        if not np.array_equal(groups.ravel(), np.arange(value.size)):
            value = call.emit(Select(value.size, groups.ravel()), (value,), groups.shape)
        return call.emit(EuclideanNorm(groups.shape[1]), (value,), call.shape)
    raise UnsupportedLayer(f"the {order}-norm is not read; only the Euclidean one is")


REDUCTIONS: dict[str, Callable[[Call], Any]] = {
    "amax": extreme(False),
    "amin": extreme(True),
    "fmax": extreme(False),
    "fmin": extreme(True),
    "linalg_vector_norm": vector_norm,
    "logsumexp": log_sum_exp,
    "max": extreme(False),
    "maximum": extreme(False),
    "mean": mean,
    "min": extreme(True),
    "minimum": extreme(True),
    "norm": vector_norm,
    "sum": summed,
}
