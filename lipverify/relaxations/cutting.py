"""Rounds of cuts for a node of the split-conditioned SDP that would otherwise be branched on (proofs/cuts.md)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np

from lipverify.arrays import Indices, Matrix, Vector
from lipverify.relaxations.cuts import Cuts, extended, scales, usable, violated
from lipverify.relaxations.sdp import Relaxation
from lipverify.relaxations.smoothing import Dual, Smoothed
from lipverify.relaxations.split import Forms, Oriented

_SLACK = 1e-12  # of the bound, by which what goes back from signs to neurons is kept feasible
_ACTIVE = 1e-6  # of the bound: cuts with a multiplier below it are dropped


@final
@dataclass(frozen=True)
class Triangles:
    """When to look for violated triangle inequalities, and how many to keep.

    Attributes
    ----------
    rounds
        Rounds of a node at most.
    added
        Cuts added in a round, for every undecided neuron.
    extended
        Longer ones added, likewise.
    sources
        Cuts that these are looked for from, likewise: those of the greatest multipliers.
    longest
        Neurons of a cut at most, the constant counted: 3 for triangles, 5 for pentagonal ones, 7 for heptagonal ones.
    least
        The least violation, in ±1 variables.
    gain
        The share of the way to the target that a round must go.
    smoothing
        The error that smoothing may make, as a share of the way to the target.
    steps
        Evaluations of a round.
    finest
        The least of these errors, as a share of the target.
    fewest, widest
        Between so many undecided neurons cuts are begun with: fewer are branched on sooner, more take too long.
    promise
        The share of the way to the target that the first node's rounds must go, or nothing is cut any more.
    """

    rounds: int = 8
    added: float = 3.0
    extended: float = 2.0
    sources: float = 4.0
    longest: int = 7
    least: float = 0.02
    gain: float = 0.1
    smoothing: float = 1.0
    steps: int = 80
    finest: float = 1e-4
    fewest: int = 40
    widest: int = 200
    promise: float = 0.5

    def open(self, chain: Oriented) -> OpenTriangles | None:
        """The rounds for a chain of one hidden layer with a scalar end; None for others."""
        c = scales(chain)
        return None if c is None or len(chain.layers) != 1 else OpenTriangles(self, chain, c)


@final
class OpenTriangles:
    """`Triangles` for one chain: mutable, since what does not pay is not asked again."""

    def __init__(self, options: Triangles, chain: Oriented, c: Vector) -> None:
        self._options, self._chain, self._c = options, chain, c
        self._hopeless = False
        self._tried = False

    def inherit(self, relaxation: Relaxation, target: float) -> Relaxation:
        """The child of a node with cuts: these, with multipliers of its own."""
        with np.errstate(all="ignore"):  # what overflows here is not certified later
            return self._rounds(relaxation, target, 0)

    def tighten(self, relaxation: Relaxation, target: float) -> Relaxation:
        """Add cuts, round after round, where that may close the node; the same relaxation where it will not."""
        free = relaxation.free
        fit = self._options.fewest <= len(free) <= self._options.widest or relaxation.cuts is not None
        if self._hopeless or not fit or not 0 < target < relaxation.rho or not usable(self._c[free]).all():
            return relaxation
        with np.errstate(all="ignore"):
            found = self._rounds(relaxation, target, self._options.rounds)
        gone = (relaxation.rho - found.rho) / (relaxation.rho - target)
        self._hopeless = not self._tried and gone < self._options.promise
        self._tried = True
        return relaxation if self._hopeless else found

    def _rounds(self, relaxation: Relaxation, target: float, rounds: int) -> Relaxation:
        options, node = self._options, _Node(self._chain, self._c, relaxation, target)
        diagonal, weights, cuts = node.start(relaxation)
        if not (np.isfinite(node.Q).all() and np.isfinite(diagonal).all()):
            return relaxation
        best, held, steps, scores = relaxation.rho / node.unit, None, 0, relaxation.scores
        for k in range(rounds + 1):  # at first with the cuts that there are
            smoothed = Smoothed(node.Q, node.signed(cuts), node.size)
            error = options.smoothing * max(best / node.size - 1, options.finest)
            diagonal, weights, S = smoothed.minimise(diagonal, weights, 2 * error / node.size, options.steps)
            steps += smoothed.steps
            before, found = best, smoothed.best
            if found is not None and found.bound < best:
                best, held = found.bound, (cuts, found)
                scores = node.scores(S)
            if best <= node.size or k == rounds or (k and before - best < options.gain * (before - node.size)):
                break
            heaviest = np.argsort(-weights, kind="stable")[: int(options.sources * node.size)]
            fresh = self._fresh(node, S, cuts.chosen(heaviest), relaxation)
            cuts, weights = _joined(cuts, weights, fresh)
        if held is None or (relaxation.cuts is None and not len(held[0])):
            return replace(relaxation, scores=scores, steps=steps) if relaxation.cuts is not None else relaxation
        return node.back(*held, scores, steps)

    def _fresh(self, node: _Node, S: Matrix, tight: Cuts, relaxation: Relaxation) -> Cuts:
        """Violated triangles, and what follows from cuts that are tight."""
        options, width = self._options, len(self._c)
        found = violated(S, relaxation.signs, width, int(options.added * node.size), options.least)
        rows = node.signed(tight)
        small = (np.abs(rows).max(axis=1, initial=0) == 1) & ((rows != 0).sum(axis=1) < options.longest)
        most = int(options.extended * node.size)
        return found.and_(extended(S, rows[small], relaxation.signs, width, most, options.least))


def _joined(cuts: Cuts, weights: Vector, fresh: Cuts) -> tuple[Cuts, Vector]:
    """Cuts that have a multiplier, and new ones that are not among them."""
    kept = np.flatnonzero(weights > _ACTIVE)
    cuts, weights = cuts.chosen(kept), weights[kept]
    known = {(b.tobytes(), k) for b, k in zip(cuts.coefficients, cuts.offsets.tolist(), strict=True)}
    pairs = zip(fresh.coefficients, fresh.offsets.tolist(), strict=True)
    new = fresh.chosen(np.array([i for i, (b, k) in enumerate(pairs) if (b.tobytes(), k) not in known], dtype=np.intp))
    return cuts.and_(new), np.concatenate([weights, np.zeros(len(new))])


@final
class _Node:
    """The forms of a node in signs: z = P s with z = (v₀, u), u_i = c_i (s₀ + s_i)/2.

    Everything is divided by `unit`, so that a bound of N is the target.
    """

    def __init__(self, chain: Oriented, c: Vector, relaxation: Relaxation, target: float) -> None:
        forms = Forms.of(chain, relaxation.signs)
        self.size = len(forms.gram)
        self.unit = target / self.size if target > 0 else relaxation.rho / self.size
        self._signs, self._layer, self._c = relaxation.signs, c, c[forms.free]
        P = np.zeros((self.size, self.size))
        at = np.arange(1, self.size)
        P[0, 0] = 1.0
        P[at, at] = P[at, 0] = self._c / 2
        self.Q: Matrix = P.T @ forms.gram @ P / self.unit

    def signed(self, cuts: Cuts) -> Indices:
        """b over (s₀, s of the undecided neurons), shape (K, N); zeros where too little is left to be of use."""
        b = cuts.coefficients.astype(np.int64)
        signs = self._signs
        first = b.sum(axis=1) - 1 - 2 * cuts.offsets + b @ signs
        found = np.column_stack([first, b[:, signs == 0]])
        found[(found != 0).sum(axis=1) < 3] = 0
        return found

    def start(self, relaxation: Relaxation) -> tuple[Vector, Vector, Cuts]:
        """λ, μ and the cuts of a relaxation."""
        cuts = relaxation.cuts or Cuts.none(len(self._layer))
        nu, squares = relaxation.weights / self.unit, self.signed(cuts).astype(np.float64) ** 2
        t = relaxation.multipliers * self._c**2 / (2 * self.unit)
        first = relaxation.rho / self.unit - t.sum() - (nu * (squares[:, 0] - 1)).sum() / 4
        diagonal = np.append(first, t - nu @ squares[:, 1:] / 4)
        some = np.flatnonzero(squares.any(axis=1))
        return diagonal, nu[some] / 2, cuts.chosen(some)

    def back(self, cuts: Cuts, dual: Dual, scores: Matrix, steps: int) -> Relaxation:
        """The relaxation of λ and μ; the inverse of `start`."""
        some = np.flatnonzero(dual.weights > 0)
        cuts, nu = cuts.chosen(some), 2 * dual.weights[some]
        squares = self.signed(cuts).astype(np.float64) ** 2
        diagonal = dual.diagonal + _SLACK * self.size
        t = diagonal[1:] + nu @ squares[:, 1:] / 4
        rho = diagonal[0] + t.sum() + (nu * (squares[:, 0] - 1)).sum() / 4
        multipliers = 2 * t * self.unit / self._c**2
        unit = self.unit
        return Relaxation(
            self._signs, float(rho * unit), multipliers, float(unit), np.inf, scores, steps, cuts, nu * unit
        )

    def scores(self, S: Matrix) -> Matrix:
        """E[u_i²] and E[(δ_i y_i − u_i)²], shape (m, 2)."""
        x = (1 + S[0, 1:]) / 2
        return np.column_stack([self._c**2 * x, self._c**2 * (1 - x)])
