"""Everything that the search and a solver start from: the program, and the means to see what its patterns are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lipverify.problem import Problem
from lipverify.solvers.milp.bound.lp import Relaxation
from lipverify.solvers.milp.encode.encoding import Encoding, Strength, encode
from lipverify.solvers.milp.encode.norm import ball_cut, ball_row
from lipverify.solvers.milp.search.regions import Regions

_ROUNDS = 40  # of ball cuts on the relaxation
_OUTSIDE = 0.01  # how far outside the ball the relaxation may stay


@dataclass(frozen=True)
class Prepared:
    """A problem's program, and what its patterns really are."""

    encoding: Encoding
    regions: Regions


def prepare(problem: Problem, strength: Strength, patience: float = math.inf) -> Prepared:
    """Encode a problem, with at most `patience` seconds for linear programs that only make the program tighter."""
    encoding = encode(problem, strength, patience)
    _trim_ball(encoding)
    return Prepared(encoding, Regions(problem, encoding.states))


def _trim_ball(encoding: Encoding) -> None:
    """Cut the test vector's cube down to a ball where the relaxation wants to leave it."""
    if encoding.ball is None:
        return
    model, relaxation = encoding.model, Relaxation(encoding.model)
    costs = model.target().costs
    for _ in range(_ROUNDS):
        point = relaxation.maximise(costs).point
        if point is None:
            return
        X = 2.0 * point[np.array(encoding.ball)]
        if np.linalg.norm(X, ord="nuc") <= 1 + _OUTSIDE:
            return
        row = ball_row(model, encoding.ball, ball_cut(X))
        model.rows.append(row)
        relaxation.add(row)
