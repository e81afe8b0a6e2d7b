"""Sorted groups by odd-even transposition: each comparison is one relu(a − b), and nothing is rounded."""

from __future__ import annotations

import numpy as np

from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Step, Steps, TwoSlope, rewrite
from lipverify.readers.windows import SortedGroups


def sort_to_two_slope(steps: Steps) -> Steps:
    """Every sorting (GroupSort, MaxMin written with torch.sort) as k rounds of comparing neighbours."""
    return rewrite(steps, SortedGroups, _rounds)


def _rounds(step: SortedGroups) -> Steps:
    length = step.places.shape[1]
    done: list[Step] = [] if length > 1 else [Affine.identity(step.size)]
    for start in range(length if length > 1 else 0):
        left = np.arange(start % 2, length - 1, 2)
        if len(left):
            lower, upper = step.places[:, left].ravel(), step.places[:, left + 1].ravel()
            done.extend(_compared(step.size, *((upper, lower) if step.descending else (lower, upper))))
    return tuple(done)


def _compared(n: int, smaller: np.ndarray, larger: np.ndarray) -> Steps:
    """(x_s, x_l) ↦ (min, max) = (x_s − r, x_l + r), r = relu(x_s − x_l); every other entry passes."""
    pairs = len(smaller)
    row = np.arange(pairs)
    spread, joined = dense(n + pairs, n), dense(n, n + pairs)
    spread[np.arange(n), np.arange(n)] = 1.0
    spread[n + row, smaller], spread[n + row, larger] = 1.0, -1.0
    slopes = np.ones((n + pairs, 2))
    slopes[n:, 0] = 0.0
    joined[np.arange(n), np.arange(n)] = 1.0
    joined[smaller, n + row], joined[larger, n + row] = -1.0, 1.0
    return Affine(spread, np.zeros(n + pairs)), TwoSlope(slopes), Affine(joined, np.zeros(n))
