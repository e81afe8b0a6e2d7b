"""Satisfiability: is the constant zero? Against all assignments."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

import lipverify as lv
from lipverify.evaluate import forward_exact, jacobian_exact
from lipverify.geometry.witness import locate
from tests.conftest import PROFILE
from tests.hardness import brute

SIGNS = list(itertools.product((1, -1), repeat=3))


def check(clauses: list[list[int]], variables: int, method: str, p: float = 2) -> None:
    """The exact constant is 0 iff nothing satisfies the formula, and its witness satisfies it otherwise."""
    reduction = lv.hardness.satisfiability(clauses, p, variables=variables)
    truth = brute.satisfiable(clauses, variables)
    bound = lv.exact(reduction.network, method, p=reduction.p)
    assert bound.status is lv.Status.EXACT
    assert reduction.value(bound) == truth
    power = variables ** {1: 0, 2: 1, math.inf: 1}[p]
    assert (bound.exact_square if p == 2 else bound.exact_value) == (power if truth else 0)
    found = reduction.decode(bound)
    if not truth:
        assert found is None
        return
    assert found is not None
    assert brute.satisfies(list(found.values.values()), clauses)


@pytest.mark.parametrize("p", [1, 2, math.inf])
def test_small_formulas_by_enumeration(p: float) -> None:
    for clauses in ([[1]], [[1], [-1]], [[1, 2], [-1, 2], [1, -2], [-1, -2]], [[1, -2], [2]], [[]], [], [[1, -1]]):
        check(clauses, 2, "enumeration", p)


def test_every_formula_of_three_clauses_on_two_variables() -> None:
    every = [[s * k for k, s in enumerate(signs, 1) if s] for signs in itertools.product((0, 1, -1), repeat=2)]
    for size in range(4):
        for clauses in itertools.combinations(every, size):
            check(list(clauses), 2, "enumeration")


def test_the_repeated_literals_that_break_the_plain_gadget() -> None:
    check([[1, 1, 1], [-1, -1, -1]], 1, "enumeration")
    assert lv.hardness.satisfiability([[1, 1, 1], [2, -2, 1]]).clauses == ((1,),)


def test_the_eight_clauses_on_three_variables() -> None:
    every = [[s * (k + 1) for k, s in enumerate(signs)] for signs in SIGNS]
    check(every, 3, "enumeration")
    check(every[:-1], 3, "branch-and-bound")


LARGER = [(4, 24), (5, 12)] if PROFILE == "long" else []  # tens of seconds each


@pytest.mark.parametrize(("variables", "size"), [(3, 5), (3, 14), (4, 6), (4, 12), *LARGER])
def test_random_formulas_to_five_variables(variables: int, size: int) -> None:
    rng = np.random.default_rng(size)
    clauses = []
    for _ in range(size):
        chosen = rng.choice(variables, 3, replace=False) + 1
        clauses.append([int(x) for x in chosen * rng.choice([-1, 1], 3)])
    check(clauses, variables, "enumeration")


def test_every_assignment_on_random_formulas() -> None:
    rng = np.random.default_rng(1)
    for variables in (3, 4, 5):
        for size in (2, 6, 20):
            clauses = [
                [int(x) for x in (rng.choice(variables, 3, replace=False) + 1) * rng.choice([-1, 1], 3)]
                for _ in range(size)
            ]
            reduction = lv.hardness.satisfiability(clauses, variables=variables)
            for values in itertools.product((False, True), repeat=variables):
                corner = [Fraction(1 if on else -1) for on in values]
                positive = forward_exact(reduction.network, corner)[0] > 0
                assert positive == brute.satisfies(values, clauses)
                given = dict(enumerate(values, 1))
                assert reduction.assignment(given).value == positive
                if not positive:
                    with pytest.raises(lv.InvalidArgument, match="does not satisfy"):
                        reduction.encode(given)
                    continue
                pattern = locate(reduction.network, lv.Everywhere(), reduction.encode(given))
                assert pattern is not None
                (row,) = jacobian_exact(reduction.network, pattern).tolist()
                assert {abs(int(x)) for x in row} == {1}


def test_the_size_is_linear() -> None:
    net = lv.hardness.satisfiability([[1, 2, 3]] * 4 + [[-k, k + 1, k + 2] for k in range(1, 9)]).network
    assert (net.input_dim, *net.hidden, net.output_dim) == (10, 20, 29, 1, 1)


def test_an_open_bound_does_not_decide() -> None:
    reduction = lv.hardness.satisfiability([[1, 2, 3]])
    bound = lv.upper(reduction.network, "autolip")
    assert reduction.interval(bound) == (0, 1)
    with pytest.raises(lv.InvalidArgument, match="does not decide"):
        reduction.decode(bound)
    with pytest.raises(lv.InvalidArgument, match="open"):
        reduction.value(bound)


@pytest.mark.parametrize(
    ("clauses", "options", "word"),
    [
        ([[0]], {}, "literal"),
        ([[True]], {}, "literal"),
        ([["x"]], {}, "literal"),
        ([], {}, "variable"),
        ([[3]], {"variables": 2}, "variables ≥ 3"),
        ([[1]], {"p": 4}, "p must be"),
    ],
)
def test_what_is_no_formula_is_refused(clauses: list[list[int]], options: dict[str, int], word: str) -> None:
    with pytest.raises(lv.InvalidArgument, match=word):
        lv.hardness.satisfiability(clauses, **options)


def test_an_assignment_names_every_variable() -> None:
    with pytest.raises(lv.InvalidArgument, match="2"):
        lv.hardness.satisfiability([[1, 2]]).assignment({1: True})
