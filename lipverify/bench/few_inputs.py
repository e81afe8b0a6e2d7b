"""Few inputs, measured: what enumerating the networks of multicoloured cliques costs against n and against d.

Random graphs with k colours of N vertices each and every edge between colours with probability 1/2: one input per
colour, d = k. At fixed d regions and seconds grow like a power of n (the number of hidden neurons), whose exponent is
fitted; it tends to d at most, and grows from one d to the next: that is n^O(d).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from rich.table import Table

from lipverify.bench.stdout import stdout
from lipverify.bound import Status
from lipverify.hardness import MulticolouredClique, clique
from lipverify.progress import Show, silent, status
from lipverify.verbs import exact

VERTICES = (2, 3, 4, 6, 8, 12)
COLOURS = (1, 2, 3, 4)


@dataclass(frozen=True)
class Run:
    """One network enumerated."""

    colours: int
    vertices: int
    neurons: int
    regions: int
    seconds: float
    found: bool


def instance(vertices: int, colours: int, seed: int) -> MulticolouredClique:
    """The network of a random graph with colours."""
    generator = np.random.default_rng([seed, vertices, colours])
    graph = nx.Graph()
    graph.add_nodes_from(itertools.product(range(colours), range(vertices)))
    between = [(u, v) for u, v in itertools.combinations(graph, 2) if u[0] != v[0]]
    graph.add_edges_from(e for e, drawn in zip(between, generator.random(len(between)), strict=True) if drawn < 0.5)
    return clique(graph, {v: v[0] for v in graph})


def measure(
    vertices: Sequence[int], colours: Sequence[int], limit: float, seed: int, show: Show = silent
) -> Iterator[Run]:
    """Enumerate ever larger networks for every number of colours, until one takes longer than the limit."""
    for k in colours:
        for n in vertices:
            show(f"{k} inputs, {n} vertices a colour")
            reduction = instance(n, k, seed)
            bound = exact(reduction.network, "enumeration", p=reduction.p, time_limit=limit)
            if bound.status is not Status.EXACT:
                break
            found = reduction.decode(bound) is not None
            assert bound.regions is not None
            yield Run(k, n, reduction.network.hidden[0], bound.regions, bound.seconds, found)


def exponent(runs: Sequence[Run]) -> float | None:
    """The a of regions ≈ neurons^a, fitted to the logarithms; None with fewer than two networks."""
    if len({run.neurons for run in runs}) < 2:
        return None
    return float(np.polyfit(np.log([run.neurons for run in runs]), np.log([run.regions for run in runs]), 1)[0])


def report(vertices: Sequence[int], colours: Sequence[int], limit: float, seed: int) -> None:
    """Print what was measured."""
    console, runs = stdout(), list[Run]()
    console.print(f"multicoloured cliques, density 1/2, seed {seed}, enumeration, {limit:g} s each")
    table = Table("inputs d", "vertices a colour", "neurons n", "regions", "seconds", "clique", "regions ≈ n^")
    try:
        with status() as show:
            for run in measure(sorted(vertices), sorted(colours), limit, seed, show):
                runs.append(run)
    except KeyboardInterrupt:
        console.print(_filled(table, runs, sorted(colours), None))
        raise
    console.print(_filled(table, runs, sorted(colours), limit))


def _filled(table: Table, runs: Sequence[Run], colours: Sequence[int], limit: float | None) -> Table:
    """The table of what was measured; without a limit, what is missing was interrupted."""
    for k in colours:
        mine = [run for run in runs if run.colours == k]
        fitted = exponent(mine)
        for run in mine:
            last = f"{fitted:.2f}" if run is mine[-1] and fitted is not None else ""
            numbers = (run.vertices, run.neurons, f"{run.regions:,}", f"{run.seconds:.3f}")
            table.add_row(str(k), *map(str, numbers), "yes" if run.found else "no", last)
        if not mine and limit is not None:
            table.add_row(str(k), "–", "–", "–", f"> {limit:g}", "–", "")
    return table
