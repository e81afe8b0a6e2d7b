"""Cuts next to a scalar end: each holds at every choice of slopes, and what is certified with them is true."""

from __future__ import annotations

import itertools
import json
import math
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.attacks.local_search import LocalSearch
from lipverify.bound import Bound, Status
from lipverify.certificates.leaves import SpectralLeaves
from lipverify.network import Network
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Problem
from lipverify.relaxations.cuts import Cuts, extended, scales, taken_by, violated
from lipverify.relaxations.cutting import Triangles
from lipverify.relaxations.sdp import Relaxation, certified_square, is_certified
from lipverify.relaxations.split import Oriented
from lipverify.relaxations.split_sdp import SplitSDP
from lipverify.solvers.branch_and_bound.search import BranchAndBound
from tests.conftest import examples


def network(rng: np.random.Generator, dims: tuple[int, ...], *, bent: bool = False) -> Network:
    """Gaussian weights, one output; slopes of any kind if asked for."""
    weights = [rng.standard_normal((m, n)) for n, m in itertools.pairwise(dims)]
    slopes = [rng.choice([-1.0, 0.0, 0.5, 1.0], (n, 2)) for n in dims[1:-1]] if bent else None
    return Network(weights, None, slopes)


def largest(chain: Oriented, signs: np.ndarray) -> float:
    """The largest ‖W_K D ⋯ W_1‖² over all completions of the signs."""
    best = 0.0
    free = np.flatnonzero(signs == 0)
    for choice in itertools.product((-1, 1), repeat=len(free)):
        full = signs.copy()
        full[free] = choice
        slopes = np.where(full > 0, chain.beta, chain.alpha)
        value = chain.weights[0]
        for weight, layer in zip(chain.weights[1:], chain.layers, strict=True):
            value = weight @ (slopes[layer, None] * value)
        best = max(best, float(np.linalg.norm(value, 2)) ** 2)
    return best


SMALL = Triangles(fewest=1, least=1e-3, gain=0.0, promise=-math.inf)


def with_cuts(chain: Oriented, signs: np.ndarray, target: float) -> Relaxation:
    """The relaxation after some rounds."""
    start = Relaxation.root(chain, signs).descend(chain, target, 1e-7, 300)
    opened = SMALL.open(chain)
    assert opened is not None
    return opened.tighten(start, target)


def moments_in_u(S: np.ndarray, c: np.ndarray) -> np.ndarray:
    """E[z zᵀ] for z = (1, u), u_i = c_i (1 + s_i)/2."""
    P = np.diag(np.append(1.0, c / 2))
    P[1:, 0] = c / 2
    return P @ S @ P.T


