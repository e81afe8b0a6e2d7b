"""Polygons and norms of the second tab, held to the oracle, to lv.exact, and to exact areas."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify.demo.closed import closed
from lipverify.demo.examples import EXAMPLES
from lipverify.demo.plane import NOBODY, Forms, Pattern, Polygon, Tile, Triple, polygon
from lipverify.demo.surd import Norm, descending, largest, norm
from lipverify.testing.strategies import networks
from tests import oracle

NETWORKS = networks(inputs=2, outputs=(1, 3), hidden=(0, 3), width=(1, 4), slopes=True)
P = st.sampled_from([1.0, 2.0, math.inf])
LIMITS = st.fractions(-4, 4, max_denominator=8)
WINDOWS = st.tuples(
    LIMITS, LIMITS, st.fractions("1/8", 6, max_denominator=8), st.fractions("1/8", 6, max_denominator=8)
).map(lambda v: Polygon.box((v[0], v[0] + v[2]), (v[1], v[1] + v[3])))


def tiled(net: lv.Network, p: float = 2.0, box: Polygon | None = None, domain: lv.Box | None = None) -> list[Tile]:
    """The regions of a network as the page computes them."""
    forms = Forms(net)
    return [Tile(r, polygon(forms, r.pattern, box), norm(r.weight, p)) for r in lv.regions(net, domain)]


def on(line: Triple, x: tuple[Fraction, ...]) -> Fraction:
    """The line's form at a point."""
    return line[0] * x[0] + line[1] * x[1] + line[2]


def plain(point: Triple) -> tuple[Fraction, Fraction]:
    """Coordinates of a homogeneous point."""
    return Fraction(point[0], point[2]), Fraction(point[1], point[2])


@given(NETWORKS, WINDOWS)
@settings(max_examples=150, deadline=None)
def test_the_polygons_tile_every_window(net: lv.Network, window: Polygon) -> None:
    parts = [part for tile in tiled(net) if (part := tile.shape.within(window)) is not None]
    assert sum(part.area for part in parts) == window.area
    assert all(part.area > 0 for part in parts)


