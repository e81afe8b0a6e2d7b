"""Which neurons have one sign on a cell: at the front by probing, above it by linear bounds over the cell.

Below the front everything is decided, so a pre-activation of the front is affine in x and the cell is a polytope, the
tableau's. Probing maximises the side that the current vertex does not show, and stops once it is positive. Above the
front CROWN's linear bounds, made for the whole box, are maximised over the cell; only the sign is asked for.
"""

from __future__ import annotations

from lipverify.engine.simplex import climb, express
from lipverify.kernels import inner


@inner
def evidence(nonbasic, cost, owner, multipliers):  # type: ignore[no-untyped-def]
    """The multipliers of a fact from the reduced costs of an optimum."""
    d = len(nonbasic)
    for j in range(len(multipliers)):
        multipliers[j] = 0.0
    for j in range(d):
        v = nonbasic[j]
        if v >= d and abs(cost[j]) > 1e-13:
            multipliers[owner[v - d]] = abs(cost[j])


@inner
def probe(
    T,
    basic,
    nonbasic,
    rows,
    low,
    high,
    value,
    owner,
    form,
    shift,
    width,
    first,
    signs,
    size,
    slack,
    a,
    cost,
    mult,
    fact_neuron,
    fact_sign,
    fact_kind,
    facts,
    centre,
    seen,
    has,
):  # type: ignore[no-untyped-def]
    """Decide what has one sign at the front (neurons from `first` on); returns the open ones, facts, LPs.

    `seen[s, i]`, where has[s, i], is a point of the cell where neuron i is active (s = 0) or not (s = 1): who has both
    needs no LP. fact_kind: 1 where the floats are sure of it, 0 where the optimum is too close to zero.
    """
    d = len(nonbasic)
    undecided, lps = 0, 0
    for i in range(width):
        if signs[first + i] != 0:
            continue
        if has[0, i] != 0 and has[1, i] != 0:
            undecided += 1
            for j in range(d):
                centre[j] += 0.5 * (seen[0, i, j] + seen[1, i, j])
            centre[d] += 1.0
            continue
        at = shift[i]
        for j in range(d):
            at += form[i, j] * value[j]
        side = 1 if at > 0 else -1
        here = 0 if side > 0 else 1
        if abs(at) > 1e-9 * size[first + i]:
            has[here, i] = 1
            for j in range(d):
                seen[here, i, j] = value[j]
        if has[1 - here, i] != 0:
            undecided += 1
            continue
        for j in range(d):
            a[j] = -side * form[i, j]
        express(T, basic, nonbasic, rows, a, cost)
        top = climb(T, basic, nonbasic, rows, low, high, value, cost, -side * at, 1e-9 * size[first + i])
        lps += 1
        for j in range(d):
            centre[j] += value[j]
        centre[d] += 1.0
        if top > 1e-9 * size[first + i]:
            undecided += 1
            has[1 - here, i] = 1
            for j in range(d):
                seen[1 - here, i, j] = value[j]
            continue
        fact_neuron[facts] = first + i
        fact_sign[facts] = side
        fact_kind[facts] = 1 if top < -slack[first + i] else 0
        evidence(nonbasic, cost, owner, mult[facts])
        facts += 1
        signs[first + i] = side
    return undecided, facts, lps


@inner
def lines(lo, hi, left, right, sign, out, i):  # type: ignore[no-untyped-def]
    """Lines above (slope, shift) and below (slope, shift) a two-slope neuron on [lo, hi], into out[:, i]."""
    if sign > 0 or (sign == 0 and lo >= 0.0):
        s = right
    elif sign < 0 or hi <= 0.0:
        s = left
    else:
        ray = right if hi >= -lo else left
        chord = (right * hi - left * lo) / (hi - lo)
        g, h = min(left, right), max(left, right)
        chord = min(max(chord, g), h)
        if left <= right:
            out[0, i], out[1, i] = chord, (right - chord) * hi
            out[2, i], out[3, i] = ray, 0.0
        else:
            out[0, i], out[1, i] = ray, 0.0
            out[2, i], out[3, i] = chord, (right - chord) * hi
        return
    out[0, i], out[1, i], out[2, i], out[3, i] = s, 0.0, s, 0.0


