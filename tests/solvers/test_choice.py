"""What "auto" chooses among the exact methods, and that it says so."""

from __future__ import annotations

import math
import os
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lipverify as lv
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from lipverify.solvers.branch_and_bound import by_layers
from lipverify.solvers.branch_and_bound.away import PARTS, stored
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
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
        ((3, 48, 48, 48, 1), INF, "branch-and-bound"),  # it prunes: few regions cost it less than the enumeration
        ((8, 8, 8, 1), INF, "milp"),
        ((16, 16, 1), 1, "milp"),
        ((3, 16, 16, 1), INF, "branch-and-bound"),
        ((8, 16, 16, 1), INF, "branch-and-bound"),
        ((3, 1), 2, "enumeration"),
        ((10, 20, 20, 1), 2, "branch-and-bound"),
        ((10, 20, 20, 3), 2, "branch-and-bound"),
        ((784, 500, 500, 10), INF, "milp"),  # nobody will end it; the numbers must not overflow
    ],
)
def test_the_choice(sizes: tuple[int, ...], p: Any, name: str) -> None:
    chosen, reason = choose(Problem(network(*sizes), norm_pair(p)), away=1.0)
    assert chosen == name
    assert reason.startswith(f"{name} was chosen: ")
    assert "regions" in reason
    assert "undecided neurons" in reason


@pytest.mark.parametrize("domain", [lv.Box([-1] * 8, [1] * 8), lv.Everywhere()], ids=["box", "whole"])
def test_the_search_by_layers_is_for_sums_of_entries(domain: lv.Box | lv.Everywhere) -> None:
    net = network(8, 16, 16, 1)
    chosen, reason = choose(Problem(net, norm_pair(INF), domain), away=1.0)
    assert chosen == "branch-and-bound"
    assert "by layers" in reason
    assert choose(Problem(network(8, 4, 1), norm_pair(INF), domain), away=1.0)[0] != "branch-and-bound"


@pytest.mark.parametrize("outputs", [1, 3])
def test_euclidean_norms_go_by_layers_where_inputs_are_few(outputs: int) -> None:
    def chosen(*sizes: int, domain: Any = None) -> bool:
        box = lv.Box([-1] * sizes[0], [1] * sizes[0]) if domain is None else domain
        return "by layers" in choose(Problem(network(*sizes, outputs), norm_pair(2), box), away=1.0)[1]

    assert chosen(3, 32, 32)
    assert chosen(16, 32, 32)
    assert not chosen(17, 32, 32)
    assert chosen(8, 32)
    assert not chosen(9, 32)
    assert chosen(3, 32, 32, domain=lv.Ball([0, 0, 0], 1))
    assert not chosen(3, 32, 32, domain=lv.Everywhere())


def test_signs_on_wide_cones_are_left_to_others() -> None:
    assert "by layers" not in choose(Problem(network(200, 16, 1), norm_pair(INF)), away=0.0)[1]
    assert (
        "by layers" in choose(Problem(network(200, 16, 1), norm_pair(INF), lv.Box([-1] * 200, [1] * 200)), away=0.0)[1]
    )


def test_what_is_far_away_is_not_waited_for() -> None:
    problem = Problem(network(8, 8, 8, 1), norm_pair(INF), lv.Box([-1] * 8, [1] * 8))
    assert choose(problem, away=1.0)[0] == "milp"
    assert choose(problem, away=0.0)[0] == "branch-and-bound"
    longer = Problem(network(8, 16, 16, 1), norm_pair(INF))
    assert [choose(longer, away=x)[0] for x in (0.0, 1.0, 40.0)] == ["branch-and-bound"] * 2 + ["milp"]


@pytest.mark.parametrize(("there", "loaded", "seconds"), [(True, False, 1), (False, False, 60), (False, True, 0)])
def test_the_disk_says_how_far_the_engine_is(
    there: bool, loaded: bool, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_layers, "stored", lambda: there)
    monkeypatch.setattr(by_layers._LOADING, "done", loaded)
    assert CompiledEngines().away() == seconds
    asked: list[bool] = []
    monkeypatch.setattr(by_layers, "stored", lambda: None)
    monkeypatch.setattr(by_layers, "_stored", lambda: asked.append(there) or there)
    assert CompiledEngines().away() == seconds
    assert asked == [there] * (not loaded)


def test_a_look_at_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    files = []
    for folder, names in PARTS.items():
        (tmp_path / folder / "__pycache__").mkdir(parents=True)
        for name in names:
            (tmp_path / folder / f"{name.split('.')[0]}.py").touch()
            files.append(tmp_path / folder / "__pycache__" / f"{name}-12.{version}.nbi")
    assert stored(tmp_path) is False
    for file in files:
        file.touch()
    assert stored(tmp_path) is True
    (tmp_path / "engine" / "simplex.py").touch()  # a source without a function of its own
    os.utime(tmp_path / "engine" / "simplex.py", (2e9, 2e9))
    assert stored(tmp_path) is False
    os.utime(tmp_path / "engine" / "simplex.py", (0, 0))
    files[-1].rename(files[-1].with_name("evidence_replay._reach-12.py20.nbi"))  # another Python's
    assert stored(tmp_path) is False
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert stored(tmp_path) is None
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert stored(tmp_path) is None


def test_the_look_is_for_what_is_compiled() -> None:
    from lipverify.solvers.branch_and_bound.compiled_engine import _COMPILED

    names = {f"{function.__module__.removeprefix('lipverify.')}.{function.__name__}" for function in _COMPILED}
    assert names == {f"{folder}.{name}" for folder, names in PARTS.items() for name in names}
    CompiledEngines().wait()
    assert stored() in (True, None)


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
