"""What the first tab computes, without marimo and without a browser."""

from __future__ import annotations

import json
import time
from typing import Any

import networkx as nx
import pytest

import lipverify as lv
from lipverify.demo.cuts import EDGES, STEPS, VERTICES, study
from tests.hardness import brute


def request(graph: nx.Graph, version: int = 7) -> dict[str, Any]:
    """A graph as the page sends it."""
    graph = nx.convert_node_labels_to_integers(graph)
    return {"version": version, "labels": [str(v) for v in graph], "edges": [list(e) for e in graph.edges]}


def test_the_five_cycle() -> None:
    states = list(study(request(nx.cycle_graph(5))))
    json.dumps(states, allow_nan=False)
    assert {s["version"] for s in states} == {7}
    last = states[-1]
    assert (last["phase"], last["network"], last["regions"]) == ("done", "5 → 5 → 1", "30")
    assert (last["exact"]["done"], last["exact"]["low"], last["exact"]["text"]) == (True, "4", "2")
    assert brute.cut_value(nx.cycle_graph(5), set(last["exact"]["side"])) == 4
    names = {row["name"]: row for row in last["bounds"]}
    assert names["autolip"]["value"] >= 4
    assert names["seqlip-greedy"]["rigor"] == "HEURISTIC"
    assert all(row["why"] for row in last["bounds"])


def test_every_step_of_the_walk_is_its_cut() -> None:
    for graph in (nx.petersen_graph(), nx.Graph([(0, 1), (2, 3), (3, 4)])):
        walk = list(study(request(graph)))[-1]["walk"]
        assert walk["complete"]
        assert len({bits for bits, _ in walk["steps"]}) == len(walk["steps"])
        for bits, square in walk["steps"]:
            side = {v for v in graph if bits[v] == "1"}
            assert brute.cut_value(graph, side) == int(square)
        assert max(int(square) for _, square in walk["steps"]) == brute.maximum_cut(graph)


def test_long_walks_are_cut_short_and_say_so() -> None:
    walk = list(study(request(nx.cycle_graph(12))))[-1]["walk"]
    assert len(walk["steps"]) == STEPS
    assert not walk["complete"]
    assert walk["total"] == "4 094"


def test_a_graph_without_edges_and_one_vertex() -> None:
    last = list(study(request(nx.empty_graph(1))))[-1]
    assert (last["exact"]["low"], last["exact"]["done"]) == ("0", True)
    json.dumps(last, allow_nan=False)


def test_every_interval_on_the_way_holds_the_truth() -> None:
    graph = nx.gnp_random_graph(14, 0.5, seed=3)
    truth = lv.hardness.maxcut(graph).value(lv.exact(lv.hardness.maxcut(graph).network, "enumeration"))
    for state in study(request(graph)):
        if state["exact"]:
            assert int(state["exact"]["low"]) <= truth
            assert state["exact"]["high"] == "?" or truth <= int(state["exact"]["high"])


def test_an_edit_stops_a_long_search() -> None:
    seen: list[dict[str, Any]] = []
    started = time.monotonic()
    for state in study(request(nx.gnp_random_graph(40, 0.5, seed=0)), lambda: len(seen) >= 6):
        seen.append(state)
        assert not (state["exact"] and state["exact"]["done"])
    assert 6 <= len(seen) <= 8
    assert time.monotonic() < started + 15


def test_pasted_text_becomes_a_drawing() -> None:
    for text in ("<b>x</b> y\ny z", "p edge 3 2\ne 1 2\ne 2 3", "Bg", "petersen"):
        (state,) = study({"version": 1, "text": text})
        drawing = state["drawing"]
        assert len(drawing["labels"]) in (3, 10)
        again = list(study({"version": 2, "labels": drawing["labels"], "edges": drawing["edges"]}))
        assert again[-1]["exact"]["done"]


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        ({"labels": [], "edges": []}, "empty"),
        ({"text": ""}, "empty"),
        ({"text": "1 1"}, "itself"),
        ({"text": "1 2\n2 1"}, "already there"),
        ({"text": "1 2 3.5"}, "weights"),
        ({"text": "<script>alert(1)</script> is a graph"}, "expected an edge"),
        ({"text": "\n".join(f"{k} {k + 1}" for k in range(10_000))}, "10001 vertices and 10000 edges"),
        ({"text": "1 2\n" * 300_000}, "lines"),
        ({"text": "/etc/passwd"}, ""),
        ({"labels": ["1"] * (VERTICES + 1), "edges": []}, f"up to {VERTICES} and {EDGES}"),
        ({"labels": ["1", "2"], "edges": [[0, 2]]}, "no edge"),
        ({"labels": ["1", "2"], "edges": [[0, True]]}, "no edge"),
        ({"labels": ["1", "2"], "edges": [[0, 0]]}, "itself"),
        ({"labels": ["1", "2"], "edges": [[0, 1], [1, 0]]}, "twice"),
        ({"labels": ["1", "2"], "edges": "x"}, "no graph"),
        ({"labels": ["1", "2"], "edges": [None]}, "no edge"),
    ],
)
def test_hostile_requests_get_a_clear_word(request_: dict[str, Any], word: str) -> None:
    (state,) = study({"version": 3, **request_})
    assert state["version"] == 3
    assert word in state.get("error", "")
    assert ("drawing" in state) == (word == "")  # a path is a vertex's name here, never opened
