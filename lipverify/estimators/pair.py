"""SeqLip's pairs: the largest ‖A diag(σ) B‖₂ over a box of diagonals σ.

The norm is convex in σ, so the maximum is at a vertex of the box (Scaman & Virmaux, NeurIPS 2018,
arXiv:1805.10965). `pair_search` encloses it from above, `pair_climb` climbs from below. Proofs: proofs/seqlip.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.trusted import scaling
from lipverify.trusted.balls import Ball
from lipverify.trusted.chains import diagonal_error
from lipverify.trusted.rounding import grown, norm_up, times_up, up
from lipverify.trusted.spectral.certifier import gram, spectral_upper
from lipverify.watch import tick


@dataclass(frozen=True)
class Pair:
    """A, shape (a, n), the box [low, high] of diagonals, shape (n,), and B, shape (n, b): exact floats."""

    left: Matrix
    low: Vector
    high: Vector
    right: Matrix

    @property
    def width(self) -> int:
        """n, the number of neurons between the two factors."""
        return len(self.low)

    @property
    def shape(self) -> tuple[int, int]:
        """(a, b), the shape of A diag(σ) B."""
        return self.left.shape[0], self.right.shape[1]

    @property
    def rows(self) -> int:
        """The size of the smaller Gram matrix of A diag(σ) B."""
        return min(self.shape)

    @cached_property
    def steepest(self) -> Vector:
        """max(|low|, |high|), shape (n,)."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @cached_property
    def error(self) -> float:
        """A bound of the Frobenius error of every float product A diag(σ) B with σ in the box."""
        return norm_up(diagonal_error(self.left, self.steepest, self.right))

    def products(self, diagonals: Array) -> Array:
        """A diag(σ) B in floats for diagonals of shape (N, n), shape (N, a, b)."""
        return (self.left * diagonals[:, None, :]) @ self.right

    def product_of_norms(self) -> float:
        """An upper bound: the better of ‖A diag(m)‖‖B‖ and ‖A‖‖diag(m) B‖."""
        left, right = Ball.exact(self.left), Ball.exact(self.right)
        steep_left = spectral_upper(left.T.scale_rows(self.steepest))
        steep_right = spectral_upper(right.scale_rows(self.steepest))
        return min(times_up(steep_left, spectral_upper(right)), times_up(spectral_upper(left), steep_right))


def values(products: Array) -> Array:
    """Spectral norms of a batch, shape (N,), in plain floats."""
    tick()
    squares, known = gram(products)
    return np.where(known, np.sqrt(np.maximum(np.linalg.eigvalsh(squares)[:, -1], 0.0)), np.inf)


def balanced(pair: Pair) -> tuple[Pair, int]:
    """A pair and an e with A diag(σ) B = 2^e · A′ diag(σ) B′, where every neuron's two sides are on a par.

    As it is, e = 0, where an entry would be lost.
    """
    found = scaling.balanced(pair.left, pair.right)
    return (pair, 0) if found is None else (Pair(found[0], pair.low, pair.high, found[1]), found[2])


@dataclass(frozen=True)
class Reduced:
    """A pair of matrices no longer than its neurons are many: max of the whole ≤ stretch · max of `pair` + missed."""

    pair: Pair
    stretch: float
    missed: float

    @classmethod
    def of(cls, pair: Pair) -> Reduced:
        """Orthogonal factors split off on the outer sides, where that makes a side shorter; errors enclosed."""
        left, outer, error = _core(pair.left)
        right, inner, lost = _core(pair.right.T)
        missed = 0.0
        if error:
            missed = times_up(error, spectral_upper(Ball.exact(pair.right).scale_rows(pair.steepest)))
        if lost:
            norm = spectral_upper(Ball.exact(left.T).scale_rows(pair.steepest))
            missed = up(missed + times_up(outer, times_up(lost, norm)))
        return cls(Pair(left, pair.low, pair.high, right.T), outer if inner == 1.0 else times_up(outer, inner), missed)

    def whole(self, upper: float) -> float:
        """The bound of the whole pair that follows from one of the reduced pair."""
        total = upper if self.stretch == 1.0 else times_up(self.stretch, upper)
        return up(total + self.missed) if self.missed else total


def _core(left: Matrix) -> tuple[Matrix, float, float]:
    """(C, q, e) with left = Q C + E for some ‖Q‖ ≤ q and ‖E‖ ≤ e; C is square if left has more rows than columns."""
    if left.shape[0] <= left.shape[1]:
        return left, 1.0, 0.0
    basis, core = np.linalg.qr(left)
    product = Ball.exact(basis) @ Ball.exact(core)
    error = norm_up(grown(product.distance(left), 4))
    return core, spectral_upper(Ball.exact(basis)), error
