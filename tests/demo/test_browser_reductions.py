"""The page's third tab in a real browser: click formulas, draw sets, type matrices, cancel, share."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def tab(visit: Callable[[str], Any]) -> Any:
    """The tab as it opens, with its first formula answered."""
    page = visit("?tab=reductions")
    answer(page, ": satisfiable")
    return page


def answer(page: Any, words: str, timeout: float = 60.0) -> None:
    """Wait until the answer has these words."""
    page.get_by_test_id("reduction-answer").filter(has_text=words).wait_for(timeout=timeout * 1000)


def places(page: Any) -> set[tuple[str, int, int]]:
    """Every vertex's name and place in the graph whose independent sets are asked for."""
    read = (
        "all => all.map(g => [g.querySelector('title').textContent,"
        " ...['cx', 'cy'].map(name => Math.round(g.querySelector('circle').getAttribute(name)))])"
    )
    return {tuple(vertex) for vertex in page.get_by_test_id("set-draw").locator(".v").evaluate_all(read)}


def paste(page: Any, text: str) -> None:
    """Put a text into the box and use it."""
    page.locator("details", has=page.get_by_test_id("reduction-text")).evaluate("e => { e.open = true; }")
    page.get_by_test_id("reduction-text").evaluate("(e, text) => { e.value = text; }", text)
    page.get_by_test_id("reduction-use").click()


def test_nothing_is_computed_before_the_tab_is_opened(visit: Callable[[str], Any]) -> None:
    page = visit("?step=all")
    page.get_by_test_id("answer").filter(has_text="maximum cut").wait_for(timeout=30_000)
    page.wait_for_timeout(1000)
    assert page.get_by_test_id("reduction-answer").count() == 0
    page.get_by_test_id("tab-reductions").click()
    answer(page, "L₂ = √3")


def test_a_clicked_literal_turns_satisfiable_into_unsatisfiable(tab: Any) -> None:
    tab.get_by_role("button", name="all signs on two").click()
    answer(tab, "L₂ = 0: unsatisfiable")
    assert "enumeration (36 regions" in tab.get_by_test_id("reduction-detail").text_content()
    assert tab.locator("tr.lit").count() == 0
    tab.get_by_test_id("cell-4-2").click()  # ¬b leaves the last clause, (¬a)
    answer(tab, "unsatisfiable")
    tab.get_by_test_id("cell-4-1").click()  # then ¬a: the empty clause
    answer(tab, "unsatisfiable")
    tab.get_by_test_id("cell-4-1").click()  # and (a)
    answer(tab, "L₂ = √2 = 1.41421: satisfiable")
    tab.get_by_test_id("truth-1").filter(has_text="true").wait_for()
    assert tab.get_by_test_id("truth-2").text_content() in ("true", "false")
    assert tab.locator("tr.lit").count() == 4
    tab.get_by_test_id("reduction-bounds").get_by_text("local-search", exact=True).wait_for()


def test_the_grid_and_the_text_stay_in_step(tab: Any) -> None:
    text = tab.get_by_test_id("reduction-text")
    assert text.input_value() == "a or b\nnot a or c\nnot b or not c"
    tab.get_by_test_id("add-variable").click()
    tab.get_by_test_id("add-clause").click()
    answer(tab, "unsatisfiable")  # the new clause is empty
    tab.get_by_test_id("cell-4-4").click()
    assert text.input_value() == "a or b\nnot a or c\nnot b or not c\nx4"
    answer(tab, "L₂ = 2: satisfiable")
    paste(tab, "p cnf 2 2\n1 2 0\n-1 0")
    answer(tab, "L₂ = √2")
    assert tab.get_by_test_id("clauses").get_by_role("button", name="remove clause").count() == 2
    assert tab.get_by_test_id("truth-1").text_content() == "false"
    tab.get_by_role("button", name="remove clause 2").click()
    tab.get_by_role("button", name="remove variable x2").click()
    assert text.input_value() == "x1"
    answer(tab, "L₂ = 1: satisfiable")


def test_the_keyboard_sets_literals_and_chooses_problems(tab: Any) -> None:
    tab.get_by_test_id("cell-1-1").focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")  # clause 2, b: absent
    tab.keyboard.press("-")
    assert "negated" in tab.get_by_test_id("cell-2-2").get_attribute("aria-label")
    tab.keyboard.press("+")
    assert "plain" in tab.get_by_test_id("cell-2-2").get_attribute("aria-label")
    tab.keyboard.press("Delete")
    assert "absent" in tab.get_by_test_id("cell-2-2").get_attribute("aria-label")
    answer(tab, "L₂ = √3")
    tab.get_by_test_id("problem-satisfiability").focus()
    tab.keyboard.press("ArrowRight")
    answer(tab, "L₁ = 2")
    assert tab.get_by_test_id("problem-independent-set").get_attribute("aria-checked") == "true"


