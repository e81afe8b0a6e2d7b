"""The program: its rows, its plan, and its file."""

from __future__ import annotations

import itertools
import os
from fractions import Fraction
from pathlib import Path

import highspy
import numpy as np
import pytest

import lipverify as lv
from lipverify.norms import ALL_PAIRS, norm_pair
from lipverify.problem import Problem
from lipverify.solvers.milp.encode.encoding import Strength, encode
from lipverify.solvers.milp.encode.model import Model, is_binary
from lipverify.solvers.milp.encode.norm import ball_cut, plan, shrunk
from lipverify.trusted.balls import Ball
from tests import oracle
from tests.solvers.milp.common import (
    BOX,
    INF,
    NET,
    milp,
)


def test_rows_with_tiny_coefficients_become_wider_and_lose_nothing() -> None:
    model = Model()
    x, y = model.variable("x", -1.0, 1.0), model.variable("y", -4.0, 4.0)
    model.row("r", [(x, 1.0), (y, 2.0**-40)], 0.0, 0.0)
    (row,) = model.rows
    assert row.columns == (x,)
    exponent = -1  # the row is divided by x's scale, 2, times its coefficient
    assert row.high >= 4 * 2.0**-40 * 2.0**exponent
    assert row.low == -row.high


def test_cuts_of_the_ball_keep_the_ball() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        X = rng.normal(size=(rng.integers(1, 4), rng.integers(1, 5))) * 10.0 ** rng.integers(-5, 5)
        for C in (ball_cut(X), shrunk(X)):
            exact = [[Fraction(v) for v in row] for row in C.tolist()]
            assert oracle.at_most(tuple(map(tuple, exact)), Fraction(1), 2, 2)
    C = ball_cut(X)
    assert float((C * X).sum()) == pytest.approx(float(np.linalg.norm(X, ord="nuc")), rel=1e-9)
    assert Ball.exact(C).shape == X.shape


def test_every_pair_has_a_plan() -> None:
    for pair, m, d in itertools.product(ALL_PAIRS, (1, 3), (1, 3)):
        chosen = plan(pair, m, d)
        assert chosen.copies == (3 if pair == (2.0, 2.0) and m == d == 3 else 1)


def test_stable_and_unread_neurons_have_no_binary() -> None:
    net = lv.Network([[[1.0], [1.0], [1.0], [1.0]], [[1, 1, 0, 1]]], [[2, -2, 0, 0], None])
    encoding = encode(Problem(net, norm_pair(INF), lv.Box([-1], [1])), Strength())
    assert encoding.states[0][:3] == (True, False, None)
    assert is_binary(encoding.states[0][3])


@pytest.mark.parametrize("suffix", [".lp", ".mps"])
def test_the_model_can_be_written_and_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"program{suffix}"
    lv.write_model(NET, path, p=INF, domain=BOX)
    text = path.read_text()
    assert "on_L1_N0" in text
    assert "through_L2_N0" in text or "v_L2_N0" in text
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    scale = 2.0 ** encode(Problem(NET, norm_pair(INF), BOX), Strength()).model.target().exponent
    assert abs(highs.getInfo().objective_function_value) * scale == pytest.approx(milp(NET, INF, BOX).lower)


def test_a_model_file_has_one_of_two_endings(tmp_path: Path) -> None:
    with pytest.raises(lv.InvalidArgument, match=r"\.lp or \.mps"):
        lv.write_model(NET, tmp_path / "program.txt")
    assert os.listdir(tmp_path) == []
