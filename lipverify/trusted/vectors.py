"""Norms of vectors of non-negative floats, from above (proofs/norms.md)."""

from __future__ import annotations

import math

import numpy as np

from lipverify.arrays import Array
from lipverify.trusted.rounding import TINY, gamma, norm_up, up

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
    """q-norms along the last axis, up to the relative slack that the caller adds."""
    if q == INF:
        return magnitude.max(axis=-1)
    if q == 1.0:
        return magnitude.sum(axis=-1)
    top = magnitude.max(axis=-1, keepdims=True)
    safe = np.where((top > 0) & np.isfinite(top), top, 1.0)
    norms = safe[..., 0] * np.sqrt(((magnitude / safe) ** 2).sum(axis=-1) + TINY * magnitude.shape[-1])
    return np.where(top[..., 0] == 0.0, 0.0, np.nextafter(norms, INF))  # no relative slack covers underflow
