"""The page's first tab: what it shows about a graph, computed piece by piece; no browser and no marimo in here."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import networkx as nx

import lipverify as lv
from lipverify.demo.rows import row
from lipverify.demo.stream import Stop, streamed
from lipverify.report import digits_down, digits_up, exact_text

VERTICES, EDGES, LABEL = 40, 400, 200
STEPS = 1100  # regions that the page walks through; the Petersen graph has 1022
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
PATIENCE = 20.0  # seconds an estimator may take
WHY = {
    "frobenius": "Adds up all squared weights. Knows nothing of directions, so it is far above.",
    "autolip": "Multiplies the two layers' spectral norms: √(n·λmax of the Laplacian). At least twice the constant.",
    "lipsdp": "The Goemans–Williamson relaxation of max-cut: at most 6.7 % above, at polynomial cost.",
    "seqlip": "Looks at all on/off choices. Here the best one really happens: tight when it finishes, "
    "but as hard as the cut; it stops after a fixed effort.",
    "seqlip-greedy": "Flips one neuron at a time until nothing improves: meant as an upper bound, it may end BELOW.",
    "local-search": "Flips one neuron at a time between real regions: a lower bound with a witness.",
}


@dataclass(frozen=True)
class Drawing:
    """A graph as the page sends it: labels, and edges as pairs of places."""

    labels: tuple[str, ...]
    edges: tuple[tuple[int, int], ...]

    def graph(self) -> nx.Graph:
        """The networkx graph on places 0 … n − 1."""
        graph = nx.Graph()
        graph.add_nodes_from(range(len(self.labels)))
        graph.add_edges_from(self.edges)
        return graph


def read(request: Mapping[str, Any], vertices: int = VERTICES, edges: int = EDGES, command: str = "maxcut") -> Drawing:
    """The drawing in a request: {"labels": …, "edges": …}, or {"text": …} that someone pasted.

    For larger graphs `command` of lipverify hardness is recommended.

    Raises
    ------
    InvalidArgument
        For text that is no graph, and for graphs that the page is too small for.
    """
    if request.get("text") is not None:
        return _limited(_from_text(str(request["text"]), command), vertices, edges, command)
    labels, pairs = request.get("labels", []), request.get("edges", [])
    if not isinstance(labels, (list, tuple)) or not isinstance(pairs, (list, tuple)):
        raise lv.InvalidArgument("the request holds no graph")
    drawing = Drawing(tuple(str(x)[:LABEL] for x in labels), tuple(_edge(e, len(labels)) for e in pairs))
    if len({frozenset(e) for e in drawing.edges}) < len(drawing.edges):
        raise lv.InvalidArgument("an edge is there twice; an edge is counted once")
    return _limited(drawing, vertices, edges, command)


def _from_text(text: str, command: str) -> Drawing:
    named = text.strip()
    graph = lv.hardness.load_graph(named) if named.lower() in {"petersen", "triangle", "cube", "house"} else None
    if graph is None:
        graph = lv.hardness.parse_graph(text)
    if any(data for _, _, data in graph.edges(data=True)):
        raise lv.InvalidArgument(f"the page draws graphs without weights; lipverify hardness {command} reads them")
    place = {v: k for k, v in enumerate(graph)}
    return Drawing(tuple(str(v)[:LABEL] for v in graph), tuple((place[u], place[v]) for u, v in graph.edges))


def _edge(pair: Any, n: int) -> tuple[int, int]:
    if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(type(x) is int and 0 <= x < n for x in pair):
        raise lv.InvalidArgument(f"{str(pair)[:40]} is no edge of this graph")
    u, v = pair
    if u == v:
        raise lv.InvalidArgument("an edge joins a vertex with itself; no cut crosses it")
    return u, v


def _limited(drawing: Drawing, vertices: int, edges: int, command: str) -> Drawing:
    if not drawing.labels:
        raise lv.InvalidArgument("The graph is empty. Add a vertex, or choose an example.")
    n, m = len(drawing.labels), len(drawing.edges)
    if n > vertices or m > edges:
        raise lv.InvalidArgument(
            f"This graph has {n} vertices and {m} edges; the page draws up to {vertices} and {edges}. "
            f"For larger ones there is: lipverify hardness {command} FILE"
        )
    return drawing


@dataclass
class _State:
    """What is known so far, as the page reads it."""

    reduction: lv.hardness.MaxCut
    version: int
    bounds: list[tuple[str, Literal["upper", "lower"], lv.Bound]] = field(default_factory=list)
    exact: lv.Bound | None = None
    phase: str = ""

    def to_dict(self) -> dict[str, Any]:
        net = self.reduction.network
        shape = " → ".join(str(n) for n in (net.input_dim, *net.hidden, net.output_dim))
        data: dict[str, Any] = {"version": self.version, "phase": self.phase, "network": shape}
        data["regions"] = _count(self.reduction.regions)
        data["exact"] = None if self.exact is None else self._exact(self.exact)
        data["bounds"] = [row(name, side, bound, WHY[name]) for name, side, bound in self.bounds]
        return data

    def _exact(self, bound: lv.Bound) -> dict[str, Any]:
        low, high = self.reduction.interval(bound)
        cut = self.reduction.decode(bound) if bound.witness is not None else None
        done = bound.status is lv.Status.EXACT
        return {
            "done": done,
            "text": exact_text(bound) if done else f"between {digits_down(bound.lower)} and {digits_up(bound.upper)}",
            "lower": bound.lower,
            "upper": None if math.isinf(bound.upper) else bound.upper,
            "low": str(low),
            "high": "?" if isinstance(high, float) else str(high),
            "side": None if cut is None else [v for v in self.reduction.vertices if v in cut.side],
            "seconds": bound.seconds,
            "nodes": bound.nodes or 0,
            "rigor": min(bound.lower_rigor, bound.upper_rigor).value,
        }


def study(request: Mapping[str, Any], stop: Stop = lambda: False) -> Iterator[dict[str, Any]]:
    """States of the page, each complete, better and better; the last has phase "done".

    A state has the request's version. It is an {"error": …} when the request holds no graph that the page can draw.
    A request of pasted text is answered by its drawing first ("drawing"), for the page to lay out.
    `stop` is asked about ten times a second.
    """
    version = request.get("version", 0)
    try:
        drawing = read(request)
        reduction = lv.hardness.maxcut(drawing.graph())
    except lv.InvalidArgument as error:
        yield {"version": version, "error": str(error)}
        return
    if request.get("text") is not None:
        # the page lays it out and asks again, with places
        yield {"version": version, "drawing": {"labels": drawing.labels, "edges": drawing.edges}}
        return
    state = _State(reduction, version, phase="estimating")
    net = reduction.network
    for name in ("autolip", "frobenius", "seqlip-greedy", "lipsdp"):
        state.bounds.append((name, "upper", lv.upper(net, name, time_limit=PATIENCE, on_progress=lambda _: stop())))
        if stop():
            return
        yield state.to_dict()
    state.phase = "solving"
    for bound in streamed(lambda tell: lv.exact(net, "branch-and-bound", on_progress=tell), stop):
        state.exact = bound
        yield state.to_dict()
    if stop():
        return
    state.phase = "estimating"
    attack = lv.lower(net, "local-search", time_limit=1.0, on_progress=lambda _: stop())
    state.bounds.append(("local-search", "lower", attack))
    seqlip = lv.upper(net, "seqlip", time_limit=PATIENCE, on_progress=lambda _: stop())
    state.bounds.append(("seqlip", "upper", seqlip))
    if stop():
        return
    yield state.to_dict()
    state.phase = "done"
    yield state.to_dict() | {"walk": walk(reduction, stop)}


def walk(reduction: lv.hardness.MaxCut, stop: Stop = lambda: False) -> dict[str, Any]:
    """The regions in the order of the enumeration: [pattern as bits, ‖J‖² as text], `STEPS` at most."""
    started = time.monotonic()
    steps: list[tuple[str, str]] = []
    for region in lv.regions(reduction.network):
        if len(steps) == STEPS or stop():
            break
        (row,) = region.weight
        bits = "".join("1" if on else "0" for on in region.pattern[0])
        steps.append((bits, str(sum(x * x for x in row))))
    return {
        "steps": steps,
        "total": _count(reduction.regions),
        "complete": len(steps) == reduction.regions,
        "seconds": time.monotonic() - started,
    }


def _count(number: int) -> str:
    """A number of regions, short."""
    if number < 10**9:
        return f"{number:,}".replace(",", " ")
    digits, power = f"{number:.1e}".split("e")
    return f"about {digits} · 10{str(int(power)).translate(_SUPERSCRIPTS)}"
