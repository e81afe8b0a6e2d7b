"""Depth first through some hundred nodes of the search by layers; everything that happens is written down.

A node is processed (probing, layer after layer, then the layers above), bounded (ranges, entries, sign tree) and
branched on at the sign vector that failed. What comes out are the records of `trusted.evidence`, to be verified.
"""

from __future__ import annotations

import numpy as np

from lipverify.engine.blocks import bound_block, straight
from lipverify.engine.cells import deep_layer, front_ranges, probe
from lipverify.engine.passes import ends, push, ranges
from lipverify.engine.points import ascend, between, inside, norm_at
from lipverify.engine.sign_tree import sign_tree, slope_tree
from lipverify.engine.simplex import express, repair
from lipverify.kernels import inner, reordered

SPLIT, PRUNED, TIE, REGION, OPEN, FAILED = 0, 1, 2, 3, 4, 5


@inner
def add_row(net, cell, lev, a, owner):  # type: ignore[no-untyped-def]
    """A row a·x of the tableau, unbounded as yet; returns its variable."""
    d = net.d
    r = cell.rows[lev]
    express(cell.T[lev], cell.basic[lev], cell.nonbasic[lev], r, a, cell.T[lev, r])
    total = 0.0
    for j in range(d):
        total += a[j] * cell.value[lev, j]
    cell.basic[lev, r] = d + r
    cell.value[lev, d + r] = total
    cell.low[lev, d + r], cell.high[lev, d + r] = -1e300, 1e300
    cell.owner[lev, r] = owner
    cell.rows[lev] = r + 1
    return d + r


@inner
def cut(net, cell, lev, neuron, form, shift, sign):  # type: ignore[no-untyped-def]
    """Decide a neuron: its row, and the bound that its sign is."""
    v = add_row(net, cell, lev, form, len(net.shifts) + neuron)
    if sign > 0:
        cell.low[lev, v] = -shift
    else:
        cell.high[lev, v] = -shift


@inner
def forget(cell, lev):  # type: ignore[no-untyped-def]
    """No points are known of the neurons of a new front."""
    for s in range(2):
        for i in range(cell.has.shape[2]):
            cell.has[lev, s, i] = 0


@inner
def inherit(net, cell, a, b, neuron, side):  # type: ignore[no-untyped-def]
    """The points of level a that are in its child b, where a neuron of the front is on one side."""
    for s in range(2):
        for i in range(net.width[cell.front[a]]):
            cell.has[b, s, i] = 0
            if cell.has[a, s, i] != 0 and cell.signs[b, net.offset[cell.front[a]] + i] == 0:
                at = cell.shift[a, neuron]
                for j in range(net.d):
                    at += cell.form[a, neuron, j] * cell.seen[a, s, i, j]
                if at * side >= 0.0:
                    cell.has[b, s, i] = 1
                    for j in range(net.d):
                        cell.seen[b, s, i, j] = cell.seen[a, s, i, j]


@inner
def first_layer(net, cell, lev):  # type: ignore[no-untyped-def]
    """The forms of the first layer."""
    cell.front[lev] = 0
    forget(cell, lev)
    for i in range(net.width[0]):
        cell.shift[lev, i] = net.bias[0, i]
        for j in range(net.d):
            cell.form[lev, i, j] = net.weight[0, i, j]


@inner
def advance(net, cell, lev, spare):  # type: ignore[no-untyped-def]
    """The forms of the next layer: the front is decided throughout."""
    k = cell.front[lev]
    n, m, d = net.width[k], net.width[k + 1], net.d
    signs = cell.signs[lev]
    for i in range(m):
        total = net.bias[k + 1, i]
        for j in range(d):
            spare[i, j] = 0.0
        for q in range(n):
            f = net.weight[k + 1, i, q] * (net.right[k, q] if signs[net.offset[k] + q] > 0 else net.left[k, q])
            if f != 0.0:
                total += f * cell.shift[lev, q]
                for j in range(d):
                    spare[i, j] += f * cell.form[lev, q, j]
        spare[i, d] = total
    for i in range(m):
        cell.shift[lev, i] = spare[i, d]
        for j in range(d):
            cell.form[lev, i, j] = spare[i, j]
    cell.front[lev] = k + 1
    forget(cell, lev)


