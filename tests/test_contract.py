"""A method that does not keep its promise is told so, in words that its author can use."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import lipverify as lv
from lipverify.bound import Bound, Rigor, Status, Witness
from lipverify.contract import bounds_of
from lipverify.estimators.best import Best
from lipverify.norms import EUCLIDEAN, NormPair, norm_pair, norm_upper
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.solvers.enumeration import Enumeration
from lipverify.solvers.milp.method import Milp
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import up

NET = lv.Network([[[1, 2], [-1, 1], [3, 0]], [[1, -1, 2]]], [[0, 1, -1], None])
GOING, DONE = Status.INTERRUPTED, Status.ONE_SIDED


@dataclass(frozen=True)
class Script:
    """A method that yields what it is told to."""

    bounds: tuple[Any, ...]
    name: str = "script"
    side: Side = "upper"
    rigor: Rigor = Rigor.ROUNDED
    norms: tuple[NormPair, ...] = EUCLIDEAN
    needs_box: bool = False
    cost: str = "nothing"
    ended: list[bool] = field(default_factory=list)

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        try:
            yield from self.bounds
        finally:
            self.ended.append(True)


def upper(value: float, status: Status = GOING, rigor: Rigor = Rigor.ROUNDED, **options: Any) -> Bound:
    return Bound(method="script", status=status, upper=value, upper_rigor=rigor, **options)


def lower(value: float, status: Status = GOING, rigor: Rigor = Rigor.ROUNDED, **options: Any) -> Bound:
    return Bound(method="script", status=status, lower=value, lower_rigor=rigor, **options)


@dataclass(frozen=True)
class Product:
    """A newcomer's method: the product of √(‖W‖₁ ‖W‖_∞)."""

    name = "product"
    side: Side = "upper"
    rigor = Rigor.ROUNDED
    norms = EUCLIDEAN
    needs_box = False
    cost = "two sums"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        value = 1.0
        for weight in problem.network.weights:
            one, inf = (norm_upper(Ball.exact(weight), norm_pair(p)) for p in (1, math.inf))
            value = up(value * up(math.sqrt(up(one * inf))))
        yield Bound(method=self.name, status=Status.ONE_SIDED, upper=value, upper_rigor=self.rigor)


def test_a_method_of_ones_own() -> None:
    bound = lv.upper(NET, Product())
    assert bound.status is Status.ONE_SIDED
    assert bound.upper_rigor is Rigor.ROUNDED
    assert lv.exact(NET).upper <= bound.upper < math.inf


@pytest.mark.parametrize(
    ("method", "match"),
    [
        (Script(()), "yielded no Bound"),
        (Script((3.0,)), "3.0, which is no Bound"),
        (Script((upper(3.0),)), "status INTERRUPTED; it must say why the method ended, as ONE_SIDED"),
        (Script((lower(1.0, DONE),)), "bounds from above, and yielded the lower side 1.0"),
        (Script((upper(1.0, DONE),), side="lower"), "bounds from below, and yielded the upper side 1.0"),
        (Script((upper(0.001, DONE, Rigor.PROVED),), rigor=Rigor.HEURISTIC), "HEURISTIC.*upper side that is PROVED"),
        (Script((lower(1.0, DONE, Rigor.PROVED),), side="lower"), "ROUNDED.*lower side that is PROVED"),
        (Script((lower(1.0, DONE, Rigor.PROVED),), side="exact"), "ROUNDED.*lower side that is PROVED"),
        (Script((upper(3.0), upper(4.0, DONE))), "upper side 4.0 after 3.0"),
        (Script((upper(3.0), upper(4.0, DONE, Rigor.NUMERICAL))), "upper side 4.0 after 3.0"),
        (Script((lower(3.0), lower(2.0, DONE)), side="lower"), "lower side 2.0 after 3.0"),
    ],
)
def test_a_broken_promise_is_told(method: Script, match: str) -> None:
    with pytest.raises(lv.LipverifyError, match=match):
        {"upper": lv.upper, "lower": lv.lower, "exact": lv.exact}[method.side](NET, method)
    assert method.ended


