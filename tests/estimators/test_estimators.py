"""The estimators against brute force over all patterns, closed forms and published ratios."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lipverify.bound import Bound, Rigor, Status
from lipverify.estimators.autolip import AutoLip
from lipverify.estimators.chain import links, product_up
from lipverify.estimators.eclipse_fast import EclipseFast
from lipverify.estimators.frobenius import Frobenius
from lipverify.estimators.pair import Pair, balanced
from lipverify.estimators.pair_climb import greedy
from lipverify.estimators.pair_search import search
from lipverify.estimators.seqlip import SeqLip
from lipverify.estimators.seqlip_greedy import SeqLipGreedy
from lipverify.estimators.seqlip_joint import SeqLipJoint
from lipverify.estimators.seqlip_lbfgs import SeqLipLbfgs
from lipverify.estimators.seqlip_lowrank import SeqLipLowRank
from lipverify.estimators.seqlip_sdp import SeqLipSdp
from lipverify.estimators.stages import split
from lipverify.network import IDENTITY, Network
from lipverify.norms import norm_pair
from lipverify.problem import Budget, Method, Problem
from lipverify.trusted.spectral.certifier import cholesky_uppers
from tests import oracle

ROUNDED: tuple[Method, ...] = (
    AutoLip(),
    Frobenius(),
    SeqLip(),
    SeqLipSdp(),
    SeqLipLowRank(),
    SeqLipLowRank(rank=1),
    SeqLipJoint(),
    EclipseFast(),
)
EVERY: tuple[Method, ...] = (*ROUNDED, SeqLipGreedy(), SeqLipLbfgs())
KINDS = [(0.0, 1.0), (0.125, 1.0), (-1.0, 1.0), (1.0, 1.0), (2.0, -0.5), (3.0, 3.0)]


def run(method: Method, net: Network, p: Any = 2, seconds: float = math.inf) -> Bound:
    """The last bound; every one before it must be weaker and say INTERRUPTED."""
    bounds = list(method.run(Problem(net, norm_pair(p)), Budget(seconds)))
    assert all(b.status is Status.INTERRUPTED for b in bounds[:-1])
    assert all(late.upper <= early.upper for early, late in itertools.pairwise(bounds))
    assert bounds[-1].upper_rigor is method.rigor
    return bounds[-1]


def random_network(rng: np.random.Generator, *, integer: bool, slopes: bool, depth: int) -> Network:
    """A network of a few inputs and neurons; integers make ties and dead products common."""
    dims = [int(n) for n in rng.integers(1, 4, depth + 2)]
    weights = [
        rng.integers(-2, 3, (m, n)).astype(float) if integer else rng.standard_normal((m, n))
        for n, m in itertools.pairwise(dims)
    ]
    kinds = [[KINDS[i] for i in rng.integers(0, len(KINDS), n)] for n in dims[1:-1]]
    return Network(weights, slopes=kinds if slopes else None)


def all_pattern_jacobians(net: Network) -> list[oracle.Matrix]:
    """The exact Jacobian of every pattern, feasible or not."""
    weights, _, slopes = net.fractions()
    found: list[oracle.Matrix] = []
    for chosen in itertools.product(*(itertools.product(*map(set, layer)) for layer in slopes)):
        product = weights[0]
        for weight, factors in zip(weights[1:], chosen, strict=True):
            product = oracle.affine(
                weight,
                tuple(Fraction(0) for _ in weight),
                tuple(tuple(f * v for v in row) for f, row in zip(factors, product, strict=True)),
            )
        found.append(product)
    return found


def paper_value(net: Network) -> float:
    """Σ̃ Vᵀ diag(σ) U Σ̃ multiplied out in floats, every vertex tried: the definition, word by word."""
    total = 1.0
    last = len(net.weights) - 1
    factors = [np.linalg.svd(w, full_matrices=False) for w in net.weights]
    for k, slopes in enumerate(net.slopes):
        u, s, _ = factors[k]
        _, s_next, vt = factors[k + 1]
        right = u * (s if k == 0 else np.sqrt(s))
        left = (s_next if k + 1 == last else np.sqrt(s_next))[:, None] * vt
        vertices = itertools.product(*slopes.tolist())
        total *= max(np.linalg.norm((left * sigma) @ right, 2) for sigma in vertices)
    return float(total)


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("slopes", [False, True])
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_rounded_bounds_exceed_every_pattern(integer: bool, slopes: bool, depth: int) -> None:
    """(E1) ≤ every method for p = 2, and autolip for the others: exactly, no tolerance; and their order."""
    rng = np.random.default_rng(4 * depth + 2 * integer + slopes)
    for _ in range(5):
        net = random_network(rng, integer=integer, slopes=slopes, depth=depth)
        jacobians = all_pattern_jacobians(net)
        found = [run(method, net) for method in ROUNDED]
        for bound in found:
            assert oracle.encloses(jacobians, 0.0, bound.upper, 2, 2), bound
        autolip, frobenius, seqlip, *others = (b.upper for b in found)
        assert seqlip <= autolip <= frobenius * (1 + 1e-12)
        assert max(others) <= autolip
        for p in (1, math.inf):
            assert oracle.encloses(jacobians, 0.0, run(AutoLip(), net, p).upper, p, p)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_seqlip_is_the_papers_value(depth: int) -> None:
    """Every pair at its maximum, to 1e-9; a factorisation with ties would leave the value ambiguous."""
    rng = np.random.default_rng(depth)
    for _ in range(15):
        net = random_network(rng, integer=False, slopes=bool(rng.integers(2)), depth=depth)
        if any((s[:, 0] == s[:, 1]).all() for s in net.slopes):
            continue  # a layer that is linear throughout is fused, and the value then smaller
        bound = run(SeqLip(), net)
        assert bound.upper == pytest.approx(min(paper_value(net), run(AutoLip(), net).upper), rel=1e-9)
        assert all(pair.closed for pair in bound.details)
        assert math.prod(pair.value for pair in bound.details) >= bound.upper * (1 - 1e-12)


def test_seqlip_with_one_hidden_layer_is_the_maximum_over_all_patterns() -> None:
    """K = 2: (E2) = (E1)."""
    rng = np.random.default_rng(5)
    for _ in range(10):
        w1, w2 = rng.standard_normal((9, 4)), rng.standard_normal((3, 9))
        truth = max(np.linalg.norm((w2 * s) @ w1, 2) for s in itertools.product((0.0, 1.0), repeat=9))
        bound = run(SeqLip(), Network([w1, w2]))
        assert truth * (1 - 1e-13) <= bound.upper <= truth * (1 + 1e-9)


def test_vertices_use_the_transpose_of_v() -> None:
    """With V in place of Vᵀ this network's SeqLip would be 2.171, below its constant (3 + √5)/2."""
    net = Network([[[1, -1], [0, -1]], [[-1, -1], [-1, 0]]])
    bound = run(SeqLip(), net)
    assert bound.upper == pytest.approx((3 + math.sqrt(5)) / 2, rel=1e-9)
    assert bound.upper >= 2.618
    deeper = Network([np.eye(2), [[1, -1], [0, -1]], [[-1, -1], [-1, 0]]])
    assert oracle.encloses(all_pattern_jacobians(deeper), 0.0, run(SeqLip(), deeper).upper, 2, 2)


