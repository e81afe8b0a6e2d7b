"""The gap, measured: what the exact constant of max-cut networks costs against n, and what estimators give instead.

    lipverify bench hardness [--sizes 4 6 …] [--graphs N] [--limit S] [--seed S] [--plot OUT.svg] [--only cuts|inputs]

Cuts: random graphs G(n, 1/2), p = 2. Exact methods stop growing with n where their median exceeds the limit. Ratios
are to the exact constant: AutoLip stays ≥ 2, LipSDP is the Goemans–Williamson value (≤ 1.0669), greedy SeqLip may be
below 1. Growth is the factor per vertex of a line fitted to the logarithm of the medians above a millisecond.

Inputs: multicoloured cliques, one input per colour; see few_inputs.py.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

from lipverify.bench import few_inputs
from lipverify.bench.stdout import stdout
from lipverify.bound import Bound, Status
from lipverify.catalogue import METHODS
from lipverify.comparison import held_to
from lipverify.hardness import MaxCut, maxcut
from lipverify.plots import require_drawable
from lipverify.progress import Show, silent, status
from lipverify.verbs import exact, upper

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = (4, 6, 8, 10, 12, 14, 16, 20, 24, 28)
ESTIMATORS = ("frobenius", "autolip", "lipsdp", "seqlip", "seqlip-greedy")
FLOOR = 1e-3  # seconds below which a time says nothing about growth


@dataclass
class Series:
    """One method over the sizes: median seconds, and all ratios to the exact constant."""

    name: str
    seconds: dict[int, float] = field(default_factory=dict)
    ratios: dict[int, list[float]] = field(default_factory=dict)

    def growth(self) -> float | None:
        """The fitted factor per vertex; None with fewer than three times above the floor."""
        points = [(n, s) for n, s in self.seconds.items() if s > FLOOR]
        if len(points) < 3:
            return None
        slope = np.polyfit([n for n, _ in points], np.log([s for _, s in points]), 1)[0]
        return float(np.exp(slope))


def graphs(size: int, count: int, seed: int) -> list[MaxCut]:
    """Max-cut networks of random graphs; a graph without an edge is drawn again."""
    found: list[MaxCut] = []
    attempt = 0
    while len(found) < count:
        graph = nx.gnp_random_graph(size, 0.5, seed=1_000_000 * seed + 1000 * size + attempt)
        attempt += 1
        if graph.number_of_edges():
            found.append(maxcut(graph))
    return found


def empty() -> dict[str, Series]:
    """The exact methods and the estimators, before anything is measured."""
    solvers = [name for name, make in METHODS.items() if make().side == "exact"]
    return {name: Series(name) for name in (*solvers, *ESTIMATORS)}


def measure(
    series: dict[str, Series], sizes: Sequence[int], count: int, limit: float, seed: int, show: Show = silent
) -> None:
    """Every exact method and every estimator on the same graphs, added to their series."""
    solvers = [name for name in series if name not in ESTIMATORS]
    active = set(series)
    upper(maxcut(nx.path_graph(3)).network, "lipsdp")  # what is loaded on first use is not what is measured
    for size in sizes:
        reductions = graphs(size, count, seed)
        truths: list[Bound] = []
        for name in (*reversed(solvers), *ESTIMATORS):
            if name not in active:
                continue
            show(f"n = {size}: {name}")
            verb = exact if name in solvers else upper
            bounds = [verb(r.network, name, time_limit=limit, seed=seed) for r in reductions]
            seconds = statistics.median(b.seconds for b in bounds)
            if name in solvers:
                if any(b.status is not Status.EXACT for b in bounds):
                    active.discard(name)
                    continue
                truths = truths or bounds
                _require_agreement(reductions, truths, bounds)
            elif truths:
                rows = (held_to(t, name, "upper", b) for t, b in zip(truths, bounds, strict=True))
                series[name].ratios[size] = [row.ratio for row in rows if row.ratio is not None]
            series[name].seconds[size] = seconds
            if seconds > limit:
                active.discard(name)


def _require_agreement(reductions: list[MaxCut], truths: list[Bound], bounds: list[Bound]) -> None:
    for reduction, first, second in zip(reductions, truths, bounds, strict=True):
        values: tuple[Fraction, ...] = (reduction.value(first), reduction.value(second), reduction.decode(second).value)
        if len(set(values)) > 1:
            raise AssertionError(f"exact methods disagree on {reduction.describe()}: {values}")


def main(argv: list[str]) -> int:
    """Print the tables; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench hardness", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of vertices")
    parser.add_argument("--graphs", type=int, default=3, help="graphs per size (default 3)")
    parser.add_argument("--limit", type=float, default=5.0, help="seconds an exact method may take (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the graphs (default 0)")
    parser.add_argument("--plot", type=Path, help="draw both panels into this .svg, .png or .pdf file")
    parser.add_argument("--only", choices=("cuts", "inputs"), help="one of the two families")
    parser.add_argument(
        "--vertices", type=int, nargs="+", default=list(few_inputs.VERTICES), help="vertices per colour"
    )
    parser.add_argument("--colours", type=int, nargs="+", default=list(few_inputs.COLOURS), help="numbers of inputs")
    options = parser.parse_args(argv)
    if options.plot is not None:
        require_drawable(options.plot)
    if options.only != "cuts":
        few_inputs.report(options.vertices, options.colours, options.limit, options.seed)
    if options.only == "inputs":
        return 0
    console, series = stdout(), empty()
    console.print(f"max-cut networks of random graphs, {options.graphs} per size, seed {options.seed}")
    try:
        with status() as show:
            measure(series, sorted(options.sizes), options.graphs, options.limit, options.seed, show)
    finally:
        _print(console, list(series.values()), sorted(options.sizes))
    if options.plot is not None:
        draw(list(series.values())).savefig(options.plot, dpi=200)
    return 0


