"""The line on stderr that shows what is going on, when somebody can see it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console

import lipverify as lv
from lipverify.report import digits_down, digits_up


@contextmanager
def status() -> Generator[Callable[[str], None] | None]:
    """A callback for what to show; None when stderr is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with console.status("reading") as line:
        yield lambda text: line.update(text.replace("[", "\\["))


@contextmanager
def progress() -> Generator[Callable[[str, lv.Bound], None] | None]:
    """A callback for a method's name and its bound so far; None when stderr is no terminal."""
    with status() as show:
        if show is None:
            yield None
        else:
            yield lambda name, bound: show(f"{name}: [{digits_down(bound.lower)}, {digits_up(bound.upper)}]")
