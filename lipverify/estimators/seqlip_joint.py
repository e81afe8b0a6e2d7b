"""All layers at once: the largest Jacobian over all activation patterns, feasible or not, by branch and bound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Array, Signs
from lipverify.bound import Bound, Rigor, Status
from lipverify.errors import InvalidArgument
from lipverify.estimators.chain import product_up
from lipverify.estimators.pair import values
from lipverify.estimators.seqlip import SeqLip
from lipverify.estimators.vertices import Vertices
from lipverify.network import Network
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.sdp import Relaxation
from lipverify.relaxations.split import Oriented
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.trusted.rounding import quiet
from lipverify.watch import tick

TIE = 1 + 5e-10  # a factor at which a bound counts as attained
LEAST = 1e-10  # of a product of norms: a maximum below is not told from it


@final
@dataclass(frozen=True)
class SeqLipJoint:
    """L ≤ max over σ_i, each between its neuron's slopes, of ‖W_K diag(σ_{K−1}) ⋯ diag(σ_1) W_1‖₂.

    The first inequality of SeqLip (arXiv:1805.10965, before it is taken apart into pairs): what is left to the
    exact constant is only that some patterns are met nowhere. Branch and bound over all neurons with the
    split-conditioned SDP (`relaxations.split_sdp`). Valid on every domain, p = 2, ROUNDED, never looser than seqlip,
    with which it starts; exponential in the number of neurons, and for small networks. Proof: proofs/seqlip.md, §9.
    `stats` has the nodes, and whether the maximum is reached up to rounding ("closed").

    Attributes
    ----------
    nodes
        The most nodes of the search; cut short, it leaves its proven upper end.
    """

    nodes: int = 2_000

    name: ClassVar[str] = "seqlip-joint"
    side: ClassVar[Side] = "upper"
    rigor: ClassVar[Rigor] = Rigor.ROUNDED
    norms: ClassVar[tuple[NormPair, ...]] = EUCLIDEAN
    needs_box: ClassVar[bool] = False
    cost: ClassVar[str] = "exponential in the number of neurons, anytime"

    def __post_init__(self) -> None:
        if self.nodes < 1:
            raise InvalidArgument(f"nodes must be at least 1; got {self.nodes}")

    def run(self, problem: Problem, budget: Budget) -> Iterator[Bound]:
        """SeqLip's bounds, then the search's."""
        upper = math.inf
        for bound in SeqLip().run(problem, budget):
            upper = bound.upper
            yield self._bound(upper, 0, False, Status.INTERRUPTED)
        nodes, closed = 0, upper == 0.0
        if not closed:
            for found, nodes, closed in _search(problem.network, self.nodes):
                upper = min(upper, found)
                yield self._bound(upper, nodes, closed, Status.INTERRUPTED)
                if budget.expired:
                    break
        status = Status.TIME_LIMIT if budget.expired and not closed else Status.ONE_SIDED
        yield self._bound(upper, nodes, closed, status)

    def _bound(self, upper: float, nodes: int, closed: bool, status: Status) -> Bound:
        stats = {"nodes": nodes, "closed": closed}
        return Bound(method=self.name, status=status, upper=upper, upper_rigor=self.rigor, stats=stats)


def _search(net: Network, most: int) -> Iterator[tuple[float, int, bool]]:
    """Upper bounds of the maximum, nodes so far, and whether it is reached."""
    oriented = Oriented.of(net)
    chain = replace(oriented, exponent=0)  # in whose scale nothing overflows
    bound = SplitSDP().of(chain)
    signs = np.zeros(chain.neurons, dtype=np.int8)
    signs[chain.order] = chain.settled
    least = LEAST * math.sqrt(Relaxation.root(chain, chain.settled).rho)
    vertices = Vertices(
        bound, lambda signs, _: _climb(chain, signs[chain.order]), TIE, max(_climb(chain, chain.settled), least)
    )
    root = bound.estimate(signs, None, vertices.target)
    vertices.begin(signs, root, bound.certified(signs, root, -1.0))
    while True:
        yield product_up([vertices.upper], oriented.exponent), vertices.nodes, vertices.over
        if vertices.over or vertices.nodes >= most:
            return
        vertices.step()


def _climb(chain: Oriented, signs: Signs) -> float:
    """The value, in floats, of a pattern that extends `signs`: undecided neurons are flipped while it helps."""
    free = np.flatnonzero(signs == 0)
    pattern = np.where(signs == 0, 1, signs).astype(np.int8)
    best = float(_norms(chain, pattern[None])[0])
    while len(free):
        flipped = np.repeat(pattern[None], len(free), axis=0)
        flipped[np.arange(len(free)), free] *= -1
        norms = _norms(chain, flipped)
        at = int(np.argmax(norms))
        if not norms[at] > best * (1 + 1e-12):
            break
        best, pattern = float(norms[at]), flipped[at]
    return best


@quiet
def _norms(chain: Oriented, patterns: Array) -> Array:
    """Norms of the Jacobians of patterns, shape (N, n), in floats and the chain's scale."""
    slopes = np.where(patterns > 0, chain.beta, chain.alpha)
    product = chain.weights[0][None]
    for weight, layer in zip(chain.weights[1:], chain.layers, strict=True):
        tick()
        product = weight @ (slopes[:, layer, None] * product)
    return values(np.broadcast_to(product, (len(patterns), *product.shape[1:])))
