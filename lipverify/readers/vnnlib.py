"""Input boxes from VNN-LIB 1.0 property files, `.vnnlib` and `.vnnlib.gz`.

A property is a conjunction of assertions about inputs X_i and outputs Y_j; the box is what it says about
the inputs. Assertions about outputs only are left aside. The decimals are read as the rationals they are,
lower limits rounded down and upper limits up: the box contains the file's. An input that the file fixes has the
float64 nearest to its value.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeAlias

from lipverify.domain import Box
from lipverify.errors import InvalidDomain
from lipverify.readers.files import read_bytes
from lipverify.trusted.rounding import float_down, float_up

Expression: TypeAlias = "str | list[Expression]"

_TOKEN = re.compile(r";[^\n]*|\s+|[()]|[^\s();]+")
_INPUT = re.compile(r"X_(\d{1,9})")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_DEEPEST = 100
_MOST_BOXES = 10_000


@dataclass(frozen=True)
class _Limits:
    """What a conjunction says about the inputs: sorted (index, limit) pairs."""

    lower: tuple[tuple[int, Fraction], ...] = ()
    upper: tuple[tuple[int, Fraction], ...] = ()


def load_box(path: str | Path) -> Box:
    """The box over which a property file speaks.

    Raises
    ------
    InvalidDomain
        For a missing or damaged file, constraints on inputs that are no limits, an input without a lower
        or upper limit, several input boxes, or a box that is empty or a single point.
    """
    boxes = load_boxes(path, most=1)
    return boxes[0]


def load_boxes(path: str | Path, *, most: int | None = None) -> list[Box]:
    """All boxes over which a property file speaks: those of its disjunctions, each different one once.

    Raises
    ------
    InvalidDomain
        As for `load_box`, and for more than `most` boxes.
    """
    file = Path(path)
    try:
        text = read_bytes(file, InvalidDomain).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidDomain(f"{file} is no text file: {error}") from error
    try:
        found = _boxes(_parse(text))
        if most is not None and len(found) > most:
            raise InvalidDomain(
                f"the property speaks of {len(found)} different input boxes; choose one, or take them all: "
                "lipverify.load_boxes, --boxes"
            )
        return [_closed(limits, declared) for limits, declared in found]
    except InvalidDomain as error:
        raise InvalidDomain(f"{file}: {error}") from error


def _boxes(commands: Iterable[Expression]) -> list[tuple[_Limits, set[int]]]:
    declared: set[int] = set()
    claims: list[Expression] = []
    for command in commands:
        match command:
            case ["declare-const" | "declare-fun", str(name), *_]:
                declared.update(int(m[1]) for m in [_INPUT.fullmatch(name)] if m)
            case ["assert", claim]:
                claims.append(claim)
            case ["set-logic" | "set-info" | "set-option" | "check-sat" | "exit" | "get-model", *_]:
                continue
            case _:
                raise InvalidDomain(f"cannot read {_show(command)}; expected declare-const or assert")
    return [(limits, declared) for limits in _regions(["and", *claims])]


def _closed(limits: _Limits, declared: set[int]) -> Box:
    lower, upper = dict(limits.lower), dict(limits.upper)
    known = sorted(declared | set(lower) | set(upper))
    if not known:
        raise InvalidDomain("it says nothing about inputs X_0, X_1, …")
    for i, index in enumerate(known):
        if i != index:
            raise InvalidDomain(f"the input X_{i} is missing, although there is an X_{index}")
        for side, name in ((lower, "lower"), (upper, "upper")):
            if index not in side:
                raise InvalidDomain(f"the input X_{index} has no {name} limit")
        if lower[index] > upper[index]:
            # Rounded outward, an empty interval could seem to have an inside.
            raise InvalidDomain(f"the limits of X_{index} cross: {lower[index]} is above {upper[index]}")
    fixed = {i: _nearest(lower[i]) for i in known if lower[i] == upper[i]}
    return Box([fixed.get(i, float_down(lower[i])) for i in known], [fixed.get(i, float_up(upper[i])) for i in known])


def _nearest(x: Fraction) -> float:
    low, high = float_down(x), float_up(x)
    return float(x) if math.isfinite(low) and math.isfinite(high) else math.inf


def _regions(claim: Expression) -> list[_Limits]:
    """The different input boxes of a claim's disjunctive normal form."""
    match claim:
        case ["and", *parts]:
            return _meetings([_regions(part) for part in parts])
        case ["or", *parts] if parts:
            return list(dict.fromkeys(box for part in parts for box in _regions(part)))
        case ["<=", left, right]:
            return [_limit(left, right, claim)]
        case [">=", left, right]:
            return [_limit(right, left, claim)]
        case _ if not _mentions_input(claim):
            return [_Limits()]
        case _:
            raise InvalidDomain(f"cannot read {_show(claim)}; expected <= or >= of an input and a number")


