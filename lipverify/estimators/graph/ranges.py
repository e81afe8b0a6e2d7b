"""Interval analysis of a graph over a box: which values each node can take, entry by entry (proofs/graph.md).

Nothing is computed until a rule asks. An operator without an interval rule, or an input without a bound, has the whole
line for its range: that is always true.
"""

from __future__ import annotations

import math
from typing import final

import numpy as np

from lipverify.domain import Ball, Box, Domain
from lipverify.estimators.graph.combine import INF, Interval
from lipverify.estimators.graph.intervals import INTERVALS
from lipverify.readers.graph import Graph


@final
class Ranges:
    """The ranges of a graph's values over a domain; only a box or a ball bounds anything."""

    def __init__(self, graph: Graph, domain: Domain) -> None:
        self._graph = graph
        self._known: dict[int, Interval] = {}
        n = math.prod(graph.input_shape)
        box = domain.box if isinstance(domain, Ball) else domain
        self._known[0] = (box.lower, box.upper) if isinstance(box, Box) else _line(n)

    def of(self, index: int) -> Interval:
        """The range of value `index`: 0 is the input, k + 1 what node k makes."""
        waiting = [index]
        while waiting:  # no recursion: graphs may be deep
            top = waiting[-1]
            missing = (
                [] if top in self._known else [i for i in self._graph.nodes[top - 1].reads if i not in self._known]
            )
            if missing:
                waiting.extend(missing)
                continue
            waiting.pop()
            if top not in self._known:
                self._known[top] = self._apply(top - 1)
        return self._known[index]

    def _apply(self, k: int) -> Interval:
        node = self._graph.nodes[k]
        read = [self._known[i] for i in node.reads]
        operand = (np.concatenate([low for low, _ in read]), np.concatenate([high for _, high in read]))
        rule = INTERVALS.get(type(node.operator))
        made = None
        if rule is not None:
            with np.errstate(all="ignore"):
                made = rule(node.operator, operand)
        if made is None:
            return _line(math.prod(node.shape))
        low, high = made
        return np.where(np.isnan(low), -INF, low), np.where(np.isnan(high), INF, high)


def _line(n: int) -> Interval:
    return np.full(n, -INF), np.full(n, INF)
