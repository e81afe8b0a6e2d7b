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
from lipverify.trusted.rounding import quiet, sum_error, upper
from lipverify.trusted.semidefinite import eigenvalue_slack, factorised, largest_eigenvalue_up
from lipverify.watch import tick

SHRINK = 5.0  # of the barrier's weight, once Newton's method is near its path
LEAST = 1e-300  # beside what may be 0 and is divided by
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

    @quiet
    def matrix(self, x: Vector) -> Matrix:
        """H(x) for multipliers t = exp(x), its diagonal blocks rounded up a little."""
        into, out = self._weights(x)
        upper = (self.left * into) @ self.left.T
        lower = (self.right.T * out) @ self.right
        return np.block([[upper, self.middle], [self.middle.T, lower]])

    def _weights(self, x: Vector) -> tuple[Vector, Vector]:
        """r = h/t and s = h t with r s ≥ h² whatever the rounding."""
        t = np.exp(x)
        return upper(self.half / t, 4), upper(self.half * t, 4)

    def largest(self, x: Vector) -> float:
        """λ_max(H(x)) in floats; inf where they end."""
        H = self.matrix(x)
        return float(np.linalg.eigvalsh(H)[-1]) if np.isfinite(H).all() else math.inf

    @quiet
    def missed(self, x: Vector) -> float:
        """A bound, in norm, of what rounding can hide in H(x)."""
        into, out = self._weights(x)
        mass = float(
            np.maximum(  # NaN if one of them is
                np.einsum("an,an,n->", self.left, self.left, into),
                np.einsum("nb,nb,n->", self.right, self.right, out),
            )
        )
        return sum_error(mass, 4 * len(self.half) + 64)

    def slack(self, x: Vector, largest: float) -> float:
        """About by how much certification widens a bound near `largest`."""
        return eigenvalue_slack(self.size, largest, self.missed(x))

    def upper(self, x: Vector, largest: float) -> float:
        """A rigorous bound of every ‖M + A diag(δ) B‖₂: λ_max(H(x)), shown by a Cholesky decomposition; or inf.

        `largest` is λ_max as floats see it; nothing rests on it.
        """
        return largest_eigenvalue_up(self.matrix(x), largest, self.missed(x))

    def resolvent(self, x: Vector, largest: float) -> Matrix:
        """(λI − H(x))⁻¹ for a λ a little above the largest eigenvalue: the second moments of (u, v) near it."""
        return np.linalg.inv(largest * (1 + 3e-3) * np.eye(self.size) + LEAST - self.matrix(x))

    def influences(self, Z: Matrix) -> Vector:
        """How much each neuron's freedom adds, from the resolvent: the determinant of the moments of a_i·u, b_i·v.

        It is 0 where the two are parallel: a single sign of the neuron then attains the bound.
        """
        a = self.left.shape[0]
        out = np.einsum("an,an->n", self.left, Z[:a, :a] @ self.left)
        into = np.einsum("nb,nb->n", self.right, self.right @ Z[a:, a:])
        both = np.einsum("an,na->n", self.left, self.right @ Z[a:, :a])
        return self.half**2 * (out * into - both * both)

    def direction(self, Z: Matrix) -> tuple[Vector, Vector]:
        """(u, v) of about the largest eigenvalue, by power iteration on the resolvent."""
        z = Z[:, int(np.argmax(np.diag(Z)))]
        tick()
        for _ in range(30):
            z = Z @ z
            z = z / (np.linalg.norm(z) + LEAST)
        a = self.left.shape[0]
        return z[:a], z[a:]

    def minimise(self, x: Vector, target: float, accuracy: float) -> Iterator[tuple[Vector, float]]:
        """(x, λ_max(H(x))), lower and lower, in plain floats: Newton's method on τ/μ − log det(τI − H(x)), μ → 0.

        The first is the start. It ends when λ_max ≤ target, when the barrier says that target is out of reach,
        or when what is left to gain is about `accuracy` · λ_max.
        """
        size, free = self.size, len(self.half)
        H, best = self.matrix(x), self.largest(x)
        yield x, best
        excess = max(0.3 * (best - target), 0.01 * best) if target > 0 else 0.02 * best
        tau, mu = best + excess, excess / size
        while best > target and mu * size > accuracy * best:
            step, decrement = self._newton(x, H, tau, mu)
            if not (np.isfinite(step).all() and math.isfinite(decrement)):
                return
            length = 1.0 if decrement <= 1 else 1 / (1 + math.sqrt(decrement))
            for _ in range(40):
                tick()
                trial, height = np.clip(x + length * step[:free], -LIMIT, LIMIT), tau + length * step[free]
                K = self.matrix(trial)
                if factorised(height * np.eye(size) - K) is not None:
                    break
                length *= 0.5
            else:
                return
            x, tau, H = trial, height, K
            top = self.largest(x) if decrement < 1 else tau
            if top < best:
                best = top
                yield x, best
            if decrement < 1:
                if tau - 2 * mu * size > target > 0:
                    return
                mu /= SHRINK

    @quiet
    def _newton(self, x: Vector, H: Matrix, tau: float, mu: float) -> tuple[Vector, float]:
        """Newton's step for (x, τ), shape (f + 1,), and the squared decrement."""
        a, size, free = self.left.shape[0], self.size, len(self.half)
        into, out = self._weights(x)
        Z = np.linalg.inv(tau * np.eye(size) - H)
        tick()
        V = np.zeros((size, 2 * free))  # ∂H/∂x_i = β_i β_iᵀ − α_i α_iᵀ with α_i, β_i the columns of V
        V[:a, :free] = self.left * np.sqrt(into)
        V[a:, free:] = self.right.T * np.sqrt(out)
        image = Z @ V
        tick()
        inner = V.T @ image
        tick()
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
        tick()
        try:
            step = -np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            return np.full(free + 1, np.nan), math.nan
        return step, float(-gradient @ step)
