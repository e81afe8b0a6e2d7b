"""Known mistakes, each re-implemented as somebody has made it: what an audit must catch.

Every function here is an estimator; `MUTANTS` says what it claims to bound and where it goes wrong. They
audit the audit: one that stays uncaught would show that the audit is blind.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from types import MappingProxyType
from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy.optimize import linprog

from lipverify.arrays import Array
from lipverify.domain import Box, Domain
from lipverify.evaluate import jacobian
from lipverify.network import IDENTITY, RELU, Network
from lipverify.norms import operator_norm
from lipverify.region import regions
from lipverify.testing.campaign import Cube
from lipverify.testing.estimators import AuditSide, Estimator
from lipverify.testing.strategies import networks


@dataclass(frozen=True)
class Mutant:
    """A mistaken estimator, and how to ask it: keyword arguments of `lipverify.testing.audit`."""

    estimator: Estimator
    mistake: str
    side: AuditSide = "upper"
    options: Mapping[str, Any] = field(default_factory=dict)


# SeqLip --------------------------------------------------------------------------------------------


def transposed_seqlip(net: Network, *, p: Any, domain: Domain | None) -> float:
    """SeqLip with V where Vᵀ belongs, every pair solved exactly."""
    return math.prod(max(_flips(pair)) for pair in _pairs(net, lambda Vt: Vt.T)) if net.hidden else _spectral(net)


def greedy_seqlip(net: Network, *, p: Any, domain: Domain | None) -> float:
    """SeqLip with each pair's maximum searched for by flipping the best neuron, while that helps."""
    return math.prod(_greedy(pair) for pair in _pairs(net, lambda Vt: Vt)) if net.hidden else _spectral(net)


def _pairs(net: Network, turned: Callable[[Array], Array]) -> Iterator[tuple[Array, Array]]:
    """The factors A, B of max_σ ‖A diag(σ) B‖ for every hidden layer (Scaman & Virmaux 2018, section 4)."""
    parts = [np.linalg.svd(w) for w in net.weights]
    last = len(parts) - 1
    for k in range(last):
        (U, s, _), (_, t, Vt) = parts[k], parts[k + 1]
        right = _rectangle(s if k == 0 else np.sqrt(s), net.weights[k].shape)
        left = _rectangle(t if k + 1 == last else np.sqrt(t), net.weights[k + 1].shape)
        yield left @ turned(Vt), U @ right


def _rectangle(values: Array, shape: tuple[int, ...]) -> Array:
    full = np.zeros(shape)
    np.fill_diagonal(full, values)
    return full


def _flips(pair: tuple[Array, Array]) -> Iterator[float]:
    A, B = pair
    for sigma in itertools.product((0.0, 1.0), repeat=A.shape[1]):
        yield float(np.linalg.norm((A * sigma) @ B, 2))


def _greedy(pair: tuple[Array, Array]) -> float:
    A, B = pair
    sigma = np.ones(A.shape[1])
    best = float(np.linalg.norm(A @ B, 2))
    while True:
        flipped = [np.where(np.arange(len(sigma)) == i, 1 - sigma, sigma) for i in range(len(sigma))]
        values = [float(np.linalg.norm((A * candidate) @ B, 2)) for candidate in flipped]
        if max(values) <= best:
            return best
        best = max(values)
        sigma = flipped[values.index(best)]


# Products of norms ---------------------------------------------------------------------------------


def power_iteration(net: Network, *, p: Any, domain: Domain | None) -> float:
    """The product of the layers' spectral norms, each by five steps of power iteration."""
    product = 1.0
    for w in net.weights:
        v = np.ones(w.shape[1])
        for _ in range(5):
            v = w.T @ (w @ v)
            v = v / (np.linalg.norm(v) or 1.0)
        product *= float(np.linalg.norm(w @ v))
    return product


