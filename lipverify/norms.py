"""Operator norms ‖A‖_{p→q} for p, q ∈ {1, 2, ∞}: in floats, as rigorous enclosures, and exactly.

Computable in polynomial time are 1→q (the largest column q-norm), p→∞ (the largest row p*-norm),
2→2 (the spectral norm), and every pair when A has a single row or column. ∞→1, ∞→2 and 2→1 are
NP-hard in general (Rohn 2000; Steinberg 2005); they are computed over sign vectors while the shorter
side has at most `MAX_SIGNS` entries, and refused by name beyond. Proofs: proofs/norms.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq, fmpq_mat, fmpz, fmpz_mat

from lipverify.arrays import Array
from lipverify.errors import UnsupportedNorm
from lipverify.rationals import fraction
from lipverify.trusted.algebraic import ExactNorm, largest_root_norm
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import grown
from lipverify.trusted.spectral.certifier import spectral_upper
from lipverify.trusted.vectors import vector_upper, vectors_upper
from lipverify.watch import tick

MAX_SIGNS = 16
INF = math.inf
_NAMES = {1.0: "1", 2.0: "2", INF: "inf"}


class NormPair(NamedTuple):
    """The p-norm of the input and the q-norm of the output, each of 1, 2, ∞."""

    p: float
    q: float

    def __str__(self) -> str:
        if self.p == self.q:
            return _NAMES[self.p]
        return f"{_NAMES[self.p]}:{_NAMES[self.q]}"


ALL_PAIRS = tuple(NormPair(p, q) for p in _NAMES for q in _NAMES)
SAME_NORM = tuple(NormPair(p, p) for p in _NAMES)
EUCLIDEAN = (NormPair(2.0, 2.0),)


def norm_pair(p: Any) -> NormPair:
    """The pair meant by p: 1, 2 or inf for the same norm on both sides, or a pair (p_in, q_out).

    Raises
    ------
    UnsupportedNorm
        For anything else.
    """
    pair = tuple(p) if isinstance(p, (tuple, list)) else (p, p)
    try:
        values = [float(v) for v in pair if not isinstance(v, bool)]
    except (TypeError, ValueError):
        values = []
    if len(pair) != 2 or len(values) != 2 or any(v not in _NAMES for v in values):
        raise UnsupportedNorm(f"p = {p!r} is not supported; use 1, 2, inf, or a pair (p_in, q_out) of these")
    return NormPair(*values)


def dual(p: float) -> float:
    """p* with 1/p + 1/p* = 1."""
    return {1.0: INF, 2.0: 2.0, INF: 1.0}[p]


def reduced_pair(pair: NormPair, rows: int, columns: int) -> NormPair:
    """The easiest pair with the same norm for matrices of this shape.

    On a single row every q-norm is the absolute value, so p→q is p→∞; on a single column p→q is 1→q.
    """
    if rows == 1:
        return NormPair(pair.p, INF)
    if columns == 1:
        return NormPair(1.0, pair.q)
    return pair


def require_computable(pair: NormPair, rows: int, columns: int) -> None:
    """Raise UnsupportedNorm where ‖·‖_{p→q} of (rows, columns) matrices is out of reach."""
    pair = reduced_pair(pair, rows, columns)
    if pair.p == 1.0 or pair.q == INF or pair == (2.0, 2.0):
        return
    size = _sign_side(pair, rows, columns)
    if size > MAX_SIGNS:
        raise UnsupportedNorm(
            f"the {_NAMES[pair.p]}→{_NAMES[pair.q]} norm of a {rows}×{columns} matrix is NP-hard; it is enumerated "
            f"up to {MAX_SIGNS} signs and this one needs {size}. Computable at any size: 1→q, p→inf, 2→2"
        )


def _sign_side(pair: NormPair, rows: int, columns: int) -> int:
    """How many signs an enumeration ranges over: ∞→1 may use the shorter side."""
    if pair == (INF, 1.0):
        return min(rows, columns)
    return columns if pair.p == INF else rows


def operator_norm(A: Array, p: Any, q: Any | None = None) -> Array:
    """‖A‖_{p→q} in plain floats, batched.

    Parameters
    ----------
    A
        Shape (..., m, n).
    p, q
        The pair, or p alone for q = p.

    Returns
    -------
    array of shape (...)
        NUMERICAL: correct in real arithmetic, rounding ignored.
    """
    pair = norm_pair(p if q is None else (p, q))
    A = np.asarray(A, dtype=np.float64)
    m, n = A.shape[-2:]
    require_computable(pair, m, n)
    pair = reduced_pair(pair, m, n)
    if pair.p == 1.0:
        return np.asarray(np.linalg.norm(A, ord=pair.q, axis=-2).max(axis=-1))
    if pair.q == INF:
        return np.asarray(np.linalg.norm(A, ord=dual(pair.p), axis=-1).max(axis=-1))
    if pair == (2.0, 2.0):
        finite = np.isfinite(A).min(axis=(-2, -1))
        sizes = np.abs(np.where(finite[..., None, None], A, 0.0)).max(axis=(-2, -1))
        scaled = np.where(finite[..., None, None], A, 0.0) / np.where(sizes > 0, sizes, 1.0)[..., None, None]
        # three times as quick as singular values, and of the largest one as good
        gram = scaled @ np.swapaxes(scaled, -1, -2) if m <= n else np.swapaxes(scaled, -1, -2) @ scaled
        return np.where(finite, sizes * np.sqrt(np.linalg.eigvalsh(gram)[..., -1]), INF)
    if pair == (2.0, 1.0) or (pair == (INF, 1.0) and m < n):
        A, pair = np.swapaxes(A, -1, -2), NormPair(dual(pair.q), dual(pair.p))
    S = np.array(list(_half_signs(A.shape[-1])), dtype=np.float64)
    return np.asarray(np.linalg.norm(A @ S.T, ord=pair.q, axis=-2).max(axis=-1))


def _half_signs(n: int) -> Iterator[tuple[int, ...]]:
    """Sign vectors up to a global sign: the first entry is +1."""
    return ((1, *rest) for rest in itertools.product((1, -1), repeat=n - 1))


def norm_upper(A: Ball, pair: NormPair) -> float:
    """A rigorous upper bound of ‖B‖_{p→q} over every matrix B in the ball, rounding included."""
    m, n = A.shape
    require_computable(pair, m, n)
    pair = reduced_pair(pair, m, n)
    if pair == (2.0, 2.0):
        return spectral_upper(A)
    magnitude = A.magnitude()
    if pair.p == 1.0:
        return max(vector_upper(column, pair.q) for column in magnitude.T)
    if pair.q == INF:
        return max(vector_upper(row, dual(pair.p)) for row in magnitude)
    if pair == (2.0, 1.0) or (pair == (INF, 1.0) and m < n):
        A, pair = A.T, NormPair(dual(pair.q), dual(pair.p))
    signs = np.array(list(_half_signs(A.shape[1])), dtype=np.float64)
    images = (A @ Ball.exact(signs.T.copy())).magnitude()
    return max(vector_upper(image, pair.q) for image in images.T)


def exact_norm(A: fmpq_mat, pair: NormPair) -> ExactNorm:
    """‖A‖_{p→q} of a rational matrix, shape (m, n), exactly."""
    m, n = A.nrows(), A.ncols()
    require_computable(pair, m, n)
    pair = reduced_pair(pair, m, n)
    rows = A.tolist()
    if pair.p == 1.0:
        return _largest(zip(*rows, strict=True), pair.q)
    if pair.q == INF:
        return _largest(rows, dual(pair.p))
    if pair == (2.0, 2.0):
        return _spectral(A)
    if pair == (2.0, 1.0) or (pair == (INF, 1.0) and m < n):
        A, pair = A.transpose(), NormPair(dual(pair.q), dual(pair.p))
    signs = fmpq_mat([list(s) for s in _half_signs(A.ncols())])
    return _largest((signs * A.transpose()).tolist(), pair.q)


def _largest(vectors: Iterable[Iterable[fmpq]], q: float) -> ExactNorm:
    """The largest q-norm of some vectors."""
    if q == 2.0:
        return ExactNorm.square_root(fraction(max(sum((x * x for x in v), fmpq(0)) for v in vectors)))
    if q == 1.0:
        return ExactNorm.rational(fraction(max(sum((abs(x) for x in v), fmpq(0)) for v in vectors)))
    return ExactNorm.rational(fraction(max(max(abs(x) for x in v) for v in vectors)))


def _spectral(A: fmpq_mat) -> ExactNorm:
    """L² is the largest root of the characteristic polynomial of the smaller Gram matrix."""
    denominator = reduce(lambda a, b: a.lcm(b), (x.q for x in A.entries()), fmpz(1))
    M = fmpz_mat(A.nrows(), A.ncols(), [x.p * (denominator // x.q) for x in A.entries()])
    gram = M * M.transpose() if M.nrows() <= M.ncols() else M.transpose() * M
    square = int(denominator) ** 2  # the roots of det(x·I − G) are denominator²·λ
    return largest_root_norm([int(c) * square**k for k, c in enumerate(gram.charpoly().coeffs())])


def norms_upper(mid: Array, rad: Array, pair: NormPair, enough: float = -1.0) -> Array:
    """Rigorous upper bounds of ‖B‖_{p→q} for a batch of balls mid ± rad, shapes (N, m, n) to (N,).

    A bound that is ≤ `enough` already is not made tighter: for 2→2 the Frobenius norm disposes of most
    of a batch, and the rest is certified one by one.
    """
    m, n = mid.shape[-2:]
    require_computable(pair, m, n)
    pair = reduced_pair(pair, m, n)
    magnitude = grown(np.abs(mid) + rad, 4)
    if pair.p == 1.0:
        return vectors_upper(np.swapaxes(magnitude, -1, -2), pair.q).max(axis=-1)
    if pair.q == INF:
        return vectors_upper(magnitude, dual(pair.p)).max(axis=-1)
    bounds = np.full(len(mid), INF)
    if pair == (2.0, 2.0):
        bounds = vectors_upper(magnitude.reshape(len(mid), m * n), 2.0)
    for k in np.flatnonzero(~(bounds <= enough)):
        tick()
        bounds[k] = min(bounds[k], norm_upper(Ball(mid[k], rad[k]), pair))
    return bounds
