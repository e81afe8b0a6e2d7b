"""axe-core finds no serious fault on any tab; skipped, with a word, where node or axe-core is not there.

`npm install --no-save axe-core` in the checkout brings it.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
TABS = (
    "?step=graph",
    "?step=guess",
    "?step=network",
    "?step=bounds",
    "?step=all",
    "?tab=regions",
    "?tab=reductions",
    "?tab=inputs",
)
RUN = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(v => ['serious', 'critical'].includes(v.impact))
    .map(v => [v.id, v.help, ...v.nodes.slice(0, 4).map(n => n.html.slice(0, 160))])"""


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine, so no axe-core")
    script = "process.stdout.write(require.resolve('axe-core/axe.min.js'))"
    found = subprocess.run([node, "-e", script], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("no axe-core in this checkout: npm install --no-save axe-core")
    return Path(found.stdout).read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_no_serious_fault(visit: Callable[[str], Any], axe: str, width: int, scheme: str) -> None:
    found: dict[str, Any] = {}
    for tab in TABS:
        page = visit(tab)
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.locator(".lv h1:visible").first.wait_for(timeout=60_000)
        page.wait_for_timeout(1500)
        page.evaluate(axe)
        found[tab] = page.evaluate(RUN)
    assert {tab: faults for tab, faults in found.items() if faults} == {}
