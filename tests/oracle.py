"""A second opinion on Lipschitz constants, in integers and Fractions and nothing else.

It shares no code and no algorithm with lipverify: a network is read through `net.fractions()`, a
domain through its attributes, and whether an open half-space meets an open cell is decided by
Fourier–Motzkin elimination (three inputs at most, or it takes for ever). Patterns follow lipverify's
convention: a neuron with two equal slopes counts as active, a constant one is active iff positive.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

Row = tuple[Fraction, ...]
Matrix = tuple[Row, ...]
Pattern = tuple[tuple[bool, ...], ...]
HalfSpace = tuple[int, ...]
"""(a_1, …, a_d, c): the open half-space a·x + c > 0, in coprime integers."""


class Chain(Protocol):
    """What the oracle reads of a network: weights, biases, and slopes, all of them exact."""

    def fractions(self) -> tuple[tuple[Matrix, ...], tuple[Row, ...], tuple[Matrix, ...]]:
        """Weights and biases of every layer, and the slopes of every hidden one."""
        ...


@dataclass(frozen=True)
class Region:
    """A full-dimensional activation region: its pattern, a point inside, and the affine map on it."""

    pattern: Pattern
    point: Row
    jacobian: Matrix
    offset: Row


# Half-spaces -------------------------------------------------------------------------------------


def half_space(a: Iterable[Fraction], c: Fraction) -> HalfSpace:
    """a·x + c > 0 with coprime integer coefficients."""
    values = [*a, c]
    shared = math.lcm(*(v.denominator for v in values))
    return primitive([int(v * shared) for v in values])


def primitive(values: Sequence[int]) -> HalfSpace:
    """The values divided by their greatest common divisor."""
    divisor = math.gcd(*values) or 1
    return tuple(v // divisor for v in values)


def opposite(row: HalfSpace) -> HalfSpace:
    """The complementary open half-space."""
    return tuple(-v for v in row)


def tightest(rows: Iterable[HalfSpace]) -> list[HalfSpace]:
    """One half-space for each direction of a: the smallest of those given."""
    best: dict[tuple[int, ...], tuple[Fraction, HalfSpace]] = {}
    for row in rows:
        scale = math.gcd(*row[:-1]) or 1
        key = tuple(v // scale for v in row[:-1])
        offset = Fraction(row[-1], scale)
        if key not in best or offset < best[key][0]:
            best[key] = (offset, row)
    return [row for _, row in best.values()]


def eliminate(rows: Sequence[HalfSpace], j: int) -> list[HalfSpace]:
    """The projection along x_j of the open polyhedron of the rows (Fourier–Motzkin)."""
    above = [row for row in rows if row[j] > 0]
    below = [row for row in rows if row[j] < 0]
    kept = [row for row in rows if row[j] == 0]
    for p, n in itertools.product(above, below):
        kept.append(primitive([-n[j] * u + p[j] * v for u, v in zip(p, n, strict=True)]))
    return tightest(kept)


def point_inside(rows: Iterable[HalfSpace], dimension: int) -> Row | None:
    """A point of {x : a·x + c > 0 for all rows}, or None when there is none."""
    stages = [tightest(rows)]
    for j in range(dimension):
        stages.append(eliminate(stages[-1], j))
    if any(row[-1] <= 0 for row in stages[-1]):
        return None
    point: list[Fraction] = [Fraction(0)] * dimension
    for j in reversed(range(dimension)):
        low: Fraction | None = None
        high: Fraction | None = None
        for row in stages[j]:
            if row[j] == 0:
                continue
            rest = row[-1] + sum(row[i] * point[i] for i in range(j + 1, dimension))
            limit = Fraction(-rest) / row[j]
            if row[j] > 0:
                low = limit if low is None else max(low, limit)
            else:
                high = limit if high is None else min(high, limit)
        point[j] = between(low, high)
    return tuple(point)


def between(low: Fraction | None, high: Fraction | None) -> Fraction:
    """A number of few digits strictly between two limits, either of which may be missing."""
    if low is None:
        return Fraction(0) if high is None else Fraction(math.ceil(high) - 1)
    if high is None:
        return Fraction(math.floor(low) + 1)
    assert low < high
    denominator = 1
    while True:
        candidate = Fraction(math.floor(low * denominator) + 1, denominator)
        if candidate < high:
            return candidate
        denominator *= 2


def dot(a: Iterable[Fraction | int], b: Iterable[Fraction | int]) -> Fraction:
    """Σ a_i b_i."""
    return sum((Fraction(x) * y for x, y in zip(a, b, strict=True)), Fraction(0))


def value(row: HalfSpace, point: Row) -> Fraction:
    """a·x + c at a point."""
    return dot(row, (*point, 1))


# Networks ----------------------------------------------------------------------------------------


def domain_rows(domain: Any, dimension: int) -> list[HalfSpace]:
    """The half-spaces of a domain, told apart by its attributes."""
    rows: list[HalfSpace] = []
    if hasattr(domain, "A"):
        for row, limit in zip(domain.A.tolist(), domain.b.tolist(), strict=True):
            if any(row):
                rows.append(half_space([-Fraction(v) for v in row], Fraction(limit)))
    elif hasattr(domain, "lower"):
        for i, (low, high) in enumerate(zip(domain.lower.tolist(), domain.upper.tolist(), strict=True)):
            axis = [Fraction(int(i == j)) for j in range(dimension)]
            rows.append(half_space(axis, -Fraction(low)))
            rows.append(half_space([-v for v in axis], Fraction(high)))
    return rows


Ball = tuple[Row, Fraction]
"""A centre and the square of a radius."""


def ball_of(domain: Any) -> Ball | None:
    """The Euclidean ball that a domain is, if it is one."""
    if not hasattr(domain, "radius"):
        return None
    return tuple(Fraction(c) for c in domain.center.tolist()), Fraction(domain.radius) ** 2


def in_ball(point: Row, ball: Ball | None) -> bool:
    """Whether a point lies in the open ball."""
    return ball is None or norm_square((x - c for x, c in zip(point, ball[0], strict=True)), 2) < ball[1]


def inside(rows: Sequence[HalfSpace], dimension: int, ball: Ball | None) -> Row | None:
    """A point of the open polyhedron and the open ball, or None when there is none."""
    point = point_inside(rows, dimension)
    if point is None or in_ball(point, ball):
        return point
    assert ball is not None
    near = nearest(rows, ball[0])
    if not in_ball(near, ball):
        return None
    share = Fraction(1)
    while True:
        candidate = tuple(a + share * (b - a) for a, b in zip(near, point, strict=True))
        if in_ball(candidate, ball):
            return candidate
        share /= 2


def nearest(rows: Sequence[HalfSpace], center: Row) -> Row:
    """The point of a closed polyhedron with interior nearest to a point: the nearest of the feasible projections onto
    intersections of at most d of its hyperplanes, one of which it is (Carathéodory, and the KKT conditions)."""
    best: tuple[Fraction, Row] | None = None
    for count in range(len(center) + 1):
        for chosen in itertools.combinations(rows, count):
            candidate = projection(chosen, center)
            if candidate is None or any(value(row, candidate) < 0 for row in rows):
                continue
            distance = norm_square((x - c for x, c in zip(candidate, center, strict=True)), 2)
            if best is None or distance < best[0]:
                best = distance, candidate
    assert best is not None
    return best[1]


def projection(rows: Sequence[HalfSpace], point: Row) -> Row | None:
    """The nearest point with a·x + c = 0 in all rows; None where their normals are dependent."""
    n = len(rows)
    system = [[dot(a[:-1], b[:-1]) for b in rows] + [-value(a, point)] for a in rows]
    for k in range(n):
        pivot = next((i for i in range(k, n) if system[i][k]), None)
        if pivot is None:
            return None
        system[k], system[pivot] = system[pivot], system[k]
        for i in range(n):
            if i != k and system[i][k]:
                factor = system[i][k] / system[k][k]
                system[i] = [x - factor * y for x, y in zip(system[i], system[k], strict=True)]
    weights = [system[k][n] / system[k][k] for k in range(n)]
    return tuple(
        x + sum((w * row[j] for w, row in zip(weights, rows, strict=True)), Fraction(0)) for j, x in enumerate(point)
    )


@dataclass(frozen=True)
class _Cell:
    rows: tuple[HalfSpace, ...]
    point: Row
    pattern: Pattern
    affine: Matrix  # rows (a, c) of the values that enter the next layer


def regions(net: Chain, domain: Any = None) -> list[Region]:
    """Every full-dimensional activation region of the network on the domain."""
    weights, biases, slopes = net.fractions()
    dimension = len(weights[0][0])
    rows = domain_rows(domain, dimension)
    ball = ball_of(domain)
    start = point_inside(rows, dimension) if ball is None else ball[0]
    assert start is not None, "the domain has no interior"
    unit = tuple(tuple(Fraction(int(i == j)) for j in range(dimension + 1)) for i in range(dimension))
    cells = [_Cell(tuple(rows), start, (), unit)]
    for weight, bias, pairs in zip(weights, biases, slopes, strict=False):
        cells = [child for cell in cells for child in _split(cell, affine(weight, bias, cell.affine), pairs, ball)]
    found: list[Region] = []
    for cell in cells:
        last = affine(weights[-1], biases[-1], cell.affine)
        jacobian = tuple(row[:-1] for row in last)
        found.append(Region(cell.pattern, cell.point, jacobian, tuple(row[-1] for row in last)))
    return found


def affine(weight: Matrix, bias: Row, rows: Matrix) -> Matrix:
    """W·rows + b, the rows being affine maps (a, c)."""
    length = len(rows[0])
    result: list[Row] = []
    for w, b in zip(weight, bias, strict=True):
        total = [Fraction(0)] * (length - 1) + [b]
        for factor, row in zip(w, rows, strict=True):
            if factor:
                total = [t + factor * v for t, v in zip(total, row, strict=True)]
        result.append(tuple(total))
    return tuple(result)


def scaled(rows: Matrix, pairs: Sequence[Row], states: Sequence[bool]) -> Matrix:
    """Each row times the slope of its neuron's side."""
    return tuple(tuple(pair[on] * v for v in row) for row, pair, on in zip(rows, pairs, states, strict=True))


