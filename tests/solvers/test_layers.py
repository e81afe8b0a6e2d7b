"""The search by layers: against brute force in Fractions, with engines that lie, and stopped at any moment."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.domain import Domain
from lipverify.geometry.walk import Walk
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.branch_and_bound.by_layers import ByLayers, CompiledEngines, able
from lipverify.solvers.branch_and_bound.dives import Dive, Engine, Node
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.solvers.branch_and_bound.setting import Setting
from lipverify.solvers.branch_and_bound.slope_passes import SlopePasses
from lipverify.solvers.enumeration import Enumeration
from lipverify.solvers.milp.method import Milp
from lipverify.testing import domains, networks
from lipverify.trusted.evidence import Block, Chain, Head, Space
from lipverify.trusted.evidence_floats import FloatReader
from lipverify.trusted.evidence_moves import Moves
from tests import oracle
from tests.conftest import examples
from tests.solvers.promises import hold_to_the_oracle
from tests.solvers.test_enumeration import CASES, SMALL, Case

INF = math.inf
ROOT = Path(__file__).parents[2]
NORMS: tuple[Any, ...] = (1, INF, (1, INF), 2, (2, INF), (1, 2))


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here may lean on another exact method: they raise when they are touched."""

    def touched(*_: Any, **__: Any) -> Any:
        raise AssertionError("the search by layers touched another exact method")

    monkeypatch.setattr(Walk, "__post_init__", touched)
    monkeypatch.setattr(Enumeration, "run", touched)
    monkeypatch.setattr(Milp, "run", touched)


@dataclass(frozen=True)
class Waiting:
    """Compiled engines, waited for, and whatever stands between them and the search."""

    change: Callable[[Dive], Dive] | None = None
    asked: list[int] = field(default_factory=list)

    def able(self, problem: Problem) -> bool:
        """As the compiled engine."""
        return able(problem)

    def loaded(self) -> bool:
        """Always."""
        CompiledEngines().wait()
        return True

    def ready(self) -> bool:
        """Always."""
        return self.loaded()

    def open(self, chain: Chain, space: Space) -> Engine:
        """The engine, with its words twisted."""
        return _Twisted(CompiledEngines().open(chain, space), self)


@dataclass(frozen=True)
class _Twisted:
    engine: Engine
    words: Waiting

    def dive(self, node: Node, head: Head | Block, target: float, margin: float, passes: int) -> Dive:
        self.words.asked.append(passes)
        found = self.engine.dive(node, head, target, margin, passes)
        return found if self.words.change is None else self.words.change(found)


def exact(
    net: lv.Network, p: Any, domain: Domain, engines: Waiting | None = None, threads: int = 1, **options: Any
) -> lv.Bound:
    """The constant by the search by layers."""
    method = BranchAndBound((SlopePasses(),), engines=Waiting() if engines is None else engines, threads=threads)
    return lv.exact(net, method=method, p=p, domain=domain, **options)


# Brute force ---------------------------------------------------------------------------------------


@settings(max_examples=examples(130))
@given(st.data(), st.sampled_from(NORMS))
def test_agrees_with_brute_force(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), **SMALL))
    domain = data.draw(domains(net.input_dim))
    hold_to_the_oracle(net, p, domain, exact(net, p, domain))


@settings(max_examples=examples(30))
@given(st.data(), st.sampled_from(NORMS))
def test_agrees_with_brute_force_on_larger_networks(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(inputs=(2, 3), hidden=2, width=(3, 4), slopes=True))
    hold_to_the_oracle(net, p, BOXES[net.input_dim], exact(net, p, BOXES[net.input_dim]))


