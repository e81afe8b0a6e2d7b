"""When a node is closed: its bound is no better than the incumbent, or than the next value there can be.

Every entry of every Jacobian is an integer multiple of a power of two, the product of those that divide the weights.
So L, or L² where that is rational, lies on a grid; an upper bound below the incumbent's successor on the grid
is as good as one at the incumbent (proofs/branch_and_bound.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np

from lipverify.arrays import Array
from lipverify.network import Network
from lipverify.norms import INF, NormPair, reduced_pair
from lipverify.problem import Problem
from lipverify.trusted.algebraic import ExactNorm
from lipverify.trusted.rounding import down

_WORTHWHILE = Fraction(1, 2**40)  # a step of the grid, relative to the value, that a float bound can use


@final
@dataclass(frozen=True)
class Grid:
    """L is a multiple of `unit` where power is 1, L² of unit² where it is 2; power 0: nothing is known."""

    unit: Fraction
    power: int

    @classmethod
    def of(cls, problem: Problem) -> Grid:
        """The grid of a problem."""
        net = problem.network
        pair = reduced_pair(problem.norm, net.output_dim, net.input_dim)
        return cls(_unit(net), _power(pair))

    def enough(self, norm: ExactNorm) -> float:
        """The greatest float that shows, as an upper bound of L, that L is no greater than a value of the grid."""
        if self.power == 1 and norm.root is not None and self.unit > norm.root * _WORTHWHILE:
            return _below(ExactNorm.rational(norm.root + self.unit))
        if self.power == 2 and norm.square is not None and self.unit**2 > norm.square * _WORTHWHILE:
            return _below(ExactNorm.square_root(norm.square + self.unit**2))
        return norm.lower


def _below(norm: ExactNorm) -> float:
    """The greatest float < L."""
    return norm.lower if norm.root is None or Fraction(norm.lower) < norm.root else down(norm.lower)


def _power(pair: NormPair) -> int:
    """Whether the norm of a matrix is a sum of entries, the root of a sum of squares, or neither."""
    if pair == (2.0, 2.0):
        return 0
    if pair.p == 1.0:
        return 2 if pair.q == 2.0 else 1
    if pair.q == INF:
        return 2 if pair.p == 2.0 else 1
    return 2 if 2.0 in pair else 1


def _unit(net: Network) -> Fraction:
    """A power of two that divides every entry of every Jacobian."""
    return Fraction(2) ** sum(map(_exponent, (*net.weights, *net.slopes)))


def _exponent(values: Array) -> int:
    """The greatest e such that 2^e divides every entry; 0 when all are zero."""
    return min((_twos(x) for x in np.unique(np.abs(values[values != 0])).tolist()), default=0)


def _twos(x: float) -> int:
    numerator, denominator = x.as_integer_ratio()
    return (numerator & -numerator).bit_length() - denominator.bit_length()
