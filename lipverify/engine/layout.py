"""A network, a domain and a head as flat arrays, and the arrays that a dive works in and writes to."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from lipverify.arrays import Vector
from lipverify.trusted.evidence import Block, Chain, Head, Space

Net = namedtuple(
    "Net", "weight bias left right width offset d lower upper rows shifts size slack last cone center reach"
)
HeadArrays = namedtuple("HeadArrays", "upward end directions outputs inputs link")
Cells = namedtuple(
    "Cells",
    "T basic nonbasic low high value owner rows signs front form shift failed has_failed neuron side stage node "
    "seen has left right",
)
Work = namedtuple(
    "Work",
    "a cost c c0 spare centre x block line z_low z_high least greatest low high lines start slope gap entry_low "
    "entry_high chosen cs path slope_path kept z y v slope_at here there total "
    "block_low block_high above jacobian turn_x turn_y turn_z turn_block turn_left turn_right turn_scratch",
)
Out = namedtuple(
    "Out",
    "parent fate neuron used side node_failed node_has_failed fact_state fact_node "
    "fact_neuron fact_sign fact_kind mult points point_node counts tree tree_end left right",
)


def net_arrays(chain: Chain, space: Space, size: Vector, slack: Vector) -> Any:
    """The network and its domain; `size` and `slack` are what pre-activations are at most, and what decides a sign."""
    width = np.array(chain.widths, dtype=np.int64)
    d = len(space.lower)
    top = max(int(width.max()), d)
    depth = len(width)
    weight = np.zeros((depth, top, top))
    bias, left, right = np.zeros((depth, top)), np.ones((depth, top)), np.ones((depth, top))
    for k, (w, b, s) in enumerate(zip(chain.weights[:-1], chain.biases[:-1], chain.slopes, strict=True)):
        weight[k, : w.shape[0], : w.shape[1]] = w
        bias[k, : len(b)] = b
        left[k, : len(b)], right[k, : len(b)] = s[:, 0], s[:, 1]
    offset = np.array(chain.offsets, dtype=np.int64)
    return Net(
        weight,
        bias,
        left,
        right,
        width,
        offset,
        d,
        space.lower.copy(),
        space.upper.copy(),
        space.rows.copy(),
        space.shifts.copy(),
        size.copy(),
        slack.copy(),
        chain.weights[-1].copy(),
        int(space.cone),
        np.zeros(d) if space.round is None else space.round[0].copy(),
        np.inf if space.round is None else space.round[1] * (1 - 1e-9),
    )


def head_arrays(net: Any, head: Head | Block) -> Any:
    """A head or a block, without what only the other has, and the links from layer to layer on its way."""
    depth, top = net.bias.shape
    link = np.zeros((depth, top, top))
    for k in range(depth):
        if head.upward and k + 1 < depth:
            link[k] = net.weight[k + 1].T
        if not head.upward and k:
            link[k] = net.weight[k]
    outputs, inputs = (head.outputs, head.inputs) if isinstance(head, Block) else ((), ())
    lists = (np.array(part, dtype=np.int64) for part in (head.directions, outputs, inputs))
    return HeadArrays(head.upward, -1 if isinstance(head, Block) else head.end, *lists, link)


def work_arrays(net: Any, head: Any, levels: int) -> tuple[Any, Any]:
    """The cells of `levels` nodes, one below the other, and the scratch of one."""
    depth, top = net.bias.shape
    n, d, rows = len(net.size), net.d, len(net.size) + len(net.shifts)
    f, i8, i64 = np.zeros, np.int8, np.int64
    directions, outputs, inputs = len(head.directions), len(head.outputs), len(head.inputs)
    few, many = sorted((outputs, inputs))
    cells = Cells(
        f((levels, rows, d)),
        f((levels, rows), i64),
        f((levels, d), i64),
        f((levels, d + rows)),
        f((levels, d + rows)),
        f((levels, d + rows)),
        f((levels, rows), i64),
        f(levels, i64),
        f((levels, n), i8),
        f(levels, i64),
        f((levels, top, d)),
        f((levels, top)),
        f((levels, directions), i8),
        f(levels, i8),
        f(levels, i64),
        f(levels, i64),
        f(levels, i64),
        f(levels, i64),
        f((levels, 2, top, d)),
        f((levels, 2, top), i8),
        f((levels, outputs, outputs)),
        f((levels, inputs, inputs)),
    )
    work = Work(
        f(d),
        f(d),
        f(top),
        f(top),
        f(top),
        f(d + 1),
        f(d),
        f((top, d + 1)),
        f((depth, 4, top)),
        f(top),
        f(top),
        f((depth, top)),
        f((depth, top)),
        f((depth, top)),
        f((depth, top)),
        f((depth, 4, top)),
        f((max(directions, many), top)),
        f(directions),
        f(directions),
        f(directions),
        f(directions),
        f(directions, i8),
        f((directions + 2, top)),
        f(directions + 2, i64),
        f(top + 2, i64),
        f((top + 2, 5)),
        f(top),
        f(top),
        f(top),
        f((depth, top)),
        f(d),
        f(d),
        f(d + rows),
        f((few, many)),
        f((few, many)),
        f((few, many)),
        f((few, many)),
        f(many),
        f(few),
        f(many),
        f((many, few)),
        f((few, few)),
        f((many, many)),
        f((many, many)),
    )
    return cells, work


def out_arrays(net: Any, head: Any, nodes: int, codes: int) -> Any:
    """Room for what a dive through so many nodes says, and for so many choices in sign trees."""
    n, d = len(net.size), net.d
    facts = nodes * 4 + 2 * n
    f, i8, i64 = np.zeros, np.int8, np.int64
    return Out(
        f(nodes, i64),
        f(nodes, i8),
        f(nodes, i64),
        f(nodes, i64),
        f(nodes, i8),
        f((nodes, len(head.directions)), i8),
        f(nodes, i8),
        f(facts, i64),
        f(facts, i64),
        f(facts, i64),
        f(facts, i8),
        f(facts, i8),
        f((facts, len(net.shifts) + n)),
        f((nodes + 1, d)),
        f(nodes + 1, i64),
        f(4, i64),
        f(codes, np.int16),
        f(nodes, i64),
        f((nodes, len(head.outputs), len(head.outputs))),
        f((nodes, len(head.inputs), len(head.inputs))),
    )
