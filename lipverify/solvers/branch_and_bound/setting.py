"""What the search by layers searches instead of a problem: a chain on a bounded domain, or on a cone.

A box and a polytope are taken as they are, a ball as a polytope around it: exact arithmetic settles whether a region
that counts meets it. The whole space is homogenised: every bias becomes the weight of one more input
t ≥ 0, which a last neuron of every layer hands on, so that the regions are the slices t = 1 of cones and the constant
is taken over cones, of the derivatives by x alone. A network without biases is homogeneous by itself.
Proof: proofs/engine.md, "The whole space".
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lipverify.arrays import Bools, Matrix, Signs, Vector
from lipverify.domain import Ball, Box, Domain, Everywhere, Polytope
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.network import Network
from lipverify.trusted.evidence import Chain, Space
from lipverify.trusted.rounding import float_up, up

_CORNERS = 6  # dimensions in which 2^d half-spaces make a box a ball's; with more, most of it is not the ball


@dataclass(frozen=True, eq=False)
class Setting:
    """A chain on a space, and how its neurons and points are those of a problem.

    Attributes
    ----------
    chain, space
        What is searched; its heads are the problem's.
    own
        Which of the chain's neurons are the network's, shape (n,); the others hand t on.
    """

    chain: Chain
    space: Space
    own: Bools

    @classmethod
    def of(cls, net: Network, domain: Domain) -> Setting | None:
        """The setting of a problem; None for domains that there is none for."""
        chain = Chain(net.weights, net.biases, net.slopes)
        own = np.ones(len(chain.linear), dtype=bool)
        if isinstance(domain, Box):
            space = Space(domain.lower, domain.upper, np.zeros((0, domain.dimension)), np.zeros(0))
            return cls(chain, space, own)
        if isinstance(domain, Polytope) and domain.bounded:
            box = enclosing_box(domain)
            return cls(chain, Space(box.lower, box.upper, -domain.A, domain.b), own)
        if isinstance(domain, Ball) and domain.dimension <= _CORNERS:
            box, corners = domain.box, _tangents(domain)
            return cls(chain, Space(box.lower, box.upper, *corners, round=(domain.center, domain.radius)), own)
        if not isinstance(domain, Everywhere):
            return None
        low = -np.ones(net.input_dim)
        if any(b.any() for b in net.biases[:-1]):
            chain, low = _homogenised(chain), np.append(low, 0.0)
            own = np.concatenate([np.arange(n) < n - 1 for n in chain.widths])
        space = Space(low, np.ones(len(low)), np.zeros((0, len(low))), np.zeros(0), cone=True)
        return cls(chain, space, own)

    @property
    def root(self) -> Signs:
        """The signs that all regions have, shape (n,)."""
        return (self.chain.linear | ~self.own).astype(np.int8)

    def within(self, signs: Signs) -> Signs:
        """The chain's signs, of the network's own neurons."""
        found = self.root
        found[self.own] = signs
        return found

    def point(self, z: Vector) -> Vector:
        """The point of the problem that a point of the space stands for; NaN or infinite where it is none."""
        with np.errstate(all="ignore"):
            return z[:-1] / z[-1] if not self.own.all() else z


def _tangents(ball: Ball) -> tuple[Matrix, Vector]:
    """Half-spaces r·x + s ≥ 0 around a ball that cut the corners of its box off; s rounded up."""
    d = ball.dimension
    if d == 1:
        return np.zeros((0, d)), np.zeros(0)
    rows = np.array(list(itertools.product((1.0, -1.0), repeat=d)))
    width = Fraction(ball.radius) * Fraction(up(math.sqrt(d)))
    center = [Fraction(c) for c in ball.center.tolist()]
    shifts = [width - sum((int(r) * c for r, c in zip(row, center, strict=True)), Fraction(0)) for row in rows.tolist()]
    return rows, np.array([float_up(shift) for shift in shifts])


def _homogenised(chain: Chain) -> Chain:
    """The chain of (x, t), with biases times t, and t as the last neuron of every hidden layer."""
    weights = []
    for k, (w, b) in enumerate(zip(chain.weights, chain.biases, strict=True)):
        hidden = k < len(chain.slopes)
        rows = np.column_stack([w, b if hidden else np.zeros(len(b))])
        carried = np.append(np.zeros(w.shape[1]), 1.0)[None]
        weights.append(np.vstack([rows, carried]) if hidden else rows)
    slopes = tuple(np.vstack([s, [[0.0, 1.0]]]) for s in chain.slopes)
    return Chain(tuple(weights), tuple(np.zeros(len(w)) for w in weights), slopes)
