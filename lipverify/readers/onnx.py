"""ONNX files, `.onnx` and `.onnx.gz`, with the tensors that lie beside them: from the file to a graph of the readers.

The network is what the graph computes on its declared input tensor, flattened. Where the first of several axes
is open or longer than 1, it has to be a batch, and the network is that of one row: every node is looked at. Every
shape is then known, and is tracked as a whole, batch axis included, so that broadcasting and reshaping mean what
ONNX says and nothing is guessed.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError
from lipverify.network import Network
from lipverify.readers.files import read_bytes
from lipverify.readers.limits import MOST_NUMBERS, budget
from lipverify.readers.onnx_graph import Ends, graph_of
from lipverify.readers.onnx_node import Array
from lipverify.readers.onnx_rows import Rows
from lipverify.readers.options import SILENT, Reading
from lipverify.readers.passes import lower_graph

_OLDEST_OPSET = 6
_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16)


def load_onnx(path: Path, reading: Reading = SILENT) -> Network:
    """The network in an ONNX file.

    Raises
    ------
    UnsupportedLayer
        For an operator, or a use of one, that is not piecewise linear or not read; the message names operator, node
        and place.
    InvalidNetwork
        For a damaged file, several inputs or outputs and no choice, or a first axis that may be a batch or part of
        the sample.
    InvalidArgument
        For an input or output that is not there.
    """
    content = read_bytes(path)
    try:
        # From bytes: what lies beside the file is read below, when it is needed and where it may lie.
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError, RecursionError) as error:
        raise InvalidNetwork(f"{path} is no ONNX model: {error}") from error
    try:
        with budget():
            return _network(model, path, reading)
    except LipverifyError as error:
        raise type(error)(f"{path}: {error}") from error


def _network(model: onnx.ModelProto, path: Path, reading: Reading) -> Network:
    opset = _opset(model)
    graph = model.graph
    if graph.sparse_initializer:
        raise InvalidNetwork("sparse initialisers are not read; export dense ones")
    constants: dict[str, onnx.TensorProto] = {}
    for tensor in graph.initializer:
        if tensor.name in constants:
            raise InvalidNetwork(f"two initialisers bear the name '{tensor.name}'")
        constants[tensor.name] = tensor
    ends = Ends(
        {value.name: value for value in graph.input if value.name not in constants},
        [value.name for value in graph.output if not _is_label(value)],
        [value.name for value in graph.output],
    )
    source = str(path)

    def shape_of(name: str) -> tuple[Rows | None, tuple[int, ...]]:
        nonlocal source
        rows, shape = _sample(_declared(ends.inputs[name]), reading, name)
        if rows is not None and rows.batch is not None:
            source += f", one row of its batch of {rows.batch}"
        return rows, shape

    def tensor_of(tensor: Any) -> Array:
        return _tensor(tensor, path.parent)

    read = graph_of(graph.node, constants, ends, opset, reading, shape_of, tensor_of)
    return lower_graph(read.named(source))


def _opset(model: onnx.ModelProto) -> int:
    if not model.HasField("graph"):
        raise InvalidNetwork("the file holds no ONNX graph")
    version = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    if version < _OLDEST_OPSET:
        raise InvalidNetwork(
            f"the model uses opset {version}, whose operators meant something else; "
            f"convert it to opset {_OLDEST_OPSET} or later (onnx.version_converter)"
        )
    return version


def _is_label(value: onnx.ValueInfoProto) -> bool:
    """Whether an output holds labels, which are no numbers that depend continuously on the input."""
    if not value.HasField("type"):
        return False
    kind = value.type
    return not kind.HasField("tensor_type") or kind.tensor_type.elem_type not in (*_FLOATS, 0)


def _declared(value: onnx.ValueInfoProto) -> tuple[int | None, ...]:
    """An input's shape, None for axes that are open."""
    kind = value.type.tensor_type
    if kind.elem_type not in _FLOATS:
        raise InvalidNetwork(f"the input '{value.name}' is no tensor of floats")
    axes = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    known = [n for n in axes if n is not None]
    if any(n < 1 for n in known) or math.prod(known) > MOST_NUMBERS:
        raise InvalidNetwork(
            f"the input '{value.name}' has the impossible shape {_shown(axes)}; the readers stop at {MOST_NUMBERS}"
        )
    return axes


