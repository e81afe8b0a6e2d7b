"""Norms at scale against singular value decompositions of matrices that the tests write out."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from lipverify.power import power_lower
from lipverify.trusted.spectral.certifier import cholesky_upper
from lipverify.trusted.spectral.convolution import Geometry, convolution_upper
from lipverify.trusted.spectral.dense import SMALL, dense_upper
from lipverify.trusted.spectral.gram import gram_upper
from tests import oracle

RNG = np.random.default_rng(0)


def exceeds_spectral(upper: float, matrix: Any) -> bool:
    """Whether upper ≥ ‖matrix‖₂, decided in rationals."""
    rows = tuple(tuple(Fraction(v) for v in row) for row in np.asarray(matrix).tolist())
    return math.isinf(upper) or oracle.at_most(rows, Fraction(upper) ** 2, 2, 2)


SHAPES = [(1, 1), (1, 4), (3, 3), (5, 2), (2, 6), (7, 7)]
KINDS = ["normal", "ones", "rank one", "zero", "orthogonal", "huge", "tiny", "mixed"]


def example(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> Any:
    a = rng.standard_normal(shape)
    match kind:
        case "ones":
            return np.ones(shape)
        case "rank one":
            return np.outer(a[:, 0], a[0])
        case "zero":
            return np.zeros(shape)
        case "orthogonal":
            return np.linalg.qr(rng.standard_normal((max(shape), max(shape))))[0][: shape[0], : shape[1]]
        case "huge":
            return a * 2.0**700
        case "tiny":
            return a * 2.0**-700
        case "mixed":
            return a * 2.0 ** rng.integers(-300, 300, shape)
        case _:
            return a


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_upper_bounds_are_never_below_the_norm(kind: str, shape: tuple[int, int]) -> None:
    matrix = example(kind, shape, np.random.default_rng(1))
    scale = float(np.abs(matrix).max()) or 1.0
    near = np.linalg.norm(matrix / scale, 2) * scale
    bounds = [gram_upper(matrix[None]), dense_upper(matrix, 2.0)]
    if kind in ("normal", "ones", "rank one", "zero", "orthogonal"):
        factor = 2.0 ** math.frexp(scale)[1]
        bounds.append(cholesky_upper(matrix / factor) * factor)
    for bound in bounds:
        assert exceeds_spectral(bound, matrix)
        assert bound <= near * (1 + 1e-6)
    columns, rows = np.abs(matrix).sum(axis=0).max(), np.abs(matrix).sum(axis=1).max()
    exact = [[Fraction(v) for v in row] for row in np.abs(matrix).tolist()]
    assert Fraction(dense_upper(matrix, 1.0)) >= max(sum(column) for column in zip(*exact, strict=True))
    assert Fraction(dense_upper(matrix, math.inf)) >= max(sum(row) for row in exact)
    assert dense_upper(matrix, 1.0) <= columns * (1 + 1e-12)
    assert dense_upper(matrix, math.inf) <= rows * (1 + 1e-12)


def test_gram_iteration_on_complex_batches() -> None:
    rng = np.random.default_rng(2)
    for m, n in ((4, 4), (6, 3), (2, 5)):
        z = rng.standard_normal((9, m, n)) + 1j * rng.standard_normal((9, m, n))
        top = np.linalg.svd(z, compute_uv=False).max()
        bound = gram_upper(np.ascontiguousarray(z.real), np.ascontiguousarray(z.imag))
        assert top * (1 - 1e-14) <= bound <= top * (1 + 1e-6)
        # [[Re, −Im], [Im, Re]] is real with the same norm: decided in rationals.
        real = [np.block([[w.real, -w.imag], [w.imag, w.real]]) for w in z]
        assert all(exceeds_spectral(bound, r) for r in real)


def test_few_levels_are_looser_and_still_above() -> None:
    matrix = np.random.default_rng(3).standard_normal((1, 5, 5))
    bounds = [gram_upper(matrix, levels=k) for k in range(12)]
    assert all(b <= a * (1 + 1e-12) for a, b in itertools.pairwise(bounds))
    assert all(exceeds_spectral(b, matrix[0]) for b in bounds)
    assert bounds[0] >= np.linalg.norm(matrix[0])  # level 0 is the Frobenius norm


def test_a_large_matrix_is_certified_by_cholesky() -> None:
    rng = np.random.default_rng(4)
    for m, n in ((SMALL + 30, SMALL + 5), (SMALL + 5, 2 * SMALL)):
        matrix = rng.standard_normal((m, n)).astype(np.float32)
        top = np.linalg.norm(matrix.astype(np.float64), 2)
        bound = dense_upper(matrix, 2.0)
        assert top * (1 - 1e-13) <= bound <= top * (1 + 1e-5)
    basis = np.linalg.qr(rng.standard_normal((SMALL + 10, SMALL + 10)))[0]
    assert 1 - 1e-13 <= dense_upper(basis * 2.0**600, 2.0) / 2.0**600 <= 1 + 1e-6  # every singular value is 1
    assert dense_upper(np.zeros((SMALL + 1, SMALL + 1)), 2.0) == 0.0


def conv_matrix(kernel: Any, sizes: tuple[int, ...], **options: Any) -> Any:
    """The convolution's matrix, column by column, by torch."""
    k = torch.tensor(kernel)
    channels = k.shape[1] * options.get("groups", 1)
    n = channels * math.prod(sizes)
    function = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}[len(sizes)]
    return (
        function(torch.eye(n, dtype=torch.float64).reshape(n, channels, *sizes), k, **options).reshape(n, -1).T.numpy()
    )


