"""ONNX operators that only move entries: each is a numpy function, run on the entries' numbers or on constants."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.limits import require_numbers
from lipverify.readers.onnx_node import Array, OnnxNode, Shape, Value, broadcast, plain, shape_of
from lipverify.readers.onnx_rows import BATCH, Rows
from lipverify.readers.operators.call import Ref


def _reshaped(node: OnnxNode, value: Value, shape: Shape) -> Value:
    """The same entries in the same order."""
    if isinstance(value, Ref):
        return node.call("reshape", shape, self=value)
    return node.keep(value.reshape(shape), id(value) in node.builder.rounded)


def _identical(node: OnnxNode, rows: Rows | None, shape: Shape) -> Value:
    value = node.value(0)
    if math.prod(shape) != math.prod(shape_of(value)):
        raise InvalidNetwork(f"a tensor of shape {shape_of(value)} cannot become one of shape {shape}")
    return _reshaped(node, value, shape)


def _flatten(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(1, 1)
    shape = shape_of(node.value(0))
    axis = node.integer("axis", 1)
    split = axis + len(shape) if axis < 0 else axis
    if not 0 <= split <= len(shape):
        raise InvalidNetwork(f"axis {axis} is outside a tensor of shape {shape}")
    return _identical(node, rows, (math.prod(shape[:split]), math.prod(shape[split:])))


def _reshape(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(2, 2)
    shape, target = shape_of(node.value(0)), node.constant(1)
    if target is None or target.dtype != np.int64 or target.ndim != 1:
        raise InvalidNetwork("its target is no list of int64; expected int64 and one axis")
    axes = target.tolist()
    if rows is not None and isinstance(node.value(0), Ref) and axes and axes[0] == rows.batch:
        axes[0] = 1
    axes = plain(axes)
    if 0 in axes and node.integer("allowzero", 0):
        raise InvalidNetwork(f"the target {axes} is empty")
    copied = [shape[i] if n == 0 and i < len(shape) else n for i, n in enumerate(axes)]
    n, known = math.prod(shape), math.prod(c for c in copied if c != -1)
    if copied.count(-1) == 1 and known > 0 and n % known == 0:
        copied[copied.index(-1)] = n // known
    if any(c < 1 for c in copied) or math.prod(copied) != n:
        raise InvalidNetwork(f"a tensor of shape {shape} cannot be reshaped to {axes}")
    return _identical(node, rows, tuple(copied))


def _squeeze(node: OnnxNode, rows: Rows | None) -> Any:
    shape = shape_of(node.value(0))
    axes = node.integers("axes", 1)
    chosen = _axes(axes, len(shape)) if axes is not None else [k for k, n in enumerate(shape) if n == 1]
    if any(shape[a] != 1 for a in chosen):
        raise InvalidNetwork(f"axes {chosen} of shape {shape} are not all of length 1")
    return _identical(node, rows, tuple(n for k, n in enumerate(shape) if k not in chosen))


def _unsqueeze(node: OnnxNode, rows: Rows | None) -> Any:
    shape = list(shape_of(node.value(0)))
    axes = node.integers("axes", 1)
    if axes is None:
        raise InvalidNetwork("its axes are missing")
    for axis in sorted(_axes(axes, len(shape) + len(axes))):
        shape.insert(axis, 1)
    return _identical(node, rows, tuple(shape))


def _axes(given: list[int], count: int) -> list[int]:
    if any(not -count <= a < count for a in given) or len({a % max(count, 1) for a in given}) < len(given):
        raise InvalidNetwork(f"axes {given} are outside a tensor of {count} axes, or stand there twice")
    return [a % count for a in given]


def _transpose(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(1, 1)
    axes = len(shape_of(node.value(0)))
    perm = node.integers("perm", default=list(reversed(range(axes))))
    if perm is None or sorted(perm) != list(range(axes)):
        raise InvalidNetwork(f"perm {perm} does not arrange {axes} axes")
    return node.moved(lambda x: np.transpose(x, perm), node.value(0))


def _concat(node: OnnxNode, rows: Rows | None) -> Any:
    parts = [node.value(k) for k in range(len(node.inputs))]
    axes = len(shape_of(parts[0])) if parts else 0
    axis = node.axis("axis", 0, axes)
    around = {(*s[:axis], *s[axis + 1 :]) for s in map(shape_of, parts)}
    if len(around) > 1 or any(len(shape_of(part)) != axes for part in parts):
        raise InvalidNetwork(f"tensors of shapes {', '.join(map(str, map(shape_of, parts)))} cannot be joined")
    return node.moved(lambda *arrays: np.concatenate(arrays, axis), *parts)


def _split(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(1, 2)
    shape = shape_of(node.value(0))
    axis = node.axis("axis", 0, len(shape))
    sizes = node.integers("split", 1)
    if sizes is None:
        count = node.integer("num_outputs", node.outputs)
        each = -(-shape[axis] // max(count, 1))
        sizes = [min(each, shape[axis] - k * each) for k in range(count)]
    if any(n < 1 for n in sizes) or sum(sizes) != shape[axis]:
        raise InvalidNetwork(f"pieces of {sizes} do not make up an axis of {shape[axis]}")
    ends = np.cumsum(sizes)[:-1].tolist()
    return tuple(node.moved(lambda x: tuple(np.split(x, ends, axis)), node.value(0)))


def _slice(node: OnnxNode, rows: Rows | None) -> Any:
    shape = shape_of(node.value(0))
    starts, ends = node.integers("starts", 1), node.integers("ends", 2)
    if starts is None or ends is None or len(starts) != len(ends):
        raise InvalidNetwork(f"its starts {starts} and ends {ends} do not match")
    axes = _axes(node.integers("axes", 3) or list(range(len(starts))), len(shape))
    steps = node.integers("steps", 4) or [1] * len(starts)
    if len(axes) != len(starts) or len(steps) != len(starts) or 0 in steps:
        raise InvalidNetwork(f"its starts {starts}, axes {axes} and steps {steps} do not match")
    cuts = [slice(None)] * len(shape)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cuts[axis] = slice(start, end, step)
        if step < 0 and end < -shape[axis]:  # through the first entry
            cuts[axis] = slice(start, None, step)
    made = node.moved(lambda x: x[tuple(cuts)], node.value(0))
    if 0 in shape_of(made):
        raise InvalidNetwork(f"it leaves nothing of a tensor of shape {shape}")
    return made


def _gather(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(2, 2)
    shape, indices = shape_of(node.value(0)), node.constant(1)
    axis = node.axis("axis", 0, len(shape))
    if (
        indices is None
        or indices.dtype.kind not in "iu"
        or (indices < -shape[axis]).any()
        or (indices >= shape[axis]).any()
    ):
        raise InvalidNetwork(f"its indices do not fit axis {axis} of a tensor of shape {shape}")
    require_numbers((*shape[:axis], *indices.shape, *shape[axis + 1 :]))
    return node.moved(lambda x: np.take(x, indices, axis), node.value(0))


def _pad(node: OnnxNode, rows: Rows | None) -> Any:
    shape = shape_of(node.value(0))
    pads = node.integers("pads", 1)
    axes = node.integers("axes", 3)
    chosen = _axes(axes, len(shape)) if axes is not None else list(range(len(shape)))
    if pads is None or len(pads) != 2 * len(chosen):
        raise InvalidNetwork(f"its pads {pads} do not fit a tensor of shape {shape}")
    widths = [(0, 0)] * len(shape)
    for k, axis in enumerate(chosen):
        widths[axis] = (pads[k], pads[len(chosen) + k])
    if any(n < 0 for pair in widths for n in pair):
        raise UnsupportedLayer(f"its pads {pads} cut entries off; only those that add some are read")
    require_numbers([n + a + b for n, (a, b) in zip(shape, widths, strict=True)])
    mode = node.attributes.get("mode", b"constant")
    mode = mode.decode(errors="replace") if isinstance(mode, bytes) else str(mode)
    if mode not in ("constant", "edge", "reflect", "wrap"):
        raise UnsupportedLayer(f"its mode {mode!r} is not read")
    if mode == "reflect" and any(max(pair) >= n for n, pair in zip(shape, widths, strict=True)):
        raise InvalidNetwork(f"a tensor of shape {shape} is too small to be reflected by {pads}")
    if mode != "constant":
        return node.moved(lambda x: np.pad(x, widths, mode), node.value(0))
    given = node.constant(2)
    fill = given.ravel()[0] if given is not None and given.size else np.float32(node.number("value", 0.0))
    if not np.isfinite(fill):
        raise UnsupportedLayer(f"it pads with {fill}")
    return node.moved(lambda x: np.pad(x, widths, constant_values=fill), node.value(0))


def _expand(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(2, 2)
    value = node.value(0)
    target = node.integers("shape", 1) or []
    if rows is not None and target and target[0] == rows.batch and len(target) == len(shape_of(value)):
        target = [1, *target[1:]]
    target = plain(target)
    if any(n < 1 for n in target):
        raise InvalidNetwork(f"the target {target} is empty")
    shape = broadcast(value, np.broadcast_to(np.zeros(()), target))
    require_numbers(shape)
    return node.moved(lambda x: np.broadcast_to(x, shape), value)


def _tile(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(2, 2)
    shape, repeats = shape_of(node.value(0)), plain(node.integers("repeats", 1) or [])
    if len(repeats) != len(shape) or any(n < 1 for n in repeats):
        raise InvalidNetwork(f"its repeats {repeats} do not fit a tensor of shape {shape}")
    require_numbers([n * k for n, k in zip(shape, repeats, strict=True)])
    return node.moved(lambda x: np.tile(x, repeats), node.value(0))


def _where(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(3, 3)
    condition = node.constant(0)
    if condition is None or condition.dtype.kind != "b":
        raise UnsupportedLayer("its condition is no constant truth value")
    require_numbers(broadcast(condition, node.value(1), node.value(2)))
    return node.moved(lambda a, b: np.where(condition, a, b), node.value(1), node.value(2))


def _shape(node: OnnxNode, rows: Rows | None) -> Array:
    """The shape, with a mark where it is the batch's size."""
    value = node.value(0)
    shape = list(shape_of(value))
    if rows is not None and isinstance(value, Ref) and shape:
        shape[0] = BATCH
    end = node.attributes.get("end")
    made = np.array(shape[node.integer("start", 0) : end], dtype=np.int64)
    return node.keep(made, False)


