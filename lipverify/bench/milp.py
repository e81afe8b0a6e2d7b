"""The mixed-integer program: how strong its relaxation is, and how long the constant takes.

Networks d-[hidden]-1 have He-initialised weights N(0, 2/fan-in), biases N(0, 0.01), and a box around a normal point;
the norm is ‖∇f‖₁ (p = ∞). "closed" is the time until some upper end, the solver's or the search's, is within 1e-6 of a
verified region's value, "exact" until the search has proved that value. Times are wall-clock seconds; after a
second of search the solver works beside it, in a process of its own.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from itertools import pairwise, product

import numpy as np
from rich.table import Table

from lipverify.bench.stdout import printed, stdout
from lipverify.bound import Bound, Status
from lipverify.catalogue import METHODS
from lipverify.domain import Box
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.encoding import Strength, encode
from lipverify.threads import single_threaded

INPUTS = (2, 4, 8, 16)
HIDDEN = ((8,), (16,), (32,), (8, 8), (16, 16), (20, 20), (16, 16, 16))
RADII = (0.1, 1.0)
TARGETS = ((16, (8, 8)), (16, (32,)), (8, (16, 16)))
VARIANTS = {
    "intervals": Strength("interval", "interval"),
    "CROWN": Strength("crown", "interval"),
    "LP": Strength("lp", "interval"),
    "intervals, derivative LP": Strength("interval", "lp"),
    "CROWN, derivative LP": Strength("crown", "lp"),
    "LP, derivative LP": Strength("lp", "lp"),
    "LP, derivative LP, symmetric |·|": Strength("lp", "lp", symmetric=True),
}
CLOSED = 1e-6


def network(d: int, hidden: tuple[int, ...], seed: int) -> tuple[Network, np.ndarray]:
    """A network and the centre of its box."""
    rng = np.random.default_rng(seed)
    sizes = (d, *hidden, 1)
    weights, biases = [], []
    for n, m in pairwise(sizes):
        weights.append(rng.normal(size=(m, n)) * math.sqrt(2 / n))
        biases.append(rng.normal(size=m) * 0.1)
    return Network(weights, biases), rng.normal(size=d)


def problem(d: int, hidden: tuple[int, ...], radius: float, seed: int) -> Problem:
    """A network on its box, for p = ∞."""
    net, centre = network(d, hidden, seed)
    return Problem(net, norm_pair(math.inf), Box.around(centre, radius))


def times(question: Problem, cap: float) -> tuple[float, float, Bound]:
    """Seconds until closed and until exact (inf where the cap came first), and the last bound."""
    begun = time.perf_counter()
    closed = exact = math.inf
    bound = Bound(method="milp", status=Status.INTERRUPTED)
    with single_threaded():
        for bound in METHODS["milp"]().run(question, Budget(cap)):
            now = time.perf_counter() - begun
            if bound.gap <= CLOSED:
                closed = min(closed, now)
            if bound.status is Status.EXACT:
                exact = now
            if now > cap:
                break
    return closed, exact, bound


def strength(question: Problem, variant: Strength) -> float:
    """The value of the linear relaxation."""
    model = encode(question, variant).model
    linear = model.target()
    return linear.true_upper(Relaxation(model).maximise(linear.costs).upper)


def main(argv: list[str]) -> int:
    """Print the tables; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench milp", description=__doc__)
    parser.add_argument("--grid", action="store_true", help="all inputs and widths, not only the three targets")
    parser.add_argument("--seeds", type=int, default=3, help="networks per size (default 3)")
    parser.add_argument("--cap", type=float, default=120.0, help="seconds per problem (default 120)")
    options = parser.parse_args(argv)
    console = stdout()
    sizes = tuple(product(INPUTS, HIDDEN)) if options.grid else TARGETS
    table = Table("network", "radius", "undecided", "closed, s", "exact, s", "widest gap")
    values: dict[tuple[int, tuple[int, ...], int], float] = {}
    with printed(console, table) as show:
        for (d, hidden), radius in product(sizes, RADII):
            show(f"{d}-{'x'.join(map(str, hidden))}, radius {radius}")
            found = [times(problem(d, hidden, radius, seed), options.cap) for seed in range(options.seeds)]
            for seed, (_, exact, bound) in enumerate(found):
                if radius == 1.0 and math.isfinite(min(exact, bound.gap)) and bound.gap <= CLOSED:
                    values[d, hidden, seed] = bound.lower
            undecided = statistics.median(bound.stats.get("undecided", 0) for _, _, bound in found)
            gap = max(bound.gap for _, _, bound in found)
            name = f"{d}-{'x'.join(map(str, hidden))}"
            seconds = [_median(column) for column in zip(*((c, e) for c, e, _ in found), strict=True)]
            table.add_row(name, f"{radius}", f"{undecided:.0f}", *seconds, f"{gap:.1e}")
    table = Table("big-M constants from", *(f"{d}-{'x'.join(map(str, h))}" for d, h in TARGETS), title="LP / exact")
    with printed(console, table) as show:
        for name, variant in VARIANTS.items():
            show(name)
            cells = []
            for d, hidden in TARGETS:
                known = [(s, v) for (n, h, s), v in values.items() if (n, h) == (d, hidden)]
                ratios = [strength(problem(d, hidden, 1.0, s), variant) / v for s, v in known]
                cells.append(f"{statistics.median(ratios):.3f}" if ratios else "–")
            table.add_row(name, *cells)
    return 0


def _median(seconds: tuple[float, ...]) -> str:
    middle = statistics.median(seconds)
    return f"{middle:.2f}" if math.isfinite(middle) else "> cap"
