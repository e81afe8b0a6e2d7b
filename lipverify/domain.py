"""Where a network is looked at: the whole space, a box, a polytope, or a Euclidean ball.

A domain has interior, save that it may fix some inputs: then the constant is that with respect to the others, and
`free` is the domain that these range over, with interior.

Every domain is described to the exact code in one way: rows g with g·(x, t) ≥ 0 cut out the cone over
the domain, {(x, t) : t ≥ 0, x/t in the domain}; the row t ≥ 0 itself is understood (proofs/domain.md). For a
ball these rows are those of a box around it, and one quadratic form says the rest (proofs/ball.md).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, TypeAlias, final

import numpy as np
import numpy.typing as npt
from flint import fmpq

from lipverify.arrays import Array, Matrix, Vector, frozen
from lipverify.errors import InvalidDomain
from lipverify.rationals import (
    Never,
    Positive,
    column,
    exact_floats,
    farkas,
    fraction,
    interior_ray,
    rational,
    rational_matrix,
)
from lipverify.trusted.rounding import float_down, float_up


@final
@dataclass(frozen=True)
class Everywhere:
    """The whole input space: the constant over it is the global Lipschitz constant."""

    @property
    def bounded(self) -> bool:
        """False."""
        return False

    @property
    def dimension(self) -> int | None:
        """None: it fits every network."""
        return None

    @property
    def fixed(self) -> Mapping[int, float]:
        """No input is fixed."""
        return {}

    @property
    def free(self) -> Everywhere:
        """Itself."""
        return self

    def rows(self, dimension: int) -> Matrix:
        """The cone's half-spaces, shape (0, dimension + 1)."""
        return np.zeros((0, dimension + 1))

    def contains_inside(self, point: Sequence[Fraction]) -> bool:
        """Whether a rational point lies in the interior: always."""
        return True

    def __str__(self) -> str:
        return "everywhere"


@final
@dataclass(frozen=True, eq=False)
class Box:
    """{x : lower ≤ x ≤ upper}, both of shape (d,), finite.

    Where lower = upper the input is fixed: the constant is that of the function of the inputs that vary.

    Raises
    ------
    InvalidDomain
        For NaN, infinite or crossed limits, and when every input is fixed.
    """

    lower: Vector
    upper: Vector

    def __init__(self, lower: npt.ArrayLike, upper: npt.ArrayLike) -> None:
        low, high = _vector(lower, "lower"), _vector(upper, "upper")
        if low.shape != high.shape:
            raise InvalidDomain(f"lower has shape {low.shape} and upper {high.shape}; they must agree")
        for i in np.flatnonzero(~(low <= high)):
            raise InvalidDomain(f"the box is empty in coordinate {i}: lower {low[i]} is above upper {high[i]}")
        if not (low < high).any():
            raise InvalidDomain("lower = upper in every coordinate: the box is one point, and no input varies")
        object.__setattr__(self, "lower", low)
        object.__setattr__(self, "upper", high)

    @classmethod
    def around(cls, x: npt.ArrayLike, radius: float | npt.ArrayLike) -> Box:
        """The ℓ∞ ball of a radius > 0 around x, limits rounded outward; of radii, one per coordinate, 0 fixes it."""
        centre = _vector(x, "x")
        radii = np.broadcast_to(np.asarray(radius, dtype=np.float64), centre.shape)
        if not (np.isfinite(radii).all() and (radii >= 0).all() and radii.any()):
            raise InvalidDomain(f"the radius must be positive and finite; got {radius!r}")
        exact = [(Fraction(c), Fraction(r)) for c, r in zip(centre.tolist(), radii.tolist(), strict=True)]
        return cls([float_down(c - r) for c, r in exact], [float_up(c + r) for c, r in exact])

    @property
    def bounded(self) -> bool:
        """True."""
        return True

    @property
    def dimension(self) -> int:
        """d."""
        return len(self.lower)

    @cached_property
    def fixed(self) -> Mapping[int, float]:
        """The inputs with lower = upper, by index, and their values."""
        return {int(i): float(self.lower[i]) for i in np.flatnonzero(self.lower == self.upper)}

    @cached_property
    def free(self) -> Box:
        """The box of the inputs that vary; itself when all do."""
        if not self.fixed:
            return self
        varies = self.lower < self.upper
        return Box(self.lower[varies], self.upper[varies])

    def rows(self, dimension: int) -> Matrix:
        """The cone's half-spaces x − lower·t ≥ 0 and upper·t − x ≥ 0, shape (2d, d + 1)."""
        unit = np.eye(dimension)
        return np.vstack([np.column_stack([unit, -self.lower]), np.column_stack([-unit, self.upper])])

    def contains_inside(self, point: Sequence[Fraction]) -> bool:
        """Whether a rational point lies strictly inside; in a fixed coordinate, whether it has that value."""
        limits = zip(self.lower.tolist(), point, self.upper.tolist(), strict=True)
        return all(low < x < high or low == x == high for low, x, high in limits)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Box):
            return NotImplemented
        return np.array_equal(self.lower, other.lower) and np.array_equal(self.upper, other.upper)

    def __hash__(self) -> int:
        return hash(((self.lower + 0.0).tobytes(), (self.upper + 0.0).tobytes()))  # −0 and 0 are equal

    def __str__(self) -> str:
        if self.fixed:
            return f"{self.free}, and {len(self.fixed)} fixed input{'s' * (len(self.fixed) > 1)}"
        low, high = set(self.lower.tolist()), set(self.upper.tolist())
        if len(low) == len(high) == 1:
            return f"[{low.pop():g}, {high.pop():g}]^{self.dimension}"
        return f"a box in {self.dimension} dimensions"

    def __reduce__(self) -> tuple[type[Box], tuple[Vector, Vector]]:
        return Box, (self.lower, self.upper)


