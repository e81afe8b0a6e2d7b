"""Exact constants by branch and bound: against brute force in Fractions, closed forms and published values."""

from __future__ import annotations

import itertools
import math
import threading
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.arrays import Indices, Signs, Vector
from lipverify.attacks.local_search import LocalSearch
from lipverify.catalogue import METHODS
from lipverify.domain import Domain
from lipverify.engine.loading import Loading
from lipverify.estimators.autolip import AutoLip
from lipverify.geometry.cells import Cell, Cells
from lipverify.geometry.walk import Walk
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.search.node_bound import Estimate, NodeBound
from lipverify.solvers.branch_and_bound import loops
from lipverify.solvers.branch_and_bound.grid import Grid
from lipverify.solvers.branch_and_bound.node import NodeBounds
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.solvers.branch_and_bound.slope_passes import SlopePasses
from lipverify.solvers.branch_and_bound.tree import Tree
from lipverify.solvers.enumeration import Enumeration
from lipverify.testing import domains, networks
from tests import oracle
from tests.conftest import examples
from tests.solvers.promises import hold_to_the_oracle
from tests.solvers.test_enumeration import CASES, GRAPHS, PAIRS, SMALL, Case, cut_network, maximum_cut

INF = math.inf
NORMS: tuple[Any, ...] = (1, 2, INF)
PLAIN = BranchAndBound((SplitSDP(),))
FULL = BranchAndBound((SlopePasses(), SplitSDP()), LocalSearch(), AutoLip())
BEST_FIRST = replace(FULL, order="best-first", opening=0)


def deep(seed: int) -> lv.Network:
    """A random network of two hidden layers of five neurons."""
    rng = np.random.default_rng(seed)
    return lv.Network(
        [rng.normal(size=(5, 2)), rng.normal(size=(5, 5)), rng.normal(size=(1, 5))],
        [rng.normal(size=5), rng.normal(size=5), None],
    )


DEEP = deep(3)
SEVERAL = [deep(seed) for seed in range(8)]


