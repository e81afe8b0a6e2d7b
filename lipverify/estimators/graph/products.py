"""Node rules for products and quotients of varying values: finite only where ranges are known."""

from __future__ import annotations

import numpy as np

from lipverify.estimators.graph.activations import ADVICE
from lipverify.estimators.graph.combine import INF, Interval, Local, Situation
from lipverify.readers.graph import MatrixProduct, Product, Quotient, Unbounded
from lipverify.trusted.rounding import quotient_up
from lipverify.trusted.spectral.dense import dense_upper


def product(step: Product, where: Situation) -> Local:
    """sup |b|·L_a + sup |a|·L_b."""
    a, b = (float(magnitude(where.interval(i)).max()) for i in (0, 1))
    return _local((b, a), "a product of two varying values has no Lipschitz constant unless their ranges are bounded")


def quotient(step: Quotient, where: Situation) -> Local:
    """sup |1/b|·L_a + sup |a/b²|·L_b."""
    low, high = where.interval(1)
    least = float(np.maximum(np.maximum(low, -high), 0.0).min())
    top = float(magnitude(where.interval(0)).max())
    if least <= 2.0**-500:
        return _local((INF, INF), "a quotient has no Lipschitz constant unless its divisor stays away from 0")
    return _local(
        (quotient_up(1.0, least), quotient_up(quotient_up(top, least), least)),
        "the range of a quotient's numerator is unbounded",
    )


def matrix_product(step: MatrixProduct, where: Situation) -> Local:
    """sup ‖Bᵀ‖·L_A + sup ‖A‖·L_B, norms of entrywise bounds, the worst of the batch."""
    a, b = (magnitude(where.interval(i)) for i in (0, 1))
    reason = "a product of two varying matrices has no Lipschitz constant unless their ranges are bounded"
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return _local((INF, INF), reason)
    left = a.reshape(step.batch, step.rows, step.inner)
    right = b.reshape(step.batch, step.inner, step.columns)
    by_right = max(dense_upper(np.ascontiguousarray(m.T), where.p) for m in right)
    return _local((by_right, max(dense_upper(m, where.p) for m in left)), reason)


def unbounded(step: Unbounded, where: Situation) -> Local:
    """inf, and why."""
    return Local(tuple(INF for _ in where.sizes), note=step.reason)


def magnitude(interval: Interval) -> np.ndarray:
    """sup |x|, entry by entry."""
    return np.maximum(np.abs(interval[0]), np.abs(interval[1]))


def _local(factors: tuple[float, float], reason: str) -> Local:
    return Local(factors, note=f"{reason}; {ADVICE}" if INF in factors else "")
