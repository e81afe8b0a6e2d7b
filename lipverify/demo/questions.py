"""The three problems of the page's third tab, each with its network, its methods and its answer in words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, Protocol, TypeAlias, final

import lipverify as lv
from lipverify.demo import cuts
from lipverify.demo.inputs import Formula, read_formula, read_matrix

VERTICES, EDGES = 10, 45
EFFORT = 180.0
"""Seconds after which the last method gives up."""
SPEED = (500, 4000)
"""Regions a second that are enumerated: on a slow machine that is busy, and on one that is not."""
PATIENCE = 10.0
"""Seconds that need no announcement."""
Verb: TypeAlias = Callable[..., lv.Bound]


@dataclass(frozen=True)
class Step:
    """A method of a relay, and how many seconds it may take."""

    verb: Verb
    method: str
    seconds: float = EFFORT


class Question(Protocol):
    """One problem that a visitor posed.

    Attributes
    ----------
    steps
        The methods that are tried one after another until the interval leaves one value.
    lower
        A lower method that the axis of bounds shows.
    """

    lower: ClassVar[str]

    @property
    def reduction(self) -> Any:
        """The reduction, made once."""
        ...

    @property
    def steps(self) -> tuple[Step, ...]: ...

    def ahead(self) -> str:
        """How long the answer will take, said beforehand; "" where nobody waits for it or nobody knows."""
        ...

    def drawing(self) -> dict[str, Any]:
        """What the page needs in order to draw the question."""
        ...

    def picture(self) -> dict[str, Any]:
        """What the page shows once beside the network."""
        ...

    def constant(self, value: Fraction, bound: lv.Bound | None) -> str | None:
        """L (L² for the quadratic) in words, once the problem's value is known; `bound` is an exact one, if any.

        None when L needs an exact bound.
        """
        ...

    def solution(self, incumbent: lv.Bound) -> dict[str, Any]:
        """What a bound's witness decodes to, verified on the problem itself."""
        ...


@final
@dataclass(frozen=True)
class IsSatisfiable:
    """Is there a satisfying assignment?

    Gradient ascent finds satisfying points within a second where there are any (in all of 12 satisfiable random
    formulas of 4 to 8 variables); where it finds none, the enumeration of all regions is the fastest proof.
    """

    formula: Formula
    reduction: lv.hardness.Satisfiability

    steps: ClassVar[tuple[Step, ...]] = (Step(lv.lower, "ascent", 5.0), Step(lv.exact, "enumeration"))
    lower: ClassVar[str] = "local-search"

    @classmethod
    def read(cls, request: Mapping[str, Any]) -> IsSatisfiable:
        """The question in a request; see `read_formula`."""
        formula = read_formula(request)
        return cls(formula, lv.hardness.satisfiability(formula.clauses, 2, variables=len(formula.names)))

    def ahead(self) -> str:
        return ""

    def drawing(self) -> dict[str, Any]:
        return {"names": self.formula.names, "clauses": self.formula.clauses}

    def picture(self) -> dict[str, Any]:
        return {"variables": len(self.formula.names)}

    def constant(self, value: Fraction, bound: lv.Bound | None) -> str:
        n = len(self.formula.names)
        root = math.isqrt(n)
        return "0" if value == 0 else str(root) if root * root == n else f"√{n} = {n**0.5:.6g}"

    def solution(self, incumbent: lv.Bound) -> dict[str, Any]:
        if incumbent.lower == 0:
            return {}
        found = self.reduction.decode(incumbent)
        assert found is not None
        values = found.values
        true = [[x for x in clause if values[abs(x)] == (x > 0)] for clause in self.formula.clauses]
        return {"assignment": list(values.values()), "true": true}


@final
@dataclass(frozen=True)
class LargestIndependentSet:
    """How many vertices can one choose, no two of them neighbours?

    Branch and bound is fast on stars and graphs without edges, enumeration on all others.
    """

    drawn: cuts.Drawing
    reduction: lv.hardness.MaxIndependentSet

    lower: ClassVar[str] = "local-search"

    @classmethod
    def read(cls, request: Mapping[str, Any]) -> LargestIndependentSet:
        """The question in a request; see `cuts.read`."""
        drawn = cuts.read(request, VERTICES, EDGES, "independent-set")
        return cls(drawn, lv.hardness.independent_set(drawn.graph()))

    @property
    def steps(self) -> tuple[Step, ...]:
        last = Step(lv.exact, "enumeration")
        return (last,) if len(self.drawn.labels) <= 6 else (Step(lv.exact, "branch-and-bound", 5.0), last)

    def ahead(self) -> str:
        regions = self.reduction.regions
        slow, fast = (math.ceil(regions / speed) for speed in SPEED)
        if slow <= PATIENCE:
            return ""
        return f"There are {regions} regions to visit: about {fast} to {slow} s, unless branch and bound is lucky."

    def drawing(self) -> dict[str, Any]:
        return {"labels": self.drawn.labels, "edges": self.drawn.edges}

    def picture(self) -> dict[str, Any]:
        return {}

    def constant(self, value: Fraction, bound: lv.Bound | None) -> str:
        return str(value)

    def solution(self, incumbent: lv.Bound) -> dict[str, Any]:
        found = self.reduction.decode(incumbent).vertices
        return {"set": [v for v in self.reduction.vertices if v in found]}


@final
@dataclass(frozen=True)
class LargestQuadratic:
    """At which vertex of the cube is a convex quadratic largest?"""

    matrix: list[list[int]]
    reduction: lv.hardness.ConvexQuadratic

    steps: ClassVar[tuple[Step, ...]] = (Step(lv.exact, "branch-and-bound"),)
    lower: ClassVar[str] = "local-search"

    @classmethod
    def read(cls, request: Mapping[str, Any]) -> LargestQuadratic:
        """The question in a request; see `read_matrix`."""
        matrix = read_matrix(request)
        return cls(matrix, lv.hardness.convex_quadratic(matrix))

    def ahead(self) -> str:
        return ""

    def drawing(self) -> dict[str, Any]:
        return {"matrix": self.matrix}

    def picture(self) -> dict[str, Any]:
        """Q = AAᵀ, and the cube's vertices with their values, the largest first."""
        form = [[sum(a * b for a, b in zip(u, v, strict=True)) for v in self.matrix] for u in self.matrix]
        corners = [self.reduction.vertex(s) for s in itertools.product((False, True), repeat=len(self.matrix))]
        corners.sort(key=lambda corner: (-corner.value, corner.entries))
        bits = ["".join("1" if on else "0" for on in corner.entries) for corner in corners]
        values = [int(corner.value) for corner in corners]
        return {"form": form, "corners": list(zip(bits, values, strict=True))}

    def constant(self, value: Fraction, bound: lv.Bound | None) -> str | None:
        if bound is None or bound.exact_square is None:
            return None
        square = bound.exact_square
        return str(square) if square.denominator == 1 else f"{square} = {float(square):.12g}"

    def solution(self, incumbent: lv.Bound) -> dict[str, Any]:
        found = self.reduction.decode(incumbent)
        return {"corner": "".join("1" if on else "0" for on in found.entries), "value": int(found.value)}


QUESTIONS: dict[str, Callable[[Mapping[str, Any]], Question]] = {
    "satisfiability": IsSatisfiable.read,
    "independent-set": LargestIndependentSet.read,
    "quadratic": LargestQuadratic.read,
}
