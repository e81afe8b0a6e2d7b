"""Inside a Euclidean ball, proven in floats? Proof: proofs/ball.md."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Vector
from lipverify.trusted.rounding import TINY, gamma


def inside(center: Vector, radius: float, z: Vector) -> bool:
    """Whether a point (x, t), shape (d + 1,), provably has t > 0 and ‖x − t·center‖₂ < radius·t; False if floats
    cannot tell."""
    x, t = z[:-1], z[-1]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        reach = radius * t
        if not TINY <= reach < np.inf:
            return False
        shifted = center * t
        error = gamma(4) * (np.abs(x) + np.abs(shifted)) + TINY
        shares = (np.abs(x - shifted) + error) / reach
        n = len(z)
        return bool(np.sum(shares * shares) * (1 + gamma(2 * n + 16)) + n * TINY < 1)
