"""A network of many inputs, searched in as many coordinates as its first layer has neurons (proofs/attacks.md, §2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from lipverify.arrays import Matrix
from lipverify.attacks.points import nearest_float
from lipverify.domain import Everywhere
from lipverify.network import Network
from lipverify.problem import Problem


@final
@dataclass(frozen=True)
class Narrowed:
    """g(z) = f(B z) for an orthonormal basis B, shape (d, r), of the row space of W_1: floats, for proposals.

    f depends on W_1 x alone, so g has the patterns of f; and its Jacobians times Bᵀ are those of f, so ‖·‖_{2→q} is
    the same.

    Attributes
    ----------
    network
        g, or f itself where there is nothing to gain.
    basis
        B, or None.
    """

    network: Network
    basis: Matrix | None

    @classmethod
    def of(cls, net: Network, problem: Problem) -> Narrowed:
        """On the whole space, for p = 2 on the input, with more inputs than neurons in the first of several layers."""
        first = net.weights[0]
        wide = bool(net.slopes) and first.shape[1] > first.shape[0] > 0
        if not (wide and isinstance(problem.domain, Everywhere) and problem.norm.p == 2.0):
            return cls(net, None)
        basis, triangle = np.linalg.qr(first.T)
        return cls(Network([triangle.T, *net.weights[1:]], net.biases, net.slopes), basis)

    def wide(self, point: Sequence[Fraction] | Sequence[float]) -> Sequence[Fraction] | Sequence[float]:
        """B z: the point of f that a point of g stands for, rounded to floats."""
        if self.basis is None:
            return point
        return [float(x) for x in self.basis @ np.array([nearest_float(x) for x in point])]
