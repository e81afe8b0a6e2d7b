"""What each torch layer does to the flat tensor: one function per layer, and the table of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np
import torch
from torch import nn

from lipverify.arrays import Array
from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.limits import require_numbers
from lipverify.readers.matrices import dense
from lipverify.readers.steps import Affine, BatchNorm, Clip, Step, TwoSlope
from lipverify.readers.windows import AveragePooling, Convolution, Window, table

Shape: TypeAlias = tuple[int, ...]
Read: TypeAlias = tuple[tuple[Step, ...], Shape]


@final
class TwoSlopes(nn.Module):
    """y ↦ α_i·y_i left of 0 and β_i·y_i right of it, on the last axis; slopes (α, β) of shape (n, 2)."""

    slopes: torch.Tensor

    def __init__(self, slopes: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("slopes", slopes)

    def forward(self, y: torch.Tensor) -> torch.Tensor:
        """The neurons' values, in the shape of y."""
        return torch.where(y > 0, self.slopes[:, 1], self.slopes[:, 0]) * y


def exact_array(tensor: Any, what: str) -> Array:
    """A parameter as the float64 array that it exactly is."""
    if not isinstance(tensor, torch.Tensor) or not tensor.dtype.is_floating_point:
        kind = getattr(tensor, "dtype", type(tensor).__name__)
        raise InvalidNetwork(f"{what} is of type {kind}; expected a real floating dtype")
    if tensor.is_meta or tensor.layout is not torch.strided:
        raise InvalidNetwork(f"{what} is a meta or sparse tensor; expected a dense one with data")
    require_numbers(tensor.shape, what)  # a view of stride 0 may be of any shape
    array: Array = tensor.detach().cpu().to(torch.float64).numpy()
    for where in np.argwhere(~np.isfinite(array)):
        index = tuple(int(i) for i in where)
        raise InvalidNetwork(f"{what}{list(index)} is {array[index]}; weights must be finite")
    return array


def _linear_step(layer: Any, shape: Shape) -> Read:
    weight = exact_array(layer.weight, "weight")
    if shape[-1] != weight.shape[1]:
        raise InvalidNetwork(f"it takes {weight.shape[1]} values on the last axis, but gets shape {shape}")
    bias = np.zeros(len(weight)) if layer.bias is None else exact_array(layer.bias, "bias")
    width, repeats = len(weight), math.prod(shape[:-1])
    full = dense(repeats * width, repeats * shape[-1])
    for k in range(repeats):  # the same map on every row of the last axis
        full[k * width : (k + 1) * width, k * shape[-1] : (k + 1) * shape[-1]] = weight
    return (Affine(full, np.tile(bias, repeats)),), (*shape[:-1], width)


def _relu(layer: Any, shape: Shape) -> Read:
    return (TwoSlope.relu(math.prod(shape)),), shape


def _leaky(layer: Any, shape: Shape) -> Read:
    return (TwoSlope.uniform(math.prod(shape), float(layer.negative_slope), 1.0),), shape


def _prelu(layer: Any, shape: Shape) -> Read:
    slopes = exact_array(layer.weight, "weight")
    if len(slopes) not in (1, shape[0]):
        raise InvalidNetwork(f"it has {len(slopes)} slopes, but gets {shape[0]} channels (shape {shape})")
    left = np.repeat(np.broadcast_to(slopes, (shape[0],)), math.prod(shape[1:]))
    return (TwoSlope(np.column_stack([left, np.ones_like(left)])),), shape


def _two_slopes(layer: Any, shape: Shape) -> Read:
    slopes = exact_array(layer.slopes, "slopes")
    if slopes.shape != (shape[-1], 2):
        raise InvalidNetwork(f"its slopes have shape {slopes.shape}, but it gets shape {shape}")
    return (TwoSlope(np.tile(slopes, (math.prod(shape[:-1]), 1))),), shape


def _hardtanh(layer: Any, shape: Shape) -> Read:
    return (Clip(math.prod(shape), float(layer.min_val), float(layer.max_val)),), shape


def _flatten(layer: Any, shape: Shape) -> Read:
    axes = len(shape) + 1
    start, end = (axis + axes if axis < 0 else axis for axis in (layer.start_dim, layer.end_dim))
    if start == 0:
        raise UnsupportedLayer("it flattens the batch axis (start_dim=0)")
    if not 1 <= start <= end < axes:
        raise InvalidNetwork(f"it flattens axes {layer.start_dim} to {layer.end_dim} of samples of shape {shape}")
    return (), (*shape[: start - 1], math.prod(shape[start - 1 : end]), *shape[end:])


def _identity(layer: Any, shape: Shape) -> Read:
    return (), shape


def _dropout(layer: Any, shape: Shape) -> Read:
    if layer.training and layer.p > 0:
        raise InvalidNetwork("it drops values at random in training mode; call module.eval() first")
    return (), shape


def _batch_norm(layer: Any, shape: Shape) -> Read:
    if layer.training:
        raise InvalidNetwork("it uses the batch's statistics in training mode; call module.eval() first")
    if layer.running_mean is None or layer.running_var is None:
        raise InvalidNetwork("it keeps no running statistics and depends on the batch: it is no network")
    axes = (3,) if isinstance(layer, nn.BatchNorm2d) else (1, 2)
    if len(shape) not in axes or shape[0] != layer.num_features:
        raise InvalidNetwork(f"it normalises {layer.num_features} channels, but gets shape {shape}")
    pixels, n = math.prod(shape[1:]), layer.num_features
    scale = np.ones(n) if layer.weight is None else exact_array(layer.weight, "weight")
    shift = np.zeros(n) if layer.bias is None else exact_array(layer.bias, "bias")
    mean, variance = exact_array(layer.running_mean, "running_mean"), exact_array(layer.running_var, "running_var")
    spread = (np.repeat(v, pixels) for v in (mean, variance, scale, shift))
    return (BatchNorm(*spread, epsilon=float(layer.eps)),), shape


