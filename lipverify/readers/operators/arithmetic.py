"""Sums, products and quotients, with constants or among varying values; powers and logarithms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.arrays import Array
from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.graph import Curve, LogSumExp, Product, Quotient
from lipverify.readers.operators.call import Call, Live, Ref, Shape, is_constant, numbers, spread
from lipverify.readers.operators.movement import expanded
from lipverify.readers.steps import Select, Sum, TwoSlope
from lipverify.readers.windows import AveragePooling, LargestOf
from lipverify.trusted.scaling import are_powers


def add(call: Call) -> Ref:
    """self + alpha·other."""
    return weighted_sum(call, call["self"], call["other"], 1.0, float(call.plain("alpha", 1)))


def subtract(call: Call) -> Ref:
    """self − alpha·other."""
    return weighted_sum(call, call["self"], call["other"], 1.0, -float(call.plain("alpha", 1)))


def subtract_from(call: Call) -> Ref:
    """other − alpha·self."""
    return weighted_sum(call, call["other"], call["self"], 1.0, -float(call.plain("alpha", 1)))


def weighted_sum(call: Call, a: Any, b: Any, first: float, second: float) -> Ref:
    """first·a + second·b, where at least one depends on the input."""
    shape = call.shape
    if isinstance(a, Ref) and isinstance(b, Ref):
        reads = (expanded(call, a, shape), expanded(call, b, shape))
        return call.emit(Sum(math.prod(shape), (first, second)), reads, shape)
    varying, constant, own, other = (a, b, first, second) if isinstance(a, Ref) else (b, a, second, first)
    shift, rounded = products(spread(constant, shape, "a summand"), other)
    if own != 1.0:
        varying = _scaled(call, varying, np.float64(own), varying.shape)
    value = expanded(call, varying, shape)
    if not shift.any():
        return value
    return call.emit(Select(value.size, None, None, shift, rounded), (value,), shape, None, constant)


def products(values: Array, factor: float) -> tuple[Array, bool]:
    """values·factor, and whether a product was rounded: Dekker's product gives each rounding error itself."""
    made = values * factor
    if factor in (0.0, 1.0, -1.0):
        return made, False
    sizes = np.abs(np.concatenate([values[values != 0.0], made[values != 0.0], [factor]]))
    if not ((sizes > 2.0**-400) & (sizes < 2.0**400)).all():  # the errors could leave the range of floats
        return made, not are_powers(factor) or not np.array_equal(made / factor, values)
    (high, low), (top, bottom) = _halves(values), _halves(np.float64(factor))
    error = ((high * top - made) + high * bottom + low * top) + low * bottom
    return made, bool(error.any())


def _halves(x: Any) -> tuple[Any, Any]:
    """x as a sum of two floats of 26 bits (T. J. Dekker 1971, doi:10.1007/BF01397083)."""
    scaled = x * 134217729.0
    high = scaled - (scaled - x)
    return high, x - high


def multiply(call: Call) -> Ref:
    """self·other."""
    a, b, shape = call["self"], call["other"], call.shape
    if isinstance(a, Ref) and isinstance(b, Ref):
        if (curve := _swish(call, a, b) or _swish(call, b, a)) is not None:
            return curve
        reads = (expanded(call, a, shape), expanded(call, b, shape))
        return call.emit(Product(math.prod(shape)), reads, shape)
    varying, constant = (a, b) if isinstance(a, Ref) else (b, a)
    return _scaled(call, varying, constant, shape)


def _swish(call: Call, a: Ref, b: Ref) -> Ref | None:
    """x·sigmoid(x) as the one curve that it is."""
    node = call.builder.node(b)
    if node is None or node.operator != Curve(a.size, "sigmoid") or node.reads != (a.index,) or a.shape != b.shape:
        return None
    return call.emit(Curve(a.size, "silu"), (a,), a.shape)


def _scaled(call: Call, value: Ref, constant: Any, shape: Shape) -> Ref:
    factors = spread(constant, shape, "a factor")
    indices = None
    if value.size != math.prod(shape):
        indices = np.broadcast_to(np.arange(value.size).reshape(value.shape), shape).ravel()
    if indices is None and (factors == 1.0).all():
        return Ref(value.index, shape)
    live: Live = {"factors": constant} if is_constant(constant) else {}
    return call.emit(Select(value.size, indices, factors), (value,), shape, live, constant)


def divide(call: Call) -> Ref:
    """self/other."""
    if call.plain("rounding_mode") is not None:
        raise UnsupportedLayer("it rounds to integers, which is not Lipschitz")
    a, b, shape = call["self"], call["other"], call.shape
    if isinstance(b, Ref):
        top = a if isinstance(a, Ref) else None
        bottom = expanded(call, b, shape)
        if top is None:
            value = call.emit(Curve(bottom.size, "reciprocal"), (bottom,), shape)
            return _scaled(call, value, a, shape)
        if _is_softsign(call, top, b):
            return call.emit(Curve(top.size, "softsign"), (top,), shape)
        return call.emit(Quotient(math.prod(shape)), (expanded(call, top, shape), bottom), shape)
    divisors = spread(b, shape, "a divisor")
    return _divided(call, call.ref("self"), divisors, b, shape)


def _is_softsign(call: Call, a: Ref, b: Ref) -> bool:
    """Whether a/b is x/(1 + |x|)."""
    outer = call.builder.node(b)
    inner = call.builder.nodes[outer.reads[0] - 1] if outer and outer.reads[0] else None
    if outer is None or inner is None or inner.reads != (a.index,) or b.shape != a.shape:
        return False
    match outer.operator, inner.operator:
        case Select(indices=None, factors=None, offsets=offsets), TwoSlope(slopes=slopes):
            one = offsets is not None and bool((offsets == 1.0).all())
            return one and bool((slopes == (-1.0, 1.0)).all())
    return False


