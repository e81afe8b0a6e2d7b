"""Claims of signs on cones: what is accepted is true in Fractions, what is refused is refused for a reason."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.rationals import Never, farkas
from lipverify.solvers.branch_and_bound.setting import Setting
from lipverify.testing import networks
from lipverify.trusted.evidence import Chain, Implied, Space
from lipverify.trusted.evidence_exact import ExactReader
from lipverify.trusted.evidence_floats import FloatReader
from tests.conftest import examples
from tests.trusted.charges import interpreted

NAN = float("nan")
# y0 = x1, y1 = x2, y2 = x1 + 2 x2, y3 linear, t; above z0 = −relu(y0) − relu(y1) − t, z1 = relu(y2) + t, t
FIRST = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 2.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
SECOND = [[-1.0, -1.0, 0.0, 0.0, -1.0], [0.0, 0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.0, 1.0]]
RELU, LINEAR = [0.0, 1.0], [1.0, 1.0]
CHAIN = Chain(
    (np.array(FIRST), np.array(SECOND), np.ones((1, 3))),
    (np.zeros(5), np.zeros(3), np.zeros(1)),
    (np.array([RELU, RELU, RELU, LINEAR, RELU]), np.array([RELU] * 3)),
)
SPACE = Space(np.array([-1.0, -1.0, 0.0]), np.ones(3), np.zeros((0, 3)), np.zeros(0), cone=True)


@dataclass(frozen=True)
class Claim:
    """A claim about CHAIN on SPACE: states, a neuron and its sign, neurons with multipliers, and whether it is good."""

    states: tuple[int, ...]
    neuron: int
    sign: int
    multipliers: dict[int, float]
    good: bool


ON = (1, 1, 0, 1, 1, 0, 0, 1)
ALL = (1, 1, 1, 1, 1, 0, 0, 1)
CLAIMS = {
    "a sum of two rows": Claim(ON, 2, 1, {0: 1, 1: 2}, True),
    "weights are found, not believed": Claim(ON, 2, 1, {0: 7, 1: 0.1}, True),
    "the other sign": Claim(ON, 2, -1, {0: 1, 1: 2}, False),
    "no sign": Claim(ON, 2, 0, {0: 1, 1: 2}, False),
    "twice a sign": Claim(ON, 2, 2, {0: 1, 1: 2}, False),
    "one row too few": Claim(ON, 2, 1, {1: 2}, False),
    "rows on their other sides": Claim((-1, -1, 0, 1, 1, 0, 0, 1), 2, 1, {0: 1, 1: 2}, False),
    "a row that is not decided": Claim((1, 0, 0, 1, 1, 0, 0, 1), 2, 1, {0: 1, 1: 2}, False),
    "a row that is not decided, as if it were off": Claim((-1, 0, 0, 1, 1, 0, 0, 1), 2, -1, {0: 1, 1: 2}, False),
    "a linear neuron's row": Claim(ON, 2, 1, {3: 1, 1: 1}, False),
    "about a linear neuron": Claim(ON, 3, 1, {0: 1, 1: 1}, False),
    "a negative multiplier": Claim(ON, 2, 1, {0: -1, 1: 2}, False),
    "NaN": Claim(ON, 2, 1, {0: NAN, 1: 2}, False),
    "NaN elsewhere": Claim(ON, 2, 1, {0: 1, 1: 2, 6: NAN}, False),
    "a row above the front": Claim((1, 1, 0, 1, 1, 1, 1, 1), 2, 1, {0: 1, 6: 2}, False),
    "about a neuron above the front": Claim(ON, 5, -1, {0: 1, 1: 1}, False),
    "one neuron beyond": Claim(ON, 8, 1, {0: 1, 1: 1}, False),
    "one neuron before": Claim(ON, -1, 1, {0: 1, 1: 1}, False),
    "a row of the neuron itself": Claim(ON, 2, 1, {2: 1}, False),
    "above, with t": Claim(ALL, 5, -1, {0: 1, 1: 1}, True),
    "above, with t named": Claim(ALL, 5, -1, {0: 1, 1: 1, 4: 1}, True),
    "above, the other sign": Claim(ALL, 5, 1, {0: 1, 1: 1}, False),
    "above, of a row below": Claim(ALL, 6, 1, {2: 1}, True),  # over the neurons of the first layer
    "above, its other sign": Claim(ALL, 6, -1, {2: 1}, False),
    "all is off below": Claim((-1, -1, -1, 1, 1, 0, 0, 1), 5, -1, {}, True),  # −t
    "all is off below, the other sign": Claim((-1, -1, -1, 1, 1, 0, 0, 1), 5, 1, {}, False),
}


def said(chain: Chain, space: Space, claim: Claim, make: Any = FloatReader) -> bool:
    """What the reader says."""
    multipliers = np.zeros((1, len(chain.linear)))
    for j, x in claim.multipliers.items():
        multipliers[0, j] = x
    record = Implied(
        np.array([claim.states], dtype=np.int8),
        np.zeros(1, dtype=np.intp),
        np.array([claim.neuron]),
        np.array([claim.sign], dtype=np.int8),
        multipliers,
    )
    return bool(make(chain, space).implied(record)[0])


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_claims_on_cones(claim: Claim) -> None:
    assert said(CHAIN, SPACE, claim) is claim.good


def test_claims_are_judged_each_by_its_own_states() -> None:
    """All at once, with what is no state among them; nothing is left from the states before."""
    claims = list(CLAIMS.values())
    multipliers = np.zeros((len(claims), 8))
    for row, claim in zip(multipliers, claims, strict=True):
        row[list(claim.multipliers)] = list(claim.multipliers.values())
    states = np.array([claim.states for claim in claims], dtype=np.int8)
    neurons, signs = np.array([claim.neuron for claim in claims]), np.array([claim.sign for claim in claims], np.int8)
    reader, good = FloatReader(CHAIN, SPACE), [claim.good for claim in claims]
    for order in (slice(None), slice(None, None, -1)):
        index = np.arange(len(claims))[order]
        record = Implied(states, index, neurons[order], signs[order], multipliers[order])
        assert reader.implied(record).tolist() == good[order]
    for elsewhere in (-1, len(claims)):
        record = Implied(states[::-1], np.array([elsewhere]), neurons[:1], signs[:1], multipliers[:1])
        assert not reader.implied(record)[0]


def test_nothing_is_left_of_forms_that_other_states_had() -> None:
    """z = relu(x2) − relu(x1) is x2 − x1 where both are on; where x2 is undecided it is no row."""
    weights = (np.eye(2), np.array([[-1.0, 1.0]]), np.ones((1, 1)))
    chain = Chain(weights, (np.zeros(2), np.zeros(1), np.zeros(1)), (np.array([RELU] * 2), np.array([RELU])))
    space = Space(-np.ones(2), np.ones(2), np.zeros((0, 2)), np.zeros(0), cone=True)
    states = np.array([(1, 1, 0), (1, 0, 1)], dtype=np.int8)
    multipliers = np.array([(1.0, 1.0, 0.0), (1.0, 0.0, 1.0)])
    record = Implied(states, np.arange(2), np.array([2, 1]), np.ones(2, np.int8), multipliers)
    assert not FloatReader(chain, space).implied(record).any()


@pytest.mark.parametrize("claim", [CLAIMS["above, with t"], CLAIMS["all is off below"]])
def test_the_last_input_must_be_known_not_to_be_negative(claim: Claim) -> None:
    everywhere = replace(SPACE, lower=-np.ones(3))
    assert not said(CHAIN, everywhere, claim)
    bent = replace(CHAIN, slopes=(CHAIN.slopes[0], CHAIN.slopes[1]), weights=(-CHAIN.weights[0], *CHAIN.weights[1:]))
    assert not said(bent, SPACE, claim)


def test_a_last_neuron_that_is_not_the_last_input_is_no_row() -> None:
    """z = −s for a last neuron s = x1 − t of the first layer: not ≤ 0 everywhere."""
    weights = (np.array([[0.0, 1.0, 0.0], [1.0, 0.0, -1.0]]), np.array([[0.0, -1.0], [0.0, 1.0]]), np.ones((1, 2)))
    slopes = (np.array([RELU, [0.5, 1.0]]), np.array([RELU] * 2))
    chain = Chain(weights, (np.zeros(2), np.zeros(2), np.zeros(1)), slopes)
    assert not said(chain, SPACE, Claim((-1, 1, 0, 0), 3, -1, {}, False))
    assert not said(chain, SPACE, Claim((-1, -1, 0, 0), 2, -1, {}, False))


def test_a_last_neuron_that_adds_an_input_is_no_row() -> None:
    """z = −s for a last neuron s = x1 + t of the first layer: not ≤ 0 everywhere."""
    weights = (np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]), np.array([[0.0, -1.0], [0.0, 1.0]]), np.ones((1, 2)))
    chain = Chain(weights, (np.zeros(2), np.zeros(2), np.zeros(1)), (np.array([RELU, LINEAR]), np.array([RELU] * 2)))
    assert not said(chain, SPACE, Claim((-1, 1, 0, 0), 2, -1, {}, False))


def test_a_last_neuron_that_turns_the_last_input_round_is_no_row() -> None:
    """z = −s for s = −t, which the first layer's last neuron makes of t: z ≥ 0."""
    carry = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    weights = (carry, np.eye(2), np.array([[0.0, -1.0], [0.0, 1.0]]), np.ones((1, 2)))
    slopes = (np.array([RELU, [0.0, -1.0]]), np.array([RELU, LINEAR]), np.array([RELU] * 2))
    chain = Chain(weights, (np.zeros(2), np.zeros(2), np.zeros(2), np.zeros(1)), slopes)
    assert not said(chain, SPACE, Claim((-1, 1, -1, 1, 0, 0), 4, -1, {}, False))