def _convolution(layer: Any, shape: Shape) -> Read:
    if layer.padding_mode != "zeros":
        raise UnsupportedLayer(f"padding_mode={layer.padding_mode!r} is not read; only 'zeros' is")
    _require_image(shape, layer.in_channels)
    kernel = exact_array(layer.weight, "weight")
    bias = np.zeros(layer.out_channels) if layer.bias is None else exact_array(layer.bias, "bias")
    windows: list[Window] = []
    for axis in (0, 1):
        reach = layer.dilation[axis] * (layer.kernel_size[axis] - 1)
        before, after = _padding(layer.padding, axis, reach)
        size, stride = shape[1 + axis], layer.stride[axis]
        outputs = (size + before + after - reach - 1) // stride + 1
        windows.append(Window(size, outputs, layer.kernel_size[axis], stride, layer.dilation[axis], before))
    step = Convolution(kernel, bias, layer.groups, tuple(windows))
    return (step,), (len(kernel), *(window.outputs for window in windows))


def _padding(padding: str | tuple[int, int], axis: int, reach: int) -> tuple[int, int]:
    """The zeros before and behind an axis; for 'same' torch puts the odd one behind."""
    if padding == "same":
        return reach // 2, reach - reach // 2
    if isinstance(padding, str):  # "valid"
        return 0, 0
    return padding[axis], padding[axis]


def _average_pooling(layer: Any, shape: Shape) -> Read:
    _require_image(shape)
    kernel, stride, padding = (_pair(v) for v in (layer.kernel_size, layer.stride, layer.padding))
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)) or layer.divisor_override == 0:
        raise InvalidNetwork(f"torch refuses to run it: {layer}")
    windows: list[Window] = []
    counts: list[Array] = []
    for axis in (0, 1):
        size, reach = shape[1 + axis], kernel[axis] - 1
        span = size + 2 * padding[axis] - reach - 1
        outputs = (-(-span // stride[axis]) if layer.ceil_mode else span // stride[axis]) + 1
        # torch drops a last window that ceil_mode would start in the padding behind the image.
        if layer.ceil_mode and (outputs - 1) * stride[axis] >= size + padding[axis]:
            outputs -= 1
        window = Window(size, outputs, kernel[axis], stride[axis], 1, padding[axis])
        start = np.arange(outputs) * stride[axis] - padding[axis]
        end = np.minimum(start + kernel[axis], size + padding[axis])
        if not layer.count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, size)
        windows.append(window)
        counts.append((end - start).astype(np.float64))
    divisors = np.outer(*counts)
    if layer.divisor_override is not None:
        divisors = np.full_like(divisors, layer.divisor_override)
    members = table([window.members() for window in windows], shape[1:], shape[0])
    step = AveragePooling(math.prod(shape), members, np.tile(divisors.ravel(), shape[0]))
    return (step,), (shape[0], *(window.outputs for window in windows))


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    if isinstance(value, int):
        return value, value
    return (value[0], value[1]) if len(value) == 2 else (value[0], value[0])


def _require_image(shape: Shape, channels: int | None = None) -> None:
    if len(shape) != 3 or channels not in (None, shape[0]):
        wanted = "C" if channels is None else str(channels)
        raise InvalidNetwork(f"it takes images ({wanted}, H, W), but gets shape {shape}; pass input_shape=(C, H, W)")


LAYERS: dict[type[nn.Module], Callable[[Any, Shape], Read]] = {
    nn.Linear: _linear_step,
    nn.ReLU: _relu,
    nn.LeakyReLU: _leaky,
    nn.PReLU: _prelu,
    TwoSlopes: _two_slopes,
    nn.Hardtanh: _hardtanh,
    nn.ReLU6: _hardtanh,
    nn.Flatten: _flatten,
    nn.Identity: _identity,
    nn.Dropout: _dropout,
    nn.Dropout1d: _dropout,
    nn.Dropout2d: _dropout,
    nn.AlphaDropout: _dropout,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.Conv2d: _convolution,
    nn.AvgPool2d: _average_pooling,
}


def kind_of(module: nn.Module) -> type[nn.Module] | None:
    """The layer of `LAYERS` that a module is, or inherits all it does from: another `__init__` makes no other function.

    deel-torchlip's and orthogonium's linear layers are such. None for every other module.
    """
    own = type(module)
    for kind in LAYERS:
        if own is kind:
            return kind
        if issubclass(own, kind):
            runs = {name for base in kind.__mro__ if issubclass(base, nn.Module) for name in vars(base)} - _NO_FUNCTION
            runs.add("__getattribute__")
            if runs.isdisjoint(vars(module)) and all(getattr(own, name) is getattr(kind, name) for name in runs):
                return kind
    return None


_NO_FUNCTION = frozenset(
    {"__annotations__", "__constants__", "__dict__", "__doc__", "__init__", "__module__", "__repr__", "__weakref__"}
    | {"__annotate__", "__annotate_func__", "__firstlineno__", "__static_attributes__", "extra_repr"}
)
"""Of a class's names, those that do not touch what its modules compute."""
