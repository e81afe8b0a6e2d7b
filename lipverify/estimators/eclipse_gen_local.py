"""ECLipsE on a ball: every layer's ellipsoid says how far its neurons move, and so which of them are decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.bound import Bound, Rigor
from lipverify.domain import Ball, Box, Domain
from lipverify.estimators.chain import Link, links, product_up
from lipverify.estimators.eclipse import Eclipse, best_scales
from lipverify.estimators.eclipse_fast import Step, ellipsoids, improved
from lipverify.geometry.enclosing_box import enclosing_box
from lipverify.network import Network
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.decided import domain_ranges
from lipverify.relaxations.interval import Ranges, preactivation_ranges, slope_ranges
from lipverify.relaxations.layers import Layers
from lipverify.trusted.intervals import widened
from lipverify.trusted.rounding import half_widths, norm_up, square_root_up
from lipverify.trusted.scaling import outward


@final
@dataclass(frozen=True)
class EclipseGenLocal:
    """ECLipsE with the slopes that are met on a bounded domain.

    After ECLipsE-Gen-Local of Xu & Sivaranjani (arXiv:2510.05261): on a ball of radius δ around c, y_j stays within
    δ ‖∇y_j‖ of its value at c, and the layer's ellipsoid bounds ‖∇y_j‖² by G_jj. δ is a 2-norm: for a box it is the
    distance from its centre to a corner, √d times the radius of a cube. Here CROWN's ranges decide neurons as well.
    Valid on boxes, balls and bounded polytopes, p = 2, ROUNDED, never looser than ECLipsE. Cost: that of ECLipsE,
    twice, and of CROWN's ranges. `details` has the bound ‖P_i‖^½ of each hidden layer's neurons. Proof:
    proofs/eclipse-fast.md.
    """

    name: ClassVar[str] = "eclipse-gen-local"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = True
    cost: ClassVar[str] = "that of eclipse and of crown"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """ECLipsE's bounds, then the local one."""
        chain = links(problem.network)
        before = Eclipse().run(problem, budget)
        return improved(
            self.name, before, budget, lambda: ellipsoids(chain, _local(chain, problem.network, problem.domain))
        )


def _local(chain: tuple[Link, ...], net: Network, domain: Domain) -> Step:
    """The step that narrows a layer's slopes by its ellipsoid and by ranges."""
    layers = Layers.fused(net)
    ranges = domain_ranges(layers, domain)
    center, radius = _around(domain)
    at_center = preactivation_ranges(layers, center, center)

    def step(k: int, gram: Matrix, exponent: int) -> tuple[Link, Vector]:
        moved = [product_up([square_root_up(max(g, 0.0)), radius], exponent) for g in np.diag(gram).tolist()]
        low, high = widened(at_center.low[k], at_center.high[k], np.array(moved), np.array(moved))
        low, high = np.maximum(low, ranges.low[k]), np.minimum(high, ranges.high[k])
        link = _narrowed(chain[k], layers, k, low, high)
        return link, best_scales(gram, link.low, link.high, chain[k + 1].ball.mid)

    return step


def _narrowed(link: Link, layers: Layers, k: int, low: Vector, high: Vector) -> Link:
    """A link whose neurons have the slopes that they have for pre-activations between limits."""
    alone = Layers(layers.layers[k : k + 2], layers.slopes[k : k + 1])
    slopes = slope_ranges(alone, Ranges((low,), (high,)))
    below, above, shift = outward(slopes.low[0], slopes.high[0])
    return replace(link, low=below, high=above, shift=shift)


def _around(domain: Domain) -> tuple[Vector, float]:
    """A 2-ball that holds a bounded domain: its own, or that of the box around it."""
    if isinstance(domain, Ball):
        return domain.center, domain.radius
    box: Box = enclosing_box(domain)
    center = box.lower / 2 + box.upper / 2
    return center, norm_up(half_widths(box.lower, center, box.upper))
