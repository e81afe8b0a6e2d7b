"""The paper's MLPs on a two-dimensional Gaussian process, and what no paper has beside them: the truth.

Two inputs make the number of activation regions polynomial, so that enumeration gives the exact constant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from lipverify.arrays import Array
from lipverify.attacks.dataset import Dataset
from lipverify.bound import Bound, Status
from lipverify.comparison import Row, held_to
from lipverify.domain import Box
from lipverify.errors import LipverifyError
from lipverify.evaluate import forward
from lipverify.network import Network
from lipverify.verbs import exact, lower, upper

if TYPE_CHECKING:
    import torch

LAYERS = (4, 5, 7, 10)
WIDTH, SAMPLES, STEPS, SEED = 20, 1000, 1500, 0  # of the networks that are kept (networks.py)
BITS = 8
SQUARE = Box([-1.0, -1.0], [1.0, 1.0])
FEATURES = 512
LENGTH = 0.5
UPPER = ("frobenius", "autolip", "seqlip", "seqlip-greedy")
LOWER = ("annealing", "ascent", "local-search")


@dataclass(frozen=True)
class Study:
    """One trained network: its exact constants, and each estimator held to them.

    Attributes
    ----------
    layers
        Affine layers: one more than hidden ones.
    loss, variance
        The network's mean squared error on the sample, and that of the best constant.
    everywhere, square
        The exact ℓ2 constants over the plane and over [−1, 1]².
    rows
        Upper estimates held to `everywhere`, lower ones to `square`, by name.
    """

    layers: int
    loss: float
    variance: float
    everywhere: Bound
    square: Bound
    rows: dict[str, Row]


def sample(count: int, seed: int) -> tuple[Array, Array]:
    """Points of the square, shape (N, 2), and a sample of a Gaussian process there, shape (N,).

    The kernel is exp(−|x − y|²/(2·0.5²)), approximated by random Fourier features.
    """
    rng = np.random.default_rng(seed)
    frequencies = rng.standard_normal((2, FEATURES)) / LENGTH
    phases, weights = rng.uniform(0.0, 2 * np.pi, FEATURES), rng.standard_normal(FEATURES)
    points = rng.uniform(-1.0, 1.0, (count, 2)).astype(np.float32).astype(np.float64)
    return points, np.sqrt(2 / FEATURES) * np.cos(points @ frequencies + phases) @ weights


def train(points: Array, values: Array, layers: int, width: int, steps: int, seed: int) -> Network:
    """An MLP fitted by Adam on the whole sample, then rounded to multiples of 2^-8; deterministic for a seed."""
    import torch

    from lipverify.readers.torch import from_torch

    torch.set_num_threads(1)  # the same sums in the same order
    generator = torch.Generator().manual_seed(seed)
    dims = [points.shape[1], *[width] * (layers - 1), 1]
    modules: list[torch.nn.Module] = []
    for n, m in pairwise(dims):
        linear = torch.nn.Linear(n, m)
        torch.nn.init.kaiming_normal_(linear.weight, nonlinearity="relu", generator=generator)
        torch.nn.init.normal_(linear.bias, std=0.1, generator=generator)
        modules += [linear, torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1])
    x = torch.tensor(points, dtype=torch.float32)
    y = torch.tensor(values[:, None], dtype=torch.float32)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        optimiser.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimiser.step()
    net = from_torch(model)
    return Network(*([np.round(a * 2.0**BITS) / 2.0**BITS for a in arrays] for arrays in (net.weights, net.biases)))


def loss(net: Network, points: Array, values: Array) -> float:
    """The mean squared error on a sample."""
    return float(((forward(net, points)[:, 0] - values) ** 2).mean())


def study(net: Network, points: Array, values: Array, *, grid: int, seed: int, seconds: float) -> Study:
    """Enumerate one network, and run every estimator; the upper ones for some seconds each.

    Raises
    ------
    LipverifyError
        When a bound that promises to hold does not: this bench is also a check.
    """
    everywhere, square = exact(net, "enumeration"), exact(net, "enumeration", domain=SQUARE)
    if not (everywhere.status is square.status is Status.EXACT):
        raise LipverifyError(f"the enumeration of {net!r} did not end: {everywhere}, {square}")
    rows: dict[str, Row] = {}
    for name in UPPER:
        rows[name] = held_to(everywhere, name, "upper", upper(net, name, seed=seed, time_limit=seconds))
    for name, bound in _lower(net, points, grid, seed):
        rows[name] = held_to(square, name, "lower", bound)
    for row in rows.values():
        if row.unsound:
            raise LipverifyError(f"{row.name} on {net!r}: {row.remark} ({row.bound})")
    return Study(len(net.weights), loss(net, points, values), float(values.var()), everywhere, square, rows)


def _lower(net: Network, points: Array, grid: int, seed: int) -> Iterator[tuple[str, Bound]]:
    """The lower estimates over the square."""
    yield "dataset", lower(net, Dataset(points), domain=SQUARE)
    for name in LOWER:
        yield name, lower(net, name, domain=SQUARE, seed=seed)
    ticks = np.linspace(-1.0, 1.0, grid + 2)[1:-1]
    yield "grid", lower(net, Dataset(np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)), domain=SQUARE)
