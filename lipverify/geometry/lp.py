"""Linear programs over a cell: the one place that talks to HiGHS.

Nothing here is trusted. An answer is a hint — a point to try, or the rows that may carry the multipliers —
and `geometry.cone` accepts it only with evidence of its own. The model is built once and changed in place:
a row per half-space, switched on and off by its bounds, and a new objective per question.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from highspy import HighsModelStatus

from lipverify.arrays import Array, Matrix, Signs, Vector
from lipverify.watch import tick

INF = highspy.kHighsInf
_OPTIONS: dict[str, bool | int | str] = {
    "output_flag": False,
    "log_to_console": False,
    "presolve": "off",
    "threads": 1,
    "solver": "simplex",
}
_PRIMAL = 4  # of HiGHS's simplex strategies
_ITERATIONS = 20_000  # many times what any cell has needed
_PIECE = 0.3  # seconds between two looks at the clock


def accepted(status: highspy.HighsStatus) -> bool:
    """Whether HiGHS took what it was given; of what it refuses nothing may be asked any more."""
    return status != highspy.HighsStatus.kError


def quiet_solver() -> highspy.Highs:
    """HiGHS for many small LPs: simplex, one thread, no presolve, no output."""
    solver = highspy.Highs()
    for name, value in _OPTIONS.items():
        solver.setOptionValue(name, value)
    return solver


def solve(solver: highspy.Highs) -> highspy.HighsStatus:
    """Have HiGHS solve its program, in pieces: time and Ctrl-C are looked at between them.

    An exception of HiGHS's own is an answer that says nothing, as its errors are.
    """
    while True:
        solver.setOptionValue("time_limit", solver.getRunTime() + _PIECE)
        try:
            status = solver.run()
        except RuntimeError:
            return highspy.HighsStatus.kError
        tick()
        if not accepted(status) or solver.getModelStatus() != HighsModelStatus.kTimeLimit:
            return status


@dataclass(frozen=True, slots=True)
class Optimum:
    """What HiGHS calls an optimum: a vertex, and the duals of rows and variables (their support is tight there)."""

    point: Vector
    row_duals: Vector
    column_duals: Vector


class LinearProgram:
    """maximise g·z over lower ≤ z ≤ upper and the half-spaces s_i (rows_i·z) ≥ 0 with s_i ≠ 0."""

    def __init__(self, lower: Vector, upper: Vector) -> None:
        self._solver = quiet_solver()
        # The old vertex stays feasible for a new objective, so the primal method starts where it stood.
        self._solver.setOptionValue("simplex_strategy", _PRIMAL)
        # Perturbed bounds guard against cycling and cost a clean-up every time; a limit guards as well.
        self._solver.setOptionValue("primal_simplex_bound_perturbation_multiplier", 0.0)
        self._solver.setOptionValue("simplex_iteration_limit", _ITERATIONS)
        m = len(lower)
        self._columns = np.arange(m, dtype=np.int32)
        self._able = accepted(self._solver.addVars(m, lower, upper))
        self._solver.changeObjectiveSense(highspy.ObjSense.kMaximize)
        self._signs: list[int] = []
        self.solved = 0

    def push(self, rows: Matrix) -> None:
        """Append half-spaces, shape (n, m), all switched off."""
        n, m = rows.shape
        if n and self._able:
            free = np.full(n, INF)
            starts = np.arange(n, dtype=np.int32) * m
            columns, values = np.tile(self._columns, n), rows.ravel()
            self._able = accepted(self._solver.addRows(n, -free, free, n * m, starts, columns, values))
        self._signs += [0] * n

    def pop(self, n: int) -> None:
        """Remove the last n half-spaces."""
        if n:
            total = len(self._signs)
            if self._able:
                self._able = accepted(self._solver.deleteRows(n, np.arange(total - n, total, dtype=np.int32)))
            del self._signs[total - n :]

    def maximise(self, form: Vector, signs: Signs) -> Optimum | None:
        """Maximise form·z with the rows switched as in `signs`, shape (rows,).

        None unless HiGHS says optimal: any other status says nothing. Once it has refused a number, always None.
        """
        solver = self._solver
        current = self._signs
        for i, sign in enumerate(signs.tolist()):
            if sign != current[i] and self._able:
                limits = 0.0 if sign > 0 else -INF, 0.0 if sign < 0 else INF
                self._able = accepted(solver.changeRowBounds(i, *limits))
                current[i] = sign
        if not (self._able and accepted(solver.changeColsCost(len(form), self._columns, form))):
            return None
        status = solve(solver)
        self.solved += 1
        if not accepted(status) or solver.getModelStatus() != HighsModelStatus.kOptimal:
            solver.clearSolver()
            return None
        solution = solver.getSolution()
        return Optimum(np.array(solution.col_value), np.array(solution.row_dual), np.array(solution.col_dual))


def normalised(rows: Array) -> Array:
    """Rows divided by their largest entry in absolute value, zero rows left alone."""
    top = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    return rows / np.where(top > 0, top, 1.0)
