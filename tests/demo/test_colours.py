"""What the fourth tab computes, against all choices of vertices; and the tab in a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from lipverify.demo import colours
from lipverify.demo.colours import study
from tests.hardness import brute

CLIQUE = {"sizes": [2, 2], "edges": [[[0, 0], [1, 1]]]}
NONE = {"sizes": [1, 1, 1], "edges": [[[0, 0], [1, 0]], [[1, 0], [2, 0]]]}


@pytest.mark.parametrize("request_", [CLIQUE, NONE, {"sizes": [2], "edges": []}, {"sizes": [1, 2], "edges": []}])
def test_the_answer_is_the_graph_s(request_: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(colours, "INPUTS", (1, 2))
    states = list(study({"version": 4, **request_}))
    json.dumps(states, allow_nan=False)
    assert {s["version"] for s in states} == {4}
    last, truth = states[-1], brute.rainbow_cliques(*colours.read(request_))
    assert (last["phase"], last["inputs"]) == ("done", len(request_["sizes"]))
    assert last["exact"]["value"] == bool(truth)
    assert last["exact"]["clique"] in ([[list(v) for v in chosen] for chosen in truth] if truth else [None])
    assert [k for k, *_ in last["cost"]] == [1, 2]
    pictures = [s["picture"] for s in states if "picture" in s]
    assert len(pictures) == (len(request_["sizes"]) == 2)
    if pictures:
        assert pictures[0]["count"] == last["exact"]["regions"]
        assert (pictures[0]["regions"][0]["text"] == last["threshold"]) == bool(truth)


@pytest.mark.parametrize(
    ("request_", "word"),
    [
        ({}, "no graph"),
        ({"sizes": [], "edges": []}, "colours"),
        ({"sizes": [9], "edges": []}, "up to 3 colours"),
        ({"sizes": [2, True], "edges": []}, "up to 3 colours"),
        ({"sizes": [1, 1], "edges": [[[0, 0], [0, 0]]]}, "no edge"),
        ({"sizes": [1, 1], "edges": [[[0, 0], [1, 5]]]}, "no edge"),
        ({"sizes": [1, 1], "edges": ["x"]}, "no edge"),
        ({"sizes": [1, 1], "edges": [[1, 2]]}, "no edge"),
    ],
)
def test_hostile_requests_get_a_clear_word(request_: dict[str, Any], word: str) -> None:
    (state,) = study({"version": 1, **request_})
    assert word in state["error"]


def test_the_tab_in_a_browser(visit: Callable[[str], Any]) -> None:
    page = visit("?tab=inputs")
    page.get_by_test_id("c-answer").filter(has_text="L_∞ = 7: a clique").wait_for(timeout=60_000)
    assert page.locator(".columns .e.cut").count() == 1
    page.get_by_test_id("c-which").filter(has_text="‖∇f‖₁ = 7").wait_for(timeout=30_000)
    assert page.get_by_test_id("c-plane").locator(".star").count() >= 1
    page.get_by_test_id("c-cost").locator(".measured").nth(1).wait_for(timeout=60_000)
    page.get_by_role("button", name="two colours, none").click()
    page.get_by_test_id("c-answer").filter(has_text="no clique").wait_for(timeout=60_000)
    for vertex in ("0.1", "1.2"):
        page.locator(f".columns [data-at='{vertex}']").focus()
        page.keyboard.press("Enter")
    page.get_by_test_id("c-answer").filter(has_text="a clique").wait_for(timeout=60_000)
    assert "blue 2, yellow 3" in page.get_by_test_id("c-detail").text_content()
    page.goto(page.url)
    page.get_by_test_id("c-detail").filter(has_text="blue 2, yellow 3").wait_for(timeout=60_000)


def test_the_star_hides_no_cell_on_a_telephone(visit: Callable[[str], Any]) -> None:
    page = visit("health")  # not the page yet, which looks at the width when it opens
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(page.url.replace("health", "?tab=inputs"))
    page.get_by_test_id("c-which").filter(has_text="‖∇f‖₁ = 7").wait_for(timeout=60_000)
    plane = page.get_by_test_id("c-plane")
    boxes = "all => all.map(e => e.getBoundingClientRect()).map(b => [b.left, b.top, b.right, b.bottom])"
    cells, stars = (plane.locator(kind).evaluate_all(boxes) for kind in (".top", ".star"))
    assert len(cells) == len(stars) == 2
    frame = plane.bounding_box()
    for left, top, right, bottom in stars:
        assert right - left > 15
        assert frame["x"] <= left < right <= frame["x"] + frame["width"]
        assert frame["y"] <= top < bottom <= frame["y"] + frame["height"]
        assert all(right < x0 or x1 < left or bottom < y0 or y1 < top for x0, y0, x1, y1 in cells)