BOXES = {d: lv.Box([-1.5] * d, [1.0] * d) for d in range(1, 5)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("p", NORMS, ids=str)
def test_known_cases_that_others_miss(case: Case, p: Any) -> None:
    domain = BOXES[case.net.input_dim]
    hold_to_the_oracle(case.net, p, domain, exact(case.net, p, domain))


def random_network(sizes: tuple[int, ...], seed: int) -> lv.Network:
    """Normal weights."""
    rng = np.random.default_rng(seed)
    pairs = list(itertools.pairwise(sizes))
    return lv.Network([rng.normal(size=(m, n)) for n, m in pairs], [rng.normal(size=m) for _, m in pairs])


@pytest.mark.parametrize("p", NORMS, ids=str)
@pytest.mark.parametrize("sizes", [(2, 5, 4, 3), (3, 4, 4, 2), (2, 3, 3, 3, 2), (1, 6, 3), (3, 7, 1)], ids=str)
def test_agrees_with_brute_force_on_random_networks(sizes: tuple[int, ...], p: Any) -> None:
    net, domain = random_network(sizes, 1), BOXES[sizes[0]]
    engines = Waiting()
    hold_to_the_oracle(net, p, domain, exact(net, p, domain, engines))
    assert engines.asked  # it was the engine that searched


@pytest.mark.parametrize("lie", [None, "no multipliers", "all is open", "all is pruned"])
@pytest.mark.parametrize(
    ("sizes", "p"), [((2, 5, 4, 3), INF), ((2, 4, 4, 2), 1), ((3, 7, 1), INF), ((2, 5, 4, 3), 2)], ids=str
)
def test_two_threads_give_what_one_gives(sizes: tuple[int, ...], p: float, lie: str | None) -> None:
    net, domain = random_network(sizes, 1), BOXES[sizes[0]]
    hold_to_the_oracle(net, p, domain, exact(net, p, domain, Waiting(LIES[lie] if lie else None), threads=2))


def test_work_that_fails_in_a_thread_fails() -> None:
    def broken(_: Dive) -> Dive:
        raise ArithmeticError("broken")

    with pytest.raises(ArithmeticError, match="broken"):
        exact(random_network((2, 5, 4, 3), 1), INF, BOXES[2], Waiting(broken), threads=2)


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads(threads: int) -> None:
    with pytest.raises(lv.LipverifyError, match="threads must be at least 1"):
        exact(random_network((2, 5, 1), 1), INF, BOXES[2], threads=threads)


@settings(max_examples=examples(60))
@given(st.data(), st.sampled_from(NORMS), st.sampled_from((0.5, 1.0, 2.0)))
def test_agrees_with_brute_force_on_balls(data: st.DataObject, p: Any, radius: float) -> None:
    net = data.draw(networks(inputs=(1, 3), hidden=(1, 2), width=(1, 3), slopes=data.draw(st.booleans())))
    center = data.draw(st.lists(st.integers(-2, 2), min_size=net.input_dim, max_size=net.input_dim))
    ball = lv.Ball(np.array(center) / 2, radius)
    hold_to_the_oracle(net, p, ball, exact(net, p, ball))


@pytest.mark.parametrize("p", NORMS, ids=str)
@pytest.mark.parametrize("sizes", [(2, 5, 4, 3), (3, 4, 4, 2), (1, 6, 3)], ids=str)
def test_agrees_with_brute_force_on_random_networks_on_balls(sizes: tuple[int, ...], p: Any) -> None:
    net, ball, engines = random_network(sizes, 1), lv.Ball([0.25] * sizes[0], 0.75), Waiting()
    hold_to_the_oracle(net, p, ball, exact(net, p, ball, engines))
    assert engines.asked


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_a_ball_lies_in_what_is_searched(d: int) -> None:
    """And touches its half-spaces: a corner of the box is not in it."""
    rng = np.random.default_rng(d)
    for radius in (2.0**-600, 1.0, 3.7, 2.0**600):
        ball = lv.Ball(rng.normal(size=d) * radius, radius)
        setting = Setting.of(random_network((d, 2, 1), 0), ball)
        assert setting is not None
        space = setting.space
        assert len(space.rows) == (0 if d == 1 else 2**d)
        center = [Fraction(c) for c in ball.center.tolist()]
        for c, low, high in zip(center, space.lower.tolist(), space.upper.tolist(), strict=True):
            assert low <= c - Fraction(radius) < c + Fraction(radius) <= high
        for row, shift in zip(space.rows.tolist(), space.shifts.tolist(), strict=True):
            least = sum((Fraction(r) * c for r, c in zip(row, center, strict=True)), Fraction(shift))
            far = Fraction(radius) ** 2 * sum(Fraction(r) ** 2 for r in row)  # least ≥ radius·‖row‖
            assert least > 0
            assert far <= least**2 <= far * (1 + Fraction(1, 2**40))


def test_what_is_loaded_is_what_runs() -> None:
    """Other types of arrays would be compiled anew, for half a minute, in the middle of a search."""
    from lipverify.engine.dive import dive

    for domain in (BOXES[2], lv.Polytope([[1, 1], [-1, 0], [0, -1]], [1, 1, 1]), lv.Ball([0, 0], 1), WHOLE):
        for p in NORMS:
            for net in (random_network((2, 5, 4, 3), 2), CASES[0].net):
                exact(net, p, domain if domain is WHOLE or net.input_dim == 2 else BOXES[net.input_dim])
    assert len(dive.signatures) == 1
    assert all(len(function.signatures) == 1 for function in FloatReader.COMPILED)


# The whole space -----------------------------------------------------------------------------------

WHOLE = lv.Everywhere()


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from(NORMS))
def test_agrees_with_brute_force_on_the_whole_space(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(slopes=data.draw(st.booleans()), **SMALL))
    hold_to_the_oracle(net, p, WHOLE, exact(net, p, WHOLE))


