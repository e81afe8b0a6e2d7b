"""Hypothesis strategies for networks and domains, biased towards what breaks estimators.

Random weights are almost always in general position, and published tools are wrong exactly where
they are not. So dead, duplicate, opposite, scaled and constant neurons, tied layers, cancelling
outputs, missing hidden layers and missing biases are all built in. Everything shrinks to few neurons
with small integer weights.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias, get_args

from hypothesis import strategies as st

from lipverify.domain import Ball, Box, Domain, Everywhere, Polytope
from lipverify.errors import InvalidArgument
from lipverify.network import IDENTITY, RELU, Network

WeightKind: TypeAlias = Literal["mixed", "integers", "dyadics", "floats"]
DomainKind: TypeAlias = Literal["everywhere", "box", "polytope", "ball"]
_RADII = (5.0, 2.5, math.sqrt(2.0), 2.0**-40)
Span: TypeAlias = int | tuple[int, int]

LEAST, MOST = 2.0**-40, 2.0**20
"""The range of magnitudes of every weight and bias that is not zero."""
SLOPE_PAIRS = (RELU, IDENTITY, (-1.0, 1.0), (0.25, 1.0), (0.0, 0.0), (1.0, 0.0), (-2.0, 0.5))

Row: TypeAlias = list[float]
Layers: TypeAlias = tuple[list[list[Row]], list[Row]]
"""Weights and biases, as lists that the degenerations below change in place."""


def networks(
    *,
    inputs: Span = (1, 3),
    outputs: Span = (1, 2),
    hidden: Span = (0, 2),
    width: Span = (1, 4),
    slopes: bool = False,
    bias: bool = True,
    weights: WeightKind = "mixed",
) -> st.SearchStrategy[Network]:
    """Random small networks.

    Parameters
    ----------
    inputs, outputs, hidden, width
        The number of inputs, outputs, hidden layers and neurons per hidden layer: a number, or the
        smallest and the largest.
    slopes
        Whether neurons may have any two slopes; plain ReLU otherwise.
    bias
        Whether there may be biases. Networks without any occur either way.
    weights
        "integers" (−3 … 3), "dyadics" (eighths), "floats" of many scales, or "mixed": one of these.
        Magnitudes lie in [2⁻⁴⁰, 2²⁰], or are zero.

    Returns
    -------
    SearchStrategy[Network]
        It shrinks to few layers and neurons, and to weights 0 and 1.

    Raises
    ------
    InvalidArgument
        For a range that is empty or out of bounds, or an unknown kind of weight.
    """
    spans = (
        _span(inputs, "inputs", 1),
        _span(outputs, "outputs", 1),
        _span(hidden, "hidden", 0),
        _span(width, "width", 1),
    )
    for name, flag in (("slopes", slopes), ("bias", bias)):
        if not isinstance(flag, bool):
            raise InvalidArgument(f"{name} must be True or False; got {flag!r}")
    if weights not in get_args(WeightKind):
        raise InvalidArgument(f"weights must be one of {', '.join(get_args(WeightKind))}; got {weights!r}")
    return _networks(spans, slopes, bias, weights)


def domains(
    dimension: int, *, kinds: Sequence[DomainKind] = ("everywhere", "box", "polytope")
) -> st.SearchStrategy[Domain]:
    """Random domains with interior.

    Parameters
    ----------
    dimension
        d ≥ 1, the number of inputs.
    kinds
        Which of "everywhere", "box", "polytope" and "ball" may occur; it shrinks to the first.

    Returns
    -------
    SearchStrategy[Domain]
        Boxes and balls have small dyadic limits, save for radii of √2 and 2⁻⁴⁰. Polytopes may be unbounded, and
        may have redundant rows.

    Raises
    ------
    InvalidArgument
        For a dimension below 1, no kind, or an unknown one.
    """
    if isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 1:
        raise InvalidArgument(f"dimension must be an integer ≥ 1; got {dimension!r}")
    if isinstance(kinds, str) or not kinds or any(kind not in get_args(DomainKind) for kind in kinds):
        raise InvalidArgument(f"kinds must be some of {', '.join(get_args(DomainKind))}; got {kinds!r}")
    table: dict[DomainKind, st.SearchStrategy[Domain]] = {
        "everywhere": st.just(Everywhere()),
        "box": _boxes(dimension),
        "polytope": _polytopes(dimension),
        "ball": _balls(dimension),
    }
    return st.one_of([table[kind] for kind in kinds])


def _span(value: Span, name: str, least: int) -> tuple[int, int]:
    pair: tuple[object, ...] = (value, value) if isinstance(value, int) else tuple(value)
    match pair:
        case (int(low), int(high)) if not (isinstance(low, bool) or isinstance(high, bool)):
            if least <= low <= high:
                return low, high
            raise InvalidArgument(f"{name} must satisfy {least} ≤ smallest ≤ largest; got {value!r}")
        case _:
            raise InvalidArgument(f"{name} must be an integer or a pair of integers; got {value!r}")


_INTEGERS = st.integers(-3, 3).map(float)
_DYADICS = st.one_of(_INTEGERS, st.integers(-16, 16).map(lambda n: n / 8))
_MAGNITUDES = st.floats(LEAST, MOST)
_FLOATS = st.one_of(_INTEGERS, _MAGNITUDES, _MAGNITUDES.map(operator.neg))
_ENTRIES: dict[str, st.SearchStrategy[float]] = {
    "integers": _INTEGERS,
    "dyadics": _DYADICS,
    "floats": _FLOATS,
}


@st.composite
def _networks(
    draw: st.DrawFn, spans: tuple[tuple[int, int], ...], slopes: bool, bias: bool, weights: WeightKind
) -> Network:
    inputs, outputs, hidden, width = spans
    kinds = list(_ENTRIES) if weights == "mixed" else [weights]
    entry = _ENTRIES[draw(st.sampled_from(kinds))]
    biased = bias and draw(st.booleans())
    # Every neuron draws as many weights as any could need, so that deleting one, or a whole layer, leaves
    # the other draws as they were: this is what lets examples shrink.
    longest = max(inputs[1], width[1] if hidden[1] else 1)
    pair = st.sampled_from(SLOPE_PAIRS) if slopes else st.just(RELU)
    bias_entry = entry if biased else st.just(0.0)
    neuron = st.tuples(st.lists(entry, min_size=longest, max_size=longest), bias_entry, pair)
    layer = st.lists(neuron, min_size=width[0], max_size=width[1])
    columns = draw(st.integers(*inputs))
    least = hidden[0]
    if least == 0 < hidden[1] and draw(st.integers(0, 7)) > 0:  # affine maps are worth one example in eight
        least = 1
    drawn = draw(st.lists(layer, min_size=least, max_size=hidden[1] if least else 0))
    drawn.append(draw(st.lists(neuron, min_size=outputs[0], max_size=outputs[1])))
    matrices: list[list[Row]] = []
    for neurons in drawn:
        matrices.append([row[:columns] for row, _, _ in neurons])
        columns = len(neurons)
    vectors = [[b for _, b, _ in neurons] for neurons in drawn]
    pairs = [[ends for _, _, ends in neurons] for neurons in drawn[:-1]]
    if pairs:
        for _ in range(max(0, draw(st.integers(0, 4)) - 2)):  # none in three networks of five
            degenerate = draw(st.sampled_from(_DEGENERATIONS))
            degenerate(draw, (matrices, vectors), bias)
    return Network(matrices, vectors, pairs)


def _neuron(draw: st.DrawFn, layers: Layers) -> tuple[int, int]:
    """A hidden neuron: its layer and its place there."""
    matrices = layers[0]
    k = draw(st.integers(0, len(matrices) - 2))
    return k, draw(st.integers(0, len(matrices[k]) - 1))


def _constant(draw: st.DrawFn, layers: Layers, bias: bool) -> None:
    """A neuron without inputs: off, exactly zero, or on for ever."""
    k, i = _neuron(draw, layers)
    layers[0][k][i] = [0.0] * len(layers[0][k][i])
    layers[1][k][i] = float(draw(st.sampled_from((0, -1, 1)))) if bias else 0.0


def _unused(draw: st.DrawFn, layers: Layers, bias: bool) -> None:
    """A neuron that nobody reads."""
    k, i = _neuron(draw, layers)
    for row in layers[0][k + 1]:
        row[i] = 0.0


def _multiple(draw: st.DrawFn, layers: Layers, bias: bool) -> None:
    """A neuron that copies another one: the same, opposite, or scaled."""
    k, i = _neuron(draw, layers)
    j = draw(st.integers(0, len(layers[0][k]) - 1))
    factor = draw(st.sampled_from((1.0, -1.0, 2.0, -0.5)))
    layers[0][k][i] = [_clip(factor * w) for w in layers[0][k][j]]
    layers[1][k][i] = _clip(factor * layers[1][k][j])


def _shifted(draw: st.DrawFn, layers: Layers, bias: bool) -> None:
    """A neuron whose hyperplane is parallel to another one's."""
    k, i = _neuron(draw, layers)
    j = draw(st.integers(0, len(layers[0][k]) - 1))
    layers[0][k][i] = list(layers[0][k][j])
    if bias:
        layers[1][k][i] = _clip(layers[1][k][j] + draw(st.sampled_from((1.0, -1.0))))


