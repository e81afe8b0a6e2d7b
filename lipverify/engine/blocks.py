"""The spectral norm of a block of the Jacobian on a node: from its entries, turned so that it is nearly diagonal.

What `trusted.evidence_blocks` recomputes with errors. U·J·V is nearly diagonal on the node if it is so in the middle
of its entries' ranges: the singular vectors of that middle are the turn, handed from node to child, and renewed where
the bound fails.
"""

from __future__ import annotations

import math

from lipverify.engine.passes import push, ranges
from lipverify.kernels import inner

_ROUNDS = 24  # of the power method, as in the reader: the same loops, but nobody need trust or keep these
_SWEEPS = 12  # of Jacobi's method
_FLAT = 1e-15  # cosines of columns that count as orthogonal
_NONE = 1e-13  # singular values, relative to the largest, that have no direction of their own


@inner
def combine(net, head, cell, lev, outward, i, k):  # type: ignore[no-untyped-def]
    """Row k of U times the last layer, or the front times column k of V, at neuron i."""
    total = 0.0
    if outward:
        for r in range(len(head.outputs)):
            total += cell.left[lev, k, r] * net.last[head.outputs[r], i]
    else:
        for r in range(len(head.inputs)):
            total += cell.form[lev, i, head.inputs[r]] * cell.right[lev, r, k]
    return total


@inner
def entries(net, head, cell, lev, work, first, last, enough):  # type: ignore[no-untyped-def]
    """Ranges of the entries of the turned block, row by row; whether all are within ±`enough`, and the passes.

    No turn helps where one is not: it is of the least size that the norm has. It is made the first entry then, so that
    it is the one to branch on, and what children look at first. The lines are those of the first row in the end.
    """
    rows, count = work.block_low.shape
    used = 0
    for b in range(count):
        for i in range(net.width[first]):
            work.start[b, i] = combine(net, head, cell, lev, not head.upward, i, b)
    for a in range(rows):
        row_ranges(net, head, cell, lev, work, first, last, a)
        for b in range(count):
            for i in range(net.width[first]):
                work.c[i] = work.start[b, i]
            high = push(head.link, net.width, first, last, work.lines, work.c, work.spare)
            for i in range(net.width[first]):
                work.c[i] = -work.start[b, i]
            low = -push(head.link, net.width, first, last, work.lines, work.c, work.spare)
            used += 2
            work.block_low[a, b], work.block_high[a, b] = low, high
            if high > enough or -low > enough:
                work.block_low[0, 0], work.block_high[0, 0] = low, high
                for i in range(net.width[first]):
                    work.start[0, i], work.start[b, i] = work.start[b, i], work.start[0, i]
                exchange(cell.left[lev], cell.right[lev], a if head.upward else b, b if head.upward else a)
                return False, used
    if rows > 1:
        row_ranges(net, head, cell, lev, work, first, last, 0)
    return True, used


@inner
def row_ranges(net, head, cell, lev, work, first, last, a):  # type: ignore[no-untyped-def]
    """The ranges of v, and the lines, for row a of the turned block."""
    for i in range(net.width[last]):
        v = combine(net, head, cell, lev, head.upward, i, a)
        work.low[last, i], work.high[last, i] = v, v
    ranges(net, head, work, first, last)


@inner
def exchange(left, right, row, column):  # type: ignore[no-untyped-def]
    """Make an entry of the turned block the first one."""
    for j in range(len(left)):
        left[0, j], left[row, j] = left[row, j], left[0, j]
    for j in range(len(right)):
        right[j, 0], right[j, column] = right[j, column], right[j, 0]


@inner
def largest(work):  # type: ignore[no-untyped-def]
    """The spectral norm of the entries' absolute values, from above."""
    rows, count = work.block_low.shape
    x, y, z = work.turn_x, work.turn_y, work.turn_z
    top = 0.0
    for a in range(rows):
        for b in range(count):
            work.above[a, b] = max(abs(work.block_low[a, b]), abs(work.block_high[a, b]))
            top = max(top, work.above[a, b])
    if not 0.0 < top < 1e300:
        return top
    for b in range(count):
        x[b] = 1.0
    least = 1e300
    for _ in range(_ROUNDS):
        for a in range(rows):
            y[a] = 0.0
            for b in range(count):
                y[a] += work.above[a, b] / top * x[b]
        square, most = 0.0, 0.0
        for b in range(count):
            z[b] = 0.0
            for a in range(rows):
                z[b] += work.above[a, b] / top * y[a]
            square, most = max(square, z[b] / x[b]), max(most, z[b])
        least = min(least, square)
        for b in range(count):
            x[b] = z[b] / most + 2.0**-30
    return top * math.sqrt(least)


