"""The semidefinite bound of a pair: max_σ ‖A diag(σ) B‖₂ ≤ λ_max of a matrix with one multiplier per neuron.

With σ = c + δ, |δ| ≤ h, unit u and v, and any t > 0, arithmetic and geometric means give
uᵀ A diag(δ) B v ≤ ½ Σ (h/t)(a_i·u)² + ½ Σ h t (b_i·v)², hence the bound

    λ_max [[A diag(h/t) Aᵀ, M], [Mᵀ, Bᵀ diag(h t) B]],   M = A diag(c) B,

and its minimum over t is the bound of LipSDP with diagonal multipliers (Fazlyab et al., NeurIPS 2019,
arXiv:1906.04893) on the network of the pair. It is convex in log t; a barrier method in plain floats finds a
good t, and what is returned is then certified for whatever t that is. Proofs: proofs/seqlip.md, §§4-6.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lipverify.arrays import Matrix, Vector
from lipverify.rounding import TINY, U, gamma, up

SHRINK = 5.0  # of the barrier's weight, once Newton's method is near its path
LIMIT = 300.0  # of |log t|: no overflow in exp


@dataclass(frozen=True)
class Relaxation:
    """A diag(δ) B added to M, |δ| ≤ half: A of shape (a, f), B (f, b), M (a, b), half (f,) > 0; all exact floats."""

    left: Matrix
    half: Vector
    right: Matrix
    middle: Matrix

    @cached_property
    def size(self) -> int:
        """a + b, the order of the matrix."""
        return sum(self.middle.shape)

    def matrix(self, x: Vector) -> Matrix:
        """H(x) for multipliers t = exp(x), its diagonal blocks rounded up a little."""
        into, out = self._weights(x)
        upper = (self.left * into) @ self.left.T
        lower = (self.right.T * out) @ self.right
        return np.block([[upper, self.middle], [self.middle.T, lower]])

    def _weights(self, x: Vector) -> tuple[Vector, Vector]:
        """r = h/t and s = h t with r s ≥ h² whatever the rounding."""
        t = np.exp(x)
        return self.half / t * (1 + 4 * U), self.half * t * (1 + 4 * U)

    def largest(self, x: Vector) -> float:
        """λ_max(H(x)) in floats."""
        return float(np.linalg.eigvalsh(self.matrix(x))[-1])

    def upper(self, x: Vector) -> float:
        """A rigorous bound of every ‖M + A diag(δ) B‖₂: λ_max(H(x)), shown by a Cholesky decomposition; or inf."""
        H = self.matrix(x)
        into, out = self._weights(x)
        mass = max(
            float(np.einsum("an,an,n->", self.left, self.left, into)),
            float(np.einsum("nb,nb,n->", self.right, self.right, out)),
        )
        size, free = self.size, len(self.half)
        guess = max(float(np.linalg.eigvalsh(H)[-1]), 0.0)
        slack = gamma(4 * size + 64) * size * guess + gamma(4 * free + 64) * mass + TINY * size * 2.0**10
        for factor in (1.0, 2.0**4, 2.0**8):
            try:
                np.linalg.cholesky((guess + factor * slack) * np.eye(size) - H)
            except np.linalg.LinAlgError:
                continue
            return up((guess + 2 * factor * slack) * (1 + 4 * U))
        return math.inf

    def influences(self, x: Vector) -> Vector:
        """How much each neuron's freedom adds: by how much its two sides fail to be parallel near the optimum.

        With z = (u, v) weighted as in (λI − H)⁻¹, the determinant of the second moments of a_i·u and b_i·v; it
        is 0 where a single sign of the neuron attains the bound.
        """
        a = self.left.shape[0]
        values, vectors = np.linalg.eigh(self.matrix(x))
        weights = 1 / (values[-1] * (1 + 3e-3) - values + TINY)
        out, into = self.left.T @ vectors[:a], self.right @ vectors[a:]
        squares = ((out * out) @ weights) * ((into * into) @ weights)
        return self.half**2 * (squares - ((out * into) @ weights) ** 2)

    def minimise(self, x: Vector, target: float, accuracy: float) -> Iterator[Vector]:
        """Better and better x in plain floats, by Newton's method on τ/μ − log det(τI − H(x)), μ → 0.

        It ends when λ_max ≤ target, when the barrier says that target is out of reach, or when what is left
        to gain is about `accuracy` · λ_max.
        """
        size, free = self.size, len(self.half)
        H = self.matrix(x)
        best = float(np.linalg.eigvalsh(H)[-1])
        excess = max(0.3 * (best - target), 0.01 * best) if target > 0 else 0.02 * best
        tau, mu = best + excess, excess / size
        while best > target and mu * size > accuracy * best:
            step, decrement = self._newton(x, H, tau, mu)
            if not (np.isfinite(step).all() and math.isfinite(decrement)):
                return
            length = 1.0 if decrement <= 1 else 1 / (1 + math.sqrt(decrement))
            for _ in range(40):
                trial, height = np.clip(x + length * step[:free], -LIMIT, LIMIT), tau + length * step[free]
                K = self.matrix(trial)
                top = float(np.linalg.eigvalsh(K)[-1])
                if top < height:
                    break
                length *= 0.5
            else:
                return
            x, tau, H = trial, height, K
            if top < best:
                best = top
                yield x
            if decrement < 1:
                if tau - 2 * mu * size > target > 0:
                    return
                mu /= SHRINK

    def _newton(self, x: Vector, H: Matrix, tau: float, mu: float) -> tuple[Vector, float]:
        """Newton's step for (x, τ), shape (f + 1,), and the squared decrement."""
        a, size, free = self.left.shape[0], self.size, len(self.half)
        into, out = self._weights(x)
        Z = np.linalg.inv(tau * np.eye(size) - H)
        V = np.zeros((size, 2 * free))  # ∂H/∂x_i = β_i β_iᵀ − α_i α_iᵀ with α_i, β_i the columns of V
        V[:a, :free] = self.left * np.sqrt(into)
        V[a:, free:] = self.right.T * np.sqrt(out)
        image = Z @ V
        inner = V.T @ image
        diagonal, lengths = np.diag(inner), (image * image).sum(axis=0)
        squares = inner * inner
        gradient = np.append(diagonal[free:] - diagonal[:free], 1 / mu - np.trace(Z))
        hessian = np.empty((free + 1, free + 1))
        hessian[:free, :free] = (
            squares[:free, :free] + squares[free:, free:] - squares[:free, free:] - squares[free:, :free]
        )
        hessian[range(free), range(free)] += diagonal[:free] + diagonal[free:]
        hessian[free, :free] = hessian[:free, free] = lengths[:free] - lengths[free:]
        hessian[free, free] = (Z * Z).sum()
        try:
            step = -np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            return np.full(free + 1, np.nan), math.nan
        return step, float(-gradient @ step)
