"""Mixed-integer solvers, through PuLP, and what may be believed of what they say.

PuLP calls a time limit and a gap stop "optimal", reports objective 0 where there is no solution, and drops warm starts;
so HiGHS is asked itself, and every status of every solver is looked up in one total table. Only the solver's
bound is used, never its incumbent's objective, except where a solver without a bound proves its incumbent optimal.
"""

from __future__ import annotations

import enum
import math
import threading
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import highspy
import numpy as np
import pulp
from highspy import HighsModelStatus
from pulp.apis.coin_api import pulp_cbc_path

from lipverify.errors import InvalidArgument
from lipverify.solvers.milp.model import Model, Row

TOLERANCE = 1e-9
"""Of primal and dual feasibility, asked of every solver that takes it."""
_GLANCE = 0.05  # seconds between two looks at a solver that is running


_LONGEST = 255  # characters of a name in a .lp file
_LEGEND = (
    "The largest norm of the Jacobian. Layers count from 1, neurons and inputs from 0.",
    "on_L1_N0 = 1 where the neuron is active, 0 where not; its pre-activation is pos_L1_N0 - neg_L1_N0,",
    "y_L1_N0 where its sign is known, and value_L1_N0 what it passes on (pos_L1_N0 for a relu).",
    "The derivative enters as seed, meets a neuron as v, and is split into through (where on = 1) and past.",
    "slope_pos_0 - slope_neg_0 is an entry of the gradient, slope_positive_0 its sign.",
    "Coefficients are rounded to twelve digits here; the solver that runs in this process gets all of them.",
    "Quantities are divided by powers of two that bring them near 1; those that are not 2^0:",
)


class Verdict(enum.Enum):
    """What a solver's status means here."""

    OPTIMAL = "the bound holds and is attained, up to the solver's tolerances"
    LIMIT = "stopped early; the bound holds, if there is one"
    INFEASIBLE = "nothing is left"
    UNKNOWN = "the status says nothing"
    CRASHED = "the solver failed"


HIGHS: Mapping[HighsModelStatus, Verdict] = MappingProxyType(
    {
        HighsModelStatus.kOptimal: Verdict.OPTIMAL,
        HighsModelStatus.kInfeasible: Verdict.INFEASIBLE,
        HighsModelStatus.kTimeLimit: Verdict.LIMIT,
        HighsModelStatus.kIterationLimit: Verdict.LIMIT,
        HighsModelStatus.kSolutionLimit: Verdict.LIMIT,
        HighsModelStatus.kMemoryLimit: Verdict.LIMIT,
        HighsModelStatus.kObjectiveBound: Verdict.LIMIT,
        HighsModelStatus.kObjectiveTarget: Verdict.LIMIT,
        HighsModelStatus.kInterrupt: Verdict.LIMIT,
        getattr(HighsModelStatus, "kHighsInterrupt"): Verdict.LIMIT,  # noqa: B009 (missing in highspy's stubs)
        # Every variable has finite limits, so "unbounded" is a solver's numerical trouble.
        HighsModelStatus.kUnbounded: Verdict.UNKNOWN,
        HighsModelStatus.kUnboundedOrInfeasible: Verdict.UNKNOWN,
        HighsModelStatus.kUnknown: Verdict.UNKNOWN,
        HighsModelStatus.kNotset: Verdict.UNKNOWN,
        HighsModelStatus.kModelEmpty: Verdict.UNKNOWN,
        HighsModelStatus.kLoadError: Verdict.CRASHED,
        HighsModelStatus.kModelError: Verdict.CRASHED,
        HighsModelStatus.kPresolveError: Verdict.CRASHED,
        HighsModelStatus.kSolveError: Verdict.CRASHED,
        HighsModelStatus.kPostsolveError: Verdict.CRASHED,
    }
)

# Of the other solvers PuLP tells two codes, status and solution status; only one pair of them claims optimality.
PULP: Mapping[int, Verdict] = MappingProxyType(
    {
        pulp.LpStatusOptimal: Verdict.LIMIT,
        pulp.LpStatusNotSolved: Verdict.LIMIT,
        pulp.LpStatusInfeasible: Verdict.INFEASIBLE,
        pulp.LpStatusUnbounded: Verdict.UNKNOWN,
        pulp.LpStatusUndefined: Verdict.UNKNOWN,
    }
)


@dataclass(frozen=True)
class Report:
    """What a solve gave, in the model's units.

    Attributes
    ----------
    verdict
        What the status means.
    bound
        The solver's upper bound, inf when it has none.
    values
        Its incumbent's value of every variable, or None.
    message
        What the solver or PuLP said when it failed.
    """

    verdict: Verdict
    bound: float = math.inf
    values: list[float] | None = None
    message: str = ""


