"""AutoLip as a differentiable function of a module's parameters, for training."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (everybody's name for it)
from torch import nn

from lipverify.domain import Everywhere
from lipverify.errors import InvalidArgument, InvalidNetwork, UnsupportedNorm
from lipverify.estimators.graph.combine import INF, Situation
from lipverify.estimators.graph.ranges import Ranges
from lipverify.estimators.graph.rules import RULES
from lipverify.norms import norm_pair
from lipverify.power import top_directions
from lipverify.readers.graph import Node, Normalise
from lipverify.readers.operators.call import Live
from lipverify.readers.steps import BatchNorm, Dense, Select, TwoSlope
from lipverify.readers.torch import guessed_vector
from lipverify.readers.torch_graph import trace
from lipverify.readers.windows import Convolution
from lipverify.trusted.spectral.convolution import Geometry, meetings

_SMALL = 128
"""The smaller side up to which a matrix's spectral norm is computed, not iterated for."""


def autolip_penalty(module: nn.Module, example_input: Any = None, *, p: Any = 2, iterations: int = 20) -> torch.Tensor:
    """The AutoLip constant of a module as a scalar tensor, with gradients into its parameters.

    Add a multiple of it (or of its logarithm) to the loss. It is the constant of the module in eval mode,
    everywhere; the module's own mode is left as it is. No bound: spectral norms of large matrices and of
    convolutions come from a power iteration, which stays below them. `lipverify.autolip` certifies.

    Parameters
    ----------
    module
        Every parameter that scales a value takes part: weights, kernels, the scales of normalisations, learnt slopes.
    example_input
        One sample without a batch axis, as for `lipverify.autolip`; None where the first layer with weights is a
        Linear, which tells its length.
    p
        1, 2 or inf.
    iterations
        Steps of the power iteration for large matrices and convolutions (p = 2).

    Returns
    -------
    torch.Tensor
        Of shape (). Each call traces the module again: about as long as a few dozen forward passes.

    Raises
    ------
    InvalidArgument
        When a node has no finite constant; the message says which and why.
    UnsupportedLayer, InvalidNetwork, UnsupportedNorm
        As for `lipverify.autolip`.
    """
    pair = norm_pair(p)
    if pair.p != pair.q:
        raise UnsupportedNorm(f"autolip_penalty does not support p = {pair}; it supports p = 1, 2, inf")
    if isinstance(iterations, bool) or not isinstance(iterations, int) or iterations < 1:
        raise InvalidArgument(f"iterations must be an integer ≥ 1; got {iterations!r}")
    if example_input is None:
        guess = guessed_vector(module)
        if guess is None:
            raise InvalidNetwork("nothing tells the shape of a sample: pass example_input (one sample, no batch axis)")
        example_input = torch.zeros(guess[1])
    with _evaluating(module):
        traced = trace(module, example_input, gradients=True)
    graph = traced.graph
    ranges = Ranges(graph, Everywhere())
    sizes = [graph.inputs, *(math.prod(node.shape) for node in graph.nodes)]
    constants = [torch.ones(())]
    for node, live in zip(graph.nodes, traced.live, strict=True):
        terms, exponent = _terms(node, live, pair.p, sizes, ranges, iterations)
        constants.append(_combined([t * constants[i] for t, i in zip(terms, node.reads, strict=True)], exponent))
    return constants[-1]


@contextmanager
def _evaluating(module: nn.Module) -> Generator[None]:
    """The module in eval mode, and each part of it back in its own mode afterwards."""
    modes = [(child, child.training) for child in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for child, training in modes:
            child.training = training


def _terms(
    node: Node, live: Live, p: float, sizes: list[int], ranges: Ranges, iterations: int
) -> tuple[list[Any], float]:
    """The node's factors, as tensors where parameters decide them, and how they add up."""
    step = node.operator
    match step:
        case Dense() if "weight" in live:
            return [_matrix_norm(live["weight"], p, iterations)], 1.0
        case Convolution():
            return [_kernel_norm(step, live["weight"], p, iterations)], 1.0
        case BatchNorm() if live:
            scale = live.get("scale", torch.ones_like(live["variance"]))
            return [(scale.abs() / (live["variance"] + step.epsilon).sqrt()).max()], 1.0
    situation = Situation(p, tuple(sizes[i] for i in node.reads), lambda i: ranges.of(node.reads[i]))
    local = RULES[type(step)](step, situation)
    if INF in local.factors:
        raise InvalidArgument(f"{node} has no finite constant: {local.note}")
    factors: list[Any] = list(local.factors)
    match step:
        case Select() if "factors" in live:
            factors[0] = factors[0] * _follow(live["factors"].abs().max())
        case Select() if "divisors" in live:
            factors[0] = factors[0] / _follow(live["divisors"].abs().min())
        case Normalise() if "scale" in live:
            factors[0] = factors[0] * _follow(live["scale"].abs().max())
        case TwoSlope() if "slopes" in live:
            factors[0] = torch.clamp(live["slopes"].abs().max(), min=1.0)
    return factors, local.exponent


def _follow(value: torch.Tensor) -> torch.Tensor:
    """1, with the gradient of log(value)."""
    return value / value.detach() if float(value.detach()) != 0 else torch.ones_like(value)


def _combined(terms: list[torch.Tensor], exponent: float) -> torch.Tensor:
    stacked = torch.stack(terms)
    if exponent == INF:
        return stacked.max()
    return stacked.sum() if exponent == 1.0 or len(terms) == 1 else stacked.norm()


def _matrix_norm(weight: torch.Tensor, p: float, iterations: int) -> torch.Tensor:
    if p != 2.0 or min(weight.shape) <= _SMALL:
        return torch.linalg.matrix_norm(weight, p)
    return _stretched(lambda x, w: x @ w.T, weight, (weight.shape[1],), iterations)


def _stretched(
    apply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], weight: torch.Tensor, shape: Any, iterations: int
) -> torch.Tensor:
    """‖A v‖ for the v that a power iteration finds: its gradient is that of the norm where v has converged."""
    fixed = weight.detach()
    (v,) = top_directions(lambda x: apply(x, fixed), shape, iterations=iterations, starts=1, dtype=weight.dtype)
    return apply(v[None], weight).norm()


def _kernel_norm(step: Convolution, weight: torch.Tensor, p: float, iterations: int) -> torch.Tensor:
    """The norm of a convolution; of a transposed one it is that of its transpose, ℓ1 and ℓ∞ exchanged."""
    if p != 2.0:
        rows = (p == INF) != step.transposed
        sums = weight.reshape(step.groups, -1, *weight.shape[1:]).abs().sum(dim=2 if rows else 1).flatten(0, 1)
        for axis in step.axes:
            geometry = Geometry(axis.size, axis.outputs, axis.stride, axis.dilation, axis.before)
            seen = torch.tensor(meetings(geometry, axis.kernel, of_outputs=rows), dtype=weight.dtype)
            sums = torch.tensordot(sums, seen, dims=([1], [1]))
        return sums.max()
    strides, dilations = [a.stride for a in step.axes], [a.dilation for a in step.axes]
    padding: list[int] = []
    for axis in reversed(step.axes):
        behind = (axis.outputs - 1) * axis.stride + axis.reach + 1 - axis.before - axis.size
        padding += [axis.before, max(behind, 0)]
    convolve: Any = (F.conv1d, F.conv2d, F.conv3d)[len(step.axes) - 1]

    def apply(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
        return convolve(F.pad(x, padding), kernel, None, strides, 0, dilations, step.groups)

    shape = (step.groups * weight.shape[1], *(a.size for a in step.axes))
    return _stretched(apply, weight, shape, iterations)
