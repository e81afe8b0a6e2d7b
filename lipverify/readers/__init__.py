"""Reading and writing networks: torch modules, .onnx, .pt, .npz and .json files, and VNN-LIB boxes.

steps.py  windows.py    what a reader makes of a model, in the model's own terms
graph.py                the same for models that are no chains
passes/                 the rewriting passes from there to a network, one per file
torch.py  onnx.py  native.py  vnnlib.py     one format each, imported only when it is met
torch_graph.py  aten/   torch modules traced by torch.export, and what each of its operators means
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from lipverify.errors import InvalidArgument, InvalidNetwork, UnsupportedLayer
from lipverify.network import Network
from lipverify.readers.files import require_file

if TYPE_CHECKING:
    import torch

    from lipverify.readers.graph import Graph

    Model: TypeAlias = Network | torch.nn.Module | str | Path


def load(path: str | Path) -> Network:
    """The network in a file.

    Parameters
    ----------
    path
        A `.onnx` or `.onnx.gz` graph, a `.pt` or `.pth` state dict of a plain ReLU network, or a `.npz`
        or `.json` file that `Network.save` wrote.

    Raises
    ------
    InvalidArgument
        For a suffix that is none of these.
    InvalidNetwork
        For a missing file, a directory, or a file that holds no network.
    UnsupportedLayer
        For a layer or operator that is no piecewise-linear step of a chain; the message names it.
    """
    file = Path(path)
    reader = next((read for suffix, read in _READERS.items() if file.name.lower().endswith(suffix)), None)
    if reader is None:
        raise InvalidArgument(f"cannot tell the format of {file}: expected one of {', '.join(_READERS)}")
    require_file(file)
    return reader(file)


def as_network(model: Model, input_shape: Sequence[int] | None = None, *, example_input: Any = None) -> Network:
    """Whatever a verb accepts as a network, as a network: itself, a torch module, or a path.

    Parameters
    ----------
    input_shape, example_input
        For a torch module whose layers do not tell its input's shape: the shape of one sample, (C, H, W) for
        images, or one sample.

    Raises
    ------
    InvalidNetwork
        For anything else; and whatever `load` and `from_torch` raise.
    """
    if isinstance(model, Network):
        return model
    if isinstance(model, (str, Path)):
        return load(model)
    if is_torch_module(model):
        from lipverify.readers.torch import from_torch

        return from_torch(model, input_shape, example_input=example_input)
    raise InvalidNetwork(f"expected a lipverify.Network, a torch module or a path; got {type(model).__qualname__}")


def is_torch_module(model: object) -> TypeGuard[torch.nn.Module]:
    """Whether it is one: who holds a torch module has imported torch, without it there is nothing to look for."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, (torch.nn.Module, torch.export.ExportedProgram))


def as_graph(module: torch.nn.Module, network: Network, example_input: Any = None) -> Graph | None:
    """The traced graph of a module that was read as a network; None where only the reader of chains knows it."""
    import torch

    from lipverify.readers.torch_graph import trace

    try:
        return trace(module, torch.zeros(network.input_dim) if example_input is None else example_input).graph
    except UnsupportedLayer:
        return None


def _onnx(path: Path) -> Network:
    from lipverify.readers.onnx import load_onnx

    return load_onnx(path)


def _torch(path: Path) -> Network:
    from lipverify.readers.torch import load_torch

    return load_torch(path)


def _npz(path: Path) -> Network:
    from lipverify.readers.native import load_npz

    return load_npz(path)


def _json(path: Path) -> Network:
    from lipverify.readers.native import load_json

    return load_json(path)


_READERS: dict[str, Callable[[Path], Network]] = {
    ".onnx": _onnx,
    ".onnx.gz": _onnx,
    ".pt": _torch,
    ".pth": _torch,
    ".npz": _npz,
    ".json": _json,
}
