"""Lower bounds from points that the user gives: the largest Jacobian norm on a data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Bools, Matrix, frozen
from lipverify.attacks.points import normalised
from lipverify.attacks.proposals import Proposals
from lipverify.attacks.sample import batch_size, jacobian_norms
from lipverify.bound import Bound, Rigor, Status
from lipverify.domain import Ball, Box, Domain, Polytope
from lipverify.errors import InvalidArgument
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Problem, Side

NEAR = 1e-9  # relative: floats are trusted to tell a point from a facet beyond this


@final
@dataclass(frozen=True, eq=False)
class Dataset:
    """L ≥ max ‖J(x)‖ over given points x: the "dataset" column of arXiv:1805.10965.

    Norms in float batches; the largest is certified in exact arithmetic, so the bound is PROVED
    (proofs/witness.md). A point on a kink, or on the domain's boundary, has no Jacobian to speak of and counts
    for nothing: `stats["skipped"]` says how many were passed over before one was certified. Any pair of norms.

    Parameters
    ----------
    points
        Shape (N, d), N ≥ 1, finite, all of them in the domain.

    Raises
    ------
    InvalidArgument
        For other shapes or entries; and, when it is run, for points of another dimension than the network's
        inputs, or outside the domain.
    """

    points: Matrix

    name: ClassVar[str] = "dataset"
    side: ClassVar[Side] = "lower"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "one Jacobian per point"

    def __init__(self, points: npt.ArrayLike) -> None:
        try:
            array = frozen(points)
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"points are not an array of real numbers: {error}") from error
        if array.ndim != 2 or 0 in array.shape:
            raise InvalidArgument(f"points have shape {array.shape}; expected (N, d) with N ≥ 1, one point per row")
        for k, i in np.argwhere(~np.isfinite(array)):
            raise InvalidArgument(f"points[{k}, {i}] is {array[k, i]}; points must be finite")
        object.__setattr__(self, "points", array)

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The best of every batch, then the next best while those lie on boundaries."""
        net, points = normalised(problem.network), self.points
        if points.shape[1] != net.input_dim:
            raise InvalidArgument(f"points have {points.shape[1]} coordinates; the network has {net.input_dim} inputs")
        outside = _outside(problem.domain, points)
        if outside.any():
            raise InvalidArgument(
                f"{int(outside.sum())} of {len(points)} points lie outside the domain ({problem.domain}), the first is "
                f"points[{int(outside.argmax())}]; leave them out, or widen the domain"
            )
        proposals = Proposals(problem, self.name)
        size = batch_size(net)
        pieces = [slice(at, at + size) for at in range(0, len(points), size)]
        values = np.concatenate([jacobian_norms(net, points[piece], problem.norm) for piece in pieces])
        skipped = 0
        for k in np.argsort(-values, kind="stable"):
            if proposals.offer(points[k].tolist()):
                break
            skipped += 1
            yield proposals.bound(Status.INTERRUPTED, points=len(points), skipped=skipped)
            if budget.expired:
                yield proposals.bound(Status.TIME_LIMIT, points=len(points), skipped=skipped)
                return
        yield proposals.bound(Status.ONE_SIDED, points=len(points), skipped=skipped)


def _outside(domain: Domain, points: Array) -> Bools:
    """Which points are not in the closed domain, shape (N,), decided exactly."""
    if isinstance(domain, Box):
        return np.asarray(((points < domain.lower) | (points > domain.upper)).any(axis=1))
    outside = np.zeros(len(points), dtype=bool)
    if isinstance(domain, Ball):
        limit, center = Fraction(domain.radius) ** 2, [Fraction(c) for c in domain.center.tolist()]
        for k, point in enumerate(points.tolist()):
            outside[k] = sum((Fraction(x) - c) ** 2 for x, c in zip(point, center, strict=True)) > limit
    if not isinstance(domain, Polytope):
        return outside
    with np.errstate(all="ignore"):
        excess = points @ domain.A.T - domain.b
        size = np.abs(points) @ np.abs(domain.A.T) + np.abs(domain.b)
        unclear = ~(excess < -NEAR * size)
    for k, j in np.argwhere(unclear):
        terms = zip(domain.A[j].tolist(), points[k].tolist(), strict=True)
        outside[k] |= sum(Fraction(a) * Fraction(x) for a, x in terms) > Fraction(float(domain.b[j]))
    return outside
