"""Steps and torch modules evaluated on Fractions, written from their definitions and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import nn

from lipverify.network import Network
from lipverify.readers.steps import Affine, Clip, Dense, Select, Step, Sum, TwoSlope
from lipverify.readers.windows import AveragePooling, Convolution, LargestOf, SortedGroups, Window

Tensor = Any
"""A numpy array of dtype object that holds Fractions."""


def fractions(values: Any) -> Tensor:
    """Numbers as an object array of Fractions."""
    array = np.asarray(values, dtype=np.float64)
    return np.array([Fraction(v) for v in array.ravel().tolist()], dtype=object).reshape(array.shape)


def two_slope(y: Fraction, left: Fraction, right: Fraction) -> Fraction:
    """One neuron."""
    return (right if y > 0 else left) * y


def clip(x: Fraction, lower: float, upper: float) -> Fraction:
    """min(max(x, lower), upper), limits possibly infinite."""
    if lower != -math.inf:
        x = max(x, Fraction(lower))
    return x if upper == math.inf else min(x, Fraction(upper))


def of_steps(steps: Iterable[Step], x: Sequence[Fraction]) -> list[Fraction]:
    """The steps one after the other, exactly."""
    values = list(x)
    for step in steps:
        values = _step(step, values)
    return values


def _step(step: Step, x: list[Fraction]) -> list[Fraction]:
    match step:
        case Affine():
            vector = np.array(x, dtype=object)
            return list(fractions(step.weight) @ vector + fractions(step.bias))
        case TwoSlope():
            return [two_slope(y, *pair) for y, pair in zip(x, fractions(step.slopes), strict=True)]
        case Clip():
            return [clip(v, step.lower, step.upper) for v in x]
        case Convolution():
            return _convolution(step, x)
        case AveragePooling():
            return _pooling(step, x)
        case Select():
            return [_selected(step, i, x) for i in range(step.width)]
        case Sum():
            parts = [x[k : k + step.n] for k in range(0, len(x), step.n)]
            return [
                sum((Fraction(c) * v for c, v in zip(step.coefficients, values, strict=True)), Fraction(0))
                for values in zip(*parts, strict=True)
            ]
        case Dense():
            return _along(step, x)
        case LargestOf():
            pick = min if step.least else max
            return [pick(x[i] for i in row if i >= 0) for row in step.members.tolist()]
        case SortedGroups():
            made = list(x)
            for row in step.places.tolist():
                for place, value in zip(row, sorted((x[i] for i in row), reverse=step.descending), strict=True):
                    made[place] = value
            return made
        case _:
            raise AssertionError(f"{step} has no exact value")


def _selected(step: Select, i: int, x: list[Fraction]) -> Fraction:
    index = i if step.indices is None else int(step.indices[i])
    factor = Fraction(1) if step.factors is None else Fraction(float(step.factors[i]))
    offset = Fraction(0) if step.offsets is None else Fraction(float(step.offsets[i]))
    return (factor * x[index] if index >= 0 else Fraction(0)) + offset


def _along(step: Dense, x: list[Fraction]) -> list[Fraction]:
    tensor = np.array(x, dtype=object).reshape(step.before, step.weight.shape[1], step.after)
    weight = fractions(step.weight)
    bias = fractions(np.zeros(len(weight)) if step.bias is None else step.bias)
    made = [weight @ block + bias[:, None] for block in tensor]
    return list(np.array(made, dtype=object).ravel())


def _image(x: list[Fraction], channels: int, rows: Window, columns: Window) -> Tensor:
    return np.array(x, dtype=object).reshape(channels, rows.size, columns.size)


def _pixel(image: Tensor, c: int, i: int, j: int) -> Fraction:
    inside = 0 <= i < image.shape[1] and 0 <= j < image.shape[2]
    return image[c, i, j] if inside else Fraction(0)


def _convolution(step: Convolution, x: list[Fraction]) -> list[Fraction]:
    kernel, (rows, columns) = fractions(step.kernel), step.axes
    out, per_group = kernel.shape[:2]
    image = _image(x, per_group * step.groups, rows, columns)
    values: list[Fraction] = []
    for o, i, j in np.ndindex(out, rows.outputs, columns.outputs):
        first = o // (out // step.groups) * per_group
        total = Fraction(step.bias[o])
        for c, a, b in np.ndindex(*kernel.shape[1:]):
            y = i * rows.stride + a * rows.dilation - rows.before
            z = j * columns.stride + b * columns.dilation - columns.before
            total += kernel[o, c, a, b] * _pixel(image, first + c, y, z)
        values.append(total)
    return values


def _pooling(step: AveragePooling, x: list[Fraction]) -> list[Fraction]:
    sums = [sum((x[i] for i in row if i >= 0), Fraction(0)) for row in step.members.tolist()]
    return [total / Fraction(divisor) for total, divisor in zip(sums, step.divisors.tolist(), strict=True)]


def of_module(module: nn.Module, x: Tensor) -> Tensor:
    """A torch module on one sample, an object array in its own shape, from torch's documentation."""
    match module:
        case nn.Sequential():
            for child in module:
                x = of_module(child, x)
            return x
        case nn.Linear():
            bias: Any = module.bias
            made = x @ fractions(module.weight.detach().double()).T
            return made if bias is None else made + fractions(bias.detach().double())
        case nn.ReLU():
            return np.vectorize(lambda v: max(v, Fraction(0)), otypes=[object])(x)
        case nn.LeakyReLU():
            slope = Fraction(module.negative_slope)
            return np.vectorize(lambda v: two_slope(v, slope, Fraction(1)), otypes=[object])(x)
        case nn.PReLU():
            slopes = fractions(module.weight.detach().double())
            slopes = slopes.reshape(-1, *[1] * (x.ndim - 1))
            return np.where(x > 0, x, slopes * x)
        case nn.Hardtanh():
            return np.vectorize(lambda v: clip(v, module.min_val, module.max_val), otypes=[object])(x)
        case nn.Flatten():
            return x.reshape(-1)
        case nn.Identity() | nn.Dropout():
            return x
        case _:
            raise AssertionError(f"{module} has no exact value")


def of_network(net: Network, x: Sequence[Fraction]) -> list[Fraction]:
    """A network, from its arrays."""
    steps: list[Step] = []
    for k, (weight, bias) in enumerate(zip(net.weights, net.biases, strict=True)):
        steps.append(Affine(weight, bias))
        if k < len(net.slopes):
            steps.append(TwoSlope(net.slopes[k]))
    return of_steps(steps, x)


def dyadic(generator: torch.Generator, module: nn.Module, bits: int = 3) -> nn.Module:
    """The module with small dyadic parameters, in eval mode: products of these are exact in float64."""
    with torch.no_grad():
        for parameter in module.parameters():
            drawn = torch.randint(-(2**bits), 2**bits + 1, parameter.shape, generator=generator)
            parameter.copy_(drawn / 2 ** (bits - 1))
    return module.eval()


def points(seed: int, n: int, count: int = 4) -> list[list[Fraction]]:
    """A few rational points, no float64 among them."""
    drawn = np.random.default_rng(seed).integers(-30, 31, size=(count, n)).tolist()
    return [[Fraction(v, 7) for v in row] for row in drawn]
