"""Rounds of cuts for a node of the split-conditioned SDP that would otherwise be branched on (proofs/cuts.md)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from lipverify.arrays import Indices, Vector
from lipverify.relaxations.cuts import Cuts, scales, violated
from lipverify.relaxations.interior_point import Cutting, Point
from lipverify.relaxations.sdp import Relaxation, frozen
from lipverify.relaxations.split import Forms, Oriented

_TOLERANCE = 1e-7
_FARTHER, _NEARER = 1.1, 0.9


@final
@dataclass(frozen=True)
class Triangles:
    """When to look for violated triangle inequalities, and how many to keep.

    Attributes
    ----------
    rounds
        Rounds of a node at most.
    added
        Cuts added in a round, for every neuron next to the scalar end.
    kept
        Cuts kept, likewise.
    least
        The least violation, in ±1 variables.
    slack
        A cut whose multiplier is below μ / slack is dropped.
    gain
        The share of the way to the target that a round must go.
    steps
        Newton steps of a round.
    """

    rounds: int = 3
    added: float = 2.0
    kept: float = 5.0
    least: float = 0.05
    slack: float = 0.15
    gain: float = 0.2
    steps: int = 60

    def open(self, chain: Oriented) -> OpenTriangles | None:
        """The rounds for a chain with a scalar end; None for others."""
        c = scales(chain)
        return None if c is None else OpenTriangles(self, chain, c)


@final
class OpenTriangles:
    """`Triangles` for one chain: mutable, since what does not pay is asked seldom."""

    def __init__(self, options: Triangles, chain: Oriented, c: Vector) -> None:
        self._options, self._chain, self._c = options, chain, c
        self._reach = math.inf

    def descend(self, relaxation: Relaxation, target: float, limit: int) -> Relaxation:
        """From a strictly feasible point with its cuts."""
        with np.errstate(all="ignore"):  # what overflows here is not certified later
            forms = Forms.of(self._chain, relaxation.signs)
            return self._descended(relaxation, forms, target, limit)

    def tighten(self, relaxation: Relaxation, target: float) -> Relaxation:
        """Add cuts, round after round, where that may close the node; the same relaxation where it hardly will.

        How far from the target it may be is learned: a little more after every node that was closed, a little less
        after every one that was not.
        """
        gap = relaxation.rho - target
        if target <= 0 or not 0 < gap <= self._reach * target:
            return relaxation
        with np.errstate(all="ignore"):
            found = self._rounds(relaxation, target)
        closed = found.rho <= target
        self._reach = (_FARTHER if closed else _NEARER) * min(self._reach, max(2 * gap / target, 1e-9))
        if closed:
            self._reach = max(self._reach, gap / target)
        return found

    def _rounds(self, relaxation: Relaxation, target: float) -> Relaxation:
        options, c = self._options, self._c
        forms = Forms.of(self._chain, relaxation.signs)
        best, width = relaxation, int((relaxation.signs[: len(c)] == 0).sum())
        now = relaxation if relaxation.moments is not None else self._descended(relaxation, forms, target, 0)
        for _ in range(options.rounds):
            if now.moments is None or not now.moments[0, 0] > 0:
                return best
            most = int(options.added * width)
            fresh, _ = violated(now.moments / now.moments[0, 0], c, now.signs, most, options.least)
            if not len(fresh):
                return best
            kept = self._kept(now, int(options.kept * width) - len(fresh))
            old = (now.cuts or Cuts.none(len(c))).chosen(kept)
            mu = max(0.3 * (now.rho - target), 1e-3 * now.rho) / (len(old) + len(fresh) + len(forms.gram))
            weights = np.concatenate([now.weights[kept], np.full(len(fresh), mu)])
            following = replace(now, cuts=old.and_(fresh), weights=weights, mu=mu)
            following = self._descended(following, forms, target, options.steps)
            if not following.rho < best.rho:
                return best
            before, best = best.rho, following
            if best.rho <= target or before - best.rho < options.gain * (before - target):
                return best
            now = best
        return best

    def _kept(self, now: Relaxation, most: int) -> Indices:
        """Indices of the cuts that are tight enough, at most so many."""
        weights = now.weights
        order = np.argsort(-weights, kind="stable")[: max(most, 0)]
        return np.asarray(np.sort(order[weights[order] * self._options.slack > now.mu]), dtype=np.intp)

    def _descended(self, relaxation: Relaxation, forms: Forms, target: float, limit: int) -> Relaxation:
        cuts, size = relaxation.cuts or Cuts.none(len(self._c)), len(forms.gram)
        left, right = cuts.forms(self._c, relaxation.signs, size)
        cutting = Cutting(forms.rows, forms.gram, frozen(self._chain, forms), left, right)
        start = cutting.start(
            Point(relaxation.rho, relaxation.multipliers, relaxation.weights, relaxation.mu, moments=relaxation.moments)
        )
        if start is None:
            return replace(relaxation, moments=None)
        end = cutting.descend(start, target, _TOLERANCE, limit)
        if end.moments is None:
            return replace(relaxation, moments=None)
        at = forms.inputs + np.arange(len(forms.free))
        seen = forms.rows @ end.moments
        scores = np.column_stack(
            [end.moments[at, at], (seen * forms.rows).sum(axis=1) + 2 * seen[at - forms.inputs, at]]
        )
        return Relaxation(
            relaxation.signs,
            end.rho,
            end.multipliers,
            end.mu,
            end.gap,
            scores,
            end.steps,
            cuts,
            end.weights,
            end.moments,
        )
