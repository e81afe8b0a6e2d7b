"""The float solver's programs: right on small integers, and without a trace of what was pushed, switched and popped."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.geometry.lp import LinearProgram, normalised
from tests import oracle
from tests.conftest import examples

ROWS = st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=0, max_size=4)
SIGNS = st.sampled_from([-1, 0, 1])


def program() -> LinearProgram:
    """Over [−1, 1]² × [0, 1]."""
    return LinearProgram(np.array([-1.0, -1.0, 0.0]), np.ones(3))


def exceeds(form: Any, rows: Any, signs: Any, level: Fraction) -> bool:
    """Whether form·z is above a level somewhere inside the program's polyhedron: by elimination."""
    half_spaces = [oracle.primitive([s * a for a in row] + [0]) for row, s in zip(rows, signs, strict=True) if s]
    for j, low in enumerate((-1, -1, 0)):
        half_spaces += [tuple([int(i == j) for i in range(3)] + [-low]), tuple([-int(i == j) for i in range(3)] + [1])]
    half_spaces.append(oracle.half_space([Fraction(x) for x in form], -level))
    return oracle.point_inside(half_spaces, 3) is not None


@settings(max_examples=examples(40))
@given(ROWS, ROWS, st.data())
def test_optima_are_those_of_fractions(first: Any, second: Any, data: st.DataObject) -> None:
    lp = program()
    lp.push(np.array(first, dtype=float).reshape(-1, 3))
    for _ in range(2):
        lp.push(np.array(second, dtype=float).reshape(-1, 3))
        rows = [*first, *second]
        signs = data.draw(st.lists(SIGNS, min_size=len(rows), max_size=len(rows)))
        form = data.draw(st.tuples(*[st.integers(-3, 3)] * 3))
        found = lp.maximise(np.array(form, dtype=float), np.array(signs, dtype=np.int8))
        assert found is not None  # 0 is a point of every such program
        top = float(np.array(form) @ found.point)
        slack = Fraction(1, 10**6)
        assert not exceeds(form, rows, signs, Fraction(top) + slack)
        flat = not exceeds((0, 0, 0), rows, signs, Fraction(-1))  # no interior to look into
        assert flat or exceeds(form, rows, signs, Fraction(top) - slack)
        lp.pop(len(second))
    assert lp.solved == 2


def test_once_a_number_was_refused_nothing_is_said() -> None:
    lp = program()
    lp.push(np.array([[1e200, 1.0, 0.0]]))
    form, on = np.array([0.0, 1.0, 0.0]), np.ones(1, dtype=np.int8)
    assert lp.maximise(form, on) is None
    lp.pop(1)
    assert lp.maximise(form, on[:0]) is None
    assert lp.solved == 0


def test_what_has_no_optimum_is_no_answer() -> None:
    lp = LinearProgram(np.array([-math.inf]), np.array([math.inf]))
    lp.push(np.array([[1.0], [1.0]]))
    form, both = np.ones(1), np.array([1, -1], dtype=np.int8)
    assert lp.maximise(form, 0 * both) is None  # unbounded
    found = lp.maximise(form, both)
    assert found is not None
    assert found.point.tolist() == [0.0]


def test_rows_are_divided_by_their_greatest_entry() -> None:
    rows = np.array([[1e300, -2e300], [0.0, 0.0], [5e-324, 0.0]])
    assert normalised(rows).tolist() == [[0.5, -1.0], [0.0, 0.0], [1.0, 0.0]]
    assert normalised(np.zeros((0, 2))).shape == (0, 2)