def _tied(draw: st.DrawFn, layers: Layers, bias: bool) -> None:
    """A layer whose weights are those of the layer before, as far as its shape allows."""
    matrices = layers[0]
    k = draw(st.integers(1, len(matrices) - 1))
    for i, row in enumerate(matrices[k]):
        source = matrices[k - 1][i % len(matrices[k - 1])]
        row[:] = [source[j % len(source)] for j in range(len(row))]


def _selecting(draw: st.DrawFn, layers: Layers, bias: bool) -> None:
    """A neuron or output that reads one neuron alone: its value there is zero wherever that one is off."""
    k, i = _neuron(draw, layers)
    sign = draw(st.sampled_from((1.0, -1.0)))
    row = draw(st.integers(0, len(layers[0][k + 1]) - 1))
    layers[0][k + 1][row] = [sign if j == i else 0.0 for j in range(len(layers[0][k]))]
    layers[1][k + 1][row] = 0.0


def _cancelling(draw: st.DrawFn, layers: Layers, bias: bool) -> None:
    """Two neurons with one hyperplane between them, and readers that subtract them or add them up."""
    k, i = _neuron(draw, layers)
    j = draw(st.integers(0, len(layers[0][k]) - 1))
    if i == j:
        return
    factor = draw(st.sampled_from((-1.0, 1.0)))
    layers[0][k][i] = [factor * w for w in layers[0][k][j]]
    layers[1][k][i] = factor * layers[1][k][j]
    for row in layers[0][k + 1]:
        row[i] = -row[j]


