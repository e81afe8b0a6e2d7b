"""Bounds of pairs of layers against brute force over vertices, in rationals where a bound is a bound."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from lipverify.estimators import pair_search
from lipverify.estimators.lipsdp import LipSDP
from lipverify.estimators.pair import Pair, Reduced
from lipverify.estimators.pair_climb import climb, starts
from lipverify.estimators.pair_lowrank import leading, truncated
from lipverify.estimators.pair_sdp import Relaxation
from lipverify.estimators.pair_search import relaxed, search
from lipverify.estimators.seqlip_sdp import SeqLipSdp
from lipverify.estimators.stages import Stages
from lipverify.network import Network
from lipverify.testing.strategies import networks
from tests import oracle
from tests.conftest import examples
from tests.estimators.test_estimators import (
    run,
)


def random_pair(rng: np.random.Generator, n: int, rows: int, columns: int, *, integer: bool = False) -> Pair:
    """A pair with slopes of both signs, some of them without a choice."""
    low, high = np.sort(rng.integers(-2, 3, (2, n)), axis=0).astype(float)
    if integer:
        left, right = rng.integers(-2, 3, (rows, n)).astype(float), rng.integers(-2, 3, (n, columns)).astype(float)
    else:
        left, right = rng.standard_normal((rows, n)), rng.standard_normal((n, columns))
    return Pair(left, low, high, right)


def vertices(pair: Pair) -> np.ndarray:
    """All vertices of the box, shape (N, n)."""
    return np.array(list(itertools.product(*(sorted({a, b}) for a, b in zip(pair.low, pair.high, strict=True)))))


def brute_force(pair: Pair) -> float:
    """The maximum over all vertices, in floats."""
    return float(np.linalg.norm(pair.products(vertices(pair)), 2, axis=(1, 2)).max())


def exact_products(pair: Pair) -> list[oracle.Matrix]:
    """A diag(σ) B at every vertex, in rationals."""
    left, right = (tuple(tuple(Fraction(v) for v in row) for row in m.tolist()) for m in (pair.left, pair.right.T))
    return [
        tuple(
            tuple(sum((a * s * b for a, s, b in zip(u, sigma, v, strict=True)), Fraction(0)) for v in right)
            for u in left
        )
        for sigma in (tuple(map(Fraction, vertex)) for vertex in vertices(pair).tolist())
    ]


def test_any_multipliers_bound_every_vertex() -> None:
    """In rationals, multipliers good, bad and absurd: the certificate does not ask where they come from."""
    rng = np.random.default_rng(0)
    for _ in range(8):
        pair = random_pair(rng, 5, 2, 3)
        free = np.flatnonzero(pair.low < pair.high)
        middle, half = (pair.low + pair.high) / 2, (pair.high - pair.low) / 2
        relaxation = Relaxation(pair.left[:, free], half[free], pair.right[free], (pair.left * middle) @ pair.right)
        products = exact_products(pair)
        for x in (np.zeros(len(free)), rng.standard_normal(len(free)), 40 * rng.standard_normal(len(free))):
            upper = relaxation.upper(x, relaxation.largest(x)) * (1 + 1e-15) + pair.error
            assert oracle.encloses(products, 0.0, upper, 2, 2)


@pytest.mark.parametrize("integer", [False, True])
def test_search_and_relaxation_against_brute_force(integer: bool) -> None:
    """Wide, tall and thin pairs, with and without choices; exactly never below, and the search at the maximum."""
    rng = np.random.default_rng(int(integer))
    for _ in range(25):
        n, rows, columns = (int(k) for k in rng.integers(1, (7, 9, 9)))
        pair = random_pair(rng, n, rows, columns, integer=integer)
        truth, products = brute_force(pair), exact_products(pair)
        *_, end = search(pair, 10_000)
        *_, root = relaxed(pair, 1e-9)
        assert end.closed
        assert end.upper <= truth * (1 + 1e-9) + 1e-14
        assert end.upper <= root.upper * (1 + 1e-9)
        assert end.lower <= truth * (1 + 1e-12)
        for bound in (end.upper, root.upper):
            assert oracle.encloses(products, 0.0, bound, 2, 2)


def test_what_rounding_does_to_a_product_is_known() -> None:
    """Every float product A diag(σ) B of a pair against the exact one, entry by entry."""
    rng = np.random.default_rng(11)
    for _ in range(5):
        pair = random_pair(rng, 5, 3, 2)
        floats = pair.products(vertices(pair)).tolist()
        for found, exact in zip(floats, exact_products(pair), strict=True):
            gaps = (
                Fraction(x) - y for got, row in zip(found, exact, strict=True) for x, y in zip(got, row, strict=True)
            )
            assert sum(gap * gap for gap in gaps) <= Fraction(pair.error) ** 2
        assert pair.error < 1e-12


def test_search_of_wider_pairs_against_brute_force() -> None:
    """Thirteen and fourteen neurons: beyond what is enumerated, so that multipliers, pruning and branching all work."""
    rng = np.random.default_rng(3)
    nodes = 0
    for k in range(12):
        low, high = (np.zeros(13), np.ones(13)) if k % 2 else (-np.ones(14), 0.5 * np.ones(14))
        n = len(low)
        pair = Pair(rng.standard_normal((n - k, n)), low, high, rng.standard_normal((n, n)))
        truth = brute_force(pair)
        *_, end = search(pair, 10_000)
        nodes += end.nodes
        assert end.closed
        assert truth * (1 - 1e-13) <= end.upper <= truth * (1 + 1e-9)
    assert nodes > 40


def test_bounds_of_a_search_decrease_and_hold() -> None:
    """Every bound on the way is one, and the last one is the best."""
    rng = np.random.default_rng(4)
    pair = Pair(rng.standard_normal((13, 13)), np.zeros(13), np.ones(13), rng.standard_normal((13, 13)))
    truth = brute_force(pair)
    found = list(search(pair, 10_000))
    assert all(late.upper <= early.upper for early, late in itertools.pairwise(found))
    assert all(f.upper >= truth * (1 - 1e-13) and f.lower <= truth * (1 + 1e-12) for f in found)
    assert [f.closed for f in found] == [False] * (len(found) - 1) + [True]
    *_, cut = search(pair, 0)
    assert not cut.closed
    assert cut.upper >= truth


def test_neurons_of_very_different_size() -> None:
    """Those too weak to matter are charged for, not dropped."""
    rng = np.random.default_rng(5)
    scale = np.array([1.0, 1e-5, 1e-30, 1e-60, 1.0, 0.0])
    pair = Pair(rng.standard_normal((2, 6)) * scale, np.zeros(6), np.ones(6), rng.standard_normal((6, 2)))
    *_, end = search(pair, 1_000)
    assert oracle.encloses(exact_products(pair), 0.0, end.upper, 2, 2)
    assert end.upper <= brute_force(pair) * (1 + 1e-10)
    alone = Pair(pair.left[:, 2:3], pair.low[:1], pair.high[:1], pair.right[2:3])
    *_, end = search(alone, 1_000)
    assert oracle.encloses(exact_products(alone), 0.0, end.upper, 2, 2)
    assert end.upper <= brute_force(alone) * (1 + 1e-10)


def test_neurons_left_out_are_charged_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a threshold so high that the charge can be seen."""
    monkeypatch.setattr(pair_search, "NEGLIGIBLE", 0.7)
    rng = np.random.default_rng(16)
    for _ in range(10):
        pair = Pair(rng.standard_normal((3, 6)), np.zeros(6), np.ones(6), rng.standard_normal((6, 3)))
        *_, end = search(pair, 1_000)
        assert end.upper >= brute_force(pair) * (1 - 1e-13)


