"""Write a proof of lower ≤ L ≤ upper for a claim that some method has made.

The claim is all that is taken from the method. Its lower side is a point; its upper side is derived anew, by a
depth-first search over partial activation patterns that knows the value beforehand and leaves evidence for every step
(FORMAT.md): exact multipliers where a sign follows or nothing is left, multipliers of the split SDP where p = 2, ranges
of slopes where not. Every step is read by the checker's own rules as it is written: what is returned has been checked.
"""

from __future__ import annotations

import gzip
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, final

import numpy as np

from lipverify.arrays import Point, Signs, Vector
from lipverify.bound import Bound, Rigor, Status
from lipverify.certificates import checker
from lipverify.certificates.leaves import Leaves, Offer, SlopeRanges, SpectralLeaves, Step
from lipverify.domain import Ball, Box, Domain, Everywhere, Polytope
from lipverify.errors import CertificateError, UnsupportedDomain
from lipverify.geometry.cells import Cell, Cells, Ruling
from lipverify.network import Network
from lipverify.norms import INF, NormPair, reduced_pair
from lipverify.problem import Problem
from lipverify.rationals import combination
from lipverify.readers.native import network_record
from lipverify.trusted.rounding import float_down, float_up
from lipverify.writing import write_whole

_FEW = 4
"""Inputs up to which most patterns are empty, so that cutting cells is worth more than tighter bounds: 2 to 8 times
fewer steps on networks 3-10x10-2 and 2-6x6x6-1, as many on 4-8x8-1, more from 6 inputs on."""
_CUTTING, _READY = 1e9, 3.0
_LONG = 2000
"""Nodes after which compiled code is worth loading, if it is on the disk."""


@final
@dataclass(frozen=True)
class Certificate:
    """What proves bounds of a Lipschitz constant; the claim itself is not in it.

    Attributes
    ----------
    witness
        A point at which the norm of the Jacobian is the lower bound; None if there is no lower bound.
    enough
        The bound that the tree proves, where that is above the claim and no possible value lies between; else None.
    tree
        The steps of the upper bound's proof, in preorder; None if there is no upper bound.
    """

    witness: Point | None
    enough: Fraction | None
    tree: tuple[Step, ...] | None

    def record(self) -> dict[str, Any]:
        """The JSON object of FORMAT.md."""
        return {
            "format": "lipverify-certificate",
            "version": 1,
            "witness": None if self.witness is None else [str(x) for x in self.witness],
            "enough": None if self.enough is None else str(self.enough),
            "tree": None if self.tree is None else list(self.tree),
        }

    def save(self, path: str | Path) -> None:
        """Write it as JSON, packed where the name ends in .gz."""
        text = json.dumps(self.record(), separators=(",", ":")).encode() + b"\n"
        where = Path(path)
        write_whole(where, gzip.compress(text, mtime=0) if where.suffix == ".gz" else text)


def exact_network(net: Network) -> checker.Network:
    """The network as the checker reads it."""
    return checker.network(network_record(net))


def exact_domain(domain: Domain) -> checker.Domain:
    """The domain as the checker reads it."""
    if isinstance(domain, Everywhere):
        return checker.Domain()
    if isinstance(domain, Box):
        kind, record = "box", {"lower": _texts(domain.lower), "upper": _texts(domain.upper)}
    elif isinstance(domain, Ball):
        kind, record = "ball", {"center": _texts(domain.center), "radius": float(domain.radius).hex()}
    elif isinstance(domain, Polytope):
        kind, record = "polytope", {"A": [_texts(row) for row in domain.A], "b": _texts(domain.b)}
    else:
        raise UnsupportedDomain(f"certificates have no rule for {domain}")
    return checker.domain_of(kind, record, domain.dimension)


def _texts(values: Vector) -> list[str]:
    return [x.hex() for x in values.tolist()]


def exact_pair(norm: NormPair) -> tuple[int, int]:
    """The pair as the checker writes it: 0 for ∞."""
    p, q = (0 if x == INF else int(x) for x in norm)
    return p, q


