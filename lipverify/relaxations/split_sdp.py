"""The split-conditioned SDP as a bound of nodes, for p = 2."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Signs, Vector
from lipverify.norms import EUCLIDEAN, reduced_pair
from lipverify.problem import Problem
from lipverify.relaxations import barrier
from lipverify.relaxations.cutting import Triangles
from lipverify.relaxations.sdp import Descent, Relaxation, certified_square, is_certified
from lipverify.relaxations.split import Oriented
from lipverify.search.node_bound import Estimate
from lipverify.trusted.rounding import down, up
from lipverify.trusted.scaling import shifted_float

_TOLERANCE = 1e-7
_AIM = 1 - 2e-10  # a target so far below what is to be proved that certification has room
_WIDEST = 120  # coordinates up to which compiled loops beat the linear algebra of numpy


def is_spectral(problem: Problem) -> bool:
    """Whether the norm is the spectral one on Jacobians of the problem's shape."""
    shape = (problem.network.output_dim, problem.network.input_dim)
    return reduced_pair(problem.norm, *shape) == reduced_pair(EUCLIDEAN[0], *shape)


@final
@dataclass(frozen=True)
class SplitSDP:
    """LipSDP's bound on the decided pattern, warm-started from the parent's multipliers (proofs/sdp.md).

    Attributes
    ----------
    steps
        Newton steps a node may take.
    cuts
        Rounds of cuts for nodes that would otherwise be branched on; None for none, as certificates have it.
    """

    steps: int = 60
    cuts: Triangles | None = None

    name: ClassVar[str] = "split-sdp"

    def open(self, problem: Problem) -> OpenSplitSDP | None:
        """The bound for p = 2, and what is the same for one output or one input; None for other norms."""
        return self.of(Oriented.of(problem.network)) if is_spectral(problem) else None

    def of(self, chain: Oriented) -> OpenSplitSDP:
        """The bound of the spectral norm of a chain."""
        return OpenSplitSDP(self, chain)


@final
class OpenSplitSDP:
    """`SplitSDP` for one network."""

    def __init__(self, options: SplitSDP, chain: Oriented) -> None:
        self._options = options
        self._chain = chain
        self._descent: Descent = barrier.descend
        self._cuts = None if options.cuts is None else options.cuts.open(chain)

    def compile(self) -> None:
        """Load the compiled barrier, where the matrices are small enough for it to be the faster one."""
        if self._chain.inputs + self._chain.neurons <= _WIDEST:
            from lipverify.relaxations.compiled import descend

            self._descent = descend

    def estimate(self, signs: Signs, parent: Estimate | None, enough: float) -> Estimate:
        """Descend from the parent's multipliers."""
        chain = self._chain
        mine = signs[chain.order]
        target = self._square(enough) * _AIM
        if parent is None:
            relaxation, limit = Relaxation.root(chain, mine), 10 * self._options.steps
        else:
            relaxation, limit = parent.state.decided(mine, target), self._options.steps
        if relaxation.cuts is not None and self._cuts is not None:
            relaxation = self._cuts.inherit(relaxation, target)
        else:
            relaxation = relaxation.descend(chain, target, _TOLERANCE, limit, self._descent)
        return self._estimate(relaxation)

    def tightened(self, estimate: Estimate, enough: float) -> Estimate:
        """A node's estimate with cuts, where it would be branched on; the same where there are none to be had."""
        relaxation = estimate.state
        assert isinstance(relaxation, Relaxation)
        if self._cuts is None:
            return estimate
        found = self._cuts.tighten(relaxation, self._square(enough) * _AIM)
        return estimate if found is relaxation else self._estimate(found)

    def _estimate(self, relaxation: Relaxation) -> Estimate:
        return Estimate(self._root(relaxation.rho), self._scores(relaxation), relaxation)

    def certified(self, signs: Signs, estimate: Estimate, enough: float) -> float:
        """The bound of the multipliers, certified at `enough` if they reach so far."""
        relaxation = estimate.state
        assert isinstance(relaxation, Relaxation)
        square = self._square(enough)
        if 0 < relaxation.rho <= square and is_certified(self._chain, relaxation, square):
            return enough
        return self._root(certified_square(self._chain, relaxation))

    def _scores(self, relaxation: Relaxation) -> Vector:
        """T² · X_ii · (yᵀXy − X_ii): how far the undecided neuron is from both of its sides, as the SDP sees it."""
        scores = np.zeros(self._chain.neurons)
        moments = np.maximum(relaxation.scores, 0.0)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            found = relaxation.multipliers**2 * moments[:, 0] * moments[:, 1]
        scores[self._chain.order[relaxation.free]] = found if np.isfinite(found).all() else np.nan_to_num(found)
        return scores

    def _square(self, upper: float) -> float:
        """The chain's ρ that stands for a constant of at most `upper`, rounded down; 0 where floats end."""
        scaled = shifted_float(upper, -self._chain.exponent)
        return down(scaled * scaled) if 2.0**-400 < scaled < 2.0**400 else 0.0

    def _root(self, square: float) -> float:
        """The constant that a ρ of the chain stands for, rounded up."""
        return up(shifted_float(up(math.sqrt(square)), self._chain.exponent)) if math.isfinite(square) else math.inf
