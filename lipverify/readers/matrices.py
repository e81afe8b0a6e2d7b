"""Arrays that a reader makes: checked to be finite, and never larger than a machine can hold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array, Matrix, frozen
from lipverify.errors import InvalidNetwork
from lipverify.readers.limits import require_numbers


def finite(values: npt.ArrayLike, what: str) -> Array:
    """A frozen float64 array; an empty one, or an entry that is NaN or infinite, is refused.

    Raises
    ------
    InvalidNetwork
        Naming `what` and the entry.
    """
    with np.errstate(invalid="ignore"):  # a signalling NaN, refused below
        array = frozen(values)
    if not array.size:
        raise InvalidNetwork(f"{what} is empty (shape {array.shape})")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        raise InvalidNetwork(f"{what}: entry {list(where)} is {array[where]}; numbers must be finite")
    return array


def exact(values: npt.NDArray[np.generic], what: str) -> Array:
    """An array of any real dtype as float64, entry by entry the same number.

    Raises
    ------
    InvalidNetwork
        For an integer that float64 does not hold.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        array = values.astype(np.float64)
    if values.dtype.kind in "iu" and not np.array_equal(array.astype(object), values.astype(object)):
        raise InvalidNetwork(f"{what} holds integers that are no float64")
    return array


def dense(rows: int, columns: int) -> Matrix:
    """A zero matrix to be filled in.

    Raises
    ------
    UnsupportedLayer
        When it is beyond the readers' limit.
    """
    require_numbers((rows, columns))
    return np.zeros((rows, columns))


def eye(n: int) -> Matrix:
    """The identity matrix, with the same limit as `dense`."""
    require_numbers((n, n))
    return np.eye(n)


def selection(indices: npt.NDArray[np.intp], n: int) -> Matrix:
    """The matrix S, shape (len(indices), n), with (S·x)_i = x_{indices[i]}."""
    matrix = dense(len(indices), n)
    matrix[np.arange(len(indices)), indices] = 1.0
    return matrix
