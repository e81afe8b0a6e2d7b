"""Upper bounds at the nodes: they are above every region, and become better."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.norms import ALL_PAIRS, norm_pair
from lipverify.problem import Problem
from lipverify.solvers.milp.bound.cell_boxes import CellBoxes
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.encoding import Strength, encode
from lipverify.solvers.milp.encode.lifting import Lifting
from lipverify.solvers.milp.encode.model import Model, is_binary
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.solvers.milp.common import (
    INF,
    knapsack,
    random_network,
)
from tests.solvers.promises import ends


@settings(max_examples=examples(40))
@given(st.data(), st.sampled_from(ALL_PAIRS))
def test_the_relaxation_is_above_every_region(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3)))
    domain = data.draw(domains(net.input_dim))
    strength = Strength(*data.draw(st.sampled_from([("interval", "interval", True), ("crown", "lp"), ("lp", "lp")])))
    model = encode(Problem(net, p, domain), strength).model
    linear = model.target()
    top = linear.true_upper(Relaxation(model).maximise(linear.costs).upper)
    jacobians = [region.jacobian for region in oracle.regions(net, domain)]
    assert oracle.encloses(jacobians, 0.0, max(top, 0.0), *ends(p))


@settings(max_examples=examples(80))
@given(st.data(), st.sampled_from(ALL_PAIRS))
def test_what_ranges_say_at_a_node_holds_for_every_region_in_it(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), width=(1, 3)))
    domain = data.draw(domains(net.input_dim))
    encoding = encode(Problem(net, p, domain), Strength(*data.draw(st.sampled_from([("interval",) * 2, ("lp",) * 2]))))
    model, linear = encoding.model, encoding.model.target()
    relaxation = Relaxation(model)
    binaries = np.array(model.binaries, dtype=np.intp)
    for region in oracle.regions(net, domain):
        lower, upper = np.array(model.lower), np.array(model.upper)
        sides = zip(itertools.chain(*encoding.states), itertools.chain(*region.pattern), strict=True)
        for state, on in [(s, on) for s, on in sides if is_binary(s)]:
            if data.draw(st.booleans()):
                lower[state] = upper[state] = float(on)
        low, high = encoding.ranges.at(lower[None], upper[None])
        outlook = float(encoding.ranges.outlook(lower[None], upper[None])[0])
        bounds = [model.target().true_upper(math.ldexp(outlook, -linear.exponent + model.power))]
        for side in (False, True):  # first without, then with what the ranges imply
            if side:
                on, off = (choice[0] for choice in encoding.ranges.implied(low, high))
                free = lower[encoding.ranges.decidable] < upper[encoding.ranges.decidable]
                lower[encoding.ranges.decidable[on & free]] = 1.0
                upper[encoding.ranges.decidable[off & free]] = 0.0
            relaxation.tighten(low[0], high[0])
            relaxation.limit(binaries, lower[binaries], upper[binaries])
            bounds.append(linear.true_upper(relaxation.maximise(linear.costs).upper))
        for bound in bounds:
            assert oracle.encloses([region.jacobian], 0.0, bound, *ends(p))


def test_ranges_at_a_node_are_within_those_of_the_root_and_shrink_its_bound() -> None:
    net, box = random_network((4, 6, 6, 1), 0)
    encoding = encode(Problem(net, norm_pair(INF), box), Strength())
    model, costs = encoding.model, encoding.model.target().costs
    lower, upper = np.array(model.lower), np.array(model.upper)
    free = [s for layer in encoding.states for s in layer if is_binary(s)]
    root = [ends[0] for ends in encoding.ranges.at(lower[None], upper[None])]
    outlook = encoding.ranges.outlook(lower[None], upper[None])
    old, new = Relaxation(model), Relaxation(model)
    for s in free[::2]:
        lower[s] = upper[s] = 1.0
    low, high = (ends[0] for ends in encoding.ranges.at(lower[None], upper[None]))
    assert (low >= root[0]).all()
    assert (high <= root[1]).all()
    assert encoding.ranges.outlook(lower[None], upper[None]) < outlook
    new.tighten(low, high)
    for relaxation in (old, new):
        relaxation.limit(np.arange(model.size), lower, upper)
    assert new.maximise(costs).upper < old.maximise(costs).upper * (1 - 1e-6)
    new.tighten(*root)  # and back
    assert new.maximise(costs).upper == pytest.approx(old.maximise(costs).upper, rel=0.02)


@pytest.mark.parametrize("sizes", [(4, 6, 6, 1), (2, 7, 5, 2)])  # the second one with boxes around cells
def test_ranges_of_many_nodes_at_once_are_those_of_each(sizes: tuple[int, ...]) -> None:
    net, box = random_network(sizes, 0)
    encoding, other = (encode(Problem(net, norm_pair(INF), box), Strength()) for _ in range(2))
    model, rng = encoding.model, np.random.default_rng(0)
    limits = np.tile(np.array([model.lower, model.upper])[:, None], (1, 12, 1))
    for node in range(8):  # the first one is the root, and the last four are as others
        chosen = rng.choice(model.binaries, node, replace=False)
        limits[:, node, chosen] = rng.integers(0, 2, node)
    limits[:, 8:] = limits[:, 2:6]
    together = (*encoding.ranges.at(*limits), encoding.ranges.outlook(*limits))
    for node in range(12):
        one = limits[:, node, None]
        alone = (*other.ranges.at(*one), other.ranges.outlook(*one))
        for all_, single in zip(together, alone, strict=True):
            np.testing.assert_allclose(all_[node], single[0], rtol=1e-12)


@settings(max_examples=examples(30))
@given(st.data())
def test_a_box_around_a_cell_contains_it(data: st.DataObject) -> None:
    d = data.draw(st.integers(1, 2))
    net = data.draw(networks(slopes=True, inputs=d, hidden=2, width=(3 * d, 7)))
    lifting = Lifting.of(Problem(net, norm_pair(INF), lv.Box([-1] * d, [1.5] * d)))
    cells = CellBoxes(lifting)
    assert cells.crowded == (len(net.weights[0]) >= 3 * len(lifting.names))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    for z in rng.uniform(lifting.lower, lifting.upper, size=(10, len(lifting.names))):
        y = lifting.chain.weights[0] @ z + lifting.chain.biases[0]
        clear = np.abs(y) > 1e-9 * (np.abs(lifting.chain.weights[0]) @ np.abs(z) + np.abs(lifting.chain.biases[0]))
        signs = np.where(clear & (rng.uniform(size=len(y)) < 0.7), np.sign(y), 0).astype(np.int8)
        low, high = cells.box(signs)
        assert (low <= z).all()
        assert (z <= high).all()


def test_a_box_around_a_cell_is_smaller_than_the_domain() -> None:
    net = lv.Network([[[1, 0], [-1, 1], [0, 1], [1, 1], [2, 1], [1, -1]], np.ones((3, 6)), [[1, 2, 3]]])
    cells = CellBoxes(Lifting.of(Problem(net, norm_pair(INF), lv.Box([-4, -3], [2, 5]))))
    low, high = cells.box(np.array([1, -1, 1, 0, 0, 0], dtype=np.int8))  # x ≥ 0, y ≤ x, y ≥ 0
    assert np.allclose([*low, *high], [0, 0, 1, 1], atol=1e-8)  # without biases the cones are met in [−1, 1]²
    assert (low <= 0).all()
    assert (high >= 1).all()


@settings(max_examples=examples(40))
@given(st.lists(st.lists(st.floats(-4, 4), min_size=3, max_size=3), min_size=1, max_size=4), st.randoms())
def test_bounds_hold_for_any_multipliers(rows: list[list[float]], random: Any) -> None:
    model = Model()
    columns = [model.variable(f"x_{j}", -1.0, 1.0) for j in range(3)]
    for i, row in enumerate(rows):
        model.row(f"r_{i}", list(zip(columns, row, strict=True)), -1.0, 1.0)
    relaxation = Relaxation(model)
    costs = np.array([random.uniform(-1, 1) for _ in columns])
    multipliers = np.array([random.uniform(-2, 2) for _ in model.rows])
    bound = Fraction(relaxation.bound(costs, multipliers))
    for point in itertools.product((Fraction(-1), Fraction(-1, 3), Fraction(0), Fraction(1)), repeat=3):
        if all(abs(sum(Fraction(a) * x for a, x in zip(row, point, strict=True))) <= 1 for row in rows):
            # a variable within ±1 is stored as half of itself
            assert sum(Fraction(c) * x / 2 for c, x in zip(costs.tolist(), point, strict=True)) <= bound


def test_a_refuted_relaxation_is_proved_so() -> None:
    assert Relaxation(knapsack(impossible=True)).maximise(np.ones(2)).upper == -INF
    assert Relaxation(knapsack()).maximise(np.ones(2)).upper == pytest.approx(1.5)
