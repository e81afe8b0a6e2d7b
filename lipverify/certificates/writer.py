"""Write a proof of lower ≤ L ≤ upper for a claim that some method has made.

The claim is all that is taken from the method. Its lower side is a point; its upper side is derived anew, by a depth-first
search over partial activation patterns that knows the value beforehand and leaves evidence for every step (FORMAT.md):
exact multipliers where a sign follows or nothing is left, multipliers of the split SDP where p = 2, ranges of slopes where
not. Every step is read by the checker's own rules as it is written, so that what is returned has been checked.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np
from flint import fmpq

from lipverify.arrays import Point, Signs, Vector
from lipverify.certificates import checker
from lipverify.domain import Box, Domain, Everywhere, Polytope
from lipverify.errors import CertificateError
from lipverify.geometry.cells import Cell, Cells, Ruling
from lipverify.network import Network
from lipverify.norms import INF, NormPair, reduced_pair
from lipverify.problem import Problem
from lipverify.relaxations.sdp import Relaxation, is_certified
from lipverify.relaxations.split import Oriented
from lipverify.trusted.rounding import down, float_down

Step: TypeAlias = list[Any]

_TOLERANCE = 1e-7
_LIMIT = 60  # Newton steps a node may take
_AIM = 1 - 2e-10  # a target so far below what is to be proved that rounding has room
_BITS = 40  # of the largest multiplier that are written


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
        where.write_bytes(gzip.compress(text, mtime=0) if where.suffix == ".gz" else text)


def exact_network(net: Network) -> checker.Network:
    """The network as the checker reads it."""

    def hexed(values: Any) -> Any:
        return [hexed(v) for v in values] if isinstance(values, list) else float(values).hex()

    return checker.network(
        {
            "format": "lipverify-network",
            "version": 1,
            "lowering": net.lowering.name,
            "source": net.source,
            "weights": [hexed(w.tolist()) for w in net.weights],
            "biases": [hexed(b.tolist()) for b in net.biases],
            "slopes": [hexed(s.tolist()) for s in net.slopes],
        }
    )


def exact_domain(domain: Domain) -> checker.Domain:
    """The domain as the checker reads it."""
    if isinstance(domain, Everywhere):
        return checker.Domain([], None, True)
    if isinstance(domain, Box):
        return checker.box([Fraction(x) for x in domain.lower.tolist()], [Fraction(x) for x in domain.upper.tolist()])
    assert isinstance(domain, Polytope)
    rows = [[Fraction(x) for x in row] for row in domain.A.tolist()]
    return checker.polytope(rows, [Fraction(x) for x in domain.b.tolist()])


def exact_pair(norm: NormPair) -> tuple[int, int]:
    """The pair as the checker writes it: 0 for ∞."""
    p, q = (0 if x == INF else int(x) for x in norm)
    return p, q


def enough_for(net: checker.Network, pair: tuple[int, int], value: Fraction) -> Fraction | None:
    """A number well above the claim such that L ≤ it implies the claim; None where the grid is too fine to help."""
    unit, power = checker.grid(net, *pair)
    if power == 0 or unit == 0:
        return None
    following = (value**power // unit + 1) * unit
    root = following if power == 1 else Fraction(math.isqrt(following * 2**120 // 1), 2**60)
    if root - value <= value / 2**30:
        return None
    found = value + (root - value) * (1 - Fraction(1, 2**20))
    return found if checker.reaches(net, checker.Claim(*pair, value), found) else None


def proof(problem: Problem, upper: Fraction, seed: int = 0) -> Iterator[tuple[Step, ...] | None]:
    """The steps of a proof that L ≤ upper; None now and then while it grows, so that a caller can look at the clock.

    Raises
    ------
    CertificateError
        When a region exceeds the bound: the claim is false.
    """
    search = _Search(problem, upper, seed)
    for _ in search.run():
        yield None
    yield tuple(search.steps)


@dataclass(frozen=True, eq=False, slots=True)
class _Node:
    """A cell, the signs asked for on it, and its parent's multipliers."""

    cell: Cell
    signs: Signs
    parent: Relaxation | None