def test_a_drawn_edge_changes_the_largest_set(tab: Any) -> None:
    tab.get_by_test_id("problem-independent-set").click()
    answer(tab, "L₁ = 2: 2 vertices are the most")
    draw = tab.get_by_test_id("set-draw")
    assert draw.locator(".v.chosen").count() == 2
    draw.click(position={"x": 30, "y": 30})
    answer(tab, "L₁ = 3")
    assert draw.locator(".v.chosen[data-k='5']").count() == 1  # the new one has no neighbours
    for k in range(5):
        draw.locator(".v[data-k='5']").click()
        draw.locator(f".v[data-k='{k}']").click()
    answer(tab, "L₁ = 2")
    assert draw.locator(".v.chosen[data-k='5']").count() == 0
    tab.get_by_test_id("reduction-bounds").get_by_text("local-search", exact=True).wait_for()


def test_a_changed_entry_moves_the_maximum(tab: Any) -> None:
    tab.get_by_test_id("problem-quadratic").click()
    answer(tab, "L₂² = 37/4 = 9.25: the maximum is 9")
    assert "s = (1, 0)" in tab.get_by_test_id("reduction-detail").text_content()
    corners = tab.get_by_test_id("corners")
    assert corners.locator("circle.corner").count() == 4
    tab.get_by_test_id("entry-2-1").fill("2")
    tab.keyboard.press("Tab")
    answer(tab, "the maximum is 26")
    assert corners.locator("circle.best title").text_content() == "s = (1, 1): 26"
    tab.get_by_test_id("add-row").click()
    answer(tab, "the maximum is 40")
    assert corners.locator("rect.corner").count() == 8
    tab.get_by_test_id("entry-1-1").fill("NaN")
    tab.keyboard.press("Tab")
    tab.get_by_test_id("reduction-error").filter(has_text="'NaN' is no integer").wait_for()


def test_an_edit_cancels_a_long_search(tab: Any) -> None:
    tab.get_by_role("button", name="3 pigeons, 2 holes").click()
    tab.get_by_test_id("reduction-detail").filter(has_text="Still searching").wait_for(timeout=30_000)
    assert "still open" in tab.get_by_test_id("reduction-answer").text_content()
    assert tab.locator("svg.interval rect.interval").count() == 1
    started = time.monotonic()
    tab.get_by_role("button", name="three clauses").click()
    answer(tab, "L₂ = √3")
    assert time.monotonic() < started + 15
    tab.wait_for_timeout(1500)
    assert "L₂ = √3" in tab.get_by_test_id("reduction-answer").text_content()


def test_hostile_text_gets_a_clear_word(tab: Any) -> None:
    for problem, text, words in (
        ("satisfiability", "p cnf 3 10000\n" + "1 -2 0\n" * 10_000, "10000 clauses"),
        ("satisfiability", "p cnf 1000000000 1\n1000000000 0", "no literal"),
        ("satisfiability", "", "empty"),
        ("independent-set", "\n".join(f"{k} {k + 1}" for k in range(100)), "101 vertices"),
        ("quadratic", "<b>1</b> 2", "'<b>1</b>' is no integer"),
    ):
        tab.get_by_test_id(f"problem-{problem}").click()
        answer(tab, "L")
        paste(tab, text)
        tab.get_by_test_id("reduction-error").filter(has_text=words).wait_for(timeout=30_000)
        tab.get_by_test_id("problem-satisfiability").click()
        tab.get_by_role("button", name="three clauses").click()
        answer(tab, "L₂ = √3")
        assert tab.get_by_test_id("reduction-error").text_content() == ""


def test_names_with_markup_stay_names(tab: Any) -> None:
    paste(tab, "<img/src=x/onerror=alert(1)> or <b>b</b>")
    answer(tab, "L₂ = √2")
    assert tab.locator(".lv img, .lv table b").count() == 0
    assert "<img/src" in tab.get_by_test_id("cell-1-1").get_attribute("aria-label")


def test_links_and_files_bring_everything_back(tab: Any, tmp_path: Path) -> None:
    paste(tab, "variables: z a b\nnot a or b\na\nnot b")
    answer(tab, "unsatisfiable")
    with tab.expect_download() as saved:
        tab.get_by_test_id("reduction-download").click()
    path = tmp_path / "formula.cnf"
    saved.value.save_as(path)
    assert path.read_text().split("\n")[3:] == ["p cnf 3 3", "-2 3 0", "2 0", "-3 0", ""]
    tab.goto(tab.url)
    answer(tab, "unsatisfiable")
    assert tab.get_by_test_id("reduction-text").input_value() == "variables: z a b\nnot a or b\na\nnot b"
    tab.get_by_test_id("problem-independent-set").click()
    tab.get_by_role("button", name="star").click()
    answer(tab, "L₁ = 6")
    tab.get_by_test_id("set-draw").locator(".v[data-k='2']").focus()
    tab.keyboard.press("ArrowDown")
    before = places(tab)
    tab.goto(tab.url)
    answer(tab, "L₁ = 6")
    assert places(tab) == before
    tab.get_by_test_id("problem-quadratic").click()
    tab.get_by_role("button", name="max-cut of a triangle").click()
    answer(tab, "the maximum is 2")
    tab.goto(tab.url)
    answer(tab, "the maximum is 2")
    assert "tab=reductions" in tab.url
    tab.get_by_test_id("problem-satisfiability").click()
    tab.reload()
    answer(tab, "L₂")
