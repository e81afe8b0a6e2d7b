"""ECLipsE: one ellipsoid carried from layer to layer, by a small semidefinite programme for each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.bound import Bound, Rigor
from lipverify.estimators.chain import Link, links
from lipverify.estimators.eclipse_fast import EclipseFast, Step, ellipsoids, equal_scales, improved
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.sdp import Relaxation
from lipverify.relaxations.split import Oriented
from lipverify.trusted.rounding import half_widths

_TOLERANCE, _STEPS = 1e-7, 300
_NOISE = 1e-14  # eigenvalues smaller than this beside the largest are not told from 0


@final
@dataclass(frozen=True)
class Eclipse:
    """L² ≤ λ_max(W_K P_{K−1} W_Kᵀ) as for ECLipsE-Fast, with a multiplier for every neuron.

    ECLipsE of Xu & Sivaranjani (NeurIPS 2024, arXiv:2404.04375), with any two slopes per neuron: the multipliers of a
    layer are those of the least λ_max(W_{i+1} P_i W_{i+1}ᵀ), that is of LipSDP for the two matrices around it. They
    come from floats; P_i is enclosed from them as for ECLipsE-Fast (proofs/eclipse-fast.md). Valid on every domain,
    p = 2, ROUNDED, never looser than ECLipsE-Fast, and never tighter than LipSDP, which it equals for one hidden
    layer. Cost: a few dozen Newton steps per layer, each cubic in its width. `details` has the bound ‖P_i‖^½ of each
    hidden layer's neurons.
    """

    name: ClassVar[str] = "eclipse"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "some dozens of Newton steps per layer, each cubic in its width"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """ECLipsE-Fast's bounds, then the bound."""
        chain = links(problem.network)
        before = EclipseFast().run(problem, budget)
        return improved(self.name, before, budget, lambda: ellipsoids(chain, programmes(chain)))


def programmes(chain: tuple[Link, ...]) -> Step:
    """ECLipsE's step: the slopes that the neurons have anywhere, and the multipliers of the layer's programme."""

    def step(k: int, gram: Matrix, _: int) -> tuple[Link, Vector]:
        return chain[k], best_scales(gram, chain[k].low, chain[k].high, chain[k + 1].ball.mid)

    return step


def best_scales(gram: Matrix, low: Vector, high: Vector, following: Matrix) -> Vector:
    """The s of `passed` that make λ_max(W P Wᵀ) least for the matrix W behind the neurons, as floats find them.

    With y = G^½ z these are the multipliers T of LipSDP for G^½, the neurons and W: s_j² = 2 r_j² T_j / ρ.
    """
    scale = equal_scales(gram, low, high)
    try:
        eigenvalues, basis = np.linalg.eigh(gram)
    except np.linalg.LinAlgError:
        return scale
    kept = eigenvalues > _NOISE * max(float(eigenvalues[-1]), 0.0)
    if not kept.any():
        return scale
    n = len(gram)
    root = basis[:, kept] * np.sqrt(eigenvalues[kept])
    positions = np.arange(n)
    chain = Oriented((root, following), low, high, positions, 0, np.zeros(n, dtype=np.intp))
    found = Relaxation.root(chain, chain.settled).descend(chain, 0.0, _TOLERANCE, _STEPS)
    if not (0 < found.rho < math.inf and np.isfinite(found.multipliers).all()):
        return scale
    reach = half_widths(low, low / 2 + high / 2, high)[found.free]
    scale[found.free] = reach * np.sqrt(np.maximum(found.multipliers, 0.0) * (2 / found.rho))
    return scale
