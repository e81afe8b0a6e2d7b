"""Coordinates that suffice: the columns that are kept span what the others do."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given
from hypothesis import strategies as st

import lipverify as lv
from lipverify.geometry.frame import Frame, spanning_columns
from lipverify.rationals import rational_matrix

ENTRIES = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.1, 2.0**-60, 3e300, 5e-324])


@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_columns_that_are_kept_are_a_basis(m: int, n: int, data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.lists(ENTRIES, min_size=n, max_size=n), min_size=m, max_size=m))
    weight = np.array(rows)
    if n > 1 and data.draw(st.booleans()):
        weight[:, -1] = 2 * weight[:, 0] if abs(weight[:, 0]).max() < 1e300 else weight[:, 0]
    kept = spanning_columns(weight)
    rank = rational_matrix(weight).rank()
    assert len(kept) == len(set(kept)) == rank
    if kept:
        assert rational_matrix(weight[:, list(kept)]).rank() == rank


def test_columns_that_are_kept_are_far_apart() -> None:
    """The first columns that span would be those of an image's corner: almost equal, and almost nothing."""
    rng = np.random.default_rng(0)
    corner = 1e-9 * rng.standard_normal((6, 1)) + 1e-14 * rng.standard_normal((6, 20))
    weight = np.column_stack([corner, rng.standard_normal((6, 40))])
    kept = list(spanning_columns(weight))
    assert len(kept) == 6
    assert np.linalg.cond(weight[:, kept]) < 20 < 1e3 < np.linalg.cond(weight[:, :6])


@pytest.mark.parametrize("biased", [False, True])
def test_rows_are_restricted_alike_in_floats_and_exactly(biased: bool) -> None:
    net = lv.Network([[[1, 2, 0], [2, 4, 0]], [[1, 1]]], [[1, 0] if biased else None, None])
    frame = Frame.of(net, lv.Everywhere())
    assert frame.has_t is biased
    assert frame.dimension == 1 + biased
    rows = np.array([[1.0, 2.0, 0.0, 1.0], [2.0, 4.0, 0.0, 0.0], [5.0, 6.0, 7.0, 8.0]])
    exact = frame.restrict_exact(rational_matrix(rows), np.array([2, 0]))
    assert exact == [[fmpq(int(v)) for v in row] for row in frame.restrict(rows)[[2, 0]].tolist()]
