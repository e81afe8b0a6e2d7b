"""Networks that a reflection of the inputs leaves as they are: half of the tree is the mirror image of the other.

proofs/branch_and_bound.md, "Mirror images".
"""

from __future__ import annotations

import numpy as np
from flint import fmpq

from lipverify.arrays import Indices
from lipverify.domain import Ball, Box, Domain, Everywhere
from lipverify.network import Network
from lipverify.problem import Problem
from lipverify.rationals import scale_rows

_ROUNDING = 1e-9  # of the sum of the terms' sizes, far beyond what floats make of 0


def mirrored_neurons(problem: Problem) -> Indices:
    """Neurons of the first hidden layer that change sides when x goes to −x, if the constant is the same there.

    Empty unless the domain is symmetric and f(x) = f(−x), for the reason that the first layer has no bias and
    W₂ diag(α + β) W₁ = 0, exactly: as in every network of a maximum cut.
    """
    net = problem.network
    if not net.slopes or not _is_symmetric(problem.domain) or net.biases[0].any() or not _is_even(net):
        return np.zeros(0, dtype=np.intp)
    bends = net.slopes[0][:, 0] != net.slopes[0][:, 1]
    return np.flatnonzero(net.weights[0].any(axis=1) & bends)


def _is_symmetric(domain: Domain) -> bool:
    if isinstance(domain, Box):
        return bool((domain.lower == -domain.upper).all())
    if isinstance(domain, Ball):
        return not domain.center.any()
    return isinstance(domain, Everywhere)


def _is_even(net: Network) -> bool:
    """Whether the first two matrices send x and −x to the same place."""
    first, second, slopes = net.weights[0], net.weights[1], net.slopes[0]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        even = second * slopes.sum(axis=1)
        sizes = (np.abs(second) * np.abs(slopes).sum(axis=1)) @ np.abs(first)
        if (np.abs(even @ first) > _ROUNDING * sizes).any():
            return False
    one, two = net.rational_layers[:2]
    doubled: list[fmpq] = [left + right for left, right in one.slopes]
    return not any((two.weight * scale_rows(one.weight, doubled)).entries())