@inner
def back(weight, bias, width, k, front, side, i, line, c, spare):  # type: ignore[no-untyped-def]
    """The functional of the front's pre-activations above side·(pre-activation i of layer k): constant, c."""
    total = side * bias[k, i]
    for j in range(width[k - 1]):
        c[j] = side * weight[k, i, j]
    for below in range(k - 1, front - 1, -1):
        for j in range(width[below]):
            f = c[j]
            if f > 0.0:
                total += f * line[below, 1, j]
                c[j] = f * line[below, 0, j]
            else:
                total += f * line[below, 3, j]
                c[j] = f * line[below, 2, j]
        if below > front:
            n = width[below - 1]
            for q in range(n):
                spare[q] = 0.0
            for j in range(width[below]):
                f = c[j]
                if f != 0.0:
                    total += f * bias[below, j]
                    for q in range(n):
                        spare[q] += f * weight[below, j, q]
            for q in range(n):
                c[q] = spare[q]
    return total


@inner
def box_top(a, low, high, d):  # type: ignore[no-untyped-def]
    """The maximum of a·x over the box."""
    total = 0.0
    for j in range(d):
        total += max(a[j] * low[j], a[j] * high[j])
    return total


@inner
def front_ranges(form, shift, width, box_low, box_high, d, size, first, signs, left, right, z_low, z_high, line):  # type: ignore[no-untyped-def]
    """Ranges over the box, and lines, of the neurons of the front."""
    for i in range(width):
        lo, hi = shift[i], shift[i]
        for j in range(d):
            a, b = form[i, j] * box_low[j], form[i, j] * box_high[j]
            lo += min(a, b)
            hi += max(a, b)
        sign = signs[first + i]
        lo, hi = max(lo, -size[first + i]), min(hi, size[first + i])
        if sign > 0:
            lo = max(lo, 0.0)
        elif sign < 0:
            hi = min(hi, 0.0)
        z_low[i], z_high[i] = lo, hi
        lines(lo, hi, left[i], right[i], sign, line, i)


@inner
def deep_layer(
    T,
    basic,
    nonbasic,
    rows,
    low,
    high,
    value,
    owner,
    form,
    shift,
    weight,
    bias,
    width,
    k,
    front,
    first,
    signs,
    size,
    slack,
    left,
    right,
    line,
    c,
    spare,
    a,
    cost,
    box_low,
    box_high,
    mult,
    fact_neuron,
    fact_sign,
    fact_kind,
    facts,
):  # type: ignore[no-untyped-def]
    """The neurons of layer k above the front that have one sign on the cell, and lines around all; facts, LPs."""
    d = len(nonbasic)
    lps = 0
    for i in range(width[k]):
        neuron = first + i
        if signs[neuron] != 0:
            lines(0.0, 0.0, left[i], right[i], signs[neuron], line[k], i)
            continue
        lo, hi = -size[neuron], size[neuron]
        for side in (1, -1):
            constant = back(weight, bias, width, k, front, side, i, line, c, spare)
            for j in range(d):
                a[j] = 0.0
            for q in range(width[front]):
                f = c[q]
                if f != 0.0:
                    constant += f * shift[q]
                    for j in range(d):
                        a[j] += f * form[q, j]
            top = constant + box_top(a, box_low, box_high, d)
            if side > 0:
                hi = min(hi, top)
            else:
                lo = max(lo, -top)
            if signs[neuron] != 0:
                continue
            shown = False
            if top < -slack[neuron]:
                shown = True
                for j in range(mult.shape[1]):
                    mult[facts, j] = 0.0
            else:
                at = constant
                for j in range(d):
                    at += a[j] * value[j]
                if at < -slack[neuron]:
                    express(T, basic, nonbasic, rows, a, cost)
                    best = climb(T, basic, nonbasic, rows, low, high, value, cost, at, -slack[neuron])
                    lps += 1
                    if best < -slack[neuron]:
                        shown = True
                        evidence(nonbasic, cost, owner, mult[facts])
            if shown:
                fact_neuron[facts], fact_sign[facts], fact_kind[facts] = neuron, -side, 1
                facts += 1
                signs[neuron] = -side
        lines(lo, hi, left[i], right[i], signs[neuron], line[k], i)
    return facts, lps
