"""What "auto" chooses among the exact methods, and that it says so."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import lipverify as lv
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from lipverify.solvers.choice import Size, choose

INF = math.inf


def network(*sizes: int) -> lv.Network:
    """A random network."""
    rng = np.random.default_rng(0)
    return lv.Network([rng.normal(size=(m, n)) for n, m in pairwise(sizes)])


@pytest.mark.parametrize(
    ("sizes", "p", "name"),
    [
        ((2, 8, 1), 2, "enumeration"),
        ((2, 32, 32, 1), INF, "enumeration"),  # few regions, however many patterns
        ((8, 8, 8, 1), INF, "milp"),
        ((16, 16, 1), 1, "milp"),
        ((3, 16, 16, 1), INF, "enumeration"),
        ((8, 16, 16, 1), INF, "milp"),
        ((3, 1), 2, "enumeration"),
        ((10, 20, 20, 1), 2, "branch-and-bound"),
        ((10, 20, 20, 3), 2, "branch-and-bound"),
        ((784, 500, 500, 10), INF, "milp"),  # nobody will end it; the numbers must not overflow
    ],
)
def test_the_choice(sizes: tuple[int, ...], p: Any, name: str) -> None:
    chosen, reason = choose(Problem(network(*sizes), norm_pair(p)))
    assert chosen == name
    assert reason.startswith(f"{name} was chosen: ")
    assert "regions" in reason
    assert "undecided neurons" in reason


def test_the_search_by_layers_is_for_bounded_domains() -> None:
    net, box = network(8, 16, 16, 1), lv.Box([-1] * 8, [1] * 8)
    chosen, reason = choose(Problem(net, norm_pair(INF), box))
    assert chosen == "branch-and-bound"
    assert "by layers" in reason
    assert "by layers" not in choose(Problem(net, norm_pair(2), box))[1]
    assert choose(Problem(network(8, 4, 1), norm_pair(INF), lv.Box([-1] * 8, [1] * 8)))[0] != "branch-and-bound"


def test_what_is_loaded_need_not_be_waited_for() -> None:
    problem = Problem(network(8, 8, 8, 1), norm_pair(INF), lv.Box([-1] * 8, [1] * 8))
    assert choose(problem)[0] == "milp"
    assert choose(problem, loaded=True)[0] == "branch-and-bound"


def test_neurons_that_a_box_decides_do_not_count() -> None:
    net = lv.Network([np.eye(2), [[1, 1]]], [[5, 0], None])
    assert Size.of(Problem(net, norm_pair(2), lv.Box([-1, -1], [1, 1]))).undecided == (1,)
    assert Size.of(Problem(net, norm_pair(2))).undecided == (2,)


def test_regions_are_counted_as_if_all_neurons_cut_the_whole_space() -> None:
    assert Size((3,), 2, 0, False).regions == 1 + 3 + 3
    assert Size((3, 2), 2, 0, False).regions == 1 + 5 + 10
    assert Size((1, 1), 2, 0, False).regions == 2 * 2  # no more than pairs of sides
    assert Size((2000, 3), 3, 0, False).regions == math.inf


def test_auto_says_what_it_chose_and_why() -> None:
    bound = lv.exact(network(2, 4, 1))
    assert (bound.method, bound.status) == ("enumeration", lv.Status.EXACT)
    assert "enumeration was chosen" in bound.stats["choice"]
    bound = lv.exact(network(8, 8, 8, 1), p=INF, domain=lv.Box([0.5] * 8, [0.9] * 8))
    assert bound.method in bound.stats["choice"]
