"""Any torch module as a graph, through `torch.export`: what it does to one sample, in eval mode.

The module is run, symbolically, on a batch that holds one sample, so that code written for batches means what it
says. `torch.export` makes in-place operations and views functional, keeps every operator's source line, and
refuses control flow that depends on values. Every operator then is one that `lipverify.readers.operators` knows,
or an error names it: nothing is guessed, and nothing is skipped.
"""

from __future__ import annotations

import io
import logging
import operator
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import torch
from torch import nn
from torch.utils import _pytree as pytree

from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError, UnsupportedLayer
from lipverify.readers.graph import Graph, Node
from lipverify.readers.operators import BUILDERS
from lipverify.readers.operators.call import Builder, Call, Live, Ref
from lipverify.readers.steps import Select
from lipverify.readers.torch_frozen import frozen
from lipverify.readers.torch_probe import require_samples, runs


@final
@dataclass(frozen=True)
class Trace:
    """A graph, and for every node of it the live tensors behind its constants."""

    graph: Graph
    live: tuple[Live, ...]


def trace(module: nn.Module, example_input: Any, *, gradients: bool = False, output: int | str | None = None) -> Trace:
    """The graph of a module.

    Parameters
    ----------
    module
        In eval mode wherever that makes a difference.
    example_input
        One sample, without a batch axis: a tensor, or an array. Only its shape and dtype matter; the module gets
        `example_input.unsqueeze(0)`.
    gradients
        Whether constants that are computed from parameters keep their gradients.
    output
        Which of several tensors that the module returns: a place in a tuple, a key of a dict, or both with a dot.

    Raises
    ------
    UnsupportedLayer
        For an operator that is not known, or used in a way that is not: the message names the node, the
        operator and the source line. For modules that `torch.export` cannot follow.
    InvalidNetwork
        For training mode where it matters, samples of a batch that know of each other, several outputs and no choice,
        or an example that does not fit.
    InvalidArgument
        For an output that is not there.
    """
    module = plain_module(module)
    if not gradients:
        module = frozen(module)
    sample = _sample(module, example_input)
    program = _exported(module, sample.unsqueeze(0))
    place = _output(program, output, type(module).__name__)
    with nullcontext() if gradients else torch.no_grad():
        builder, made = _converted(program, _constants(program, module, gradients), place)
    require_samples(module, sample, lambda returned: pytree.tree_leaves(returned)[place])
    nodes, live = _reachable(builder, _ending(builder, made, sample.numel()).index)
    graph = Graph(tuple(sample.shape), nodes, f"a torch {type(module).__name__}")
    return Trace(graph, live)


def _sample(module: nn.Module, example_input: Any) -> torch.Tensor:
    try:
        sample = torch.as_tensor(example_input)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidNetwork(f"example_input is no tensor: {error}") from error
    if not sample.numel():
        raise InvalidNetwork(f"example_input is empty (shape {tuple(sample.shape)})")
    kinds = {p.dtype for p in (*module.parameters(), *module.buffers()) if p.dtype.is_floating_point}
    if len(kinds) == 1:  # numbers are exact in any dtype here: follow the module, whatever the example was made as
        sample = sample.to(kinds.pop())
    if not sample.dtype.is_floating_point:
        raise InvalidNetwork(f"example_input is of type {sample.dtype}; expected a real floating dtype")
    return sample.detach()


def plain_module(module: Any) -> nn.Module:
    """The module itself, out of what torch.compile and torch.export put around it.

    Raises
    ------
    UnsupportedLayer
        For TorchScript, and for hooks: they may do anything, and torch.export does not always show them.
    """
    while type(module).__name__ == "OptimizedModule" and isinstance(getattr(module, "_orig_mod", None), nn.Module):
        module = module._orig_mod
    if isinstance(module, torch.export.ExportedProgram):
        module = module.module()
    for name, child in module.named_modules():
        place = f"layer '{name}'" if name else "the module"
        require_plain(child, f"{place} ({type(child).__name__})")
    return module


