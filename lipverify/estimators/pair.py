"""SeqLip's pairs: the largest ‖A diag(σ) B‖₂ over a box of diagonals σ.

The norm is convex in σ, so the maximum is at a vertex of the box (Scaman & Virmaux, NeurIPS 2018,
arXiv:1805.10965). `search` encloses it from above by branch and bound, `greedy` climbs from one vertex
to a local maximum. Proofs: proofs/seqlip.md.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Matrix, Vector
from lipverify.norms import spectral_upper
from lipverify.rounding import TINY, Ball, U, gamma, norm_up, up

Indices: TypeAlias = npt.NDArray[np.intp]
BATCH = 128
TIE = 1e-12  # vertices whose values are this close need not be told apart


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
    def rows(self) -> int:
        """The size of the smaller Gram matrix of A diag(σ) B."""
        return min(self.left.shape[0], self.right.shape[1])

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
        return min(_times(steep_left, spectral_upper(right)), _times(spectral_upper(left), steep_right))


@dataclass(frozen=True)
class Progress:
    """What a search knows: every value is ≤ upper; closed when upper is the maximum up to rounding."""

    upper: float
    closed: bool
    nodes: int


def gram(products: Array) -> Array:
    """The smaller of C Cᵀ and Cᵀ C for a batch of matrices C."""
    flipped = np.swapaxes(products, -1, -2)
    return products @ flipped if products.shape[-2] <= products.shape[-1] else flipped @ products


def values(products: Array) -> Array:
    """Spectral norms of a batch, shape (N,), in plain floats."""
    return np.sqrt(np.maximum(np.linalg.eigvalsh(gram(products))[:, -1], 0.0))


def rigorous_values(products: Array) -> Array:
    """Upper bounds of the spectral norms of a batch of float matrices (N, a, b), tight to about 1e-12.

    τ ≥ ‖C‖ is shown by the success of a float Cholesky decomposition of a slightly smaller matrix than
    τ²I − CCᵀ; where it fails, a residual of the singular value decomposition takes its place.
    """
    squares = gram(products)
    r, inner = squares.shape[-1], max(products.shape[-2:])
    largest = np.maximum(np.linalg.eigvalsh(squares)[:, -1], 0.0)
    mass = np.einsum("nab,nab->n", products, products)
    slack = gamma(8 * (r + inner) + 64) * (mass + r * largest) + TINY * (r + inner) * 2.0**10
    shifted = (largest + 2 * slack)[:, None, None] * np.eye(r) - squares
    bounds = np.sqrt(largest + 4 * slack) * (1 + 8 * U)
    for k in _indefinite(shifted):
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


def greedy(pair: Pair) -> Iterator[tuple[Vector, float]]:
    """Vertices and their float values, each better than the one before.

    From all slopes high (for relu: all ones), the flip that improves most, the first among equals. A local
    optimum is no maximum, and not even an upper bound of the network's constant.
    """
    sigma = pair.high.copy()
    free = np.flatnonzero(pair.low < pair.high)
    product = pair.products(sigma[None])[0]
    value = float(values(product[None])[0])
    yield sigma.copy(), value
    chunk = max(1, 2**21 // max(product.size, 1))
    while len(free):
        steps = pair.low[free] + pair.high[free] - 2 * sigma[free]
        pieces = [slice(at, at + chunk) for at in range(0, len(free), chunk)]
        scores = np.concatenate([_flip_values(pair, product, free[at], steps[at]) for at in pieces])
        best = int(np.flatnonzero(scores >= scores.max() * (1 - TIE))[0])
        if not scores[best] > value * (1 + TIE):
            return
        j = int(free[best])
        sigma[j] = pair.low[j] if sigma[j] == pair.high[j] else pair.high[j]
        product = pair.products(sigma[None])[0]
        value = float(values(product[None])[0])
        yield sigma.copy(), value


def _flip_values(pair: Pair, product: Matrix, chosen: Indices, steps: Vector) -> Array:
    """The values after each single flip: rank-one updates of the product."""
    updates = (steps[:, None] * pair.left[:, chosen].T)[:, :, None] * pair.right[chosen][:, None, :]
    return values(product + updates)


def _alternating(pair: Pair, starts: int, seed: int) -> float:
    """A good vertex's value, in floats: fix the singular vectors, choose the best σ for them, repeat."""
    rng = np.random.default_rng(seed)
    sigma = np.where(rng.random((starts, pair.width)) < 0.5, pair.low, pair.high)
    sigma[0] = pair.high
    best = 0.0
    for _ in range(20):
        left, singular, right = np.linalg.svd(pair.products(sigma), full_matrices=False)
        if not singular[:, 0].max() > best:
            break
        best = float(singular[:, 0].max())
        gains = (left[:, :, 0] @ pair.left) * (right[:, 0, :] @ pair.right.T)
        sigma = np.where(gains > 0, pair.high, pair.low)
    return best


