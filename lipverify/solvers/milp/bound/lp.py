"""The model's linear relaxation, solved by HiGHS, with upper bounds that do not depend on HiGHS being right.

For any multipliers y, every point of {L ≤ AX ≤ U, l ≤ X ≤ u} has

    c·X = y·AX + (c − Aᵀy)·X ≤ Σ_i max(y_i L_i, y_i U_i) + Σ_j max(r_j l_j, r_j u_j),   r = c − Aᵀy,

and the right-hand side is evaluated with every rounding added (Neumaier & Shcherbina, "Safe bounds in linear and
mixed-integer linear programming", Math. Programming 99 (2004), doi:10.1007/s10107-003-0433-3). Multipliers come from
HiGHS; bad ones make a weak bound, never a wrong one. Proof: proofs/milp.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import highspy
import numpy as np
from highspy import HighsModelStatus

from lipverify.arrays import Bools, Indices, Matrix, Vector
from lipverify.errors import OutOfRange
from lipverify.geometry.lp import accepted, quiet_solver, solve
from lipverify.solvers.milp.encode.model import LEAST, Model, Row
from lipverify.trusted.multipliers import Sides, weak_duality
from lipverify.trusted.rounding import downs, ups
from lipverify.trusted.scaling import shifted

_PRIMAL, _DUAL = 4, 1  # of HiGHS's simplex strategies
_DEVEX = 1  # steepest-edge weights of an old basis would have to be computed first
_GAIN = 0.01  # the least relative gain for which a big-M constant is changed


@dataclass(frozen=True, slots=True)
class Answer:
    """A proved upper bound of the objective (−inf: proved infeasible), and HiGHS's optimal point if it found one."""

    upper: float
    point: Vector | None


class Relaxation:
    """maximise c·X over a model's rows and limits, binaries relaxed to [0, 1]; built once, changed in place.

    Attributes
    ----------
    lower, upper
        The limits in force, shape (variables,); `limit` changes them.
    solved
        How many LPs were solved.
    """

    def __init__(self, model: Model, *, many_objectives: bool = False) -> None:
        self._A, self._low, self._high = model.matrix()
        self._absolute = np.abs(self._A)
        self.lower, self.upper = np.array(model.lower), np.array(model.upper)
        self._columns = np.arange(model.size, dtype=np.int32)
        self._solver = quiet_solver()
        # A new objective leaves the old vertex primal feasible, new limits leave it dual feasible.
        self._solver.setOptionValue("simplex_strategy", _PRIMAL if many_objectives else _DUAL)
        self._solver.setOptionValue("simplex_dual_edge_weight_strategy", _DEVEX)
        _require(self._solver.passModel(_program(model, self._A, self._low, self._high)))
        self._costs = np.zeros(model.size)
        self._links = _Links.of(model)
        self.solved = 0

    def limit(self, columns: Indices, lower: Vector, upper: Vector) -> None:
        """Change the limits of some variables."""
        self.lower[columns], self.upper[columns] = lower, upper
        _require(self._solver.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper))

    def add(self, row: Row) -> None:
        """Append a row."""
        dense = np.zeros((1, len(self._columns)))
        dense[0, list(row.columns)] = row.coefficients
        self._A, self._absolute = np.vstack([self._A, dense]), np.vstack([self._absolute, np.abs(dense)])
        self._low, self._high = np.append(self._low, row.low), np.append(self._high, row.high)
        indices, values = np.array(row.columns, dtype=np.int32), np.array(row.coefficients)
        _require(self._solver.addRow(row.low, row.high, len(indices), indices, values))

    def tighten(self, low: Vector, high: Vector) -> None:
        """Take the big-M constants from other ranges of the quantities, shapes (quantities,).

        Rows that would gain next to nothing stay as they are, if they are wide enough.
        """
        links = self._links
        if not len(links.rows):
            return
        big, limits = links.at(low, high)
        present = links.present
        with np.errstate(invalid="ignore"):  # ∞ - ∞: a row that is infinitely wide stays so
            gains = np.abs(big - present) > _GAIN * np.abs(present)
        changed = np.flatnonzero(np.where(links.above, big > present, big < present) | gains)
        if not len(changed):
            return
        present[changed] = big[changed]
        rows, columns = links.rows[changed], links.binaries[changed]
        coefficients = np.where(links.flipped, big, -big)[changed]
        self._A[rows, columns], self._absolute[rows, columns] = coefficients, np.abs(coefficients)
        for row, column, value in zip(rows.tolist(), columns.tolist(), coefficients.tolist(), strict=True):
            _require(self._solver.changeCoeff(row, column, value))
        moved = changed[links.flipped[changed]]
        above, rows = links.above[moved], links.rows[moved]
        self._high[rows] = np.where(above, limits[moved], self._high[rows])
        self._low[rows] = np.where(above, self._low[rows], limits[moved])
        for row in rows.tolist():
            _require(self._solver.changeRowBounds(row, self._low[row], self._high[row]))

    def maximise(self, costs: Vector) -> Answer:
        """A proved upper bound of costs·X, and where HiGHS attains it."""
        if not np.array_equal(costs, self._costs):
            _require(self._solver.changeColsCost(len(costs), self._columns, costs))
            self._costs = costs
        ended = solve(self._solver)
        self.solved += 1
        status = self._solver.getModelStatus() if accepted(ended) else HighsModelStatus.kUnknown
        if status == HighsModelStatus.kOptimal:
            solution = self._solver.getSolution()
            point = np.array(solution.col_value)
            return Answer(self.bound(costs, np.array(solution.row_dual)), point if np.isfinite(point).all() else None)
        if status == HighsModelStatus.kInfeasible and self._refuted():
            return Answer(-math.inf, None)
        self._solver.clearSolver()  # any other status says nothing, and may leave a bad basis
        return Answer(self.bound(costs, np.zeros(len(self._low))), None)

    def _refuted(self) -> bool:
        """Whether HiGHS's ray proves, rounding included, that no point satisfies the rows."""
        found, exists, ray = getattr(self._solver, "getDualRay")()  # noqa: B009 (missing in highspy's stubs)
        if not (accepted(found) and exists):
            return False
        multipliers = np.array(ray)
        zero = np.zeros(len(self._columns))
        return any(self.bound(zero, y) < 0 for y in (multipliers, -multipliers))

    def bound(self, costs: Vector, multipliers: Vector) -> float:
        """The right-hand side of the module's formula for some multipliers, rounded up."""
        sides = Sides(self._low, self._high, self.lower, self.upper)
        return weak_duality(costs, self._A, self._absolute, sides, multipliers)


