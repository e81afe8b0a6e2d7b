"""Learned circuits claim a coefficient's sign only when it is the exact one."""

from __future__ import annotations

import numpy as np
import pytest
from flint import fmpq_mat

from lipverify.arrays import Matrix
from lipverify.rationals import rational_matrix
from lipverify.trusted.circuits import Circuits


def exact_signs(basis: Matrix, rows: Matrix) -> list[list[int]]:
    """Signs of the coefficients of the rows in the basis, over the rationals."""
    coefficients: fmpq_mat = rational_matrix(rows) * rational_matrix(basis).inv()
    return [[(x > 0) - (x < 0) for x in row] for row in coefficients.tolist()]


@pytest.mark.parametrize("seed", range(40))
def test_signs_are_exact_or_unknown(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 6))
    rows = rng.integers(-2, 3, size=(m + 6, m)) + (seed % 2) * rng.normal(size=(m + 6, m)) * 2.0**-45
    basis = rows[:m]
    circuits = Circuits(m, 1)
    circuits.push(0, rows, np.zeros_like(rows))
    if not circuits.learn(range(m), basis, np.zeros_like(basis)):
        assert np.linalg.cond(basis) > 1e6
        return
    claimed = circuits._tables[-1][:, 0]
    truth = np.array(exact_signs(basis, rows))
    assert ((claimed == truth) | (claimed == 0)).all()
    if seed % 2 == 0:  # small integers: every non-zero sign is found
        assert ((claimed == truth) | (truth == 0)).all()


def test_a_radius_makes_a_small_coefficient_unknown() -> None:
    basis = np.eye(2)
    rows = np.array([[1.0, 2.0**-30]])
    circuits = Circuits(2, 1)
    circuits.push(0, rows, np.full((1, 2), 2.0**-20))
    assert circuits.learn([0, 1], basis, np.zeros((2, 2)))
    assert circuits._tables[-1][0, 0].tolist() == [1, 0]


def test_an_uncertain_basis_is_refused() -> None:
    circuits = Circuits(2, 1)
    circuits.push(0, np.eye(2), np.zeros((2, 2)))
    assert not circuits.learn([0, 1], np.array([[1.0, 1.0], [1.0, 1.0]]), np.zeros((2, 2)))
    assert not circuits.learn([0, 1], np.eye(2), np.full((2, 2), 0.3))


def test_blocks_forget_what_they_learned_and_keep_what_lies_below() -> None:
    circuits = Circuits(1, 2)
    one = np.ones((1, 1))
    circuits.push(0, one, 0 * one)
    assert circuits.learn([0], one, 0 * one)
    assert circuits.imply(0, 1, np.array([1], dtype=np.int8))
    circuits.push(1, -2 * one, 0 * one)
    assert circuits.imply(0, -1, np.array([1, 0], dtype=np.int8)), "a lower block's circuit speaks of the new row"
    assert circuits.learn([1], -2 * one, 0 * one)
    assert circuits.count == 2
    circuits.pop()
    assert circuits.count == 1


def test_a_full_block_starts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lipverify.trusted.circuits._MOST", 2)
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, -1.0]])
    circuits = Circuits(2, 1)
    circuits.push(0, rows, np.zeros_like(rows))
    for members in ([0, 1], [0, 2], [1, 2], [0, 3]):
        assert circuits.learn(members, rows[members], np.zeros((2, 2)))
    assert circuits.count == 2
    # Row 1 = row 0 − row 3 in the last basis: with signs (+, ·, ·, −) it is positive.
    assert circuits.imply(1, 1, np.array([1, 0, 0, -1], dtype=np.int8))
