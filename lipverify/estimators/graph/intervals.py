"""Interval rules, one per operator: which values it can make from values within given limits (proofs/graph.md).

An operator without a rule, or a rule that returns None, says nothing: its values may lie anywhere. Every rounding is
paid for outward.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from lipverify.arrays import Array
from lipverify.estimators.graph.combine import INF, Interval
from lipverify.readers import graph, steps, windows
from lipverify.trusted.rounding import grown, half_widths, lower_end, sum_error, upper, upper_end

_ULPS = 7000  # numpy's elementary functions err by a few, and this pays for 2⁻⁴⁰ relative


def _outward(low: Array, high: Array, roundings: int = 7) -> Interval:
    """Limits moved outward by what so many roundings and an underflow may have done."""
    return lower_end(low, roundings), upper_end(high, roundings)


def _finite(operand: Interval) -> bool:
    return bool(np.isfinite(operand[0]).all() and np.isfinite(operand[1]).all())


def _linear(
    magnitude: Callable[[Array], Array], signed: Callable[[Array], Array], terms: int, operand: Interval
) -> Any:
    """A map x ↦ Ax with |A| given too, each output a sum of `terms` products: centre and radius."""
    if not _finite(operand):
        return None
    low, high = operand
    centre = low / 2 + high / 2
    radius = upper(half_widths(low, centre, high), 0)
    middle, spread = signed(centre), magnitude(radius)
    spread = spread + sum_error(magnitude(np.abs(centre)) + spread, terms + 4, terms)
    return _outward(middle - spread, middle + spread)


def _dense(step: steps.Dense, operand: Interval) -> Any:
    weight = step.weight.astype(np.float64)
    shape = (step.before, weight.shape[1], step.after)

    def along(matrix: Array) -> Callable[[Array], Array]:
        return lambda x: np.matmul(matrix, x.reshape(shape)).ravel()

    made = _linear(along(np.abs(weight)), along(weight), weight.shape[1], operand)
    if made is None or step.bias is None:
        return made
    bias = np.broadcast_to(step.bias.astype(np.float64)[None, :, None], (step.before, len(weight), step.after)).ravel()
    return _outward(made[0] + bias, made[1] + bias)


def _affine(step: steps.Affine, operand: Interval) -> Any:
    return _dense(steps.Dense(step.weight, step.bias), operand)


def _convolution(step: windows.Convolution, operand: Interval) -> Any:
    kernel = step.kernel.astype(np.float64)
    terms = kernel[0].size if not step.transposed else kernel[:, 0].size
    made = _linear(lambda x: _convolved(step, np.abs(kernel), x), lambda x: _convolved(step, kernel, x), terms, operand)
    if made is None:
        return None
    bias = np.repeat(step.bias, len(made[0]) // len(step.bias))
    return _outward(made[0] + bias, made[1] + bias)


def _convolved(step: windows.Convolution, kernel: Array, x: Array) -> Array:
    """The convolution, or its transpose, tap by tap."""
    out, per_group = kernel.shape[:2]
    share, groups = out // step.groups, step.groups
    sizes, outputs = tuple(a.size for a in step.axes), tuple(a.outputs for a in step.axes)
    small, large = (groups, share, *outputs), (groups, per_group, *sizes)
    source = x.reshape(small if step.transposed else large)
    made = np.zeros(large if step.transposed else small)
    taps = kernel.reshape(groups, share, per_group, *kernel.shape[2:])
    for tap in np.ndindex(*kernel.shape[2:]):
        pairs = [axis.taps(k) for axis, k in zip(step.axes, tap, strict=True)]
        outs, ins = (np.ix_(*[p[i] for p in pairs]) for i in (0, 1))
        block = taps[(slice(None), slice(None), slice(None), *tap)]
        here, there = (outs, ins) if step.transposed else (ins, outs)
        pattern = "gop,go...->gp..." if step.transposed else "gop,gp...->go..."
        made[(slice(None), slice(None), *there)] += np.einsum(pattern, block, source[(slice(None), slice(None), *here)])
    return made.ravel()


def _select(step: steps.Select, operand: Interval) -> Any:
    low, high = operand
    if step.indices is not None:
        read = step.indices >= 0
        low, high = (np.where(read, v[np.where(read, step.indices, 0)], 0.0) for v in (low, high))
    if step.factors is not None:
        a, b = step.factors * low, step.factors * high
        low, high = _outward(
            np.where(step.factors == 0, 0.0, np.minimum(a, b)), np.where(step.factors == 0, 0.0, np.maximum(a, b))
        )
    if step.offsets is not None:
        low, high = _outward(low + step.offsets, high + step.offsets)
    return low, high


def _sum(step: steps.Sum, operand: Interval) -> Any:
    low, high = np.zeros(step.n), np.zeros(step.n)
    for k, c in enumerate(step.coefficients):
        if c:
            ends = operand if c > 0 else operand[::-1]
            below, above = (v[k * step.n : (k + 1) * step.n] * c for v in ends)
            below, above = _outward(below, above)
            low, high = _outward(low + below, high + above)
    return low, high


def _batch_norm(step: steps.BatchNorm, operand: Interval) -> Any:
    factor = step.scale / np.sqrt(step.variance + step.epsilon)
    ends = [_outward(v - step.mean, v - step.mean) for v in operand]
    corners = [factor * end for pair in ends for end in pair]
    low, high = _outward(np.minimum.reduce(corners), np.maximum.reduce(corners), 13)
    return _outward(low + step.shift, high + step.shift)


def _neurons(step: steps.TwoSlope, operand: Interval) -> Any:
    left, right = step.slopes[:, 0], step.slopes[:, 1]
    low, high = operand
    ends = [np.where(v > 0, right, left) * v for v in (low, high)]
    ends = [np.where(np.isnan(end), 0.0, end) for end in ends]
    around = np.where((low < 0) & (high > 0), 0.0, ends[0])
    return _outward(np.minimum(np.minimum(*ends), around), np.maximum(np.maximum(*ends), around))


def _clip(step: steps.Clip, operand: Interval) -> Any:
    return np.clip(operand[0], step.lower, step.upper), np.clip(operand[1], step.lower, step.upper)


def _largest(step: windows.LargestOf, operand: Interval) -> Any:
    empty, pick = (INF, np.min) if step.least else (-INF, np.max)
    inside = step.members >= 0
    ends = [pick(np.where(inside, v[np.where(inside, step.members, 0)], empty), axis=1) for v in operand]
    return ends[0], ends[1]


def _average(step: windows.AveragePooling, operand: Interval) -> Any:
    inside = step.members >= 0
    ends = []
    for v in operand:
        terms = np.where(inside, v[np.where(inside, step.members, 0)], 0.0)
        slack = sum_error(np.abs(terms).sum(axis=1), terms.shape[1] + 4) / np.abs(step.divisors)
        ends.append((terms.sum(axis=1) / step.divisors, slack))
    low = np.minimum(*(e for e, _ in ends)) - np.maximum(*(s for _, s in ends))
    high = np.maximum(*(e for e, _ in ends)) + np.maximum(*(s for _, s in ends))
    return _outward(low, high)


def _sort(step: windows.SortedGroups, operand: Interval) -> Any:
    low, high = (v.copy() for v in operand)
    for values in (low, high):  # sorting is monotone in every entry
        ordered = np.sort(values[step.places], axis=1)
        values[step.places] = ordered[:, ::-1] if step.descending else ordered
    return low, high


def _curve(step: graph.Curve, operand: Interval) -> Any:
    low, high = operand
    if step.name in _MONOTONE:
        f = _MONOTONE[step.name]
        return _outward(f(low), f(high), _ULPS)
    if step.name == "softplus":
        beta = step.parameters[0] if step.parameters else 1.0
        return _outward(*(np.logaddexp(0.0, beta * v) / beta for v in operand), _ULPS)
    if step.name in ("sin", "cos", "erf"):
        return np.full(step.n, -1.0), np.full(step.n, 1.0)
    if step.name in ("gelu", "gelu_tanh", "silu", "mish", "hardswish"):  # ≥ −0.38, and between 0 and x for x ≥ 0
        return np.full(step.n, -0.38), np.maximum(high, 0.0)
    if step.name == "power" and float(step.parameters[0]).is_integer() and step.parameters[0] > 0:
        return _powers(int(step.parameters[0]), operand)
    if step.name == "reciprocal" and (low > 0).all():
        return _outward(1 / high, 1 / low)
    return None


def _powers(k: int, operand: Interval) -> Interval:
    a, b = operand[0] ** k, operand[1] ** k
    low = np.where((operand[0] <= 0) & (operand[1] >= 0) & (k % 2 == 0), 0.0, np.minimum(a, b))
    return _outward(low, np.maximum(a, b), _ULPS)


_MONOTONE: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {
        "arctan": np.arctan,
        "asinh": np.arcsinh,
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "sigmoid": lambda x: np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), 1 - 1 / (1 + np.exp(-np.abs(x)))),
        "sinh": np.sinh,
        "softsign": lambda x: np.where(np.isinf(x), np.sign(x), x / (1 + np.abs(x))),
        "sqrt": np.sqrt,
        "tanh": np.tanh,
    }
)


def _normalise(step: graph.Normalise, operand: Interval) -> Any:
    """|(x − mean)/σ| ≤ √n, because n σ² is at least the sum of the squares."""
    n = len(operand[0])
    scale = np.ones(n) if step.scale is None else np.abs(step.scale)
    reach = scale * grown(math.sqrt(step.group), 8)
    shift = np.zeros(n) if step.shift is None else step.shift
    return _outward(shift - reach, shift + reach)


def _log_sum_exp(step: graph.LogSumExp, operand: Interval) -> Any:
    """Between the least and the largest entry plus log n, over all groups: which entry is in which is not known."""
    groups = len(operand[0]) // step.group
    low, high = float(operand[0].min()), float(operand[1].max())
    return _outward(np.full(groups, low), np.full(groups, high + math.log(step.group)), _ULPS)


def _softmax(step: graph.Softmax, operand: Interval) -> Any:
    n = len(operand[0])
    return None if step.logarithm else (np.zeros(n), np.ones(n))


def _product(step: graph.Product, operand: Interval) -> Any:
    (a, b), (c, d) = ((v[: step.n], v[step.n :]) for v in operand)
    corners = [x * y for x in (a, c) for y in (b, d)]
    corners = [np.where(np.isnan(v), 0.0, v) for v in corners]  # 0 · inf: the other corners hold the limits
    return _outward(np.minimum.reduce(corners), np.maximum.reduce(corners))


INTERVALS: Mapping[type, Callable[[Any, Interval], Any]] = MappingProxyType(
    {
        steps.Affine: _affine,
        steps.BatchNorm: _batch_norm,
        steps.Clip: _clip,
        steps.Dense: _dense,
        steps.Select: _select,
        steps.Sum: _sum,
        steps.TwoSlope: _neurons,
        windows.AveragePooling: _average,
        windows.Convolution: _convolution,
        windows.LargestOf: _largest,
        windows.SortedGroups: _sort,
        graph.Curve: _curve,
        graph.LogSumExp: _log_sum_exp,
        graph.Normalise: _normalise,
        graph.Product: _product,
        graph.Softmax: _softmax,
    }
)