@inner
def copy_row(a, b):  # type: ignore[no-untyped-def]
    """b becomes a; loops, since numba takes its time over slices."""
    for i in range(len(a)):
        b[i] = a[i]


@inner
def copy_turn(a, b):  # type: ignore[no-untyped-def]
    """b becomes a."""
    for i in range(len(a)):
        for j in range(len(a)):
            b[i, j] = a[i, j]


@inner
def copy_level(net, cell, a, b):  # type: ignore[no-untyped-def]
    """Level b becomes a copy of level a."""
    d, rows = net.d, cell.rows[a]
    copy_row(cell.signs[a], cell.signs[b])
    copy_row(cell.failed[a], cell.failed[b])
    cell.has_failed[b] = cell.has_failed[a]
    cell.front[b] = cell.front[a]
    cell.rows[b] = rows
    for i in range(net.width[cell.front[a]]):
        cell.shift[b, i] = cell.shift[a, i]
        for j in range(d):
            cell.form[b, i, j] = cell.form[a, i, j]
    for r in range(rows):
        cell.basic[b, r], cell.owner[b, r] = cell.basic[a, r], cell.owner[a, r]
        for j in range(d):
            cell.T[b, r, j] = cell.T[a, r, j]
    for j in range(d):
        cell.nonbasic[b, j] = cell.nonbasic[a, j]
    for j in range(d + rows):
        cell.low[b, j], cell.high[b, j], cell.value[b, j] = cell.low[a, j], cell.high[a, j], cell.value[a, j]
    copy_turn(cell.left[a], cell.left[b])
    copy_turn(cell.right[a], cell.right[b])


@inner
def process(net, cell, lev, work, out, states, facts):  # type: ignore[no-untyped-def]
    """Everything that follows from a node's signs; returns 1 complete, 0 open, and how many states and facts there are.

    A fact's state is the one before its batch.
    """
    T, basic, nonbasic = cell.T[lev], cell.basic[lev], cell.nonbasic[lev]
    low, high, value, owner = cell.low[lev], cell.high[lev], cell.value[lev], cell.owner[lev]
    signs, depth = cell.signs[lev], len(net.width)
    while True:
        k = cell.front[lev]
        before = facts
        undecided, facts, lps = probe(
            T,
            basic,
            nonbasic,
            cell.rows[lev],
            low,
            high,
            value,
            owner,
            cell.form[lev],
            cell.shift[lev],
            net.width[k],
            net.offset[k],
            signs,
            net.size,
            net.slack,
            work.a,
            work.cost,
            out.mult,
            out.fact_neuron,
            out.fact_sign,
            out.fact_kind,
            facts,
            work.centre,
            cell.seen[lev],
            cell.has[lev],
        )
        out.counts[0] += lps
        if facts > before:
            for f in range(before, facts):
                out.fact_state[f] = states
            states += 1
        if undecided > 0:
            break
        if k == depth - 1:
            return 1, states, facts
        advance(net, cell, lev, work.block)
    k, open_ = cell.front[lev], undecided
    front_ranges(
        cell.form[lev],
        cell.shift[lev],
        net.width[k],
        net.lower,
        net.upper,
        net.d,
        net.size,
        net.offset[k],
        signs,
        net.left[k],
        net.right[k],
        work.z_low,
        work.z_high,
        work.line[k],
    )
    for above in range(k + 1, depth):
        if net.cone != 0 or 2 * open_ > net.width[above - 1]:
            break  # on a cone lines decide nothing; while most of a layer is open, next to nothing
        before = facts
        facts, lps = deep_layer(
            T,
            basic,
            nonbasic,
            cell.rows[lev],
            low,
            high,
            value,
            owner,
            cell.form[lev],
            cell.shift[lev],
            net.weight,
            net.bias,
            net.width,
            above,
            k,
            net.offset[above],
            signs,
            net.size,
            net.slack,
            net.left[above],
            net.right[above],
            work.line,
            work.c,
            work.spare,
            work.a,
            work.cost,
            net.lower,
            net.upper,
            out.mult,
            out.fact_neuron,
            out.fact_sign,
            out.fact_kind,
            facts,
        )
        out.counts[1] += lps
        open_ = 0
        for i in range(net.offset[above], net.offset[above + 1]):
            open_ += 1 if signs[i] == 0 else 0
        if facts > before:
            for f in range(before, facts):
                out.fact_state[f] = states
            states += 1
    return 0, states, facts


