"""The split-conditioned SDP: LipSDP's bound with diagonal multipliers for a partial activation pattern.

For every z = (v₀, u) let  ρ ‖v₀‖² − ‖C z‖² − Σ T_i · 2 u_i (δ_i y_i − u_i) ≥ 0.  A region of the pattern has
u_i (δ_i y_i − u_i) = 0, so ‖J v₀‖² ≤ ρ ‖v₀‖²: any multipliers T, of either sign, give the bound √ρ for the ρ at which
Z(ρ, T) ⪰ 0 (Fazlyab et al. 2019, arXiv:1906.04893, with diagonal multipliers; the coupled ones of that article
are unsound, Pauli et al. 2021, arXiv:2005.02929). Deciding a neuron removes its row: bounds get tighter and
cheaper. `barrier` looks for T in floats; what is reported is certified here. Proof: proofs/sdp.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias, final

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Matrix, Signs, Vector
from lipverify.relaxations import barrier
from lipverify.relaxations.cuts import Cuts, taken_by
from lipverify.relaxations.split import Forms, Oriented, propagate
from lipverify.trusted.rounding import sum_error
from lipverify.trusted.semidefinite import is_positive
from lipverify.watch import tick

Descent: TypeAlias = Callable[..., tuple[float, Vector, float, float, Array, int]]
"""`barrier.descend` or its compiled twin."""

_NOISE = 1e-13  # rows smaller than this beside their neuron's weights carry no information
_START = 0.01  # μ / ρ at the root
_AHEAD = 0.3  # of the way to a target
_LEAST = 1e-9  # of the bounds of a start, whose matrices may be zero
_TINIEST = 2.0**-500  # of a ρ that is certified
_ROOM = 1.5  # how far inside the feasible set a start is


@final
@dataclass(frozen=True, eq=False)
class Relaxation:
    """Multipliers for one partial pattern, and the ρ that belongs to them in floats.

    Attributes
    ----------
    signs
        +1, −1, or 0 for undecided, per neuron in the chain's order of reading, shape (n,).
    rho, multipliers, mu
        Z(ρ, T) ≻ 0 as floats see it, T of shape (m,) for the undecided neurons; where the barrier's parameter stands.
    gap
        The SDP's value is at least ρ − gap in real arithmetic; inf while nothing is known.
    scores
        Two moments of each undecided neuron, shape (m, 2), see `barrier.descend`.
    steps
        Newton steps taken by the last descent.
    cuts, weights
        Cuts and their multipliers ν ≥ 0, shape (K,); None for none.
    """

    signs: Signs
    rho: float
    multipliers: Vector
    mu: float
    gap: float
    scores: Array
    steps: int
    cuts: Cuts | None = None
    weights: Vector = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def root(cls, chain: Oriented, signs: Signs) -> Relaxation:
        """A strictly feasible start.

        From the end of the chain backwards: t ‖v_k‖² bounds what follows layer k. With v = αy + u it is at most
        c t ‖u‖² + c t α² ‖y‖², c = 1 where α = 0 and 2 where not, and T = 3/2 · c t more than pays for the first term,
        since 2 T u (δy − u) ≤ T δ² y² − T u².
        """
        multipliers = np.zeros(chain.neurons)
        reach = max(_LEAST, _ROOM * _square(_size(chain.weights[-1])))
        for weight, layer in zip(chain.weights[-2::-1], chain.layers[::-1], strict=True):
            steep = max(float(np.abs(chain.alpha[layer]).max()), float(np.abs(chain.beta[layer]).max()))
            spread = 2.0 if chain.alpha[layer].any() else 1.0
            multipliers[layer] = _ROOM * spread * reach
            carried = reach * spread * (_ROOM * _square(float(np.abs(chain.delta[layer]).max())) + _square(steep))
            reach = max(_LEAST, _ROOM * carried * _square(_size(weight)))
        free = np.flatnonzero(signs == 0)
        return cls(signs, reach, multipliers[free], _START * reach, math.inf, np.zeros((len(free), 2)), 0)

    @property
    def free(self) -> Indices:
        """Positions of the undecided neurons, shape (m,)."""
        return (self.signs == 0).nonzero()[0]

    def decided(self, signs: Signs, target: float = 0.0) -> Relaxation:
        """The start for a pattern that decides more: what is left of the multipliers stays strictly feasible.

        μ is set as if ρ − target were a duality gap: so far from the boundary that the target, if it can be reached,
        is a few steps away.
        """
        kept = signs[self.free] == 0
        multipliers = self.multipliers[kept]
        mu = max(_AHEAD * (self.rho - target), _START * self.rho) / (len(multipliers) + 10)
        return replace(
            self,
            signs=signs,
            multipliers=multipliers,
            scores=self.scores[kept],
            mu=mu,
            gap=math.inf,
            steps=0,
        )

    def descend(
        self, chain: Oriented, target: float, tolerance: float, limit: int, descent: Descent = barrier.descend
    ) -> Relaxation:
        """Decrease ρ until it is ≤ target > 0, or cannot be (in real arithmetic); for target 0, to the end."""
        with np.errstate(all="ignore"):  # what overflows here is not certified later
            forms = Forms.of(chain, self.signs)
            if not (math.isfinite(self.rho) and np.isfinite(forms.rows).all() and np.isfinite(forms.gram).all()):
                return replace(self, rho=math.inf, gap=0.0, steps=0)
            if not len(forms.free):
                return replace(self, rho=max(float(np.linalg.eigvalsh(forms.gram)[-1]), 0.0), gap=0.0)
            rho, multipliers, mu, gap, scores, steps = descent(
                forms.rows,
                forms.gram,
                frozen(chain, forms),
                self.rho,
                self.multipliers,
                self.mu,
                target,
                tolerance,
                limit,
            )
        return Relaxation(self.signs, float(rho), multipliers, float(mu), float(gap), scores, int(steps))


def _square(x: float) -> float:
    return x * x  # inf where x**2 would raise


def _size(matrix: Matrix) -> float:
    """About the spectral norm."""
    return float(np.linalg.norm(matrix, 2))


def frozen(chain: Oriented, forms: Forms) -> Bools:
    """Neurons that see nothing but rounding noise: their multiplier could grow without end, and is left alone."""
    m = len(forms.free)
    seen = np.abs(forms.rows)
    seen[np.arange(m), forms.inputs + np.arange(m)] = 0.0
    return np.asarray(seen.max(axis=1) <= _NOISE * chain.row_sizes[forms.free])


def certified_square(chain: Oriented, relaxation: Relaxation) -> float:
    """A float ρ with ‖W_K D ⋯ W_1‖² ≤ ρ for every completion of the signs, rounding included; inf if none is shown."""
    rho = max(relaxation.rho, _TINIEST)
    for slack in (1e-14, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0):
        tick()
        trial = rho * (1 + slack)
        if math.isfinite(trial) and is_certified(chain, relaxation, trial):
            return trial
    return math.inf


def is_certified(chain: Oriented, relaxation: Relaxation, rho: float) -> bool:
    """Whether Z(ρ, T) ⪰ 0 is shown for the exact forms of the pattern and its multipliers, whatever its own ρ."""
    charged = None if relaxation.cuts is None else (relaxation.cuts, relaxation.weights)
    return is_nonnegative(chain, relaxation.signs, relaxation.multipliers, rho, charged)


def is_nonnegative(
    chain: Oriented,
    signs: Signs,
    multipliers: Vector,
    rho: float | Vector,
    charged: tuple[Cuts, Vector] | None = None,
) -> bool:
    """Whether Z ⪰ 0 is shown, with one ρ for all coordinates of v₀, or one for each, shape (d,).

    `charged` are cuts and their multipliers ν: Σ ν e(e − v₀) is taken from Z before (proofs/cuts.md).

    Everything is built afresh from the exact weights. |Z̃ − Z| ≤ γ M entrywise for the same expression M in absolute
    values, so Z ⪰ Z̃ − diag(γ M 1); a float Cholesky decomposition of that matrix, less its own error, proves the rest.
    """
    free = (signs == 0).nonzero()[0]
    d, m = chain.inputs, len(free)
    at, first = np.arange(d, d + m), np.arange(d)
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        chosen = np.where(signs > 0, chain.beta, chain.alpha)
        rows, last = propagate(chain, chain.weights[:-1], chosen, chain.delta, free)
        sizes, gram_sizes = chain.magnitudes
        row_sizes, last_sizes = propagate(chain, sizes, np.abs(chosen), np.abs(chain.delta), free)
        rows[at - d, at] -= 1.0
        row_sizes[at - d, at] += 1.0
        tick()
        Z = barrier.assemble(rows, last.T @ chain.last_gram @ last, 0.0, multipliers)
        Z[first, first] += rho
        weight = np.abs(multipliers)
        total = last_sizes.T @ (gram_sizes @ last_sizes.sum(axis=1)) + row_sizes.T @ weight
        total[d:] += weight * row_sizes.sum(axis=1)
        total[:d] += rho
        relative, underflow = chain.rounding
        radius = relative * total + underflow * (1 + float(np.max(rho)) + float(weight.sum()))
        if charged is not None:
            taken = taken_by(chain, signs, d + m, *charged)
            if taken is None:
                return False
            Z = Z - taken.mid
            radius = radius + taken.rad + sum_error(np.abs(Z).sum(axis=1), 4)
        return is_positive(Z, radius)
