"""The part that is drawn: a graph one can edit, and what is known about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets

_STATIC = Path(__file__).parent / "static"


class CutPage(anywidget.AnyWidget):
    """The max-cut page. The browser writes `request`, Python answers in `state` and `walk`."""

    _esm = (_STATIC / "cut.js").read_text(encoding="utf-8")
    _css = (_STATIC / "cut.css").read_text(encoding="utf-8")
    request: Any = traitlets.Dict().tag(sync=True)
    state: Any = traitlets.Dict().tag(sync=True)
    walk: Any = traitlets.Dict().tag(sync=True)