def search(pair: Pair, nodes: int) -> Iterator[Progress]:
    """Upper bounds of the maximum, decreasing; closed, or after `nodes` nodes the upper end of what is open.

    A node fixes the first neurons of one static order at a vertex and leaves the others free around the
    middle c of their slopes: its values are ≤ ‖A diag(c) B‖ + r_d, with r_d ≥ the largest norm that the
    free neurons' deviations can add, the same for all nodes of depth d. Best bound first.
    """
    box = _ordered(pair)
    radius = _Radii(box)
    target = _alternating(pair, 1 if pair.rows > 64 else 8, 0) * (1 + 4 * TIE)
    upper = min(pair.product_of_norms(), float(_bounds(box, box.middle[None], radius(0))[0]))
    batch = min(BATCH, max(1, 2**22 // (pair.left.size + pair.right.size)))
    heap: list[tuple[float, int, int, Vector]] = [(-upper, 0, 0, box.middle)]
    ticket = itertools.count(1)
    seen = 1
    if not box.free:
        target = upper
    while heap and -heap[0][0] > target:
        upper = max(-heap[0][0], target)
        yield Progress(upper, False, seen)
        if seen >= nodes:
            return
        parents = [heapq.heappop(heap) for _ in range(min(batch, len(heap))) if -heap[0][0] > target]
        centres, limits, depths = _children(box, parents)
        seen += len(centres)
        reach = np.array([radius(int(d)) for d in depths])
        bounds = np.minimum(_bounds(box, centres, reach), limits)
        complete = depths == box.free
        target = max(target, float(bounds[complete].max(initial=0.0)))
        for k in np.flatnonzero(~complete & (bounds > target)):
            heapq.heappush(heap, (-float(bounds[k]), next(ticket), int(depths[k]), centres[k]))
    yield Progress(min(upper, target), True, seen)


@dataclass(frozen=True)
class _Box:
    """A pair with its free neurons first, the most influential ones leading."""

    pair: Pair
    free: int
    middle: Vector
    half: Vector


def _ordered(pair: Pair) -> _Box:
    middle = pair.low / 2 + pair.high / 2
    half = np.maximum(pair.high - middle, middle - pair.low) * (1 + 4 * U)
    weight = half * np.linalg.norm(pair.left, axis=0) * np.linalg.norm(pair.right, axis=1)
    order = np.argsort(-weight, kind="stable")
    order = np.concatenate([order[half[order] > 0], order[half[order] == 0]])
    moved = Pair(pair.left[:, order], pair.low[order], pair.high[order], pair.right[order])
    return _Box(moved, int((half > 0).sum()), middle[order], half[order])


def _bounds(box: _Box, centres: Array, reach: Array | float) -> Array:
    """‖A diag(c) B‖ + r for a batch of centres, every rounding included."""
    return (rigorous_values(box.pair.products(centres)) + box.pair.error + reach) * (1 + 8 * U)


def _children(box: _Box, parents: list[tuple[float, int, int, Vector]]) -> tuple[Array, Array, Array]:
    """Both children of every node: their centres, their parents' bounds, their depths."""
    limits = np.repeat([-bound for bound, *_ in parents], 2)
    depths = np.repeat([depth for *_, depth, _ in parents], 2)
    centres = np.repeat(np.stack([centre for *_, centre in parents]), 2, axis=0)
    at = np.arange(0, len(centres), 2)
    centres[at, depths[at]] = box.pair.low[depths[at]]
    centres[at + 1, depths[at]] = box.pair.high[depths[at]]
    return centres, limits, depths + 1


@final
class _Radii:
    """r_d ≥ max ‖A_F diag(δ) B_F‖ over |δ| ≤ half, F the free neurons from the d-th on; made when asked."""

    def __init__(self, box: _Box) -> None:
        self._box = box
        self._known: dict[int, float] = {box.free: 0.0}

    def __call__(self, depth: int) -> float:
        if depth not in self._known:
            self._known[depth] = self._compute(depth)
        return self._known[depth]

    def _compute(self, depth: int) -> float:
        box = self._box
        rest = slice(depth, box.free)
        left, half, right = box.pair.left[:, rest], box.half[rest], box.pair.right[rest]
        tails = [
            _product_of_norms(left, half, right),
            spectral_upper(Ball.exact(np.abs(left)) @ Ball.exact(np.abs(right)).scale_rows(half)),
        ]
        if depth - 1 in self._known:
            tails.append(self._known[depth - 1])
        return min(tails)


def _product_of_norms(left: Matrix, half: Vector, right: Matrix) -> float:
    """An upper bound of ‖A diag(h)‖ ‖B‖."""
    weighted = spectral_upper(Ball.exact(left).T.scale_rows(half))
    return _times(weighted, spectral_upper(Ball.exact(right)))


def _times(a: float, b: float) -> float:
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


def node_limit(nodes: int, pair: Pair) -> int:
    """The nodes that a pair may have: fewer where one node is dear, so that the whole stays affordable."""
    cost = max(1.0, pair.rows / 16) ** 2 * max(1.0, pair.width / 16)
    return max(1, math.floor(nodes / cost))
