"""False claims that only rounding could make look true, for the float reader of the search by layers.

Each comes with what refutes it in Fractions: a point of the cell at which the sign does not hold, or a Jacobian whose
norm is above what is claimed. Their true margins lie within what the reader charges.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from lipverify.arrays import Array, Vector
from lipverify.trusted.evidence import Block, Chain, Empty, Head, Implied, Pruned, Space, Turned
from lipverify.trusted.rounding import float_down
from tests import oracle

Rational = list[Fraction]


@dataclass(frozen=True, eq=False)
class SignLie:
    """That neuron `neuron` has the sign `sign` on the cell of the states (−1: that the cell is empty)."""

    chain: Chain
    space: Space
    states: tuple[int, ...]
    neuron: int
    sign: int
    point: tuple[float, ...]
    multipliers: dict[int, float] = field(default_factory=dict)

    def told_to(self, make: Any) -> bool:
        """Whether a reader believes it."""
        states, index = np.array([self.states], dtype=np.int8), np.array([0])
        multipliers = np.zeros((1, len(self.space.shifts) + len(self.states)))
        for j, x in self.multipliers.items():
            multipliers[0, j] = x
        reader = make(self.chain, self.space)
        if self.neuron < 0:
            return bool(reader.empty(Empty(states, index, multipliers))[0])
        neuron, sign = np.array([self.neuron]), np.array([self.sign], dtype=np.int8)
        return bool(reader.implied(Implied(states, index, neuron, sign, multipliers))[0])

    def refuted(self) -> bool:
        """Whether the point lies in the closed cell, and the sign does not hold there."""
        x, space = exact(np.array(self.point)), self.space
        y = heights(self.chain, x)
        ends = zip(exact(space.lower), x, exact(space.upper), strict=True)
        held = all(a <= v <= b for a, v, b in ends)
        rows = zip(space.rows, exact(space.shifts), strict=True)
        held &= all(dot(exact(row), x) + shift >= 0 for row, shift in rows)
        held &= all(s * v >= 0 for s, v, same in zip(self.states, y, self.chain.linear, strict=True) if not same)
        height = 0 if self.neuron < 0 else self.sign * y[self.neuron]
        return held and (height < 0 or (height == 0 and not space.cone))


@dataclass(frozen=True, eq=False)
class NormLie:
    """That the head's 1-norm is at most `claimed`, which it is not."""

    chain: Chain
    states: tuple[int, ...]
    upward: bool
    claimed: float
    space: Space

    def told_to(self, make: Any) -> bool:
        """Whether a reader believes it."""
        states, reader, head = np.array([self.states], dtype=np.int8), make(self.chain, self.space), self._head()
        told = bool(reader.pruned(Pruned(states, head, self.claimed, 100))[0])
        return told or reader.upper(states, head)[0] <= self.claimed

    def refuted(self) -> bool:
        """Whether a choice of the slopes that the states leave has a larger norm."""
        ways = _ways(self.states, self.chain)
        return any(self._norm(exact(np.array(slopes))) > Fraction(self.claimed) for slopes in ways)

    def _head(self) -> Head:
        return Head(self.upward, 0, tuple(range(len(self._start()[0]))))

    def _start(self) -> Any:
        return self.chain.weights[0] if self.upward else self.chain.weights[-1].T

    def _norm(self, slopes: Rational) -> Fraction:
        weights = list(self.chain.weights) if self.upward else [w.T for w in reversed(self.chain.weights)]
        parts = [slopes[a:b] for a, b in itertools.pairwise(self.chain.offsets)]
        v = exact(weights[-1][0])
        for w, part in zip(reversed(weights[:-1]), reversed(parts) if self.upward else parts, strict=True):
            v = [s * x for s, x in zip(part, v, strict=True)]
            v = [dot(exact(column), v) for column in w.T]
        return sum((abs(x) for x in v), Fraction(0))


