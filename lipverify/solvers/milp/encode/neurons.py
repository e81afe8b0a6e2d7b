"""The values of the neurons as rows of the program, layer by layer.

A neuron with pre-activation y is split as y = pos − neg, pos ≤ high·on, neg ≤ −low·(1 − on), pos, neg ≥ 0, with one
binary `on`; its value is right·pos − left·neg. Where nothing reads the value, low·(1 − on) ≤ y ≤ high·on says as much.
Neurons whose sign is known have no binary, and neurons that no output reads are not there at all.
Proof: proofs/milp.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lipverify.arrays import Array, Bools
from lipverify.relaxations.interval import Ranges
from lipverify.solvers.milp.bound.obbt import Tightener, affine_range
from lipverify.solvers.milp.encode.lifting import Lifting
from lipverify.solvers.milp.encode.model import INF, End, Model, State, Terms, minus
from lipverify.trusted.intervals import bent


@dataclass(frozen=True)
class Neurons:
    """One `State` per neuron and the ranges of the pre-activations, shape (n_k,), layer by layer."""

    states: list[list[State]]
    low: list[Array]
    high: list[Array]


def encode_values(
    model: Model, lifting: Lifting, ranges: Ranges, used: Sequence[Bools], tightener: Tightener | None
) -> Neurons:
    """Add coordinates and neurons to a model.

    Parameters
    ----------
    ranges
        Of the pre-activations of the lifting's chain; a tightener cuts them down.
    used
        Which neurons some output reads.
    """
    values: list[int | None] = []
    for name, low, high in zip(lifting.names, lifting.lower.tolist(), lifting.upper.tolist(), strict=True):
        values.append(model.variable(name, low, high))
    t = values[-1] if lifting.names[-1] == "t" else None
    others = [*_facets(model, lifting, values), *([] if t is None else [[(t, 1.0)]])]
    found = Neurons([], [], [])
    quantity = 0
    for k, width in enumerate(lifting.hidden):
        apex = lifting.apex if k == 0 else None
        forms = [combined(values, row) for row in lifting.chain.weights[k][:width].tolist()]
        bias, slopes = lifting.chain.biases[k][:width], lifting.chain.slopes[k][:width]
        low, high = ranges.low[k][:width], ranges.high[k][:width]
        if tightener is not None and (k > 0 or len(lifting.facets)):
            open_ = used[k] & (slopes[:, 0] != slopes[:, 1]) & (low < 0) & (high > 0)
            low, high = tightener.narrowed(forms, low, high, open_, bias)
        image = bent(low, high, slopes)
        read = k + 1 < len(lifting.hidden)
        states: list[State] = []
        values = []
        sizes: list[Terms] = []
        for i, form in enumerate(forms):
            there = bool(used[k][i]) or apex is not None
            numbers = (float(v[i]) for v in (bias, low, high, *image))
            neuron = _Neuron(f"L{k + 1}_N{i}", quantity + i, form, *numbers, read, apex is not None)
            state, value, size = _split(model, neuron, *slopes[i].tolist()) if there else _ABSENT
            states.append(state if used[k][i] else None)
            values.append(value)
            sizes.append(size)
        if apex is not None:
            terms = zip(apex.weights.tolist(), [*sizes, *others], strict=True)
            model.row("not_the_apex", [(j, c * w) for w, form in terms for j, c in form], apex.least, INF)
        if t is not None:
            values.append(t)
        quantity += width
        found.states.append(states)
        found.low.append(low)
        found.high.append(high)
    return found


def _facets(model: Model, lifting: Lifting, values: list[int | None]) -> list[Terms]:
    """The domain's half-spaces, each with a variable that says how far inside it is."""
    slacks: list[Terms] = []
    if not len(lifting.facets):
        return slacks
    _, high = affine_range((lifting.lower, lifting.upper), lifting.facets, lifting.offsets)
    for j, (row, offset) in enumerate(zip(lifting.facets.tolist(), lifting.offsets.tolist(), strict=True)):
        slack = model.variable(f"slack_{j}", 0.0, float(high[j]))
        model.row(f"facet_{j}", [(slack, -1.0), *combined(values, row)], -offset, -offset)
        slacks.append([(slack, 1.0)])
    return slacks


@dataclass(frozen=True)
class _Neuron:
    """What enters a neuron, form + bias with its number and range, the range of what leaves it, and who looks at
    its value and at its size."""

    name: str
    quantity: int
    form: Terms
    bias: float
    low: float
    high: float
    image_low: float
    image_high: float
    read: bool
    sized: bool


_ABSENT: tuple[State, int | None, Terms] = (None, None, [])


def _split(model: Model, neuron: _Neuron, left: float, right: float) -> tuple[State, int | None, Terms]:
    """A neuron's state, the variable of its value (None for 0, or unread), and |y| where it is wanted."""
    linear = left == right
    on = linear or neuron.low >= 0
    seen = neuron.read or neuron.sized
    if (linear and not neuron.sized) or neuron.low >= 0 or neuron.high <= 0:
        slope = right if on else left
        if not seen or (slope == 0 and not neuron.sized):
            return on, None, []
        y = model.variable(f"y_{neuron.name}", neuron.low, neuron.high)
        model.row(f"y_{neuron.name}_is", [(y, 1.0), *minus(neuron.form)], neuron.bias, neuron.bias)
        size: Terms = [(y, 1.0 if neuron.low >= 0 else -1.0)]
        return on, _value(model, neuron, [(y, slope)], y if slope == 1 else None), size
    binary = model.add_binary(f"on_{neuron.name}")
    top, least = End(neuron.quantity, True), End(neuron.quantity, False)
    if not seen:
        model.at_most(f"y_{neuron.name}_most", neuron.form, neuron.high, (binary, True), top, -neuron.bias)
        model.at_least(f"y_{neuron.name}_least", neuron.form, neuron.low, (binary, False), least, -neuron.bias)
        return binary, None, []
    pos = model.variable(f"pos_{neuron.name}", 0.0, neuron.high)
    neg = model.variable(f"neg_{neuron.name}", 0.0, -neuron.low)
    model.row(f"y_{neuron.name}_is", [(pos, 1.0), (neg, -1.0), *minus(neuron.form)], neuron.bias, neuron.bias)
    model.at_most(f"pos_{neuron.name}_if_on", [(pos, 1.0)], neuron.high, (binary, True), top)
    below = End(neuron.quantity, False, -1.0)
    model.at_most(f"neg_{neuron.name}_if_off", [(neg, 1.0)], -neuron.low, (binary, False), below)
    value = _value(model, neuron, [(pos, right), (neg, -left)], pos if (left, right) == (0, 1) else None)
    return binary if not linear else True, value, [(pos, 1.0), (neg, 1.0)]


def _value(model: Model, neuron: _Neuron, terms: Terms, already: int | None) -> int | None:
    """The variable that holds a neuron's value: one that is there already, none for 0, or a new one."""
    if not neuron.read or already is not None or not any(c for _, c in terms):
        return already
    value = model.variable(f"value_{neuron.name}", neuron.image_low, neuron.image_high)
    model.row(f"value_{neuron.name}_is", [(value, 1.0), *minus(terms)], 0.0, 0.0)
    return value


def combined(values: Sequence[int | None], row: Sequence[float]) -> Terms:
    """A row of coefficients as terms in variables, of which None stands for 0."""
    return [(j, c) for j, c in zip(values, row, strict=True) if j is not None and c]
