"""Pieces of work in threads, for work that lets go of the interpreter; one alone stays in this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Generic, Self, TypeVar, final

H = TypeVar("H")
R = TypeVar("R")


@final
class Crew(Generic[H, R]):
    """Work is started with one of the hands that are free, and whoever started it collects what comes out.

    Parameters
    ----------
    hands
        What a piece of work has for itself while it lasts; so many of them run at a time.
    """

    def __init__(self, hands: Sequence[H]) -> None:
        self._free = list(hands)
        self._pool = ThreadPoolExecutor(len(hands)) if len(hands) > 1 else None
        self._running: dict[Future[R], H] = {}

    @property
    def busy(self) -> bool:
        """Whether anything has been started and not been collected."""
        return bool(self._running)

    @property
    def idle(self) -> bool:
        """Whether hands are free."""
        return bool(self._free)

    def start(self, work: Callable[[H], R]) -> None:
        """Start a piece of work; with one pair of hands it is done when this returns."""
        hands = self._free.pop()
        if self._pool is not None:
            self._running[self._pool.submit(work, hands)] = hands
            return
        done: Future[R] = Future()
        done.set_result(work(hands))
        self._running[done] = hands

    def finished(self, seconds: float) -> list[R]:
        """What is done, waiting so long for the first of it; raises what a piece of work raised."""
        done = wait(self._running, timeout=seconds, return_when=FIRST_COMPLETED).done
        for future in done:
            self._free.append(self._running.pop(future))
        return [future.result() for future in done]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for what is running; what comes out is nobody's."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