def _shown(axes: tuple[int | None, ...]) -> str:
    return f"[{', '.join('?' if n is None else str(n) for n in axes)}]"


def _sample(declared: tuple[int | None, ...], reading: Reading, name: str) -> tuple[Rows | None, tuple[int, ...]]:
    """The first axis where it has to be a batch, and the shape for which the graph is read."""
    tail = tuple(n for n in declared[1:] if n is not None)
    if len(tail) < len(declared) - 1 or not declared or (len(declared) == 1 and declared[0] is None):
        raise InvalidNetwork(
            f"the input '{name}' has shape {_shown(declared)}; only the first of several axes may be open"
        )
    first = declared[0]
    whole = () if first is None else (first, *tail)
    given = reading.input_shape
    if given is not None:
        given = (given,) if isinstance(given, int) else tuple(given)
        if given == whole:
            return None, whole
        if given != tail or not tail:
            raise InvalidArgument(f"input_shape={given}: the input '{name}' has shape {_shown(declared)}")
    elif len(declared) == 1 or first == 1:
        return None, whole
    otherwise = "fix its first axis when you export it"
    if first is not None:
        otherwise = f"if all of it is one sample, say so with lipverify.load(path, input_shape={whole})"
    return Rows(first, otherwise), (1, *tail)


def _tensor(tensor: onnx.TensorProto, folder: Path) -> Array:
    """A constant's numbers."""
    size = math.prod(tensor.dims)
    if any(d < 0 for d in tensor.dims) or size > MOST_NUMBERS:
        raise InvalidNetwork(
            f"the tensor '{tensor.name}' has the impossible shape {list(tensor.dims)}; the readers stop at "
            f"{MOST_NUMBERS} numbers"
        )
    try:
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            loaded = onnx.TensorProto()
            loaded.CopyFrom(tensor)
            loaded.ClearField("external_data")
            loaded.data_location = onnx.TensorProto.DEFAULT
            loaded.raw_data = _beside(tensor, size, folder)
            tensor = loaded
        array = np.asarray(numpy_helper.to_array(tensor))
        return array.astype(np.float32) if array.dtype.kind == "V" or "float8" in array.dtype.name else array
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        if isinstance(error, InvalidNetwork):
            raise
        raise InvalidNetwork(f"the tensor '{tensor.name}' is damaged: {error}") from error


def _beside(tensor: onnx.TensorProto, size: int, folder: Path) -> bytes:
    """The bytes of a tensor that lies in another file, never outside the model's folder."""
    given = {entry.key: entry.value for entry in tensor.external_data}
    location = given.get("location", "")
    home = folder.resolve()
    place = (home / location).resolve()
    if not location or Path(location).is_absolute() or not place.is_relative_to(home):
        raise InvalidNetwork(f"the weights of '{tensor.name}' lie in {location!r}, outside the model's folder")
    if not place.is_file():
        raise InvalidNetwork(
            f"the weights of '{tensor.name}' lie in {location!r} beside the model; there is no such file"
        )
    bits = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    offset, length = (int(given.get(key, default)) for key, default in (("offset", "0"), ("length", str(size * bits))))
    if offset < 0 or length != size * bits or offset + length > place.stat().st_size:
        raise InvalidNetwork(
            f"the weights of '{tensor.name}', {size * bits} bytes, are said to be {length} bytes at {offset} of "
            f"{location!r}, which holds {place.stat().st_size}"
        )
    with place.open("rb") as file:
        file.seek(offset)
        return file.read(length)
