"""Where benchmarks print their tables, and how: whole at the end, or at Ctrl-C with the rows that there are."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from lipverify.progress import Show, status


def stdout() -> Console:
    """stdout: as wide as the terminal, and wide enough for any table where it is a file or a pipe."""
    console = Console()
    return console if console.is_terminal else Console(width=400)


@contextmanager
def printed(console: Console, *tables: Table) -> Generator[Show]:
    """Tables to fill, printed in the end whatever ends it; the callback shows what is going on meanwhile."""
    try:
        with status() as show:
            yield show
    finally:
        for table in tables:
            if table.row_count:
                console.print(table)
