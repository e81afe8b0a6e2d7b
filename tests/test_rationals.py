"""Farkas' alternative: whichever answer is given, its evidence is checked."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from lipverify.rationals import (
    Never,
    Positive,
    combination,
    dot,
    exact_floats,
    farkas,
    fraction,
    interior_ray,
    kernel,
    rational,
    rational_matrix,
    scale_rows,
)
from tests import oracle

Rows = list[list[fmpq]]


@st.composite
def cones(draw: st.DrawFn) -> tuple[Rows, list[fmpq]]:
    """Rows and a form: few distinct small entries, so that ties, copies and opposites abound."""
    m = draw(st.integers(1, 4))
    vector = st.lists(st.integers(-2, 2), min_size=m, max_size=m)
    rows = draw(st.lists(vector, max_size=7))
    if rows and draw(st.booleans()):
        rows.append([-v for v in rows[0]])
    return [[fmpq(v) for v in row] for row in rows], [fmpq(v) for v in draw(vector)]


def verified(rows: Rows, form: list[fmpq], answer: Positive | Never) -> bool:
    """Whether the evidence proves the answer."""
    if isinstance(answer, Positive):
        return all(dot(row, answer.point) >= 0 for row in rows) and dot(form, answer.point) > 0
    sums = [fmpq(0)] * len(form)
    for i, multiplier in answer.multipliers.items():
        assert multiplier > 0
        sums = [s + multiplier * v for s, v in zip(sums, rows[i], strict=True)]
    return sums == [-v for v in form]


@given(cones(), st.data())
def test_both_answers_carry_their_proof(cone: tuple[Rows, list[fmpq]], data: st.DataObject) -> None:
    rows, form = cone
    assert verified(rows, form, farkas(rows, form))
    hint = data.draw(st.lists(st.integers(0, len(rows) - 1), unique=True)) if rows else []
    hinted = farkas(rows, form, hint)
    assert verified(rows, form, hinted)
    assert type(hinted) is type(farkas(rows, form))


@given(cones())
def test_an_interior_ray_exists_iff_elimination_finds_one(cone: tuple[Rows, list[fmpq]]) -> None:
    rows, _ = cone
    m = len(cone[1])
    ray = interior_ray(rows, m)
    halves = [oracle.half_space([fraction(v) for v in row], Fraction(0)) for row in rows if any(row)]
    if m <= 3:
        assert (ray is not None) == (oracle.point_inside(halves, m) is not None)
    if ray is not None:
        assert all(dot(row, ray) > 0 for row in rows if any(row))


def test_degenerate_cones_do_not_cycle() -> None:
    # Every row passes through one ray, and many through one another: Bland's rule has to end this.
    rows = [[fmpq(v) for v in row] for row in np.ndindex(3, 3, 3)]
    for form in np.ndindex(3, 3, 3):
        shifted = [fmpq(v - 1) for v in form]
        assert verified(rows, shifted, farkas(rows, shifted))
        assert verified(rows, shifted, farkas(rows, shifted, range(len(rows))))


@given(cones(), st.booleans())
def test_integer_combinations_are_found_where_they_are_unique(cone: tuple[Rows, list[fmpq]], short: bool) -> None:
    rows, form = ([[int(x.p) for x in row] for row in cone[0]], [int(x.p) for x in cone[1]])
    end = len(form) - short
    found = combination(rows, form, end)
    cut, goal = [[fmpq(x) for x in row[:end]] for row in rows], [fmpq(-x) for x in form[:end]]
    independent = not kernel([list(column) for column in zip(*cut, strict=True)], len(rows))
    assert (found is not None) == (independent and isinstance(farkas(cut, goal), Never))
    if found is not None:
        weights, whole = found
        assert whole > 0
        assert min(weights, default=0) >= 0
        for j in range(end):
            assert sum(w * row[j] for w, row in zip(weights, rows, strict=True)) == whole * form[j]


def test_small_cases_by_hand() -> None:
    one, zero = fmpq(1), fmpq(0)
    assert isinstance(farkas([], [one]), Positive)
    assert farkas([], [zero]) == Never({})
    assert farkas([[one]], [-one]) == Never({0: one})
    assert isinstance(farkas([[one, zero]], [zero, one]), Positive)  # a free direction
    assert interior_ray([[one], [-one]], 1) is None
    assert interior_ray([], 2) == (zero, zero)


@given(cones())
def test_the_kernel_is_the_kernel(cone: tuple[Rows, list[fmpq]]) -> None:
    rows, form = cone
    basis = kernel(rows, len(form))
    assert all(dot(row, vector) == 0 for row in rows for vector in basis)
    rank = fmpq_mat(rows).rank() if rows else 0
    assert len(basis) == len(form) - rank
    assert not basis or fmpq_mat(basis).rank() == len(basis)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_the_rationals_they_are(x: float) -> None:
    assert fraction(rational(x)) == Fraction(x)
    assert exact_floats(rational_matrix(np.array([[x]]))) == [[x]]


@pytest.mark.parametrize("value", [fmpq(1, 3), fmpq(2**53 + 1), fmpq(10) ** 400, fmpq(1, 2**1075)])
def test_what_no_float_holds_is_noticed(value: fmpq) -> None:
    assert exact_floats(fmpq_mat([[value]])) is None


def test_rows_are_scaled() -> None:
    assert scale_rows(fmpq_mat([[1, 2], [3, 4]]), [fmpq(0), fmpq(1, 2)]) == fmpq_mat([[0, 0], [fmpq(3, 2), 2]])
