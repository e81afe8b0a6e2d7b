"""The nodes of an ONNX graph, in whatever order, as a graph of the readers: what the chosen output depends on.

A node whose inputs are all constants is folded; any other becomes the operators that all readers share, or an error
that names it. Nothing is guessed, and nothing that the output depends on is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import onnx

from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError, UnsupportedLayer
from lipverify.readers.graph import Graph, Node
from lipverify.readers.limits import require_nodes
from lipverify.readers.onnx_folding import FOLDS
from lipverify.readers.onnx_node import Array, OnnxNode, Shape, Value
from lipverify.readers.onnx_operators import ATTRIBUTES, OPERATORS, SMOOTH
from lipverify.readers.onnx_rows import Rows, mixing
from lipverify.readers.operators.call import Builder, Ref
from lipverify.readers.options import Reading
from lipverify.readers.steps import Select


@final
@dataclass(frozen=True, eq=False)
class Ends:
    """The inputs of a graph that are no constants, its outputs that hold floats, and all outputs."""

    inputs: Mapping[str, Any]
    outputs: Sequence[str]
    all_outputs: Sequence[str]


@final
@dataclass(frozen=True, eq=False)
class Read:
    """A graph that was read; its source is named last."""

    graph: Graph

    def named(self, source: str) -> Graph:
        """The graph with its source."""
        return replace(self.graph, source=source)


@dataclass(frozen=True)
class _Place:
    """A node and its number."""

    index: int
    proto: onnx.NodeProto

    def __str__(self) -> str:
        return f"node {self.index} '{self.proto.name}' ({self.operator})"

    @property
    def operator(self) -> str:
        """The name, with the domain where it is not ONNX's own."""
        # In a damaged file names may be bytes: they are shown, never concatenated.
        own = self.proto.domain in ("", "ai.onnx")
        return str(self.proto.op_type) if own else f"{self.proto.domain}.{self.proto.op_type}"


def graph_of(
    nodes: Iterable[onnx.NodeProto],
    constants: Mapping[str, Any],
    ends: Ends,
    opset: int,
    reading: Reading,
    shape_of: Callable[[str], tuple[Rows | None, Shape]],
    tensor_of: Callable[[Any], Array],
) -> Read:
    """The graph behind the chosen output.

    Parameters
    ----------
    constants, tensor_of
        The initialisers, and how one is loaded: only those that are needed are.
    shape_of
        The shape of an input, and its first axis where it has to be a batch.

    Raises
    ------
    UnsupportedLayer, InvalidNetwork, InvalidArgument
        As `load_onnx` says.
    """
    places = [_Place(k, proto) for k, proto in enumerate(nodes)]
    makers = _makers(places, ends.inputs.keys() | constants.keys())
    output = _output(ends, reading.output, makers)
    order, leaves = _order(output, makers)
    require_nodes(len(order))
    name = _input(ends, leaves & ends.inputs.keys(), reading.input)
    rows, shape = shape_of(name)
    builder = Builder()
    values: dict[str, Value] = {name: Ref(0, shape)}
    for leaf in leaves - {name}:
        if leaf not in constants:
            raise InvalidNetwork(f"the tensor '{leaf}' is made nowhere")
        values[leaf] = tensor_of(constants[leaf])
    for place in order:
        try:
            made = _made(place, values, builder, opset, rows, tensor_of)
        except LipverifyError as error:
            raise type(error)(f"{place}: {error}") from error
        for key, value in zip(place.proto.output, made, strict=False):
            values[key] = value
    size = Ref(0, shape).size
    nodes_ = _ended(builder, values[output], size)
    return Read(Graph(shape, nodes_))


def _makers(places: Sequence[_Place], given: Iterable[str]) -> dict[str, _Place]:
    """Which node makes a tensor."""
    found: dict[str, _Place] = {}
    taken = set(given)
    for place in places:
        for name in filter(None, place.proto.output):
            if name in taken:
                raise InvalidNetwork(f"{place} defines the tensor '{name}' a second time")
            taken.add(name)
            found[name] = place
    return found


def _output(ends: Ends, chosen: int | str | None, makers: Mapping[str, _Place]) -> str:
    if isinstance(chosen, int) and 0 <= chosen < len(ends.all_outputs):
        return ends.all_outputs[chosen]
    if isinstance(chosen, str) and (chosen in makers or chosen in ends.all_outputs):
        return chosen
    known = ", ".join(map(repr, ends.all_outputs))
    if chosen is not None:
        raise InvalidArgument(f"output={chosen!r}: the graph has the outputs {known}, and no tensor of that name")
    if len(ends.outputs) != 1:
        first = (ends.outputs or ends.all_outputs or ("",))[0]
        raise InvalidNetwork(
            f"the graph has {len(ends.outputs)} outputs that hold floats, of {known}: choose a tensor, as in "
            f"lipverify.load(path, output={first!r})"
        )
    return ends.outputs[0]


def _input(ends: Ends, used: Iterable[str], chosen: int | str | None) -> str:
    names = list(ends.inputs)
    if isinstance(chosen, int) and 0 <= chosen < len(names):
        chosen = names[chosen]
    if chosen is not None and chosen not in names:
        raise InvalidArgument(f"input={chosen!r}: the graph has the inputs {', '.join(map(repr, names))}")
    needed = [name for name in names if name in set(used)]
    if chosen is None and len(needed) == 1:
        return needed[0]
    if chosen is None and not needed and len(names) == 1:
        return names[0]
    others = [name for name in needed if name != chosen]
    if chosen is None or others:
        raise InvalidNetwork(
            f"the output depends on {len(needed)} inputs beside the weights, {', '.join(map(repr, needed or names))}; "
            "expected one. Make constants of the others before exporting, or choose another output"
        )
    return str(chosen)


