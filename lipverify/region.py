"""Activation regions, on which the function is affine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING

from lipverify.arrays import Pattern, Point
from lipverify.domain import Domain, domain_of
from lipverify.evaluate import forward_exact, jacobian_exact
from lipverify.fixed_inputs import Restriction, restrict
from lipverify.geometry.walk import Walk
from lipverify.network import Network
from lipverify.rationals import entries, fraction
from lipverify.readers import as_network

if TYPE_CHECKING:
    from lipverify.readers import Model


@dataclass(frozen=True)
class Region:
    """A full-dimensional activation region: f(x) = weight·x + offset on it, exactly.

    Attributes
    ----------
    pattern
        One tuple per hidden layer, True where the neuron is active.
    point
        A rational point in the interior of the region (and of the domain).
    """

    network: Network
    pattern: Pattern
    point: Point

    @cached_property
    def weight(self) -> tuple[Point, ...]:
        """The Jacobian as Fractions, shape (n_K, n_0)."""
        rows = entries(jacobian_exact(self.network, self.pattern))
        return tuple(tuple(fraction(v) for v in row) for row in rows)

    @cached_property
    def offset(self) -> Point:
        """f(point) − weight·point as Fractions, shape (n_K,)."""
        value = forward_exact(self.network, self.point)
        return tuple(
            y - sum((a * x for a, x in zip(row, self.point, strict=True)), Fraction(0))
            for y, row in zip(value, self.weight, strict=True)
        )


def regions(net: Model, domain: Domain | None = None) -> Iterator[Region]:
    """Every activation region whose intersection with the domain has an interior, each once.

    Two regions differ in their pattern. A neuron that is constant on a region counts as active iff it is
    positive, one with equal slopes always.

    Raises
    ------
    InvalidDomain
        When the domain's dimension is not the network's.
    """
    network = as_network(net)
    return _regions(network, restrict(network, domain_of(domain)))


def _regions(network: Network, where: Restriction) -> Iterator[Region]:
    for leaf in Walk(where.network, where.domain).leaves():
        yield Region(network, where.pattern(leaf.pattern), where.point(leaf.point))
