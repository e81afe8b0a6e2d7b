"""A mixed-integer linear program as data: named variables with finite limits, and rows.

Whoever adds a variable or a row speaks of true quantities; inside, every variable is divided by a power of two that
brings its limits near 1, and every row by one that brings its largest coefficient near 1. Powers of two are
exact, so the rows that are stored, read as real numbers, hold wherever the rows that were given hold. The one
exception is on the safe side: a coefficient that solvers would drop is replaced by its whole range, which
widens the row (proofs/milp.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias, TypeGuard

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.errors import OutOfRange
from lipverify.trusted.rounding import down, float_down, float_up, up

INF = math.inf
Terms: TypeAlias = list[tuple[int, float]]
Signed: TypeAlias = tuple[int, bool]
"""A binary j: (j, True) stands for j and (j, False) for 1 − j."""
State: TypeAlias = int | bool | None
"""The index of a neuron's binary, the state that it always has, or None where no output reads it."""
LEAST = 2.0**-17  # of the largest coefficient of a row: below, tolerances of 1e-9 are no longer small


@dataclass(frozen=True, slots=True)
class Row:
    """low ≤ Σ coefficients · variables ≤ high, in scaled variables."""

    name: str
    columns: tuple[int, ...]
    coefficients: tuple[float, ...]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class End:
    """sign · (the upper end, or the lower one) of the range of a quantity."""

    quantity: int
    upper: bool
    sign: float = 1.0


@dataclass(frozen=True, slots=True)
class Link:
    """A row whose big-M constant may change: M times a binary, or times 1 − binary, where M is an end of a range.

    In the row's units M is 2^−exponent · end. Above: Σ … ≤ M · binary + constant; below: Σ … ≥ ….
    """

    row: int
    binary: int
    end: End
    above: bool
    flipped: bool
    exponent: int
    constant: float


@dataclass(frozen=True)
class Linear:
    """A linear form: at every point at most 2^exponent · (costs·X + lost), shape (variables,)."""

    costs: Vector
    exponent: int
    lost: float

    def true_upper(self, value: float) -> float:
        """A float ≥ the true value of the form wherever costs·X ≤ value."""
        if not math.isfinite(value):
            return value
        return float_up((Fraction(value) + Fraction(self.lost)) * Fraction(2) ** self.exponent)