def product_norm(net: Network, *, p: Any, domain: Domain | None) -> float:
    """‖W_K … W_1‖ as a lower bound, though biases may exclude the pattern with every neuron active."""
    return float(operator_norm(reduce(lambda product, w: w @ product, net.weights), p))


def ignored_pooling(net: Network, *, p: Any, domain: Domain | None) -> float:
    """‖W₂‖‖W₁‖ for linear, max-pool, linear, though windows that overlap cost a factor √2."""
    m = net.weights[0].shape[0] // 2
    shape = len(net.weights) == 2 and len(net.weights[0]) == 2 * m
    if not (shape and np.array_equal(net.weights[1][:, :m], net.weights[1][:, m:])):
        raise NotImplementedError("not linear, max-pool, linear")
    first = np.vstack([net.weights[0][0] + net.weights[0][m], net.weights[0][m:]])
    return float(np.linalg.norm(net.weights[1][:, m:], 2) * np.linalg.norm(first, 2))


@st.composite
def pooled_networks(draw: st.DrawFn) -> Network:
    """Linear, max over neighbours (windows of 2, stride 1), linear: max(a, b) = b + relu(a − b)."""
    entry = st.integers(-2, 2).map(float)
    inputs, windows = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    first = np.array([[draw(entry) for _ in range(inputs)] for _ in range(windows + 1)])
    second = np.array([[draw(entry) for _ in range(windows)]])
    layer = np.vstack([first[:-1] - first[1:], first[1:]])
    slopes = [RELU] * windows + [IDENTITY] * windows
    return Network([layer, np.hstack([second, second])], slopes=[slopes])


# Exact methods -------------------------------------------------------------------------------------


def largest_entry(net: Network, *, p: Any, domain: Domain | None) -> float:
    """The exact ℓ∞ constant with |c|_∞ in place of |c|_1: the norm of the wrong side of the duality."""
    return max(float(max(abs(c) for row in region.weight for c in row)) for region in regions(net, domain))


def closed_patterns(net: Network, *, p: Any, domain: Domain | None) -> float:
    """The largest norm over every pattern that some point satisfies, be it on a boundary only."""
    return _over_patterns(net, p, domain, lambda result: result.status in (0, 3), margin=False)


def optimal_only(net: Network, *, p: Any, domain: Domain | None) -> float:
    """The largest norm over patterns with a positive margin, every status but "optimal" read as infeasible.

    The margin of an unbounded region has no maximum, so that regions are lost.
    """
    return _over_patterns(net, p, domain, lambda result: result.status == 0 and -result.fun > 1e-9, margin=True)


def shifted_propagation(net: Network, *, p: Any, domain: Domain | None) -> float:
    """Interval bounds of the Jacobian with every neuron's slope read from its neighbour: off by one."""
    assert isinstance(domain, Box)
    low, high = np.array(domain.lower), np.array(domain.upper)
    magnitude = np.abs(net.weights[0])
    for k, w in enumerate(net.weights[:-1]):
        centre, radius = w @ (low + high) / 2 + net.biases[k], np.abs(w) @ (high - low) / 2
        low, high = np.maximum(centre - radius, 0), np.maximum(centre + radius, 0)
        magnitude = np.abs(net.weights[k + 1]) @ (magnitude * np.roll(high > 0, 1)[:, None])
    return float(operator_norm(magnitude, p))


def _over_patterns(
    net: Network, p: Any, domain: Domain | None, accepted: Callable[[Any], bool], *, margin: bool
) -> float:
    """The largest norm over the patterns whose LP is accepted: s_j (a_j·x + c_j) ≥ 0, or ≥ a margin to maximise."""
    best = 0.0
    for flat in itertools.product((False, True), repeat=net.neurons):
        pattern = np.split(np.array(flat, dtype=bool), np.cumsum(net.hidden)[:-1]) if net.hidden else []
        rows, limits = _half_spaces(net, pattern)
        gap = np.full((len(rows), 1), 1.0 if margin else 0.0)
        bounds = [(None, None)] * net.input_dim + [(None, None) if margin else (0, 0)]
        if not len(rows) or accepted(
            linprog([0.0] * net.input_dim + [-1.0 if margin else 0.0], np.hstack([rows, gap]), limits, bounds=bounds)
        ):
            best = max(best, float(operator_norm(jacobian(net, pattern), p)))
    return best


