"""The joint moment relaxation: points and gradients in one semidefinite programme, which so sees the biases."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import MappingProxyType
from typing import Any, ClassVar, final

import numpy as np
from scipy.sparse import coo_array

from lipverify.arrays import Signs
from lipverify.bound import Bound, Rigor, Status
from lipverify.domain import Everywhere
from lipverify.errors import InvalidArgument, LipverifyError
from lipverify.estimators.chain import root_up
from lipverify.estimators.lipsdp import LipSDP
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.rationals import near_floats
from lipverify.relaxations.decided import decided_signs
from lipverify.relaxations.joint import JointForms, Multipliers, joint_forms
from lipverify.relaxations.split import Oriented
from lipverify.trusted.semidefinite import is_positive_exact
from lipverify.watch import tick

_MARGINS = (1e-8, 1e-6, 1e-4, 1e-2)
_LIMITS: Mapping[str, str] = MappingProxyType({"CLARABEL": "time_limit", "SCS": "time_limit_secs"})


@final
@dataclass(frozen=True)
class JointSDP:
    """L² ≤ ρ for the least ρ at which multipliers for products of points and gradients make a matrix ⪰ 0.

    To the products of LipSDP, which say how a gradient passes a neuron, come those that say how a point passes it, that
    both are on the same side, and that products of two numbers ≥ 0 are ≥ 0. So it sees biases and domains, and which
    patterns have no region, where no diagonal multiplier does. Written down in cvxpy, for people who model there; the
    multipliers come from one of its solvers and nothing else does: the bound is proved from them in rational
    arithmetic. Valid on every domain, p = 2, ROUNDED (as the ranges that decide neurons are), never looser than LipSDP.
    Cost: a semidefinite programme in 2n + d + 1 coordinates with some 8n² multipliers, so for small networks with one
    output; of others the bound is that of LipSDP. Needs cvxpy: `pip install 'lipverify[sdp]'`. Proof: proofs/joint.md.

    Attributes
    ----------
    solver
        One of `cvxpy.installed_solvers()` that solves semidefinite programmes.
    options
        What else `cvxpy.Problem.solve` is given.
    largest
        The most coordinates for which the programme is set up.
    """

    solver: str = "CLARABEL"
    options: Mapping[str, Any] = field(default_factory=dict)
    largest: int = 48

    name: ClassVar[str] = "joint-sdp"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a semidefinite programme of twice as many coordinates as neurons (needs cvxpy)"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """LipSDP's bounds, then the bound.

        Raises
        ------
        LipverifyError
            Where cvxpy is not installed.
        InvalidArgument
            For a solver that it does not have.
        """
        cvxpy = _cvxpy(self.solver)
        best = Bound(method=self.name, status=Status.INTERRUPTED)
        status = Status.ONE_SIDED
        for bound in LipSDP().run(problem, budget):
            best = Bound(method=self.name, status=Status.INTERRUPTED, upper=bound.upper, upper_rigor=bound.upper_rigor)
            status = bound.status
            yield best
        signs = _signs(problem)
        ready = status is Status.ONE_SIDED and 0 < best.upper < math.inf
        if not ready or not self._fits(problem, int((signs == 0).sum())):
            yield best.stopped(status)
            return
        forms = joint_forms(problem.network, problem.domain, signs, best.upper)
        stats = {"coordinates": forms.size, "products": forms.left.nrows() + forms.positive.nrows() ** 2 // 2}
        for margin in _MARGINS:
            tick()
            if budget.expired:
                status = Status.TIME_LIMIT
                break
            found = _multipliers(cvxpy, forms, self, margin, budget.remaining)
            if found is not None and is_positive_exact(forms.matrix(found)):
                upper = min(best.upper, root_up(found.square, forms.exponent))
                best = replace(best, upper=upper, stats={**stats, "margin": margin})
                break
        yield best.stopped(status)

    def _fits(self, problem: Problem, undecided: int) -> bool:
        net = problem.network
        if not net.is_scalar or not undecided:
            return False
        inputs = min(net.input_dim, net.hidden[0]) if isinstance(problem.domain, Everywhere) else net.input_dim
        return inputs + 1 + 2 * undecided <= self.largest


def _signs(problem: Problem) -> Signs:
    """Of the neurons whose slope is known everywhere on the domain, or does not matter, layer by layer."""
    decided = decided_signs(problem.network, problem.domain)
    chain = Oriented.of(problem.network)
    settled = np.zeros_like(decided)
    settled[chain.order] = chain.settled
    return np.where(decided != 0, decided, settled)


def _cvxpy(solver: str) -> Any:
    """The module cvxpy, which has the solver."""
    try:
        cvxpy = import_module("cvxpy")
    except ImportError as error:
        raise LipverifyError(
            "joint-sdp models with cvxpy, which is not installed: pip install 'lipverify[sdp]'"
        ) from error
    known = cvxpy.installed_solvers()
    if solver not in known:
        raise InvalidArgument(f"cvxpy has no solver {solver!r} here; it has {', '.join(known)}")
    return cvxpy


def _multipliers(cvxpy: Any, forms: JointForms, method: JointSDP, margin: float, seconds: float) -> Multipliers | None:
    """What the solver says, made ≥ 0 where that is asked; None where it says nothing.

    Z is asked to be so far inside the cone that what the solver's tolerances hide does not matter.
    """
    floats = [near_floats(m) for m in (forms.scale, forms.gradient, forms.left, forms.right, forms.positive)]
    if not all(np.isfinite(m).all() for m in floats):
        return None
    scale, gradient, left, right, positive = floats
    m = len(positive)
    first, second = np.triu_indices(m, 1)
    places = (np.full(len(first), 0.5), (first * m + second, np.arange(len(first))))
    spread = coo_array(places, shape=(m * m, len(first)))
    square, equal = cvxpy.Variable(), cvxpy.Variable(len(left))
    products = cvxpy.Variable(len(first), nonneg=True)
    upper = cvxpy.reshape(spread @ products, (m, m), order="C")
    halves = left.T @ cvxpy.diag(equal / 2) @ right
    with np.errstate(over="ignore", invalid="ignore"):
        unit, fixed = scale.T @ scale, gradient.T @ gradient + margin * np.eye(forms.size)
    if not (np.isfinite(unit).all() and np.isfinite(fixed).all()):
        return None
    Z = square * unit - halves - halves.T - positive.T @ (upper + upper.T) @ positive - fixed
    programme = cvxpy.Problem(cvxpy.Minimize(square), [Z >> 0])
    limit = {_LIMITS[method.solver]: seconds} if method.solver in _LIMITS and seconds < math.inf else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what it thinks of its accuracy: nothing rests on it
        try:
            programme.solve(solver=method.solver, **{**limit, **method.options})
        except cvxpy.SolverError:
            return None
    values = [v.value for v in (square, equal, products)]
    if any(v is None or not np.isfinite(v).all() for v in values):
        return None
    half = np.zeros((m, m))
    half[first, second] = np.maximum(products.value, 0.0) / 2
    return Multipliers(float(square.value), np.array(equal.value), half + half.T)