def _meetings(parts: list[list[_Limits]]) -> list[_Limits]:
    """The different boxes that arise from one choice out of every part."""
    if math.prod(map(len, parts)) > _MOST_BOXES:
        raise InvalidDomain(f"the property speaks of more than {_MOST_BOXES} input boxes; choose one")
    # Parts without a choice, nearly all of them, are met once.
    fixed = _meet(part[0] for part in parts if len(part) == 1)
    choices = itertools.product(*(part for part in parts if len(part) > 1))
    return list(dict.fromkeys(_meet((fixed, *choice)) for choice in choices))


def _meet(boxes: Iterable[_Limits]) -> _Limits:
    lower: dict[int, Fraction] = {}
    upper: dict[int, Fraction] = {}
    for box in boxes:
        for i, limit in box.lower:
            lower[i] = max(limit, lower.get(i, limit))
        for i, limit in box.upper:
            upper[i] = min(limit, upper.get(i, limit))
    return _Limits(tuple(sorted(lower.items())), tuple(sorted(upper.items())))


def _limit(small: Expression, large: Expression, claim: Expression) -> _Limits:
    """What small ≤ large says about the inputs."""
    if not _mentions_input(claim):
        return _Limits()
    if isinstance(small, str) and isinstance(large, str):
        index = _INPUT.fullmatch(small)
        if index and _NUMBER.fullmatch(large):
            return _Limits(upper=((int(index[1]), _number(large)),))
        index = _INPUT.fullmatch(large)
        if index and _NUMBER.fullmatch(small):
            return _Limits(lower=((int(index[1]), _number(small)),))
    raise InvalidDomain(f"{_show(claim)} is no limit of one input: the region is no box")


def _number(text: str) -> Fraction:
    try:
        return Fraction(text)
    except ValueError as error:
        raise InvalidDomain(f"cannot read the number {text[:40]}…: {error}") from error


def _mentions_input(expression: Expression) -> bool:
    if isinstance(expression, str):
        return _INPUT.fullmatch(expression) is not None
    return any(_mentions_input(part) for part in expression)


def _parse(text: str) -> list[Expression]:
    """The file's commands as nested lists of words."""
    top: list[Expression] = []
    open_lists: list[list[Expression]] = [top]
    for token in _tokens(text):
        if token == "(":
            inner: list[Expression] = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
            if len(open_lists) > _DEEPEST:
                raise InvalidDomain(f"brackets are nested more than {_DEEPEST} deep")
        elif token == ")":
            if len(open_lists) == 1:
                raise InvalidDomain("a bracket is closed that was never opened")
            open_lists.pop()
        else:
            open_lists[-1].append(token)
    if len(open_lists) > 1:
        raise InvalidDomain("the file ends inside a bracket")
    return top


def _tokens(text: str) -> Iterator[str]:
    return (m[0] for m in _TOKEN.finditer(text) if not m[0].startswith(";") and not m[0].isspace())


def _show(expression: Expression) -> str:
    shown = expression if isinstance(expression, str) else f"({' '.join(map(_show, expression))})"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