@settings(max_examples=examples(20))
@given(st.data(), st.sampled_from(NORMS))
def test_agrees_with_brute_force_on_larger_networks_on_the_whole_space(data: st.DataObject, p: Any) -> None:
    net = data.draw(networks(inputs=(2, 3), hidden=2, width=(3, 4), slopes=True))
    hold_to_the_oracle(net, p, WHOLE, exact(net, p, WHOLE))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("p", NORMS, ids=str)
def test_known_cases_that_others_miss_on_the_whole_space(case: Case, p: Any) -> None:
    hold_to_the_oracle(case.net, p, WHOLE, exact(case.net, p, WHOLE))


@pytest.mark.parametrize("p", NORMS, ids=str)
@pytest.mark.parametrize("biased", [True, False])
@pytest.mark.parametrize("sizes", [(2, 5, 4, 3), (3, 4, 4, 2), (2, 3, 3, 3, 2), (1, 6, 3), (3, 7, 1)], ids=str)
def test_agrees_with_brute_force_on_random_networks_on_the_whole_space(
    sizes: tuple[int, ...], biased: bool, p: Any
) -> None:
    net = random_network(sizes, 1)
    if not biased:
        net = lv.Network(net.weights)
    engines = Waiting()
    bound = exact(net, p, WHOLE, engines)
    hold_to_the_oracle(net, p, WHOLE, bound)
    assert engines.asked  # it was the engine that searched
    own = bound.exact_value is None  # a bound in floats is above an irrational norm: its region has to be settled
    assert bound.stats["facts"] >= 4 * (bound.stats["settled"] - own)  # and the reader in floats that believed it


# An engine that lies costs time and nothing else ---------------------------------------------------


def _everything_is(fate: int) -> Callable[[Dive], Dive]:
    return lambda dive: replace(dive, fates=np.full_like(dive.fates, fate))


def _moves(**changes: Callable[[Any], Any]) -> Callable[[Dive], Dive]:
    def lie(dive: Dive) -> Dive:
        values = {name: change(getattr(dive.moves, name)) for name, change in changes.items()}
        return replace(dive, moves=replace(dive.moves, **values))

    return lie


def _multipliers(change: Callable[[Any], Any]) -> Callable[[Dive], Dive]:
    return lambda dive: replace(dive, multipliers=change(dive.multipliers))


def _made_up(dive: Dive) -> Dive:
    """Every neuron is said to be active, without evidence, and the node pruned."""
    count = dive.multipliers.shape[1]
    zero = np.zeros(count, dtype=np.intp)
    moves = Moves(
        np.array([-1]), np.array([-1]), np.array([0]), zero, zero, np.arange(count), np.ones(count, dtype=np.int8)
    )
    return Dive(
        moves,
        np.array([1], dtype=np.int8),
        dive.failed[:1],
        dive.passes[:1],
        np.zeros((count, count)),
        np.ones(count, dtype=bool),
        dive.points[:0],
        dive.where[:0],
        dive.trees[:0],
        np.zeros(2, dtype=np.intp),
        dive.left[:1],
        dive.right[:1],
    )


