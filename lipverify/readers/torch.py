"""torch modules in, `torch.nn.Sequential` out; only this file, `torch_*.py` and `operators/` import torch.

`Sequential` chains (nested or not) of the layers in `LAYERS` are read as they stand, in eval mode; every other
module is traced (`torch_graph.py`), which needs the shape of a sample. Parameters of every real
floating dtype are the exact numbers they are. Plain Python numbers of a layer (a negative slope, a
limit of hard-tanh) are the float64 numbers that the module holds, also in a float32 model.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.utils import _pytree as pytree

from lipverify.arrays import Array
from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError, UnsupportedLayer
from lipverify.network import IDENTITY, RELU, Network
from lipverify.readers.files import require_file
from lipverify.readers.graph import Graph
from lipverify.readers.limits import budget, require_unpacked
from lipverify.readers.named import chain
from lipverify.readers.options import SILENT, Reading
from lipverify.readers.passes import lower, lower_graph
from lipverify.readers.steps import Step
from lipverify.readers.torch_frozen import frozen
from lipverify.readers.torch_graph import plain_module, trace
from lipverify.readers.torch_layers import LAYERS, Shape, TwoSlopes, exact_array, kind_of
from lipverify.readers.torch_probe import require_vectors


def from_torch(
    module: nn.Module | torch.export.ExportedProgram,
    input_shape: Sequence[int] | int | None = None,
    *,
    example_input: Any = None,
    output: int | str | None = None,
) -> Network:
    """The network that a torch module computes in eval mode.

    Parameters
    ----------
    module
        Any piecewise-linear module. A `Sequential` of Linear, ReLU, LeakyReLU, PReLU, Hardtanh, ReLU6, Conv2d
        (zero padding), AvgPool2d, BatchNorm1d and 2d, Flatten, Identity and Dropout is read as it stands;
        everything else is traced by `torch.export`: residual and dense connections, max-pooling,
        concatenations, maxima, sorting, clamps, convolutions of every kind. What torch.compile or torch.export made
        of a module is that module.
    input_shape
        The shape of one sample, without the batch axis: (n,) or n for vectors, (C, H, W) for images. The network's
        input is that sample flattened in PyTorch's order, its output the flattened output. It may be left out where
        the first layer is a Linear and the module has no other use for other shapes.
    example_input
        One sample, without the batch axis, instead of its shape: a tensor or an array.
    output
        Which tensor, of a module that returns several: its place in a tuple, or its key in a dict.

    Raises
    ------
    UnsupportedLayer
        For a layer or operator that is no piecewise-linear one, or an option of one that is not read; the
        message names it and its place.
    InvalidNetwork
        For training mode where it matters, hooks, weights that are not finite real floats, shapes that
        do not fit, an input shape that is needed and not given, or several outputs and no choice.
    InvalidArgument
        For both a shape and an example, and for an output that is not there.
    """
    if not isinstance(module, (nn.Module, torch.export.ExportedProgram)):
        raise InvalidNetwork(f"expected a torch.nn.Module; got {type(module).__qualname__}")
    if example_input is not None and input_shape is not None:
        raise InvalidArgument("pass input_shape or example_input, not both")
    if input_shape is not None:
        example_input = torch.zeros(_given(input_shape))
    if isinstance(module, torch.export.ExportedProgram) and example_input is None:
        example_input = torch.zeros(exported_shape(module))
    module = frozen(plain_module(module))
    refusal: UnsupportedLayer | None = None
    try:
        layers = tuple(_layers(module, ""))
    except UnsupportedLayer as error:
        layers, refusal = (), error
    if refusal is None and output is None:
        shape = _guessed(module, layers) if example_input is None else _given(np.shape(example_input))
        try:
            return lower(_steps(layers, shape), inputs=math.prod(shape), source=f"a torch {type(module).__name__}")
        except UnsupportedLayer as error:
            refusal = error
    try:
        graph = _traced(module, example_input, output, refusal)
        network = lower_graph(graph)
    except UnsupportedLayer as error:
        if refusal is None or error.__cause__ is refusal:
            raise
        raise UnsupportedLayer(f"{error} (read as a chain: {refusal})") from error
    if example_input is None:
        require_vectors(module, graph.inputs, lambda returned: _leaf(returned, output))
    return network


def _traced(module: nn.Module, example_input: Any, output: int | str | None, refusal: Exception | None) -> Graph:
    """The graph of a module that is no plain chain; where no shape is known, the refusal that says why it is none."""
    if example_input is not None:
        return trace(module, example_input, output=output).graph
    guess = guessed_vector(module)
    if guess is None:
        raise UnsupportedLayer(f"{refusal}; or {_SHAPE} to trace it") from refusal
    layer, features = guess
    try:
        return trace(module, torch.zeros(features), output=output).graph
    except UnsupportedLayer as error:
        raise UnsupportedLayer(
            f"{error}. That a sample is a vector of {features} entries was guessed from {layer}: {_SHAPE}"
        ) from error


def _leaf(returned: Any, output: int | str | None) -> torch.Tensor:
    """The tensor that is meant, in what a module returned that was traced before."""
    for key in [] if output is None else str(output).split("."):
        returned = returned[key] if isinstance(returned, dict) else returned[int(key)]
    (tensor,) = [leaf for leaf in pytree.tree_leaves(returned) if isinstance(leaf, torch.Tensor)]
    return tensor


def guessed_vector(module: nn.Module) -> tuple[str, int] | None:
    """The module's first layer with weights and its inputs' number, when it is one that takes vectors."""
    for name, child in module.named_modules():
        if not any(True for _ in child.children()) and any(True for _ in child.parameters(recurse=False)):
            return (f"layer '{name}' (Linear)", child.in_features) if kind_of(child) is nn.Linear else None
    return None


def exported_shape(program: torch.export.ExportedProgram) -> Shape:
    """The shape of one sample, from the input that a program was exported for.

    Raises
    ------
    InvalidNetwork
        For several inputs, and for a first axis that is neither open nor 1.
    """
    inputs = [n for n in program.graph.nodes if n.op == "placeholder" and n.name in program.graph_signature.user_inputs]
    shapes = [tuple(n.meta["val"].shape) for n in inputs if isinstance(n.meta.get("val"), torch.Tensor)]
    if len(shapes) != 1 or len(inputs) != 1:
        raise InvalidNetwork(f"the exported program has {len(inputs)} inputs; expected one tensor")
    (shape,) = shapes
    if len(shape) < 2 or (isinstance(shape[0], int) and shape[0] != 1) or not all(type(n) is int for n in shape[1:]):
        raise InvalidNetwork(
            f"the program was exported for an input of shape {tuple(map(str, shape))}; export it with a first axis "
            "that is a batch, of one sample or open, and fixed axes behind it"
        )
    return shape[1:]


def _steps(layers: Sequence[_Layer], shape: Shape) -> list[Step]:
    steps: list[Step] = []
    for layer in layers:
        try:
            read, shape = LAYERS[layer.kind](layer.module, shape)
        except LipverifyError as error:
            raise type(error)(f"{layer.place}: {error}") from error
        steps.extend(read)
    return steps


def to_torch(net: Network, dtype: torch.dtype | None = None) -> nn.Sequential:
    """The same chain as a `Sequential` of Linear and neurons, in eval mode.

    Parameters
    ----------
    dtype
        A real floating dtype; None for float64, which holds every network exactly. A narrower one
        rounds each parameter to its nearest number: the module is then near the network, not equal.

    Raises
    ------
    InvalidArgument
        For another dtype, or one in which a parameter overflows.
    """
    dtype = torch.float64 if dtype is None else dtype
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise InvalidArgument(f"dtype must be a real floating torch dtype; got {dtype!r}")
    modules: list[nn.Module] = []
    for k, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        modules.append(_linear(weight, bias, dtype))
        if k < len(net.slopes):
            modules.append(_neurons(net.slopes[k], dtype))
    return nn.Sequential(*modules).eval()


def load_torch(path: Path, reading: Reading = SILENT) -> Network:
    """The network in a `.pt` or `.pth` file: a state dict of Linear layers, and what was said of them.

    A state dict holds numbers and no architecture: the activations have to be named. Nothing is ever unpickled beyond
    tensors and plain containers.

    Raises
    ------
    InvalidNetwork
        For a pickled module, a damaged file, any other content, or what has to be said and was not.
    """
    require_file(path)
    _require_archive(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that are refused below in any case
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # hostile bytes raise anything
        if "weights_only" in str(error) or "Weights only" in str(error) or "TorchScript" in str(error):
            raise InvalidNetwork(
                f"{path} holds pickled Python objects, not a state dict; unpickling could run code. {_ADVICE}"
            ) from error
        raise InvalidNetwork(f"{path} is no readable torch file: {_first_line(error)}") from error
    try:
        with budget():
            return chain(_tensors(_entry(content, reading.key)), reading, f"{path} (a state dict)", torch=True)
    except (InvalidNetwork, UnsupportedLayer) as error:
        raise type(error)(f"{path}: {error}") from error


_SEQUENTIAL: object = nn.Sequential.forward
_ADVICE = "Build the module in Python and call lipverify.from_torch(module), or export it to .onnx"


@dataclass(frozen=True)
class _Layer:
    """A leaf of the module tree and its dotted name."""

    name: str
    module: nn.Module
    kind: type[nn.Module] = nn.Module

    @property
    def place(self) -> str:
        """How an error names it."""
        kind = type(self.module).__name__
        return f"layer '{self.name}' ({kind})" if self.name else f"the module ({kind})"


def _layers(module: nn.Module, name: str) -> Iterator[_Layer]:
    """The layers in the order in which they run, each checked to run as its type says."""
    layer = _Layer(name, module)
    if isinstance(module, nn.Sequential) and type(module).forward is _SEQUENTIAL:
        # Not named_children(): that skips a layer which occurs twice.
        for key, child in zip(module._modules, module, strict=True):
            yield from _layers(child, f"{name}.{key}" if name else key)
    elif parametrize.is_parametrized(module):  # what is not in training mode has been frozen
        raise UnsupportedLayer(f"{layer.place} is parametrized and in training mode; call module.eval() first")
    elif (known := kind_of(module)) is not None:
        yield _Layer(name, module, known)
    else:
        names = ", ".join(sorted(kind.__name__ for kind in LAYERS))
        raise UnsupportedLayer(f"{layer.place} cannot be read; known are Sequential, {names}")


def _given(input_shape: Sequence[int] | int) -> Shape:
    given: Any = (input_shape,) if isinstance(input_shape, int) else input_shape
    shape = tuple(n for n in given if type(n) is int and n > 0) if isinstance(given, Iterable) else ()
    if not shape or len(shape) != len(given):
        raise InvalidNetwork(f"input_shape must hold positive integers, as in (n,) or (C, H, W); got {input_shape!r}")
    return shape


_SHAPE = "read it with lipverify.from_torch(module, input_shape=…), the shape of one sample,"


def _guessed(module: nn.Module, layers: Sequence[_Layer]) -> Shape:
    """The shape of an input that is a vector, where the module has no other use for other shapes."""
    (features,) = _first_vector(layers)
    steps = [layer.module for layer in layers]
    if not all(_on_rows(step) for step in steps):
        _steps(layers, (features,))  # what is wrong with a layer comes first
        require_vectors(module, features, lambda returned: returned)
    return (features,)


def _on_rows(layer: nn.Module) -> bool:
    """Whether a layer acts on the last axis, or on entries: then a vector's network is also every row's."""
    if isinstance(layer, nn.Flatten):
        return layer.start_dim == 1 and layer.end_dim == -1  # puts the rows behind each other
    if isinstance(layer, nn.PReLU):
        return layer.num_parameters == 1
    return not isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d, nn.Conv2d, nn.AvgPool2d))


def _first_vector(layers: Sequence[_Layer]) -> tuple[int]:
    """From the first layer that knows the number of its inputs."""
    for layer in layers:
        match layer.module:
            case nn.Linear():
                return (layer.module.in_features,)
            case nn.BatchNorm1d():
                return (layer.module.num_features,)
            case TwoSlopes():
                return (len(layer.module.slopes),)
            case nn.PReLU() if layer.module.num_parameters > 1:
                return (layer.module.num_parameters,)
            case nn.Conv2d() | nn.AvgPool2d() | nn.BatchNorm2d():
                raise InvalidNetwork(
                    f"{layer.place} works on images: read it with lipverify.from_torch(module, input_shape=(C, H, W))"
                )
    raise InvalidNetwork(
        "no layer tells the number of inputs: read it with lipverify.from_torch(module, input_shape=(n,))"
    )


def _linear(weight: Array, bias: Array, dtype: torch.dtype) -> nn.Linear:
    # On the meta device: random initial values would move the caller's random state.
    linear = nn.Linear(weight.shape[1], weight.shape[0], device="meta", dtype=dtype)
    linear.weight = nn.Parameter(_tensor(weight, dtype))
    linear.bias = nn.Parameter(_tensor(bias, dtype))
    return linear


def _neurons(slopes: Array, dtype: torch.dtype) -> nn.Module:
    if (slopes == RELU).all():
        return nn.ReLU()
    if (slopes == IDENTITY).all():
        return nn.Identity()
    return TwoSlopes(_tensor(slopes, dtype))


def _tensor(values: Array, dtype: torch.dtype) -> torch.Tensor:
    tensor = torch.tensor(values, dtype=torch.float64).to(dtype)
    if not torch.isfinite(tensor.to(torch.float64)).all():
        raise InvalidArgument(f"{dtype} cannot hold {np.abs(values).max()}; use a wider dtype")
    return tensor


def _require_archive(path: Path) -> None:
    """Refuse an archive that unfolds into too much before torch unfolds it."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        entries = []  # an old file that is no archive, or none at all: torch will have a word on it
    require_unpacked([e.file_size for e in entries] or [path.stat().st_size], [e.filename for e in entries], str(path))