@inner
def bound(net, head, cell, lev, work, target, tie, predicted, arithmetic, codes, begin):  # type: ignore[no-untyped-def]
    """1 closed, 2 a tie, 0 open at the sign vector cell.failed[lev], −1 given up; the passes that took; `at`.

    The sign tree that closed it is written down in codes[begin:at]; the turn that did is cell's.
    """
    depth, front = len(net.width), cell.front[lev]
    signs = cell.signs[lev]
    for k in range(front, depth):
        for i in range(net.width[k]):
            s = signs[net.offset[k] + i]
            a, b = net.left[k, i], net.right[k, i]
            work.least[k, i] = min(a, b) if s == 0 else (b if s > 0 else a)
            work.greatest[k, i] = max(a, b) if s == 0 else work.least[k, i]
    first, last = (front, depth - 1) if head.upward else (depth - 1, front)
    if head.end < 0:
        status, used = bound_block(net, head, cell, lev, work, first, last, target, tie)
        return status, used, begin
    directions = len(head.directions)
    for i in range(net.width[last]):
        v = net.last[head.end, i] if head.upward else cell.form[lev, i, head.end]
        work.low[last, i], work.high[last, i] = v, v
    for r in range(directions):
        for i in range(net.width[first]):
            column = head.directions[r]
            work.start[r, i] = cell.form[lev, i, column] if head.upward else net.last[column, i]
    ranges(net, head, work, first, last)
    n = net.width[first]
    for r in range(directions):
        for i in range(n):
            work.c[i] = work.start[r, i]
        b = push(head.link, net.width, first, last, work.lines, work.c, work.spare)
        for i in range(n):
            work.c[i] = -work.start[r, i]
        a = -push(head.link, net.width, first, last, work.lines, work.c, work.spare)
        work.entry_low[r], work.entry_high[r] = a, b
        if a >= 0.0:
            work.slope[r], work.gap[r] = 1.0, 0.0
        elif b <= 0.0:
            work.slope[r], work.gap[r] = -1.0, 0.0
        else:
            work.slope[r] = (b + a) / (b - a)
            work.gap[r] = (1.0 - work.slope[r]) * b
    used, worst = 2 * directions, 0.0
    at = begin
    for _ in range(2):  # a second time for what fails by a rounding
        status = -2
        if cell.has_failed[lev]:
            for i in range(n):
                total = 0.0
                for r in range(directions):
                    total += cell.failed[lev, r] * work.start[r, i]
                work.c0[i] = total
            ok, more, worst, at = slope_tree(
                head.link,
                net.width,
                first,
                last,
                work.lines,
                work.least,
                work.greatest,
                work.c0,
                work.c,
                work.spare,
                work.slope_path,
                work.kept,
                target,
                arithmetic,
                codes,
                begin,
                2 * directions,
            )
            used += more
            if ok == 0:
                status = 0
        if status == -2:
            status, more, worst, at = sign_tree(
                head.link,
                net.width,
                first,
                last,
                work.lines,
                work.least,
                work.greatest,
                work.start,
                work.slope,
                work.gap,
                work.entry_low,
                work.entry_high,
                cell.failed[lev],
                work.chosen,
                work.cs,
                work.path,
                work.c,
                work.c0,
                work.spare,
                work.slope_path,
                work.kept,
                target,
                predicted,
                arithmetic,
                codes,
                begin,
            )
            used += more
            if status == 0:
                cell.has_failed[lev] = 1
        if status != 0 or target >= tie or worst > tie:
            break
        target = tie
    if status == 1 and target >= tie:
        status = 2
    return status, used, at if status > 0 else begin


