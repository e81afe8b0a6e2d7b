"""lipverify bench"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lipverify.bench import BENCHMARKS, run
from lipverify.cli.printing import say


def bench(
    name: Annotated[str | None, Parameter(help="Which one; without it, they are listed.")] = None,
    /,
    *arguments: Annotated[str, Parameter(allow_leading_hyphen=True, help="Its own arguments.")],
) -> int:
    """Run a benchmark."""
    if name is None:
        for known, purpose in BENCHMARKS.items():
            say(f"{known}: {purpose}")
        return 0
    return run(name, arguments)