@pytest.mark.parametrize(
    ("first", "second", "exact", "local"),
    [([3, -1, -1], [-1, -1, -1], 3, 2), ([1, 1, -1], [3, 3, 7], 7, 6)],
)
def test_greedy_stops_below_the_truth_and_says_so(
    first: list[float], second: list[float], exact: int, local: int
) -> None:
    """Local optima of a pair of one input and one output: sums of products over subsets."""
    net = Network([np.array(first)[:, None], np.array(second)[None]])
    products = np.multiply(first, second)
    assert exact == max(abs(products @ s) for s in itertools.product((0, 1), repeat=3))
    bound = run(SeqLipGreedy(), net)
    assert bound.upper == pytest.approx(local)
    assert bound.upper_rigor is Rigor.HEURISTIC
    assert run(SeqLip(), net).upper == pytest.approx(exact, rel=1e-9)


def cut_network(edges: list[tuple[int, int]]) -> Network:
    """f(x) = Σ_v relu((Bx)_v) with the signed incidence matrix B: L₂² is the maximum cut."""
    incidence = np.zeros((1 + max(map(max, edges)), len(edges)))
    for k, (u, v) in enumerate(edges):
        incidence[u, k], incidence[v, k] = 1, -1
    return Network([incidence, np.ones((1, len(incidence)))])


