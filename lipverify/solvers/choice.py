""" "auto" among the exact methods: a rule of thumb for the time of each, measured, and the reason in words.

The rules only choose; whichever method runs, its answer is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

import numpy as np

from lipverify.domain import Ball, Box
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.network import Network
from lipverify.norms import EUCLIDEAN, reduced_pair
from lipverify.problem import Problem
from lipverify.relaxations.interval import preactivation_ranges
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines

_PER_SECOND = 3_000.0  # regions that the enumeration visits; it was seen to visit 1,500 to 14,000
_MILP = (0.02, 0.07, 0.3)  # seconds at no undecided neuron, by how many of the two norms are Euclidean
_DOUBLING = (5.5, 4.0)  # undecided neurons after which the program takes twice as long; with several hidden layers
_TREE = 0.05  # seconds of branch and bound at no undecided neuron
_LAYERS = (0.05, 8.0)  # the same by layers, and the neurons that double it
_BY_REGIONS = (0.5, 3e4)  # what it takes at most, with few inputs: seconds, and regions per second
_BRANCHING = MappingProxyType({False: 2.5, True: 5.5})  # neurons after which it takes twice as long; spectral norms


@dataclass(frozen=True)
class Size:
    """What the time of an exact method depends on.

    Attributes
    ----------
    undecided
        Neurons per hidden layer whose sign intervals leave open on the domain.
    inputs
        The number of inputs.
    euclidean
        How many of the norm's two norms are Euclidean, as the program sees it.
    spectral
        Whether the norm is the spectral one, for which branch and bound has its semidefinite bound.
    by_layers
        Whether branch and bound takes its compiled search by layers for it.
    away
        In how many seconds that search can be there.
    """

    undecided: tuple[int, ...]
    inputs: int
    euclidean: int
    spectral: bool
    by_layers: bool = False
    away: float = 0.0

    @classmethod
    def of(cls, problem: Problem, away: float | None = None) -> Size:
        """The size of a problem."""
        net = problem.network
        pair = reduced_pair(problem.norm, net.output_dim, net.input_dim)
        spectral = pair == reduced_pair(EUCLIDEAN[0], net.output_dim, net.input_dim)
        layers = CompiledEngines().able(problem)
        if layers and away is None:
            away = CompiledEngines().away()
        return cls(_undecided(net, problem), net.input_dim, pair.count(2.0), spectral, layers, away or 0.0)

    @property
    def regions(self) -> float:
        """A guess at the number of regions, inf beyond floats: what one layer of all the neurons would cut, at most.

        It is no bound: layers cut the cells of those below, and networks with more can be built, up to the product over
        the layers, beyond which the guess does not go. Random and trained ones have about as many as a single layer
        (Hanin & Rolnick 2019, arXiv:1906.00904).
        """
        return min(math.prod(map(self._cells, self.undecided)), self._cells(sum(self.undecided)))

    def _cells(self, n: int) -> float:
        """Into so many cells n hyperplanes cut a space, at most."""
        return float(sum(math.comb(n, j) for j in range(min(n, self.inputs) + 1))) if n < 1000 else math.inf


def _undecided(net: Network, problem: Problem) -> tuple[int, ...]:
    two_sided = [s[:, 0] != s[:, 1] for s in net.slopes]
    if isinstance(problem.domain, (Box, Ball)):
        box = enclosing_box(problem.domain)
        ranges = preactivation_ranges(net, box.lower, box.upper)
        ends = zip(two_sided, ranges.low, ranges.high, strict=False)
        two_sided = [t & (low < 0) & (high > 0) for t, low, high in ends]
    return tuple(int(np.count_nonzero(t)) for t in two_sided)


class _Rule(Protocol):
    def __call__(self, size: Size) -> tuple[float, str]: ...


def _enumeration(size: Size) -> tuple[float, str]:
    return size.regions / _PER_SECOND, f"about {size.regions:.2g} regions"


def _milp(size: Size) -> tuple[float, str]:
    n, deep = sum(size.undecided), len(size.undecided) > 1
    return _MILP[size.euclidean] * 2.0 ** min(n / _DOUBLING[deep], 1000.0), f"{n} undecided neurons"


def _branch_and_bound(size: Size) -> tuple[float, str]:
    n = sum(size.undecided)
    if size.by_layers:
        (seconds, doubling), (least, rate) = _LAYERS, _BY_REGIONS
        search = min(seconds * 2.0 ** min(n / doubling, 1000.0), least + size.regions / rate)
        return size.away + search, f"{n} undecided neurons, by layers"
    return _TREE * 2.0 ** min(n / _BRANCHING[size.spectral], 1000.0), f"{n} undecided neurons"


RULES: Mapping[str, _Rule] = MappingProxyType(
    {"enumeration": _enumeration, "branch-and-bound": _branch_and_bound, "milp": _milp}
)
"""Seconds that a method is expected to take, and what they were guessed from."""


ANYTIME = "branch-and-bound"
"""The method whose interval is of use before its end: where nobody is expected to end in time, it is asked."""


def choose(problem: Problem, seconds: float = math.inf, away: float | None = None) -> tuple[str, str]:
    """The name of the exact method that promises to be the fastest, and the reason.

    Where none is expected to end within so many seconds it is the one whose interval is worth most by then. `away`
    says in how many seconds the search by layers can be there; else the disk does.
    """
    size = Size.of(problem, away)
    guesses = {name: rule(size) for name, rule in RULES.items()}
    best = min(guesses, key=lambda name: guesses[name][0])
    words = "; ".join(f"{name} about {seconds:.1g} s ({why})" for name, (seconds, why) in guesses.items())
    if guesses[best][0] > seconds:
        return ANYTIME, f"{ANYTIME} was chosen, since none is expected to end within {seconds:g} s: {words}"
    return best, f"{best} was chosen: {words}"


def expected(name: str, problem: Problem) -> float:
    """How many seconds an exact method may take; inf beyond floats, and for methods without a rule."""
    return RULES[name](Size.of(problem))[0] if name in RULES else math.inf
