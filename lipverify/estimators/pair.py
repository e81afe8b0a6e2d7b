"""SeqLip's pairs: the largest ‖A diag(σ) B‖₂ over a box of diagonals σ.

The norm is convex in σ, so the maximum is at a vertex of the box (Scaman & Virmaux, NeurIPS 2018,
arXiv:1805.10965). `pair_search` encloses it from above, `pair_climb` climbs from below. Proofs: proofs/seqlip.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lipverify.arrays import Array, Bools, Matrix, Vector
from lipverify.trusted.rounding import TINY, Ball, U, gamma, norm_up, quiet, up
from lipverify.trusted.spectral.small import spectral_upper


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
        spread = (np.abs(self.left) * self.steepest) @ np.abs(self.right)
        return norm_up((gamma(2 * self.width + 8) * spread + TINY * (spread > 0)) * (1 + gamma(4)))

    def products(self, diagonals: Array) -> Array:
        """A diag(σ) B in floats for diagonals of shape (N, n), shape (N, a, b)."""
        return (self.left * diagonals[:, None, :]) @ self.right

    def product_of_norms(self) -> float:
        """An upper bound: the better of ‖A diag(m)‖‖B‖ and ‖A‖‖diag(m) B‖."""
        left, right = Ball.exact(self.left), Ball.exact(self.right)
        steep_left = spectral_upper(left.T.scale_rows(self.steepest))
        steep_right = spectral_upper(right.scale_rows(self.steepest))
        return min(times_up(steep_left, spectral_upper(right)), times_up(spectral_upper(left), steep_right))


@quiet
def gram(products: Array) -> Array:
    """The smaller of C Cᵀ and Cᵀ C for a batch of matrices C."""
    flipped = np.swapaxes(products, -1, -2)
    return products @ flipped if products.shape[-2] <= products.shape[-1] else flipped @ products


def values(products: Array) -> Array:
    """Spectral norms of a batch, shape (N,), in plain floats."""
    squares, known = _finite(gram(products))
    return np.where(known, np.sqrt(np.maximum(np.linalg.eigvalsh(squares)[:, -1], 0.0)), np.inf)


def _finite(squares: Array) -> tuple[Array, Bools]:
    """A batch of matrices, 0 in place of those that overflowed, and which did not."""
    known = np.array([bool(np.isfinite(square).all()) for square in squares], dtype=bool)
    return np.where(known[:, None, None], squares, 0.0), known


def rigorous_values(products: Array) -> Array:
    """Upper bounds of the spectral norms of a batch of float matrices (N, a, b), tight to about 1e-12.

    τ ≥ ‖C‖ is shown by the success of a float Cholesky decomposition of a slightly smaller matrix than
    τ²I − CCᵀ; where it fails, a residual of the singular value decomposition takes its place.
    """
    squares, known = _finite(gram(products))
    r, inner = squares.shape[-1], max(products.shape[-2:])
    largest = np.maximum(np.linalg.eigvalsh(squares)[:, -1], 0.0)
    mass = np.einsum("nab,nab->n", products, products)
    slack = gamma(8 * (r + inner) + 64) * (mass + r * largest) + TINY * (r + inner) * 2.0**10
    shifted = (largest + 2 * slack)[:, None, None] * np.eye(r) - squares
    bounds = np.sqrt(largest + 4 * slack) * (1 + 8 * U)
    for k in {*_indefinite(shifted), *np.flatnonzero(~(known & np.isfinite(bounds))).tolist()}:
        bounds[k] = spectral_upper(Ball.exact(products[k]))
    return bounds


def _indefinite(matrices: Array) -> list[int]:
    """Indices at which the Cholesky decomposition does not run to completion."""
    try:
        np.linalg.cholesky(matrices)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return [0]
        half = len(matrices) // 2
        return [*_indefinite(matrices[:half]), *(half + k for k in _indefinite(matrices[half:]))]
    return []


def times_up(a: float, b: float) -> float:
    """The product of two numbers ≥ 0, rounded up, a product with 0 not."""
    return up(a * b) if a and b else 0.0


def balanced(pair: Pair) -> tuple[Pair, int]:
    """A pair and an e with A diag(σ) B = 2^e · A′ diag(σ) B′, where every neuron's two sides are on a par.

    Column j of A takes the power of two that row j of B gives up, so that both have about the same norm; a
    common power brings the largest near 1. Exact, or not done: where an entry would underflow, e = 0.
    """
    left, right = np.abs(pair.left).max(axis=0), np.abs(pair.right).max(axis=1)
    live = (left > 0) & (right > 0)
    if not live.any():
        return pair, 0
    out, into = np.frexp(left)[1], np.frexp(right)[1]
    shift = np.where(live, (into - out) // 2, 0)
    top = int(np.where(live, out + shift, -(2**20)).max()), int(np.where(live, into - shift, -(2**20)).max())
    moved_left, moved_right = shift - top[0], -shift - top[1]
    with np.errstate(under="ignore", over="ignore"):
        new_left = np.ldexp(np.where(live, pair.left, 0.0), moved_left)
        new_right = np.ldexp(np.where(live[:, None], pair.right, 0.0), moved_right[:, None])
        same = np.ldexp(new_left, -moved_left)[:, live] == pair.left[:, live]
        same_right = np.ldexp(new_right, -moved_right[:, None])[live] == pair.right[live]
    if not (same.all() and same_right.all()):
        return pair, 0
    return Pair(new_left, pair.low, pair.high, new_right), sum(top)


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
    error = norm_up((np.abs(left - product.mid) * (1 + 2 * U) + product.rad) * (1 + 4 * U))
    return core, spectral_upper(Ball.exact(basis)), error
