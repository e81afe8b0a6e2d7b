"""Bounds on boxes: many of one network at once against one by one, and how tight they are.

    lipverify bench local [--boxes N] [--repeats N] [--seed S]

Both ways of a row run in this process, one after the other; medians.
"""

from __future__ import annotations

import argparse

import numpy as np
from rich.table import Table

from lipverify.arrays import Array
from lipverify.bench.enumeration import median_seconds, random_network
from lipverify.bench.stdout import printed, stdout
from lipverify.catalogue import METHODS
from lipverify.domain import Box
from lipverify.network import Network
from lipverify.norms import SAME_NORM, NormPair
from lipverify.problem import Budget, Method, Problem
from lipverify.progress import Show
from lipverify.relaxations.local import LocalMethod, local_bounds

SIZES = ((4, 8, 8, 1), (4, 16, 16, 1), (4, 8, 8, 3))
RADIUS = 0.1
WAYS: tuple[LocalMethod, ...] = ("interval", "crown")


def main(argv: list[str]) -> int:
    """Print the tables; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench local", description=__doc__)
    parser.add_argument("--boxes", type=int, default=1000, help="boxes at once (default 1000)")
    parser.add_argument("--repeats", type=int, default=5, help="repeats per figure (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of networks and boxes (default 0)")
    options = parser.parse_args(argv)
    console = stdout()
    speed = Table("network", "method", "p", "at once, ms", "one by one, ms", "ratio")
    tight = Table("network", "p", *(f"{way} / exact, median (worst)" for way in WAYS))
    console.print(f"{options.boxes} boxes of radius {RADIUS}")
    with printed(console, speed, tight) as show:
        _fill(speed, tight, options, show)
    return 0


def _fill(speed: Table, tight: Table, options: argparse.Namespace, show: Show) -> None:
    for sizes in SIZES:
        net = random_network(sizes, options.seed)
        centre = np.random.default_rng(options.seed).uniform(-1, 1, (options.boxes, sizes[0]))
        label = "-".join(map(str, sizes))
        for pair in SAME_NORM:
            show(f"{label}, p = {pair}")
            for way in WAYS:
                at_once, singly = seconds(net, centre, pair, way, options.repeats)
                speed.add_row(
                    label, way, str(pair), f"{at_once * 1e3:.1f}", f"{singly * 1e3:.0f}", f"{singly / at_once:.0f}×"
                )
            tight.add_row(label, str(pair), *ratios(net, centre[:20], pair))


def seconds(net: Network, centre: Array, pair: NormPair, way: LocalMethod, repeats: int) -> tuple[float, float]:
    """The time for all boxes at once, and one by one."""
    lower, upper = centre - RADIUS, centre + RADIUS
    at_once = median_seconds(lambda: local_bounds(net, lower, upper, pair, way), repeats)
    singly = median_seconds(
        lambda: [local_bounds(net, low, high, pair, way) for low, high in zip(lower, upper, strict=True)], 1
    )
    return at_once, singly


def ratios(net: Network, centre: Array, pair: NormPair) -> list[str]:
    """Bound / exact constant of each method on some boxes."""
    boxes = [Box(x - RADIUS, x + RADIUS) for x in centre]
    exact = np.array([_last(METHODS["enumeration"](), net, box, pair) for box in boxes])
    cells: list[str] = []
    for way in WAYS:
        bounds = local_bounds(net, centre - RADIUS, centre + RADIUS, pair, way)
        loose = bounds[exact > 0] / exact[exact > 0]
        cells.append(f"{np.median(loose):.3f} ({loose.max():.2f})")
    return cells


def _last(method: Method, net: Network, box: Box, pair: NormPair) -> float:
    *_, bound = method.run(Problem(net, pair, box), Budget())
    return bound.upper