def require_plain(module: nn.Module, place: str) -> None:
    """Refuse a module that does something else than its class says, with the way back to what it was."""
    if isinstance(module, torch.jit.ScriptModule):
        raise UnsupportedLayer(f"{place} is TorchScript, which is not read: pass the Python module that it was made of")
    if type(module).__name__ == "OptimizedModule":
        raise UnsupportedLayer(f"{place} is made by torch.compile: put its _orig_mod in its place")
    # torch has no public way to see hooks.
    hooks = [*module._forward_hooks.values(), *module._forward_pre_hooks.values()]
    hooks = [hook for hook in hooks if getattr(hook, "__module__", "") != "torch.export._unlift"]
    for hook in hooks:
        for remedy in ("spectral_norm", "weight_norm"):
            if type(hook).__module__ == f"torch.nn.utils.{remedy}":
                raise UnsupportedLayer(
                    f"{place} has a hook of {remedy}: call torch.nn.utils.remove_{remedy} on it first"
                )
    own = type(module).__module__.startswith("torch.export.")  # its guards have their forward in the instance
    if hooks or ("forward" in vars(module) and not own):
        raise UnsupportedLayer(f"{place} has forward hooks or a replaced forward method; remove them")


def _exported(module: nn.Module, batch: torch.Tensor) -> Any:
    with warnings.catch_warnings(), _silent():
        warnings.simplefilter("ignore")  # torch.export's own, about its own future
        try:
            program = torch.export.export(module, (batch,), strict=False)
            if _mutates(program):
                program = program.run_decompositions({})
        except Exception as error:  # whatever the module's own code raises on the way
            advice = _EVAL if module.training and "training" in str(error) else ""
            if not module.training and batch.shape[1] == 1 and runs(module, batch[0]):
                advice = ". It runs on the example as it is: give one sample, without the batch axis, as in example[0]"
            if any(callable(getattr(part, "vanilla_export", None)) for part in module.modules()):
                advice += ". Its layers know plain ones: read deel.torchlip.vanilla_model(module, in_place=False)"
            raise UnsupportedLayer(
                f"torch.export cannot follow {type(module).__name__} on a batch of one sample of shape "
                f"{tuple(batch.shape[1:])}: {_first_line(error)}{advice}"
            ) from error
    kinds = {spec.kind.name for spec in program.graph_signature.output_specs}
    if kinds != {"USER_OUTPUT"}:
        advice = _EVAL if any(child.training for child in module.modules()) else ""
        raise UnsupportedLayer(
            f"{type(module).__name__} changes its own buffers when it runs: it is no function{advice}"
        )
    return program


_EVAL = "; it is in training mode: call module.eval() first"


@contextmanager
def _silent() -> Generator[None]:
    """Without the stack traces and graphs that torch writes to stderr about errors which it raises as well."""
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with redirect_stderr(io.StringIO()):
            yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled


_TALKATIVE = ("torch._subclasses.fake_tensor", "torch.fx.experimental.symbolic_shapes")


def _output(program: Any, chosen: int | str | None, module: str) -> int:
    """The place, among all that a module returns, of the tensor that is meant."""
    specs = program.graph_signature.output_specs
    structure = pytree.tree_unflatten(list(range(len(specs))), program.call_spec.out_spec)
    tensors = {name: k for name, k in _named(structure, "") if type(specs[k].arg).__name__ == "TensorArgument"}
    if chosen is None and len(tensors) == 1:
        (place,) = tensors.values()
        return place
    if not tensors:
        raise UnsupportedLayer(f"{module} returns no tensor")
    known = ", ".join(map(repr, tensors))
    if chosen is None:
        first = next(iter(tensors))
        raise InvalidNetwork(
            f"{module} returns several tensors, {known}: choose one, as in "
            f"lipverify.from_torch(module, output={first!r}, …)"
        )
    if str(chosen) not in tensors:
        raise InvalidArgument(f"output={chosen!r}: {module} returns {known}")
    return tensors[str(chosen)]


def _named(structure: Any, name: str) -> list[tuple[str, int]]:
    """The places in a structure of dicts and sequences, with their names."""
    if isinstance(structure, int):
        return [(name, structure)]
    if isinstance(structure, dict):
        items = structure.items()
    elif isinstance(structure, (list, tuple)):
        items = enumerate(structure)
    else:
        raise UnsupportedLayer(f"an output of type {type(structure).__name__} is not read; return a tuple or a dict")
    return [pair for key, inner in items for pair in _named(inner, f"{name}.{key}" if name else str(key))]