def _divided(call: Call, value: Ref, divisors: Array, constant: Any, shape: Shape) -> Ref:
    """value / divisors; 1/c is a float64 exactly when c is ± a power of two."""
    if not divisors.all():
        raise InvalidNetwork("it divides by zero")
    with np.errstate(over="ignore"):
        factors = 1.0 / divisors
    rounded = not are_powers(divisors)
    value = expanded(call, value, shape)
    live: Live = {"divisors": constant} if is_constant(constant) else {}
    return call.emit(Select(value.size, None, factors, None, rounded), (value,), shape, live, constant)


def negate(call: Call) -> Ref:
    """−self."""
    return _scaled(call, call.ref("self"), -1.0, call.shape)


def power(call: Call) -> Ref:
    """self ** exponent, the exponent a constant number."""
    value = call.ref("self")
    exponents = np.unique(numbers(call["exponent"] if not isinstance(call["exponent"], Ref) else None, "an exponent"))
    if exponents.shape != (1,) or not np.isfinite(exponents).all():
        raise UnsupportedLayer("only a power with one constant exponent is read")
    exponent = float(exponents[0])
    if exponent == 1.0:
        return Ref(value.index, call.shape)
    return call.emit(Curve(value.size, "power", (exponent,)), (expanded(call, value, call.shape),), call.shape)


def square(call: Call) -> Ref:
    """self²."""
    value = call.ref("self")
    return call.emit(Curve(value.size, "power", (2.0,)), (value,), call.shape)


def curve(name: str) -> Callable[[Call], Ref]:
    """A function of one variable, by its name."""

    def build(call: Call) -> Ref:
        value = call.ref("self")
        return call.emit(Curve(value.size, name), (value,), call.shape)

    return build


def logarithm(call: Call) -> Ref:
    """log(self); log(1 + exp(x)) and log(Σ exp(x_j)) are recognised as softplus and logsumexp."""
    value = call.ref("self")
    node = call.builder.node(value)
    inner = call.builder.nodes[node.reads[0] - 1] if node and node.reads[0] else None
    if node and inner and isinstance(inner.operator, Curve) and inner.operator.name == "exp":
        source = Ref(inner.reads[0], inner.shape)
        match node.operator:
            case Select(indices=None, factors=None, offsets=offsets) if offsets is not None and (offsets == 1.0).all():
                return call.emit(Curve(source.size, "softplus"), (source,), call.shape)
            case AveragePooling(members=members, divisors=divisors) if (divisors == 1.0).all():
                if (np.bincount(members.ravel(), minlength=source.size) == 1).all():
                    return call.emit(LogSumExp(members.shape[1]), (source,), call.shape)
    return call.emit(Curve(value.size, "log"), (value,), call.shape)


def logarithm_of_one_plus(call: Call) -> Ref:
    """log(1 + self); log1p(exp(x)) is recognised as softplus."""
    value = call.ref("self")
    node = call.builder.node(value)
    if node and isinstance(node.operator, Curve) and node.operator.name == "exp":
        return call.emit(Curve(value.size, "softplus"), (Ref(node.reads[0], node.shape),), call.shape)
    return call.emit(Curve(value.size, "log1p"), (value,), call.shape)


def of_two(call: Call, a: Any, b: Any, least: bool) -> Ref:
    """max(a, b): a constant c becomes max(x − c, 0) + c, so that it needs no operand."""
    shape, n = call.shape, math.prod(call.shape)
    if isinstance(a, Ref) and isinstance(b, Ref):
        members = np.column_stack([np.arange(n), n + np.arange(n)])
        reads = (expanded(call, a, shape), expanded(call, b, shape))
        return call.emit(LargestOf(2 * n, members, least), reads, shape)
    varying, constant = (a, b) if isinstance(a, Ref) else (b, a)
    return clamped(call, expanded(call, varying, shape), constant, least)


def clamped(call: Call, value: Ref, limit: Any, least: bool) -> Ref:
    """max(value, limit), or min, entry by entry; the limits are constants."""
    shape = value.shape
    limits = spread(limit, shape, "a limit")
    if np.isinf(limits).any():
        raise UnsupportedLayer("a tensor of limits holds infinities")
    shifted = call.emit(Select(value.size, None, None, -limits), (value,), shape, None, limit)
    kept = call.emit(TwoSlope.uniform(value.size, *((1.0, 0.0) if least else (0.0, 1.0))), (shifted,), shape)
    return call.emit(Select(value.size, None, None, limits), (kept,), shape, None, limit)


ARITHMETIC: dict[str, Callable[[Call], Any]] = {
    "add": add,
    "div": divide,
    "divide": divide,
    "true_divide": divide,
    "log": logarithm,
    "log1p": logarithm_of_one_plus,
    "mul": multiply,
    "multiply": multiply,
    "neg": negate,
    "negative": negate,
    "pow": power,
    "rsub": subtract_from,
    "square": square,
    "sub": subtract,
    "subtract": subtract,
    **{
        name: curve(name)
        for name in ("arctan", "asinh", "cos", "erf", "exp", "expm1", "reciprocal", "rsqrt", "sin", "sinh", "sqrt")
    },
    "atan": curve("arctan"),
    "arcsinh": curve("asinh"),
}
