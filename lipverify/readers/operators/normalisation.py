"""Normalisations: batch norm with stored statistics, and those that use the sample's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.arrays import Vector
from lipverify.errors import InvalidNetwork
from lipverify.readers.graph import Normalise
from lipverify.readers.operators.call import Call, Constant, Live, Ref, numbers
from lipverify.readers.steps import BatchNorm


def _batch_norm(call: Call) -> Any:
    value = call.ref("input")
    if call.plain("training", False):
        raise InvalidNetwork("it uses the batch's statistics in training mode; call module.eval() first")
    mean, variance = call.constant("running_mean"), call.constant("running_var")
    if mean is None or variance is None:
        raise InvalidNetwork("it keeps no running statistics and depends on the batch: it is no network")
    made = _stored(call, value, mean, variance)
    return (made, None, None) if call.name.startswith("_native") or call.name.startswith("native") else made


def _stored(call: Call, value: Ref, mean: Constant, variance: Constant) -> Ref:
    n = len(mean)
    weight, bias = call.constant("weight"), call.constant("bias")
    scale = np.ones(n) if weight is None else numbers(weight, "weight")
    shift = np.zeros(n) if bias is None else numbers(bias, "bias")
    parts = (numbers(mean, "running_mean"), numbers(variance, "running_var"), scale, shift)
    inner = math.prod(value.shape[2:])
    outer = value.size // (n * inner)
    flat = (np.tile(np.repeat(part, inner), outer) for part in parts)
    epsilon = float(call.plain("eps"))
    live: Live = {"variance": variance} | ({} if weight is None else {"scale": weight})
    return call.emit(BatchNorm(*flat, epsilon=epsilon), (value,), call.shape, live)


def _instance_norm(call: Call) -> Ref:
    value = call.ref("input")
    if not call.plain("use_input_stats", True):
        mean, variance = call.constant("running_mean"), call.constant("running_var")
        if mean is None or variance is None:
            raise InvalidNetwork("it has neither its own statistics nor the sample's")
        return _stored(call, value, mean, variance)
    return _own(call, value, math.prod(value.shape[2:]), _per_channel)


def _layer_norm(call: Call) -> Any:
    value, shape = call.ref("input"), call.plain("normalized_shape")
    made = _own(call, value, math.prod(shape), _per_entry)
    return (made, None, None) if call.name.startswith("native") else made


def _rms_norm(call: Call) -> Ref:
    value, shape = call.ref("input"), call.plain("normalized_shape")
    return _own(call, value, math.prod(shape), _per_entry, centred=False)


def _group_norm(call: Call) -> Ref:
    value, groups = call.ref("input"), int(call.plain("num_groups"))
    return _own(call, value, value.size // (value.shape[0] * groups), _per_channel)


def _own(call: Call, value: Ref, group: int, repeat: Any, *, centred: bool = True) -> Ref:
    """Statistics of the sample itself, over contiguous groups."""
    weight, bias = call.constant("weight"), call.constant("bias") if centred else None
    epsilon = call.plain("eps")
    if epsilon is None:  # RMS normalisation's default: the dtype's own
        raise InvalidNetwork("its epsilon is left to the dtype; give a number")
    scale = None if weight is None else repeat(numbers(weight, "weight"), value.shape)
    shift = None if bias is None else repeat(numbers(bias, "bias"), value.shape)
    live: Live = {} if weight is None else {"scale": weight}
    step = Normalise(group, float(epsilon), scale, shift, centred)
    return call.emit(step, (value,), call.shape, live)


def _per_channel(values: Vector, shape: tuple[int, ...]) -> Vector:
    return np.tile(np.repeat(values, math.prod(shape[2:])), shape[0])


def _per_entry(values: Vector, shape: tuple[int, ...]) -> Vector:
    return np.tile(values.ravel(), math.prod(shape) // values.size)


NORMALISATION: dict[str, Callable[[Call], Any]] = {
    "_native_batch_norm_legit_no_training": _batch_norm,
    "batch_norm": _batch_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "layer_norm": _layer_norm,
    "native_layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
}
