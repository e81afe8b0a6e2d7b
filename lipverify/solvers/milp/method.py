"""The exact constant by mixed-integer programming: any norm pair, any domain, any solver that PuLP finds.

The program (`encoding`) is Jordan & Dimakis' (2020, arXiv:2003.01219) with exact cuts for patterns that are
no regions, more norms, and a homogeneous form for the whole space. The solver's bound, with an allowance for its
tolerances, is an upper bound as far as solvers can be trusted (NUMERICAL); the lower bound is the exact norm at a
verified witness. What is EXACT has been proved without the solver (`search`). Proof: proofs/milp.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, final

from lipverify.bound import Bound, Rigor
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.problem import Budget, Method, Problem, Side
from lipverify.solvers.milp.encode.encoding import Strength, encode
from lipverify.solvers.milp.run import Run


@final
@dataclass(frozen=True)
class Milp:
    """L by a mixed-integer program with one binary per undecided neuron, proved in rationals and safe floats.

    Cost: exponential in the undecided neurons. A search over the program's binaries of our own proves L (PROVED, status
    EXACT). If it has not ended after `head_start` seconds, a solver works beside it in a process of its own. The
    solver's bound may be the upper end from then on (NUMERICAL), and its patterns are handed to the search. If it
    fails, `details["failure"]` says how, and the search goes on. With `rel_gap` > 0 the first interval that is narrow
    enough is returned as CLOSED, with `exact_value` unset.

    Parameters
    ----------
    bound
        An upper method that gives the upper side to begin with; inf without one.
    incumbent
        A lower method that gives the first lower bound, and the solver's warm start.
    solver
        HiGHS, or CBC, SCIP, Gurobi, CPLEX where PuLP finds them.
    threads
        How many threads the solver may use, beside the search's one.
    strength
        Where the program's constants come from.
    patience
        The most seconds given to `incumbent`.
    head_start
        How many seconds the search has alone, of those after `bound` and `incumbent`; inf asks no solver.
    """

    bound: Method | None = None
    incumbent: Method | None = None
    solver: str = "HiGHS"
    threads: int = 1
    strength: Strength = field(default_factory=Strength)
    patience: float = 1.0
    head_start: float = 1.0

    name: ClassVar[str] = "milp"
    side: ClassVar[Side] = "exact"
    rigor: ClassVar[Rigor] = Rigor.PROVED
    norms: ClassVar[tuple[NormPair, ...]] = ALL_PAIRS
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "a mixed-integer program, exponential in the undecided neurons; any number of inputs"

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """The interval proved so far: by the estimates, and then by the search and the solver."""
        yield from Run(self, problem, budget).bounds()

    def write(self, problem: Problem, path: Path) -> None:
        """Write a problem's program to a .lp or .mps file; every variable's name says its layer and neuron.

        Raises
        ------
        InvalidArgument
            For another ending.
        """
        from lipverify.solvers.milp.external.pulp import Program

        Program(encode(problem, self.strength).model).write(path)
