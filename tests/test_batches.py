"""One network on many domains."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lipverify as lv
from lipverify import verbs
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
from lipverify.testing import networks
from tests.cli.conftest import Answer, lipverify, small

__all__ = ["lipverify", "small"]  # fixtures

NET = lv.Network([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 2, -2]]])  # |x| + 2y
DOMAINS = [lv.Box([-1, -1], [1, 1]), lv.Ball([0, 0], 1), lv.Box([0], [1]), lv.Box([1, 0], [1, 1]), lv.Everywhere()]


@pytest.mark.parametrize("verb", [lv.exact, lv.upper, lv.lower])
def test_each_row_is_that_of_its_domain(verb: Any) -> None:
    batch = verb(NET, domain=DOMAINS, p=math.inf)
    assert isinstance(batch, lv.Batch)
    assert len(batch) == 5
    for row, domain in zip(batch, DOMAINS, strict=True):
        if domain.dimension == 1:
            assert row.bound is None
            assert "coordinates" in row.error
            continue
        alone = verb(NET, domain=domain, p=math.inf)
        assert (row.bound.lower, row.bound.upper, row.bound.status) == (alone.lower, alone.upper, alone.status)
        assert row.domain is domain
    assert batch.upper == math.inf
    assert verb(NET, domain=[]).rows == ()


def test_rows_as_csv_and_json() -> None:
    batch = lv.exact(NET, domain=DOMAINS)
    table = list(csv.DictReader(io.StringIO(batch.to_csv())))
    assert [row["status"] for row in table] == ["EXACT", "EXACT", "", "EXACT", "EXACT"]
    assert float(table[0]["upper"]) == lv.exact(NET).upper
    assert table[2]["error"]
    assert json.loads(json.dumps(batch.to_dict()))["rows"][3]["subject"].startswith("a function of 1 of 2 inputs")


def test_progress_is_that_of_each_row() -> None:
    seen: list[lv.Bound] = []
    lv.exact(NET, domain=DOMAINS, on_progress=seen.append)
    assert len(seen) >= 4


@pytest.mark.parametrize("p", [1, math.inf])
@given(net=networks(inputs=(1, 2), outputs=1, width=(1, 3), slopes=True), at=st.permutations([-1.0, 0.0, 0.5, 1.0]))
@settings(max_examples=5, deadline=None)
def test_the_order_of_a_batch_changes_nothing(p: float, net: lv.Network, at: list[float]) -> None:
    """Boxes, balls, a fixed input and the whole space in any order, among them neighbours that overlap."""
    d = net.input_dim
    around: list[lv.Domain] = [lv.Box.around([x] * d, 0.75) for x in at]
    around += [lv.Ball([at[0]] * d, 0.5), lv.Everywhere()]
    if d > 1:
        around.append(lv.Box([at[0], *[-1.0] * (d - 1)], [at[0], *[1.0] * (d - 1)]))
    batch = lv.exact(net, domain=around, p=p)
    for row, domain in zip(batch, around, strict=True):
        assert row.bound is not None
        alone = lv.exact(net, "enumeration", domain=domain, p=p)
        assert row.bound.exact_value == alone.exact_value
        assert row.bound.status is lv.Status.EXACT


def test_a_long_batch_loads_the_search_by_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for domains that it is not made for, nor for a method that was named, nor in a moment."""
    asked: list[bool] = []
    monkeypatch.setattr(CompiledEngines, "loaded", lambda self: False)
    monkeypatch.setattr(CompiledEngines, "ready", lambda self: bool(asked.append(True)))
    net = lv.Network([[[1.0, 2.0], [1.0, -1.0]], [[1.0, 1.0]]])
    box = lv.Box([-1, -1], [1, 1])
    lv.exact(net, domain=[box], p=1)
    assert not asked
    monkeypatch.setattr(verbs, "_LONG", -1.0)
    lv.exact(net, domain=[lv.Polytope([[1, 0]], [1]), lv.Polytope([[0, 1]], [1])], p=2)
    lv.exact(net, "enumeration", domain=[box], p=1)
    assert not asked
    lv.exact(net, domain=[box, lv.Box([0, -1], [0, 1])], p=1)
    assert len(asked) == 2


Run = Callable[..., Answer]


def test_boxes_of_a_file(lipverify: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "boxes.txt"
    path.write_text("# two boxes\n-1:1\n0.5:2,0.5:2  # where x > 0\n\n")
    answer = lipverify("exact", small, "--p", "1:inf", "--boxes", path)
    assert answer.code == 0
    assert [row["upper"] for row in csv.DictReader(io.StringIO(answer.out))] == ["2.0", "2.0"]
    path.write_text("-1:1\n1:0\n1:2:3\n0:0,0:1\n")
    answer = lipverify("upper", small, "--boxes", path, "--json")
    assert answer.code == 1
    rows = json.loads(answer.out)["rows"]
    assert [bool(row["error"]) for row in rows] == [False, True, True, False]
    assert "line 2" in rows[1]["error"]
    assert lipverify("exact", small, "--boxes", tmp_path / "none.txt").code == 2
    assert lipverify("exact", small, "--boxes", path, "--box", "0:1").code == 2


def test_boxes_of_a_property(lipverify: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "p.vnnlib"
    sides = " ".join(f"(and (<= X_0 {h}) (>= X_0 {h - 1}))" for h in (0, 1))
    path.write_text(f"(declare-const X_0 Real)(assert (or {sides}))(assert (<= X_1 1))(assert (>= X_1 0))")
    assert lv.load_boxes(path) == [lv.Box([-1, 0], [0, 1]), lv.Box([0, 0], [1, 1])]
    with pytest.raises(lv.InvalidDomain, match=r"2 different input regions.*load_boxes"):
        lv.load_box(path)
    assert len(json.loads(lipverify("lower", small, "--boxes", path, "--json").out)["rows"]) == 2


def test_ctrl_c_keeps_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(bound: lv.Bound) -> bool:
        raise KeyboardInterrupt

    with pytest.raises(lv.InterruptedBatch) as caught:
        lv.exact(NET, domain=DOMAINS[:2], on_progress=stop)
    assert len(caught.value.batch) == 1
