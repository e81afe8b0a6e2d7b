"""The one representation of a network: a frozen chain of affine maps and two-slope neurons."""

from __future__ import annotations

import enum
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
import numpy.typing as npt
from flint import fmpq, fmpq_mat

from lipverify.arrays import Array, Matrix, Point, Vector, frozen, to_fractions
from lipverify.errors import InvalidArgument, InvalidNetwork
from lipverify.rationals import exact_floats, rational, rational_matrix
from lipverify.text import printable

if TYPE_CHECKING:
    import torch

RELU = (0.0, 1.0)
IDENTITY = (1.0, 1.0)


class Lowering(enum.Enum):
    """How the chain relates to the model that it was read from."""

    EXACT = "the network computes exactly the model's function, on real numbers"
    ROUNDED = "some parameters of the model are no float64; results speak of the float64 network read from it"


@dataclass(frozen=True)
class RationalLayer:
    """One affine map and the slopes of the neurons behind it (none after the last), as exact rationals."""

    weight: fmpq_mat
    bias: tuple[fmpq, ...]
    slopes: tuple[tuple[fmpq, fmpq], ...]


@final
@dataclass(frozen=True, eq=False, repr=False)
class Network:
    """f = T_K ∘ ρ ∘ T_{K−1} ∘ … ∘ ρ ∘ T_1 with T_k(x) = W_k x + b_k and two-slope neurons ρ.

    A neuron with slopes (α, β) maps y to αy for y < 0 and to βy for y > 0: relu is (0, 1), leaky relu
    (α, 1), the absolute value (−1, 1), and (1, 1) passes its value on. Every finite float is meant
    as the exact rational it is. Instances are immutable, hashable and compare by value.

    Parameters
    ----------
    weights
        K ≥ 1 matrices, float64, W_k of shape (n_k, n_{k−1}); n_0 inputs, n_K outputs.
    biases
        K vectors of shape (n_k,), or None for zeros; single entries may be None too.
    slopes
        K − 1 arrays of shape (n_k, 2) with the slopes left and right of 0, or None for relu everywhere.
    lowering, source
        Set by the readers: whether the chain is exactly the model, and what it was read from.
        Neither takes part in comparisons.

    Raises
    ------
    InvalidNetwork
        For shapes that do not chain, or entries that are NaN or infinite.
    """

    weights: tuple[Matrix, ...]
    biases: tuple[Vector, ...]
    slopes: tuple[Array, ...]
    lowering: Lowering
    source: str

    def __init__(
        self,
        weights: Sequence[npt.ArrayLike],
        biases: Sequence[npt.ArrayLike | None] | None = None,
        slopes: Sequence[npt.ArrayLike | None] | None = None,
        *,
        lowering: Lowering = Lowering.EXACT,
        source: str = "",
    ) -> None:
        if len(weights) == 0:
            raise InvalidNetwork("a network needs at least one weight matrix; got none")
        matrices = tuple(_array(w, f"weights[{k}]", 2) for k, w in enumerate(weights))
        for k, (first, second) in enumerate(pairwise(matrices)):
            if second.shape[1] != first.shape[0]:
                raise InvalidNetwork(
                    f"weights[{k + 1}] has shape {second.shape}, but weights[{k}] of shape {first.shape} "
                    f"feeds it {first.shape[0]} values; expected {first.shape[0]} columns"
                )
        widths = [w.shape[0] for w in matrices]
        vectors = _per_layer(biases, widths, "biases", lambda n: np.zeros(n), 1)
        pairs = _per_layer(slopes, widths[:-1], "slopes", lambda n: np.tile(RELU, (n, 1)), 2)
        set_ = object.__setattr__
        set_(self, "weights", matrices)
        set_(self, "biases", vectors)
        set_(self, "slopes", pairs)
        set_(self, "lowering", Lowering(lowering))
        set_(self, "source", printable(str(source)))

    @property
    def input_dim(self) -> int:
        """n_0, the number of inputs."""
        return self.weights[0].shape[1]

    @property
    def output_dim(self) -> int:
        """n_K, the number of outputs."""
        return self.weights[-1].shape[0]

    @property
    def hidden(self) -> tuple[int, ...]:
        """The widths n_1 … n_{K−1} of the hidden layers; empty for an affine map."""
        return tuple(w.shape[0] for w in self.weights[:-1])

    @property
    def neurons(self) -> int:
        """The number of hidden neurons."""
        return sum(self.hidden)

    @property
    def is_scalar(self) -> bool:
        """Whether the network has one output."""
        return self.output_dim == 1

    @cached_property
    def rational_layers(self) -> tuple[RationalLayer, ...]:
        """The layers over the rationals, as python-flint matrices."""
        none = np.zeros((0, 2))
        return tuple(
            RationalLayer(
                rational_matrix(w),
                tuple(rational(x) for x in b.tolist()),
                tuple((rational(lo), rational(hi)) for lo, hi in s.tolist()),
            )
            for w, b, s in zip(self.weights, self.biases, (*self.slopes, none), strict=True)
        )

    def fractions(self) -> tuple[tuple[tuple[Point, ...], ...], tuple[Point, ...], tuple[tuple[Point, ...], ...]]:
        """Weights, biases and slopes as nested tuples of `fractions.Fraction`, shapes as given."""
        return (
            tuple(tuple(to_fractions(row) for row in w) for w in self.weights),
            tuple(to_fractions(b) for b in self.biases),
            tuple(tuple(to_fractions(pair) for pair in s) for s in self.slopes),
        )

    @cached_property
    def digest(self) -> str:
        """A SHA-256 over shapes and values: equal networks have equal digests, on every machine."""
        h = hashlib.sha256()
        for group in (self.weights, self.biases, self.slopes):
            for array in group:
                h.update(repr(array.shape).encode())
                h.update((array + 0.0).astype("<f8").tobytes())  # + 0.0: −0 and 0 are the same number
        return h.hexdigest()

    def output(self, C: npt.ArrayLike) -> Network:
        """The network C·f: one output, a margin f_i − f_j, or any linear read-out.

        Parameters
        ----------
        C
            An output's index, a vector of shape (n_K,), or a matrix of shape (k, n_K).

        Returns
        -------
        Network
            Exactly C·f. Where float64 holds C·W_K and C·b_K the last layer is replaced; where it does
            not, C becomes a layer of its own behind identity neurons.
        """
        read_out = self._read_out(C)
        weight, bias = rational_matrix(self.weights[-1]), rational_matrix(self.biases[-1][:, None])
        exact = rational_matrix(read_out)
        fused, shift = exact_floats(exact * weight), exact_floats(exact * bias)
        origin = {"lowering": self.lowering, "source": self.source}
        if fused is not None and shift is not None:
            return Network([*self.weights[:-1], fused], [*self.biases[:-1], np.ravel(shift)], self.slopes, **origin)
        linear = np.tile(IDENTITY, (self.output_dim, 1))
        return Network([*self.weights, read_out], [*self.biases, None], [*self.slopes, linear], **origin)

    def margin(self, i: int, j: int) -> Network:
        """The network f_i − f_j: its Lipschitz constant says how fast class j can overtake class i.

        Raises
        ------
        InvalidArgument
            For outputs that are not there, or twice the same.
        """
        first, second = self._read_out(i), self._read_out(j)
        if i == j:
            raise InvalidArgument(f"a margin is between two outputs; got {i} twice")
        return self.output(first - second)

    def _read_out(self, C: npt.ArrayLike) -> Matrix:
        n = self.output_dim
        if isinstance(C, (int, np.integer)) and not isinstance(C, bool):
            if not 0 <= C < n:
                raise InvalidArgument(f"output index {C} is out of range: the network has outputs 0 … {n - 1}")
            return np.eye(n)[[int(C)]]
        matrix = np.atleast_2d(np.asarray(C, dtype=np.float64))
        if matrix.ndim != 2 or matrix.shape[1] != n or not matrix.shape[0] or not np.isfinite(matrix).all():
            raise InvalidArgument(
                f"C must be finite, of shape ({n},) or (k, {n}), or an output's index; got shape {np.shape(C)}"
            )
        return matrix

    def __call__(self, x: npt.ArrayLike) -> Array:
        """f(x) in floats; x of shape (..., n_0) gives (..., n_K)."""
        from lipverify.evaluate import forward

        return forward(self, x)

    def to_torch(self, dtype: torch.dtype | None = None) -> torch.nn.Sequential:
        """The same chain as a `torch.nn.Sequential` in eval mode (float64 unless dtype says otherwise)."""
        from lipverify.readers.torch import to_torch

        return to_torch(self, dtype)

    def save(self, path: str | Path) -> None:
        """Write the network to a `.npz` or `.json` file that `lipverify.load` reads back bit for bit."""
        from lipverify.readers.native import save

        save(self, Path(path))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data, the content of the `.json` file that `save` writes: floats in hexadecimal."""
        from lipverify.readers.native import network_record

        return network_record(self)

    @staticmethod
    def from_dict(data: Any) -> Network:
        """The network that `to_dict` wrote down, bit for bit.

        Raises
        ------
        InvalidNetwork
            For anything else.
        """
        from lipverify.readers.native import network_of_record

        return network_of_record(data, "the record")

    def to_frame(self) -> Any:
        """The layers as a pandas DataFrame.

        Raises
        ------
        LipverifyError
            Where pandas is not installed.
        """
        from lipverify.frames import frame

        kinds = [*(_kind([slopes]) for slopes in self.slopes), ""]
        layers = enumerate(zip(self.weights, kinds, strict=True), 1)
        return frame(
            {"layer": k, "inputs": w.shape[1], "outputs": w.shape[0], "neurons": kind} for k, (w, kind) in layers
        )

    def _repr_html_(self) -> str:
        """The layers' widths as bars."""
        from lipverify.html import layers_html

        return layers_html(repr(self), (self.input_dim, *self.hidden, self.output_dim))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        mine = (*self.weights, *self.biases, *self.slopes)
        theirs = (*other.weights, *other.biases, *other.slopes)
        return len(mine) == len(theirs) and all(map(np.array_equal, mine, theirs))

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        shape = " → ".join(str(n) for n in (self.input_dim, *self.hidden, self.output_dim))
        kind = _kind(self.slopes) if self.slopes else "affine"
        origin = f", read from {self.source}" if self.source else ""
        rounded = ", rounded" if self.lowering is Lowering.ROUNDED else ""
        return f"<Network {shape}, {kind}{rounded}{origin}>"

    def __str__(self) -> str:
        from lipverify.tables import as_shown

        return as_shown(repr(self))

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self.weights, self.biases, self.slopes, self.lowering, self.source)
        return _rebuild, state


