"""Satisfiability → LIP-CST: is the constant zero? No finite factor can be promised in polynomial time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import TypeAlias, final

import numpy as np

from lipverify.arrays import Point
from lipverify.bound import Bound
from lipverify.errors import InvalidArgument
from lipverify.hardness.reduction import ensure_reached, possible, region, require_size, settled, trusted
from lipverify.network import Network

Clause: TypeAlias = tuple[int, ...]
"""Non-zero integers: k for the variable k, −k for its negation."""


@final
@dataclass(frozen=True)
class Assignment:
    """A truth value for every variable, and whether it satisfies the formula (value 1) or not (value 0)."""

    values: Mapping[int, bool]
    value: Fraction


@final
@dataclass(frozen=True, eq=False)
class Satisfiability:
    """A formula and its network; made by `satisfiability`.

    Attributes
    ----------
    network, p
        L_p(network) > 0 iff the formula is satisfiable.
    variables
        The variables are 1 … variables.
    clauses
        Normalised: every clause has distinct variables, and no clause is always true.
    """

    network: Network
    p: float
    variables: int
    clauses: tuple[Clause, ...]

    def assignment(self, values: Mapping[int, bool]) -> Assignment:
        """An assignment with its value.

        Raises
        ------
        InvalidArgument
            When a variable has no value, or something else has.
        """
        expected = set(range(1, self.variables + 1))
        if set(values) != expected:
            odd = sorted(expected.symmetric_difference(values))[0]
            raise InvalidArgument(f"an assignment gives each of the variables 1 … {self.variables} a value; see {odd}")
        true = all(any(values[abs(x)] == (x > 0) for x in clause) for clause in self.clauses)
        return Assignment(MappingProxyType(dict(sorted(values.items()))), Fraction(int(true)))

    def interval(self, bound: Bound) -> tuple[Fraction, Fraction | float]:
        """0 and 1 stand for unsatisfiable and satisfiable; (0, 1) when the bound does not decide."""
        low, high = trusted(bound, 1)
        return Fraction(int(low > 0)), Fraction(int(high**self._root >= self._constant))

    def value(self, bound: Bound) -> Fraction:
        """1 when the formula is satisfiable, 0 when it is not; InvalidArgument when the bound does not decide."""
        return settled(self.interval(bound))

    def decode(self, bound: Bound) -> Assignment | None:
        """A satisfying assignment, checked on the formula; None when the bound proves that there is none.

        Raises
        ------
        InvalidArgument
            When the bound does not decide.
        """
        if not possible(self.interval(bound), "the formula is satisfiable"):
            return None
        positive = region(self.network, bound)[0][: self.variables]
        found = self.assignment({k + 1: on for k, on in enumerate(positive)})
        ensure_reached(found.value, Fraction(1), "assignment")
        return found

    def encode(self, solution: Assignment | Mapping[int, bool]) -> Point:
        """A point of the network at which the gradient is not zero.

        Raises
        ------
        InvalidArgument
            When the assignment does not satisfy the formula: no such point belongs to it.
        """
        given = self.assignment(solution.values if isinstance(solution, Assignment) else solution)
        if given.value == 0:
            raise InvalidArgument("the assignment does not satisfy the formula; no point of the network belongs to it")
        inside = 1 - Fraction(1, 4 * self.variables)  # beside ±1, where |x_i| − 1 changes sign
        return tuple(inside if on else -inside for on in given.values.values())

    def describe(self) -> str:
        """The problem, the network, and what their constants have to do with each other."""
        constant = {1: "1", 2: "√n"}.get(int(self.p) if self.p < math.inf else 0, "n")
        return (
            f"a formula with n = {self.variables} variables and {len(self.clauses)} clauses; "
            f"L = {constant} if it is satisfiable, else 0\n{self.network!r}"
        )

    @property
    def _root(self) -> int:
        return 2 if self.p == 2 else 1

    @property
    def _constant(self) -> int:
        """L (L² for p = 2) of a satisfiable formula."""
        return 1 if self.p == 1 else self.variables


def satisfiability(clauses: Iterable[Iterable[int]], p: float = 2, *, variables: int | None = None) -> Satisfiability:
    """The network of a formula in conjunctive normal form whose constant is 0 iff nothing satisfies it.

    Theorem (proofs/satisfiability.md). Let g(x) = ½ − Σ_i ||x_i| − 1| − Σ_C relu(1 − |C| − Σ_{ℓ∈C} ℓ(x)) over clauses
    with distinct variables, f = relu(g). If the formula is satisfiable then L_p(f) = n^(1−1/p), else f = 0
    (in Coq: Satisfiability.satisfiable_constants, Satisfiability.unsatisfiable_is_zero). So no
    polynomial algorithm approximates L within any finite factor, unless P = NP.

    Parameters
    ----------
    clauses
        Each of non-zero integers as in DIMACS files: k for variable k, −k for its negation. A literal that is repeated
        counts once; a clause with a variable and its negation is true and is left out. Any length will do.
    p
        1, 2 or inf.
    variables
        Their number, when it is more than the largest that occurs.

    Returns
    -------
    Satisfiability
        n inputs, hidden layers of 2n, 2n + (number of clauses) and 1 neurons, plain ReLU.

    Raises
    ------
    InvalidArgument
        For literals that are no non-zero integers, no variables at all, or another p.
    """
    if p not in (1, 2, math.inf):
        raise InvalidArgument(f"p must be 1, 2 or inf; got {p!r}")
    given = [_clause(clause) for clause in clauses]
    normal = tuple(c for c in dict.fromkeys(given) if not any(-x in c for x in c))
    largest = max((abs(x) for c in given for x in c), default=0)
    n = largest if variables is None else variables
    if n < max(largest, 1):
        raise InvalidArgument(f"a formula needs a variable, and variables ≥ {max(largest, 1)} here; got {n}")
    require_size(f"a formula with {n} variables and {len(normal)} clauses", (4 * n, n), (2 * n + len(normal), 2 * n))
    return Satisfiability(_network(n, normal), p, n, normal)


def _network(n: int, clauses: Sequence[Clause]) -> Network:
    eye = np.eye(n)
    split = np.vstack([eye, -eye])  # x⁺, x⁻; x = x⁺ − x⁻ and |x| = x⁺ + x⁻
    size = np.hstack([eye, eye])
    literals = np.zeros((len(clauses), n))
    for k, clause in enumerate(clauses):
        for x in clause:
            literals[k, abs(x) - 1] = np.sign(x)
    second = np.vstack([size, -size, np.hstack([-literals, literals])])
    shift = np.concatenate([-np.ones(n), np.ones(n), [1.0 - len(clause) for clause in clauses]])
    total = -np.ones((1, second.shape[0]))
    return Network([split, second, total, np.ones((1, 1))], [None, shift, [0.5], None])


def _clause(literals: Iterable[int]) -> Clause:
    found: list[int] = []
    for x in literals:
        if isinstance(x, bool) or not isinstance(x, (int, np.integer)) or x == 0:
            raise InvalidArgument(f"a literal is a non-zero integer, −k for the negation of k; got {x!r}")
        found.append(int(x))
    return tuple(sorted(set(found), key=lambda x: (abs(x), x)))
