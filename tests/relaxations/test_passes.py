"""Functional passes and the norms of Jacobians against every vertex of the slopes, exactly."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.arrays import Array
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.norms import ALL_PAIRS, NormPair
from lipverify.relaxations import jacobian
from lipverify.relaxations.interval import Slopes, jacobian_ranges, slope_ranges
from lipverify.relaxations.jacobian import jacobian_norms
from lipverify.relaxations.layers import Layers
from lipverify.relaxations.matrix_norm import norms_of_ranges
from lipverify.relaxations.passes import Gradients
from lipverify.testing.strategies import networks
from lipverify.trusted.spectral.certifier import spectral_uppers
from tests import oracle
from tests.conftest import examples

Matrix = oracle.Matrix


def vertices(net: Network, slopes: Slopes) -> list[Matrix]:
    """The exact product of the weights for every vertex of the slope ranges."""
    weights, _, _ = net.fractions()
    ends = [
        itertools.product(*({Fraction(a), Fraction(b)} for a, b in zip(low.tolist(), high.tolist(), strict=True)))
        for low, high in zip(slopes.low, slopes.high, strict=True)
    ]
    found: list[Matrix] = []
    for chosen in itertools.product(*ends):
        product = weights[0]
        for weight, factors in zip(weights[1:], chosen, strict=True):
            rows = tuple(tuple(f * v for v in row) for f, row in zip(factors, product, strict=True))
            product = oracle.affine(weight, tuple(Fraction(0) for _ in weight), rows)
        found.append(product)
    return found


def some_slopes(data: st.DataObject, net: Network) -> Slopes:
    """Any ranges: points, intervals from the network's own slopes, others."""
    ends = st.sampled_from((0.0, 1.0, -1.0, 0.3, 2.0, -0.5))
    low, high = [], []
    for n in net.hidden:
        pairs = [sorted((data.draw(ends), data.draw(ends))) for _ in range(n)]
        low.append(np.array([a for a, _ in pairs]))
        high.append(np.array([b for _, b in pairs]))
    return Slopes(tuple(low), tuple(high))


def inside(low: Array, matrix: Matrix, high: Array) -> bool:
    rows = zip(low.tolist(), matrix, high.tolist(), strict=True)
    return all(a <= v <= b for below, row, above in rows for a, v, b in zip(below, row, above, strict=True))


NETS = networks(slopes=True, hidden=(0, 3), width=(1, 3), outputs=(1, 3))


@settings(max_examples=examples(80))
@given(st.data())
def test_passes_bound_every_product(data: st.DataObject) -> None:
    """Entries, directions and norms of rows, from either side; never looser than interval arithmetic."""
    net = data.draw(NETS)
    slopes = some_slopes(data, net)
    products = vertices(net, slopes)
    plain = jacobian_ranges(net, slopes)
    rows = Gradients.of(net, slopes)
    low, high = rows.ranges()
    loosened = 1e-12 * (1 + np.abs(plain).max())  # sums of another shape may come in another order
    assert (low >= plain[0] - loosened).all()
    assert (high <= plain[1] + loosened).all()
    columns = Gradients.of(Layers.of(net).transposed(), slopes.transposed())
    turned = columns.ranges()
    direction = np.array([data.draw(st.sampled_from((-1.0, 0.0, 0.1, 3.0))) for _ in range(net.input_dim)])
    reached = rows.upper(direction[None, None])[:, 0]
    exact = [Fraction(v) for v in direction.tolist()]
    norms = {q: rows.norms(q) for q in (1.0, 2.0, math.inf)}
    for J in products:
        assert inside(low, J, high)
        assert inside(turned[0], oracle.transpose(J), turned[1])
        for i, row in enumerate(J):
            assert oracle.dot(row, exact) <= reached[i]
            for q, values in norms.items():
                assert math.isinf(values[i]) or oracle.norm_square(row, q) <= Fraction(float(values[i])) ** 2


@settings(max_examples=examples(60))
@given(st.data())
def test_norms_bound_every_product(data: st.DataObject) -> None:
    net = data.draw(NETS)
    slopes = some_slopes(data, net)
    products = vertices(net, slopes)
    for pair in ALL_PAIRS:
        bound = float(jacobian_norms(net, slopes, pair))
        assert oracle.encloses(products, 0.0, bound, pair.p, pair.q), pair


