"""Interior points by linear programming: found where there is room, strictly inside, and none in flat cones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.geometry.margin import MarginProgram, unit_rows
from tests import oracle
from tests.conftest import examples

ROWS = st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=5)


@settings(max_examples=examples(60))
@given(st.lists(ROWS, min_size=1, max_size=2), st.integers(-900, 900))
def test_points_are_found_where_there_are_some(cones: Any, exponent: int) -> None:
    program = MarginProgram(3)  # one for all
    for rows in cones:
        found = program.interior_point(np.ldexp(np.array(rows, dtype=float), exponent))
        live = [row for row in rows if any(row)]
        half_spaces = [oracle.primitive([*row, 0]) for row in (*live, (0, 0, 1))]
        if oracle.point_inside(half_spaces, 3) is None:
            assert found is None or found.margin < 1e-6
            continue
        assert found is not None
        assert found.margin > 1e-4  # integers ≤ 3 leave that much
        point = [Fraction(x) for x in found.point.tolist()]
        for row in live:
            length = Fraction(float(np.linalg.norm(row)))
            assert oracle.dot(row, point) >= Fraction(found.margin) * length - Fraction(1, 10**6)
            assert oracle.dot(row, point) > 0


def test_opposite_rows_leave_nothing_and_carry_the_margin() -> None:
    program = MarginProgram(2)
    found = program.interior_point(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [-2.0, 0.0]]))
    assert found is None or found.margin < 1e-9
    assert {0, 2} <= set(program.support())  # of the rows that are not zero


def test_unit_rows_of_any_scale() -> None:
    rows = unit_rows(np.array([[3e300, 4e300], [0.0, 0.0], [np.nan, 1.0], [0.0, -5e-324], [np.inf, 0.0]]))
    assert np.allclose(rows, [[0.6, 0.8], [0.0, -1.0]], rtol=1e-15)