class _Search:
    """Depth first, the active side before the inactive one, as the format wants it."""

    def __init__(self, problem: Problem, upper: Fraction, seed: int) -> None:
        net = problem.network
        exact = exact_network(net)
        pair = exact_pair(problem.norm)
        self.steps: list[Step] = []
        self._tree = checker.Tree(exact, exact_domain(problem.domain), checker.Claim(*pair, upper))
        self._trail: list[Ruling] = []
        self._net = net
        self._cells = Cells(net, problem.domain, seed, self._trail)
        shape = (net.output_dim, net.input_dim)
        spectral = reduced_pair(problem.norm, *shape) == reduced_pair(NormPair(2.0, 2.0), *shape)
        self._bound: _SplitSDP | _Slopes = _SplitSDP(net, upper) if spectral else _Slopes(net)

    def run(self) -> Iterator[None]:
        """Write the whole tree, a node at a time."""
        equal = [s[:, 0] == s[:, 1] for s in self._net.slopes]
        signs = np.concatenate([np.zeros(0, dtype=bool), *equal]).astype(np.int8)
        waiting = [_Node(self._cells.root(), signs, None)]
        while waiting:
            waiting += self._visit(waiting.pop())
            yield

    def _visit(self, node: _Node) -> list[_Node]:
        """Close a node, or split it: its children, the active one last."""
        self._trail.clear()
        found = self._cells.restrict(node.cell, node.signs)
        for ruling in self._trail:
            self._write(_ruled(ruling, self._tree.signs))
        if found is None:
            return []
        cell, signs = found
        if self._cells.is_region(cell):
            self._write(["region"])
            return []
        relaxation, step, scores = self._bound.ask(signs, node.parent)
        if step is not None and self._tries(step):
            return []
        neuron = _choice(scores, signs, cell)
        self._write(["split", neuron])
        children = []
        for side in (-1, 1):
            decided = signs.copy()
            decided[neuron] = side
            children.append(_Node(cell, decided, relaxation))
        return children

    def _write(self, step: Step) -> None:
        try:
            self._tree.read(step)
        except checker.Refused as error:
            raise CertificateError(f"the proof fails at {error}") from error
        self.steps.append(step)

    def _tries(self, step: Step) -> bool:
        """Write a leaf if the checker accepts it."""
        try:
            self._tree.read(step)
        except checker.Refused:
            return False  # floats thought so; the node is split instead
        self.steps.append(step)
        return True


def _ruled(ruling: Ruling, signs: Sequence[int]) -> Step:
    """A ruling as a step: the end of a node that was given the other sign, or a sign that follows."""
    neuron, sign = ruling.neuron, ruling.sign
    if ruling.multipliers is None:
        return ["constant", neuron]
    weights = {neuron: fmpq(1), **ruling.multipliers}
    if signs[neuron] == -sign:
        return ["empty", _integers(weights)]
    return ["implied", neuron, sign, _integers(weights)]


