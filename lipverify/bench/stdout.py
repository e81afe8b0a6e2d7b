"""Where benchmarks print their tables."""

from __future__ import annotations

from rich.console import Console


def stdout() -> Console:
    """stdout: as wide as the terminal, and wide enough for any table where it is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=400)
