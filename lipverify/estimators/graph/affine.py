"""Node rules for affine operators: matrices, sums, moved and scaled entries, batch normalisation."""

from __future__ import annotations

import math

import numpy as np

from lipverify.estimators.graph.combine import INF, Local, Situation, blocks
from lipverify.readers.steps import Affine, BatchNorm, Dense, Select, Sum
from lipverify.trusted.rounding import grown, times_up, total_up, up, upper
from lipverify.trusted.spectral.dense import dense_upper


def dense(step: Dense, where: Situation) -> Local:
    """‖I ⊗ W ⊗ I‖ = ‖W‖."""
    return Local((dense_upper(step.weight, where.p),))


def affine(step: Affine, where: Situation) -> Local:
    """‖W‖."""
    return Local((dense_upper(step.weight, where.p),))


def summed(step: Sum, where: Situation) -> Local:
    """Σ |c_i| L_i."""
    return Local(tuple(abs(c) for c in step.coefficients))


def select(step: Select, where: Situation) -> Local:
    """Column norms: every output reads one input, so distinct columns have disjoint supports.

    With each output reading one operand, the operands' parts are stacked: they add up in the ℓ_p norm.
    """
    total = sum(where.sizes)
    indices = np.arange(total) if step.indices is None else step.indices
    read = indices >= 0
    factors = np.ones(len(indices)) if step.factors is None else np.abs(step.factors)
    if step.rounded:
        factors = upper(factors, 4)
    top = float(factors[read].max(initial=0.0))
    if not read.any() or top == 0.0:
        return Local((0.0,) * len(where.sizes))
    scaled = np.where(read, factors / top, 0.0)  # no square overflows
    at = np.where(read, indices, 0)
    if where.p == INF:
        columns = np.zeros(total)
        np.maximum.at(columns, at, scaled)
    else:
        columns = np.bincount(at, scaled if where.p == 1.0 else scaled * scaled, minlength=total)
    exact = step.factors is None or bool((factors == top).all())
    sums = [s if exact else total_up(upper(s, 0, len(at)), len(at)) for s in blocks(columns, where.sizes)]
    norms = [up(math.sqrt(s)) if where.p == 2.0 and s not in (0.0, 1.0) else s for s in sums]
    if top != 1.0:
        norms = [times_up(top, s) for s in norms] if not _plain(norms) else _times(top, norms)
    return Local(tuple(norms), where.p)


def _plain(norms: list[float]) -> bool:
    return all(n in (0.0, 1.0) for n in norms)


def _times(top: float, norms: list[float]) -> list[float]:
    return [top * n for n in norms]


def batch_norm(step: BatchNorm, where: Situation) -> Local:
    """max |γ|/√(v + ε)."""
    with np.errstate(over="ignore", divide="ignore"):
        factors = np.abs(step.scale) / np.sqrt(step.variance + step.epsilon)
    return Local((up(grown(float(factors.max()), 8)) if step.scale.any() else 0.0,))
