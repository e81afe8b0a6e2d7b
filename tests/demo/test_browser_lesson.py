"""The first tab as a lesson, in a real browser: six clicks lead to the explosion; and what was a nuisance."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Visit = Callable[[str], Any]


def ready(page: Any) -> Any:
    """The page once its graph is drawn."""
    page.locator("svg.draw .v").first.wait_for(timeout=60_000)
    return page


def places(page: Any) -> list[tuple[str, int, int]]:
    """Every vertex's name and place."""
    return page.locator("svg.draw .v").evaluate_all(
        "all => all.map(g => [g.querySelector('title').textContent,"
        " ...['cx', 'cy'].map(name => Math.round(g.querySelector('circle').getAttribute(name)))])"
    )


def sideways(page: Any) -> int:
    """How many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 900, "light"), (390, 844, "dark")])
def test_six_clicks_lead_from_the_graph_to_the_explosion(visit: Visit, width: int, height: int, scheme: str) -> None:
    page = visit("")
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    ready(page)
    assert "cut" not in page.locator("svg.draw .e").first.get_attribute("class")  # it is still to be guessed
    page.get_by_test_id("next").click()  # 1
    assert "0 of 12 edges cut" in page.get_by_test_id("guess").text_content()
    page.get_by_test_id("check").click()  # 2
    page.get_by_test_id("verdict").filter(has_text="10 short").wait_for(timeout=30_000)
    page.get_by_test_id("next").click()  # 3
    assert page.locator("svg.draw .e.cut").count() == 10
    if width > 1000:  # graph and network on one screen
        boxes = [page.get_by_test_id(part).bounding_box() for part in ("draw", "net", "sum")]
        assert max(box["y"] + box["height"] for box in boxes) <= height
        assert min(box["y"] for box in boxes) >= 0
    page.get_by_test_id("next").click()  # 4
    page.get_by_test_id("step").filter(has_text="1022 regions are ready").wait_for(timeout=60_000)
    page.get_by_test_id("next").click()  # 5
    numbers = page.get_by_test_id("bounds").text_content()
    assert "2.2361" in numbers  # AutoLip
    assert "1.0468" in numbers  # LipSDP
    assert re.search(r"0\.9487 wrong side!", numbers)  # greedy SeqLip: 3 / √10
    page.get_by_test_id("next").click()  # 6
    assert "explosion" in page.url
    page.locator(".measured[data-runner='enumeration']").nth(3).wait_for(timeout=60_000)
    page.get_by_test_id("race-told").filter(has_text="every region:").wait_for(timeout=120_000)
    assert re.search(r"for 60 vertices|for 100 vertices", page.get_by_test_id("race-told").text_content())
    assert page.locator(".guess").count() >= 1
    assert sideways(page) == 0
    page.get_by_test_id("race-stop").click()
    assert "stopped" in page.get_by_test_id("race-what").text_content()


def test_a_guess_is_told_how_far_off_it_is(visit: Visit) -> None:
    page = ready(visit("?step=guess&g=1-2,2-3,3-4,4-5,5-1"))
    page.locator(".v[data-k='0']").click()
    page.get_by_test_id("guess").filter(has_text="2 of 5 edges cut").wait_for(timeout=30_000)
    page.get_by_test_id("check").click()
    page.get_by_test_id("verdict").filter(has_text="2 short: some painting cuts 4").wait_for(timeout=30_000)
    page.locator(".v[data-k='2']").focus()
    page.keyboard.press("Enter")
    assert page.get_by_test_id("verdict").text_content() == ""
    page.get_by_test_id("check").click()
    assert "Yes: 4 is the maximum cut" in page.get_by_test_id("verdict").text_content()
    assert page.locator("svg.draw .v").count() == 5
    page.get_by_test_id("draw").click(position={"x": 8, "y": 8})
    assert page.locator("svg.draw .v").count() == 5  # nothing is drawn while one guesses


def test_an_edge_lights_its_input_its_entry_and_its_1(visit: Visit) -> None:
    page = ready(visit("?step=network&g=1-2,2-3,3-4,4-5,5-1"))
    page.locator("svg.draw .e.cut").first.wait_for(timeout=30_000)
    cut = page.locator("svg.draw .e").evaluate_all("all => all.map(e => e.classList.contains('cut'))")
    assert page.get_by_test_id("sum").text_content() == f"‖∇f‖² = {' + '.join('01'[c] for c in cut)} = 4: 4 edges cut"
    for edge, words in ((cut.index(True), "differ"), (cut.index(False), "agree")):
        page.locator(f".hit[data-e='{edge}']").focus()
        lit = page.locator(".pointed").evaluate_all("all => all.map(e => [e.tagName.toLowerCase(), e.dataset.edge])")
        assert sorted(tag for tag, _ in lit) == sorted(["line", "line", "line", "circle", "button", "span"])
        assert {e for _, e in lit} == {None, str(edge)} or {e for _, e in lit} == {str(edge)}
        assert f"its ends {words}" in page.get_by_test_id("pointed").text_content()
    page.locator(".entries button").nth(2).hover()
    third = page.locator("svg.draw .e").nth(2)
    page.locator("svg.draw .e.pointed").and_(third).wait_for(state="attached")


def test_every_step_has_a_link_and_can_be_skipped(visit: Visit) -> None:
    page = ready(visit("?step=bounds"))
    page.get_by_test_id("answer").filter(has_text="maximum cut 10").wait_for(timeout=30_000)
    page.get_by_test_id("step-regions").click()
    assert "step=regions" in page.url
    assert page.get_by_test_id("play").is_visible()
    assert not page.get_by_test_id("answer").is_visible()
    page.get_by_test_id("step-all").focus()
    page.keyboard.press("Enter")
    assert page.get_by_test_id("answer").is_visible()
    page.reload()
    ready(page)
    assert page.get_by_test_id("answer").is_visible()


# What was a nuisance -----------------------------------------------------------------------------


def test_clear_leaves_nothing_and_undo_brings_it_back(page: Any) -> None:
    page.get_by_role("button", name="Clear").click()
    assert page.locator("svg.draw .v").count() == 0
    page.get_by_test_id("error").filter(has_text="The graph is empty").wait_for(timeout=30_000)
    page.get_by_test_id("undo").click()
    assert page.locator("svg.draw .v").count() == 5
    page.get_by_test_id("answer").filter(has_text="maximum cut 4").wait_for(timeout=30_000)
    page.locator(".v[data-k='0']").focus()
    page.keyboard.press("Delete")
    assert page.locator("svg.draw .v").count() == 4
    page.keyboard.press("Control+z")
    assert page.locator("svg.draw .v").count() == 5


def test_a_link_keeps_the_places(page: Any) -> None:
    page.get_by_role("button", name="Petersen").click()
    page.locator(".v[data-k='3']").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_test_id("answer").filter(has_text="maximum cut 12").wait_for(timeout=30_000)
    before = places(page)
    page.goto(page.url)
    page.get_by_test_id("answer").filter(has_text="maximum cut 12").wait_for(timeout=60_000)
    assert sorted(places(page)) == sorted(before)


def test_a_vertex_dropped_on_a_vertex_hides_nobody(page: Any) -> None:
    start, end = (page.locator(f".v[data-k='{k}'] circle").bounding_box() for k in (0, 1))
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=5)
    page.mouse.up()
    (_, x0, y0), (_, x1, y1) = places(page)[:2]
    assert 34 <= ((x0 - x1) ** 2 + (y0 - y1) ** 2) ** 0.5 < 100


def test_definitions_come_by_focus_and_by_tap_and_go_by_escape(page: Any) -> None:
    tip = page.get_by_test_id("tip").first
    page.get_by_role("button", name="maximum cut", exact=True).focus()
    assert tip.is_visible()
    assert "Paint every vertex" in tip.text_content()
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.get_by_role("button", name="Lipschitz constant", exact=True).click()
    assert "stretch a distance" in tip.text_content()
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1280


def test_one_region_and_huge_numbers_are_written_as_people_write_them(page: Any) -> None:
    page.get_by_role("button", name="Clear").click()
    page.get_by_test_id("draw").click(position={"x": 90, "y": 90})
    page.get_by_test_id("step").filter(has_text="1 region is ready").wait_for(timeout=30_000)
    page.get_by_role("button", name="random, 30").click()
    page.get_by_test_id("total").filter(has_text="about 1.1 · 10⁹").wait_for(timeout=60_000)


def test_a_link_that_is_too_long_says_so(visit: Visit) -> None:
    page = visit("?g=" + ",".join(f"a{k}-b{k}" for k in range(1000)))
    assert "This link is too long" in page.locator("h1").text_content()
    page.get_by_role("link", name="the page").click()
    ready(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_ground_is_one_from_edge_to_edge_and_no_menu_floats_on_it(visit: Visit, scheme: str) -> None:
    page = visit("")
    page.emulate_media(color_scheme=scheme)
    ready(page)
    colours = page.evaluate(
        "[document.body, document.querySelector('#App')].map(e => getComputedStyle(e).backgroundColor)"
    )
    assert {*colours, page.locator(".lv.cuts").evaluate("e => getComputedStyle(e).backgroundColor")} == {colours[0]}
    assert (
        page.get_by_test_id("notebook-actions-dropdown").count() == 0
        or not page.get_by_test_id("notebook-actions-dropdown").is_visible()
    )


def test_a_telephone_shows_whole_axes_and_scrolls_down_only(visit: Visit) -> None:
    page = visit("?step=all")
    page.set_viewport_size({"width": 390, "height": 844})
    ready(page)
    # In one go: a label may be drawn anew while the next one is looked at.
    edge, labels = page.get_by_test_id("cost").evaluate(
        "e => [e.getBoundingClientRect().x, [...e.querySelectorAll('text')].map(t => t.getBoundingClientRect().x)]"
    )
    assert labels
    assert min(labels) >= edge
    page.get_by_test_id("tab-regions").click()
    page.get_by_test_id("r-answer").filter(has_text="L₂").wait_for(timeout=60_000)
    assert sideways(page) == 0
    box = page.get_by_test_id("r-open").bounding_box()
    assert box["x"] + box["width"] <= 390
    assert (
        page.locator(".lv.regions section").evaluate_all(
            "all => Math.max(...all.map(e => e.scrollWidth - e.clientWidth))"
        )
        == 0
    )


# What one takes along ----------------------------------------------------------------------------


def test_the_page_as_one_file_opens_without_a_server(visit: Visit, tmp_path: Path) -> None:
    page = ready(visit("?step=bounds"))
    page.get_by_test_id("bounds").get_by_text("seqlip", exact=True).wait_for(timeout=60_000)
    page.get_by_test_id("step-all").click()
    with page.expect_download() as saved:
        page.get_by_test_id("save-cuts").click()
    path = tmp_path / "lesson.html"
    saved.value.save_as(path)
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|<button|<input|https?://(?!www\.w3\.org/)", text)
    other = page.context.browser.new_page()
    asked: list[str] = []
    other.on("request", lambda r: asked.append(r.url))
    other.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert "maximum cut 10" in other.locator("body").inner_text()
    assert other.locator("svg.draw .e.cut").count() == 10
    box = other.locator("svg.bounds").bounding_box()
    assert box["width"] > 300
    other.close()


@pytest.mark.parametrize(
    ("tab", "save", "figure"),
    [
        ("regions", "save-regions", "svg.plane .region"),
        ("reductions", "save-reductions", "svg"),
        ("inputs", "save-few-inputs", "svg.plane .region"),
    ],
)
def test_every_other_tab_is_saved_as_one_file_too(
    visit: Visit, tmp_path: Path, tab: str, save: str, figure: str
) -> None:
    page = visit(f"?tab={tab}")
    button = page.get_by_test_id(save)
    button.wait_for(timeout=60_000)
    page.locator(figure).locator("visible=true").first.wait_for(timeout=60_000)
    with page.expect_download() as saved:
        button.click()
    path = tmp_path / "tab.html"
    saved.value.save_as(path)
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script|<link|<button|<input|https?://(?!www\.w3\.org/)", text)
    assert "<svg" in text


def test_every_figure_comes_as_svg_and_as_png(visit: Visit, tmp_path: Path) -> None:
    page = ready(visit("?step=network"))
    page.locator("svg.draw .e.cut").first.wait_for(timeout=30_000)
    for name in ("graph", "network"):
        with page.expect_download() as saved:
            page.get_by_role("button", name=f"Save {name} as SVG").click()
        path = tmp_path / f"{name}.svg"
        saved.value.save_as(path)
        text = path.read_text(encoding="utf-8")
        assert text.startswith("<svg")
        assert "var(" not in text
        assert "class=" not in text
        with page.expect_download() as saved:
            page.get_by_role("button", name=f"Save {name} as PNG").click()
        path = tmp_path / f"{name}.png"
        saved.value.save_as(path)
        data = path.read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(data[16:20], "big") == 1200