@pytest.mark.parametrize("layer", [0, 1])
def test_where_there_are_biases_there_are_no_cones(layer: int) -> None:
    biases = tuple(np.full(len(b), float(k == layer)) for k, b in enumerate(CHAIN.biases))
    assert not any(said(replace(CHAIN, biases=biases), SPACE, claim) for claim in CLAIMS.values())


@pytest.mark.parametrize("exponent", [-600, 600])
def test_products_that_leave_the_floats_prove_nothing(exponent: int) -> None:
    weights = tuple(w * 2.0**exponent for w in CHAIN.weights)
    assert not any(said(replace(CHAIN, weights=weights), SPACE, claim) for claim in CLAIMS.values())


def test_weights_of_every_size_do() -> None:
    """Trained networks have weights of 1e−40 among those of 1."""
    first = CHAIN.weights[0].copy()
    first[2] *= 2.0**-140
    claims = ("a sum of two rows", "the other sign", "above, with t", "above, of a row below")
    for claim in map(CLAIMS.__getitem__, claims):
        assert said(replace(CHAIN, weights=(first, *CHAIN.weights[1:])), SPACE, claim) is claim.good


def test_nothing_depends_on_the_inverse() -> None:
    """With another matrix in its place nothing false is believed."""

    def unit(a: Any, n: int, r: Any) -> bool:
        r[:n, :n] = np.eye(n)
        return True

    with interpreted() as reader:
        module = sys.modules["lipverify.trusted.evidence_cones"]
        module.inverse = unit  # ty: ignore[unresolved-attribute]
        assert [said(CHAIN, SPACE, claim, reader) for claim in CLAIMS.values() if not claim.good] == [False] * 20
        assert said(CHAIN, SPACE, CLAIMS["a sum of two rows"], reader)  # of which it is the inverse
    assert sum(not claim.good for claim in CLAIMS.values()) == 20