@pytest.mark.parametrize(
    "edges",
    [
        [(0, 4), (4, 2), (2, 1), (1, 3), (3, 5), (5, 0)],
        [(0, 1), (0, 2), (0, 3), (1, 2), (1, 4), (2, 3)],
        list(itertools.combinations(range(9), 2)),
        [(i, (i + 1) % 11) for i in range(11)],
    ],
)
def test_seqlip_is_tight_on_cut_networks(edges: list[tuple[int, int]]) -> None:
    """Full of ties, and the value is the square root of an integer."""
    n = 1 + max(map(max, edges))
    cut = max(sum(s[u] != s[v] for u, v in edges) for s in itertools.product((0, 1), repeat=n))
    net = cut_network(edges)
    assert math.sqrt(cut) * (1 - 1e-15) <= run(SeqLip(), net).upper <= math.sqrt(cut) * (1 + 1e-9)
    assert run(SeqLipGreedy(), net).upper <= math.sqrt(cut) * (1 + 1e-9)


def test_greedy_is_below_a_cut_of_six_vertices() -> None:
    """A 6-cycle: the greedy cut stops at 4 of 6 edges."""
    net = cut_network([(0, 4), (4, 2), (2, 1), (1, 3), (3, 5), (5, 0)])
    assert run(SeqLipGreedy(), net).upper < math.sqrt(6) - 0.1


def test_no_hidden_layer_is_the_matrix_norm() -> None:
    """Closed forms: 3-4-5, row and column sums, and a spectral norm of 2."""
    net = Network([[[3.0, 4.0]]])
    for method in EVERY:
        assert run(method, net).upper == pytest.approx(5, rel=1e-14)
    square = Network([[[1.0, -1.0], [1.0, 1.0]]])
    assert run(AutoLip(), square, 1).upper == pytest.approx(2)
    assert run(AutoLip(), square, math.inf).upper == pytest.approx(2)
    assert run(SeqLip(), square).upper == pytest.approx(math.sqrt(2))
    assert run(Frobenius(), square).upper == pytest.approx(2)


def test_autolip_table_multiplies_up() -> None:
    """Local constants 2, 3 and 5, with the slopes' factor 4 on the second."""
    net = Network([[[2.0]], [[3.0]], [[5.0]]], slopes=[None, [(-4.0, 1.0)]])
    bound = run(AutoLip(), net)
    assert bound.upper == pytest.approx(120, rel=1e-14)
    assert [row.local for row in bound.details] == pytest.approx([2, 12, 5])
    assert [row.cumulative for row in bound.details] == pytest.approx([2, 24, 120])
    assert [row.name for row in bound.details] == ["layer 1", "layer 2", "layer 3"]


@pytest.mark.parametrize("slope", [1.0, -3.0, 0.3])
def test_linear_layers_do_not_loosen(slope: float) -> None:
    """W2 = C·D read as two layers with linear neurons between: the bound of the product."""
    rng = np.random.default_rng(2)
    first, last = rng.standard_normal((6, 3)), rng.standard_normal((2, 5))
    C, D = rng.integers(-8, 9, (5, 4)).astype(float), rng.integers(-8, 9, (4, 6)).astype(float)
    whole = Network([first, slope * (C @ D), last])
    parts = Network([first, D, C, last], slopes=[None, np.full((4, 2), slope), None])
    assert links(parts)[1].name == "layers 2-3"
    for method in EVERY:
        assert run(method, parts).upper == pytest.approx(run(method, whole).upper, rel=1e-9)
    identity = Network([first, slope * (C @ D), np.eye(5), last], slopes=[None, np.tile(IDENTITY, (5, 1)), None])
    for method in EVERY:
        assert run(method, identity).upper == pytest.approx(run(method, whole).upper, rel=1e-9)
    assert run(AutoLip(), parts).upper >= run(AutoLip(), whole).upper * (1 - 1e-12)


def test_linear_chain_is_one_matrix() -> None:
    """Linear neurons throughout: fused first, last and everything between."""
    rng = np.random.default_rng(3)
    weights = [rng.integers(-4, 5, (3, 3)).astype(float) for _ in range(4)]
    net = Network(weights, slopes=[np.tile(IDENTITY, (3, 1))] * 3)
    product = weights[3] @ weights[2] @ weights[1] @ weights[0]
    for method in (AutoLip(), SeqLip(), SeqLipGreedy()):
        assert run(method, net).upper == pytest.approx(np.linalg.norm(product, 2), rel=1e-12)


