"""How loops are compiled: by numba, cached on disk where there is a place for it. Nothing imports this at start."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

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


def inner(function: F) -> F:
    """As `reordered`, for what only compiled code calls: no way in from Python and no cache of its own, either of
    which costs much of the time that compiling takes."""
    return _inner(function, {**_OPTIONS, "fastmath": _REORDER})


def inner_in_order(function: F) -> F:
    """As `compiled`, for what only compiled code calls. For proofs."""
    return _inner(function, _OPTIONS)


def _inner(function: F, options: dict[str, Any]) -> F:
    made: Any = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)
    return cast(F, made(function))


def on_disk(function: Any) -> bool:
    """Whether a compiled function's code is on the disk already, so that it is loaded in a moment."""
    file = _cache_file(function)
    return bool(hasattr(file, "_load_index") and file._load_index())


def place(function: Any) -> Path | None:
    """The file that says what of a compiled function is on the disk; None where nothing can be."""
    path = getattr(_cache_file(function), "_index_path", None)
    return None if path is None else Path(path)


def forget_older(function: Any, sources: Iterable[Path]) -> None:
    """Forget what is on the disk of a function if one of the files it was compiled from is newer.

    numba looks at the function's own file, and not at those of `inner` functions.
    """
    index = place(function)
    if index is not None and index.exists():
        written = index.stat().st_mtime
        if any(source.stat().st_mtime > written for source in sources):
            index.unlink(missing_ok=True)


@contextlib.contextmanager
def alone(function: Any) -> Generator[None]:
    """No other process compiles the function meanwhile: whoever waited finds it on the disk."""
    index = place(function)
    with contextlib.ExitStack() as stack:
        if index is not None:
            with contextlib.suppress(OSError):  # no folder, no locks there: then several compile
                file = stack.enter_context(open(index.with_suffix(".lock"), "w"))
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _cache_file(function: Any) -> Any:
    return getattr(getattr(function, "_cache", None), "_cache_file", None)  # numba has no public word for it


def _compiled(function: Any, options: dict[str, Any]) -> Any:
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither beside the file nor in the user's cache folder may be written
        return numba.njit(**options)(function)