@final
@dataclass(frozen=True, eq=False)
class Polytope:
    """{x : A x ≤ b} with A of shape (m, d) and b of shape (m,), bounded or not.

    Where the rows leave an input a single value it is fixed, and the constant is that of the function of the others.

    Raises
    ------
    InvalidDomain
        For bad shapes or entries, for an empty set, for one that is flat otherwise than by fixed inputs, and where a
        fixed input's value, or what it leaves of a row, is no float64: all decided in exact arithmetic.
    """

    A: Matrix
    b: Vector
    _reduced: tuple[Mapping[int, float], Polytope | Everywhere] | None = field(init=False, repr=False)

    def __init__(self, A: npt.ArrayLike, b: npt.ArrayLike) -> None:
        right = _vector(b, "b")
        try:
            left = frozen(A)
        except (TypeError, ValueError) as error:
            raise InvalidDomain(f"A is not a matrix of real numbers: {error}") from error
        if left.ndim != 2 or left.shape[0] != len(right) or not left.shape[1]:
            raise InvalidDomain(f"A has shape {left.shape} and b {right.shape}; expected (m, d) and (m,)")
        if not np.isfinite(left).all():
            raise InvalidDomain("A has an entry that is NaN or infinite")
        object.__setattr__(self, "A", left)
        object.__setattr__(self, "b", right)
        dimension = left.shape[1]
        rows = [[rational(v) for v in row] for row in self.rows(dimension).tolist()]
        rows.append([rational(0.0)] * dimension + [rational(1.0)])
        solid = interior_ray(rows, dimension + 1) is not None
        object.__setattr__(self, "_reduced", None if solid else _reduce(left, right, rows))

    @cached_property
    def bounded(self) -> bool:
        """Whether it lies in some box, decided exactly: its recession cone {A z ≤ 0} is {0} (proofs/domain.md)."""
        rows = [[rational(-v) for v in row] for row in self.A.tolist()]
        if rational_matrix(self.A).rank() < self.dimension:
            return False
        return isinstance(farkas(rows, [sum(column, fmpq(0)) for column in zip(*rows, strict=True)]), Never)

    @property
    def dimension(self) -> int:
        """d."""
        return self.A.shape[1]

    @property
    def fixed(self) -> Mapping[int, float]:
        """The inputs that have a single value on it, by index, and these values."""
        return {} if self._reduced is None else self._reduced[0]

    @property
    def free(self) -> Polytope | Everywhere:
        """The domain of the inputs that vary; itself when all do."""
        return self if self._reduced is None else self._reduced[1]

    def rows(self, dimension: int) -> Matrix:
        """The cone's half-spaces b·t − A x ≥ 0, shape (m, d + 1); zero rows of A are left to the check."""
        return np.column_stack([-self.A, self.b])

    def contains_inside(self, point: Sequence[Fraction]) -> bool:
        """Whether a rational point satisfies A x < b; where inputs are fixed, whether it has their values and is
        inside in the others."""
        if self.fixed:
            rest = [x for i, x in enumerate(point) if i not in self.fixed]
            return all(point[i] == value for i, value in self.fixed.items()) and self.free.contains_inside(rest)
        return all(
            sum((Fraction(a) * x for a, x in zip(row, point, strict=True)), Fraction(0)) < limit
            for row, limit in zip(self.A.tolist(), self.b.tolist(), strict=True)
            if any(row)
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Polytope):
            return NotImplemented
        return np.array_equal(self.A, other.A) and np.array_equal(self.b, other.b)

    def __hash__(self) -> int:
        return hash(((self.A + 0.0).tobytes(), (self.b + 0.0).tobytes()))  # −0 and 0 are equal

    def __str__(self) -> str:
        return f"a polytope of {len(self.b)} half-spaces in {self.dimension} dimensions"

    def __reduce__(self) -> tuple[type[Polytope], tuple[Matrix, Vector]]:
        return Polytope, (self.A, self.b)


