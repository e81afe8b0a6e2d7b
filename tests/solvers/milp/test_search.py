"""The search: what a pattern is, which nodes it looks at, and what it takes from a solver."""

from __future__ import annotations

import heapq
import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.geometry.witness import Certified, certify_region
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.search.incumbent import Incumbent
from lipverify.solvers.milp import run
from lipverify.solvers.milp.encode.encoding import Strength, encode
from lipverify.solvers.milp.encode.model import is_binary
from lipverify.solvers.milp.external import process
from lipverify.solvers.milp.external.backends import Progress, Report
from lipverify.solvers.milp.external.oracle import warm_start
from lipverify.solvers.milp.method import Milp
from lipverify.solvers.milp.prepare import prepare
from lipverify.solvers.milp.search import tree
from lipverify.solvers.milp.search.regions import Regions
from lipverify.solvers.milp.search.tree import Tree
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.solvers.milp.common import (
    BOX,
    INF,
    NET,
    NORMS,
    Here,
    milp,
    random_network,
    refused,
    solver_first,
    solver_here,
)


@pytest.mark.parametrize("p", NORMS)
def test_the_search_finds_the_best_region_by_itself(p: Any) -> None:
    for seed, sizes in itertools.product(range(4), ((3, 8, 1), (2, 7, 6, 2), (4, 4, 4, 4, 1))):
        net, box = random_network(sizes, seed)
        mine, theirs = (lv.exact(net, method, p=p, domain=box) for method in (Milp(head_start=INF), "enumeration"))
        assert (mine.lower, mine.upper, mine.status) == (theirs.lower, theirs.upper, lv.Status.EXACT)
        assert mine.stats["solves"] == 0


@pytest.mark.parametrize("p", NORMS)
def test_the_search_needs_no_solver(monkeypatch: pytest.MonkeyPatch, p: Any) -> None:
    monkeypatch.setattr(process, "SolverProcess", refused)
    exact = lv.exact(NET, "enumeration", p=p, domain=BOX)
    bound = milp(NET, p, BOX)
    assert (bound.lower, bound.upper, bound.stats["solves"]) == (exact.lower, exact.upper, 0)
    with pytest.raises(AssertionError, match="nobody must ask"):
        solver_first(NET, p, BOX, refused)


def test_the_search_goes_on_where_it_stood_when_the_solver_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Here):
        """Says nothing before it was looked at three times."""

        looks = 0

        def poll(self) -> list[Progress | Report]:
            self.looks += 1
            return super().poll() if self.looks > 3 else []

    monkeypatch.setattr(run, "_GLANCE", 0.0)
    monkeypatch.setattr(tree, "_TOGETHER", 1)  # many looks
    for sizes, p in (((3, 8, 1), INF), ((2, 6, 6, 2), 1), ((2, 5, 5, 2), 2)):
        net, box = random_network(sizes, 5)
        with solver_here(Slow):
            bound = lv.exact(net, Milp(head_start=0), p=p, domain=box)
        exact = lv.exact(net, "enumeration", p=p, domain=box)
        assert bound.status is lv.Status.EXACT
        assert bound.stats["solves"] > 0
        assert bound.stats["nodes"] >= 3
        assert (bound.lower, bound.upper) == (exact.lower, exact.upper)


def test_patterns_on_the_way_become_the_best_region_if_they_are_better() -> None:
    net, box = random_network((3, 8, 1), 5)
    problem = Problem(net, norm_pair(INF), box)
    exact = lv.exact(net, "enumeration", p=INF, domain=box)
    assert exact.witness is not None
    best = certify_region(problem, exact.witness.point, exact.witness.pattern)

    class Prophet(Here):
        """Knows the best region, and a pattern that is none, and never ends."""

        def poll(self) -> list[Progress | Report]:
            if self._question is None:
                return []
            self._question = None
            solution = warm_start(encode(problem, Strength()), best)
            return [Progress(values=[1.0] * len(solution)), Progress(values=solution)]

    with solver_here(Prophet):
        steps = Milp(head_start=0).run(problem, Budget())
        lower = [next(steps).lower for _ in range(3)]  # as given, prepared, and once the solver was heard
    assert lower[-1] == exact.lower > lower[-2]
    *_, last = steps
    assert (last.status, last.exact) == (lv.Status.EXACT, exact.exact)


