"""How bounds are written down: digits that keep their side, sentences, and plain data for JSON."""

from __future__ import annotations

import decimal
import math
import numbers
from fractions import Fraction
from typing import Any

from lipverify.bound import Bound, Status

SHORT = 24  # characters of a fraction that a line still shows


def describe(bound: Bound) -> list[str]:
    """A two-sided bound in lines: the value or the interval, the status, what it speaks of."""
    value = f"L in [{digits_down(bound.lower)}, {digits_up(bound.upper)}]"
    if bound.status is Status.EXACT:
        value = f"L = {exact_text(bound)}"
    rigor = min(bound.lower_rigor, bound.upper_rigor)
    lines = [f"exact: {value} ({bound.method}, {rigor.name}): {bound.status.value}"]
    if bound.subject:
        lines.append(f"subject: {bound.subject}")
    return lines


def exact_text(bound: Bound) -> str:
    """An exact value for readers: twelve digits, and the fraction or the root when it is short."""
    digits = digits_nearest(bound.lower)
    for prefix, value, suffix in (("", bound.exact_value, ""), ("√(", bound.exact_square, ")")):
        if value is not None:
            text = f"{prefix}{value}{suffix}"
            if text == digits:
                return digits
            return f"{digits} = {text}" if len(text) <= SHORT else digits
    return digits


def digits_up(x: float) -> str:
    """x in twelve significant digits, never below x."""
    return _digits(x, decimal.ROUND_CEILING)


def digits_down(x: float) -> str:
    """x in twelve significant digits, never above x."""
    return _digits(x, decimal.ROUND_FLOOR)


def digits_nearest(x: float) -> str:
    """x in twelve significant digits."""
    return _digits(x, decimal.ROUND_HALF_EVEN)


def _digits(x: float, rounding: str) -> str:
    if not math.isfinite(x):
        return str(x)
    context = decimal.Context(prec=12, rounding=rounding)
    return f"{float(context.create_decimal_from_float(x)):.12g}"


def bound_to_dict(bound: Bound) -> dict[str, Any]:
    """A bound as plain JSON-ready data."""
    witness = bound.witness
    return {
        "method": bound.method,
        "lower": json_float(bound.lower),
        "upper": json_float(bound.upper),
        "lower_rigor": bound.lower_rigor.name,
        "upper_rigor": bound.upper_rigor.name,
        "status": bound.status.name,
        "status_text": bound.status.value,
        "seconds": bound.seconds,
        "exact_value": _json_fraction(bound.exact_value),
        "exact_square": _json_fraction(bound.exact_square),
        "witness": None if witness is None else [str(x) for x in witness.point],
        "stats": {key: _json(value) for key, value in bound.stats.items()},
        "subject": bound.subject,
    }


def json_float(x: float | None) -> float | str | None:
    return x if x is None or math.isfinite(x) else str(x)


def _json_fraction(x: Fraction | None) -> str | None:
    return None if x is None else str(x)


def _json(value: Any) -> Any:
    """Counts and times as they are, whatever else a method counted as text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return json_float(float(value)) if isinstance(value, float) else str(value)


def early_stop(bound: Bound | None) -> str:
    """Why a method stopped, when it did so early."""
    short = {
        Status.TIME_LIMIT: "stopped by the time limit",
        Status.INTERRUPTED: "interrupted",
        Status.FAILED: "failed",
    }
    return "" if bound is None else short.get(bound.status, "")
