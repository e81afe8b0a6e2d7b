"""The tightness suite: some thirty named networks whose exact constants are known.

Random weights are drawn by the standard library's generator, whose sequence is the same in every version,
and rounded to multiples of 2⁻¹⁰, so that a name means one network on every machine. Exact constants are
kept in exact.json by network digest, domain and norm: with the point at which they are attained, which
proves the lower side, and for the upper side the method that visited every activation region.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from lipverify import verbs
from lipverify.domain import Ball, Box, Domain, Everywhere, Polytope
from lipverify.errors import InvalidArgument
from lipverify.hardness.staircases import unreachable
from lipverify.network import Network
from lipverify.norms import NormPair, norm_pair
from lipverify.readers import load
from lipverify.samples import path as sample_path
from lipverify.testing.families import Edge, complete, cycle, max_cut
from lipverify.trusted.rounding import float_down, float_up
from lipverify.writing import write_whole

EXACT = Path(__file__).with_name("exact.json")
GRID = 2.0**-10


@dataclass(frozen=True)
class Case:
    """One question of the suite: a named network, a domain, a norm.

    Attributes
    ----------
    name, family
        The network's name, and the kind of network that it is.
    """

    name: str
    family: str
    network: Network
    norm: NormPair
    domain: Domain

    @property
    def key(self) -> tuple[str, str, str]:
        """Network, domain and norm, as a baseline writes them."""
        return self.name, domain_text(self.domain), str(self.norm)


@dataclass(frozen=True)
class Known:
    """An exact constant: rationals around it at most one unit in the 53rd place apart, and what proves them."""

    low: Fraction
    high: Fraction
    method: str
    regions: int | None
    point: tuple[Fraction, ...]

    @cached_property
    def upper(self) -> float:
        """The least float64 ≥ L."""
        return float_up(self.high)

    @cached_property
    def lower(self) -> float:
        """The greatest float64 ≤ L."""
        return float_down(self.low)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        numbers = {"low": str(self.low), "high": str(self.high), "point": [str(t) for t in self.point]}
        return numbers | {"method": self.method, "regions": self.regions}

    @classmethod
    def of_dict(cls, data: Mapping[str, Any]) -> Known:
        """The inverse of `to_dict`."""
        point = tuple(Fraction(t) for t in data["point"])
        return cls(Fraction(data["low"]), Fraction(data["high"]), data["method"], data["regions"], point)


def exact_constant(case: Case) -> Known:
    """Compute a case's constant anew."""
    bound = verbs.exact(case.network, "enumeration", p=case.norm, domain=case.domain)
    assert bound.enclosure is not None
    assert bound.witness is not None
    return Known(*bound.enclosure, bound.method, bound.regions, bound.witness.point)


class Exacts:
    """Exact constants by network digest, domain and norm; what is missing is computed, once."""

    def __init__(self, path: Path = EXACT) -> None:
        stored = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        self._known = {key: Known.of_dict(entry) for key, entry in stored.items()}

    def __call__(self, case: Case) -> Known:
        key = cache_key(case)
        if key not in self._known:
            self._known[key] = exact_constant(case)
        return self._known[key]


def cache_key(case: Case) -> str:
    """What an exact constant depends on."""
    return f"{case.network.digest} {domain_text(case.domain)} {case.norm}"


def write_exacts(cases: Iterable[Case], path: Path = EXACT) -> None:
    """Compute every case's constant and write them all."""
    entries = {cache_key(case): exact_constant(case).to_dict() for case in cases}
    write_whole(path, (json.dumps(dict(sorted(entries.items())), indent=1) + "\n").encode())


def domain_text(domain: Domain) -> str:
    """A domain without blanks: everywhere, LO:HI for a cube, or all limits."""
    if isinstance(domain, Everywhere):
        return "everywhere"
    if isinstance(domain, Polytope):
        return f"{domain.A.tolist()}≤{domain.b.tolist()}".replace(" ", "")
    if isinstance(domain, Ball):
        return f"{domain.center.tolist()}±{domain.radius!r}".replace(" ", "")
    limits = list(zip(domain.lower.tolist(), domain.upper.tolist(), strict=True))
    short = limits[:1] if len(set(limits)) == 1 else limits
    return ",".join(f"{low:g}:{high:g}" for low, high in short)


def suite() -> tuple[Case, ...]:
    """Every case: each network everywhere for p = 2 and on a box for p = inf; those on which boxes decide neurons, and
    whose constants are roots of rationals, on the box for p = 2 as well."""
    cases: list[Case] = []
    for name, family, net in _networks():
        radius = RADII.get(name, 1.0)
        low = 0.0 if name == "iris" else -radius
        box = Box([low] * net.input_dim, [radius] * net.input_dim)
        cases.append(Case(name, family, net, norm_pair(2), Everywhere()))
        cases.append(Case(name, family, net, norm_pair(math.inf), box))
        if family in LOCAL and net.output_dim == 1:
            cases.append(Case(name, family, net, norm_pair(2), box))
    return tuple(cases)


