"""Names for the arrays that travel through lipverify, and the one way in."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[np.float64]
Matrix: TypeAlias = npt.NDArray[np.float64]
"""Shape (out, in)."""
Vector: TypeAlias = npt.NDArray[np.float64]
"""Shape (n,)."""
Signs: TypeAlias = npt.NDArray[np.int8]
"""One of −1, 0, +1 per entry."""
Bools: TypeAlias = npt.NDArray[np.bool_]
Indices: TypeAlias = npt.NDArray[np.intp]
Pattern: TypeAlias = tuple[tuple[bool, ...], ...]
"""An activation pattern: one tuple per hidden layer, True where the neuron is active."""
Point: TypeAlias = tuple[Fraction, ...]
"""A point with rational coordinates."""


def frozen(values: npt.ArrayLike) -> Array:
    """A read-only float64 copy of values; entries that float64 cannot hold exactly are refused by numpy."""
    array = np.array(values, dtype=np.float64, order="C")
    array.setflags(write=False)
    return array


def to_fractions(values: Iterable[float]) -> Point:
    """Floats as the exact rationals they are."""
    return tuple(Fraction(float(v)) for v in values)
