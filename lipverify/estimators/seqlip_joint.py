"""All layers at once: the largest Jacobian over all activation patterns, feasible or not, by branch and bound."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from lipverify.arrays import Array, Signs
from lipverify.bound import Bound, Rigor, Status
from lipverify.errors import InvalidArgument
from lipverify.estimators.chain import root_up
from lipverify.estimators.pair import values
from lipverify.estimators.seqlip import SeqLip
from lipverify.norms import EUCLIDEAN, NormPair
from lipverify.problem import Budget, Problem, Side
from lipverify.relaxations.sdp import Relaxation, certified_square
from lipverify.relaxations.split import Oriented

TIE = 1e-9  # a relative distance, of squares, at which a bound counts as attained
AIM = 1 - 2e-10  # a target a little lower, so that certification has room
LEAST = 1e-20  # of a product of squared norms: a maximum below is not told from it
TOLERANCE = 1e-7
STEPS = 60  # of Newton's method per node; ten times as many at the root


@final
@dataclass(frozen=True)
class SeqLipJoint:
    """L ≤ max over σ_i, each between its neuron's slopes, of ‖W_K diag(σ_{K−1}) ⋯ diag(σ_1) W_1‖₂.

    The first inequality of SeqLip (arXiv:1805.10965, before it is taken apart into pairs): what is left to the
    exact constant is only that some patterns are met nowhere. Branch and bound over all neurons with the
    split-conditioned SDP of `relaxations.sdp`. Valid on every domain, p = 2, ROUNDED, never looser than seqlip,
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
        chain = Oriented.of(problem.network)
        nodes, closed = 0, upper == 0.0
        if not closed:
            for square, nodes, closed in _search(chain, self.nodes):
                upper = min(upper, root_up(square, chain.exponent))
                yield self._bound(upper, nodes, closed, Status.INTERRUPTED)
                if budget.expired:
                    break
        status = Status.TIME_LIMIT if budget.expired and not closed else Status.ONE_SIDED
        yield self._bound(upper, nodes, closed, status)

    def _bound(self, upper: float, nodes: int, closed: bool, status: Status) -> Bound:
        stats = {"nodes": nodes, "closed": closed}
        return Bound(method=self.name, status=status, upper=upper, upper_rigor=self.rigor, stats=stats)


def _search(chain: Oriented, most: int) -> Iterator[tuple[float, int, bool]]:
    """Upper bounds of the squared maximum in the chain's scale, nodes so far, and whether it is reached."""
    root = Relaxation.root(chain, chain.linear)
    lower = max(_climb(chain, chain.linear), LEAST * root.rho)
    settled, upper = 0.0, math.inf
    heap: list[tuple[float, int, Relaxation]] = [(-math.inf, 0, root)]
    ticket, nodes = itertools.count(1), 0
    while heap and -heap[0][0] > lower * (1 + TIE):
        if nodes >= most:
            return
        limit, _, start = heapq.heappop(heap)
        nodes += 1
        target = lower * (1 + TIE)
        state = start.descend(chain, target * AIM, TOLERANCE, STEPS * (10 if nodes == 1 else 1))
        bound = min(-limit, certified_square(chain, state))
        if bound <= target or not len(state.free):
            settled = max(settled, bound)
        else:
            for signs in _children(chain, state):
                lower = max(lower, _climb(chain, signs))
                heapq.heappush(heap, (-bound, next(ticket), state.decided(signs)))
        upper = min(upper, max(settled, -heap[0][0] if heap else 0.0))
        yield upper, nodes, False
    yield min(upper, max(settled, -heap[0][0] if heap else 0.0)), nodes, True


def _children(chain: Oriented, state: Relaxation) -> Iterator[Signs]:
    """The undecided neuron that is furthest from both of its sides, as the SDP sees it, on either side."""
    with np.errstate(all="ignore"):  # where floats end any choice will do
        scores = np.nan_to_num(state.multipliers**2 * np.maximum(state.scores, 0.0).prod(axis=1))
    neuron = state.free[int(np.argmax(scores))]
    for sign in (1, -1):
        signs = state.signs.copy()
        signs[neuron] = sign
        yield signs


def _climb(chain: Oriented, signs: Signs) -> float:
    """The squared value, in floats, of a pattern that extends `signs`: undecided neurons are flipped while it helps."""
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
    return best * best


def _norms(chain: Oriented, patterns: Array) -> Array:
    """Norms of the Jacobians of patterns, shape (N, n), in floats and the chain's scale."""
    slopes = np.where(patterns > 0, chain.beta, chain.alpha)
    product = chain.weights[0][None]
    for weight, layer in zip(chain.weights[1:], chain.layers, strict=True):
        product = weight @ (slopes[:, layer, None] * product)
    return values(np.broadcast_to(product, (len(patterns), *product.shape[1:])))
