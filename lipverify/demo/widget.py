"""The parts that are drawn: the bar of tabs, and one widget a tab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget
import traitlets

_STATIC = Path(__file__).parent / "static"


def _read(*names: str) -> str:
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names)


class Tabs(anywidget.AnyWidget):
    """The bar of tabs; it needs nothing from Python."""

    _esm = _read("common.js", "tabs.js")
    _css = _read("page.css")


class Tab(anywidget.AnyWidget):
    """A tab. The browser writes `request`, Python answers in `state`; both carry the request's version."""

    request: Any = traitlets.Dict().tag(sync=True)
    state: Any = traitlets.Dict().tag(sync=True)

    apart: ClassVar[tuple[str, ...]] = ()
    """What of a state is large: each is sent once, and before the rest, in a trait of its name."""

    def show(self, state: Mapping[str, Any]) -> None:
        """Send a state to the browser."""
        rest = dict(state)
        for name in self.apart:
            if name in rest:
                self.set_trait(name, {**rest.pop(name), "version": rest["version"]})
        self.state = rest


class CutsTab(Tab):
    """Draw a graph, and walk through the regions of its network."""

    _esm = _read("common.js", "export.js", "graph.js", "bounds.js", "cuts.js")
    _css = _read("page.css")
    apart = ("walk",)
    walk: Any = traitlets.Dict().tag(sync=True)


class Race(Tab):
    """The lesson's last step, below the first tab."""

    _esm = _read("common.js", "export.js", "race.js")
    _css = _read("page.css")


class RegionsTab(Tab):
    """Edit a small network and see its regions."""

    _esm = _read("common.js", "export.js", "plane.js", "table.js", "regions.js")
    _css = _read("page.css", "regions.css")
    apart = ("picture", "file")
    picture: Any = traitlets.Dict().tag(sync=True)
    file: Any = traitlets.Dict().tag(sync=True)
    examples: Any = traitlets.List().tag(sync=True)


class ReductionsTab(Tab):
    """Formulas, independent sets, quadratics."""

    _esm = _read(
        "common.js", "export.js", "graph.js", "bounds.js", "networks.js", "formulas.js", "matrices.js", "reductions.js"
    )
    _css = _read("page.css")
    apart = ("picture",)
    picture: Any = traitlets.Dict().tag(sync=True)


class ColoursTab(Tab):
    """Cliques with a vertex of each colour: one input per colour."""

    _esm = _read("common.js", "export.js", "plane.js", "colours.js")
    _css = _read("page.css", "regions.css")
    apart = ("picture",)
    picture: Any = traitlets.Dict().tag(sync=True)
