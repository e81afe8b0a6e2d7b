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
    rigor = {"lower_rigor": lv.Rigor.PROVED, "upper_rigor": lv.Rigor.PROVED}
    settings: dict[str, Any] = {"method": "test", "status": lv.Status.CLOSED} | rigor | options
    return lv.Bound(lower=lower, upper=upper, **settings)


def test_a_side_not_given_is_trivial_and_proved() -> None:
    empty = lv.Bound(method="test", status=lv.Status.ONE_SIDED)
    assert (empty.lower, empty.upper) == (0.0, math.inf)
    assert empty.lower_rigor is empty.upper_rigor is lv.Rigor.PROVED
    assert (empty.exact_value, empty.exact_square, empty.enclosure, empty.regions, empty.nodes) == (None,) * 5


@pytest.mark.parametrize(("side", "value"), [("lower", 1.0), ("lower", math.inf), ("upper", 0.001), ("upper", 0.0)])
@pytest.mark.parametrize("rigor", [None, "PROVED", 4])
def test_a_side_needs_its_rigor(side: str, value: float, rigor: Any) -> None:
    with pytest.raises(lv.LipverifyError, match=rf"test gave {side}={value}.*{side}_rigor=Rigor"):
        lv.Bound(method="test", status=lv.Status.ONE_SIDED, **{side: value, f"{side}_rigor": rigor})


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"exact": None}, "without `exact`"),
        ({"lower": HALF.upper, "upper": HALF.upper}, "not around"),
        ({"lower": HALF.lower, "upper": HALF.lower}, "not around"),
        ({"upper_rigor": lv.Rigor.NUMERICAL}, "less than ROUNDED"),
        ({"lower_rigor": lv.Rigor.HEURISTIC}, "less than ROUNDED"),
    ],
)
def test_exact_says_that_it_is_proved(options: dict[str, Any], match: str) -> None:
    given: dict[str, Any] = {"lower": HALF.lower, "upper": HALF.upper, "exact": HALF, "status": lv.Status.EXACT}
    assert bound(**given).status is lv.Status.EXACT
    with pytest.raises(lv.LipverifyError, match=match):
        bound(**given | options)
    assert bound(**given | options | {"status": lv.Status.CLOSED}).status is lv.Status.CLOSED


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
