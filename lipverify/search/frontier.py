"""The open nodes of a search, in the order in which they are taken apart."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import Generic, Literal, Protocol, TypeAlias, TypeVar, final, get_args

from lipverify.errors import InvalidArgument

Order: TypeAlias = Literal["best-first", "depth-first", "plunging"]


def require_order(order: object) -> None:
    """Raise InvalidArgument when there is no such order."""
    if order not in get_args(Order):
        raise InvalidArgument(f"order must be one of {', '.join(map(repr, get_args(Order)))}; got {order!r}")


class Open(Protocol):
    """An open node."""

    @property
    def promise(self) -> float:
        """How large what it holds may be, as far as is known."""
        ...


N = TypeVar("N", bound=Open)


@final
class Frontier(Generic[N]):
    """Nodes come in as siblings, and go out one by one.

    Parameters
    ----------
    order
        "best-first" takes the node of the largest promise, which lowers the largest one as early as possible.
        "depth-first" dives: it takes the last sibling with the larger promise, and keeps little in memory.
        "plunging" dives from the node of the largest promise until nothing is left of the dive, and then again.
    memory
        Nodes beyond which every order goes on depth first.
    """

    def __init__(self, order: Order = "best-first", memory: int = 2**63) -> None:
        require_order(order)
        self._order, self._memory = order, memory
        self._stack: list[N] = []
        self._heap: list[tuple[float, int, N]] = []
        self._ties: list[N] = []
        self._ticket = itertools.count()

    def push(self, siblings: Iterable[N]) -> None:
        """Add the open children of one node."""
        ordered = sorted(siblings, key=lambda node: node.promise)
        dive = ordered[-1:] if self._order == "plunging" else ordered if self._order == "depth-first" else []
        for node in ordered[: len(ordered) - len(dive)]:
            if len(self._heap) < self._memory:
                heapq.heappush(self._heap, (-node.promise, next(self._ticket), node))
            else:
                self._stack.append(node)
        self._stack += dive

    def wait(self, node: N) -> None:
        """Add a node that is to be taken when no other one is left."""
        self._ties.append(node)

    def pop(self) -> N | None:
        """Take the next node out; None when no node is open."""
        if self._stack:
            return self._stack.pop()
        if self._heap:
            return heapq.heappop(self._heap)[2]
        return self._ties.pop() if self._ties else None

    def __iter__(self) -> Iterator[N]:
        """All open nodes, in no particular order."""
        yield from self._stack
        yield from (node for _, _, node in self._heap)
        yield from self._ties

    def __len__(self) -> int:
        return len(self._stack) + len(self._heap) + len(self._ties)
