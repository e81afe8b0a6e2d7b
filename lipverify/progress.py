"""What is going on, on stderr: one line that changes on a terminal, elsewhere a new one now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeAlias

from lipverify.bound import Bound
from lipverify.report import digits_down, digits_up
from lipverify.text import in_ascii, printable

Show: TypeAlias = Callable[[str], None]
FIRST = 30.0
"""Seconds before a pipe hears anything; then the silence doubles, up to `LONGEST`."""
LONGEST = 300.0


def silent(text: str) -> None:
    """Show nothing."""


class Lines:
    """New lines on stderr, more and more rarely.

    Parameters
    ----------
    first
        Seconds until the first one.
    """

    def __init__(self, first: float = FIRST) -> None:
        self._started = time.monotonic()
        self._pause = first
        self._next = self._started + first

    def __call__(self, text: str) -> None:
        """Say this, if it is time to say something."""
        now = time.monotonic()
        if now < self._next:
            return
        line = f"{now - self._started:.0f} s: {printable(text)}\n"
        sys.stderr.write(in_ascii(line, getattr(sys.stderr, "encoding", None) or "utf-8"))
        sys.stderr.flush()
        self._next = now + self._pause
        self._pause = min(2 * self._pause, LONGEST)


@contextmanager
def status(first: float = FIRST) -> Generator[Show]:
    """A callback for what to show."""
    if not sys.stderr.isatty():
        yield Lines(first)
        return
    from rich.console import Console

    console = Console(stderr=True)
    with console.status("reading") as line:
        yield lambda text: line.update(printable(text).replace("[", "\\["))


def interval(bound: Bound) -> str:
    """What is known by now."""
    return f"{bound.method}: [{digits_down(bound.lower)}, {digits_up(bound.upper)}]"


@contextmanager
def narrated(verbose: bool, on_progress: Callable[[Bound], Any] | None) -> Generator[Callable[[Bound], Any] | None]:
    """A verb's callback for progress that shows it too, if that is wanted."""
    if not verbose:
        yield on_progress
        return
    with status(first=1.0) as show:

        def told(bound: Bound) -> Any:
            show(interval(bound))
            return None if on_progress is None else on_progress(bound)

        yield told
