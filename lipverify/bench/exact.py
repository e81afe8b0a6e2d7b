"""Branch and bound on published networks, maximum cuts, random networks and boxes; what branching and size do to it.

    lipverify bench exact [--only SECTION …] [--time-limit S] [--peer METHOD …] [--plot DIRECTORY]

Every row is one run in this process, seed 0, with numba's kernels compiled before the first (the time that took is
printed). The gap is that of the interval when a quarter, a half and three quarters of the row's time were over; --plot
draws all of it. Peers are other exact methods of the catalogue, on the same network with the same limit. Networks that
are read from files need the folder LIPVERIFY_DATA, and are left out, saying so, without it.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from rich.console import Console
from rich.table import Table

from lipverify.bench.enumeration import random_network
from lipverify.bench.frontier import networks
from lipverify.bench.milp import HIDDEN, INPUTS, RADII, network
from lipverify.bench.stdout import printed, stdout
from lipverify.bound import Bound, Status
from lipverify.catalogue import METHODS
from lipverify.domain import Box, Domain
from lipverify.network import Network
from lipverify.readers import load
from lipverify.readers.vnnlib import load_box
from lipverify.report import digits_down, digits_up
from lipverify.solvers.branch_and_bound.branching import BestScore
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.verbs import exact

PUBLISHED = {  # network, time and nodes of ExLipBaB (2026) as its authors report them
    "iris 4-6-6-3": ("iris_net_4x6x6x3_ReLU", "0.2 s, 48 nodes"),
    "wine 11-12-12-1": ("wine_net_11x12x12x1_ReLU", "47 s, 2,850 nodes"),
    "abalone 9-16-16-1": ("abalone_net_9x16x16x1_ReLU", "19 s, 801 nodes"),
    "bike 13-20-16-8-3": ("bike_net_13x20x16x8x3_ReLU", "26,404 s, 763,290 nodes"),
    "wine 11-24-24-1": ("wine_net_11x24x24x1_ReLU", "open after 43,200 s at [1.7369, 2.53]"),
}
BOXED = {
    "vdp 3-32-32-3": ("reach_prob_density/vdp.onnx", "reach_prob_density/vdp_0.vnnlib"),
    "gcas 14-32-32-14": ("reach_prob_density/gcas.onnx", "reach_prob_density/gcas_0.vnnlib"),
    "HCAS 3-[25]×5-5": ("hcas/HCAS_rect_v6_pra0_tau00_25HU_3000.onnx", 0.5),
    "ACAS Xu 5-[50]×6-5": ("acasxu/ACASXU_run2a_1_1_batch_2000.onnx", "acasxu/prop_3.vnnlib"),
}
RANDOM = ((10, 24, 24, 1), (8, 64, 1), (5, 16, 16, 16, 1))
GROWTH = (
    ("width", ((4, 8, 8, 1), (4, 12, 12, 1), (4, 16, 16, 1), (4, 20, 20, 1), (4, 24, 24, 1))),
    ("depth", ((4, 10, 1), (4, 10, 10, 1), (4, 10, 10, 10, 1), (4, 10, 10, 10, 10, 1))),
    ("inputs", ((2, 14, 14, 1), (4, 14, 14, 1), (8, 14, 14, 1), (12, 14, 14, 1))),
)
_LONG = 0.5  # seconds of a row whose way is of interest
FIGURES = ("status", "lower", "upper", "nodes", "LPs", "seconds")


@dataclass(frozen=True)
class Case:
    """A row: what is solved, and a remark."""

    label: str
    net: Network
    domain: Domain | None = None
    remark: str = ""
    p: Any = 2


def cut_network(n: int, density: float, seed: int) -> Network:
    """f(x) = Σ_v relu((Bx)_v) for the incidence matrix B of a random graph: L₂² is its maximum cut."""
    graph = nx.gnp_random_graph(n, density, seed=seed)
    return Network([nx.incidence_matrix(graph, oriented=True).toarray(), np.ones((1, n))])


def published(data: Path | None) -> Iterator[Case]:
    """Networks whose constant others have computed, or could not."""
    if data is not None:
        for label, (name, remark) in PUBLISHED.items():
            yield Case(label, load(data / "exlipbab" / f"{name}.onnx"), remark=remark)


def cuts(data: Path | None) -> Iterator[Case]:
    """Random graphs of density ½."""
    for n in (20, 30, 40, 50, 60, 70, 80):
        net = cut_network(n, 0.5, 1)
        yield Case(f"max-cut, n = {n}", net, remark=f"{net.input_dim} edges")


def untrained(data: Path | None) -> Iterator[Case]:
    """Random networks with many neurons per input, where the relaxation is far from the truth."""
    for sizes in RANDOM:
        yield Case("-".join(map(str, sizes)), random_network(sizes, 0), remark="random")


def frontier(data: Path | None) -> Iterator[Case]:
    """What others have not closed, or in a minute and more."""
    for label, net, remark in networks(data):
        yield Case(label, net, remark=remark)


def boxed(data: Path | None) -> Iterator[Case]:
    """Networks of verification benchmarks on their boxes."""
    if data is not None:
        for label, (name, box) in BOXED.items():
            net = load(data / name)
            domain = load_box(data / box) if isinstance(box, str) else Box.around(np.zeros(net.input_dim), box)
            yield Case(label, net, domain)


def ladder(data: Path | None) -> Iterator[Case]:
    """‖∇f‖₁ (p = ∞) of random networks on boxes, from two inputs and one layer to sixteen and three."""
    for d, hidden, radius in product(INPUTS, HIDDEN, RADII):
        net, centre = network(d, hidden, 0)
        label = f"{d}-{'x'.join(map(str, hidden))}"
        yield Case(label, net, Box.around(centre, radius), f"radius {radius:g}", math.inf)


SECTIONS: dict[str, Callable[[Path | None], Iterator[Case]]] = {
    "published": published,
    "cuts": cuts,
    "random": untrained,
    "frontier": frontier,
    "boxes": boxed,
    "ladder": ladder,
}


def main(argv: list[str]) -> int:
    """Print the tables; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="lipverify bench exact", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--only", nargs="+", choices=[*SECTIONS, "branching", "growth"], help="sections to run")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds per row and method (default 60)")
    parser.add_argument("--peer", nargs="*", default=[], help="other exact methods to run beside, by name")
    parser.add_argument("--plot", type=Path, help="a directory for pictures: gap against time, time against size")
    options = parser.parse_args(argv)
    chosen = options.only or [*SECTIONS, "branching", "growth"]
    console = stdout()
    data = data_folder()
    if data is None:
        console.print("no folder LIPVERIFY_DATA: sections that read networks from it are left out")
    console.print(f"kernels ready in {_warm():.1f} s")
    runs: list[tuple[str, list[tuple[float, Bound]]]] = []
    for name in [name for name in SECTIONS if name in chosen]:
        table = Table("network", *FIGURES, "gap at ¼, ½, ¾", *options.peer, "others", title=name)
        with printed(console, table) as show:
            for case in SECTIONS[name](data):
                show(f"{name}: {case.label}")
                history, bound = traced(case, METHODS["branch-and-bound"](), options.time_limit)
                runs.append((case.label, history))
                peers = [_brief(traced(case, METHODS[peer](), options.time_limit)[1]) for peer in options.peer]
                table.add_row(case.label, *_figures(bound), _gaps(history), *peers, case.remark)
    if "branching" in chosen:
        branching(console, data, options.time_limit)
    sizes: dict[str, list[tuple[str, Bound]]] = {}
    if "growth" in chosen:
        table = Table("varied", "network", *FIGURES, title="growth")
        with printed(console, table) as show:
            for varied, shape in ((varied, shape) for varied, shapes in GROWTH for shape in shapes):
                label = "-".join(map(str, shape))
                show(f"growth: {label}")
                case = Case(label, random_network(shape, 0))
                bound = traced(case, METHODS["branch-and-bound"](), options.time_limit)[1]
                sizes.setdefault(varied, []).append((label, bound))
                table.add_row(varied, label, *_figures(bound))
    if options.plot:
        from lipverify.bench.exact_plots import plot_gaps, plot_growth

        options.plot.mkdir(parents=True, exist_ok=True)
        written = [plot_gaps(runs, options.plot)] if runs else []
        written += [plot_growth(sizes, options.plot)] if sizes else []
        for path in written:
            console.print(f"wrote {path}")
    return 0


