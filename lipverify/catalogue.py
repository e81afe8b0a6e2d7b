"""The table of methods, and the only place where their defaults are composed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from lipverify.attacks.annealing import Annealing
from lipverify.attacks.ascent import Ascent
from lipverify.attacks.local_search import LocalSearch
from lipverify.attacks.sample import Sample
from lipverify.bound import Bound
from lipverify.company import accompanied
from lipverify.contract import bounds_of, require_method
from lipverify.errors import InvalidArgument
from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.best import Best
from lipverify.estimators.eclipse import Eclipse
from lipverify.estimators.eclipse_closed import EclipseClosed
from lipverify.estimators.eclipse_fast import EclipseFast
from lipverify.estimators.eclipse_gen_local import EclipseGenLocal
from lipverify.estimators.frobenius import Frobenius
from lipverify.estimators.geolip import GeoLip
from lipverify.estimators.joint_sdp import JointSDP
from lipverify.estimators.liplt import LipLT
from lipverify.estimators.lipsdp import LipSDP
from lipverify.estimators.local import Local
from lipverify.estimators.seqlip import SeqLip
from lipverify.estimators.seqlip_greedy import SeqLipGreedy
from lipverify.estimators.seqlip_joint import SeqLipJoint
from lipverify.estimators.seqlip_lbfgs import SeqLipLbfgs
from lipverify.estimators.seqlip_lowrank import SeqLipLowRank
from lipverify.estimators.seqlip_sdp import SeqLipSdp
from lipverify.fanout import ALONE, Team
from lipverify.listing import MethodInfo, Methods
from lipverify.problem import Budget, Method, Problem, Side, supports
from lipverify.relaxations.cutting import Triangles
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.solvers.apart import Apart
from lipverify.solvers.branch_and_bound.by_layers import CompiledEngines
from lipverify.solvers.branch_and_bound.checkpoint import Checkpoint
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from lipverify.solvers.branch_and_bound.slope_passes import SlopePasses
from lipverify.solvers.choice import choose, expected
from lipverify.solvers.enumeration import Enumeration
from lipverify.solvers.milp.method import Milp
from lipverify.solvers.parts import independent


def _enumeration() -> Method:
    return Enumeration(bound=AutoLip())


def _branch_and_bound() -> BranchAndBound:
    bounds = (SlopePasses(spectral=False), SplitSDP(cuts=Triangles()))
    return BranchAndBound(bounds, incumbent=LocalSearch(), ceiling=AutoLip(), engines=CompiledEngines())


def _milp() -> Method:
    return Milp(bound=AutoLip(), incumbent=LocalSearch(patience=20, points=1024, pairs=0, programs=1500))


METHODS: Mapping[str, Callable[[], Method]] = MappingProxyType(
    {
        "frobenius": Frobenius,
        "autolip": AutoLip,
        "liplt": LipLT,
        "seqlip": SeqLip,
        "seqlip-greedy": SeqLipGreedy,
        "lipsdp": LipSDP,
        "seqlip-joint": SeqLipJoint,
        "seqlip-lbfgs": SeqLipLbfgs,
        "seqlip-lowrank": SeqLipLowRank,
        "seqlip-sdp": SeqLipSdp,
        "eclipse-fast": EclipseFast,
        "eclipse-closed": EclipseClosed,
        "eclipse": Eclipse,
        "eclipse-gen-local": EclipseGenLocal,
        "geolip": GeoLip,
        "joint-sdp": JointSDP,
        "interval": lambda: Local("interval"),
        "crown": Local,
        "sample": Sample,
        "ascent": Ascent,
        "annealing": Annealing,
        "local-search": LocalSearch,
        "enumeration": _enumeration,
        "branch-and-bound": _branch_and_bound,
        "milp": _milp,
    }
)


SHARED = ("enumeration", "branch-and-bound")
"""The exact methods that other processes can take parts of, and that keep to the memory that they may have."""

SHORT = (
    "autolip",
    "liplt",
    "eclipse",
    "seqlip",
    "lipsdp",
    "seqlip-joint",
    "geolip",
    "crown",
    "sample",
    "local-search",
)
"""The best of each kind and cost class, the product that everybody knows and a plain sample: what `compare` asks where
it is not told."""


def write_program(problem: Problem, path: Path) -> None:
    """Write the program that "milp" solves to a .lp or .mps file.

    Raises
    ------
    InvalidArgument
        For another ending.
    """
    Milp().write(problem, path)


def methods() -> Methods:
    """The catalogue: every method by name, with its side, rigor, norms, domains and cost."""
    infos = []
    for name, make in METHODS.items():
        m = make()
        infos.append(MethodInfo(name, m.side, m.rigor, m.norms, m.needs_box, m.cost))
    return Methods(tuple(infos))


@dataclass(frozen=True)
class Choice:
    """A method, and how it is run.

    Attributes
    ----------
    method
        The method.
    reason
        Why it was taken where that was a choice; else nothing.
    company
        Upper and lower methods beside an exact one, the cheapest first.
    expected
        Seconds that it may take.
    """

    method: Method
    reason: str = ""
    company: tuple[Method, ...] = ()
    expected: float = math.inf

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The method's bounds, held to what it claims, and joined with those of its company."""
        if not self.company:
            return bounds_of(self.method, problem, budget)
        return accompanied(self.method, self.company, problem, budget, self.expected)


