"""The split-conditioned SDP for ‖J v‖₂ over |v_j| ≤ 1: a number for every coordinate of v in place of one ρ.

If diag(N, 0) − CᵀC − Σ T_i (e_i b_iᵀ + b_i e_iᵀ) ⪰ 0 then ‖J v‖₂² ≤ Σ N_j v_j² ≤ Σ N_j. Proof: proofs/sdp.md, §8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from lipverify.arrays import Signs, Vector
from lipverify.relaxations import diagonal_barrier
from lipverify.relaxations.sdp import Relaxation, frozen, is_nonnegative
from lipverify.relaxations.split import Forms, Oriented
from lipverify.trusted.rounding import total_up
from lipverify.watch import tick

_TINIEST = 2.0**-500  # of an N that is certified
_SLACKS = (1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0)


@final
@dataclass(frozen=True, eq=False)
class DiagonalRelaxation:
    """N and T for one partial pattern, shapes (d,) and (m,): Z(N, T) ≻ 0 as floats see it."""

    signs: Signs
    weights: Vector
    multipliers: Vector

    @classmethod
    def root(cls, chain: Oriented, signs: Signs) -> DiagonalRelaxation:
        """A strictly feasible start: that of one ρ for all."""
        start = Relaxation.root(chain, signs)
        return cls(signs, np.full(chain.inputs, start.rho), start.multipliers)

    def descend(self, chain: Oriented, tolerance: float, limit: int) -> DiagonalRelaxation:
        """Decrease Σ N_j until the relative gap is below the tolerance, or for so many Newton steps."""
        with np.errstate(all="ignore"):  # what overflows here is not certified later
            forms = Forms.of(chain, self.signs)
            finite = np.isfinite(forms.rows).all() and np.isfinite(forms.gram).all()
            if not (finite and np.isfinite(self.weights).all()):
                return replace(self, weights=np.full(chain.inputs, math.inf))
            weights, multipliers, _ = diagonal_barrier.descend(
                forms.rows,
                forms.gram,
                frozen(chain, forms),
                self.weights,
                self.multipliers,
                0.01 * float(self.weights.sum()) / (len(self.weights) + len(self.multipliers)),
                tolerance,
                limit,
            )
        return replace(self, weights=weights, multipliers=multipliers)

    def certified_sum(self, chain: Oriented) -> float:
        """A float S with ‖J v‖₂² ≤ S for every completion of the signs and |v_j| ≤ 1, rounding included; or inf."""
        weights = np.maximum(self.weights, _TINIEST)
        for slack in _SLACKS:
            tick()
            trial = weights * (1 + slack)
            if np.isfinite(trial).all() and is_nonnegative(chain, self.signs, self.multipliers, trial):
                return total_up(float(trial.sum()), len(trial))
        return math.inf