@inner
def orthogonal(q, n):  # type: ignore[no-untyped-def]
    """Make the rows of a square matrix orthonormal; those that depend on the ones before become others."""
    spare = 0
    for a in range(n):
        while True:
            before = 0.0
            for j in range(n):
                before += q[a, j] * q[a, j]
            for _ in range(2):
                for b in range(a):
                    f = 0.0
                    for j in range(n):
                        f += q[a, j] * q[b, j]
                    for j in range(n):
                        q[a, j] -= f * q[b, j]
            size = 0.0
            for j in range(n):
                size += q[a, j] * q[a, j]
            if size > 1e-4 * before or spare == n:
                break
            for j in range(n):
                q[a, j] = 1.0 if j == spare else 0.0
            spare += 1
        size = 1.0 / math.sqrt(size) if size > 0.0 else 0.0
        for j in range(n):
            q[a, j] *= size


@inner
def turn(net, head, cell, lev, work):  # type: ignore[no-untyped-def]
    """Turn the block so that the middle of its entries' ranges becomes diagonal, the largest first."""
    rows, count = work.block_low.shape
    B, Q, P = work.turn_block, work.turn_right, work.turn_left  # (count, rows), (count, count), (rows, rows): rows turn
    for b in range(count):
        for a in range(rows):
            B[b, a] = 0.5 * (work.block_low[a, b] + work.block_high[a, b])
        for k in range(count):
            Q[b, k] = 1.0 if b == k else 0.0
    for _ in range(_SWEEPS):
        flat = True
        for b in range(count):
            for k in range(b + 1, count):
                alpha, beta, gamma = 0.0, 0.0, 0.0
                for a in range(rows):
                    alpha += B[b, a] * B[b, a]
                    beta += B[k, a] * B[k, a]
                    gamma += B[b, a] * B[k, a]
                if not abs(gamma) > _FLAT * math.sqrt(alpha * beta):
                    continue
                flat = False
                zeta = (beta - alpha) / (2.0 * gamma)
                t = (1.0 if zeta >= 0.0 else -1.0) / (abs(zeta) + math.sqrt(1.0 + zeta * zeta))
                c = 1.0 / math.sqrt(1.0 + t * t)
                s = c * t
                for a in range(rows):
                    B[b, a], B[k, a] = c * B[b, a] - s * B[k, a], s * B[b, a] + c * B[k, a]
                for a in range(count):
                    Q[b, a], Q[k, a] = c * Q[b, a] - s * Q[k, a], s * Q[b, a] + c * Q[k, a]
        if flat:
            break
    for b in range(count):  # the largest first
        best, most = b, -1.0
        for k in range(b, count):
            size = 0.0
            for a in range(rows):
                size += B[k, a] * B[k, a]
            if size > most:
                best, most = k, size
        for a in range(rows):
            B[b, a], B[best, a] = B[best, a], B[b, a]
        for a in range(count):
            Q[b, a], Q[best, a] = Q[best, a], Q[b, a]
    top = 0.0
    for a in range(rows):
        top += B[0, a] * B[0, a]
    for b in range(rows):  # rows are no more than the columns
        size = 0.0
        for a in range(rows):
            size += B[b, a] * B[b, a]
        real = size > _NONE * _NONE * top and top > 0.0
        for a in range(rows):
            P[b, a] = B[b, a] / math.sqrt(size) if real else 0.0
    orthogonal(P, rows)
    # the block is P·(new)·Q in its old turn: rows and columns, or the other way round
    if head.upward:
        product(P, cell.left[lev], work.turn_scratch, rows)
        orthogonal(cell.left[lev], rows)
        columns(cell.right[lev], Q, work.turn_scratch, count)
    else:
        product(Q, cell.left[lev], work.turn_scratch, count)
        orthogonal(cell.left[lev], count)
        columns(cell.right[lev], P, work.turn_scratch, rows)


@inner
def product(p, q, scratch, n):  # type: ignore[no-untyped-def]
    """q becomes p·q."""
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += p[i, k] * q[k, j]
            scratch[i, j] = total
    for i in range(n):
        for j in range(n):
            q[i, j] = scratch[i, j]


