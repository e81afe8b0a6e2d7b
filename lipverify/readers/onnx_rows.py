"""Whether an ONNX operator keeps the rows of a batch apart: then one row's network is every row's.

A graph with a fixed first axis of B, or an open one, is read for one row only where this holds of every node
(proofs/readers.md, "Rows of a batch").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np

from lipverify.readers.operators.call import Ref

BATCH = 2**40 + 15
"""What stands in a shape for the size of the batch: a number that no tensor has."""


@final
@dataclass(frozen=True)
class Rows:
    """A first axis that is taken for a batch: its size, None where it is open, and the way to say that it is none."""

    batch: int | None
    otherwise: str


def mixing(node: Any, rows: Rows) -> str:
    """Why a node may make one row of several, rows being the first axis of every value; empty where it cannot."""
    rule = _RULES.get(node.operator)
    return "it is not known to keep them apart" if rule is None else rule(node, rows)


_Rule: TypeAlias = Callable[[Any, Rows], str]


def _apart(node: Any, rows: Rows) -> str:
    return ""


def _entries(node: Any, rows: Rows) -> str:
    """Operators on entries of values and constants that broadcast."""
    axes = {len(value.shape) for value in node.inputs if isinstance(value, Ref)}
    if len(axes) != 1:
        return "its values have different numbers of axes"
    for value in node.inputs:
        if isinstance(value, np.ndarray) and (value.ndim > max(axes) or (value.ndim in axes and value.shape[0] != 1)):
            return "its constant has an axis of its own for the rows"
    return ""


def _gemm(node: Any, rows: Rows) -> str:
    a, bias = node.inputs[0], node.option(2)
    if not isinstance(a, Ref) or node.attributes.get("transA"):
        return "it multiplies across the rows"
    if isinstance(bias, np.ndarray) and bias.ndim == 2 and bias.shape[0] != 1:
        return "it adds something else to every row"
    return ""


def _matmul(node: Any, rows: Rows) -> str:
    a, b = node.inputs
    if isinstance(a, Ref) and isinstance(b, np.ndarray):
        return "" if len(a.shape) > 1 and b.ndim <= len(a.shape) else "its value has no axis of rows"
    value = b if isinstance(b, Ref) else a
    both = isinstance(a, Ref) and isinstance(b, Ref)
    return "" if len(value.shape) > 2 and not both and a.ndim <= len(value.shape) else "it multiplies across the rows"


def _flatten(node: Any, rows: Rows) -> str:
    axis = node.attributes.get("axis", 1)
    axes = len(node.inputs[0].shape)
    return "" if axis in (1, 1 - axes) else "it flattens other axes than those behind the first"


def _reshape(node: Any, rows: Rows) -> str:
    target = node.integers("shape", 1) or []
    shape = node.inputs[0].shape
    first, rest = target[0] if target else 1, target[1:]
    copied = [shape[k] if n == 0 and k < len(shape) else n for k, n in enumerate(rest, 1)]
    size = math.prod(shape[1:])
    if first in (0, BATCH, rows.batch) and (-1 in copied or math.prod(copied) == size):
        return ""
    if first == -1 and math.prod(copied) == size:
        return ""
    if rows.batch is None and -1 not in target and math.prod(copied) * first == size:
        return ""  # runs on a batch of one only
    return f"its target {['batch' if n == BATCH else n for n in target]} may join rows"


def _not_first(name: str, index: int | None, default: Sequence[int] | None) -> _Rule:
    """Operators along axes: none of them the first. Without axes, all of them."""

    def rule(node: Any, rows: Rows) -> str:
        given = node.attributes.get(name, default)
        axes = [given] if isinstance(given, int) else node.integers(name, index, default)
        count = len(next(value for value in node.inputs if isinstance(value, Ref)).shape)
        return "it works along the axis of rows" if axes is None or any(a % max(count, 1) == 0 for a in axes) else ""

    return rule


def _concat(node: Any, rows: Rows) -> str:
    if any(isinstance(value, np.ndarray) and value.shape[:1] != (1,) for value in node.inputs):
        return "its constant has rows of its own"
    return _not_first("axis", None, None)(node, rows)


def _gather(node: Any, rows: Rows) -> str:
    if not isinstance(node.inputs[0], Ref):
        return "it looks up rows"
    return _not_first("axis", None, (0,))(node, rows)


def _unsqueeze(node: Any, rows: Rows) -> str:
    axes = node.integers("axes", 1) or []
    count = len(node.inputs[0].shape) + len(axes)
    return "it puts an axis before the rows" if any(a % count == 0 for a in axes) else ""


def _transpose(node: Any, rows: Rows) -> str:
    perm = node.integers("perm")
    return "" if perm is not None and perm[:1] == [0] else "it moves the axis of rows"


def _pad(node: Any, rows: Rows) -> str:
    pads, axes = node.integers("pads", 1) or [], node.integers("axes", 3)
    count = len(node.inputs[0].shape)
    named = list(range(count)) if axes is None else [a % count for a in axes]
    half = len(pads) // 2
    touched = [pads[k] or pads[half + k] for k, axis in enumerate(named) if axis == 0 and half + k < len(pads)]
    return "it pads the axis of rows" if any(touched) else ""


def _slice(node: Any, rows: Rows) -> str:
    starts = node.integers("starts", 1) or []
    axes = node.integers("axes", 3) or list(range(len(starts)))
    count = len(node.inputs[0].shape)
    return "it cuts the axis of rows" if any(a % count == 0 for a in axes) else ""


def _expand(node: Any, rows: Rows) -> str:
    target = node.integers("shape", 1) or []
    count = len(node.inputs[0].shape)
    same = len(target) < count or (len(target) == count and target[0] in (1, BATCH, rows.batch))
    return "" if same else "it repeats rows"


def _tile(node: Any, rows: Rows) -> str:
    return "" if (node.integers("repeats", 1) or [0])[0] == 1 else "it repeats rows"


_ENTRYWISE = (
    "Abs Add Cast Clip Div Dropout HardSigmoid Identity LeakyRelu Max Mean Min Mul Neg PRelu Relu Sub Sum Where"
)
_PER_SAMPLE = (
    "AveragePool BatchNormalization Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalMaxPool MaxPool Shape Size "
    "SpaceToDepth"
)
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_ENTRYWISE.split(), _entries),
    **dict.fromkeys(_PER_SAMPLE.split(), _apart),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Squeeze"), _not_first("axes", 1, None)),
    "Concat": _concat,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Pad": _pad,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _not_first("axis", None, (0,)),
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
