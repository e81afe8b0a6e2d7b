"""What the third tab computes, against brute force, without marimo and without a browser."""

from __future__ import annotations

import itertools
import json
import math
import time
from typing import Any

import networkx as nx
import numpy as np
import pytest

from lipverify.demo import questions
from lipverify.demo.inputs import CLAUSES, ENTRY, SIDE, TEXT, VARIABLES
from lipverify.demo.reductions import study
from tests.hardness import brute

EVERY_SIGN = [[a, 2 * b] for a, b in itertools.product((1, -1), repeat=2)]


def answers(problem: str, **request: Any) -> list[dict[str, Any]]:
    """Every state of a request, each of them plain data of this version; the first brings the picture."""
    states = list(study({"version": 7, "problem": problem, **request}))
    json.dumps(states, allow_nan=False)
    assert {(s["version"], s["problem"]) for s in states} == {(7, problem)}
    assert [k for k, s in enumerate(states) if "picture" in s] == [0]
    assert states[-1]["phase"] == "done"
    return states


def formulas(count: int) -> list[tuple[list[list[int]], int]]:
    """Random formulas of 1 to 4 variables, sparse and dense, with clauses of any length, the empty one too."""
    rng = np.random.default_rng(5)
    found = []
    for k in range(count):
        n = 1 + k % 4
        sizes = rng.integers(0 if k % 7 == 0 else 1, min(n, 3) + 1, size=rng.integers(1, 9))
        clauses = [
            [int(x) for x in (rng.choice(n, size, replace=False) + 1) * rng.choice([-1, 1], size)] for size in sizes
        ]
        found.append((clauses, n))
    return found


@pytest.mark.parametrize(("clauses", "n"), [*formulas(14), (EVERY_SIGN, 2), ([], 1), ([[]], 1), ([[1, 1, -1]], 1)])
def test_formulas(clauses: list[list[int]], n: int) -> None:
    last = answers("satisfiability", names=[f"x{k}" for k in range(n)], clauses=clauses)[-1]
    exact, truth = last["exact"], brute.satisfiable(clauses, n)
    assert exact["settled"]
    assert exact["low"] == exact["high"] == str(int(truth))
    assert exact["value"] == pytest.approx(math.sqrt(n) if truth else 0, rel=1e-15)
    assert (exact["text"] == "0") != truth
    if not truth:
        assert last["solution"] == {}
        return
    values = last["solution"]["assignment"]
    assert brute.satisfies(values, clauses)
    for clause, true in zip(clauses, last["solution"]["true"], strict=True):
        assert true == [x for x in clause if values[abs(x) - 1] == (x > 0)] != []


def test_graphs() -> None:
    for graph in [*brute.graphs(3), nx.cycle_graph(5), nx.star_graph(6)]:
        plain = nx.convert_node_labels_to_integers(graph)
        labels, edges = [f"v{v}" for v in plain], [list(e) for e in plain.edges]
        states = answers("independent-set", labels=labels, edges=edges)
        truth = brute.independence_number(graph)
        for exact in (s["exact"] for s in states):
            assert int(exact["low"]) <= truth
            assert exact["high"] == "?" or truth <= int(exact["high"])
        last = states[-1]
        assert last["exact"]["text"] == str(truth)
        assert len(last["solution"]["set"]) == truth
        assert brute.is_independent(plain, set(last["solution"]["set"]))
        for row in last["bounds"]:
            assert row["rigor"] == "HEURISTIC" or (
                row["value"] >= truth if row["side"] == "upper" else row["value"] <= truth
            )


def test_matrices() -> None:
    rng = np.random.default_rng(2)
    cases = [rng.integers(-4, 5, size=(1 + k % 5, 1 + k % 3)).tolist() for k in range(12)]
    for matrix in [*cases, [[0]], [[ENTRY] * SIDE] * SIDE, [[3, 0], [-2, 1]]]:
        states = answers("quadratic", matrix=matrix)
        A = np.array(matrix, dtype=object)
        values = {
            s: sum(x * x for x in np.array(s, dtype=object) @ A) for s in itertools.product((0, 1), repeat=len(A))
        }
        last, picture = states[-1], states[0]["picture"]
        assert last["exact"]["low"] == last["exact"]["high"] == str(max(values.values()))
        assert values[tuple(map(int, last["solution"]["corner"]))] == max(values.values())
        assert {tuple(map(int, bits)): value for bits, value in picture["corners"]} == values
        assert [v for _, v in picture["corners"]] == sorted(values.values(), reverse=True)
        assert picture["form"] == (A @ A.T).tolist()


