"""Seconds per pair of layers for SeqLip's search, and the gap at its root and at its end.

Pairs A diag(σ) B, σ ∈ [0, 1]ⁿ, are drawn three ways: independent Gaussian entries; the square roots of two
Gaussian layers with their singular vectors, as SeqLip makes them; and Gaussian of rank n/4. Every figure is a
median over pairs, the closed ones are counted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from rich.table import Table

from lipverify.bench.stdout import printed, stdout
from lipverify.estimators.pair import Pair
from lipverify.estimators.pair_search import relaxed, search
from lipverify.estimators.seqlip import SeqLip

WIDTHS = (20, 30, 50)


def gaussian(rng: np.random.Generator, n: int) -> Pair:
    """Two square matrices of independent Gaussian entries."""
    return _pair(rng.standard_normal((n, n)), rng.standard_normal((n, n)))


def layers(rng: np.random.Generator, n: int) -> Pair:
    """Σ^½ Vᵀ of one Gaussian layer and U Σ^½ of another."""
    _, after, rows = np.linalg.svd(rng.standard_normal((n, n)))
    columns, before, _ = np.linalg.svd(rng.standard_normal((n, n)))
    return _pair(np.sqrt(after)[:, None] * rows, columns * np.sqrt(before))


def thin(rng: np.random.Generator, n: int) -> Pair:
    """Gaussian factors with n/4 outer rows and columns."""
    return _pair(rng.standard_normal((n // 4, n)), rng.standard_normal((n, n // 4)))


KINDS: Mapping[str, Callable[[np.random.Generator, int], Pair]] = MappingProxyType(
    {"Gaussian": gaussian, "layers": layers, "rank n/4": thin}
)


def main(argv: list[str]) -> int:
    """Print the table; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench seqlip", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="pairs per figure (default 5)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random pairs (default 0)")
    parser.add_argument("--width", type=int, action="append", help=f"neurons of a pair (default {WIDTHS}); repeatable")
    options = parser.parse_args(argv)
    table = Table("neurons", "pair", "seconds", "nodes", "closed", "gap at the root", "gap at the end")
    with printed(stdout(), table) as show:
        for width in options.width or WIDTHS:
            for kind, draw in KINDS.items():
                show(f"{width} neurons, {kind}")
                rng = np.random.default_rng(options.seed)
                table.add_row(str(width), kind, *_row([draw(rng, width) for _ in range(options.repeats)]))
    return 0


def _pair(left: np.ndarray, right: np.ndarray) -> Pair:
    n = left.shape[1]
    return Pair(left, np.zeros(n), np.ones(n), right)


def _row(pairs: list[Pair]) -> list[str]:
    seconds, ends, roots = [], [], []
    for pair in pairs:
        start = time.perf_counter()
        *_, end = search(pair, SeqLip().steps)
        seconds.append(time.perf_counter() - start)
        *_, root = relaxed(pair, 1e-7)
        ends.append(end)
        roots.append(root.upper / end.lower - 1)
    closed = sum(end.closed for end in ends)
    return [
        f"{statistics.median(seconds):.3f}",
        f"{statistics.median(end.nodes for end in ends):.0f}",
        f"{closed}/{len(pairs)}",
        f"{statistics.median(roots):.2e}",
        f"{statistics.median(end.gap for end in ends):.2e}",
    ]
