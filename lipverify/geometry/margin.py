"""Interior points of cones by linear programming, in floats: proposals for the exact code to verify."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import highspy
import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.geometry.lp import accepted, quiet_solver, solve

_DUAL = 1e-9  # duals below this count as zero


@dataclass(frozen=True)
class Interior:
    """A point (x, t) of a cone, shape (d + 1,), and the least distance from the cone's hyperplanes."""

    point: Vector
    margin: float


@final
class MarginProgram:
    """max r ≤ 1 subject to row·(x, t) ≥ r‖row‖ for all rows, |x| ≤ 1 and 0 ≤ t ≤ 1.

    One solver object serves many cones of the same dimension d + 1. The answer is a float solver's: a
    positive margin proposes an interior point, and nothing follows from its absence.
    """

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._solver = quiet_solver()

    def interior_point(self, rows: Matrix) -> Interior | None:
        """A point with positive margin, or None when the solver found none; zero rows are dropped.

        Parameters
        ----------
        rows
            Half-spaces row·(x, t) ≥ 0, shape (m, d + 1), of any scale.
        """
        unit = unit_rows(rows)
        solver = self._solver
        solver.clearModel()
        if not (accepted(solver.passModel(self._model(unit))) and accepted(solve(solver))):
            return None
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        values = np.array(solver.getSolution().col_value)
        if not (np.isfinite(values).all() and values[-1] > 0):
            return None
        return Interior(values[:-1], float(values[-1]))

    def support(self) -> list[int]:
        """Indices (of non-zero rows) on which the last margin rests, as far as the solver can tell: a hint."""
        solution = self._solver.getSolution()
        return np.flatnonzero(np.abs(np.array(solution.row_dual)) > _DUAL).tolist() if solution.dual_valid else []

    def supported_by_t(self) -> bool:
        """Whether it rests on 0 ≤ t too, likewise."""
        solution = self._solver.getSolution()
        return bool(solution.dual_valid and abs(solution.col_dual[self._dimension - 1]) > _DUAL)

    def _model(self, unit: Matrix) -> highspy.HighsLp:
        m, n = unit.shape[0], self._dimension + 1
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = n, m
        lp.col_cost_ = np.append(np.zeros(n - 1), -1.0)
        lp.col_lower_ = np.concatenate([np.full(n - 2, -1.0), [0.0, -1.0]])
        lp.col_upper_ = np.ones(n)
        lp.row_lower_, lp.row_upper_ = np.zeros(m), np.full(m, highspy.kHighsInf)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.arange(m + 1, dtype=np.int32) * n
        lp.a_matrix_.index_ = np.tile(np.arange(n, dtype=np.int32), m)
        lp.a_matrix_.value_ = np.column_stack([unit, np.full(m, -1.0)]).ravel()
        return lp


def unit_rows(rows: Matrix) -> Array:
    """The rows of Euclidean length 1, zero rows dropped, shape (≤ m, d + 1)."""
    top = np.abs(rows).max(axis=1, initial=0.0)
    kept = (top > 0) & np.isfinite(top)
    scaled = rows[kept] / top[kept, None]  # far from overflow and underflow
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