@pytest.mark.parametrize("q", [1, 2])
def test_one_hidden_layer_directions_are_exact(q: int) -> None:
    """K = 2: the vector at the outputs is known, so a pass is the maximum over all patterns, up to rounding."""
    rng = np.random.default_rng(q)
    for _ in range(20):
        net = Network([rng.standard_normal((7, 4)), rng.standard_normal((2, 7))])
        r = rng.standard_normal(4)
        patterns = itertools.product((0.0, 1.0), repeat=7)
        truth = np.max([(net.weights[1] * s) @ net.weights[0] @ r for s in patterns], axis=0)
        rows = Gradients.of(net, slope_ranges(net))
        assert rows.upper(r[None, None])[:, 0] == pytest.approx(truth, rel=1e-12)
        heads = Gradients.of(net, slope_ranges(net), [[1.0, -2.0]])
        margin = Network([net.weights[0], np.array([[1.0, -2.0]]) @ net.weights[1]])
        assert heads.norms(q) == pytest.approx(Gradients.of(margin, slope_ranges(margin)).norms(q), rel=1e-12)


def test_passes_are_tighter_than_intervals_on_a_cancelling_pair() -> None:
    """relu(h) + relu(h) − 2 relu(h), h deep: all copies share one v, which intervals forget."""
    net = Network([[[1.0]], [[1.0], [1.0]], [[1.0, -1.0]], [[1.0]]], slopes=[[(0, 1)], [(1, 1), (1, 1)], [(0, 1)]])
    slopes = slope_ranges(net)
    plain = jacobian_ranges(net, slopes)
    low, high = Gradients.of(net, slopes).ranges()
    assert (plain[0].item(), plain[1].item()) == pytest.approx((-1, 1))
    assert (low.item(), high.item()) == pytest.approx((0, 0), abs=1e-12)


def test_batches_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    net = Network([rng.standard_normal((m, n)) for n, m in itertools.pairwise((3, 6, 5, 2))])
    signs = [rng.integers(-1, 2, (4, 5, n)).astype(np.int8) for n in net.hidden]
    slopes = slope_ranges(net, None, signs)
    for pair in ALL_PAIRS:
        bounds = jacobian_norms(net, slopes, pair)
        assert bounds.shape == (4, 5)
        for i, j in itertools.product(range(4), range(5)):
            one = jacobian_norms(net, slope_ranges(net, None, [s[i, j] for s in signs]), pair)
            assert bounds[i, j] == pytest.approx(float(one), rel=1e-9)


@pytest.mark.parametrize("few", [0, 1, 128])
def test_leaving_a_side_out_is_sound(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jacobian, "FEW", few)
    rng = np.random.default_rng(4)
    for shape in ((2, 3, 2, 3), (3, 3, 2, 2), (3, 2, 3)):
        net = Network([rng.standard_normal((m, n)) for n, m in itertools.pairwise(shape)])
        slopes = slope_ranges(net)
        products = vertices(net, slopes)
        for pair in ALL_PAIRS:
            assert oracle.encloses(products, 0.0, float(jacobian_norms(net, slopes, pair)), pair.p, pair.q)


@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
def test_decided_slopes_give_the_norm_itself(pair: NormPair) -> None:
    rng = np.random.default_rng(5)
    for shape in ((3, 4, 4, 2), (4, 5, 1), (1, 4, 3), (3, 3)):
        net = Network([rng.standard_normal((m, n)) for n, m in itertools.pairwise(shape)])
        signs = [rng.choice([-1, 1], n).astype(np.int8) for n in net.hidden]
        bound = float(jacobian_norms(net, slope_ranges(net, None, signs), pair))
        (J,) = vertices(net, slope_ranges(net, None, signs))
        assert oracle.at_most(J, Fraction(bound) ** 2, pair.p, pair.q)
        assert not oracle.at_most(J, Fraction(bound * (1 - 1e-10)) ** 2, pair.p, pair.q, strict=True) or bound == 0


def matrices(rng: np.random.Generator) -> list[Array]:
    """Random, rank-one, repeated, graded, tiny, huge and zero matrices."""
    a = rng.standard_normal((3, 4))
    return [
        a,
        np.outer(a[0], a[1]),
        np.ones((2, 2)),
        a * 1e-300,
        a * 1e300,
        a * np.array([1, 1e-20, 1e-200, 1e-320]),
        np.zeros((3, 2)),
        np.array([[1e-310, 0.0], [0.0, 5e-324]]),
        np.eye(3),
    ]