@settings(max_examples=examples(100))
@given(st.data())
def test_the_readers_agree_with_linear_programming(data: st.DataObject) -> None:
    """Of random states every claim at the front, with the multipliers that rational arithmetic finds, or others."""
    if data.draw(st.booleans()):
        net = data.draw(networks(inputs=(1, 3), hidden=(1, 3), width=(1, 4), slopes=True))
    else:
        sizes = data.draw(st.sampled_from([(2, 4, 3, 1), (3, 5, 4, 1), (2, 3, 2, 3, 1)]))
        rng = np.random.default_rng(data.draw(st.integers(0, 99)))
        pairs = list(itertools.pairwise(sizes))
        net = lv.Network([rng.normal(size=(m, n)) for n, m in pairs], [rng.normal(size=m) for _, m in pairs])
    setting = Setting.of(net, lv.Everywhere())
    assert setting is not None
    chain, space = setting.chain, setting.space
    n = len(chain.linear)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    point = [Fraction(int(v), 8) for v in rng.integers(-16, 17, size=len(space.lower))]
    if not setting.own.all():
        point[-1] = abs(point[-1]) + 1
    first = chain.offsets[int(rng.integers(len(chain.widths)))]
    decided = (np.arange(n) < first) | (rng.random(n) < 0.7) & (np.arange(n) < first + 4)
    state = np.where(decided, signs_at(chain, point), 0).astype(np.int8)
    state = np.where(setting.root != 0, setting.root, state).astype(np.int8)
    front = int(chain.fronts(state[None])[0])
    forms = forms_of(chain, state, front)
    end = chain.offsets[front + 1]
    rows = [[int(state[i]) * x for x in forms[i]] for i in range(end) if state[i] and not chain.linear[i]]
    names = [i for i in range(end) if state[i] and not chain.linear[i]]
    if not setting.own.all():
        rows.append([fmpq(0)] * (len(point) - 1) + [fmpq(1)])
    reader, exact = FloatReader(chain, space), ExactReader(chain, space)
    for i in range(chain.offsets[front], end):
        if state[i] or chain.linear[i]:
            continue
        for sign in (1, -1):
            answer = farkas(rows, [-sign * x for x in forms[i]])
            multipliers = np.zeros((1, n))
            if isinstance(answer, Never):
                multipliers[0, [names[j] for j in answer.multipliers if j < len(names)]] = 1.0
            else:
                multipliers[0, names] = rng.integers(0, 2, size=len(names))
            claim = Implied(state[None], np.zeros(1, int), np.array([i]), np.array([sign], np.int8), multipliers)
            (believed,) = reader.implied(claim)
            settled = exact.implied(state, i, sign, np.flatnonzero(multipliers[0]).tolist())
            assert settled == isinstance(answer, Never)
            assert not believed or settled


