"""Functional passes over the Jacobians that some states leave, and their sign tree, in floats with their errors.

A head is a vector g of directions of J = W_K D_{K−1} ⋯ D_1 W_1. Its 1-norm is max over signs s of s·g, and a functional
s·g is pushed from the directions to the other end, stage by stage: at a stage it is c·Dv with v in a known range, and
on the range of c_i v_i the convex function max over d_i of d_i c_i v_i lies under its chord. |g_j| lies under a
chord too, until its sign is chosen: the sign tree chooses those of the widest chords first, and where all are chosen
the slopes of the widest chords at the first stage. A choice is one of two that cover everything, so a tree whose
leaves are all at or below a target proves that the 1-norm is. Proof: proofs/engine.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, final

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Matrix, Signs, Vector
from lipverify.trusted.evidence import Chain, Head
from lipverify.trusted.rounding import TINY, gamma

if TYPE_CHECKING:
    from lipverify.trusted.evidence_floats import Sizes

_ROWS = 2**13  # leaves of sign trees that are bounded together


@final
@dataclass(eq=False)
class Nodes:
    """States, shape (S, n), that are decided below the layer `front`."""

    chain: Chain
    states: Signs
    front: int

    @cached_property
    def table(self) -> tuple[Array, Array]:
        """The affine forms of the neurons up to the front, in floats: shapes (S, n, d) and (S, n), 0 above."""
        chain, count = self.chain, len(self.states)
        forms = np.zeros((count, self.states.shape[1], chain.weights[0].shape[1]))
        shifts = np.zeros(self.states.shape)
        form = np.broadcast_to(chain.weights[0], (count, *chain.weights[0].shape))
        shift = np.broadcast_to(chain.biases[0], (count, len(chain.biases[0])))
        for k in range(self.front + 1):
            here = slice(chain.offsets[k], chain.offsets[k + 1])
            if k:
                before = slice(chain.offsets[k - 1], chain.offsets[k])
                slope = np.where(self.states[:, before] > 0, chain.slopes[k - 1][:, 1], chain.slopes[k - 1][:, 0])
                form = chain.weights[k] @ (slope[:, :, None] * form)
                shift = (slope * shift) @ chain.weights[k].T + chain.biases[k]
            forms[:, here], shifts[:, here] = form, shift
        return forms, shifts

    def slopes(self, k: int) -> tuple[Array, Array]:
        """The least and the greatest slope of the neurons of a layer, shapes (S, n_k)."""
        left, right = self.chain.slopes[k][:, 0], self.chain.slopes[k][:, 1]
        signs = self.states[:, self.chain.offsets[k] : self.chain.offsets[k + 1]]
        least, greatest = np.minimum(left, right), np.maximum(left, right)
        decided = np.where(signs > 0, right, left)
        return np.where(signs == 0, least, decided), np.where(signs == 0, greatest, decided)


@final
class Passes:
    """The stages between a head's directions and its other end, for a batch of nodes.

    Attributes
    ----------
    slopes
        Per stage the least and the greatest slopes, shapes (S, n).
    lines
        Per stage lines around δv.
    start
        The functionals of the directions at the first stage, shape (S, D, n).
    error
        What any pass from the directions may err by, shape (S,).
    """

    def __init__(self, nodes: Nodes, sizes: Sizes, head: Head) -> None:
        chain, front = nodes.chain, nodes.front
        depth, last = len(chain.slopes), chain.weights[-1]
        layers = list(range(front, depth)) if head.upward else list(range(depth - 1, front - 1, -1))
        self.links = [chain.weights[k + 1].T if head.upward else chain.weights[k] for k in layers[:-1]]
        rows = slice(chain.offsets[front], chain.offsets[front + 1])
        forms, errors = nodes.table[0][:, rows], sizes.form_error[rows]
        directions = list(head.directions)
        count = len(nodes.states)
        if head.upward:
            self.start = forms[:, :, directions].transpose(0, 2, 1)
            start_size, start_error = sizes.form[rows][:, directions].T, errors[:, directions].T
            low = high = np.broadcast_to(last[head.end], (count, last.shape[1]))
            size = np.abs(last[head.end])
        else:
            start = last.T[:, directions].T
            self.start = np.broadcast_to(start, (count, *start.shape))
            start_size, start_error = np.abs(start), np.zeros_like(start)
            end, off = forms[:, :, head.end], errors[:, head.end]
            low, high, size = end - off, end + off, sizes.form[rows][:, head.end]
            low, high = np.nextafter(low, -np.inf), np.nextafter(high, np.inf)
            size = np.nextafter(size + off, np.inf)
        offsets = chain.offsets
        steep = [sizes.steep[offsets[k] : offsets[k + 1]] for k in layers]
        total = sum(chain.widths) + 4 * len(directions) + 30 * (depth + 2)
        self._rounding = 4 * (depth + 2) * gamma(total)
        self.slopes = [nodes.slopes(k) for k in layers]
        self.lines: list[Lines] = [Lines.ends(low, high, *self.slopes[-1])] * len(layers)
        lost = TINY * (total + 8) * (1 + 4 * float((steep[-1] * size).sum()))
        for t in range(len(layers) - 2, -1, -1):
            link = self.links[t]
            size = (np.abs(link) @ (steep[t + 1] * size)) * (1 + gamma(4 * link.shape[1] + 16))
            size = size + TINY * (link.shape[1] + 4)
            low, high = self._product(t + 1, link, low, high)
            slack = self._rounding * size + TINY * (total + 8)
            low, high = low - slack, high + slack
            if t + 2 < len(layers):
                slack = slack + lost * (1 + np.abs(link).sum(axis=1))
                low = np.maximum(low, -self._along(-link[None], t + 1) - slack)
                high = np.minimum(high, self._along(link[None], t + 1) + slack)
            low, high = np.maximum(low, -size), np.minimum(high, size)
            self.lines[t] = Lines.chords(low, high, *self.slopes[t])
            lost = lost + TINY * (total + 8) * (1 + 4 * float((steep[t] * size).sum()))
        reach = start_size @ (steep[0] * size)
        per_entry = self._rounding * reach + (start_error @ (steep[0] * size)) * (1 + self._rounding)
        per_entry = per_entry + lost * (1 + start_size.sum(axis=1))
        over = self._along(self.start, 0) + per_entry
        under = self._along(-self.start, 0) + per_entry
        self.entry_low, self.entry_high = np.maximum(-under, -reach - per_entry), np.minimum(over, reach + per_entry)
        self.error = float(per_entry.sum() * (1 + gamma(len(directions) + 8)) * 2)

    def _product(self, t: int, link: Matrix, low: Array, high: Array) -> tuple[Array, Array]:
        """The range of v before stage t, an interval product of its range [low, high] there."""
        a, b = self.slopes[t]
        corners = np.stack([a * low, a * high, b * low, b * high])
        least, greatest = corners.min(axis=0), corners.max(axis=0)
        plus, minus = np.maximum(link, 0.0).T, np.minimum(link, 0.0).T
        return least @ plus + greatest @ minus, greatest @ plus + least @ minus

    def _along(self, rows: Array, first: int) -> Array:
        """Upper bounds of functionals, shape (S or 1, R, n), at a stage, of every node: shape (S, R)."""
        count, each = len(self.slopes[0][0]), rows.shape[1]
        found = np.empty((count, each))
        step = max(1, _ROWS // each)
        for begin in range(0, count, step):
            nodes = np.arange(begin, min(begin + step, count))
            these = np.broadcast_to(rows, (count, *rows.shape[1:]))[nodes].reshape(-1, rows.shape[2])
            found[nodes] = self.push(these, np.repeat(nodes, each), first).reshape(-1, each)
        return found

    def push(self, c: Array, at: Indices, first: int = 0, lines: Lines | None = None) -> Vector:
        """Upper bounds of the functionals c, shape (R, n), at stage `first` of nodes `at`, up to their error.

        `lines` are those of each row at the first stage, instead of the nodes'.
        """
        total = np.zeros(len(c))
        for t in range(first, len(self.lines)):
            here = self.lines[t][at] if lines is None or t > first else lines
            plus, minus = np.maximum(c, 0.0), np.minimum(c, 0.0)
            total += np.einsum("rn,rn->r", plus, here.over) + np.einsum("rn,rn->r", minus, here.under)
            if t + 1 < len(self.lines):
                c = (plus * here.up + minus * here.down) @ self.links[t]
        return total

    def chords(self) -> tuple[Array, Array]:
        """λ and μ with |g_j| ≤ λ_j g_j + μ_j, shapes (S, D)."""
        low, high = self.entry_low, self.entry_high
        crosses = (low < 0) & (high > 0)
        slope = np.clip((high + low) / np.where(crosses, high - low, 1.0), -1.0, 1.0)
        slope = np.where(crosses, slope, np.where(low >= 0, 1.0, np.where(high <= 0, -1.0, np.nan)))
        return slope, np.where(crosses, np.maximum((1 - slope) * high, (-1 - slope) * low), 0.0)


@dataclass(frozen=True, eq=False)
class Lines:
    """Lines around δv, δ in [g, h] and v in [low, high]: δv ≤ up·v + over and δv ≥ down·v + under; shapes (·, n).

    A functional c of δv is at most that of the lines above where c > 0 and below where c < 0.
    """

    up: Array
    over: Array
    down: Array
    under: Array

    @classmethod
    def chords(cls, low: Array, high: Array, g: Array, h: Array) -> Lines:
        """Of the convex function max(gv, hv) the chord, and of the concave one min(gv, hv)."""
        crosses = (low < 0) & (high > 0)
        width = np.where(crosses, high - low, 1.0)
        up = np.where(crosses, np.clip((h * high - g * low) / width, g, h), np.where(low >= 0, h, g))
        down = np.where(crosses, np.clip((g * high - h * low) / width, g, h), np.where(low >= 0, g, h))
        known = crosses | (low >= 0) | (high <= 0)
        up, down = np.where(known, up, np.nan), np.where(known, down, np.nan)
        over = np.where(crosses, np.maximum((h - up) * high, (g - up) * low), 0.0)
        under = np.where(crosses, np.minimum((g - down) * high, (h - down) * low), 0.0)
        return cls(up, over, down, under)

    @classmethod
    def ends(cls, low: Array, high: Array, g: Array, h: Array) -> Lines:
        """Constants: at the last stage v is a point, or nearly one."""
        corners = np.stack([g * low, g * high, h * low, h * high])
        zero = np.zeros_like(corners[0])
        return cls(zero, corners.max(axis=0), zero, corners.min(axis=0))

    def __getitem__(self, some: Indices | Bools | slice) -> Lines:
        return Lines(self.up[some], self.over[some], self.down[some], self.under[some])

    @classmethod
    def joined(cls, several: Sequence[Lines]) -> Lines:
        """One after the other."""
        arrays = ([getattr(lines, name) for lines in several] for name in ("up", "over", "down", "under"))
        return cls(*(np.concatenate(parts) for parts in arrays))


def upper_bounds(nodes: Nodes, sizes: Sizes, head: Head) -> Vector:
    """Upper bounds of the head's 1-norm, by one pass each, or by the ranges of the entries, shape (S,)."""
    passes = Passes(nodes, sizes, head)
    slope, gap = passes.chords()
    c = (slope[:, None, :] @ passes.start)[:, 0]
    value = passes.push(c, np.arange(len(c))) + gap.sum(axis=1)
    entries = np.maximum(np.abs(passes.entry_low), np.abs(passes.entry_high)).sum(axis=1)
    bound = np.nextafter(np.minimum(value, entries) + passes.error, np.inf)
    return np.where(bound >= 0, bound, np.where(np.isnan(bound), np.inf, 0.0))


