"""A network with some neurons decided, as linear forms in what is left: one end of it, and the undecided neurons.

A neuron with slopes (α, β) sends y to v = α y + u with u ∈ {0, δ y}, δ = β − α, so every two-slope network is
a ReLU network in u. Deciding a neuron substitutes u = 0 or u = δ y. The Jacobian and its transpose have
the same norm, and the transposed network runs through the same neurons: the chain is read from the end with
fewer coordinates. Proof: proofs/sdp.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import final

import numpy as np

from lipverify.arrays import Array, Indices, Matrix, Signs, Vector
from lipverify.network import Network
from lipverify.trusted.chains import form_errors
from lipverify.trusted.scaling import exactly, is_exact, relative_gains, shifted
from lipverify.watch import tick

_APART = 8  # powers of two between neurons of a layer; the multipliers lie twice as far apart, beside 53 bits


@final
@dataclass(frozen=True, eq=False)
class Oriented:
    """2^−exponent · J, or its transpose, as W_K D_{K−1} ⋯ D_1 W_1 with D_k = diag(α or β), from the narrower end.

    Attributes
    ----------
    weights
        W_1 … W_K in the order of reading: the network's matrices, or their transposes backwards, divided by
        powers of two, and neurons that are far weaker than others by powers of two enlarged; exact.
    alpha, beta
        The slopes of every neuron in the order of reading, shape (n,); exact, powers of two taken out.
    order
        Position in the order of reading → neuron of the network, counted layer by layer; shape (n,).
    exponent
        The powers of two taken out, summed.
    lifts
        What multipliers T_i are multiplied by for the network's own matrices, as exponents of two; shape (n,).
    """

    weights: tuple[Matrix, ...]
    alpha: Vector
    beta: Vector
    order: Indices
    exponent: int
    lifts: Indices

    @classmethod
    def of(cls, net: Network, *, backwards: bool | None = None) -> Oriented:
        """The chain of a network, from its narrower end, or from the end that is asked for."""
        weights, slopes = list(net.weights), list(net.slopes)
        starts = np.cumsum([0, *net.hidden])
        order = [np.arange(a, b) for a, b in pairwise(starts)]
        if net.output_dim < net.input_dim if backwards is None else backwards:
            weights = [np.ascontiguousarray(w.T) for w in reversed(weights)]
            slopes, order = slopes[::-1], order[::-1]
        weights, moves = _evened(weights, slopes)
        scaled, pairs = [exactly(w) for w in weights], [exactly(s) for s in slopes]
        stacked = np.concatenate([np.zeros((0, 2)), *(s for s, _ in pairs)])
        exponent = sum(e for _, e in (*scaled, *pairs))
        # u at layer k is divided by what the matrices and slopes up to there are divided by, the output by everything.
        reached = accumulate((e + f for (_, e), (_, f) in zip(scaled, pairs, strict=False)), initial=0)
        lifts = [2 * (exponent - e + move) for move, e in zip(moves, [*reached][1:], strict=True)]
        return cls(
            tuple(w for w, _ in scaled),
            stacked[:, 0].copy(),
            stacked[:, 1].copy(),
            np.concatenate([np.zeros(0, dtype=np.intp), *order]).astype(np.intp),
            exponent,
            np.concatenate([np.zeros(0, dtype=np.intp), *lifts]).astype(np.intp),
        )

    @property
    def inputs(self) -> int:
        """d, the coordinates of the end from which the chain is read."""
        return self.weights[0].shape[1]

    @property
    def neurons(self) -> int:
        """n, the number of neurons."""
        return len(self.order)

    @cached_property
    def layers(self) -> tuple[slice, ...]:
        """The positions of each layer's neurons."""
        ends = np.cumsum([0, *(w.shape[0] for w in self.weights[:-1])]).tolist()
        return tuple(slice(a, b) for a, b in pairwise(ends))

    @cached_property
    def ends(self) -> Indices:
        """Where each layer ends."""
        return np.array([layer.stop for layer in self.layers], dtype=np.intp)

    @cached_property
    def delta(self) -> Vector:
        """δ = β − α, rounded to nearest, shape (n,)."""
        return self.beta - self.alpha

    @cached_property
    def settled(self) -> Signs:
        """+1 for neurons that need no decision, and 0 for the others, shape (n,).

        The Jacobian does not depend on the signs of those with equal slopes, with nothing but zeros on the way to
        them, or on the way from them.
        """
        bends = np.abs(self.alpha) + np.abs(self.beta) > 0
        met, read = np.ones(self.inputs, dtype=bool), np.ones(len(self.weights[-1]), dtype=bool)
        there, back = [np.zeros(0, dtype=bool)], [np.zeros(0, dtype=bool)]
        for weight, layer in zip(self.weights, self.layers, strict=False):
            there.append((weight[:, met] != 0).any(axis=1))
            met = there[-1] & bends[layer]
        for weight, layer in zip(self.weights[:0:-1], self.layers[::-1], strict=True):
            back.insert(0, (weight[read] != 0).any(axis=0))
            read = back[0] & bends[layer]
        return ((self.alpha == self.beta) | ~np.concatenate(there) | ~np.concatenate(back)).astype(np.int8)

    @cached_property
    def row_sizes(self) -> Vector:
        """The largest weight into each neuron, times |δ|, shape (n,)."""
        tops = [np.abs(w).max(axis=1) for w in self.weights[:-1]]
        return np.concatenate([np.zeros(0), *tops]) * np.abs(self.delta)

    @cached_property
    def last_gram(self) -> Matrix:
        """W_Kᵀ W_K in floats."""
        return self.weights[-1].T @ self.weights[-1]

    @cached_property
    def magnitudes(self) -> tuple[tuple[Matrix, ...], Matrix]:
        """|W_1| … |W_{K−1}| and |W_K|ᵀ|W_K|."""
        last = np.abs(self.weights[-1])
        return tuple(np.abs(w) for w in self.weights[:-1]), last.T @ last

    @cached_property
    def rounding(self) -> tuple[float, float]:
        """A relative error for all that is built here, and an absolute one for underflow (proofs/sdp.md)."""
        steepest = float(max(np.abs(self.alpha).max(initial=1.0), np.abs(self.beta).max(initial=1.0)))
        return form_errors(self.weights, steepest)


