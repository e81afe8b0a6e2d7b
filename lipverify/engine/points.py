"""Points of the domain where the norm is large, and points inside cells; whoever gets them looks for himself."""

from __future__ import annotations

from lipverify.engine.blocks import block_norm
from lipverify.engine.simplex import climb, express
from lipverify.kernels import inner

_IDLE = 200  # moves that gain nothing before an ascent begins elsewhere
_NUDGE = 1e-6  # towards the middle of the box, so that a point lies on no hyperplane


@inner
def norm_at(net, head, x, work):  # type: ignore[no-untyped-def]
    """The norm of the head of the Jacobian at x; −1 outside the domain and where floats cannot tell the region."""
    depth, d = len(net.width), len(x)
    z, y, v, slope = work.z, work.y, work.v, work.slope_at
    for j in range(d):
        z[j] = x[j]
        if not net.lower[j] < x[j] < net.upper[j]:
            return -1.0
    if net.reach < 1e300:
        total = 0.0
        for j in range(d):
            total += (x[j] - net.center[j]) ** 2
        if total >= net.reach**2:
            return -1.0
    for r in range(len(net.shifts)):
        total = net.shifts[r]
        for j in range(d):
            total += net.rows[r, j] * x[j]
        if total <= 0.0:
            return -1.0
    n = d
    for k in range(depth):
        for i in range(net.width[k]):
            total = net.bias[k, i]
            for j in range(n):
                total += net.weight[k, i, j] * z[j]
            slope[k, i] = net.right[k, i] if total > 0 else net.left[k, i]
            # what is zero is so everywhere nearby: then its slope does not matter
            if 0.0 < abs(total) <= net.slack[net.offset[k] + i] and net.left[k, i] != net.right[k, i]:
                return -1.0
            y[i] = total * slope[k, i]
        n = net.width[k]
        for i in range(n):
            z[i] = y[i]
    if head.end < 0:
        return block_norm(net, head, work)
    total = 0.0
    if head.upward:
        for i in range(n):
            v[i] = net.last[head.end, i]
        for k in range(depth - 1, -1, -1):
            m = d if k == 0 else net.width[k - 1]
            for j in range(m):
                y[j] = 0.0
            for i in range(net.width[k]):
                f = v[i] * slope[k, i]
                if f != 0.0:
                    for j in range(m):
                        y[j] += net.weight[k, i, j] * f
            for j in range(m):
                v[j] = y[j]
        for r in head.directions:
            total += abs(v[r])
        return total
    for j in range(d):
        v[j] = 1.0 if j == head.end else 0.0
    m = d
    for k in range(depth):
        for i in range(net.width[k]):
            sum_ = 0.0
            for j in range(m):
                sum_ += net.weight[k, i, j] * v[j]
            y[i] = sum_ * slope[k, i]
        m = net.width[k]
        for i in range(m):
            v[i] = y[i]
    for r in head.directions:
        sum_ = 0.0
        for i in range(m):
            sum_ += net.last[r, i] * v[i]
        total += abs(sum_)
    return total


@inner
def ascend(net, head, starts, steps, work, x):  # type: ignore[no-untyped-def]
    """The best point of random ascents into x, and its norm: moves are taken that do not make the norm smaller."""
    here, there = work.here, work.there
    best, value, idle, which = -1.0, -1.0, _IDLE, 0
    for k in range(len(steps)):
        if idle >= _IDLE and which < len(starts):
            for j in range(net.d):
                here[j] = starts[which, j]
            which += 1
            value, idle = norm_at(net, head, here, work), 0
        for j in range(net.d):
            edge = 1e-9 * (net.upper[j] - net.lower[j])
            there[j] = min(max(here[j] + steps[k, j], net.lower[j] + edge), net.upper[j] - edge)
        found = norm_at(net, head, there, work)
        idle += 1
        if found >= value:
            if found > value:
                idle = 0
            value = found
            for j in range(net.d):
                here[j] = there[j]
            if found > best:
                best = found
                for j in range(net.d):
                    x[j] = there[j]
    return best


@inner
def between(net, cell, lev, work):  # type: ignore[no-untyped-def]
    """A point between the vertices that probing has come to, into work.x."""
    for j in range(net.d):
        count = work.centre[net.d]
        at = work.centre[j] / count if count > 0 else cell.value[lev, j]
        work.x[j] = at + _NUDGE * (0.5 * (net.lower[j] + net.upper[j]) - at)


@inner
def inside(T, basic, nonbasic, rows, low, high, value, work):  # type: ignore[no-untyped-def]
    """A point inside a cell, into work.x: the mean of vertices, one away from each half-space that holds the others."""
    d = len(nonbasic)
    total, count = work.total, 1.0
    for v in range(d + rows):
        total[v] = value[v]
    for v in range(d + rows):
        for side in (1.0, -1.0):
            edge = low[v] if side > 0 else high[v]
            if abs(edge) > 1e299 or side * (total[v] / count - edge) > 1e-9 * (1.0 + abs(edge)):
                continue
            for j in range(d):
                work.a[j] = side if j == v else 0.0
                work.cost[j] = side if nonbasic[j] == v else 0.0
            if v < d:
                express(T, basic, nonbasic, rows, work.a, work.cost)
            for r in range(rows):
                if basic[r] == v:
                    for j in range(d):
                        work.cost[j] = side * T[r, j]
            climb(T, basic, nonbasic, rows, low, high, value, work.cost, side * value[v], 1e299)
            count += 1.0
            for w in range(d + rows):
                total[w] += value[w]
    for j in range(d):
        work.x[j] = total[j] / count
