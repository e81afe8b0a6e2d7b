"""The compiled simplex method on small integers: rays that climb, or rows that show that nothing does."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lipverify.geometry.simplex import climb
from tests import oracle
from tests.conftest import examples

TRIPLE = st.tuples(*[st.integers(-3, 3)] * 3)


def asked(rows: Any, form: Any, start: Any, limit: int = 200) -> Any:
    """`climb` on integers."""
    return climb(np.array(rows, dtype=float).reshape(-1, 3), *(np.array(v, dtype=float) for v in (form, start)), limit)


@settings(max_examples=examples(50))
@given(TRIPLE, st.lists(TRIPLE, min_size=0, max_size=6), TRIPLE)
def test_forms_are_positive_where_fractions_say_so(start: Any, drawn: Any, form: Any) -> None:
    assume(any(form) and any(start))
    sides = [sum(a * x for a, x in zip(row, start, strict=True)) for row in drawn]
    rows = [tuple(a if s > 0 else -a for a in row) for row, s in zip(drawn, sides, strict=True) if s]
    status, ray, basis, inverse = asked(rows, form, start)
    half_spaces = [oracle.primitive([*row, 0]) for row in (*rows, form)]
    assert status == (1 if oracle.point_inside(half_spaces, 3) is not None else -1)
    if status > 0:
        size = float(np.abs(ray).max())
        assert np.array(form) @ ray > 1e-9 * size
        assert all(np.array(row) @ ray > -1e-9 * size for row in rows)
        return
    # −form is the combination of the basis' rows with the coefficients −form·inverse ≥ 0.
    shares = -np.array(form, dtype=float) @ inverse
    total = [Fraction(0)] * 3
    for row, share in zip(basis.tolist(), shares.tolist(), strict=True):
        assert share > -1e-9
        if row >= 0:
            total = [t + Fraction(share) * a for t, a in zip(total, rows[row], strict=True)]
        else:
            assert abs(share) < 1e-9  # a direction that no row limits has no share
    assert all(abs(t + x) < Fraction(1, 10**8) for t, x in zip(total, form, strict=True))


def test_without_pivots_nothing_is_said() -> None:
    status, _, _, _ = asked([[1, 0, 0], [0, 1, 0], [0, 0, 1]], [-1, -1, -1], [1, 1, 1], limit=0)
    assert status == 0
