"""Exact linear algebra over the rationals: floats in, python-flint inside, Fractions out.

Every float64 is a dyadic rational, so a network's weights enter here without any rounding.
`farkas` decides, with evidence, whether a linear form is positive somewhere on a polyhedral cone;
it is the one exact decision on which activation regions rest (proofs/rationals.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat

from lipverify.arrays import Matrix
from lipverify.watch import tick


def rational(x: float | Fraction) -> fmpq:
    """The float or Fraction x as the rational number it is."""
    numerator, denominator = x.as_integer_ratio()
    return fmpq(numerator, denominator)


def rational_matrix(a: Matrix) -> fmpq_mat:
    """A float matrix, shape (m, n), as the rational matrix it is."""
    found: list[fmpq] = []
    for row in a.tolist():
        tick()
        found += map(rational, row)
    return fmpq_mat(a.shape[0], a.shape[1], found)


def column(values: Iterable[fmpq]) -> fmpq_mat:
    """A column vector, shape (n, 1)."""
    entries = list(values)
    return fmpq_mat(len(entries), 1, entries)


def fraction(x: fmpq) -> Fraction:
    """A rational number in the standard library's clothes."""
    return Fraction(int(x.p), int(x.q))


def entries(a: fmpq_mat) -> list[list[fmpq]]:
    """The rows of a matrix."""
    return a.tolist()


def scale_rows(a: fmpq_mat, factors: Sequence[fmpq | int]) -> fmpq_mat:
    """diag(factors) · a."""
    zero = [fmpq(0)] * a.ncols()
    return fmpq_mat([[f * x for x in row] if f else zero for f, row in zip(factors, a.tolist(), strict=True)])


def exact_floats(a: fmpq_mat) -> list[list[float]] | None:
    """The entries as floats when every one of them is a float64 exactly, else None."""
    rows: list[list[float]] = []
    for row in a.tolist():
        floats: list[float] = []
        for x in row:
            value = fraction(x)
            try:
                nearest = float(value)
            except OverflowError:
                return None
            if Fraction(nearest) != value:
                return None
            floats.append(nearest)
        rows.append(floats)
    return rows


def near_floats(a: fmpq_mat) -> Matrix:
    """The entries' nearest floats, infinite beyond float64, shape (m, n)."""
    found = [[_near(fraction(x)) for x in row] for row in a.tolist()]
    return np.array(found, dtype=np.float64).reshape(a.nrows(), a.ncols())


