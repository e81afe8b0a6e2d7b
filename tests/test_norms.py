"""Operator norms, exact and enclosed, against brute force in Fractions."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from lipverify.arrays import Matrix
from lipverify.errors import UnsupportedNorm
from lipverify.norms import (
    ALL_PAIRS,
    MAX_SIGNS,
    NormPair,
    dual,
    exact_norm,
    norm_pair,
    norm_upper,
    norms_upper,
    operator_norm,
    reduced_pair,
    spectral_upper,
)
from lipverify.rationals import rational_matrix
from lipverify.trusted.balls import Ball
from tests import oracle

INF = math.inf
SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 4))
PAIRS = st.sampled_from(ALL_PAIRS)
SCALES = (1.0, 1e-200, 1e150, 5e-324, 2.0**-1000, 2.0**-500)


def matrix_of(seed: int, shape: tuple[int, int]) -> Matrix:
    """A random matrix: integers, Gaussian, rank one, many scales, sparse, or zero; then scaled."""
    rng = np.random.default_rng(seed)
    m, n = shape
    kind = rng.integers(6)
    A = rng.integers(-3, 4, shape).astype(float)
    if kind == 1:
        A = rng.standard_normal(shape)
    elif kind == 2:
        A = np.outer(rng.integers(-3, 4, m), rng.integers(-3, 4, n)).astype(float)
    elif kind == 3:
        A = rng.standard_normal(shape) * 2.0 ** rng.integers(-60, 60, shape)
    elif kind == 4:
        A = A * (rng.random(shape) < 0.5)
    elif kind == 5:
        A = np.tile(A[:1], (m, 1)) * rng.choice([0.0, 1.0], (m, 1))
    return A * float(rng.choice(SCALES))


def rows_of(A: Matrix) -> oracle.Matrix:
    """The matrix in Fractions."""
    return tuple(tuple(Fraction(x) for x in row) for row in A.tolist())


@given(st.integers(0, 2**32), SHAPES, PAIRS)
def test_exact_norms_are_those_of_brute_force(seed: int, shape: tuple[int, int], pair: NormPair) -> None:
    A = matrix_of(seed, shape)
    rows = rows_of(A)
    norm = exact_norm(rational_matrix(A), pair)
    square = oracle.square(rows, *pair)
    if square is not None:
        assert norm.square == square
    if 2 not in pair:
        assert norm.root is not None
    low, high = norm.enclosure
    assert not oracle.at_most(rows, low**2, *pair, strict=True)
    assert oracle.at_most(rows, high**2, *pair)
    assert oracle.encloses([rows], norm.lower, norm.upper, *pair)


@given(st.integers(0, 2**32), SHAPES, PAIRS)
def test_upper_bounds_are_never_below_and_close(seed: int, shape: tuple[int, int], pair: NormPair) -> None:
    A = matrix_of(seed, shape)
    rows = rows_of(A)
    bounds = [norm_upper(Ball.exact(A), pair)]
    with np.errstate(over="ignore", under="ignore"):
        bounds.extend(norms_upper(np.stack([A, 2 * A]), np.zeros((2, *shape)), pair)[:1])
        bounds.extend(norms_upper(A[None], np.zeros((1, *shape)), pair, INF))
        if pair == (2.0, 2.0):
            bounds.append(spectral_upper(Ball.exact(A)))
    for bound in bounds:
        assert math.isinf(bound) or oracle.at_most(rows, Fraction(float(bound)) ** 2, *pair)
    for bound in bounds[:2]:
        if bound > 2.0**-900:
            least = Fraction(float(bound)) * (1 - Fraction(1, 10**10))
            assert not oracle.at_most(rows, least**2, *pair, strict=True)


@given(st.integers(0, 2**32), SHAPES, PAIRS)
def test_upper_bounds_hold_for_every_member_of_a_ball(seed: int, shape: tuple[int, int], pair: NormPair) -> None:
    A, rng = matrix_of(seed, shape), random.Random(seed)
    rad = np.abs(matrix_of(seed + 1, shape)) if rng.random() < 0.3 else np.abs(A) * 2.0**-30
    member = tuple(
        tuple(Fraction(a) + rng.choice((-1, 1, Fraction(1, 3))) * Fraction(r) for a, r in zip(*pairs, strict=True))
        for pairs in zip(A.tolist(), rad.tolist(), strict=True)
    )
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        bounds = (norm_upper(Ball(A, rad), pair), float(norms_upper(A[None], rad[None], pair)[0]))
    for bound in bounds:
        assert math.isinf(bound) or oracle.at_most(member, Fraction(bound) ** 2, *pair)


@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
def test_the_norm_of_zero_is_zero(pair: NormPair) -> None:
    zero = np.zeros((2, 3))
    assert exact_norm(rational_matrix(zero), pair).upper == 0
    assert norm_upper(Ball.exact(zero), pair) == 0
    assert norms_upper(zero[None], zero[None], pair)[0] == 0
    assert operator_norm(zero, pair) == 0


@given(st.integers(0, 2**32), SHAPES, PAIRS)
def test_float_norms_are_close(seed: int, shape: tuple[int, int], pair: NormPair) -> None:
    A = np.random.default_rng(seed).standard_normal((2, *shape))
    for value, matrix in zip(operator_norm(A, pair), A, strict=True):
        assert value == pytest.approx(exact_norm(rational_matrix(matrix), pair).upper, rel=1e-12)


def test_shapes_with_one_row_or_column_are_always_computable() -> None:
    row = rational_matrix(np.ones((1, 40)))
    for pair in ALL_PAIRS:
        assert exact_norm(row, pair).square == {1.0: 1, 2.0: 40, INF: 1600}[pair.p]
        assert exact_norm(row.transpose(), pair).square == {1.0: 1600, 2.0: 40, INF: 1}[pair.q]


def test_hard_norms_are_refused_by_name_beyond_their_size() -> None:
    size = MAX_SIGNS + 1
    for pair in itertools.product((2.0, INF), (1.0, 2.0)):
        if pair == (2.0, 2.0):
            continue
        with pytest.raises(UnsupportedNorm, match=f"{size}×{size}"):
            exact_norm(fmpq_mat(size, size), NormPair(*pair))
    assert exact_norm(fmpq_mat(size, 2), NormPair(INF, 1.0)).upper == 0  # the shorter side is enumerated


def test_what_p_may_be() -> None:
    assert norm_pair(2) == norm_pair((2, 2)) == norm_pair("2") == NormPair(2.0, 2.0)
    assert norm_pair([1, INF]) == norm_pair(("1", "inf")) == NormPair(1.0, INF)
    assert [str(norm_pair(p)) for p in (1, INF, (1, INF))] == ["1", "inf", "1:inf"]
    assert [dual(p) for p in (1.0, 2.0, INF)] == [INF, 2.0, 1.0]
    assert reduced_pair(NormPair(2.0, 1.0), 1, 3) == (2.0, INF)


@pytest.mark.parametrize("p", [0, 3, 1.5, -INF, math.nan, "two", None, True, (1,), (1, 2, 3), (1, 3), (True, 2)])
def test_what_p_may_not_be(p: Any) -> None:
    with pytest.raises(UnsupportedNorm, match="use 1, 2, inf"):
        norm_pair(p)