def cases_of(
    networks: Mapping[str, Network] | None = None, p: Any = None, domain: Domain | None = None
) -> tuple[Case, ...]:
    """The suite's cases, or other questions: other networks, another norm, another domain.

    Raises
    ------
    InvalidArgument
        Where no network has the domain's dimension, or there are none; and for a norm that is none.
    """
    if networks is None and p is None and domain is None:
        return suite()
    named = _networks() if networks is None else [(name, "given", net) for name, net in networks.items()]
    norm, where = norm_pair(2 if p is None else p), Everywhere() if domain is None else domain
    found = [Case(*of, norm, where) for of in named if where.dimension in (None, of[2].input_dim)]
    if not found:
        raise InvalidArgument(f"no network of the suite fits the domain {where}: it has {where.dimension} coordinates")
    return tuple(found)


RANDOM = (
    (2, 8, 1),
    (3, 8, 1),
    (4, 8, 1),
    (2, 16, 1),
    (2, 24, 1),
    (3, 12, 3),
    (2, 6, 6, 1),
    (2, 8, 8, 1),
    (3, 6, 6, 1),
    (3, 8, 8, 2),
    (2, 10, 10, 3),
    (1, 8, 8, 1),
    (2, 6, 6, 6, 1),
    (2, 5, 5, 5, 5, 2),
    (1, 4, 4, 4, 4, 4, 1),
)
LOCAL = ("random", "other slopes", "unreachable")
RADII = {"iris": 8.0, "staircase-1x3": 3.0, "staircase-2x2": 2.0, "staircase-3x2": 2.0}
GRAPHS: Mapping[str, list[Edge]] = {
    "cut-triangle": complete(3),
    "cut-path-5": [(0, 1), (1, 2), (2, 3), (3, 4)],
    "cut-cycle-5": cycle(0, 1, 2, 3, 4),
    "cut-cycle-6": cycle(0, 4, 2, 1, 3, 5),
    "cut-complete-4": complete(4),
    "cut-complete-5": complete(5),
    "cut-star-4": [(0, 1), (0, 2), (0, 3), (0, 4)],
    "cut-prism": [*cycle(0, 1, 2), *cycle(3, 4, 5), (0, 3), (1, 4), (2, 5)],
}


def _networks() -> list[tuple[str, str, Network]]:
    """(name, family, network)."""
    listed = [
        (f"random-{'-'.join(map(str, sizes))}", "random", random_network(sizes, k)) for k, sizes in enumerate(RANDOM)
    ]
    listed += [(name, "max-cut", max_cut(edges)) for name, edges in GRAPHS.items()]
    never = Network([[[1], [-1]], [[2, -1], [-1, 3]], [[1, 1]]], [[-1, -1], [-1, -1], [0]])
    listed += [
        ("identity-from-relu", "degenerate", Network([[[1], [-1]], [[1, -1]]])),
        ("all-active-at-0", "degenerate", Network([[[1, 0], [0, 1], [-1, -1]], [[1, 1, -1]]])),
        ("zero-on-half-lines", "degenerate", Network([[[1], [-1]], [[1, 0], [0, 1]], [[1, 5]]])),
        ("never-all-active", "degenerate", never),
        ("leaky-2-6-6-1", "other slopes", random_network((2, 6, 6, 1), 40, slopes=(0.125, 1.0))),
        ("abs-2-5-5-1", "other slopes", random_network((2, 5, 5, 1), 41, slopes=(-1.0, 1.0))),
        ("staircase-1x3", "unreachable", unreachable(1, 3).network),
        ("staircase-2x2", "unreachable", unreachable(2, 2).network),
        ("staircase-3x2", "unreachable", unreachable(3, 2).network),
        ("iris", "trained", load(sample_path("iris"))),
    ]
    return listed


def random_network(sizes: tuple[int, ...], seed: int, slopes: tuple[float, float] = (0.0, 1.0)) -> Network:
    """Weights and biases uniform in ±√(3 / fan-in), rounded to the grid."""
    random = Random(f"lipverify suite {seed}")

    def draw(limit: float) -> float:
        return round((2 * random.random() - 1) * limit / GRID) * GRID

    weights, biases = [], []
    for n, m in pairwise(sizes):
        limit = math.sqrt(3 / n)
        weights.append([[draw(limit) for _ in range(n)] for _ in range(m)])
        biases.append([draw(limit) for _ in range(m)])
    return Network(weights, biases, [[slopes] * m for m in sizes[1:-1]])
