"""Gram iteration: upper bounds of the spectral norms of a batch of complex matrices, rounding included.

‖A‖² = ‖AᴴA‖, so with A_0 = A, A_{t+1} = A_tᴴA_t the norm of A is ‖A_t‖^(1/2^t) ≤ ‖A_t‖_F^(1/2^t), which exceeds it
by a factor of n^(1/2^{t+1}) at most (T. Delattre, Q. Barthélemy, A. Araujo & A. Allauzen, ICML 2023,
arXiv:2305.16173). Each product is taken in floats, and its error bounded in norm: proofs/convolution.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from lipverify.arrays import Array, Indices
from lipverify.trusted.rounding import TINY, gamma, ups
from lipverify.trusted.scaling import exponents_of, shifted
from lipverify.watch import tick

LEVELS = 26
"""n^(1/2^27) is 1 + 5e-8 for n = 1000."""


def gram_upper(real: Array, imag: Array | None = None, *, levels: int = LEVELS) -> float:
    """An upper bound of the largest spectral norm in a batch of matrices real + i·imag, shape (N, m, n).

    Matrices that cannot be the largest are dropped on the way; what is known of them by then still counts.
    ROUNDED. Cost: per level one product of n × n matrices (the smaller side) for every matrix still in the race.
    """
    if real.shape[-2] < real.shape[-1]:
        real = np.swapaxes(real, -1, -2)
        imag = None if imag is None else -np.swapaxes(imag, -1, -2)
    race, best = _Race.start(real, imag), 0.0
    bounds = race.upper()
    for level in range(levels):
        tick()
        if not np.isfinite(bounds).all() or not bounds.any():
            break
        # A guess at the winner's norm, in plain floats: it only decides who stays.
        estimate = float(bounds.max()) * real.shape[-1] ** (-1 / 2 ** (level + 1))
        keep = bounds >= estimate * (1 - 1e-12)
        best = max(best, float(bounds[~keep].max(initial=0.0)))
        race = race.chosen(np.flatnonzero(keep)).squared()
        bounds = race.upper()
    return max(best, float(bounds.max()))


@final
@dataclass(frozen=True, eq=False)
class _Race:
    """S = 2^−exponent · A_t for every matrix in the race, entries in [−1, 1], and the way back to A_0.

    Attributes
    ----------
    real, imag
        Shape (N, m, n); imag is None for real matrices.
    exponent
        Shape (N,): the power of two that was taken out, which is where an entry may underflow.
    errors
        Per earlier stage s: (exponent_s, error_s), with ‖S_s‖² ≤ ‖A_{s+1}‖ + error_s.
    """

    real: Array
    imag: Array | None
    exponent: Indices
    errors: tuple[tuple[Indices, Array], ...]

    @classmethod
    def start(cls, real: Array, imag: Array | None, errors: tuple[tuple[Indices, Array], ...] = ()) -> _Race:
        """Normalised matrices."""
        size = real if imag is None else np.maximum(np.abs(real), np.abs(imag))
        exponent = exponents_of(size, axis=(1, 2))
        by = -exponent[:, None, None]
        return cls(shifted(real, by), None if imag is None else shifted(imag, by), exponent, errors)

    @property
    def lost(self) -> float:
        """A bound of the norm of what underflowed on the way to S."""
        return TINY * self.real[0].size

    def frobenius(self) -> Array:
        """Upper bounds of ‖S‖_F, shape (N,); 0 for zero matrices."""
        total = np.einsum("kij,kij->k", self.real, self.real)
        if self.imag is not None:
            total = total + np.einsum("kij,kij->k", self.imag, self.imag)
        terms = 2 * self.real[0].size
        return np.where(total > 0, np.sqrt(total * (1 + gamma(terms + 8)) + terms * TINY) * (1 + gamma(8)), 0.0)

    def upper(self) -> Array:
        """Upper bounds of ‖A_0‖, shape (N,): ‖A_s‖ ≤ 2^exponent_s · (√(‖A_{s+1}‖ + error_s) + lost), back to 0."""
        norms = self.frobenius()
        zero = norms == 0
        norms = norms + self.lost
        exponent = self.exponent
        for earlier, error in reversed(self.errors):
            # From the second stage on the exponents are small: a Gram matrix of entries below 1.
            norms = np.sqrt((shifted(norms, exponent) + error) * (1 + gamma(4))) * (1 + gamma(4)) + self.lost
            exponent = earlier
        return np.where(zero, 0.0, ups(shifted(norms * (1 + gamma(4)), exponent)))

    def chosen(self, which: Indices) -> _Race:
        """Some of the matrices."""
        imag = None if self.imag is None else self.imag[which]
        errors = tuple((exponent[which], error[which]) for exponent, error in self.errors)
        return _Race(self.real[which], imag, self.exponent[which], errors)

    def squared(self) -> _Race:
        """A_{t+1} = SᴴS in floats: entrywise off by √2·γ·|S|ᴴ|S| at most, so by √2·γ·‖S‖_F² in norm."""
        a, b = self.real, self.imag
        real, imag = np.swapaxes(a, -1, -2) @ a, None
        if b is not None:
            real = real + np.swapaxes(b, -1, -2) @ b
            cross = np.swapaxes(a, -1, -2) @ b
            imag = cross - np.swapaxes(cross, -1, -2)
        terms, size = 2 * a.shape[1], a.shape[2]
        error = math.sqrt(2) * gamma(terms + 6) * self.frobenius() ** 2 * (1 + gamma(16)) + terms * size * TINY
        return _Race.start(real, imag, (*self.errors, (self.exponent, error)))
