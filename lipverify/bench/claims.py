"""Claims that are a tenth off: how much sooner than the exact constant they are settled.

    lipverify bench claims [--off SHARE] [--time-limit S]

Every trained network is solved once, and asked twice: is L at most (1 − SHARE)·L, and at most (1 + SHARE)·L? Times are
of this process, one after the other. The last line counts the claims about networks whose constant took a second
or more. Networks that are read from files need the folder LIPVERIFY_DATA, and are left out, saying so, without it.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.table import Table

from lipverify import samples
from lipverify.bench.exact import BOXED, Case, data_folder, published
from lipverify.bench.stdout import printed, stdout
from lipverify.bound import Status
from lipverify.decision import Answer, decide
from lipverify.domain import Box
from lipverify.readers import load
from lipverify.readers.vnnlib import load_box
from lipverify.verbs import exact

SHORT = 1.0  # seconds of an exact value that nobody minds to wait for
MAXMIN = ("weights_l2_2fc_16", "weights_l2_2fc_32", "weights_linf_2fc_16", "weights_linf_2fc_32")


def cases(data: Path | None) -> Iterator[Case]:
    """Trained networks whose constant can be had: everywhere for p = 2, on boxes for p = ∞."""
    yield Case("iris (the sample)", load(samples.path("iris")))
    if data is None:
        return
    yield from published(data)
    for path in sorted((data / "glipsdp").glob("fnn*.npz")):
        yield Case(path.stem, load(path))
    yield Case("MNIST 784-16-16-16-10", load(data / "glipsdp_mnist" / "mlp_L3_W16_folded.onnx"))
    for name in MAXMIN:
        yield Case(name, load(data / "maxmin" / f"{name}.npz", layers=["W0", "W1"], activation="groupsort:2"))
    margin = load(data / "local_lipsdp" / "compare_2x100x100x2.npz").margin(0, 1)
    for radius in (0.112, 0.223):
        yield Case(f"2-100-100-2, radius {radius}", margin, Box.around(np.zeros(2), radius), p=math.inf)
    for label, (file, box) in BOXED.items():
        net = load(data / file)
        domain = load_box(data / box) if isinstance(box, str) else Box.around(np.zeros(net.input_dim), box)
        yield Case(label, net, domain, p=math.inf)


def main(argv: list[str]) -> int:
    """Print the table; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="lipverify bench claims", description=__doc__)
    parser.add_argument("--off", type=float, default=0.1, help="how far off the claims are (default 0.1)")
    parser.add_argument("--time-limit", type=float, default=60.0, help="seconds for each constant (default 60)")
    options = parser.parse_args(argv)
    console, data = stdout(), data_folder()
    if data is None:
        console.print("no folder LIPVERIFY_DATA: only the sample is asked about")
    table = Table("network", "p", "L", "exact, s", "refuted, s", "sooner", "holds, s", "sooner", title="claims")
    sooner: list[float] = []
    with printed(console, table) as show:
        for case in cases(data):
            show(case.label)
            start = time.perf_counter()
            bound = exact(case.net, p=case.p, domain=case.domain, time_limit=options.time_limit)
            took = time.perf_counter() - start
            if bound.status is not Status.EXACT:
                table.add_row(case.label, str(case.p), "open", f"> {took:.1f}")
                continue
            cells = list[str]()
            for claim, answer in ((1 - options.off, Answer.REFUTED), (1 + options.off, Answer.HOLDS)):
                start = time.perf_counter()
                decision = decide(case.net, at_most=claim * bound.lower, p=case.p, domain=case.domain)
                seconds = time.perf_counter() - start
                assert decision.status is answer, (case.label, decision)
                cells += [f"{seconds:.3f}", f"{took / seconds:.0f}×"]
                if took >= SHORT:
                    sooner.append(took / seconds)
            table.add_row(case.label, str(case.p), f"{bound.lower:.6g}", f"{took:.2f}", *cells)
    tenfold = sum(ratio >= 10 for ratio in sooner)
    console.print(f"ten times sooner: {tenfold} of {len(sooner)} claims about networks that took {SHORT} s or more")
    return 0