def resolve(
    method: str | Method,
    side: Side,
    problem: Problem,
    budget: Budget | None = None,
    checkpoint: Checkpoint | None = None,
    team: Team = ALONE,
) -> Choice:
    """The method object meant by a name, "auto", or an object, for one side and a budget.

    An exact method that is asked for by name has the cheap bounds for company. An object is run as it is: whoever made
    it has decided what it is composed of.

    Raises
    ------
    InvalidArgument
        When there is no such method, it works on another side, or it is to write checkpoints, or to share its work out,
        and cannot.
    """
    if checkpoint is not None:
        if method not in ("auto", BranchAndBound.name):
            raise InvalidArgument(f"checkpoints are written by {BranchAndBound.name!r}, not by {method!r}")
        return _in_company(replace(_branch_and_bound(), checkpoint=checkpoint, team=team), problem)
    seconds, memory = (math.inf, math.inf) if budget is None else (budget.seconds, budget.memory)
    if not team.alone or memory < math.inf:
        return _thrifty(method, problem, seconds, team)
    if not isinstance(method, str):
        return Choice(_on_side(require_method(method), side))
    if method == "auto":
        return _auto(side, problem, seconds)
    if method not in METHODS:
        known = ", ".join(name for name, make in METHODS.items() if make().side == side)
        raise InvalidArgument(f"there is no method {method!r}; the {side} methods are: auto, {known}")
    named = _on_side(METHODS[method](), side)
    if side != "exact":
        return Choice(named)
    counts_regions = isinstance(named, Enumeration)  # of the whole, by name
    return _in_company(named if counts_regions else _apart(named, problem), problem)


def expect_more(problem: Problem) -> None:
    """Begin to load what takes long to load for problems like this one: there will be others."""
    engines = CompiledEngines()
    if not engines.loaded() and engines.able(problem):
        engines.ready()


def _in_company(method: Method, problem: Problem, reason: str = "") -> Choice:
    company = (AutoLip(), EclipseFast(), Local(), LocalSearch(), *_everywhere(problem))
    parts = independent(problem)
    seconds = expected(method.name, parts.hardest if parts else problem)
    return Choice(method, reason, company, len(parts.parts) * seconds if parts else seconds)


def _apart(method: Method, problem: Problem) -> Method:
    """The method, on one part after the other where the problem has independent ones."""
    return Apart(method) if independent(problem) else method


_ABOUT_A_SECOND = 1.5e7  # outputs (p = 1: inputs) times the cube of what GeoLIP's matrices have for rows


def _everywhere(problem: Problem) -> tuple[Method, ...]:
    """The good upper methods that need no bounded domain, of those that support the problem, the cheapest first."""
    net, p = problem.network, problem.norm.p
    ends = (net.input_dim, net.output_dim) if p == 1 else (net.output_dim, net.input_dim)
    cheap = ends[0] * (net.neurons + ends[1]) ** 3 <= _ABOUT_A_SECOND
    methods: tuple[Method, ...] = (LipSDP(),) if p == 2 else (LipLT(), GeoLip()) if cheap else (LipLT(),)
    return tuple(method for method in methods if supports(method, problem))


def _auto(side: Side, problem: Problem, seconds: float) -> Choice:
    """What "auto" means: the search, the exact method that promises to be fastest, or the best of the good bounds."""
    if side == "lower":
        return Choice(LocalSearch())
    if side == "exact":
        parts = independent(problem)
        hardest = parts.hardest if parts else problem
        name, why = choose(hardest, seconds)
        words = f"{len(parts.parts)} independent parts; for the largest {why}" if parts else why
        return _in_company(_apart(METHODS[name](), problem), problem, words)
    able = (*_everywhere(problem), *(method for method in (Local(),) if supports(method, problem)))
    return Choice(Best(able) if len(able) > 1 else able[0] if able else AutoLip())


_ALONE = 2.0  # seconds that are not worth other processes


def _thrifty(method: str | Method, problem: Problem, seconds: float, team: Team) -> Choice:
    """An exact method that shares its work out and keeps to its memory; one that ends soon, if "auto" takes it, as it
    is. Who is alone takes independent parts one by one."""
    parts = independent(problem) if team.alone else None
    hardest = parts.hardest if parts else problem
    if isinstance(method, (Enumeration, BranchAndBound)):
        return Choice(replace(method, team=team))
    name, reason = method, ""
    if name == "auto":
        name, reason = choose(hardest, seconds)
        if name not in SHARED and expected(name, hardest) < _ALONE:
            return _in_company(_apart(METHODS[name](), problem), problem, reason)
        if name not in SHARED:
            name = min(SHARED, key=lambda name: expected(name, hardest))
            reason = f"{name} is shared out and keeps to its memory; otherwise {reason}"
    if not isinstance(name, str) or name not in SHARED:
        able = " and ".join(SHARED)
        raise InvalidArgument(f"one question is shared out, and kept to some memory, by {able} only; got {method!r}")
    made = METHODS[name]()
    assert isinstance(made, (Enumeration, BranchAndBound))
    shared = replace(made, team=team)
    return _in_company(Apart(shared) if parts and method != Enumeration.name else shared, problem, reason)


def _on_side(method: Method, side: Side) -> Method:
    if method.side != side:
        raise InvalidArgument(f"{method.name} is a method for lipverify.{method.side}, not for lipverify.{side}")
    return method
