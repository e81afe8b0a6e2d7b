"""The inner sign tree: is the 1-norm of a head at or below a target, whatever the signs of its entries?

‖g‖₁ = max over s of s·g needs no feasibility, so the signs are branched on by arithmetic alone, the widest chord of
|g_j| first. It stops at the first full sign vector whose pass is above the target, and gives up when the leaves seen
so far foretell too many (Knuth 1975, doi:10.1090/S0025-5718-1975-0373371-6).
"""

from __future__ import annotations

from lipverify.engine.passes import push
from lipverify.kernels import inner


@inner
def note(codes, at, code):  # type: ignore[no-untyped-def]
    """Write a choice of the tree down, −1 for a leaf, as long as there is room; returns where the next one goes."""
    if at < len(codes):
        codes[at] = code
    return at + 1


@inner
def slope_tree(  # type: ignore[no-untyped-def]
    link, width, first, last, lines, least, greatest, c0, c, spare, path, kept, target, budget, codes, at, offset
):
    """Whether c0 is ≤ target when slopes at the first layer are branched on: 1 or 0, the passes, what failed, `at`."""
    depth, used = 0, 0
    n = width[first]
    closed, worst = True, 0.0
    while True:
        for q in range(n):
            c[q] = c0[q]
        value = push(link, width, first, last, lines, c, spare)
        used += 1
        descend = False
        if not value <= target:
            best, i = 0.0, -1
            if first != last:
                for q in range(n):
                    x = c0[q]
                    gap = max(x, 0.0) * lines[first, 1, q] + min(x, 0.0) * lines[first, 3, q]
                    if gap > best:
                        best, i = gap, q
            if i < 0 or used >= budget:
                closed, worst = False, value
            else:
                path[depth] = i
                at = note(codes, at, offset + i)
                for r in range(4):
                    kept[depth, r] = lines[first, r, i]
                kept[depth, 4] = 0.0
                s = greatest[first, i]
                lines[first, 0, i], lines[first, 1, i], lines[first, 2, i], lines[first, 3, i] = s, 0.0, s, 0.0
                depth += 1
                descend = True
        if descend:
            continue
        at = note(codes, at, -1)
        while depth > 0:
            i = path[depth - 1]
            if closed and kept[depth - 1, 4] == 0.0:
                s = least[first, i]
                lines[first, 0, i], lines[first, 2, i] = s, s
                kept[depth - 1, 4] = 1.0
                break
            for r in range(4):
                lines[first, r, i] = kept[depth - 1, r]
            depth -= 1
        if depth == 0:
            return (1 if closed else 0), used, worst, at


@inner
def sign_tree(
    link,
    width,
    first,
    last,
    lines,
    least,
    greatest,
    start,
    slope,
    gap,
    entry_low,
    entry_high,
    signs,
    chosen,
    cs,
    path,
    c,
    c0,
    spare,
    slope_path,
    kept,
    target,
    predicted,
    arithmetic,
    codes,
    at,
):  # type: ignore[no-untyped-def]
    """1 closed; 0 with `signs` a full vector above the target; −1 given up. The passes it took, what failed, `at`."""
    directions = len(slope)
    n = width[first]
    rest = 0.0
    for j in range(directions):
        chosen[j] = 0 if gap[j] > 0.0 else (1 if slope[j] > 0 else -1)
        rest += gap[j]
    for q in range(n):
        total = 0.0
        for j in range(directions):
            total += slope[j] * start[j, q]
        cs[0, q] = total
    depth, used, mass, look = 0, 0, 0.0, 64
    weight = 1.0
    while True:
        for q in range(n):
            c[q] = cs[depth, q]
        value = push(link, width, first, last, lines, c, spare) + rest
        used += 1
        if not value <= target:
            j, best = -1, 0.0
            for k in range(directions):
                if chosen[k] == 0 and gap[k] > best:
                    j, best = k, gap[k]
            if j >= 0:
                sign = 1 if entry_high[j] > -entry_low[j] else -1
                path[depth] = j * 2
                at = note(codes, at, 2 * j if sign > 0 else 2 * j + 1)
                chosen[j] = sign
                rest -= gap[j]
                weight *= 0.5
                for q in range(n):
                    cs[depth + 1, q] = cs[depth, q] + (sign - slope[j]) * start[j, q]
                depth += 1
                if used >= look:
                    look = used + 64
                    if used > predicted * mass:
                        return -1, used, value, at
                continue
            for q in range(n):
                c0[q] = cs[depth, q]
            ok, more, worst, at = slope_tree(
                link,
                width,
                first,
                last,
                lines,
                least,
                greatest,
                c0,
                c,
                spare,
                slope_path,
                kept,
                target,
                arithmetic,
                codes,
                at,
                2 * directions,
            )
            used += more
            if ok == 0:
                for k in range(directions):
                    signs[k] = chosen[k]
                return 0, used, worst, at
        else:
            at = note(codes, at, -1)
        mass += weight
        while depth > 0:
            j = path[depth - 1] // 2
            if path[depth - 1] % 2 == 0:
                sign = -chosen[j]
                chosen[j] = sign
                path[depth - 1] += 1
                for q in range(n):
                    cs[depth, q] = cs[depth - 1, q] + (sign - slope[j]) * start[j, q]
                break
            chosen[j] = 0
            rest += gap[j]
            weight *= 2.0
            depth -= 1
        if depth == 0:
            return 1, used, value, at