@cache
def truths(p: float) -> list[Fraction | None]:
    """The squares of the constants of SEVERAL, by brute force."""
    return [oracle.largest_square([r.jacobian for r in oracle.regions(net)], p, p) for net in SEVERAL]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here may lean on the enumeration: it raises when it is touched."""

    def touched(*_: Any, **__: Any) -> Any:
        raise AssertionError("branch and bound touched the enumeration")

    monkeypatch.setattr(Walk, "__post_init__", touched)
    monkeypatch.setattr(Enumeration, "run", touched)


def exact(
    net: lv.Network, p: Any = 2, domain: Domain | None = None, method: BranchAndBound = FULL, **options: Any
) -> lv.Bound:
    """The constant by branch and bound."""
    bound = lv.exact(net, method=method, p=p, domain=domain, **options)
    assert bound.upper_rigor in (lv.Rigor.ROUNDED, lv.Rigor.PROVED)
    return bound


# Brute force ---------------------------------------------------------------------------------------


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from(NORMS), st.sampled_from([PLAIN, FULL, BEST_FIRST]))
def test_agrees_with_brute_force(data: st.DataObject, p: Any, method: BranchAndBound) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), **SMALL))
    domain = data.draw(domains(net.input_dim))
    if p != 2 and method is PLAIN:
        method = replace(PLAIN, bounds=(SlopePasses(),))
    hold_to_the_oracle(net, p, domain, exact(net, p, domain, method))


@settings(max_examples=examples(60))
@given(st.data(), st.sampled_from(PAIRS))
def test_agrees_with_brute_force_on_norm_pairs(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, **SMALL))
    domain = data.draw(domains(net.input_dim))
    hold_to_the_oracle(net, p, domain, exact(net, p, domain))


@settings(max_examples=examples(30))
@given(networks(inputs=(2, 3), hidden=2, width=(3, 4), slopes=True))
def test_agrees_with_brute_force_on_larger_networks(net: lv.Network) -> None:
    hold_to_the_oracle(net, 2, lv.Everywhere(), exact(net))


@settings(max_examples=examples(20))
@given(networks(hidden=0))
def test_an_affine_map_is_a_leaf(net: lv.Network) -> None:
    for p in PAIRS:
        bound = exact(net, p)
        assert bound.nodes == 0
        hold_to_the_oracle(net, p, lv.Everywhere(), bound)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("method", [PLAIN, FULL, BEST_FIRST], ids=["plain", "full", "best-first"])
def test_known_truths_that_others_miss(case: Case, method: BranchAndBound) -> None:
    bound = exact(case.net, case.p, case.domain, method)
    assert bound.exact_square == case.square, f"others say {case.wrong}"
    hold_to_the_oracle(case.net, case.p, case.domain or lv.Everywhere(), bound)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=GRAPHS)
def test_a_maximum_cut(graph: nx.Graph) -> None:
    net, cut = cut_network(graph), maximum_cut(graph)
    assert exact(net).exact_square == cut
    assert exact(net, INF).exact_value == cut


def test_the_grid_ends_a_maximum_cut_early() -> None:
    """L² is an integer, so a bound below the next one closes a node; without the grid the ties would be walked."""
    graph = nx.gnp_random_graph(13, 0.5, seed=1)
    bound = exact(cut_network(graph))
    assert bound.exact_square == maximum_cut(graph)
    assert bound.nodes is not None
    assert bound.nodes < 20


@settings(max_examples=examples(100))
@given(networks(slopes=True, **SMALL), st.sampled_from(PAIRS))
def test_every_jacobian_lies_on_the_grid(net: lv.Network, p: Any) -> None:
    grid = Grid.of(Problem(net, norm_pair(p)))
    for region in oracle.regions(net):
        assert all((entry / grid.unit).denominator == 1 for row in region.jacobian for entry in row)
        square = oracle.square(region.jacobian, *norm_pair(p))
        if grid.power == 2 and square is not None:
            assert (square / grid.unit**2).denominator == 1
        if grid.power == 1 and square is not None:
            root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
            assert root**2 == square
            assert (root / grid.unit).denominator == 1


# Published values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("iris_net_4x6x6x3_ReLU", 11.634355134114875),
        ("wine_net_11x12x12x1_ReLU", 1.7433699967107172),
        ("abalone_net_9x16x16x1_ReLU", 11.121602332235268),
    ],
)
def test_published_values(data: Path, name: str, value: float) -> None:
    bound = exact(lv.load(data / "exlipbab" / f"{name}.onnx"))
    assert bound.status is lv.Status.EXACT
    assert bound.lower == pytest.approx(value, rel=1e-13)


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("name", "value"),
    [("bike_net_13x20x16x8x3_ReLU", 10802.403812748018), ("wine_net_11x24x24x1_ReLU", 1.998345897418251)],
)
def test_published_values_of_the_large(data: Path, name: str, value: float) -> None:
    bound = exact(lv.load(data / "exlipbab" / f"{name}.onnx"))
    assert bound.status is lv.Status.EXACT
    assert bound.lower == pytest.approx(value, rel=1e-13)


# What must be noticed ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lying:
    """A bound that says a hundredth less than the truth, and swears to it."""

    inner: NodeBounds
    name: ClassVar[str] = "lying"

    def open(self, problem: Problem) -> NodeBound | None:
        """The inner bound, hundredths off."""
        opened = self.inner.open(problem)
        return None if opened is None else _Lie(opened)


class _Lie:
    def __init__(self, inner: NodeBound) -> None:
        self._inner = inner

    def estimate(self, signs: Signs, parent: Estimate | None, enough: float) -> Estimate:
        found = self._inner.estimate(signs, None if parent is None else parent.state, enough)
        return Estimate(0.7 * found.upper, found.scores, found)

    def compile(self) -> None:
        self._inner.compile()

    def certified(self, signs: Signs, estimate: Estimate, enough: float) -> float:
        return 0.7 * self._inner.certified(signs, estimate.state, enough)


@pytest.mark.parametrize(("p", "bounds"), [(2, SplitSDP()), (2, SlopePasses()), (INF, SlopePasses())], ids=str)
def test_a_bound_that_is_too_low_is_noticed(p: Any, bounds: NodeBounds) -> None:
    """The agreement with brute force rests on the bounds: with ones that are too low it is gone, or found out."""
    honest, lying = BranchAndBound((bounds,)), BranchAndBound((Lying(bounds),))
    assert [exact(net, p, method=honest).exact_square for net in SEVERAL] == truths(p)

    def told(net: lv.Network) -> Fraction | None:
        try:
            return exact(net, p, method=lying).exact_square
        except lv.LipverifyError:  # an upper side rose above what it had been
            return None

    assert [told(net) for net in SEVERAL] != truths(p)


def test_rows_decided_early_are_checked_when_their_layer_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgetting them evaluates patterns that no region has; on a real network it once gave 11,150 for 10,802."""

    @dataclass(frozen=True)
    class DeepFirst:
        def choose(self, scores: Vector, signs: Signs, ready: Indices) -> int:
            return int(np.flatnonzero(signs == 0)[-1])

    method = replace(PLAIN, rule=DeepFirst())
    assert [exact(net, method=method).exact_square for net in SEVERAL] == truths(2)
    enter = Cells._enter

    def forgetful(self: Cells, cell: Cell, signs: Signs) -> Cell | None:
        """Takes the signs of a layer that has just been opened for granted."""
        if len(cell.layers) > 1 and not cell.signs[-1].any():
            top = cell.layers[-1]
            known = signs[top.first + top.rows]
            cell = replace(cell, signs=(*cell.signs[:-1], known))
        return enter(self, cell, signs)

    monkeypatch.setattr(Cells, "_enter", forgetful)
    with pytest.raises(lv.LipverifyError, match="does not lie inside"):  # no such pattern gets past its witness
        _ = [exact(net, method=method) for net in SEVERAL]