def signs_at(chain: Chain, x: list[Fraction]) -> list[int]:
    """The signs of all pre-activations at a point, exactly, −1 for 0."""
    found: list[int] = []
    for w, slopes in zip(chain.weights[:-1], chain.slopes, strict=True):
        y = [sum((Fraction(a) * v for a, v in zip(row, x, strict=True)), Fraction(0)) for row in w.tolist()]
        found += [1 if v > 0 else -1 for v in y]
        x = [v * Fraction(s[1] if v > 0 else s[0]) for v, s in zip(y, slopes.tolist(), strict=True)]
    return found


def forms_of(chain: Chain, state: Any, front: int) -> list[list[fmpq]]:
    """The linear forms of the pre-activations up to the front."""
    found: list[list[fmpq]] = []
    below: list[list[Fraction]] = np.eye(chain.weights[0].shape[1]).tolist()
    for k in range(front + 1):
        layer = [
            [
                sum((Fraction(a) * Fraction(r[j]) for a, r in zip(row, below, strict=True)), Fraction(0))
                for j in range(len(below[0]))
            ]
            for row in chain.weights[k].tolist()
        ]
        found += [[fmpq(x.numerator, x.denominator) for x in row] for row in layer]
        on = state[chain.offsets[k] : chain.offsets[k + 1]] > 0
        slopes = [Fraction(s[1] if up else s[0]) for up, s in zip(on.tolist(), chain.slopes[k].tolist(), strict=True)]
        below = [[s * x for x in row] for s, row in zip(slopes, layer, strict=True)]
    return found
