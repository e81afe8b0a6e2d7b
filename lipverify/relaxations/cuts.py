"""Inequalities between the signs of the neurons next to a scalar end (proofs/cuts.md).

Read a network of one output (or input) from that end. A neuron i next to it has u_i = x_i c_i v₀ with x_i ∈ {0, 1} and
c_i = δ_i w_i known. For integers b and k the number n = Σ b_i x_i is an integer, so (n − k)(n − k − 1) ≥ 0: with
e = Σ (b_i / c_i) u_i − k v₀ the quadratic form e (e − v₀) is ≥ 0 wherever the network can be. The triangle inequalities
of the cut polytope are those with three b_i = ±1, one of which may be the constant's (Barahona & Mahjoub 1986,
doi:10.1007/BF02592023); those with more are hypermetric.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from lipverify.arrays import Bools, Indices, Matrix, Signs, Vector
from lipverify.relaxations.split import Oriented
from lipverify.trusted.rounding import sum_error
from lipverify.watch import tick

_LEAST, _MOST = 2.0**-100, 2.0**100  # of |c_i| between which nothing of a cut underflows or overflows


@final
@dataclass(frozen=True, eq=False)
class Cuts:
    """Cuts as integers over the neurons of the layer next to the scalar end: they hold at every node.

    Attributes
    ----------
    coefficients
        b, shape (K, n₁), int8.
    offsets
        k, shape (K,), int64.
    """

    coefficients: Signs
    offsets: Indices

    @classmethod
    def none(cls, width: int) -> Cuts:
        """No cut over so many neurons."""
        return cls(np.zeros((0, width), dtype=np.int8), np.zeros(0, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.offsets)

    def chosen(self, which: Indices) -> Cuts:
        """Some of them."""
        return Cuts(self.coefficients[which], self.offsets[which])

    def and_(self, other: Cuts) -> Cuts:
        """Both."""
        return Cuts(
            np.concatenate([self.coefficients, other.coefficients]), np.concatenate([self.offsets, other.offsets])
        )

    def forms(self, scales: Vector, signs: Signs, size: int) -> tuple[Matrix, Matrix]:
        """The forms e and e − v₀ in z = (v₀, u of the undecided neurons), shapes (K, size).

        Parameters
        ----------
        scales
            c, shape (n₁,).
        signs
            Those of all neurons in the order of reading, shape (n,).
        size
            1 + the number of undecided neurons.
        """
        layer = signs[: len(scales)]
        free = np.flatnonzero(layer == 0)
        on = self.coefficients[:, layer > 0].sum(axis=1)
        left = np.zeros((len(self), size))
        left[:, 0] = on - self.offsets
        with np.errstate(divide="ignore", invalid="ignore"):
            scaled = self.coefficients[:, free] / scales[free]
        left[:, 1 : 1 + len(free)] = np.where(self.coefficients[:, free] != 0, scaled, 0.0)
        right = left.copy()
        right[:, 0] -= 1.0
        return left, right


def scales(chain: Oriented) -> Vector | None:
    """c = δ w of the neurons next to a scalar end, shape (n₁,); None where the end is none."""
    if chain.inputs != 1 or not chain.neurons:
        return None
    with np.errstate(over="ignore"):  # what overflows is not usable
        return np.asarray(chain.delta[chain.layers[0]] * chain.weights[0][:, 0])


def usable(c: Vector) -> Bools:
    """Which neurons cuts may speak of."""
    size = np.abs(c)
    return np.asarray((size > _LEAST) & (size < _MOST), dtype=bool)


def violated(S: Matrix, signs: Signs, width: int, most: int, least: float) -> Cuts:
    """The triangle inequalities that moments violate by more than `least`, the worst first.

    Parameters
    ----------
    S
        E[s sᵀ] for s = (1, signs of the undecided neurons), with a diagonal of 1, shape (1 + m, 1 + m).
    signs
        As for `Cuts.forms`.
    width
        n₁, the neurons next to the scalar end.
    most
        How many at most.
    """
    triples, values = _triangles(S, least)
    order = np.argsort(-values, kind="stable")[:most]
    i, j, k, first, second = triples[order].T
    b = np.zeros((len(order), len(S)), dtype=np.int8)
    lines = np.arange(len(order))
    b[lines, i], b[lines, j], b[lines, k] = 1, first, second
    return _over_layer(b, signs, width)


def extended(S: Matrix, rows: Indices, signs: Signs, width: int, most: int, least: float) -> Cuts:
    """Cuts with two entries ±1 more than some that are given, violated by more than `least`, the worst first.

    From triangle inequalities that are tight they are pentagonal ones, from these heptagonal ones.

    Parameters
    ----------
    rows
        b over (1, signs of the undecided neurons), entries −1, 0 and 1, shape (K, 1 + m).
    S, signs, width, most, least
        As for `violated`.
    """
    size = len(S)
    bare = S - np.diag(np.diagonal(S))
    far = np.diag(np.full(size, np.inf))  # no neuron twice
    plus, minus = S + far, far - S
    found, values = [np.zeros((0, size), dtype=np.int8)], [np.zeros(0)]
    for b, t in zip(rows, rows @ bare, strict=True):
        tick()
        on = np.flatnonzero(b)
        # The least of first·t_l + second·t_m + first·second·S_lm over both signs, for equal ones and for others.
        tables = plus - np.abs(t[:, None] + t), minus - np.abs(t[:, None] - t)
        for table in tables:
            table[on], table[:, on] = np.inf, np.inf
        best = [int(table.argmin()) for table in tables]
        least_same, least_other = (float(table.ravel()[k]) for table, k in zip(tables, best, strict=True))
        equal = least_same <= least_other
        value = -(float(b @ t) / 2 + min(least_same, least_other)) - int(np.abs(b).sum()) // 2 - 1
        if value > least:
            first, second = divmod(best[0] if equal else best[1], size)
            fresh = b.astype(np.int8)
            fresh[first] = -1 if t[first] + (t[second] if equal else -t[second]) > 0 else 1
            fresh[second] = fresh[first] if equal else -fresh[first]
            found.append(fresh[None])
            values.append(np.array([value]))
    order = np.argsort(-np.concatenate(values), kind="stable")[:most]
    return _over_layer(np.concatenate(found)[order], signs, width)


def _over_layer(b: Signs, signs: Signs, width: int) -> Cuts:
    """Cuts over all neurons of the layer for some over (1, signs of the undecided ones)."""
    coefficients = np.zeros((len(b), width), dtype=np.int8)
    coefficients[:, np.flatnonzero(signs[:width] == 0)] = b[:, 1:]
    return Cuts(coefficients, (b[:, 1:].sum(axis=1, dtype=np.int64) - b[:, 0] - 1) // 2)


def _triangles(S: Matrix, least: float) -> tuple[Indices, Vector]:
    """i < j < k and the signs b_j, b_k beside b_i = 1, shape (N, 5), where −1 − Σ b b S > least; that, shape (N,)."""
    found, values = [np.zeros((0, 5), dtype=np.int64)], [np.zeros(0)]
    for i in range(len(S) - 2):
        row, rest = S[i, i + 1 :], S[i + 1 :, i + 1 :]
        for first in (1, -1):
            for second in (1, -1):
                excess = -1 - first * row[:, None] - second * row[None, :] - first * second * rest
                j, k = np.nonzero(np.triu(excess > least, 1))
                if len(j):
                    lines = np.empty((len(j), 5), dtype=np.int64)
                    lines[:, 0], lines[:, 1], lines[:, 2] = i, i + 1 + j, i + 1 + k
                    lines[:, 3], lines[:, 4] = first, second
                    found.append(lines)
                    values.append(excess[j, k])
    return np.concatenate(found), np.concatenate(values)


@final
@dataclass(frozen=True, slots=True)
class Taken:
    """Σ ν ½(e fᵀ + f eᵀ) in floats, shape (n, n), and what Z − mid may be off by, as a diagonal, shape (n,)."""

    mid: Matrix
    rad: Vector


def taken_by(chain: Oriented, signs: Signs, size: int, cuts: Cuts, weights: Vector) -> Taken | None:
    """What cuts take from Z, rounding included; None where the multipliers are no proof of anything.

    b and k are exact, c is rounded twice and b/c once; a product of two such entries and ν, halved, and summed over the
    cuts has less than 16 + K roundings. The exact sum is within γ of the float one entrywise, times the
    same sum of absolute values, whose row sums pay for it on the diagonal.
    """
    c = scales(chain)
    if c is None or not (np.isfinite(weights).all() and (weights >= 0).all()):
        return None
    if not usable(c[(cuts.coefficients != 0).any(axis=0)]).all():
        return None
    left, right = cuts.forms(c, signs, size)
    half = (left * (0.5 * weights[:, None])).T @ right
    mid = half + half.T
    left, right = np.abs(left), np.abs(right)
    rows = left.T @ (weights * right.sum(axis=1)) + right.T @ (weights * left.sum(axis=1))
    mass = 0.5 * rows + np.abs(mid).sum(axis=1)
    rad = sum_error(mass, 4 * (len(cuts) + size) + 64, int(_MOST * _MOST) * (len(cuts) + 1) * size)
    return Taken(mid, rad)
