"""A full-dimensional cell of hyperplanes, and the exact answer to "does this row change sign on it?".

The cell is a cone in homogeneous coordinates, {z : s_i rows_i·z ≥ 0}, and always comes with a point of its
interior. Rows are pushed in blocks (the domain's, then one block a layer) and popped with them. A question
about a row is answered with evidence, in this order: learned circuits; one warm-started LP, whose vertex
gives a point on the other side, or whose tight rows give multipliers, either verified in rigorous floats; and
where floats cannot tell, Farkas' alternative in rationals. Only signs of optima matter, so the answer is
exact: side s survives iff s·row is positive somewhere on the closed cell. Proof: proofs/cone.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from flint import fmpq

from lipverify.arrays import Array, Indices, Matrix, Signs, Vector
from lipverify.domain import Ball as EuclideanBall
from lipverify.domain import Box, Domain
from lipverify.errors import InvalidDomain
from lipverify.geometry.frame import Frame, cone_rows, exact_rows
from lipverify.geometry.lp import LinearProgram, Optimum, normalised
from lipverify.geometry.margin import MarginProgram
from lipverify.geometry.sphere import Sphere
from lipverify.rationals import Never, Positive, dot, farkas, fraction, interior_ray, rational
from lipverify.trusted.balls import Ball
from lipverify.trusted.circuits import Circuits
from lipverify.trusted.halfspaces import HalfSpaces, near_floats

ExactPoint: TypeAlias = tuple[fmpq, ...]
ExactRows: TypeAlias = Callable[[], list[list[fmpq]]]

Climb: TypeAlias = Callable[[Matrix, Vector, Vector, int], tuple[int, Vector, Indices, Matrix]]
"""`geometry.simplex.climb`, which is imported only when it is asked for."""

_PIVOTS = 2_000
_MANY = 12  # coordinates from which on a linear program in floats costs less than a pivot in rationals
_DUAL = 1e-11  # duals below this count as zero: a hint gone wrong costs time, nothing else


@dataclass(frozen=True, slots=True)
class Inside:
    """Verified interior points of a cell: floats, shape (k, m), or, where none fits, one rational point."""

    floats: Array
    exact: ExactPoint | None = None

    def rational(self) -> ExactPoint:
        """One of the points, exactly."""
        return self.exact if self.exact is not None else tuple(rational(v) for v in self.floats[0].tolist())


@dataclass(slots=True)
class Block:
    """Rows that were pushed together."""

    first: int
    size: int
    exact: ExactRows
    cache: list[list[fmpq]] | None = field(default=None)

    def rows(self) -> list[list[fmpq]]:
        """The exact rows, computed once."""
        if self.cache is None:
            self.cache = self.exact()
        return self.cache


class Cone:
    """The stack of rows, their signs on the current cell, and the ways to answer.

    Attributes
    ----------
    signs
        Known sign of every row on the current cell's interior, 0 while unknown; shape (rows,).
    enforced
        The part of `signs` that cuts the cell out (the rest is implied by it); shape (rows,).
    settled
        How many questions needed rational arithmetic.
    """

    def __init__(self, domain: Domain, frame: Frame, blocks: int) -> None:
        m = frame.dimension
        base = cone_rows(domain, frame)
        self._sphere = Sphere(domain) if isinstance(domain, EuclideanBall) else None
        boxed = isinstance(domain, (Box, EuclideanBall))
        self.dimension = m
        self.settled = 0
        self._half_spaces = HalfSpaces.none(m)
        self.signs: Signs = np.zeros(0, dtype=np.int8)
        self.enforced: Signs = np.zeros(0, dtype=np.int8)
        self.top = 0
        self._blocks: list[Block] = []
        self._lp = LinearProgram(*frame.limits(domain))
        self._climb: Climb | None = None
        self._climbs = 0
        self._margins: MarginProgram | None = None
        self._circuits = Circuits(m, blocks + 1)
        self._t_row = 0 if frame.has_t else None
        # The LP knows t ≥ 0, and a box's facets, as limits of its variables.
        self._in_limits = len(base) if boxed else int(frame.has_t)
        self._facets = (1, len(base) // 2) if boxed else None
        self._push(base, np.zeros_like(base), lambda: exact_rows(base), self._in_limits)
        self.signs[:] = 1
        self.enforced[:] = 1

    @property
    def _rows(self) -> Matrix:
        return self._half_spaces.rows

    @property
    def blocks(self) -> int:
        """How many blocks there are, the domain's included."""
        return len(self._blocks)

    @property
    def lps(self) -> int:
        """How many LPs were solved."""
        return self._lp.solved + self._climbs

    def compile(self) -> None:
        """Load compiled code for the LPs: a second, well spent when thousands of them are to come."""
        if self._climb is None:
            from lipverify.geometry.simplex import climb

            self._climb = climb

    def start(self, samples: Array) -> Inside:
        """Interior points of the domain's cone: those samples that are verified, else a rational one.

        Raises
        ------
        InvalidDomain
            When the domain has no interior.
        """
        sides = self._half_spaces.signs_at(samples)
        good = samples[((sides == self.enforced) | (self.enforced == 0)).all(axis=1)]
        if self._sphere is not None:
            good = good[[self._sphere.holds(z) for z in good]]
        if len(good):
            return Inside(good)
        if self._sphere is not None:
            return self._inside(self._sphere.middle)
        point = interior_ray(self._blocks[0].rows(), self.dimension)
        if point is None:
            raise InvalidDomain("the domain has no interior")
        return self._inside(point)

    def push(self, rows: Matrix, radii: Matrix, exact: ExactRows) -> slice:
        """Add a block of undecided rows, shape (n, m), known up to `radii`; returns their global indices."""
        return self._push(rows, radii, exact, 0)

    def _push(self, rows: Matrix, radii: Matrix, exact: ExactRows, skipped: int) -> slice:
        first, n = self.top, len(rows)
        added = HalfSpaces.of(_completed(rows, radii, exact))
        self._half_spaces = self._half_spaces.and_(added)
        blank = np.zeros(n, dtype=np.int8)
        self.signs = np.concatenate([self.signs, blank])
        self.enforced = np.concatenate([self.enforced, blank])
        if self._climb is None:
            self._lp.push(normalised(added.rows[skipped:]))
        self._circuits.push(first, added.rows, added.radii)
        self._blocks.append(Block(first, n, exact))
        self.top = first + n
        return slice(first, self.top)

    def pop(self) -> None:
        """Remove the last block."""
        block = self._blocks.pop()
        if self._climb is None:
            self._lp.pop(block.size)
        self._circuits.pop()
        self.top = block.first
        keep = slice(0, self.top)
        self._half_spaces = self._half_spaces.part(keep)
        self.signs, self.enforced = self.signs[keep], self.enforced[keep]

    def signs_at(self, points: Array) -> Signs:
        """Proven signs of the top block's rows at float points (k, m): shape (k, n), 0 where floats cannot tell."""
        return self._half_spaces.part(slice(self._blocks[-1].first, self.top)).signs_at(points)

    def exact_sign(self, i: int, point: ExactPoint) -> int:
        """The sign of row i (of the top block) at a rational point."""
        value = dot(self._exact_row(i), point)
        return (value > 0) - (value < 0)

    def implied(self, i: int, sign: int) -> bool:
        """Whether learned circuits prove that row i (of the top block) has this sign on the whole cell."""
        return self._circuits.imply(i, sign, self.signs)

    def forced(self) -> Signs:
        """The signs that learned circuits prove for the top block's rows on the whole cell, 0 where they are silent."""
        return self._circuits.forced(self.signs)

    def carrying(self, i: int, known: int) -> list[int]:
        """Rows (global indices) of which a learned circuit makes row i (of the top block); none where none does."""
        return [j for j in self._circuits.support(i, known, self.signs) if self.signs[j]]

    def multipliers(self, i: int, known: int, members: list[int]) -> Callable[[], dict[int, fmpq]]:
        """Exact λ > 0 with known·row_i = Σ λ_j s_j row_j (global indices j): row i of the top block is `known` here.

        On a Euclidean ball the two sides may differ by a form that is nowhere positive on the ball. To be asked only
        where the sign is proven: by `implied`, `forced`, or a `beyond` that found nothing. They are found when the
        answer is called, of the cell as it is now; blocks may be pushed until then, but not popped. `members`, those
        that are `carrying` the row, are tried first.
        """
        signs, enforced, top = self.signs.copy(), self.enforced.copy(), self._blocks[-1]

        def found() -> dict[int, fmpq]:
            form = [-known * x for x in top.rows()[i]]
            if members:
                answer = farkas([_signed(self._row(j), int(signs[j])) for j in members], form, range(len(members)))
                if isinstance(answer, Never):
                    return {members[k]: x for k, x in answer.multipliers.items()}
            indices, rows = self._signed_rows(enforced)
            answer = farkas(rows, form)
            if isinstance(answer, Never):
                return {indices[k]: x for k, x in answer.multipliers.items()}
            assert self._sphere is not None
            inner = interior_ray([*rows, form], self.dimension)
            assert inner is not None  # the half-spaces meet, as those of a cell and a row that changes sign on it do
            met = self._sphere.meets([*rows, form], inner)
            assert isinstance(met, dict)
            own = met.pop(len(rows))
            return {indices[k]: x / own for k, x in met.items()}

        return found

    def beyond(self, i: int, known: int, inside: Inside) -> Inside | None:
        """Interior points of the part of the cell where row i (of the top block) has the sign −known.

        `known` is the row's sign at `inside`. None means, proven, that there is no such part.
        """
        index = self._blocks[-1].first + i
        row = self._rows[index]
        if len(inside.floats):
            crossed = self._across(index, known, inside.floats[0])
            if crossed is not None:
                return Inside(crossed[None])
            if self._climb is not None:
                return self._climbed(self._climb, i, index, known, inside)
        if self._climb is not None:
            return self._settle(i, known, inside, [])
        optimum = self._lp.maximise(-known * row, self.enforced[self._in_limits :])
        if optimum is None:
            return self._settle(i, known, inside, [])
        if len(inside.floats):
            reached = self._step(index, known, inside.floats[0], optimum.point)
            if reached is not None:
                return Inside(reached[None])
        members = self._support(optimum)
        if len(members) == self.dimension and self._learn(members) and self.implied(i, known):
            return None
        return self._settle(i, known, inside, members)

    def both_sides(self, i: int, point: ExactPoint) -> tuple[Inside, Inside]:
        """Points with row i (of the top block) negative and positive, next to an interior point where it is 0."""
        row = self._exact_row(i)
        step = fmpq(1)
        for other in self._enforced_rows()[1]:
            slope = abs(dot(other, row))
            if slope:
                step = min(step, abs(dot(other, point)) / slope / 2)
        while True:
            forward = tuple(x + step * g for x, g in zip(point, row, strict=True))
            backward = tuple(x - step * g for x, g in zip(point, row, strict=True))
            if self._sphere is None or (self._sphere.holds_exactly(forward) and self._sphere.holds_exactly(backward)):
                return self._inside(backward, i, -1), self._inside(forward, i, 1)
            step /= 2

    def _climbed(self, climb: Climb, i: int, index: int, known: int, inside: Inside) -> Inside | None:
        """`beyond` by the compiled simplex method, from the first of the float points."""
        row, start = self._rows[index], inside.floats[0]
        enforced = np.flatnonzero(self.enforced)
        sides = self.enforced[enforced].astype(np.float64)
        form = -known * row
        self._climbs += 1
        status, ray, basis, inverse = climb(sides[:, None] * self._rows[enforced], form, start, _PIVOTS)
        if status > 0:
            # Every slack only grows along the ray; twice the way to the row is well beyond it.
            point = start - 2 * float(form @ start) / float(form @ ray) * ray
            point = point / float(np.abs(point).max())
            if self._is_inside(point, index, -known):
                return Inside(point[None])
        members = enforced[basis].tolist() if status < 0 and (basis >= 0).all() else []
        if (
            members
            and self._circuits.learn(
                members, self._rows[members], self._half_spaces.radii[members], inverse * sides[basis]
            )
            and self.implied(i, known)
        ):
            return None
        return self._settle(i, known, inside, enforced[basis[basis >= 0]].tolist() if status < 0 else [])

    def _across(self, index: int, known: int, start: Vector) -> Vector | None:
        """A verified interior point beyond row `index` straight across from an interior point, if there is one."""
        row = self._rows[index]
        value, slope = self._rows @ start, self._rows @ row
        near = known * value[index] / slope[index]
        # Along −known·row the enforced rows lose `closing` per unit of what they have.
        room, closing = self.enforced * value, known * self.enforced * slope
        ahead = closing > 0
        limit = float((room[ahead] / closing[ahead]).min(initial=np.inf))
        if not near < limit:
            return None
        point = start - known * (near + 0.5 * min(limit - near, 2 * near)) * row
        return point if self._is_inside(point, index, -known) else None

    def _step(self, index: int, known: int, start: Vector, target: Vector) -> Vector | None:
        """A verified interior point beyond row `index` on the way from an interior point to a vertex."""
        row = self._rows[index]
        there = -known * float(row @ target)
        if not there > 1e-13 * float(np.abs(row) @ np.abs(target)):
            return None
        start = start * (float(np.abs(target).max()) / float(np.abs(start).max()))
        here = known * float(row @ start)
        if not here + there > 0:  # floats have the start on the other side
            return None
        crossing = here / (here + there)
        point = start + (0.5 + 0.5 * crossing) * (target - start)
        return point if self._is_inside(point, index, -known) else None

    def _middle(self, index: int, side: int) -> Vector | None:
        """A verified interior point on one side of row `index`, as far from all hyperplanes as may be."""
        if self._margins is None:
            self._margins = MarginProgram(self.dimension + 1)
        enforced = np.flatnonzero(self.enforced)
        rows = np.vstack([self.enforced[enforced, None] * self._rows[enforced], side * self._rows[index]])
        found = self._margins.interior_point(np.column_stack([rows, np.zeros(len(rows))]))  # its last one is ≥ 0
        if found is None:
            return None
        point = found.point[:-1]
        point = point / (point[-1] if self._facets is not None else float(np.abs(point).max()))
        return point if self._is_inside(point, index, side) else None

    def _is_inside(self, point: Vector, index: int | None = None, sign: int = 0) -> bool:
        """Whether a float point provably lies inside the cell, and on side `sign` of row `index`."""
        if not self._half_spaces.hold_at(point, self.enforced, index, sign):
            return False
        return self._sphere is None or self._sphere.holds(point)

    def _learn(self, members: list[int], inverse: Matrix | None = None) -> bool:
        """Have the circuits of these rows learned, if floats can verify that they are independent."""
        known = self._half_spaces
        return self._circuits.learn(members, known.rows[members], known.radii[members], inverse)

    def _support(self, optimum: Optimum) -> list[int]:
        """Global indices of the cone's rows that seem to carry the multipliers at an optimum."""
        switched = np.flatnonzero(np.abs(optimum.row_duals) > _DUAL) + self._in_limits
        members = [index for index in switched.tolist() if self.enforced[index]]
        if self._facets is not None:
            first, d = self._facets
            duals = optimum.column_duals[:d]
            members += (first + np.flatnonzero(duals < -_DUAL)).tolist()  # at the lower limit
            members += (first + d + np.flatnonzero(duals > _DUAL)).tolist()
            members.append(0)  # t is fixed
        elif self._t_row is not None and abs(optimum.column_duals[-1]) > _DUAL:
            members.append(self._t_row)
        return sorted(members)

    def _settle(self, i: int, known: int, inside: Inside, hint: list[int]) -> Inside | None:
        """Answer `beyond` in rational arithmetic, unless the middle of what is there shows in floats."""
        if self.dimension >= _MANY:
            middle = self._middle(self._blocks[-1].first + i, -known)
            if middle is not None:
                return Inside(middle[None])
        self.settled += 1
        row = self._exact_row(i)
        form = [-known * x for x in row]
        indices, rows = self._enforced_rows()
        if self._sphere is not None:
            met = self._sphere.reaches(rows, form, inside.rational())
            if met is not None:
                return self._inside(met, i, -known) if isinstance(met, tuple) else None
        position = {index: k for k, index in enumerate(indices)}
        answer = farkas(rows, form, [position[j] for j in hint if j in position])
        if isinstance(answer, Positive):
            start = inside.rational()
            # start + μ z is inside for every μ ≥ 0; beyond the row from |row·start| / (form·z) on.
            reach = 2 * abs(dot(row, start)) / dot(form, answer.point)
            point = tuple(x + reach * z for x, z in zip(start, answer.point, strict=True))
            if self._sphere is None or self._sphere.holds_exactly(point):
                return self._inside(point, i, -known)
            met = self._sphere.meets([*rows, form], point)
            return self._inside(met, i, -known) if isinstance(met, tuple) else None
        support = [(indices[k], 1) for k in answer.multipliers]
        if support:
            # −form = Σ λ_k s_k rows_k with λ > 0, so the coefficient of rows_k in the row has the sign known·s_k.
            members = [index for index, _ in support]
            coefficients = [known * int(self.enforced[index]) for index in members]
            self._circuits.learn_clause(i, members, coefficients)
        return None

    def _inside(self, point: ExactPoint, i: int | None = None, side: int = 0) -> Inside:
        """A rational interior point, exchanged for a nearby float one if that is provably inside too.

        Row i (of the top block) cuts the cell next: its sign at the point is `side`, and has to be that at the float.
        """
        top = max(abs(x) for x in point) or fmpq(1)
        scale = point[-1] if self._facets is not None else top  # the LP's slice of the cone
        floats = np.array([float(fraction(x / scale)) for x in point])
        near = Inside(floats[None])
        if self._is_inside(floats) and (i is None or self.exact_sign(i, near.rational()) == side):
            return near
        return Inside(np.zeros((0, self.dimension)), point)

    def _exact_row(self, i: int) -> list[fmpq]:
        return self._blocks[-1].rows()[i]

    def _row(self, index: int) -> list[fmpq]:
        """Any row, exactly."""
        block = next(block for block in self._blocks if index < block.first + block.size)
        return block.rows()[index - block.first]

    def _enforced_rows(self) -> tuple[list[int], list[list[fmpq]]]:
        """Global indices of the rows that cut the cell out, and s_i rows_i for each, exactly."""
        return self._signed_rows(self.enforced)

    def _signed_rows(self, enforced: Signs) -> tuple[list[int], list[list[fmpq]]]:
        """The same for given signs s, shape (≤ rows,)."""
        indices = np.flatnonzero(enforced).tolist()
        return indices, [_signed(self._row(i), int(enforced[i])) for i in indices]


def _signed(row: list[fmpq], sign: int) -> list[fmpq]:
    return row if sign > 0 else [-x for x in row]


def _completed(rows: Matrix, radii: Matrix, exact: ExactRows) -> Ball:
    """Rows as floats of any scale: those that floats could not hold, from their exact entries."""
    lost = np.flatnonzero(np.isinf(radii).any(axis=1))
    if not len(lost):
        return Ball(rows, radii)
    rows, radii, known = rows.copy(), radii.copy(), exact()
    for i in lost.tolist():
        rows[i], radii[i] = near_floats(known[i])
    return Ball(rows, radii)
