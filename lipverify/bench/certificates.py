"""What a proof costs: seconds to solve, to certify and to check, and bytes per node of the tree.

    lipverify bench certificates [--only enumeration|published] [--seed S]

All three in this process, one after the other, CPU seconds on one core. Certifying includes one reading by the
checker's rules; checking is a second one, from the file's content. Published networks need LIPVERIFY_DATA.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from rich.table import Table

from lipverify.bench.enumeration import SIZES, random_network
from lipverify.bench.exact import data_folder, published
from lipverify.bench.stdout import printed, stdout
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
    options = parser.parse_args(argv)
    console = stdout()
    table = Table("network", "p", "method", "L", "solve, s", "certify, s", "check, s", "nodes", "bytes/node")
    with printed(console, table) as show:
        for name, net, p in _cases(options.only, options.seed):
            show(f"{name}, p = {p}")
            table.add_row(name, "inf" if p == math.inf else str(p), *row(net, p))
    return 0


def row(net: Network, p: float) -> list[str]:
    """One network solved, certified and checked."""
    times = [time.process_time()]
    bound = exact(net, p=p)
    times.append(time.process_time())
    proved = certify(Problem(net, norm_pair(p)), bound, 0, lambda: False)
    times.append(time.process_time())
    text = json.dumps(proved.certificate.record(), separators=(",", ":"))
    upper = proved.exact_value if proved.exact_value is not None else Fraction(proved.upper)
    writing = time.process_time() - times[-1]
    check(net, json.loads(text), p=p, lower=proved.exact_value or proved.lower, upper=upper)
    times.append(time.process_time() - writing)
    seconds = [f"{after - before:.2f}" for before, after in pairwise(times)]
    nodes = len(proved.certificate.tree)
    return [bound.method, f"{bound.upper:.10g}", *seconds, f"{nodes:,}", f"{len(text) / nodes:.0f}"]


def _cases(only: str | None, seed: int) -> Iterator[tuple[str, Network, float]]:
    if only != "published":
        for sizes in SIZES[:-1]:
            for p in (2, math.inf):
                yield "-".join(map(str, sizes)), random_network(sizes, seed), p
    if only != "enumeration":
        for case in published(data_folder()):
            yield case.label, case.net, 2
