"""The result record keeps its promises, or refuses to exist."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import pytest

import lipverify as lv
from lipverify.bound import Witness
from lipverify.trusted.algebraic import ExactNorm

HALF = ExactNorm.square_root(Fraction(1, 2))


def bound(lower: float, upper: float, **options: Any) -> lv.Bound:
    """A Bound of a method named "test"."""
    settings: dict[str, Any] = {"method": "test", "status": lv.Status.CLOSED} | options
    return lv.Bound(lower=lower, upper=upper, **settings)


def test_a_side_not_given_is_trivial_and_proved() -> None:
    empty = lv.Bound(method="test", status=lv.Status.ONE_SIDED)
    assert (empty.lower, empty.upper) == (0.0, math.inf)
    assert empty.lower_rigor is empty.upper_rigor is lv.Rigor.PROVED
    assert (empty.exact_value, empty.exact_square, empty.enclosure, empty.regions, empty.nodes) == (None,) * 5


@pytest.mark.parametrize(("lower", "upper"), [(2.0, 1.0), (-1.0, 1.0), (math.nan, 1.0), (0.0, math.nan), (0.0, -1.0)])
def test_nonsense_is_a_bug_and_says_so(lower: float, upper: float) -> None:
    with pytest.raises(lv.LipverifyError, match=r"test .*this is a bug in it"):
        bound(lower, upper)


def test_only_a_heuristic_may_contradict_itself() -> None:
    assert bound(2.0, 1.0, upper_rigor=lv.Rigor.HEURISTIC).upper == 1.0
    with pytest.raises(lv.LipverifyError, match="contradicts itself"):
        bound(2.0, 1.0, upper_rigor=lv.Rigor.NUMERICAL)


def test_rigor_is_ordered() -> None:
    order = [lv.Rigor.HEURISTIC, lv.Rigor.NUMERICAL, lv.Rigor.ROUNDED, lv.Rigor.PROVED]
    assert sorted({*order}) == order
    assert lv.Rigor.PROVED > lv.Rigor.ROUNDED >= lv.Rigor.ROUNDED
    assert lv.Rigor.PROVED.__lt__("PROVED") is NotImplemented


def test_the_exact_sides() -> None:
    exact = bound(HALF.lower, HALF.upper, exact=HALF, status=lv.Status.EXACT)
    assert exact.exact_square == Fraction(1, 2)
    assert exact.exact_value is None
    assert exact.enclosure == HALF.enclosure


def test_the_gap() -> None:
    assert bound(0.0, 0.0).gap == 0.0
    assert bound(0.0, 1.0).gap == math.inf
    assert bound(1.0, 1.5).gap == 0.5


def test_stats_cannot_be_changed_and_have_shortcuts() -> None:
    counts = {"regions": 3, "nodes": 5}
    given = bound(0.0, 1.0, stats=counts)
    counts["regions"] = 7
    assert (given.regions, given.nodes) == (3, 5)
    with pytest.raises(TypeError):
        given.stats["regions"] = 4  # ty: ignore[invalid-assignment]


def test_pickle_and_text() -> None:
    witness = Witness((Fraction(1, 3),), ((True,),))
    given = bound(1.0, 2.0, witness=witness, stats={"nodes": 1}, exact=HALF)
    assert pickle.loads(pickle.dumps(given)) == given
    assert str(given) == f"test: [1, 2] (PROVED, PROVED), {lv.Status.CLOSED.value}"
    stopped = given.stopped(lv.Status.INTERRUPTED)
    assert (stopped.status, stopped.lower, stopped.upper) == (lv.Status.INTERRUPTED, 1.0, 2.0)


def test_an_interruption_carries_the_interval() -> None:
    given = bound(1.0, 2.0)
    error = lv.Interrupted(given)
    assert isinstance(error, KeyboardInterrupt)
    assert not isinstance(error, lv.LipverifyError)
    assert error.bound is given
