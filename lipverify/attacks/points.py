"""Random points of a domain's interior, at every scale at which a network's biases matter.

All of this is float work that only proposes: `lipverify.geometry.witness.certify_point` decides in exact
arithmetic whether a point is inside the domain and inside a region.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from flint import fmpq

from lipverify.arrays import Array, Matrix, Point, Vector
from lipverify.domain import Ball, Box, Domain, Polytope
from lipverify.evaluate import preactivations
from lipverify.geometry.frame import ball_points
from lipverify.geometry.sphere import Sphere
from lipverify.network import Network
from lipverify.rationals import dot, fraction, interior_ray, rational
from lipverify.trusted.scaling import exponent_of, shifted

DENOMINATOR = 1024
FARTHEST = 1000.0
"""Of the logarithms of distances: a few times as far is still a float."""


def normalised(net: Network) -> Network:
    """The network with every layer divided by a power of two: same patterns, a multiple of its Jacobian.

    Nothing overflows in it. Exact but for entries that underflow, which proposals can do without.
    """
    weights, biases, slopes = [], [], []
    total = 0
    for k, (w, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        total += _exponent(w)
        weights.append(shifted(w, -_exponent(w)))
        biases.append(np.nan_to_num(shifted(b, -total)))
        if k < len(net.slopes):
            power = _exponent(net.slopes[k])
            total += power
            slopes.append(shifted(net.slopes[k], -power))
    return Network(weights, biases, slopes)


def _exponent(values: Array) -> int:
    return exponent_of(values) - 1 if values.any() else 0


def sample_points(net: Network, domain: Domain, count: int, rng: np.random.Generator) -> Array:
    """Points of the domain, shape (count, d), in floats: almost all of them strictly inside."""
    with np.errstate(all="ignore"):
        if isinstance(domain, Box):
            points = _in_box(domain, count, rng)
        elif isinstance(domain, Ball):
            points = _in_ball(domain, count, rng)
        elif isinstance(domain, Polytope):
            points = _in_polytope(domain, net, count, rng)
        else:
            points = _anywhere(net, count, rng)
    return points[np.isfinite(points).all(axis=1)]


def directions(count: int, dimension: int, rng: np.random.Generator) -> Array:
    """Random directions: half of them spherical, half of them with few large coordinates."""
    drawn = rng.standard_normal((count, dimension))
    drawn[::2] *= np.exp2(rng.uniform(-6.0, 0.0, (len(drawn[::2]), dimension)))
    return drawn / np.maximum(np.abs(drawn).max(axis=1, keepdims=True), 1e-300)


def scales(net: Network, rng: np.random.Generator) -> tuple[float, float]:
    """Base-2 logarithms of the least and greatest distance from the origin at which some bias matters.

    Along a ray, a pre-activation is its bias part, seen at the origin, plus its linear part, seen far out:
    their quotient is where the two are on a par.
    """
    linear = Network(net.weights, None, net.slopes)
    far = preactivations(linear, directions(64, net.input_dim, rng))
    near = preactivations(net, np.zeros(net.input_dim))
    logs: list[Array] = []
    for bias, slope in zip(near, far, strict=True):
        steep = np.median(np.abs(slope), axis=0)
        both = (bias != 0) & (steep > 0) & np.isfinite(bias)
        logs.append(np.log2(np.abs(bias[both])) - np.log2(steep[both]))
    found = np.clip(np.concatenate([*logs, np.zeros(0)]), -FARTHEST, FARTHEST)
    return (float(found.min()), float(found.max())) if len(found) else (0.0, 0.0)


def _anywhere(net: Network, count: int, rng: np.random.Generator) -> Array:
    low, high = scales(net, rng)
    radius = np.exp2(rng.uniform(low - 3.0, high + 5.0, (count, 1)))
    return directions(count, net.input_dim, rng) * radius


def _in_box(box: Box, count: int, rng: np.random.Generator) -> Array:
    """Half uniform, half drawn towards the point of the box that is nearest to the origin."""
    share = rng.uniform(0.0, 1.0, (count, box.dimension))
    points = box.lower * (1 - share) + box.upper * share
    middle = box.lower / 2 + box.upper / 2
    nearest = np.clip(0.0, box.lower, box.upper)
    nearest = nearest + (middle - nearest) * 2.0**-20
    near = points[::2]
    near += (nearest - near) * (1 - np.exp2(rng.uniform(-20.0, 0.0, (len(near), 1))))
    return np.clip(points, np.nextafter(box.lower, np.inf), np.nextafter(box.upper, -np.inf))


def _in_ball(ball: Ball, count: int, rng: np.random.Generator) -> Array:
    """Half uniform, half near the sphere, where there is most to see in many dimensions."""
    points = ball_points(ball, count, rng)
    outer = points[::2]
    along = outer - ball.center
    length = np.linalg.norm(along, axis=1, keepdims=True)
    share = 1 - np.exp2(rng.uniform(-10.0, 0.0, (len(outer), 1)))
    outer[:] = ball.center + along / np.where(length > 0, length, 1.0) * ball.radius * 0.999 * share
    return points


def _in_polytope(domain: Polytope, net: Network, count: int, rng: np.random.Generator) -> Array:
    """Hit and run from an interior point, many walks side by side; long chords are cut at many scales."""
    centre = next(exact_points(domain, net.input_dim, rng))
    start = np.array([nearest_float(x) for x in centre])
    low, high = scales(net, rng)
    points = np.tile(start, (count, 1))
    top = np.abs(np.column_stack([domain.A, domain.b])).max(axis=1)
    rows = domain.A / np.where(top > 0, top, 1.0)[:, None]
    limits = domain.b / np.where(top > 0, top, 1.0)
    for _ in range(3 + 2 * net.input_dim if net.input_dim < 20 else 12):
        along = directions(count, net.input_dim, rng)
        size = np.exp2(rng.uniform(low - 3.0, high + 5.0, count))
        size += np.abs(start).max() * rng.uniform(0.0, 2.0, count)
        points += along * _step(rows, limits - points @ rows.T, along, size, rng)[:, None]
    return points


def _step(rows: Matrix, room: Matrix, directions: Matrix, size: Vector, rng: np.random.Generator) -> Vector:
    """A uniform step on each chord, cut to `size` where it is longer; shape (N,)."""
    speed = directions @ rows.T
    room = np.maximum(room, 0.0)
    forward = np.where(speed > 0, room / speed, np.inf).min(axis=1, initial=np.inf)
    backward = np.where(speed < 0, room / -speed, np.inf).min(axis=1, initial=np.inf)
    forward, backward = np.minimum(forward, size), np.minimum(backward, size)
    share = rng.uniform(0.0, 1.0, len(size))
    return 0.999 * (share * forward - (1 - share) * backward)


def nearest_float(x: Fraction | float) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.copysign(1e300, x)


def exact_points(domain: Domain, dimension: int, rng: np.random.Generator) -> Iterator[Point]:
    """Rational points strictly inside the domain, without end: for domains where floats find none.

    From one point of the cone over the domain, moved in random directions by less than the least room that
    any half-space leaves.
    """
    rows = [[rational(v) for v in row] for row in domain.rows(dimension).tolist()]
    rows.append([fmpq(0)] * dimension + [fmpq(1)])
    ray = interior_ray(rows, dimension + 1)
    if ray is None:
        return
    rows = [row for row in rows if any(row)]
    sphere = Sphere(domain) if isinstance(domain, Ball) else None
    if sphere is not None:
        ray = sphere.middle
    yield _dehomogenised(ray)
    while True:
        steps = rng.integers(-DENOMINATOR, DENOMINATOR, dimension + 1).tolist()
        direction = [fmpq(k, DENOMINATOR) for k in steps]
        speeds = [(row, dot(row, direction)) for row in rows]
        room = min((dot(row, ray) / -v for row, v in speeds if v < 0), default=fmpq(1))
        share = room * fmpq(int(rng.integers(1, DENOMINATOR)), DENOMINATOR)
        moved = tuple(z + share * v for z, v in zip(ray, direction, strict=True))
        while sphere is not None and not sphere.holds_exactly(moved):
            share /= 2
            moved = tuple(z + share * v for z, v in zip(ray, direction, strict=True))
        yield _dehomogenised(moved)


def _dehomogenised(ray: list[fmpq] | tuple[fmpq, ...]) -> Point:
    return tuple(fraction(z / ray[-1]) for z in ray[:-1])
