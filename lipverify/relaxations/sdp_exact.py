"""The split-conditioned SDP's bound in rational arithmetic: Z(ρ, T) ⪰ 0 without any rounding.

Z is built from the exact weights. A float Cholesky factor F of a slightly smaller matrix is taken as exact numbers, and
Z − F Fᵀ is shown to be diagonally dominant after a positive scaling, hence positive semidefinite; so then is Z.
Proof: proofs/sdp.md.
"""

from __future__ import annotations

import math

import numpy as np
from flint import fmpq, fmpq_mat

from lipverify.arrays import Signs
from lipverify.rationals import rational, rational_matrix
from lipverify.relaxations.sdp import Relaxation
from lipverify.relaxations.split import Oriented
from lipverify.trusted.semidefinite import is_positive_exact

_SLACKS = (2.0**-40, 2.0**-34, 2.0**-28, 2.0**-20, 2.0**-10)


def proved_square(chain: Oriented, relaxation: Relaxation) -> float:
    """A float ρ with ‖W_K D ⋯ W_1‖² ≤ ρ for every completion of the signs, proved in rationals; inf if none is."""
    for slack in _SLACKS:
        trial = relaxation.rho * (1 + slack)
        if 0 < trial < math.inf and is_positive_exact(exact_matrix(chain, relaxation, trial)):
            return trial
    return math.inf


def exact_matrix(chain: Oriented, relaxation: Relaxation, rho: float) -> fmpq_mat:
    """Z(ρ, T) over the rationals, shape (d + m, d + m)."""
    free = relaxation.free.tolist()
    d, m = chain.inputs, len(free)
    column = {position: d + k for k, position in enumerate(free)}
    size = d + m
    chosen = _slopes(chain, relaxation.signs)
    values = [_unit(size, j) for j in range(d)]
    rows: list[list[fmpq]] = []
    for weight, layer in zip(chain.weights, chain.layers, strict=False):
        y = (rational_matrix(weight) * fmpq_mat(values)).tolist()
        values = []
        for position, row in zip(range(layer.start, layer.stop), y, strict=True):
            carried = [chosen[position] * x for x in row]
            if position in column:
                change = rational(float(chain.beta[position])) - rational(float(chain.alpha[position]))
                seen = [change * x for x in row]
                seen[column[position]] -= 1
                rows.append(seen)
                carried[column[position]] += 1
            values.append(carried)
    last = rational_matrix(chain.weights[-1]) * fmpq_mat(values)
    Z = (-(last.transpose() * last)).tolist()
    for j in range(d):
        Z[j][j] += rational(rho)
    for k, (row, multiplier) in enumerate(zip(rows, relaxation.multipliers.tolist(), strict=True)):
        for j, x in enumerate(row):
            Z[d + k][j] -= rational(multiplier) * x
            Z[j][d + k] -= rational(multiplier) * x
    return fmpq_mat(Z)


def _slopes(chain: Oriented, signs: Signs) -> list[fmpq]:
    """What a neuron's value takes over from its pre-activation: the decided slope, or α."""
    return [rational(x) for x in np.where(signs > 0, chain.beta, chain.alpha).tolist()]


def _unit(size: int, j: int) -> list[fmpq]:
    return [fmpq(int(i == j)) for i in range(size)]