@dataclass(frozen=True, eq=False)
class BlockLie:
    """That the Jacobian's spectral norm is at most `claimed`, which it is not."""

    chain: Chain
    states: tuple[int, ...]
    left: Array
    right: Array
    claimed: float
    space: Space

    def told_to(self, make: Any) -> bool:
        """Whether a reader believes it."""
        (m, _), (_, d) = self.chain.weights[-1].shape, self.chain.weights[0].shape
        block, states = Block(tuple(range(m)), tuple(range(d))), np.array([self.states], dtype=np.int8)
        turned = Turned(states, block, self.claimed, self.left[None], self.right[None])
        return bool(make(self.chain, self.space).turned(turned)[0])

    def refuted(self) -> bool:
        """Whether a choice of the slopes that the states leave has a larger norm."""
        weights = [[exact(row) for row in w] for w in self.chain.weights]
        parts = [np.split(np.array(way), self.chain.offsets[1:-1]) for way in _ways(self.states, self.chain)]
        return any(not oracle.at_most(_product(weights, part), Fraction(self.claimed) ** 2, 2, 2) for part in parts)


def _ways(states: tuple[int, ...], chain: Chain) -> Iterator[tuple[float, ...]]:
    """All slopes that states leave."""
    pairs = np.concatenate(chain.slopes).tolist()
    ways = [pair if s == 0 else [pair[1] if s > 0 else pair[0]] for s, pair in zip(states, pairs, strict=True)]
    return itertools.product(*ways)


def _product(weights: list[list[Rational]], slopes: list[Vector]) -> Any:
    """The Jacobian."""
    matrix = weights[0]
    for w, part in zip(weights[1:], slopes, strict=True):
        scaled = [[s * x for x in row] for s, row in zip(exact(part), matrix, strict=True)]
        matrix = [[dot(row, list(column)) for column in zip(*scaled, strict=True)] for row in w]
    return tuple(tuple(row) for row in matrix)


def exact(values: Vector) -> Rational:
    return [Fraction(x) for x in values.tolist()]


def dot(a: Rational, b: Rational) -> Fraction:
    return sum((x * y for x, y in zip(a, b, strict=True)), Fraction(0))


def heights(chain: Chain, x: Rational) -> Rational:
    """The pre-activations of all hidden neurons at a point."""
    below, found = x, []
    for weights, biases, slopes in zip(chain.weights[:-1], chain.biases[:-1], chain.slopes, strict=True):
        y = [dot(exact(row), below) + b for row, b in zip(weights, exact(biases), strict=True)]
        below = [Fraction(s[1] if v > 0 else s[0]) * v for s, v in zip(slopes.tolist(), y, strict=True)]
        found += y
    return found


# Where the lies are about -------------------------------------------------------------------------------


def chain(weights: Any, biases: Any = None, slopes: Any = None) -> Chain:
    """A network of hidden layers; the last layer adds up."""
    ws = [np.array(w, dtype=float) for w in weights]
    ws.append(np.ones((1, len(ws[-1]))))
    bs = [np.array(b, dtype=float) for b in biases or [[0.0] * len(w) for w in ws[:-1]]] + [np.zeros(1)]
    ss = slopes or [[[0.0, 1.0]] * len(w) for w in ws[:-1]]
    return Chain(tuple(ws), tuple(bs), tuple(np.array(s, dtype=float) for s in ss))


def box(*ends: tuple[float, float], rows: Any = None, shifts: Any = ()) -> Space:
    """A box, and rows of a polytope in it."""
    lower, upper = (np.array(x, dtype=float) for x in zip(*ends, strict=True))
    return Space(lower, upper, np.zeros((0, len(ends))) if rows is None else np.array(rows), np.array(shifts))


def line(weights: list[int], slopes: list[int], biases: list[float] | None = None) -> Chain:
    """A network with one neuron a layer, of powers of two; the last weight too."""
    found = chain(
        [[[2.0**k]] for k in weights[: len(slopes)]],
        None if biases is None else [[b] for b in biases],
        [[[0.0, 2.0**k]] for k in slopes],
    )
    last = [2.0**k for k in weights[len(slopes) :]] or [1.0]
    return Chain((*found.weights[:-1], np.array([last])), found.biases, found.slopes)


A, T = 1 + 2.0**-30, 1 + 2.0**-25 + 2.0**-52
TA = T * A
DELTA = float(Fraction(T) * Fraction(A) - Fraction(TA))  # what the product loses
assert DELTA > 0
UNIT = box((-1.0, 1.0))