def test_the_picture_is_the_network() -> None:
    first, *_, last = answers("satisfiability", names=["a", "b", "c"], clauses=[[1, 2], [-1, 3], [-2, -3]])
    picture = first["picture"]
    assert picture["layers"] == [3, 6, 9, 1, 1]
    assert len(picture["lines"]) == 6 + 2 * 6 + 2 * 6 + 9 + 1
    assert [len(bits) for bits in last["pattern"]] == [6, 9, 1]
    assert all(sign in (-1, 1) for *_, sign in picture["lines"])


def test_no_method_after_the_one_that_settles() -> None:
    last = answers("satisfiability", names=["a"], clauses=[[1]])[-1]
    assert last["exact"]["how"].startswith("Proved by gradient ascent (")
    unsatisfiable = answers("satisfiability", names=["a", "b"], clauses=EVERY_SIGN)[-1]
    assert unsatisfiable["exact"]["how"].startswith("Proved by enumeration (36 regions, ")


def test_a_long_answer_is_announced() -> None:
    petersen = {"labels": list("0123456789"), "edges": [list(e) for e in nx.petersen_graph().edges]}
    first = next(study({"version": 1, "problem": "independent-set", **petersen}))
    assert "There are 80028 regions to visit: about 21 to 161 s" in first["exact"]["how"]
    first = next(study({"version": 1, "problem": "independent-set", "labels": ["1", "2"], "edges": [[0, 1]]}))
    assert first["exact"]["how"] == ""


def test_what_stays_open_is_called_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    short = (questions.Step(questions.lv.exact, "enumeration", 0.3),)
    monkeypatch.setattr(questions.IsSatisfiable, "steps", short)
    clauses = [[a, 2 * b, 3 * c] for a, b, c in itertools.product((1, -1), repeat=3)]
    clauses = [[*c, s * k] for c in clauses for k in (4, 5) for s in (1, -1)]  # 32 clauses that nothing satisfies
    exact = answers("satisfiability", names=list("abcde"), clauses=clauses)[-1]["exact"]
    assert not exact["settled"]
    assert exact["text"] is None
    assert exact["how"].startswith("Undecided: enumeration (")
    assert (exact["low"], exact["high"]) == ("0", "1")


def test_an_edit_stops_a_long_search() -> None:
    clauses = [[1, 2], [3, 4], [5, 6], [-1, -3], [-1, -5], [-3, -5], [-2, -4], [-2, -6], [-4, -6]]
    request = {"version": 1, "problem": "satisfiability", "names": list("abcdef"), "clauses": clauses}
    seen: list[dict[str, Any]] = []
    started = time.monotonic()
    for state in study(request, lambda: len(seen) >= 12):
        seen.append(state)
        assert not state["exact"]["settled"]
    assert 12 <= len(seen) <= 15
    assert time.monotonic() < started + 15


@pytest.mark.parametrize(
    ("text", "names", "clauses"),
    [
        ("a or not b\nb OR c", ["a", "b", "c"], [[1, -2], [2, 3]]),
        ("a, -b; ¬c | !a ∨ ~b", ["a", "b", "c"], [[1, -2], [-3, -1, -2]]),
        ("p cnf 2 2\n1 -2 0\n0", ["x1", "x2"], [[1, -2], []]),
        ("variables: z y\ny or y\n()", ["z", "y"], [[2, 2], []]),
        ("variables: z y", ["z", "y"], []),
        ("not not a # a remark", ["a"], [[1]]),
        ("<img/src=x> or <b>b</b>", ["<img/src=x>", "<b>b</b>"], [[1, 2]]),
    ],
)
def test_texts_of_formulas(text: str, names: list[str], clauses: list[list[int]]) -> None:
    (state,) = study({"version": 1, "problem": "satisfiability", "text": text})
    drawing = state["drawing"]
    assert (list(drawing["names"]), [list(c) for c in drawing["clauses"]]) == (names, clauses)


