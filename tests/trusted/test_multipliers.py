"""Bounds from multipliers are bounds where rounding says otherwise, and each charge is needed for that."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lipverify.trusted import multipliers
from lipverify.trusted.multipliers import Sides, weak_duality

E = 0.99 * 2.0**-53
Y = 1 + 2.0**-52  # 3 Y is rounded upward

# costs, A, X, multipliers: where X is all there is, rows are at their upper sides, and so the bound is costs·X
TIGHT: dict[str, tuple[Any, Any, Any, Any]] = {
    "cancellation": ([3 * Y, Y], [[3.0, 1.0]], [1.0, -3.0], [Y]),
    "magnified underflow": ([0.0], [[2.0**-600]], [-(2.0**700)], [2.0**-600]),
    "many terms": ([1.0, *[E] * 119], np.zeros((0, 120)), [1.0] * 120, []),
    "underflow": ([2.0**-500] * 8, np.zeros((0, 8)), [0.49 * 2.0**-574] * 8, []),
}
MUTANTS = {
    "cancellation": ("gamma(m + 4) * (np.abs(costs) + np.abs(y) @ absolute) + TINY", "TINY"),
    "magnified underflow": (" + TINY * (m + 1)", ""),
    "many terms": ("gamma(m + n + 8) * float(", "0.0 * float("),
    "underflow": (" + TINY * (m + n)", ""),
}


def short(bound: Callable[..., float], name: str) -> bool:
    """Whether the bound is below what it bounds."""
    costs, A, x, y = (np.array(v, dtype=float) for v in TIGHT[name])
    top = A @ x  # powers of two, or zero: exact
    found = bound(costs, A, np.abs(A), Sides(np.full(len(top), -np.inf), top, x, x), y)
    return Fraction(found) < sum(Fraction(a) * Fraction(b) for a, b in zip(costs.tolist(), x.tolist(), strict=True))


@pytest.mark.parametrize("name", TIGHT)
def test_rounding_leaves_no_bound_short(name: str) -> None:
    assert not short(weak_duality, name)


@pytest.mark.parametrize("name", MUTANTS)
def test_a_charge_of_weak_duality_is_needed(name: str) -> None:
    source, (old, new) = inspect.getsource(weak_duality), MUTANTS[name]
    assert source.count(old) == 1
    names = dict(vars(multipliers))
    exec(source.replace(old, new), names)
    assert short(names["weak_duality"], name)
