"""MaxMin: LipSDP on the lowered network is as tight as any quadratic constraints for pairs make it (proofs/sdp.md)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import lipverify as lv

cp = pytest.importorskip("cvxpy", reason="the programme with general constraints is solved by cvxpy")


def with_every_pair_constraint(weights: list[np.ndarray]) -> float:
    """LipSDP where each pair has any form in (y, v) that is ≥ 0 for v = y and for v = y exchanged.

    The constraints of Pauli, Havens, Araujo, Garg, Khorrami, Allgöwer & Hu (ICLR 2024, arXiv:2401.14033) for MaxMin are
    some of these.
    """
    widths = [weights[0].shape[1], *(len(w) for w in weights[:-1])]
    ends = np.cumsum([0, *widths])
    eye = np.eye(ends[-1])
    values = [eye[a:b] for a, b in itertools.pairwise(ends)]
    rho = cp.Variable()
    same, swapped = np.vstack([np.eye(2), np.eye(2)]), np.vstack([np.eye(2), np.eye(2)[::-1]])
    out = weights[-1] @ values[-1]
    total: Any = rho * (values[0].T @ values[0]) - out.T @ out
    constraints: list[Any] = []
    for weight, before, behind in zip(weights, values, values[1:], strict=False):
        y = weight @ before
        for j in range(0, len(weight), 2):
            rows = np.vstack([y[j : j + 2], behind[j : j + 2]])
            form = cp.Variable((4, 4), symmetric=True)
            constraints += [same.T @ form @ same >> 0, swapped.T @ form @ swapped >> 0]
            total = total - rows.T @ form @ rows
    problem = cp.Problem(cp.Minimize(rho), [*constraints, total >> 0])
    problem.solve(solver=cp.CLARABEL)
    return float(np.sqrt(problem.value))


@pytest.mark.parametrize("dims", [(3, 4, 2), (2, 4, 6, 1)])
def test_no_constraint_for_pairs_improves_on_the_lowered_network(dims: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(dims))
    weights = [rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)]
    net = lv.from_arrays(weights, activation="groupsort:2")
    general, ours = with_every_pair_constraint(weights), lv.upper(net, "lipsdp").upper
    assert ours == pytest.approx(general, rel=1e-4)
    assert lv.exact(net).lower <= ours
    assert ours < 0.99 * np.prod([np.linalg.norm(w, 2) for w in weights])
