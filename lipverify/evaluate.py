"""Forward pass, activation pattern and Jacobian of a network: batched in floats, and exact in rationals."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from flint import fmpq, fmpq_mat

from lipverify.arrays import Array, Bools, Pattern, Point
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.rationals import column, fraction, rational_vector, scale_rows
from lipverify.trusted.chains import chain_error
from lipverify.trusted.rounding import quiet
from lipverify.watch import tick


def preactivations(net: Network, x: npt.ArrayLike) -> tuple[Array, ...]:
    """The hidden layers' pre-activations; x of shape (..., n_0) gives one (..., n_k) per hidden layer."""
    return _pass(net, x)[0]


def forward(net: Network, x: npt.ArrayLike) -> Array:
    """f(x) in floats; x of shape (..., n_0) gives (..., n_K)."""
    return _pass(net, x)[1]


def pattern(net: Network, x: npt.ArrayLike) -> tuple[Bools, ...]:
    """Which neurons have a positive pre-activation at x, in floats: one (..., n_k) per hidden layer."""
    return tuple(y > 0 for y in preactivations(net, x))


@quiet
def _pass(net: Network, x: npt.ArrayLike) -> tuple[tuple[Array, ...], Array]:
    v = np.asarray(x, dtype=np.float64)
    if v.ndim == 0 or v.shape[-1] != net.input_dim:
        raise InvalidArgument(f"x has shape {v.shape}; expected (..., {net.input_dim})")
    seen: list[Array] = []
    for w, b, s in zip(net.weights, net.biases, net.slopes, strict=False):
        tick()
        y = v @ w.T + b
        seen.append(y)
        v = np.where(y > 0, s[:, 1], s[:, 0]) * y
    return tuple(seen), v @ net.weights[-1].T + net.biases[-1]


def jacobian(net: Network, active: Sequence[npt.ArrayLike]) -> Array:
    """The Jacobian on the region of a pattern, in floats.

    `active` has one boolean array of shape (..., n_k) per hidden layer; the result has shape
    (..., n_K, n_0). Nothing says here that the region has an interior.
    """
    return jacobian_with_error(net, active, with_error=False)[0]


def jacobian_with_error(
    net: Network, active: Sequence[npt.ArrayLike], *, with_error: bool = True
) -> tuple[Array, Array]:
    """`jacobian`, and an entrywise bound of its distance to the exact Jacobian, same shape.

    Every entry is a sum of products over paths; each product and each sum along the way is rounded at
    most Σ_k (n_k + 2) times, so γ of that count times the same chain of absolute values covers all of it.
    What overflowed is 0 with an infinite error.
    """
    if len(active) != len(net.slopes):
        raise InvalidArgument(f"the pattern has {len(active)} layers; the network has {len(net.slopes)} hidden ones")
    slopes = [np.where(np.asarray(a, dtype=bool), s[:, 1], s[:, 0]) for a, s in zip(active, net.slopes, strict=True)]
    mid = _chain(list(net.weights), slopes)
    if not with_error:
        return mid, mid
    magnitude = _chain([np.abs(w) for w in net.weights], [np.abs(s) for s in slopes])
    return chain_error(mid, magnitude, net.weights, net.slopes)


def _chain(weights: list[Array], slopes: list[Array]) -> Array:
    """W_K diag(s_{K−1}) W_{K−1} … diag(s_1) W_1, multiplied from the narrower end."""
    if weights[-1].shape[0] <= weights[0].shape[1]:
        product = weights[-1]
        for w, s in zip(weights[-2::-1], slopes[::-1], strict=True):
            tick()
            product = (product * s[..., None, :]) @ w
        return product
    product = weights[0]
    for w, s in zip(weights[1:], slopes, strict=True):
        tick()
        product = w @ (s[..., :, None] * product)
    return product


def jacobian_exact(net: Network, active: Pattern) -> fmpq_mat:
    """The exact Jacobian on the region of a pattern, shape (n_K, n_0), multiplied from the narrower end."""
    layers = net.rational_layers
    chosen = [
        [pair[on] for pair, on in zip(layer.slopes, states, strict=True)]
        for layer, states in zip(layers, active, strict=False)
    ]
    if net.output_dim >= net.input_dim:
        product = layers[0].weight
        for following, slopes in zip(layers[1:], chosen, strict=True):
            tick()
            product = following.weight * scale_rows(product, slopes)
        return product
    product = layers[-1].weight
    for layer, slopes in zip(layers[-2::-1], chosen[::-1], strict=True):
        tick()
        product = scale_rows(product.transpose(), slopes).transpose() * layer.weight
    return product


def forward_exact(net: Network, x: Sequence[Fraction] | Sequence[float]) -> Point:
    """f(x) as Fractions, for a rational point x of length n_0."""
    if len(x) != net.input_dim:
        raise InvalidArgument(f"x has {len(x)} coordinates; the network has {net.input_dim} inputs")
    v = column(rational_vector(Fraction(c) for c in x))
    for k, layer in enumerate(net.rational_layers):
        tick()
        y = [a + b for (a,), b in zip((layer.weight * v).tolist(), layer.bias, strict=True)]
        if k < len(net.slopes):
            y = [pair[value > 0] * value for pair, value in zip(layer.slopes, y, strict=True)]
        v = column(y)
    return tuple(fraction(value) for (value,) in v.tolist())


def affine_rows(net: Network) -> fmpq_mat:
    """The first layer's pre-activations as rows (a, c) of a·x + c·t, shape (n_1, n_0 + 1)."""
    first = net.rational_layers[0]
    return augmented(first.weight, first.bias)


def augmented(weight: fmpq_mat, bias: Sequence[fmpq]) -> fmpq_mat:
    """[weight | bias]."""
    return fmpq_mat([[*row, c] for row, c in zip(weight.tolist(), bias, strict=True)])


def next_affine_rows(net: Network, k: int, rows: fmpq_mat, active: Sequence[bool]) -> fmpq_mat:
    """From the rows of layer k (0-based) and its pattern to the rows of layer k + 1, exactly."""
    tick()
    layer, following = net.rational_layers[k], net.rational_layers[k + 1]
    chosen = [pair[on] for pair, on in zip(layer.slopes, active, strict=True)]
    carried = following.weight * scale_rows(rows, chosen)
    return fmpq_mat([[*r[:-1], r[-1] + c] for r, c in zip(carried.tolist(), following.bias, strict=True)])
