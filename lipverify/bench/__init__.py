"""Benchmarks: `lipverify bench NAME` runs `main(argv)` of the module listed here."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

from lipverify.errors import InvalidArgument

BENCHMARKS = {
    "autolip": "AutoLip with certified norms on AlexNet's architecture: seconds and memory",
    "certificates": "what a proof costs: seconds to solve, certify and check, bytes per step",
    "claims": "how much sooner than the exact constant claims are settled that are a tenth off",
    "enumeration": "regions per second of the enumeration, and what a cold process costs",
    "exact": "branch and bound: published networks, maximum cuts, boxes; branching and growth",
    "hardness": "what exactness costs on max-cut networks as they grow, and what estimators give instead",
    "local": "bounds on boxes: many at once against one by one, and how tight they are",
    "seqlip": "seconds per pair of layers for SeqLip's search, and the gap it leaves",
    "paper": "the experiments of the NeurIPS 2018 paper, with the exact constants beside them",
    "published": "published tables, with exact constants or proved intervals beside their numbers",
    "milp": "strength of the mixed-integer program, and seconds to the exact constant",
}


def run(name: str, argv: Sequence[str] = ()) -> int:
    """Run a benchmark with its own arguments and return its exit code; Ctrl-C leaves what was measured by then.

    Raises
    ------
    InvalidArgument
        For a name that is not in `BENCHMARKS`.
    """
    return int(load(name)(list(argv)))


def load(name: str) -> Callable[[list[str]], Any]:
    """What runs a benchmark.

    Raises
    ------
    InvalidArgument
        For a name that is not in `BENCHMARKS`.
    """
    if name not in BENCHMARKS:
        raise InvalidArgument(f"there is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}")
    main: Callable[[list[str]], Any] = getattr(importlib.import_module(f"lipverify.bench.{name}"), "main")  # noqa: B009
    return main
