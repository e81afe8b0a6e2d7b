"""Two affine maps in a row become one where float64 holds the exact result, and stay two where not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lipverify.arrays import Array, Matrix, Vector
from lipverify.errors import InvalidNetwork
from lipverify.rationals import exact_floats, rational_matrix
from lipverify.readers.steps import Affine, Step, Steps

_PROBES = 16


def merge_affine(steps: Steps) -> Steps:
    """Neighbouring affine maps fused from the left; a map that is already rounded is fused in floats."""
    done: list[Step] = []
    for step in steps:
        last = done[-1] if done else None
        fused = fuse(last, step) if isinstance(last, Affine) and isinstance(step, Affine) else None
        if fused is None:
            done.append(step)
        else:
            done[-1] = fused
    return tuple(done)


def fuse(first: Affine, second: Affine) -> Affine | None:
    """second ∘ first as one map, or None when that would be a new rounding.

    Raises
    ------
    InvalidNetwork
        When the widths do not match.
    """
    if second.weight.shape[1] != first.width:
        raise InvalidNetwork(
            f"a layer takes {second.weight.shape[1]} values, but the one before it gives {first.width}"
        )
    if first.rounded or second.rounded:
        return _fuse_rounded(first, second)
    bias = _exact_bias(first.bias, second)
    weight = None if bias is None else exact_product(second.weight, first.weight)
    return None if weight is None or bias is None else Affine(weight, bias)


def _fuse_rounded(first: Affine, second: Affine) -> Affine | None:
    with np.errstate(over="ignore", invalid="ignore"):
        weight = second.weight @ first.weight
        bias = second.weight @ first.bias + second.bias
    held = np.isfinite(weight).all() and np.isfinite(bias).all()
    return Affine(weight, bias, rounded=True) if held else None


def exact_product(a: Matrix, b: Matrix) -> Matrix | None:
    """a·b when every entry is a float64 exactly, else None."""
    if _is_identity(a):
        return b
    if _is_identity(b):
        return a
    if (copied := _copies(a, b)) is not None:
        return copied
    # Nearly every product of trained weights fails at its first entries; whole ones are dear.
    for k in range(_PROBES):
        if _exact_dot(a[k % len(a)], b[:, k % b.shape[1]]) is None:
            return None
    floats = exact_floats(rational_matrix(a) * rational_matrix(b))
    return None if floats is None else np.array(floats)


def _copies(a: Matrix, b: Matrix) -> Matrix | None:
    """a·b where each of its entries is ± one entry of a factor: floats then hold it, whatever the entries are."""
    if not (np.isin(a, (-1.0, 0.0, 1.0)).all() or np.isin(b, (-1.0, 0.0, 1.0)).all()):
        return None
    terms = (a != 0).astype(np.float64) @ (b != 0).astype(np.float64)
    return a @ b if terms.max() <= 1 else None


def _exact_bias(inner: Vector, second: Affine) -> Vector | None:
    """second.weight·inner + second.bias when float64 holds it exactly, else None."""
    if not inner.any():
        return second.bias
    entries: list[float] = []
    for row, shift in zip(second.weight, second.bias.tolist(), strict=True):
        value = _exact_dot(row, inner, shift)
        if value is None:
            return None
        entries.append(value)
    return np.array(entries)


def _exact_dot(row: Array, column: Array, shift: float = 0.0) -> float | None:
    """row·column + shift when it is a float64 exactly, else None."""
    met = np.flatnonzero((row != 0) & (column != 0))
    pairs = zip(row[met].tolist(), column[met].tolist(), strict=True)
    total = sum((Fraction(x) * Fraction(y) for x, y in pairs), Fraction(shift))
    try:
        nearest = float(total)
    except OverflowError:
        return None
    return nearest if Fraction(nearest) == total else None


def _is_identity(a: Matrix) -> bool:
    return bool(a.shape[0] == a.shape[1]) and np.array_equal(a, np.eye(len(a)))
