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
from lipverify.norms import NormPair, require_computable
from lipverify.relaxations.crown import CHUNK, crown_ranges
from lipverify.relaxations.interval import Boxes, jacobian_ranges, preactivation_ranges, slope_ranges
from lipverify.relaxations.jacobian import coefficients, jacobian_norms
from lipverify.relaxations.layers import Layers
from lipverify.relaxations.matrix_norm import norms_of_ranges

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
    pieces = boxes.pieces(CHUNK // coefficients(chain))
    parts = [
        np.broadcast_to(METHODS[method](chain, piece.low, piece.high, pair), len(piece.low)) for piece in pieces
    ]  # without hidden layers there is one Jacobian for all boxes
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