@pytest.mark.parametrize("method", [PLAIN, FULL, BEST_FIRST], ids=["plain", "full", "best-first"])
def test_every_moment_leaves_a_valid_interval(method: BranchAndBound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipverify.solvers.branch_and_bound.search._REPORT", -1.0)
    jacobians = [r.jacobian for r in oracle.regions(DEEP)]
    bounds = list(method.run(Problem(DEEP, norm_pair(2)), Budget()))
    assert len(bounds) > 20
    for early, late in itertools.pairwise(bounds):
        assert early.status is lv.Status.INTERRUPTED
        assert early.lower <= late.lower
        assert oracle.encloses(jacobians, 0.0, early.upper, 2, 2)
        assert early.lower <= bounds[-1].lower
    assert bounds[-1].status is lv.Status.EXACT
    assert min(b.upper for b in bounds[:-1]) < INF


def test_limits_progress_and_gaps() -> None:
    rng = np.random.default_rng(0)
    net = lv.Network([rng.normal(size=(30, 6)), rng.normal(size=(30, 30)), rng.normal(size=(2, 30))])
    short = exact(net, time_limit=0.3)
    assert short.status is lv.Status.TIME_LIMIT
    assert 0 < short.lower < short.upper < lv.upper(net, "autolip").upper
    seen: list[lv.Bound] = []
    stopped = exact(net, on_progress=lambda b: seen.append(b) or len(seen) >= 3)
    assert stopped.status is lv.Status.INTERRUPTED
    assert len(seen) == 3
    loose = exact(net, rel_gap=0.5)
    assert loose.status is lv.Status.CLOSED
    assert loose.gap <= 0.5


def test_a_gap_closes_nodes_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipverify.solvers.branch_and_bound.search._REPORT", INF)
    ends = [list(FULL.run(Problem(net, norm_pair(2)), Budget(rel_gap=0.3)))[-1] for net in SEVERAL]
    assert any(bound.status is lv.Status.CLOSED for bound in ends)
    for bound, square in zip(ends, truths(2), strict=True):
        assert square is not None
        assert Fraction(bound.lower) ** 2 <= square <= Fraction(bound.upper) ** 2
        assert bound.upper <= 1.3 * bound.lower * (1 + 1e-12)


def test_the_same_seed_gives_the_same_tree() -> None:
    first, second = (exact(DEEP, seed=4) for _ in range(2))
    assert first.stats == second.stats
    assert first.witness == second.witness


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(lv.InvalidArgument, match="'breadth-first'"):
        replace(PLAIN, order="breadth-first")


def test_best_first_keeps_within_its_memory() -> None:
    tight = exact(DEEP, method=replace(BEST_FIRST, memory=2))
    assert tight.exact_square == exact(DEEP, method=PLAIN).exact_square


def test_compiled_code_answers_alike() -> None:
    compiled = exact(DEEP, method=replace(PLAIN, interpreted=0))
    assert compiled.exact_square == exact(DEEP, method=PLAIN).exact_square


@settings(max_examples=examples(40))
@given(st.data(), st.sampled_from(NORMS))
def test_compiled_lps_agree_with_brute_force(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=True, **SMALL))
    domain = data.draw(domains(net.input_dim))
    with pytest.MonkeyPatch.context() as patch:
        root = Cells.root

        def compiled(self: Cells) -> Cell:
            self.compile()
            return root(self)

        patch.setattr(Cells, "root", compiled)
        hold_to_the_oracle(net, p, domain, exact(net, p, domain))


