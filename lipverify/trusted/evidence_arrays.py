"""A network, a domain and a head as flat arrays for compiled loops; layers are padded with zeros to the widest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lipverify.arrays import Array, Indices, Matrix, Signs, Vector
from lipverify.trusted.evidence import Block, Chain, Head, Space


class Flat(NamedTuple):
    """A network of K hidden layers of at most m neurons, n in all, on a domain of g rows in d dimensions.

    Attributes
    ----------
    weight, bias, left, right
        Of the hidden layers: shapes (K, m, m or d), and (K, m) each.
    last
        The weights of the last layer.
    linear
        1 for neurons with equal slopes, shape (n,).
    width, offset
        Neurons per hidden layer, (K,), and where each begins among all, (K + 1,).
    lower, upper, reach, rows, shifts
        The domain, and the largest absolute values in its box.
    """

    weight: Array
    bias: Matrix
    left: Matrix
    right: Matrix
    last: Matrix
    linear: Signs
    width: Indices
    offset: Indices
    lower: Vector
    upper: Vector
    reach: Vector
    rows: Matrix
    shifts: Vector

    @classmethod
    def of(cls, chain: Chain, space: Space) -> Flat:
        """The arrays of a network on a domain."""
        d, depth, top = len(space.lower), len(chain.widths), max(chain.widths)
        weight = np.zeros((depth, top, max(top, d)))
        bias, left, right = np.zeros((depth, top)), np.ones((depth, top)), np.ones((depth, top))
        for k, (w, b, s) in enumerate(zip(chain.weights[:-1], chain.biases[:-1], chain.slopes, strict=True)):
            weight[k, : w.shape[0], : w.shape[1]] = w
            bias[k, : len(b)] = b
            left[k, : len(b)], right[k, : len(b)] = s[:, 0], s[:, 1]
        return cls(
            weight,
            bias,
            left,
            right,
            np.array(chain.weights[-1]),
            chain.linear.astype(np.int8),
            np.array(chain.widths, dtype=np.intp),
            np.array(chain.offsets, dtype=np.intp),
            np.array(space.lower),
            np.array(space.upper),
            np.maximum(np.abs(space.lower), np.abs(space.upper)),
            np.array(space.rows),
            np.array(space.shifts),
        )


class FlatHead(NamedTuple):
    """A head, and the links from layer to layer on its way, shape (K, m, m): `link[k]` leads away from layer k."""

    upward: bool
    end: int
    directions: Indices
    link: Array

    @classmethod
    def of(cls, flat: Flat, head: Head) -> FlatHead:
        """The arrays of a head."""
        return cls(head.upward, head.end, np.array(head.directions, dtype=np.intp), _links(flat, head.upward))


class FlatBlock(NamedTuple):
    """A block, and the links as of a head."""

    upward: bool
    outputs: Indices
    inputs: Indices
    link: Array

    @classmethod
    def of(cls, flat: Flat, block: Block) -> FlatBlock:
        """The arrays of a block."""
        outputs, inputs = (np.array(part, dtype=np.intp) for part in (block.outputs, block.inputs))
        return cls(block.upward, outputs, inputs, _links(flat, block.upward))


def _links(flat: Flat, upward: bool) -> Array:
    depth, top = flat.bias.shape
    link = np.zeros((depth, top, top))
    for k in range(depth):
        if upward and k + 1 < depth:
            link[k] = flat.weight[k + 1, :, :top].T
        if not upward and k:
            link[k] = flat.weight[k, :, :top]
    return link
