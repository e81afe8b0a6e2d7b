"""Networks, and solvers to ask, for the tests of the mixed-integer method."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import lipverify as lv
from lipverify.attacks.local_search import LocalSearch
from lipverify.estimators.autolip import AutoLip
from lipverify.problem import Budget
from lipverify.solvers.milp.encode.model import Model
from lipverify.solvers.milp.external import process
from lipverify.solvers.milp.external.backends import Backend, Progress, Report
from lipverify.solvers.milp.external.pulp import Program
from lipverify.solvers.milp.method import Milp

INF = math.inf

NORMS: tuple[Any, ...] = (1, 2, INF)

BOX = lv.Box([-1, -1], [1, 1])

NET = lv.Network([[[1, 2], [-1, 1], [3, 0]], [[1, -1, 2], [0, 1, 1]], [[1, 2]]], [[0, 1, -1], [1, 0], [0]])


def random_network(sizes: tuple[int, ...], seed: int) -> tuple[lv.Network, lv.Box]:
    """A network of the given sizes, and a box on which most of its neurons are undecided."""
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(m, n)) * math.sqrt(2 / n) for n, m in itertools.pairwise(sizes)]
    biases = [0.1 * rng.normal(size=m) for m in sizes[1:]]
    return lv.Network(weights, biases), lv.Box.around(rng.normal(size=sizes[0]), 1.0)


def milp(net: lv.Network, p: Any = 2, domain: Any = None, **options: Any) -> lv.Bound:
    """The constant by the method under test."""
    return lv.exact(net, "milp", p=p, domain=domain, **options)


class Here:
    """A solver in this process, in place of one of its own: the search stands still until it has answered."""

    def __init__(self, model: Model, backend: Backend, budget: Budget) -> None:
        self._model, self._backend, self._budget = model, backend, budget
        self._program, self._sent = Program(model), len(model.rows)
        self._question: Sequence[float] | None = None

    def ask(self, start: Sequence[float] = ()) -> None:
        self._question = start

    def poll(self) -> list[Progress | Report]:
        if self._question is None:
            return []
        for row in self._model.rows[self._sent :]:
            self._program.add(row)
        self._sent, start, self._question = len(self._model.rows), self._question, None
        heard: list[Progress | Report] = []
        seconds, gap = self._budget.remaining, self._budget.rel_gap
        heard.append(self._program.solve(self._backend, seconds, gap, start, heard.append))
        return heard

    def close(self) -> None:
        self._question = None


@contextmanager
def solver_here(solver: Any = Here) -> Iterator[None]:
    """Have a solver in this process asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "SolverProcess", solver)
        yield


def solver_first(net: lv.Network, p: Any = 2, domain: Any = None, solver: Any = Here, **options: Any) -> lv.Bound:
    """The constant, the solver being asked, in this process, before the search begins."""
    method = Milp(bound=AutoLip(), incumbent=LocalSearch(patience=2), head_start=0)
    with solver_here(solver):
        return lv.exact(net, method, p=p, domain=domain, **options)


def refused(*_: Any, **__: Any) -> Any:
    raise AssertionError("nobody must ask a solver")


def solved(program: Program, backend: Backend, seconds: float = INF) -> Report:
    """The report of one solve."""
    return program.solve(backend, seconds, 0.0)


def knapsack(*, impossible: bool = False) -> Model:
    """max x + y, x + y ≤ 3/2, binaries; with x + y ≥ 3 on top if it is to be impossible."""
    model = Model()
    x, y = model.add_binary("x"), model.add_binary("y")
    model.row("room", [(x, 1.0), (y, 1.0)], -INF, 1.5)
    if impossible:
        model.row("more", [(x, 1.0), (y, 1.0)], 3.0, INF)
    model.objective = [(x, 1.0), (y, 1.0)]
    return model
