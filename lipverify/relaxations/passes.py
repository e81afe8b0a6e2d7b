"""Functional passes: bounds of r·∇(c·f) over every Jacobian that slope ranges allow.

A vector V_k = ∂(c·f)/∂(outputs of layer k) comes from V_{k+1} by V_k = W_{k+1}ᵀ D V_{k+1}, D diagonal with entries in
known ranges. On the range of a coordinate v of V_{k+1}, d·v lies under the chord of max(d_low·v, d_high·v) and above
that of min(…), so a functional of V_0 = ∇(c·f) can be pushed to the outputs, where V is known. Passes along
the axes tighten the ranges of every V_k on the way: up to rounding, the entries of the Jacobian are never looser
than interval arithmetic's. Passes along chosen directions bound norms of rows. ROUNDED. Proof: proofs/passes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Matrix
from lipverify.errors import InvalidArgument
from lipverify.norms import INF, NormPair, dual, norms_upper
from lipverify.relaxations.interval import Slopes, flat, last_matrix
from lipverify.relaxations.layers import Chain, Layers
from lipverify.trusted.balls import Ball
from lipverify.trusted.functionals import Step, chord, upper_bounds
from lipverify.trusted.intervals import magnitude, matrix_product, middle, scaled
from lipverify.trusted.rounding import grown, quiet, sum_error, ups
from lipverify.trusted.scaling import exponents_of, shifted


@final
@dataclass(frozen=True, eq=False)
class Gradients:
    """What is known of the gradients ∇(c·f), for N nodes and H read-outs c, in batches of B = N·H.

    Attributes
    ----------
    low, high
        Ranges of the gradients' entries, shape (B, n_0).
    steps
        From the gradients back to the vectors at the outputs.
    first_low, first_high
        Ranges of those vectors, Wᵀ_K c, shape (B, n_{K−1}).
    shape
        (…, H): the nodes' axes and the read-outs'.
    """

    low: Array
    high: Array
    steps: tuple[Step, ...]
    first_low: Array
    first_high: Array
    shape: tuple[int, ...]

    @classmethod
    def of(cls, net: Chain, slopes: Slopes, heads: npt.ArrayLike | None = None) -> Gradients:
        """The gradients of read-outs, shape (H, n_K), of every output if None, under slope ranges (..., n_k).

        The cost is that of Σ_k 2n_k passes through the layers above the k-th, for each node and read-out.

        Raises
        ------
        InvalidArgument
            For read-outs of another shape, or not finite ones.
        """
        chain = Layers.of(net)
        low, high = last_matrix(chain)
        if heads is not None:
            rows: Matrix = np.asarray(heads, dtype=np.float64)
            if rows.ndim != 2 or rows.shape[1] != chain.output_dim or not np.isfinite(rows).all():
                raise InvalidArgument(f"read-outs must be finite, of shape (H, {chain.output_dim}); got {rows.shape}")
            low, high = matrix_product(rows, rows, chain.layers[-1].weight)
        shape = (*np.broadcast_shapes(*(s.shape[:-1] for s in slopes.low)), len(low))
        low, high = flat(low, shape), flat(high, shape)
        first = plain = (low, high)
        steps: list[Step] = []
        for k in reversed(range(len(chain.slopes))):
            weight = chain.layers[k].weight
            least, greatest = (flat(end[k][..., None, :], shape) for end in (slopes.low, slopes.high))
            above = chord(low, high, least, greatest)
            below = chord(low, high, -greatest, -least).negated()
            low, high = scaled(low, high, least, greatest)
            nothing = np.zeros(weight.shape[1])
            steps.insert(0, Step(weight.T, (nothing, nothing), magnitude(low, high), above, below))
            unit = np.eye(weight.shape[1])
            bounds = upper_bounds(np.concatenate([unit, -unit])[None], steps, *first)
            # Plain intervals too: from tightened ranges an interval may come out looser by a rounding.
            plain = _product(*scaled(*plain, least, greatest), weight)
            found = (plain, _product(low, high, weight), (-bounds[:, len(unit) :], bounds[:, : len(unit)]))
            low = np.maximum.reduce([end for end, _ in found])
            high = np.minimum.reduce([end for _, end in found])
        return cls(low, high, tuple(steps), *first, shape)

    def ranges(self) -> tuple[Array, Array]:
        """Entrywise ranges of the gradients, shapes (..., H, n_0)."""
        return self.low.reshape(*self.shape, -1), self.high.reshape(*self.shape, -1)

    def within(self, low: Array, high: Array) -> Gradients:
        """The same, where the entries are known to lie in these ranges, shapes (..., H, n_0), as well."""
        flattened = (end.reshape(self.low.shape) for end in (low, high))
        tighter = (np.maximum(self.low, next(flattened)), np.minimum(self.high, next(flattened)))
        return Gradients(*tighter, self.steps, self.first_low, self.first_high, self.shape)

    def upper(self, directions: Array) -> Array:
        """Upper bounds of r·∇(c·f) for directions of shape (..., H, R, n_0), to (..., H, R)."""
        rows = np.broadcast_to(directions, (*self.shape, *directions.shape[-2:]))
        return self._upper(rows.reshape(-1, *rows.shape[-2:])).reshape(rows.shape[:-1])

    def _upper(self, directions: Array) -> Array:
        return upper_bounds(directions, self.steps, self.first_low, self.first_high)

    @quiet
    def norms(self, q: float) -> Array:
        """Upper bounds of ‖∇(c·f)‖_q for q ∈ {1, 2, ∞}, shape (..., H): from the entries' ranges, and by one pass.

        For q = 1 the pass has |g| ≤ λg + μ, chords; for q = 2 it has g² ≤ (l + u)g − lu.
        """
        mid, rad = middle(self.low, self.high)
        boxed = norms_upper(mid[:, None, :], rad[:, None, :], NormPair(dual(q), INF))
        if q == 1.0:
            boxed = np.fmin(boxed, self._sum())
        if q == 2.0:
            boxed = np.fmin(boxed, self._euclidean())
        return boxed.reshape(self.shape)

    def _sum(self) -> Array:
        one = np.ones(self.low.shape[1])
        lines = chord(self.low, self.high, -one, one)
        shift = grown(lines.shift.sum(axis=1), len(one) + 4)
        return ups(self._upper(lines.slope[:, None, :])[:, 0] + shift)

    def _euclidean(self) -> Array:
        exponent = exponents_of(magnitude(self.low, self.high), axis=1)
        low, high = (shifted(end, -exponent[:, None]) for end in (self.low, self.high))  # at most about 1
        slope = low + high
        shift = np.maximum(low * (low - slope), high * (high - slope))
        n = low.shape[1]
        shift = shift.sum(axis=1) + sum_error(np.abs(shift).sum(axis=1), n + 16, 8 * n)
        passed = ups(shifted(self._upper(slope[:, None, :])[:, 0], -exponent))
        root = shifted(ups(np.sqrt(ups(np.maximum(passed + shift, 0.0)))), exponent)
        return np.where(np.isfinite(root), ups(root), np.inf)


def _product(low: Array, high: Array, weight: Ball) -> tuple[Array, Array]:
    """Ranges of vectors (B, m) times a matrix (m, n)."""
    below, above = matrix_product(low[:, None, :], high[:, None, :], weight)
    return below[:, 0], above[:, 0]
