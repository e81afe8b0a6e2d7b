"""AutoLip on a graph: one constant per node, from those of its operands (Scaman & Virmaux 2018, Algorithm 1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

import numpy as np

from lipverify.bound import Bound, Rigor, Status
from lipverify.domain import Domain
from lipverify.estimators.graph.combine import Constant, Situation, combined
from lipverify.estimators.graph.ranges import Ranges
from lipverify.estimators.graph.rules import RULES
from lipverify.norms import SAME_NORM, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.readers.graph import Graph
from lipverify.trusted.rounding import float_up


@final
@dataclass(frozen=True)
class NodeConstant:
    """One row of the table: a node, its own Lipschitz constant, and that of everything up to it; rounded up.

    Attributes
    ----------
    name, operator
        The node's name in the trace, and the framework's name of what it does.
    local
        Its constant as a function of its operands, all of constant 1.
    cumulative
        The constant of its value as a function of the input.
    place
        The source line.
    note
        Why a constant is infinite.
    """

    name: str
    operator: str
    local: float
    cumulative: float
    place: str = ""
    note: str = ""


@final
@dataclass(frozen=True, eq=False)
class GraphAutoLip:
    """L_k = the combination of ‖∂_i g_k‖·L_i over the operands i of node k; L = L of the last node.

    The graph is the subject, whatever network the problem holds. Valid on every domain; a box bounds the ranges
    of values, which products and exponentials need. ROUNDED; one operator norm per matrix or convolution.
    `details` is a tuple of `NodeConstant`. arXiv:1805.10965, Algorithm 1; proof: proofs/graph.md.
    """

    graph: Graph
    name: ClassVar[str] = "autolip-graph"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = SAME_NORM
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "one operator norm per node"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The one bound."""
        yield self.bound(problem.norm.p, problem.domain)

    def bound(self, p: float, domain: Domain) -> Bound:
        """The bound, and its table."""
        details = node_constants(self.graph, p, domain)
        unbounded = next((row.note for row in details if row.note and row.cumulative == math.inf), "")
        return Bound(
            method=self.name,
            status=Status.ONE_SIDED,
            upper=details[-1].cumulative,
            upper_rigor=self.rigor,
            details=details,
            stats={"unbounded": unbounded} if details[-1].cumulative == math.inf else {},
        )


def node_constants(graph: Graph, p: float, domain: Domain) -> tuple[NodeConstant, ...]:
    """The table, input side first; one row per node."""
    ranges = Ranges(graph, domain)
    sizes = [math.prod(graph.input_shape), *(math.prod(node.shape) for node in graph.nodes)]
    constants: list[Constant] = [Fraction(1)]
    table: list[NodeConstant] = []
    for node in graph.nodes:
        own = tuple(sizes[i] for i in node.reads)
        situation = Situation(p, own, lambda i, reads=node.reads: ranges.of(reads[i]))
        with np.errstate(over="ignore"):
            local = RULES[type(node.operator)](node.operator, situation)
        constants.append(combined(local, [constants[i] for i in node.reads]))
        alone = combined(local, [Fraction(1)] * len(node.reads))
        row = NodeConstant(node.name, node.kind, _float(alone), _float(constants[-1]), node.place, local.note)
        table.append(row)
    return tuple(table)


def _float(constant: Constant) -> float:
    return float_up(constant) if isinstance(constant, Fraction) else math.inf