GEOMETRIES: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((2, 3, 3, 3), (5, 5), {"padding": 1}),
    ((2, 3, 3, 2), (6, 4), {"padding": (1, 0), "stride": (2, 1)}),
    ((4, 1, 2, 3), (5, 7), {"groups": 2, "dilation": (2, 1), "padding": 2}),
    ((3, 1, 2, 2), (4, 4), {"groups": 3}),
    ((2, 2, 3), (9,), {"stride": 2, "dilation": 2, "padding": 3}),
    ((2, 2, 5), (3,), {"padding": 4, "stride": 3}),
    ((1, 2, 2, 2, 2), (3, 2, 4), {"padding": 1, "stride": (1, 2, 1)}),
    ((2, 1, 1, 1), (3, 3), {"stride": 2}),
    ((3, 2, 4, 4), (8, 8), {"stride": 4, "padding": 2}),
]


def geometry(shape: tuple[int, ...], sizes: tuple[int, ...], options: dict[str, Any]) -> list[Geometry]:
    axes = []
    for k, size in enumerate(sizes):
        stride, dilation, padding = (
            v if isinstance(v := options.get(name, default), int) else v[k]
            for name, default in (("stride", 1), ("dilation", 1), ("padding", 0))
        )
        outputs = (size + 2 * padding - dilation * (shape[2 + k] - 1) - 1) // stride + 1
        axes.append(Geometry(size, outputs, stride, dilation, padding))
    return axes


@pytest.mark.parametrize("scale", [1.0, 2.0**800, 2.0**-800])
@pytest.mark.parametrize(("shape", "sizes", "options"), GEOMETRIES)
def test_convolutions(shape: Any, sizes: Any, options: dict[str, Any], scale: float) -> None:
    kernel = np.random.default_rng(5).standard_normal(shape)
    matrix = conv_matrix(kernel, sizes, **options)
    axes, groups = geometry(shape, sizes, options), options.get("groups", 1)
    for p in (1.0, math.inf):
        truth = float(np.abs(matrix).sum(axis=0 if p == 1 else 1).max()) * scale
        assert truth * (1 - 1e-14) <= convolution_upper(kernel * scale, axes, groups, p) <= truth * (1 + 1e-12)
    bound = convolution_upper(kernel * scale, axes, groups, 2.0)
    top = np.linalg.norm(matrix, 2)
    assert bound >= top * scale
    # Never above the product that Young's inequality gives: the sum of the taps' norms.
    taps = kernel.reshape(groups, -1, *shape[1:]).reshape(groups, shape[0] // groups, shape[1], -1)
    young = max(sum(np.linalg.norm(g[:, :, t], 2) for t in range(g.shape[2])) for g in taps)
    assert bound <= young * scale * (1 + 1e-6)


def test_the_torus_bound_approaches_the_norm_on_large_images() -> None:
    kernel = np.random.default_rng(6).standard_normal((2, 2, 3))
    axes = geometry(kernel.shape, (200,), {"padding": 1})
    top = np.linalg.norm(conv_matrix(kernel, (200,), padding=1), 2)
    assert top <= convolution_upper(kernel, axes, 1, 2.0) <= top * 1.001


def test_a_convolution_with_many_channels_uses_cholesky() -> None:
    kernel = np.random.default_rng(7).standard_normal((100, 98, 2))
    axes = geometry(kernel.shape, (3,), {})
    top = np.linalg.norm(conv_matrix(kernel, (3,)), 2)
    assert top <= convolution_upper(kernel, axes, 1, 2.0) <= top * 1.5


def test_the_torus_is_large_enough() -> None:
    """y_o = x_{o−1} − x_{o+1} on two pixels has norm 1; on a torus of side 2 the taps would meet and cancel."""
    kernel = np.array([[[1.0, 0.0, -1.0]]])
    assert convolution_upper(kernel, [Geometry(2, 2, 1, 1, 1)], 1, 2.0) >= 1.0
    square = np.zeros((1, 1, 3, 3))
    square[0, 0, 0, 1], square[0, 0, 2, 1] = 1.0, -1.0
    assert convolution_upper(square, [Geometry(2, 2, 1, 1, 1)] * 2, 1, 2.0) >= 1.0


def test_degenerate_kernels() -> None:
    axes = (Geometry(4, 4, 1, 1, 1),)
    assert convolution_upper(np.zeros((2, 2, 3)), axes, 1, 2.0) == 0.0
    delta = np.zeros((1, 1, 3))
    delta[0, 0, 1] = -2.0
    assert 2.0 <= convolution_upper(delta, axes, 1, 2.0) <= 2.0 * (1 + 1e-6)
    assert [convolution_upper(delta, axes, 1, p) for p in (1.0, math.inf)] == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize("n", [9, 30])
def test_the_power_method_never_exceeds_the_norm_and_reaches_it(n: int) -> None:
    matrix = torch.randn(n, n // 2, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    top = float(torch.linalg.matrix_norm(matrix, 2))
    values = [power_lower(lambda x: x @ matrix.T + 3.0, (n // 2,), iterations=k, starts=4) for k in (1, 5, 200)]
    assert all(b >= a * (1 - 1e-12) for a, b in itertools.pairwise(values))
    assert all(value <= top * (1 + 1e-12) for value in values)
    assert values[-1] == pytest.approx(top, rel=1e-6)
    assert values[0] < top * (1 - 1e-4)  # unconverged: it must never be sold as an upper bound
