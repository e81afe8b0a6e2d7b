"""Mixed-integer solvers, through PuLP, and what may be believed of what they say.

PuLP calls a time limit and a gap stop "optimal", reports objective 0 where there is no solution, and drops warm starts;
so HiGHS is asked itself, and every status of every solver is looked up in one total table. Only the solver's
bound is used, never its incumbent's objective, except where a solver without a bound proves its incumbent optimal.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

import highspy
import numpy as np
import pulp
from highspy import HighsModelStatus
from pulp.apis.coin_api import pulp_cbc_path

from lipverify.errors import InvalidArgument

TOLERANCE = 1e-9
"""Of primal and dual feasibility, asked of every solver that takes it."""


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
        return bool(make_solver(self, None, 0.0).available())


def require(backend: Backend) -> None:
    """Raise InvalidArgument when there is no such solver here."""
    if not backend.available():
        raise InvalidArgument(f"PuLP does not find the solver {backend.name}; found are: {', '.join(available())}")


def available() -> list[str]:
    """The solvers that can be used here."""
    return [name for name in _SOLVERS if Backend(name).available()]


@dataclass(frozen=True)
class Progress:
    """What a solver that is running has so far, in the model's units.

    Attributes
    ----------
    bound
        Its upper bound, inf when it has none.
    values
        A new incumbent's value of every variable, or None.
    """

    bound: float = math.inf
    values: list[float] | None = None


Tell: TypeAlias = Callable[[Progress], Any]


@dataclass(frozen=True)
class Course:
    """How a solve begins, and who is told how it goes.

    Attributes
    ----------
    variables
        PuLP's variables in the model's order.
    start
        The value of every variable in a known solution, or nothing.
    tell
        Called with every `Progress`, while the solver waits.
    """

    variables: list[Any]
    start: Sequence[float]
    tell: Tell


class Highs(pulp.HiGHS):
    """PuLP's HiGHS, with a warm start, told progress, and without PuLP's reading of the end."""

    course: Course

    def callSolver(self, lp: Any) -> None:  # noqa: N802 (PuLP's name)
        """Run HiGHS."""
        highs = lp.solverModel
        if self.course.start:
            # Columns come in PuLP's order. All of them are given: HiGHS would complete a part by a program of its own.
            pairs = zip(self.course.variables, self.course.start, strict=True)
            start = {v.index: value for v, value in pairs if hasattr(v, "index")}
            indices = np.array(list(start), dtype=np.int32)
            highs.setSolution(len(indices), indices, np.array(list(start.values()), dtype=np.float64))
        highs.cbMipLogging.subscribe(self._bounded)
        highs.cbMipImprovingSolution.subscribe(self._improved)
        highs.run()
        highs.cbMipImprovingSolution.clear()
        highs.cbMipLogging.clear()

    # Both events are the program's own; others, like interrupts, come from its sub-programs too.

    def _bounded(self, event: Any) -> None:
        self.course.tell(Progress(-float(event.data_out.mip_dual_bound)))

    def _improved(self, event: Any) -> None:
        self.course.tell(Progress(values=_in_order(self.course.variables, event.data_out.mip_solution.tolist())))

    def findSolutionValues(self, lp: Any) -> tuple[int, int]:  # noqa: N802 (PuLP's name)
        """Leave it to `_highs_report`: PuLP's own table says "optimal" for a time limit, and lacks statuses."""
        return pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound


def _highs_report(problem: Any, variables: list[Any]) -> Report:
    highs = problem.solverModel
    status, info = highs.getModelStatus(), highs.getInfo()
    verdict = HIGHS[status]
    solution = highs.getSolution()
    values = _in_order(variables, list(solution.col_value)) if solution.value_valid else None
    if verdict not in (Verdict.OPTIMAL, Verdict.LIMIT):
        return Report(verdict, message=str(status))
    if not problem.isMIP():
        return Report(verdict, -info.objective_function_value if verdict is Verdict.OPTIMAL else math.inf, values)
    bound = -float(info.mip_dual_bound)
    return Report(verdict, math.inf if math.isnan(bound) else bound, values)


def _in_order(variables: list[Any], columns: list[float]) -> list[float]:
    """HiGHS' values in the model's order; a variable in no row is none of PuLP's, and has no index."""
    return [columns[v.index] if hasattr(v, "index") else v.lowBound for v in variables]


_BOUNDS: Mapping[str, Any] = MappingProxyType(
    {
        "SCIP": lambda model: model.getDualbound(),
        "Gurobi": lambda model: model.ObjBound,
        "CPLEX": lambda model: model.solution.MIP.get_best_objective(),
    }
)


def solved(problem: Any, name: str, solver: Any, course: Course) -> Report:
    """Run a solver and read its answer."""
    variables = course.variables
    if isinstance(solver, Highs):
        solver.course = course
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
    return Highs(
        msg=False,
        timeLimit=seconds,
        gapRel=gap,
        gapAbs=0.0,
        threads=backend.threads,
        primal_feasibility_tolerance=TOLERANCE,
        dual_feasibility_tolerance=TOLERANCE,
        mip_feasibility_tolerance=TOLERANCE,
        output_flag=True,  # silent, but without it the bound is not reported on the way
        log_to_console=False,
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


def make_solver(backend: Backend, seconds: float | None, gap: float) -> Any:
    if backend.name not in _SOLVERS:
        raise InvalidArgument(f"there is no solver {backend.name!r}; known are: {', '.join(_SOLVERS)}")
    return _SOLVERS[backend.name](backend, seconds, gap)
