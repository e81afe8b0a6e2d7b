"""What conflict learning is worth to branch and bound, with and without it in one run: `pytest -m benchmark -s`.

The clauses are `lipverify.trusted.circuits`: minimal dependencies of rows, each of which refutes some signs of theirs.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

import lipverify as lv
from lipverify.bench.exact import data_folder, published
from lipverify.testing.suite import random_network
from lipverify.trusted.circuits import Circuits


def forgetful(patch: pytest.MonkeyPatch) -> None:
    """Learn nothing."""
    patch.setattr(Circuits, "learn", lambda *_, **__: False)
    patch.setattr(Circuits, "learn_clause", lambda *_: None)
    patch.setattr(Circuits, "imply", lambda *_: False)
    patch.setattr(Circuits, "forced", lambda self, _: np.zeros(len(self._tables[-1]), dtype=np.int8))


@pytest.mark.benchmark
def test_conflicts_save_rational_arithmetic() -> None:
    data = data_folder()
    nets = {"random 10-24-24-1": random_network((10, 24, 24, 1), 0)}
    if data is None:
        print("no folder LIPVERIFY_DATA: only a random network")
    else:
        nets |= {case.label: case.net for case in published(data) if case.label.startswith(("bike", "wine 11-24"))}
    for net in nets.values():  # compiled code is there for both
        lv.exact(net, "branch-and-bound", time_limit=10)
    for label, net in nets.items():
        found = {}
        for kind in ("with", "without"):
            with pytest.MonkeyPatch.context() as patch:
                if kind == "without":
                    forgetful(patch)
                start = time.process_time()
                bound = lv.exact(net, "branch-and-bound")
                found[kind] = bound
                seconds = time.process_time() - start
            stats = bound.stats
            print(f"{label}, {kind}: {seconds:.2f} s, {stats['nodes']} nodes, {stats['settled']} settled in rationals")
        assert found["with"].exact_square == found["without"].exact_square
        assert found["with"].status is found["without"].status is lv.Status.EXACT
        assert found["with"].stats["settled"] < found["without"].stats["settled"]
