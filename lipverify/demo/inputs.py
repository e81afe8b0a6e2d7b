"""What a visitor of the page wrote, as a formula or a matrix; every refusal says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import lipverify as lv

VARIABLES, CLAUSES, NAME = 10, 40, 40
SIDE, ENTRY = 8, 1000
TEXT = 1_000_000  # characters that are still looked at
_OR = re.compile(r"\s+or\s+|\s*[∨|,]\s*|\s+", re.IGNORECASE)
_NOT = re.compile(r"(not\s+|[-−¬!~]\s*)", re.IGNORECASE)


@dataclass(frozen=True)
class Formula:
    """Clauses of non-zero integers as in DIMACS files, and the variables' names."""

    names: tuple[str, ...]
    clauses: tuple[tuple[int, ...], ...]


def read_formula(request: Mapping[str, Any]) -> Formula:
    """The formula in a request: {"names": …, "clauses": …}, or {"text": …}, in DIMACS or a line "a or not b" a clause.

    A clause without literals is written ().

    Raises
    ------
    InvalidArgument
        For what is no formula, and for formulas that the page is too small for.
    """
    if request.get("text") is not None:
        text = _text(request)
        return _limited(_dimacs(text) if re.search(r"^p\s+cnf\b", text, re.MULTILINE) else _lines(text))
    names, clauses = request.get("names"), request.get("clauses")
    if not isinstance(names, (list, tuple)) or not isinstance(clauses, (list, tuple)):
        raise lv.InvalidArgument("the request holds no formula")
    return _limited(Formula(tuple(str(x)[:NAME] for x in names), tuple(_clause(c, len(names)) for c in clauses)))


def _dimacs(text: str) -> Formula:
    clauses, n = lv.hardness.parse_formula(text)
    return Formula(tuple(f"x{k + 1}" for k in range(min(n, VARIABLES + 1))), tuple(map(tuple, clauses)))


def _lines(text: str) -> Formula:
    """A clause a line or up to a ";"; the names in the order in which they come, after those of "variables: a b"."""
    places: dict[str, int] = {}
    text = text.replace(";", "\n")
    if declared := re.match(r"\s*variables:(.*)", text):
        places = {name[:NAME]: k for k, name in enumerate(dict.fromkeys(declared[1].split()), 1)}
        text = text[declared.end() :]
    clauses: list[tuple[int, ...]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split("#")[0].strip()
        if not words:
            continue
        signed = [] if words == "()" else _OR.split(_NOT.sub("¬", words))
        clause: list[int] = []
        for word in signed:
            name = word.lstrip("¬")
            if not name or name.lower() in {"and", "not", "or", "0", "()"}:
                raise lv.InvalidArgument(
                    f"line {number}: expected a clause such as 'a or not b' (or a DIMACS text with its line "
                    f"'p cnf VARIABLES CLAUSES'); got {line.strip()[:NAME]!r}"
                )
            place = places.setdefault(name[:NAME], len(places) + 1)
            clause.append(-place if (len(word) - len(name)) % 2 else place)
        clauses.append(tuple(clause))
    if not places and not clauses:
        raise lv.InvalidArgument("The formula is empty. Write a clause, such as 'a or not b', or choose an example.")
    return Formula(tuple(places) or ("x1",), tuple(clauses))


def _clause(literals: Any, n: int) -> tuple[int, ...]:
    if not isinstance(literals, (list, tuple)) or not all(type(x) is int and 1 <= abs(x) <= n for x in literals):
        raise lv.InvalidArgument(f"{str(literals)[:40]} is no clause of this formula")
    return tuple(literals)


def _limited(formula: Formula) -> Formula:
    n, m = len(formula.names), len(formula.clauses)
    if n < 1:
        raise lv.InvalidArgument("A formula needs a variable. Add one, or choose an example.")
    if n > VARIABLES or m > CLAUSES:
        count = f"more than {VARIABLES}" if n > VARIABLES else str(n)
        raise lv.InvalidArgument(
            f"This formula has {count} variables and {m} clauses; the page takes up to {VARIABLES} and {CLAUSES}. "
            "For larger ones there is: lipverify hardness sat FILE"
        )
    return formula


def read_matrix(request: Mapping[str, Any]) -> list[list[int]]:
    """The matrix in a request: {"matrix": rows}, or {"text": …} with a row a line.

    Raises
    ------
    InvalidArgument
        For what is no matrix of integers, and for those that the page is too small for.
    """
    rows: Any = request.get("matrix")
    if request.get("text") is not None:
        rows = [
            re.split(r"[\s,;]+", line.strip(" \t,;[]")) for line in _text(request).splitlines() if line.strip(" \t,;[]")
        ]
    if not isinstance(rows, (list, tuple)) or not all(isinstance(row, (list, tuple)) for row in rows):
        raise lv.InvalidArgument("the request holds no matrix")
    if not rows or not rows[0]:
        raise lv.InvalidArgument("The matrix is empty. Write a row a line, such as '1 -2', or choose an example.")
    wide = max(map(len, rows))
    if len(rows) > SIDE or wide > SIDE:
        raise lv.InvalidArgument(f"This matrix is {len(rows)} × {wide}; the page takes up to {SIDE} × {SIDE}.")
    if min(map(len, rows)) < wide:
        raise lv.InvalidArgument("The rows differ in length.")
    return [[_entry(x) for x in row] for row in rows]


def _entry(x: Any) -> int:
    text = str(x).strip().replace("−", "-")
    if isinstance(x, bool) or not re.fullmatch(r"[-+]?[0-9]{1,9}", text) or abs(int(text)) > ENTRY:
        raise lv.InvalidArgument(f"{text[:NAME]!r} is no integer between −{ENTRY} and {ENTRY}")
    return int(text)


def _text(request: Mapping[str, Any]) -> str:
    text = str(request["text"])
    if len(text) > TEXT:
        raise lv.InvalidArgument(f"That are {len(text)} characters; the page reads up to {TEXT}.")
    return text