@dataclass(frozen=True, eq=False)
class _Links:
    """A model's links as columns of numbers, and the big-M constants in force, in the rows' units."""

    rows: Indices
    binaries: Indices
    quantities: Indices
    upper: Bools
    signs: Vector
    above: Bools
    flipped: Bools
    exponents: Indices
    constants: Vector
    present: Vector

    @classmethod
    def of(cls, model: Model) -> _Links:
        """The links of a model."""
        links = model.links
        coefficients = [
            dict(zip(model.rows[k.row].columns, model.rows[k.row].coefficients, strict=True)) for k in links
        ]
        present = [c.get(k.binary, 0.0) * (1 if k.flipped else -1) for c, k in zip(coefficients, links, strict=True)]
        return cls(
            np.array([k.row for k in links], dtype=np.intp),
            np.array([k.binary for k in links], dtype=np.intp),
            np.array([k.end.quantity for k in links], dtype=np.intp),
            np.array([k.end.upper for k in links], dtype=bool),
            np.array([k.end.sign for k in links]),
            np.array([k.above for k in links], dtype=bool),
            np.array([k.flipped for k in links], dtype=bool),
            np.array([k.exponent for k in links], dtype=np.intp),
            np.array([k.constant for k in links]),
            np.array(present),
        )

    def at(self, low: Vector, high: Vector) -> tuple[Vector, Vector]:
        """The constants, and the limits of the flipped rows, from other ranges; rounded so that the rows are wider."""
        ends = self.signs * np.where(self.upper, high[self.quantities], low[self.quantities])
        exact = shifted(ends, -self.exponents)
        outward = np.where(self.above, 1.0, -1.0)
        # A small one could be dropped by the solver: it becomes 0, or large enough, whichever is the wider.
        big = np.where(np.abs(exact) >= LEAST, exact, np.where(ends * outward > 0, LEAST * outward, 0.0))
        total = big + self.constants
        return big, np.where(self.constants == 0, total, np.where(self.above, ups(total), downs(total)))


def _require(status: highspy.HighsStatus) -> None:
    """HiGHS took what it was given.

    Raises
    ------
    OutOfRange
        When it refused: going on with half a program would end in a crash.
    """
    if not accepted(status):
        raise OutOfRange("milp: HiGHS refused a number of the program, beyond its range; scale the network or domain")


def _program(model: Model, A: Matrix, low: Vector, high: Vector) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.size, len(model.rows)
    lp.col_cost_ = np.zeros(model.size)
    lp.col_lower_, lp.col_upper_ = np.array(model.lower), np.array(model.upper)
    lp.row_lower_, lp.row_upper_ = low, high
    lp.sense_ = highspy.ObjSense.kMaximize
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.cumsum([0, *(len(r.columns) for r in model.rows)]).astype(np.int32)
    lp.a_matrix_.index_ = np.array([j for r in model.rows for j in r.columns], dtype=np.int32)
    lp.a_matrix_.value_ = np.array([c for r in model.rows for c in r.coefficients])
    return lp
