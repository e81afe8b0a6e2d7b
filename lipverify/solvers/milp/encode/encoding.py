"""The mixed-integer program whose maximum is at least the Lipschitz constant.

Neurons (`neurons`) and the derivative that is sent through them (`derivative`) share one binary per neuron whose sign
is not known. Every full-dimensional region is a feasible point whose objective is the norm of its Jacobian; so are
patterns that hold on less, which `regions` refutes (proofs/milp.md).
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from lipverify.arrays import Bools
from lipverify.network import Network
from lipverify.problem import Problem
from lipverify.relaxations.crown import crown_ranges
from lipverify.relaxations.interval import Ranges, preactivation_ranges
from lipverify.solvers.milp.bound.obbt import Tightener
from lipverify.solvers.milp.bound.propagation import NodeRanges
from lipverify.solvers.milp.bound.sweep import Sweep
from lipverify.solvers.milp.encode.derivative import encode_derivative
from lipverify.solvers.milp.encode.lifting import Lifting, balanced
from lipverify.solvers.milp.encode.model import Model, State
from lipverify.solvers.milp.encode.neurons import encode_values
from lipverify.solvers.milp.encode.norm import measured, plan, test_vectors


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
        The test vector's variables, shape (copies, size), where it must be kept in a ball by cuts.
    ranges
        Ranges for the model's links at the nodes of a search.
    lps
        How many LPs the tightening solved.
    """

    model: Model
    states: tuple[tuple[State, ...], ...]
    ball: list[list[int]] | None
    ranges: NodeRanges
    lps: int


def encode(problem: Problem, strength: Strength, patience: float = math.inf) -> Encoding:
    """The mixed-integer program of a problem, with at most `patience` seconds for linear programs."""
    net, power = balanced(problem.network)
    chosen = plan(problem.norm, net.output_dim, net.input_dim)
    lifting = Lifting.of(replace(problem, network=net))
    model = Model(power=power)
    tightener = Tightener(model, time.monotonic() + patience)
    propagated = preactivation_ranges if strength.preactivations == "interval" else crown_ranges
    values = encode_values(
        model,
        lifting,
        propagated(lifting.chain, lifting.lower, lifting.upper) if lifting.hidden else Ranges((), ()),
        _used(net),
        tightener if strength.preactivations == "lp" else None,
    )
    sent = test_vectors(model, chosen, net.output_dim if chosen.backward else net.input_dim)
    sweep = Sweep(net, chosen, values.states, sent)
    narrower = tightener if strength.derivatives == "lp" else None
    outcomes = [encode_derivative(model, sweep, vector, copy, narrower) for copy, vector in enumerate(sent.variables)]
    signs = measured(model, chosen, [found.entries for found in outcomes], symmetric=strength.symmetric)
    met = [
        (np.array([found.low[step] for found in outcomes]), np.array([found.high[step] for found in outcomes]))
        for step in range(len(sweep.matrices))
    ]
    ranges = NodeRanges(lifting, values, sweep, met, signs, model.exponents)
    ball = sent.variables if chosen.kind == "ball" else None
    return Encoding(model, tuple(map(tuple, values.states)), ball, ranges, tightener.solved)


def _used(net: Network) -> list[Bools]:
    """Which neurons some output depends on, as far as zeros among weights and slopes tell."""
    used: list[Bools] = []
    read = np.ones(net.output_dim, dtype=bool)
    for w, s in zip(net.weights[:0:-1], net.slopes[::-1], strict=True):
        read = (w[read] != 0).any(axis=0) & (s != 0).any(axis=1)
        used.insert(0, read)
    return used
