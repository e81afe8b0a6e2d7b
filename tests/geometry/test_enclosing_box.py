"""Boxes around polytopes: they contain them, touch them, and refuse unbounded ones."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.domain import Box, Everywhere, Polytope
from lipverify.errors import UnsupportedDomain
from lipverify.geometry import enclosing_box as module
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.testing.strategies import domains
from tests import oracle
from tests.conftest import examples


def vertex_range(polytope: Polytope, j: int) -> tuple[Fraction, Fraction]:
    """The exact range of x_j, by projecting the other coordinates away (Fourier–Motzkin)."""
    d = polytope.dimension
    rows = oracle.domain_rows(polytope, d)
    for i in range(d):
        if i != j:
            rows = oracle.eliminate(rows, i)
    ends = [(row[j], Fraction(-row[-1], row[j])) for row in rows if row[j]]
    return max(v for a, v in ends if a > 0), min(v for a, v in ends if a < 0)


@settings(max_examples=examples(150))
@given(st.data())
def test_the_box_is_the_exact_range_rounded_outward(data: st.DataObject) -> None:
    """Boundedness too: a bounded polytope is one whose coordinates all have two ends."""
    d = data.draw(st.integers(1, 3))
    polytope = data.draw(domains(d, kinds=("polytope",)))
    assert isinstance(polytope, Polytope)
    sides = [(tuple(Fraction(s * (i == j)) for i in range(d)), Fraction(-(10**9))) for j in range(d) for s in (1, -1)]
    rows = oracle.domain_rows(polytope, d)
    far = [oracle.point_inside([*rows, oracle.half_space(a, c)], d) for a, c in sides]
    assert polytope.bounded == all(point is None for point in far)
    if not polytope.bounded:
        with pytest.raises(UnsupportedDomain, match="unbounded"):
            enclosing_box(polytope)
        return
    box = enclosing_box(polytope)
    for j in range(d):
        low, high = vertex_range(polytope, j)
        assert box.lower[j] <= low
        assert high <= box.upper[j]
        assert np.nextafter(box.lower[j], np.inf) > low
        assert np.nextafter(box.upper[j], -np.inf) < high


def test_a_box_is_its_own() -> None:
    box = Box([0, 1], [1, 2])
    assert enclosing_box(box) is box
    with pytest.raises(UnsupportedDomain, match="everywhere"):
        enclosing_box(Everywhere())


def test_without_the_solvers_hint_it_still_contains(monkeypatch: pytest.MonkeyPatch) -> None:
    """The hint is only a start: any multipliers prove a side."""
    monkeypatch.setattr(module, "_tight_rows", lambda *_: [])
    rng = np.random.default_rng(0)
    for _ in range(10):
        A = np.vstack([rng.standard_normal((5, 2)), np.eye(2), -np.eye(2)])
        polytope = Polytope(A, np.ones(9))
        box = enclosing_box(polytope)
        for j in range(2):
            low, high = vertex_range(polytope, j)
            assert box.lower[j] <= low
            assert high <= box.upper[j]


def test_a_thin_simplex_is_bounded() -> None:
    """Rows of very different size, and an angle of 2⁻⁴⁰."""
    polytope = Polytope([[-1, 0], [2.0**-40, -1], [0, 2.0**30]], [0, 0, 2.0**30])
    assert polytope.bounded
    box = enclosing_box(polytope)
    assert (box.lower.tolist(), box.upper.tolist()) == ([0, 0], [2.0**40, 1])
    corners = itertools.product(*zip(box.lower.tolist(), box.upper.tolist(), strict=True))
    assert not all(polytope.contains_inside([Fraction(v) for v in corner]) for corner in corners)
