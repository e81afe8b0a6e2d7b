"""A box around a bounded domain: each side proved by multipliers, as tight as the LP solver's hint makes it."""

from __future__ import annotations

import numpy as np
from flint import fmpq

from lipverify.domain import Ball, Box, Domain, Polytope
from lipverify.errors import UnsupportedDomain
from lipverify.geometry.lp import INF, LinearProgram, normalised
from lipverify.rationals import Never, farkas, fraction, rational
from lipverify.trusted.rounding import float_down, float_up


def enclosing_box(domain: Domain) -> Box:
    """A box that contains the domain: itself if it is one, else sides λ·b with λ ≥ 0 and Aᵀλ = ±e_j, rounded outward.

    Raises
    ------
    UnsupportedDomain
        When the domain is unbounded.
    """
    if isinstance(domain, Box):
        return domain
    if isinstance(domain, Ball):
        return domain.box
    if not isinstance(domain, Polytope):
        raise UnsupportedDomain(f"only a bounded domain lies in a box; got {domain}")
    rows = [[rational(-v) for v in row] for row in domain.A.tolist()]
    limits = [rational(v) for v in domain.b.tolist()]
    lower: list[float] = []
    upper: list[float] = []
    for j in range(domain.dimension):
        for sign, side in ((-1, lower), (1, upper)):
            form = [fmpq(sign * (i == j)) for i in range(domain.dimension)]
            answer = farkas(rows, form, _tight_rows(domain, j, sign))
            if not isinstance(answer, Never):
                raise UnsupportedDomain(f"only a bounded domain lies in a box; {domain} is unbounded in coordinate {j}")
            top = fraction(sum((x * limits[i] for i, x in answer.multipliers.items()), fmpq(0)))
            side.append(float_up(top) if sign > 0 else float_down(-top))
    return Box(lower, upper)


def _tight_rows(domain: Polytope, j: int, sign: int) -> list[int]:
    """The rows that a float solver believes to bound sign·x_j."""
    d = domain.dimension
    limits = np.append(np.full(d, INF), 1.0)
    program = LinearProgram(np.append(np.full(d, -INF), 1.0), limits)
    program.push(normalised(domain.rows(d)))
    form = np.zeros(d + 1)
    form[j] = sign
    optimum = program.maximise(form, np.ones(len(domain.b), dtype=np.int8))
    return [] if optimum is None else [int(i) for i in np.flatnonzero(optimum.row_duals)]
