"""Inputs that the domain fixes, folded into the network exactly, and the answer read back in its own inputs.

The constant is then that of the function of the inputs that vary: the norm of the Jacobian's columns for these.
proofs/domain.md, "Fixed inputs".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import final

import numpy as np
from flint import fmpq_mat

from lipverify.arrays import Matrix, Pattern, Point
from lipverify.bound import Bound, Witness
from lipverify.domain import Domain
from lipverify.errors import InvalidDomain
from lipverify.network import Network
from lipverify.rationals import column, exact_floats, rational, rational_matrix

_PARTS = 4  # floats whose sum a folded bias may be, before the fixed inputs become neurons instead
_IDENTITY = (1.0, 1.0)


@final
@dataclass(frozen=True)
class Restriction:
    """A network on the inputs that vary.

    Attributes
    ----------
    network, domain
        The network as a function of those inputs, exactly, and the domain that they range over, with interior.
    fixed
        The other inputs by index, and their values.
    prepended
        Whether the network has a layer of identity neurons in front: where float64 does not hold the folded bias.
    """

    network: Network
    domain: Domain
    fixed: Mapping[int, float]
    prepended: bool

    @property
    def subject(self) -> str:
        """What a constant speaks of, for readers; empty when no input is fixed."""
        if not self.fixed:
            return ""
        d = len(self.fixed) + self.network.input_dim
        which = ", ".join(f"x[{i}] = {v:.6g}" for i, v in list(self.fixed.items())[:3])
        more = ", …" if len(self.fixed) > 3 else ""
        return (
            f"a function of {self.network.input_dim} of {d} inputs, those that vary on the domain; "
            f"fixed, at float64 values: {which}{more}"
        )

    def point(self, x: Point) -> Point:
        """A point of the inputs that vary, in all inputs."""
        rest = iter(x)
        count = len(self.fixed) + len(x)
        return tuple(Fraction(self.fixed[i]) if i in self.fixed else next(rest) for i in range(count))

    def pattern(self, pattern: Pattern) -> Pattern:
        """The pattern of the original network's neurons."""
        return pattern[1:] if self.prepended else pattern

    def bound(self, bound: Bound) -> Bound:
        """A bound with its witness in the original network's terms."""
        if not self.fixed or bound.witness is None:
            return bound
        return replace(bound, witness=Witness(self.point(bound.witness.point), self.pattern(bound.witness.pattern)))

    def inner(self, bound: Bound) -> Bound:
        """The way back: a bound of the original network with its witness in this one's terms."""
        if not self.fixed or bound.witness is None:
            return bound
        point = tuple(x for i, x in enumerate(bound.witness.point) if i not in self.fixed)
        head = ((True,) * self.network.hidden[0],) if self.prepended else ()
        return replace(bound, witness=Witness(point, (*head, *bound.witness.pattern)))


def restrict(network: Network, domain: Domain) -> Restriction:
    """The network on the inputs that its domain leaves free; itself when these are all.

    Raises
    ------
    InvalidDomain
        When the domain's dimension is not the network's.
    """
    if domain.dimension not in (None, network.input_dim):
        raise InvalidDomain(f"the domain has {domain.dimension} coordinates, the network {network.input_dim} inputs")
    if not domain.fixed:
        return Restriction(network, domain, {}, False)
    fixed = list(domain.fixed)
    free = [j for j in range(network.input_dim) if j not in domain.fixed]
    first = network.weights[0]
    values = column(rational(v) for v in domain.fixed.values())
    bias = column(rational(b) for b in network.biases[0].tolist()) + rational_matrix(first[:, fixed]) * values
    parts = _parts(bias)
    if parts is not None and parts.shape[1] == 1:
        return Restriction(_replaced(network, first[:, free], parts[:, 0]), domain.free, domain.fixed, False)
    if parts is not None:
        # One more input neuron that is always 1 carries each further part.
        carried = parts.shape[1] - 1
        head = np.vstack([np.eye(len(free)), np.zeros((carried, len(free)))])
        ones = np.append(np.zeros(len(free)), np.ones(carried))
        inner = _replaced(network, np.column_stack([first[:, free], parts[:, 1:]]), parts[:, 0])
    else:
        head = np.eye(network.input_dim)[:, free]
        ones = np.zeros(network.input_dim)
        ones[fixed] = list(domain.fixed.values())
        inner = network
    linear = np.tile(_IDENTITY, (len(head), 1))
    whole = Network(
        [head, *inner.weights],
        [ones, *inner.biases],
        [linear, *inner.slopes],
        lowering=network.lowering,
        source=network.source,
    )
    return Restriction(whole, domain.free, domain.fixed, True)


def _replaced(network: Network, weight: Matrix, bias: Matrix) -> Network:
    return Network(
        [weight, *network.weights[1:]],
        [bias, *network.biases[1:]],
        network.slopes,
        lowering=network.lowering,
        source=network.source,
    )


def _parts(bias: fmpq_mat) -> Matrix | None:
    """Float columns that sum to a rational column exactly, as few as there may be; None for many, or beyond floats."""
    parts: list[Matrix] = []
    rest = bias
    while len(parts) < _PARTS:
        exact = exact_floats(rest)
        if exact is not None:
            return np.column_stack([*parts, np.ravel(exact)])
        try:
            nearest = [float(Fraction(int(x.p), int(x.q))) for x in rest.entries()]
        except OverflowError:
            return None
        parts.append(np.array(nearest))
        rest = rest - column(rational(x) for x in nearest)
    return None