@dataclass
class Model:
    """maximise a linear form over rows and limits; built by adding.

    Attributes
    ----------
    names, lower, upper, exponents, binary
        One entry per variable X; the true quantity is 2^exponents[j] · X_j, and lower ≤ X ≤ upper.
    rows
        The constraints.
    links
        Which of them hold with big-M constants from other ranges too.
    objective, power
        What is maximised, in true quantities, and the power of two that it is to be multiplied with.
    """

    names: list[str] = field(default_factory=list)
    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    exponents: list[int] = field(default_factory=list)
    binary: list[bool] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    objective: list[tuple[int, float]] = field(default_factory=list)
    power: int = 0

    def variable(self, name: str, low: float, high: float) -> int:
        """A real variable between two finite limits; returns its index.

        Raises
        ------
        OutOfRange
            For limits that are not finite, as of numbers that floats cannot hold.
        """
        if not (math.isfinite(low) and math.isfinite(high)):
            raise OutOfRange(f"milp: {name} ranges over [{low}, {high}], beyond floats; scale the network or domain")
        exponent = math.frexp(max(abs(low), abs(high)))[1]
        return self._add(name, _scaled_down(low, exponent), _scaled_up(high, exponent), exponent, False)

    def add_binary(self, name: str) -> int:
        """A binary variable; returns its index."""
        return self._add(name, 0.0, 1.0, 0, True)

    def _add(self, name: str, low: float, high: float, exponent: int, binary: bool) -> int:
        self.names.append(name)
        self.lower.append(low)
        self.upper.append(high)
        self.exponents.append(exponent)
        self.binary.append(binary)
        return len(self.names) - 1

    def row(self, name: str, terms: Iterable[tuple[int, float]], low: float, high: float) -> int | None:
        """low ≤ Σ coefficient · quantity ≤ high, in true quantities; infinite limits are allowed.

        The exponent by which the row was divided, or None where it is not there or wider than was asked for.
        """
        exact = [(j, *_split(c, self.exponents[j])) for j, c in terms if c]
        if not exact:
            return None
        top = max(e for _, _, e in exact)
        low, high = _scaled_down(low, top), _scaled_up(high, top)
        kept: list[tuple[int, float]] = []
        for j, mantissa, e in exact:
            coefficient = math.ldexp(mantissa, max(e - top, -1000))
            if abs(coefficient) >= LEAST:
                kept.append((j, coefficient))
            else:  # |X| ≤ 1
                low, high = down(low - up(abs(coefficient))), up(high + up(abs(coefficient)))
        self.rows.append(Row(name, tuple(j for j, _ in kept), tuple(c for _, c in kept), low, high))
        return top if len(kept) == len(exact) else None

    def at_most(self, name: str, terms: Terms, high: float, binary: Signed, end: End, constant: float = 0.0) -> None:
        """Σ terms ≤ high · binary + constant, where `high` is the end's value now."""
        self._big_m(name, terms, high, binary, end, constant, above=True)

    def at_least(self, name: str, terms: Terms, low: float, binary: Signed, end: End, constant: float = 0.0) -> None:
        """Σ terms ≥ low · binary + constant, where `low` is the end's value now."""
        self._big_m(name, terms, low, binary, end, constant, above=False)

    def _big_m(
        self, name: str, terms: Terms, big: float, binary: Signed, end: End, constant: float, *, above: bool
    ) -> None:
        j, side = binary
        limit = constant if side else (up if above else down)(big + constant) if constant else big
        low, high = (-INF, limit) if above else (limit, INF)
        top = self.row(name, [*terms, (j, -big if side else big)], low, high)
        if top is not None:
            scaled = _scaled_up(constant, top) if above else _scaled_down(constant, top)
            self.links.append(Link(len(self.rows) - 1, j, end, above, not side, top, scaled))

    def target(self) -> Linear:
        """The objective, ready to be maximised."""
        linear = self.linear(self.objective)
        return Linear(linear.costs, linear.exponent + self.power, linear.lost)

    def linear(self, terms: Iterable[tuple[int, float]]) -> Linear:
        """A linear form in true quantities, ready to be maximised."""
        exact = [(j, *_split(c, self.exponents[j])) for j, c in terms if c]
        top = max((e for _, _, e in exact), default=0)
        costs = np.zeros(self.size)
        lost = 0.0
        for j, mantissa, e in exact:
            if e - top > -900:
                costs[j] += math.ldexp(mantissa, e - top)
            else:
                lost += 2.0**-890  # |X| ≤ 1
        return Linear(costs, top, lost)

    @property
    def size(self) -> int:
        """The number of variables."""
        return len(self.names)

    @property
    def binaries(self) -> list[int]:
        """The indices of the binary variables."""
        return [j for j, is_binary in enumerate(self.binary) if is_binary]

    def matrix(self) -> tuple[Matrix, Vector, Vector]:
        """The rows as a dense matrix with its limits."""
        A = np.zeros((len(self.rows), self.size))
        for i, row in enumerate(self.rows):
            A[i, list(row.columns)] = row.coefficients
        return A, np.array([r.low for r in self.rows]), np.array([r.high for r in self.rows])


def is_binary(state: State) -> TypeGuard[int]:
    """Whether a neuron's state is the index of a binary (a known state is a bool, which Python counts as an int)."""
    return isinstance(state, int) and not isinstance(state, bool)


def minus(terms: Terms) -> Terms:
    """The terms with the opposite signs."""
    return [(j, -c) for j, c in terms]


def _split(c: float, exponent: int) -> tuple[float, int]:
    """c · 2^exponent as a mantissa and an exponent, beyond the range of floats if need be."""
    if not math.isfinite(c):
        raise OutOfRange(f"milp: a coefficient is {c}, beyond floats; scale the network or domain")
    mantissa, e = math.frexp(c)
    return mantissa, e + exponent


def _scaled_up(value: float, exponent: int) -> float:
    """value / 2^exponent, rounded up where that is no float."""
    if not math.isfinite(value) or value == 0.0:
        return value
    if abs(math.frexp(value)[1] - exponent) < 1000:
        return math.ldexp(value, -exponent)
    return float_up(Fraction(value) / Fraction(2) ** exponent)


def _scaled_down(value: float, exponent: int) -> float:
    if not math.isfinite(value):
        return value
    if value == 0.0 or abs(math.frexp(value)[1] - exponent) < 1000:
        return math.ldexp(value, -exponent) if value else 0.0
    return float_down(Fraction(value) / Fraction(2) ** exponent)
