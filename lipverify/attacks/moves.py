"""Steps of many points at once that stay in the domain. Floats: what is found is a proposal."""

from __future__ import annotations

import numpy as np

from lipverify.arrays import Array
from lipverify.domain import Ball, Box, Domain, Polytope

INSIDE = 0.999  # of the way to a facet


def reach(domain: Domain, points: Array) -> Array:
    """What a step of size 1 is in every coordinate, shape (N, d): a box's or ball's width, else the distance from 0."""
    if isinstance(domain, Box):
        return np.broadcast_to(domain.upper / 2 - domain.lower / 2, points.shape) * 2
    if isinstance(domain, Ball):
        return np.broadcast_to(np.asarray(2 * domain.radius), points.shape)
    far = np.abs(points).max(axis=1, keepdims=True)
    return np.broadcast_to(np.where(far > 0, far, 1.0), points.shape)


def moved(domain: Domain, points: Array, steps: Array) -> Array:
    """points + steps, shape (N, d): clipped to a box, pulled into a ball, cut short at a polytope's first facet."""
    if isinstance(domain, Box):
        inner = np.nextafter(domain.lower, np.inf), np.nextafter(domain.upper, -np.inf)
        return np.clip(points + steps, *inner)
    if isinstance(domain, Polytope):
        speed = steps @ domain.A.T
        room = np.maximum(domain.b - points @ domain.A.T, 0.0)
        with np.errstate(all="ignore"):
            share = np.where(speed > 0, INSIDE * room / speed, np.inf).min(axis=1, initial=1.0)
        return points + share[:, None] * steps
    if isinstance(domain, Ball):
        offsets = points + steps - domain.center
        length = np.linalg.norm(offsets, axis=1, keepdims=True)
        with np.errstate(all="ignore"):
            return domain.center + np.where(length < domain.radius, 1.0, INSIDE * domain.radius / length) * offsets
    return points + steps
