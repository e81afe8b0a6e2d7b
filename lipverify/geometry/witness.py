"""Verify, in exact arithmetic, that a point lies inside a full-dimensional activation region.

Every lower bound of lipverify passes through `certify_point`: a float search proposes a point, and the
number reported is the exact norm of the exact Jacobian there (proofs/witness.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from flint import fmpq_mat

from lipverify.arrays import Pattern, Point
from lipverify.bound import Witness
from lipverify.domain import Domain
from lipverify.errors import LipverifyError
from lipverify.evaluate import affine_rows, jacobian_exact, next_affine_rows
from lipverify.network import Network
from lipverify.norms import exact_norm
from lipverify.problem import Problem
from lipverify.rationals import column, rational
from lipverify.trusted.algebraic import ExactNorm
from lipverify.watch import tick


@dataclass(frozen=True)
class Certified:
    """A verified witness, the exact Jacobian of its region, and that Jacobian's exact norm."""

    witness: Witness
    jacobian: fmpq_mat
    norm: ExactNorm


def locate(net: Network, domain: Domain, point: Sequence[Fraction] | Sequence[float]) -> Pattern | None:
    """The pattern of the region that holds the point in its interior, or None when no region does.

    None means that the point is not inside the domain, or that some pre-activation which is not constant
    around the point vanishes at it: the point is on a boundary, and says nothing.
    """
    coordinates = [Fraction(x) for x in point]
    if not domain.contains_inside(coordinates):
        return None
    return _beside_hyperplanes(net, coordinates) or _located(net, coordinates)


def _beside_hyperplanes(net: Network, point: Sequence[Fraction]) -> Pattern | None:
    """The pattern of almost every point, by values alone: None where a pre-activation that bends is 0."""
    v = column(rational(x) for x in point)
    pattern: list[tuple[bool, ...]] = []
    for layer in net.rational_layers[:-1]:
        tick()
        values = [y + b for (y,), b in zip((layer.weight * v).tolist(), layer.bias, strict=True)]
        if any(value == 0 and left != right for value, (left, right) in zip(values, layer.slopes, strict=True)):
            return None
        states = [bool(value > 0) or left == right for value, (left, right) in zip(values, layer.slopes, strict=True)]
        pattern.append(tuple(states))
        v = column(value * pair[on] for value, pair, on in zip(values, layer.slopes, states, strict=True))
    return tuple(pattern)


def _located(net: Network, coordinates: Sequence[Fraction]) -> Pattern | None:
    """The pattern by the pre-activations as functions: those that are constant 0 around the point bend nowhere."""
    z = column([*(rational(x) for x in coordinates), rational(1.0)])
    pattern: list[tuple[bool, ...]] = []
    rows = affine_rows(net)
    for k, slopes in enumerate(net.slopes):
        states: list[bool] = []
        for row, (value,), (left, right) in zip(rows.tolist(), (rows * z).tolist(), slopes.tolist(), strict=True):
            if value == 0 and left != right and any(row[:-1]):
                return None
            states.append(bool(value > 0) or left == right)
        pattern.append(tuple(states))
        rows = next_affine_rows(net, k, rows, states)
    return tuple(pattern)


def certify_point(problem: Problem, point: Sequence[Fraction] | Sequence[float]) -> Certified | None:
    """The exact norm of the Jacobian at a point, when `locate` finds the point inside a region."""
    pattern = locate(problem.network, problem.domain, point)
    if pattern is None:
        return None
    return certify_region(problem, tuple(Fraction(x) for x in point), pattern)


def certify_region(problem: Problem, point: Point, pattern: Pattern) -> Certified:
    """The exact norm on a region whose interior point and pattern are already verified."""
    matrix = jacobian_exact(problem.network, pattern)
    return Certified(Witness(point, pattern), matrix, exact_norm(matrix, problem.norm))


def confirmed(problem: Problem, found: Certified) -> Certified:
    """A region found by other means, once more from its point alone: what is wrong there ends here.

    Raises
    ------
    LipverifyError
        When the point is not inside a region of that pattern.
    """
    seen = certify_point(problem, found.witness.point)
    if seen is None or seen.witness.pattern != found.witness.pattern:
        raise LipverifyError("a region was found whose point does not lie inside it; this is a bug in lipverify")
    return seen
