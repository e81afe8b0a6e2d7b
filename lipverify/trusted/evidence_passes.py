"""Functional passes over the Jacobians that some states leave, and their sign tree, in floats with their errors.

A head is a vector g of directions of J = W_K D_{K−1} ⋯ D_1 W_1. Its 1-norm is max over signs s of s·g, and a functional
s·g is pushed from the directions to the other end, layer by layer: at a layer it is c·Dv with v in a known range, and
on the range of c_i v_i the convex function max over d_i of d_i c_i v_i lies under its chord. |g_j| lies under a
chord too, until its sign is chosen: the sign tree chooses those of the widest chords first, and where all are chosen
the slopes of the widest chords at the first layer. A choice is one of two that cover everything, so a tree whose
leaves are all at or below a target proves that the 1-norm is. Compiled, in the order written down; NaN proves nothing.
Proof: proofs/engine.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lipverify.arrays import Array, Indices, Matrix, Signs, Vector
from lipverify.kernels import compiled, inner_in_order
from lipverify.trusted.evidence_arrays import Flat, FlatHead
from lipverify.trusted.evidence_forms import front_of, larger, look, smaller


class Room(NamedTuple):
    """Where a node is bounded.

    Attributes
    ----------
    least, greatest, low, high
        The slopes that are left and the ranges of v, shape (K, m).
    line
        Slopes and shifts above, and below, δv, shape (K, 4, m).
    start
        The functionals of the directions at the first layer, shape (D, m).
    entry_low, entry_high, slope, gap
        The ranges of the entries, and λ and μ with |g_j| ≤ λ_j g_j + μ_j, shape (D,).
    chosen, functional, path, second, kept
        The sign tree: the entries with a sign, (D,); the functional after so many of them, (D + 1, m); what was chosen
        at each depth, 2j or 2j + 1 for the signs of entry j, plus or minus first, and 2D + i for the slopes of neuron
        i; whether the second way, (D + m,); the lines that slopes replaced, (m, 4).
    c, spare
        Scratch, shape (m,).
    """

    least: Matrix
    greatest: Matrix
    low: Matrix
    high: Matrix
    line: Array
    start: Matrix
    entry_low: Vector
    entry_high: Vector
    slope: Vector
    gap: Vector
    chosen: Signs
    functional: Matrix
    path: Indices
    second: Signs
    kept: Matrix
    c: Vector
    spare: Vector

    @classmethod
    def of(cls, flat: Flat, head: FlatHead) -> Room:
        """Room for the nodes of a head."""
        (depth, m), count, z = flat.bias.shape, len(head.directions), np.zeros
        ranges = (z((depth, m)) for _ in range(4))
        entries = (z(count) for _ in range(4))
        return cls(
            *ranges,
            z((depth, 4, m)),
            z((count, m)),
            *entries,
            z(count, np.int8),
            z((count + 1, m)),
            z(count + m, np.intp),
            z(count + m, np.int8),
            z((m, 4)),
            z(m),
            z(m),
        )


@inner_in_order
def push(link, width, first, last, lines, c, spare):  # type: ignore[no-untyped-def]
    """An upper bound, up to its error, of the functional c at layer `first`; it is overwritten."""
    step = 1 if last >= first else -1
    total, k = 0.0, first
    while True:
        line = lines[k]
        n = width[k]
        for i in range(n):
            x = c[i]
            plus, minus = 0.5 * (x + abs(x)), 0.5 * (x - abs(x))  # exact; NaN stays NaN
            total += plus * line[1, i] + minus * line[3, i]
            c[i] = plus * line[0, i] + minus * line[2, i]
        if k == last:
            return total
        m = width[k + step]
        for q in range(m):
            spare[q] = 0.0
        for i in range(n):
            f = c[i]
            if f != 0.0:
                for q in range(m):
                    spare[q] += f * link[k, i, q]
        for q in range(m):
            c[q] = spare[q]
        k += step


@inner_in_order
def chord(g, h, a, b, line, i):  # type: ignore[no-untyped-def]
    """Lines around δv for δ in [g, h] and v in [a, b]."""
    up, over, down, under = np.nan, 0.0, np.nan, 0.0
    if a < 0.0 < b:
        up = smaller(larger((h * b - g * a) / (b - a), g), h)
        over = larger((h - up) * b, (g - up) * a)
        down = smaller(larger((g * b - h * a) / (b - a), g), h)
        under = smaller((g - down) * b, (h - down) * a)
    elif a >= 0.0:
        up, down = h, g
    elif b <= 0.0:
        up, down = g, h
    line[0, i], line[1, i], line[2, i], line[3, i] = up, over, down, under


@inner_in_order
def corners(g, h, a, b):  # type: ignore[no-untyped-def]
    """The least and the greatest δv for δ in [g, h] and v in [a, b]."""
    low = smaller(smaller(g * a, g * b), smaller(h * a, h * b))
    return low, larger(larger(g * a, g * b), larger(h * a, h * b))


@inner_in_order
def ranges(flat, head, charges, front, first, last, room):  # type: ignore[no-untyped-def]
    """The ranges of v, and the lines, at every layer, from the ranges at the last one."""
    step = 1 if last >= first else -1
    width, link, lines, c, spare = flat.width, head.link, room.line, room.c, room.spare
    least, greatest, lows, highs = room.least, room.greatest, room.low, room.high
    slack, more, sizes = charges.slack[front], charges.more[front], charges.size[front]
    for i in range(width[last]):
        low, high = corners(least[last, i], greatest[last, i], lows[last, i], highs[last, i])
        line = lines[last]
        line[0, i], line[1, i], line[2, i], line[3, i] = 0.0, high, 0.0, low
    k = last
    while k != first:
        before = k
        k -= step
        n = width[before]
        for q in range(n):
            spare[q], c[q] = corners(least[before, q], greatest[before, q], lows[before, q], highs[before, q])
        for i in range(width[k]):
            low, high = 0.0, 0.0
            for q in range(n):
                w = link[k, i, q]
                plus, minus = 0.5 * (w + abs(w)), 0.5 * (w - abs(w))
                low += plus * spare[q] + minus * c[q]
                high += plus * c[q] + minus * spare[q]
            lows[k, i], highs[k, i] = low - slack[k, i], high + slack[k, i]
        for i in range(width[k]):
            low, high = lows[k, i], highs[k, i]
            if before != last:
                side = 1.0
                for _ in range(2):
                    for q in range(n):
                        c[q] = side * link[k, i, q]
                    bound = push(link, width, before, last, lines, c, spare) + more[k, i]
                    if side > 0.0:
                        high = smaller(high, bound)
                    else:
                        low = larger(low, -bound)
                    side = -1.0
            size = sizes[k, i]
            low, high = larger(low, -size), smaller(high, size)
            lows[k, i], highs[k, i] = low, high
            chord(least[k, i], greatest[k, i], low, high, lines[k], i)


@inner_in_order
def open_slopes(flat, signs, front, room):  # type: ignore[no-untyped-def]
    """The slopes that states leave, from the front on."""
    for k in range(front, len(flat.width)):
        for i in range(flat.width[k]):
            s, a, b = signs[flat.offset[k] + i], flat.left[k, i], flat.right[k, i]
            room.least[k, i] = smaller(a, b) if s == 0 else (b if s > 0 else a)
            room.greatest[k, i] = larger(a, b) if s == 0 else room.least[k, i]


@inner_in_order
def prepare(flat, head, charges, signs, memory, room):  # type: ignore[no-untyped-def]
    """Bound the entries under some states; returns the front, and the first and the last layer of a pass."""
    depth, front = len(flat.width), front_of(flat, signs)
    look(flat, signs, front, memory)
    open_slopes(flat, signs, front, room)
    first, last = (front, depth - 1) if head.upward else (depth - 1, front)
    for i in range(flat.width[last]):
        if head.upward:
            room.low[last, i], room.high[last, i] = flat.last[head.end, i], flat.last[head.end, i]
        else:
            v, off = memory.form[flat.offset[front] + i, head.end], charges.end[front, i]
            room.low[last, i], room.high[last, i] = np.nextafter(v - off, -np.inf), np.nextafter(v + off, np.inf)
    ranges(flat, head, charges, front, first, last, room)
    n = flat.width[first]
    for r in range(len(head.directions)):
        column = head.directions[r]
        for i in range(n):
            room.start[r, i] = memory.form[flat.offset[front] + i, column] if head.upward else flat.last[column, i]
        reach, charge = charges.reach[front, r], charges.entry[front, r]
        side, low, high = 1.0, 0.0, 0.0
        for _ in range(2):
            for i in range(n):
                room.c[i] = side * room.start[r, i]
            end = smaller(push(head.link, flat.width, first, last, room.line, room.c, room.spare), reach) + charge
            if side > 0.0:
                high = end
            else:
                low = -end
            side = -1.0
        room.entry_low[r], room.entry_high[r] = low, high
        room.slope[r], room.gap[r] = np.nan, 0.0
        if low < 0.0 < high:
            slope = smaller(larger((high + low) / (high - low), -1.0), 1.0)
            room.slope[r], room.gap[r] = slope, larger((1.0 - slope) * high, (-1.0 - slope) * low)
        elif low >= 0.0:
            room.slope[r] = 1.0
        elif high <= 0.0:
            room.slope[r] = -1.0
    for i in range(n):
        total = 0.0
        for r in range(len(head.directions)):
            total += room.slope[r] * room.start[r, i]
        room.functional[0, i] = total
    return front, first, last


@inner_in_order
def widest(chosen, gap, c, line):  # type: ignore[no-untyped-def]
    """The widest chord that is left: 2j for entry j, 2D + i for a slope of the first layer's neuron i; −1 for none."""
    count = len(gap)
    code, best = -1, 0.0
    for r in range(count):
        if chosen[r] == 0 and gap[r] > best:
            code, best = 2 * r, gap[r]
    if code < 0:
        for q in range(line.shape[1]):
            width = c[q] * (line[1, q] if c[q] > 0.0 else line[3, q])
            if width > best:
                code, best = 2 * count + q, width
    return code


