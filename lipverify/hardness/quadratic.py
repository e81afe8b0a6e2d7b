"""Convex quadratic maximisation over the hypercube → LIP-CST: the paper's own chain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Matrix, Point
from lipverify.bound import Bound
from lipverify.errors import InvalidArgument, InvalidNetwork
from lipverify.hardness.reduction import down_to, ensure_reached, region, settled, trusted, up_to
from lipverify.network import Network

_ONE, _HALF = Fraction(1), Fraction(1, 2)


@final
@dataclass(frozen=True)
class HypercubeVertex:
    """A vertex s of {0, 1}^n, and sᵀAAᵀs there."""

    entries: tuple[bool, ...]
    value: Fraction


@final
@dataclass(frozen=True, eq=False)
class ConvexQuadratic:
    """An integer matrix A and its network; made by `convex_quadratic`.

    Attributes
    ----------
    network, p
        ⌊L_2(network)²⌋ is the maximum of sᵀAAᵀs over s ∈ {0, 1}^n.
    matrix
        A, shape (n, l).
    """

    network: Network
    p: float
    matrix: Matrix

    def vertex(self, entries: Sequence[bool]) -> HypercubeVertex:
        """A vertex of the hypercube with its value, in integers.

        Raises
        ------
        InvalidArgument
            For another number of entries than A has rows.
        """
        if len(entries) != len(self.matrix):
            raise InvalidArgument(f"A has {len(self.matrix)} rows; got {len(entries)} entries")
        chosen = [[int(x) for x in row] for row, on in zip(self.matrix.tolist(), entries, strict=True) if on]
        totals = [sum(column) for column in zip(*chosen, strict=True)]
        return HypercubeVertex(tuple(bool(on) for on in entries), Fraction(sum(t * t for t in totals)))

    def interval(self, bound: Bound) -> tuple[Fraction, Fraction | float]:
        """The maximum lies between these integers, if lower ≤ L ≤ upper."""
        low, high = trusted(bound, 2)
        return max(up_to(low - _HALF, _ONE), Fraction(0)), down_to(high, _ONE)

    def value(self, bound: Bound) -> Fraction:
        """The maximum; InvalidArgument when the bound leaves more than one value."""
        return settled(self.interval(bound))

    def decode(self, bound: Bound) -> HypercubeVertex:
        """The vertex at a bound's witness, with its value in integers; at least the bound's lower side."""
        (active,) = region(self.network, bound)
        found = self.vertex(active)
        ensure_reached(found.value, self.interval(bound)[0], "vertex")
        return found

    def encode(self, solution: HypercubeVertex | Sequence[bool]) -> Point:
        """A point of the network whose pattern is the vertex."""
        entries = self.vertex(solution.entries if isinstance(solution, HypercubeVertex) else solution).entries
        return (*[Fraction(0)] * self.matrix.shape[1], *(Fraction(1 if on else -1) for on in entries))

    def describe(self) -> str:
        """The problem, the network, and what their constants have to do with each other."""
        n, width = self.matrix.shape
        problem = f"maximum of sᵀAAᵀs over s in {{0, 1}}^{n}, A of shape {n} × {width}"
        return f"{problem}; ⌊L²⌋ = maximum, in ℓ2\n{self.network!r}"


def convex_quadratic(A: npt.ArrayLike) -> ConvexQuadratic:
    """The network of an integer matrix A whose ℓ2 constant gives the maximum of sᵀAAᵀs over the hypercube.

    Theorem (proofs/convex_quadratic.md). Let M_1 = [A | εI] and f = 1ᵀ relu(M_1 ·) with ε²n ≤ ½. Then
    ⌊L_2(f)²⌋ = max over s ∈ {0, 1}^n of ‖Aᵀs‖². This is the chain by which Scaman & Virmaux, NeurIPS 2018,
    arXiv:1805.10965, show that the constant is NP-hard; with a graph's signed incidence matrix for A it is max-cut.

    Parameters
    ----------
    A
        Integers, shape (n, l).

    Returns
    -------
    ConvexQuadratic
        l + n inputs, n hidden neurons, plain ReLU.

    Raises
    ------
    InvalidArgument
        For a matrix that is empty or not of integers.
    """
    try:
        matrix = Network([A]).weights[0]  # refuses what float64 cannot hold, by name
    except InvalidNetwork as error:
        raise InvalidArgument(str(error).replace("weights[0]", "A")) from error
    if (matrix != np.rint(matrix)).any():
        odd = matrix[matrix != np.rint(matrix)][0]
        raise InvalidArgument(f"A must have integer entries; got {odd}")
    n = len(matrix)
    epsilon = 1.0
    while epsilon * epsilon * n > 0.5:
        epsilon /= 2
    first = np.hstack([matrix, epsilon * np.eye(n)])
    return ConvexQuadratic(Network([first, np.ones((1, n))]), 2, matrix)
