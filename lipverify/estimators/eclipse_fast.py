"""ECLipsE-Fast: one ellipsoid carried from layer to layer, in closed form (Xu & Sivaranjani, NeurIPS 2024)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.chain import Link, links, product_up
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.trusted.balls import Ball
from lipverify.trusted.rounding import grown, half_widths, norm_up, sum_error, up, upper
from lipverify.trusted.spectral.certifier import spectral_upper

LEAST, MOST = 2.0**-60, 1 - 2.0**-20  # of a share c: no quotient underflows, and I − S G S stays positive definite


@final
@dataclass(frozen=True)
class EclipseFast:
    """L² ≤ λ_max(W_K P_{K−1} W_Kᵀ), with P_i such that v_i lies in the ellipsoid {P_i^½ z : ‖z‖ ≤ ‖x‖}.

    ECLipsE-Fast of arXiv:2404.04375 (its X_i is P_i⁻¹), with any two slopes per neuron. P_i comes from P_{i−1} by
    one multiplier per layer in closed form, and each step is enclosed in balls (proofs/eclipse-fast.md).
    Valid on every domain, p = 2, ROUNDED, never looser than AutoLip; one matrix inverse per layer.
    `details` has the bound ‖P_i‖^½ of each hidden layer's neurons.
    """

    name: ClassVar[str] = "eclipse-fast"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a matrix inverse per layer"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The product of norms, then the bound."""
        chain = links(problem.network)
        product = product_up([link.norm(EUCLIDEAN[0]) for link in chain], sum(_exponent(link) for link in chain))
        yield Bound(method=self.name, status=Status.INTERRUPTED, upper=product, upper_rigor=self.rigor)
        upper, radii = ellipsoids(chain)
        yield Bound(
            method=self.name,
            status=Status.ONE_SIDED,
            upper=min(product, upper),
            upper_rigor=self.rigor,
            details=radii,
        )


def ellipsoids(chain: tuple[Link, ...]) -> tuple[float, tuple[float, ...]]:
    """A bound of the whole chain, and of the map from the inputs to each hidden layer's neurons."""
    shape, exponent = np.eye(chain[0].ball.shape[1]), 0
    radii: list[float] = []
    for link in chain[:-1]:
        gram, gained = majorant(_image(link.ball, shape))
        shape, more = majorant(passed(gram, link.low, link.high))
        exponent += _exponent(link) + (gained + more) // 2
        radii.append(product_up([_root(shape)], exponent))
    last = chain[-1]
    gram, gained = majorant(_image(last.ball, shape))
    return product_up([_root(gram)], exponent + _exponent(last) + gained // 2), tuple(radii)


def passed(gram: Matrix, low: Vector, high: Vector) -> Ball:
    """A P with v vᵀ ⪯ P for every v = diag(σ) y with y yᵀ ⪯ G and low ≤ σ ≤ high.

    P = diag(r/s)² + diag(m) (G + G S (I − S G S)⁻¹ S G) diag(m), for middles m, half-widths r and S = diag(s), where
    the s, one number for a layer of equal slopes, make the two terms alike.
    """
    size = spectral_upper(Ball.exact(gram))
    if size == 0.0:
        return Ball.exact(np.zeros_like(gram))
    middle = low / 2 + high / 2
    reach = half_widths(low, middle, high)
    total = reach + np.abs(middle)
    share = np.where(reach > 0, np.clip(reach / np.where(total > 0, total, 1.0), LEAST, MOST), 0.0)
    scale = np.sqrt(share / size)
    through = Ball.exact(gram).scale_rows(scale)  # S G
    squeezed = through.T.scale_rows(scale)  # S G S
    attained = spectral_upper(squeezed)
    if attained >= 1.0:  # only when a decomposition fails: v has at most the length that its slopes allow
        return Ball.exact(up(grown(size * float(total.max()) ** 2, 16)) * np.eye(len(gram)))
    identity = np.eye(len(gram))
    inverse = np.asarray(np.linalg.inv(identity - squeezed.mid), dtype=np.float64)
    left = Ball.exact(identity) + Ball(-squeezed.mid, squeezed.rad)
    residual = left @ Ball.exact(inverse) + Ball.exact(-identity)
    error = up(grown(norm_up(residual.magnitude()) / (1 - attained), 4))
    inner = Ball.exact(inverse) + Ball(np.zeros(gram.shape), error * identity)
    wider = Ball.exact(gram) + through.T @ (inner @ through)
    centred = wider.scale_rows(middle).T.scale_rows(middle)
    spread = np.divide(reach, scale, out=np.zeros_like(reach), where=scale > 0)
    return centred + Ball.exact(np.diag(np.where(spread > 0, upper(spread * spread, 12), 0.0)))


def majorant(ball: Ball) -> tuple[Matrix, int]:
    """(M, e), e even, with 2^e M ⪰ (X + Xᵀ)/2 for every X in the ball, and entries of M of magnitude about 1."""
    top = float(ball.magnitude().max())
    if top == 0.0:
        return ball.mid, 0
    exponent = max(math.frexp(top)[1], -1000)
    exponent += exponent % 2
    scaled = ball.scale_rows(np.full(ball.shape[0], 2.0**-exponent))
    mid = scaled.mid / 2 + scaled.mid.T / 2
    doubt = upper(scaled.rad + scaled.rad.T + sum_error(np.abs(mid), 4), 4)
    return mid + up(norm_up(doubt) + sum_error(float(np.abs(mid).max()), 4)) * np.eye(len(mid)), exponent


def _image(ball: Ball, shape: Matrix) -> Ball:
    """W P Wᵀ for every W in the ball."""
    return ball @ (Ball.exact(shape) @ ball.T)


def _root(shape: Matrix) -> float:
    return up(math.sqrt(spectral_upper(Ball.exact(shape))))


def _exponent(link: Link) -> int:
    return link.exponent + link.shift