@pytest.mark.parametrize(
    ("scales", "slope"),
    [
        ((1e200, 1e-200, 1.0), 1.0),
        ((1e200, 1e200, 1e-300), 1.0),
        ((1e-200, 1e-200, 1e300), 1.0),
        ((1e-200, 1e-200, 1e-200), 1.0),
        ((1e200, 1e200, 1e200), 1.0),
        ((1e-300, 1e-300, 1e300), 1e300),
        ((5e-324, 1.0, 1.0), 1.0),
    ],
)
def test_extreme_scales(scales: tuple[float, float, float], slope: float) -> None:
    """Neither overflow nor underflow on the way: only the last rounding may reach inf or the least float."""
    first, second, third = ([[1.0, 2.0], [-1.0, 1.0]], [[1.0, -1.0], [2.0, 1.0]], [[1.0, 3.0]])
    weights = [scale * np.array(w) for scale, w in zip(scales, (first, second, third), strict=True)]
    net = Network(weights, slopes=[[(0.0, slope)] * 2, None])
    plain = Network([first, second, third])
    jacobians = all_pattern_jacobians(net)
    for method in ROUNDED:
        upper = run(method, net).upper
        assert upper > 0
        assert oracle.encloses(jacobians, 0.0, upper, 2, 2)
        total = math.prod(map(Fraction, scales)) * Fraction(slope) * Fraction(run(method, plain).upper)
        if 1e-290 < total < 1e290:
            assert upper == pytest.approx(float(total), rel=1e-9)


def test_scales_within_a_layer() -> None:
    """Neurons of very different size: balancing them is exact, and the tiny one is not lost."""
    net = Network([np.diag([1.0, 1e-200]), np.diag([1e-200, 1.0])])
    assert run(SeqLip(), net).upper == pytest.approx(1e-200, rel=1e-9)
    wide = Network([np.diag([1e140, 1e-140]), [[1e-140, 1e140]]])
    assert run(SeqLip(), wide).upper == pytest.approx(math.sqrt(2), rel=1e-9)


def test_zero_networks() -> None:
    """A zero layer, dead slopes: every bound is 0 exactly."""
    for net in (
        Network([np.zeros((2, 2)), np.ones((1, 2))]),
        Network([np.ones((2, 2)), np.eye(2), np.ones((1, 2))], slopes=[np.zeros((2, 2)), None]),
        Network([np.zeros((1, 1))]),
    ):
        for method in ROUNDED:
            assert run(method, net).upper == 0.0


def test_a_cut_search_is_still_a_bound() -> None:
    """No time, or one node: the proven upper end, never above AutoLip."""
    rng = np.random.default_rng(11)
    net = Network([rng.standard_normal((14, 6)), rng.standard_normal((14, 14)), rng.standard_normal((2, 14))])
    full = run(SeqLip(), net)
    assert full.status is Status.ONE_SIDED
    for cut in (run(SeqLip(), net, seconds=0.0), run(SeqLip(steps=0), net)):
        assert full.upper <= cut.upper <= run(AutoLip(), net).upper
        assert not any(pair.closed for pair in cut.details)
    assert run(SeqLip(), net, seconds=0.0).status is Status.TIME_LIMIT


def test_wide_pairs_end_by_themselves() -> None:
    """Width 80 cannot be closed; the search gives up in seconds and is not looser than AutoLip."""
    rng = np.random.default_rng(12)
    net = Network([rng.standard_normal((80, 30)), rng.standard_normal((20, 80))])
    assert run(SeqLip(steps=100), net).upper < run(AutoLip(), net).upper


def test_factors_and_residual_make_up_the_matrix() -> None:
    """W = P Q + E with ‖E‖ ≤ residual, in exact arithmetic; the residual is at rounding level."""
    rng = np.random.default_rng(4)
    for shape in ((3, 5), (5, 3), (4, 4)):
        net = Network([np.eye(shape[1]), rng.standard_normal(shape), np.eye(shape[0])])
        link = links(net)[1]
        parts = split(link, first=False, last=False)
        left, right, mid = (
            [[Fraction(v) for v in row] for row in a.tolist()] for a in (parts.left, parts.right, link.ball.mid)
        )
        missing = Fraction(0)
        for i, row in enumerate(mid):
            for j, value in enumerate(row):
                missing += (value - oracle.dot(left[i], [r[j] for r in right])) ** 2
        assert missing <= Fraction(parts.residual) ** 2
        assert parts.residual < 1e-13


