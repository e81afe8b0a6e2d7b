"""‖J‖_{p→q} as a maximum of linear forms: what enters the derivative, and how what comes out is measured.

‖J‖_{p→q} = max yᵀJx over ‖x‖_p ≤ 1 and ‖y‖_{q*} ≤ 1. One of x and y is sent through the derivative (x forwards, y
backwards) as a test vector: chosen from unit vectors or sign vectors by binaries, or free in a ball that is cut out
lazily.
The other one becomes a sum of absolute values, or a choice of one entry. For 2→2 of a matrix with two sides a
whole matrix X is sent, row by row, from the unit ball of the nuclear norm, whose dual is the spectral norm:
‖J‖_{2→2} = max ⟨X, J⟩. Proof: proofs/milp.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from lipverify.arrays import Matrix
from lipverify.norms import NormPair, norm_pair, norm_upper, reduced_pair
from lipverify.solvers.milp.encode.model import INF, End, Model, Row, Terms, minus
from lipverify.trusted.balls import Ball

_STEP = 2.0**-51  # by which a matrix shrinks at least when it must
Kind: TypeAlias = Literal["units", "signs", "ball"]


@dataclass(frozen=True)
class Plan:
    """How a norm is encoded.

    Attributes
    ----------
    backward
        Whether the test vector enters at the outputs.
    kind
        Of the test vectors: unit vectors, sign vectors, or the Euclidean ball.
    measure
        Of what comes out: the sum of absolute values, the largest entry, or the trace over all copies.
    copies
        How many test vectors are sent at once.
    """

    backward: bool
    kind: Kind
    measure: Literal["sum", "largest", "trace"]
    copies: int = 1

    @property
    def symmetric(self) -> bool:
        """Whether with every test vector its negative is a test vector."""
        return self.kind == "ball"


def plan(pair: NormPair, rows: int, columns: int) -> Plan:
    """The encoding of ‖·‖_{p→q} for (rows, columns) Jacobians."""
    p, q = reduced_pair(pair, rows, columns)
    if p == q == 2.0:
        return Plan(columns < rows, "ball", "trace", min(rows, columns))
    if p == 2.0:
        return Plan(False, "ball", "sum" if q == 1.0 else "largest")
    if q == 2.0:
        return Plan(True, "ball", "sum" if p == INF else "largest")
    if q == INF:
        return Plan(True, "units", "sum" if p == INF else "largest")
    return Plan(False, "units", "sum") if p == 1.0 else Plan(True, "signs", "sum")


@dataclass(frozen=True)
class Entry:
    """A linear form, the number of the quantity that it is, and its range."""

    terms: Terms
    quantity: int
    low: float
    high: float


@dataclass(frozen=True)
class TestVectors:
    """The variables of every copy's test vector, shape (copies, size), and the binary behind each, if there is one."""

    variables: list[list[int]]
    binaries: list[list[int | None]]


def test_vectors(model: Model, chosen: Plan, size: int) -> TestVectors:
    """The test vectors of a plan, as variables of a model."""
    if chosen.kind == "ball":
        marks = [f"_{copy}" for copy in range(chosen.copies)] if chosen.copies > 1 else [""]
        balls = [[model.variable(f"vector{mark}_{j}", -1.0, 1.0) for j in range(size)] for mark in marks]
        return TestVectors(balls, [[None] * size for _ in marks])
    return _chosen(model, size) if chosen.kind == "units" else _signs(model, size)


def _chosen(model: Model, size: int) -> TestVectors:
    """A unit vector."""
    if size == 1:
        return TestVectors([[model.variable("vector_0", 1.0, 1.0)]], [[None]])
    binaries = [model.add_binary(f"vector_{j}") for j in range(size)]
    model.row("one_vector", [(j, 1.0) for j in binaries], 1.0, 1.0)
    return TestVectors([binaries], [list(binaries)])


def _signs(model: Model, size: int) -> TestVectors:
    """A sign vector, up to a global sign: the first entry is +1."""
    found, binaries = [model.variable("vector_0", 1.0, 1.0)], list[int | None]([None])
    for j in range(1, size):
        value, positive = model.variable(f"vector_{j}", -1.0, 1.0), model.add_binary(f"vector_positive_{j}")
        model.row(f"vector_sign_{j}", [(value, 1.0), (positive, -2.0)], -1.0, -1.0)
        found.append(value)
        binaries.append(positive)
    return TestVectors([found], [binaries])