@settings(max_examples=examples(15))
@given(st.integers(0, 2**32), st.integers(3, 7))
def test_separated_cuts_hold_at_every_vertex_and_not_at_the_moments(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    c = rng.choice([-1.0, 1.0], n) * np.exp2(rng.integers(-3, 4, n))
    signs = np.where(rng.random(n) < 0.8, 0, rng.choice([-1, 1], n)).astype(np.int8)
    free = np.flatnonzero(signs == 0)
    # Moments of the relaxation: a diagonal of 1, and a positive semidefinite matrix.
    V = rng.standard_normal((len(free) + 1, 3))
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    S = V @ V.T
    rows = rng.choice([-1, 0, 0, 1], (20, len(S)))
    rows = rows[np.abs(rows).sum(axis=1) == 3].reshape(-1, len(S))
    cuts = violated(S, signs, n, 50, 1e-6).and_(extended(S, rows, signs, n, 50, 1e-6))
    left, right = cuts.forms(c, signs, 1 + len(free))
    assert (np.einsum("ki,ij,kj->k", left, moments_in_u(S, c[free]), right) < -4e-7).all()
    for choice in itertools.product((0, 1), repeat=len(free)):
        z = [Fraction(1), *(Fraction(float(c[i])) * v for i, v in zip(free, choice, strict=True))]
        for e, f in zip(left.tolist(), right.tolist(), strict=True):  # c are powers of two: the forms are exact
            at = sum(Fraction(a) * v for a, v in zip(e, z, strict=True))
            assert at * (at - 1) >= 0
            assert sum(Fraction(a) * v for a, v in zip(f, z, strict=True)) == at - 1


def test_a_pentagon_is_found_where_no_triangle_is_violated() -> None:
    flips = np.array([1, 1, -1, 1, -1])
    S = np.outer(flips, flips) * np.where(np.eye(5) > 0, 1.0, -0.24)
    signs = np.zeros(4, dtype=np.int8)
    assert not len(violated(S, signs, 4, 50, 1e-6))
    (cut,) = extended(S, flips[None] * [[1, 1, 1, 0, 0]], signs, 4, 50, 1e-6).coefficients
    assert (cut * flips[1:]).tolist() in ([1] * 4, [-1] * 4)
    assert not len(extended(S, flips[None] * [[1, 1, 1, 0, 0]], signs, 4, 50, 0.41))  # it is violated by 0.4


@settings(max_examples=examples(25))
@given(st.integers(0, 2**32), st.sampled_from([(3, 5, 1), (6, 7, 1), (1, 5, 2), (2, 6, 1)]), st.booleans())
def test_a_square_certified_with_cuts_bounds_every_completion(seed: int, dims: tuple[int, ...], bent: bool) -> None:
    rng = np.random.default_rng(seed)
    chain = Oriented.of(network(rng, dims, bent=bent))
    n = chain.neurons
    signs = np.where(rng.random(n) < 0.8, 0, rng.choice([-1, 1], n)).astype(np.int8)
    signs[chain.settled != 0] = 1
    truth = largest(chain, signs)
    found = with_cuts(chain, signs, max(truth * (1 + 1e-6), 1e-9))
    assert truth * (1 - 1e-12) <= certified_square(chain, found) <= max(found.rho * (1 + 1e-6), 1e-9)
    free = np.flatnonzero(signs == 0)
    if len(free):  # a child keeps the cuts, and what it may claim with them holds too
        child = signs.copy()
        child[free[0]] = 1
        below = largest(chain, child)
        assert certified_square(chain, found.decided(child)) >= below * (1 - 1e-12)
        opened = SMALL.open(chain)
        assert opened is not None
        if found.cuts is not None and len(free) > 1:
            own = opened.inherit(found.decided(child), truth)
            assert below * (1 - 1e-12) <= certified_square(chain, own) <= found.rho * (1 + 1e-6)


@settings(max_examples=examples(25))
@given(st.integers(0, 2**32), st.integers(2, 6), st.booleans())
def test_what_cuts_take_is_known_to_its_last_rounding(seed: int, n: int, bent: bool) -> None:
    """Σ ν ½(e fᵀ + f eᵀ) in rationals, from the network's own numbers: what floats miss of it is charged for."""
    rng = np.random.default_rng(seed)
    chain = Oriented.of(network(rng, (3, n, 1), bent=bent))
    signs = np.where(rng.random(n) < 0.7, 0, rng.choice([-1, 1], n)).astype(np.int8)
    free = np.flatnonzero(signs == 0)
    c = [
        (Fraction(float(b)) - Fraction(float(a))) * Fraction(float(w))
        for a, b, w in zip(chain.alpha, chain.beta, chain.weights[0][:, 0], strict=True)
    ]
    coefficients = np.where([x != 0 for x in c], rng.integers(-2, 3, (4, n)), 0).astype(np.int8)
    cuts, weights = Cuts(coefficients, rng.integers(-2, 3, 4)), rng.random(4)
    taken = taken_by(chain, signs, 1 + len(free), cuts, weights)
    assert taken is not None
    exact = [[Fraction(0)] * (1 + len(free)) for _ in range(1 + len(free))]
    for b, k, weight in zip(coefficients.tolist(), cuts.offsets.tolist(), weights.tolist(), strict=True):
        constant = Fraction(sum(b[i] for i in np.flatnonzero(signs > 0)) - k)
        e = [constant, *(b[i] / c[i] if b[i] else Fraction(0) for i in free)]
        f = [constant - 1, *e[1:]]
        for i, j in itertools.product(range(len(e)), repeat=2):
            exact[i][j] += Fraction(weight) * (e[i] * f[j] + f[i] * e[j]) / 2
    for row, mid, rad in zip(exact, taken.mid.tolist(), taken.rad.tolist(), strict=True):
        assert sum(abs(x - Fraction(y)) for x, y in zip(row, mid, strict=True)) <= Fraction(rad)


def odd_cycle(n: int) -> Network:
    """The network of an odd cycle: its maximum cut n − 1 is what one triangle more than the SDP shows for n = 3."""
    return Network([nx.incidence_matrix(nx.cycle_graph(n), oriented=True).toarray(), np.ones((1, n))])


def test_triangles_close_the_triangle() -> None:
    """The SDP has 9/4 for the maximum cut of a triangle; with its inequality it is 2."""
    chain = Oriented.of(odd_cycle(3))
    scale = 4.0**chain.exponent
    start = Relaxation.root(chain, np.zeros(3, dtype=np.int8)).descend(chain, 0.0, 1e-9, 300)
    assert start.rho * scale == pytest.approx(9 / 4, rel=1e-6)
    found = with_cuts(chain, np.zeros(3, dtype=np.int8), 2 / scale)
    assert found.cuts is not None
    assert found.rho * scale == pytest.approx(2, rel=1e-2)
    assert certified_square(chain, found) * scale < 2.05


def test_what_is_no_proof_is_refused() -> None:
    """Negative multipliers, and neurons of which nothing may be said."""
    chain = Oriented.of(odd_cycle(3))
    signs, scale = np.zeros(3, dtype=np.int8), 4.0**chain.exponent
    found = with_cuts(chain, signs, 2 / scale)
    assert found.cuts is not None
    generous = 1e6 * found.rho
    assert is_certified(chain, found, generous)
    assert not is_certified(chain, replace(found, weights=-found.weights), generous)
    assert not is_certified(chain, replace(found, weights=np.full_like(found.weights, np.nan)), generous)
    c = scales(chain)
    assert c is not None
    silent = Oriented.of(Network([np.ones((3, 3)), [[1.0, 1.0, 0.0]]]))
    assert (
        taken_by(silent, signs, 4, Cuts(np.ones((1, 3), dtype=np.int8), np.ones(1, dtype=np.int64)), np.ones(1)) is None
    )


def test_a_form_that_is_no_product_of_neighbours_would_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    """With factors two apart in place of e (e − v₀) the triangle gets less than its cut, 2."""
    chain = Oriented.of(odd_cycle(3))
    signs, scale = np.zeros(3, dtype=np.int8), 4.0**chain.exponent
    proper = Cuts.forms

    def wrong(cuts: Cuts, c: np.ndarray, at: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        left, right = proper(cuts, c, at, size)
        left[:, 0] += 0.5
        right[:, 0] -= 0.5
        return left, right

    found = with_cuts(chain, signs, 2 / scale)

    def lies() -> bool:
        """Whether some multipliers are taken for a proof of less than the maximum cut."""
        shares = itertools.product(np.linspace(0.25, 2, 8), np.linspace(0, 8, 17))
        tried = (replace(found, multipliers=t * found.multipliers, weights=nu * found.weights) for t, nu in shares)
        return any(is_certified(chain, relaxation, 1.99 / scale) for relaxation in tried)

    assert not lies()
    monkeypatch.setattr(Cuts, "forms", wrong)
    assert lies()


def solved(net: Network, bound: SplitSDP) -> Bound:
    """By branch and bound."""
    *_, last = BranchAndBound((bound,), incumbent=LocalSearch()).run(Problem(net, norm_pair(2)), Budget())
    return last


@settings(max_examples=examples(3))
@given(st.integers(0, 2**32))
def test_maximum_cuts_with_cuts(seed: int) -> None:
    """Against all cuts of random graphs with weights that are sums of at most two squares."""
    rng = np.random.default_rng(seed)
    n = 14
    graph = nx.gnp_random_graph(n, 0.5, seed=int(rng.integers(2**31)))
    roots = rng.integers(1, 3, graph.number_of_edges())
    incidence = nx.incidence_matrix(graph, oriented=True).toarray() * roots
    sides = (np.arange(2 ** (n - 1))[:, None] >> np.arange(n)) & 1
    best = int(((sides @ incidence) ** 2).sum(axis=1).max())
    for bound in (SplitSDP(cuts=SMALL), SplitSDP()):
        found = solved(Network([incidence, np.ones((1, n))]), bound)
        assert found.status is Status.EXACT
        assert found.exact_square == best


def test_cuts_save_nodes() -> None:
    graph = nx.gnp_random_graph(26, 0.5, seed=1)
    net = Network([nx.incidence_matrix(graph, oriented=True).toarray(), np.ones((1, 26))])
    with_, without = solved(net, SplitSDP(cuts=SMALL)), solved(net, SplitSDP())
    assert with_.exact_square == without.exact_square
    assert 4 * (with_.nodes or 0) < (without.nodes or 0)


@pytest.mark.parametrize("name", ["g05_60.3"])
def test_published_maximum_cuts(name: str) -> None:
    folder = Path(os.environ.get("LIPVERIFY_DATA", "")) / "maxcut" / "g05.json"
    if not os.environ.get("LIPVERIFY_DATA") or not folder.is_file():
        pytest.skip("the folder LIPVERIFY_DATA with maxcut/g05.json is not there")
    case = json.loads(folder.read_text())["instances"][name]
    graph = nx.from_graph6_bytes(case["graph6"].encode())
    bound = solved(
        Network([nx.incidence_matrix(graph, oriented=True).toarray(), np.ones((1, len(graph)))]),
        SplitSDP(cuts=Triangles()),
    )
    assert bound.exact_square == case["optimum"]
    assert (bound.nodes or 0) < 20


@settings(max_examples=examples(4))
@given(st.integers(0, 2**32), st.sampled_from([(3, 6, 1), (7, 6, 1), (1, 5, 2)]))
def test_the_search_with_cuts_ends_where_the_one_without_does(seed: int, dims: tuple[int, ...]) -> None:
    """Small integers for weights, so that there is a grid, and cuts are asked for."""
    rng = np.random.default_rng(seed)
    weights = [rng.integers(-3, 4, (m, n)) for n, m in itertools.pairwise(dims)]
    net = Network(weights, [rng.standard_normal(m) for m in dims[1:]])
    ends = [solved(net, bound) for bound in (SplitSDP(cuts=SMALL), SplitSDP())]
    assert ends[0].exact_square == ends[1].exact_square


def test_certificates_are_written_without_cuts() -> None:
    """Their format has no place for cuts."""
    assert SplitSDP().cuts is None
    leaves = SpectralLeaves(odd_cycle(3))
    offer = leaves.offer(np.zeros(3, dtype=np.int8), None, 1.0)
    assert offer.state.state.cuts is None
