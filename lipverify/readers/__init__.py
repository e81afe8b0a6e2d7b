"""Reading and writing networks: torch modules, .onnx, .pt, .npz and .json files, and VNN-LIB boxes.

steps.py        what a reader makes of a model, in the model's own terms
passes/         the rewriting passes from there to a network, one per file
torch.py  onnx.py  native.py  vnnlib.py      one format each, imported only when it is met
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lipverify.errors import InvalidArgument, InvalidNetwork
from lipverify.network import Network
from lipverify.readers.files import require_file

if TYPE_CHECKING:
    import torch

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


def as_network(model: Model, input_shape: Sequence[int] | None = None) -> Network:
    """Whatever a verb accepts as a network, as a network: itself, a torch module, or a path.

    Parameters
    ----------
    input_shape
        For a torch module that works on images: (C, H, W).

    Raises
    ------
    InvalidNetwork
        For anything else; and whatever `load` and `from_torch` raise.
    """
    if isinstance(model, Network):
        return model
    if isinstance(model, (str, Path)):
        return load(model)
    # Who holds a torch module has imported torch: without it there is nothing to look for.
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        from lipverify.readers.torch import from_torch

        return from_torch(model, input_shape)
    raise InvalidNetwork(f"expected a lipverify.Network, a torch module or a path; got {type(model).__qualname__}")


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