@inner
def with_slope(net, head, work, first, last, front, i, slope):  # type: ignore[no-untyped-def]
    """The pass of the functional work.c0 where neuron i of the front has one slope."""
    line, kept = work.lines[front], work.kept[0]
    for r in range(4):
        kept[r] = line[r, i]
    if front == last:
        ends(slope, slope, work.low[front, i], work.high[front, i], line, i)
    else:
        line[0, i], line[1, i], line[2, i], line[3, i] = slope, 0.0, slope, 0.0
    for q in range(net.width[first]):
        work.c[q] = work.c0[q]
    value = push(head.link, net.width, first, last, work.lines, work.c, work.spare)
    for r in range(4):
        line[r, i] = kept[r]
    return value


@inner
def choose(net, head, cell, lev, work):  # type: ignore[no-untyped-def]
    """The neuron of the front to branch on, and the side of the larger bound."""
    depth, front = len(net.width), cell.front[lev]
    first, last = (front, depth - 1) if head.upward else (depth - 1, front)
    n = net.width[first]
    directions = len(head.directions)
    for i in range(n):
        total = 0.0
        if head.end < 0:
            total = work.start[0, i] if work.block_high[0, 0] >= -work.block_low[0, 0] else -work.start[0, i]
        for r in range(directions):
            s = float(cell.failed[lev, r]) if cell.has_failed[lev] else work.slope[r]
            total += s * work.start[r, i]
        work.c0[i] = total
        work.c[i] = total
    base = push(head.link, net.width, first, last, work.lines, work.c, work.spare)
    best, neuron, side = -1.0, -1, 1
    offset = net.offset[front]
    for i in range(net.width[front]):
        if cell.signs[lev, offset + i] != 0:
            continue
        one = with_slope(net, head, work, first, last, front, i, work.greatest[front, i])
        other = with_slope(net, head, work, first, last, front, i, work.least[front, i])
        a, b = -work.z_low[i], work.z_high[i]
        balance = min(a, b) / max(max(a, b), 1e-300)
        score = (max(0.0, base - one) + max(0.0, base - other)) * (2.0 - balance)
        if not score >= 0.0:
            score = 0.0  # NaN, where floats end: one of them must be chosen all the same
        if score > best:
            best, neuron = score, i
            side = 1 if (one >= other) == (net.right[front, i] >= net.left[front, i]) else -1
    return neuron, side


