"""The parts that are drawn: the bar of tabs, and one widget a tab."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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

    def show(self, state: Mapping[str, Any]) -> None:
        """Send a state to the browser."""
        self.state = dict(state)


class CutsTab(Tab):
    """Draw a graph; what is large, the walk through its regions, is sent once and apart."""

    _esm = _read("common.js", "cuts.js")
    _css = _read("page.css")
    walk: Any = traitlets.Dict().tag(sync=True)

    def show(self, state: Mapping[str, Any]) -> None:
        """Send a state to the browser, its walk first."""
        rest = dict(state)
        if "walk" in rest:
            self.walk = {**rest.pop("walk"), "version": rest["version"]}
        super().show(rest)


class RegionsTab(Tab):
    """Edit a small network and see its regions; the polygons and the file are sent once and apart."""

    _esm = _read("common.js", "plane.js", "table.js", "regions.js")
    _css = _read("page.css", "regions.css")
    picture: Any = traitlets.Dict().tag(sync=True)
    file: Any = traitlets.Dict().tag(sync=True)
    examples: Any = traitlets.List().tag(sync=True)

    def show(self, state: Mapping[str, Any]) -> None:
        """Send a state to the browser, its picture and its file first."""
        rest = dict(state)
        if "picture" in rest:
            self.picture = {**rest.pop("picture"), "version": rest["version"]}
        if "file" in rest:
            self.file = {"text": rest.pop("file"), "version": rest["version"]}
        super().show(rest)
