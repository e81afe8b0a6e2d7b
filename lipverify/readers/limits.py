"""How much a reader may take in or build: one limit for every format, looked at before anything is allocated.

A few bytes can describe an array of any size. Readers ask here first; within `budget`, which every reading enters,
what is asked for adds up.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar

from lipverify.errors import InvalidNetwork, UnsupportedLayer

MOST_NUMBERS = 2**27
"""Of float64 numbers that one reading may write out: 1 GiB."""
MOST_BYTES = 8 * MOST_NUMBERS
"""Of a file, unpacked."""
MOST_NODES = 20_000
"""Of operators in a graph."""

_spent: ContextVar[int | None] = ContextVar("numbers written out by this reading", default=None)


@contextmanager
def budget() -> Generator[None]:
    """One reading: what is required within adds up; inside another reading nothing new begins."""
    if _spent.get() is not None:
        yield
        return
    token = _spent.set(0)
    try:
        yield
    finally:
        _spent.reset(token)


def require_numbers(shape: Iterable[int], what: str = "a layer") -> None:
    """Claim an array of numbers.

    Raises
    ------
    UnsupportedLayer
        When it would be larger than the limit, alone or with what was claimed before.
    """
    axes = list(shape)
    before, size = _spent.get(), math.prod(axes)
    total = size + (before or 0)
    if total > MOST_NUMBERS:
        beside = f" beside {before} others" if before is not None and before > 0 else ""
        raise UnsupportedLayer(
            f"{what} needs an array of {' × '.join(map(str, axes))} numbers{beside}; the readers stop at {MOST_NUMBERS}"
        )
    if before is not None:
        _spent.set(total)


def require_nodes(count: int) -> None:
    """Refuse a graph of too many operators.

    Raises
    ------
    UnsupportedLayer
        Naming the number and the limit.
    """
    if count > MOST_NODES:
        raise UnsupportedLayer(f"the graph has {count} nodes; the readers stop at {MOST_NODES}")


def require_unpacked(sizes: Iterable[int], names: Iterable[str], what: str) -> None:
    """Refuse an archive that unfolds into too much, or holds two entries of one name.

    Raises
    ------
    InvalidNetwork
        Naming the size and the limit, or the entry.
    """
    total = sum(sizes)
    if total > MOST_BYTES:
        raise InvalidNetwork(f"{what} unfolds into {total} bytes; the readers stop at {MOST_BYTES}")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidNetwork(f"{what} holds two entries {name!r}")
        seen.add(name)