def _near(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf if x > 0 else -math.inf


def dot(row: Sequence[fmpq], point: Sequence[fmpq]) -> fmpq:
    """Σ row_i point_i."""
    total = fmpq(0)
    for r, x in zip(row, point, strict=True):
        if r:
            total += r * x
    return total


def rational_vector(x: Iterable[Fraction]) -> list[fmpq]:
    """Fractions as rational numbers."""
    return [rational(v) for v in x]


@dataclass(frozen=True, slots=True)
class Positive:
    """A point z of the cone at which the form is positive."""

    point: tuple[fmpq, ...]


@dataclass(frozen=True, slots=True)
class Never:
    """Multipliers λ ≥ 0, by row index, with −form = Σ λ_i rows_i: the form is ≤ 0 on the whole cone."""

    multipliers: dict[int, fmpq]


def farkas(rows: Sequence[Sequence[fmpq]], form: Sequence[fmpq], hint: Sequence[int] = ()) -> Positive | Never:
    """Decide whether form·z > 0 for some z of the cone {z : rows·z ≥ 0}, with evidence for the answer.

    A simplex method in the multipliers with Bland's rule, so it ends (Bland 1977, doi:10.1287/moor.2.2.103);
    one of the two answers holds by Farkas' lemma.

    Parameters
    ----------
    rows
        The cone's half-spaces, each of length m.
    form
        The linear form, length m.
    hint
        Indices of rows that a float solver believes to carry the multipliers: a start, nothing more.

    Returns
    -------
    Positive or Never
        Either way evidence that a reader can check with one exact matrix product.
    """
    hinted = dict.fromkeys(i for i in hint if any(rows[i]))
    multipliers = _combination(rows, list(hinted), form)
    if multipliers is not None:
        return Never(multipliers)
    order = [*hinted, *(i for i in range(len(rows)) if i not in hinted)]
    basis, free = _independent(rows, order, len(form))
    if len(basis) < len(form):
        # The cone contains a linear space; a form that does not vanish on it is positive somewhere there.
        for direction in free:
            slope = dot(form, direction)
            if slope:
                return Positive(tuple(x if slope > 0 else -x for x in direction))
    columns = _pivot_columns(rows, basis)
    minus = [-form[j] for j in columns]
    while True:
        tick()
        if not basis:
            return Never({})
        inverse = fmpq_mat([[rows[i][j] for j in columns] for i in basis]).inv()
        multipliers = (fmpq_mat(1, len(minus), minus) * inverse).entries()
        leaving = min((k for k, x in enumerate(multipliers) if x < 0), key=basis.__getitem__, default=None)
        if leaving is None:
            return Never({i: x for i, x in zip(basis, multipliers, strict=True) if x})
        ray = [fmpq(0)] * len(form)
        for j, row in zip(columns, inverse.tolist(), strict=True):
            ray[j] = row[leaving]
        entering = next((i for i, row in enumerate(rows) if dot(row, ray) < 0), None)
        if entering is None:
            return Positive(tuple(ray))
        basis[leaving] = entering


def _combination(rows: Sequence[Sequence[fmpq]], chosen: list[int], form: Sequence[fmpq]) -> dict[int, fmpq] | None:
    """Multipliers λ ≥ 0 with −form = Σ λ_i rows_i over the chosen rows, if these are independent and it is so."""
    if not chosen:
        return None
    stacked = fmpq_mat([[*(rows[i][j] for i in chosen), -form[j]] for j in range(len(form))])
    reduced, rank = stacked.rref()
    if rank != len(chosen) or any(reduced[k, k] != 1 for k in range(rank)):
        return None
    found = [reduced[k, rank] for k in range(rank)]
    return {i: x for i, x in zip(chosen, found, strict=True) if x} if min(found) >= 0 else None


def combination(rows: Sequence[Sequence[int]], form: Sequence[int], end: int) -> tuple[list[int], int] | None:
    """Integers w ≥ 0 and v > 0 with v·form = Σ w_i rows_i in the first `end` entries.

    None where the rows are not independent there, or the combination does not exist or has a negative weight.
    """
    columns = list(zip(*rows, form, strict=True))[:end]
    reduced, whole, rank = fmpz_mat([column for column in columns if any(column)] or [[0] * (len(rows) + 1)]).rref()
    if rank != len(rows) or any(reduced[k, k] != whole for k in range(rank)):
        return None
    sign = 1 if whole > 0 else -1
    weights = [sign * int(reduced[k, rank]) for k in range(rank)]
    return (weights, sign * int(whole)) if min(weights, default=0) >= 0 else None


def _independent(
    rows: Sequence[Sequence[fmpq]], order: Sequence[int], dimension: int
) -> tuple[list[int], list[list[fmpq]]]:
    """A maximal independent set of rows, the first in `order`, and a basis of their common kernel."""
    if not order:
        return [], [[fmpq(int(i == j)) for j in range(dimension)] for i in range(dimension)]
    stacked = fmpq_mat([[rows[i][j] for i in order] for j in range(dimension)])
    reduced, rank = stacked.rref()
    basis = [order[_pivot(row)] for row in reduced.tolist()[:rank]]
    if rank == dimension:
        return basis, []
    return basis, kernel([rows[i] for i in basis], dimension)


def _pivot(row: Sequence[fmpq]) -> int:
    return next(j for j, x in enumerate(row) if x)


def _pivot_columns(rows: Sequence[Sequence[fmpq]], basis: Sequence[int]) -> list[int]:
    """Columns on which the independent rows of the basis are already independent."""
    if not basis:
        return []
    reduced, rank = fmpq_mat([list(rows[i]) for i in basis]).rref()
    return [_pivot(row) for row in reduced.tolist()[:rank]]


def kernel(rows: Sequence[Sequence[fmpq]], dimension: int) -> list[list[fmpq]]:
    """A basis of {z : rows·z = 0}."""
    if not rows:
        return [[fmpq(int(i == j)) for j in range(dimension)] for i in range(dimension)]
    reduced, rank = fmpq_mat([list(row) for row in rows]).rref()
    lead = reduced.tolist()[:rank]
    pivots = [_pivot(row) for row in lead]
    basis: list[list[fmpq]] = []
    for j in sorted(set(range(dimension)) - set(pivots)):
        vector = [fmpq(0)] * dimension
        vector[j] = fmpq(1)
        for pivot, row in zip(pivots, lead, strict=True):
            vector[pivot] = -row[j]
        basis.append(vector)
    return basis


def interior_ray(rows: Sequence[Sequence[fmpq]], dimension: int) -> tuple[fmpq, ...] | None:
    """A point z with rows·z > 0 in every non-zero row, or None when the cone has no interior.

    The sum of one point per row at which that row is positive: each lies in the cone, so every row
    of the sum is positive. A row that is never positive proves the cone flat.
    """
    total = [fmpq(0)] * dimension
    for row in rows:
        if not any(row) or dot(row, total) > 0:
            continue
        answer = farkas(rows, row)
        if isinstance(answer, Never):
            return None
        total = [a + b for a, b in zip(total, answer.point, strict=True)]
    return tuple(total)
