"""Greedy SeqLip: the paper's practical algorithm, which is an estimate and no bound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.pair_climb import greedy
from lipverify.estimators.stages import Stages
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side


@dataclass(frozen=True)
class GreedyPair:
    """One pair of neighbouring layers: its neurons, the local optimum found, and the flips it took."""

    name: str
    width: int
    value: float
    flips: int


@final
@dataclass(frozen=True)
class SeqLipGreedy:
    """Π_i of a local maximum over σ of ‖Σ̃_{i+1} V_{i+1}ᵀ diag(σ) U_i Σ̃_i‖₂ (arXiv:1805.10965).

    HEURISTIC: a local maximum of a pair may lie below its maximum, and the product then below the network's
    Lipschitz constant; proofs/seqlip.md has networks of three neurons where it does. Each step costs one
    spectral norm per neuron. `details` is a tuple of `GreedyPair`.
    """

    name: ClassVar[str] = "seqlip-greedy"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.HEURISTIC
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a spectral norm per neuron and flip"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """Pair after pair: those still to come count with the product of their norms."""
        stages = Stages.of(problem.network)
        maxima = [joint.cheap for joint in stages.joints]
        done: list[GreedyPair] = []
        for k, joint in enumerate(stages.joints):
            values: list[float] = []
            for _, value in greedy(joint.pair):
                values.append(value)
                yield self._bound(stages, maxima, done, Status.INTERRUPTED)
                if budget.expired:
                    yield self._bound(stages, maxima, done, Status.TIME_LIMIT)
                    return
            maxima[k] = min(maxima[k], values[-1])
            done.append(GreedyPair(joint.name, joint.pair.width, joint.value(maxima[k]), len(values) - 1))
        yield self._bound(stages, maxima, done, Status.ONE_SIDED)

    def _bound(self, stages: Stages, maxima: list[float], done: list[GreedyPair], status: Status) -> Bound:
        return Bound(
            method=self.name,
            status=status,
            upper=stages.upper(maxima),
            upper_rigor=self.rigor,
            details=tuple(done),
        )
