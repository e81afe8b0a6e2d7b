"""Text that may be shown: without control characters, short, and in ASCII where a terminal has no better signs."""

from __future__ import annotations

import codecs
from decimal import Decimal

_ASCII = {
    "→": "->",
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "≠": "!=",
    "±": "+-",
    "∈": "in",
    "∞": "inf",
    "√": "sqrt",
    "½": "1/2",
    "²": "^2",
    "³": "^3",
    "¹": "^1",
    "⁻": "^-",
    "₀": "0",
    "₁": "1",
    "₂": "2",
    "·": "*",
    "×": "x",
    "ℓ": "l",
    "Δ": "D",
    "Σ": "sum",
    "Π": "prod",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "“": '"',
    "”": '"',
    "’": "'",
}
_HANDLER = "lipverify.ascii"


def printable(text: str, keep: str = "") -> str:
    """The text with every character escaped that could command a terminal, break a line or hide, but for `keep`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else c.encode("unicode_escape").decode("ascii") for c in text)


def short_count(number: int) -> str:
    """A count with all its digits, or, from 10⁹ on, roughly: "about 2.8 · 10^1504"."""
    if number < 10**9:
        return str(number)
    digits, power = f"{Decimal(number):.1e}".split("e")
    return f"about {digits} · 10^{int(power)}"


def ascii_where_needed() -> str:
    """The name of an error handler for streams whose encoding lacks a sign: the nearest in ASCII, or an escape."""
    codecs.register_error(_HANDLER, _replaced)
    return _HANDLER


def in_ascii(text: str, encoding: str) -> str:
    """The text, with the nearest in ASCII for every sign that an encoding lacks."""
    return text.encode(encoding, ascii_where_needed()).decode(encoding)


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_ASCII.get(c, c.encode("unicode_escape").decode("ascii")) for c in lost), error.end
