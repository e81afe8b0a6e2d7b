"""Operator norms of all matrices between two, batched and rounded up. Proof: proofs/passes.md."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Array
from lipverify.norms import NormPair, norms_upper, reduced_pair
from lipverify.trusted.intervals import magnitude, middle
from lipverify.trusted.rounding import quiet, ups
from lipverify.trusted.spectral.certifier import spectral_uppers


@quiet
def norms_of_ranges(low: Array, high: Array, pair: NormPair) -> Array:
    """Upper bounds of ‖A‖_{p→q} over low ≤ A ≤ high, shapes (..., m, n) to (...); inf where an end is infinite.

    For norms that do not decrease with |A| the norm of the greatest absolute values. For 2→2 the least of the
    Frobenius and the spectral norm of these, and ‖M‖ + ‖R‖ for the middle M and the radius R.
    """
    shape, sides = low.shape[:-2], low.shape[-2:]
    low, high = low.reshape(-1, *sides), high.reshape(-1, *sides)
    bounds = np.full(len(low), np.inf)
    known = np.flatnonzero(np.isfinite(low).all(axis=(1, 2)) & np.isfinite(high).all(axis=(1, 2)))
    if len(known):
        bounds[known] = _norms(low[known], high[known], pair)
    return bounds.reshape(shape)


def _norms(low: Array, high: Array, pair: NormPair) -> Array:
    mid, rad = middle(low, high)
    if reduced_pair(pair, *mid.shape[1:]) != (2.0, 2.0):
        return norms_upper(mid, rad, pair)
    frobenius = norms_upper(mid, rad, pair, enough=np.inf)
    centre, spread, whole = spectral_uppers(np.concatenate([mid, rad, magnitude(low, high)])).reshape(3, -1)
    return np.minimum.reduce([frobenius, whole, ups(centre + spread)])
