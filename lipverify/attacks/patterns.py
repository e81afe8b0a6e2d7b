"""Activation patterns one or two flips away: their Jacobian norms, and interior points of their regions.

Floats throughout: what is found here is a proposal for `lipverify.geometry.witness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, final

import numpy as np

from lipverify.arrays import Array, Bools, Matrix, Vector
from lipverify.domain import Domain, Everywhere
from lipverify.geometry.margin import MarginProgram, unit_rows
from lipverify.network import Network
from lipverify.norms import INF, NormPair, operator_norm, reduced_pair
from lipverify.trusted.rounding import quiet
from lipverify.watch import tick

LEAST_MARGIN = 1e-10
ZERO_ROW = 1e-13


class Flip(NamedTuple):
    """The value after exchanging the slopes of some neurons, each a (layer, index)."""

    value: float
    neurons: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Region:
    """A pattern, ‖J‖ on it in floats, and a point z/t that should lie inside it."""

    states: tuple[Bools, ...]
    value: float
    z: tuple[float, ...]
    t: Fraction = Fraction(1)

    @property
    def point(self) -> tuple[Fraction, ...]:
        """The point. Its quotients take longer than the linear program that found it, and most are never asked for."""
        return tuple(Fraction(x) / self.t for x in self.z)

    @property
    def key(self) -> bytes:
        """The pattern as something to remember."""
        return b"".join(np.packbits(layer).tobytes() for layer in self.states)

    def flipped(self, neurons: Iterable[tuple[int, int]]) -> tuple[Bools, ...]:
        """The pattern with some neurons on the other side."""
        states = tuple(layer.copy() for layer in self.states)
        for k, i in neurons:
            states[k][i] = not states[k][i]
        return states


@final
class Neighbourhood:
    """What lies around a region of a network on a domain; counts its linear programs.

    `enough` is asked before each of them: once it says so no more are solved, and nothing more is found.
    """

    def __init__(self, net: Network, domain: Domain, pair: NormPair, enough: Callable[[], bool]) -> None:
        self._net = net
        self._pair = pair
        self._facets = unit_rows(domain.rows(net.input_dim))
        self._solver = MarginProgram(net.input_dim + 1)
        self._direct = _Direct.of(net, domain)
        self._bent = [np.flatnonzero(s[:, 0] != s[:, 1]) for s in net.slopes]
        self.enough = enough
        self.programs = 0

    @property
    def is_direct(self) -> bool:
        """Whether points of patterns are mostly found without a linear program."""
        return self._direct is not None

    def value(self, states: tuple[Bools, ...]) -> float:
        """‖J‖ on a pattern."""
        net = self._net
        with np.errstate(all="ignore"):
            jacobian = net.weights[0]
            for active, slopes, following in zip(states, net.slopes, net.weights[1:], strict=True):
                jacobian = following @ (np.where(active, slopes[:, 1], slopes[:, 0])[:, None] * jacobian)
            return float(operator_norm(np.nan_to_num(jacobian), self._pair))

    def flips(self, region: Region) -> list[Flip]:
        """Every single flip, best first."""
        return sorted(self._scored(region.states, ()), key=lambda flip: -flip.value)

    def double_flips(self, region: Region, singles: list[Flip], count: int, better: float) -> Iterator[Flip]:
        """The best flips of two neurons that improve the region, at most `count`, best first."""
        if not count or not singles:
            return
        found: list[Flip] = []
        least = region.value * better
        for first in singles[: 4 * count]:
            if self.enough():
                return
            neuron = first.neurons[0]
            twice = self._scored(region.flipped(first.neurons), first.neurons)
            found += [flip for flip in twice if flip.neurons[1] > neuron and flip.value > least]
        yield from sorted(found, key=lambda flip: -flip.value)[:count]

    def first_feasible(self, region: Region, flips: Iterable[Flip], better: float) -> Region | None:
        """The first flip that improves the region and whose pattern seems to have an interior."""
        for flip in flips:
            if not flip.value > region.value * better or self.enough():
                return None
            states = region.flipped(flip.neurons)
            found = self.interior(states)
            if found is not None:
                return Region(states, flip.value, *found)
        return None

    def interior(self, states: tuple[Bools, ...]) -> tuple[tuple[float, ...], Fraction] | None:
        """A point (z, t) of the cone over the pattern's region: a direct one, or that of the largest margin."""
        with np.errstate(all="ignore"):  # rows that overflow are left out
            rows = np.vstack([self._facets, self._half_spaces(states)])
            if self._direct is not None:
                x = self._direct.point(states[0])
                if (unit_rows(rows) @ np.append(x, 1.0) > LEAST_MARGIN * np.abs(x).max(initial=1.0)).all():
                    return tuple(x.tolist()), Fraction(1)
        self.programs += 1
        found = self._solver.interior_point(rows)
        if found is None or found.margin < LEAST_MARGIN:
            return None
        # Rows have length 1: moving t by half the margin keeps every one of them positive, and t with them.
        *z, t = found.point.tolist()
        return tuple(z), Fraction(t) + Fraction(found.margin) / 2

    def _half_spaces(self, states: tuple[Bools, ...]) -> Matrix:
        """Rows that are ≥ 0 on the pattern's cone, those of neurons that are constant 0 on it left out."""
        net = self._net
        found: list[Matrix] = []
        rows = np.column_stack([net.weights[0], net.biases[0]])
        sizes = np.abs(rows)
        for k, active in enumerate(states):
            top = sizes.max(axis=1)
            tick()
            alive = np.abs(rows).max(axis=1) > ZERO_ROW * top  # what is left of an exact 0 is rounding noise
            sides = np.where(active, 1.0, -1.0)[:, None] * rows
            found.append(sides[self._bent[k]][alive[self._bent[k]]])
            chosen = np.where(active, net.slopes[k][:, 1], net.slopes[k][:, 0])[:, None]
            following = net.weights[k + 1]
            rows, sizes = following @ (chosen * rows), np.abs(following) @ (np.abs(chosen) * sizes)
            rows[:, -1] += net.biases[k + 1]
            sizes[:, -1] += np.abs(net.biases[k + 1])
        return np.vstack([*found, np.zeros((0, net.input_dim + 1))])

    def _scored(self, states: tuple[Bools, ...], before: tuple[tuple[int, int], ...]) -> list[Flip]:
        """All single flips of a pattern: rank-one updates J + δ · (column behind) (row before)."""
        net = self._net
        slopes = [np.where(a, s[:, 1], s[:, 0]) for a, s in zip(states, net.slopes, strict=True)]
        forward = [net.weights[0]]
        for w, s in zip(net.weights[1:], slopes, strict=True):
            tick()
            forward.append(w @ (s[:, None] * forward[-1]))
        backward = net.weights[-1]
        flips: list[Flip] = []
        for k in reversed(range(len(slopes))):
            chosen = self._bent[k]
            tick()
            change = net.slopes[k][chosen].sum(axis=1) - 2 * slopes[k][chosen]
            values = updated_norms(forward[-1], (backward[:, chosen] * change).T, forward[k][chosen], self._pair)
            flips += [Flip(value, (*before, (k, int(i)))) for value, i in zip(values.tolist(), chosen, strict=True)]
            backward = (backward * slopes[k]) @ net.weights[k]
        return flips


