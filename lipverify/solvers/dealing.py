"""Parts of a search dealt out to a crew, and dealt out again where somebody was lost with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Generic, TypeVar, final

from lipverify.errors import WorkerLost
from lipverify.fanout import Crew

P = TypeVar("P")

_PATIENCE = 8
"""Processes that may end with a part: it may have been beside the one that ended them, or be it."""


@final
class Deal(Generic[P]):
    """What is with others: mutable, one per search.

    Attributes
    ----------
    away
        The parts that are dealt out, by number.
    """

    def __init__(self, crew: Crew) -> None:
        self.away: dict[int, P] = {}
        self._crew = crew
        self._number = 0
        self._lost: Counter[int] = Counter()
        self._held: list[Any] = []  # what was lost, so that no other object has its number

    @property
    def room(self) -> bool:
        """Whether more can be dealt out."""
        return self._crew.room > 0

    def out(self, part: P, task: Callable[[], Any]) -> None:
        """Deal a part out, as what is to be done with it."""
        self._number += 1
        self._crew.start(self._number, task)
        self.away[self._number] = part

    def back(self, seconds: float) -> tuple[list[tuple[P, Any]], list[P]]:
        """The parts that are done, with what came of them, and those that are to be dealt out again.

        Raises
        ------
        WorkerLost
            When one has ended its process again and again.
        """
        done, lost = [], []
        for number, value in self._crew.finished(seconds):
            part = self.away[number] if isinstance(value, WorkerLost) else self.away.pop(number)
            if not isinstance(value, WorkerLost):
                done.append((part, value))
                continue
            members = part if isinstance(part, tuple) else (part,)  # nodes are dealt out again with others
            self._held += members
            self._lost.update(map(id, members))
            times = max(self._lost[id(member)] for member in members)
            if times > _PATIENCE:
                raise WorkerLost(f"a part of the search was lost {times} times: {value}") from value
            lost.append(self.away.pop(number))
        return done, lost
