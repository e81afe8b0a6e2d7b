"""Affine forms of pre-activations under states, linear bounds above the front, and claims that rest on them.

Compiled, without leave to change the order of anything: every operation is the IEEE operation that is written down.
Comparisons are such that NaN proves nothing. Proof: proofs/engine.md.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lipverify.arrays import Array, Indices, Matrix, Signs, Vector
from lipverify.kernels import compiled, inner_in_order
from lipverify.trusted.evidence_arrays import Flat


class Memory(NamedTuple):
    """What is known of the states that were looked at last, so that the next ones cost what differs.

    Attributes
    ----------
    signs
        Those states, shape (n,).
    ready
        How many layers have forms, and how many have lines.
    form, shift
        Of the pre-activations up to the front, shapes (n, d) and (n,).
    line
        Slopes and shifts above, and below, the neurons of a layer as functions of their pre-activations: (K, 4, m).
    c, spare, a
        Scratch: (m,), (m,), (d,).
    """

    signs: Signs
    ready: Indices
    form: Matrix
    shift: Vector
    line: Array
    c: Vector
    spare: Vector
    a: Vector

    @classmethod
    def of(cls, flat: Flat) -> Memory:
        """Nothing is known yet."""
        (depth, m), n, d = flat.bias.shape, len(flat.linear), len(flat.lower)
        z = np.zeros
        return cls(z(n, np.int8), z(2, np.intp), z((n, d)), z(n), z((depth, 4, m)), z(m), z(m), z(d))


@inner_in_order
def larger(a, b):  # type: ignore[no-untyped-def]
    """The maximum; NaN if either is."""
    return a if a > b or a != a else b


@inner_in_order
def smaller(a, b):  # type: ignore[no-untyped-def]
    """The minimum; NaN if either is."""
    return a if a < b or a != a else b


@inner_in_order
def front_of(flat, signs):  # type: ignore[no-untyped-def]
    """The first layer that is not decided throughout, or the last one."""
    depth = len(flat.width)
    for k in range(depth):
        for i in range(flat.offset[k], flat.offset[k + 1]):
            if signs[i] == 0:
                return k
    return depth - 1


@inner_in_order
def look(flat, signs, front, memory):  # type: ignore[no-untyped-def]
    """Turn to these states: forms up to the front; lines stay where nothing below them differs."""
    depth = len(flat.width)
    same = depth
    for k in range(depth):
        for i in range(flat.offset[k], flat.offset[k + 1]):
            if signs[i] != memory.signs[i]:
                same = min(same, k)
    ready = memory.ready[0]
    begin = min(ready, same + 1) if ready > 0 else 0
    for k in range(begin, front + 1):
        layer_forms(flat, signs, k, memory)
    memory.ready[0] = max(front + 1, begin)
    memory.ready[1] = min(memory.ready[1], same)  # another front: its layer, or one below, differs
    for i in range(len(signs)):
        memory.signs[i] = signs[i]


@inner_in_order
def layer_forms(flat, signs, k, memory):  # type: ignore[no-untyped-def]
    """The forms of layer k from those of the layer below."""
    d = len(flat.lower)
    first, below = flat.offset[k], flat.offset[k - 1]
    for i in range(flat.width[k]):
        row = memory.form[first + i]
        total = flat.bias[k, i]
        if k == 0:
            for j in range(d):
                row[j] = flat.weight[0, i, j]
        else:
            for j in range(d):
                row[j] = 0.0
            for q in range(flat.width[k - 1]):
                slope = flat.right[k - 1, q] if signs[below + q] > 0 else flat.left[k - 1, q]
                f = flat.weight[k, i, q] * slope
                total += f * memory.shift[below + q]
                for j in range(d):
                    row[j] += f * memory.form[below + q, j]
        memory.shift[first + i] = total


@inner_in_order
def neuron_lines(lo, hi, left, right, sign, line, i):  # type: ignore[no-untyped-def]
    """Lines above (slope, shift) and below (slope, shift) a two-slope neuron on [lo, hi], into line[:, i]."""
    up, over, down, under = np.nan, 0.0, np.nan, 0.0
    if sign > 0 or (sign == 0 and lo >= 0.0):
        up, down = right, right
    elif sign < 0 or hi <= 0.0:
        up, down = left, left
    elif lo < 0.0 < hi:
        g, h = smaller(left, right), larger(left, right)
        ray = right if hi >= -lo else left
        if left <= right:  # convex: the chord above
            up = smaller(larger((h * hi - g * lo) / (hi - lo), g), h)
            over = larger((g - up) * lo, (h - up) * hi)
            down = ray
        else:
            down = smaller(larger((g * hi - h * lo) / (hi - lo), g), h)
            under = smaller((h - down) * lo, (g - down) * hi)
            up = ray
    line[0, i], line[1, i], line[2, i], line[3, i] = up, over, down, under


@inner_in_order
def above(flat, k, front, i, side, memory):  # type: ignore[no-untyped-def]
    """A linear function above side·(pre-activation i of layer k) on the box: its form into memory.a, its shift."""
    c, spare, a = memory.c, memory.spare, memory.a
    total = side * flat.bias[k, i]
    for j in range(flat.width[k - 1]):
        c[j] = side * flat.weight[k, i, j]
    for below in range(k - 1, front - 1, -1):
        line = memory.line[below]
        for j in range(flat.width[below]):
            f = c[j]
            total += f * (line[1, j] if f > 0.0 else line[3, j])
            c[j] = f * (line[0, j] if f > 0.0 else line[2, j])
        if below > front:
            for q in range(flat.width[below - 1]):
                spare[q] = 0.0
            for j in range(flat.width[below]):
                f = c[j]
                total += f * flat.bias[below, j]
                for q in range(flat.width[below - 1]):
                    spare[q] += f * flat.weight[below, j, q]
            for q in range(flat.width[below - 1]):
                c[q] = spare[q]
    for j in range(len(a)):
        a[j] = 0.0
    first = flat.offset[front]
    for q in range(flat.width[front]):
        f = c[q]
        total += f * memory.shift[first + q]
        for j in range(len(a)):
            a[j] += f * memory.form[first + q, j]
    return total


@inner_in_order
def box_top(flat, a):  # type: ignore[no-untyped-def]
    """The maximum of a·x over the box."""
    total = 0.0
    for j in range(len(a)):
        total += larger(a[j] * flat.lower[j], a[j] * flat.upper[j])
    return total


@inner_in_order
def box_bottom(flat, a):  # type: ignore[no-untyped-def]
    """The minimum of a·x over the box."""
    total = 0.0
    for j in range(len(a)):
        total += smaller(a[j] * flat.lower[j], a[j] * flat.upper[j])
    return total


@inner_in_order
def draw_lines(flat, sizes, front, k, memory):  # type: ignore[no-untyped-def]
    """Lines of the layers from the front to the one below k."""
    for layer in range(max(front, memory.ready[1]), k):
        first = flat.offset[layer]
        for i in range(flat.width[layer]):
            v = first + i
            lo, hi = 0.0, 0.0
            if memory.signs[v] == 0:
                if layer == front:
                    lo = memory.shift[v] + box_bottom(flat, memory.form[v])
                    hi = memory.shift[v] + box_top(flat, memory.form[v])
                else:
                    hi = above(flat, layer, front, i, 1.0, memory)
                    hi += box_top(flat, memory.a)
                    lo = above(flat, layer, front, i, -1.0, memory)
                    lo = -(lo + box_top(flat, memory.a))
                error, size = sizes.relaxed_error[v], sizes.value[v]
                lo, hi = larger(lo - error, -size - error), smaller(hi + error, size + error)
            neuron_lines(lo, hi, flat.left[layer, i], flat.right[layer, i], memory.signs[v], memory.line[layer], i)
    memory.ready[1] = max(memory.ready[1], k)


@inner_in_order
def negative(flat, sizes, front, multipliers, shift, error, rounding, lost, memory):  # type: ignore[no-untyped-def]
    """Whether memory.a·x + shift + Σ λ_j (row j) < 0 on the box, up to the error that form and shift already have."""
    a, d, g = memory.a, len(memory.a), len(flat.rows)
    size, total, mass = 0.0, shift, 0.0
    for j in range(d):
        size += abs(a[j]) * flat.reach[j]
    size += abs(shift)
    for r in range(len(multipliers)):
        x = multipliers[r]
        if x == 0.0:
            continue
        if not x > 0.0:
            return False
        mass += x
        if r < g:
            total += x * flat.shifts[r]
            size += x * sizes.rows[r]
            for j in range(d):
                a[j] += x * flat.rows[r, j]
            continue
        v = r - g
        s = memory.signs[v]
        if s == 0 or flat.linear[v] != 0 or v >= flat.offset[front + 1]:
            return False  # no constraint there
        x_signed = x if s > 0 else -x
        total += x_signed * memory.shift[v]
        size += x * sizes.value[v]
        error += x * sizes.value_error[v]
        for j in range(d):
            a[j] += x_signed * memory.form[v, j]
    charge = error + 2.0 * rounding * size + lost * (1.0 + mass)
    return box_top(flat, a) + total + charge * (1.0 + 4.0 * rounding) < 0.0


@compiled
def judge(flat, sizes, states, index, neurons, signs, multipliers, rounding, lost, memory, verdict):  # type: ignore[no-untyped-def]
    """Read `Implied` claims into the verdict, and `Empty` ones: those have the neuron −1."""
    n, d, last = len(flat.linear), len(flat.lower), -1
    front = 0
    for f in range(len(index)):
        verdict[f] = False
        if not 0 <= index[f] < len(states):
            continue
        if index[f] != last:
            last = index[f]
            front = front_of(flat, states[last])
            look(flat, states[last], front, memory)
        v, sign = neurons[f], float(signs[f])
        shift, error = 0.0, 0.0
        if v == -1:
            for j in range(d):
                memory.a[j] = 0.0
        elif not 0 <= v < n or abs(sign) != 1.0 or flat.linear[v] != 0:
            continue
        elif v < flat.offset[front + 1]:
            shift, error = -sign * memory.shift[v], sizes.value_error[v]
            for j in range(d):
                memory.a[j] = -sign * memory.form[v, j]
        else:
            k = front + 1
            while v >= flat.offset[k + 1]:
                k += 1
            draw_lines(flat, sizes, front, k, memory)
            shift, error = above(flat, k, front, v - flat.offset[k], -sign, memory), sizes.relaxed_error[v]
        verdict[f] = negative(flat, sizes, front, multipliers[f], shift, error, rounding, lost, memory)
