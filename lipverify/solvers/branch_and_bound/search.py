"""The exact constant by branch and bound over activation patterns.

A node decides some neurons; its children decide one more. A node is dropped when its cell has no full-dimensional
region, proven, or when a certified bound shows that no region of it beats the incumbent; a node with every neuron
decided is a region, evaluated exactly. The incumbent is the exact norm at a verified point. So the maximum over the
regions is found, and proved, however few of them are visited. Proof: proofs/branch_and_bound.md.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor, Status
from lipverify.contract import ceilings
from lipverify.errors import InvalidArgument
from lipverify.fanout import ALONE, Team
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Method, Problem, Side
from lipverify.search.frontier import Order, require_order
from lipverify.solvers.branch_and_bound.branching import BestScore, BranchingRule
from lipverify.solvers.branch_and_bound.by_layers import ByLayers, Engines
from lipverify.solvers.branch_and_bound.checkpoint import Checkpoint
from lipverify.solvers.branch_and_bound.node import NodeBounds
from lipverify.solvers.branch_and_bound.shared import shared
from lipverify.solvers.branch_and_bound.tree import Tree

_REPORT = 0.05  # seconds between two bounds that are yielded


@final
@dataclass(frozen=True)
class BranchAndBound:
    """Branch and bound: exact for every network, domain and computable pair of norms.

    What is composed, not switched: the bound of nodes, the search for incumbents, the rule of branching.
    EXACT results have an incumbent that is proved in rational arithmetic and an upper side that rests on certified
    bounds with every rounding error accounted for (ROUNDED). Cost: exponential in the number of neurons in the worst
    case; on trained networks of some fifty neurons seconds.

    Parameters
    ----------
    bounds
        Kinds of node bounds, cheapest first; those that have nothing to say about a problem are left out.
    incumbent
        A lower method that is run beside the search.
    ceiling
        An upper method that gives the upper side until the root has been bounded.
    rule
        The branching rule.
    order
        In which order nodes are taken apart: see `search.frontier`. Plunging takes as many nodes as going depth first,
        within a tenth, and lets the upper end fall all along.
    opening, pace
        By the n-th node the search for incumbents has made opening + pace·√n steps: most of them early, when a better
        incumbent saves most.
    memory
        Open nodes beyond which every order goes on depth first.
    interpreted
        Nodes before compiled code is loaded, in tenths of a second; five times as fast from then on. Once per machine
        it is compiled first, in some ten seconds, by a process beside this one. With 0 the search waits for it.
    log
        Called for every node as it comes up, with its fate (the value of a `Fate`), the signs of all neurons, and the
        bound as floats see it.
    engines
        The search by layers, for norms and domains that it is able to do; the search above works until it is loaded. It
        is not asked where memory is limited, since it keeps to none.
    checkpoint
        Where the search is written down, and gone on with.
    threads
        How many dives of the search by layers run at a time, in one process.
    team
        Who takes nodes apart: see `shared`. The search by layers has threads instead, as many as the team has processes
        on this machine, and is not asked where a cluster is.
    """

    bounds: tuple[NodeBounds, ...]
    incumbent: Method | None = None
    ceiling: Method | None = None
    rule: BranchingRule = field(default_factory=BestScore)
    order: Order = "plunging"
    opening: int = 12
    pace: float = 6.0
    memory: int = 100_000
    interpreted: int = 400
    log: Callable[[str, tuple[int, ...], float], None] | None = None
    engines: Engines | None = None
    checkpoint: Checkpoint | None = None
    threads: int = 1
    team: Team = ALONE

    name: ClassVar[str] = "branch-and-bound"
    side: ClassVar[Side] = "exact"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "exponential in the number of neurons at worst; an SDP and a small LP per node"

    def __post_init__(self) -> None:
        require_order(self.order)
        if self.threads < 1:
            raise InvalidArgument(f"threads must be at least 1; got {self.threads!r}")
        if self.log is not None and not self.team.alone:
            raise InvalidArgument("log hears of the nodes of one process: not with a team")

    def _asked(self, problem: Problem, budget: Budget) -> Engines | None:
        """The engines for a problem, if they are asked."""
        if self.engines is None or self.team.cluster is not None or math.isfinite(budget.memory):
            return None
        return self.engines if self.engines.able(problem) else None

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The interval proved so far, about twenty times a second, and the exact constant at the end."""
        upper = math.inf
        for given in ceilings(self.ceiling, problem, budget):
            upper = min(upper, given.upper)
            rigor = Rigor.ROUNDED if math.isfinite(upper) else Rigor.PROVED
            yield Bound(method=self.name, status=Status.INTERRUPTED, upper=upper, upper_rigor=rigor)
        saved = None if self.checkpoint is None else self.checkpoint.load(problem)
        engines = self._asked(problem, budget)
        if engines is not None:
            yield from ByLayers(self, engines, problem, budget, upper, saved).run()
            return
        tree = Tree(self, problem, budget, upper, saved)
        try:
            yield tree.report(Status.INTERRUPTED)
            reported = time.monotonic()
            for _ in tree.steps() if self.team.alone else shared(self, problem, budget, tree):
                if time.monotonic() - reported > _REPORT:
                    tree.save()
                    yield tree.report(Status.INTERRUPTED)
                    reported = time.monotonic()
        except GeneratorExit:  # stopped between two steps; an exception inside of one leaves the last file
            tree.save(last=True)
            raise
        tree.save(last=True)
        yield tree.result()