def test_what_is_kept_passes() -> None:
    assert lv.upper(NET, Script((upper(3.0), upper(2.0, DONE)))).upper == 2.0
    assert lv.upper(NET, Script((upper(9.0, DONE, Rigor.HEURISTIC),))).upper_rigor is Rigor.HEURISTIC
    assert lv.upper(NET, Script((upper(math.inf, DONE, Rigor.PROVED),), rigor=Rigor.HEURISTIC)).upper == math.inf
    taken_back = Script((upper(2.0, GOING, Rigor.NUMERICAL), upper(3.0, DONE)))
    assert (lv.upper(NET, taken_back).upper, lv.upper(NET, taken_back).upper_rigor) == (3.0, Rigor.ROUNDED)
    point = lv.lower(NET).witness
    assert isinstance(point, Witness)
    shown = Script((lower(1.0, DONE, Rigor.PROVED, witness=point),), side="exact")
    assert lv.exact(NET, shown).lower_rigor is Rigor.PROVED


def test_a_method_that_is_stopped_is_closed() -> None:
    method = Script((upper(3.0), upper(2.0), upper(1.0, DONE)))
    bounds = bounds_of(method, Problem(NET, norm_pair(2)), Budget())
    assert next(bounds).upper == 3.0
    del bounds
    assert method.ended == [True]
    assert lv.upper(NET, method, on_progress=lambda _: True).status is GOING
    assert method.ended == [True, True]


@pytest.mark.parametrize(
    "given",
    [
        lambda method: Best((method,)),
        lambda method: Enumeration(bound=method),
        lambda method: Milp(bound=method),
        lambda method: BranchAndBound((SplitSDP(),), ceiling=method),
    ],
)
def test_methods_that_are_given_others_hold_them_to_it(given: Any) -> None:
    liar = Script((upper(0.001, DONE, Rigor.PROVED),), rigor=Rigor.HEURISTIC)
    method = given(liar)
    with pytest.raises(lv.LipverifyError, match=r"script claims HEURISTIC"):
        (lv.upper if method.side == "upper" else lv.exact)(NET, method)


@pytest.mark.parametrize("rigor", [Rigor.HEURISTIC, Rigor.NUMERICAL])
def test_an_estimate_below_the_constant_spoils_no_exact_method(rigor: Rigor) -> None:
    low = Script((upper(0.001, DONE, rigor),), rigor=rigor)
    exact = lv.exact(NET, "enumeration")
    for method in (Enumeration(bound=low), Milp(bound=low), BranchAndBound((SplitSDP(),), ceiling=low)):
        seen: list[Bound] = []
        bound = lv.exact(NET, method, on_progress=seen.append)
        assert (bound.status, bound.exact) == (Status.EXACT, exact.exact)
        assert all(one.upper >= exact.lower or one.upper_rigor is rigor for one in seen)


@dataclass(frozen=True)
class Nameless:
    side: Side = "upper"
    rigor: Rigor = Rigor.ROUNDED
    norms: tuple[NormPair, ...] = EUCLIDEAN
    needs_box: bool = False

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        yield upper(1.0, DONE)


class Returns(Product):
    def run(self, problem: Problem, budget: Budget) -> Any:
        return upper(1.0, DONE)


@pytest.mark.parametrize(
    ("method", "match"),
    [
        (Nameless(), "lacks name, cost;"),
        (Product, r"pass Product\(\), not Product"),
        (3, "name or a method object; got 3"),
        (Script((), rigor="PROVED"), r"script\.rigor must be a lipverify\.Rigor; got 'PROVED'"),  # ty: ignore[invalid-argument-type]
        (Returns(), "product.run must yield Bounds; it returned <Bound"),
    ],
)
def test_what_is_no_method_is_told_why(method: Any, match: str) -> None:
    with pytest.raises(lv.LipverifyError, match=match):
        lv.upper(NET, method)
