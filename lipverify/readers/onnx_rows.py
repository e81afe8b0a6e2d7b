"""Whether an ONNX operator keeps the rows of a batch apart: then one row's network is every row's.

A graph with a fixed first axis of B, or an open one, is read for one row only where this holds of every node
(proofs/readers.md, "Rows of a batch").
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

_ENTRYWISE = ("Relu", "Abs", "LeakyRelu", "Clip", "Identity", "Dropout")
_BROADCAST = ("Add", "Sub", "Mul", "Div", "PRelu")


def mixing(
    operator: str, inputs: Sequence[Any], attributes: dict[str, Any], shape: tuple[int, ...], batch: int | None
) -> str:
    """Why a node may make one row out of several; empty where it cannot.

    Parameters
    ----------
    inputs
        The constants, and None for the value that flows.
    shape
        Of the value that flows, for a batch of one.
    batch
        The size of the first axis; None where it is open.
    """
    constants = [value for value in inputs if value is not None]
    if operator in _ENTRYWISE:
        return ""
    if operator in _BROADCAST:
        if any(c.ndim > len(shape) or (c.ndim == len(shape) and c.shape[0] != 1) for c in constants):
            return "its constant has an axis of its own for the rows"
        return ""
    if operator == "Gemm":
        bias = inputs[2] if len(inputs) > 2 else None
        same = bias is None or bias.ndim < 2 or bias.shape[0] == 1
        return "" if same and not attributes.get("transA") else "it treats rows differently"
    if operator == "MatMul":
        if len(shape) < 2:
            return "its value has no axis of rows"
        return "" if inputs[0] is None or len(shape) > 2 else "it multiplies from the left, across the rows"
    if operator == "Flatten":
        axis = attributes.get("axis", 1)
        return "" if axis == 1 or axis == 1 - len(shape) else "it flattens other axes than those behind the first"
    if operator == "Reshape":
        return _reshaping([int(n) for n in constants[0].ravel()], shape, batch)
    return "it is not known to keep them apart"


def _reshaping(target: list[int], shape: tuple[int, ...], batch: int | None) -> str:
    first, rest = target[0] if target else 1, target[1:]
    copied = [shape[k] if n == 0 and k < len(shape) else n for k, n in enumerate(rest, 1)]
    size = math.prod(shape[1:])
    if first in (0, batch) and (-1 in copied or math.prod(copied) == size):
        return ""
    if first == -1 and math.prod(copied) == size:
        return ""
    if batch is None and -1 not in target and math.prod(copied) * first == size:
        return ""  # runs on a batch of one only
    return f"its target {target} may join rows"


def for_one_row(target: Sequence[int], batch: int | None) -> list[int]:
    """A Reshape's target for one row of a batch of fixed size."""
    return [1 if k == 0 and batch is not None and n == batch else n for k, n in enumerate(target)]
