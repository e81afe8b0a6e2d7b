"""What Ctrl-C, SIGTERM and SIGHUP do to a command: they end it at once, then its work, then nothing any more.

While a command starts there is nothing to lose, and Python would answer with a traceback. While it works the library
keeps the interval. While it answers, and until the process has ended, signals only could spoil the answer.
A signal that this process was started to ignore (by nohup, in the background) stays ignored.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], Any]

NO_INTERVAL = 130
WORDS = "interrupted before anything was proved"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def guarded(*, last: bool) -> Generator[None]:
    """A command, from its start; at its end signals are as before, or ignored if it is the `last` of its process."""
    before = {number: signal.getsignal(number) for number in _heard()}
    _set(_leave)
    try:
        yield
    finally:
        if last:
            _set(signal.SIG_IGN)  # Python's end gives up handlers, but not this
        else:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def working() -> Generator[None]:
    """Work that KeyboardInterrupt may end; what follows is the answer."""
    _set(signal.default_int_handler)
    try:
        yield
    finally:
        _set(_ignore)


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, f"lipverify: error: {WORDS}\n".encode())
    os._exit(NO_INTERVAL)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Unlike SIG_IGN, this is not passed on to other programs that are started."""


def _set(handler: Handler | signal.Handlers) -> None:
    for number in _heard():
        signal.signal(number, handler)


def _heard() -> list[signal.Signals]:
    """The signals that are not ignored; none outside the main thread, where Python allows no handlers."""
    if threading.current_thread() is not threading.main_thread():
        return []
    return [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
