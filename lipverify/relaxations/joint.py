"""A network's points and gradients in one vector, as linear forms in rationals, with what is known of their products.

A point in homogeneous coordinates, what its neurons pass on, and the gradient of the one output on its way back through
the neurons: products of these vanish, or have a sign, on every activation region. Multipliers for them make a bound of
the gradient, for the price of a semidefinite matrix (`estimators.joint_sdp`). Proof: proofs/joint.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from flint import fmpq, fmpq_mat

from lipverify.arrays import Array, Signs, Vector
from lipverify.domain import Ball, Box, Domain
from lipverify.network import Network
from lipverify.rationals import column, entries, rational, rational_matrix, scale_rows
from lipverify.trusted.rounding import norm_up
from lipverify.watch import tick

Row: TypeAlias = list[fmpq]


@final
@dataclass(frozen=True, eq=False)
class Multipliers:
    """Floats, taken for the numbers that they are.

    Attributes
    ----------
    square
        ρ, of ℓ².
    equal
        λ, for the products that vanish, shape (k,).
    products
        ν ≥ 0, for the products of forms that are nowhere negative, symmetric, shape (m, m).
    """

    square: float
    equal: Vector
    products: Array


@final
@dataclass(frozen=True, eq=False)
class JointForms:
    """Forms in w ∈ R^N: a point and t, the outputs r of its neurons, and their part q in the gradient.

    Attributes
    ----------
    gradient
        C with C w = 2^−exponent · ℓ · ∇f, shape (d, N).
    scale
        ℓ > 0, a row, shape (1, N).
    left, right
        left_i w · right_i w = 0, shape (k, N).
    positive
        Forms that are nowhere negative, shape (m, N).
    exponent
        The power of two taken out of the gradient.
    """

    gradient: fmpq_mat
    scale: fmpq_mat
    left: fmpq_mat
    right: fmpq_mat
    positive: fmpq_mat
    exponent: int

    @property
    def size(self) -> int:
        """N."""
        return int(self.gradient.ncols())

    def matrix(self, found: Multipliers) -> fmpq_mat:
        """Z = ρ ℓᵀℓ − CᵀC − Σ λ_i ½(l_iᵀr_i + r_iᵀl_i) − PᵀνP: if Z ⪰ 0 then L² ≤ 4^exponent ρ."""
        total = rational(found.square) * _square(self.scale) - _square(self.gradient)
        tick()
        product = self.left.transpose() * scale_rows(self.right, [rational(x) / 2 for x in found.equal.tolist()])
        total -= product + product.transpose()
        tick()
        return total - self.positive.transpose() * rational_matrix(found.products) * self.positive


@final
@dataclass(frozen=True, eq=False)
class _Points:
    """The domain's points as x = x₀ t + M ξ: what the first layer makes of (ξ, t), and rows g ξ + h t ≥ 0."""

    first: fmpq_mat
    shift: fmpq_mat
    rows: fmpq_mat
    limits: fmpq_mat


def joint_forms(net: Network, domain: Domain, signs: Signs, size: float) -> JointForms:
    """The forms of a network with one output on a domain.

    Parameters
    ----------
    signs
        +1 and −1 for neurons whose slope is known everywhere, else 0, layer by layer, shape (n,).
    size
        About the constant, > 0: its power of two is taken out.
    """
    points, layers = _reduced(_points(net, domain)), net.rational_layers
    known = np.split(signs, np.cumsum(net.hidden)[:-1])
    d, n = points.first.ncols(), int((signs == 0).sum())
    unit = _units(d + 1 + 2 * n)  # ξ, t, r, q
    one = unit[d]

    # Forward: y = W z + b t, z = α y + (β − α) r with r = max(y, 0).
    inside = [one, *_times(points.rows, unit[:d], points.limits, one)]
    passed: list[Row] = []  # r of every undecided neuron
    missed: list[Row] = []  # r − y
    values = unit[:d]
    for k, layer in enumerate(layers[:-1]):
        tick()
        weight, bias = (layer.weight, column(layer.bias)) if k else (points.first, points.shift)
        rows, values = _times(weight, values, bias, one), []
        for y, (low, high), sign in zip(rows, layer.slopes, known[k].tolist(), strict=True):
            if sign:
                # What counts as known for gradients alone, being constant, is what it is.
                constant = not any(y[:d]) and not any(y[d + 1 :])
                values.append(_scaled(high if (y[d] > 0 if constant else sign > 0) else low, y))
                continue
            r = _scaled(_power(_exponent(y)), unit[d + 1 + len(passed)])
            passed.append(r)
            missed.append(_minus(r, y))
            values.append(_plus(_scaled(low, y), _scaled(high - low, r)))
    scale = _sum(map(_normalised, [*inside[: 1 if domain.bounded else None], *passed, *missed]))

    # Backward: g = Wᵀ v, v = α g + (β − α) q with q = g where y > 0 and else 0; ℓ stands for the 1 at the output.
    left: list[Row] = []
    right: list[Row] = []
    certain: list[Row] = []  # q and g − q where the sign of g is known
    seed, values = True, [scale]
    place = n
    for k in range(len(layers) - 2, -1, -1):
        tick()
        back = layers[k + 1].weight.transpose()
        rows, values = _times(back, values), []
        above = entries(back)
        place -= int((known[k] == 0).sum())
        at = place
        for i, (g, (low, high), sign) in enumerate(zip(rows, layers[k].slopes, known[k].tolist(), strict=True)):
            if sign:
                values.append(_scaled(high if sign > 0 else low, g))
                continue
            q = _scaled(_power(_exponent(g)), unit[d + 1 + n + at])
            rest = _minus(g, q)
            left += [q, passed[at], passed[at], q]
            right += [rest, missed[at], rest, missed[at]]
            values.append(_plus(_scaled(low, g), _scaled(high - low, q)))
            at += 1
            if seed:
                side = fmpq(1 if above[i][0] > 0 else -1)
                certain += [_scaled(side, q), _scaled(side, rest)]
        seed = False
    exponent = _exponent([rational(size)])
    return JointForms(
        fmpq_mat([_scaled(_power(-exponent), g) for g in _times(layers[0].weight.transpose(), values)]),
        fmpq_mat([scale]),
        fmpq_mat([_normalised(row) for row in left]),
        fmpq_mat([_normalised(row) for row in right]),
        fmpq_mat([_normalised(row) for row in [*inside, *passed, *missed, *certain]]),
        exponent,
    )


