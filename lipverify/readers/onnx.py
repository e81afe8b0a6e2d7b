"""ONNX graphs that are one chain of piecewise-linear operators, from `.onnx` and `.onnx.gz` files.

The network is what the graph computes on its declared input tensor, flattened. Where the first of several axes
is open or longer than 1, it has to be a batch, and the network is that of one row: every node is looked at. Every
shape is then known, and is tracked as a whole, batch axis included, so that broadcasting and reshaping mean what
ONNX says and nothing is guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError, UnsupportedLayer
from lipverify.network import Network
from lipverify.readers.files import read_bytes
from lipverify.readers.limits import MOST_NUMBERS, budget, require_nodes
from lipverify.readers.onnx_operators import ATTRIBUTES, RULES, Constant, Node, Read, Shape
from lipverify.readers.onnx_rows import for_one_row, mixing
from lipverify.readers.options import SILENT, Reading
from lipverify.readers.passes import lower
from lipverify.readers.steps import Step

_OLDEST_OPSET = 7


def load_onnx(path: Path, reading: Reading = SILENT) -> Network:
    """The network in an ONNX file.

    Raises
    ------
    UnsupportedLayer
        For an operator, or a use of one, that is not read; the message names operator, node and place.
    InvalidNetwork
        For a damaged file, weights outside the file, a graph without one input and one output, or a first axis that
        may be a batch or part of the sample.
    """
    content = read_bytes(path)
    try:
        # From bytes, nothing can be looked up beside the file: external data stays unread.
        model = onnx.load_model_from_string(content)
    except (DecodeError, ValueError, RecursionError) as error:
        raise InvalidNetwork(f"{path} is no ONNX model: {error}") from error
    try:
        _require_opset(model)
        require_nodes(len(model.graph.node))
        with budget():
            return _network(model.graph, str(path), reading)
    except LipverifyError as error:
        raise type(error)(f"{path}: {error}") from error


def _network(graph: onnx.GraphProto, source: str, reading: Reading) -> Network:
    constants = _initializers(graph)
    name, declared = _input(graph, constants)
    rows, shape = _sample(declared, reading, name)
    if len(graph.output) != 1:
        raise InvalidNetwork(f"the graph has {len(graph.output)} outputs; expected one")
    inputs = math.prod(shape)
    steps: list[Step] = []
    seen = {name}
    for index, proto in enumerate(graph.node):
        place = f"node {index} '{proto.name}' ({_operator(proto)})"
        for made in filter(None, proto.output):
            if made in seen or made in constants:
                raise InvalidNetwork(f"{place} defines the tensor '{made}' a second time")
            seen.add(made)
        try:
            read = _step(proto, place, constants, name, shape, rows)
        except LipverifyError as error:
            raise type(error)(f"{place}: {error}") from error
        if read is not None:
            found, shape = read
            steps.extend(found)
            name = proto.output[0]
    if graph.output[0].name != name:
        raise UnsupportedLayer(f"the output '{graph.output[0].name}' is not the end of the chain, '{name}'")
    if rows is not None and rows.batch is not None:
        source += f", one row of its batch of {rows.batch}"
    return lower(steps, inputs=inputs, source=source)


@dataclass(frozen=True)
class _Rows:
    """A first axis that is taken for a batch: its size, None where it is open, and the way to say that it is none."""

    batch: int | None
    otherwise: str


def _sample(declared: tuple[int | None, ...], reading: Reading, name: str) -> tuple[_Rows | None, Shape]:
    """The shape for which the graph is read, and the first axis where it has to be a batch."""
    shown = [n if n is not None else "?" for n in declared]
    tail = tuple(n for n in declared[1:] if n is not None)
    if len(tail) < len(declared) - 1 or not declared or (len(declared) == 1 and declared[0] is None):
        raise InvalidNetwork(f"the input '{name}' has shape {shown}; only the first of several axes may be open")
    first = declared[0]
    whole = () if first is None else (first, *tail)
    given = reading.input_shape
    if given is not None:
        given = (given,) if isinstance(given, int) else tuple(given)
        if given == whole:
            return None, whole
        if given != tail or not tail:
            raise InvalidArgument(f"input_shape={given}: the input '{name}' has shape {shown}, its rows {tail}")
    elif len(declared) == 1 or first == 1:
        return None, whole
    otherwise = "fix its first axis when you export it"
    if first is not None:
        otherwise = f"if all of it is one sample, say so with lipverify.load(path, input_shape={whole})"
        otherwise += f", --input-shape {','.join(map(str, whole))} on the command line"
    return _Rows(first, otherwise), (1, *tail)


def _operator(proto: onnx.NodeProto) -> str:
    # In a damaged file names may be bytes: they are shown, never concatenated.
    return str(proto.op_type) if proto.domain in ("", "ai.onnx") else f"{proto.domain}.{proto.op_type}"


def _step(
    proto: onnx.NodeProto, place: str, constants: dict[str, Constant], name: str, shape: Shape, rows: _Rows | None
) -> Read | None:
    """What a node does to the tensor that flows; None for a node that only defines a constant."""
    operator = _operator(proto)
    rule = RULES.get(operator)
    if operator not in RULES and operator != "Constant":
        known = ", ".join(sorted(RULES))
        raise UnsupportedLayer(f"the operator cannot be read; known are Constant, {known}")
    if not proto.output or not proto.output[0]:
        raise InvalidNetwork("the node has no output")
    attributes = _attributes(proto, ATTRIBUTES.get(operator, ()))
    if rule is None:
        constants[proto.output[0]] = _constant(attributes)
        return None
    flows = [i for i in proto.input if i and i not in constants]
    if not flows:
        if operator != "Identity" or len(proto.input) != 1:
            raise UnsupportedLayer("it computes with constants only; fold them before exporting")
        constants[proto.output[0]] = constants[proto.input[0]]
        return None
    if flows != [name]:
        raise UnsupportedLayer(f"it reads {flows}, but only '{name}' flows here: the graph must be one chain")
    inputs = tuple(constants.get(i) for i in proto.input)
    while inputs and not proto.input[len(inputs) - 1]:  # optional inputs may be left out by an empty name
        inputs = inputs[:-1]
    if rows is not None:
        why = mixing(operator, inputs, attributes, shape, rows.batch)
        if why:
            raise InvalidNetwork(f"the first axis may be a batch or part of the sample: {why}; {rows.otherwise}")
        if operator == "Reshape" and inputs[1] is not None:
            inputs = (None, np.array(for_one_row(inputs[1].tolist(), rows.batch), dtype=np.int64))
    return rule(Node(place, operator, inputs, attributes), shape)


def _require_opset(model: onnx.ModelProto) -> None:
    if not model.HasField("graph"):
        raise InvalidNetwork("the file holds no ONNX graph")
    version = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    if version < _OLDEST_OPSET:
        raise InvalidNetwork(
            f"the model uses opset {version}, whose broadcasting and Dropout meant something else; "
            f"convert it to opset {_OLDEST_OPSET} or later (onnx.version_converter)"
        )


def _initializers(graph: onnx.GraphProto) -> dict[str, Constant]:
    if graph.sparse_initializer:
        raise InvalidNetwork("sparse initialisers are not read; export dense ones")
    found: dict[str, Constant] = {}
    for tensor in graph.initializer:
        if tensor.name in found:
            raise InvalidNetwork(f"two initialisers bear the name '{tensor.name}'")
        found[tensor.name] = _tensor(tensor)
    return found


def _tensor(tensor: onnx.TensorProto) -> Constant:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise InvalidNetwork(f"the weights of '{tensor.name}' lie in another file; save it as one file")
    if any(d < 0 for d in tensor.dims) or math.prod(tensor.dims) > MOST_NUMBERS:
        raise InvalidNetwork(
            f"the tensor '{tensor.name}' has the impossible shape {list(tensor.dims)}; the readers stop at "
            f"{MOST_NUMBERS} numbers"
        )
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError, KeyError, NotImplementedError) as error:
        raise InvalidNetwork(f"the tensor '{tensor.name}' is damaged: {error}") from error


def _input(graph: onnx.GraphProto, constants: dict[str, Constant]) -> tuple[str, tuple[int | None, ...]]:
    """The graph's one input that is no initialiser, and its shape, None for axes that are open."""
    given = [value for value in graph.input if value.name not in constants]
    if len(given) != 1:
        raise InvalidNetwork(f"the graph has {len(given)} inputs beside its weights; expected one")
    (value,) = given
    kind = value.type.tensor_type
    if kind.elem_type not in (
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.DOUBLE,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.BFLOAT16,
    ):
        raise InvalidNetwork(f"the input '{value.name}' is no tensor of floats")
    axes = tuple(d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim)
    known = [n for n in axes if n is not None]
    if any(n < 1 for n in known) or math.prod(known) > MOST_NUMBERS:
        shown = [n if n is not None else "?" for n in axes]
        raise InvalidNetwork(
            f"the input '{value.name}' has the impossible shape {shown}; the readers stop at {MOST_NUMBERS}"
        )
    return value.name, axes


def _attributes(proto: onnx.NodeProto, known: Sequence[str]) -> dict[str, Any]:
    """The node's attributes; one that no rule looks at would change the meaning unseen."""
    found: dict[str, Any] = {}
    for attribute in proto.attribute:
        if attribute.name not in known:
            raise UnsupportedLayer(f"its attribute '{attribute.name}' is not read")
        try:
            found[attribute.name] = onnx.helper.get_attribute_value(attribute)
        except ValueError as error:
            raise InvalidNetwork(f"its attribute '{attribute.name}' is damaged: {error}") from error
    return found


def _constant(attributes: dict[str, Any]) -> Constant:
    if len(attributes) != 1:
        raise InvalidNetwork("a Constant needs exactly one value")
    ((name, value),) = attributes.items()
    if isinstance(value, onnx.TensorProto):
        return _tensor(value)
    try:
        return np.asarray(value, dtype=np.int64 if name.startswith("value_int") else np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidNetwork(f"its attribute '{name}' is damaged: {error}") from error