def test_texts_of_graphs_and_matrices() -> None:
    (graph,) = study({"version": 1, "problem": "independent-set", "text": "a b\nb c"})
    assert graph["drawing"] == {"labels": ("a", "b", "c"), "edges": ((0, 1), (1, 2))}
    for text in ("3 0\n-2 1", "[[3, 0],\n [−2, 1]]", "3\t0;\n-2 +1\n\n"):
        (matrix,) = study({"version": 1, "problem": "quadratic", "text": text})
        assert matrix["drawing"] == {"matrix": [[3, 0], [-2, 1]]}


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        ({"problem": "chess"}, "none of the problems"),
        ({}, "none of the problems"),
        ({"problem": "satisfiability"}, "no formula"),
        ({"problem": "satisfiability", "text": ""}, "empty"),
        ({"problem": "satisfiability", "text": "a or or b"}, "line 1: expected a clause"),
        ({"problem": "satisfiability", "text": "1 -2 0"}, "p cnf VARIABLES CLAUSES"),
        ({"problem": "satisfiability", "text": "p cnf 2 1\n1 x 0"}, "'x' is no literal"),
        ({"problem": "satisfiability", "text": "p cnf 2 1\n1000000000 0"}, "no literal"),
        ({"problem": "satisfiability", "text": "p cnf 1000000000 1\n1 0"}, "variable"),
        ({"problem": "satisfiability", "text": "p cnf 3 10000\n" + "1 -2 0\n" * 10_000}, "10000 clauses"),
        ({"problem": "satisfiability", "text": "a or b\n" * 10_000}, "10000 clauses"),
        (
            {"problem": "satisfiability", "text": " ".join(f"x{k}" for k in range(99))},
            f"up to {VARIABLES} and {CLAUSES}",
        ),
        ({"problem": "satisfiability", "text": "x" * (TEXT + 1)}, "characters"),
        ({"problem": "satisfiability", "names": [], "clauses": []}, "needs a variable"),
        ({"problem": "satisfiability", "names": ["a"], "clauses": [[2]]}, "no clause"),
        ({"problem": "satisfiability", "names": ["a"], "clauses": [[0]]}, "no clause"),
        ({"problem": "satisfiability", "names": ["a"], "clauses": [[True]]}, "no clause"),
        ({"problem": "satisfiability", "names": ["a"], "clauses": "x"}, "no formula"),
        ({"problem": "independent-set", "text": "1 1"}, "itself"),
        ({"problem": "independent-set", "text": "1 2 3.5"}, "lipverify hardness independent-set"),
        ({"problem": "independent-set", "labels": ["1"] * 11, "edges": []}, "up to 10 and 45"),
        ({"problem": "quadratic", "text": ""}, "empty"),
        ({"problem": "quadratic", "text": "1 NaN"}, "'NaN' is no integer"),
        ({"problem": "quadratic", "matrix": [[1, float("nan")]]}, "'nan' is no integer"),
        ({"problem": "quadratic", "matrix": [[0.5]]}, "'0.5' is no integer"),
        ({"problem": "quadratic", "matrix": [[True]]}, "is no integer"),
        ({"problem": "quadratic", "matrix": [[ENTRY + 1]]}, f"and {ENTRY}"),
        ({"problem": "quadratic", "text": "1 2\n3"}, "differ in length"),
        ({"problem": "quadratic", "text": "1 " * 9}, f"1 × 9; the page takes up to {SIDE} × {SIDE}"),
        ({"problem": "quadratic", "matrix": [[]]}, "empty"),
        ({"problem": "quadratic", "matrix": "<b>"}, "no matrix"),
    ],
)
def test_hostile_requests_get_a_clear_word(request_: dict[str, Any], word: str) -> None:
    (state,) = study({"version": 3, **request_})
    assert state["version"] == 3
    assert word in state["error"]
