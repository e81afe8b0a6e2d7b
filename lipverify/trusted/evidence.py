"""What a search may claim of a partial activation pattern, and with what evidence.

A search by layers decides the neurons of the first layer that is not decided throughout, its *front*, and there every
pre-activation is affine on the cell of the decided ones. The records are few and each stands by itself: `states`
are the signs that held before, so that a reader needs nothing else to judge it. Whoever makes them is not trusted;
`evidence_floats` and `evidence_exact` are the two readers. Proof: proofs/engine.md.

A split ("neuron i has either sign") needs no evidence: the two closed halves cover the parent. A region is a complete
pattern, and a point; `geometry.witness` reads that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from lipverify.arrays import Array, Bools, Indices, Matrix, Signs, Vector


@dataclass(frozen=True, eq=False)
class Chain:
    """A two-slope network as plain arrays: weights (n_k, n_{k−1}), biases (n_k,), slopes (n_k, 2) of hidden layers."""

    weights: tuple[Matrix, ...]
    biases: tuple[Vector, ...]
    slopes: tuple[Array, ...]

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Neurons per hidden layer."""
        return tuple(len(s) for s in self.slopes)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """Where each hidden layer begins among all neurons, and their number."""
        return (0, *np.cumsum(self.widths).tolist())

    @cached_property
    def linear(self) -> Bools:
        """Which neurons have equal slopes: they have no sign, and none of theirs is a constraint; shape (n,)."""
        return np.concatenate([s[:, 0] == s[:, 1] for s in self.slopes])

    def fronts(self, states: Signs) -> Indices:
        """The first hidden layer that is not decided throughout, the last one where all are; (B, n) to (B,)."""
        parts = np.split(states, self.offsets[1:-1], axis=1)
        open_ = np.stack([(part == 0).any(axis=1) for part in parts], axis=1)
        return np.where(open_.any(axis=1), open_.argmax(axis=1), len(parts) - 1)


@dataclass(frozen=True, eq=False)
class Space:
    """{x : lower ≤ x ≤ upper, rows·x + shifts ≥ 0}: the closure of a domain, or more; shapes (d,), (g, d), (g,).

    Attributes
    ----------
    cone
        The domain is the cone over the box instead, {x : x_j ≥ 0 where lower_j = 0}, for a chain without biases in its
        hidden layers: every cell is a cone, and its part in the box stands for it. Bounds are otherwise < 0 < bounds,
        and there are no rows.
    round
        The center and the radius of the ball that the domain is, if it is one. Proofs make no use of it.
    """

    lower: Vector
    upper: Vector
    rows: Matrix
    shifts: Vector
    cone: bool = False
    round: tuple[Vector, float] | None = None


@dataclass(frozen=True)
class Head:
    """One vector of J = W_K D_{K−1} ⋯ D_1 W_1 whose 1-norm is sought: its entries `directions` of row or column `end`.

    Attributes
    ----------
    upward
        True for a row of J, the gradient of output `end`; False for a column, the derivative by input `end`.
    """

    upward: bool
    end: int
    directions: tuple[int, ...]


@dataclass(frozen=True)
class Block:
    """A block of J whose spectral norm is sought: rows `outputs`, m of them, and columns `inputs`, d."""

    outputs: tuple[int, ...]
    inputs: tuple[int, ...]

    @property
    def upward(self) -> bool:
        """Whether passes go from the inputs to the outputs: the rows are no more than the columns."""
        return len(self.outputs) <= len(self.inputs)

    @property
    def directions(self) -> tuple[int, ...]:
        """No signs are chosen."""
        return ()


@dataclass(frozen=True, eq=False)
class Implied:
    """Neurons with one sign all over the closed cells of some states.

    Attributes
    ----------
    states
        Signs that are known, −1, 0 or +1, shape (S, n).
    index
        Which of the states each claim is about, shape (F,).
    neurons, signs
        The neuron, and its sign, shape (F,).
    multipliers
        λ ≥ 0 for the domain's rows and the neurons, shape (F, g + n): with −σ·y for the neuron's pre-activation y (a
        linear bound of it above the front), −σ·y + Σ λ_j (row j) is negative on the box. Only rows of the domain
        and decided two-sided neurons up to the front may have one.
    """

    states: Signs
    index: Indices
    neurons: Indices
    signs: Signs
    multipliers: Matrix


@dataclass(frozen=True, eq=False)
class Empty:
    """States without a region: Σ λ_j (row j) is negative on the box; shapes as in `Implied`."""

    states: Signs
    index: Indices
    multipliers: Matrix


@dataclass(frozen=True, eq=False)
class Pruned:
    """States under which no Jacobian's head has a 1-norm above the target.

    Evidence: "recompute the passes and their sign tree", of at most `limit` nodes each. Where one pass will not do may
    be said in advance: the choices of state s are trees[begins[s] : begins[s + 1]], each before those below it, first
    one way, then the other; −1 for a leaf, 2j (2j + 1) for the sign of direction j, plus (minus) first, 2D + i for the
    slopes of neuron i of the first layer of a pass. That is a hint, and saves time.
    """

    states: Signs
    head: Head
    target: float
    limit: int
    trees: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    begins: Indices | None = None


@dataclass(frozen=True, eq=False)
class Turned:
    """States under which no Jacobian's block has a spectral norm above the target.

    Evidence: matrices U and V, nearly orthogonal, in which the blocks under a state are nearly diagonal; shapes
    (S, m, m) and (S, d, d). With N entry by entry above all |U·J·V|, ‖J‖ ≤ ‖U⁻¹‖‖N‖‖V⁻¹‖. "Recompute the passes."
    """

    states: Signs
    block: Block
    target: float
    left: Array
    right: Array