@dataclass(frozen=True)
class Backend:
    """A solver and how it is used.

    Attributes
    ----------
    name
        HiGHS, CBC, SCIP, Gurobi or CPLEX: whichever of them PuLP finds.
    threads
        How many threads it may use.
    """

    name: str = "HiGHS"
    threads: int = 1

    def available(self) -> bool:
        """Whether PuLP finds the solver."""
        return bool(_solver(self, None, 0.0).available())


def require(backend: Backend) -> None:
    """Raise InvalidArgument when there is no such solver here."""
    if not backend.available():
        raise InvalidArgument(f"PuLP does not find the solver {backend.name}; found are: {', '.join(available())}")


def available() -> list[str]:
    """The solvers that can be used here."""
    return [name for name in _SOLVERS if Backend(name).available()]


class Program:
    """A model as a PuLP problem, to which rows can be added between solves."""

    def __init__(self, model: Model) -> None:
        self.problem = pulp.LpProblem("lipverify", pulp.LpMaximize)
        linear = model.linear(model.objective)
        self._units = dict(zip(model.names, model.exponents, strict=True)) | {"the objective": linear.exponent}
        self._variables = [
            self.problem.add_variable(name, low, high, pulp.LpInteger if is_binary else pulp.LpContinuous)
            for name, low, high, is_binary in zip(model.names, model.lower, model.upper, model.binary, strict=True)
        ]
        self.problem += pulp.LpAffineExpression(
            [(self._variables[j], float(linear.costs[j])) for j in np.flatnonzero(linear.costs)]
        )
        for row in model.rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Append a row; one with two limits that differ becomes two constraints."""
        expression = pulp.LpAffineExpression(
            [(self._variables[j], c) for j, c in zip(row.columns, row.coefficients, strict=True)]
        )
        if row.low == row.high:
            sides = [("", pulp.LpConstraintEQ, row.low)]
        else:
            sides = [("_least", pulp.LpConstraintGE, row.low), ("_most", pulp.LpConstraintLE, row.high)]
            sides = [side for side in sides if math.isfinite(side[2])]
        for suffix, sense, limit in sides:
            name = row.name + (suffix if len(sides) > 1 else "")
            self.problem += pulp.LpConstraint(expression, sense, name, limit)

    def write(self, path: Path) -> None:
        """Write the program to a .lp or .mps file.

        Raises
        ------
        InvalidArgument
            For another ending.
        """
        if path.suffix not in (".lp", ".mps"):
            raise InvalidArgument(f"cannot write a model to {path}: the name must end in .lp or .mps")
        if path.suffix == ".lp":
            self.problem.writeLP(str(path), max_length=_LONGEST)
        else:
            self.problem.writeMPS(str(path), with_objsense=True)
        mark = "\\ " if path.suffix == ".lp" else "* "
        legend = [*_LEGEND, *(f"  {name}: 2^{e}" for name, e in self._units.items() if e)]
        path.write_text("".join(f"{mark}{line}\n" for line in legend) + path.read_text())

    def solve(
        self, backend: Backend, seconds: float, gap: float, start: Mapping[int, float] = MappingProxyType({})
    ) -> Generator[float, None, Report]:
        """Solve in a thread, yielding the solver's upper bound so far now and then; returns the report.

        Closing the generator stops HiGHS; a solver that is another process runs on to its end, unheeded.

        Parameters
        ----------
        backend
            Which solver, with how many threads.
        seconds, gap
            Its time limit (inf for none) and its relative gap.
        start
            Values of some variables in a known solution.
        """
        solver = _solver(backend, None if math.isinf(seconds) else max(seconds, 0.01), gap)
        watch = _Watch(dict(start))
        found: list[Report] = []

        def work() -> None:
            try:
                found.append(_solved(self.problem, self._variables, backend.name, solver, watch))
            except Exception as error:  # noqa: BLE001 (whatever a binding raises is reported)
                found.append(Report(Verdict.CRASHED, message=f"{type(error).__name__}: {error}"))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(_GLANCE)
                if thread.is_alive():
                    yield watch.bound
        finally:
            watch.stop = True
            if isinstance(solver, _Highs):
                thread.join()
        return found[0]


@dataclass
class _Watch:
    """What the solver's thread and ours tell each other."""

    start: dict[int, float]
    bound: float = math.inf
    stop: bool = False


class _Highs(pulp.HiGHS):
    """PuLP's HiGHS, with a warm start, a running bound, a way to stop it, and without PuLP's reading of the end."""

    watch: _Watch

    def callSolver(self, lp: Any) -> None:  # noqa: N802 (PuLP's name)
        """Run HiGHS."""
        highs = lp.solverModel
        if self.watch.start:
            indices = np.array(list(self.watch.start), dtype=np.int32)
            highs.setSolution(len(indices), indices, np.array(list(self.watch.start.values()), dtype=np.float64))
        highs.cbMipInterrupt.subscribe(self._glance)
        highs.run()
        highs.cbMipInterrupt.clear()

    def _glance(self, event: Any) -> None:
        self.watch.bound = min(self.watch.bound, -float(event.data_out.mip_dual_bound))
        if self.watch.stop:
            event.data_in.user_interrupt = True

    def findSolutionValues(self, lp: Any) -> tuple[int, int]:  # noqa: N802 (PuLP's name)
        """Leave it to `_highs_report`: PuLP's own table says "optimal" for a time limit, and lacks statuses."""
        return pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound


