"""LipSDP with diagonal multipliers, by a dual barrier, and certified in floats or in rationals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.chain import root_up
from lipverify.estimators.eclipse import Eclipse
from lipverify.estimators.eclipse_fast import EclipseFast
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.decided import decided_signs
from lipverify.relaxations.sdp import Relaxation, certified_square
from lipverify.relaxations.sdp_exact import proved_square
from lipverify.relaxations.split import Oriented

_STEPS = 40  # Newton steps between two bounds, of small matrices
_FEW, _SMALL = 4, 150


@final
@dataclass(frozen=True)
class LipSDP:
    """L ≤ √ρ for the least ρ at which multipliers T make the matrix of `relaxations.sdp` positive semidefinite.

    The semidefinite programme of Fazlyab et al. (NeurIPS 2019, arXiv:1906.04893) in its sound form with diagonal
    multipliers, for any two slopes; for one hidden layer and one output it is within √(π/2) of the maximum over all
    patterns, and on networks of maximum cuts it is the bound of Goemans and Williamson (doi:10.1145/227683.227684).
    Valid on every domain, p = 2; on a bounded one the neurons that ranges decide have their slope and leave the
    programme (Local LipSDP: Hashemi, Ruths & Fazlyab 2021). The multipliers come from floats and ρ is certified from
    them: ROUNDED. Never looser than ECLipsE-Fast, and so than AutoLip. Cost: a few dozen Newton steps, each cubic in
    the number of neurons. `stats` has the steps, and how many neurons were left undecided.
    Proof: proofs/sdp.md; in Coq: Estimators.lipsdp_jacobian.

    Attributes
    ----------
    tolerance
        The relative duality gap, in ρ, at which the descent stops.
    steps
        The most Newton steps.
    prove
        Certify the end in rational arithmetic: PROVED, in seconds for some hundred neurons.
    """

    tolerance: float = 1e-8
    steps: int = 1_000
    prove: bool = False

    name: ClassVar[str] = "lipsdp"
    side: ClassVar[Side] = "upper"
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "some dozens of Newton steps, each cubic in the number of neurons"

    @property
    def rigor(self) -> Rigor:
        """ROUNDED, and PROVED where the end is to be proved."""
        return Rigor.PROVED if self.prove else Rigor.ROUNDED

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """AutoLip's and ECLipsE-Fast's bounds first, of large networks ECLipsE's as well, then lower and lower ρ."""
        upper = math.inf
        chain = Oriented.of(problem.network)
        # Where a step takes long the layers' own programmes, which are far smaller, say much in the meantime.
        first = EclipseFast() if chain.inputs + chain.neurons <= _SMALL else Eclipse()
        for quick in first.run(problem, budget):
            upper = min(upper, quick.upper)
            yield self._bound(upper, Status.INTERRUPTED)
        if upper == 0.0:
            yield self._bound(upper, Status.ONE_SIDED)
            return
        decided = decided_signs(problem.network, problem.domain)[chain.order]
        signs = np.where(decided != 0, decided, chain.settled)
        state, steps, status = Relaxation.root(chain, signs), 0, Status.ONE_SIDED
        stats = {"steps": 0, "undecided": len(state.free)}
        some = max(_FEW, min(_STEPS, int(_STEPS * (_SMALL / (chain.inputs + len(state.free))) ** 2)))
        while steps < self.steps:
            state = state.descend(chain, 0.0, self.tolerance, some)
            steps += state.steps
            stats = {"steps": steps, "undecided": len(state.free)}
            if state.gap <= self.tolerance * state.rho or state.steps < some:
                break
            if budget.expired:
                status = Status.TIME_LIMIT
                break
            upper = min(upper, root_up(certified_square(chain, state), chain.exponent))
            yield self._bound(upper, Status.INTERRUPTED, stats)
        upper = min(upper, root_up(certified_square(chain, state), chain.exponent))
        if not self.prove:
            yield self._bound(upper, status, stats)
            return
        proved = root_up(proved_square(chain, state), chain.exponent)
        rigor = Rigor.PROVED if math.isfinite(proved) else Rigor.ROUNDED
        yield self._bound(proved if rigor is Rigor.PROVED else upper, status, stats, rigor)

    def _bound(
        self, upper: float, status: Status, stats: Mapping[str, int] | None = None, rigor: Rigor = Rigor.ROUNDED
    ) -> Bound:
        return Bound(method=self.name, status=status, upper=upper, upper_rigor=rigor, stats=stats or {"steps": 0})