@inner_in_order
def closes(flat, head, error, first, last, target, limit, tree, room):  # type: ignore[no-untyped-def]
    """Whether every leaf of the sign tree is at or below the target; False beyond `limit` of its nodes.

    `tree` are choices in the order in which they are met, −1 for leaves: a hint of where a pass would not do.
    """
    link, width, lines, c, spare = head.link, flat.width, room.line, room.c, room.spare
    chosen, gap, start, slope, functional = room.chosen, room.gap, room.start, room.slope, room.functional
    path, second, kept, n, count = room.path, room.second, room.kept, flat.width[first], len(room.gap)
    line, ends = lines[first], (room.greatest[first], room.least[first])
    free = n if first != last else 0  # where v is a point no slope makes a difference
    for r in range(count):
        chosen[r] = 0
    depth, level, slopes, at = 0, 0, 0, 0
    for _ in range(limit):
        code = -1
        if at < len(tree):
            code = int(tree[at])
            at += 1
        if code >= 2 * count + free or (0 <= code < 2 * count and chosen[code // 2] != 0):
            code = -1  # not one of two ways that cover everything
        if code < 0 or depth == len(path) or slopes == len(kept):
            rest = error
            for r in range(count):
                rest += 0.0 if chosen[r] != 0 else gap[r]
            for i in range(n):
                c[i] = functional[level, i]
            code = -1
            if not push(link, width, first, last, lines, c, spare) + rest <= target:
                code = widest(chosen, gap, functional[level], line[:, :free])
                if code < 0 or depth == len(path) or slopes == len(kept):
                    return False
        if code >= 0:
            path[depth], second[depth] = code, 0
            if code >= 2 * count:
                for r in range(4):
                    kept[slopes, r] = line[r, code - 2 * count]
                slopes += 1
        else:
            while depth > 0 and second[depth - 1] == 1:  # both ways are closed
                depth -= 1
                code = path[depth]
                if code < 2 * count:
                    chosen[code // 2] = 0
                    level -= 1
                else:
                    slopes -= 1
                    for r in range(4):
                        line[r, code - 2 * count] = kept[slopes, r]
            if depth == 0:
                return True
            depth -= 1
            second[depth], code = 1, path[depth]
            level -= 1 if code < 2 * count else 0
        way = second[depth]
        depth += 1
        if code < 2 * count:
            j = code // 2
            by = (1.0 if (code + way) % 2 == 0 else -1.0) - slope[j]
            chosen[j] = 1
            for i in range(n):
                functional[level + 1, i] = functional[level, i] + by * start[j, i]
            level += 1
        else:
            i = code - 2 * count
            s = ends[0][i] if way == 0 else ends[1][i]
            line[0, i], line[1, i], line[2, i], line[3, i] = s, 0.0, s, 0.0
    return False


@compiled
def read(flat, head, charges, states, target, limit, trees, begins, memory, room, closed, found):  # type: ignore[no-untyped-def]
    """Bound the heads under some states; shapes (S,) and (S, 3).

    Whether the sign tree closes (where there is a limit); bounds of the 1-norm up to their error, by one pass and by
    the entries' ranges, and that error. The tree that is a hint for state s is trees[begins[s]:begins[s + 1]].
    """
    for s in range(len(states)):
        front, first, last = prepare(flat, head, charges, states[s], memory, room)
        error = charges.error[front]
        if limit > 0:
            tree = trees[begins[s] : begins[s + 1]]
            closed[s] = closes(flat, head, error, first, last, target, limit, tree, room)
            continue
        for i in range(flat.width[first]):
            room.c[i] = room.functional[0, i]
        value, entries = push(head.link, flat.width, first, last, room.line, room.c, room.spare), 0.0
        for r in range(len(head.directions)):
            value += room.gap[r]
            entries += larger(abs(room.entry_low[r]), abs(room.entry_high[r]))
        found[s, 0], found[s, 1], found[s, 2] = value, entries, error