def _points(net: Network, domain: Domain) -> _Points:
    """Boxes and balls around their centres, in radii; half-spaces as they are."""
    weight, bias = rational_matrix(net.weights[0]), column(net.rational_layers[0].bias)
    d = net.input_dim
    if isinstance(domain, (Box, Ball)):
        if isinstance(domain, Ball):
            center, radii = [rational(c) for c in domain.center.tolist()], [rational(domain.radius)] * d
        else:
            ends = zip(domain.lower.tolist(), domain.upper.tolist(), strict=True)
            limits = [(rational(low), rational(high)) for low, high in ends]
            center, radii = [(low + high) / 2 for low, high in limits], [(high - low) / 2 for low, high in limits]
        first = scale_rows(weight.transpose(), radii).transpose()
        sides, reach = _units(d), [fmpq(1)] * d
        if isinstance(domain, Ball):  # no form is larger on the ball of radius 1 than its norm
            sides += entries(first)
            reach += [rational(norm_up(row)) * radii[0] for row in net.weights[0]]
        both = [*sides, *(_scaled(fmpq(-1), row) for row in sides)]
        return _Points(first, weight * column(center) + bias, fmpq_mat(both), column([*reach, *reach]))
    rows = rational_matrix(domain.rows(d))
    listed = entries(rows)
    normals = fmpq_mat([row[:-1] for row in listed]) if listed else fmpq_mat(0, d)
    return _Points(weight, bias, normals, column([row[-1] for row in listed]))


def _reduced(points: _Points) -> _Points:
    """The same values with as few coordinates as columns of the first layer and the domain are independent, each of
    about the size 1."""
    stacked = [*entries(points.first), *entries(points.rows)]
    echelon, rank = fmpq_mat(stacked).rref()
    pivots = [next(j for j, x in enumerate(row) if x) for row in entries(echelon)[:rank]]
    powers = [_power(-_exponent([row[j] for row in stacked])) for j in pivots]

    def chosen(matrix: fmpq_mat) -> fmpq_mat:
        rows = [[row[j] * power for j, power in zip(pivots, powers, strict=True)] for row in entries(matrix)]
        return fmpq_mat(rows) if rows and pivots else fmpq_mat(len(rows), len(pivots))

    return _Points(chosen(points.first), points.shift, chosen(points.rows), points.limits)


# Rows ------------------------------------------------------------------------------------------------


def _units(n: int) -> list[Row]:
    return [[fmpq(int(i == j)) for j in range(n)] for i in range(n)]


def _times(matrix: fmpq_mat, rows: Sequence[Row], shift: fmpq_mat | None = None, one: Row | None = None) -> list[Row]:
    """matrix · rows, plus shift · one."""
    width = len(rows[0]) if rows else len(one or [])
    found = entries(matrix * fmpq_mat(list(rows))) if rows else [[fmpq(0)] * width for _ in range(matrix.nrows())]
    if shift is None or one is None:
        return found
    return [_plus(row, _scaled(b, one)) for row, (b,) in zip(found, entries(shift), strict=True)]


def _scaled(factor: fmpq, row: Row) -> Row:
    return [factor * x if x else x for x in row]


def _plus(a: Row, b: Row) -> Row:
    return [x + y for x, y in zip(a, b, strict=True)]


def _minus(a: Row, b: Row) -> Row:
    return [x - y for x, y in zip(a, b, strict=True)]


def _sum(rows: Iterable[Row]) -> Row:
    return [sum(column_, fmpq(0)) for column_ in zip(*rows, strict=True)]


def _exponent(row: Iterable[fmpq]) -> int:
    """The e with max |entry| between 2^(e−1) and 2^(e+1); 0 for zeros."""
    return max((int(abs(x).p).bit_length() - int(x.q).bit_length() for x in row if x), default=0)


def _square(rows: fmpq_mat) -> fmpq_mat:
    """RᵀR."""
    return rows.transpose() * rows


def _power(exponent: int) -> fmpq:
    """2^exponent."""
    return fmpq(2) ** exponent


def _normalised(row: Row) -> Row:
    return _scaled(_power(-_exponent(row)), row)
