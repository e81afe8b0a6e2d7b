"""Every tab and every step on a telephone and a wide screen, light and dark: nothing is cut, nothing is unreadable.

axe-core looks too, where node finds it: `npm install --no-save axe-core` in the checkout brings it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
PLACES = {  # what is clicked in order to get there, and what is there once it is drawn
    "graph": ("step-graph", "svg.draw .v"),
    "guess": ("step-guess", "svg.draw .v"),
    "network": ("step-network", "svg.draw .e.cut"),
    "regions": ("step-regions", ".stepline:has-text('are ready')"),
    "bounds": ("step-bounds", "svg.bounds text:text-is('local-search')"),
    "everything": ("step-all", ".cost-point"),
    "plane": ("tab-regions", "[data-testid=r-bounds] :text-is('lipsdp')"),
    "satisfiability": ("tab-reductions", "tr.lit"),
    "independent set": ("problem-independent-set", "svg.draw .v.chosen"),
    "quadratic": ("problem-quadratic", "circle.best"),
    "few inputs": ("tab-inputs", "[data-testid=c-cost] .measured"),
}
GROUND = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
CUT = """() => {
  const page = document.documentElement, faults = [], roots = [document];
  for (const root of roots) for (const e of root.querySelectorAll("*")) if (e.shadowRoot) roots.push(e.shadowRoot);
  const all = (query) => roots.flatMap((root) => [...root.querySelectorAll(query)]).filter((e) => e.checkVisibility());
  if (page.scrollWidth > page.clientWidth) faults.push(`the page is ${page.scrollWidth} px wide`);
  for (const e of all(".lv section, .lv button, .lv input, .lv textarea, .lv h1, .lv h2, .lv p")) {
    const box = e.getBoundingClientRect();
    if ((box.right > innerWidth + 0.5 || box.left < -0.5) && !e.closest(".scroll"))
      faults.push(`${e.tagName} ${e.textContent.slice(0, 40)} reaches from ${box.left} to ${box.right}`);
  }
  for (const e of all(".lv svg text")) {
    const box = e.getBoundingClientRect(), frame = e.ownerSVGElement.getBoundingClientRect();
    if (Math.min(box.left - frame.left, frame.right - box.right, box.top - frame.top, frame.bottom - box.bottom) < -1)
      faults.push(`“${e.textContent}” is cut by its figure`);
  }
  return faults;
}"""
AXE = """async (rules) => (await axe.run(document, {resultTypes: ['violations'], ...rules})).violations
    .filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => [v.id, v.help, ...v.nodes.slice(0, 4).map(n => n.html.slice(0, 160))])"""


@pytest.fixture(scope="session")
def axe() -> str | None:
    """The source of axe-core; None where it is not there, which `test_axe_looked` says."""
    script = "process.stdout.write(require.resolve('axe-core/axe.min.js'))"
    node = shutil.which("node")
    found = node and subprocess.run([node, "-e", script], cwd=ROOT, capture_output=True, text=True, check=False)
    return Path(found.stdout).read_text(encoding="utf-8") if found and not found.returncode else None


def test_axe_looked(chromium: str, axe: str | None) -> None:
    if axe is None:
        pytest.skip("no axe-core in this checkout: npm install --no-save axe-core")


@pytest.mark.parametrize(("width", "first", "second"), [(1280, "light", "dark"), (390, "dark", "light")])
def test_nothing_is_cut_and_nothing_unreadable(
    visit: Callable[[str], Any], axe: str | None, width: int, first: str, second: str
) -> None:
    page = visit("health")  # not the page yet, which looks at the width when it opens
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=first)
    page.goto(page.url.replace("health", ""))
    faults: dict[str, Any] = {}
    for place, (button, sign) in PLACES.items():
        page.get_by_test_id(button).click(timeout=60_000)
        page.locator(sign).first.wait_for(timeout=60_000)
        for scheme in (first, second):
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate(CUT)
            grounds = page.locator(".lv:visible").evaluate_all(
                "all => all.map(e => getComputedStyle(e).backgroundColor)"
            )
            found += [colour for colour in grounds if colour != GROUND[scheme]]
            if axe is not None:
                page.evaluate("source => window.axe || (0, eval)(source)", axe)
                # One look at everything; colours are all that a scheme changes.
                found += page.evaluate(AXE, {} if scheme == first else {"runOnly": ["color-contrast"]})
            if found:
                faults[f"{place}, {scheme}"] = found
    assert faults == {}


class Keys:
    """A visitor without a mouse."""

    FOCUSED = """() => { let e = document.activeElement;
      while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
      return [e?.dataset?.testid ?? '', e?.getAttribute('class') ?? '', e?.textContent ?? ''].join(' | '); }"""

    def __init__(self, page: Any) -> None:
        self.page = page

    def to(self, words: str, key: str = "Tab") -> None:
        """Press Tab until something with these words in its id, class or text has the focus."""
        seen: list[str] = []
        while words not in (now := self.page.evaluate(self.FOCUSED)):
            seen.append(now)
            assert len(seen) < 150, (words, seen)
            self.page.keyboard.press(key)

    def press(self, words: str, key: str = "Tab") -> None:
        """Go there and press Enter."""
        self.to(words, key)
        self.page.keyboard.press("Enter")

    def sees(self, test_id: str, words: str) -> None:
        """Wait for words."""
        self.page.get_by_test_id(test_id).filter(has_text=words).wait_for(timeout=60_000)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_all_of_it_without_a_mouse(visit: Callable[[str], Any], width: int, scheme: str) -> None:
    page = visit("health")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.goto(page.url.replace("health", ""))
    page.locator("svg.draw .v").first.wait_for(timeout=60_000)
    keys = Keys(page)
    # The lesson.
    keys.press("next |")
    keys.press("| v")
    keys.sees("guess", "of 12 edges cut")
    assert "0 of" not in page.get_by_test_id("guess").text_content()
    keys.press("check |")
    keys.sees("verdict", "short")
    keys.press("next |", "Shift+Tab")
    keys.to("| hit")
    keys.sees("pointed", "its square adds")
    keys.press("next |", "Shift+Tab")
    keys.sees("step", "1022 regions are ready")
    keys.press("forward |")
    keys.sees("step", "Region 1 of 1")
    keys.press("next |", "Shift+Tab")
    keys.sees("bounds", "wrong side!")
    keys.press("next |")
    page.locator(".measured[data-runner='enumeration']").nth(1).wait_for(timeout=60_000)
    keys.press("race-stop |")
    keys.sees("race-what", "stopped")
    # A network.
    keys.to("tab-cuts |", "Shift+Tab")
    page.keyboard.press("ArrowRight")
    keys.sees("r-answer", "L₂ = 8")
    keys.press("absolute values")
    keys.sees("r-answer", "√2")
    keys.to("plane |")
    page.keyboard.press("Home")
    assert "the steepest" in page.get_by_test_id("r-spoken").text_content()
    # Another problem.
    keys.to("tab-regions |", "Shift+Tab")
    page.keyboard.press("ArrowRight")
    keys.sees("reduction-answer", ": satisfiable")
    keys.to("problem-satisfiability |")
    page.keyboard.press("ArrowRight")
    keys.sees("reduction-answer", "L₁ = 2")
    keys.to("set-draw |")
    page.keyboard.press("a")
    keys.sees("reduction-answer", "L₁ = 3")
    # Few inputs.
    keys.to("tab-reductions |", "Shift+Tab")
    page.keyboard.press("ArrowRight")
    keys.sees("c-answer", "a clique")
    keys.press("two colours, none")
    keys.sees("c-answer", "no clique")
    keys.press("v hue")  # the first blue vertex
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the first yellow one
    keys.sees("c-detail", "blue 1, yellow 1")
