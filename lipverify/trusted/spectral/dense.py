"""Operator norms of one large matrix of floats, whichever dtype it is in."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import TINY, gamma, norm_up, up
from lipverify.trusted.scaling import shifted_up
from lipverify.trusted.spectral.certifier import cholesky_upper, spectral_upper

SMALL = 320
"""The smaller side up to which a verified singular value decomposition is as quick."""
_CHUNK = 2**22


def dense_upper(matrix: npt.NDArray[np.floating[Any]], p: float) -> float:
    """An upper bound of ‖A‖_p for a matrix of floats of any dtype, shape (m, n), p ∈ {1, 2, ∞}.

    ROUNDED. p = 1 and ∞ read every entry once; p = 2 takes a singular value decomposition up to a smaller side
    of 320, and beyond that a Gram matrix and a few Cholesky factorisations of it.
    """
    if p != 2.0:
        axis, terms = (0, matrix.shape[0]) if p == 1.0 else (1, matrix.shape[1])
        top = float(_absolute_sums(matrix, axis).max())
        return top if terms == 1 or top == 0 else up(top * (1 + gamma(terms + 2)))
    if min(matrix.shape) == 1:
        return _vector(matrix.astype(np.float64).ravel())
    if min(matrix.shape) <= SMALL:
        return spectral_upper(Ball.exact(matrix.astype(np.float64)))
    return _scaled(matrix)


def _vector(values: Array) -> float:
    """The Euclidean norm of a vector; of one number it is its magnitude."""
    return abs(float(values[0])) if len(values) == 1 else norm_up(values)


def _absolute_sums(matrix: npt.NDArray[np.floating[Any]], axis: int) -> Array:
    """Σ |a| along an axis in float64, a few rows at a time."""
    sums = np.zeros(matrix.shape[1 - axis])
    for rows in _stretches(matrix):
        part = np.abs(matrix[rows].astype(np.float64)).sum(axis=axis)
        if axis == 0:
            sums += part
        else:
            sums[rows] = part
    return sums


def _stretches(matrix: npt.NDArray[np.floating[Any]]) -> Iterator[slice]:
    step = max(1, _CHUNK // matrix.shape[1])
    return (slice(k, k + step) for k in range(0, matrix.shape[0], step))


def _scaled(matrix: npt.NDArray[np.floating[Any]]) -> float:
    """The spectral norm through a power of two that brings the largest entry near 1: exact up to underflow."""
    values = matrix.astype(np.float64)
    top = max(float(np.abs(values[rows]).max()) for rows in _stretches(values))
    if top == 0.0:
        return 0.0
    exponent = math.frexp(top)[1]
    with np.errstate(under="ignore"):
        np.ldexp(values, -exponent, out=values)
    return shifted_up(up(cholesky_upper(values) + TINY * values.size), exponent)
