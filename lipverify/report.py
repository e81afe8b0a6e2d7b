"""How bounds are written down: digits that keep their side, and sentences."""

from __future__ import annotations

import decimal
import math
from fractions import Fraction

from flint import fmpz

from lipverify.bound import Bound, Status
from lipverify.trusted.rounding import MAX

_TINY = 2.0**-1022  # floats below have fewer digits
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
    if bound.enclosure is not None and not _TINY <= bound.enclosure[0] <= MAX and bound.enclosure[1]:
        digits = _beyond(bound.enclosure[0])
    for prefix, value, suffix in (("", bound.exact_value, ""), ("√(", bound.exact_square, ")")):
        if value is not None:
            text = f"{prefix}{fraction_text(value)}{suffix}"
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
    digits = context.create_decimal_from_float(x)
    # A subnormal float has fewer than twelve digits: writing it anew could change its side.
    return f"{float(digits):.12g}" if x == 0.0 or abs(x) >= _TINY else f"{digits.normalize():e}"


def _beyond(value: Fraction) -> str:
    """A positive number of any size in twelve significant digits."""
    context = decimal.Context(prec=30, Emax=decimal.MAX_EMAX, Emin=decimal.MIN_EMIN)
    quotient = context.divide(decimal.Decimal(_brief(value.numerator)), decimal.Decimal(_brief(value.denominator)))
    return f"{decimal.Context(prec=12).create_decimal(quotient).normalize():e}"


def _brief(integer: int) -> str:
    return str(fmpz(integer))


def fraction_text(x: Fraction) -> str:
    """A fraction as numerator/denominator, however many digits that takes (Python's own str ends at 4,300)."""
    return _brief(x.numerator) if x.denominator == 1 else f"{_brief(x.numerator)}/{_brief(x.denominator)}"


def early_stop(bound: Bound | None) -> str:
    """Why a method stopped, when it did so early."""
    short = {
        Status.TIME_LIMIT: "stopped by the time limit",
        Status.INTERRUPTED: "interrupted",
        Status.FAILED: "failed",
    }
    return "" if bound is None else short.get(bound.status, "")