def signs() -> Iterator[SignLie]:
    """Claims of signs, and of emptiness."""
    cancel = chain([[[A], [TA]], [[T, -1.0]]], [[0.0, 0.0], [-1.5 * DELTA]])
    for states in ((1, 1, 0), (0, 0, 0)):
        yield SignLie(cancel, box((1.0, 2.0)), states, 2, -1, (2.0,))
    yield SignLie(cancel, box((1.0, 2.0)), (1, 1, 1), -1, 0, (1.75,), {2: 1.0})
    above = chain([[[0.0]] * 3, [[T, -1.0, -1.0]]], [[A, TA, DELTA / 2], [0.0]])
    for states in ((1, 1, 1, 0), (0, 0, 0, 0)):
        yield SignLie(above, UNIT, states, 3, -1, (0.0,))
    # products that underflow, and what is magnified by what they meet, in forms and in shifts
    faint = [0.0, -(2.0**-710)]
    for states in ((1, 0), (0, 0)):
        yield SignLie(line([600, -600], [-700, 0], faint), UNIT, states, 1, -1, (1.0,))
    high = chain([[[0.0]], [[2.0**-600]]], [[2.0**600], [-(2.0**-710)]], [[[0.0, 2.0**-700]], [[0.0, 1.0]]])
    yield SignLie(high, UNIT, (1, 0), 1, -1, (0.0,))
    for states in ((1, 1, 0), (1, 0, 0), (0, 0, 0)):
        yield SignLie(line([600, -600, 0], [-700, 0, 0], [0.0, 0.0, -(2.0**-710)]), UNIT, states, 2, -1, (1.0,))
    for bias in (2.0**600, 2.0**900):
        higher = chain(
            [[[0.0]], [[2.0**-600]], [[1.0]]],
            [[bias], [0.0], [-(bias * 2.0**-600 * 2.0**-710)]],
            [[[0.0, 2.0**-700]], [[0.0, 1.0]], [[0.0, 1.0]]],
        )
        yield SignLie(higher, UNIT, (1, 1, 0), 2, -1, (0.0,))
    yield SignLie(line([600, -600], [-700, 0], faint), UNIT, (1, 1), -1, 0, (1.0,), {1: 1.0})
    wide = box((-(2.0**500), 2.0**500))
    yield SignLie(line([-600, -600], [0, 0], [0.0, -(2.0**-710)]), wide, (1, 0), 1, -1, (2.0**500,))
    faint_high = chain([[[0.0]], [[2.0**-600]], [[2.0**500]]], [[2.0**-600], [0.0], [-(2.0**-710)]])
    yield SignLie(faint_high, box((-(2.0**-500), 2.0**-500)), (1, 1, 0), 2, -1, (0.0,))
    passing = line([600, -600, 300], [-700, 0, 0], [0, 0, -(2.0**-410)])
    passing.slopes[1][:] = 1.0
    yield SignLie(passing, UNIT, (1, 0, 0), 2, -1, (1.0,))
    deep = [700, -600, -600]
    yield SignLie(line(deep, [0, 0, 0], [0, 0, -(2.0**-510)]), box((1.0, 2.0)), (0, 0, 0), 2, -1, (2.0,))
    tower = line([*deep, 200], [0, 0, 0, 0], [0, 0, -(2.0**-510), -(2.0**-310)])
    yield SignLie(tower, box((1.0, 2.0)), (0, 0, 0, 0), 3, -1, (2.0,))
    # a range that is cut off at the size of the pre-activation
    cut = chain([[[1.0]], [[1.0]], [[1.0]]], [[0.0], [0.5], [-1.45]], [[[0.75, 1.0]], [[0.0, 1.0]], [[0.0, 1.0]]])
    yield SignLie(cut, UNIT, (0, 0, 0), 2, -1, (1.0,))
    # sums of many terms, each rounded downward
    n, e = 128, 2.0**-53 * 0.99
    many = chain([[[1.0, *[e] * (n - 1), -1.0]], [[1.0]]], [[0.0], [-0.9 * (n - 1) * e]])
    corner = (*[1.0] * n, 1.0)
    yield SignLie(many, box(*[(0.5, 1.0)] * n, (1.0, 2.0)), (0, 0), 1, -1, corner)
    sums = chain([[[1.0], *[[e]] * (n - 1), [1.0]], [[1.0] * n + [-1.0]], [[1.0]]], [[0.0] * (n + 1), [0.0], [-60 * e]])
    yield SignLie(sums, box((0.5, 1.0)), (*[1] * (n + 1), 1, 0), n + 2, -1, (1.0,))
    lift = [1.0, *[e] * (n - 1), 1.0]
    lifts = chain([[[0.0]] * (n + 1), [[1.0] * n + [-1.0]], [[1.0]]], [lift, [0.0], [-60 * e]])
    yield SignLie(lifts, UNIT, (*[1] * (n + 1), 1, 0), n + 2, -1, (0.0,))
    # the box itself
    flat = chain([[[T, -1.0]]], [[-DELTA / 2]])
    yield SignLie(flat, box((0.0, A), (TA, 2 * TA)), (0,), 0, -1, (A, TA))
    least = 2.0**-1074
    four = chain([[[2.0**-500] * 4]], [[-least]])
    yield SignLie(four, box(*[(0.0, 0.49 * 2.0**-574)] * 4), (0,), 0, -1, (0.49 * 2.0**-574,) * 4)
    yield from rows()
    yield from cones()


