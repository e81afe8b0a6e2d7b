"""ONNX operators on images: convolutions, poolings, batch normalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lipverify.errors import InvalidNetwork, UnsupportedLayer
from lipverify.readers.onnx_node import OnnxNode, Shape
from lipverify.readers.onnx_rows import Rows
from lipverify.readers.operators.call import Ref


@dataclass(frozen=True)
class _Sliding:
    """A kernel along every axis of an image, padding as (in front, behind) pairs."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[tuple[int, int], ...]

    def outputs(self, sizes: Shape, *, ceil: bool = False) -> Shape:
        """The lengths of the axes behind it."""
        made: list[int] = []
        for n, k, s, d, (before, after) in zip(
            sizes, self.kernel, self.strides, self.dilations, self.pads, strict=True
        ):
            room = n + before + after - d * (k - 1) - 1
            out = (-(-room // s) if ceil else room // s) + 1
            if ceil and (out - 1) * s >= n + before:  # a window may not begin behind the image
                out -= 1
            if room < 0 or out < 1:
                raise InvalidNetwork(f"a kernel of {self.kernel} does not fit an image of {sizes}")
            made.append(out)
        return tuple(made)


def _sliding(node: OnnxNode, sizes: Shape, kernel: Shape | None) -> _Sliding:
    axes = len(sizes)
    given = node.integers("kernel_shape", default=kernel)
    if given is None or len(given) != axes or (kernel is not None and tuple(given) != kernel) or min(given) < 1:
        raise InvalidNetwork(f"its kernel_shape {given} does not fit a kernel of {kernel} on an image of {sizes}")
    strides, dilations = (node.integers(name, default=[1] * axes) or [] for name in ("strides", "dilations"))
    pads = node.integers("pads", default=[0] * (2 * axes)) or []
    if len(strides) != axes or len(dilations) != axes or len(pads) != 2 * axes or min(*strides, *dilations) < 1:
        raise InvalidNetwork(f"strides {strides}, dilations {dilations} and pads {pads} do not fit {axes} axes")
    if min(pads) < 0:
        raise UnsupportedLayer(f"its pads {pads} cut entries off")
    pairs = [(pads[k], pads[axes + k]) for k in range(axes)]
    mode = node.attributes.get("auto_pad", b"NOTSET")
    if mode in (b"SAME_UPPER", b"SAME_LOWER"):
        pairs = []
        for n, k, s, d in zip(sizes, given, strides, dilations, strict=True):
            total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
            less = total // 2
            pairs.append((less, total - less) if mode == b"SAME_UPPER" else (total - less, less))
    elif mode == b"VALID":
        pairs = [(0, 0)] * axes
    elif mode not in (b"NOTSET", b""):
        raise InvalidNetwork(f"its auto_pad is {mode!r}")
    return _Sliding(tuple(given), tuple(strides), tuple(dilations), tuple(pairs))


def _image(node: OnnxNode) -> Ref:
    """One image, (1, channels, sizes …)."""
    value = node.ref(0)
    if len(value.shape) < 3 or value.shape[0] != 1:
        raise UnsupportedLayer(f"its input has shape {value.shape}; expected one image, (1, channels, sizes …)")
    return value


def _kernel(node: OnnxNode, channels: int, group: int, transposed: bool) -> Any:
    weight = node.floats(1)
    axes = len(node.ref(0).shape)
    taken = weight.shape[0] if transposed else weight.shape[1] * group if weight.ndim > 1 else 0
    if weight.ndim != axes or taken != channels or group < 1 or weight.shape[0] % group:
        raise InvalidNetwork(f"a kernel of shape {weight.shape} in {group} groups does not fit {channels} channels")
    bias = node.constant(2)
    made = weight.shape[1] * group if transposed else weight.shape[0]
    if bias is not None and node.floats(2).shape != (made,):
        raise InvalidNetwork(f"a bias of shape {bias.shape} does not fit {made} channels")
    return weight, bias, made


def _conv(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(2, 3)
    value, group = _image(node), node.integer("group", 1)
    weight, bias, channels = _kernel(node, value.shape[1], group, transposed=False)
    slides = _sliding(node, value.shape[2:], weight.shape[2:])
    shape = (1, channels, *slides.outputs(value.shape[2:]))
    return _convolution(node, shape, weight, bias, group, slides, transposed=False)


def _conv_transpose(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(2, 3)
    value, group = _image(node), node.integer("group", 1)
    weight, bias, channels = _kernel(node, value.shape[1], group, transposed=True)
    axes = len(value.shape) - 2
    slides = _sliding(node, value.shape[2:], weight.shape[2:])
    extra = node.integers("output_padding", default=[0] * axes) or []
    if len(extra) != axes or any(
        not 0 <= e < max(s, d) for e, s, d in zip(extra, slides.strides, slides.dilations, strict=False)
    ):
        raise InvalidNetwork(f"its output_padding {extra} does not fit")
    whole = [
        s * (n - 1) + e + d * (k - 1) + 1
        for n, k, s, d, e in zip(value.shape[2:], slides.kernel, slides.strides, slides.dilations, extra, strict=True)
    ]
    slides = replace(slides, pads=_cut(node, value.shape[2:], slides, whole))
    sizes = tuple(size - before - after for size, (before, after) in zip(whole, slides.pads, strict=True))
    if min(sizes) < 1:
        raise InvalidNetwork(f"nothing is left of an image of {value.shape[2:]}")
    return _convolution(node, (1, channels, *sizes), weight, bias, group, slides, transposed=True)


def _cut(node: OnnxNode, sizes: Shape, slides: _Sliding, whole: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """What is cut off a transposed convolution's result: its pads, or what a wanted size leaves of it.

    An odd entry is cut off at the front, with SAME_UPPER at the end, as onnxruntime and ONNX's own reference do it.
    """
    mode = node.attributes.get("auto_pad", b"NOTSET")
    wanted = node.integers("output_shape", default=None)
    if wanted is None and mode in (b"SAME_UPPER", b"SAME_LOWER"):
        wanted = [n * s for n, s in zip(sizes, slides.strides, strict=True)]
    if wanted is None:
        return slides.pads
    if len(wanted) != len(sizes):
        raise InvalidNetwork(f"its output_shape {wanted} does not fit an image of {sizes}")
    totals = [size - n for size, n in zip(whole, wanted, strict=True)]
    if min(totals) < 0:
        raise UnsupportedLayer(f"it is to give {wanted}, more than the {list(whole)} that it has")
    return tuple((t // 2, t - t // 2) if mode == b"SAME_UPPER" else (t - t // 2, t // 2) for t in totals)


def _convolution(
    node: OnnxNode, shape: Shape, weight: Any, bias: Any, group: int, slides: _Sliding, *, transposed: bool
) -> Any:
    return node.call(
        "convolution",
        shape,
        input=node.ref(0),
        weight=weight,
        bias=bias,
        stride=slides.strides,
        padding=tuple(before for before, _ in slides.pads),
        dilation=slides.dilations,
        transposed=transposed,
        groups=group,
    )


def _pool(largest: bool) -> Callable[[OnnxNode, Any], Any]:
    def rule(node: OnnxNode, rows: Rows | None) -> Any:
        node.require_inputs(1, 1)
        if node.outputs > 1:
            raise UnsupportedLayer("it also gives the places of its maxima, which are no real numbers")
        value = _image(node)
        sizes = value.shape[2:]
        slides = _sliding(node, sizes, None)
        shape = (*value.shape[:2], *slides.outputs(sizes, ceil=bool(node.integer("ceil_mode", 0))))
        before, after = (tuple(pair[k] for pair in slides.pads) for k in (0, 1))
        if any(max(pair) >= k for k, pair in zip(slides.kernel, slides.pads, strict=True)):
            raise InvalidNetwork(f"pads {slides.pads} are as large as the kernel {slides.kernel}")
        options: dict[str, Any] = {"kernel_size": slides.kernel, "stride": slides.strides, "padding": before}
        if largest:
            return node.call(f"max_pool{len(sizes)}d", shape, self=value, **options, dilation=slides.dilations)
        if set(slides.dilations) != {1}:
            raise UnsupportedLayer("a dilated average is not read")
        options |= {"count_include_pad": bool(node.integer("count_include_pad", 0)), "after": after}
        return node.call(f"avg_pool{len(sizes)}d", shape, self=value, **options)

    return rule


def _global(name: str) -> Callable[[OnnxNode, Any], Any]:
    def rule(node: OnnxNode, rows: Rows | None) -> Any:
        node.require_inputs(1, 1)
        value = node.ref(0)
        axes = list(range(2, len(value.shape)))
        if not axes:
            return value
        return node.call(name, (*value.shape[:2], *[1] * len(axes)), self=value, dim=axes)

    return rule


def _batch_norm(node: OnnxNode, rows: Rows | None) -> Any:
    node.require_inputs(5, 5)
    value = node.ref(0)
    if node.integer("training_mode", 0) or node.outputs > 1:
        raise InvalidNetwork("it is in training mode; export the model in eval mode")
    if not node.integer("spatial", 1):
        raise UnsupportedLayer("statistics for every entry (spatial=0) are not read")
    scale, shift, mean, variance = (node.floats(k) for k in range(1, 5))
    channels = value.shape[1] if len(value.shape) > 1 else 1
    if any(part.shape != (channels,) for part in (scale, shift, mean, variance)):
        raise InvalidNetwork(f"its parameters do not fit {channels} channels of a tensor of shape {value.shape}")
    return node.call(
        "batch_norm",
        value.shape,
        input=value,
        weight=scale,
        bias=shift,
        running_mean=mean,
        running_var=variance,
        training=False,
        eps=node.number("epsilon", 1e-5),
    )


IMAGES: dict[str, Callable[[OnnxNode, Any], Any]] = {
    "AveragePool": _pool(largest=False),
    "BatchNormalization": _batch_norm,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("amax"),
    "MaxPool": _pool(largest=True),
}