def _to_space(node: OnnxNode, rows: Rows | None) -> Any:
    shape, block = shape_of(node.value(0)), node.integer("blocksize", 0)
    if len(shape) != 4 or block < 1 or shape[1] % block**2:
        raise InvalidNetwork(f"blocks of {block} do not fit a tensor of shape {shape}")
    n, c, h, w = shape[0], shape[1] // block**2, shape[2], shape[3]
    columns_first = node.attributes.get("mode", b"DCR") == b"CRD"
    inner = (n, c, block, block, h, w) if columns_first else (n, block, block, c, h, w)
    order = (0, 1, 4, 2, 5, 3) if columns_first else (0, 3, 4, 1, 5, 2)
    return node.moved(lambda x: x.reshape(inner).transpose(order).reshape(n, c, h * block, w * block), node.value(0))


def _to_depth(node: OnnxNode, rows: Rows | None) -> Any:
    shape, block = shape_of(node.value(0)), node.integer("blocksize", 0)
    if len(shape) != 4 or block < 1 or shape[2] % block or shape[3] % block:
        raise InvalidNetwork(f"blocks of {block} do not fit a tensor of shape {shape}")
    n, c, h, w = shape[0], shape[1], shape[2] // block, shape[3] // block
    inner, order = (n, c, h, block, w, block), (0, 3, 5, 1, 2, 4)
    return node.moved(lambda x: x.reshape(inner).transpose(order).reshape(n, c * block**2, h, w), node.value(0))


def reduced_shape(node: OnnxNode, shape: Shape) -> tuple[list[int], Shape]:
    """The axes of a reduction, and its shape."""
    given = node.integers("axes", 1) or []
    if not given and node.integer("noop_with_empty_axes", 0):
        return [], shape
    axes = _axes(given, len(shape)) if given else list(range(len(shape)))
    if node.integer("keepdims", 1):
        return axes, tuple(1 if k in axes else n for k, n in enumerate(shape))
    return axes, tuple(n for k, n in enumerate(shape) if k not in axes)


MOVEMENT: dict[str, Callable[[OnnxNode, Any], Any]] = {
    "Concat": _concat,
    "DepthToSpace": _to_space,
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Pad": _pad,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "SpaceToDepth": _to_depth,
    "Split": _split,
    "Squeeze": _squeeze,
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
