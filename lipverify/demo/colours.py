"""The page's fourth tab: multicoloured cliques, whose network has one input per colour."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import networkx as nx

import lipverify as lv
from lipverify.demo.plane import Forms, Tile, polygon
from lipverify.demo.regions import REGIONS, picture
from lipverify.demo.stream import Stop, streamed
from lipverify.demo.surd import norm
from lipverify.report import digits_down, digits_up

COLOURS, VERTICES = 3, 4
EFFORT = 60.0  # seconds for the exact constant
COST = 10.0  # seconds for each number of inputs in the table of costs
INPUTS = (1, 2, 3, 4)


def read(request: Mapping[str, Any]) -> tuple[nx.Graph, dict[Any, int]]:
    """The graph in a request {"sizes": vertices of each colour, "edges": [[[colour, vertex], [colour, vertex]], …]}.

    Raises
    ------
    InvalidArgument
        For what is no such graph, and for one that the page is too small for.
    """
    sizes, edges = request.get("sizes"), request.get("edges")
    if not isinstance(sizes, (list, tuple)) or not isinstance(edges, (list, tuple)):
        raise lv.InvalidArgument("the request holds no graph with colours")
    if not 1 <= len(sizes) <= COLOURS or not all(type(n) is int and 1 <= n <= VERTICES for n in sizes):
        raise lv.InvalidArgument(
            f"The page takes up to {COLOURS} colours of 1 to {VERTICES} vertices. "
            "For more there is: lipverify hardness clique FILE --colours FILE"
        )
    graph = nx.Graph()
    graph.add_nodes_from((c, v) for c, n in enumerate(sizes) for v in range(n))
    for edge in edges:
        pairs = isinstance(edge, (list, tuple)) and all(isinstance(end, (list, tuple)) for end in edge)
        ends = [tuple(end) for end in edge] if pairs else []
        if len(ends) != 2 or not all(end in graph for end in ends) or ends[0][0] == ends[1][0]:
            raise lv.InvalidArgument(f"{str(edge)[:40]} is no edge between two colours of this graph")
        graph.add_edge(*ends)
    return graph, {v: v[0] for v in graph}


def study(request: Mapping[str, Any], stop: Stop = lambda: False) -> Iterator[dict[str, Any]]:
    """States of the tab, each complete, better and better; the last has phase "done".

    With two colours a state brings the "picture" of the regions.
    """
    version = request.get("version", 0)
    try:
        reduction = lv.hardness.clique(*read(request))
    except lv.InvalidArgument as error:
        yield {"version": version, "error": str(error)}
        return
    net = reduction.network
    state: dict[str, Any] = {"version": version, "phase": "solving", "exact": None, "cost": []}
    state |= {"inputs": net.input_dim, "neurons": net.hidden[0], "threshold": str(reduction.threshold)}
    yield dict(state)
    if net.input_dim == 2:
        forms, tiles = Forms(net), list[Tile]()
        for region in itertools.islice(lv.regions(net), REGIONS):
            if stop():
                return
            tiles.append(Tile(region, polygon(forms, region.pattern), norm(region.weight, math.inf)))
        yield dict(state) | {"picture": picture(tiles, None)}

    def solve(tell: Callable[[lv.Bound], bool]) -> lv.Bound:
        return lv.exact(net, "enumeration", p=math.inf, time_limit=EFFORT, on_progress=tell)

    for bound in streamed(solve, stop):
        state["exact"] = _exact(reduction, bound)
        yield dict(state)
    if stop():
        return
    state["phase"] = "measuring"
    for k in INPUTS:
        bound = lv.exact(_random(k).network, "enumeration", p=math.inf, time_limit=COST, on_progress=lambda _: stop())
        if stop():
            return
        done = bound.status is lv.Status.EXACT
        state["cost"].append([k, bound.regions or 0, bound.seconds, done])
        yield dict(state)
        if not done:
            break
    state["phase"] = "done"
    yield dict(state)


def _exact(reduction: Any, bound: lv.Bound) -> dict[str, Any]:
    low, high = reduction.interval(bound)
    found = reduction.decode(bound) if low == 1 or high == 0 else None
    return {
        "value": None if low != high else int(low),
        "clique": None if found is None else [list(v) for v in found.vertices],
        "text": str(bound.exact_value)
        if bound.exact_value is not None
        else f"between {digits_down(bound.lower)} and {digits_up(bound.upper)}",
        "regions": bound.regions or 0,
        "seconds": bound.seconds,
    }


def _random(k: int) -> Any:
    """Two vertices of each of k colours, every edge with probability ½."""
    draw = random.Random(k).random
    graph = nx.Graph()
    graph.add_nodes_from(itertools.product(range(k), range(2)))
    pairs = [(u, v) for u, v in itertools.combinations(graph, 2) if u[0] != v[0]]
    graph.add_edges_from(pair for pair in pairs if draw() < 0.5)
    return lv.hardness.clique(graph, {v: v[0] for v in graph})
