"""Claims of signs on cones, read in floats: a pre-activation is a combination, with weights ≥ 0, of the rows of a cell.

On a cone no pre-activation is negative everywhere, since it is 0 at the origin: the weights must be exact. They are the
solution of a square system with an enclosed inverse, over the inputs or over the active neurons of one layer below.
Compiled, without leave to change the order of anything. Comparisons are such that NaN proves nothing.
Proof: proofs/engine.md, "The whole space".
"""

from __future__ import annotations

import numpy as np

from lipverify.kernels import compiled, inner_in_order
from lipverify.trusted.evidence_forms import front_of


@inner_in_order
def forms_over(flat, signs, base, front, form, size):  # type: ignore[no-untyped-def]
    """The forms of layers base … front in the pre-activations of layer `base` (−1: the inputs), and without signs.

    Rows of layers below stay 0, so that no system with one has a solution.
    """
    d = len(flat.lower)
    columns = d if base < 0 else flat.width[base]
    begin = base
    if base < 0:
        begin = 0
        for i in range(flat.width[0]):
            for j in range(d):
                form[i, j] = flat.weight[0, i, j]
                size[i, j] = abs(flat.weight[0, i, j])
    else:
        for i in range(columns):
            for j in range(columns):
                x = 1.0 if i == j else 0.0
                form[flat.offset[base] + i, j], size[flat.offset[base] + i, j] = x, x
    for k in range(begin + 1, front + 1):
        first, below = flat.offset[k], flat.offset[k - 1]
        for i in range(flat.width[k]):
            for j in range(columns):
                form[first + i, j], size[first + i, j] = 0.0, 0.0
            for q in range(flat.width[k - 1]):
                slope = flat.right[k - 1, q] if signs[below + q] > 0 else flat.left[k - 1, q]
                f = flat.weight[k, i, q] * slope
                if f == 0.0:
                    continue
                for j in range(columns):
                    form[first + i, j] += f * form[below + q, j]
                    size[first + i, j] += abs(f) * size[below + q, j]
    return columns


@inner_in_order
def inverse(a, n, r):  # type: ignore[no-untyped-def]
    """About the inverse of a[:n, :n], which is lost, into r[:n, :n]; whether there seems to be one."""
    for i in range(n):
        for j in range(n):
            r[i, j] = 1.0 if i == j else 0.0
    for j in range(n):
        p = j
        for i in range(j + 1, n):
            if abs(a[i, j]) > abs(a[p, j]):
                p = i
        if not abs(a[p, j]) > 0.0:
            return False
        for q in range(n):
            a[j, q], a[p, q] = a[p, q], a[j, q]
            r[j, q], r[p, q] = r[p, q], r[j, q]
        x = 1.0 / a[j, j]
        for q in range(n):
            a[j, q] *= x
            r[j, q] *= x
        for i in range(n):
            f = a[i, j]
            if i != j and f != 0.0:
                for q in range(n):
                    a[i, q] -= f * a[j, q]
                    r[i, q] -= f * r[j, q]
    return True


@inner_in_order
def combines(g, size, w, target_size, n, rounding, lost, a, r, x, off):  # type: ignore[no-untyped-def]
    """Whether w = λ·g for some λ > 0; g[:n, :n] and w[:n] are known up to their sizes times the rounding."""
    for i in range(n):
        for j in range(n):
            a[i, j] = g[i, j]
    if not inverse(a, n, r):
        return False
    up = 1.0 + 4.0 * rounding
    for j in range(n):
        x[j], mass = 0.0, 0.0
        for i in range(n):
            x[j] += w[i] * r[i, j]
            mass += target_size[i] * abs(r[i, j])
        off[j] = (8.0 * rounding * mass + lost) * up
    good = True
    for j in range(n):
        moved = 0.0  # λ is x + x·f + x·f·f + …, f = 1 − g·r
        for i in range(n):
            total, mass = 0.0, 0.0
            for q in range(n):
                total += g[i, q] * r[q, j]
                mass += size[i, q] * abs(r[q, j])
            total = abs((1.0 if i == j else 0.0) - total)
            moved += (abs(x[i]) + off[i]) * (total + 8.0 * rounding * mass + lost) * up
        good = good and 4.0 * moved * up + lost < x[j] - off[j]
    return good


@inner_in_order
def follows(signs, columns, carrier, v, sign, rows, count, form, size, rounding, lost, work):  # type: ignore[no-untyped-def]
    """Whether sign·(pre-activation v) is a combination of `rows`, and perhaps of the carrier's, in these columns."""
    g, gs, a, r, w, ws, x, off, used = work
    n = 0
    for j in range(columns):
        some = size[v, j] != 0.0
        for i in range(count):
            some = some or size[rows[i], j] != 0.0
        if some:
            used[n] = j
            n += 1
    extra = 1 if n == count + 1 and carrier >= 0 else 0
    if n > count + extra:
        return False  # of more rows than columns the first are taken
    for q in range(n):
        j = used[q]
        w[q], ws[q] = sign * form[v, j], size[v, j]
        for i in range(count):
            s = 1.0 if signs[rows[i]] > 0 else -1.0
            g[i, q], gs[i, q] = s * form[rows[i], j], size[rows[i], j]
        if extra == 1:
            g[count, q] = 1.0 if j == carrier else 0.0
            gs[count, q] = g[count, q]
    return combines(g, gs, w, ws, n, rounding, lost, a, r, x, off)


@compiled
def judge_on_cones(flat, carried, states, index, neurons, signs, multipliers, rounding, lost, verdict):  # type: ignore[no-untyped-def]
    """Read `Implied` claims on the cone over a box; carried: the last neuron of every layer is the last input."""
    n, d, depth = len(flat.linear), len(flat.lower), len(flat.width)
    most = max(d, flat.bias.shape[1])
    form, size = np.zeros((depth + 1, n, most)), np.zeros((depth + 1, n, most))
    known = np.zeros(depth + 1, np.int8)
    square = (most, most)
    matrices = (np.zeros(square), np.zeros(square), np.zeros(square), np.zeros(square))
    work = (*matrices, np.zeros(most), np.zeros(most), np.zeros(most), np.zeros(most), np.zeros(most, np.int64))
    rows = np.zeros(most, np.int64)
    last, front = -1, 0
    for f in range(len(index)):
        verdict[f] = False
        if not 0 <= index[f] < len(states):
            continue
        state = states[index[f]]
        if index[f] != last:
            last = index[f]
            front = front_of(flat, state)
            for k in range(depth + 1):
                known[k] = 0
        v, sign = neurons[f], float(signs[f])
        end = flat.offset[front + 1]
        if not 0 <= v < end or abs(sign) != 1.0 or flat.linear[v] != 0:
            continue
        layer = front
        while v < flat.offset[layer]:
            layer -= 1
        count, fits = 0, True
        for i in range(n):
            if multipliers[f, i] == 0.0:
                continue
            fits = multipliers[f, i] > 0.0 and i < end and state[i] != 0 and flat.linear[i] == 0 and count < most
            if not fits:
                break
            rows[count] = i
            count += 1
        if not fits:
            continue
        for base in range(-1, layer):
            if known[base + 1] == 0:
                forms_over(flat, state, base, front, form[base + 1], size[base + 1])
                known[base + 1] = 1
            columns = d if base < 0 else flat.width[base]
            carrier = columns - 1 if (carried if base >= 0 else flat.lower[d - 1] == 0.0) else -1
            over, without = form[base + 1], size[base + 1]
            if follows(state, columns, carrier, v, sign, rows, count, over, without, rounding, lost, work):
                verdict[f] = True
                break
