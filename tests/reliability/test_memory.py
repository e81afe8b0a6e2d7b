"""A search that may have little memory keeps less, ends at the same constant, and does not die."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import block_diag

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
from tests.conftest import examples, long_only

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


def test_independent_parts_are_taken_apart() -> None:
    """Two networks side by side that share no input and no output."""
    one, other = random_network((2, 4, 1), 3), random_network((2, 5, 1), 4)
    weights = [block_diag(a, b) for a, b in zip(one.weights, other.weights, strict=True)]
    net = lv.Network(weights, [np.concatenate(both) for both in zip(one.biases, other.biases, strict=True)])
    whole = lv.exact(net, "enumeration").enclosure
    for method in ("auto", "branch-and-bound"):
        found = lv.exact(net, method, memory=2**30)
        assert found.enclosure == whole
        assert found.stats["parts"] == 2
    assert "parts" not in lv.exact(net, "enumeration", memory=2**30).stats  # which counts the regions of the whole


AT_ITS_LIMIT = """
import sys, lipverify as lv
from lipverify.memory import resident
from lipverify.testing.suite import random_network
net = random_network((8, 24, 24, 1), 5)
lv.exact(net, "branch-and-bound", time_limit=200, on_progress=lambda b: (b.nodes or 0) > 500)  # compiled code is there
memory = resident() + 2 * 2**20
told = lambda bound: print(bound.nodes or 0, resident() - memory, flush=True) or (bound.nodes or 0) > 8000
bound = lv.exact(net, "branch-and-bound", time_limit=600, memory=memory, on_progress=told)
print(bound.lower, bound.upper)
"""


@long_only
def test_a_search_stays_at_its_limit() -> None:
    """Without one the same search has 10 MiB more by its 8,000th node."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("the system does not tell how much memory there is now")
    done = subprocess.run([sys.executable, "-c", AT_ITS_LIMIT], capture_output=True, text=True, check=True)
    *looks, last = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    at_it = [nodes for nodes, beyond in looks if beyond > -(2**19)]
    print(
        f"{max(beyond for _, beyond in looks) / 2**10:.0f} KiB beyond it at most; at it from node {min(at_it):.0f} on"
    )
    assert max(beyond for _, beyond in looks) < 2**20
    assert max(at_it) - min(at_it) > 4000
    assert 0 < last[0] < last[1] < math.inf


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
