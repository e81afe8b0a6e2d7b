"""A simplex tableau over boxed variables, as in Reluplex: variables 0 … d−1 are x, the others rows a·x.

`T` expresses the basic variables by the d nonbasic ones. Deciding a neuron adds a row and bounds its variable; an
optimum's reduced costs are Farkas multipliers. Tolerances are guesses: the verifier looks at what comes out.
"""

from __future__ import annotations

from lipverify.kernels import inner

_PIVOT = 1e-10
_FEASIBLE = 1e-9


@inner
def express(T, basic, nonbasic, rows, a, out):  # type: ignore[no-untyped-def]
    """The form a·x over the nonbasic variables."""
    d = len(nonbasic)
    for j in range(d):
        out[j] = a[nonbasic[j]] if nonbasic[j] < d else 0.0
    for r in range(rows):
        if basic[r] < d:
            f = a[basic[r]]
            if f != 0.0:
                for j in range(d):
                    out[j] += f * T[r, j]


@inner
def pivot(T, basic, nonbasic, rows, r, j):  # type: ignore[no-untyped-def]
    """Exchange the basic variable of row r and the nonbasic one of column j."""
    d = len(nonbasic)
    p = 1.0 / T[r, j]
    for k in range(d):
        T[r, k] *= -p
    T[r, j] = p
    basic[r], nonbasic[j] = nonbasic[j], basic[r]
    for s in range(rows):
        if s != r:
            f = T[s, j]
            if f != 0.0:
                T[s, j] = 0.0
                for k in range(d):
                    T[s, k] += f * T[r, k]


@inner
def move(T, basic, nonbasic, rows, value, j, by):  # type: ignore[no-untyped-def]
    """Change nonbasic variable j, and the basic ones with it."""
    value[nonbasic[j]] += by
    for r in range(rows):
        value[basic[r]] += T[r, j] * by


@inner
def repair(T, basic, nonbasic, rows, low, high, value):  # type: ignore[no-untyped-def]
    """Bring every variable within its bounds: 1 done, 0 impossible, −1 given up."""
    d = len(nonbasic)
    for j in range(d):
        v = nonbasic[j]
        if value[v] < low[v]:
            move(T, basic, nonbasic, rows, value, j, low[v] - value[v])
        elif value[v] > high[v]:
            move(T, basic, nonbasic, rows, value, j, high[v] - value[v])
    for step in range(40 * (rows + d) + 200):
        careful = step > 2 * (rows + d)  # the least index from then on: no cycles (Bland)
        r, worst = -1, _FEASIBLE
        for s in range(rows):
            v = basic[s]
            off = max(low[v] - value[v], value[v] - high[v])
            if off > _FEASIBLE and (not careful or r < 0 or v < basic[r]) and (careful or off > worst):
                r, worst = s, off
        if r < 0:
            return 1
        v = basic[r]
        up = value[v] < low[v]
        j, best = -1, 0.0
        for k in range(d):
            f = T[r, k] if up else -T[r, k]
            w = nonbasic[k]
            if (f > _PIVOT and value[w] < high[w]) or (f < -_PIVOT and value[w] > low[w]):
                if careful:
                    if j < 0 or w < nonbasic[j]:
                        j = k
                elif abs(f) > best:
                    j, best = k, abs(f)
        if j < 0:
            return 0
        target = low[v] if up else high[v]
        move(T, basic, nonbasic, rows, value, j, (target - value[v]) / T[r, j])
        value[v] = target
        pivot(T, basic, nonbasic, rows, r, j)
    return -1


@inner
def climb(T, basic, nonbasic, rows, low, high, value, cost, at, enough):  # type: ignore[no-untyped-def]
    """Maximise `at` + cost·(moves of the nonbasic variables) from a feasible vertex, no further than `enough`.

    Returns the maximum, or the first value above `enough`; inf where it gives up. `cost` becomes the reduced costs.
    """
    d = len(nonbasic)
    for step in range(20 * (rows + d) + 100):
        if at > enough:
            return at
        careful = step > 2 * (rows + d)
        j, best = -1, _PIVOT
        for k in range(d):
            w = nonbasic[k]
            if (cost[k] > _PIVOT and value[w] < high[w] - 1e-13) or (cost[k] < -_PIVOT and value[w] > low[w] + 1e-13):
                if careful:
                    if j < 0 or w < nonbasic[j]:
                        j = k
                elif abs(cost[k]) > best:
                    j, best = k, abs(cost[k])
        if j < 0:
            return at
        w = nonbasic[j]
        sign = 1.0 if cost[j] > 0 else -1.0
        length = high[w] - value[w] if sign > 0 else value[w] - low[w]
        r, size = -1, 0.0
        for s in range(rows):
            f = T[s, j] * sign
            v = basic[s]
            if f > _PIVOT:
                t = (high[v] - value[v]) / f
            elif f < -_PIVOT:
                t = (low[v] - value[v]) / f
            else:
                continue
            t = max(t, 0.0)
            if t < length - 1e-12 or (t <= length + 1e-12 and r >= 0 and abs(f) > size):
                length, r, size = min(t, length), s, abs(f)
        if not length < 1e300:
            return 1e300
        move(T, basic, nonbasic, rows, value, j, sign * length)
        at += cost[j] * sign * length
        if r >= 0:
            f = cost[j]
            pivot(T, basic, nonbasic, rows, r, j)
            for k in range(d):
                cost[k] = cost[k] + f * T[r, k] if k != j else f * T[r, k]
    return 1e300