@dataclass(eq=False)
class _Leaves:
    """Leaves of sign trees: the node of each, its functional, the signs chosen, Σ μ of the others; or lines of its own.

    Where all signs are chosen `lines` are those of the first stage, some of them with a slope chosen.
    """

    at: Indices
    c: Array
    signs: Signs
    rest: Vector
    lines: Lines | None = None

    def __getitem__(self, some: Indices | Bools | slice) -> _Leaves:
        lines = None if self.lines is None else self.lines[some]
        return _Leaves(self.at[some], self.c[some], self.signs[some], self.rest[some], lines)

    @classmethod
    def joined(cls, several: Sequence[_Leaves]) -> _Leaves:
        """All of them."""
        if len(several) == 1:
            return several[0]
        arrays = ([getattr(leaves, name) for leaves in several] for name in ("at", "c", "signs", "rest"))
        lines = [leaves.lines for leaves in several if leaves.lines is not None]
        return cls(*(np.concatenate(parts) for parts in arrays), Lines.joined(lines) if lines else None)


def _taken(stack: list[_Leaves]) -> _Leaves:
    """About as many leaves from the top of a stack as are bounded together."""
    taken = [stack.pop()]
    count = len(taken[0].at)
    while stack and count + len(stack[-1].at) <= _ROWS:
        taken.append(stack.pop())
        count += len(taken[-1].at)
    leaves = _Leaves.joined(taken)
    if count > _ROWS:
        stack.append(leaves[_ROWS:])
        leaves = leaves[:_ROWS]
    return leaves


