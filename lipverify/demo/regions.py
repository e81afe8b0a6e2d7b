"""The page's second tab: the activation regions of a network with two inputs, as exact polygons."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import lipverify as lv
from lipverify.demo import networks
from lipverify.demo.closed import closed
from lipverify.demo.examples import EXAMPLES
from lipverify.demo.plane import Forms, Polygon, Tile, Triple, polygon
from lipverify.demo.stream import Stop
from lipverify.demo.surd import descending, largest, norm, norm_text, plain, short
from lipverify.report import digits_down, digits_up, exact_text

REGIONS = 1000  # polygons that the page draws
PATIENCE = 20.0  # seconds a method may take
SHEET = 40  # polygons are sent this many windows wide
NORMS = {"1": 1.0, "2": 2.0, "inf": math.inf}
WHY = {
    "autolip": "The product of the layers’ norms: as if the steepest directions of all layers met.",
    "lipsdp": "A semidefinite relaxation of which neurons may be active together.",
    "crown": "Linear bounds pushed through the layers: what no region of this box, or of one around a ball, exceeds.",
}


@dataclass
class _State:
    """What is known so far, as the page reads it."""

    version: int
    given: networks.Given
    rounded: dict[str, str]
    phase: str = "regions"
    count: int = 0
    complete: bool = False
    exact: dict[str, Any] | None = None
    bounds: list[dict[str, Any]] = field(default_factory=list)
    closed: dict[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        net = self.given.network
        return {
            "version": self.version,
            "phase": self.phase,
            "table": networks.table(net),
            "rounded": self.rounded,
            "subject": net.lowering.value if net.lowering is not lv.Lowering.EXACT else "",
            "count": self.count,
            "complete": self.complete,
            "limit": REGIONS,
            "exact": self.exact,
            "bounds": list(self.bounds),
            "closed": self.closed,
        }


def study(request: Mapping[str, Any], stop: Stop = lambda: False) -> Iterator[dict[str, Any]]:
    """States of the page, each complete, better and better; the last has phase "done".

    A state has the request's version. It is an {"error": …} when the request holds no network that the page can
    draw. States that bring polygons have a "picture", the last one a "file".
    """
    version = request.get("version", 0)
    try:
        given = networks.read(request)
        p, domain, rounded = _question(request)
    except lv.LipverifyError as error:
        yield {"version": version, "error": str(error)}
        return
    net = given.network
    state = _State(version, given, {**given.rounded, **rounded})
    forms, tiles, drawn = Forms(net), list[Tile](), time.monotonic()
    sheet = _sheet(domain)
    for region in lv.regions(net, domain):
        if stop():
            return
        if len(tiles) == REGIONS:
            break
        tiles.append(Tile(region, polygon(forms, region.pattern, sheet), norm(region.weight, p)))
        state.count = len(tiles)
        if time.monotonic() > drawn + 0.7:
            yield state.to_dict() | {"picture": picture(tiles, domain)}
            drawn = time.monotonic()
    else:
        state.complete = True
    state.phase = "exact"
    yield state.to_dict() | {"picture": picture(tiles, domain)}
    limits: dict[str, Any] = {"p": p, "domain": domain, "time_limit": PATIENCE, "on_progress": lambda _: stop()}
    answer = lv.exact(net, "enumeration", **limits)
    state.exact = _answer(answer, tiles if state.complete else [])
    state.phase = "bounds"
    if stop():
        return
    yield state.to_dict()
    for name in ("autolip", *(["lipsdp"] if p == 2 else []), *(["crown"] if domain else [])):
        state.bounds.append(_row(name, lv.upper(net, name, **limits), answer))
        if stop():
            return
    yield state.to_dict()
    if state.complete and not isinstance(domain, lv.Ball):  # a ball's corners are no corners of regions
        state.closed = closed(forms, tiles, p, stop)
    state.phase = "done"
    if not stop():
        yield state.to_dict() | {"file": {"text": networks.as_file(net)}}


def examples() -> list[dict[str, str]]:
    """What the page offers to begin with."""
    return [{"name": name, "why": example.why} for name, example in EXAMPLES.items()]


Domain: TypeAlias = lv.Box | lv.Ball | None


def _question(request: Mapping[str, Any]) -> tuple[float, Domain, dict[str, str]]:
    """The norm, the box or ball, and its numbers that are only the nearest floats."""
    p = NORMS.get(str(request.get("p", "2")))
    if p is None:
        raise lv.InvalidArgument(f"p is “{str(request.get('p'))[:20]}”; expected 1, 2 or inf")
    if request.get("ball") is not None:
        (x, y, radius), rounded = _numbers(request["ball"], 3, "the ball needs two coordinates and a radius", "d")
        return p, lv.Ball([x, y], radius), rounded
    if request.get("box") is None:
        return p, None, {}
    (x0, x1, y0, y1), rounded = _numbers(request["box"], 4, "the box needs four limits", "b")
    if x0 == x1 or y0 == y1:
        raise lv.InvalidDomain(f"the box is flat in coordinate {int(x0 != x1)}; a picture of it needs an area")
    return p, lv.Box([x0, y0], [x1, y1]), rounded


def _numbers(given: Any, count: int, words: str, key: str) -> tuple[list[float], dict[str, str]]:
    """The numbers of some fields, and by the fields' keys what float64 makes of those that it does not hold."""
    if not isinstance(given, (list, tuple)) or len(given) != count:
        raise lv.InvalidArgument(words)
    found = [networks.number(text) for text in given]
    rounded = {f"{key}{k}": networks.decimals(value) for k, (value, exact) in enumerate(found) if not exact}
    return [value for value, _ in found], rounded