def _mutates(program: Any) -> bool:
    """Whether some operator works in place, or a view could show that."""
    return any(
        node.op == "call_function" and getattr(getattr(node.target, "_schema", None), "is_mutable", True)
        for node in program.graph.nodes
        if node.target is not _GETITEM
    )


_GETITEM: object = operator.getitem


def _constants(program: Any, module: nn.Module, gradients: bool) -> dict[str, torch.Tensor]:
    """The tensors that the graph's placeholders stand for: parameters, buffers and lifted constants."""
    found: dict[str, torch.Tensor] = {}
    owned = dict(module.named_parameters(remove_duplicate=False)) if gradients else {}
    for spec in program.graph_signature.input_specs:
        if spec.target is None:
            continue
        value = program.state_dict.get(spec.target, program.constants.get(spec.target))
        if value is None:
            raise InvalidNetwork(f"torch.export kept no value of '{spec.target}'")
        found[spec.arg.name] = owned.get(spec.target, value)
    return found


def _converted(program: Any, constants: dict[str, torch.Tensor], place: int) -> tuple[Builder, Any]:
    builder, values = Builder(), {}
    needed = _needed(program.graph, place)
    for node in program.graph.nodes:
        if node.op == "placeholder":
            values[node] = constants[node.name] if node.name in constants else Ref(0, _shape(_first(node)))
        elif node.op == "output":
            return builder, _bound(node.args[0][place], values)
        elif node in needed:
            values[node] = _value(node, values, builder)
    raise UnsupportedLayer("the trace has no output")


def _needed(graph: Any, place: int) -> set[Any]:
    """The nodes that the chosen output depends on."""
    outputs = [node.args[0][place] for node in graph.nodes if node.op == "output"]
    waiting = [node for node in outputs if isinstance(node, torch.fx.Node)]
    found: set[Any] = set()
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found


def _value(node: Any, values: dict[Any, Any], builder: Builder) -> Any:
    """What one node of the trace makes: a value in our graph, a constant, or several of these."""
    place = _place(node)
    label = f"node '{node.name}' ({node.target}){f' at {place}' if place else ''}"
    args = [_bound(a, values) for a in node.args]
    if node.target is _GETITEM:
        made = args[0][args[1]]
        if made is None:
            raise UnsupportedLayer(f"{label}: this output of {node.args[0].target} cannot be followed")
        return made
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        raise UnsupportedLayer(f"{label}: it is no ATen operator")
    arguments = {a.name: a.default_value for a in schema.arguments if a.has_default_value()}
    arguments |= {a.name: v for a, v in zip(schema.arguments, args, strict=False)}
    arguments |= {k: _bound(v, values) for k, v in node.kwargs.items()}
    if not _varies(list(arguments.values())):
        return _folded(node.target, arguments, builder, label)
    name = node.target.overloadpacket.__name__
    build = BUILDERS.get(name)
    if build is None and name in _COMPARISONS:
        raise UnsupportedLayer(
            f"{label}: it compares values that depend on the input. Where the layer is continuous, write it with "
            "torch.relu instead, as z - 2 * torch.relu((v * z).sum(1)) * v for a Householder activation"
        )
    if build is None:
        raise UnsupportedLayer(f"{label}: the operator is not known; it is never assumed to have constant 1")
    arguments = {a.name: arguments[a.name] for a in schema.arguments if a.name in arguments}
    made = _first(node)
    if made is not None and not made.dtype.is_floating_point:
        raise UnsupportedLayer(f"{label}: it turns a value that depends on the input into {made.dtype}")
    call = Call(name, node.target, arguments, _shape(made), node.name, place, builder)
    try:
        return build(call)
    except LipverifyError as error:
        raise type(error)(f"{label}: {error}") from error