def _orphaned(dive: Dive) -> Dive:
    """Only the first children of splits are there."""
    keep = np.flatnonzero((dive.moves.sides != -1) | (np.arange(len(dive.fates)) == 0))
    place = np.full(len(dive.fates) + 1, -1)
    place[keep] = np.arange(len(keep))
    facts = np.isin(dive.moves.nodes, keep)
    moves = Moves(
        place[dive.moves.parents[keep]],
        dive.moves.neurons[keep],
        dive.moves.sides[keep],
        place[dive.moves.nodes[facts]],
        dive.moves.batches[facts],
        dive.moves.claimed[facts],
        dive.moves.signs[facts],
    )
    return Dive(
        moves,
        dive.fates[keep],
        dive.failed[keep],
        dive.passes[keep],
        dive.multipliers[facts],
        dive.sure[facts],
        dive.points,
        np.full_like(dive.where, -1),
        dive.trees,
        np.append(dive.begins[keep], dive.begins[-1]),
        dive.left[keep],
        dive.right[keep],
    )


def _no_points(dive: Dive) -> Dive:
    return replace(dive, points=np.full_like(dive.points, np.nan))


def _turns(change: Callable[[Any], Any]) -> Callable[[Dive], Dive]:
    return lambda dive: replace(dive, left=change(dive.left), right=change(dive.right))


LIES: dict[str, Callable[[Dive], Dive]] = {
    "all is pruned": _everything_is(1),
    "all is a tie": _everything_is(2),
    "all is a region": _everything_is(3),
    "all is open": _everything_is(4),
    "all has failed": _everything_is(5),
    "opposite signs": _moves(signs=lambda s: -s),
    "no signs": _moves(signs=np.zeros_like),
    "other neurons": _moves(claimed=lambda i: i[::-1].copy()),
    "neurons beyond": _moves(claimed=lambda i: i + 1000),
    "one batch": _moves(batches=np.zeros_like),
    "claims elsewhere": _moves(nodes=np.zeros_like),
    "claims out of order": _moves(nodes=lambda i: i[::-1].copy()),
    "other splits": _moves(neurons=lambda i: np.where(i < 0, i, 0)),
    "splits beyond": _moves(neurons=lambda i: np.where(i < 0, i, 1000)),
    "one side twice": _moves(sides=np.ones_like),
    "no sides": _moves(sides=np.zeros_like),
    "parents below": _moves(parents=lambda i: np.where(i < 0, i, len(i) - 1)),
    "one parent": _moves(parents=lambda i: np.where(i < 0, i, 0)),
    "only first children": _orphaned,
    "multipliers of NaN": _multipliers(lambda m: m * np.nan),
    "negative multipliers": _multipliers(lambda m: -m),
    "huge multipliers": _multipliers(lambda m: m * 1e300),
    "no multipliers": _multipliers(np.zeros_like),
    "multipliers everywhere": _multipliers(np.ones_like),
    "facts made up": _made_up,
    "points of NaN": _no_points,
    "points elsewhere": lambda dive: replace(dive, points=dive.points + 100.0),
    "sign trees of leaves": lambda dive: replace(dive, trees=np.full_like(dive.trees, -1)),
    "sign trees of one entry": lambda dive: replace(dive, trees=np.zeros_like(dive.trees)),
    "sign trees of other entries": lambda dive: replace(dive, trees=dive.trees[::-1].copy()),
    "sign trees beyond": lambda dive: replace(dive, trees=np.full_like(dive.trees, 30_000)),
    "sign trees below": lambda dive: replace(dive, trees=np.full_like(dive.trees, -30_000)),
    "sign trees elsewhere": lambda dive: replace(dive, begins=dive.begins[::-1] + 5),
    "turns of NaN": _turns(lambda t: t * np.nan),
    "no turns": _turns(np.zeros_like),
    "turns that shrink": _turns(lambda t: 0.8 * t),
    "huge turns": _turns(lambda t: 1e300 * t),
    "turns of others": _turns(lambda t: t[::-1].copy()),
    "turns of other shapes": _turns(lambda t: t[:, :0]),
    "no facts are sure": lambda dive: replace(dive, sure=np.zeros_like(dive.sure)),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_lying_engine_costs_time_and_nothing_else(lie: Callable[[Dive], Dive]) -> None:
    for sizes, p in (((2, 4, 3, 2), INF), ((2, 3, 3, 2), 1), ((3, 5, 1), INF), ((2, 4, 3, 2), 2), ((3, 5, 1), 2)):
        for seed in range(1):
            net = random_network(sizes, seed)
            for domain in (BOXES[sizes[0]], WHOLE):
                hold_to_the_oracle(net, p, domain, exact(net, p, domain, Waiting(lie)))


@settings(max_examples=examples(40))
@given(st.data(), st.sampled_from(list(LIES)), st.sampled_from(NORMS))
def test_a_lying_engine_on_degenerate_networks(data: st.DataObject, lie: str, p: Any) -> None:
    net = data.draw(networks(inputs=(1, 2), hidden=(1, 2), width=(1, 3), slopes=True))
    domain = data.draw(st.sampled_from((BOXES[net.input_dim], WHOLE)))
    hold_to_the_oracle(net, p, domain, exact(net, p, domain, Waiting(LIES[lie])))


# Any moment ----------------------------------------------------------------------------------------


def moments(net: lv.Network, p: Any, domain: Domain, engines: Waiting, rel_gap: float = 0.0) -> Iterator[lv.Bound]:
    """Every interval that the search reports."""
    problem = Problem(net, norm_pair(p), domain)
    options = BranchAndBound((SlopePasses(),), engines=engines)
    return ByLayers(options, engines, problem, Budget(rel_gap=rel_gap), INF).run()


@pytest.mark.parametrize("lie", [None, "no multipliers", "all is open"])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("sizes", "p"), [((2, 5, 4, 2), INF), ((2, 4, 4, 2), 1), ((3, 6, 1), INF), ((3, 6, 1), 2)])
def test_stopping_at_any_moment_leaves_a_valid_interval(
    sizes: tuple[int, ...], p: float, whole: bool, lie: str | None
) -> None:
    net, domain = random_network(sizes, 3), WHOLE if whole else BOXES[sizes[0]]
    square = oracle.largest_square([r.jacobian for r in oracle.regions(net, domain)], p, p)
    assert square is not None
    before = lv.Bound(
        method="none", status=lv.Status.INTERRUPTED, lower_rigor=lv.Rigor.PROVED, upper_rigor=lv.Rigor.PROVED
    )
    count = 0
    for bound in moments(net, p, domain, Waiting(None if lie is None else LIES[lie])):
        assert Fraction(bound.lower) ** 2 <= square
        assert bound.upper == INF or square <= Fraction(bound.upper) ** 2
        assert bound.lower >= before.lower
        assert bound.upper <= before.upper
        before, count = bound, count + 1
    assert before.status is lv.Status.EXACT
    assert count >= 3


