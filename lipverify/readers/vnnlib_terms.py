"""The terms of VNN-LIB: brackets, names of inputs and outputs, linear expressions over the rationals."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias, final

from lipverify.errors import InvalidDomain

Expression: TypeAlias = "str | list[Expression]"

_TOKEN = re.compile(r";[^\n]*|\s+|[()]|[^\s();\[\]]+(?:\[[^\]\n]*\])?|\[[^\]\n]*\]")
_OLD = re.compile(r"([XY])_(\d{1,9})")
_NEW = re.compile(r"([^\s\[\]]+)\s*\[([\d,\s]*)\]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")
_LONGEST = 4000  # digits of a number
_DEEPEST = 100


@final
@dataclass
class Names:
    """The variables that a file declares.

    Attributes
    ----------
    inputs
        The flat indices of the inputs that were declared.
    tensors
        In version 2.0: names with their shapes, and whether they are inputs.
    places
        What words were found to be.
    """

    inputs: set[int] = field(default_factory=set)
    tensors: dict[str, tuple[bool, tuple[int, ...]]] = field(default_factory=dict)
    places: dict[str, tuple[bool, int] | None] = field(default_factory=dict)

    def declare(self, name: str) -> None:
        """A variable of version 1.0."""
        found = _OLD.fullmatch(name)
        if found and found[1] == "X":
            self.inputs.add(int(found[2]))

    def declare_network(self, parts: Iterable[Expression]) -> None:
        """A network of version 2.0, with one input."""
        for part in parts:
            match part:
                case ["declare-input" | "declare-output" | "declare-hidden" as kind, str(name), _, *rest]:
                    shape = _sizes(str(rest[0])) if rest and isinstance(rest[0], str) else (1,)
                    if name in self.tensors:
                        raise InvalidDomain(f"{name} is declared twice")
                    self.tensors[name] = (kind == "declare-input", shape)
                    if kind == "declare-input":
                        if self.inputs:
                            raise InvalidDomain("it speaks of several inputs or networks; only one input is read")
                        if math.prod(shape) > 10**7:
                            raise InvalidDomain(f"{name} has the shape {shape}, too large for a region")
                        self.inputs.update(range(math.prod(shape)))
                case _:
                    raise InvalidDomain(f"cannot read {show(part)} in a declare-network")

    def place(self, word: str) -> tuple[bool, int] | None:
        """Whether a word is an input (or an output), and which; None where it is no variable."""
        if word not in self.places:
            self.places[word] = self._found(word)
        return self.places[word]

    def _found(self, word: str) -> tuple[bool, int] | None:
        found = _OLD.fullmatch(word)
        if found and word not in self.tensors:
            return found[1] == "X", int(found[2])
        indexed = _NEW.fullmatch(word)
        name = indexed[1] if indexed else word
        if name not in self.tensors:
            return None
        is_input, shape = self.tensors[name]
        at = [int(n) for n in re.findall(r"\d{1,9}", indexed[2])] if indexed else [0] * len(shape)
        if len(at) != len(shape) or any(i >= n for i, n in zip(at, shape, strict=True)):
            raise InvalidDomain(f"{word} is outside the shape {list(shape)}")
        flat = 0
        for i, n in zip(at, shape, strict=True):
            flat = flat * n + i
        return is_input, flat


def _sizes(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\[[\d,\s]*\]", text):
        raise InvalidDomain(f"{text[:40]} is no shape")
    return tuple(int(n) for n in re.findall(r"\d{1,9}", text)) or (1,)


@final
@dataclass(frozen=True)
class Linear:
    """Σ a_i x_i + constant, and whether outputs occur."""

    factors: dict[int, Fraction]
    constant: Fraction
    outputs: bool = False

    def __add__(self, other: Linear) -> Linear:
        factors = dict(self.factors)
        for i, a in other.factors.items():
            factors[i] = factors.get(i, Fraction(0)) + a
        return Linear(factors, self.constant + other.constant, self.outputs or other.outputs)

    def __sub__(self, other: Linear) -> Linear:
        return self + other.times(Fraction(-1))

    def times(self, factor: Fraction) -> Linear:
        """The multiple."""
        return Linear({i: a * factor for i, a in self.factors.items()}, self.constant * factor, self.outputs)


def linear(term: Expression, names: Names) -> Linear:
    """A term as a linear expression.

    Raises
    ------
    InvalidDomain
        For one that is not linear.
    """
    match term:
        case str(word):
            place = names.place(word)
            if place is not None:
                return Linear({place[1]: Fraction(1)} if place[0] else {}, Fraction(0), not place[0])
            return Linear({}, _number(word))
        case ["+", *parts] if parts:
            total = linear(parts[0], names)
            for part in parts[1:]:
                total += linear(part, names)
            return total
        case ["-", part]:
            return linear(part, names).times(Fraction(-1))
        case ["-", first, *parts] if parts:
            total = linear(first, names)
            for part in parts:
                total -= linear(part, names)
            return total
        case ["*", *parts] if parts:
            return _product([linear(part, names) for part in parts], term)
        case ["/", part, divisor]:
            below = linear(divisor, names)
            if below.factors or below.outputs or not below.constant:
                raise InvalidDomain(f"{show(term)} divides by something else than a number other than 0")
            return linear(part, names).times(1 / below.constant)
    raise InvalidDomain(f"{show(term)} is no linear expression of inputs and numbers")


def _product(parts: Sequence[Linear], term: Expression) -> Linear:
    varying = [part for part in parts if part.factors or part.outputs]
    if len(varying) > 1:
        raise InvalidDomain(f"{show(term)} is no linear expression: it multiplies variables")
    factor = math.prod((part.constant for part in parts if not part.factors and not part.outputs), start=Fraction(1))
    return varying[0].times(factor) if varying else Linear({}, factor)


@lru_cache(maxsize=1 << 16)
def _number(text: str) -> Fraction:
    if not _NUMBER.fullmatch(text) or len(text) > _LONGEST:
        raise InvalidDomain(f"cannot read {text[:40]!r}: neither a variable nor a decimal number")
    return Fraction(text)


def mentions_input(expression: Expression, names: Names) -> bool:
    """Whether some input occurs."""
    if isinstance(expression, str):
        place = names.place(expression)
        return place is not None and place[0]
    return any(mentions_input(part, names) for part in expression)


def parse(text: str) -> list[Expression]:
    """The file's commands as nested lists of words."""
    top: list[Expression] = []
    open_lists: list[list[Expression]] = [top]
    for found in _TOKEN.finditer(text):
        token = found[0]
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
        elif token[0] != ";" and not token.isspace():
            open_lists[-1].append(token)
    if len(open_lists) > 1:
        raise InvalidDomain("the file ends inside a bracket")
    return top


def show(expression: Expression) -> str:
    """For messages, cut."""
    shown = expression if isinstance(expression, str) else f"({' '.join(map(show, expression[:20]))})"
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