def _integers(weights: Mapping[int, fmpq]) -> list[list[int]]:
    below = math.lcm(*(int(x.q) for x in weights.values()))
    whole = {j: int(x.p) * (below // int(x.q)) for j, x in weights.items()}
    common = math.gcd(*whole.values())
    return [[j, x // common] for j, x in whole.items()]


def _choice(scores: Vector, signs: Signs, cell: Cell) -> int:
    """The neuron of the greatest score, those of the first open layer counted thrice; see `BestScore`."""
    weighted = np.where(signs == 0, scores, -1.0)
    weighted[cell.undecided] *= 3.0
    best = int(np.argmax(weighted))
    return best if weighted[best] > 0 else int(cell.undecided[0])


class _SplitSDP:
    """Leaves by the split-conditioned SDP, for spectral norms (proofs/sdp.md)."""

    def __init__(self, net: Network, upper: Fraction) -> None:
        self._chain = Oriented.of(net)
        self._way = "backward" if net.output_dim < net.input_dim else "forward"
        scaled = math.ldexp(float_down(upper), -self._chain.exponent)
        self._square = down(scaled * scaled) if 2.0**-400 < scaled < 2.0**400 else 0.0

    def ask(self, signs: Signs, parent: Relaxation | None) -> tuple[Relaxation, Step | None, Vector]:
        """The node's multipliers, the leaf they make if they reach the bound, and the scores of its neurons."""
        chain = self._chain
        mine = signs[chain.order]
        target = self._square * _AIM
        start, limit = (
            (Relaxation.root(chain, mine), 10 * _LIMIT) if parent is None else (parent.decided(mine, target), _LIMIT)
        )
        relaxation = start.descend(chain, target, _TOLERANCE, limit)
        scores = np.zeros(chain.neurons)
        moments = np.maximum(relaxation.scores, 0.0)
        scores[chain.order[relaxation.free]] = relaxation.multipliers**2 * moments[:, 0] * moments[:, 1]
        if not 0 < relaxation.rho <= self._square:
            return relaxation, None, scores
        return relaxation, self._leaf(relaxation), scores

    def _leaf(self, relaxation: Relaxation) -> Step:
        """The multipliers for the network's own matrices, by neuron, as integers times a power of two."""
        chain, free = self._chain, relaxation.free
        found: list[tuple[int, Fraction]] = []
        for position, value in zip(free.tolist(), relaxation.multipliers.tolist(), strict=True):
            lift = int(chain.lifts[position])
            found.append((int(chain.order[position]), Fraction(value) * Fraction(2) ** lift))
        top = max((abs(x) for _, x in found), default=Fraction(0))
        shift = math.frexp(float_down(top))[1] - _BITS if 0 < top < 2**1000 else 0
        return ["sdp", self._way, shift, [round(x / Fraction(2) ** shift) for _, x in sorted(found)]]


class _Slopes:
    """Leaves by the ranges of slopes alone, for every other norm."""

    def __init__(self, net: Network) -> None:
        self._net = net

    def ask(self, signs: Signs, parent: Relaxation | None) -> tuple[None, Step | None, Vector]:
        """The leaf is offered at every node: whether it holds is decided exactly."""
        return None, ["slopes"], self._scores(signs)

    def _scores(self, signs: Signs) -> Vector:
        """A neuron's range of slopes times the magnitudes that reach it from either end."""
        net = self._net
        cuts = np.cumsum(net.hidden)[:-1]
        layers = np.split(signs, cuts) if net.hidden else []
        least = [
            np.where(s > 0, d[:, 1], np.where(s < 0, d[:, 0], d.min(axis=1)))
            for s, d in zip(layers, net.slopes, strict=True)
        ]
        most = [
            np.where(s > 0, d[:, 1], np.where(s < 0, d[:, 0], d.max(axis=1)))
            for s, d in zip(layers, net.slopes, strict=True)
        ]
        steep = [np.maximum(np.abs(a), np.abs(b)) for a, b in zip(least, most, strict=True)]
        weights = [np.abs(w) for w in net.weights]
        with np.errstate(all="ignore"):
            below = [weights[0].sum(axis=1)]
            for weight, s in zip(weights[1:-1], steep, strict=False):
                below.append(weight @ (s * below[-1]))
            above = [weights[-1].sum(axis=0)]
            for weight, s in zip(weights[-2:0:-1], steep[::-1], strict=False):
                above.append((s * above[-1]) @ weight)
            parts = [(b - a) * x * y for a, b, x, y in zip(least, most, below, reversed(above), strict=True)]
        return np.nan_to_num(np.concatenate([np.zeros(0), *parts]), nan=0.0)
