"""The rules of the search by layers: what they accept is true in Fractions, and each of their checks is needed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.arrays import Signs
from lipverify.rationals import Never
from lipverify.testing import networks
from lipverify.trusted import evidence_forms
from lipverify.trusted.evidence import Block, Chain, Empty, Head, Implied, Pruned, Space, Turned
from lipverify.trusted.evidence_exact import ExactReader
from lipverify.trusted.evidence_floats import FloatReader
from lipverify.trusted.evidence_moves import Moves
from lipverify.trusted.evidence_replay import granted, replay
from tests import oracle
from tests.conftest import examples


def chain(net: lv.Network) -> Chain:
    """The network as plain arrays."""
    return Chain(net.weights, net.biases, net.slopes)


def box(lower: list[float], upper: list[float]) -> Space:
    """A box."""
    return Space(np.array(lower), np.array(upper), np.zeros((0, len(lower))), np.zeros(0))


# Where floats end ----------------------------------------------------------------------------------

# W_2 δ W_1 x + b is 2⁻⁷⁰⁰ x − 2⁻⁷¹⁰ for x > 0, and 0 − 2⁻⁷¹⁰ to whoever multiplies 2⁻⁶⁰⁰ by 2⁻⁷⁰⁰ first.
FAINT = lv.Network(
    [[[2.0**600]], [[2.0**-600]], [[1.0]]],
    [[0.0], [-(2.0**-710)], [0.0]],
    [[[0.0, 2.0**-700]], [[0.0, 1.0]]],
)


@pytest.mark.parametrize("state", [(1, 0), (0, 0)])
def test_what_underflows_and_is_magnified_shows_no_sign(state: tuple[int, int]) -> None:
    reader = FloatReader(chain(FAINT), box([-1.0], [1.0]))
    states = np.array([state], dtype=np.int8)
    neuron, sign = np.array([1]), np.array([-1], dtype=np.int8)
    assert not reader.implied(Implied(states, np.array([0]), neuron, sign, np.zeros((1, 2))))[0]


@pytest.mark.parametrize("upward", [False, True])
@pytest.mark.parametrize("state", [(1, 1), (1, 0), (0, 1), (0, 0)])
@pytest.mark.parametrize("last", [1.0, 2.0**400])
def test_what_underflows_and_is_magnified_bounds_no_norm(state: tuple[int, int], upward: bool, last: float) -> None:
    net = lv.Network([FAINT.weights[0], FAINT.weights[1], [[last]]], FAINT.biases, FAINT.slopes)
    reader = FloatReader(chain(net), box([-1.0], [1.0]))
    states, head, truth = np.array([state], dtype=np.int8), Head(upward, 0, (0,)), 2.0**-700 * last
    assert reader.upper(states, head)[0] >= truth
    assert not reader.pruned(Pruned(states, head, truth / 2, 100))[0]


@pytest.mark.parametrize(
    ("weights", "slopes", "upward"), [((-600, 700, 0), (-600, 0), True), ((0, 700, -600), (0, -600), False)]
)
@pytest.mark.parametrize("state", [(0, 0), (0, 1), (1, 0)])
def test_what_underflows_behind_a_slope_meets_more_than_before_it(
    weights: tuple[int, ...], slopes: tuple[int, ...], upward: bool, state: tuple[int, int]
) -> None:
    net = lv.Network([[[2.0**k]] for k in weights], slopes=[[[0.0, 2.0**k]] for k in slopes])
    reader = FloatReader(chain(net), box([-1.0], [1.0]))
    states, head, truth = np.array([state], dtype=np.int8), Head(upward, 0, (0,)), 2.0**-500
    assert reader.upper(states, head)[0] >= truth
    assert not reader.pruned(Pruned(states, head, truth / 2, 100))[0]


# Claims of signs -----------------------------------------------------------------------------------

# y1 = x, y2 = x − 1 and, linear, y3 = x − 1 on x in [−2, 2]; above, z = relu(y1) + 3 relu(y2) + y3 − 4 and its opposite
NET = lv.Network(
    [[[1.0], [1.0], [1.0]], [[1.0, 3.0, 1.0], [-1.0, -3.0, -1.0]], [[1.0, 1.0]]],
    [[0.0, -1.0, -1.0], [-4.0, 4.0], [0.0]],
    [[[0, 1], [0, 1], [1, 1]], [[0, 1], [0, 1]]],
)
SPACE = box([-2.0], [2.0])


@dataclass(frozen=True)
class Claim:
    """A claim about NET: states, a neuron and its sign, multipliers, and whether it is to be accepted."""

    states: tuple[int, ...]
    neuron: int
    sign: int
    multipliers: tuple[float, ...]
    good: bool


NAN = float("nan")
CLAIMS = {
    "y2 < 0 where x ≤ 0": Claim((-1, 0, 1, 0, 0), 1, -1, (1, 0, 0, 0, 0), True),
    "the same with more of it": Claim((-1, 0, 1, 0, 0), 1, -1, (1.25, 0, 0, 0, 0), True),
    "without multipliers": Claim((-1, 0, 1, 0, 0), 1, -1, (0, 0, 0, 0, 0), False),
    "the other sign": Claim((-1, 0, 1, 0, 0), 1, 1, (1, 0, 0, 0, 0), False),
    "no sign": Claim((-1, 0, 1, 0, 0), 1, 0, (1, 0, 0, 0, 0), False),
    "twice a sign": Claim((-1, 0, 1, 0, 0), 1, -2, (2, 0, 0, 0, 0), False),
    "a row on its other side": Claim((1, 0, 1, 0, 0), 1, -1, (1, 0, 0, 0, 0), False),
    "a row that is not decided": Claim((0, 0, 1, 0, 0), 1, -1, (1, 0, 0, 0, 0), False),
    "a negative multiplier": Claim((1, 0, 1, 0, 0), 1, -1, (-1, 0, 0, 0, 0), False),
    "NaN": Claim((-1, 0, 1, 0, 0), 1, -1, (NAN, 0, 0, 0, 0), False),
    "NaN where nothing matters": Claim((-1, 0, 1, 0, 0), 1, -1, (1, 0, 0, 0, NAN), False),
    "infinity": Claim((-1, 0, 1, 0, 0), 1, -1, (np.inf, 0, 0, 0, 0), False),
    "the sign of a linear neuron, no constraint": Claim((0, 0, 1, 0, 0), 0, 1, (0, 0, 1, 0, 0), False),
    "a linear neuron": Claim((1, 1, 1, 0, 0), 2, 1, (0, 1, 0, 0, 0), False),
    "a linear neuron, strictly": Claim((-1, 0, 1, 0, 0), 2, -1, (1, 0, 0, 0, 0), False),
    "it only touches 0": Claim((-1, -1, 1, 0, 0), 0, -1, (1, 0, 0, 0, 0), False),
    # −1 < x ≤ … is not needed: for x ≤ 0 relu(y1) = relu(y2) = 0 and z = x − 5
    "above the front": Claim((-1, 0, 1, 0, 0), 3, -1, (1, 0, 0, 0, 0), True),
    "above the front, the other sign": Claim((-1, 0, 1, 0, 0), 3, 1, (1, 0, 0, 0, 0), False),
    "above the front, not so": Claim((1, 0, 1, 0, 0), 3, -1, (1, 0, 0, 0, 0), False),
    "a row above the front": Claim((0, 0, 1, -1, 0), 1, -1, (0, 0, 0, 1, 0), False),
    "a row above the front, about itself": Claim((0, 0, 1, 0, -1), 3, 1, (0, 0, 0, 0, 2), False),
    "at the second layer": Claim((-1, -1, 1, 0, 0), 3, -1, (0, 0, 0, 0, 0), True),
}


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_claims_of_signs(claim: Claim) -> None:
    states = np.array([claim.states], dtype=np.int8)
    record = Implied(
        states,
        np.zeros(1, dtype=np.intp),
        np.array([claim.neuron]),
        np.array([claim.sign], dtype=np.int8),
        np.array([claim.multipliers]),
    )
    assert FloatReader(chain(NET), SPACE).implied(record).tolist() == [claim.good]


def test_claims_are_judged_each_by_its_own_states() -> None:
    """All at once, in any order: the same verdicts."""
    claims = list(CLAIMS.values())[::-1]
    record = Implied(
        np.array([c.states for c in claims], dtype=np.int8),
        np.arange(len(claims)),
        np.array([c.neuron for c in claims]),
        np.array([c.sign for c in claims], dtype=np.int8),
        np.array([c.multipliers for c in claims]),
    )
    assert FloatReader(chain(NET), SPACE).implied(record).tolist() == [c.good for c in claims]


@pytest.mark.parametrize("gap", [0.0, 2.0**-70, 2.0**-54, 2.0**-40])
def test_a_sign_that_rounding_could_change_is_not_accepted(gap: float) -> None:
    """y = ⅓·(3x) − x + gap is gap up to rounding."""
    third = 1.0 / 3.0
    net = lv.Network([[[3.0], [1.0]], [[third, -1.0]], [[1.0]]], [[9.0, 3.0], [gap], None])
    states = np.array([[1, 1, 0]], dtype=np.int8)
    record = Implied(states, np.zeros(1, int), np.array([2]), np.array([1], dtype=np.int8), np.zeros((1, 3)))
    (said,) = FloatReader(chain(net), box([-2.0], [2.0])).implied(record)
    low = min((Fraction(third) * 3 - 1) * (x + 3) for x in (-2, 2)) + Fraction(gap)
    assert not said or low > 0
    assert said == (gap == 2.0**-40)


def test_exactly_zero_is_decided_in_rationals() -> None:
    reader = ExactReader(chain(NET), SPACE)
    states = np.array([-1, 0, 1, 0, 0], dtype=np.int8)
    assert reader.implied(states, 1, -1, [0])
    assert not reader.implied(states, 1, 1, [0])
    assert not reader.implied(states, 1, 0, [0])
    assert not reader.implied(states, 1, -2, [0])
    assert not reader.implied(states, 2, -1, [0])  # a linear neuron, though y3 ≤ 0 there
    assert not reader.implied(np.array([0, 0, 1, 0, 0], dtype=np.int8), 3, -1, [])  # above the front: z = 2 at x = 2
    touching = lv.Network([[[1.0], [2.0]], [[1.0, 1.0]]])
    reader = ExactReader(chain(touching), SPACE)
    half = np.array([1, 0], dtype=np.int8)
    assert reader.implied(half, 1, 1, [0])
    assert not reader.implied(half, 1, -1, [0])
    assert not reader.implied(np.array([0, 0], dtype=np.int8), 1, 1, [0])


@pytest.mark.parametrize("multipliers", [{}, {3: fmpq(-1), 2: fmpq(-1)}], ids=str)
def test_multipliers_in_rationals_are_checked(multipliers: dict[int, fmpq], monkeypatch: pytest.MonkeyPatch) -> None:
    """y2 = x − 1 is not ≥ 0 where x ≤ 0, though x − 1 = −(−x) − 1 for that row and the last of the domain."""
    monkeypatch.setattr("lipverify.trusted.evidence_exact.farkas", lambda *_: Never(multipliers))
    assert not ExactReader(chain(NET), SPACE).implied(np.array([-1, 0, 1, 0, 0], dtype=np.int8), 1, 1, [0])


@pytest.mark.parametrize(
    ("states", "multipliers", "good"),
    [
        ((-1, 1, 1, 0, 0), (1, 1, 0, 0, 0), True),  # x ≤ 0 and x ≥ 1
        ((1, -1, 1, 0, 0), (1, 1, 0, 0, 0), False),
        ((-1, 1, 1, 0, 0), (0, 0, 0, 0, 0), False),
        ((-1, 1, 1, 0, 0), (NAN, 1, 0, 0, 0), False),
    ],
)
def test_claims_of_emptiness(states: Any, multipliers: Any, good: bool) -> None:
    record = Empty(np.array([states], dtype=np.int8), np.zeros(1, dtype=np.intp), np.array([multipliers], dtype=float))
    assert FloatReader(chain(NET), SPACE).empty(record).tolist() == [good]


@settings(max_examples=examples(60))
@given(st.data())
def test_accepted_signs_are_true_at_every_point(data: st.DataObject) -> None:
    """States of a point, multipliers at random: an accepted claim is never contradicted by points with these states."""
    net = data.draw(networks(inputs=(1, 2), hidden=(1, 3), width=(1, 4), slopes=True))
    d, n = net.input_dim, sum(net.hidden)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    points = [[Fraction(int(v), 8) for v in rng.integers(-8, 9, size=d)] for _ in range(30)]
    patterns = np.array([signs_at(net, x) for x in points], dtype=np.int8)
    linear = chain(net).linear
    states, index, neurons, signs, multipliers = [], [], [], [], []
    for _ in range(20):
        known = np.cumsum(rng.uniform(size=n) < 0.3) < rng.integers(1, 4)  # the first neurons
        state = np.where(known, patterns[0], 0).astype(np.int8)
        state[linear] = 1
        index.append(len(states))
        states.append(state)
        neurons.append(int(rng.integers(n)))
        signs.append(int(rng.choice([-1, 1])))
        multipliers.append(rng.exponential(size=n) * (state != 0) * ~linear * rng.integers(0, 2, size=n))
    record = Implied(
        np.array(states), np.array(index), np.array(neurons), np.array(signs, dtype=np.int8), np.array(multipliers)
    )
    for state, neuron, sign, good in zip(
        states, neurons, signs, FloatReader(chain(net), box([-1] * d, [1] * d)).implied(record), strict=True
    ):
        if good:
            agree = ((patterns == state) | (state == 0) | linear).all(axis=1)
            assert (patterns[agree, neuron] == sign).all()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("sizes", [(1, 2, 2, 2, 1), (1, 3, 2, 1), (2, 2, 3, 2, 1)], ids=str)
def test_a_neuron_that_just_changes_its_sign_has_none(sizes: tuple[int, ...], seed: int) -> None:
    """Biases are moved until a neuron is positive, or negative, at one of many points and hardly anywhere else.

    It must not be said to have the other sign, above the front or at it; much further down, or up, it often is.
    """
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    weights, biases = [rng.normal(size=(m, n)) for n, m in pairs], [0.5 * rng.normal(size=m) for _, m in pairs]
    slopes = [
        np.array([((0.0, 1.0), (1.0, -0.5), (-0.25, 0.5))[rng.integers(3)] for _ in range(n)]) for n in sizes[1:-1]
    ]
    points = rng.uniform(-1.0, 1.0, size=(4000, sizes[0]))
    points[:2] = [[-1.0] * sizes[0], [1.0] * sizes[0]]
    space, count, said = box([-1.0] * sizes[0], [1.0] * sizes[0]), sum(sizes[1:-1]), 0
    values, places = points, []
    for k, pair in enumerate(slopes):
        places += [(k, i) for i in range(len(pair))]
        values = values @ weights[k].T + biases[k]
        values = np.where(values > 0, pair[:, 1], pair[:, 0]) * values
    for neuron, (k, i) in enumerate(places):
        below = points
        signs = np.zeros((len(points), count), dtype=np.int8)
        offset = 0
        for j in range(k + 1):
            y = below @ weights[j].T + biases[j]
            signs[:, offset : offset + y.shape[1]] = np.sign(y)
            offset += y.shape[1]
            below = np.where(y > 0, slopes[j][:, 1], slopes[j][:, 0]) * y
        for front in range(k + 1):
            state = np.where(np.arange(count) < sum(sizes[1 : front + 1]), signs[rng.integers(len(points))], 0)
            here = ((signs == state) | (state == 0)).all(axis=1)
            for sign in (1, -1):
                top = (-sign * y[here, i]).max()
                for gap in (1e-9, -0.3):
                    moved = [b.copy() for b in biases]
                    moved[k][i] += sign * (top - gap)
                    reader = FloatReader(Chain(tuple(weights), tuple(moved), tuple(slopes)), space)
                    claim = Implied(
                        state[None].astype(np.int8),
                        np.zeros(1, dtype=np.intp),
                        np.array([neuron]),
                        np.array([sign], dtype=np.int8),
                        np.zeros((1, count)),
                    )
                    (found,) = reader.implied(claim)
                    assert not found or gap < 0
                    said += found
    assert said > 2


@pytest.mark.parametrize("name", ["larger", "smaller"])
def test_nan_stays_nan(name: str) -> None:
    function = getattr(evidence_forms, name)
    function = getattr(function, "py_func", function)
    assert np.isnan([function(NAN, 1.0), function(1.0, NAN), function(NAN, np.inf), function(-np.inf, NAN)]).all()
    assert {function(1.0, 2.0), function(2.0, 1.0)} == {2.0 if name == "larger" else 1.0}


def signs_at(net: lv.Network, x: list[Fraction]) -> list[int]:
    """The signs of all pre-activations at a point, exactly; 0 for 0."""
    found: list[int] = []
    values = list(x)
    weights, biases, slopes = net.fractions()
    for w, b, pairs in zip(weights, biases, slopes, strict=False):
        y = [sum((a * v for a, v in zip(row, values, strict=True)), c) for row, c in zip(w, b, strict=True)]
        found += [(v > 0) - (v < 0) for v in y]
        values = [v * (right if v > 0 else left) for v, (left, right) in zip(y, pairs, strict=True)]
    return found


# Pruned --------------------------------------------------------------------------------------------


def largest(net: lv.Network, states: Signs, head: Head) -> Fraction:
    """The greatest 1-norm of a head over all slopes that the states leave, in Fractions."""
    weights, _, slopes = net.fractions()
    flat = [pair for layer in slopes for pair in layer]
    choices = [
        (pair[0], pair[1]) if s == 0 else (pair[1 if s > 0 else 0],) for s, pair in zip(states, flat, strict=True)
    ]
    best = Fraction(0)
    for chosen in itertools.product(*choices):
        rest = iter(chosen)
        matrix = [list(row) for row in weights[0]]
        for w, layer in zip(weights[1:], slopes, strict=True):
            scaled = [[next_ * v for v in row] for next_, row in zip([next(rest) for _ in layer], matrix, strict=True)]
            matrix = [[oracle.dot(row, column) for column in zip(*scaled, strict=True)] for row in w]
        entries = matrix[head.end] if head.upward else [row[head.end] for row in matrix]
        best = max(best, sum((abs(entries[j]) for j in head.directions), Fraction(0)))
    return best


def heads_of(net: lv.Network) -> list[Head]:
    """A row, a column and an entry."""
    return [
        Head(True, 0, tuple(range(net.input_dim))),
        Head(False, net.input_dim - 1, tuple(range(net.output_dim))),
        Head(True, net.output_dim - 1, (0,)),
    ]


def prefix(net: lv.Network, decided: int, rng: np.random.Generator) -> Signs:
    """States in which the first neurons have signs, and linear ones are active."""
    states = rng.choice([-1, 1], size=sum(net.hidden)).astype(np.int8)
    states[decided:] = 0
    states[chain(net).linear] = 1
    return states


@settings(max_examples=examples(60))
@given(st.data())
def test_what_is_pruned_is_no_greater_than_the_target(data: st.DataObject) -> None:
    net = data.draw(
        networks(inputs=(1, 3), hidden=(1, 3), width=(1, 3), outputs=(1, 3), slopes=data.draw(st.booleans()))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    states = np.array([prefix(net, int(rng.integers(0, sum(net.hidden) + 1)), rng) for _ in range(3)])
    reader = FloatReader(chain(net), box([-1.0] * net.input_dim, [1.0] * net.input_dim))
    for head in heads_of(net):
        truth = [largest(net, state, head) for state in states]
        for value, bound in zip(truth, reader.upper(states, head).tolist(), strict=True):
            assert value <= (Fraction(bound) if np.isfinite(bound) else value)
        for k, value in enumerate(truth):
            for target in (float(value), np.nextafter(float(value), -1.0), 0.999 * float(value), 1.5 * float(value)):
                (said,) = reader.pruned(Pruned(states[k : k + 1], head, float(target), 10_000))
                assert not said or value <= Fraction(float(target))


# Turned --------------------------------------------------------------------------------------------


def left_over(net: lv.Network, states: Signs) -> list[oracle.Matrix]:
    """The Jacobians of all slopes that the states leave, in Fractions."""
    weights, _, slopes = net.fractions()
    pairs = [pair for layer in slopes for pair in layer]
    ways = [(pair if s == 0 else (pair[1 if s > 0 else 0],)) for s, pair in zip(states, pairs, strict=True)]
    found = []
    for chosen in itertools.product(*ways):
        rest, matrix = iter(chosen), weights[0]
        for w in weights[1:]:
            scaled = [[d * v for v in row] for d, row in zip([next(rest) for _ in matrix], matrix, strict=True)]
            matrix = tuple(tuple(oracle.dot(row, column) for column in zip(*scaled, strict=True)) for row in w)
        found.append(matrix)
    return found


def blocks_of(net: lv.Network) -> list[Block]:
    """All of the Jacobian, a row, a column, an entry, and a part."""
    outputs, inputs = tuple(range(net.output_dim)), tuple(range(net.input_dim))
    return [
        Block(outputs, inputs),
        Block((0,), inputs),
        Block(outputs, (0,)),
        Block((0,), (0,)),
        Block(outputs, inputs[:2]),
    ]


def turns(kind: str, jacobians: list[oracle.Matrix], block: Block, rng: np.random.Generator) -> tuple[Any, Any]:
    """Matrices that turn a block: singular vectors, any orthogonal ones, ones a little off, and such as are refused."""
    m, d = len(block.outputs), len(block.inputs)
    if kind == "straight":
        return np.eye(m), np.eye(d)
    middle = np.mean([[[float(J[i][j]) for j in block.inputs] for i in block.outputs] for J in jacobians], axis=0)
    u, _, v = np.linalg.svd(middle if kind != "any" else rng.normal(size=(m, d)))
    shift = 1.0 + {"off": 0.05 * rng.normal(), "small": -0.5, "zero": -1.0}.get(kind, 0.0)
    return u.T * shift, v.T * shift


KINDS = ("straight", "singular", "any", "off", "small", "zero")


@settings(max_examples=examples(60))
@given(st.data(), st.sampled_from(KINDS))
def test_a_turned_block_is_no_greater_than_its_bound(data: st.DataObject, kind: str) -> None:
    net = data.draw(
        networks(inputs=(1, 3), hidden=(1, 3), width=(1, 3), outputs=(1, 3), slopes=data.draw(st.booleans()))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    state = prefix(net, int(rng.integers(0, sum(net.hidden) + 1)), rng)
    reader = FloatReader(chain(net), box([-1.0] * net.input_dim, [1.0] * net.input_dim))
    jacobians = left_over(net, state)
    for block in blocks_of(net):
        parts = [tuple(tuple(J[i][j] for j in block.inputs) for i in block.outputs) for J in jacobians]
        left, right = (t[None] for t in turns(kind, jacobians, block, rng))
        (bound,) = reader.upper_of_block(state[None], block, left, right).tolist()
        assert bound >= 0
        assert bound == np.inf or all(oracle.at_most(part, Fraction(bound) ** 2, 2, 2) for part in parts)
        assert (bound == np.inf) >= (kind in ("small", "zero"))
        norm = max(float(np.linalg.norm(np.array(part, dtype=float), 2)) for part in parts)
        for target in (norm, 0.999 * norm, np.nextafter(bound, 0.0), bound, np.nan):
            (said,) = reader.turned(Turned(state[None], block, target, left, right))
            assert said == (bound <= target)
            assert (
                not said or target == np.inf or all(oracle.at_most(part, Fraction(target) ** 2, 2, 2) for part in parts)
            )


@pytest.mark.parametrize("sizes", [(3, 4, 2), (2, 4, 3, 3), (4, 3, 3, 1), (1, 5, 3), (3, 3, 3, 3)], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_a_turn_by_singular_vectors_is_exact_for_a_single_jacobian(sizes: tuple[int, ...], seed: int) -> None:
    """And not far above the truth where little is left: the width of what is left counts once, not for every entry."""
    rng = np.random.default_rng(seed)
    net = lv.Network([rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)])
    reader = FloatReader(chain(net), box([-1.0] * sizes[0], [1.0] * sizes[0]))
    block, n = blocks_of(net)[0], sum(sizes[1:-1])
    for decided in (n, n - 1):
        states = prefix(net, decided, rng)[None]
        jacobians = left_over(net, states[0])
        truth = max(float(np.linalg.norm(np.array(J, dtype=float), 2)) for J in jacobians)
        left, right = (t[None] for t in turns("singular", jacobians, block, rng))
        (bound,) = reader.upper_of_block(states, block, left, right)
        assert truth * (1 - 1e-12) <= bound
        assert decided < n or bound <= truth * (1 + 1e-9) + 1e-9
    last = net.weights[-1].copy()
    last[:, -1] *= 1e-4  # the neuron that is open hardly matters
    reader = FloatReader(chain(lv.Network([*net.weights[:-1], last])), reader.space)
    jacobians = left_over(lv.Network([*net.weights[:-1], last]), states[0])
    truth = max(float(np.linalg.norm(np.array(J, dtype=float), 2)) for J in jacobians)
    left, right = (t[None] for t in turns("singular", jacobians, block, rng))
    assert reader.upper_of_block(states, block, left, right)[0] <= truth * (1 + 1e-5) + 1e-9


def test_turns_of_other_shapes_prove_nothing() -> None:
    net = lv.Network([np.eye(2), np.eye(2)])
    reader = FloatReader(chain(net), box([-1.0] * 2, [1.0] * 2))
    states, block = np.ones((1, 2), dtype=np.int8), Block((0, 1), (0, 1))
    one, two, none = np.ones((1, 1, 1)), np.eye(2)[None], np.zeros((1, 0, 0))
    assert reader.upper_of_block(states, block, two, two)[0] < 1.0001
    for left, right in ((one, two), (two, one), (none, none), (np.repeat(two, 2, axis=0), two), (two * np.nan, two)):
        assert reader.upper_of_block(states, block, left, right)[0] == np.inf


def test_a_block_without_entries_other_than_zero() -> None:
    net = lv.Network([np.eye(2), np.zeros((2, 2))])
    reader = FloatReader(chain(net), box([-1.0] * 2, [1.0] * 2))
    states, turn = np.zeros((1, 2), dtype=np.int8), np.eye(2)[None]
    assert reader.upper_of_block(states, Block((0, 1), (0, 1)), turn, turn)[0] < 1e-300


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("sizes", [(3, 5, 2), (3, 4, 3, 2), (2, 3, 3, 3, 2)], ids=str)
def test_the_sign_tree_closes_the_gap(sizes: tuple[int, ...], seed: int) -> None:
    """With one hidden layer left the tree finds the maximum over all slopes; one pass alone would not."""
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    net = lv.Network([rng.normal(size=(m, n)) for n, m in pairs])
    reader = FloatReader(chain(net), box([-1.0] * sizes[0], [1.0] * sizes[0]))
    states = prefix(net, sum(sizes[1:-2]), rng)[None]
    loose = False
    for head in heads_of(net):
        truth = largest(net, states[0], head)
        if not truth:
            continue
        assert reader.pruned(Pruned(states, head, float(truth) * (1 + 1e-9), 10_000)).tolist() == [True]
        assert reader.pruned(Pruned(states, head, float(truth) * (1 - 1e-9), 10_000)).tolist() == [False]
        assert reader.pruned(Pruned(states, head, float("nan"), 10_000)).tolist() == [False]
        loose |= reader.upper(states, head)[0] > float(truth) * (1 + 1e-6)
        if loose:
            assert reader.pruned(Pruned(states, head, float(truth) * (1 + 1e-9), 1)).tolist() == [False]
            break
    assert loose or len(sizes) > 3 or seed > 2


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("sizes", [(3, 4, 1), (2, 3, 3, 1), (3, 2, 3, 2, 2)], ids=str)
def test_a_hint_of_a_sign_tree_proves_nothing(sizes: tuple[int, ...], seed: int) -> None:
    """Whatever choices are named, an entry twice or the slopes where v is a point: below the truth nothing closes."""
    rng = np.random.default_rng(seed)
    net = lv.Network([rng.normal(size=(m, n)) for n, m in itertools.pairwise(sizes)])
    d, n = sizes[0], sum(sizes[1:-1])
    reader = FloatReader(chain(net), box([-1.0] * d, [1.0] * d))
    for decided in (0, sizes[1], n):
        states = np.repeat(prefix(net, decided, rng)[None], 60, axis=0)
        for head in heads_of(net):
            truth, most = float(largest(net, states[0], head)), 2 * len(head.directions) + max(sizes)
            trees = rng.integers(-1, most, size=(60, 12))
            trees[::3] = rng.integers(2 * len(head.directions), most, size=(20, 12))  # slopes alone
            trees[1::3] = rng.integers(-1, 2, size=(20, 12))  # the signs of one entry alone
            claims = Pruned(states, head, truth * (1 - 1e-6), 10_000, trees.ravel(), np.arange(61) * 12)
            assert not truth or not reader.pruned(claims).any()


def test_entries_that_are_negative_count() -> None:
    net = lv.Network([[[1.0], [2.0]], [[-0.25, -0.0625]]])
    reader = FloatReader(chain(net), box([-1.0], [1.0]))
    states, head = np.ones((1, 2), dtype=np.int8), Head(True, 0, (0,))
    assert 0.375 <= reader.upper(states, head)[0] < 0.3751
    for target, good in ((0.3749, False), (0.3751, True)):
        assert reader.pruned(Pruned(states, head, target, 10)).tolist() == [good]


def test_no_neuron_has_no_sign() -> None:
    """An empty cell is not what `implied` is asked about."""
    states = np.array([[-1, 1, 1, 0, 0]], dtype=np.int8)
    where, multipliers = np.zeros(1, dtype=np.intp), np.array([[1.0, 1.0, 0.0, 0.0, 0.0]])
    reader = FloatReader(chain(NET), SPACE)
    assert reader.empty(Empty(states, where, multipliers)).all()
    for sign in (1, -1):
        claim = Implied(states, where, np.array([-1]), np.array([sign], dtype=np.int8), multipliers)
        assert not reader.implied(claim).any()


def test_huge_numbers_are_refused() -> None:
    big = 1e200
    net = lv.Network([[[big]], [[big]], [[1.0]]])
    reader = FloatReader(chain(net), box([-1.0], [1.0]))
    states = np.zeros((1, 2), dtype=np.int8)
    head = Head(True, 0, (0,))
    assert reader.upper(states, head)[0] == np.inf
    assert not reader.pruned(Pruned(states, head, 1e308, 100)).any()
    record = Implied(states, np.zeros(1, int), np.array([0]), np.array([1], dtype=np.int8), np.zeros((1, 2)))
    assert not reader.implied(record).any()


# Replay --------------------------------------------------------------------------------------------


def moves(**changes: Any) -> Moves:
    """Neuron 0 is split; on its one side neurons 1 and then 2 are claimed."""
    given: dict[str, list[int]] = {
        "parents": [-1, 0, 0],
        "neurons": [0, -1, -1],
        "sides": [0, 1, -1],
        "nodes": [1, 1],
        "batches": [0, 1],
        "claimed": [1, 2],
        "signs": [1, -1],
    }
    return Moves(**{name: np.array(changes.get(name, values)) for name, values in given.items()})


def test_replay() -> None:
    root = np.array([0, 0, 0, 1], dtype=np.int8)
    found = replay(root, moves())
    assert found.signs.tolist() == [[0, 0, 0, 1], [1, 1, -1, 1], [-1, 0, 0, 1]]
    assert found.entered.tolist() == [[0, 0, 0, 1], [1, 0, 0, 1], [-1, 0, 0, 1]]
    assert found.states[found.index].tolist() == [[1, 0, 0, 1], [1, 1, 0, 1]]
    assert found.sound.all()
    assert found.splits.tolist() == [True, False, False]


@pytest.mark.parametrize(
    "changes",
    [
        {"sides": [0, 1, 1]},
        {"sides": [0, 1, 0]},
        {"sides": [0, 0, -1]},
        {"parents": [-1, 0, 1]},
        {"parents": [-1, 0, 2]},
        {"neurons": [3, -1, -1]},  # decided already
        {"neurons": [-1, -1, -1]},
        {"neurons": [7, -1, -1]},
        {"parents": [-1, 0, 0, 0], "neurons": [0, -1, -1, -1], "sides": [0, 1, -1, 1]},
        {"parents": [-1, 0, 0, 0], "neurons": [0, -1, -1, -1], "sides": [0, 1, -1, 0]},
    ],
    ids=str,
)
def test_what_is_no_split(changes: dict[str, list[int]]) -> None:
    assert not replay(np.array([0, 0, 0, 1], dtype=np.int8), moves(**changes)).splits[0]


def test_no_neuron_is_none_from_the_end() -> None:
    assert not replay(np.zeros(4, dtype=np.int8), moves(neurons=[-1, -1, -1])).splits.any()


def test_a_node_whose_claims_do_not_fit_is_no_split() -> None:
    found = replay(np.array([0, 0, 0, 1], dtype=np.int8), moves(nodes=[0, 0], claimed=[1, 1]))
    assert found.sound.tolist() == [False, False, False]
    assert not found.splits.any()


def test_a_parent_comes_before_its_children() -> None:
    """Node 2 is split; one of its children stands before it, and is left out."""
    changes = {"parents": [-1, 2, 0, 2, 0], "neurons": [0, -1, 1, -1, -1], "sides": [0, 1, 1, -1, -1]}
    none: dict[str, list[int]] = {"nodes": [], "batches": [], "claimed": [], "signs": []}
    found = replay(np.array([0, 0, 0, 1], dtype=np.int8), moves(**changes, **none))
    assert found.sound.tolist() == [True, False, True, True, True]


@pytest.mark.parametrize(
    "changes",
    [
        {"claimed": [1, 1]},
        {"claimed": [1, 1], "batches": [0, 0]},
        {"claimed": [1, 0]},
        {"claimed": [1, 3]},
        {"claimed": [1, 9]},
        {"claimed": [1, -1]},
        {"signs": [1, 0]},
        {"signs": [1, 2]},
        {"nodes": [1, 0]},
    ],
    ids=str,
)
def test_claims_that_do_not_fit(changes: dict[str, list[int]]) -> None:
    assert not replay(np.array([0, 0, 0, 1], dtype=np.int8), moves(**changes)).sound[1]


@pytest.mark.parametrize(
    ("splits", "lost", "good", "fallen"),
    [
        ("1101000", "0000000", "1111111", []),
        ("1001000", "0000000", "1110000", []),  # node 1 is no split: neither its children count nor theirs
        ("1101000", "0001000", "1110100", [3]),
        ("1101000", "0100000", "1010000", [1]),
        ("1101000", "1100000", "0000000", [0]),
    ],
)
def test_what_stands_on_splits_alone_is_granted(splits: str, lost: str, good: str, fallen: list[int]) -> None:
    parents = np.array([-1, 0, 0, 1, 1, 3, 3])
    found, ends = granted(parents, *(np.array([c == "1" for c in text]) for text in (splits, lost)))
    assert "".join("01"[int(v)] for v in found) == good
    assert ends.tolist() == fallen


def test_a_parent_that_comes_later_grants_nothing() -> None:
    found, _ = granted(np.array([-1, 2, 0]), np.ones(3, dtype=bool), np.zeros(3, dtype=bool))
    assert found.tolist() == [True, False, True]
