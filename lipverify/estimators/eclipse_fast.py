"""ECLipsE-Fast: one ellipsoid carried from layer to layer, in closed form (Xu & Sivaranjani, NeurIPS 2024)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias, final

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
        upper, radii = ellipsoids(chain, closed_form(chain))
        yield Bound(
            method=self.name,
            status=Status.ONE_SIDED,
            upper=min(product, upper),
            upper_rigor=self.rigor,
            details=radii,
        )


def improved(
    name: str, before: Iterator[Bound], budget: Budget, better: Callable[[], tuple[float, tuple[float, ...]]]
) -> Iterator[Bound]:
    """The bounds of a cheaper method under another name, then the better one with its radii, if it is smaller."""
    best = Bound(method=name, status=Status.INTERRUPTED)
    for bound in before:
        best = replace(bound, method=name, status=Status.INTERRUPTED)
        yield best
        if budget.expired:
            yield best.stopped(Status.TIME_LIMIT)
            return
    upper, radii = better()
    if upper < best.upper:
        best = replace(best, upper=upper, details=radii)
    yield best.stopped(Status.ONE_SIDED)


Step: TypeAlias = Callable[[int, Matrix, int], tuple[Link, Vector]]
"""For layer k and a G with y yᵀ ⪯ 4^e G for its pre-activations y: the link with the slopes that they may have, and
the s of `passed`."""


def closed_form(chain: tuple[Link, ...]) -> Step:
    """ECLipsE-Fast's step: the slopes that the neurons have anywhere, one multiplier for those of a layer."""
    return lambda k, gram, _: (chain[k], equal_scales(gram, chain[k].low, chain[k].high))


def equal_scales(gram: Matrix, low: Vector, high: Vector) -> Vector:
    """The s of `passed`, one number for a layer of equal slopes, that make the two terms of P alike."""
    size = spectral_upper(Ball.exact(gram))
    if size == 0.0:
        return np.zeros(len(gram))
    middle = low / 2 + high / 2
    reach = half_widths(low, middle, high)
    total = reach + np.abs(middle)
    share = np.where(reach > 0, np.clip(reach / np.where(total > 0, total, 1.0), LEAST, MOST), 0.0)
    return np.sqrt(share / size)


def ellipsoids(chain: tuple[Link, ...], step: Step) -> tuple[float, tuple[float, ...]]:
    """A bound of the whole chain, and of the map from the inputs to each hidden layer's neurons."""
    shape, exponent = np.eye(chain[0].ball.shape[1]), 0
    radii: list[float] = []
    for k, own in enumerate(chain[:-1]):
        gram, gained = majorant(_image(own.ball, shape))
        exponent += own.exponent + gained // 2
        link, scale = step(k, gram, exponent)
        shape, gained = majorant(passed(gram, link.low, link.high, scale))
        exponent += link.shift + gained // 2
        radii.append(product_up([_root(shape)], exponent))
    last = chain[-1]
    gram, gained = majorant(_image(last.ball, shape))
    return product_up([_root(gram)], exponent + _exponent(last) + gained // 2), tuple(radii)


def passed(gram: Matrix, low: Vector, high: Vector, scale: Vector) -> Ball:
    """A P with v vᵀ ⪯ P for every v = diag(σ) y with y yᵀ ⪯ G and low ≤ σ ≤ high.

    P = diag(r/s)² + diag(m) (G + G S (I − S G S)⁻¹ S G) diag(m), for middles m, half-widths r and S = diag(s) ≥ 0. The
    s are free: made smaller where ‖S G S‖ would not be below 1, and not so small that a quotient could be lost.
    """
    top = float(np.diag(gram).max())
    if not top > 0.0:  # a majorant without a diagonal is 0
        return Ball.exact(np.zeros_like(gram))
    middle = low / 2 + high / 2
    reach = half_widths(low, middle, high)
    scale = np.where(reach > 0, np.maximum(scale, math.sqrt(LEAST / top)), 0.0)
    attained = math.inf
    for _ in range(2):
        through = Ball.exact(gram).scale_rows(scale)  # S G
        squeezed = through.T.scale_rows(scale)  # S G S
        attained = spectral_upper(squeezed)
        if not (1 + MOST) / 2 < attained < math.inf:
            break
        scale = scale * math.sqrt(MOST / attained)
    identity = np.eye(len(gram))
    if not attained < 1.0:  # only when a decomposition fails: v has at most the length that its slopes allow
        steepest = grown(float((reach + np.abs(middle)).max()), 4)
        return Ball.exact(up(grown(spectral_upper(Ball.exact(gram)) * steepest * steepest, 16)) * identity)
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
