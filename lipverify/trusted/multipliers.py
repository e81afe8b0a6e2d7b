"""Upper bounds of linear forms over polyhedra from multipliers, whatever these are.

For any y, every X with L ≤ AX ≤ U and l ≤ X ≤ u has c·X = y·AX + (c − Aᵀy)·X ≤ Σ_i max(y_i L_i, y_i U_i) +
Σ_j max(r_j l_j, r_j u_j) with r = c − Aᵀy; the right-hand side is evaluated with every rounding added (Neumaier &
Shcherbina, Math. Programming 99 (2004), doi:10.1007/s10107-003-0433-3). Proof: proofs/milp.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.trusted.rounding import TINY, gamma, quiet, up


@dataclass(frozen=True, slots=True)
class Sides:
    """L ≤ AX ≤ U, infinite where there is no such side, and finite limits l ≤ X ≤ u."""

    low: Vector
    high: Vector
    lower: Vector
    upper: Vector


@quiet
def weak_duality(costs: Vector, A: Matrix, absolute: Matrix, sides: Sides, multipliers: Vector) -> float:
    """The bound that multipliers give for costs·X, rounded up; inf where floats end. `absolute` is |A|."""
    low, high = sides.low, sides.high
    y = np.where(np.isfinite(high), multipliers, np.minimum(multipliers, 0.0))
    y = np.where(np.isfinite(low), y, np.maximum(y, 0.0))
    m, n = A.shape
    residual = costs - y @ A
    spread = gamma(m + 4) * (np.abs(costs) + np.abs(y) @ absolute) + TINY * (m + 1)
    tight = np.where(y > 0, y * np.where(y > 0, high, 0.0), y * np.where(y < 0, low, 0.0))
    reach = np.maximum(np.abs(sides.lower), np.abs(sides.upper))
    corners = np.maximum(residual * sides.lower, residual * sides.upper)
    value = float(tight.sum() + corners.sum())
    error = float((spread * reach).sum()) * (1 + gamma(2 * n + 8))
    error += gamma(m + n + 8) * float(np.abs(tight).sum() + np.abs(corners).sum()) + TINY * (m + n)
    return up(value + up(error)) if math.isfinite(value + error) else math.inf