@final
@dataclass(frozen=True)
class _Direct:
    """With one hidden layer whose rows are independent every pattern has a point: U x + c = ±1.

    Attributes
    ----------
    inverse
        U⁺ for the rows U of length 1, shape (d, n).
    offsets
        c, shape (n,).
    """

    inverse: Matrix
    offsets: Vector

    @classmethod
    @quiet
    def of(cls, net: Network, domain: Domain) -> _Direct | None:
        """None where there may be patterns without a region."""
        first = net.weights[0]
        if len(net.slopes) != 1 or len(first) > first.shape[1] or not isinstance(domain, Everywhere):
            return None
        lengths = np.linalg.norm(first, axis=1)
        lengths[lengths == 0] = 1.0
        return cls(np.linalg.pinv(first / lengths[:, None]), net.biases[0] / lengths)

    def point(self, states: Bools) -> Vector:
        """The least point of a pattern at which every pre-activation is ±1, up to its row's length."""
        return np.asarray(self.inverse @ (np.where(states, 1.0, -1.0) - self.offsets))


@quiet
def updated_norms(jacobian: Matrix, columns: Array, rows: Array, pair: NormPair) -> Array:
    """‖J + column rowᵀ‖ for N columns (N, m) and rows (N, n), shape (N,).

    With p = 2 and q ∈ {2, ∞} the Gram matrix of the update is one of rank two away from that of J: the
    longer side is passed over once, in a matrix product.
    """
    m, n = jacobian.shape
    pair = reduced_pair(pair, m, n)
    if pair == (2.0, 2.0) and n < m:
        return updated_norms(jacobian.T, rows, columns, pair)
    top = float(np.abs(jacobian).max()) + float((np.abs(columns).max(axis=1) * np.abs(rows).max(axis=1)).max(initial=0))
    if pair.p == 2.0 and pair.q != 1.0 and 0 < top < INF:
        J, c = jacobian / top, columns / top
        across = rows @ J.T
        squares = np.einsum("ij,ij->i", rows, rows)
        if pair.q == INF:
            lengths = np.einsum("ij,ij->i", J, J) + c * (2 * across + c * squares[:, None])
            return top * np.sqrt(np.maximum(lengths.max(axis=1), 0.0))
        half = across[:, :, None] * c[:, None, :]
        gram = J @ J.T + half + np.swapaxes(half, 1, 2) + (c * squares[:, None])[:, :, None] * c[:, None, :]
        known = np.isfinite(gram).all(axis=(1, 2))
        largest = np.linalg.eigvalsh(np.where(known[:, None, None], gram, 0.0))[:, -1]
        return np.where(known, top * np.sqrt(np.maximum(largest, 0.0)), 0.0)
    size = max(1, 2**18 // jacobian.size)
    parts = [np.zeros(0)]
    for at in range(0, len(rows), size):
        tick()
        piece = slice(at, at + size)
        parts.append(operator_norm(jacobian + columns[piece, :, None] * rows[piece, None, :], pair))
    return np.concatenate(parts)