def _split(cell: _Cell, rows: Matrix, pairs: Sequence[Row], ball: Ball | None) -> list[_Cell]:
    """The cell's children: one for each combination of sides of this layer that has interior."""
    open_: list[tuple[tuple[HalfSpace, ...], Row, tuple[bool, ...]]] = [(cell.rows, cell.point, ())]
    for row, (left, right) in zip(rows, pairs, strict=True):
        following: list[tuple[tuple[HalfSpace, ...], Row, tuple[bool, ...]]] = []
        for chosen, point, states in open_:
            if left == right:
                following.append((chosen, point, (*states, True)))
                continue
            if not any(row[:-1]):
                following.append((chosen, point, (*states, row[-1] > 0)))
                continue
            positive = half_space(row[:-1], row[-1])
            here = value(positive, point)
            for side, on in ((positive, True), (opposite(positive), False)):
                extended = (*chosen, side)
                shown = here > 0 if on else here < 0
                found = point if shown else inside(extended, len(point), ball)
                if found is not None:
                    following.append((extended, found, (*states, on)))
        open_ = following
    children: list[_Cell] = []
    for chosen, point, states in open_:
        children.append(_Cell(chosen, point, (*cell.pattern, states), scaled(rows, pairs, states)))
    return children


def locate(net: Chain, domain: Any, point: Sequence[Fraction]) -> tuple[Pattern, Matrix] | None:
    """The pattern and the Jacobian around a point, or None when the point is not inside a region."""
    weights, biases, slopes = net.fractions()
    if any(value(row, tuple(point)) <= 0 for row in domain_rows(domain, len(point))):
        return None
    if not in_ball(tuple(point), ball_of(domain)):
        return None
    d = len(point)
    rows: Matrix = tuple(tuple(Fraction(int(i == j)) for j in range(d + 1)) for i in range(d))
    pattern: list[tuple[bool, ...]] = []
    for weight, bias, pairs in zip(weights, biases, slopes, strict=False):
        rows = affine(weight, bias, rows)
        values = [dot(row, (*point, 1)) for row in rows]
        for row, y, (left, right) in zip(rows, values, pairs, strict=True):
            if y == 0 and left != right and any(row[:-1]):
                return None
        states = tuple(y > 0 or left == right for y, (left, right) in zip(values, pairs, strict=True))
        rows = scaled(rows, pairs, states)
        pattern.append(states)
    last = affine(weights[-1], biases[-1], rows)
    return tuple(pattern), tuple(row[:-1] for row in last)


