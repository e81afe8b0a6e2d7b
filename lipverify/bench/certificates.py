"""What a proof costs: seconds to solve, to certify and to check, and bytes per node of the tree.

    lipverify bench certificates [--only enumeration|published] [--seed S] [--repeats N]

All three in this process, one after the other, CPU seconds on one core, medians over the repeats; the ratio is that
of certifying and checking to solving, its own median. Certifying includes one reading by the checker's rules;
checking is a second one, from the file's content. The networks of the enumeration's benchmark are solved by it, and
the last line adds their medians up. Published networks need LIPVERIFY_DATA.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from rich.table import Table

from lipverify.bench.enumeration import SIZES, random_network
from lipverify.bench.exact import data_folder, published
from lipverify.bench.stdout import printed, stdout
from lipverify.bound import Bound
from lipverify.certificates.verdict import check
from lipverify.certificates.writer import certify
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from lipverify.verbs import exact


def main(argv: list[str]) -> int:
    """Print the table, a row as soon as it is there; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench certificates", description=__doc__)
    parser.add_argument("--only", choices=("enumeration", "published"), help="one group alone")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random networks (default 0)")
    parser.add_argument("--repeats", type=int, default=1, help="repeats per figure (default 1)")
    options = parser.parse_args(argv)
    console = stdout()
    table = Table("network", "p", "method", "L", "solve, s", "certify, s", "check, s", "ratio", "nodes", "bytes/node")
    totals: dict[float, list[float]] = {}
    with printed(console, table) as show:
        for name, net, p, method in _cases(options.only, options.seed):
            show(f"{name}, p = {p}")
            medians, cells = row(net, p, options.repeats, method)
            table.add_row(name, "inf" if p == math.inf else str(p), *cells)
            if method == "enumeration":
                totals[p] = [whole + part for whole, part in zip(totals.get(p, [0.0] * 3), medians, strict=True)]
    for p, (solving, certifying, checking) in totals.items():
        ratio = (certifying + checking) / solving
        console.print(f"p = {p}, enumeration's benchmark: certifying and checking take {ratio:.2f} times the solving")
    return 0


def row(net: Network, p: float, repeats: int = 1, method: str = "auto") -> tuple[list[float], list[str]]:
    """One network solved, certified and checked, several times: the medians of the three, and the cells of its row."""
    runs = [_run(net, p, method) for _ in range(repeats)]
    medians = [statistics.median(times) for times in zip(*(times for times, _, _ in runs), strict=True)]
    ratio = statistics.median((certifying + checking) / solving for (solving, certifying, checking), _, _ in runs)
    _, proved, size = runs[-1]
    nodes = len(proved.certificate.tree)
    figures = [*(f"{seconds:.3g}" for seconds in medians), f"{ratio:.2f}", f"{nodes:,}", f"{size / nodes:.0f}"]
    return medians, [proved.method, f"{proved.upper:.10g}", *figures]


def _run(net: Network, p: float, method: str) -> tuple[list[float], Bound, int]:
    """Seconds to solve, to certify and to check; the bound; and the bytes of its certificate."""
    times = [time.process_time()]
    bound = exact(net, method, p=p)
    times.append(time.process_time())
    proved = certify(Problem(net, norm_pair(p)), bound, 0, lambda: False)
    times.append(time.process_time())
    text = json.dumps(proved.certificate.record(), separators=(",", ":"))
    upper = proved.exact_value if proved.exact_value is not None else Fraction(proved.upper)
    writing = time.process_time() - times[-1]
    check(net, json.loads(text), p=p, lower=proved.exact_value or proved.lower, upper=upper)
    times.append(time.process_time() - writing)
    return [after - before for before, after in pairwise(times)], proved, len(text)


def _cases(only: str | None, seed: int) -> Iterator[tuple[str, Network, float, str]]:
    if only != "published":
        for sizes in SIZES[:-1]:
            for p in (2, math.inf):
                yield "-".join(map(str, sizes)), random_network(sizes, seed), p, "enumeration"
    if only != "enumeration":
        for case in published(data_folder()):
            yield case.label, case.net, 2, "auto"
