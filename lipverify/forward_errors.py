"""L speaks of f in real arithmetic; this is how far one float forward pass may be from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lipverify.arrays import Array
from lipverify.domain import Domain, domain_of
from lipverify.errors import InvalidArgument, UnsupportedDomain
from lipverify.fixed_inputs import restrict
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from lipverify.readers import as_network
from lipverify.relaxations.crown import crown_ranges
from lipverify.trusted.float_formats import FORMATS, affine_error, bend_error
from lipverify.trusted.intervals import bent, magnitude

if TYPE_CHECKING:
    from lipverify.readers import Model


def rounding_error(net: Model, domain: Domain, dtype: Any) -> Array:
    """How far one forward pass in a float format may be from f, for every point of a bounded domain.

    Parameters
    ----------
    net
        A Network, a torch module, or a path; its parameters and the input are converted to the format, to nearest.
    domain
        Box, Ball, or a bounded Polytope.
    dtype
        "float64", "float32", "bfloat16", "float16", or the dtype of torch or numpy.

    Returns
    -------
    array of shape (n_K,)
        Bounds of |computed f_i(x) − f_i(x)|, ROUNDED, for sums in any order, fused or not, and in accumulators of the
        format or a wider one; inf where something may overflow. Not covered: reduced-precision products such as TF32.

    Raises
    ------
    InvalidArgument
        For another dtype.
    UnsupportedDomain
        For an unbounded domain.

    Notes
    -----
    A label that is certified in real arithmetic survives the format where the margin left exceeds the bounds of both
    outputs together. That this is not idle: arXiv:2603.13334.
    """
    name = str(getattr(dtype, "name", dtype)).rpartition(".")[2].rstrip("'>")
    if name not in FORMATS:
        raise InvalidArgument(f"dtype must be one of {', '.join(FORMATS)}; got {dtype!r}")
    form, network, where = FORMATS[name], as_network(net), domain_of(domain)
    if not where.bounded:
        raise UnsupportedDomain(f"rounding errors grow with the input: a bounded domain is needed, not {where}")
    restriction = restrict(network, where)
    Problem(restriction.network, norm_pair(1), restriction.domain)  # the dimensions
    inner = enclosing_box(restriction.domain)
    low, high = _filled(inner.lower, restriction.fixed), _filled(inner.upper, restriction.fixed)
    ranges = crown_ranges(network, low, high)
    size = magnitude(low, high)
    error = np.where(low == high, form.conversion(low), form.rounding(size))
    for k, (weight, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        error, reach = affine_error(form, weight, bias, size, error)
        if k < len(network.slopes):
            pairs = network.slopes[k]
            error = bend_error(form, pairs, reach, error)
            size = magnitude(*bent(ranges.low[k], ranges.high[k], pairs))
    return error


def _filled(values: Array, fixed: Any) -> Array:
    """The values of the inputs that vary, with those that are fixed in their places."""
    rest = iter(values.tolist())
    return np.array([fixed[i] if i in fixed else next(rest) for i in range(len(values) + len(fixed))])
