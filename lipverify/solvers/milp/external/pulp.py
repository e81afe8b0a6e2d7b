"""A model as a PuLP problem: solved, and written to a file that a person can read."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pulp

from lipverify.errors import InvalidArgument
from lipverify.solvers.milp.encode.model import Model, Row
from lipverify.solvers.milp.external.backends import (
    Backend,
    Course,
    Progress,
    Report,
    Tell,
    Verdict,
    make_solver,
    solved,
)
from lipverify.writing import write_whole

_LONGEST = 255  # characters of a name in a .lp file
_LEGEND = (
    "The largest norm of the Jacobian. Layers count from 1, neurons and inputs from 0.",
    "on_L1_N0 = 1 where the neuron is active, 0 where not; its pre-activation is pos_L1_N0 - neg_L1_N0,",
    "y_L1_N0 where its sign is known, and value_L1_N0 what it passes on (pos_L1_N0 for a relu).",
    "The derivative enters as a test vector, vector_0 and so on, meets a neuron as v,",
    "and is split into through (where on = 1) and past.",
    "slope_pos_0 - slope_neg_0 is an entry of the gradient, slope_positive_0 its sign.",
    "Coefficients are rounded to twelve digits here; HiGHS gets all of them when lipverify asks it.",
    "Quantities are divided by powers of two that bring them near 1; those that are not 2^0:",
)


class Program:
    """A model as a PuLP problem, to which rows can be added between solves."""

    def __init__(self, model: Model) -> None:
        self.problem = pulp.LpProblem("lipverify", pulp.LpMaximize)
        linear = model.target()
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
        with tempfile.TemporaryDirectory(prefix="lipverify-") as folder:
            written = Path(folder) / f"program{path.suffix}"
            if path.suffix == ".lp":
                self.problem.writeLP(str(written), max_length=_LONGEST)
            else:
                self.problem.writeMPS(str(written), with_objsense=True)
            program = written.read_text()
        mark = "\\ " if path.suffix == ".lp" else "* "
        legend = [*_LEGEND, *(f"  {name}: 2^{e}" for name, e in self._units.items() if e)]
        write_whole(path, ("".join(f"{mark}{line}\n" for line in legend) + program).encode())

    def solve(
        self, backend: Backend, seconds: float, gap: float, start: Sequence[float] = (), tell: Tell | None = None
    ) -> Report:
        """Solve, and wait for the end.

        Parameters
        ----------
        backend
            Which solver, with how many threads.
        seconds, gap
            Its time limit (inf for none) and its relative gap.
        start
            The value of every variable in a known solution, or nothing.
        tell
            Called with every `Progress`, of solvers that tell any (HiGHS), while the solver waits.
        """
        solver = make_solver(backend, None if math.isinf(seconds) else max(seconds, 0.01), gap)
        course = Course(self._variables, start, tell or _ignore)
        try:
            return solved(self.problem, backend.name, solver, course)
        except Exception as error:  # noqa: BLE001 (whatever a binding raises is reported)
            return Report(Verdict.CRASHED, message=f"{type(error).__name__}: {error}")


def _ignore(_: Progress) -> None:
    """Tell nobody."""