def _half_spaces(net: Network, pattern: list[Any]) -> tuple[Array, Array]:
    """Rows of A x ≤ b that say on which side of each neuron x lies, were the pattern its own."""
    A, c = np.eye(net.input_dim), np.zeros(net.input_dim)
    rows, limits = [np.zeros((0, net.input_dim))], [np.zeros(0)]
    for w, b, on in zip(net.weights, net.biases, pattern, strict=False):
        A, c = w @ A, w @ c + b
        sign = np.where(on, -1.0, 1.0)
        rows.append(sign[:, None] * A)
        limits.append(-sign * c)
        A, c = A * on[:, None], c * on
    return np.concatenate(rows), np.concatenate(limits)


def forgetful_eclipse(net: Network, *, p: Any, domain: Domain | None) -> float:
    """ECLipsE-Fast whose second layer starts afresh, so that the first one's matrix is forgotten."""
    shape, hidden = np.eye(net.input_dim), net.weights[:-1]
    for k, weight in enumerate(hidden):
        gram = weight @ (np.eye(weight.shape[1]) if k == 1 else shape) @ weight.T
        size = float(np.linalg.norm(gram, 2))
        # λ = 2/‖G‖ and P = (λI − ¼λ²G)⁻¹ (Xu & Sivaranjani 2024); a layer of zeros gives P = 0
        shape = np.linalg.inv(2 / size * np.eye(len(gram)) - gram / size**2) if size > 0 else 0 * gram
    return math.sqrt(float(np.linalg.norm(net.weights[-1] @ shape @ net.weights[-1].T, 2)))


def _spectral(net: Network) -> float:
    return float(np.linalg.norm(net.weights[0], 2))


def _tame(**shape: Any) -> dict[str, Any]:
    """Networks whose LPs a float solver can be trusted with: what goes wrong is the mistake's doing."""
    return {"networks": networks(weights="integers", **shape)}


MUTANTS: Mapping[str, Mutant] = MappingProxyType(
    {
        "transposed-seqlip": Mutant(transposed_seqlip, "V for Vᵀ in the singular value decomposition"),
        "greedy-seqlip": Mutant(greedy_seqlip, "a greedy search in place of a maximum"),
        "power-iteration": Mutant(power_iteration, "power iteration stopped before it converged"),
        "product-norm": Mutant(
            product_norm, "the norm of the product of all weights, where biases exclude it", "lower"
        ),
        "ignored-pooling": Mutant(
            ignored_pooling, "max-pooling with overlap taken as 1-Lipschitz", options={"networks": pooled_networks()}
        ),
        "forgetful-eclipse": Mutant(
            forgetful_eclipse,
            "the first layer's matrix forgotten at the second one",
            options={"max_examples": 20, "networks": networks(hidden=2, width=(1, 3))},
        ),
        "largest-entry": Mutant(largest_entry, "|c|_∞ for |c|_1", options={"p": math.inf}),
        "closed-patterns": Mutant(
            closed_patterns, "patterns of lower-dimensional sets count", "both", _tame(inputs=(1, 2), width=(1, 3))
        ),
        "optimal-only": Mutant(
            optimal_only, 'an LP that is not "optimal" read as infeasible', "both", _tame(inputs=(1, 2), width=(1, 3))
        ),
        "shifted-propagation": Mutant(
            shifted_propagation,
            "off by one in the propagation of bounds",
            options={"p": math.inf, "domain": Cube(-1, 1)},
        ),
    }
)
