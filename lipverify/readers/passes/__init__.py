"""The pipeline from a model's steps to a network; each pass keeps the function (proofs/readers.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lipverify.errors import InvalidNetwork
from lipverify.network import Lowering, Network
from lipverify.readers.passes.alternate import alternate
from lipverify.readers.passes.average_pooling import average_pooling_to_affine
from lipverify.readers.passes.batch_norm import batch_norm_to_affine
from lipverify.readers.passes.clip import clip_to_relu
from lipverify.readers.passes.convolution import convolution_to_affine
from lipverify.readers.passes.merge_affine import merge_affine
from lipverify.readers.steps import Affine, Step, Steps, TwoSlope

PASSES: tuple[Callable[[Steps], Steps], ...] = (
    clip_to_relu,
    batch_norm_to_affine,
    convolution_to_affine,
    average_pooling_to_affine,
    merge_affine,
    alternate,
)


def lower(steps: Iterable[Step], *, inputs: int, source: str) -> Network:
    """The network that computes the steps one after the other on `inputs` coordinates.

    Raises
    ------
    InvalidNetwork
        When the widths of the steps do not chain.
    UnsupportedLayer
        When a step needs a matrix beyond the readers' limit.
    """
    current: Steps = tuple(steps) or (Affine.identity(inputs),)
    for rewriting in PASSES:
        current = rewriting(current)
    affine = [step for step in current if isinstance(step, Affine)]
    neurons = [step for step in current if isinstance(step, TwoSlope)]
    if affine[0].weight.shape[1] != inputs:
        raise InvalidNetwork(f"the first layer takes {affine[0].weight.shape[1]} values, but the input has {inputs}")
    rounded = any(step.rounded for step in affine)
    return Network(
        [step.weight for step in affine],
        [step.bias for step in affine],
        [step.slopes for step in neurons],
        lowering=Lowering.ROUNDED if rounded else Lowering.EXACT,
        source=source,
    )