def _kind(slopes: Sequence[Array]) -> str:
    return "relu" if all(bool((s == RELU).all()) for s in slopes) else "two-slope"


def _rebuild(
    weights: tuple[Matrix, ...],
    biases: tuple[Vector, ...],
    slopes: tuple[Array, ...],
    lowering: Lowering,
    source: str,
) -> Network:
    return Network(weights, biases, slopes, lowering=lowering, source=source)


def _per_layer(given: Any, widths: list[int], name: str, default: Any, ndim: int) -> tuple[Array, ...]:
    """One checked array per width, defaults filled in."""
    items = [None] * len(widths) if given is None else list(given)
    if len(items) != len(widths):
        raise InvalidNetwork(f"{name} has {len(items)} entries; expected {len(widths)}, one per layer")
    arrays: list[Array] = []
    for k, (item, n) in enumerate(zip(items, widths, strict=True)):
        array = frozen(default(n)) if item is None else _array(item, f"{name}[{k}]", ndim)
        shape = (n,) if ndim == 1 else (n, 2)
        if array.shape != shape:
            raise InvalidNetwork(f"{name}[{k}] has shape {array.shape}; expected {shape}")
        arrays.append(array)
    return tuple(arrays)


def _array(values: npt.ArrayLike, name: str, ndim: int) -> Array:
    """A frozen float64 array of `ndim` axes, none empty, all entries finite and exactly representable."""
    if hasattr(values, "detach"):
        raise InvalidNetwork(f"{name} is a torch tensor; use lipverify.from_torch, or pass .detach().numpy()")
    try:
        raw = np.asarray(values)
        if raw.dtype == object:
            raw = np.asarray([_float(v, name) for v in raw.ravel().tolist()]).reshape(raw.shape)
        if raw.dtype.kind not in "fiub":
            raise TypeError(f"dtype {raw.dtype}")
        array = frozen(raw)
    except (TypeError, ValueError) as error:
        raise InvalidNetwork(f"{name} is not an array of real numbers: {error}") from error
    if raw.dtype.kind in "iu" and not np.array_equal(array.astype(object), raw.astype(object)):
        raise InvalidNetwork(f"{name} holds integers beyond 2**53 that float64 cannot represent")
    if array.ndim != ndim or 0 in array.shape:
        raise InvalidNetwork(f"{name} has shape {array.shape}; expected {ndim} non-empty axes")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        where = tuple(int(i) for i in bad[0])
        raise InvalidNetwork(f"{name}[{', '.join(map(str, where))}] is {array[where]}; weights must be finite")
    return array


def _float(value: Any, name: str) -> float:
    """A number from an object array, refused unless float64 holds it exactly."""
    if isinstance(value, (int, Fraction)):
        try:
            nearest = float(value)
        except OverflowError:
            nearest = math.inf
        if not math.isfinite(nearest) or Fraction(nearest) != value:
            raise InvalidNetwork(f"{name} holds {value}, which is no float64; round it yourself, so that it is seen")
        return nearest
    return float(value)
