"""Comparisons: which methods run, what their ratios mean, and what happens when one goes wrong."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar

import pytest

import lipverify as lv
from lipverify.bound import Bound, Rigor, Status
from lipverify.catalogue import SHORT
from lipverify.comparing import InterruptedComparison
from lipverify.comparison import held_to
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.report import digits_down, digits_nearest, digits_up, exact_text
from lipverify.trusted.algebraic import ExactNorm

NET = lv.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 2, -2]]])  # |x| + 2y: L = 3 for p = inf
THIRD = Fraction(1, 3)


@dataclass(frozen=True)
class Claims:
    """An estimator that says what it is told to say, or raises."""

    value: float | BaseException
    upper_rigor: Rigor = Rigor.ROUNDED
    name: ClassVar[str] = "claims"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "none"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        if isinstance(self.value, BaseException):
            raise self.value
        rigor = self.upper_rigor
        yield Bound(method=self.name, status=Status.ONE_SIDED, upper=self.value, upper_rigor=rigor)


def settled(value: Fraction) -> Bound:
    return Bound.exactly(ExactNorm.rational(value), method="truth")


@pytest.mark.parametrize("methods", [None, "all"])
def test_every_supported_method_has_a_row(methods: Any) -> None:
    for p, domain in ((2, None), (math.inf, None), (1, lv.Box([-1, -1], [1, 1]))):
        comparison = lv.compare(NET, methods, p=p, domain=domain)
        names = {row.name for row in comparison.rows if row.side != "exact"}
        assert names == {
            info.name
            for info in lv.methods()
            if info.side != "exact" and (p, p) in info.norms and (domain is not None or not info.needs_box)
            if methods == "all" or info.name in SHORT
        }
        assert comparison.settled
        assert not any(row.failed for row in comparison.rows)
        assert all(row.ratio is not None for row in comparison.rows[1:])


def test_the_short_list_has_rigorous_methods_for_every_norm_on_both_sides() -> None:
    infos = {info.name: info for info in lv.methods()}
    assert all(infos[name].rigor >= Rigor.ROUNDED for name in SHORT)
    for p in (1.0, 2.0, math.inf):
        sides = [infos[name].side for name in SHORT if (p, p) in infos[name].norms and not infos[name].needs_box]
        assert 3 <= sides.count("upper") <= 6
        assert sides.count("lower") == 2
    with pytest.raises(lv.InvalidArgument, match='"all"'):
        lv.compare(NET, "lipsdp")  # ty: ignore[invalid-argument-type]


def test_ratios_are_rounded_to_the_safe_side() -> None:
    for value in (1.0, 1 / 3, 2 / 3, math.pi):
        above = Bound(method="m", status=Status.ONE_SIDED, upper=value, upper_rigor=Rigor.PROVED)
        up = held_to(settled(THIRD), "m", "upper", above)
        assert up.ratio is not None
        assert Fraction(up.ratio) >= Fraction(value) / THIRD
        below = Bound(method="m", status=Status.ONE_SIDED, lower=value, lower_rigor=Rigor.PROVED)
        down = held_to(settled(THIRD), "m", "lower", below)
        assert down.ratio is not None
        assert Fraction(down.ratio) <= Fraction(value) / THIRD


def test_a_claim_below_the_exact_value_is_unsound() -> None:
    (_, row) = lv.compare(NET, [Claims(2.5)], p=math.inf).rows
    assert row.wrong_side
    assert row.unsound
    assert row.failed
    assert "UNSOUND" in row.remark


def test_the_least_float_below_is_unsound_when_rounding_was_accounted_for() -> None:
    claim = math.nextafter(3.0, 0)
    (_, row) = lv.compare(NET, [Claims(claim)], p=math.inf).rows
    assert row.unsound
    (_, row) = lv.compare(NET, [Claims(claim, Rigor.NUMERICAL)], p=math.inf).rows
    assert row.wrong_side
    assert not row.unsound
    (_, row) = lv.compare(NET, [Claims(3 - 1e-6, Rigor.NUMERICAL)], p=math.inf).rows
    assert row.unsound


def test_a_heuristic_promises_nothing() -> None:
    (_, row) = lv.compare(NET, [Claims(0.5, Rigor.HEURISTIC)], p=math.inf).rows
    assert row.wrong_side
    assert not row.failed
    assert row.remark == "below the exact value"


def test_an_error_becomes_a_row() -> None:
    comparison = lv.compare(NET, [Claims(lv.LipverifyError("out of luck"))])
    assert comparison.rows[1].error == "out of luck"
    assert comparison.rows[1].failed
    assert "out of luck" in comparison.table()


def test_ctrl_c_carries_the_rows_so_far() -> None:
    with pytest.raises(lv.Interrupted) as caught:
        lv.compare(NET, ["autolip", Claims(KeyboardInterrupt()), "sample"], p=math.inf)
    assert isinstance(caught.value, InterruptedComparison)
    assert caught.value.bound.exact_value == 3
    assert [row.name for row in caught.value.comparison.rows[1:]] == ["autolip", "claims"]


def test_an_open_interval_makes_ratios_worst_cases() -> None:
    net = lv.load(lv_sample())
    comparison = lv.compare(net, ["autolip", "sample"], time_limit=0)
    exact = comparison.exact
    assert exact.status is Status.TIME_LIMIT
    for row in comparison.rows[1:]:
        assert row.bound is not None
        far = exact.lower if row.side == "upper" else exact.upper
        if row.value and far:
            assert row.ratio == pytest.approx(row.value / far)
    assert "worst cases" in comparison.table()


def lv_sample() -> str:
    from lipverify import samples

    return str(samples.path("iris"))


def test_a_named_method_must_support_the_problem() -> None:
    with pytest.raises(lv.UnsupportedNorm, match="frobenius"):
        lv.compare(NET, ["frobenius"], p=1)
    with pytest.raises(lv.InvalidArgument, match="nothing"):
        lv.compare(NET, ["nothing"])
    with pytest.raises(lv.InvalidDomain):
        lv.compare(NET, domain="everywhere")  # ty: ignore[invalid-argument-type]


def test_a_true_return_value_stops_the_comparison() -> None:
    comparison = lv.compare(lv_sample(), on_progress=lambda name, bound: True)
    assert len(comparison.rows) == 1
    assert comparison.exact.status is Status.INTERRUPTED


def test_progress_names_the_method() -> None:
    heard: list[str] = []
    lv.compare(lv_sample(), ["autolip"], on_progress=lambda name, bound: heard.append(name))
    assert "exact" in heard


def test_plain_data_is_json() -> None:
    comparison = lv.compare(NET, ["autolip", "sample", Claims(math.inf), Claims(lv.LipverifyError("no"))], p=1)
    data = json.loads(json.dumps(comparison.to_dict(), allow_nan=False))
    assert data["exact"]["exact_value"] == "2"
    assert [row["name"] for row in data["rows"][1:]] == ["autolip", "sample", "claims", "claims"]
    assert data["rows"][3]["upper"] == data["rows"][3]["ratio"] == "inf"


def test_a_constant_function() -> None:
    comparison = lv.compare(lv.Network([[[0.0, 0.0]]]))
    assert comparison.exact.exact_value == 0
    assert all(row.ratio == 1 for row in comparison.rows[1:] if row.value == 0)
    assert "L = 0 " in comparison.table()


@pytest.mark.parametrize("x", [0.0, 1.0, 1 / 3, 2 / 3, 1e-300, 5e-324, 1e300, 123456789012.5, math.pi, math.inf])
def test_digits_keep_their_side(x: float) -> None:
    assert float(digits_down(x)) <= x <= float(digits_up(x))
    assert float(digits_nearest(x)) == pytest.approx(x, rel=1e-11)
    assert len(digits_up(x).partition("e")[0].replace(".", "").lstrip("0")) <= 12


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(3), "3"),
        (Fraction(5, 2), "2.5 = 5/2"),
        (Fraction(139, 12), "11.5833333333 = 139/12"),
        (Fraction(10**30 + 1, 10**30), "1"),
    ],
)
def test_short_fractions_are_shown(value: Fraction, text: str) -> None:
    assert exact_text(settled(value)) == text


def test_a_root_is_shown_by_its_square() -> None:
    bound = Bound.exactly(ExactNorm.square_root(Fraction(2)), method="m")
    assert exact_text(bound) == "1.41421356237 = √(2)"


def test_a_torch_module_is_compared_through_its_graph() -> None:
    import torch
    from torch import nn

    class Residual(nn.Module):
        """x − 2·relu(x) = −|x|."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x - 2 * torch.relu(x)

    comparison = lv.compare(Residual(), p=math.inf, example_input=torch.zeros(2))
    rows = {row.name: row for row in comparison.rows}
    assert rows["autolip-graph"].bound is not None
    assert [row.operator for row in rows["autolip-graph"].bound.details] == ["relu", "mul", "sub"]
    assert rows["autolip-graph"].value == 3
    named = lv.compare(Residual(), ["autolip", "autolip-graph"], p=math.inf, example_input=torch.zeros(2))
    network = lv.from_torch(Residual(), 2)
    assert [row.value for row in named.rows[1:]] == [lv.upper(network, "autolip", p=math.inf).upper, 3]
    with pytest.raises(lv.InvalidArgument, match="pass the module itself"):
        lv.compare(network, ["autolip-graph"])
    assert comparison.exact.exact_value == 1
    assert not any(row.failed for row in comparison.rows)
    normalised = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).eval()
    rounded = {row.name: row for row in lv.compare(normalised).rows}
    assert rounded["autolip-graph"].rigor is Rigor.NUMERICAL
    assert not any(row.failed for row in rounded.values())
    mixed = lv.Network([[[1, 0], [-1, 1]], [[1, 2]]], slopes=[[[-1, 1], [0, 1]]]).to_torch()
    assert not any(row.failed for row in lv.compare(mixed).rows)  # neurons that only the chain's reader knows
