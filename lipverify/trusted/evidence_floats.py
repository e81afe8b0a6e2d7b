"""Reads the records of `evidence` in floats, for a batch at a time: what it accepts is true, rounding included.

Every quantity here is computed by sums, products and maxima of floats, so it errs by at most γ_m times the same
expression with all signs dropped, m the roundings on the longest path. Those expressions without signs do not depend
on the states: they are computed once per problem (`Sizes`), and every comparison pays for its error. NaN compares
as False, so it is refused. Proof: proofs/engine.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final, final

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Matrix, Signs, Vector
from lipverify.trusted.evidence import Chain, Empty, Head, Implied, Pruned, Space
from lipverify.trusted.evidence_passes import Nodes, Passes, closes, upper_bounds
from lipverify.trusted.rounding import TINY, gamma

_AT_ONCE: Final = 2**21  # floats of the largest array


@final
@dataclass(frozen=True, eq=False)
class Sizes:
    """Bounds, over all states, of the absolute values of forms and pre-activations, and of their errors in floats.

    Attributes
    ----------
    form, form_error
        Of the coefficients of every neuron's affine form, shape (n, d).
    value, value_error
        Of its pre-activation over the box, and of what errors in its form change there, shape (n,).
    steep
        The steeper slope of every neuron, shape (n,).
    """

    form: Matrix
    form_error: Matrix
    value: Vector
    value_error: Vector
    steep: Vector

    @classmethod
    def of(cls, chain: Chain, space: Space) -> Sizes:
        """The sizes for a network on a box."""
        reach = np.maximum(np.abs(space.lower), np.abs(space.upper))
        steep = [np.abs(s).max(axis=1) for s in chain.slopes]
        form, error = np.abs(chain.weights[0]), np.zeros_like(chain.weights[0])
        shift, shift_error = np.abs(chain.biases[0]), np.zeros_like(chain.biases[0])
        forms, errors, shifts, shift_errors = [form], [error], [shift], [shift_error]
        for k in range(1, len(chain.slopes)):
            size, n = np.abs(chain.weights[k]), chain.weights[k].shape[1]
            lost = TINY * (n + 4) * (1 + size.sum(axis=1))
            up = 1 + gamma(4 * n + 16)
            form, error = (size @ (steep[k - 1][:, None] * x) * up for x in (form, error))
            shift, shift_error = (size @ (steep[k - 1] * x) * up for x in (shift, shift_error))
            form = form + lost[:, None]
            shift = (shift + np.abs(chain.biases[k]) + lost) * up
            error = (error + gamma(n + 8) * form + lost[:, None]) * up
            shift_error = (shift_error + gamma(n + 8) * shift + lost) * up
            for kept, new in ((forms, form), (errors, error), (shifts, shift), (shift_errors, shift_error)):
                kept.append(new)
        all_forms, all_errors = np.concatenate(forms), np.concatenate(errors)
        up, lost = 1 + gamma(4 * len(reach) + 16), TINY * (len(reach) + 4)
        value = (all_forms @ reach + np.concatenate(shifts) + lost) * up
        value_error = (all_errors @ reach + np.concatenate(shift_errors) + lost * (all_errors.any(axis=1))) * up
        return cls(all_forms, all_errors, value, value_error, np.concatenate(steep))


@final
class FloatReader:
    """The reader for one network on one domain: every method is a rule, and answers for each record of the batch."""

    def __init__(self, chain: Chain, space: Space) -> None:
        self.chain = chain
        self.space = space
        self._reach = np.maximum(np.abs(space.lower), np.abs(space.upper))

    @cached_property
    def sizes(self) -> Sizes:
        """What no quantity exceeds, whatever the states."""
        with np.errstate(all="ignore"):
            return Sizes.of(self.chain, self.space)

    def implied(self, claims: Implied) -> Bools:
        """Which claims hold: on the closed cell of its states the neuron's pre-activation has the sign, strictly.

        Shape (F,).
        """
        wanted = claims.neurons
        ok = self._allowed(claims.states, claims.index, claims.multipliers)
        ok &= (np.abs(claims.signs) == 1) & ~self.chain.linear[wanted]
        layers = np.searchsorted(self.chain.offsets, wanted, side="right") - 1
        fronts = self.chain.fronts(claims.states)
        with np.errstate(all="ignore"):
            for part in self._pieces(claims.index, len(claims.states)):
                at = claims.index[part]
                states, inverse = np.unique(at, return_inverse=True)
                for front in np.unique(fronts[states]).tolist():
                    chosen = fronts[at] == front
                    these = part[chosen]
                    rank = np.cumsum(fronts[states] == front) - 1
                    nodes = Nodes(self.chain, claims.states[states[fronts[states] == front]], front)
                    local = rank[inverse[chosen]]
                    form, shift, error = self._opposite(nodes, local, wanted[these], layers[these], claims.signs[these])
                    ok[these] &= self._negative(nodes, local, claims.multipliers[these], form, shift, error)
        return ok

    def empty(self, claims: Empty) -> Bools:
        """Which states have no point at all on the box, shape (F,)."""
        ok = self._allowed(claims.states, claims.index, claims.multipliers)
        fronts = self.chain.fronts(claims.states)
        with np.errstate(all="ignore"):
            for part in self._pieces(claims.index, len(claims.states)):
                for front in np.unique(fronts[claims.index[part]]).tolist():
                    these = part[fronts[claims.index[part]] == front]
                    nodes = Nodes(self.chain, claims.states[claims.index[these]], front)
                    zero = np.zeros(len(these))
                    form = np.zeros((len(these), len(self._reach)))
                    ok[these] &= self._negative(
                        nodes, np.arange(len(these)), claims.multipliers[these], form, zero, zero
                    )
        return ok

    def pruned(self, claims: Pruned) -> Bools:
        """Which states have no Jacobian whose head exceeds the target, shape (S,)."""
        ok = np.zeros(len(claims.states), dtype=bool)
        fronts = self.chain.fronts(claims.states)
        with np.errstate(all="ignore"):
            for part in self._pieces(np.arange(len(fronts)), len(fronts)):
                for front in np.unique(fronts[part]).tolist():
                    these = part[fronts[part] == front]
                    nodes = Nodes(self.chain, claims.states[these], front)
                    ok[these] = closes(nodes, self.sizes, claims.head, claims.target, claims.limit)
        return ok

    def error(self, head: Head) -> float:
        """What a pass of this head may err by."""
        signs = self.chain.linear.astype(np.int8)
        with np.errstate(all="ignore"):
            nodes = Nodes(self.chain, signs[None], int(self.chain.fronts(signs[None])[0]))
            return Passes(nodes, self.sizes, head).error

    def upper(self, states: Signs, head: Head) -> Vector:
        """An upper bound of the 1-norms of the head under each of the states, shape (S,); inf where none is shown."""
        found = np.full(len(states), np.inf)
        fronts = self.chain.fronts(states)
        with np.errstate(all="ignore"):
            for part in self._pieces(np.arange(len(fronts)), len(fronts)):
                for front in np.unique(fronts[part]).tolist():
                    these = part[fronts[part] == front]
                    found[these] = upper_bounds(Nodes(self.chain, states[these], front), self.sizes, head)
        return found

    def _pieces(self, index: Indices, states: int) -> Iterator[Indices]:
        """The claims in pieces that fit memory."""
        n, d = len(self.sizes.steep), len(self._reach)
        width = max(self.chain.widths)
        step = max(1, _AT_ONCE // max(n * d, 2 * width * width, (len(self.space.rows) + n) * 4))
        for start in range(0, len(index), step):
            yield np.arange(start, min(start + step, len(index)))

    def _allowed(self, states: Signs, index: Indices, multipliers: Matrix) -> Bools:
        """Whether multipliers are ≥ 0, and carried only by rows that are constraints there."""
        g = len(self.space.rows)
        layer = np.repeat(np.arange(len(self.chain.widths)), self.chain.widths)
        known = (states != 0) & ~self.chain.linear & (layer <= self.chain.fronts(states)[:, None])
        with np.errstate(invalid="ignore"):
            good = (multipliers >= 0).all(axis=1)
            stray = ((multipliers[:, g:] != 0) & ~known[index]).any(axis=1)
        return good & ~stray

    def _negative(
        self, nodes: Nodes, at: Indices, multipliers: Matrix, form: Matrix, shift: Vector, error: Vector
    ) -> Bools:
        """Whether form·x + shift + Σ λ_j (row j) < 0 on the box, up to the error that form and shift already have."""
        g, space, sizes = len(self.space.rows), self.space, self.sizes
        signed = multipliers[:, g:] * nodes.states[at]
        forms, shifts = nodes.table
        total = form + multipliers[:, :g] @ space.rows + (signed[:, None, :] @ forms[at])[:, 0, :]
        constant = shift + multipliers[:, :g] @ space.shifts + (signed * shifts[at]).sum(axis=1)
        top = np.maximum(total * space.lower, total * space.upper).sum(axis=1) + constant
        rows = np.abs(space.rows) @ self._reach + np.abs(space.shifts)
        size = multipliers[:, :g] @ rows + multipliers[:, g:] @ sizes.value
        roundings = gamma(multipliers.shape[1] + 2 * len(self._reach) + 16)
        size = size + np.abs(form) @ self._reach + np.abs(shift)
        lost = TINY * (multipliers.shape[1] + 8) * (1 + self._reach.sum()) * (1 + multipliers.sum(axis=1))
        charge = error + 2 * roundings * size + multipliers[:, g:] @ sizes.value_error + lost
        verdict: Bools = top + charge * (1 + 4 * roundings) < 0
        return verdict

    def _opposite(
        self, nodes: Nodes, at: Indices, neurons: Indices, layers: Indices, signs: Signs
    ) -> tuple[Matrix, Vector, Vector]:
        """Upper bounds form·x + shift + error of −σ·y on the box, for neurons y at the front and above."""
        forms, shifts = nodes.table
        form = -signs[:, None] * forms[at, neurons]
        shift = -signs * shifts[at, neurons]
        error = self.sizes.value_error[neurons] * 1.0
        deep = layers > nodes.front
        if deep.any():
            relaxed = _Relaxed(nodes, self.space, self.sizes, int(layers.max()))
            for k in np.unique(layers[deep]).tolist():
                here = layers == k
                local = neurons[here] - self.chain.offsets[k]
                side = np.where(signs[here] < 0, local, local + self.chain.widths[k])
                form[here] = relaxed.forms[k][at[here], side]
                shift[here] = relaxed.shifts[k][at[here], side]
                error[here] = relaxed.errors[k][local]
        return form, shift, error


class _Relaxed:
    """Linear bounds of the pre-activations above the front, of ±y, by lines around the neurons below (CROWN).

    `forms[k]`, shape (S, 2 n_k, d), and `shifts[k]`: first of the pre-activations, then of their opposites.
    """

    def __init__(self, nodes: Nodes, space: Space, sizes: Sizes, top: int) -> None:
        chain, front = nodes.chain, nodes.front
        offsets = chain.offsets
        spare = gamma(sum(chain.widths) + len(space.lower) + 30 * (len(chain.widths) + 2))
        self.forms: dict[int, Array] = {}
        self.shifts: dict[int, Array] = {}
        self.errors: dict[int, Vector] = {}
        lines: dict[int, tuple[Array, Array, Array, Array]] = {}
        forms, shifts = nodes.table
        rows = slice(offsets[front], offsets[front + 1])
        first, first_shift = forms[:, rows], shifts[:, rows]
        low = np.minimum(first * space.lower, first * space.upper).sum(axis=2) + first_shift
        high = np.maximum(first * space.lower, first * space.upper).sum(axis=2) + first_shift
        for k in range(front, top + 1):
            here = slice(offsets[k], offsets[k + 1])
            size = sizes.value[here]
            error = 4 * (len(chain.widths) + 2) * spare * size + sizes.value_error[here]
            error = error + TINY * (sum(chain.widths) + len(space.lower) + 8) * (1 + size)
            if k > front:
                weight, bias = chain.weights[k], chain.biases[k]
                a = np.broadcast_to(np.concatenate([weight, -weight]), (len(first), 2 * len(weight), weight.shape[1]))
                shift = np.broadcast_to(np.concatenate([bias, -bias]), a.shape[:2])
                for j in range(k - 1, front - 1, -1):
                    above, over, below, under = lines[j]
                    positive = a > 0
                    shift = shift + (np.where(positive, a, 0.0) @ over[:, :, None])[:, :, 0]
                    shift = shift + (np.where(positive, 0.0, a) @ under[:, :, None])[:, :, 0]
                    a = np.where(positive, a * above[:, None], a * below[:, None])
                    if j > front:
                        shift = shift + a @ chain.biases[j]
                        a = a @ chain.weights[j]
                shift = shift + (a @ first_shift[:, :, None])[:, :, 0]
                a = a @ first
                self.forms[k], self.shifts[k], self.errors[k] = a, shift, error
                ends = np.maximum(a * space.lower, a * space.upper).sum(axis=2) + shift
                high, low = ends[:, : len(weight)], -ends[:, len(weight) :]
            low, high = np.maximum(low - error, -size - error), np.minimum(high + error, size + error)
            lines[k] = _lines(low, high, chain.slopes[k], nodes.states[:, here])


def _lines(low: Array, high: Array, slopes: Matrix, signs: Signs) -> tuple[Array, Array, Array, Array]:
    """Slopes and shifts of lines above and below two-slope neurons on [low, high]; decided ones are linear."""
    left, right = slopes[:, 0], slopes[:, 1]
    low, high = np.where(signs > 0, np.maximum(low, 0.0), low), np.where(signs < 0, np.minimum(high, 0.0), high)
    crosses = (signs == 0) & (low < 0) & (high > 0)
    known = np.where((signs > 0) | ((signs == 0) & (low >= 0)), right, left)
    known = np.where(crosses | (signs != 0) | (low >= 0) | (high <= 0), known, np.nan)  # NaN ends say nothing
    ray = np.where(high >= -low, right, left)
    least, greatest = np.minimum(left, right), np.maximum(left, right)
    convex = left <= right
    g, h = np.where(convex, least, -greatest), np.where(convex, greatest, -least)
    # the chord of max(g·w, h·w), which is ±the neuron
    slope = np.clip((h * high - g * low) / np.where(crosses, high - low, 1.0), g, h)
    shift = np.maximum((g - slope) * low, (h - slope) * high)
    chord, chord_shift = np.where(convex, slope, -slope), np.where(convex, shift, -shift)
    above = np.where(crosses, np.where(convex, chord, ray), known)
    below = np.where(crosses, np.where(convex, ray, chord), known)
    over = np.where(crosses & convex, chord_shift, 0.0)
    under = np.where(crosses & ~convex, chord_shift, 0.0)
    return above, over, below, under
