"""Node rules for neurons and activation functions: the table of their steepest slopes, rounded up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from lipverify.estimators.graph.combine import INF, Interval, Local, Situation, root
from lipverify.readers.graph import Curve, EuclideanNorm, LogAddExp, LogSumExp, Softmax
from lipverify.readers.steps import Clip, TwoSlope
from lipverify.trusted.rounding import up

STEEPEST: Mapping[str, float] = MappingProxyType(
    {
        "arctan": 1.0,
        "asinh": 1.0,
        "celu": 1.0,
        "cos": 1.0,
        "erf": 1.1283791670955127,  # 2/√π
        "gelu": 1.1289042,  # Φ(√2) + √2·φ(√2)
        "gelu_tanh": 1.1289932,
        "hardswish": 1.5,
        "log_sigmoid": 1.0,
        "mish": 1.0885,
        "sigmoid": 0.25,
        "silu": 1.09984,
        "sin": 1.0,
        "softplus": 1.0,
        "softsign": 1.0,
        "tanh": 1.0,
    }
)
"""sup |f′| over the real line; each proved in proofs/graph.md and enclosed by interval arithmetic in the tests."""


def neurons(step: TwoSlope, where: Situation) -> Local:
    """The steepest slope."""
    return Local((float(np.abs(step.slopes).max()),))


def clip(step: Clip, where: Situation) -> Local:
    """1, or 0 when the limits meet."""
    return Local((1.0 if step.lower < step.upper else 0.0,))


def curve(step: Curve, where: Situation) -> Local:
    """sup |f′|: from the table, or over the range that the domain leaves where the line has none."""
    if step.name in STEEPEST:
        return Local((STEEPEST[step.name],))
    if step.name == "elu":
        alpha, scale, input_scale = step.parameters
        return Local((up(abs(scale) * max(1.0, up(abs(alpha * input_scale)))),))
    if step.name == "power" and step.parameters == (0.0,):
        return Local((0.0,))
    low, high = where.interval(0)
    steepest = _LOCAL[step.name](step, (low, high))
    if steepest == INF:
        exponent = f" {step.parameters[0]:g}" if step.parameters else ""
        return Local((INF,), note=f"{step.name}{exponent} has no bounded slope on the range of its input; {ADVICE}")
    return Local((steepest,))


ADVICE = "a bounded domain (lipverify.Box) may give one"


def _power(step: Curve, interval: Interval) -> float:
    """|k|·sup |x|^(k − 1)."""
    (k,), (low, high) = step.parameters, interval
    largest = float(max(np.abs(low).max(), np.abs(high).max()))
    least = float(low.min())
    if not float(k).is_integer() and least < 0:
        return INF
    if k >= 1:
        return _slack(abs(k) * largest ** (k - 1)) if math.isfinite(largest) else INF
    smallest = _distance_from_zero(interval)
    return _slack(abs(k) * smallest ** (k - 1)) if smallest > 0 else INF


def _distance_from_zero(interval: Interval) -> float:
    """The least |x| over all ranges; 0 where one contains 0."""
    low, high = interval
    return float(np.maximum(np.maximum(low, -high), 0.0).min())


def _slack(x: float) -> float:
    """A value of a few elementary functions, each off by a few units in the last place, rounded up."""
    return up(x * (1 + 2.0**-40))


def _exp(step: Curve, interval: Interval) -> float:
    top = float(interval[1].max())
    return _slack(math.exp(top)) if top < 700 else INF


def _log(step: Curve, interval: Interval) -> float:
    least = float(interval[0].min())
    return _slack(1 / least) if least > 0 else INF


def _log1p(step: Curve, interval: Interval) -> float:
    least = float(interval[0].min())
    return _slack(1 / (1 + least)) if least > -1 + 2.0**-30 else INF


def _reciprocal(step: Curve, interval: Interval) -> float:
    least = _distance_from_zero(interval)
    return _slack(1 / least**2) if least > 2.0**-500 else INF


def _rsqrt(step: Curve, interval: Interval) -> float:
    least = float(interval[0].min())
    return _slack(0.5 * least**-1.5) if least > 2.0**-500 else INF


def _sqrt(step: Curve, interval: Interval) -> float:
    least = float(interval[0].min())
    return _slack(0.5 / math.sqrt(least)) if least > 0 else INF


def _sinh(step: Curve, interval: Interval) -> float:
    top = float(max(np.abs(interval[0]).max(), np.abs(interval[1]).max()))
    return _slack(math.cosh(top)) if top < 700 else INF


_LOCAL: Mapping[str, Callable[[Curve, Interval], float]] = MappingProxyType(
    {
        "exp": _exp,
        "expm1": _exp,
        "log": _log,
        "log1p": _log1p,
        "power": _power,
        "reciprocal": _reciprocal,
        "rsqrt": _rsqrt,
        "sinh": _sinh,
        "sqrt": _sqrt,
    }
)


def softmax(step: Softmax, where: Situation) -> Local:
    """½ for every p; its logarithm: √n for ℓ2, n − 1 for ℓ1, 2 for ℓ∞."""
    n = float(step.group)
    if n == 1:
        return Local((0.0,))
    if not step.logarithm:
        return Local((0.5,))
    return Local(({1.0: n - 1, 2.0: root(n, 2.0), INF: 2.0}[where.p],))


def log_sum_exp(step: LogSumExp, where: Situation) -> Local:
    """1: the gradient is a vector of weights ≥ 0 that add up to 1."""
    return Local((1.0,))


def log_add_exp(step: LogAddExp, where: Situation) -> Local:
    """A weighted mean of the operands' rows: as for the maximum."""
    return Local((1.0, 1.0), INF if step.n == 1 else where.p)


def euclidean_norm(step: EuclideanNorm, where: Situation) -> Local:
    """The gradient is a unit vector: 1, and √n for ℓ∞."""
    return Local((root(float(step.group), 2.0) if where.p == INF else 1.0,))
