"""Reading and writing networks: torch modules, .onnx, .pt, .npz and .json files, and VNN-LIB boxes.

steps.py  windows.py    what a reader makes of a model, in the model's own terms
graph.py                the same for models that are no chains
passes/                 the rewriting passes from there to a network, one per file
torch.py  onnx.py  native.py  vnnlib.py     one format each, imported only when it is met
torch_graph.py  operators/   torch modules traced by torch.export, and what each of its operators means
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard

from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError, UnsupportedLayer
from lipverify.network import Network
from lipverify.readers.arrays import from_sklearn, is_sklearn
from lipverify.readers.files import require_file
from lipverify.readers.options import Activation, Reading

if TYPE_CHECKING:
    import torch

    from lipverify.readers.graph import Graph

    Model: TypeAlias = Network | torch.nn.Module | str | Path


def load(
    path: str | Path,
    *,
    activation: Activation | None = None,
    layers: Sequence[str] | None = None,
    transposed: bool | None = None,
    key: str | None = None,
    input: int | str | None = None,  # noqa: A002 (what everybody calls it)
    output: int | str | None = None,
    input_shape: Sequence[int] | int | None = None,
    normalisation: bool | None = None,
) -> Network:
    """The network in a file.

    Nothing that a file leaves open is assumed: what has to be said is asked for, with the call that says it.

    Parameters
    ----------
    path
        A `.onnx` or `.onnx.gz` graph; a `.nnet` file; a `.npz` or `.json` file that `Network.save` wrote; or weights
        and biases of linear layers: a `.pt`, `.pth` or `.ckpt` state dict, a `.npz`, `.mat` or `.safetensors` file.
    activation
        For weights without an architecture: what stands between the layers, one name for all or a list: "relu",
        "leaky_relu:0.01", "abs", "hardtanh", "relu6", "identity".
    layers
        For the same: the layers' names in the order in which they run, where numbers and shapes leave it open.
    transposed
        For the same: True for matrices of shape (in, out), False for (out, in), where the shapes leave it open.
    key
        For a checkpoint: the entry that holds the state dict, such as "state_dict" or "model.encoder".
    input, output
        For a graph with several: a place, or a tensor's name; any tensor's, for the output.
    input_shape
        For an `.onnx` graph whose first axis may be a batch or part of the sample: the shape of one sample.

    normalisation
        For a `.nnet` file with means and ranges: True for the function in its own units, False for the bare network.

    Raises
    ------
    InvalidArgument
        For a suffix that is none of these, and an option that the file has no use for.
    InvalidNetwork
        For a missing file, a directory, a file that holds no network, or one that does not say enough.
    UnsupportedLayer
        For a layer or operator that is no piecewise-linear step of a chain; the message names it.
    """
    file = Path(path)
    suffix = next((suffix for suffix in _READERS if file.name.lower().endswith(suffix)), None)
    if suffix is None:
        other = next((advice for ending, advice in _OTHERS.items() if file.name.lower().endswith(ending)), _ARRAYS)
        raise InvalidArgument(f"cannot read {file}: expected one of {', '.join(_READERS)}. {other}")
    reader, options = _READERS[suffix]
    reading = Reading(
        activation=activation,
        layers=layers,
        transposed=transposed,
        key=key,
        input=input,
        output=output,
        input_shape=input_shape,
        normalisation=normalisation,
    )
    reading.require_only(options, f"{suffix} files")
    require_file(file)
    return reader(file, reading)


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
    if is_sklearn(model):
        return from_sklearn(model)
    if is_torch_module(model):
        from lipverify.readers.torch import from_torch

        return from_torch(model, input_shape, example_input=example_input)
    raise InvalidNetwork(
        f"expected a lipverify.Network, a torch module, a path or one of scikit-learn's networks; got "
        f"{type(model).__qualname__}"
    )


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


def _onnx(path: Path, reading: Reading) -> Network:
    from lipverify.readers.onnx import load_onnx

    return load_onnx(path, reading)


def _torch(path: Path, reading: Reading) -> Network:
    if find_spec("torch") is None:
        raise LipverifyError(f"{path}: reading PyTorch's files needs torch, which is not installed: pip install torch")
    from lipverify.readers.torch import load_torch

    return load_torch(path, reading)


def _nnet(path: Path, reading: Reading) -> Network:
    from lipverify.readers.nnet import load_nnet

    return load_nnet(path, reading)


def _mat(path: Path, reading: Reading) -> Network:
    from lipverify.readers.arrays import load_mat

    return load_mat(path, reading)


def _safetensors(path: Path, reading: Reading) -> Network:
    from lipverify.readers.arrays import load_safetensors

    return load_safetensors(path, reading)


def _npz(path: Path, reading: Reading) -> Network:
    from lipverify.readers.native import load_npz

    return load_npz(path, reading)


def _json(path: Path, reading: Reading) -> Network:
    from lipverify.readers.native import load_json

    return load_json(path)


_ARRAYS = "Arrays of any origin make a network by lipverify.from_arrays(weights, biases, activation='relu')"
_KERAS = f"A Keras model can be exported to .onnx (tf2onnx). {_ARRAYS}"
_OTHERS = {
    # torch.export.load unpickles whatever the file says, so that reading one could run code.
    ".pt2": "Of a program that you trust: lipverify.from_torch(torch.export.load(path)), which may unpickle objects",
    ".h5": _KERAS,
    ".keras": _KERAS,
    ".pkl": "Pickled objects are never read: load one that you trust yourself, then call from_torch or from_sklearn",
}
_NAMED = ("activation", "layers", "transposed")
_READERS: dict[str, tuple[Callable[[Path, Reading], Network], tuple[str, ...]]] = {
    ".onnx": (_onnx, ("input", "output", "input_shape")),
    ".onnx.gz": (_onnx, ("input", "output", "input_shape")),
    ".pt": (_torch, (*_NAMED, "key")),
    ".pth": (_torch, (*_NAMED, "key")),
    ".ckpt": (_torch, (*_NAMED, "key")),
    ".safetensors": (_safetensors, _NAMED),
    ".mat": (_mat, _NAMED),
    ".nnet": (_nnet, ("normalisation",)),
    ".npz": (_npz, _NAMED),
    ".json": (_json, ()),
}
