"""Operators that only move entries about: what they do is read off by letting them move the entries' numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lipverify.errors import UnsupportedLayer
from lipverify.readers.limits import require_numbers
from lipverify.readers.operators.call import Call, Ref, is_constant
from lipverify.readers.steps import Select


def same(call: Call) -> Ref:
    """The same entries in the same order, in whatever shape."""
    return Ref(call.ref(next(iter(call.arguments))).index, call.shape)


def dropout(call: Call) -> Ref:
    """Nothing, outside training."""
    if call.plain("train", call.plain("training", False)) and call.plain("p") != 0:
        raise UnsupportedLayer("it drops values at random in training mode; call module.eval() first")
    return same(call)


def moved(call: Call) -> Any:
    """Any operator that copies entries, of one or more operands and constants, to places that are fixed.

    The operator runs on the numbers 1, 2, … of its operands' entries and on zeros; the difference tells for every
    entry of the result which entry it copies (0: none), the second run what constant stands there.
    """
    import torch

    operands: list[Ref] = []
    marks: dict[int, Any] = {}
    first = 1

    def bind(value: Any, marked: bool) -> Any:
        nonlocal first
        if isinstance(value, (list, tuple)):
            return [bind(v, marked) for v in value]
        if isinstance(value, Ref):
            if value.index not in marks:
                count = value.size
                marks[value.index] = torch.arange(first, first + count, dtype=torch.float64)
                operands.append(value)
                first += count
            mark = marks[value.index].reshape(value.shape)
            return mark if marked else torch.zeros_like(mark)
        if isinstance(value, torch.Tensor) and value.dtype.is_floating_point:
            return value.detach().double()
        return value

    with torch.no_grad():
        runs = [call.target(**{k: bind(v, marked) for k, v in call.arguments.items()}) for marked in (True, False)]
    several = isinstance(runs[0], (list, tuple))
    marked, constant = (list(run) if several else [run] for run in runs)
    values: list[Any] = []
    flat = [value for value in _flattened(call.arguments) if is_constant(value)]
    for m, c in zip(marked, constant, strict=True):
        places = _selected(call, tuple(operands), m.numpy(), c.numpy(), flat)
        values.append(c if places is None else places)
    return tuple(values) if several else values[0]


def relocated(call: Call, function: Callable[..., Any], *values: Ref | npt.NDArray[Any]) -> Any:
    """The same for a function of numpy arrays, values and constants in any order."""
    operands = list(dict.fromkeys(value for value in values if isinstance(value, Ref)))
    first = np.cumsum([1, *(ref.size for ref in operands)])
    marks = {ref: np.arange(k, k + ref.size, dtype=np.float64) for ref, k in zip(operands, first, strict=False)}
    runs = [
        function(*(marks[v].reshape(v.shape) * sign if isinstance(v, Ref) else v for v in values))
        for sign in (1.0, 0.0)
    ]
    several = isinstance(runs[0], (list, tuple))
    made: list[Any] = []
    flat = [value for value in values if is_constant(value)]
    for marked, constant in zip(*([run] if not several else run for run in runs), strict=True):
        place = _selected(call, tuple(operands), marked, np.asarray(constant, dtype=np.float64), flat)
        made.append(constant if place is None else place)
    return tuple(made) if several else made[0]


def _selected(
    call: Call, operands: tuple[Ref, ...], marked: npt.NDArray[Any], constant: npt.NDArray[Any], flat: list[Any]
) -> Ref | None:
    """The value behind one result of the two runs; None where it is a constant."""
    shape = tuple(marked.shape)
    require_numbers(shape)
    indices = (marked - constant).ravel().astype(np.intp) - 1
    if (indices < 0).all():
        return None
    # Only the operands that are read: each piece of a split, for one, reads the whole.
    size = sum(r.size for r in operands)
    offsets = constant.ravel()
    if not offsets.any():
        if len(operands) == 1 and size == len(indices) and (indices == np.arange(size)).all():
            return Ref(operands[0].index, shape)
        offsets = None
    return call.emit(Select(size, indices, None, offsets), operands, shape, None, *flat)


def _flattened(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return [w for v in value for w in _flattened(v)] if isinstance(value, (list, tuple)) else [value]


def expanded(call: Call, value: Ref, shape: tuple[int, ...]) -> Ref:
    """A value broadcast to a shape."""
    if value.shape == shape:
        return value
    if value.size == math.prod(shape):
        return Ref(value.index, shape)
    require_numbers(shape)
    indices = np.broadcast_to(np.arange(value.size).reshape(value.shape), shape).ravel()
    return call.emit(Select(value.size, indices), (value,), shape)


_SAME = (
    "alias",
    "clone",
    "contiguous",
    "detach",
    "detach_",
    "flatten",
    "lift_fresh",
    "lift_fresh_copy",
    "reshape",
    "squeeze",
    "unflatten",
    "unsqueeze",
    "view",
    "view_as",
    "reshape_as",
    "_unsafe_view",
    "_assert_tensor_metadata",
    # Among real floating dtypes; the trace refuses what makes integers or booleans.
    "_to_copy",
    "to",
    "type_as",
)
_MOVED = (
    "cat",
    "channel_shuffle",
    "chunk",
    "column_stack",
    "concat",
    "concatenate",
    "constant_pad_nd",
    "copy",
    "diag_embed",
    "diagonal",
    "expand",
    "expand_as",
    "fill",
    "flip",
    "fliplr",
    "flipud",
    "full_like",
    "gather",
    "hstack",
    "im2col",
    "index",
    "index_select",
    "masked_fill",
    "matrix_H",
    "mT",
    "movedim",
    "moveaxis",
    "narrow",
    "numpy_T",
    "ones_like",
    "pad",
    "permute",
    "pixel_shuffle",
    "pixel_unshuffle",
    "reflection_pad1d",
    "reflection_pad2d",
    "reflection_pad3d",
    "repeat",
    "repeat_interleave",
    "replication_pad1d",
    "replication_pad2d",
    "replication_pad3d",
    "roll",
    "rot90",
    "select",
    "select_scatter",
    "slice",
    "slice_scatter",
    "split",
    "split_with_sizes",
    "stack",
    "swapaxes",
    "swapdims",
    "t",
    "take_along_dim",
    "tensor_split",
    "tile",
    "transpose",
    "tril",
    "triu",
    "unbind",
    "unfold",
    "unsafe_chunk",
    "unsafe_split",
    "upsample_nearest1d",
    "upsample_nearest2d",
    "upsample_nearest3d",
    "vstack",
    "where",
    "zeros_like",
)

MOVEMENT: dict[str, Callable[[Call], Any]] = {
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys(("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"), dropout),
    **dict.fromkeys(_MOVED, moved),
}
