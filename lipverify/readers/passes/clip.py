"""clip(x, l, u) = relu(x − l) − relu(x − u) + l: hard-tanh, ReLU6 and their kin, exactly."""

from __future__ import annotations

import math

import numpy as np

from lipverify.readers.matrices import eye
from lipverify.readers.steps import Affine, Clip, Steps, TwoSlope, rewrite


def clip_to_relu(steps: Steps) -> Steps:
    """Every clip as affine, relu, affine; nothing is rounded (proofs/readers.md)."""
    return rewrite(steps, Clip, _relus)


def _relus(clip: Clip) -> Steps:
    n, unit = clip.n, eye(clip.n)
    below, above = np.full(n, clip.lower), np.full(n, clip.upper)
    if clip.lower == -math.inf and clip.upper == math.inf:
        return (Affine.identity(n),)
    if clip.upper == math.inf:
        return Affine(unit, -below), TwoSlope.relu(n), Affine(unit, below)
    if clip.lower == -math.inf:
        return Affine(-unit, above), TwoSlope.relu(n), Affine(-unit, above)
    return (
        Affine(np.vstack([unit, unit]), -np.concatenate([below, above])),
        TwoSlope.relu(2 * n),
        Affine(np.hstack([unit, -unit]), below),
    )
