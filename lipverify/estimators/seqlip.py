"""SeqLip with every pair of layers solved to proven optimality (Scaman & Virmaux, NeurIPS 2018)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.pair_search import Progress, search
from lipverify.estimators.stages import Stages
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side


@dataclass(frozen=True)
class PairConstant:
    """One pair of neighbouring layers: its neurons, and its value, rounded up.

    Attributes
    ----------
    closed
        Whether the value is the maximum, up to rounding.
    gap
        The value over that of the best vertex found, minus 1.
    nodes
        Search nodes looked at.
    """

    name: str
    width: int
    value: float
    closed: bool
    gap: float
    nodes: int


@final
@dataclass(frozen=True)
class SeqLip:
    """L ≤ Π_i max_σ ‖Σ̃_{i+1} V_{i+1}ᵀ diag(σ) U_i Σ̃_i‖₂, the maximum over all slopes of the i-th neurons.

    The bound of arXiv:1805.10965, where W_i = U_i Σ_i V_iᵀ; here with float factors, and what they miss of W_i
    added back (proofs/seqlip.md). Valid on every domain, p = 2, ROUNDED, never looser than AutoLip.
    Each pair is NP-hard: branch and bound on the pair's semidefinite bound. Pairs of 50 random neurons take
    about a second; a search cut short by `steps` or by the time leaves its proven upper end. `details` is a
    tuple of `PairConstant`.

    Attributes
    ----------
    steps
        Steps of Newton's method per pair, each about a matrix inversion of order at most twice the pair's
        neurons; fewer for orders beyond 64, in proportion to what a step costs.
    """

    steps: int = 20_000

    name: ClassVar[str] = "seqlip"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "exponential in the widest layer, anytime"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The product with every pair at its cheap bound, then closer and closer."""
        stages = Stages.of(problem.network)
        joints = stages.joints
        states = [Progress(joint.cheap, 0.0, False, 0) for joint in joints]
        yield self._bound(stages, states, Status.INTERRUPTED)
        pending = deque((i, search(joint.pair, self.steps)) for i, joint in enumerate(joints))
        while pending and not budget.expired:  # in turns, so that a time limit is shared fairly
            i, steps = pending.popleft()
            state = next(steps, None)
            if state is not None:
                states[i] = replace(state, upper=min(state.upper, states[i].upper))
                pending.append((i, steps))
                yield self._bound(stages, states, Status.INTERRUPTED)
        yield self._bound(stages, states, Status.TIME_LIMIT if pending else Status.ONE_SIDED)

    def _bound(self, stages: Stages, states: list[Progress], status: Status) -> Bound:
        details = tuple(
            PairConstant(joint.name, joint.pair.width, joint.value(state.upper), state.closed, state.gap, state.nodes)
            for joint, state in zip(stages.joints, states, strict=True)
        )
        return Bound(
            method=self.name,
            status=status,
            upper=stages.upper([state.upper for state in states]),
            upper_rigor=self.rigor,
            stats={"nodes": sum(state.nodes for state in states)},
            details=details,
        )