def test_every_node_that_could_hold_more_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[Any] = []
    looked: set[int] = set()

    def push(heap: list[Any], node: Any) -> None:
        pushed.append(node)
        heapq.heappush(heap, node)

    def look(self: Tree, node: Any, *rest: Any) -> Any:
        looked.add(node.number)
        return before(self, node, *rest)

    before = Tree._look
    monkeypatch.setattr(Tree, "_look", look)
    monkeypatch.setattr(tree, "heapq", SimpleNamespace(heappush=push, heappop=heapq.heappop))
    net, box = random_network((4, 10, 10, 1), 1)
    problem = Problem(net, norm_pair(INF), box)
    incumbent: Incumbent[Certified] = Incumbent()
    search = Tree(prepare(problem, Strength()), incumbent)
    for _ in search.steps():
        assert all(-node.negated <= search.upper for node in pushed if node.number not in looked)
    assert len(looked) > 100  # more than fit into one step
    assert all(-node.negated <= incumbent.floor for node in pushed if node.number not in looked)


@settings(max_examples=examples(40))
@given(st.data())
def test_every_region_is_a_pattern_of_the_program_and_no_other_is(data: st.DataObject) -> None:
    net = data.draw(networks(slopes=True, width=(1, 3), hidden=(1, 2)))
    domain = data.draw(domains(net.input_dim))
    encoding = encode(Problem(net, norm_pair(INF), domain), Strength("crown", "interval"))
    regions = Regions(Problem(net, norm_pair(INF), domain), encoding.states)
    binaries = [s for layer in encoding.states for s in layer if is_binary(s)]
    truth = oracle.regions(net, domain)
    found = set()
    nogoods: list[Any] = []
    kept: list[dict[int, bool]] = []
    for sides in itertools.product((False, True), repeat=len(binaries)):
        answer = regions.find(dict(zip(binaries, sides, strict=True)))
        if isinstance(answer, tuple):
            values = dict(zip(binaries, sides, strict=True))
            assert all(values[s] is side for s, side in answer)
            nogoods.append(answer)
            continue
        kept.append(dict(zip(binaries, sides, strict=True)))
        found.add(answer.witness.pattern)
    norms = {oracle.square(region.jacobian, INF, INF) for region in truth}
    known = {region.pattern: oracle.square(region.jacobian, INF, INF) for region in truth}
    assert found <= set(known)
    assert {known[pattern] for pattern in found} == norms
    for nogood, region in itertools.product(nogoods, kept):
        assert not all(region[s] is side for s, side in nogood), "a nogood cuts off a region"


@pytest.mark.parametrize(
    ("weights", "biases"),
    [
        # "relu(x) − 1 on" contradicts x < 0, where it is constant, and not x > 1.
        ([[[1.0]], [[1.0]], [[1.0]]], [None, [-1.0], None]),
        # "relu(x) − 2 relu(x − 1) − ½ on" contradicts x > 2, and not ½ < x < 1.
        ([[[1.0], [1.0]], [[1.0, -2.0]], [[1.0]]], [[0.0, -1.0], [-0.5], None]),
    ],
)
def test_a_clause_names_the_layers_below_its_rows(weights: Any, biases: Any) -> None:
    problem = Problem(lv.Network(weights, biases), norm_pair(INF), lv.Box([-3], [3]))
    encoding = encode(problem, Strength("interval", "interval"))
    regions = Regions(problem, encoding.states)
    binaries = [s for layer in encoding.states for s in layer if is_binary(s)]
    nogoods, kept = [], []
    for sides in itertools.product((False, True), repeat=len(binaries)):
        values = dict(zip(binaries, sides, strict=True))
        answer = regions.find(values)
        if isinstance(answer, tuple):
            nogoods.append(answer)
        else:
            kept.append(values)
    assert nogoods
    assert len({tuple(values.values()) for values in kept}) == len(oracle.regions(problem.network, problem.domain))
    for nogood, values in itertools.product(nogoods, kept):
        assert not all(values[s] is side for s, side in nogood)
