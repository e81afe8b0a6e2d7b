"""The loop: an open node is taken apart, and its children are dealt with or become open nodes themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from lipverify.search.effort import Effort
from lipverify.search.fate import Fate
from lipverify.search.frontier import Frontier, Open

N = TypeVar("N", bound=Open)


class Space(Protocol[N]):
    """What is searched."""

    def still_open(self, node: N) -> bool:
        """Whether a node that was open is still worth taking apart; the incumbent may have improved since."""
        ...

    def children(self, node: N) -> Iterable[tuple[Fate, N | None]]:
        """A node taken apart: the fate of each child, and the child itself where it is OPEN or a TIE."""
        ...


def expand(space: Space[N], frontier: Frontier[N], effort: Effort) -> Iterator[None]:
    """Take nodes apart until none is open; a pause after each."""
    while (node := frontier.pop()) is not None:
        if not space.still_open(node):
            effort.count(Fate.PRUNED)
            continue
        effort.nodes += 1
        siblings: list[N] = []
        for fate, child in space.children(node):
            effort.count(fate)
            if child is not None and fate is Fate.TIE:
                frontier.wait(child)
            elif child is not None:
                siblings.append(child)
        frontier.push(siblings)
        yield
