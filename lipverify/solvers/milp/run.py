"""One run of the mixed-integer method: what was given, the program, and then the search with a solver beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from lipverify.bound import Bound, Rigor, Status, Witness
from lipverify.contract import bounds_of, ceilings
from lipverify.geometry.witness import Certified, certify_point
from lipverify.problem import Budget, Problem, supports
from lipverify.search.incumbent import Incumbent
from lipverify.solvers.milp.external.oracle import Oracle
from lipverify.solvers.milp.prepare import Prepared, prepare
from lipverify.solvers.milp.search.tree import Tree
from lipverify.solvers.milp.search.upper_end import UpperEnd

if TYPE_CHECKING:
    from lipverify.solvers.milp.method import Milp

_SHARE = 0.2  # of the time for linear programs that only make the model tighter
_GLANCE = 0.05  # seconds between two looks at what the solver has said


class Run:
    """One run: what is known so far, and how it becomes more."""

    def __init__(self, method: Milp, problem: Problem, budget: Budget) -> None:
        from lipverify.solvers.milp.external.backends import Backend, require  # PuLP is not loaded before it is needed

        self._method, self._problem, self._budget = method, problem, budget
        self._backend = Backend(method.solver, method.threads)
        require(self._backend)
        self._details: dict[str, Any] = {"solver": method.solver}
        self._incumbent: Incumbent[Certified] = Incumbent()
        self._upper = UpperEnd(self._incumbent, self._details)

    def bounds(self) -> Iterator[Bound]:
        """The intervals of the run."""
        for _ in self._given():
            yield self._interval({"solves": 0, "cuts": 0, "nodes": 0})
        prepared = prepare(self._problem, self._method.strength, _SHARE * self._budget.remaining)
        yield from self._search(prepared)

    def _given(self) -> Iterator[None]:
        """Both ends by the methods that were given."""
        method, problem, budget = self._method, self._problem, self._budget
        for given in ceilings(method.bound, problem, budget):
            self._upper.prove(given.upper, given.upper_rigor)
        yield
        if method.incumbent is None or not supports(method.incumbent, problem):
            return
        patient = Budget(min(method.patience, budget.remaining), budget.seed)
        witness: Witness | None = None
        for found in bounds_of(method.incumbent, problem, patient):
            witness = found.witness
            if patient.expired:
                break
            yield
        if witness is not None:
            self._incumbent.offer(certify_point(problem, witness.point))
        yield

    def _search(self, prepared: Prepared) -> Iterator[Bound]:
        """Prove the constant, after a head start with the solver beside the search; the last bound is EXACT."""
        tree, oracle = Tree(prepared, self._incumbent), None
        steps = tree.steps()
        due = time.monotonic() + self._method.head_start
        if not tree.undecided:
            due = math.inf  # one pattern: the search looks at it

        def stats() -> dict[str, int]:
            found = {"solves": oracle.solves if oracle else 0, "cuts": len(tree.nogoods), "undecided": tree.undecided}
            lps = prepared.encoding.lps + tree.lps
            return found | {"settled": prepared.regions.settled, "lps": lps, "nodes": tree.nodes}

        yield self._interval(stats())
        with ExitStack() as ended:
            while True:
                if time.monotonic() >= due:
                    oracle = oracle or self._oracle(prepared, tree, ended)
                    due = time.monotonic() + _GLANCE if oracle and oracle.listen() else math.inf
                    yield self._interval(stats())
                if next(steps, self) is self:
                    break
                self._upper.prove(tree.upper, Rigor.ROUNDED)
                yield self._interval(stats())
        best = self._incumbent.best
        assert best is not None  # a domain has an interior, so it meets a region
        name, details = self._method.name, self._details
        yield Bound.exactly(best.norm, method=name, witness=best.witness, stats=stats(), details=details)

    def _oracle(self, prepared: Prepared, tree: Tree, ended: ExitStack) -> Oracle | None:
        """The solver in its process, asked; None where there is none to be had. It is closed with the stack."""
        from lipverify.solvers.milp.external.process import SolverProcess

        try:
            solver = SolverProcess(prepared.encoding.model, self._backend, self._budget)
        except OSError as error:
            self._details["failure"] = f"the solver's process did not start: {error}"
            return None
        ended.callback(solver.close)  # at once: what is asked takes time, which may run out
        return Oracle(solver, prepared, tree, self._incumbent, self._upper)

    def _interval(self, stats: Mapping[str, int]) -> Bound:
        """The interval so far."""
        best, (upper, rigor) = self._incumbent.best, self._upper.value
        return Bound(
            method=self._method.name,
            status=Status.INTERRUPTED,
            lower=self._incumbent.lower,
            lower_rigor=Rigor.PROVED,
            upper=upper,
            upper_rigor=rigor,
            witness=best.witness if best else None,
            stats=stats,
            details=self._details,
        )
