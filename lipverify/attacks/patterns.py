"""Activation patterns one or two flips away: their Jacobian norms, and interior points of their regions.

Floats throughout: what is found here is a proposal for `lipverify.geometry.witness`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple, final

import numpy as np

from lipverify.arrays import Array, Bools, Matrix
from lipverify.domain import Domain
from lipverify.geometry.margin import MarginProgram, unit_rows
from lipverify.network import Network
from lipverify.norms import NormPair, operator_norm

LEAST_MARGIN = 1e-10
ZERO_ROW = 1e-13


class Flip(NamedTuple):
    """The value after exchanging the slopes of some neurons, each a (layer, index)."""

    value: float
    neurons: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Region:
    """A pattern, ‖J‖ on it in floats, and a point that should lie inside it."""

    states: tuple[Bools, ...]
    value: float
    point: tuple[float, ...] | tuple[Fraction, ...]

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
    """What lies around a region of a network on a domain; counts its linear programs."""

    def __init__(self, net: Network, domain: Domain, pair: NormPair) -> None:
        self._net = net
        self._pair = pair
        self._facets = unit_rows(domain.rows(net.input_dim))
        self._solver = MarginProgram(net.input_dim + 1)
        self._bent = [np.flatnonzero(s[:, 0] != s[:, 1]) for s in net.slopes]
        self.programs = 0

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
            neuron = first.neurons[0]
            twice = self._scored(region.flipped(first.neurons), first.neurons)
            found += [flip for flip in twice if flip.neurons[1] > neuron and flip.value > least]
        yield from sorted(found, key=lambda flip: -flip.value)[:count]

    def first_feasible(self, region: Region, flips: Iterable[Flip], better: float) -> Region | None:
        """The first flip that improves the region and whose pattern seems to have an interior."""
        for flip in flips:
            if not flip.value > region.value * better:
                return None
            states = region.flipped(flip.neurons)
            point = self.interior_point(states)
            if point is not None:
                return Region(states, flip.value, point)
        return None

    def interior_point(self, states: tuple[Bools, ...]) -> tuple[Fraction, ...] | None:
        """A point x = z/t of the pattern's region, from the largest margin over its cone of (z, t)."""
        self.programs += 1
        rows = np.vstack([self._facets, self._half_spaces(states)])
        found = self._solver.interior_point(rows)
        if found is None or found.margin < LEAST_MARGIN:
            return None
        # Rows have length 1: moving t by half the margin keeps every one of them positive, and t with them.
        t = Fraction(float(found.point[-1])) + Fraction(found.margin) / 2
        return tuple(Fraction(z) / t for z in found.point[:-1].tolist())

    def _half_spaces(self, states: tuple[Bools, ...]) -> Matrix:
        """Rows that are ≥ 0 on the pattern's cone, those of neurons that are constant 0 on it left out."""
        net = self._net
        found: list[Matrix] = []
        rows = np.column_stack([net.weights[0], net.biases[0]])
        sizes = np.abs(rows)
        for k, active in enumerate(states):
            top = sizes.max(axis=1)
            alive = np.abs(rows).max(axis=1) > ZERO_ROW * top  # what is left of an exact 0 is rounding noise
            sides = np.where(active, 1.0, -1.0)[:, None] * rows
            found.append(sides[[i for i in self._bent[k] if alive[i]]])
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
            forward.append(w @ (s[:, None] * forward[-1]))
        backward = net.weights[-1]
        flips: list[Flip] = []
        for k in reversed(range(len(slopes))):
            chosen = self._bent[k]
            change = net.slopes[k][chosen].sum(axis=1) - 2 * slopes[k][chosen]
            values = self._updated(forward[-1], (backward[:, chosen] * change).T, forward[k][chosen])
            flips += [Flip(value, (*before, (k, int(i)))) for value, i in zip(values.tolist(), chosen, strict=True)]
            backward = (backward * slopes[k]) @ net.weights[k]
        return flips

    def _updated(self, jacobian: Matrix, columns: Array, rows: Array) -> Array:
        """‖J + column rowᵀ‖ for every column and row, shape (N,)."""
        size = max(1, 2**22 // jacobian.size)
        parts = [np.zeros(0)]
        for at in range(0, len(rows), size):
            piece = slice(at, at + size)
            updates = columns[piece, :, None] * rows[piece, None, :]
            parts.append(operator_norm(jacobian + updates, self._pair))
        return np.concatenate(parts)