def evaluate(net: Chain, x: Sequence[Fraction]) -> Row:
    """f(x)."""
    weights, biases, slopes = net.fractions()
    v: Row = tuple(x)
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
        v = tuple(dot(row, v) + b for row, b in zip(weight, bias, strict=True))
        if k < len(slopes):
            v = tuple(pair[y > 0] * y for pair, y in zip(slopes[k], v, strict=True))
    return v


# Norms -------------------------------------------------------------------------------------------


def norm_square(v: Iterable[Fraction], q: float) -> Fraction:
    """‖v‖_q²."""
    values = list(v)
    if q == 2:
        return sum((x * x for x in values), Fraction(0))
    if q == 1:
        return sum((abs(x) for x in values), Fraction(0)) ** 2
    return max(abs(x) for x in values) ** 2


def transpose(A: Matrix) -> Matrix:
    """Aᵀ."""
    return tuple(tuple(row[j] for row in A) for j in range(len(A[0])))


def square(A: Matrix, p: float, q: float) -> Fraction | None:
    """‖A‖_{p→q}² when it is a plain rational number: always, save 2→2 of a matrix with two sides.

    The unit ball's extreme points do it: unit vectors for p = 1, sign vectors for p = ∞; with p = 2 the
    transpose is taken, whose input norm is the dual of q.
    """
    if p == 2:
        if len(A) == 1:
            return norm_square(A[0], 2)
        if len(A[0]) == 1:
            return norm_square((row[0] for row in A), q)
        if q == 2:
            return None
        return square(transpose(A), math.inf if q == 1 else 1, 2)
    if p == 1:
        return max(norm_square(column, q) for column in transpose(A))
    signs = itertools.product((1, -1), repeat=len(A[0]))
    return max(norm_square((dot(row, v) for row in A), q) for v in signs)


