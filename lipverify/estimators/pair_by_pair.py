"""From searches of a network's pairs to bounds of the network, all pairs in turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.pair import Pair
from lipverify.estimators.pair_search import Progress
from lipverify.estimators.stages import Stages
from lipverify.problem import Budget, Problem


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


def pair_by_pair(
    problem: Problem, budget: Budget, name: str, search: Callable[[Pair], Iterator[Progress]]
) -> Iterator[Bound]:
    """ROUNDED bounds: the product of norms, that with every pair at its cheap bound, then closer and closer."""
    for product in AutoLip().run(problem, budget):
        yield replace(product, method=name, status=Status.INTERRUPTED, details=())
    stages = Stages.of(problem.network)
    states = [Progress(joint.cheap, 0.0, False, 0) for joint in stages.joints]
    yield _bound(name, stages, states, Status.INTERRUPTED)
    pending = deque((i, search(joint.pair)) for i, joint in enumerate(stages.joints))
    while pending and not budget.expired:  # in turns, so that a time limit is shared fairly
        i, steps = pending.popleft()
        state = next(steps, None)
        if state is not None:
            states[i] = replace(state, upper=min(state.upper, states[i].upper))
            pending.append((i, steps))
            yield _bound(name, stages, states, Status.INTERRUPTED)
    yield _bound(name, stages, states, Status.TIME_LIMIT if pending else Status.ONE_SIDED)


def _bound(name: str, stages: Stages, states: list[Progress], status: Status) -> Bound:
    details = tuple(
        PairConstant(joint.name, joint.pair.width, joint.value(state.upper), state.closed, state.gap, state.nodes)
        for joint, state in zip(stages.joints, states, strict=True)
    )
    return Bound(
        method=name,
        status=status,
        upper=stages.upper([state.upper for state in states]),
        upper_rigor=Rigor.ROUNDED,
        stats={"nodes": sum(state.nodes for state in states)},
        details=details,
    )