def test_long_matrices_are_shortened_soundly() -> None:
    """Outer orthogonal factors go, and their errors stay."""
    rng = np.random.default_rng(6)
    for rows, columns in ((7, 2), (2, 7), (7, 6)):
        pair = random_pair(rng, 3, rows, columns)
        reduced = Reduced.of(pair)
        assert max(reduced.pair.shape) <= 3
        whole = reduced.whole(brute_force(reduced.pair) * (1 + 1e-15))
        assert oracle.encloses(exact_products(pair), 0.0, whole, 2, 2)
        assert whole <= brute_force(pair) * (1 + 1e-12)


@pytest.mark.parametrize("sizes", [(1.0, 1.0), (2.0, 0.5), (0.5, 0.5)])
def test_nothing_rests_on_a_decomposition(monkeypatch: pytest.MonkeyPatch, sizes: tuple[float, float]) -> None:
    """Factors that are noisy, and of the wrong size: bounds that are looser, and still bounds."""
    rng = np.random.default_rng(17)
    pairs = [random_pair(rng, 4, rows, columns) for rows, columns in ((8, 3), (3, 8), (7, 6))]
    truths = [brute_force(pair) for pair in pairs]
    qr, svd = np.linalg.qr, np.linalg.svd

    def noisy(*parts: np.ndarray) -> tuple[np.ndarray, ...]:
        factors = (sizes[0], *sizes[1:] * (len(parts) - 1))
        return tuple(f * part + 0.01 * rng.standard_normal(part.shape) for f, part in zip(factors, parts, strict=True))

    monkeypatch.setattr(np.linalg, "qr", lambda A: noisy(*qr(A)))
    reduced = [Reduced.of(pair) for pair in pairs]
    monkeypatch.setattr(np.linalg, "qr", qr)
    for whole, truth in zip(reduced, truths, strict=True):
        assert whole.whole(brute_force(whole.pair)) >= truth
    monkeypatch.setattr(np.linalg, "svd", lambda A, full_matrices: noisy(*svd(A, full_matrices=full_matrices)))
    for pair in pairs:
        part, square = leading(pair.left, 2)
        assert np.linalg.eigvalsh(part.T @ part + square * np.eye(4) - pair.left.T @ pair.left)[0] >= -1e-13


