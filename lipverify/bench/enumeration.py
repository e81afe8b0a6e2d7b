"""Regions per second of the enumeration, and what a cold process costs.

Random networks are drawn as torch draws its linear layers (uniform in ±1/√fan-in); every figure is a median
over repeats in one run. Where `relucent` is installed its region search runs side by side on the same
weights, on two workers (ours uses one core).
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
from rich.table import Table

from lipverify.bench.stdout import printed, stdout
from lipverify.domain import Everywhere
from lipverify.geometry.walk import Walk
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.enumeration import Enumeration

SIZES = ((2, 8, 1), (3, 12, 1), (4, 10, 1), (3, 10, 10, 2), (2, 32, 32, 1))


def random_network(sizes: tuple[int, ...], seed: int) -> Network:
    """A network with the given layer sizes, drawn as torch initialises linear layers."""
    rng = np.random.default_rng(seed)
    weights, biases = [], []
    for fan_in, fan_out in pairwise(sizes):
        limit = 1 / np.sqrt(fan_in)
        weights.append(rng.uniform(-limit, limit, size=(fan_out, fan_in)))
        biases.append(rng.uniform(-limit, limit, size=fan_out))
    return Network(weights, biases)


def median_seconds(work: Callable[[], object], repeats: int) -> float:
    """The median wall-clock time of some work."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def relucent_seconds(net: Network, workers: int) -> tuple[int, float]:
    """Regions found by relucent, and its time."""
    relucent: Any = import_module("relucent")
    sizes = (net.input_dim, *net.hidden, net.output_dim)
    model = relucent.mlp(sizes)
    layers = [layer for layer in model.layers.values() if hasattr(layer, "weight")]
    for layer, weight, bias in zip(layers, net.weights, net.biases, strict=True):
        layer.weight[...] = weight
        layer.bias[...] = bias[None]
    complex_ = relucent.Complex(model)
    start = time.perf_counter()
    complex_.bfs(nworkers=workers, verbose=0, verify=False)
    return len(complex_), time.perf_counter() - start


def main(argv: list[str]) -> int:
    """Print the tables; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench enumeration", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="repeats per figure (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random networks (default 0)")
    options = parser.parse_args(argv)
    console = stdout()
    peer = find_spec("relucent") is not None
    table = Table("network", "regions", "LPs", "walk, s", "per s", "exact ℓ2, s", "relucent, per s", "ratio")
    with printed(console, table) as show:
        for sizes in SIZES:
            show("-".join(map(str, sizes)))
            table.add_row(*_row(sizes, options.seed, options.repeats, peer))
    if not peer:
        console.print("relucent is not installed: no figures beside ours (pip install relucent)")
    table = Table("a cold process", "median, s")
    with printed(console, table):
        for label, code in (
            ("import lipverify", "import lipverify"),
            ("lipverify compare on the embedded sample", "from lipverify.cli import main; main(['compare', '--json'])"),
        ):
            table.add_row(label, f"{median_seconds(lambda code=code: _python(code), options.repeats):.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "darwin" else 1024)
    console.print(f"peak memory of this process: {peak / (1024 if sys.platform == 'darwin' else 1):.0f} MiB")
    return 0


def _row(sizes: tuple[int, ...], seed: int, repeats: int, peer: bool) -> list[str]:
    net = random_network(sizes, seed)
    problem = Problem(net, norm_pair(2), Everywhere())
    walk = Walk(net, problem.domain)
    regions = sum(1 for _ in walk.leaves())
    walking = median_seconds(lambda: sum(1 for _ in Walk(net, problem.domain).leaves()), repeats)
    solving = median_seconds(lambda: list(Enumeration().run(problem, Budget())), repeats)
    row = ["-".join(map(str, sizes)), str(regions), str(walk.cone.lps), f"{walking:.3f}"]
    row += [f"{regions / walking:,.0f}", f"{solving:.3f}"]
    if not peer or regions > 1500:
        return [*row, "–", "–"]
    found, seconds = relucent_seconds(net, 2)
    note = "" if found == regions else f" ({found} regions)"
    return [*row, f"{found / seconds:,.0f}{note}", f"{regions / walking / (found / seconds):.1f}×"]


def _python(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
