"""Exact geometry of a network with two inputs: its regions as polygons, in integers.

A line (a, b, c) is {a x + b y + c = 0}, a point is (X, Y, T) with T > 0 and stands for (X/T, Y/T); both hold
integers, so the crossing of two lines is their cross product, and no digit is ever lost.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

import lipverify as lv
from lipverify.demo.surd import Matrix, Norm

Triple: TypeAlias = tuple[int, int, int]
Neuron: TypeAlias = tuple[int, int]
"""Layer and place, from 0; sides that no neuron owns are (-1, 0)."""
NOBODY: Neuron = (-1, 0)
FAR: Neuron = (-2, 0)
"""The owner of a side that stands for "and so on for ever"."""
Side: TypeAlias = tuple[Triple, Triple, Neuron]
"""Where a side starts, the line that it lies on (positive inside), and whose line that is."""
Pattern: TypeAlias = tuple[tuple[bool, ...], ...]


# Lines of a region -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Forms:
    """The pre-activations of a network with two inputs as integer triples, up to positive factors."""

    network: lv.Network

    @cached_property
    def _layers(self) -> list[tuple[list[list[int]], list[int], int, list[tuple[int, int]], int]]:
        weights, biases, slopes = self.network.fractions()
        found = []
        for w, b, s in zip(weights, biases, (*slopes, ()), strict=True):
            scale = math.lcm(*(x.denominator for row in (*w, b) for x in row))
            steep = math.lcm(1, *(x.denominator for pair in s for x in pair))
            rows = [[int(x * scale) for x in row] for row in w]
            pairs = [(int(low * steep), int(high * steep)) for low, high in s]
            found.append((rows, [int(x * scale) for x in b], scale, pairs, steep))
        return found

    def hidden(self, pattern: Pattern) -> list[list[Triple]]:
        """For every hidden neuron (a, b, c), a positive multiple of its pre-activation where the pattern holds."""
        values: list[Triple] = [(1, 0, 0), (0, 1, 0)]
        unit = 1  # the values are multiples of 1/unit
        found: list[list[Triple]] = []
        for (rows, bias, scale, pairs, steep), states in zip(self._layers, pattern, strict=False):
            layer = [_combine(row, values, b * unit) for row, b in zip(rows, bias, strict=True)]
            found.append(layer)
            unit *= scale * steep
            values = [
                (a * k, b * k, c * k)
                for (a, b, c), pair, on in zip(layer, pairs, states, strict=True)
                for k in (pair[on],)
            ]
        return found

    def lines(self, pattern: Pattern) -> dict[Triple, Neuron]:
        """The half-planes whose intersection is the pattern's region, each with the first neuron that owns it."""
        found: dict[Triple, Neuron] = {}
        for k, (layer, states) in enumerate(zip(self.hidden(pattern), pattern, strict=True)):
            pairs = self._layers[k][3]
            for i, ((a, b, c), on) in enumerate(zip(layer, states, strict=True)):
                if (a or b) and pairs[i][0] != pairs[i][1]:
                    side = 1 if on else -1
                    g = math.gcd(a, b, c) * side
                    found.setdefault((a // g, b // g, c // g), (k, i))
        return found

    def vanishing(self, pattern: Pattern, point: Triple) -> list[Neuron]:
        """The neurons with two slopes whose pre-activation is 0 at a point of the region's closure."""
        return [
            (k, i)
            for k, layer in enumerate(self.hidden(pattern))
            for i, form in enumerate(layer)
            if _dot(form, point) == 0 and self._layers[k][3][i][0] != self._layers[k][3][i][1]
        ]

    def jacobian(self, pattern: Pattern) -> Matrix:
        """The product of the weights and the slopes that a pattern chooses, whether or not it holds anywhere."""
        weights, _, slopes = self.network.fractions()
        product = weights[0]
        for w, pairs, states in zip(weights[1:], slopes, pattern, strict=True):
            below = [[pair[on] * x for x in row] for row, pair, on in zip(product, pairs, states, strict=True)]
            product = tuple(
                tuple(
                    sum((x * y for x, y in zip(row, col, strict=True)), Fraction(0)) for col in zip(*below, strict=True)
                )
                for row in w
            )
        return product


def _combine(row: Sequence[int], values: Sequence[Triple], shift: int) -> Triple:
    a = b = c = 0
    for w, (x, y, z) in zip(row, values, strict=True):
        if w:
            a, b, c = a + w * x, b + w * y, c + w * z
    return a, b, c + shift


# Polygons ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Polygon:
    """A convex polygon with interior, counter-clockwise; or, with sides that are `FAR`, an unbounded one."""

    sides: tuple[Side, ...]

    @classmethod
    def box(cls, x: tuple[Fraction, Fraction], y: tuple[Fraction, Fraction], owner: Neuron = NOBODY) -> Polygon:
        """[x₀, x₁] × [y₀, y₁]."""
        corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
        lines = [_line(0, 1, -y[0]), _line(-1, 0, x[1]), _line(0, -1, y[1]), _line(1, 0, -x[0])]
        return cls(tuple((_point(*v), line, owner) for v, line in zip(corners, lines, strict=True)))

    @classmethod
    def around(cls, lines: Iterable[Triple]) -> Polygon:
        """A square that holds every crossing of these lines inside it, its sides `FAR`.

        A crossing is (b₁c₂ − b₂c₁, …) over a non-zero integer, so its coordinates are at most 2·max|a, b|·max|c|.
        """
        rows = list(lines)
        steep = max((abs(v) for a, b, _ in rows for v in (a, b)), default=0)
        reach = Fraction(1 + 2 * steep * max((abs(c) for *_, c in rows), default=0))
        return cls.box((-reach, reach), (-reach, reach), FAR)

    def clip(self, line: Triple, owner: Neuron) -> Polygon | None:
        """The part where the line's form is ≥ 0; None if that has no interior."""
        signs = [_dot(line, v) for v, _, _ in self.sides]
        if min(signs) >= 0:
            return self
        if max(signs) <= 0:
            return None
        kept: list[Side] = []
        for k, (start, own, who) in enumerate(self.sides):
            here, there = signs[k], signs[(k + 1) % len(signs)]
            if here > 0 or (here == 0 and there > 0):
                kept.append((start, own, who))
            elif here == 0:
                kept.append((start, line, owner))  # it leaves in a corner
            elif there > 0:
                kept.append((_cross(own, line), own, who))
            if here > 0 > there:
                kept.append((_cross(own, line), line, owner))
        return Polygon(tuple(kept))

    def within(self, window: Polygon) -> Polygon | None:
        """The part inside a window, however far the polygon goes; None if that has no interior."""
        found: Polygon | None = window
        for _, line, owner in self.sides:
            if found is not None and owner != FAR:
                found = found.clip(line, owner)
        return found

    @property
    def unbounded(self) -> bool:
        """Whether it goes on for ever."""
        return any(owner == FAR for *_, owner in self.sides)

    @property
    def corners(self) -> tuple[Triple, ...]:
        """Its corners, those of `FAR` sides included."""
        return tuple(start for start, _, _ in self.sides)

    @property
    def vertices(self) -> tuple[Triple, ...]:
        """Its corners at which no side is `FAR`."""
        owners = [owner for *_, owner in self.sides]
        return tuple(v for k, (v, _, _) in enumerate(self.sides) if FAR not in (owners[k - 1], owners[k]))

    @property
    def area(self) -> Fraction:
        """The area, by the trapezoids below its sides."""
        points = [(Fraction(x, t), Fraction(y, t)) for x, y, t in self.corners]
        return sum((p[0] * q[1] - q[0] * p[1] for p, q in itertools.pairwise([*points, points[0]])), Fraction(0)) / 2


@dataclass(frozen=True)
class Tile:
    """A region as the page sees it."""

    region: lv.Region
    shape: Polygon
    norm: Norm


def polygon(forms: Forms, pattern: Pattern, domain: Polygon | None = None) -> Polygon:
    """The region of a pattern, within a domain."""
    lines = forms.lines(pattern)
    found = domain or Polygon.around(lines)
    for line, owner in lines.items():
        cut = found.clip(line, owner)
        if cut is None:
            raise lv.LipverifyError("a region without interior; this is a bug")
        found = cut
    return found


def _line(a: int, b: int, c: Fraction) -> Triple:
    return a * c.denominator, b * c.denominator, c.numerator


def _point(x: Fraction, y: Fraction) -> Triple:
    t = math.lcm(x.denominator, y.denominator)
    return int(x * t), int(y * t), t


def _dot(line: Triple, point: Triple) -> int:
    return line[0] * point[0] + line[1] * point[1] + line[2] * point[2]


def _cross(k: Triple, m: Triple) -> Triple:
    x, y, t = k[1] * m[2] - k[2] * m[1], k[2] * m[0] - k[0] * m[2], k[0] * m[1] - k[1] * m[0]
    g = math.gcd(x, y, t) * (1 if t > 0 else -1)
    return x // g, y // g, t // g