def enough_for(net: checker.Network, pair: tuple[int, int], value: Fraction) -> Fraction | None:
    """A number well above the claim such that L ≤ it implies the claim; None where the grid is too fine to help."""
    pair = checker.reduced(net, pair)
    power = 2 if 2 in pair else 1
    unit = net.grid**power
    if pair == (2, 2) or unit == 0:
        return None
    following = (value**power // unit + 1) * unit
    root = following if power == 1 else Fraction(math.isqrt(following * 2**120 // 1), 2**60)
    if root - value <= value / 2**30:
        return None
    found = value + (root - value) * (1 - Fraction(1, 2**20))
    return found if checker.reaches(net, pair, value, found) else None


@final
class Proof:
    """The proof that L ≤ upper as it grows: depth first, and the active side first, as the format wants it.

    Attributes
    ----------
    steps
        What is written so far.
    upper
        What they prove once the tree is closed; `settle` may raise it.
    """

    def __init__(self, problem: Problem, upper: Fraction, seed: int = 0, exact: checker.Network | None = None) -> None:
        net = problem.network
        exact = exact_network(net) if exact is None else exact
        self.upper = upper
        self._aim = float_down(upper)
        self.steps: list[Step] = []
        pair = checker.reduced(exact, exact_pair(problem.norm))
        self._tree = checker.Tree(exact, exact_domain(problem.domain), pair, upper)
        self._trail: list[Ruling] = []
        self._net = net
        self._cells = Cells(net, problem.domain, seed, self._trail)
        shape = (net.output_dim, net.input_dim)
        spectral = reduced_pair(problem.norm, *shape) == reduced_pair(NormPair(2.0, 2.0), *shape)
        self._leaves: Leaves = SpectralLeaves(net) if spectral else SlopeRanges(net, problem.norm)
        self._ready = _CUTTING if net.input_dim <= _FEW else _READY
        self._layer = np.repeat(np.arange(len(net.hidden)), net.hidden)
        equal = [s[:, 0] == s[:, 1] for s in net.slopes]
        signs = np.concatenate([np.zeros(0, dtype=bool), *equal]).astype(np.int8)
        self._waiting: list[_Node | Step] = [_Node(self._cells.root(), signs, None)]  # or the step that closes one

    def run(self) -> Iterator[None]:
        """Write the tree, a node at a time, until it is closed.

        Raises
        ------
        CertificateError
            When a region exceeds the bound: the claim is false.
        """
        for visited in itertools.count():
            if not self._waiting:
                return
            if visited == _LONG and _on_disk():
                self._cells.compile()
                self._leaves.compile()
            node = self._waiting.pop()
            if isinstance(node, _Node):
                self._visit(node)
            else:
                self._write(node)
            yield

    def settle(self) -> None:
        """Close every open node by the bound it has, and raise `upper` to the greatest of them."""
        while self._waiting:
            node = self._waiting.pop()
            if not isinstance(node, _Node):
                self._write(node)
                continue
            if self._tries(["slopes"]):
                continue
            for step, bound in self._leaves.loosely(self._signs(), node.parent, self._tree):
                if bound > self.upper:
                    self._raise(bound)
                if self._tries(step):
                    break
            else:
                raise CertificateError("an open node has no bound that can be proved; give the proof more time")

    def _raise(self, upper: Fraction) -> None:
        """What was closed below a smaller bound is closed below a greater one too."""
        self.upper = upper
        self._aim = float_down(upper)
        self._tree.bound = upper

    def _visit(self, node: _Node) -> None:
        """Close a node, or split it.

        What follows from its signs on the domain is written only where it is needed: most leaves close without.
        """
        bare = self._leaves.offer(self._signs(), node.parent, self._aim) if self._leaves.cheap else None
        if bare is not None and self._closed(bare):
            return
        self._trail.clear()
        found = self._cells.restrict(node.cell, node.signs)
        if found is None:
            self._follow(self._trail)
            return
        cell, signs = found
        offer = self._leaves.offer(signs, node.parent, self._aim) if bare is None or self._trail else bare
        if self._trail and offer.closes and self._closed_by_few(node, bare, offer):
            return
        self._follow(self._trail)
        if self._closed(offer):
            return
        if self._cells.is_region(cell):
            self._write(["slopes"])
            return
        neuron = _choice(offer.scores, signs, cell, self._ready)
        self._write(["split", neuron])
        for side in (-1, 1):
            decided = signs.copy()
            decided[neuron] = side
            self._waiting.append(_Node(cell, decided, offer.state))

    def _signs(self) -> Signs:
        """The signs at the node that is open, as they are written."""
        self._tree.open_layers(len(self._net.weights))
        return np.minimum(np.array(self._tree.signs, dtype=np.int8), 1)

    def _closed_by_few(self, node: _Node, bare: Offer | None, full: Offer) -> bool:
        """Close a node that all of the rulings close with few of them, or none; whether it was done."""
        if bare is None:
            bare = self._leaves.offer(self._signs(), node.parent, self._aim)
            if self._closed(bare):
                return True
        needed, closing = self._fewest(bare, full)
        self._follow(needed)
        return self._closed(closing)

    def _fewest(self, bare: Offer, full: Offer) -> tuple[list[Ruling], Offer]:
        """Few of the rulings that close the node that all of them close, and the offer that does.

        Those of a layer need all of those below it, and none of its own.
        """
        order = sorted(self._trail, key=lambda ruling: (self._layer[ruling.neuron], -bare.scores[ruling.neuron]))
        low, high = 0, len(order)  # so many leave it open, so many close it
        while high - low > 1:
            middle = (low + high) // 2
            signs = self._signs()
            for ruling in order[:middle]:
                signs[ruling.neuron] = ruling.sign
            tried = self._leaves.offer(signs, bare.state, self._aim)
            if tried.closes:
                high, full = middle, tried
            else:
                low = middle
        return order[:high], full

    def _follow(self, rulings: Iterable[Ruling]) -> None:
        """Write down what follows: the other side of each ruling's neuron is empty, or this node itself."""
        for ruling in rulings:
            given = self._tree.signs[ruling.neuron]
            if given == 0:
                self._tree.open_layers(len(self._net.weights))
                given = self._tree.signs[ruling.neuron]
            if given == ruling.sign:
                continue  # what has been written before shows that it is constant
            if given == 0:
                self._write(["split", ruling.neuron])
            empty = _refuted(ruling, self._tree)
            if given == 0 and ruling.sign > 0:
                self._waiting.append(empty)
            else:
                self._write(empty)

    def _closed(self, offer: Offer) -> bool:
        return any(self._tries(step) for step in offer.steps)

    def _write(self, step: Step) -> None:
        try:
            self._tree.read(step)
        except checker.Refused as error:
            raise CertificateError(f"the proof fails at step {len(self.steps)}: {error}") from error
        self.steps.append(step)

    def _tries(self, step: Step) -> bool:
        """Write a leaf if the checker accepts it."""
        try:
            self._tree.read(step)
        except checker.Refused:
            return False  # floats thought so; something else is tried, in the end a split
        self.steps.append(step)
        return True


def _on_disk() -> bool:
    from lipverify.relaxations.compiled import on_disk  # loads numba

    return on_disk()


@dataclass(frozen=True, eq=False, slots=True)
class _Node:
    """A cell, the signs asked for on it, and what its parent's leaf left for it."""

    cell: Cell
    signs: Signs
    parent: Any


def _refuted(ruling: Ruling, tree: checker.Tree) -> Step:
    """Why no region has the other sign of a ruling's neuron."""
    if ruling.multipliers is None:
        return ["empty", [[ruling.neuron, 1]]]
    found = _carried(ruling, tree) if ruling.carriers and tree.domain.ball is None else None
    if found is None:
        # A ball has no facets: those of the box around it are positive on it, so the others are as good without them.
        rows = {j: x for j, x in ruling.multipliers().items() if j >= 0 or tree.domain.ball is None}
        below = math.lcm(*(int(x.q) for x in rows.values()))
        found = {ruling.neuron: below, **{j: int(x.p) * (below // int(x.q)) for j, x in rows.items()}}
    common = math.gcd(*found.values())
    return ["empty", [[j, x // common] for j, x in found.items()]]


def _carried(ruling: Ruling, tree: checker.Tree) -> dict[int, int] | None:
    """The multipliers of a ruling's own row and of its carriers, found in the checker's integers; None without any."""
    names = [j for j in ruling.carriers if j is not None]
    own, unit, _ = tree.row(ruling.neuron)
    rows, belows = [], []
    for j in names:
        row, below, sign = tree.row(j)
        rows.append(row if sign > 0 else [-x for x in row])
        belows.append(below)
    end = len(own) - (len(names) < len(ruling.carriers))  # what is constant may be left over
    found = combination(rows, [ruling.sign * x for x in own], end)
    if found is None:
        return None
    weights, whole = found
    used = {j: x * below for j, x, below in zip(names, weights, belows, strict=True) if x}
    return {ruling.neuron: whole * unit, **used}


def _choice(scores: Vector, signs: Signs, cell: Cell, ready: float) -> int:
    """The neuron of the greatest score, those whose sides the cell can be cut by at once counted `ready` times."""
    weighted = np.where(signs == 0, scores, -1.0)
    weighted[cell.undecided] *= ready
    best = int(np.argmax(weighted))
    return best if weighted[best] > 0 else int(cell.undecided[0])


def certify(problem: Problem, bound: Bound, seed: int, stop: Callable[[], bool]) -> Bound:
    """The bound with a certificate, PROVED on the sides that it has.

    Parameters
    ----------
    stop
        Asked at every node; when it says so, the upper side is what can be proved at once, which may be greater.

    Raises
    ------
    CertificateError
        When the claim turns out to be false, or an open node has no bound that can be proved.
    """
    net, pair = exact_network(problem.network), exact_pair(problem.norm)
    exact = bound.exact_value
    claimed = exact if exact is not None else None if math.isinf(bound.upper) else Fraction(bound.upper)
    upper, enough, tree = claimed, None, None
    if claimed is not None:
        enough = enough_for(net, pair, claimed)
        proof = Proof(problem, enough or claimed, seed, net)
        if any(stop() for _ in proof.run()):
            proof.settle()
        tree = tuple(proof.steps)
        if proof.upper > (enough or claimed):
            upper, enough = proof.upper, None
    witness = None if bound.witness is None else bound.witness.point
    lower = Fraction(0) if witness is None else Fraction(bound.lower) if exact is None else exact
    found = Certificate(witness, enough, tree)
    try:  # the upper side has been read
        checker.check(net, found.record(), exact_domain(problem.domain), pair, lower, None)
    except checker.Refused as error:
        raise CertificateError(f"the lower side is not proved: {error}") from error
    proved = replace(bound, lower=0.0 if witness is None else bound.lower, lower_rigor=Rigor.PROVED, certificate=found)
    if upper == claimed:
        return replace(proved, upper_rigor=Rigor.PROVED)
    assert upper is not None
    status = Status.TIME_LIMIT if bound.status is Status.EXACT else bound.status
    return replace(proved, upper=float_up(upper), upper_rigor=Rigor.PROVED, status=status, exact=None)