def _sides(domain: lv.Box | lv.Ball) -> tuple[tuple[Fraction, Fraction], tuple[Fraction, Fraction]]:
    """The box, or the one around the ball."""
    if isinstance(domain, lv.Ball):
        x, y, radius = _circle(domain)
        return (x - radius, x + radius), (y - radius, y + radius)
    (x0, y0), (x1, y1) = ([Fraction(v) for v in side.tolist()] for side in (domain.lower, domain.upper))
    return (x0, x1), (y0, y1)


def _circle(ball: lv.Ball) -> tuple[Fraction, Fraction, Fraction]:
    x, y = (Fraction(v) for v in ball.center.tolist())
    return x, y, Fraction(ball.radius)


def _sheet(domain: Domain) -> Polygon | None:
    """What every polygon is cut to; a ball's circle only when it is drawn."""
    return None if domain is None else Polygon.box(*_sides(domain))


def _answer(bound: lv.Bound, tiles: Sequence[Tile]) -> dict[str, Any]:
    """The constant, and whether it is the largest norm of the polygons (None where those are not all there)."""
    done = bound.status is lv.Status.EXACT
    agrees = None
    if done and tiles:
        steepest = largest([tile.norm for tile in tiles])
        assert bound.enclosure is not None
        agrees = steepest.within(bound.enclosure) and bound.exact_square in (None, steepest.square)
    return {
        "done": done,
        "text": plain(exact_text(bound)) if done else f"{digits_down(bound.lower)} … {digits_up(bound.upper)}",
        "rigor": min(bound.lower_rigor, bound.upper_rigor).name,
        "meaning": min(bound.lower_rigor, bound.upper_rigor).value,
        "regions": bound.regions,
        "seconds": bound.seconds,
        "agrees": agrees,
    }


def _row(name: str, bound: lv.Bound, exact: lv.Bound) -> dict[str, Any]:
    return {
        "name": name,
        "text": digits_up(bound.upper),
        "ratio": bound.upper / exact.lower if exact.lower > 0 else None,
        "rigor": bound.upper_rigor.name,
        "meaning": bound.upper_rigor.value,
        "why": WHY[name],
    }


# The picture -------------------------------------------------------------------------------------


