"""One thread for linear algebra: the matrices here are small, and threads that wait for each other are slow.

On a busy machine two BLAS threads on matrices of two hundred rows have been seen a hundred times slower than one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


def single_threaded() -> AbstractContextManager[Any]:
    """A context in which BLAS uses one thread; the whole process' setting, put back at the end."""
    return _controller().limit(limits=1, user_api="blas")


@cache
def _controller() -> ThreadpoolController:
    """The libraries that are loaded; finding them takes milliseconds, so it is done once."""
    import scipy.linalg  # noqa: F401  (brings its own BLAS)

    return ThreadpoolController()
