"""The mixed-integer program whose maximum is at least the Lipschitz constant.

A neuron with pre-activation y is split as y = pos − neg, pos ≤ high·on, neg ≤ −low·(1 − on), pos, neg ≥ 0, with one
binary `on`; its value is right·pos − left·neg. The same binary splits what the derivative carries through the
neuron: v = through + past, through = on·v, past = (1 − on)·v. Every full-dimensional region is a feasible point whose
objective is the norm of its Jacobian; so are patterns that hold on less, which `regions` refutes (proofs/milp.md).
Neurons whose sign is known have no binary, and neurons that no output reads are not there at all.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from lipverify.arrays import Array, Bools, Matrix
from lipverify.network import Network
from lipverify.problem import Problem
from lipverify.relaxations.crown import crown_ranges
from lipverify.relaxations.enclosure import bent, scaled
from lipverify.relaxations.interval import Ranges, preactivation_ranges
from lipverify.rounding import norm_up
from lipverify.solvers.milp.arena import Arena, balanced
from lipverify.solvers.milp.measure import Entry, Plan, Terms, measured, plan, seeds
from lipverify.solvers.milp.model import INF, Model
from lipverify.solvers.milp.tightening import affine_range, narrowed

State: TypeAlias = int | bool | None
"""The index of a neuron's binary, the state that it always has, or None where no output reads it."""


@dataclass(frozen=True)
class Strength:
    """Where the model's big-M constants come from.

    Attributes
    ----------
    preactivations
        Interval propagation, CROWN, or LPs over the model of the layers below, on top of CROWN.
    derivatives
        Interval propagation, or LPs over the model so far.
    symmetric
        Whether limits of absolute values are made symmetric: weaker, there for comparison.
    """

    preactivations: Literal["interval", "crown", "lp"] = "lp"
    derivatives: Literal["interval", "lp"] = "lp"
    symmetric: bool = False


@dataclass(frozen=True)
class Encoding:
    """The program, and what its variables stand for.

    Attributes
    ----------
    model
        The program; its objective is the norm.
    states
        One `State` per neuron of the problem's network, layer by layer.
    ball
        The seed's variables, shape (copies, size), where it must be kept in a ball by cuts.
    plan
        How the norm was encoded.
    lps
        How many LPs the tightening solved.
    """

    model: Model
    states: tuple[tuple[State, ...], ...]
    ball: list[list[int]] | None
    plan: Plan
    lps: int


def encode(problem: Problem, strength: Strength, patience: float = math.inf) -> Encoding:
    """The mixed-integer program of a problem, with at most `patience` seconds for linear programs."""
    return _Encoder(problem, strength, time.monotonic() + patience).encoding()


