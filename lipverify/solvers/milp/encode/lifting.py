"""A problem as neurons on a box: local problems as they are, global ones through the cone over the domain.

In homogeneous coordinates every bias is multiplied by one more input t ≥ 0, which identity neurons carry from layer
to layer: a homogenised network is itself a chain. Regions become cones, so (x, t) may be cut to [−1, 1]^d × [0, 1];
the apex, at which every pattern holds, is kept out by a row. Proof: proofs/milp.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.domain import Box, Polytope
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.geometry.frame import spanning_columns
from lipverify.network import IDENTITY, Network
from lipverify.problem import Problem
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import down
from lipverify.trusted.scaling import by_layers, by_neurons


@dataclass(frozen=True)
class Apex:
    """least ≤ Σ weights_i |r_i·z| holds at some point of every region; r_i·z are the first layer's
    pre-activations, the facets, and t where there is one, in this order."""

    weights: Vector
    least: float


@dataclass(frozen=True)
class Lifting:
    """Where the neurons of a problem are looked at.

    Attributes
    ----------
    chain
        The network over z: patterns, as far as `hidden` goes, are the problem's own; its outputs mean nothing.
    hidden
        The widths of the problem's network; a chain that carries t has one neuron more per layer.
    names
        What the coordinates of z are called.
    lower, upper
        Limits of z, both of shape (m,).
    facets, offsets
        facets·z + offsets ≥ 0 on the domain, beyond what the limits say; shapes (r, m) and (r,).
    apex
        How the origin is kept out, when it is homogeneous.
    """

    chain: Network
    hidden: tuple[int, ...]
    names: tuple[str, ...]
    lower: Vector
    upper: Vector
    facets: Matrix
    offsets: Vector
    apex: Apex | None

    @classmethod
    def of(cls, problem: Problem) -> Lifting:
        """The lifting of a problem.

        Everywhere, and on a box around the origin of a network without hidden biases, the same cones are met.
        """
        net, domain = problem.network, problem.domain
        biased = any(b.any() for b in net.biases[:-1])
        around = isinstance(domain, Box) and bool(((domain.lower < 0) & (domain.upper > 0)).all())
        if domain.bounded and (biased or not around):
            names = tuple(f"x_{j}" for j in range(net.input_dim))
            box = domain if isinstance(domain, Box) else enclosing_box(domain)
            A, b = (domain.A, domain.b) if isinstance(domain, Polytope) else (np.zeros((0, net.input_dim)), np.zeros(0))
            return cls(net, net.hidden, names, box.lower, box.upper, -A, b, None)
        rows = domain.rows(net.input_dim) if isinstance(domain, Polytope) else np.zeros((0, net.input_dim + 1))
        return cls._cone(net, rows, biased or isinstance(domain, Polytope))

    @classmethod
    def _cone(cls, net: Network, facets: Matrix, with_t: bool) -> Lifting:
        d = net.input_dim
        first = np.column_stack([net.weights[0], net.biases[0]])
        every = np.vstack([first[: net.hidden[0]] if net.hidden else first, facets])
        # Signs depend on x through these rows only, so columns that span theirs suffice.
        columns = spanning_columns(every[:, :d]) or (0,)
        if with_t:
            columns = (*columns, d)
        chosen = list(columns)
        m = len(chosen)
        lower, upper = -np.ones(m), np.ones(m)
        if with_t:
            lower[-1] = 0.0
        chain = _homogeneous(net, chosen) if with_t else _restricted(net, chosen)
        kept = facets[:, chosen]
        kept = kept[kept.any(axis=1)]
        names = tuple("t" if j == d else f"x_{j}" for j in chosen)
        apex = _apex(chain.weights[0][: net.hidden[0]], kept, with_t) if net.hidden else None
        return cls(chain, net.hidden, names, lower, upper, kept, np.zeros(len(kept)), apex)


def balanced(net: Network) -> tuple[Network, int]:
    """A network of the same patterns, and the e with J = 2^e · its Jacobian, in which nothing overflows.

    Every layer is divided by a power of two, or where an entry would be lost that way every neuron by its own. Where
    that loses one too the network stays as it is, with exponent 0.
    """
    for scaled in (by_layers, by_neurons):
        found = scaled(net.weights, net.biases, net.slopes)
        if found is not None:
            weights, biases, slopes, exponent = found
            return Network(weights, biases, slopes), exponent
    return net, 0


def _restricted(net: Network, columns: list[int]) -> Network:
    """The network on some of its inputs, the others 0."""
    return Network([net.weights[0][:, columns], *net.weights[1:]], net.biases, net.slopes)


def _homogeneous(net: Network, columns: list[int]) -> Network:
    """The network over (x, t) with biases multiplied by t, t carried by one identity neuron per layer."""
    first = np.column_stack([net.weights[0], net.biases[0]])[:, columns]
    weights = [first]
    for w, b in zip(net.weights[1:], net.biases[1:], strict=True):
        weights.append(np.column_stack([w, b]))
    for k in range(len(net.slopes)):
        carrier = np.zeros((1, weights[k].shape[1]))
        carrier[0, -1] = 1.0
        weights[k] = np.vstack([weights[k], carrier])
    return Network(weights, None, [np.vstack([s, [IDENTITY]]) for s in net.slopes])


def _apex(first: Matrix, facets: Matrix, with_t: bool) -> Apex | None:
    """The row that keeps the origin out: rows that vanish together only there, and a left inverse to say so.

    With G a left inverse up to E = I − GM, z = GMz + Ez, so ‖z‖_∞ ≤ max|G| ‖Mz‖₁ + ‖E‖_∞ ‖z‖_∞.
    """
    m = first.shape[1]
    rows = np.vstack([first, facets, np.eye(m)[m - 1 :] if with_t else np.zeros((0, m))])
    tops = np.abs(rows).max(axis=1)
    scales = np.where(tops > 0, np.ldexp(1.0, -np.clip(np.frexp(tops)[1], -1000, 1000)), 0.0)
    unit = rows * scales[:, None]
    if not np.isfinite(unit).all() or not (unit / np.where(scales > 0, scales, 1.0)[:, None] == rows).all():
        return None
    try:
        inverse = np.linalg.pinv(unit)
    except np.linalg.LinAlgError:
        return None
    defect = Ball.exact(np.eye(m)) + _negated(Ball.exact(inverse) @ Ball.exact(unit))
    share = float(defect.magnitude().sum(axis=1).max()) * (1 + 1e-12)
    if not share < 0.5:
        return None
    return Apex(scales, down(down((1 - share) / float(np.abs(inverse).max()))) * (1 - 1e-12))


def _negated(ball: Ball) -> Ball:
    return Ball(-ball.mid, ball.rad)