def _order(output: str, makers: Mapping[str, _Place]) -> tuple[list[_Place], set[str]]:
    """The nodes that a tensor depends on, each behind its operands, and the tensors that no node makes."""
    order: list[_Place] = []
    leaves: set[str] = set()
    met: set[int] = set()
    waiting: list[tuple[str, bool]] = [(output, False)]
    while waiting:
        name, done = waiting.pop()
        place = makers.get(name)
        if place is None:
            leaves.add(name)
        elif done:
            order.append(place)
        elif place.index not in met:
            met.add(place.index)
            waiting.append((name, True))
            waiting += [(operand, False) for operand in reversed(place.proto.input) if operand]
    seen: set[str] = set()
    for place in order:
        for operand in place.proto.input:
            if operand in makers and operand not in seen:
                raise InvalidNetwork(f"{place} depends on itself")
        seen.update(place.proto.output)
    return order, leaves


def _made(
    place: _Place,
    values: Mapping[str, Value],
    builder: Builder,
    opset: int,
    rows: Rows | None,
    tensor_of: Callable[[Any], Array],
) -> tuple[Value, ...]:
    """What a node makes of its inputs: one value for every output."""
    operator = place.operator
    if operator in SMOOTH:
        raise UnsupportedLayer("the operator is not piecewise linear, so that no network computes it")
    rule, fold = OPERATORS.get(operator), FOLDS.get(operator)
    if rule is None and fold is None and operator != "Constant":
        known = ", ".join(sorted({"Constant", *OPERATORS, *FOLDS}))
        raise UnsupportedLayer(f"the operator cannot be read; known are {known}")
    attributes = _attributes(place.proto, ATTRIBUTES.get(operator, ()), tensor_of)
    if operator == "Constant":
        return (_constant(attributes),)
    inputs = tuple(values[name] if name else None for name in place.proto.input)
    while inputs and inputs[-1] is None:  # optional inputs may be left out by an empty name
        inputs = inputs[:-1]
    outputs = [bool(name) for name in place.proto.output]
    while outputs and not outputs[-1]:
        outputs.pop()
    node = OnnxNode(
        operator,
        place.proto.name or f"{operator}_{place.index}",
        f"node {place.index}",
        inputs,
        attributes,
        len(outputs),
        opset,
        builder,
    )
    if not any(isinstance(value, Ref) for value in inputs) and fold is not None:
        return _folded(node, fold)
    if rule is None or not inputs:
        raise UnsupportedLayer("it turns values that depend on the input into something else than real numbers")
    if rows is not None:
        why = mixing(node, rows) if any(isinstance(value, Ref) for value in inputs) else ""
        if why:
            raise InvalidNetwork(f"the first axis may be a batch or part of the sample: {why}; {rows.otherwise}")
    made = rule(node, rows)
    return made if isinstance(made, tuple) else (made,)


def _folded(node: OnnxNode, fold: Callable[[OnnxNode], Any]) -> tuple[Value, ...]:
    """An operator on constants, in their own dtype; what it rounds is remembered as rounded."""
    with np.errstate(all="ignore"):
        try:
            made = np.asarray(fold(node))
        except (ValueError, TypeError, IndexError, ZeroDivisionError, OverflowError) as error:
            if isinstance(error, LipverifyError):
                raise
            raise InvalidNetwork(f"it cannot be folded: {error}") from error
    inherited = any(id(value) in node.builder.rounded for value in node.inputs)
    kept = node.operator in ("ConstantOfShape", "Neg") or (
        node.operator == "Cast" and np.array_equal(made, np.asarray(node.constant(0)))
    )
    return (node.keep(made, inherited or (made.dtype.kind == "f" and not kept)),)


def _attributes(proto: onnx.NodeProto, known: Sequence[str], tensor_of: Callable[[Any], Array]) -> dict[str, Any]:
    """The node's attributes; one that no rule looks at would change the meaning unseen."""
    found: dict[str, Any] = {}
    for attribute in proto.attribute:
        if attribute.name not in known:
            raise UnsupportedLayer(f"its attribute '{attribute.name}' is not read")
        try:
            value = onnx.helper.get_attribute_value(attribute)
        except ValueError as error:
            raise InvalidNetwork(f"its attribute '{attribute.name}' is damaged: {error}") from error
        found[attribute.name] = tensor_of(value) if isinstance(value, onnx.TensorProto) else value
    return found


def _constant(attributes: dict[str, Any]) -> Array:
    if len(attributes) != 1:
        raise InvalidNetwork("a Constant needs exactly one value")
    ((name, value),) = attributes.items()
    try:
        kind = np.int64 if name.startswith("value_int") else np.float32 if name.startswith("value_float") else None
        return np.asarray(value, dtype=kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidNetwork(f"its attribute '{name}' is damaged: {error}") from error


def _ended(builder: Builder, output: Value, inputs: int) -> tuple[Node, ...]:
    """The nodes that the output depends on, the last one making it."""
    if isinstance(output, np.ndarray):
        constant = np.asarray(output, dtype=np.float64).ravel()
        step = Select(inputs, np.full(constant.size, -1), None, constant)
        rounded = id(output) in builder.rounded
        return (Node("output", "constant", step, (0,), tuple(output.shape), rounded=rounded),)
    if output.index == 0:
        return (Node("output", "identity", Select(inputs), (0,), output.shape),)
    needed = {output.index}
    for k in range(output.index, 0, -1):
        if k in needed:
            needed.update(builder.nodes[k - 1].reads)
    order = sorted(needed - {0})
    numbers = {0: 0} | {old: new for new, old in enumerate(order, 1)}
    return tuple(
        replace(node, reads=tuple(numbers[r] for r in node.reads)) for node in (builder.nodes[k - 1] for k in order)
    )
