"""Branch and bound by several processes: sub-trees are dealt out with the incumbent, for a while, and come back.

A sub-tree travels as its open nodes, in signs, with what bounds them. Whoever has it takes it apart depth first, so
that little is left when the time is up, and hands back what is open then, the best point, and what was given up for a
tolerance; all this is what a checkpoint is, and the proof is the same: proofs/branch_and_bound.md. A process that ends
takes nothing with it, since its nodes are open here until it hands them back.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, final

from lipverify.fanout import ALONE
from lipverify.problem import Budget, Problem
from lipverify.solvers.branch_and_bound.checkpoint import OpenNode, Saved
from lipverify.solvers.branch_and_bound.tree import Tree
from lipverify.solvers.dealing import Deal
from lipverify.threads import single_threaded

if TYPE_CHECKING:
    from lipverify.solvers.branch_and_bound.search import BranchAndBound

_NEVER = 2**62
_HEAD_START = 1.0  # seconds of search alone: most searches end in them, and the others have something to deal out
_SLICE = 1.0  # seconds until what is open comes back
_GLANCE = 0.05  # seconds between two looks at the clock
_LEAST = 8  # nodes in a slice: bringing open nodes there must pay, and some of them be taken apart at all
_MOST = 16  # open nodes that are dealt out together


def shared(options: BranchAndBound, problem: Problem, budget: Budget, tree: Tree) -> Iterator[None]:
    """The steps of a tree, with others."""
    began = time.monotonic()
    for _ in tree.steps():
        yield
        if time.monotonic() - began > _HEAD_START:
            break
    else:
        return
    tree.pack()
    with options.team.hired() as crew:
        deal: Deal[tuple[OpenNode, ...]] = Deal(crew)
        tree.away = deal.away
        while tree.waiting or deal.away:
            while tree.waiting and deal.room:
                size = min(_MOST, 1 + len(tree.waiting) // 8)
                nodes = tuple(tree.waiting[-size:])
                theirs = _abroad(options, compiled=tree.load())
                deal.out(nodes, Excursion(theirs, problem, budget, tree.given(nodes)))
                del tree.waiting[-size:]  # they are away
            done, lost = deal.back(_GLANCE)
            for _, (saved, counts) in done:
                tree.unpack(saved, counts)
            for nodes in lost:
                tree.waiting += nodes
            for _ in tree.attacked():
                yield
            yield


def _abroad(options: BranchAndBound, *, compiled: bool) -> BranchAndBound:
    """What others do: the search for incumbents, reports and files are this process' business."""
    return replace(
        options,
        incumbent=None,
        ceiling=None,
        engines=None,
        checkpoint=None,
        team=ALONE,
        order="depth-first",
        interpreted=0 if compiled else _NEVER,
    )


@final
@dataclass(frozen=True)
class Excursion:
    """Some open nodes in another process: what becomes of them in a second, and what it took."""

    options: BranchAndBound
    problem: Problem
    budget: Budget
    saved: Saved

    def __call__(self) -> tuple[Saved, dict[str, int]]:
        budget = replace(self.budget, seconds=math.inf)  # this process is asked for a second of its own clock
        with single_threaded():
            tree = Tree(self.options, self.problem, budget, saved=self.saved)
            began = time.monotonic()
            for _ in tree.steps():
                if time.monotonic() - began > _SLICE and tree.counts["nodes"] >= _LEAST:
                    break
            return tree.saved, tree.counts