def _folded(target: Any, arguments: dict[str, Any], builder: Builder, label: str) -> Any:
    """An operator on constants, run by torch in their own dtype; what it rounds is remembered as rounded."""
    name = target.overloadpacket.__name__
    try:
        result = target(**arguments)
    except (RuntimeError, TypeError, ValueError) as error:
        raise InvalidNetwork(f"{label}: {_first_line(error)}") from error
    tensors = [v for v in arguments.values() if isinstance(v, torch.Tensor)]
    inherited = any(id(t) in builder.rounded for t in tensors)
    made = result if isinstance(result, (list, tuple)) else [result]
    for tensor in made:
        if isinstance(tensor, torch.Tensor):
            builder.kept.append(tensor)
            if inherited or (tensors and tensor.dtype.is_floating_point and name not in _EXACT):
                builder.rounded.add(id(tensor))
    return result


_COMPARISONS = frozenset({"le", "lt", "ge", "gt", "eq", "ne"})
_EXACT = frozenset(
    name
    for name, build in BUILDERS.items()
    if build.__module__.endswith("movement") and name not in ("to", "_to_copy", "type_as")
) | {"abs", "neg", "relu", "maximum", "minimum", "clamp", "eye", "arange", "ones", "zeros", "full", "sort"}


def _bound(value: Any, values: dict[Any, Any]) -> Any:
    if isinstance(value, torch.fx.Node):
        return values[value]
    if isinstance(value, (list, tuple)):
        return [_bound(v, values) for v in value]
    return value


def _varies(value: Any) -> bool:
    return isinstance(value, Ref) or (isinstance(value, (list, tuple)) and any(map(_varies, value)))


def _first(node: Any) -> torch.Tensor | None:
    """A node's first tensor, as the trace knows it: shape and dtype."""
    value = node.meta.get("val")
    while isinstance(value, (list, tuple)):
        value = value[0]
    return value if isinstance(value, torch.Tensor) else None


def _shape(value: torch.Tensor | None) -> tuple[int, ...]:
    return () if value is None else tuple(int(n) for n in value.shape)


def _place(node: Any) -> str:
    """The innermost source line outside torch that called the operator, with its code."""
    frames = re.findall(r'File "([^"]+)", line (\d+), in [^\n]+(?:\n\s+([^\n]+))?', node.meta.get("stack_trace") or "")
    own = [frame for frame in frames if "/torch/" not in frame[0].replace("\\", "/")] or frames
    where = [f"{path}, line {line}: {code.strip()}" for path, line, code in own[-1:]]
    modules = [name for name, _ in (node.meta.get("nn_module_stack") or {}).values()]
    return ", ".join([*([f"layer '{modules[-1]}'"] if modules and modules[-1] else []), *where])


def _ending(builder: Builder, output: Any, inputs: int) -> Ref:
    """The output as the last node's value; an input or a constant handed back needs a node of its own."""
    if isinstance(output, torch.Tensor):
        constant = output.detach().double().numpy().ravel()
        step = Select(inputs, np.full(constant.size, -1), None, constant)
        builder.nodes.append(Node("output", "constant", step, (0,), tuple(output.shape)))
        builder.live.append({})
        return Ref(len(builder.nodes), tuple(output.shape))
    if not isinstance(output, Ref):
        raise UnsupportedLayer(f"the output is {output!r}; expected a tensor")
    if output.index == 0:
        builder.nodes.append(Node("output", "identity", Select(inputs), (0,), output.shape))
        builder.live.append({})
        return Ref(len(builder.nodes), output.shape)
    return output


def _reachable(builder: Builder, last: int) -> tuple[tuple[Node, ...], tuple[Live, ...]]:
    """The nodes that the output depends on, renumbered."""
    needed = {last}
    for k in range(last, 0, -1):
        if k in needed:
            needed.update(builder.nodes[k - 1].reads)
    order = sorted(needed - {0})
    numbers = {0: 0} | {old: new for new, old in enumerate(order, 1)}
    nodes = []
    for old in order:
        node = builder.nodes[old - 1]
        reads = tuple(numbers[r] for r in node.reads)
        nodes.append(Node(node.name, node.kind, node.operator, reads, node.shape, node.place, node.rounded))
    return tuple(nodes), tuple(builder.live[old - 1] for old in order)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
