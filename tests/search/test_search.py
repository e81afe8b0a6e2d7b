"""The tree search by itself: on a problem whose answer is a maximum over a list, in every order."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.search.closing import Closing
from lipverify.search.effort import Effort, Question
from lipverify.search.fate import Fate
from lipverify.search.frontier import Frontier, Order
from lipverify.search.incumbent import Incumbent
from lipverify.search.tree import expand
from lipverify.trusted.algebraic import ExactNorm
from tests.conftest import examples

ORDERS: tuple[Order, ...] = ("best-first", "depth-first", "plunging")


@dataclass(frozen=True)
class Part:
    """A part of a list, with what is believed and what is known of its maximum."""

    first: int
    last: int
    promise: float
    upper: float


@dataclass
class Listed:
    """The maximum of a list by taking its halves apart, with bounds that are off by some slack."""

    values: list[int]
    slack: list[int]
    wait: bool = False
    closing: Closing = field(default_factory=Closing)
    met: list[Part] = field(default_factory=list)

    def part(self, first: int, last: int) -> Part:
        top = max(self.values[first:last])
        return Part(first, last, top + self.slack[first] / 2, top + self.slack[first])

    def still_open(self, node: Part) -> bool:
        return not self.closing.closes(node.upper)

    def children(self, node: Part) -> Iterator[tuple[Fate, Part | None]]:
        middle = (node.first + node.last) // 2
        for first, last in ((node.first, middle), (middle, node.last)):
            part = self.part(first, last)
            self.met.append(part)
            if first == last:
                yield Fate.EMPTY, None
            elif last - first == 1:
                self.closing.enough = max(self.closing.enough, float(self.values[first]))
                yield Fate.LEAF, None
            elif self.closing.closes(part.upper):
                yield Fate.PRUNED, None
            else:
                yield (Fate.TIE if self.wait and part.promise <= self.closing.enough + 1 else Fate.OPEN), part


@settings(max_examples=examples(200))
@given(st.data(), st.sampled_from(ORDERS), st.sampled_from([0, 1, 3, 10**6]), st.booleans())
def test_every_order_finds_the_maximum_and_is_above_it_on_the_way(
    data: st.DataObject, order: Order, memory: int, wait: bool
) -> None:
    values = data.draw(st.lists(st.integers(0, 50), min_size=2, max_size=40))
    slack = data.draw(st.lists(st.integers(0, 20), min_size=len(values), max_size=len(values)))
    space = Listed(values, slack, wait)
    frontier: Frontier[Part] = Frontier(order, memory)
    effort = Effort()
    frontier.push([space.part(0, len(values))])
    for _ in expand(space, frontier, effort):
        assert max([*(node.upper for node in frontier), space.closing.enough]) >= max(values)
    assert space.closing.enough == max(values)
    assert len(frontier) == 0
    assert len(space.met) == 2 * effort.nodes
    stats = effort.stats()
    assert set(stats) == {"nodes", "empty", "pruned", "leaves", "ties"}
    assert stats["nodes"] == effort.nodes
    # What came up open was taken apart, or closed when its turn came.
    opened = 1 + effort.fates[Fate.OPEN] + effort.fates[Fate.TIE]
    assert opened + stats["empty"] + stats["leaves"] + stats["pruned"] - (opened - effort.nodes) == len(space.met) + 1


@settings(max_examples=examples(100))
@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=12), st.sampled_from(ORDERS))
def test_nodes_come_out_in_the_order_that_is_promised(batches: list[list[int]], order: Order) -> None:
    frontier: Frontier[Part] = Frontier(order)
    inside: list[Part] = []
    diving = False
    for k, batch in enumerate(batches):
        siblings = [Part(k, j, float(value), 0.0) for j, value in enumerate(batch)]
        frontier.push(siblings)
        inside += siblings
        diving = bool(siblings)
        assert sorted(map(id, frontier)) == sorted(map(id, inside))
        out = frontier.pop()
        if out is None:
            assert not inside
            continue
        best = max(node.promise for node in inside)
        if order == "best-first" or (order == "plunging" and not diving):
            assert out.promise == best
        if order != "best-first" and siblings:
            assert out.first == k
            assert out.promise == max(node.promise for node in siblings)
        inside.remove(out)


def test_what_waits_comes_last_and_memory_is_kept() -> None:
    parts = [Part(k, 0, float(k), 0.0) for k in range(6)]
    frontier: Frontier[Part] = Frontier("best-first", memory=2)
    frontier.wait(parts[5])
    frontier.push(parts[:4])
    assert [frontier.pop() for _ in range(6)] == [parts[3], parts[2], parts[1], parts[0], parts[5], None]
    with pytest.raises(lv.InvalidArgument, match=r"'plunging'; got 'widest'"):
        Frontier("widest")  # ty: ignore[invalid-argument-type]


def test_a_bound_that_is_given_up_stays_above() -> None:
    closing = Closing(enough=1.0, tolerated=1.5)
    assert closing.closes(1.0)
    assert closing.settled == 0.0
    assert closing.closes(1.25)
    assert closing.settled == 1.25
    assert not closing.closes(math.nextafter(1.5, 2))
    assert not closing.closes(math.nan)
    assert closing.settled == 1.25


@dataclass(frozen=True)
class Attained:
    norm: ExactNorm


def test_the_incumbent_is_the_best_exactly() -> None:
    root, less = ExactNorm.square_root(Fraction(2)), ExactNorm.rational(Fraction(1414213562373095, 10**15))
    incumbent: Incumbent[Any] = Incumbent()
    assert (incumbent.lower, incumbent.floor, incumbent.upper, incumbent.best) == (0.0, -1.0, 0.0, None)
    assert not incumbent.offer(None)
    zero = Attained(ExactNorm.rational(Fraction(0)))
    assert incumbent.offer(zero)
    assert (incumbent.lower, incumbent.floor) == (0.0, 0.0)
    assert incumbent.offer(Attained(less))
    assert incumbent.offer(Attained(root))
    assert not incumbent.offer(Attained(root))
    assert not incumbent.offer(Attained(less))
    assert incumbent.best.norm is root
    assert Fraction(incumbent.lower) ** 2 < 2 < Fraction(incumbent.upper) ** 2


def test_a_question_that_closes_nothing_is_asked_now_and_then() -> None:
    question = Question(1 / 30, 30, closed=1.0)
    asked = 0
    for _ in range(1000):
        if question.worth_asking():
            asked += 1
            question.count(False)
    assert 31 <= asked <= 31 + 1000 // 30 + 1
    question.count(True)
    lucky = Question(0.5, 1000)
    for closed in itertools.islice(itertools.cycle([True, False]), 100):
        assert lucky.worth_asking()
        lucky.count(closed)
    forgetful = Question(0.05, 10**9, asked=20, closed=20, memory=0.95)
    while forgetful.worth_asking():
        forgetful.count(False)
    assert 50 < forgetful.skipped + math.log(0.05) / math.log(0.95) < 70
