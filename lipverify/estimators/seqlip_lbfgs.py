"""SeqLip by projected quasi-Newton ascent: the paper's other practical algorithm, an estimate and no bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Array, Vector
from lipverify.bound import Bound, Rigor, Status
from lipverify.errors import InvalidArgument
from lipverify.estimators.pair import Pair, values
from lipverify.estimators.pair_climb import aligned
from lipverify.estimators.stages import Stages
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.watch import tick


@dataclass(frozen=True)
class AscentPair:
    """One pair of neighbouring layers: its neurons, the best vertex's value, and the starts taken."""

    name: str
    width: int
    value: float
    starts: int


@final
@dataclass(frozen=True)
class SeqLipLbfgs:
    """Π_i of a local maximum over σ of ‖Σ̃_{i+1} V_{i+1}ᵀ diag(σ) U_i Σ̃_i‖₂, by L-BFGS-B (arXiv:1805.10965).

    Each ascent starts inside the box of slopes, and its end is rounded to a vertex, which by convexity is no
    worse. HEURISTIC: a local maximum of a pair may lie below its maximum, and the product then below the
    network's Lipschitz constant. Some hundred spectral norms per start. `details` is a tuple of `AscentPair`.

    Attributes
    ----------
    starts
        Ascents per pair, at least 1: one from the middle of the box, the others from random points.
    """

    starts: int = 5

    name: ClassVar[str] = "seqlip-lbfgs"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.HEURISTIC
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "some hundred spectral norms per pair and start"

    def __post_init__(self) -> None:
        if self.starts < 1:
            raise InvalidArgument(f"starts must be at least 1; got {self.starts}")

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """Pair after pair: those still to come count with the product of their norms."""
        stages = Stages.of(problem.network)
        maxima = [joint.cheap for joint in stages.joints]
        rng = np.random.default_rng(budget.seed)
        done: list[AscentPair] = []
        yield self._bound(stages, maxima, done, Status.INTERRUPTED)
        for k, joint in enumerate(stages.joints):
            pair, best = joint.pair, 0.0
            points = rng.uniform(pair.low, pair.high, (self.starts, pair.width))
            points[0] = pair.low / 2 + pair.high / 2
            for point in points:
                best = max(best, ascent(pair, point))
                if budget.expired:
                    yield self._bound(stages, maxima, done, Status.TIME_LIMIT)
                    return
            maxima[k] = min(maxima[k], best)
            done.append(AscentPair(joint.name, pair.width, joint.value(maxima[k]), self.starts))
            yield self._bound(stages, maxima, done, Status.INTERRUPTED)
        yield self._bound(stages, maxima, done, Status.ONE_SIDED)

    def _bound(self, stages: Stages, maxima: list[float], done: list[AscentPair], status: Status) -> Bound:
        return Bound(
            method=self.name,
            status=status,
            upper=stages.upper(maxima),
            upper_rigor=self.rigor,
            details=tuple(done),
        )


def ascent(pair: Pair, start: Vector) -> float:
    """The float value of the vertex that an ascent from a point of the box leads to."""
    from scipy.optimize import Bounds, minimize  # here: it would double what `import lipverify` loads

    def descent(sigma: Vector) -> tuple[float, Array]:
        tick()
        left, singular, right = np.linalg.svd(pair.products(sigma[None])[0], full_matrices=False)
        return -float(singular[0]), -(left[:, 0] @ pair.left) * (right[0] @ pair.right.T)

    end = minimize(descent, start, jac=True, method="L-BFGS-B", bounds=Bounds(pair.low, pair.high)).x
    left, _, right = np.linalg.svd(pair.products(end[None])[0], full_matrices=False)
    vertex = aligned(pair, left[:, 0], right[0])  # maximises the tangent at the end, which is below the norm
    return float(values(pair.products(vertex[None]))[0])
