"""The audit's own test: every known mistake is caught and shrunk, every sound method of ours is cleared."""

from __future__ import annotations

import math
from typing import Any

import pytest

import lipverify as lv
from lipverify.norms import NormPair
from lipverify.testing import Cube, audit
from lipverify.testing.mutants import MUTANTS
from lipverify.testing.witness import slope_square
from tests.conftest import PROFILE, examples
from tests.testing.test_audit import run_alone

NETWORKS = 10_000 if PROFILE == "long" else 8
LARGEST = {"product-norm": 2, "closed-patterns": 3, "transposed-seqlip": 4}


@pytest.mark.parametrize("seed", range(examples(1)))
@pytest.mark.parametrize("name", MUTANTS)
def test_every_mutant_is_caught_within_200_examples_and_shrunk(name: str, seed: int) -> None:
    mutant = MUTANTS[name]
    hard = {"max_examples": 200, "seed": seed, "jobs": 1} | mutant.options
    report = audit(mutant.estimator, side=mutant.side, **hard)
    found = report.counterexample
    assert found is not None, mutant.mistake
    assert not report.failures
    assert found.network.neurons <= LARGEST.get(name, 4)
    assert all(float(v).is_integer() for a in found.network.weights for v in a.ravel().tolist())
    if found.witness is not None:
        assert slope_square(found.network, found.p, found.witness) > found.claimed**2
    assert "claimed" in run_alone(found.snippet)


def sound() -> list[tuple[Any, float]]:
    """Every method of the catalogue that promises to be right, with a p that it supports; in the long profile all."""
    pairs: list[tuple[Any, float]] = []
    for place, info in enumerate(info for info in lv.methods() if info.rigor >= lv.Rigor.ROUNDED):
        norms = [p for p in (2.0, 1.0, math.inf) if NormPair(p, p) in info.norms]
        pairs += [(info, p) for p in (norms if PROFILE == "long" else [norms[place % len(norms)]])]
    return pairs


@pytest.mark.parametrize(("info", "p"), sound(), ids=lambda value: getattr(value, "name", str(value)))
def test_sound_methods_are_cleared_to_the_last_digit(info: Any, p: float) -> None:
    side = "both" if info.side == "exact" else info.side
    box = Cube(-1, 1) if info.needs_box else None
    report = audit(info.name, side=side, p=p, domain=box, max_examples=NETWORKS)
    assert report.ok, report.text()
    assert report.rounding == 0, report.text()
    assert report.complete
