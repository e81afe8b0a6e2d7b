"""Networks that fall apart into independent parts: which ones, and how the constant is put together again.

Inputs, neurons and outputs are the vertices of a graph, and weights that are not 0 its edges. Components share nothing
but the output that adds them up. Proof: proofs/parts.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lipverify.arrays import Indices, Point
from lipverify.domain import Box, Domain, Everywhere
from lipverify.network import Network
from lipverify.norms import NormPair, dual
from lipverify.problem import Problem

_BITS = 40  # of an arbitrary coordinate
_DRAWS = 100


@final
@dataclass(frozen=True, eq=False)
class Part:
    """One part as a problem of its own, and which inputs of the whole are its inputs."""

    problem: Problem
    inputs: Indices


@final
@dataclass(frozen=True, eq=False)
class Parts:
    """A problem in parts.

    Attributes
    ----------
    whole
        The problem.
    parts
        Two or more. What is left of the network has no influence on its Jacobian.
    order
        r ∈ {1, 2, ∞}: the constant is the r-norm of the vector of the parts' constants.
    """

    whole: Problem
    parts: tuple[Part, ...]
    order: float

    @property
    def hardest(self) -> Problem:
        """The part of the most neurons."""
        return max((part.problem for part in self.parts), key=lambda problem: problem.network.neurons)

    def points(self, found: Sequence[Point | None]) -> Iterator[Point]:
        """Points with these coordinates in the parts, and arbitrary ones elsewhere, again and again."""
        rng = np.random.default_rng(0)
        for _ in range(_DRAWS):
            point = _arbitrary(self.whole.domain, self.whole.network.input_dim, rng)
            for part, own in zip(self.parts, found, strict=True):
                for place, value in zip(part.inputs.tolist(), own or (), strict=False):
                    point[place] = value
            yield tuple(point)


def independent(problem: Problem) -> Parts | None:
    """The parts of a problem; None where there are not two, or the domain ties them together."""
    net, norm = problem.network, problem.norm
    if not net.slopes or not isinstance(problem.domain, (Everywhere, Box)):
        return None
    added = net.is_scalar or norm.p == 1
    whole = [
        levels
        for levels in _components(net, added)
        if all(len(level) for level in levels) and net.weights[-1][:, levels[len(net.slopes)]].any()
    ]
    if len(whole) < 2:
        return None
    return Parts(problem, tuple(_part(problem, levels, added) for levels in whole), _order(norm, added))


def _order(norm: NormPair, added: bool) -> float:
    if added:
        return dual(norm.p)
    share = 1 / norm.q - 1 / norm.p
    return 1 / share if share > 0 else math.inf


def _components(net: Network, added: bool) -> list[list[Indices]]:
    """Inputs and neurons of each component, layer by layer, and its outputs unless these only add up."""
    matrices = net.weights[:-1] if added else net.weights
    starts = np.cumsum([0, net.input_dim, *(w.shape[0] for w in matrices)])
    ends = [np.nonzero(w) for w in matrices]
    heads = np.concatenate([starts[k + 1] + rows for k, (rows, _) in enumerate(ends)])
    tails = np.concatenate([starts[k] + columns for k, (_, columns) in enumerate(ends)])
    size = int(starts[-1])
    graph = coo_array((np.ones(len(heads)), (heads, tails)), shape=(size, size))
    count, labels = connected_components(graph, directed=False)
    levels = [labels[a:b] for a, b in pairwise(starts)]
    return [[np.flatnonzero(level == label) for level in levels] for label in range(count)]


def _part(problem: Problem, levels: list[Indices], added: bool) -> Part:
    net = problem.network
    outputs = np.arange(net.output_dim) if added else levels[-1]
    ends = [*levels[: len(net.slopes) + 1], outputs]
    weights = [w[np.ix_(after, before)] for w, (before, after) in zip(net.weights, pairwise(ends), strict=True)]
    biases = [b[after] for b, after in zip(net.biases, ends[1:], strict=True)]
    slopes = [s[after] for s, after in zip(net.slopes, ends[1:], strict=False)]
    domain = problem.domain
    own = Box(domain.lower[levels[0]], domain.upper[levels[0]]) if isinstance(domain, Box) else domain
    return Part(Problem(Network(weights, biases, slopes), problem.norm, own), levels[0])


def _arbitrary(domain: Domain, dimension: int, rng: np.random.Generator) -> list[Fraction]:
    """A point in the interior of a box or of the space, on no hyperplane that was known before."""
    shares = [Fraction(int(k), 1 << _BITS) for k in rng.integers(1, 1 << _BITS, size=dimension)]
    if not isinstance(domain, Box):
        return [2 * share - 1 for share in shares]
    limits = zip(domain.lower.tolist(), domain.upper.tolist(), shares, strict=True)
    return [Fraction(low) + share * (Fraction(high) - Fraction(low)) for low, high, share in limits]
