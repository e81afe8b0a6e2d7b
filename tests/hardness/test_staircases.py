"""Staircases: L = 1 by the exact methods, and what is blind to reachability says what the theorem says."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import lipverify as lv
from lipverify.evaluate import forward_exact, jacobian_exact
from lipverify.geometry.witness import locate
from lipverify.rationals import fraction

SIZES = [(1, 1), (1, 2), (1, 3), (2, 2), (3, 2), (2, 3), (4, 1)]


@pytest.mark.parametrize(("layers", "steps"), SIZES)
def test_the_constant_is_1_everywhere_and_on_the_box(layers: int, steps: int) -> None:
    made = lv.hardness.unreachable(layers, steps)
    assert (made.network.input_dim, *made.network.hidden, made.network.output_dim) == (1, *[2 * steps] * layers, 1)
    for domain in (None, lv.Box([-steps], [steps])):
        for p in (1, 2, math.inf):
            bound = lv.exact(made.network, "enumeration", p=p, domain=domain)
            assert bound.enclosure == (made.constant, made.constant) == (1, 1)
    pattern = locate(made.network, lv.Everywhere(), made.point)
    assert pattern is not None
    assert fraction(jacobian_exact(made.network, pattern)[0, 0]) == 1


def test_branch_and_bound_sees_what_is_reachable() -> None:
    assert lv.exact(lv.hardness.unreachable(2, 2).network, "branch-and-bound").exact_square == 1


def test_it_is_a_staircase_in_a_row() -> None:
    def staircase(x: Fraction, steps: int) -> Fraction:
        """Up by 1 on (a_1, a_2), flat on (a_2, a_3), up on (a_3, a_4), …"""
        rises = [Fraction(2 * j + 1 - steps) - Fraction(1, 2) for j in range(steps)]
        return sum((min(max(x - a, Fraction(0)), Fraction(1)) for a in rises), Fraction(-1, 2))

    for layers, steps in SIZES:
        net = lv.hardness.unreachable(layers, steps).network
        for k in range(-40, 41):
            x = Fraction(k, 7)
            expected = x
            for _ in range(layers):
                expected = staircase(expected, steps)
            assert forward_exact(net, [x])[0] == expected


@pytest.mark.parametrize(("layers", "steps"), [(1, 2), (1, 3), (2, 2)])
def test_the_largest_of_all_patterns_is_what_blindness_costs(layers: int, steps: int) -> None:
    made = lv.hardness.unreachable(layers, steps)
    largest = 0.0
    for signs in itertools.product((0.0, 1.0), repeat=2 * steps * layers):
        row = made.network.weights[0]
        for k, W in enumerate(made.network.weights[1:]):
            row = W @ (np.array(signs[2 * steps * k : 2 * steps * (k + 1)])[:, None] * row)
        largest = max(largest, abs(float(row[0, 0])))
    assert largest == made.blind


@pytest.mark.parametrize(("layers", "steps"), SIZES)
def test_lipsdp_and_the_product_of_norms_are_known(layers: int, steps: int) -> None:
    made = lv.hardness.unreachable(layers, steps)
    sdp, product = lv.upper(made.network, "lipsdp").upper, lv.upper(made.network, "autolip").upper
    assert made.blind <= Fraction(sdp) <= made.blind * Fraction(1_000_01, 1_000_00)
    assert made.trivial <= Fraction(product) <= made.trivial * Fraction(1_000_001, 1_000_000)
    for name in ("seqlip", "seqlip-sdp", "eclipse-fast"):
        assert lv.upper(made.network, name).upper >= made.blind


def test_refusals_name_what_is_wrong() -> None:
    for layers, steps, word in ((0, 2, "layers"), (2, 0, "steps"), (True, 2, "layers"), (1.5, 2, "layers")):
        with pytest.raises(lv.InvalidArgument, match=word):
            lv.hardness.unreachable(layers, steps)
    assert "at least 8" in lv.hardness.unreachable(3).describe()
