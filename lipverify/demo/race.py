"""The page's race: exact methods and estimators on ever larger problems, timed here and now, and what the lines say.

Two families: maximum cuts of random graphs, where branch and bound leaves enumeration far behind, and independent sets
of cycles, where it does not. Whatever is drawn was measured; a line through it is a guess about larger members.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import networkx as nx
import numpy as np

import lipverify as lv
from lipverify.demo.stream import Stop

CAP = 5.0  # seconds a method may take on one problem; then it has left the race
FLOOR = 2e-3  # seconds below which a time says nothing about growth
FITTED = 4  # the largest problems, through which a line is drawn
REACH = 1.5
"""How many times farther than its last measurement a line is drawn for a search; regions, which are counted by a
formula, are extrapolated as far as the axis goes."""
TARGETS = (20, 40, 60, 100)  # vertices that the lines are asked about
YEAR = 365.25 * 86400
UNIVERSE = 13.8e9 * YEAR
EXACT = ("enumeration", "branch-and-bound")


@dataclass(frozen=True)
class Family:
    """Problems by their number of vertices."""

    what: str
    sizes: tuple[int, ...]
    make: Callable[[int], Any]
    estimators: tuple[str, ...]
    moral: str


def _cut(n: int) -> Any:
    return lv.hardness.maxcut(nx.gnp_random_graph(n, 0.5, seed=1000 * n))


def _set(n: int) -> Any:
    return lv.hardness.independent_set(nx.cycle_graph(n))


FAMILIES = {
    "cuts": Family(
        "maximum cuts of random graphs, every edge with probability ½",
        (4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52),
        _cut,
        ("autolip", "lipsdp"),
        "Here branch and bound wins: a good bound cuts most of the tree off. It only bends the curve, which still "
        "grows by a factor with every few vertices, and lines through small graphs flatter it: Biq Mac, a solver "
        "written for nothing but maximum cuts, took up to 70 minutes at 100 vertices of this kind.",
    ),
    "sets": Family(
        "largest independent sets of cycles",
        (3, 4, 5, 6, 7, 8, 9, 10),
        _set,
        ("autolip",),
        "Here branch and bound does not help: no bound sees that neighbours exclude each other, so nothing is cut off, "
        "and every node costs more than a region does.",
    ),
}


@dataclass
class Runner:
    """One method in the race."""

    name: str
    points: list[tuple[int, float]] = field(default_factory=list)
    left: int | None = None
    """The size that it did not finish within `CAP` seconds."""

    @property
    def exact(self) -> bool:
        """Whether its answers are exact."""
        return self.name in EXACT

    def line(self) -> tuple[float, float] | None:
        """(a, b) of log10 seconds ≈ a + b n through the largest problems; None where it does not grow yet."""
        points = [(n, s) for n, s in self.points if s >= FLOOR][-FITTED:]
        if not self.exact or len(points) < 3:
            return None
        slope, start = np.polyfit([n for n, _ in points], [math.log10(s) for _, s in points], 1)
        return (float(start), float(slope)) if slope > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for the page."""
        line = self.line()
        last = self.points[-1][0] if self.points else 0
        reach = TARGETS[-1] if self.name == "enumeration" else REACH * last
        told: list[list[Any]] = []
        if line is not None:
            asked = [n for n in TARGETS if last < n <= reach] or [round(reach)]
            told = [[n, duration(10 ** min(300.0, line[0] + line[1] * n))] for n in asked]
        factor = None if line is None else float(f"{10 ** line[1]:.3g}")
        measured = [[n, seconds] for n, seconds in self.points]
        return {
            "name": self.name,
            "exact": self.exact,
            "points": measured,
            "left": self.left,
            "line": line,
            "reach": reach,
            "factor": factor,
            "told": told,
        }


def study(request: Mapping[str, Any], stop: Stop = lambda: False) -> Iterator[dict[str, Any]]:
    """States of the race, one after every measurement; the last has phase "done".

    A request names its "family", or asks to "stop".
    """
    version, name = request.get("version", 0), str(request.get("family"))
    if request.get("stop"):
        return
    if name not in FAMILIES:
        yield {"version": version, "error": f"there is no family {name[:20]!r}"}
        return
    family = FAMILIES[name]
    runners = [Runner(method) for method in (*family.estimators, *EXACT)]

    def state(phase: str) -> dict[str, Any]:
        common = {"version": version, "family": name, "what": family.what, "cap": CAP, "phase": phase}
        return common | {"moral": family.moral, "runners": [runner.to_dict() for runner in runners]}

    yield state("warming up")
    small = family.make(family.sizes[0])
    for runner in runners:  # what is loaded on first use is not what is measured
        _time(small, runner, stop)
    for n in family.sizes:
        problem = family.make(n)
        for runner in runners:
            if runner.left is not None or (not runner.exact and all(r.left for r in runners if r.exact)):
                continue
            bound = _time(problem, runner, stop)
            if stop():
                return
            if runner.exact and bound.status is not lv.Status.EXACT:
                runner.left = n
            else:
                runner.points.append((n, bound.seconds))
            yield state("racing")
    yield state("done")


def _time(problem: Any, runner: Runner, stop: Stop) -> lv.Bound:
    verb = lv.exact if runner.exact else lv.upper
    return verb(problem.network, runner.name, p=problem.p, time_limit=CAP, on_progress=lambda _: stop())


def duration(seconds: float) -> str:
    """A time as people say it, to one or two digits."""
    if seconds < 1:
        return f"{max(1, round(1000 * seconds))} ms"
    for unit, size in (("second", 60.0), ("minute", 3600.0), ("hour", 86400.0), ("day", YEAR)):
        one = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}[unit]
        if seconds < size:
            number = max(1, round(seconds / one))
            return f"{number} {unit}{'' if number == 1 else 's'}"
    years = seconds / YEAR
    if seconds > UNIVERSE:
        return "longer than the universe is old"
    if years < 10_000:
        number = round(float(f"{years:.2g}"))
        return f"{number:,} year{'' if number == 1 else 's'}".replace(",", " ")
    digits, power = f"{years:.0e}".split("e")
    return f"{digits} · 10{str(int(power)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))} years"