def test_the_pairs_semidefinite_bound_is_lipsdp() -> None:
    """Two formulations, two barriers, one number: the network with the pair's matrices."""
    rng = np.random.default_rng(7)
    for k in range(6):
        n = 4 + 2 * k
        slopes = np.sort(rng.standard_normal((n, 2)), axis=1) if k % 2 else None
        net = Network([rng.standard_normal((n, 3)), rng.standard_normal((4, n))], slopes=[slopes])
        assert run(SeqLipSdp(), net).upper == pytest.approx(run(LipSDP(), net).upper, rel=1e-6)


@settings(max_examples=examples(60))
@given(networks(slopes=True, hidden=(1, 2)))
def test_every_pair_is_at_its_maximum(net: Network) -> None:
    """Degenerate networks' pairs, as the method sees them: brute force over vertices to 1e-9."""
    for joint in Stages.of(net).joints:
        *_, end = search(joint.pair, 10_000)
        upper, truth = min(end.upper, joint.cheap), brute_force(joint.pair)
        assert end.closed
        assert truth * (1 - 1e-12) <= upper <= truth * (1 + 1e-9) + 1e-15 * joint.cheap + 1e-300


def test_truncation_without_its_residual_is_below_the_truth() -> None:
    """Leading triples alone are on the wrong side, by a third; what `truncated` adds back makes it a bound."""
    pair = Pair(np.eye(2), np.zeros(2), np.ones(2), np.array([[1.0, 0.75], [-0.75, 1.0]]))
    truth = brute_force(pair)
    left, _ = leading(pair.left, 1)
    other, _ = leading(pair.right.T, 1)
    alone = brute_force(Pair(left, pair.low, pair.high, other.T))
    assert alone < 0.67 * truth
    *_, end = truncated(pair, 1, 1_000)
    assert oracle.encloses(exact_products(pair), 0.0, end.upper, 2, 2)
    rng = np.random.default_rng(10)
    for _ in range(6):
        pair = random_pair(rng, 6, 4, 5)
        products = exact_products(pair)
        for rank in (1, 2, 3, 4):
            *_, end = truncated(pair, rank, 1_000)
            assert oracle.encloses(products, 0.0, end.upper, 2, 2)
        *_, end = truncated(pair, 6, 1_000)
        assert end.upper <= brute_force(pair) * (1 + 1e-9)


def test_leading_triples_dominate_up_to_their_remainder() -> None:
    """AᵀA ⪯ A′ᵀA′ + α²I, and α is the first singular value left out."""
    rng = np.random.default_rng(11)
    A = rng.standard_normal((5, 7))
    for rank in (1, 3, 4):
        part, square = leading(A, rank)
        assert part.shape == (rank, 7)
        rest = part.T @ part + square * np.eye(7) - A.T @ A
        assert np.linalg.eigvalsh(rest)[0] >= -1e-13
        assert square == pytest.approx(np.linalg.svd(A)[1][rank] ** 2, rel=1e-10)


def test_climbing_attains_what_it_says() -> None:
    """The incumbent of a search is a vertex's value."""
    rng = np.random.default_rng(15)
    pair = random_pair(rng, 7, 3, 4)
    attained = np.linalg.norm(pair.products(vertices(pair)), 2, axis=(1, 2))
    assert np.abs(attained - climb(pair, starts(pair, 4, 0))).min() <= 1e-12 * attained.max()
