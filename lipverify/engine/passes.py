"""Functional passes in floats: what `trusted.evidence_passes` recomputes with errors, for one node at a time.

A head is read from its directions to its other end over hidden layers `first`, `first ± 1`, …, `last`; `link[k]`, shape
(n_k, n_{k±1}), takes a functional from one to the next. `lines[k]` are four rows, up, over, down, under: δv is at most
up·v + over and at least down·v + under, for the slopes δ and the range of v of each neuron.
"""

from __future__ import annotations

from lipverify.kernels import inner


@inner
def push(link, width, first, last, lines, c, spare):  # type: ignore[no-untyped-def]
    """An upper bound of the functional c at layer `first`; c and spare are overwritten."""
    step = 1 if last >= first else -1
    total = 0.0
    k = first
    while True:
        line = lines[k]
        n = width[k]
        for i in range(n):
            x = c[i]
            plus, minus = max(x, 0.0), min(x, 0.0)
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
                    spare[q] += link[k, i, q] * f
        k += step
        for q in range(m):
            c[q] = spare[q]


@inner
def chords(g, h, a, b, line, i):  # type: ignore[no-untyped-def]
    """The lines around δv for δ in [g, h] and v in [a, b]."""
    if a >= 0.0:
        line[0, i], line[1, i], line[2, i], line[3, i] = h, 0.0, g, 0.0
    elif b <= 0.0:
        line[0, i], line[1, i], line[2, i], line[3, i] = g, 0.0, h, 0.0
    else:
        up, down = (h * b - g * a) / (b - a), (g * b - h * a) / (b - a)
        line[0, i], line[1, i], line[2, i], line[3, i] = up, (h - up) * b, down, (g - down) * b


@inner
def ends(g, h, a, b, line, i):  # type: ignore[no-untyped-def]
    """The same as constants, for the last layer."""
    line[0, i], line[2, i] = 0.0, 0.0
    line[1, i] = max(max(g * a, g * b), max(h * a, h * b))
    line[3, i] = min(min(g * a, g * b), min(h * a, h * b))


@inner
def ranges(net, head, work, first, last):  # type: ignore[no-untyped-def]
    """The ranges of v, and the lines, at every layer, from the ranges at `last`."""
    link, width, lines, c, spare = head.link, net.width, work.lines, work.c, work.spare
    least, greatest, low, high = work.least, work.greatest, work.low, work.high
    step = 1 if last >= first else -1
    k = last
    for i in range(width[last]):
        ends(least[last, i], greatest[last, i], low[last, i], high[last, i], lines[last], i)
    while k != first:
        before = k
        k -= step
        n = width[before]
        for q in range(n):
            g, h, a, b = least[before, q], greatest[before, q], low[before, q], high[before, q]
            spare[q] = min(min(g * a, g * b), min(h * a, h * b))
            c[q] = max(max(g * a, g * b), max(h * a, h * b))
        for i in range(width[k]):
            down, up = 0.0, 0.0
            for q in range(n):
                w = link[k, i, q]
                plus, minus = max(w, 0.0), min(w, 0.0)
                down += plus * spare[q] + minus * c[q]
                up += plus * c[q] + minus * spare[q]
            low[k, i], high[k, i] = down, up
        if before != last:
            for i in range(width[k]):
                for q in range(n):
                    c[q] = link[k, i, q]
                high[k, i] = min(high[k, i], push(link, width, before, last, lines, c, spare))
                for q in range(n):
                    c[q] = -link[k, i, q]
                low[k, i] = max(low[k, i], -push(link, width, before, last, lines, c, spare))
        for i in range(width[k]):
            chords(least[k, i], greatest[k, i], low[k, i], high[k, i], lines[k], i)
