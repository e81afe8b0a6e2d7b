"""Points of a box where the norm of the Jacobian is large: random moves that do not make it smaller, many at once."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Array, Bools, Vector
from lipverify.domain import Domain, Polytope
from lipverify.evaluate import jacobian, pattern
from lipverify.norms import operator_norm
from lipverify.problem import Problem
from lipverify.trusted.evidence import Space


def good_points(problem: Problem, space: Space, rounds: int, count: int, seed: int) -> Array:
    """The best points found, best first, shape (≤ count, d)."""
    rng = np.random.default_rng(seed)
    width = space.upper - space.lower
    x = space.lower + width * rng.uniform(size=(count, len(width)))
    x = x[_inside(problem.domain, x)]
    if not len(x):
        return x
    value = _norms(problem, x)
    for _ in range(rounds):
        step = width * 10.0 ** (-4 * rng.uniform(size=(len(x), 1))) * rng.normal(size=x.shape)
        some = rng.uniform(size=x.shape) < rng.choice([0.1, 0.3, 1.0], size=(len(x), 1))
        y = np.clip(x + step * some, space.lower, space.upper)
        there = _norms(problem, y)
        better = (there >= value) & _inside(problem.domain, y)
        x, value = np.where(better[:, None], y, x), np.where(better, there, value)
    return x[np.argsort(-value, kind="stable")]


def _inside(domain: Domain, x: Array) -> Bools:
    if isinstance(domain, Polytope):
        return np.asarray((x @ domain.A.T < domain.b).all(axis=1))
    return np.ones(len(x), dtype=bool)


def _norms(problem: Problem, x: Array) -> Vector:
    with np.errstate(all="ignore"):
        found = operator_norm(jacobian(problem.network, pattern(problem.network, x)), *problem.norm)
    return np.nan_to_num(found, nan=0.0, posinf=0.0)