@final
@dataclass(frozen=True, eq=False)
class Ball:
    """The open Euclidean ball {x : ‖x − center‖₂ < radius}, center of shape (d,), radius > 0: the floats that they are.

    With p = 1 it is the ℓ1 ball, a Polytope of 2^d facets, and with p = inf the ℓ∞ ball, `Box.around`; limits
    of both are rounded outward.

    Raises
    ------
    InvalidDomain
        For NaN or infinite numbers, a radius that is not positive, another p, and an ℓ1 ball in more than ten
        dimensions.
    """

    center: Vector
    radius: float

    def __new__(cls, center: npt.ArrayLike, radius: float, p: Any = 2) -> Any:
        """The ball as a domain of its own, or as the polytope that it is."""
        if p in (2, "2"):
            return super().__new__(cls)
        if p in (math.inf, "inf"):
            return Box.around(center, radius)
        if p in (1, "1"):
            return _cross_polytope(_vector(center, "center"), _radius(radius))
        raise InvalidDomain(f"there are balls of the norms p = 1, 2 and inf; got p = {p!r}")

    def __init__(self, center: npt.ArrayLike, radius: float, p: Any = 2) -> None:
        object.__setattr__(self, "center", _vector(center, "center"))
        object.__setattr__(self, "radius", _radius(radius))

    @property
    def bounded(self) -> bool:
        """True."""
        return True

    @property
    def dimension(self) -> int:
        """d."""
        return len(self.center)

    @property
    def fixed(self) -> Mapping[int, float]:
        """No input is fixed."""
        return {}

    @property
    def free(self) -> Ball:
        """Itself."""
        return self

    @cached_property
    def box(self) -> Box:
        """The box around it, limits rounded outward."""
        return Box.around(self.center, self.radius)

    def rows(self, dimension: int) -> Matrix:
        """Half-spaces of the cone over `box`: they hold on the ball, and are not all that does."""
        return self.box.rows(dimension)

    def contains_inside(self, point: Sequence[Fraction]) -> bool:
        """Whether a rational point lies strictly inside."""
        offsets = (x - Fraction(c) for x, c in zip(point, self.center.tolist(), strict=True))
        return sum(v * v for v in offsets) < Fraction(self.radius) ** 2

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Ball):
            return NotImplemented
        return np.array_equal(self.center, other.center) and self.radius == other.radius

    def __hash__(self) -> int:
        return hash(((self.center + 0.0).tobytes(), self.radius))  # −0 and 0 are equal

    def __str__(self) -> str:
        if self.dimension <= 3:
            middle = ", ".join(f"{c:g}" for c in self.center.tolist())
            return f"the ball of radius {self.radius:g} around ({middle})"
        return f"a ball of radius {self.radius:g} in {self.dimension} dimensions"

    def __reduce__(self) -> tuple[type[Ball], tuple[Vector, float]]:
        return Ball, (self.center, self.radius)


