"""Norms of vectors of non-negative floats, from above and from below (proofs/norms.md)."""

from __future__ import annotations

import math

import numpy as np

from lipverify.arrays import Array
from lipverify.trusted.rounding import TINY, gamma, grown, norm_up, up, ups

INF = math.inf


def vector_upper(magnitude: Array, q: float) -> float:
    """An upper bound of the q-norm of a vector of non-negative floats."""
    if q == INF:
        return float(magnitude.max())
    if q == 2.0:
        return norm_up(magnitude)
    total = float(magnitude.sum())
    return up(total * (1 + gamma(magnitude.size + 2))) if total else 0.0


def vectors_upper(magnitude: Array, q: float) -> Array:
    """Upper bounds of the q-norms of vectors of non-negative floats, along the last axis."""
    if q == INF:
        return magnitude.max(axis=-1)
    if q == 1.0:
        return grown(magnitude.sum(axis=-1), magnitude.shape[-1] + 8)
    top = magnitude.max(axis=-1, keepdims=True)
    safe = np.where((top > 0) & np.isfinite(top), top, 1.0)
    norms = safe[..., 0] * np.sqrt(((magnitude / safe) ** 2).sum(axis=-1) + TINY * magnitude.shape[-1])
    return np.where(top[..., 0] == 0.0, 0.0, ups(grown(norms, magnitude.shape[-1] + 16)))