def picture(tiles: Sequence[Tile], domain: Domain) -> dict[str, Any]:
    """Everything that is drawn: polygons in floats, exact texts, and the window that shows them best."""
    order = descending([tile.norm for tile in tiles])
    best = tiles[order[0]].norm
    window, whole = _windows(tiles, domain)
    x, y, half = whole
    across, up = ((Fraction(v - SHEET * half), Fraction(v + SHEET * half)) for v in (x, y))
    sheet = _sheet(domain) or Polygon.box(across, up)
    circle = _circle(domain) if isinstance(domain, lv.Ball) else None
    return {
        "window": window,
        "whole": whole,
        "box": [float(v) for side in _sides(domain) for v in side] if isinstance(domain, lv.Box) else None,
        "ball": None if circle is None else [float(v) for v in circle],
        "count": len(tiles),
        "tops": sum(tile.norm == best for tile in tiles),
        "regions": [_drawn(tiles[k], sheet, circle, tiles[k].norm == best) for k in order],
    }


def _drawn(tile: Tile, sheet: Polygon, circle: tuple[Fraction, Fraction, Fraction] | None, top: bool) -> dict[str, Any]:
    shape, region = tile.shape, tile.region
    seen = shape.within(sheet)
    inside = [v for v in shape.vertices if circle is None or _holds(circle, v)]
    corners = [f"({short(Fraction(x, t))}, {short(Fraction(y, t))})" for x, y, t in inside]
    area = "unbounded" if shape.unbounded else short(shape.area)
    return {
        # x, y, and the layer and the neuron whose line the side that starts there lies on
        "sides": [] if seen is None else [[x / t, y / t, *owner] for (x, y, t), _, owner in seen.sides],
        "pattern": ["".join("1" if on else "0" for on in layer) for layer in region.pattern],
        "jacobian": [[short(v) for v in row] for row in region.weight],
        "offset": [short(v) for v in region.offset],
        "norm": float(tile.norm),
        "text": norm_text(tile.norm),
        "area": area if len(inside) == len(shape.vertices) else "cut off by the circle",
        "corners": corners if len(corners) <= 8 else [],
        "top": top,
    }


def _holds(circle: tuple[Fraction, Fraction, Fraction], point: Triple) -> bool:
    """Whether a point lies inside the circle."""
    (cx, cy, radius), (x, y, t) = circle, point
    return (Fraction(x, t) - cx) ** 2 + (Fraction(y, t) - cy) ** 2 < radius**2


def _windows(tiles: Sequence[Tile], domain: Domain) -> tuple[list[float], list[float]]:
    """Squares [x, y, half a side]: one that shows what matters, one that shows every crossing of lines."""
    if domain is not None:
        (x0, x1), (y0, y1) = ((float(a), float(b)) for a, b in _sides(domain))
        view = [(x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0) / 2 * 1.1]
        return view, view
    found = {v for tile in tiles for v in tile.shape.vertices}
    if not found:  # parallel lines: where they pass the origin
        lines = {line for tile in tiles for _, line, owner in tile.shape.sides if owner[0] >= 0}
        found = {(-a * c, -b * c, a * a + b * b) for a, b, c in lines}
    points = [(x / t, y / t) for x, y, t in found] or [(0.0, 0.0)]
    whole = _square([(min(v), max(v)) for v in zip(*points, strict=True)])
    # a crossing of two nearly parallel lines may lie far off: leave the outermost eighth away where that helps much
    cut = len(points) // 16
    inner = _square([(v[cut], v[-1 - cut]) for v in map(sorted, zip(*points, strict=True))])
    return (inner if inner[2] < whole[2] / 2 else whole), whole


def _square(spans: Sequence[tuple[float, float]]) -> list[float]:
    half = max(high - low for low, high in spans) / 2
    far = max(abs(v) for span in spans for v in span)
    return [*((low + high) / 2 for low, high in spans), max(1.2 * half, 1e-9 * far) if half else max(1.0, far / 2)]
