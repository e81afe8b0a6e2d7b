"""AutoLip with certified norms on AlexNet's architecture: seconds, memory, and how far each norm is from the truth.

Random weights, as torch initialises them; 224 × 224 images. Beside each certified norm stands what the power
method (the paper's Algorithm 2) reaches from below, so that the gap bounds what certification costs.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from typing import Any

import torch
from rich.table import Table
from torch import nn

from lipverify.bench.stdout import stdout
from lipverify.modules import autolip
from lipverify.power import power_lower


def alexnet(classes: int = 1000) -> nn.Sequential:
    """The architecture of A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2),
        nn.AdaptiveAvgPool2d((6, 6)),
        nn.Flatten(),
        nn.Dropout(),
        nn.Linear(256 * 6 * 6, 4096),
        nn.ReLU(inplace=True),
        nn.Dropout(),
        nn.Linear(4096, 4096),
        nn.ReLU(inplace=True),
        nn.Linear(4096, classes),
    ).eval()


def main(argv: list[str]) -> int:
    """Print the table; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench autolip", description=__doc__)
    parser.add_argument("--p", type=float, default=2.0, help="1, 2 or inf (default 2)")
    parser.add_argument("--iterations", type=int, default=30, help="steps of the power method, 0 for none (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random weights (default 0)")
    options = parser.parse_args(argv)
    torch.manual_seed(options.seed)
    module, console = alexnet(), stdout()
    start, busy = time.perf_counter(), time.process_time()
    bound = autolip(module, torch.zeros(3, 224, 224), p=options.p)
    wall, cpu = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1) / 1024
    inputs = _inputs(module) if options.p == 2.0 and options.iterations else {}
    weighted = [layer for layer in module if isinstance(layer, (nn.Conv2d, nn.Linear))]
    reached = iter([_power(layer, inputs[layer], options.iterations) for layer in weighted] if inputs else [])
    table = Table("node", "operator", "certified ≤", "power method ≥", "cumulative ≤")
    for row in bound.details:
        value = next(reached, None) if row.operator in ("conv2d", "linear") else None
        lower = "" if value is None else f"{value:.6f}"
        table.add_row(row.name, row.operator, f"{row.local:.6f}", lower, f"{row.cumulative:.6g}")
    console.print(table)
    console.print(
        f"L ≤ {bound.upper:.6g} for p = {options.p:g}: {wall:.1f} s ({cpu:.1f} s of CPU), peak {peak:.0f} MiB"
    )
    return 0


def _inputs(module: nn.Sequential) -> dict[nn.Module, tuple[int, ...]]:
    """What shape every layer gets."""
    shapes: dict[nn.Module, tuple[int, ...]] = {}
    x = torch.zeros(1, 3, 224, 224)
    with torch.no_grad():
        for layer in module:
            shapes[layer] = tuple(x.shape[1:])
            x = layer(x)
    return shapes


def _power(layer: Any, shape: tuple[int, ...], iterations: int) -> float:
    """The power method on a layer in float64, its own memory freed again."""
    double = layer.double()
    value = power_lower(double, shape, iterations=iterations, starts=1)
    layer.float()
    return value
