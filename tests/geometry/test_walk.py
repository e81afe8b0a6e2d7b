"""The walk trusts nothing that floats or HiGHS say: it finds the same regions when they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lipverify.arrays import Pattern
from lipverify.domain import Box, Domain, Everywhere, Polytope
from lipverify.geometry.cone import Cone
from lipverify.geometry.frame import Frame
from lipverify.geometry.lp import LinearProgram, Optimum
from lipverify.geometry.walk import Walk
from lipverify.geometry.witness import locate
from lipverify.network import Network

NETS = {
    "generic": Network(
        [[[1, 2], [-1, 1], [2, -1]], [[1, -1, 1], [1, 1, -2]], [[1, -1]]], [[1, 0, -1], [0.5, -0.25], [0]]
    ),
    "duplicates": Network([[[1, 0], [1, 0], [-2, 0], [0, 1]], [[1, 1, 1, 1], [1, -1, 0, 0]], [[1, 2]]]),
    "sum": Network([[[1, 0], [0, 1], [-1, -1]], [[1, 1, -1]]]),
    "leaky": Network([[[1, 1], [1, -1]], [[1, 2], [3, -1]], [[1, 1]]], slopes=[[[-1, 1], [0.25, 1]], [[0, 1], [2, 2]]]),
}
DOMAINS: dict[str, Domain] = {
    "everywhere": Everywhere(),
    "box": Box([-1, -1], [1, 2]),
    "wedge": Polytope([[1, 1], [-1, 2]], [1, 1]),
}


def patterns(net: Network, domain: Domain) -> set[Pattern]:
    leaves = list(Walk(net, domain).leaves())
    found = {leaf.pattern for leaf in leaves}
    assert len(found) == len(leaves), "a pattern occurred twice"
    for leaf in leaves:
        assert locate(net, domain, leaf.point) == leaf.pattern
    return found


@pytest.fixture(params=sorted(NETS))
def net(request: pytest.FixtureRequest) -> Network:
    return NETS[request.param]


@pytest.fixture(params=sorted(DOMAINS))
def domain(request: pytest.FixtureRequest) -> Domain:
    return DOMAINS[request.param]


def test_without_floats_the_regions_are_the_same(net: Network, domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = patterns(net, domain)
    monkeypatch.setattr(LinearProgram, "maximise", lambda self, form, signs: None)
    monkeypatch.setattr(Cone, "_is_inside", lambda self, *args: False)
    monkeypatch.setattr(Frame, "samples", lambda self, domain, count, rng: np.zeros((0, self.dimension)))
    assert patterns(net, domain) == honest


def test_a_lying_solver_changes_nothing(net: Network, domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = patterns(net, domain)
    rng = np.random.default_rng(0)

    def lie(self: LinearProgram, form: Any, signs: Any) -> Any:
        truth = maximise(self, form, signs)
        if truth is None or rng.random() < 0.3:
            return None
        duals = (truth.row_duals, truth.column_duals)
        return Optimum(rng.normal(size=truth.point.shape), *(rng.normal(size=d.shape) for d in duals))

    maximise = LinearProgram.maximise
    monkeypatch.setattr(LinearProgram, "maximise", lie)
    assert patterns(net, domain) == honest


def test_starting_on_hyperplanes(net: Network, domain: Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = patterns(net, domain)

    def on_hyperplanes(self: Frame, domain: Domain, count: int, rng: np.random.Generator) -> Any:
        return np.ones((1, self.dimension)) * np.where(np.arange(self.dimension) == self.dimension - 1, 1.0, 0.0)

    monkeypatch.setattr(Frame, "samples", on_hyperplanes)
    assert patterns(net, domain) == honest


def test_seeds_change_nothing(net: Network, domain: Domain) -> None:
    found = [{leaf.pattern for leaf in Walk(net, domain, seed).leaves()} for seed in range(3)]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("gap", [2.0**-52, 2.0**-40, 2.0**-20])
def test_slabs_thinner_than_the_spacing_of_floats(gap: float) -> None:
    # relu(x − 1) and relu(x − 1 − gap): three regions; between them there may be no float at all.
    net = Network([[[1], [1]], [[1, 1]]], [[-1, -1 - gap], [0]])
    assert len(patterns(net, Everywhere())) == 3
    assert len(patterns(net, Box([1 - gap], [1 + 2 * gap]))) == 3
    assert len(patterns(net, Box([1], [1 + gap]))) == 1


def test_a_facet_of_the_box_is_no_region() -> None:
    net = Network([[[1]], [[1]]], [[-1], [0]])  # relu(x − 1)
    assert patterns(net, Box([-1], [1])) == {((False,),)}
    assert patterns(net, Box([-1], [1 + 2.0**-52])) == {((False,),), ((True,),)}


def test_more_inputs_than_rank_are_reduced_exactly() -> None:
    rng = np.random.default_rng(0)
    narrow = rng.integers(-3, 4, size=(5, 2)).astype(float)
    wide = narrow @ rng.integers(-2, 3, size=(2, 40))
    net = Network([wide, np.ones((1, 5))], [[1, -1, 0, 2, 0], [0]])
    walk = Walk(net, Everywhere())
    assert walk.frame.dimension == 3
    same = Network([narrow, np.ones((1, 5))], [[1, -1, 0, 2, 0], [0]])
    assert patterns(net, Everywhere()) == patterns(same, Everywhere())


def test_memory_does_not_grow_with_the_regions() -> None:
    rng = np.random.default_rng(0)
    walk = Walk(Network([rng.normal(size=(14, 2)), np.ones((1, 14))], [rng.normal(size=14), [0]]), Everywhere())
    count = sum(1 for _ in walk.leaves())
    assert count == 1 + 14 + 14 * 13 // 2, "14 lines in general position"
    assert walk.cone.top == 1, "every block was popped"


def test_entries_that_underflow_beside_their_row_are_not_lost() -> None:
    # 1e200·x + 1e-200·y is ≥ 1e99 − 1e90 on this box; without its second entry it would change sign.
    net = Network([[[1e200, 1e-200]], [[1]]])
    box = Box([-1e-110, 1e299], [1e-110, 1e300])
    assert patterns(net, box) == {((True,),)}
