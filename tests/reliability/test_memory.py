"""A search that may have little memory keeps less, ends at the same constant, and does not die."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.catalogue import METHODS
from lipverify.cli import options
from lipverify.domain import Domain
from lipverify.memory import resident
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.branch_and_bound import tree
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.testing import domains, networks
from lipverify.testing.suite import random_network
from tests.conftest import examples

NET = random_network((3, 8, 8, 1), 3)


def steps(net: lv.Network, domain: Domain, p: Any, memory: float) -> tuple[lv.Bound, int]:
    """Best first, without an attack: the search that keeps most. Its bound, and the most nodes that it kept whole."""
    method = METHODS["branch-and-bound"]()
    assert isinstance(method, BranchAndBound)
    method = replace(method, incumbent=None, ceiling=None, engines=None, order="best-first")
    search = tree.Tree(method, Problem(net, norm_pair(p), domain), Budget(memory=memory))
    most = 0
    for _ in search.steps():
        most = max(most, len(search._frontier))
    return search.result(), most


def test_open_nodes_are_kept_as_signs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, "_LOOK", 1)
    monkeypatch.setattr(tree, "_FEW", 8)
    everything, many = steps(NET, lv.Everywhere(), 2, math.inf)
    thrifty, few = steps(NET, lv.Everywhere(), 2, 1.0)
    assert thrifty.enclosure == everything.enclosure
    assert few <= 10 < many


@settings(max_examples=examples(20))
@given(net=networks(slopes=True), data=st.data(), few=st.integers(0, 3), p=st.sampled_from([1, 2, math.inf]))
def test_constants_are_the_same(net: lv.Network, data: st.DataObject, few: int, p: Any) -> None:
    domain: Domain = data.draw(domains(net.input_dim))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "_LOOK", 1)
        patch.setattr(tree, "_FEW", few)
        found, _ = steps(net, domain, p, 1.0)
    assert found.enclosure == lv.exact(net, "enumeration", p=p, domain=domain).enclosure


def test_what_is_in_memory_is_told() -> None:
    before = resident()
    held = b"x" * 64 * 2**20
    assert before > 2**20
    assert resident() - before > 32 * 2**20
    del held


def test_who_keeps_to_it(tmp_path: Path) -> None:
    whole = lv.exact(NET).enclosure
    assert lv.exact(NET, memory=1).enclosure == whole
    assert lv.exact(NET, memory=2**40, checkpoint=tmp_path / "search").enclosure == whole
    with pytest.raises(lv.InvalidArgument, match="by enumeration and branch-and-bound only"):
        lv.exact(NET, "milp", memory=2**30)
    for memory in (0, -1, math.nan, "2G", True):
        with pytest.raises(lv.InvalidArgument, match="memory must be a number of bytes"):
            lv.exact(NET, memory=memory)  # ty: ignore[no-matching-overload]


@pytest.mark.parametrize(("text", "size"), [("2G", 2**31), ("1.5 MiB", 1.5 * 2**20), ("70k", 70 * 2**10), ("9", 9)])
def test_sizes(text: str, size: float) -> None:
    assert options.size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "2T", "G", "1e9", "nan"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(lv.InvalidArgument, match="no size such as"):
        options.size(text)
