"""One run of the mixed-integer method: what is known so far, and how it becomes more."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from lipverify.bound import Bound, Rigor, Status, Witness
from lipverify.geometry.witness import Certified, certify_region
from lipverify.problem import Budget, Problem, supports
from lipverify.solvers.milp.encoding import Encoding, encode
from lipverify.solvers.milp.measure import ball_cut, ball_row
from lipverify.solvers.milp.model import Linear, Row, is_switch
from lipverify.solvers.milp.proof import Proof
from lipverify.solvers.milp.regions import Assignment, Regions
from lipverify.solvers.milp.relaxation import Relaxation

if TYPE_CHECKING:
    from lipverify.solvers.milp.backends import Report
    from lipverify.solvers.milp.method import Milp
    from lipverify.solvers.milp.program import Program

_ROUNDS = 40  # of ball cuts on the relaxation, before the first solve
_SOLVES, _BALL_SOLVES = 60, 6  # of the program; what is left is for the proof
_ENOUGH = 4.0  # allowances between the bounds below which another solve can tell nothing
_SHARE = 0.2  # of the time for linear programs that only make the model tighter


class Run:
    """One run: what is known so far, and how it becomes more."""

    def __init__(self, method: Milp, problem: Problem, budget: Budget) -> None:
        from lipverify.solvers.milp.backends import Backend, require  # PuLP is not loaded before it is needed

        self._method, self._problem, self._budget = method, problem, budget
        self._backend = Backend(method.solver, method.threads)
        require(self._backend)
        self.best: Certified | None = None
        self._proved: tuple[float, Rigor] = (math.inf, Rigor.PROVED)
        self._claimed = math.inf  # by the solver
        self._cut_off = 0.0  # the largest norm of a region that was evaluated and cut off
        self.failed = False
        self.details: dict[str, Any] = {"solver": method.solver}
        self._solves = 0
        self._proof: Proof | None = None
        self._steps: Iterator[None] = iter(())
        self.proved = False
        self._encoding: Encoding | None = None
        self._regions: Regions | None = None

    # What is known

    def interval(self, status: Status = Status.INTERRUPTED) -> Bound:
        """The interval so far."""
        upper, rigor = self._end()
        return Bound(
            method=self._method.name,
            status=status,
            lower=self.best.norm.lower if self.best else 0.0,
            upper=upper,
            upper_rigor=rigor,
            witness=self.best.witness if self.best else None,
            stats=self.stats(),
            details=self.details,
        )

    def stats(self) -> dict[str, int]:
        """Counts."""
        encoding, proof = self._encoding, self._proof
        found = {"solves": self._solves, "cuts": len(proof.clauses) if proof else 0}
        if encoding is not None and self._regions is not None:
            undecided = sum(is_switch(s) for layer in encoding.states for s in layer)
            found |= {"undecided": undecided, "settled": self._regions.settled}
            found["lps"] = encoding.lps + (proof.lps if proof else 0)
        return found | {"nodes": proof.nodes if proof else 0}

    def _offer(self, found: Certified | None) -> None:
        if found is not None and (self.best is None or found.norm.exceeds(self.best.norm)):
            self.best = found
            if self._proof is not None:
                self._proof.best = found

    def _prove_upper(self, upper: float, rigor: Rigor) -> None:
        if rigor is Rigor.NUMERICAL or rigor is Rigor.HEURISTIC:
            return
        if upper < self._proved[0]:
            self._proved = upper, rigor

    def _claim(self, upper: float) -> None:
        """Believe, for the time being, a solver's bound of what is left beside the regions that were cut off."""
        self._claimed = min(self._claimed, max(upper, self._cut_off))

    def _end(self) -> tuple[float, Rigor]:
        """The upper end: the solver's claim where it is the smaller one, and nothing proved contradicts it."""
        floor = self.best.norm.upper if self.best else 0.0
        upper, rigor = self._proved
        if self._claimed >= upper:
            return upper, rigor
        if self._claimed < (self.best.norm.lower if self.best else 0.0):
            self.details["contradicted"] = self._claimed
            return upper, rigor
        return max(self._claimed, floor), Rigor.NUMERICAL

    # What is done

    def start(self) -> Iterator[Bound]:
        """The bounds of the methods that were given, and the program."""
        method, problem, budget = self._method, self._problem, self._budget
        if method.bound is not None and supports(method.bound, problem):
            for given in method.bound.run(problem, budget):
                self._prove_upper(given.upper, given.upper_rigor)
        yield self.interval()
        if method.incumbent is not None and supports(method.incumbent, problem):
            patient = Budget(min(method.patience, budget.remaining), budget.seed)
            witness: Witness | None = None
            for found in method.incumbent.run(problem, patient):
                witness = found.witness
                if patient.expired:
                    break
                yield self.interval()
            if witness is not None:
                self._offer(certify_region(problem, witness.point, witness.pattern))
        yield self.interval()
        self._encoding = encoding = encode(problem, method.strength, _SHARE * budget.remaining)
        self._regions = Regions(problem, encoding.states)
        self._trim_ball()
        self._proof = Proof(encoding, self._regions, self.best)
        self._steps = self._proof.steps()
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

    def solve(self) -> Iterator[Bound]:
        """Ask the solver, look at the pattern in rationals, cut it off, until the bounds cannot come closer."""
        from lipverify.solvers.milp.backends import TOLERANCE, Verdict
        from lipverify.solvers.milp.program import Program

        encoding = self._encoding
        assert encoding is not None
        assert self._proof is not None
        model = encoding.model
        linear = model.target()
        if not any(is_switch(s) for layer in encoding.states for s in layer):
            return  # one pattern: the proof looks at it
        program = Program(model)
        # Multipliers that miss dual feasibility by the tolerance on every column miss the bound by this much.
        width = float((np.array(model.upper) - np.array(model.lower)).sum())
        allowance = TOLERANCE * (1 + width)
        for _ in range(_SOLVES if encoding.ball is None else _BALL_SOLVES):
            report = yield from self._watched(program, linear, allowance)
            self._solves += 1
            if report.verdict is Verdict.CRASHED:
                self.failed = True
                self.details["failure"] = report.message
                return
            if report.verdict is Verdict.UNKNOWN:
                self.details["failure"] = report.message
                return
            if report.verdict is Verdict.INFEASIBLE:
                if self._cut_off:
                    self._claim(linear.true_upper(allowance))
                return
            self._claim(linear.true_upper(report.bound + allowance))
            if report.values is None:
                yield self.interval()
                return
            row = self._examine({j: report.values[j] > 0.5 for j in model.switches})
            yield self.interval()
            floor = self.best.norm.lower if self.best else 0.0
            if report.verdict is Verdict.LIMIT or self._claimed <= floor + linear.true_upper(_ENOUGH * allowance):
                return
            program.add(row)
            if encoding.ball is not None:
                X = 2.0 * np.array(report.values)[np.array(encoding.ball)]
                program.add(self._proof.add(ball_row(model, encoding.ball, ball_cut(X))))

    def _watched(self, program: Program, linear: Linear, allowance: float) -> Generator[Bound, None, Report]:
        """One solve, with an interval now and then."""
        running = program.solve(self._backend, self._budget.remaining, self._budget.rel_gap, self.warm_start())
        try:
            while True:
                self._claim(linear.true_upper(next(running) + allowance))
                yield self.interval()
        except StopIteration as end:
            return end.value
        finally:
            running.close()

    def warm_start(self) -> list[float]:
        """The best region as a solution of the program, before the first solve cuts that region off."""
        encoding = self._encoding
        assert encoding is not None
        if self.best is None or self._solves:
            return []
        pairs = zip(encoding.states, self.best.witness.pattern, strict=True)
        sides = {s: float(on) for states, row in pairs for s, on in zip(states, row, strict=True) if is_switch(s)}
        relaxation, costs = Relaxation(encoding.model), encoding.model.target().costs
        for _ in range(2):  # the neurons' binaries first, then the others, as the relaxation likes them
            columns, values = np.array(list(sides), dtype=np.intp), np.array(list(sides.values()))
            relaxation.limit(columns, values, values)
            point = relaxation.maximise(costs).point
            if point is None:
                return []
            sides |= {j: float(point[j] > 0.5) for j in encoding.model.switches if j not in sides}
        return point.tolist()

    def _examine(self, values: Assignment) -> Row:
        """Evaluate a pattern exactly; the row that cuts it off, and all others that fail for the same reason."""
        encoding, regions, proof = self._encoding, self._regions, self._proof
        assert encoding is not None
        assert regions is not None
        assert proof is not None
        found = regions.find(values)
        if isinstance(found, Certified):
            self._offer(found)
            self._cut_off = max(self._cut_off, found.norm.upper)
            neurons = [s for layer in encoding.states for s in layer if is_switch(s)]
            return proof.close(tuple((s, values[s]) for s in neurons))
        return proof.close(found)

    def search(self, nodes: float = math.inf, seconds: float = math.inf) -> Iterator[Bound]:
        """Prove the constant without the solver, or `proved` stays false after so many nodes or seconds."""
        proof = self._proof
        assert proof is not None
        until = time.monotonic() + seconds
        while proof.nodes < nodes and time.monotonic() < until:
            if next(self._steps, self) is self:
                self.proved = True
                self._offer(proof.best)
                return
            self._offer(proof.best)
            self._prove_upper(proof.upper, Rigor.ROUNDED)
            yield self.interval()
