"""The coordinates in which a problem's regions are explored: homogeneous, and no more than needed.

A domain becomes the cone over it (`domain.rows`), so that a global problem is as bounded as a local one.
On the whole space two exact reductions apply: regions depend on x only through W_1 x, so columns of W_1
that span its column space suffice; and without hidden biases they are cones in x already, so the
coordinate t is dropped. Proof: proofs/frame.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import fmpq, fmpq_mat, nmod_mat
from scipy.linalg import qr

from lipverify.arrays import Array, Indices, Matrix, Point, Vector
from lipverify.domain import Ball, Box, Domain, Everywhere
from lipverify.network import Network
from lipverify.rationals import fraction, rational, rational_matrix
from lipverify.watch import tick

_PRIME = 2**61 - 1
_SMALL = 4096  # entries of a matrix whose rank is worth an elimination in rationals


@dataclass(frozen=True)
class Frame:
    """A choice of columns of (x, t).

    Attributes
    ----------
    columns
        Indices into (x_1, …, x_d, t), increasing; d is the index of t.
    inputs
        d.
    """

    columns: tuple[int, ...]
    inputs: int

    @classmethod
    def of(cls, net: Network, domain: Domain) -> Frame:
        """The frame for a network on a domain."""
        d = net.input_dim
        if not isinstance(domain, Everywhere) or not net.slopes:
            return cls(tuple(range(d + 1)), d)
        columns = spanning_columns(net.weights[0])
        biased = any(b.any() for b in net.biases[:-1])
        return cls((*columns, d) if biased else columns or (d,), d)

    @property
    def dimension(self) -> int:
        """m, the number of coordinates."""
        return len(self.columns)

    @property
    def has_t(self) -> bool:
        """Whether the homogenising coordinate t is among them (last)."""
        return self.columns[-1] == self.inputs

    def restrict(self, rows: Matrix) -> Matrix:
        """Rows over (x, t), shape (n, d + 1), in these coordinates, shape (n, m)."""
        return rows[:, list(self.columns)]

    def restrict_exact(self, rows: fmpq_mat, chosen: Indices) -> list[list[fmpq]]:
        """The same for some of the rows, exactly."""
        every = rows.tolist()
        return [[every[i][j] for j in self.columns] for i in chosen.tolist()]

    def point(self, z: tuple[fmpq, ...]) -> Point:
        """The input that z stands for: x/t, coordinates outside the frame 0."""
        t = z[-1] if self.has_t else fmpq(1)
        x = [Fraction(0)] * self.inputs
        for j, value in zip(self.columns, z, strict=True):
            if j < self.inputs:
                x[j] = fraction(value / t)
        return tuple(x)

    def limits(self, domain: Domain) -> tuple[Vector, Vector]:
        """Limits of z for the float LP: a slice t = 1 of the cone over a box, else [−1, 1]^d × [0, 1]."""
        m = self.dimension
        lower, upper = -np.ones(m), np.ones(m)
        if self.has_t:
            lower[-1] = 0.0
        if isinstance(domain, Ball):
            return self.limits(domain.box)
        if isinstance(domain, Box):
            lower, upper = np.append(domain.lower, 1.0), np.append(domain.upper, 1.0)
        return lower, upper

    def samples(self, domain: Domain, count: int, rng: np.random.Generator) -> Array:
        """Points to begin with, shape (≤ count, m); whoever uses them checks that they are inside."""
        m = self.dimension
        if isinstance(domain, Box):
            width = domain.upper - domain.lower
            x = domain.lower + width * rng.uniform(0.05, 0.95, size=(count, m - 1))
            return np.column_stack([x, np.ones(count)])
        if isinstance(domain, Ball):
            return np.column_stack([ball_points(domain, count, rng), np.ones(count)])
        z = rng.normal(size=(count, m))
        if self.has_t:
            z[:, -1] = np.abs(z[:, -1])
        return z


def ball_points(ball: Ball, count: int, rng: np.random.Generator) -> Array:
    """Random points of a ball, uniform but for rounding, shape (count, d)."""
    along = rng.normal(size=(count, ball.dimension))
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    share = 0.999 * rng.uniform(size=(count, 1)) ** (1 / ball.dimension)
    return ball.center + ball.radius * share * along


def spanning_columns(weight: Matrix) -> tuple[int, ...]:
    """Columns of a matrix that span its column space, proven so; all non-zero ones where that is expensive.

    Columns that are independent modulo a prime are independent over the rationals, so as many of them as
    there are rows span everything. A rank that falls short modulo the prime is decided in rationals.
    Of many such choices that of a pivoted QR decomposition is taken: between columns that are nearly dependent, as
    those of an image's corners are, cells look thin, and floats say little about thin cells.
    """
    used = np.flatnonzero(weight.any(axis=0))
    if not len(used):
        return ()
    used = used[_far_apart(weight[:, used])]
    exact = rational_matrix(weight[:, used])
    residues: list[int] = []
    for row in exact.tolist():
        tick()
        scale = max(x.q for x in row)  # all are powers of two, which the prime does not divide
        residues += [int(x.p * (scale // x.q) % _PRIME) for x in row]
    reduced, rank = nmod_mat(exact.nrows(), exact.ncols(), residues, _PRIME).rref()
    rows = [[int(x) for x in row] for row in reduced.tolist()[:rank]]
    if rank < min(weight.shape[0], len(used)):
        if weight.size > _SMALL:
            return tuple(sorted(int(j) for j in used))
        over_rationals, rank = exact.rref()
        rows = over_rationals.tolist()[:rank]
    return tuple(sorted(int(used[next(j for j, x in enumerate(row) if x)]) for row in rows))


def _far_apart(columns: Matrix) -> Indices:
    """An order of non-zero columns in which each is as far as may be from the span of those before it, in floats."""
    m, n = columns.shape
    if n <= m:
        return np.arange(n)  # most likely all of them are needed
    top = np.abs(columns).max(axis=1, keepdims=True)
    _, _, order = qr(columns / np.where(top > 0, top, 1.0), mode="economic", pivoting=True)
    return np.asarray(order, dtype=np.intp)


def cone_rows(domain: Domain, frame: Frame) -> Matrix:
    """The half-spaces of the cone over the domain, t ≥ 0 first, shape (r, m)."""
    rows = frame.restrict(domain.rows(frame.inputs))
    rows = rows[rows.any(axis=1)]  # 0 ≥ 0 is no constraint
    if not frame.has_t:
        return rows
    unit = np.zeros((1, frame.dimension))
    unit[0, -1] = 1.0
    return np.vstack([unit, rows])


def exact_rows(rows: Matrix) -> list[list[fmpq]]:
    """Float rows as the rationals they are."""
    return [[rational(v) for v in row] for row in rows.tolist()]
