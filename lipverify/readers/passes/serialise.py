"""A graph of affine maps and neurons as one chain: what is needed later is carried along beside what is computed.

The chain's state is the live values of the graph, one behind the other. All affine maps whose operands are there
are computed in one step, then all neurons whose operand is there; the rest passes through neurons with slopes
(1, 1). Entries are copied; two are added only where an item reads one value twice (proofs/readers.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Matrix
from lipverify.errors import InvalidNetwork
from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, Step, Steps, TwoSlope


@dataclass(frozen=True, eq=False)
class Placed:
    """One affine map or row of neurons, and the earlier values it reads: 0 is the input, k + 1 what item k makes."""

    step: Step
    reads: tuple[int, ...]


def serialise(items: Sequence[Placed], inputs: int) -> Steps:
    """The chain that computes the last item's value.

    Raises
    ------
    InvalidNetwork
        When an item is neither affine nor neurons, or reads a value of another width.
    """
    widths = [inputs]
    for item in items:
        if not isinstance(item.step, (Affine, TwoSlope)):
            raise InvalidNetwork(f"a step of kind {type(item.step).__name__} was left over")
        taken = item.step.weight.shape[1] if isinstance(item.step, Affine) else item.step.width
        given = sum(widths[i] for i in item.reads)
        if taken != given:
            raise InvalidNetwork(f"a step takes {taken} values, but its operands give {given}")
        widths.append(item.step.width)
    state, waiting, done = [0], dict(enumerate(items, 1)), list[Step]()
    while waiting:
        for kind in (Affine, TwoSlope):
            ready = [
                k for k, item in waiting.items() if isinstance(item.step, kind) and all(i in state for i in item.reads)
            ]
            if not ready:
                continue
            made = {k: waiting.pop(k) for k in ready}
            needed = {i for item in waiting.values() for i in item.reads} | {len(items)}
            following = [i for i in state if i in needed] + ready
            done.extend(_advance(state, following, made, widths))
            state = following
            break
    if state != [len(items)]:
        done.append(_affine(state, [len(items)], {}, widths))
    return tuple(done)


def _advance(state: list[int], following: list[int], made: dict[int, Placed], widths: list[int]) -> Steps:
    """From one state to the next: an affine step; for neurons a copy of their operands, then the neurons."""
    if all(isinstance(item.step, Affine) for item in made.values()):
        return (_affine(state, following, made, widths),)
    copies = {k: Placed(Affine.identity(widths[k]), item.reads) for k, item in made.items()}
    slopes = []
    for k in following:
        step = made[k].step if k in made else TwoSlope.passing(widths[k])
        assert isinstance(step, TwoSlope)
        slopes.append(step.slopes)
    return _affine(state, following, copies, widths), TwoSlope(np.vstack(slopes))


def _affine(state: list[int], following: list[int], made: dict[int, Placed], widths: list[int]) -> Affine:
    """The map from one state to the next: identities for what is carried, the made items' own matrices."""
    columns = dict(zip(state, np.cumsum([0, *(widths[i] for i in state)]).tolist(), strict=False))
    matrix = dense(sum(widths[k] for k in following), sum(widths[i] for i in state))
    bias = np.zeros(len(matrix))
    row, rounded = 0, False
    for k in following:
        block = matrix[row : row + widths[k]]
        if k in made:
            step = made[k].step
            assert isinstance(step, Affine)
            start = 0
            for i in made[k].reads:  # a value that is read twice is added twice
                at = slice(columns[i], columns[i] + widths[i])
                block[:, at], exact = _added(block[:, at], step.weight[:, start : start + widths[i]])
                rounded = rounded or not exact
                start += widths[i]
            bias[row : row + widths[k]] = step.bias
            rounded = rounded or step.rounded
        else:
            block[:, columns[k] : columns[k] + widths[k]] = np.eye(widths[k])
        row += widths[k]
    return Affine(matrix, bias, rounded)


def _added(a: Matrix, b: Matrix) -> tuple[Matrix, bool]:
    """a + b in floats, and whether that is exact: Knuth's two-sum gives the error itself."""
    total = a + b
    part = total - a
    return total, not ((a - (total - part)) + (b - part)).any()
