"""The second tab's examples, and its random networks."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import lipverify as lv


@dataclass(frozen=True)
class Example:
    """A network worth looking at, and why."""

    why: str
    weights: Sequence[Any]
    biases: Sequence[Any] | None = None

    def network(self) -> lv.Network:
        """The network."""
        return lv.Network(self.weights, self.biases)


def dyadic(sizes: Sequence[int], seed: int) -> tuple[list[Any], list[Any]]:
    """Uniform weights of He's variance, rounded to eighths, from the one generator that Python promises to keep."""
    draw = random.Random(seed).random
    weights, biases = [], []
    for fan, width in itertools.pairwise((2, *sizes)):
        reach = math.sqrt(6 / fan)
        weights.append([[_eighth(reach * (2 * draw() - 1)) for _ in range(fan)] for _ in range(width)])
        biases.append([_eighth(2 * draw() - 1) for _ in range(width)])
    return weights, biases


def _eighth(x: float) -> float:
    return round(8 * x) / 8 + 0.0


EXAMPLES: dict[str, Example] = {
    "five neurons": Example(
        "Three neurons, then two, all weights whole. The lines of the second layer bend where they cross the first’s.",
        [[[2, -1], [1, 1], [-1, 0]], [[1, 1, -1], [-1, -2, 2]], [[2, 1]]],
        [[1, 2, 1], [0, -2], None],
    ),
    "absolute values": Example(
        "|x₁| + |x₂| from four neurons. Four regions, equally steep: all of them are maximisers.",
        [[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]]],
    ),
    "pyramid": Example(
        "relu(1 − max(|x₁|, |x₂|)), a maximum of four linear maps built from ReLUs: max(a, b) = b + relu(a − b). "
        "Flat outside the square, equally steep on its four sides.",
        [
            [[1, 0], [-1, 0], [0, 1], [0, -1]],
            [[1, 1, -1, -1], [0, 0, 1, 1]],
            [[-1, -1]],
            [[1]],
        ],
        [None, None, [1], None],
    ),
    "trap: one line": Example(
        "relu(x₁) − relu(−x₁) = x₁, so the constant is 1. Both neurons active “fits” the line x₁ = 0 only, where "
        "nothing is a region; who accepts that pattern reports 2.",
        [[[1, 0], [-1, 0]], [[1, -1]]],
    ),
    "trap: one point": Example(
        "relu(x₁) + relu(x₂) − relu(−x₁ − x₂). All three active holds at the origin only, and "
        "would give √8 instead of √5.",
        [[[1, 0], [0, 1], [-1, -1]], [[1, 1, -1]]],
    ),
    "trap: always zero": Example(
        "relu(−relu(x₁)) is 0 everywhere. On x₁ < 0 the second neuron’s input is identically zero: with relu′(0) = 1 "
        "the chain rule finds a slope of 1 at x₁ = 0, where there is none.",
        [[[1, 0]], [[-1]], [[1]]],
    ),
    "dead and double": Example(
        "A dead neuron, a zero neuron, one neuron twice, and one against another: degenerate, and still exact.",
        [[[1, 1], [1, 1], [-2, -2], [0, 0], [1, -1], [0, 0]], [[1, 1, 1, 5, 1, 3]]],
        [[-1, -1, 2, -1, 0, 0], None],
    ),
    "cut of a path": Example(
        "The first tab’s network of the path with two edges: L₂² is its maximum cut, 2, and there are 2³ − 2 regions.",
        [[[1, 0], [-1, 1], [0, -1]], [[1, 1, 1]]],
    ),
    "random 8–8": Example("Two hidden layers of 8, weights in eighths.", *dyadic((8, 8, 1), 7)),
    "random 8–8–8": Example("Three hidden layers of 8 and two outputs, weights in eighths.", *dyadic((8, 8, 8, 2), 3)),
    "one linear map": Example("No hidden layer: one region, the whole plane.", [[[2, 1], [0, 1]]], [[1, 0]]),
}