def semidefinite(M: Matrix, *, strict: bool = False) -> bool:
    """Whether a symmetric matrix is positive semidefinite (definite, if strict), by symmetric elimination."""
    rows = [list(row) for row in M]
    n = len(rows)
    for k in range(n):
        pivot = rows[k][k]
        if pivot < 0 or (strict and pivot == 0):
            return False
        if pivot == 0:
            if any(rows[k][j] for j in range(k + 1, n)):
                return False
            continue
        for i in range(k + 1, n):
            factor = rows[i][k] / pivot
            for j in range(k, n):
                rows[i][j] -= factor * rows[k][j]
    return True


def at_most(A: Matrix, v: Fraction, p: float, q: float, *, strict: bool = False) -> bool:
    """Whether ‖A‖_{p→q}² ≤ v (< v, if strict), exactly."""
    known = square(A, p, q)
    if known is not None:
        return known < v if strict else known <= v
    columns = transpose(A)
    gram = tuple(tuple((v if i == j else 0) - dot(a, b) for j, b in enumerate(columns)) for i, a in enumerate(columns))
    return semidefinite(gram, strict=strict)


def encloses(jacobians: Iterable[Matrix], lower: float, upper: float, p: float, q: float) -> bool:
    """Whether lower ≤ max ‖J‖_{p→q} ≤ upper, exactly."""
    listed = list(jacobians)
    ceiling = math.isinf(upper) or all(at_most(J, Fraction(upper) ** 2, p, q) for J in listed)
    reached = lower <= 0 or any(not at_most(J, Fraction(lower) ** 2, p, q, strict=True) for J in listed)
    return ceiling and reached


def largest_square(jacobians: Iterable[Matrix], p: float, q: float) -> Fraction | None:
    """max ‖J‖_{p→q}² where that is a plain rational number, else None."""
    squares = [square(J, p, q) for J in jacobians]
    return None if None in squares else max(s for s in squares if s is not None)
