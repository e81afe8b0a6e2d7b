"""Norms of all Jacobians that slope ranges allow, by functional passes from either side. Proof: proofs/passes.md."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Array
from lipverify.norms import INF, NormPair, dual, norms_upper, reduced_pair, require_computable
from lipverify.relaxations.interval import Slopes
from lipverify.relaxations.layers import Chain, Layers
from lipverify.relaxations.matrix_norm import norms_of_ranges
from lipverify.relaxations.passes import Gradients
from lipverify.trusted.rounding import quiet

FEW = 128
"""A side of more vectors than this is left out where the other one is shorter: each vector costs its own passes."""


@quiet
def jacobian_norms(net: Chain, slopes: Slopes, pair: NormPair) -> Array:
    """Upper bounds of ‖W_K D_{K−1} ⋯ D_1 W_1‖_{p→q} over all slopes in the ranges, ROUNDED.

    Rows are the gradients of the outputs; columns those of the transposed chain. Passes tighten the entries
    from both sides; one more pass per row bounds its dual norm, hence p→∞, one more per column 1→q, and
    either of them the Frobenius norm.

    Parameters
    ----------
    net
        The network, or its layers.
    slopes
        Shapes (..., n_k); for a node of a search, from `slope_ranges` with its ranges and its partial pattern.
    pair
        Any pair that is computable for matrices of this shape.

    Returns
    -------
    array of shape (...)

    Raises
    ------
    UnsupportedNorm
        For a norm that nobody can compute for Jacobians of this shape.
    """
    chain = Layers.of(net)
    m, n = chain.output_dim, chain.input_dim
    require_computable(pair, m, n)
    pair = reduced_pair(pair, m, n)
    rows, columns = _sides(m, n)
    by_row = Gradients.of(chain, slopes) if rows else None
    by_column = Gradients.of(chain.transposed(), slopes.transposed()) if columns else None
    found: list[tuple[Array, Array]] = []
    if by_row is not None:
        found.append(by_row.ranges())
    if by_column is not None:
        found.append(_flipped(*by_column.ranges()))
    low = np.maximum.reduce([end for end, _ in found])
    high = np.minimum.reduce([end for _, end in found])
    bounds = [norms_of_ranges(low, high, pair)]
    if by_row is not None and (pair.q == INF or pair == (2.0, 2.0)):
        bounds.append(_joined(by_row.within(low, high).norms(dual(pair.p)), pair))
    if by_column is not None and (pair.p == 1.0 or pair == (2.0, 2.0)):
        bounds.append(_joined(by_column.within(*_flipped(low, high)).norms(pair.q), pair))
    return np.fmin.reduce(bounds)


def _sides(m: int, n: int) -> tuple[bool, bool]:
    """Whether rows, and whether columns, are worth their passes for matrices (m, n)."""
    if m == 1 or n == 1:
        return m == 1, m > 1
    return m <= max(FEW, n), n <= max(FEW, m)


def _flipped(low: Array, high: Array) -> tuple[Array, Array]:
    return np.swapaxes(low, -1, -2), np.swapaxes(high, -1, -2)


def coefficients(chain: Layers) -> int:
    """How many coefficients `jacobian_norms` holds at a time for one node."""
    m, n = chain.output_dim, chain.input_dim
    vectors = max(size * used for size, used in zip((m, n), _sides(m, n), strict=True))
    return 2 * vectors * max(layer.ball.mid.size for layer in chain.layers)


def _joined(norms: Array, pair: NormPair) -> Array:
    """From norms of rows or columns, shape (..., H), to the matrix: the largest; for 2→2 the root of the squares."""
    if pair != (2.0, 2.0):
        return norms.max(axis=-1)
    flat = norms.reshape(-1, 1, norms.shape[-1])
    return norms_upper(flat, np.zeros_like(flat), NormPair(2.0, INF)).reshape(norms.shape[:-1])