class _Encoder:
    """Adds the neurons layer by layer, then the derivative, then the measure."""

    def __init__(self, problem: Problem, strength: Strength, until: float) -> None:
        self.net, power = balanced(problem.network)
        self.plan = plan(problem.norm, self.net.output_dim, self.net.input_dim)
        self.strength = strength
        self.until = until
        self.arena = Arena.of(replace(problem, network=self.net))
        self.model = Model(power=power)
        self.states: list[list[State]] = []
        self.lps = 0

    def encoding(self) -> Encoding:
        self._neurons()
        sent = seeds(self.model, self.plan, self.net.output_dim if self.plan.backward else self.net.input_dim)
        entries = [self._derivative(seed, copy) for copy, seed in enumerate(sent)]
        measured(self.model, self.plan, entries, symmetric=self.strength.symmetric)
        ball = sent if self.plan.seed == "ball" else None
        return Encoding(self.model, tuple(map(tuple, self.states)), ball, self.plan, self.lps)

    # Values

    def _neurons(self) -> None:
        """One layer after the other: what its neurons see, how they split, what they pass on."""
        model, arena = self.model, self.arena
        values: list[int | None] = []
        for name, low, high in zip(arena.names, arena.lower.tolist(), arena.upper.tolist(), strict=True):
            values.append(model.variable(name, low, high))
        t = values[-1] if arena.names[-1] == "t" else None
        others = [*self._facets(values), *([] if t is None else [[(t, 1.0)]])]
        if not arena.hidden:
            return
        chain, used = arena.chain, _used(self.net)
        bounds = self._ranges(chain)
        for k, width in enumerate(arena.hidden):
            apex = arena.apex if k == 0 else None
            forms = [_terms(values, row) for row in chain.weights[k][:width].tolist()]
            bias, slopes = chain.biases[k][:width], chain.slopes[k][:width]
            low, high = bounds.low[k][:width], bounds.high[k][:width]
            if self.strength.preactivations == "lp" and (k > 0 or len(arena.facets)):
                open_ = used[k] & (slopes[:, 0] != slopes[:, 1]) & (low < 0) & (high > 0)
                low, high = self._narrowed(forms, low, high, open_, bias)
            image = bent(low, high, slopes)
            states: list[State] = []
            values = []
            sizes: list[Terms] = []
            for i, form in enumerate(forms):
                there = bool(used[k][i]) or apex is not None
                neuron = _Neuron(f"L{k + 1}_N{i}", form, *(float(v[i]) for v in (bias, low, high, *image)))
                state, value, size = self._neuron(neuron, *slopes[i].tolist(), apex is not None) if there else _ABSENT
                states.append(state if used[k][i] else None)
                values.append(value)
                sizes.append(size)
            if apex is not None:
                terms = zip(apex.weights.tolist(), [*sizes, *others], strict=True)
                model.row("not_the_apex", [(j, c * w) for w, form in terms for j, c in form], apex.least, INF)
            if t is not None:
                values.append(t)
            self.states.append(states)

    def _facets(self, values: list[int | None]) -> list[Terms]:
        """The domain's half-spaces, each with a variable that says how far inside it is."""
        slacks: list[Terms] = []
        arena = self.arena
        if not len(arena.facets):
            return slacks
        _, high = affine_range((arena.lower, arena.upper), arena.facets, arena.offsets)
        for j, (row, offset) in enumerate(zip(arena.facets.tolist(), arena.offsets.tolist(), strict=True)):
            slack = self.model.variable(f"slack_{j}", 0.0, float(high[j]))
            self.model.row(f"facet_{j}", [(slack, -1.0), *_terms(values, row)], -offset, -offset)
            slacks.append([(slack, 1.0)])
        return slacks

    def _ranges(self, chain: Network) -> Ranges:
        ranges = preactivation_ranges if self.strength.preactivations == "interval" else crown_ranges
        return ranges(chain, self.arena.lower, self.arena.upper)

    def _neuron(self, neuron: _Neuron, left: float, right: float, sized: bool) -> tuple[State, int | None, Terms]:
        """A neuron's state, the variable of its value (None for 0), and |y| where `sized` asks for it."""
        model, linear = self.model, left == right
        on = linear or neuron.low >= 0
        if (linear and not sized) or neuron.low >= 0 or neuron.high <= 0:
            slope = right if on else left
            if slope == 0 and not sized:
                return on, None, []
            y = model.variable(f"y_{neuron.name}", neuron.low, neuron.high)
            model.row(f"y_{neuron.name}_is", [(y, 1.0), *_minus(neuron.form)], neuron.bias, neuron.bias)
            size: Terms = [(y, 1.0 if neuron.low >= 0 else -1.0)]
            return on, self._value(neuron, [(y, slope)], y if slope == 1 else None), size
        on_switch = model.switch(f"on_{neuron.name}")
        pos, neg = split(model, neuron.name, neuron.form, neuron.bias, neuron.low, neuron.high, on_switch)
        value = self._value(neuron, [(pos, right), (neg, -left)], pos if (left, right) == (0, 1) else None)
        return on_switch if not linear else True, value, [(pos, 1.0), (neg, 1.0)]

    def _value(self, neuron: _Neuron, terms: Terms, already: int | None) -> int | None:
        """The variable that holds a neuron's value: one that is there already, none for 0, or a new one."""
        if already is not None or not any(c for _, c in terms):
            return already
        value = self.model.variable(f"value_{neuron.name}", neuron.image_low, neuron.image_high)
        self.model.row(f"value_{neuron.name}_is", [(value, 1.0), *_minus(terms)], 0.0, 0.0)
        return value

    # The derivative

    def _derivative(self, seed: list[int], copy: int) -> list[Entry]:
        """A seed sent through all layers: what comes out at the other end."""
        net = self.net
        matrices = [w.T for w in net.weights[::-1]] if self.plan.backward else list(net.weights)
        order = list(range(len(net.slopes)))
        mark = f"_{copy}" if self.plan.copies > 1 else ""
        values: list[int | None] = list(seed)
        low, high = self._first(matrices[0])
        for step, k in enumerate(order[::-1] if self.plan.backward else order):
            forms = [_terms(values, row) for row in matrices[step].tolist()]
            wanted = np.array([state is not None and state is not False for state in self.states[k]])
            low, high = self._narrowed_slopes(forms, low, high, wanted & ((low < 0) | (high > 0)))
            ends = self._slopes(k)
            following = scaled(low, high, *ends)
            values = []
            for i, form in enumerate(forms):
                passing = _Neuron(f"L{k + 1}_N{i}{mark}", form, 0.0, *(float(v[i]) for v in (low, high, *following)))
                values.append(self._passing(passing, self.states[k][i], *net.slopes[k][i].tolist()))
            low, high = affine_range(following, matrices[step + 1])
        forms = [_terms(values, row) for row in matrices[-1].tolist()]
        low, high = self._narrowed_slopes(forms, low, high, (low < 0) | (high > 0))
        return [Entry(*entry) for entry in zip(forms, low.tolist(), high.tolist(), strict=True)]

    def _first(self, matrix: Matrix) -> tuple[Array, Array]:
        """Ranges of matrix · seed over all seeds."""
        if self.plan.seed == "units":
            return matrix.min(axis=1), matrix.max(axis=1)
        size = np.array([norm_up(row) if self.plan.seed == "ball" else math.inf for row in matrix])
        ones = np.ones(matrix.shape[1])
        low, high = affine_range((-ones, ones), matrix)
        return np.maximum(low, -size), np.minimum(high, size)

    def _slopes(self, k: int) -> tuple[Array, Array]:
        """The least and the greatest slope that each neuron of a layer may have."""
        ends = []
        for state, (left, right) in zip(self.states[k], self.net.slopes[k].tolist(), strict=True):
            if isinstance(state, bool) or state is None:
                ends.append((0.0, 0.0) if state is None else (right, right) if state else (left, left))
            else:
                ends.append((min(left, right), max(left, right)))
        low, high = zip(*ends, strict=True)
        return np.array(low), np.array(high)

    def _passing(self, v: _Neuron, state: State, left: float, right: float) -> int | None:
        """The variable of what a neuron passes on of v (None for 0)."""
        model = self.model
        if state is None or v.low == v.high == 0.0:
            return None
        if isinstance(state, bool):
            slope = right if state else left
            if slope == 0:
                return None
            whole = model.variable(f"v_{v.name}", v.low, v.high)
            model.row(f"v_{v.name}_is", [(whole, 1.0), *_minus(v.form)], 0.0, 0.0)
            return self._passed(v, [(whole, slope)], whole if slope == 1 else None)
        through = model.variable(f"through_{v.name}", min(v.low, 0.0), max(v.high, 0.0))
        past = model.variable(f"past_{v.name}", min(v.low, 0.0), max(v.high, 0.0))
        model.row(f"through_{v.name}_most", [(through, 1.0), (state, -v.high)], -INF, 0.0)
        model.row(f"through_{v.name}_least", [(through, 1.0), (state, -v.low)], 0.0, INF)
        model.row(f"past_{v.name}_most", [(past, 1.0), (state, v.high)], -INF, v.high)
        model.row(f"past_{v.name}_least", [(past, 1.0), (state, v.low)], v.low, INF)
        model.row(f"v_{v.name}_is", [(through, 1.0), (past, 1.0), *_minus(v.form)], 0.0, 0.0)
        return self._passed(v, [(through, right), (past, left)], through if (left, right) == (0, 1) else None)

    def _passed(self, v: _Neuron, terms: Terms, already: int | None) -> int | None:
        if already is not None or not any(c for _, c in terms):
            return already
        value = self.model.variable(f"passed_{v.name}", v.image_low, v.image_high)
        self.model.row(f"passed_{v.name}_is", [(value, 1.0), *_minus(terms)], 0.0, 0.0)
        return value

    # Ranges by linear programs

    def _narrowed_slopes(self, forms: list[Terms], low: Array, high: Array, wanted: Bools) -> tuple[Array, Array]:
        if self.strength.derivatives != "lp":
            return low, high
        return self._narrowed(forms, low, high, wanted & (low < high), np.zeros(len(forms)))

    def _narrowed(self, forms: list[Terms], low: Array, high: Array, wanted: Bools, bias: Array) -> tuple[Array, Array]:
        low, high, solved = narrowed(self.model, forms, (low, high), wanted, bias, self.until)
        self.lps += solved
        return low, high


