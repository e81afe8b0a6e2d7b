"""SeqLip with every pair of layers solved to proven optimality (Scaman & Virmaux, NeurIPS 2018)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.pair import Progress, node_limit, search
from lipverify.estimators.stages import Stages
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side


@dataclass(frozen=True)
class PairConstant:
    """One pair of neighbouring layers: its neurons, its value rounded up, and whether that is the maximum."""

    name: str
    width: int
    value: float
    closed: bool
    nodes: int


@final
@dataclass(frozen=True)
class SeqLip:
    """L ≤ Π_i max_σ ‖Σ̃_{i+1} V_{i+1}ᵀ diag(σ) U_i Σ̃_i‖₂, the maximum over all slopes of the i-th neurons.

    The bound of arXiv:1805.10965, where W_i = U_i Σ_i V_iᵀ; here with float factors, and what they miss of W_i
    added back (proofs/seqlip.md). Valid on every domain, p = 2, ROUNDED, never looser than AutoLip.
    Each pair is NP-hard: branch and bound, exponential in a layer's width; a search cut short by `nodes` or
    by the time leaves its proven upper end. `details` is a tuple of `PairConstant`.

    Attributes
    ----------
    nodes
        Search nodes per pair of 16 neurons; wider pairs get fewer, in proportion to what a node costs.
    """

    nodes: int = 200_000

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
        states = [Progress(joint.cheap, False, 0) for joint in joints]
        yield self._bound(stages, states, Status.INTERRUPTED)
        limits = [node_limit(self.nodes, joint.pair) for joint in joints]
        pending = deque((i, search(joint.pair, limits[i])) for i, joint in enumerate(joints))
        while pending and not budget.expired:  # in turns, so that a time limit is shared fairly
            i, steps = pending.popleft()
            state = next(steps, None)
            if state is not None:
                states[i] = Progress(min(state.upper, states[i].upper), state.closed, state.nodes)
                pending.append((i, steps))
                yield self._bound(stages, states, Status.INTERRUPTED)
        yield self._bound(stages, states, Status.TIME_LIMIT if pending else Status.ONE_SIDED)

    def _bound(self, stages: Stages, states: list[Progress], status: Status) -> Bound:
        details = tuple(
            PairConstant(joint.name, joint.pair.width, joint.value(state.upper), state.closed, state.nodes)
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