Domain: TypeAlias = Everywhere | Box | Polytope | Ball

_MOST_SIGNS = 10  # dimensions of an ℓ1 ball


def domain_of(domain: Domain | None) -> Domain:
    """The domain, None being the whole space.

    Raises
    ------
    InvalidDomain
        For anything else.
    """
    if domain is None:
        return Everywhere()
    if not isinstance(domain, Domain):
        raise InvalidDomain(f"domain must be Everywhere, Box, Polytope, Ball or None; got {domain!r}")
    return domain


def _radius(radius: float) -> float:
    try:
        found = float(radius)
    except (TypeError, ValueError) as error:
        raise InvalidDomain(f"the radius must be a number; got {radius!r}") from error
    if not 0 < found < math.inf or Fraction(found) != Fraction(radius):
        raise InvalidDomain(f"the radius must be a positive, finite float64; got {radius!r}")
    return found


def _cross_polytope(center: Vector, radius: float) -> Polytope:
    """{x : ‖x − center‖₁ ≤ radius}, limits rounded up."""
    if len(center) > _MOST_SIGNS:
        raise InvalidDomain(
            f"an l1 ball in {len(center)} dimensions has 2^{len(center)} facets; up to {_MOST_SIGNS} dimensions are "
            "supported (the 2-ball lipverify.Ball(center, radius) contains it)"
        )
    signs = list(itertools.product((1, -1), repeat=len(center)))
    exact = [Fraction(c) for c in center.tolist()]
    limits = [sum((s * c for s, c in zip(row, exact, strict=True)), Fraction(radius)) for row in signs]
    return Polytope(signs, [float_up(limit) for limit in limits])


def _reduce(A: Matrix, b: Vector, rows: list[list[fmpq]]) -> tuple[Mapping[int, float], Polytope | Everywhere]:
    """The inputs that a polytope without interior fixes, and the domain of the others; `rows` as in the cone."""
    d = A.shape[1]
    some = farkas(rows, rows[-1])
    if not isinstance(some, Positive):
        raise InvalidDomain("the polytope is empty: A x ≤ b has no solution")
    fixed: dict[int, float] = {}
    for j in range(d):
        value = some.point[j] / some.point[-1]
        form = [fmpq(int(i == j)) for i in range(d)] + [-value]
        if all(isinstance(farkas(rows, side), Never) for side in (form, [-x for x in form])):
            fixed[j] = float(fraction(value))
            if rational(fixed[j]) != value:
                raise InvalidDomain(f"the polytope fixes input {j} to {fraction(value)}, which is no float64")
    if not fixed:
        raise InvalidDomain(
            "the polytope is flat, and fixes no input: an equation ties several of them; eliminate one by hand"
        )
    if len(fixed) == d:
        raise InvalidDomain("the polytope is one point, and no input varies")
    free = [j for j in range(d) if j not in fixed]
    kept = np.flatnonzero(A[:, free].any(axis=1))  # the others hold, since there is a point
    if not len(kept):
        return fixed, Everywhere()
    taken = rational_matrix(A[kept][:, list(fixed)]) * column(rational(v) for v in fixed.values())
    left = column(rational(v) for v in b[kept].tolist()) - taken
    limits = exact_floats(left)
    if limits is None:
        raise InvalidDomain("the fixed inputs leave limits for the others that no float64 holds; fold them in by hand")
    return fixed, Polytope(A[kept][:, free], np.ravel(limits))


def _vector(values: npt.ArrayLike, name: str) -> Array:
    try:
        array = frozen(values)
    except (TypeError, ValueError) as error:
        raise InvalidDomain(f"{name} is not a vector of real numbers: {error}") from error
    if array.ndim != 1 or not len(array):
        raise InvalidDomain(f"{name} has shape {array.shape}; expected one non-empty axis")
    for i in np.flatnonzero(~np.isfinite(array)):
        raise InvalidDomain(f"{name}[{i}] is {array[i]}; limits must be finite (half-lines: lipverify.Polytope)")
    return array
