"""The paper's ideal case: random singular vectors, prescribed singular values, AutoLip = 1."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.bench.paper.page import Options, Section, prose, table

COUNT, WIDTH = 10, 100
POWER_STEPS = 8
TIE = 1e-12
PAPER = {0.5: 6e-2, 0.1: 8e-4, 0.01: 9e-5}
"""r and the greedy SeqLip of arXiv:1805.10965."""


@dataclass(frozen=True)
class Layer:
    """W = U diag(s) Vᵀ; `left` is U and `right` is V."""

    left: Matrix
    values: Vector
    right: Matrix


@dataclass(frozen=True)
class Ideal:
    """SeqLip's product over AutoLip = 1 for one network of the ideal case.

    Attributes
    ----------
    ratio
        r, the second singular value of every layer over the first.
    leading
        Π max_σ |⟨σ·v_{k+1}, u_k⟩| over the leading singular vectors: what is left of SeqLip as r → 0, and a lower
        end of it for every r.
    greedy
        Π of greedy local maxima of the pairs: the paper's estimate, ≤ SeqLip.
    upper
        A proven upper end of SeqLip, from the leading vectors alone (proofs/paper.md).
    """

    ratio: float
    leading: float
    greedy: float
    upper: float


def measure(count: int, width: int, ratio: float, seed: int) -> Ideal:
    """One random network of `count` layers."""
    chain = layers(count, width, ratio, np.random.default_rng(seed))
    greedy = [greedy_maximum(A, B) for A, B in pairs(chain)]
    leading = [leading_maximum(first, second) for first, second in pairwise(chain)]
    squares = [ratio**2, *[ratio] * (count - 2), ratio**2]  # what each side lends: σ² at the ends, σ inside
    upper = [
        math.sqrt(1 - (1 - a) * (1 - b) * (1 - m**2)) for (a, b), m in zip(pairwise(squares), leading, strict=True)
    ]
    return Ideal(ratio, math.prod(leading), math.prod(greedy), math.prod(upper))


def layers(count: int, width: int, ratio: float, rng: np.random.Generator) -> list[Layer]:
    """Layers with Haar-random singular vectors and singular values 1, r, r, …, r."""
    values = np.array([1.0, *[ratio] * (width - 1)])
    return [Layer(orthogonal(width, rng), values, orthogonal(width, rng)) for _ in range(count)]


def orthogonal(width: int, rng: np.random.Generator) -> Matrix:
    """A Haar-random orthogonal matrix."""
    basis, triangle = np.linalg.qr(rng.standard_normal((width, width)))
    return basis * np.sign(np.diag(triangle))


def pairs(chain: list[Layer]) -> Iterator[tuple[Matrix, Matrix]]:
    """(A, B) with SeqLip = Π max_σ ‖A diag(σ) B‖₂: inner layers lend the root of their singular values to each side."""
    for k, (first, second) in enumerate(pairwise(chain)):
        low = first.values if k == 0 else np.sqrt(first.values)
        high = second.values if k + 2 == len(chain) else np.sqrt(second.values)
        yield high[:, None] * second.right.T, first.left * low


def leading_maximum(first: Layer, second: Layer) -> float:
    """max_σ |⟨σ·v, u⟩| for the leading vectors: the positive or the negative terms alone."""
    terms = second.right[:, 0] * first.left[:, 0]
    return float(max(terms[terms > 0].sum(), -terms[terms < 0].sum()))


def greedy_maximum(A: Matrix, B: Matrix) -> float:
    """A local maximum of ‖A diag(σ) B‖₂ over σ ∈ {0, 1}ⁿ: from all ones, the flip that gains most, repeated.

    All flips are scored at once, by power iteration from the top singular vector: a flip's score is at most its
    value, so that what is found is attained, and a flip that gains almost nothing may be missed.
    """
    sigma = np.ones(A.shape[1])
    value = 0.0
    while True:
        product = (A * sigma) @ B
        _, singular, right = np.linalg.svd(product)
        value = float(singular[0])
        signs = 1.0 - 2.0 * sigma
        columns = A.T * signs[:, None]
        x = np.tile(right[0], (len(sigma), 1))
        for _ in range(POWER_STEPS):
            y = x @ product.T + columns * np.einsum("ij,ij->i", x, B)[:, None]
            x = y @ product + B * np.einsum("ij,ij->i", y, columns)[:, None]
            x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-300)
        y = x @ product.T + columns * np.einsum("ij,ij->i", x, B)[:, None]
        scores = np.linalg.norm(y, axis=1)
        best = int(scores.argmax())
        if not scores[best] > value * (1 + TIE):
            return value
        sigma[best] = 1.0 - sigma[best]


def section(options: Options) -> Section:
    """The ideal case: a table of three ratios."""
    count, width = (4, 12) if options.quick else (COUNT, WIDTH)
    results = [measure(count, width, ratio, options.seed) for ratio in PAPER]
    rows = [
        [f"{r.ratio:g}", *(f"{x:.2e}" for x in (r.leading, r.greedy, r.upper)), f"≈ {PAPER[r.ratio]:.0e}"]
        for r in results
    ]
    limit = math.pi ** (1 - count)
    text = (
        f"{count} layers of width {width}, W = U diag(1, r, …, r) Vᵀ with random orthogonal U and V. AutoLip is 1: it "
        "sees nothing of how the singular vectors of neighbouring layers lie to each other. SeqLip does. Its true "
        "value lies between greedy (attained, so no larger) and the upper end (proofs/paper.md), rounding ignored; as "
        f"r → 0 and the width grows it tends to 1/π^{count - 1} = {limit:.1e}. The paper's figures are "
        "approximate, for 10 layers of width 100 and another draw of the singular vectors."
    )
    header = ["r", "leading vectors alone", "greedy SeqLip", "upper end of SeqLip", "greedy, paper"]
    return Section(["## The ideal case", "", *prose(text), *table(header, rows)])