@inner
def columns(q, p, scratch, n):  # type: ignore[no-untyped-def]
    """q becomes q·pᵀ, its columns orthonormal."""
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += q[i, k] * p[j, k]
            scratch[j, i] = total  # transposed
    orthogonal(scratch, n)
    for i in range(n):
        for j in range(n):
            q[i, j] = scratch[j, i]


@inner
def straight(cell, lev):  # type: ignore[no-untyped-def]
    """No turn."""
    for i in range(cell.left.shape[1]):
        for j in range(cell.left.shape[1]):
            cell.left[lev, i, j] = 1.0 if i == j else 0.0
    for i in range(cell.right.shape[1]):
        for j in range(cell.right.shape[1]):
            cell.right[lev, i, j] = 1.0 if i == j else 0.0


@inner
def bound_block(net, head, cell, lev, work, first, last, target, tie):  # type: ignore[no-untyped-def]
    """1 closed, 2 a tie, 0 open, and the passes that took; the turn is renewed while that helps.

    At the first node of a dive it is in any case: those below begin with it.
    """
    used, value, tries = 0, 1e300, 4 if lev == 0 else 2
    for attempt in range(tries):
        within, more = entries(net, head, cell, lev, work, first, last, 1e300 if lev == 0 else tie)
        used += more
        if not within:
            return 0, used
        before, value = value, largest(work)
        if value <= target or attempt + 1 == tries or not value < 0.999 * before:
            break
        turn(net, head, cell, lev, work)
    return 1 if value <= target else (2 if value <= tie else 0), used


@inner
def block_norm(net, head, work):  # type: ignore[no-untyped-def]
    """The spectral norm of the block with the slopes work.slope_at, by the power method: from below."""
    depth, m, d = len(net.width), len(head.outputs), len(head.inputs)
    v, y, J = work.v, work.y, work.jacobian
    for a in range(m if head.upward else d):
        if head.upward:
            for i in range(net.width[depth - 1]):
                v[i] = net.last[head.outputs[a], i]
            for k in range(depth - 1, -1, -1):
                n = net.d if k == 0 else net.width[k - 1]
                for j in range(n):
                    y[j] = 0.0
                for i in range(net.width[k]):
                    f = v[i] * work.slope_at[k, i]
                    if f != 0.0:
                        for j in range(n):
                            y[j] += net.weight[k, i, j] * f
                for j in range(n):
                    v[j] = y[j]
            for b in range(d):
                J[a, b] = v[head.inputs[b]]
        else:
            n = net.d
            for j in range(n):
                v[j] = 1.0 if j == head.inputs[a] else 0.0
            for k in range(depth):
                for i in range(net.width[k]):
                    total = 0.0
                    for j in range(n):
                        total += net.weight[k, i, j] * v[j]
                    y[i] = total * work.slope_at[k, i]
                n = net.width[k]
                for i in range(n):
                    v[i] = y[i]
            for b in range(m):
                total = 0.0
                for i in range(n):
                    total += net.last[head.outputs[b], i] * v[i]
                J[a, b] = total
    rows, count = J.shape
    x, y, z = work.turn_x, work.turn_y, work.turn_z
    start, most = 0, -1.0
    for a in range(rows):
        size = 0.0
        for b in range(count):
            size += J[a, b] * J[a, b]
        if size > most:
            start, most = a, size
    if not most > 0.0 or rows == 1:
        return math.sqrt(most) if most > 0.0 else 0.0
    for b in range(count):
        x[b] = J[start, b]
    norm = 0.0
    for _ in range(_ROUNDS):
        size = 0.0
        for b in range(count):
            size += x[b] * x[b]
        if not 0.0 < size < 1e300:
            return norm
        square = 0.0
        for a in range(rows):
            y[a] = 0.0
            for b in range(count):
                y[a] += J[a, b] * x[b]
            square += y[a] * y[a]
        found = math.sqrt(square / size)
        if found <= norm * (1.0 + 1e-12):
            return max(norm, found)
        norm = found
        scale = 1.0 / math.sqrt(square)
        for b in range(count):
            z[b] = 0.0
            for a in range(rows):
                z[b] += J[a, b] * y[a] * scale
        for b in range(count):
            x[b] = z[b]
    return norm
