"""lipverify bench"""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lipverify.bench import BENCHMARKS, load
from lipverify.cli.exits import LIMIT
from lipverify.cli.printing import say, say_aside
from lipverify.cli.signals import working


def bench(
    *words: Annotated[
        str, Parameter(allow_leading_hyphen=True, help="Which one, and its own arguments; without any, all are listed.")
    ],
) -> int:
    """Run a benchmark."""
    if not words or words[0] in ("--help", "-h"):
        say("Usage: lipverify bench NAME [ARGUMENTS]\n\nlipverify bench NAME --help lists the arguments of:\n")
        width = max(map(len, BENCHMARKS))
        for name, purpose in BENCHMARKS.items():
            say(f"{name:<{width}}  {purpose}")
        return 0
    main = load(words[0])
    try:
        with working():
            return int(main(list(words[1:])))
    except KeyboardInterrupt:
        say_aside("interrupted: what stands above was measured, the rest was not")
        return LIMIT