def rows() -> Iterator[SignLie]:
    """Two rows, of the domain or of neurons, that meet at a point and cancel but for rounding; at three scales."""
    for seed, (size, reach, factor) in itertools.product(range(40), ((0, 0, 0), (-600, -500, 400))):
        rng = np.random.default_rng(seed)
        x = np.array([3.0, 1.0]) * 2.0**reach
        p = rng.integers(2**50, 2**51, size=2) * 2.0 ** (size - 50) * np.array([1.0, -1.0])
        q = -3.0 * p  # exact
        by = {0: 2.0**factor, 1: float(-p[0] / p[1]) * 2.0**factor}
        space = box(*((a * (1 - 2.0**-40), a * (1 + 2.0**-40)) for a in x.tolist()))
        both = np.stack([p, q], axis=1)
        yield SignLie(chain([both]), space, (1, 1), -1, 0, tuple(x.tolist()), by)
        held = Space(space.lower, space.upper, both, np.zeros(2))
        yield SignLie(chain([[[1.0, 1.0]]]), held, (0,), -1, 0, tuple(x.tolist()), by)


def cones() -> Iterator[SignLie]:
    """On cones: a pre-activation that is no combination of two rows, for one weight is negative by a rounding."""
    everywhere = Space(-np.ones(2), np.ones(2), np.zeros((0, 2)), np.zeros(0), cone=True)
    for seed in range(40):
        c = 2.0**30 * (1 + np.random.default_rng(seed).random())
        lost = Fraction(3.0 * c) - 3 * Fraction(c)  # of c·(3 x2), which is what the third neuron has
        first = [[1.0, 0.0], [0.0, 1.0], [2.0, 3.0], [0.0, 1.0]]
        signless = [[1.0, 1.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]
        # x1 + ½ lost·x2 to floats and x1 − ½ lost·x2 in truth, of x1 ≥ 0 and x2 ≥ 0
        if lost > 0:
            layers = [first, [[1.0 - 2.0 * c, -3.0 * c, c, float(lost / 2)]]]
            yield SignLie(chain(layers), everywhere, (1, 1, 1, 1, 0), 4, 1, (0.0, 1.0), {0: 1.0, 1: 1.0})
        # the other way round, x1 of such a row and x2
        if lost < 0:
            layers = [first, [[1.0 - 2.0 * c, -3.0 * c, c, float(lost / 2)], [1.0, 0.0, 0.0, 0.0]]]
            net = chain(layers, slopes=[signless, [[0.0, 1.0]] * 2])
            yield SignLie(net, everywhere, (1, 1, 1, 1, 1, 0), 5, 1, (float(lost / 4), 1.0), {1: 1.0, 4: 1.0})
    # 0.6 + 0.6 + 0.6 − 2 of the smallest number
    e, s = 2.0**-174, 2.0**900
    rows = [[1.0, 0.0, 0.0, -1.0], [0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0, -1.0], [0.0, 0.0, 0.0, s]]
    least = chain([[*rows, [0.6 * e, 0.6 * e, 0.6 * e, -2.0 * e]]])
    space = Space(-np.ones(4), np.ones(4), np.zeros((0, 4)), np.zeros(0), cone=True)
    yield SignLie(least, space, (1, 1, 1, 1, 0), 4, 1, (1.0,) * 4, dict.fromkeys(range(4), 1.0))


def norms() -> Iterator[NormLie]:
    """Claims of norms."""
    yield from powers_of_two()
    for seed in range(30):  # products of full mantissas
        rng = np.random.default_rng(seed)
        net = chain([[[x]] for x in 1 + rng.random(2)], slopes=[[[0.0, x]] for x in 1 + rng.random(2)])
        factors = [float(x.ravel()[0]) for x in (*net.weights[:-1], *(s[:, 1] for s in net.slopes))]
        below = float_down(math.prod((Fraction(x) for x in factors), start=Fraction(1)))
        for states, upward in itertools.product(((0, 0), (1, 1), (0, 1)), (True, False)):
            yield NormLie(net, states, upward, below, UNIT)
    net = chain([[[A], [TA]], [[T, -1.0]]])  # the start of a functional, off by what a form lost
    for upward in (True, False):
        yield NormLie(net, (1, 1, 1), upward, DELTA / 2, UNIT)


def powers_of_two() -> Iterator[NormLie]:
    """Networks with one neuron a layer in which a product underflows, and is magnified; one way or the other."""
    powers: list[tuple[list[int], list[int]]] = [
        ([600, -600, 0], [-700, 0]),
        ([600, -600, 400], [-700, 0]),
        ([-600, 700, 0], [-600, 0]),
        ([0, 700, -600], [0, -600]),
        ([0, 700, -600], [0, -500]),
        ([-600, 700, 0], [-500, 0]),
        ([-600, 700, 0, 0], [-600, 0, 0]),
        ([0, 0, 700, -600], [0, 0, -600]),
        ([0, -600, 700, 0], [0, -600, 0]),
        ([0, 700, -600, 0], [0, 0, -600]),
        ([0, -600, 0, 700], [300, -600, 0]),
        ([700, 0, -600, 0], [0, -600, 300]),
        ([-600, -600, 0, 0], [0, 700, 0]),
        ([-600, 0, 700], [0, -600]),
        ([700, 0, -600], [-600, 0]),
        ([0, -600, 700], [0, -600]),
        ([700, -600, 0], [-600, 0]),
    ]
    for weights, slopes in powers:
        net = line(weights, slopes)
        truth = 2.0 ** (sum(weights) + sum(slopes))
        for states in itertools.product((0, 1), repeat=len(slopes)):
            for upward in (True, False):
                yield NormLie(net, states, upward, truth * 0.75, UNIT)


def blocks() -> Iterator[BlockLie]:
    """Claims of spectral norms: those of norms, of one output and of two; and turns that make a block smaller."""
    for lie in norms():
        yield BlockLie(lie.chain, lie.states, np.eye(1), np.eye(1), lie.claimed, lie.space)
        weights = (*lie.chain.weights[:-1], np.repeat(lie.chain.weights[-1], 2, axis=0))
        twice = Chain(weights, (*lie.chain.biases[:-1], np.zeros(2)), lie.chain.slopes)
        turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) * 0.5**0.5
        yield BlockLie(twice, lie.states, turn, np.eye(1), lie.claimed, lie.space)
    one, small = np.eye(1), 0.9 * np.eye(1)
    for left, right in ((small, one), (one, small), (small, small)):
        yield BlockLie(chain([[[1.0]]]), (1,), left, right, 0.95, UNIT)
    minus = chain([[[-1.0]]])
    yield BlockLie(minus, (1,), one, one, 0.95, UNIT)
    yield BlockLie(chain([[[0.0, 1.0]]]), (1,), one, np.eye(2), 0.95, box((-1.0, 1.0), (-1.0, 1.0)))
