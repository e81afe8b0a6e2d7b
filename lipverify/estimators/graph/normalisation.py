"""Node rule for normalisations with the sample's own statistics: layer, group, instance, RMS."""

from __future__ import annotations

import math

import numpy as np

from lipverify.estimators.graph.combine import INF, Local, Situation, root
from lipverify.readers.graph import Normalise
from lipverify.trusted.rounding import grown, up


def normalise(step: Normalise, where: Situation) -> Local:
    """max |γ|/√ε for ℓ2, √n times that for ℓ1 and ℓ∞; a single centred entry is constant."""
    if step.centred and step.group == 1:
        return Local((0.0,))
    scale = 1.0 if step.scale is None else float(np.abs(step.scale).max())
    if scale == 0.0:
        return Local((0.0,))
    if step.epsilon <= 0:
        return Local((INF,), note="without an epsilon > 0 a normalisation is not Lipschitz where the variance is 0")
    spread = 1.0 if where.p == 2.0 else root(float(step.group), 2.0)
    return Local((up(grown(scale / math.sqrt(step.epsilon) * spread, 8)),))
