"""Points that stand for a cell lie strictly inside of it: in rationals, and where floats cannot tell a row's sign."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.geometry.cells import Cell, Cells
from lipverify.geometry.cone import Inside
from lipverify.geometry.frame import Frame
from lipverify.geometry.walk import Walk
from lipverify.rationals import dot, rational
from tests import oracle
from tests.conftest import examples

LINEAR, RELU = (1.0, 1.0), (0.0, 1.0)
SLOPES = st.sampled_from([LINEAR, LINEAR, RELU, (-1.0, 1.0)])
FACTORS = st.sampled_from([0.0, 1.0, -1.0, 2.0, 2.0**-600])
SCALES = st.sampled_from([1.0, 2.0**-40, 2.0**-80, 2.0**-500])
SHIFTS = st.sampled_from([0.0, 1.0, 2.0**-80, -(2.0**-160), 2.0**-160, 2.0**-1000])


@dataclass(frozen=True)
class Case:
    """A network, a domain, and the input at which the search begins."""

    net: lv.Network
    domain: Any
    start: tuple[float, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Hyperplanes through the first point, or next to it, of rows that cancel or underflow on the way to layer 2."""
    d = draw(st.integers(1, 2))
    start = draw(st.tuples(*[st.sampled_from([0.0, 1.0, -1.0, 0.5])] * d))
    rows, biases = [], []
    for _ in range(draw(st.integers(1, 2))):
        row, scale = draw(st.tuples(*[st.integers(-2, 2)] * d)), draw(SCALES)
        rows.append([scale * a for a in row])
        biases.append(-scale * sum(a * x for a, x in zip(row, start, strict=True)))
    slopes = [draw(SLOPES) for _ in rows]
    rows += [[1.0] * d] * 2  # both linear: what is taken from the one and added to the other leaves its rounding
    first = [[*biases, 1.0, 1.0], [*slopes, LINEAR, LINEAR]]
    above, shifts = [], []
    for _ in range(draw(st.integers(1, 3))):
        lost = draw(st.sampled_from([0.0, 1.0]))
        above.append([*(draw(FACTORS) for _ in slopes), lost, -lost])
        shifts.append(draw(SHIFTS))
    pairs = [draw(st.sampled_from([RELU, (-1.0, 1.0)])) for _ in above]
    net = lv.Network([rows, above, [[1.0] * len(above)]], [first[0], shifts, [0.0]], [first[1], pairs])
    domain = draw(st.sampled_from([lv.Everywhere(), lv.Box([-2.0] * d, [3.0] * d), lv.Ball([0.0] * d, 2.0)]))
    return Case(net, domain, start)


def begun(patch: pytest.MonkeyPatch, case: Case) -> None:
    """Have searches begin at the case's first point."""

    def samples(frame: Frame, domain: Any, count: int, rng: Any) -> Any:
        z = [*case.start, 1.0]
        return np.array([[z[j] for j in frame.columns]])

    patch.setattr(Frame, "samples", samples)


def points_of(inside: Inside, frame: Frame) -> list[oracle.Row]:
    """Every input that stands for a cell."""
    rational_points = [tuple(rational(v) for v in z) for z in inside.floats.tolist()]
    return [frame.point(z) for z in [*rational_points, *([] if inside.exact is None else [inside.exact])]]


def assert_leaves_are_regions(case: Case) -> None:
    """The walk's leaves are the oracle's regions, and every point of a leaf lies in its region."""
    with pytest.MonkeyPatch.context() as patch:
        begun(patch, case)
        leaves = list(Walk(case.net, case.domain).leaves())
    truth = oracle.regions(case.net, case.domain)
    assert sorted(leaf.pattern for leaf in leaves) == sorted(region.pattern for region in truth)
    for leaf in leaves:
        for point in points_of(leaf.inside, leaf.frame):
            located = oracle.locate(case.net, case.domain, point)
            assert located is not None
            assert located[0] == leaf.pattern


def assert_inside(cell: Cell, frame: Frame, domain: Any) -> None:
    """Every point of a cell is strictly inside the domain, and strictly on the known side of every row."""
    points = points_of(cell.inside, frame)
    assert points
    for point in points:
        assert domain.contains_inside(point)
        z = [rational(x) for x in (*point, 1)]
        for layer, signs in zip(cell.layers, cell.signs, strict=True):
            rows = layer.forms.exact.tolist()
            assert all(not s or s * dot(rows[i], z) > 0 for i, s in zip(layer.rows, signs.tolist(), strict=True))


