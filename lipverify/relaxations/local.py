"""Certified upper bounds of Lipschitz constants on boxes, many boxes of one network at a time.

"interval": interval ranges, Fast-Lip's Jacobian enclosure (arXiv:1804.09699), and a bound of its norm. "crown": CROWN's
ranges (arXiv:1811.00866), entries tightened by functional passes, and passes for the norm itself; never looser
than "interval". Both are ROUNDED. Proofs: proofs/interval.md, proofs/crown.md, proofs/passes.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.norms import INF, NormPair, dual, reduced_pair, require_computable
from lipverify.relaxations.crown import CHUNK, crown_ranges
from lipverify.relaxations.interval import Boxes, Slopes, jacobian_ranges, preactivation_ranges, slope_ranges
from lipverify.relaxations.layers import Chain, Layers
from lipverify.relaxations.matrix_norm import norms_of_ranges
from lipverify.relaxations.passes import Gradients

LocalMethod: TypeAlias = Literal["interval", "crown"]


def local_bounds(
    net: Network, lower: npt.ArrayLike, upper: npt.ArrayLike, pair: NormPair, method: LocalMethod = "crown"
) -> Array:
    """Upper bounds of the Lipschitz constants L_{p→q} of one network on boxes.

    Parameters
    ----------
    net
        The network; layers of linear neurons are fused, rounding accounted for.
    lower, upper
        The boxes' limits, shape (..., n_0).
    pair
        The norms, any that `norms.require_computable` admits.
    method
        "interval" or "crown".

    Returns
    -------
    array of shape (...)
        Each ≥ the box's exact constant; inf where overflow left nothing to say.

    Raises
    ------
    InvalidArgument
        For boxes of another shape, infinite or crossed ones, or an unknown method.
    UnsupportedNorm
        For a norm that nobody can compute for Jacobians of this shape.
    """
    if method not in METHODS:
        raise InvalidArgument(f"method must be one of {', '.join(METHODS)}; got {method!r}")
    require_computable(pair, net.output_dim, net.input_dim)
    chain = Layers.fused(net)
    boxes = Boxes.of(chain, lower, upper)
    widest = max(layer.ball.mid.size for layer in chain.layers)
    length = CHUNK // (2 * widest * net.output_dim)
    parts = [METHODS[method](chain, piece.low, piece.high, pair) for piece in boxes.pieces(length)]
    return boxes.unflat(np.concatenate(parts))


def _interval(chain: Layers, low: Array, high: Array, pair: NormPair) -> Array:
    slopes = slope_ranges(chain, preactivation_ranges(chain, low, high))
    return norms_of_ranges(*jacobian_ranges(chain, slopes), pair)


def _crown(chain: Layers, low: Array, high: Array, pair: NormPair) -> Array:
    slopes = slope_ranges(chain, crown_ranges(chain, low, high))
    return np.fmin(jacobian_norms(chain, slopes, pair), _interval(chain, low, high, pair))


METHODS: Mapping[str, Callable[[Layers, Array, Array, NormPair], Array]] = MappingProxyType(
    {"interval": _interval, "crown": _crown}
)


def jacobian_norms(net: Chain, slopes: Slopes, pair: NormPair) -> Array:
    """Upper bounds of ‖J‖_{p→q} over every Jacobian that slope ranges (N, n_k) allow, by functional passes, shape (N,).

    For a node of a search: the slopes come from `slope_ranges` with its ranges and its partial pattern.
    """
    chain = Layers.of(net)
    pair = reduced_pair(pair, chain.output_dim, chain.input_dim)
    rows = Gradients.of(chain, slopes)
    if pair.q == INF:
        return rows.norms(dual(pair.p)).max(axis=-1)
    bounds = norms_of_ranges(*rows.ranges(), pair)
    if pair.p == 1.0:
        columns = Gradients.of(chain.transposed(), slopes.transposed())
        return np.fmin(bounds, columns.norms(pair.q).max(axis=-1))
    return bounds
