"""The cone over a Euclidean ball, {(x, t) : ‖x − c·t‖ < r·t}, and the exact answer to "does a polyhedron meet it?".

Both answers come with evidence: a rational point strictly inside both; or multipliers λ ≥ 0 of the half-spaces with
r‖Σ λ_i a_i‖ ≤ −Σ λ_i (a_i·c + c_i), so that the half-spaces exclude each other on the open ball. Which of them
holds is decided by the nearest point of the polyhedron to the centre, which is rational. Proof: proofs/ball.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, final

from flint import fmpq, fmpq_mat

from lipverify.arrays import Vector
from lipverify.domain import Ball
from lipverify.rationals import dot, rational
from lipverify.trusted.spheres import inside

ExactPoint: TypeAlias = tuple[fmpq, ...]
Row: TypeAlias = Sequence[fmpq]


@final
class Sphere:
    """The boundary of a ball, as seen by the cone over it.

    Attributes
    ----------
    middle
        The centre, (c, 1).
    """

    def __init__(self, ball: Ball) -> None:
        self._center, self._radius = ball.center, ball.radius
        self._exact_center = [rational(v) for v in ball.center.tolist()]
        self._square = rational(ball.radius) ** 2
        self.middle: ExactPoint = (*self._exact_center, fmpq(1))

    def holds(self, z: Vector) -> bool:
        """Whether a float point (x, t) provably lies strictly inside the cone; False where floats cannot tell."""
        return inside(self._center, self._radius, z)

    def holds_exactly(self, z: ExactPoint) -> bool:
        """Whether a rational point (x, t) lies strictly inside the cone."""
        t = z[-1]
        return (
            t > 0 and _square([x - c * t for x, c in zip(z, self._exact_center, strict=False)]) < self._square * t * t
        )

    def meets(self, rows: Sequence[Row], inner: ExactPoint) -> ExactPoint | dict[int, fmpq]:
        """A point strictly inside the ball and all half-spaces, or multipliers that show that there is none.

        Parameters
        ----------
        rows
            Half-spaces (a_i, c_i)·(x, t) ≥ 0, each of length d + 1.
        inner
            A point (x, t), t > 0, strictly inside all of those with a_i ≠ 0.

        Returns
        -------
        point or multipliers
            (x, 1); or λ > 0 by row index.
        """
        found = self._nearest(_forms(rows))
        assert found is not None  # the inner point is in all half-spaces
        return found if isinstance(found, dict) else self._towards(found, inner)

    def reaches(self, rows: Sequence[Row], form: Row, start: ExactPoint) -> ExactPoint | dict[int, fmpq] | None:
        """A point strictly inside the ball and all half-spaces where a form is positive, multipliers that show that
        there is none (the form's own has the index len(rows)), or None: `meets` will know.

        Parameters
        ----------
        rows
            As for `meets`.
        form
            (a, c), a ≠ 0.
        start
            A point strictly inside the ball and the half-spaces; the form may be negative there.
        """
        forms = [(form[:-1], form[-1], len(rows)), *_forms(rows)]  # it is the one that is violated
        found = self._nearest(forms)
        if not isinstance(found, list):
            return found
        # The form is 0 at the nearest point, most likely. Half way to the sphere there may be room above it.
        gap = self._square - _square([x - c for x, c in zip(found, self._exact_center, strict=True)])
        room = gap * max(abs(v) for v in form[:-1]) / (4 * rational(self._radius))
        found = self._nearest([(form[:-1], form[-1] - room, len(rows)), *forms[1:]])
        return self._towards(found, start, form) if isinstance(found, list) else None

    def _towards(self, near: Sequence[fmpq], inner: ExactPoint, form: Row | None = None) -> ExactPoint:
        """From a point of the closed half-spaces inside the ball towards one strictly inside them: strictly inside all
        of them at once, in the ball (and where a form is positive) for a while."""
        end = [v / inner[-1] for v in inner[:-1]]
        share = fmpq(1)
        while True:
            point = (*(x + share * (y - x) for x, y in zip(near, end, strict=True)), fmpq(1))
            if self.holds_exactly(point) and (form is None or dot(form, point) > 0):
                return point
            share /= 2

    def _nearest(self, forms: Sequence[tuple[Row, fmpq, int]]) -> list[fmpq] | dict[int, fmpq] | None:
        """The nearest point of {a_i·x + c_i ≥ 0} to the centre, or multipliers as soon as it is a radius away; None
        where there is no such point.

        The dual active-set method of Goldfarb & Idnani (1983, doi:10.1007/BF02591962): x is always the nearest point of
        the half-spaces of the active set, and moves away from the centre until no half-space is violated.
        """
        x = list(self._exact_center)
        active: list[int] = []
        weights: list[fmpq] = []
        while True:
            entering = next((k for k, (a, c, _) in enumerate(forms) if dot(a, x) + c < 0), None)
            if entering is None:
                return x
            normal, shift, _ = forms[entering]
            weight = fmpq(0)
            while True:
                normals = [forms[k][0] for k in active]
                shares = _coordinates(normals, normal)
                move = [
                    v - sum((s * a[j] for s, a in zip(shares, normals, strict=True)), fmpq(0))
                    for j, v in enumerate(normal)
                ]
                limits = [(weights[k] / s, k) for k, s in enumerate(shares) if s > 0]
                blocking = min(limits, default=None)
                speed = dot(move, normal)
                full = -(dot(normal, x) + shift) / speed if speed else None
                if full is None and blocking is None:
                    return None
                step = full if blocking is None or (full is not None and full <= blocking[0]) else blocking[0]
                assert step is not None
                x = [v + step * m for v, m in zip(x, move, strict=True)]
                weights = [w - step * s for w, s in zip(weights, shares, strict=True)]
                weight += step
                if step == full:
                    break
                assert blocking is not None
                del active[blocking[1]], weights[blocking[1]]
            active.append(entering)
            weights.append(weight)
            if _square([v - c for v, c in zip(x, self._exact_center, strict=True)]) >= self._square:
                return {forms[k][2]: w for k, w in zip(active, weights, strict=True) if w}


def _forms(rows: Sequence[Row]) -> list[tuple[Row, fmpq, int]]:
    return [(row[:-1], row[-1], i) for i, row in enumerate(rows) if any(row[:-1])]


def _coordinates(normals: Sequence[Row], vector: Row) -> list[fmpq]:
    """The coefficients of a vector's projection onto the span of independent normals."""
    if not normals:
        return []
    gram = fmpq_mat([[dot(a, b) for b in normals] for a in normals])
    return gram.solve(fmpq_mat(len(normals), 1, [dot(a, vector) for a in normals])).entries()


def _square(v: Sequence[fmpq]) -> fmpq:
    return sum((x * x for x in v), fmpq(0))
