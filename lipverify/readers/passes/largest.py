"""Maxima over windows by halving: max(a, b) = b + relu(a − b), exactly, in ⌈log₂ k⌉ rounds."""

from __future__ import annotations

import numpy as np

from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Step, Steps, TwoSlope, rewrite
from lipverify.readers.windows import LargestOf


def largest_to_two_slope(steps: Steps) -> Steps:
    """Every maximum and minimum as affine maps, relus and neurons that pass their value on."""
    return rewrite(steps, LargestOf, _rounds)


def _rounds(step: LargestOf) -> Steps:
    groups = [[i for i in row if i >= 0] for row in step.members.tolist()]
    sign = -1.0 if step.least else 1.0
    done: list[Step] = []
    size = step.size
    while True:
        if all(len(group) == 1 for group in groups):
            last = dense(len(groups), size)
            last[np.arange(len(groups)), [group[0] for group in groups]] = 1.0
            done.append(Affine(last, np.zeros(len(groups))))
            return tuple(done)
        pairs = [pair for group in groups for pair in zip(group[::2], group[1::2], strict=False)]
        kept = list(dict.fromkeys(group[-1] for group in groups if len(group) % 2))
        done.extend(_round(size, pairs, kept, sign))
        places = iter(range(len(pairs)))
        rest = {value: len(pairs) + k for k, value in enumerate(kept)}
        groups = [
            [*(next(places) for _ in range(len(group) // 2)), *([rest[group[-1]]] if len(group) % 2 else [])]
            for group in groups
        ]
        size = len(pairs) + len(kept)


def _round(size: int, pairs: list[tuple[int, int]], kept: list[int], sign: float) -> Steps:
    """(x) ↦ (max(x_a, x_b) for every pair, x_i for every i kept); for sign −1 the minima."""
    n = len(pairs)
    first, second = (np.array([pair[k] for pair in pairs]) for k in (0, 1))
    spread, joined = dense(2 * n + len(kept), size), dense(n + len(kept), 2 * n + len(kept))
    row = np.arange(n)
    spread[row, first] = sign
    spread[row, second] += -sign  # the same entry twice: a − a = 0
    spread[n + row, second] = 1.0
    spread[2 * n + np.arange(len(kept)), kept] = 1.0
    slopes = np.ones((len(spread), 2))
    slopes[:n, 0] = 0.0
    joined[row, row], joined[row, n + row] = sign, 1.0
    joined[n + np.arange(len(kept)), 2 * n + np.arange(len(kept))] = 1.0
    return Affine(spread, np.zeros(len(spread))), TwoSlope(slopes), Affine(joined, np.zeros(len(joined)))