def _print(console: Console, measured: Sequence[Series], sizes: Sequence[int]) -> None:
    cost = Table("seconds (median)", *(f"n = {n}" for n in sizes), "growth per vertex")
    loose = Table("bound / exact (worst)", *(f"n = {n}" for n in sizes))
    for one in measured:
        growth = one.growth()
        times = [f"{one.seconds[n]:.3f}" if n in one.seconds else "–" for n in sizes]
        cost.add_row(one.name, *times, "–" if growth is None else f"×{growth:.2f}")
        if one.name in ESTIMATORS:
            ratios = [_worst(one.ratios.get(n, [])) for n in sizes]
            loose.add_row(one.name, *ratios)
    console.print(cost)
    console.print(loose)


def _worst(ratios: list[float]) -> str:
    """The largest ratio, and the smallest where it is on the wrong side."""
    if not ratios:
        return "–"
    low = f", low {min(ratios):.4f}" if min(ratios) < 1 - 1e-9 else ""
    return f"{max(ratios):.4f}{low}"


def draw(measured: list[Series]) -> Figure:
    """Cost and looseness against n, both on logarithmic axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.4), layout="constrained")
    cost, loose = figure.subplots(1, 2)
    for one in measured:
        style = "--" if one.name in ESTIMATORS else "-"
        growth = one.growth()
        label = one.name if growth is None else f"{one.name} (×{growth:.2f} per vertex)"
        cost.plot(list(one.seconds), list(one.seconds.values()), style, marker="o", markersize=3, label=label)
        for n, ratios in one.ratios.items():
            loose.plot([n] * len(ratios), ratios, "o", markersize=3, color=cost.lines[-1].get_color())
        if one.ratios:
            medians = [statistics.median(r) for r in one.ratios.values()]
            loose.plot(list(one.ratios), medians, style, color=cost.lines[-1].get_color())
    for axes, name in ((cost, "seconds, median"), (loose, "bound / exact constant")):
        axes.set_yscale("log")
        axes.set_xlabel("vertices")
        axes.set_ylabel(name)
        axes.grid(visible=True, which="both", linewidth=0.3)
    figure.legend(*cost.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=7)
    loose.axhline(1, color="black", linewidth=0.8)
    return figure
