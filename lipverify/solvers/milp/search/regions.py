"""What a pattern of the program really is: a full-dimensional region, with a witness, or proven not to be one.

A program can only say "≥ 0", so its patterns may hold on a lower-dimensional set, and by a solver's tolerances on none
at all. Here a pattern's half-spaces are written down in rationals. Either a point satisfies all of them strictly, or
some of them are in conflict: nonnegative multipliers show that together they leave no interior. A conflict is
stated as a nogood over the binaries, and holds for every pattern that contains it (proofs/milp.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

import numpy as np
from flint import fmpq

from lipverify.arrays import Pattern, Vector
from lipverify.domain import Ball
from lipverify.errors import LipverifyError
from lipverify.evaluate import affine_rows, jacobian_exact, next_affine_rows
from lipverify.geometry.margin import MarginProgram
from lipverify.geometry.sphere import Sphere
from lipverify.geometry.witness import Certified, certify_point
from lipverify.norms import exact_norm, norms_upper
from lipverify.problem import Problem
from lipverify.rationals import Never, dot, farkas, fraction, rational
from lipverify.solvers.milp.encode.model import State, is_binary
from lipverify.trusted.algebraic import ExactNorm

Assignment: TypeAlias = dict[int, bool]
"""Values of binaries, by the index of their variable."""
Nogood: TypeAlias = tuple[tuple[int, bool], ...]
"""Binaries that cannot all have these values at once."""

_CLEAR = 1e-7  # margins of unit rows above this are not worth an exact look
_NUDGES = 40
_ROUGH = 1e-9  # far more than rounding changes, unless all but everything cancels
_MEMORY = 10_000


@dataclass(frozen=True, slots=True)
class _HalfSpace:
    """row·(x, t) ≥ 0, exactly and in floats of any scale, the binary that says so, and the layer it belongs to."""

    row: list[fmpq]
    floats: Vector
    literal: tuple[int, bool] | None
    layer: int


@dataclass
class Regions:
    """Answers about patterns of one problem.

    Attributes
    ----------
    problem, states
        The problem, and one `State` per neuron.
    settled
        How many questions needed rational arithmetic.
    """

    problem: Problem
    states: tuple[tuple[State, ...], ...]
    settled: int = 0
    _margin: MarginProgram = field(init=False)
    _domain: list[_HalfSpace] = field(init=False)
    _sphere: Sphere | None = field(init=False)
    _known: dict[Pattern, list[tuple[list[fmpq], Vector]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        d = self.problem.network.input_dim
        rows = [[rational(v) for v in row] for row in self.problem.domain.rows(d).tolist()]
        rows.append([fmpq(0)] * d + [fmpq(1)])
        self._domain = [_HalfSpace(row, _floats(row), None, 0) for row in rows if any(row)]
        self._margin = MarginProgram(d + 1)
        self._sphere = Sphere(self.problem.domain) if isinstance(self.problem.domain, Ball) else None

    def norm(self, values: Assignment) -> ExactNorm:
        """The exact norm of the Jacobian that a complete assignment gives."""
        matrix = jacobian_exact(self.problem.network, tuple(self._layer(k, values) for k in range(len(self.states))))
        return exact_norm(matrix, self.problem.norm)

    def norm_in_floats(self, values: Assignment) -> float:
        """About that norm, rather above it: to see what is not worth an exact look. NaN where floats end."""
        net = self.problem.network
        matrix = net.weights[0]
        with np.errstate(over="ignore", invalid="ignore"):
            for k, weight in enumerate(net.weights[1:]):
                sides = np.array(self._layer(k, values), dtype=np.intp)
                matrix = weight @ (np.take_along_axis(net.slopes[k], sides[:, None], axis=1) * matrix)
            if not np.isfinite(matrix).all():
                return math.nan
            about = norms_upper(matrix[None], np.zeros((1, *matrix.shape)), self.problem.norm)
            return float(about[0]) * (1 + _ROUGH)

    def _layer(self, k: int, values: Assignment) -> tuple[bool, ...]:
        return tuple(values[s] if is_binary(s) else bool(s) for s in self.states[k])

    def find(self, values: Assignment) -> Certified | Nogood:
        """The region of a complete assignment, or the nogood that refutes it."""
        spaces, contradiction = self._spaces(values)
        if contradiction is not None:
            return contradiction
        interior = self._margin.interior_point(np.array([space.floats for space in spaces]))
        if interior is not None:
            x, t = interior.point[:-1].tolist(), float(interior.point[-1])
            found = self._inside([fraction(rational(v) / rational(t)) for v in x], spaces) if t > 0 else None
            if found is not None:
                return found
        return self._settle(spaces, values)

    def refute(self, values: Assignment) -> Nogood | None:
        """A nogood that refutes an assignment, complete or not, if floats suspect that there is one.

        Of an incomplete assignment the layers count up to the first one that is not complete: the
        pre-activations behind it are not known yet.
        """
        spaces, contradiction = self._spaces(values)
        if contradiction is not None:
            return contradiction
        if all(space.literal is None for space in spaces):
            return None
        interior = self._margin.interior_point(np.array([space.floats for space in spaces]))
        if interior is not None and interior.margin > _CLEAR:
            return None
        conflict = self._conflict(spaces)
        return self._nogood(conflict, values) if isinstance(conflict, list) else None

    def _settle(self, spaces: list[_HalfSpace], values: Assignment) -> Certified | Nogood:
        """`find` in rational arithmetic."""
        answer = self._conflict(spaces)
        if isinstance(answer, list):
            return self._nogood(answer, values)
        if self._sphere is not None and not self._sphere.holds_exactly(answer):
            met = self._sphere.meets([space.row for space in spaces], answer)
            if isinstance(met, dict):
                return self._nogood([spaces[i] for i in met], values)
            answer = met
        rng = np.random.default_rng(len(spaces))
        z = list(answer)
        for _ in range(_NUDGES):  # past neurons that no output reads, whose hyperplanes may hold the point
            found = self._inside([fraction(v / z[-1]) for v in z[:-1]], spaces)
            if found is not None:
                return found
            direction = [fmpq(int(v), 1024) for v in rng.integers(-1024, 1025, len(z))]
            speeds = [(dot(s.row, direction), dot(s.row, answer)) for s in spaces]
            step = min((room / -v for v, room in speeds if v < 0), default=fmpq(1)) / 2
            z = [v + step * w for v, w in zip(answer, direction, strict=True)]
            while self._sphere is not None and not self._sphere.holds_exactly(tuple(z)):
                step /= 2
                z = [v + step * w for v, w in zip(answer, direction, strict=True)]
        raise LipverifyError("no witness found beside a verified point of a region; this is a bug in milp")

    def _inside(self, point: Sequence[Fraction], spaces: list[_HalfSpace]) -> Certified | None:
        """The region around a point, if it lies on the right side of every half-space.

        Where a pre-activation is 0 all over the region its neuron has no side, and neither side changes anything.
        """
        found = certify_point(self.problem, point)
        if found is None:
            return None
        sides = {
            binary: on
            for states, pattern in zip(self.states, found.witness.pattern, strict=True)
            for binary, on in zip(states, pattern, strict=True)
            if is_binary(binary)
        }
        literals = (space.literal for space in spaces if space.literal is not None)
        return found if all(sides[binary] is side for binary, side in literals) else None

    def _conflict(self, spaces: list[_HalfSpace]) -> list[_HalfSpace] | tuple[fmpq, ...]:
        """Half-spaces that leave no interior, or a point strictly inside all of them.

        Those on which the float margin rests come first: few rows are decided quickly, and make a short nogood.
        """
        self.settled += 1
        t_row = [len(self._domain) - 1] if self._margin.supported_by_t() else []
        suspects = [spaces[i] for i in dict.fromkeys([*self._margin.support(), *t_row])]
        if 1 < len(suspects) < len(spaces):
            first, others = suspects[0], suspects[1:]
            answer = farkas([space.row for space in others], first.row, range(len(others)))
            if isinstance(answer, Never):
                return [first, *(others[i] for i in answer.multipliers)]
        return _strictly_inside(spaces)

    def _nogood(self, conflict: Iterable[_HalfSpace], values: Assignment) -> Nogood:
        """The binaries that a conflict rests on: its own, and those of all layers below the rows' own."""
        conflict = list(conflict)
        top = max(space.layer for space in conflict)
        below = [s for layer in self.states[:top] for s in layer if is_binary(s)]
        own = [space.literal for space in conflict if space.literal is not None]
        return tuple(dict.fromkeys([*own, *((s, values[s]) for s in below)]))

    def _spaces(self, values: Assignment) -> tuple[list[_HalfSpace], Nogood | None]:
        """The half-spaces of an assignment; or a nogood, when a neuron that is constant contradicts its state."""
        spaces = list(self._domain)
        below: list[tuple[bool, ...]] = []
        for k, states in enumerate(self.states):
            binaries = [(i, s) for i, s in enumerate(states) if is_binary(s) and s in values]
            if binaries:
                rows = self._rows(tuple(below))
                for i, s in binaries:
                    row, floats = rows[i]
                    sign = 1 if values[s] else -1
                    space = _HalfSpace([sign * v for v in row], sign * floats, (s, values[s]), k)
                    if any(row[:-1]):
                        spaces.append(space)
                    elif sign * row[-1] < 0:
                        return spaces, self._nogood([space], values)
            if any(is_binary(s) and s not in values for s in states):
                break
            below.append(self._layer(k, values))
        return spaces, None

    def _rows(self, below: Pattern) -> list[tuple[list[fmpq], Vector]]:
        """The pre-activations (a, c) of the layer above a pattern, exactly and in floats; remembered."""
        if below not in self._known:
            if len(self._known) >= _MEMORY:
                self._known.clear()
            net = self.problem.network
            rows = affine_rows(net)
            for k, states in enumerate(below):
                rows = next_affine_rows(net, k, rows, states)
            self._known[below] = [(row, _floats(row)) for row in rows.tolist()]
        return self._known[below]


def _strictly_inside(spaces: list[_HalfSpace]) -> list[_HalfSpace] | tuple[fmpq, ...]:
    """A point strictly inside some half-spaces, or a few of them that exclude each other: one, and multipliers ≥ 0
    of others that show that it is ≤ 0 wherever they are ≥ 0 (as `rationals.interior_ray`, with the evidence)."""
    rows = [space.row for space in spaces]
    total = [fmpq(0)] * len(rows[0])
    for space in spaces:
        if dot(space.row, total) > 0:
            continue
        answer = farkas(rows, space.row)
        if isinstance(answer, Never):
            return [space, *(spaces[i] for i in answer.multipliers)]
        total = [a + b for a, b in zip(total, answer.point, strict=True)]
    return tuple(total)


def _floats(row: list[fmpq]) -> Vector:
    """A row divided by its largest entry, as floats."""
    top = max(abs(v) for v in row) or fmpq(1)
    return np.array([float(fraction(v / top)) for v in row])
