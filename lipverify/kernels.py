"""How loops are compiled: by numba, cached on disk where there is a place for it. Nothing imports this at start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_REORDER = {"reassoc", "contract", "nsz", "arcp"}


def compiled(function: F) -> F:
    """The function, compiled at its first call."""
    return _compiled(function, _OPTIONS)


def reordered(function: F) -> F:
    """The same, with sums in any order; no more than that, NaN and infinity stay what they are. For proposals."""
    return _compiled(function, {**_OPTIONS, "fastmath": _REORDER})


def on_disk(function: Any) -> bool:
    """Whether a compiled function's code is on the disk already, so that it is loaded in a moment."""
    index = getattr(getattr(function, "_cache", None), "_cache_file", None)  # numba has no public word for it
    return bool(hasattr(index, "_load_index") and index._load_index())


def _compiled(function: Any, options: dict[str, Any]) -> Any:
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither beside the file nor in the user's cache folder may be written
        return numba.njit(**options)(function)