def measured(
    model: Model, chosen: Plan, entries: Sequence[Sequence[Entry]], *, symmetric: bool = False
) -> list[int | None]:
    """Set the objective, given what comes out for every copy; the binary of each entry's sign, where it has one.

    `symmetric` makes the limits of absolute values symmetric; it is there to measure what that costs.
    """
    if chosen.measure == "trace":
        model.objective = [term for copy, row in enumerate(entries) for term in row[copy].terms]
        return [None] * len(entries[0])
    (row,) = entries
    if chosen.measure == "sum":
        sizes = [_absolute(model, j, entry, symmetric) for j, entry in enumerate(row)]
        model.objective = [term for terms, _ in sizes for term in terms]
        return [sign for _, sign in sizes]
    model.objective = _largest(model, row, (1.0,) if chosen.symmetric else (1.0, -1.0))
    return [None] * len(row)


def _absolute(model: Model, j: int, entry: Entry, symmetric: bool) -> tuple[Terms, int | None]:
    """|entry| as terms of the objective, and the binary of its sign."""
    low, high = (-max(-entry.low, entry.high), max(-entry.low, entry.high)) if symmetric else (entry.low, entry.high)
    if low >= 0 or high <= 0:
        if low == high == 0:
            return [], None
        value = model.variable(f"slope_{j}", low, high)
        model.row(f"slope_is_{j}", [(value, 1.0), *minus(entry.terms)], 0.0, 0.0)
        return [(value, 1.0 if low >= 0 else -1.0)], None
    positive = model.add_binary(f"slope_positive_{j}")
    size = model.variable(f"slope_size_{j}", 0.0, max(-low, high))
    model.at_most(
        f"slope_{j}_if_positive",
        [(size, 1.0), *minus(entry.terms)],
        -2 * low,
        (positive, False),
        End(entry.quantity, False, -2.0),
    )
    model.at_most(
        f"slope_{j}_if_negative",
        [(size, 1.0), *entry.terms],
        2 * high,
        (positive, True),
        End(entry.quantity, True, 2.0),
    )
    return [(size, 1.0)], positive


def _largest(model: Model, row: Sequence[Entry], signs: Sequence[float]) -> Terms:
    """The largest of ±entries, one chosen by a binary."""
    terms: Terms = []
    chosen: Terms = []
    for j, entry in enumerate(row):
        for sign in signs:
            low, high = (entry.low, entry.high) if sign > 0 else (-entry.high, -entry.low)
            if high <= 0:
                continue
            label = f"{j}" if sign > 0 else f"{j}_negative"
            binary, value = model.add_binary(f"choose_{label}"), model.variable(f"largest_{label}", 0.0, high)
            top, least = End(entry.quantity, sign > 0, sign), End(entry.quantity, sign < 0, -sign)
            model.at_most(f"largest_{label}_if", [(value, 1.0)], high, (binary, True), top)
            signed = [(i, -sign * c) for i, c in entry.terms]
            model.at_most(f"largest_{label}_is", [(value, 1.0), *signed], -low, (binary, False), least)
            terms.append((value, 1.0))
            chosen.append((binary, 1.0))
    model.row("choose_one", chosen, -INF, 1.0)
    return terms


def ball_cut(X: Matrix) -> Matrix:
    """A matrix C with ‖C‖_{2→2} ≤ 1, rounding included, and ⟨C, X⟩ about the nuclear norm of X.

    ⟨C, xyᵀ⟩ ≤ 1 for all unit vectors x and y, so ⟨C, X⟩ ≤ 1 cuts off nothing that `Plan` needs.
    """
    left, _, right = np.linalg.svd(X, full_matrices=False)
    return shrunk(left @ right)


def shrunk(C: Matrix) -> Matrix:
    """The matrix divided by slightly more than its spectral norm: ‖·‖_{2→2} ≤ 1, rounding included."""
    pair = norm_pair(2)
    top = norm_upper(Ball.exact(C), pair)
    if not 0 < top < math.inf:
        return np.zeros_like(C)
    scaled = C / top
    excess = norm_upper(Ball.exact(scaled), pair)
    while excess > 1:
        scaled = scaled * (1 - 2 * (excess - 1) - _STEP)
        excess = norm_upper(Ball.exact(scaled), pair)
    return scaled


def ball_row(model: Model, ball: list[list[int]], C: Matrix) -> Row:
    """⟨C, X⟩ ≤ 1 over the test vector's variables, shape (copies, size)."""
    scales = [model.exponents[j] for row in ball for j in row]
    coefficients = tuple(float(np.ldexp(c, e)) for c, e in zip(C.ravel().tolist(), scales, strict=True))
    return Row(f"ball_{len(model.rows)}", tuple(j for row in ball for j in row), coefficients, -INF, 1.0)
