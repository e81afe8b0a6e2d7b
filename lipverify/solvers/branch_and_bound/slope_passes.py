"""Functional passes over the slopes that a partial pattern leaves, as a bound of nodes, for every pair of norms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Signs, Vector
from lipverify.network import Network
from lipverify.norms import NormPair
from lipverify.problem import Problem
from lipverify.relaxations.interval import Slopes, slope_ranges
from lipverify.relaxations.jacobian import jacobian_norms
from lipverify.relaxations.layers import Layers
from lipverify.relaxations.split_sdp import is_spectral
from lipverify.search.node_bound import Estimate


@final
@dataclass(frozen=True)
class SlopePasses:
    """The norm of all Jacobians whose decided neurons have their slope and whose others have any (proofs/passes.md).

    Looks at no domain: what a box decides is decided before. ROUNDED as it is, so an estimate is its own certificate.

    Attributes
    ----------
    spectral
        Whether to say something about spectral norms too: there `SplitSDP` is tighter at a tenth of the cost.
    """

    spectral: bool = True

    name: ClassVar[str] = "slope-passes"

    def open(self, problem: Problem) -> OpenSlopePasses | None:
        """The bound for any problem; None for a spectral one if those are left to others."""
        if not self.spectral and is_spectral(problem):
            return None
        return OpenSlopePasses(problem.network, problem.norm)


@final
class OpenSlopePasses:
    """`SlopePasses` for one network and one pair of norms."""

    def __init__(self, net: Network, pair: NormPair) -> None:
        self._layers = Layers.of(net)
        self._net = net
        self._pair = pair
        self._cuts = np.cumsum(net.hidden)[:-1]

    def estimate(self, signs: Signs, parent: Estimate | None, enough: float) -> Estimate:
        """One evaluation; nothing is taken from the parent."""
        slopes = slope_ranges(self._layers, None, np.split(signs, self._cuts) if self._net.hidden else [])
        upper = float(jacobian_norms(self._layers, slopes, self._pair))
        return Estimate(upper if upper >= 0 else np.inf, self._scores(slopes), None)

    def certified(self, signs: Signs, estimate: Estimate, enough: float) -> float:
        """The estimate: every rounding error is in it."""
        return estimate.upper

    def compile(self) -> None:
        """There is no compiled code."""

    def _scores(self, slopes: Slopes) -> Vector:
        """A neuron's range of slopes times the magnitudes that reach it from either end."""
        steepest = [np.maximum(np.abs(a), np.abs(b)) for a, b in zip(slopes.low, slopes.high, strict=True)]
        weights = [np.abs(w) for w in self._net.weights]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            below = [weights[0].sum(axis=1)]
            for weight, steep in zip(weights[1:-1], steepest, strict=False):
                below.append(weight @ (steep * below[-1]))
            above = [weights[-1].sum(axis=0)]
            for weight, steep in zip(weights[-2:0:-1], steepest[::-1], strict=False):
                above.append((steep * above[-1]) @ weight)
            widths = [b - a for a, b in zip(slopes.low, slopes.high, strict=True)]
            parts = [w * b * a for w, b, a in zip(widths, below, reversed(above), strict=True)]
        return np.nan_to_num(np.concatenate([np.zeros(0), *parts]), nan=0.0)
