"""Operator norms of a convolution with zero padding, which is never written out.

For ℓ1 and ℓ∞ the largest column and row sum are exact up to rounding. For ℓ2 the convolution is a block of a
circular one on a torus that is large enough, and the norm of that one is the largest norm of its Fourier symbol,
one small matrix per frequency (H. Sedghi, V. Gupta & P. M. Long, ICLR 2019, arXiv:1805.10408). Strides come first:
a convolution of stride s is one of stride 1 on the s^d phases of the image. Proof: proofs/convolution.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import numpy.typing as npt
from flint import arb, fmpq

from lipverify.arrays import Array, Indices
from lipverify.errors import LipverifyError
from lipverify.threads import single_threaded
from lipverify.trusted.rounding import U, gamma, up
from lipverify.trusted.scaling import exponent_of, shifted, shifted_up
from lipverify.trusted.spectral.certifier import cholesky_upper
from lipverify.trusted.spectral.gram import gram_upper

_CHUNK = 2**23
"""The most numbers that the symbols of one batch of frequencies may have."""
_SMALL = 96
"""The smaller side up to which iterating on all frequencies at once is quicker."""
_ROOT_ERROR = 4 * U
_MOST_ROOTS = 2**15


@final
@dataclass(frozen=True)
class Geometry:
    """One axis: its length before and after, the stride, the step between taps, and the zeros in front of it."""

    size: int
    outputs: int
    stride: int
    dilation: int
    before: int


def convolution_upper(kernel: npt.NDArray[np.floating[Any]], axes: Sequence[Geometry], groups: int, p: float) -> float:
    """An upper bound of ‖A‖_p for the convolution with a kernel of shape (out, in / groups, *taps), p ∈ {1, 2, ∞}.

    ROUNDED: the exact norm, rounded up, for p = 1 and ∞; for p = 2 that of the circular convolution. Cost for
    p = 2: a few dozen products of small matrices per frequency, of which there are about as many as pixels.
    """
    out, per_group = kernel.shape[:2]
    grouped = kernel.astype(np.float64).reshape(groups, out // groups, per_group, *kernel.shape[2:])
    if p != 2.0:
        return max(_sums_upper(group, axes, p) for group in grouped)
    return max(_symbol_upper(group, axes) for group in grouped)


def _sums_upper(kernel: Array, axes: Sequence[Geometry], p: float) -> float:
    """The largest row sum (p = ∞) or column sum (p = 1), over the places where the taps lie inside the image."""
    sums = np.abs(kernel).sum(axis=1 if p == math.inf else 0)  # (channels, *taps)
    for k, axis in enumerate(axes):
        seen = meetings(axis, kernel.shape[2 + k], of_outputs=p == math.inf)
        sums = np.tensordot(sums, seen, axes=(1, 1))  # the tap axis goes, the places come last
    top = float(sums.max())
    terms = math.prod(kernel.shape)
    return up(top * (1 + gamma(terms + 8))) if top else 0.0


def meetings(axis: Geometry, taps: int, *, of_outputs: bool) -> Array:
    """1 where an output reads an input through tap k, shape (outputs, taps); or where an input is read so."""
    reads = np.arange(axis.outputs)[:, None] * axis.stride + np.arange(taps) * axis.dilation - axis.before
    inside = (reads >= 0) & (reads < axis.size)
    if of_outputs:
        return inside.astype(np.float64)
    met = np.zeros((axis.size, taps))
    output, tap = np.nonzero(inside)
    met[reads[output, tap], tap] = 1.0
    return met


def _symbol_upper(kernel: Array, axes: Sequence[Geometry]) -> float:
    """The largest norm of the symbol over the frequencies of a torus; and never more than ℓ1 and ℓ∞ allow."""
    if not kernel.any():
        return 0.0
    exponent = exponent_of(kernel)
    taps, sides = _phases(shifted(kernel, -exponent), axes)
    out, read, offsets = taps.shape[0], taps.shape[1], taps.shape[2:]
    flat = np.ascontiguousarray(taps.reshape(out * read, -1))
    missed = _symbol_error(taps.reshape(out, read, -1))
    best = 0.0
    step = max(1, _CHUNK // (2 * out * read))
    with single_threaded():  # thousands of small matrices: threads would only wait for each other
        for waves in _frequencies(sides, offsets, step):
            real, imag = (np.ascontiguousarray((flat @ wave).T).reshape(-1, out, read) for wave in waves)
            if min(out, read) <= _SMALL:
                best = max(best, gram_upper(real, imag))
                continue
            for symbol in real + 1j * imag:
                best = max(best, cholesky_upper(symbol, best))
    return shifted_up(up(best + missed), exponent)


def _symbol_error(taps: Array) -> float:
    """A bound of ‖computed symbol − symbol‖_F at every frequency: √2·(γ + u)·‖Σ_t |K_t|‖_F, and underflow."""
    count = taps.shape[2]
    total = np.abs(taps).sum(axis=2)
    size = math.sqrt(float((total * total).sum())) * (1 + gamma(2 * total.size + count + 8))
    return up(math.sqrt(2) * (gamma(count + 4) + _ROOT_ERROR * (1 + gamma(count + 4))) * size) + 2.0**-900


def _phases(kernel: Array, axes: Sequence[Geometry]) -> tuple[Array, list[int]]:
    """The stride-1 convolution on the phases of the image, (out, in · Π strides, *offsets), and the torus's sides.

    Tap t at offset q = t·d − before reads, from output o, the input s·(o + ⌊q/s⌋) + (q mod s): phase q mod s.
    """
    sides: list[int] = []
    for k, axis in enumerate(axes):
        place = k + 2  # of this axis's taps: earlier axes keep theirs, phases are moved to the inputs
        offsets = np.arange(kernel.shape[place]) * axis.dilation - axis.before
        cells, phases = offsets // axis.stride, offsets % axis.stride
        reach = int(cells.max() - cells.min())
        spread = np.zeros((*kernel.shape[:place], reach + 1, *kernel.shape[place + 1 :], axis.stride))
        for t in range(kernel.shape[place]):
            at = (slice(None),) * place
            spread[(*at, cells[t] - cells.min(), ..., phases[t])] = kernel[(*at, t)]
        spread = np.moveaxis(spread, -1, 2)
        used = spread.any(axis=tuple(i for i in range(spread.ndim) if i != 2))
        kernel = spread[:, :, used].reshape(spread.shape[0], -1, *spread.shape[3:])
        sides.append(-(-axis.size // axis.stride) + reach)
    if math.lcm(*sides) > _MOST_ROOTS:  # any larger torus will do; with equal sides few roots of unity are needed
        sides = [max(sides)] * len(sides)
    return kernel, sides


def _frequencies(sides: Sequence[int], offsets: Sequence[int], step: int) -> Iterator[tuple[Array, Array]]:
    """cos and sin of 2π Σ m_k t_k / N_k, shape (offsets, frequencies), for half the frequencies, step by step.

    A real kernel has conjugate symbols, of equal norm, at opposite frequencies: the first axis needs only half.
    """
    ranges = [range(sides[0] // 2 + 1), *(range(n) for n in sides[1:])]
    common = math.lcm(*sides)
    cosine, sine = _unit_roots(common)
    grid = np.stack([g.ravel() for g in np.meshgrid(*ranges, indexing="ij")])  # (axes, frequencies)
    shift = np.stack([g.ravel() for g in np.meshgrid(*map(range, offsets), indexing="ij")])  # (axes, offsets)
    for k in range(0, grid.shape[1], step):
        angle: Indices = np.zeros((shift.shape[1], min(step, grid.shape[1] - k)), dtype=np.int64)
        for m, t, n in zip(grid[:, k : k + step], shift, sides, strict=True):
            angle += (common // n) * ((t[:, None] * m[None, :]) % n)
        yield cosine[angle % common], sine[angle % common]


def _unit_roots(n: int) -> tuple[Array, Array]:
    """cos and sin of 2πk/n for k < n, each within 2⁻⁵¹ of the true value: ball arithmetic shows it."""
    tables = []
    for function in (arb.cos_pi_fmpq, arb.sin_pi_fmpq):
        balls = [function(fmpq(2 * k, n)) for k in range(n)]
        floats = [float(ball.mid()) for ball in balls]
        if not all(abs(ball - arb(x)) < _ROOT_ERROR for ball, x in zip(balls, floats, strict=True)):
            raise LipverifyError("python-flint's working precision was set too low for the roots of unity")
        tables.append(np.array(floats))
    return tables[0], tables[1]
