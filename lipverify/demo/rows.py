"""A one-sided bound as a row of the page's axis of bounds."""

from __future__ import annotations

import math
from typing import Any, Literal

import lipverify as lv
from lipverify.report import digits_down, digits_up


def row(name: str, side: Literal["upper", "lower"], bound: lv.Bound, why: str) -> dict[str, Any]:
    """What the page shows of one side of a bound, as plain data."""
    value = bound.upper if side == "upper" else bound.lower
    rigor = bound.upper_rigor if side == "upper" else bound.lower_rigor
    return {
        "name": name,
        "side": side,
        "value": value if math.isfinite(value) else None,
        "text": digits_up(value) if side == "upper" else digits_down(value),
        "rigor": rigor.name,
        "meaning": rigor.value,
        "seconds": bound.seconds,
        "why": why,
    }
