"""One run of the mixed-integer method: the search, and a solver beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lipverify.bound import Bound, Rigor, Status, Witness
from lipverify.contract import bounds_of, ceilings
from lipverify.geometry.witness import certify_point
from lipverify.problem import Budget, Problem, supports
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.encoding import Encoding, encode
from lipverify.solvers.milp.encode.model import is_switch
from lipverify.solvers.milp.encode.norm import ball_cut, ball_row
from lipverify.solvers.milp.external.oracle import Dialogue
from lipverify.solvers.milp.search.incumbent import Known
from lipverify.solvers.milp.search.regions import Regions
from lipverify.solvers.milp.search.tree import Proof

if TYPE_CHECKING:
    from lipverify.solvers.milp.method import Milp

_ROUNDS = 40  # of ball cuts on the relaxation, before the search
_SHARE = 0.2  # of the time for linear programs that only make the model tighter
_GLANCE = 0.05  # seconds between two looks at what the solver has said


class Run:
    """One run: what is known so far, and how it becomes more."""

    def __init__(self, method: Milp, problem: Problem, budget: Budget) -> None:
        from lipverify.solvers.milp.external.backends import Backend, require  # PuLP is not loaded before it is needed

        self._method, self._problem, self._budget = method, problem, budget
        self._backend = Backend(method.solver, method.threads)
        require(self._backend)
        self.details: dict[str, Any] = {"solver": method.solver}
        self._known = Known(self.details)
        self._encoding: Encoding | None = None
        self._regions: Regions | None = None
        self._proof: Proof | None = None
        self._dialogue: Dialogue | None = None

    def interval(self) -> Bound:
        """The interval so far."""
        known = self._known
        best, (upper, rigor) = known.best, known.upper
        return Bound(
            method=self._method.name,
            status=Status.INTERRUPTED,
            lower=known.lower,
            lower_rigor=Rigor.PROVED,
            upper=upper,
            upper_rigor=rigor,
            witness=best.witness if best else None,
            stats=self.stats(),
            details=self.details,
        )

    def stats(self) -> dict[str, int]:
        """Counts."""
        encoding, proof, dialogue = self._encoding, self._proof, self._dialogue
        found = {"solves": dialogue.solves if dialogue else 0, "cuts": len(proof.clauses) if proof else 0}
        if encoding is not None and self._regions is not None:
            undecided = sum(is_switch(s) for layer in encoding.states for s in layer)
            found |= {"undecided": undecided, "settled": self._regions.settled}
            found["lps"] = encoding.lps + (proof.lps if proof else 0)
        return found | {"nodes": proof.nodes if proof else 0}

    def start(self) -> Iterator[Bound]:
        """The bounds of the methods that were given, and the program."""
        method, problem, budget = self._method, self._problem, self._budget
        for given in ceilings(method.bound, problem, budget):
            self._known.prove(given.upper, given.upper_rigor)
        yield self.interval()
        if method.incumbent is not None and supports(method.incumbent, problem):
            patient = Budget(min(method.patience, budget.remaining), budget.seed)
            witness: Witness | None = None
            for found in bounds_of(method.incumbent, problem, patient):
                witness = found.witness
                if patient.expired:
                    break
                yield self.interval()
            if witness is not None:
                self._known.offer(certify_point(problem, witness.point))
        yield self.interval()
        self._encoding = encoding = encode(problem, method.strength, _SHARE * budget.remaining)
        self._regions = Regions(problem, encoding.states)
        self._trim_ball()
        self._proof = Proof(encoding, self._regions, self._known.best)
        yield self.interval()

    def _trim_ball(self) -> None:
        """Cut the seed's cube down to a ball where the relaxation wants to leave it."""
        encoding = self._encoding
        assert encoding is not None
        if encoding.ball is None:
            return
        model, relaxation = encoding.model, Relaxation(encoding.model)
        costs = model.target().costs
        for _ in range(_ROUNDS):
            point = relaxation.maximise(costs).point
            if point is None:
                return
            X = 2.0 * point[np.array(encoding.ball)]
            if np.linalg.norm(X, ord="nuc") <= 1.01:
                return
            row = ball_row(model, encoding.ball, ball_cut(X))
            model.rows.append(row)
            relaxation.add(row)

    def search(self) -> Iterator[Bound]:
        """Prove the constant, after a head start with the solver beside the search; the last bound is EXACT."""
        proof, known = self._proof, self._known
        assert proof is not None
        steps = proof.steps()
        due = time.monotonic() + self._method.head_start
        try:
            while True:
                if time.monotonic() >= due:
                    due = time.monotonic() + _GLANCE if self._listen() else math.inf
                    yield self.interval()
                if next(steps, self) is self:
                    break
                known.offer(proof.best)
                known.prove(proof.upper, Rigor.ROUNDED)
                yield self.interval()
        finally:
            if self._dialogue is not None:
                self._dialogue.close()
        known.offer(proof.best)
        assert known.best is not None  # a domain has an interior, so it meets a region
        yield Bound.exactly(
            known.best.norm,
            method=self._method.name,
            witness=known.best.witness,
            stats=self.stats(),
            details=self.details,
        )

    def _listen(self) -> bool:
        """Hear what the solver has said, or have it begin; whether there may be more to hear."""
        from lipverify.solvers.milp.external.process import SolverProcess

        encoding, regions, proof = self._encoding, self._regions, self._proof
        assert encoding is not None
        assert regions is not None
        assert proof is not None
        if self._dialogue is None:
            if not any(is_switch(s) for layer in encoding.states for s in layer):
                return False  # one pattern: the search looks at it
            try:
                solver = SolverProcess(encoding.model, self._backend, self._budget)
            except OSError as error:
                self.details["failure"] = f"the solver's process did not start: {error}"
                return False
            self._dialogue = Dialogue(solver, encoding, regions, proof, self._known)
        self._dialogue.listen()
        return not self._dialogue.over