# The course of a search ----------------------------------------------------------------------------


def test_the_log_tells_of_every_node() -> None:
    seen: list[tuple[str, tuple[int, ...], float]] = []
    bound = exact(DEEP, method=replace(PLAIN, log=lambda *node: seen.append(node)))
    fates = [fate for fate, _, _ in seen]
    assert bound.nodes is not None
    assert len(seen) == 1 + 2 * bound.nodes  # the root, and two children of every node that was taken apart
    assert fates.count("empty") == bound.stats["empty"]
    assert fates.count("leaves") == bound.stats["leaves"]
    assert all(len(signs) == DEEP.neurons for _, signs, _ in seen)


def test_the_upper_side_comes_down_on_the_way() -> None:
    rng = np.random.default_rng(0)
    net = lv.Network([rng.normal(size=(24, 6)), rng.normal(size=(24, 24)), rng.normal(size=(1, 24))])
    uppers: list[float] = []
    exact(net, method=replace(FULL, order="best-first"), time_limit=4, on_progress=lambda b: uppers.append(b.upper))
    finite = [upper for upper in uppers if upper < INF]
    assert finite[-1] < min(lv.upper(net, "lipsdp").upper, finite[0])


@pytest.mark.parametrize(
    ("limit", "there", "begins", "loads"),
    [(20.0, False, False, False), (60.0, False, True, False), (60.0, True, False, True), (None, False, True, False)],
)
def test_no_search_waits_for_a_compiler(
    monkeypatch: pytest.MonkeyPatch, limit: float | None, there: bool, begins: bool, loads: bool
) -> None:
    """It never ends here. It is begun where there is time, and what lies on the disk is loaded."""
    over, loaded, loading = threading.Event(), list[bool](), Loading(lambda: over.wait(), lambda: True)
    monkeypatch.setattr(loops, "_LOADING", loading)
    monkeypatch.setattr(loops, "_on_disk", lambda: there)
    monkeypatch.setattr(Tree, "_compile", lambda _: loaded.append(True))
    rng = np.random.default_rng(0)
    net = lv.Network([rng.normal(size=(8, 4)), rng.normal(size=(1, 8))])
    bound = lv.exact(net, replace(METHODS["branch-and-bound"](), interpreted=2), time_limit=limit)
    over.set()
    assert (bound.status, loading.begun, bool(loaded)) == (lv.Status.EXACT, begins, loads)


def test_what_is_compiled_beside_a_search_is_what_it_calls() -> None:
    """Other types of arrays would be compiled anew, in the middle of it."""
    from lipverify.geometry.simplex import climb
    from lipverify.relaxations.compiled import descend

    rng = np.random.default_rng(0)
    loops.load()
    for outputs in (1, 2):
        net = lv.Network(
            [rng.normal(size=shape) for shape in ((6, 4), (6, 6), (outputs, 6))],
            [rng.normal(size=6), rng.normal(size=6), None],
        )
        for domain in (None, lv.Box([-1] * 4, [1] * 4), lv.Ball([0] * 4, 1)):
            exact(net, domain=domain, method=replace(PLAIN, interpreted=0))
    assert len(climb.signatures) == len(descend.signatures) == 1