def test_norms_of_a_batch_enclose() -> None:
    """Random, rank-one, repeated, zero and tiny matrices: ≥ the exact norm, and within 1e-11 of it."""
    rng = np.random.default_rng(6)
    batch = rng.standard_normal((12, 3, 4))
    batch[3] = np.outer(rng.standard_normal(3), rng.standard_normal(4))
    batch[4] = np.eye(3, 4)
    batch[5] = 0
    batch[6] *= 2.0**-40
    batch[7] = 1
    bounds = cholesky_uppers(batch)
    for matrix, bound in zip(batch, bounds, strict=True):
        exact = tuple(tuple(Fraction(v) for v in row) for row in matrix.tolist())
        assert oracle.at_most(exact, Fraction(float(bound)) ** 2, 2, 2)
        assert bound <= np.linalg.norm(matrix, 2) * (1 + 1e-11) + 1e-140


def test_pair_search_closes_on_the_maximum() -> None:
    """Against all vertices, slopes of both signs, some fixed."""
    rng = np.random.default_rng(8)
    for _ in range(20):
        n = int(rng.integers(1, 9))
        low, high = np.sort(rng.integers(-2, 3, (2, n)), axis=0).astype(float)
        pair = Pair(rng.standard_normal((3, n)), low, high, rng.standard_normal((n, 2)))
        vertices = itertools.product(*zip(low, high, strict=True))
        truth = max(np.linalg.norm(pair.products(np.array([v]))[0], 2) for v in vertices)
        last = list(search(pair, 10_000))[-1]
        assert last.closed
        assert truth * (1 - 1e-13) <= last.upper <= truth * (1 + 1e-10) + 1e-14
        assert [v for _, v in greedy(pair)][-1] <= last.upper * (1 + 1e-12)
        moved, exponent = balanced(pair)
        sigma = (low + high)[None] / 2
        assert np.allclose(moved.products(sigma) * 2.0**exponent, pair.products(sigma), rtol=0, atol=1e-14)


def test_products_are_rounded_up() -> None:
    """Zero beats inf, and nothing but the result is rounded."""
    assert product_up([math.inf, 0.0]) == 0.0
    assert product_up([math.inf, 1e-300]) == math.inf
    assert product_up([1e200, 1e200, 1e-200, 1e-200]) == pytest.approx(1, rel=1e-14)
    assert product_up([1e-200, 1e-200]) == 5e-324
    assert Fraction(product_up([0.1, 3.0])) >= Fraction(0.1) * 3


def read_onnx(path: Path) -> Network:
    """A plain chain of Gemm, or of MatMul and Add, with ReLU between."""
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(path).graph
    values = {i.name: onnx.numpy_helper.to_array(i).astype(np.float64) for i in graph.initializer}
    weights, biases = [], []
    for node in graph.node:
        known = [values[name] for name in node.input if name in values]
        if node.op_type == "Gemm":
            transposed = any(a.name == "transB" and a.i for a in node.attribute)
            weights.append(known[0] if transposed else known[0].T)
            biases.append(known[1])
        elif node.op_type == "MatMul":
            weights.append(known[0].T)
        elif node.op_type == "Add":
            biases.append(known[0])
    return Network(weights, biases)


@pytest.mark.parametrize(
    ("file", "exact", "ratio", "autolip"),
    [
        ("iris_net_4x6x6x3", 11.634355134114875, 1.12, 17.0820),
        ("abalone_net_9x16x16x1", 11.121602332235268, 1.04, 14.2651),
        ("wine_net_11x12x12x1", 1.7433699967107172, 1.58, 5.8616),
    ],
)
def test_published_networks(data: Path, file: str, exact: float, ratio: float, autolip: float) -> None:
    """Three trained networks: SeqLip over the exact constant, and AutoLip, to the digits published."""
    net = read_onnx(data / "exlipbab" / f"{file}_ReLU.onnx")
    assert round(run(SeqLip(), net).upper / exact, 2) == ratio
    assert run(AutoLip(), net).upper == pytest.approx(autolip, abs=1e-4)
