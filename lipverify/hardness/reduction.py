"""What every reduction offers, and the steps that they share."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from lipverify.arrays import Pattern, Point
from lipverify.bound import Bound, Rigor
from lipverify.domain import Everywhere
from lipverify.errors import InvalidArgument, LipverifyError
from lipverify.geometry.witness import locate
from lipverify.network import Network

if TYPE_CHECKING:
    import networkx as nx


@runtime_checkable
class Reduction(Protocol):
    """A combinatorial problem as the Lipschitz constant of a network, with the way back.

    Attributes
    ----------
    network
        Its global Lipschitz constant L answers the problem; its size is polynomial in the problem's.
    p
        The norm on both sides for which it does.
    """

    @property
    def network(self) -> Network:
        """The network."""
        ...

    @property
    def p(self) -> float:
        """The norm."""
        ...

    def interval(self, bound: Bound) -> tuple[Fraction, Fraction | float]:
        """The problem's optimum lies between these two values of the problem, if lower ≤ L ≤ upper."""
        ...

    def decode(self, bound: Bound) -> Any:
        """The solution at a bound's witness, verified on the problem itself."""
        ...

    def encode(self, solution: Any) -> Point:
        """A point of the network that is worth at least the solution."""
        ...

    def describe(self) -> str:
        """The problem, the network and what their constants have to do with each other, in a line or two."""
        ...


MOST_WEIGHTS = 2**27
"""Of the network of a reduction; a short file can speak of any number of vertices or variables."""


def require_size(what: str, *shapes: tuple[int, int]) -> None:
    """Refuse a network of too many weights, or neurons whose pairs are too many, before any of them is made.

    Raises
    ------
    InvalidArgument
        Naming their number and the limit.
    """
    weights = sum(rows * columns for rows, columns in shapes)
    if weights > MOST_WEIGHTS:
        raise InvalidArgument(f"the network of {what} needs {weights} numbers; the limit is {MOST_WEIGHTS}")


def settled(interval: tuple[Fraction, Fraction | float]) -> Fraction:
    """The one value of an interval.

    Raises
    ------
    InvalidArgument
        When the interval holds more than one.
    """
    low, high = interval
    if low != high:
        raise InvalidArgument(
            f"the bound leaves [{low}, {high}] open; give an exact bound, or ask for .interval(bound)"
        )
    return low


def possible(interval: tuple[Fraction, Fraction | float], question: str) -> bool:
    """The answer to a question whose value is 0 or 1.

    Raises
    ------
    InvalidArgument
        When the interval holds both.
    """
    low, high = interval
    if low == 0 < high:
        raise InvalidArgument(f"the bound does not decide whether {question}: its lower side is too low")
    return low > 0


def trusted(bound: Bound, power: int) -> tuple[Fraction, Fraction | float]:
    """The sides of a bound to a power, as exact numbers; a side that ignores rounding says nothing."""
    low = Fraction(bound.lower) if bound.lower_rigor >= Rigor.ROUNDED else Fraction(0)
    if bound.upper_rigor < Rigor.ROUNDED or math.isinf(bound.upper):
        return low**power, math.inf
    return low**power, Fraction(bound.upper) ** power


def up_to(value: Fraction, unit: Fraction) -> Fraction:
    """The least multiple of the unit that is ≥ value."""
    return math.ceil(value / unit) * unit


def down_to(value: Fraction | float, unit: Fraction) -> Fraction | float:
    """The greatest multiple of the unit that is ≤ value."""
    return math.floor(value / unit) * unit if isinstance(value, Fraction) else value


def region(network: Network, bound: Bound) -> Pattern:
    """The pattern around a bound's witness, found anew in rationals.

    Raises
    ------
    InvalidArgument
        When the bound has no witness, or one that lies in no region of this network.
    """
    if bound.witness is None:
        raise InvalidArgument(
            f"the bound of {bound.method} has no witness to decode; use lipverify.exact or lipverify.lower"
        )
    point = bound.witness.point
    found = locate(network, Everywhere(), point) if len(point) == network.input_dim else None
    if found is None:
        raise InvalidArgument("the bound's witness lies in no region of this network; was it made for another one?")
    return found


def ensure_reached(value: Fraction, low: Fraction, what: str) -> None:
    """Raise LipverifyError when a decoded solution is worth less than its bound: a bug, never an answer."""
    if value < low:
        raise LipverifyError(f"the decoded {what} is worth {value}, below the bound {low}; this is a bug")


def unweighted(graph: nx.Graph) -> nx.Graph:
    """The graph without its edges' weights."""
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        return graph  # refused by name where it is read
    plain = nx.DiGraph() if graph.is_directed() else nx.Graph()
    plain.add_nodes_from(graph.nodes)
    plain.add_edges_from(graph.edges())
    return plain