def test_spectral_norms_enclose_and_are_tight() -> None:
    rng = np.random.default_rng(6)
    for _ in range(5):
        for a in matrices(rng):
            bound = float(spectral_uppers(a[None])[0])
            exact = tuple(tuple(Fraction(v) for v in row) for row in a.tolist())
            assert oracle.at_most(exact, Fraction(bound) ** 2, 2, 2)
            if np.abs(a).max() > 1e-280 and np.abs(a).max() < 1e280:
                assert bound == pytest.approx(np.linalg.norm(a, 2), rel=1e-12)


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.0, 1.3])
def test_a_wrong_decomposition_only_loosens(factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing rests on the singular value decomposition: residuals and defects pay for what it gets wrong."""
    decompose = np.linalg.svd

    def wrong(a: Array, full_matrices: bool) -> tuple[Array, Array, Array]:
        u, s, v = decompose(a, full_matrices=full_matrices)
        return u, s * factor, v

    a = np.random.default_rng(8).standard_normal((20, 3, 4))
    norms = np.linalg.norm(a, 2, axis=(1, 2))
    monkeypatch.setattr(np.linalg, "svd", wrong)
    bounds = spectral_uppers(a)
    assert (bounds >= norms).all()
    assert factor != 1 or bounds == pytest.approx(norms, rel=1e-12)


@pytest.mark.parametrize("pair", ALL_PAIRS, ids=str)
def test_norms_of_ranges_bound_every_corner(pair: NormPair) -> None:
    rng = np.random.default_rng(7)
    for shape in ((2, 3), (1, 3), (3, 1)):
        a, b = np.sort(rng.integers(-3, 4, (2, 4, *shape)).astype(float), axis=0)
        bounds = norms_of_ranges(a, b, pair)
        for k in range(4):
            ends = [sorted({x, y}) for x, y in zip(a[k].ravel().tolist(), b[k].ravel().tolist(), strict=True)]
            for corner in itertools.product(*ends):
                rows = np.reshape(corner, shape).tolist()
                exact = tuple(tuple(Fraction(v) for v in row) for row in rows)
                assert oracle.at_most(exact, Fraction(float(bounds[k])) ** 2, pair.p, pair.q)
    assert norms_of_ranges(np.full((1, 2, 2), -math.inf), np.ones((1, 2, 2)), pair).tolist() == [math.inf]


def test_the_spectral_bound_uses_signs() -> None:
    """[[1, 1], [1, −1]] ± small: near √2, where the matrix of absolute values has 2."""
    a = np.array([[[1.0, 1.0], [1.0, -1.0]]])
    bound = norms_of_ranges(a - 0.001, a + 0.001, NormPair(2.0, 2.0))
    assert math.sqrt(2) <= bound[0] <= math.sqrt(2) + 0.0021


EXTREMES: list[Any] = [1e-320, 1e-200, 1e-100, 1e100, 1e200, 1e308]


@pytest.mark.parametrize("scale", EXTREMES)
@pytest.mark.parametrize("other", EXTREMES)
def test_extreme_scales(scale: float, other: float) -> None:
    """inf where nothing is left to say, but never below the truth and never NaN."""
    first = np.array([[1.0, 0.5], [-1.0, 0.3], [0.0, 0.7]]) * scale
    second = np.array([[1.0, -0.7, 1.0], [0.5, 1.0, -1.0]]) * other
    net = Network([first, second, [[1.0, 1.0], [-0.25, 1.0]]], slopes=[[(0, 1), (-0.3, 1), (0.5, -1)], None])
    slopes = slope_ranges(net)
    products = vertices(net, slopes)
    low, high = Gradients.of(net, slopes).ranges()
    assert not np.isnan([low, high]).any()
    for J in products:
        assert inside(low, J, high)
    for pair in ALL_PAIRS:
        assert oracle.encloses(products, 0.0, float(jacobian_norms(net, slopes, pair)), pair.p, pair.q)


def test_bad_read_outs() -> None:
    net = Network([np.eye(2), np.ones((3, 2))])
    for heads in ([1.0, 0.0, 0.0], [[1.0, 0.0]], [[1.0, 0.0, math.nan]]):
        with pytest.raises(InvalidArgument, match="read-outs"):
            Gradients.of(net, slope_ranges(net), heads)