def closes(nodes: Nodes, sizes: Sizes, head: Head, target: float, limit: int) -> Bools:
    """Whether every leaf of the sign tree is at or below the target, shape (S,); False beyond `limit` leaves."""
    passes = Passes(nodes, sizes, head)
    slope, gap = passes.chords()
    count = len(slope)
    ok = np.ones(count, dtype=bool)
    seen = np.zeros(count, dtype=np.intp)
    root = _Leaves(
        np.arange(count),
        (slope[:, None, :] @ passes.start)[:, 0],
        np.where(gap > 0, 0, 1).astype(np.int8),  # a NaN gap counts as chosen: its functional is NaN, and refused
        gap.sum(axis=1),
    )
    signs, slopes = [root], list[_Leaves]()
    while signs or slopes:
        leaves = _taken(signs or slopes)
        value = passes.push(leaves.c, leaves.at, 0, leaves.lines) + leaves.rest + passes.error
        seen += np.bincount(leaves.at, minlength=count)
        ok &= seen <= limit
        leaves = leaves[~(value <= target) & ok[leaves.at]]
        if leaves.lines is not None:
            slopes += _by_slope(leaves, passes.slopes[0], ok)
            continue
        unsigned = (leaves.signs == 0).any(axis=1)
        signs += _by_sign(leaves[unsigned], passes.start, slope, gap)
        chosen = leaves[~unsigned]
        if len(passes.lines) == 1:
            ok[chosen.at] = False  # v is a point there: no slope makes a difference
        elif len(chosen.at):
            chosen.lines = passes.lines[0][chosen.at]
            slopes += _by_slope(chosen, passes.slopes[0], ok)
    return ok


