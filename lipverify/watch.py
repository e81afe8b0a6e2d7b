"""Where a call may be stopped, because its time is up or somebody pressed Ctrl-C: at `tick`, and nowhere else.

Long steps call `tick` between pieces of work of a fraction of a second. So a time limit holds inside the longest step
of a method, and Ctrl-C never strikes where it would be lost: inside compiled code, a foreign callback, a destructor.
Outside of a verb `tick` does nothing. Like the context of `decimal`, the watch belongs to a thread, not to the module.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import TypeVar, final

T = TypeVar("T")

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class OutOfTime(BaseException):
    """The time of the watch is up: like KeyboardInterrupt, nothing that `except Exception` should keep."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch


@final
class Watch:
    """A deadline on the clock of `time.monotonic`, and whether somebody asked to stop.

    Attributes
    ----------
    deadline
        When `tick` raises OutOfTime; inf for never.
    """

    def __init__(self, deadline: float, above: Watch | None) -> None:
        self.deadline = deadline
        self._above = above
        self._signals = 0

    @property
    def stopped(self) -> bool:
        """Whether a signal has come."""
        return bool(self._signals) or (self._above is not None and self._above.stopped)

    def look(self) -> None:
        """Raise what is due, for the outermost watch that it is due for."""
        if self._above is not None:
            self._above.look()
        if self._signals:
            raise KeyboardInterrupt
        if time.monotonic() >= self.deadline:
            raise OutOfTime(self)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        """The first signal waits for the next `tick`; who sends another will not wait."""
        self._signals += 1
        if self._signals > 1:
            signal.default_int_handler(number, frame)


_CURRENT: ContextVar[Watch | None] = ContextVar("watch", default=None)


def tick() -> None:
    """Raise OutOfTime when the time of a verb or of a part of it is up, KeyboardInterrupt when Ctrl-C was pressed."""
    watch = _CURRENT.get()
    if watch is not None:
        watch.look()


@contextmanager
def until(deadline: float) -> Generator[Watch]:
    """Work with a deadline, within those that there are."""
    watch = Watch(deadline, _CURRENT.get())
    token = _CURRENT.set(watch)
    try:
        yield watch
    finally:
        _CURRENT.reset(token)


def within(deadline: float, steps: Iterator[T]) -> Iterator[T]:
    """What comes until the deadline, which cuts short what is under way then."""
    while True:
        with until(deadline) as watch:
            try:
                found = next(steps)
            except StopIteration:
                return
            except OutOfTime as over:
                if over.watch is watch:
                    return
                raise
        yield found


@contextmanager
def listening() -> Generator[Watch]:
    """Keep Ctrl-C for the next `tick`, and every signal that would raise KeyboardInterrupt as Ctrl-C does.

    Those whose handler is Python's own, in the main thread; whoever has a handler of their own keeps it.
    """
    with until(float("inf")) as watch:
        heard = [s for s in _SIGNALS if _raises(s)]
        for number in heard:
            signal.signal(number, watch._signalled)
        try:
            yield watch
        finally:
            for number in heard:
                signal.signal(number, signal.default_int_handler)


def _raises(number: int) -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and signal.getsignal(number) is signal.default_int_handler
