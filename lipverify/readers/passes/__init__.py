"""The pipeline from a model's steps to a network; each pass keeps the function (proofs/readers.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lipverify.errors import InvalidNetwork, LipverifyError, UnsupportedLayer
from lipverify.network import Lowering, Network
from lipverify.readers.graph import Graph
from lipverify.readers.limits import budget
from lipverify.readers.passes.alternate import alternate
from lipverify.readers.passes.average_pooling import average_pooling_to_affine
from lipverify.readers.passes.batch_norm import batch_norm_to_affine
from lipverify.readers.passes.clip import clip_to_relu
from lipverify.readers.passes.convolution import convolution_to_affine
from lipverify.readers.passes.dense import dense_to_affine
from lipverify.readers.passes.largest import largest_to_two_slope
from lipverify.readers.passes.merge_affine import merge_affine
from lipverify.readers.passes.select import select_to_affine
from lipverify.readers.passes.serialise import Placed, serialise
from lipverify.readers.passes.sorting import sort_to_two_slope
from lipverify.readers.passes.sums import sum_to_affine
from lipverify.readers.steps import Affine, Step, Steps, TwoSlope

ELEMENTARY: tuple[Callable[[Steps], Steps], ...] = (
    clip_to_relu,
    batch_norm_to_affine,
    convolution_to_affine,
    average_pooling_to_affine,
    select_to_affine,
    dense_to_affine,
    sum_to_affine,
    largest_to_two_slope,
    sort_to_two_slope,
)
"""From every kind of step to affine maps and neurons."""
CHAIN: tuple[Callable[[Steps], Steps], ...] = (merge_affine, alternate)
"""From affine maps and neurons in any order to a network's."""
PASSES = (*ELEMENTARY, *CHAIN)


def lower(steps: Iterable[Step], *, inputs: int, source: str, rounded: bool = False) -> Network:
    """The network that computes the steps one after the other on `inputs` coordinates.

    Raises
    ------
    InvalidNetwork
        When the widths of the steps do not chain.
    UnsupportedLayer
        When a step needs a matrix beyond the readers' limit.
    """
    with budget():
        current: Steps = tuple(steps) or (Affine.identity(inputs),)
        for rewriting in PASSES:
            current = rewriting(current)
    affine = [step for step in current if isinstance(step, Affine)]
    neurons = [step for step in current if isinstance(step, TwoSlope)]
    if affine[0].weight.shape[1] != inputs:
        raise InvalidNetwork(f"the first layer takes {affine[0].weight.shape[1]} values, but the input has {inputs}")
    rounded = rounded or any(step.rounded for step in affine)
    return Network(
        [step.weight for step in affine],
        [step.bias for step in affine],
        [step.slopes for step in neurons],
        lowering=Lowering.ROUNDED if rounded else Lowering.EXACT,
        source=source,
    )


def lower_graph(graph: Graph) -> Network:
    """The network that computes a piecewise-linear graph: every node rewritten, then all of them put in a row.

    Raises
    ------
    UnsupportedLayer
        For a node that is not piecewise linear, by name, or a matrix beyond the readers' limit.
    """
    with budget():
        return _lowered(graph)


def _lowered(graph: Graph) -> Network:
    items: list[Placed] = []
    ends = [0]  # of every value of the graph: the item that makes it
    for node in graph.nodes:
        if not isinstance(node.operator, Step):
            raise UnsupportedLayer(
                f"{node} is not piecewise linear, so that no network computes it. For an upper bound of a torch module "
                "call lipverify.autolip(module, example_input), with one sample without a batch axis"
            )
        current: Steps = (node.operator,)
        try:
            for rewriting in ELEMENTARY:
                current = rewriting(current)
        except LipverifyError as error:
            raise type(error)(f"{node}: {error}") from error
        reads = tuple(ends[i] for i in node.reads)
        for step in current:
            items.append(Placed(step, reads))
            reads = (len(items),)
        ends.append(len(items))
    rounded = any(node.rounded for node in graph.nodes)
    return lower(serialise(items, graph.inputs), inputs=graph.inputs, source=graph.source, rounded=rounded)