@pytest.mark.parametrize("sizes", [(2, 4, 4, 2), (2, 5, 1), (2, 2, 2)])
def test_a_gap_that_is_given_up_takes_nothing_back(sizes: tuple[int, ...]) -> None:
    """An incumbent is found below a node whose bound is already within the gap of it."""
    for seed in range(8, 40):
        rng = np.random.default_rng(seed)
        shapes = [(b, a) for a, b in itertools.pairwise(sizes)]
        weights = [rng.integers(-2, 3, size=shape).astype(float) for shape in shapes]
        net = lv.Network(weights, [rng.integers(-2, 3, size=b) / 2 for b, _ in shapes])
        bounds = list(moments(net, INF, BOXES[sizes[0]], Waiting(), 0.3))
        assert all(after.upper <= before.upper for before, after in itertools.pairwise(bounds))
        assert bounds[-1].upper <= 1.3 * bounds[-1].lower or bounds[-1].status is lv.Status.EXACT


BEYOND = """
import sys, lipverify as lv
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
from tests import extremes

CompiledEngines().ready()
CompiledEngines().wait()
for seed in map(int, sys.argv[1:]):
    case = extremes.case(seed)
    lv.exact(case.net, "branch-and-bound", p=case.pair, domain=case.domain)
"""


def test_nothing_is_written_beyond_an_array() -> None:
    """Where NaN left no neuron to branch on, the same one was cut again until its rows had no room; interpreted, numpy
    looks at every index."""
    command = [sys.executable, "-W", "ignore", "-c", BEYOND, "1026539"]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_a_relative_gap_is_enough() -> None:
    net = random_network((3, 12, 1), 0)
    domain = BOXES[3]
    truth = exact(net, INF, domain)
    bound = exact(net, INF, domain, rel_gap=0.2)
    assert bound.status in (lv.Status.CLOSED, lv.Status.EXACT)
    assert bound.lower <= truth.upper
    assert bound.upper >= truth.lower
    assert bound.upper <= 1.2 * bound.lower
