"""An exact method that is stopped is on neither side worse than what is cheap, and a quick one does not notice."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest

import lipverify as lv
from lipverify.attacks.local_search import LocalSearch
from lipverify.bound import Bound, Status
from lipverify.company import accompanied
from lipverify.norms import ALL_PAIRS, NormPair, norm_pair
from lipverify.problem import Budget, Problem, Side
from lipverify.trusted.algebraic import ExactNorm

PROBLEM = Problem(lv.Network([[[1.0]]]), norm_pair(2))
LOWER = {"lower_rigor": lv.Rigor.PROVED}
UPPER = {"upper_rigor": lv.Rigor.ROUNDED}


@dataclass
class Says:
    """Yields what it was given, with a pause before each."""

    side: Side
    bounds: list[dict[str, Any]]
    pause: float = 0.0
    asked: list[float] = field(default_factory=list)

    name: ClassVar[str] = "says"
    rigor: ClassVar[lv.Rigor] = lv.Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "nothing"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        for said in self.bounds:
            self.asked.append(time.monotonic())
            time.sleep(self.pause)
            if "error" in said:
                raise said["error"]
            name = self.name if self.side == "exact" else f"says {self.side}"
            yield Bound(method=name, **({"status": Status.INTERRUPTED} | said))


def end(value: float) -> dict[str, Any]:
    """What an exact method says at its end."""
    sides = {"lower": value, "upper": value} | LOWER | {"upper_rigor": lv.Rigor.PROVED}
    return sides | {"status": Status.EXACT, "exact": ExactNorm.rational(Fraction(value))}


def test_each_side_is_the_best_that_anyone_says() -> None:
    own = Says(
        "exact",
        [{"lower": 1.0, "upper": 9.0} | LOWER | UPPER, *[{"lower": 2.0, "upper": 8.0} | LOWER | UPPER] * 9, end(4.0)],
    )
    company = [
        Says("upper", [{"upper": 7.0} | UPPER, {"upper": 5.0, "status": Status.ONE_SIDED} | UPPER]),
        Says("lower", [{"lower": 3.0, "status": Status.ONE_SIDED} | LOWER]),
    ]
    bounds = list(accompanied(own, company, PROBLEM, Budget(60.0), math.inf))
    for before, after in itertools.pairwise(bounds):
        assert before.lower <= after.lower
        assert before.upper >= after.upper
    assert (bounds[-2].lower, bounds[-2].upper) == (3.0, 5.0)
    assert bounds[-2].stats["from"] == {"lower": "says lower", "upper": "says upper"}
    assert (bounds[-1].status, bounds[-1].exact_value) == (Status.EXACT, 4)
    assert {bound.method for bound in bounds} == {"says"}


@pytest.mark.parametrize("expected", [0.1, 1e9])
def test_a_method_that_ends_at_once_is_not_kept_waiting(expected: float) -> None:
    """Whatever was expected of it, where no limit makes it hopeless."""
    own, other = Says("exact", [end(4.0)]), Says("upper", [{"upper": 5.0} | UPPER], pause=1.0)
    (bound,) = accompanied(own, [other], PROBLEM, Budget(), expected)
    assert bound.status is Status.EXACT
    assert not other.asked


def test_a_hopeless_method_waits_for_what_is_cheap() -> None:
    own = Says("exact", [{}] * 5 + [end(4.0)])
    other = Says(
        "upper",
        [{"upper": 5.0 - k / 10} | UPPER for k in range(5)] + [{"upper": 4.5, "status": Status.ONE_SIDED} | UPPER],
    )
    list(accompanied(own, [other], PROBLEM, Budget(10.0), 1e9))
    assert max(other.asked) < min(own.asked)


@pytest.mark.parametrize("error", [lv.UnsupportedDomain("not here"), MemoryError()])
def test_who_has_nothing_to_say_is_left_alone(error: Exception) -> None:
    own, other = Says("exact", [{}] * 5 + [end(4.0)]), Says("upper", [{"error": error}])
    *_, bound = accompanied(own, [other], PROBLEM, Budget(10.0), 1e9)
    assert bound.status is Status.EXACT


def test_errors_of_the_method_itself_are_not_hidden() -> None:
    own = Says("exact", [{"error": lv.UnsupportedDomain("not here")}])
    with pytest.raises(lv.UnsupportedDomain):
        list(accompanied(own, [], PROBLEM, Budget(10.0), 0.1))


def test_a_claim_that_is_refuted_does_not_stay() -> None:
    numerical = {"upper": 2.0, "upper_rigor": lv.Rigor.NUMERICAL}
    own = Says("exact", [numerical, {"upper": 6.0} | UPPER, *[{"upper": 6.0} | UPPER] * 9, end(4.0)])
    other = Says("lower", [{"lower": 3.0, "status": Status.ONE_SIDED} | LOWER])
    bounds = list(accompanied(own, [other], PROBLEM, Budget(60.0), 1e9))
    assert (bounds[-2].lower, bounds[-2].upper) == (3.0, 6.0)


def test_two_proofs_that_contradict_each_other_are_a_bug_and_said_to_be() -> None:
    own = Says("exact", [{"upper": 2.0} | UPPER, end(4.0)])
    other = Says("lower", [{"lower": 3.0, "status": Status.ONE_SIDED} | LOWER])
    with pytest.raises(lv.LipverifyError, match="contradicts itself"):
        list(accompanied(own, [other], PROBLEM, Budget(60.0), 1e9))


def random_network(*widths: int) -> lv.Network:
    """Random weights, biases that matter."""
    rng = np.random.default_rng(0)
    pairs = list(itertools.pairwise(widths))
    weights = [rng.normal(size=(b, a)) * math.sqrt(2 / a) for a, b in pairs]
    return lv.Network(weights, [rng.normal(size=b) * 0.3 for _, b in pairs])


@pytest.mark.parametrize("method", ["auto", "enumeration"])
def test_stopped_early_it_is_no_worse_than_what_is_cheap(method: str) -> None:
    """A box of a control network's size, on which an enumeration would take days."""
    net, box = random_network(5, 64, 64, 64, 5), lv.Box([-1.0] * 5, [1.0] * 5)
    began = time.monotonic()
    upper = lv.upper(net, "crown", p=math.inf, domain=box).upper
    lower = lv.lower(net, LocalSearch(programs=20), p=math.inf, domain=box).lower
    limit = 1.0 + 3 * (time.monotonic() - began)  # however busy the machine is
    bound = lv.exact(net, method, p=math.inf, domain=box, time_limit=limit)
    assert bound.status is Status.TIME_LIMIT
    assert lower <= bound.lower <= bound.upper <= upper
    if method == "auto":
        assert bound.method != "enumeration"
        assert "none is expected to end within" in bound.stats["choice"]