def _evened(weights: list[Matrix], slopes: list[Array]) -> tuple[list[Matrix], list[Indices]]:
    """The chain with values of neurons multiplied by powers of two, and these, where some neurons are far weaker
    than others of their layer: floats could not hold the multipliers of both side by side."""
    moves = relative_gains(weights, slopes)
    still = [np.zeros(len(s), dtype=np.intp) for s in slopes]
    if all(np.abs(move).max(initial=0) < _APART for move in moves):
        return weights, still
    first, last = np.zeros(weights[0].shape[1], dtype=np.intp), np.zeros(len(weights[-1]), dtype=np.intp)
    powers = [after[:, None] - before for before, after in pairwise([first, *moves, last])]
    if not all(is_exact(w, by) for w, by in zip(weights, powers, strict=True)):
        return weights, still
    return [shifted(w, by) for w, by in zip(weights, powers, strict=True)], moves


@final
@dataclass(frozen=True, eq=False)
class Forms:
    """What the undecided neurons see, in floats: forms in z = (v₀, u_1 … u_m).

    Attributes
    ----------
    rows
        b_i = δ_i y_i − e_i for the undecided neurons, shape (m, d + m).
    gram
        CᵀC for the output C z, shape (d + m, d + m).
    inputs
        d, the length of v₀.
    free
        Positions of the undecided neurons, increasing, shape (m,).
    """

    rows: Matrix
    gram: Matrix
    inputs: int
    free: Indices

    @classmethod
    def of(cls, chain: Oriented, signs: Signs) -> Forms:
        """The forms when neurons are decided as in `signs`, shape (n,) in the order of reading, 0 undecided."""
        free = (signs == 0).nonzero()[0]
        chosen = np.where(signs > 0, chain.beta, chain.alpha)
        rows, last = propagate(chain, chain.weights[:-1], chosen, chain.delta, free)
        rows[np.arange(len(free)), chain.inputs + np.arange(len(free))] -= 1.0
        return cls(rows, last.T @ chain.last_gram @ last, chain.inputs, free)


def propagate(
    chain: Oriented, weights: tuple[Matrix, ...], chosen: Vector, delta: Vector, free: Indices
) -> tuple[Matrix, Matrix]:
    """Rows δ_i y_i of the undecided neurons, shape (m, d + m), and the values in front of the last matrix.

    `weights`, `chosen` slopes and `delta` are the chain's own, or their absolute values.
    """
    d, m = chain.inputs, len(free)
    values = np.eye(d, d + m)
    rows = np.zeros((m, d + m))
    at = 0
    ends = np.searchsorted(free, chain.ends).tolist()
    for weight, layer, until in zip(weights, chain.layers, ends, strict=True):
        tick()
        y = weight @ values
        values = chosen[layer, None] * y
        inside = free[at:until]
        rows[at:until] = delta[inside, None] * y[inside - layer.start]
        values[inside - layer.start, np.arange(d + at, d + until)] = 1.0
        at = until
    return rows, values
