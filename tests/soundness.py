"""Every rigorous upper method held to the exact constant on many small networks: each is drawn, and solved, once.

    python -m tests.soundness everywhere 2 10000        # 10,000 networks on the whole space, p = 2
    python -m tests.soundness bounded 2 10000           # on boxes, balls and polytopes: the methods that look at them
    python -m tests.soundness bounded inf 10000 7       # another norm, another seed

Half of the networks have any two slopes, and many are degenerate. What is judged, without any tolerance, is the least
of all bounds: one that is too low makes the least too low. Networks where the methods were asked are counted.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st

import lipverify as lv
from lipverify.bound import Rigor
from lipverify.catalogue import METHODS
from lipverify.norms import norm_pair
from lipverify.problem import Problem, supports
from lipverify.testing import InterruptedAudit, Report, audit, domains, networks

LOCAL = ("lipsdp", "eclipse-gen-local", "geolip", "interval", "crown")
"""Those that look at the domain, where it is bounded; the bounds of others are those of the whole space."""
SLOW = ("joint-sdp",)
"""To be audited alone, on fewer networks."""
BOUNDED: Mapping[str, Any] = MappingProxyType({"kinds": ["box", "ball", "polytope"]})


def rigorous() -> list[str]:
    """The upper methods of the catalogue that promise to be no lower than the constant."""
    return [info.name for info in lv.methods() if info.side == "upper" and info.rigor >= Rigor.ROUNDED]


@dataclass(frozen=True)
class Least:
    """The least of what methods say that support the question, as one estimator; who was asked is counted."""

    methods: tuple[str, ...]
    bounded: bool
    asked: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, bounded: bool) -> Least:
        """Of all methods but the slow ones; on bounded domains of those alone that look at them."""
        names = (name for name in rigorous() if name not in SLOW and (name in LOCAL or not bounded))
        return cls(tuple(names), bounded)

    def __call__(self, net: lv.Network, *, p: Any, domain: lv.Domain | None) -> float:
        problem = Problem(net, norm_pair(p), domain or lv.Everywhere())
        least = math.inf
        for name in self.methods:
            if supports(METHODS[name](), problem):
                self.asked[name] += 1
                least = min(least, lv.upper(net, name, p=p, domain=domain).upper)
        return least


def any_networks() -> st.SearchStrategy[lv.Network]:
    """ReLU networks, and those with any two slopes."""
    return st.booleans().flatmap(lambda slopes: networks(slopes=slopes))


def anywhere(dimension: int) -> st.SearchStrategy[lv.Domain]:
    """Bounded domains for the most part; polytopes may be unbounded."""
    return domains(dimension, **BOUNDED)


def held(
    least: Least, p: Any, count: int, seed: int = 0, on_progress: Callable[[int, int], Any] | None = None
) -> Report:
    """The audit's report on the least bound: on bounded domains for the methods that look at them."""
    where = anywhere if least.bounded else None
    options: dict[str, Any] = {"p": p, "domain": where, "seed": seed, "on_progress": on_progress}
    return audit(least, networks=any_networks(), max_examples=count, rtol=0, jobs=1, **options)


def main(where: str, p: str, count: int, seed: int = 0) -> int:
    """Print the report; 1 where there is a finding."""
    least = Least.of(where == "bounded")
    norm = math.inf if p == "inf" else int(p)
    try:
        report = held(least, norm, count, seed, lambda n, kinds: print(n, "networks,", kinds, "findings", flush=True))
    except InterruptedAudit as stop:
        report = stop.report
    print(report.text(), dict(least.asked), sep="\n")
    return int(bool(report.findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(int, sys.argv[4:5])))
