"""Closed forms for ECLipsE's multipliers, a few for every layer, of which the best one is taken."""

from __future__ import annotations

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
from lipverify.trusted.rounding import half_widths, quiet
from lipverify.watch import tick

_WIDER = (1.01, 1.3, 1.7, 2.5)  # how far beyond what positive definiteness asks for


@final
@dataclass(frozen=True)
class EclipseClosed:
    """L² ≤ λ_max(W_K P_{K−1} W_Kᵀ) as for ECLipsE-Fast, with multipliers from norms, row sums and diagonals.

    After Syed & Hu, *Improved scalable Lipschitz bounds for deep neural networks* (arXiv:2503.14297): every diagonal
    D ≻ G is a feasible multiplier, and ECLipsE-Fast's is a multiple of the identity. Here D is a multiple of the norm,
    of the absolute row sums, or of the diagonal, or the diagonal and a multiple of the norm of what is beside it; for
    any two slopes per neuron, and for each layer that which makes the next layer's image least. Floats choose; P_i is
    enclosed as for ECLipsE-Fast (proofs/eclipse-fast.md). Valid on every domain, p = 2, ROUNDED, never looser than
    ECLipsE-Fast. `details` has the bound ‖P_i‖^½ of each hidden layer's neurons.
    """

    name: ClassVar[str] = "eclipse-closed"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "some twenty matrix inverses per layer"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """ECLipsE-Fast's bounds, then the bound."""
        chain = links(problem.network)
        return improved(
            self.name, EclipseFast().run(problem, budget), budget, lambda: ellipsoids(chain, closed_forms(chain))
        )


def closed_forms(chain: tuple[Link, ...]) -> Step:
    """The step that tries all of them."""

    def step(k: int, gram: Matrix, _: int) -> tuple[Link, Vector]:
        link, following = chain[k], chain[k + 1].ball.mid
        scales = candidates(gram, link.low, link.high)
        values = [reached(gram, link.low, link.high, scale, following) for scale in scales]
        return link, scales[int(np.argmin(values))]

    return step


@quiet
def candidates(gram: Matrix, low: Vector, high: Vector) -> list[Vector]:
    """Diagonals s with S⁻² ⪰ G, for the theorem of proofs/eclipse-fast.md: ECLipsE-Fast's first."""
    found = [equal_scales(gram, low, high)]
    diagonal = np.diag(gram)
    rows, size = np.abs(gram).sum(axis=1), np.linalg.norm(gram, 2)
    rest = np.linalg.norm(gram - np.diag(diagonal), 2)
    roots = np.sqrt(np.maximum(diagonal, 0.0))
    even = _inverse(roots)
    scaled = np.linalg.norm(even[:, None] * gram * even, 2)
    for wider in _WIDER:
        for square in (wider * rows, diagonal + wider * rest, wider * scaled * diagonal, wider * size + 0 * diagonal):
            found.append(_inverse(np.sqrt(np.maximum(square, 0.0))))
    return found


@quiet
def reached(gram: Matrix, low: Vector, high: Vector, scale: Vector, following: Matrix) -> float:
    """About λ_max(W P Wᵀ) for the P that the scales give and the matrix behind it; inf where they give none."""
    tick()
    middle = low / 2 + high / 2
    spread = half_widths(low, middle, high)
    scale = np.where(spread > 0, scale, 0.0)
    root = np.eye(len(gram)) - scale[:, None] * gram * scale
    through = scale[:, None] * gram
    try:
        wider = gram + through.T @ np.linalg.solve(root, through)
        shape = middle[:, None] * wider * middle
        shape[np.diag_indices_from(shape)] += (spread * _inverse(scale)) ** 2
        eigenvalues = np.linalg.eigvalsh(root)[:1], np.linalg.eigvalsh(following @ shape @ following.T)[-1:]
    except np.linalg.LinAlgError:
        return np.inf
    least, most = float(eigenvalues[0][0]), float(eigenvalues[1][0])
    return most if least > 0 and np.isfinite(most) else np.inf


def _inverse(values: Vector) -> Vector:
    """1/x, and 0 for 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