@given(NETWORKS, st.integers(-3, 3), st.integers(-3, 3), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_the_polygons_tile_a_domain(net: lv.Network, x: int, y: int, size: int) -> None:
    domain = lv.Box([x, y], [x + size, y + size / 2])
    box = Polygon.box((Fraction(x), Fraction(x + size)), (Fraction(y), y + Fraction(size, 2)))
    tiles = tiled(net, box=box, domain=domain)
    assert sum(tile.shape.area for tile in tiles) == Fraction(size * size, 2)
    assert {tile.region.pattern for tile in tiles} == {r.pattern for r in oracle.regions(net, domain)}
    assert not any(tile.shape.unbounded for tile in tiles)


@given(NETWORKS)
@settings(max_examples=100, deadline=None)
def test_a_polygon_is_its_region(net: lv.Network) -> None:
    for tile in tiled(net):
        corners = [plain(v) for v in tile.shape.corners]
        middle = tuple(sum(v, Fraction(0)) / len(corners) for v in zip(*corners, strict=True))
        for inside in (middle, tile.region.point):
            assert all(on(line, inside) > 0 for _, line, owner in tile.shape.sides if owner[0] >= 0)
            located = oracle.locate(net, lv.Everywhere(), inside)
            assert located == (tile.region.pattern, tile.region.weight)
        assert tile.shape.area > 0
        for start, line, _ in tile.shape.sides:
            assert on(line, plain(start)) == 0


@given(NETWORKS)
@settings(max_examples=100, deadline=None)
def test_unbounded_polygons_are_those_that_grow_with_the_window(net: lv.Network) -> None:
    tiles = tiled(net)
    far = 1 + max((abs(c) for tile in tiles for v in tile.shape.vertices for c in plain(v)), default=Fraction(0))
    far += max(
        (abs(Fraction(c, max(abs(a), abs(b)))) for t in tiles for _, (a, b, c), _ in t.shape.sides), default=Fraction(0)
    )
    near, wide = (Polygon.box((-k * far, k * far), (-k * far, k * far)) for k in (1, 2))
    for tile in tiles:
        first, second = tile.shape.within(near), tile.shape.within(wide)
        assert first is not None
        assert second is not None
        assert (first.area < second.area) == tile.shape.unbounded
        if not tile.shape.unbounded:
            assert first.area == tile.shape.area


FORM = st.tuples(*[st.integers(-9, 9)] * 3)


@given(FORM, FORM)
@example((8, 7, 9), (9, 8, -9))
def test_the_far_square_holds_every_crossing(first: Triple, second: Triple) -> None:
    (a, b, c), (d, e, f) = first, second
    if det := a * e - b * d:
        crossing = (Fraction(b * f - c * e, det), Fraction(c * d - a * f, det))
        assert all(on(line, crossing) > 0 for _, line, _ in Polygon.around([first, second]).sides)


@given(NETWORKS)
@settings(max_examples=60, deadline=None)
def test_across_a_side_its_owner_switches(net: lv.Network) -> None:
    window = Polygon.box((Fraction(-5), Fraction(5)), (Fraction(-5), Fraction(5)))
    parts = [(t.region.pattern, part) for t in tiled(net) if (part := t.shape.within(window)) is not None]
    for pattern, part in parts:
        points = [plain(v) for v in part.corners]
        for k, (_, _, owner) in enumerate(part.sides):
            if owner == NOBODY:
                continue
            middle = tuple((a + b) / 2 for a, b in zip(points[k], points[(k + 1) % len(points)], strict=True))
            others = [q for q, o in parts if o is not part and all(on(line, middle) >= 0 for _, line, _ in o.sides)]
            assert others
            layer, place = owner
            assert all(other[layer][place] != pattern[layer][place] for other in others)


@given(NETWORKS, P)
@settings(max_examples=150, deadline=None)
def test_the_largest_norm_is_the_exact_constant(net: lv.Network, p: float) -> None:
    norms = [tile.norm for tile in tiled(net, p)]
    bound = lv.exact(net, "enumeration", p=p)
    found = norms[descending(norms)[0]]
    assert found == largest(norms)
    assert bound.enclosure is not None
    assert found.within(bound.enclosure)
    assert bound.regions == len(norms)
    if bound.exact_square is not None:
        assert found.square == bound.exact_square
    if bound.exact_value is not None:
        assert found.root == bound.exact_value


ROWS = st.lists(
    st.tuples(st.fractions(-9, 9, max_denominator=16), st.fractions(-9, 9, max_denominator=16)), min_size=1, max_size=3
)


@given(ROWS, P, st.integers(0, 63))
def test_a_norm_is_what_no_vector_exceeds(rows: list[tuple[Fraction, Fraction]], p: float, turn: int) -> None:
    import numpy as np

    found = norm(tuple(rows), p)
    matrix = np.array(rows, dtype=float)
    assert float(found) == pytest.approx(np.linalg.norm(matrix, p), rel=1e-14, abs=1e-300)
    # in rationals: ‖Jv‖ ≤ L‖v‖ for a v of some direction, by its square
    v = (Fraction(turn - 31, 7), Fraction(5 - turn, 11))
    image = [a * v[0] + b * v[1] for a, b in rows]
    size, reach = oracle.norm_square(v, p), oracle.norm_square(image, p)
    if size:
        assert not Norm(2 * reach / size).exceeds(found)


SURDS = st.builds(Norm, st.fractions(0, 9, max_denominator=9), st.sampled_from([0, 2, 3, 8, 18]).map(Fraction))


@given(SURDS, SURDS)
def test_surds_are_ordered_exactly(x: Norm, y: Norm) -> None:
    assert x.exceeds(y) == (x != y and float(x) > float(y))
    assert not (x.exceeds(y) and y.exceeds(x))


def test_surds_that_floats_confuse_are_told_apart() -> None:
    tiny = Fraction(1, 10**60)
    x, y = Norm(Fraction(2), Fraction(2)), Norm(2 + tiny, Fraction(2))
    assert float(x) == float(y)
    assert y.exceeds(x)
    assert not x.exceeds(y)
    assert descending([x, y, x]) == [1, 0, 2]
    assert Norm(Fraction(3), Fraction(2)).exceeds(Norm(Fraction(2), Fraction(5)))  # 3 + 1.414 > 2 + 2.236
    assert Norm(Fraction(3), Fraction(2)).exceeds(Norm(Fraction(2), Fraction(3)))  # their squares: 1 + 2 + 2√2 > 3
    assert Norm(Fraction(2), Fraction(5)).exceeds(Norm(Fraction(3), Fraction(1)))  # 2 + 2.236 > 3 + 1


# Patterns that hold on boundaries only -----------------------------------------------------------


def weak(net: lv.Network, p: float) -> tuple[Norm, set[Pattern]]:
    """The largest norm over all patterns whose closed inequalities have a solution, and those patterns: by looking
    at every crossing of any two of all the lines of all regions."""
    forms = Forms(net)
    found: set[Pattern] = set()
    lines = {line for region in lv.regions(net) for line in forms.lines(region.pattern)}
    lines |= {(1, 0, 10**6), (0, 1, 10**6)}
    weights, biases, slopes = net.fractions()
    for (a, b, c), (d, e, f) in itertools.combinations(sorted(lines), 2):
        if det := a * e - b * d:
            values = (Fraction(b * f - c * e, det), Fraction(c * d - a * f, det))
            choices: list[list[tuple[bool, ...]]] = []
            for w, shift, pairs in zip(weights, biases, slopes, strict=False):
                y = [sum(u * v for u, v in zip(row, values, strict=True)) + s for row, s in zip(w, shift, strict=True)]
                bits = [
                    (True,) if lo == hi else (False, True) if v == 0 else (v > 0,)
                    for v, (lo, hi) in zip(y, pairs, strict=True)
                ]
                choices.append(list(itertools.product(*bits)))
                values = tuple(pair[v > 0] * v for v, pair in zip(y, pairs, strict=True))
            found |= set(itertools.product(*choices))
    norms = [norm(forms.jacobian(pattern), p) for pattern in found]
    return largest(norms), found


@given(networks(inputs=2, outputs=(1, 2), hidden=(0, 2), width=(1, 3), slopes=True), P)
@settings(max_examples=60, deadline=None)
def test_the_closed_patterns_are_all_found(net: lv.Network, p: float) -> None:
    tiles = tiled(net, p)
    answer = closed(Forms(net), tiles, p)
    worst, patterns = weak(net, p)
    best = largest([tile.norm for tile in tiles])
    assert answer.get("wrong", False) == worst.exceeds(best)
    extra = patterns - {tile.region.pattern for tile in tiles}
    assert answer["extra"] == len(extra)


@pytest.mark.parametrize(
    ("name", "truth", "fake"),
    [("trap: one line", 1, 4), ("trap: one point", 5, 8), ("trap: always zero", 0, 1), ("pyramid", 1, 2)],
)
def test_the_traps_spring(name: str, truth: int, fake: int) -> None:
    net = EXAMPLES[name].network()
    tiles = tiled(net)
    assert max(tile.norm.square or 0 for tile in tiles) == truth == lv.exact(net).exact_square
    answer: dict[str, Any] = closed(Forms(net), tiles, 2.0)
    assert answer["wrong"]
    assert answer["text"].endswith({1: "1", 2: "√2", 4: "2", 8: "√8"}[fake])
    assert weak(net, 2.0)[0].square == fake
    pattern = tuple(tuple(bit == "1" for bit in layer) for layer in answer["pattern"])
    assert pattern not in {tile.region.pattern for tile in tiles}


def test_the_opposite_trap_is_none() -> None:
    """A pre-activation that is identically zero on a region, which still is one."""
    net = lv.Network([[[1, 0], [-1, 0]], [[1, 0], [0, 1]], [[1, 5]]])
    tiles = tiled(net)
    assert max(float(tile.norm) for tile in tiles) == 5
    assert "wrong" not in closed(Forms(net), tiles, 2.0)


def test_too_many_zeros_are_said_to_be_too_many() -> None:
    net = lv.Network(
        [[[k, 1] for k in range(12)], [[1] * 12, *[[(-1) ** (j * k) for j in range(12)] for k in range(8)]], [[1] * 9]]
    )
    assert "too many" in closed(Forms(net), tiled(net), 2.0)["skipped"]
