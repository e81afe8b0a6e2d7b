"""A model as a graph: every value a flat tensor, every node one operator applied to earlier values.

The piecewise-linear operators are the steps of `lipverify.readers.steps` and can be lowered to a network; those
below are not, and only estimators know them. Nothing here knows which framework the graph was traced in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias, final

from lipverify.arrays import Vector
from lipverify.readers.steps import Step


@final
@dataclass(frozen=True)
class Curve:
    """A smooth function of one variable, by name, on n coordinates: tanh, gelu, exp, …"""

    n: int
    name: str
    parameters: tuple[float, ...] = ()


@final
@dataclass(frozen=True)
class Softmax:
    """exp(x_i) / Σ exp(x_j) over disjoint groups of `group` entries each, or its logarithm."""

    group: int
    logarithm: bool = False


@final
@dataclass(frozen=True)
class LogSumExp:
    """log Σ exp(x_j) over disjoint groups of `group` entries each: one output per group."""

    group: int


@final
@dataclass(frozen=True)
class LogAddExp:
    """log(exp(a) + exp(b)), coordinatewise on two operands of n coordinates."""

    n: int


@final
@dataclass(frozen=True)
class EuclideanNorm:
    """√(Σ x_j²) over disjoint groups of `group` entries each: one output per group."""

    group: int


@final
@dataclass(frozen=True, eq=False)
class Normalise:
    """scale·(x − mean)/√(variance + epsilon) + shift over disjoint groups of `group` entries each.

    Layer, group and instance normalisation, whose statistics are the sample's own; without `centred` the mean is
    not subtracted (RMS normalisation). scale and shift have one entry per coordinate, or are None.
    """

    group: int
    epsilon: float
    scale: Vector | None = None
    shift: Vector | None = None
    centred: bool = True


@final
@dataclass(frozen=True)
class Product:
    """a·b, coordinatewise on two operands of n coordinates."""

    n: int


@final
@dataclass(frozen=True)
class Quotient:
    """a/b, coordinatewise on two operands of n coordinates."""

    n: int


@final
@dataclass(frozen=True)
class MatrixProduct:
    """A·B for `batch` pairs of matrices of shapes (rows, inner) and (inner, columns)."""

    batch: int
    rows: int
    inner: int
    columns: int


@final
@dataclass(frozen=True)
class Unbounded:
    """An operator that is known to have no Lipschitz constant, and why."""

    reason: str


Operator: TypeAlias = (
    Step
    | Curve
    | Softmax
    | LogSumExp
    | LogAddExp
    | EuclideanNorm
    | Normalise
    | Product
    | Quotient
    | MatrixProduct
    | Unbounded
)


@final
@dataclass(frozen=True, eq=False)
class Node:
    """One operator in its place.

    Attributes
    ----------
    name, kind
        The name in the trace, unique, and what the framework calls the operator.
    operator, reads
        What it does, to which earlier values: 0 is the graph's input, k + 1 what node k makes. The operands
        stand one behind the other in the operator's input.
    shape
        Of the value that it makes, batch axis of one included.
    place
        The source line that called it, for messages.
    rounded
        Whether some constant of it was computed in floats.
    """

    name: str
    kind: str
    operator: Operator
    reads: tuple[int, ...]
    shape: tuple[int, ...]
    place: str = ""
    rounded: bool = False

    def __str__(self) -> str:
        where = f" at {self.place}" if self.place else ""
        return f"node '{self.name}' ({self.kind}){where}"


@final
@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in the order in which they run; the last one's value is the output.

    Attributes
    ----------
    input_shape
        The shape of one sample, without the batch axis.
    """

    input_shape: tuple[int, ...]
    nodes: tuple[Node, ...]
    source: str = ""

    @property
    def inputs(self) -> int:
        """The number of entries of a sample."""
        return math.prod(self.input_shape)

    @property
    def subject(self) -> str:
        """What results speak of, when that is not exactly the model."""
        rounded = any(node.rounded for node in self.nodes)
        return f"{self.source}, constants computed as torch computes them" if rounded else ""