def _entry(content: Any, key: str | None) -> Any:
    """The part of a file that a key with dots names."""
    while key is not None and key != "":
        names = [name for name in content if key == name or key.startswith(f"{name}.")] if _is_dict(content) else []
        if not names:
            known = ", ".join(map(repr, content)) if _is_dict(content) else _kind(content)
            raise InvalidArgument(f"key={key!r}: there is no such entry; there is {known}")
        name = max(names, key=len)
        content, key = content[name], key[len(name) + 1 :]
    return content


def _is_dict(content: object) -> bool:
    return isinstance(content, dict) and all(isinstance(name, str) for name in content)


def _tensors(content: Any) -> dict[str, Array]:
    """A state dict as arrays."""
    if not _is_dict(content) or not content:
        raise InvalidNetwork(f"it holds {_kind(content)}, not a state dict. {_ADVICE}")
    nested = [name for name, value in content.items() if _is_dict(value) and value]
    if nested and not any(isinstance(value, torch.Tensor) for value in content.values()):
        raise InvalidNetwork(
            f"it is a checkpoint with the entries {', '.join(map(repr, content))}: choose one, as in "
            f"lipverify.load(path, key={nested[0]!r}, …)"
        )
    for name, value in content.items():
        if not isinstance(value, torch.Tensor):
            raise InvalidNetwork(f"entry {name!r} is {_kind(value)}, not a tensor. {_ADVICE}")
    return {name: exact_array(value, name) for name, value in content.items()}


def _kind(value: object) -> str:
    return f"an object of type {type(value).__name__}"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