def _highs_report(problem: Any, variables: list[Any]) -> Report:
    highs = problem.solverModel
    status, info = highs.getModelStatus(), highs.getInfo()
    verdict = HIGHS[status]
    solution = highs.getSolution()
    values: list[float] | None = None
    if solution.value_valid:  # a variable in no row is none of PuLP's, and has no index
        found = list(solution.col_value)
        values = [found[v.index] if hasattr(v, "index") else v.lowBound for v in variables]
    if verdict not in (Verdict.OPTIMAL, Verdict.LIMIT):
        return Report(verdict, message=str(status))
    if not problem.isMIP():
        return Report(verdict, -info.objective_function_value if verdict is Verdict.OPTIMAL else math.inf, values)
    bound = -float(info.mip_dual_bound)
    return Report(verdict, math.inf if math.isnan(bound) else bound, values)


_BOUNDS: Mapping[str, Any] = MappingProxyType(
    {
        "SCIP": lambda model: model.getDualbound(),
        "Gurobi": lambda model: model.ObjBound,
        "CPLEX": lambda model: model.solution.MIP.get_best_objective(),
    }
)


def _solved(problem: Any, variables: list[Any], name: str, solver: Any, watch: _Watch) -> Report:
    """Run a solver and read its answer."""
    if isinstance(solver, _Highs):
        solver.watch = watch
        problem.solve(solver)
        return _highs_report(problem, variables)
    verdict = PULP[problem.solve(solver)]
    optimal = verdict is Verdict.LIMIT and problem.sol_status == pulp.LpSolutionOptimal
    values: list[float] | None = None
    if any(v.varValue is not None for v in variables):
        values = [v.lowBound if v.varValue is None else v.varValue for v in variables]
    if verdict is not Verdict.LIMIT:
        return Report(verdict, message=pulp.LpStatus[problem.status])
    if name in _BOUNDS:
        bound = float(_BOUNDS[name](problem.solverModel))
    else:
        bound = float(pulp.value(problem.objective)) if optimal and values is not None else math.inf
    return Report(Verdict.OPTIMAL if optimal else Verdict.LIMIT, bound, values)


def _highs(backend: Backend, seconds: float | None, gap: float) -> Any:
    highspy.Highs.resetGlobalScheduler(True)  # a changed number of threads would solve nothing, silently
    return _Highs(
        msg=False,
        timeLimit=seconds,
        gapRel=gap,
        gapAbs=0.0,
        threads=backend.threads,
        primal_feasibility_tolerance=TOLERANCE,
        dual_feasibility_tolerance=TOLERANCE,
        mip_feasibility_tolerance=TOLERANCE,
    )


def _cbc(backend: Backend, seconds: float | None, gap: float) -> Any:
    # It gives no bound, so a gap would be a gap unknown.
    options = {"msg": False, "timeLimit": seconds, "threads": backend.threads, "gapRel": 0.0, "gapAbs": 0.0}
    bundled = pulp.COIN_CMD(path=pulp_cbc_path, options=[f"primalTolerance {TOLERANCE}"], **options)
    return bundled if bundled.available() else pulp.COIN_CMD(options=[f"primalTolerance {TOLERANCE}"], **options)


def _scip(backend: Backend, seconds: float | None, gap: float) -> Any:
    return pulp.SCIP_PY(msg=False, timeLimit=seconds, gapRel=gap)


def _gurobi(backend: Backend, seconds: float | None, gap: float) -> Any:
    # PuLP ignores gapRel=0.
    return pulp.GUROBI(
        msg=False,
        timeLimit=seconds,
        MIPGap=gap,
        Threads=backend.threads,
        FeasibilityTol=TOLERANCE,
        IntFeasTol=TOLERANCE,
    )


def _cplex(backend: Backend, seconds: float | None, gap: float) -> Any:
    options = {"mip.tolerances.mipgap": gap, "simplex.tolerances.feasibility": TOLERANCE}
    return pulp.CPLEX_PY(msg=False, timeLimit=seconds, threads=backend.threads, **options)


_SOLVERS: Mapping[str, Any] = MappingProxyType(
    {"HiGHS": _highs, "CBC": _cbc, "SCIP": _scip, "Gurobi": _gurobi, "CPLEX": _cplex}
)


def _solver(backend: Backend, seconds: float | None, gap: float) -> Any:
    if backend.name not in _SOLVERS:
        raise InvalidArgument(f"there is no solver {backend.name!r}; known are: {', '.join(_SOLVERS)}")
    return _SOLVERS[backend.name](backend, seconds, gap)
