"""The derivative as rows of the program: a test vector sent through all layers.

A neuron's binary splits what reaches it, v = through + past, through = on·v, past = (1 − on)·v, and it passes on
right·through + left·past. Proof: proofs/milp.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Array
from lipverify.solvers.milp.bound.obbt import Tightener, affine_range
from lipverify.solvers.milp.bound.sweep import Sweep
from lipverify.solvers.milp.encode.model import End, Model, State, minus
from lipverify.solvers.milp.encode.neurons import combined
from lipverify.solvers.milp.encode.norm import Entry
from lipverify.trusted.intervals import scaled


@dataclass(frozen=True)
class Sent:
    """What comes out at the other end for one test vector, and the ranges of all that was met on the way, layer by
    layer in the test vector's order, with the entries last."""

    entries: list[Entry]
    low: list[Array]
    high: list[Array]


def encode_derivative(model: Model, sweep: Sweep, vector: list[int], copy: int, tightener: Tightener | None) -> Sent:
    """Send one copy of the test vector through the layers of a sweep."""
    mark = f"_{copy}" if sweep.plan.copies > 1 else ""
    quantity = sweep.offset(copy)
    values: list[int | None] = list(vector)
    low, high = sweep.first()
    met: list[tuple[Array, Array]] = []
    for step, k in enumerate(sweep.order):
        states = sweep.states[k]
        forms = [combined(values, row) for row in sweep.matrices[step].tolist()]
        if tightener is not None:
            wanted = np.array([state is not None and state is not False for state in states])
            low, high = tightener.narrowed(forms, low, high, wanted & (low < high))
        met.append((low, high))
        following = scaled(low, high, *sweep.slopes[step])
        values = []
        for i, form in enumerate(forms):
            numbers = (float(v[i]) for v in (low, high, *following))
            passing = _Passing(f"L{k + 1}_N{i}{mark}", quantity + i, form, *numbers)
            values.append(_passed_on(model, passing, states[i], *sweep.pairs[step][i].tolist()))
        quantity += len(forms)
        low, high = affine_range(following, sweep.matrices[step + 1])
    forms = [combined(values, row) for row in sweep.matrices[-1].tolist()]
    if tightener is not None:
        low, high = tightener.narrowed(forms, low, high, low < high)
    met.append((low, high))
    entries = [
        Entry(form, quantity + j, *ends)
        for j, (form, *ends) in enumerate(zip(forms, low.tolist(), high.tolist(), strict=True))
    ]
    return Sent(entries, [ends[0] for ends in met], [ends[1] for ends in met])


@dataclass(frozen=True)
class _Passing:
    """What reaches a neuron, a form with its number and range, and the range of what is passed on."""

    name: str
    quantity: int
    form: list[tuple[int, float]]
    low: float
    high: float
    image_low: float
    image_high: float


def _passed_on(model: Model, v: _Passing, state: State, left: float, right: float) -> int | None:
    """The variable of what a neuron passes on of v (None for 0)."""
    if state is None or v.low == v.high == 0.0:
        return None
    if isinstance(state, bool):
        slope = right if state else left
        if slope == 0:
            return None
        whole = model.variable(f"v_{v.name}", v.low, v.high)
        model.row(f"v_{v.name}_is", [(whole, 1.0), *minus(v.form)], 0.0, 0.0)
        return _passed(model, v, [(whole, slope)], whole if slope == 1 else None)
    through = model.variable(f"through_{v.name}", min(v.low, 0.0), max(v.high, 0.0))
    if left == 0 and v.low == v.high:
        model.row(f"through_{v.name}_is", [(through, 1.0), (state, -v.low)], 0.0, 0.0)
        return _passed(model, v, [(through, right)], through if right == 1 else None)
    top, least = End(v.quantity, True), End(v.quantity, False)
    model.at_most(f"through_{v.name}_most", [(through, 1.0)], v.high, (state, True), top)
    model.at_least(f"through_{v.name}_least", [(through, 1.0)], v.low, (state, True), least)
    if left == 0:
        past = [(through, -1.0), *v.form]
    else:
        column = model.variable(f"past_{v.name}", min(v.low, 0.0), max(v.high, 0.0))
        model.row(f"v_{v.name}_is", [(through, 1.0), (column, 1.0), *minus(v.form)], 0.0, 0.0)
        past = [(column, 1.0)]
    model.at_most(f"past_{v.name}_most", past, v.high, (state, False), top)
    model.at_least(f"past_{v.name}_least", past, v.low, (state, False), least)
    if left == 0:
        return _passed(model, v, [(through, right)], through if right == 1 else None)
    return _passed(model, v, [(through, right), *((j, left * c) for j, c in past)], None)


def _passed(model: Model, v: _Passing, terms: list[tuple[int, float]], already: int | None) -> int | None:
    """The variable of what is passed on: one that is there already, none for 0, or a new one."""
    if already is not None or not any(c for _, c in terms):
        return already
    value = model.variable(f"passed_{v.name}", v.image_low, v.image_high)
    model.row(f"passed_{v.name}_is", [(value, 1.0), *minus(terms)], 0.0, 0.0)
    return value
