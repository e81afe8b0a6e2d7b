"""The paper's convolutional networks: AutoLip with what max-pooling really costs, and slopes at the data beneath it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lipverify.bench.paper.page import Options, Section, number, prose, table
from lipverify.modules import autolip

if TYPE_CHECKING:
    import torch

DEPTHS = (4, 5, 7, 10)
SIDE, CHANNELS, CLASSES = 12, 8, 10
NOISE = 0.5
PAPER = {4: (174, 12.64), 5: (790.1, 16.79), 7: (12141, 31.22), 10: (4.5e6, 38.26)}
"""arXiv:1805.10965, MNIST: AutoLip and dataset by the number of layers."""
ALEXNET_PAPER = 3.62e7


@dataclass(frozen=True)
class Pooled:
    """AutoLip of one module, with and without the factors of its max-pools, and its steepest slope at the data.

    Attributes
    ----------
    name
        What it is.
    upper, pooling
        AutoLip, a proven upper bound, and the product of its max-pooling factors.
    steepest
        The largest ‖J(x)‖₂ in floats over the data; NaN where there are none.
    """

    name: str
    upper: float
    pooling: float
    steepest: float = math.nan


def measure(name: str, module: torch.nn.Module, example: torch.Tensor, steepest: float = math.nan) -> Pooled:
    """AutoLip of a chain of layers; its factors multiply, so those of the pools can be taken out again."""
    bound = autolip(module, example)
    factors = [node.local for node in bound.details if "max_pool" in node.operator]
    return Pooled(name, bound.upper, math.prod(factors), steepest)


def images(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noisy copies of ten random patterns, shape (N, 1, 12, 12), and which pattern each is."""
    import torch

    rng = np.random.default_rng(seed)
    patterns = rng.standard_normal((CLASSES, 1, SIDE, SIDE))
    labels = rng.integers(CLASSES, size=count)
    noisy = patterns[labels] + NOISE * rng.standard_normal((count, 1, SIDE, SIDE))
    return torch.tensor(noisy, dtype=torch.float32), torch.tensor(labels)


def network(depth: int, seed: int) -> torch.nn.Sequential:
    """depth − 1 convolutions 3×3, max-pools 3×3 of stride 2 behind the first and the last, one linear layer."""
    import torch

    torch.manual_seed(seed)
    layers: list[torch.nn.Module] = []
    side, channels = SIDE, 1
    for k in range(depth - 1):
        layers += [torch.nn.Conv2d(channels, CHANNELS, 3, padding=1), torch.nn.ReLU()]
        channels = CHANNELS
        if k in (0, depth - 2):
            layers.append(torch.nn.MaxPool2d(3, stride=2))
            side = (side - 3) // 2 + 1
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(CHANNELS * side * side, CLASSES))


def trained(depth: int, steps: int, seed: int) -> tuple[torch.nn.Sequential, torch.Tensor, float]:
    """A network, its data, and its accuracy there."""
    import torch

    torch.set_num_threads(1)
    x, y = images(256, seed)
    model = network(depth, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    return model.eval(), x, float((model(x).argmax(dim=1) == y).float().mean())


def steepest_slope(model: torch.nn.Module, x: torch.Tensor) -> float:
    """max ‖J(x)‖₂ over some samples, in double precision."""
    import torch

    model = model.double()
    jacobians = torch.func.vmap(torch.func.jacrev(lambda one: model(one[None])[0]))(x.double())
    return float(torch.linalg.matrix_norm(jacobians.flatten(2), ord=2).max().detach())


def alexnet(seed: int) -> torch.nn.Sequential:
    """AlexNet's layers (as in torchvision, without dropout), with random weights: the pooling factors need no more."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    convolutions: list[nn.Module] = []
    for n, m, kernel, stride, padding, pooled in (
        (3, 64, 11, 4, 2, True),
        (64, 192, 5, 1, 2, True),
        (192, 384, 3, 1, 1, False),
        (384, 256, 3, 1, 1, False),
        (256, 256, 3, 1, 1, True),
    ):
        convolutions += [nn.Conv2d(n, m, kernel, stride, padding), nn.ReLU()]
        if pooled:
            convolutions.append(nn.MaxPool2d(3, 2))
    dense = [nn.Linear(9216, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return nn.Sequential(*convolutions, nn.Flatten(), *dense).eval()


def section(options: Options) -> Section:
    """Trained CNNs and AlexNet's architecture."""
    import torch

    rows: list[list[str]] = []
    for depth in (3,) if options.quick else DEPTHS:
        model, x, accuracy = trained(depth, 20 if options.quick else 200, options.seed)
        found = measure(f"{depth} layers", model, x[0], steepest_slope(model, x))
        rows.append([*_cells(found), f"{accuracy:.0%}"])
        if depth in PAPER:
            rows.append([f"{depth} layers, paper", "", *map(number, PAPER[depth][:1]), number(PAPER[depth][1]), "", ""])
    if not options.quick:
        found = measure("AlexNet, random weights", alexnet(options.seed), torch.zeros(3, 224, 224))
        rows += [[*_cells(found), ""], ["AlexNet, paper", "", number(ALEXNET_PAPER), "", "", ""]]
    text = (
        f"Ours are trained to tell {CLASSES} noisy patterns of {SIDE}×{SIDE} pixels apart, the paper's are trained on "
        "MNIST and ImageNet. A 3×3 max-pool of stride 2 has the ℓ2 constant 2, since an input can be the largest of "
        "four windows: AutoLip with these factors is a proven upper bound. Without them, as the paper counts, it is "
        "none. The slope at the data is the largest ‖J(x)‖₂ over the training images, in floats: the truth lies "
        "between the two."
    )
    header = ["network", "AutoLip", "without pooling factors", "slope at the data", "pooling factors", "accuracy"]
    return Section(["## Convolutional networks", "", *prose(text), *table(header, rows)])


def _cells(found: Pooled) -> list[str]:
    slope = "" if math.isnan(found.steepest) else number(found.steepest)
    return [found.name, number(found.upper), number(found.upper / found.pooling), slope, f"{found.pooling:g}"]