def _by_sign(leaves: _Leaves, start: Array, slope: Array, gap: Array) -> list[_Leaves]:
    """Both signs of the entry with the widest chord."""
    each, at = np.arange(len(leaves.at)), leaves.at
    if not len(at):
        return []
    j = np.where(leaves.signs == 0, gap[at], -1.0).argmax(axis=1)
    found = []
    for sign in (1, -1):
        signs = leaves.signs.copy()
        signs[each, j] = sign
        c = leaves.c + (sign - slope[at, j])[:, None] * start[at, j]
        found.append(_Leaves(at, c, signs, leaves.rest - gap[at, j]))
    return found


def _by_slope(leaves: _Leaves, ends: tuple[Array, Array], ok: Bools) -> list[_Leaves]:
    """Both slopes of the first stage's neuron with the widest chord; where there is none the node is refused."""
    lines = leaves.lines
    assert lines is not None
    widths = np.maximum(leaves.c, 0.0) * lines.over + np.minimum(leaves.c, 0.0) * lines.under
    i = widths.argmax(axis=1) if len(widths) else np.zeros(0, dtype=np.intp)
    some = widths[np.arange(len(i)), i] > 0
    ok[leaves.at[~some]] = False
    leaves, i = leaves[some], i[some]
    if not len(i):
        return []
    each, found = np.arange(len(i)), []
    for end in ends:
        lines = leaves.lines
        assert lines is not None
        up, over, down, under = (a.copy() for a in (lines.up, lines.over, lines.down, lines.under))
        up[each, i] = down[each, i] = end[leaves.at, i]
        over[each, i] = under[each, i] = 0.0
        found.append(_Leaves(leaves.at, leaves.c, leaves.signs, leaves.rest, Lines(up, over, down, under)))
    return found
