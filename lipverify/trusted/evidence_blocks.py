"""Bounds of the spectral norm of a block of J under some states, turned so that it is nearly diagonal.

The entries of U·J·V are functionals of J, pushed through the layers that are left as those of a head. Let N be above
their absolute values: ‖U·J·V‖ ≤ ‖N‖, and ‖N‖² ≤ max over b of (NᵀNx)_b / x_b for any x > 0. What lies off the diagonal
enters by its square only, so with a turn that fits the bound is as good as that of the first entry. Compiled, in the
order written down; NaN proves nothing. Proof: proofs/engine.md, "Blocks".
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.kernels import compiled, inner_in_order
from lipverify.trusted.evidence_arrays import Flat, FlatBlock
from lipverify.trusted.evidence_forms import front_of, larger, look, smaller
from lipverify.trusted.evidence_passes import open_slopes, push, ranges

_ROUNDS = 24  # of the power method: any number of them yields a bound


class BlockRoom(NamedTuple):
    """Where a block is bounded.

    Attributes
    ----------
    least, greatest, low, high, line, c, spare
        As in `Room`.
    start
        The functionals of the directions at the first layer, shape (D, m).
    norms
        N, shape (rows, D).
    x, y, z
        Scratch of the power method: (D,), (rows,), (D,).
    """

    least: Matrix
    greatest: Matrix
    low: Matrix
    high: Matrix
    line: Array
    c: Vector
    spare: Vector
    start: Matrix
    norms: Matrix
    x: Vector
    y: Vector
    z: Vector

    @classmethod
    def of(cls, flat: Flat, block: FlatBlock) -> BlockRoom:
        """Room for the states of a block."""
        (depth, m), z = flat.bias.shape, np.zeros
        rows, count = sorted((len(block.outputs), len(block.inputs)))
        ranges = (z((depth, m)) for _ in range(4))
        return cls(*ranges, z((depth, 4, m)), z(m), z(m), z((count, m)), z((rows, count)), z(count), z(rows), z(count))


@inner_in_order
def combination(flat, block, memory, front, i, left, right, outward, k):  # type: ignore[no-untyped-def]
    """Row k of U times the last layer's weights, or the front's forms times column k of V, at neuron i."""
    total = 0.0
    if outward:
        for r in range(len(block.outputs)):
            total += left[k, r] * flat.last[block.outputs[r], i]
    else:
        for r in range(len(block.inputs)):
            total += memory.form[flat.offset[front] + i, block.inputs[r]] * right[r, k]
    return total


@inner_in_order
def entries(flat, block, charges, signs, left, right, memory, room):  # type: ignore[no-untyped-def]
    """Bounds of the absolute values of the entries of U·J·V under some states into room.norms."""
    depth, front = len(flat.width), front_of(flat, signs)
    look(flat, signs, front, memory)
    open_slopes(flat, signs, front, room)
    upward = block.upward
    first, last = (front, depth - 1) if upward else (depth - 1, front)
    rows, count = room.norms.shape
    for b in range(count):
        for i in range(flat.width[first]):
            room.start[b, i] = combination(flat, block, memory, front, i, left, right, not upward, b)
    reach, charge = charges.reach[front, 0], charges.entry[front, 0]
    for a in range(rows):
        for i in range(flat.width[last]):
            v, off = combination(flat, block, memory, front, i, left, right, upward, a), charges.end[front, i]
            room.low[last, i], room.high[last, i] = np.nextafter(v - off, -np.inf), np.nextafter(v + off, np.inf)
        ranges(flat, block, charges, front, first, last, room)
        for b in range(count):
            most, side = 0.0, 1.0
            for _ in range(2):
                for i in range(flat.width[first]):
                    room.c[i] = side * room.start[b, i]
                end = push(block.link, flat.width, first, last, room.line, room.c, room.spare)
                most = larger(most, smaller(end, reach) + charge)
                side = -1.0
            room.norms[a, b] = most


@inner_in_order
def largest(norms, x, y, z):  # type: ignore[no-untyped-def]
    """The spectral norm of a matrix ≥ 0 from above, but for roundings."""
    rows, count = norms.shape
    top = 0.0
    for a in range(rows):
        for b in range(count):
            top = larger(top, norms[a, b])
    if not 0.0 < top < np.inf:
        return top
    for b in range(count):
        x[b] = 1.0
    least = np.inf
    for _ in range(_ROUNDS):
        for a in range(rows):
            y[a] = 0.0
            for b in range(count):
                y[a] += norms[a, b] / top * x[b]
        square, most = 0.0, 0.0
        for b in range(count):
            z[b] = 0.0
            for a in range(rows):
                z[b] += norms[a, b] / top * y[a]
            square, most = larger(square, z[b] / x[b]), larger(most, z[b])
        least = smaller(least, square)
        for b in range(count):
            x[b] = z[b] / most + 2.0**-30
    return top * np.sqrt(least)


@compiled
def read_blocks(flat, block, charges, states, left, right, memory, room, found):  # type: ignore[no-untyped-def]
    """The norm of N under each of some states, turned by U and V, up to the roundings of `largest`; shape (S,)."""
    for s in range(len(states)):
        entries(flat, block, charges, states[s], left[s], right[s], memory, room)
        found[s] = largest(room.norms, room.x, room.y, room.z)