def assert_cells_hold_their_points(case: Case, choose: Any, *, compiled: bool = False) -> None:
    """Decide neurons one by one, as `choose` says, and look at every cell on the way."""
    frame = Frame.of(case.net, case.domain)
    with pytest.MonkeyPatch.context() as patch:
        begun(patch, case)
        cells = Cells(case.net, case.domain)
        if compiled:
            cells.compile()
        root = cells.root()
    found = cells.restrict(root, np.concatenate([s[:, 0] == s[:, 1] for s in case.net.slopes]).astype(np.int8))
    while found is not None:
        cell, signs = found
        assert_inside(cell, frame, case.domain)
        free = np.flatnonzero(signs == 0).tolist()
        if not free:
            break
        neuron, sign = choose(free)
        signs[neuron] = sign
        found = cells.restrict(cell, signs)


@settings(max_examples=examples(60))
@given(cases())
def test_every_point_of_a_leaf_lies_in_its_region(case: Case) -> None:
    assert_leaves_are_regions(case)


@settings(max_examples=examples(60))
@given(cases(), st.booleans(), st.data())
def test_every_point_of_a_cell_lies_on_the_known_sides(case: Case, compiled: bool, data: st.DataObject) -> None:
    def choose(free: list[int]) -> tuple[int, int]:
        return data.draw(st.sampled_from(free)), data.draw(st.sampled_from([1, -1]))

    with pytest.MonkeyPatch.context() as patch:  # the middle of a cell is looked for in few coordinates too
        patch.setattr("lipverify.geometry.cone._MANY", data.draw(st.sampled_from([0, 12])))
        assert_cells_hold_their_points(case, choose, compiled=compiled)


def test_a_cell_too_thin_for_a_way_across_is_met_in_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cone of 12 coordinates, 2⁻¹² wide in half of them: with the way to the vertex lost, no rational is needed."""
    d = 12
    rows = np.vstack([np.eye(d), -np.eye(d)[: d // 2] + 2.0**-12 * np.eye(d)[::-1][: d // 2]])
    net = lv.Network([rows, np.ones((1, len(rows)))])
    cells = Cells(net, lv.Everywhere())
    for way in ("_across", "_step"):
        monkeypatch.setattr(f"lipverify.geometry.cone.Cone.{way}", lambda *_: None)
    found = cells.restrict(cells.root(), np.ones(len(rows), dtype=np.int8))
    assert found is not None
    assert_inside(found[0], Frame.of(net, lv.Everywhere()), lv.Everywhere())
    assert cells.settled == 0


def beside(domain: Any, back: list[float] | None = None) -> Case:
    """relu(2⁻⁸⁰(x − 1) + 2⁻¹⁶⁰ + (x + 1) − (x + 1)), begun at 1: the zero lies 2⁻⁸⁰ beside it, and no float between.

    `back` is a second row over (x + 1, x + 1, 2⁻⁸⁰(x − 1)).
    """
    tiny = 2.0**-80
    rows = [[1.0, -1.0, 1.0], *([back] if back else [])]
    shifts = [tiny * tiny, *([0.0] if back else [])]
    weights = [[[1.0], [1.0], [tiny]], rows, [[1.0] * len(rows)]]
    net = lv.Network(weights, [[1.0, 1.0, -tiny], shifts, [0.0]], [[LINEAR] * 3, [RELU] * len(rows)])
    return Case(net, domain, (1.0,))


@pytest.mark.parametrize("domain", [lv.Everywhere(), lv.Box([-2], [3]), lv.Ball([0.5], 3)], ids=str)
@pytest.mark.parametrize("back", [None, [-1.0, 1.0, -1.0], [-1.0, 1.0, -2.0], [1.0, 0.0, 0.0]])
def test_a_float_next_to_a_rational_point_may_lie_beyond_the_row(domain: Any, back: list[float] | None) -> None:
    case = beside(domain, back)
    assert_leaves_are_regions(case)
    for sign in (1, -1):
        assert_cells_hold_their_points(case, lambda free, sign=sign: (free[0], sign))


@pytest.mark.parametrize("domain", [lv.Everywhere(), lv.Box([-2], [3]), lv.Ball([0.5], 3)], ids=str)
def test_a_point_on_the_hyperplane_gives_one_on_either_side(domain: Any) -> None:
    # 2⁻⁸⁰(x − 1): begun on the very hyperplane, next to which floats are no finer than 2⁻⁵³.
    tiny = 2.0**-80
    weights = [[[1.0], [1.0], [tiny], [1.0]], [[1.0, -1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]], [[1.0, 1.0]]]
    net = lv.Network(weights, [[1.0, 1.0, -tiny, -1.0], [0.0, tiny], [0.0]], [[LINEAR] * 4, [RELU] * 2])
    assert_leaves_are_regions(Case(net, domain, (1.0,)))
