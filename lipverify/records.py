"""Bounds as plain data for JSON, and back: every number as it is, fractions and infinities as text.

A record tells what a method said. Reading one proves nothing; what proves is a certificate.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flint import fmpz

from lipverify.bound import Bound, Rigor, Status, Witness
from lipverify.errors import InvalidArgument
from lipverify.report import fraction_text
from lipverify.trusted.algebraic import ExactNorm


def bound_to_dict(bound: Bound) -> dict[str, Any]:
    """A bound as plain JSON-ready data; without its certificate and its details."""
    witness, exact = bound.witness, bound.exact
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
        "exact_polynomial": None if exact is None or not exact.polynomial else [str(fmpz(c)) for c in exact.polynomial],
        "witness": None if witness is None else [fraction_text(x) for x in witness.point],
        "pattern": None if witness is None else [[bool(active) for active in layer] for layer in witness.pattern],
        "stats": {key: _json(value) for key, value in bound.stats.items()},
        "subject": bound.subject,
    }


def bound_from_dict(data: Mapping[str, Any]) -> Bound:
    """The bound that `bound_to_dict` wrote down; keys that it does not write are passed over.

    Raises
    ------
    InvalidArgument
        For data that no bound can have written.
    LipverifyError
        For what no bound may say.
    """
    try:
        root, square, polynomial = (data[f"exact_{name}"] for name in ("value", "square", "polynomial"))
        point, pattern = data["witness"], data["pattern"]
        known = root is not None or square is not None or polynomial is not None
        exact = ExactNorm(
            None if root is None else _fraction(root),
            None if square is None else _fraction(square),
            tuple(int(fmpz(c)) for c in polynomial or ()),
        )
        witness = (
            None
            if point is None
            else Witness(tuple(map(_fraction, point)), tuple(tuple(bool(s) for s in layer) for layer in pattern))
        )
        fields = {
            "method": str(data["method"]),
            "lower": float(data["lower"]),
            "upper": float(data["upper"]),
            "lower_rigor": Rigor[data["lower_rigor"]],
            "upper_rigor": Rigor[data["upper_rigor"]],
            "status": Status[data["status"]],
            "seconds": float(data["seconds"]),
            "stats": dict(data["stats"]),
            "subject": str(data["subject"]),
        }
    except KeyError as error:
        raise InvalidArgument(f"this is no record of a bound: there is no {error}") from error
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise InvalidArgument(f"this is no record of a bound: {error}") from error
    return Bound(exact=exact if known else None, witness=witness, **fields)


def json_float(x: float | None) -> float | str | None:
    """A float for JSON, which has no infinities and no NaN."""
    return x if x is None or math.isfinite(x) else str(x)


def _json_fraction(x: Fraction | None) -> str | None:
    return None if x is None else fraction_text(x)


def _fraction(text: str) -> Fraction:
    """The inverse of `fraction_text`: of any length, where Python's own int ends at 4,300 digits."""
    numerator, _, denominator = text.partition("/")
    return Fraction(int(fmpz(numerator)), int(fmpz(denominator or "1")))


def _json(value: Any) -> Any:
    """Counts and times as they are, whatever else a method counted as text."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return json_float(float(value)) if isinstance(value, float) else str(value)