_DEGENERATIONS: tuple[Callable[[st.DrawFn, Layers, bool], None], ...] = (
    _constant,
    _multiple,
    _cancelling,
    _selecting,
    _shifted,
    _tied,
    _unused,
)


def _clip(value: float) -> float:
    """The value when its magnitude is zero or allowed, else 1 with its sign."""
    if value == 0.0 or LEAST <= abs(value) <= MOST:
        return value
    return 1.0 if value > 0 else -1.0


_LIMITS = st.one_of(st.integers(-3, 3).map(float), st.integers(-24, 24).map(lambda n: n / 8))
_LENGTHS = st.one_of(st.integers(1, 4).map(float), st.integers(1, 32).map(lambda n: n / 8))


@st.composite
def _boxes(draw: st.DrawFn, dimension: int) -> Box:
    lower = [draw(_LIMITS) for _ in range(dimension)]
    return Box(lower, [low + draw(_LENGTHS) for low in lower])


@st.composite
def _balls(draw: st.DrawFn, dimension: int) -> Ball:
    return Ball([draw(_LIMITS) for _ in range(dimension)], draw(st.one_of(_LENGTHS, st.sampled_from(_RADII))))


@st.composite
def _polytopes(draw: st.DrawFn, dimension: int) -> Polytope:
    """Half-spaces around a point that lies inside all of them; now and then a row too many."""
    inside = [draw(_LIMITS) for _ in range(dimension)]
    rows: list[tuple[Row, float]] = []
    if draw(st.booleans()):  # bounded
        for i in range(dimension):
            for sign in (1.0, -1.0):
                axis = [sign * (j == i) for j in range(dimension)]
                rows.append((axis, sign * inside[i] + draw(_LENGTHS)))
    for _ in range(draw(st.integers(0 if rows else 1, dimension + 1))):
        normal = [float(draw(st.integers(-3, 3))) for _ in range(dimension)]
        rows.append((normal, sum(a * x for a, x in zip(normal, inside, strict=True)) + draw(_LENGTHS)))
    for _ in range(draw(st.integers(0, 2))):  # redundant: a multiple of another row, or a looser one
        normal, limit = rows[draw(st.integers(0, len(rows) - 1))]
        factor = draw(st.sampled_from((1.0, 2.0)))
        rows.append(([factor * a for a in normal], factor * limit + draw(st.sampled_from((0.0, 1.0)))))
    return Polytope([row for row, _ in rows], [limit for _, limit in rows])
