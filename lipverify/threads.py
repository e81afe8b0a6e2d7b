"""One thread for linear algebra: the matrices here are small, and threads that wait for each other are slow.

On a busy machine two BLAS threads on matrices of two hundred rows have been seen a hundred times slower than one.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@contextmanager
def single_threaded() -> Generator[None]:
    """A context in which BLAS uses one thread: a setting of the whole process, put back when the last one ends."""
    limit = _limit()
    limit.enter()
    try:
        yield
    finally:
        limit.leave()


class _Limit:
    """The process' limit, and how many callers want it: of concurrent ones, the last restores what the first found."""

    def __init__(self) -> None:
        import scipy.linalg  # noqa: F401  (brings its own BLAS)

        self._controller = ThreadpoolController()  # finding the libraries takes milliseconds, so it is done once
        self._lock = threading.Lock()
        self._callers = 0
        self._found: Any = None

    def enter(self) -> None:
        with self._lock:
            if not self._callers:
                self._disown()
                self._found = self._controller.limit(limits=1, user_api="blas")
            self._callers += 1

    def leave(self) -> None:
        with self._lock:
            self._callers -= 1
            if not self._callers:
                self._disown()
                self._found.restore_original_limits()
                self._disown()

    def _disown(self) -> None:
        """From threadpoolctl 3.8 on only the thread that set a limit can change it; here any of the callers' may."""
        for library in self._controller.lib_controllers:
            if hasattr(library, "clear_controlling_thread"):
                library.clear_controlling_thread(force=True)


_ONE = threading.Lock()


def _limit() -> _Limit:
    with _ONE:
        return _made()


@cache
def _made() -> _Limit:
    return _Limit()
