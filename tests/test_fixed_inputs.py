"""Inputs that the domain fixes: folded in Fractions by hand here, and by lipverify there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.domain import Domain
from lipverify.fixed_inputs import restrict
from lipverify.testing import networks
from tests import oracle
from tests.conftest import examples

VERBS: dict[str, Any] = {"upper": lv.upper, "lower": lv.lower, "exact": lv.exact}
AWKWARD = st.sampled_from([0.0, 1.0, -0.5, 0.1, 1 / 3, 1e-30, -1e6, 2.0**-300])


@dataclass(frozen=True)
class Folded:
    """The network as a function of the inputs that vary."""

    net: lv.Network
    fixed: dict[int, Fraction]

    def fractions(self) -> Any:
        weights, biases, slopes = self.net.fractions()
        free = [j for j in range(self.net.input_dim) if j not in self.fixed]
        first = tuple(tuple(row[j] for j in free) for row in weights[0])
        bias = tuple(
            b + sum((row[j] * c for j, c in self.fixed.items()), Fraction(0))
            for row, b in zip(weights[0], biases[0], strict=True)
        )
        return (first, *weights[1:]), (bias, *biases[1:]), slopes


@st.composite
def questions(draw: st.DrawFn) -> tuple[lv.Network, lv.Box]:
    net = draw(networks(inputs=(2, 3), width=(1, 3), slopes=draw(st.booleans())))
    varies = draw(st.lists(st.booleans(), min_size=net.input_dim, max_size=net.input_dim).filter(any))
    low = [draw(st.integers(-4, 3)) / 2 if v else draw(AWKWARD) for v in varies]
    high = [x + draw(st.integers(1, 4)) / 2 if v else x for v, x in zip(varies, low, strict=True)]
    return net, lv.Box(low, high)


@settings(max_examples=examples(40))
@given(questions(), st.sampled_from([1, 2, math.inf]))
def test_the_exact_methods_agree_with_brute_force_on_the_inputs_that_vary(
    question: tuple[lv.Network, lv.Box], p: float
) -> None:
    net, box = question
    folded = Folded(net, {i: Fraction(c) for i, c in box.fixed.items()})
    regions = oracle.regions(folded, box.free)
    for method in ("enumeration", "milp", "branch-and-bound"):
        bound = lv.exact(net, method, p=p, domain=box)
        assert bound.status is lv.Status.EXACT
        assert oracle.encloses([r.jacobian for r in regions], bound.lower, bound.upper, p, p)
        assert ("vary" in bound.subject) == bool(box.fixed)
        if bound.witness is not None:
            assert box.contains_inside(bound.witness.point)
            inner = [x for i, x in enumerate(bound.witness.point) if i not in box.fixed]
            found = oracle.locate(folded, box.free, inner)
            assert found is not None
            assert found[0] == bound.witness.pattern


@settings(max_examples=examples(6))
@given(questions(), st.sampled_from([1, 2, math.inf]))
def test_no_bound_is_on_the_wrong_side(question: tuple[lv.Network, lv.Box], p: float) -> None:
    net, box = question
    exact = lv.exact(net, "enumeration", p=p, domain=box)
    for row in lv.compare(net, "all", p=p, domain=box).rows:
        assert not row.error
        assert not row.unsound
        if row.bound is not None and row.rigor is not lv.Rigor.HEURISTIC:
            assert row.bound.lower <= exact.upper
            assert exact.lower <= row.bound.upper


@settings(max_examples=examples(30))
@given(questions())
def test_regions_have_the_original_networks_patterns(question: tuple[lv.Network, lv.Box]) -> None:
    net, box = question
    folded = Folded(net, {i: Fraction(c) for i, c in box.fixed.items()})
    listed = list(lv.regions(net, box))
    assert {r.pattern for r in listed} == {r.pattern for r in oracle.regions(folded, box.free)}
    for region in listed:
        image = oracle.evaluate(net, region.point)
        assert image == tuple(
            oracle.dot(row, region.point) + c for row, c in zip(region.weight, region.offset, strict=True)
        )


RNG = np.random.default_rng(0)
WIDE = lv.Network([RNG.normal(size=(6, 40)), RNG.normal(size=(2, 6))], [RNG.normal(size=6), None])


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-320, 1e300])
def test_a_folded_bias_is_exact_however_many_inputs_are_fixed(value: float) -> None:
    box = lv.Box([value] * 38 + [-1, -1], [value] * 38 + [1, 1])
    where = restrict(WIDE, box)
    assert where.network.input_dim == 2
    x = (Fraction(1, 3), Fraction(-2, 7))
    assert oracle.evaluate(where.network, x) == oracle.evaluate(WIDE, where.point(x))
    if value == 0.1:  # a sum of 38 products fits no float64: a few neurons carry the rest, not 38
        assert where.prepended
        assert where.network.hidden[0] <= 5


@pytest.mark.parametrize(
    ("polytope", "fixed", "rest"),
    [
        (lv.Polytope([[1, 0], [-1, 0], [0, 1], [0, -1]], [0.5, -0.5, 1, 1]), 0, lv.Box([-1], [1])),
        (lv.Polytope([[1, 0], [-1, 0], [1, 1], [0, -1]], [0.5, -0.5, 1.5, 1]), 0, lv.Box([-1], [1])),
        (lv.Polytope([[0, 2], [0, -2]], [1, -1]), 1, lv.Everywhere()),
    ],
)
@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_polytopes_with_an_equation(polytope: lv.Polytope, fixed: int, rest: Domain, p: float) -> None:
    first, second = np.array([[1.0, 2], [-1, 1], [3, 0]]), [[1, -1, 2], [0, 1, 1]]
    bias = np.array([0, 0.125, -1])
    assert polytope.fixed == {fixed: 0.5}
    by_hand = lv.Network([np.delete(first, fixed, axis=1), second], [bias + first[:, fixed] / 2, None])
    bound = lv.exact(lv.Network([first, second], [bias, None]), p=p, domain=polytope)
    assert bound.exact_square == lv.exact(by_hand, "enumeration", p=p, domain=rest).exact_square
    assert bound.witness is not None
    assert polytope.contains_inside(bound.witness.point)


def test_methods_do_not_see_a_fixed_input() -> None:
    from lipverify.norms import norm_pair
    from lipverify.problem import Problem

    with pytest.raises(lv.InvalidDomain, match="fixes inputs"):
        Problem(WIDE, norm_pair(2), lv.Box([0] * 40, [1] + [0] * 39))


def test_what_it_says() -> None:
    box = lv.Box.around([0, 1, 2], [0.5, 0, 0])
    net = lv.Network([[[1, 2, 3]], [[1]]])
    bound = lv.exact(net, p=2, domain=box)
    assert bound.exact_value == 1
    assert bound.subject == (
        "a function of 1 of 3 inputs, those that vary on the domain; fixed, at float64 values: x[1] = 1, x[2] = 2"
    )
    assert str(box) == "[-0.5, 0.5]^1, and 2 fixed inputs"
    assert hash(box) == hash(lv.Box.around([0, 1, 2], [0.5, 0, 0]))


def test_autolip_of_a_module_takes_such_a_box() -> None:
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1)).eval()
    domain: Domain = lv.Box([0, 0.5], [1, 0.5])
    assert lv.exact(module, domain=domain).lower <= lv.autolip(module, torch.zeros(2), domain=domain).upper
    assert not lv.compare(module, domain=domain).rows[1].unsound