def traced(case: Case, method: Any, limit: float) -> tuple[list[tuple[float, Bound]], Bound]:
    """The intervals on the way with their times, and the last one."""
    history: list[tuple[float, Bound]] = []

    def note(bound: Bound) -> bool:
        history.append((bound.seconds, bound))
        return False

    bound = exact(case.net, method, p=case.p, domain=case.domain, time_limit=limit, on_progress=note)
    return [*history, (bound.seconds, bound)], bound


def branching(console: Console, data: Path | None, limit: float) -> None:
    """Print nodes and seconds for preferences of the neurons whose feasibility can be checked at once."""
    weights = (1.0, 3.0, 10.0, 30.0, 100.0)
    table = Table(
        "network", *(f"×{w:g}" for w in weights), title="branching: nodes (seconds) by the weight of ready neurons"
    )
    whole = METHODS["branch-and-bound"]()
    assert isinstance(whole, BranchAndBound)
    with printed(console, table) as show:
        for case in (*published(data), Case("max-cut, n = 40", cut_network(40, 0.5, 1))):
            cells = []
            for weight in weights:
                show(f"branching: {case.label}, weight {weight:g}")
                bound = traced(case, replace(whole, rule=BestScore(weight)), limit)[1]
                mark = "" if bound.status is Status.EXACT else ">"
                cells.append(f"{mark}{bound.nodes:,} ({bound.seconds:.1f})")
            table.add_row(case.label, *cells)


def _figures(bound: Bound) -> tuple[str, ...]:
    return (
        bound.status.name,
        digits_down(bound.lower),
        digits_up(bound.upper),
        f"{bound.nodes or 0:,}",
        f"{bound.stats.get('lps', 0):,}",
        f"{bound.seconds:.2f}",
    )


def _gaps(history: list[tuple[float, Bound]]) -> str:
    """How far the ends were apart, relative to the lower one, on the way; nothing where that was short."""
    end, found = history[-1][0], list[str]()
    if end < _LONG:
        return ""
    for share in (0.25, 0.5, 0.75):
        *_, bound = [Bound(method="none", status=Status.INTERRUPTED), *(b for at, b in history if at <= share * end)]
        found.append(f"{100 * (bound.upper / bound.lower - 1):.2g} %" if bound.lower else "∞")
    return ", ".join(found)


def _brief(bound: Bound) -> str:
    if bound.status is Status.EXACT:
        return f"{bound.seconds:.2f} s"
    return f"[{digits_down(bound.lower)}, {digits_up(bound.upper)}]"


def _warm() -> float:
    """Compile and load the kernels, and say how long that took."""
    start = time.perf_counter()
    net = random_network((3, 4, 1), 0)
    method = METHODS["branch-and-bound"]()
    assert isinstance(method, BranchAndBound)
    exact(net, replace(method, interpreted=0))
    CompiledEngines().wait()
    return time.perf_counter() - start


def data_folder() -> Path | None:
    folder = os.environ.get("LIPVERIFY_DATA", "")
    return Path(folder) if folder != "" and Path(folder).is_dir() else None
