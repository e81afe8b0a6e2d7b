"""How far away the compiled engine is, told by a look at the disk: asking numba would take as long as loading it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).parents[2]
PARTS = {
    "engine": ("dive.dive",),
    "trusted": (
        "evidence_forms.judge",
        "evidence_cones.judge_on_cones",
        "evidence_passes.read",
        "evidence_blocks.read_blocks",
        "evidence_replay._replay",
        "evidence_replay._reach",
    ),
}
"""By folder, the module and the name of every function that is compiled."""


def stored(package: Path = _PACKAGE) -> bool | None:
    """Whether compiled code of everything lies beside its sources and is newer than they are.

    None where numba keeps it elsewhere, so that this cannot tell.
    """
    if os.environ.get("NUMBA_CACHE_DIR", "") != "":
        return None
    if all(_newer(package / folder, name) for folder, names in PARTS.items() for name in names):
        return True
    places = (package / folder / "__pycache__" for folder in PARTS)
    return False if all(os.access(p if p.exists() else p.parent, os.W_OK) for p in places) else None


def _newer(folder: Path, name: str) -> bool:
    python = f"py{sys.version_info.major}{sys.version_info.minor}"
    found = [file.stat().st_mtime for file in (folder / "__pycache__").glob(f"{name}-*.{python}*.nbi")]
    return max(found, default=0.0) >= max(file.stat().st_mtime for file in folder.glob("*.py"))