@dataclass(frozen=True)
class _Neuron:
    """What enters a neuron, form + bias with its range, and the range of what leaves it."""

    name: str
    form: Terms
    bias: float
    low: float
    high: float
    image_low: float
    image_high: float


_ABSENT: tuple[State, int | None, Terms] = (None, None, [])


def split(model: Model, name: str, form: Terms, bias: float, low: float, high: float, on: int) -> tuple[int, int]:
    """form + bias = pos − neg, of which the binary `on` leaves one; returns both variables. low < 0 < high."""
    pos, neg = model.variable(f"pos_{name}", 0.0, high), model.variable(f"neg_{name}", 0.0, -low)
    model.row(f"y_{name}_is", [(pos, 1.0), (neg, -1.0), *_minus(form)], bias, bias)
    model.row(f"pos_{name}_if_on", [(pos, 1.0), (on, -high)], -INF, 0.0)
    model.row(f"neg_{name}_if_off", [(neg, 1.0), (on, -low)], -INF, -low)
    return pos, neg


def _terms(values: Sequence[int | None], row: Sequence[float]) -> Terms:
    return [(j, c) for j, c in zip(values, row, strict=True) if j is not None and c]


def _minus(terms: Terms) -> Terms:
    return [(j, -c) for j, c in terms]


def _used(net: Network) -> list[Bools]:
    """Which neurons some output depends on, as far as zeros among weights and slopes tell."""
    used: list[Bools] = []
    read = np.ones(net.output_dim, dtype=bool)
    for w, s in zip(net.weights[:0:-1], net.slopes[::-1], strict=True):
        read = (w[read] != 0).any(axis=0) & (s != 0).any(axis=1)
        used.insert(0, read)
    return used
