"""A pair truncated to its leading singular triples, and what that leaves out added back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from lipverify.arrays import Matrix
from lipverify.estimators.pair import Pair
from lipverify.estimators.pair_climb import climb, starts
from lipverify.estimators.pair_search import Progress, search
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import float_up, up
from lipverify.trusted.spectral.certifier import spectral_upper


def truncated(pair: Pair, rank: int, steps: int) -> Iterator[Progress]:
    """Upper bounds of the pair's maximum from searches of the truncated pair; of the pair, if it has no more triples.

    ‖A diag(σ) B‖² ≤ ‖A′ diag(σ) B′‖² + β²‖A′ diag(m)‖² + α²‖diag(m) B‖² (proofs/seqlip.md, Theorem 3).
    """
    if rank >= min(pair.shape[0], pair.width) and rank >= min(pair.shape[1], pair.width):
        yield from search(pair, steps)
        return
    left, alpha = leading(pair.left, rank)
    other, beta = leading(pair.right.T, rank)
    steep_left = spectral_upper(Ball.exact(left.T).scale_rows(pair.steepest))
    steep_right = spectral_upper(Ball.exact(pair.right).scale_rows(pair.steepest))
    missed = Fraction(beta) * Fraction(steep_left) ** 2 + Fraction(alpha) * Fraction(steep_right) ** 2
    lower = climb(pair, starts(pair, 1, 0))
    for found in search(Pair(left, pair.low, pair.high, other.T), steps):
        if math.isfinite(found.upper):
            whole = _root_up(Fraction(found.upper) ** 2 + missed)
            yield replace(found, upper=whole, lower=max(lower, found.lower))


def leading(A: Matrix, rank: int) -> tuple[Matrix, float]:
    """(A′, α²) with AᵀA ⪯ A′ᵀA′ + α²I, where A′ has at most `rank` rows: √(a_j² − a²_{rank+1}) v_jᵀ in floats."""
    _, singular, right = np.linalg.svd(A, full_matrices=False)
    if len(singular) <= rank:
        return A, 0.0
    cut = singular[rank]
    kept = np.sqrt(np.maximum(singular[:rank] - cut, 0.0) * (singular[:rank] + cut))
    reduced = kept[:, None] * right[:rank]
    whole, part = Ball.exact(A), Ball.exact(reduced)
    product = part.T @ part
    return reduced, spectral_upper(whole.T @ whole + Ball(-product.mid, product.rad))


def _root_up(square: Fraction) -> float:
    """A float ≥ the root of a number ≥ 0."""
    return up(math.sqrt(float_up(square)))