@reordered
def dive(
    net,
    head,
    cell,
    work,
    out,
    signs,
    split,
    failed,
    has_failed,
    target,
    tie,
    margin,
    best,
    max_passes,
    predicted,
    arithmetic,
    starts,
    steps,
):  # type: ignore[no-untyped-def]
    """Search below one node; returns how many nodes, states, facts and candidate points were written to `out`.

    `starts` and `steps`, shapes (·, d), are those of random ascents that come first.
    """
    d, depth = net.d, len(net.width)
    levels = len(cell.rows)
    neurons = len(net.size)
    max_nodes, max_facts = len(out.fate), len(out.fact_neuron) - neurons
    for j in range(len(out.counts)):
        out.counts[j] = 0
    top = np.int64(0)  # with the type of a variable: for a literal numba would compile what is called a second time
    nodes, states, facts, points, codes = top, top, top, top, top
    found = ascend(net, head, starts, steps, work, work.x)
    if found > best:
        copy_row(work.x, out.points[0])
        out.point_node[0] = -1
        points += 1
        best = found
        target, tie = max(target, best - margin), max(tie, best + margin)
    # the first level
    cell.rows[0] = 0
    for j in range(d):
        cell.nonbasic[0, j] = j
        cell.low[0, j], cell.high[0, j] = net.lower[j], net.upper[j]
        cell.value[0, j] = 0.5 * (net.lower[j] + net.upper[j])
    copy_row(signs, cell.signs[0])
    copy_row(failed, cell.failed[0])
    cell.has_failed[0] = has_failed
    straight(cell, top)
    for r in range(len(net.shifts)):
        v = add_row(net, cell, top, net.rows[r], r)
        cell.low[0, v] = -net.shifts[r]
    first_layer(net, cell, top)
    while True:
        k = cell.front[0]
        complete = True
        for i in range(net.width[k]):
            neuron = net.offset[k] + i
            if signs[neuron] == 0:
                complete = False
            elif split[neuron] != 0:
                cut(net, cell, top, neuron, cell.form[0, i], cell.shift[0, i], int(signs[neuron]))
        if not complete or k == depth - 1:
            break
        advance(net, cell, top, work.block)
    lev, parent, entered = top, top - 1, top
    while True:
        # a new node at level lev
        node = nodes
        nodes += 1
        out.parent[node] = parent
        fate, neuron, used = OPEN, -1, 0
        room = out.counts[2] < max_passes and nodes + 2 * lev + 2 < max_nodes and facts < max_facts and lev + 1 < levels
        if room:
            status = repair(
                cell.T[lev],
                cell.basic[lev],
                cell.nonbasic[lev],
                cell.rows[lev],
                cell.low[lev],
                cell.high[lev],
                cell.value[lev],
            )
            if status != 1:
                fate = FAILED
            else:
                for j in range(d + 1):
                    work.centre[j] = 0.0
                before = facts
                done, states, facts = process(net, cell, lev, work, out, states, facts)
                for f in range(before, facts):
                    out.fact_node[f] = node
                status, used, codes = bound(
                    net, head, cell, lev, work, target, tie, predicted, arithmetic, out.tree, codes
                )
                if status == 1:
                    fate = PRUNED
                elif done:
                    fate = TIE if status == 2 else REGION
                else:
                    fate = SPLIT  # a tie too: further down exact arithmetic settles it at a glance
                if fate != PRUNED:
                    if fate == REGION:
                        inside(
                            cell.T[lev],
                            cell.basic[lev],
                            cell.nonbasic[lev],
                            cell.rows[lev],
                            cell.low[lev],
                            cell.high[lev],
                            cell.value[lev],
                            work,
                        )
                    else:
                        between(net, cell, lev, work)
                    found = norm_at(net, head, work.x, work)
                    if fate != REGION:
                        for j in range(d):  # and close to the vertex, where other neurons above may be on
                            work.there[j] = work.x[j] + 0.999 * (cell.value[lev, j] - work.x[j])
                        other = norm_at(net, head, work.there, work)
                        if other > found:
                            found = other
                            copy_row(work.there, work.x)
                    if found > best or fate == REGION:
                        copy_row(work.x, out.points[points])
                        out.point_node[points] = node if fate == REGION else -1
                        points += 1
                        best = max(best, found)
                        target, tie = max(target, best - margin), max(tie, best + margin)
                if fate == SPLIT and cell.rows[lev] == len(cell.owner[lev]):
                    fate = OPEN  # no room for another row
                if fate == SPLIT:
                    i, side = choose(net, head, cell, lev, work)
                    neuron = net.offset[cell.front[lev]] + i
                    cell.neuron[lev], cell.side[lev], cell.stage[lev], cell.node[lev] = i, side, 0, node
        out.fate[node] = fate
        out.tree_end[node] = min(codes, len(out.tree))
        out.neuron[node] = neuron
        out.used[node] = used
        out.side[node] = entered
        copy_row(cell.failed[lev], out.node_failed[node])
        copy_turn(cell.left[lev], out.left[node])
        copy_turn(cell.right[lev], out.right[node])
        out.node_has_failed[node] = cell.has_failed[lev]
        out.counts[2] += used
        if fate != SPLIT:
            lev -= 1
            while lev >= 0 and cell.stage[lev] == 2:
                lev -= 1
            if lev < 0:
                return nodes, states, facts, points
        # the next child of the node at level lev
        i = cell.neuron[lev]
        side = cell.side[lev] if cell.stage[lev] == 0 else -cell.side[lev]
        cell.stage[lev] += 1
        parent, entered = cell.node[lev], side
        copy_level(net, cell, lev, lev + 1)
        lev += 1
        neuron = net.offset[cell.front[lev]] + i
        cell.signs[lev, neuron] = side
        inherit(net, cell, lev - 1, lev, i, side)
        cut(net, cell, lev, neuron, cell.form[lev, i], cell.shift[lev, i], side)
