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
    schedule = _Schedule(items)
    state, done = [0], list[Step]()
    while made := schedule.next():
        following = [i for i in state if schedule.readers[i]] + list(made)
        done.extend(_advance(state, following, made, widths))
        state = following
    if state != [len(items)]:
        done.append(_affine(state, [len(items)], {}, widths))
    return tuple(done)


class _Schedule:
    """Items in the order in which they can run, each looked at once for every value that it reads.

    Attributes
    ----------
    readers
        How many items that have not run read a value; the last item's value has one reader, who is outside.
    """

    def __init__(self, items: Sequence[Placed]) -> None:
        self._items = items
        self._consumers: list[list[int]] = [[] for _ in range(len(items) + 1)]
        self._missing = [0] * (len(items) + 1)
        self.readers = [0] * (len(items) + 1)
        for k, item in enumerate(items, 1):
            for i in set(item.reads):
                self._consumers[i].append(k)
                self._missing[k] += 1
                self.readers[i] += 1
        self.readers[-1] += 1
        self._ready: dict[type, list[int]] = {Affine: [], TwoSlope: []}
        self._arrived(0)
        for k, item in enumerate(items, 1):
            if not item.reads:
                self._ready[type(item.step)].append(k)

    def _arrived(self, value: int) -> None:
        for k in self._consumers[value]:
            self._missing[k] -= 1
            if not self._missing[k]:
                self._ready[type(self._items[k - 1].step)].append(k)

    def next(self) -> dict[int, Placed]:
        """All affine maps whose operands are there, or else all neurons; they count as run."""
        for kind in (Affine, TwoSlope):
            ready, self._ready[kind] = sorted(self._ready[kind]), []
            if ready:
                for k in ready:
                    for i in set(self._items[k - 1].reads):
                        self.readers[i] -= 1
                for k in ready:
                    self._arrived(k)
                return {k: self._items[k - 1] for k in ready}
        return {}


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
