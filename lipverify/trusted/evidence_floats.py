"""Reads the records of `evidence` in floats, for a batch at a time: what it accepts is true, rounding included.

Its loops are compiled: importing this loads numba. Proof: proofs/engine.md.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, final

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Matrix, Signs, Vector
from lipverify.trusted.evidence import Block, Chain, Empty, Head, Implied, Pruned, Space, Turned
from lipverify.trusted.evidence_arrays import Flat, FlatBlock, FlatHead
from lipverify.trusted.evidence_blocks import BlockRoom, read_blocks
from lipverify.trusted.evidence_cones import judge_on_cones
from lipverify.trusted.evidence_forms import Memory, judge
from lipverify.trusted.evidence_passes import Room, read
from lipverify.trusted.evidence_sizes import LARGEST, Charges, Sizes
from lipverify.trusted.rounding import TINY, U, gamma


@final
class FloatReader:
    """The reader for one network on one domain: every method is a rule, and answers for each record of the batch.

    One thread at a time may use it.
    """

    COMPILED: ClassVar[tuple[Any, ...]] = (judge, judge_on_cones, read, read_blocks)

    def __init__(self, chain: Chain, space: Space) -> None:
        self.chain = chain
        self.space = space
        self._flat = Flat.of(chain, space)
        self._memory = Memory.of(self._flat)
        self._heads: dict[Head, tuple[FlatHead, Charges, Room]] = {}
        self._blocks: dict[Block, tuple[FlatBlock, Charges, BlockRoom]] = {}

    @cached_property
    def sizes(self) -> Sizes:
        """What no quantity exceeds, whatever the states."""
        return Sizes.of(self.chain, self.space)

    def implied(self, claims: Implied) -> Bools:
        """Which claims hold: on the closed cell of its states the neuron's pre-activation has the sign; shape (F,).

        Strictly on a bounded domain; on a cone it may be 0, as it is at the origin.
        """
        if self.space.cone:
            return self._judge_on_cones(claims)
        verdict = self._judge(claims.states, claims.index, claims.neurons, claims.signs, claims.multipliers)
        return verdict & (claims.neurons >= 0)

    def empty(self, claims: Empty) -> Bools:
        """Which states have no point at all on the box, shape (F,)."""
        none = np.full(len(claims.index), -1)
        return self._judge(claims.states, claims.index, none, none.astype(np.int8), claims.multipliers)

    def pruned(self, claims: Pruned) -> Bools:
        """Which states have no Jacobian whose head exceeds the target, shape (S,)."""
        none = np.zeros(len(claims.states) + 1, dtype=np.intp)
        begins = none if claims.begins is None or len(claims.begins) != len(none) else claims.begins
        return self._read(claims.states, claims.head, claims.target, max(1, claims.limit), claims.trees, begins)[0]

    def turned(self, claims: Turned) -> Bools:
        """Which states have no Jacobian whose block exceeds the target, shape (S,)."""
        return self.upper_of_block(claims.states, claims.block, claims.left, claims.right) <= claims.target

    def error(self, head: Head | Block) -> float:
        """What a pass of this head may err by, whatever the states."""
        charges = (self._block(head) if isinstance(head, Block) else self._head(head))[1]
        return float(charges.error.max())

    def upper(self, states: Signs, head: Head) -> Vector:
        """An upper bound of the 1-norms of the head under each of the states, shape (S,); inf where none is shown."""
        none = np.zeros(len(states) + 1, dtype=np.intp)
        found = self._read(states, head, 0.0, 0, none, none)[1]
        with np.errstate(all="ignore"):
            top = np.nextafter(np.minimum(found[:, 0], found[:, 1]) + found[:, 2], np.inf)
        return np.where(top >= 0, top, np.where(np.isnan(top), np.inf, 0.0))

    def upper_of_block(self, states: Signs, block: Block, left: Array, right: Array) -> Vector:
        """Upper bounds of the spectral norms of a block under each of the states, shape (S,); inf where none is shown.

        U and V, shapes (S, m, m) and (S, d, d), are those of `Turned`.
        """
        flat, charges, room = self._block(block)
        count, m, d = len(states), len(block.outputs), len(block.inputs)
        if left.shape != (count, m, m) or right.shape != (count, d, d):
            return np.full(count, np.inf)
        found, turns = np.full(count, np.nan), [np.ascontiguousarray(t, dtype=np.float64) for t in (left, right)]
        known = np.ascontiguousarray(states, dtype=np.int8)
        read_blocks(self._flat, flat, charges, known, *turns, self._memory, room, found)
        with np.errstate(all="ignore"):
            value = found * (1 + gamma(2 * (m + d) + 32)) + TINY * (1 + found)
            top = np.nextafter(value / np.sqrt(_singular(turns[0]) * _singular(turns[1])) * (1 + 8 * U), np.inf)
        return np.where(np.isfinite(top), top, np.inf)

    def _block(self, block: Block) -> tuple[FlatBlock, Charges, BlockRoom]:
        if block not in self._blocks:
            flat = FlatBlock.of(self._flat, block)
            self._blocks[block] = flat, Charges.of(self.chain, self.sizes, block), BlockRoom.of(self._flat, flat)
        return self._blocks[block]

    def _judge(self, states: Signs, index: Indices, neurons: Indices, signs: Signs, multipliers: Matrix) -> Bools:
        verdict = np.zeros(len(index), dtype=bool)
        flat = self._flat
        columns, d = len(flat.shifts) + len(flat.linear), len(flat.lower)
        if multipliers.shape != (len(index), columns):
            return verdict
        lost = TINY * (columns + 8) * (1 + float(flat.reach.sum()))
        judge(
            flat,
            self.sizes,
            np.ascontiguousarray(states, dtype=np.int8),
            np.ascontiguousarray(index, dtype=np.intp),
            np.ascontiguousarray(neurons, dtype=np.intp),
            np.ascontiguousarray(signs, dtype=np.int8),
            np.ascontiguousarray(multipliers, dtype=np.float64),
            gamma(columns + 2 * d + 16),
            lost,
            self._memory,
            verdict,
        )
        return verdict

    def _judge_on_cones(self, claims: Implied) -> Bools:
        verdict = np.zeros(len(claims.index), dtype=bool)
        flat = self._flat
        if claims.multipliers.shape != (len(claims.index), len(flat.linear)) or not self._plain:
            return verdict
        most = max(len(flat.lower), flat.bias.shape[1])
        judge_on_cones(
            flat,
            self._carried,
            np.ascontiguousarray(claims.states, dtype=np.int8),
            np.ascontiguousarray(claims.index, dtype=np.intp),
            np.ascontiguousarray(claims.neurons, dtype=np.intp),
            np.ascontiguousarray(claims.signs, dtype=np.int8),
            np.ascontiguousarray(claims.multipliers, dtype=np.float64),
            gamma(2 * (len(flat.linear) + 4 * len(flat.width) + most + 16)),
            TINY * (most + 8),
            verdict,
        )
        return verdict

    @cached_property
    def _plain(self) -> bool:
        """Whether the chain is homogeneous, and none of the products that its forms are made of leaves the floats."""
        low = high = 0.0
        for given in (*self.chain.weights[:-1], *self.chain.slopes):
            exponents = np.frexp(np.abs(given[given != 0]))[1]
            low += max(0, 1 - int(exponents.min(initial=1)))
            high += max(0, int(exponents.max(initial=0))) + np.log2(given.size + 1)
        homogeneous = not any(b.any() for b in self.chain.biases[:-1])
        return homogeneous and max(low + 56 * len(self.chain.widths), high) <= 1000

    @cached_property
    def _carried(self) -> bool:
        """Whether the last input is ≥ 0, and the pre-activation of the last neuron of every layer."""
        rows, slopes = [w[-1] for w in self.chain.weights[:-1]], self.chain.slopes
        units = all(row[-1] == 1.0 and not row[:-1].any() for row in rows)
        return units and self.space.lower[-1] == 0.0 and all(s[-1, 1] == 1.0 for s in slopes)

    def _read(
        self, states: Signs, head: Head, target: float, limit: int, trees: Indices, begins: Indices
    ) -> tuple[Bools, Matrix]:
        closed, found = np.zeros(len(states), dtype=bool), np.full((len(states), 3), np.nan)
        flat, charges, room = self._head(head)
        read(
            self._flat,
            flat,
            charges,
            np.ascontiguousarray(states, dtype=np.int8),
            float(target),
            limit,
            np.ascontiguousarray(trees, dtype=np.int16),
            np.clip(begins, 0, len(trees)).astype(np.intp),
            self._memory,
            room,
            closed,
            found,
        )
        return closed, found

    def _head(self, head: Head) -> tuple[FlatHead, Charges, Room]:
        if head not in self._heads:
            flat = FlatHead.of(self._flat, head)
            self._heads[head] = flat, Charges.of(self.chain, self.sizes, head), Room.of(self._flat, flat)
        return self._heads[head]


def _singular(turns: Array) -> Vector:
    """Lower bounds of the squares of all singular values of square matrices, shapes (S, n, n) to (S,); NaN for none.

    ‖U·Uᵀ − I‖ ≤ e says that they are at least 1 − e. For e < ½ no entry is larger than `LARGEST`.
    """
    n = turns.shape[1]
    off = np.abs(turns @ np.swapaxes(turns, 1, 2) - np.eye(n))
    error = n * (off.max(axis=(1, 2)) + LARGEST**2 * n * gamma(n + 8)) * (1 + gamma(8))
    return np.where(error < 0.5, (1 - error) * (1 - 2 * U), np.nan)
