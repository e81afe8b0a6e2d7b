"""Node rules for windows: averages, maxima, sorted groups. Windows that overlap count every input again."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lipverify.arrays import Array
from lipverify.estimators.graph.combine import INF, Local, Situation, blocks, root, root_up
from lipverify.readers.windows import AveragePooling, LargestOf, SortedGroups
from lipverify.trusted.rounding import float_up, total_up


def largest(step: LargestOf, where: Situation) -> Local:
    """N^(1/p), N the most windows that share an input; operands add up in the ℓ_p norm, one window takes the max."""
    if len(step.members) == 1:
        return Local(tuple(1.0 for _ in where.sizes), INF)
    flat = step.members[step.members >= 0]
    shared = np.bincount(flat, minlength=step.size).astype(np.float64)
    return Local(tuple(root(n, where.p) for n in blocks(shared, where.sizes)), where.p)


def average(step: AveragePooling, where: Situation) -> Local:
    """The largest row sum for ℓ∞, the largest column sum for ℓ1, and for ℓ2 the root of their product."""
    inside = step.members >= 0
    counts, divisors = inside.sum(axis=1), np.abs(step.divisors)
    pairs = {(int(n), d) for n, d in zip(*(v.tolist() for v in (counts, divisors)), strict=True)}
    rows = max(Fraction(n) / Fraction(d) for n, d in pairs)
    if where.p == INF:
        return Local((float_up(rows),))
    columns = _columns(step, divisors)
    return Local((float_up(columns) if where.p == 1.0 else float_up(root_up(rows * columns)),))


def _columns(step: AveragePooling, divisors: Array) -> Fraction:
    """The largest Σ 1/divisor over the windows that share an input: exact where all divisors agree."""
    inside = step.members >= 0
    row, _ = np.nonzero(inside)
    if (divisors == divisors[0]).all():
        shared = np.bincount(step.members[inside], minlength=step.size)
        return Fraction(int(shared.max())) / Fraction(float(divisors[0]))
    sums = np.bincount(step.members[inside], 1.0 / divisors[row], minlength=step.size)
    return Fraction(total_up(float(sums.max()), len(row)))


def sort(step: SortedGroups, where: Situation) -> Local:
    """Sorting is a permutation almost everywhere."""
    return Local((1.0,))
