"""Networks from arrays, in memory or in files that hold nothing else: lists, scikit-learn, MATLAB, safetensors."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lipverify.arrays import Array
from lipverify.errors import InvalidArgument, InvalidNetwork, UnsupportedLayer
from lipverify.network import Network
from lipverify.readers.files import read_bytes
from lipverify.readers.limits import budget, require_numbers
from lipverify.readers.matrices import exact, finite
from lipverify.readers.named import chain
from lipverify.readers.options import SILENT, Activation, Reading

_SAFE_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_HEADER = 100_000_000  # bytes


def from_arrays(
    weights: Sequence[npt.ArrayLike],
    biases: Sequence[npt.ArrayLike | None] | None = None,
    *,
    activation: Activation | None = None,
    transposed: bool = False,
) -> Network:
    """The network of some matrices, with a named activation between them.

    Parameters
    ----------
    weights
        K matrices, of shape (out, in), or (in, out) where `transposed` is set.
    biases
        K vectors; None for zeros.
    activation
        What stands between the layers, one name for all or a list of K − 1: "relu", "leaky_relu:0.01", "abs",
        "hardtanh", "relu6", "identity". It has to be said where K > 1.

    Raises
    ------
    InvalidNetwork
        For arrays that do not chain, entries that are no finite reals, or no activation.
    InvalidArgument
        For an activation that is not known.
    """
    if biases is not None and len(biases) != len(weights):
        raise InvalidNetwork(f"there are {len(weights)} weights and {len(biases)} biases; expected as many")
    named: dict[str, Array] = {}
    for k, weight in enumerate(weights):
        named[f"weight_{k}"] = _finite(weight, f"weights[{k}]")
        bias = None if biases is None else biases[k]
        if bias is not None:
            named[f"bias_{k}"] = _finite(bias, f"biases[{k}]")
    if len(weights) > 1 and activation is None:
        raise InvalidNetwork("say what stands between the layers: from_arrays(weights, biases, activation='relu')")
    return chain(named, Reading(activation=activation, transposed=transposed), "arrays")


def from_sklearn(model: Any) -> Network:
    """The network of a fitted MLPRegressor or MLPClassifier of scikit-learn; of a classifier the scores before softmax.

    Raises
    ------
    InvalidNetwork
        For a model that is none of these, or not fitted.
    UnsupportedLayer
        For an activation that is not piecewise linear.
    """
    if not is_sklearn(model):
        raise InvalidNetwork(f"expected scikit-learn's MLPRegressor or MLPClassifier; got {type(model).__qualname__}")
    if not hasattr(model, "coefs_"):
        raise InvalidNetwork(f"the {type(model).__name__} is not fitted: call its fit first")
    if model.activation not in ("relu", "identity"):
        raise UnsupportedLayer(f"its activation {model.activation!r} is not piecewise linear, as relu and identity are")
    named: dict[str, Array] = {}
    for k, (weight, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        named |= {f"weight_{k}": _finite(weight, f"coefs_[{k}]"), f"bias_{k}": _finite(bias, f"intercepts_[{k}]")}
    head = "" if model.out_activation_ == "identity" else f", before its {model.out_activation_}"
    return chain(named, Reading(activation=model.activation, transposed=True), f"a {type(model).__name__}{head}")


def is_sklearn(model: object) -> bool:
    """Whether it is one of scikit-learn's networks, or made from one, found without importing it."""
    names = {f"{kind.__module__.split('.')[0]}.{kind.__name__}" for kind in type(model).__mro__}
    return bool(names & {"sklearn.MLPRegressor", "sklearn.MLPClassifier"})


def load_mat(path: Path, reading: Reading = SILENT) -> Network:
    """The network in a MATLAB file: variables W1, b1, … or cells weights{k}, biases{k}.

    Raises
    ------
    InvalidNetwork
        For a damaged file, one of version 7.3, and what has to be said and was not.
    """
    import scipy.io

    if read_bytes(path, limit=1 << 30)[:10] == b"MATLAB 7.3":
        raise InvalidNetwork(f"{path} is of version 7.3: save it with -v7, as in save('net.mat', '-v7')")
    try:
        for name, shape, _ in scipy.io.whosmat(path):
            require_numbers(shape, f"{path}: {name}")
        content = scipy.io.loadmat(path, squeeze_me=False)
    except Exception as error:  # hostile bytes raise anything
        if isinstance(error, UnsupportedLayer):
            raise
        raise InvalidNetwork(f"{path} is no readable MATLAB file: {error}") from error
    named: dict[str, Array] = {}
    for name, value in content.items():
        if name.startswith("__"):
            continue
        parts = {f"{name}_{k}": v for k, v in enumerate(value.ravel(), 1)} if value.dtype == object else {name: value}
        named |= {key: _finite(part, key) for key, part in parts.items()}
    return _chain(named, reading, path, "MATLAB arrays", torch=False)


def load_safetensors(path: Path, reading: Reading = SILENT) -> Network:
    """The network in a `.safetensors` file of torch's names and shapes.

    Raises
    ------
    InvalidNetwork
        For a damaged file, and what has to be said and was not.
    """
    content = read_bytes(path)
    length = int.from_bytes(content[:8], "little")
    try:
        if len(content) < 8 or length > min(_HEADER, len(content) - 8):
            raise ValueError(f"its header of {length} bytes does not fit {len(content)} bytes")
        header = json.loads(content[8 : 8 + length].decode("utf-8"), object_pairs_hook=_once)
        if not isinstance(header, dict):
            raise ValueError("its header is no object")
        data = content[8 + length :]
        named = {name: _safe(entry, data, name) for name, entry in header.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, InvalidNetwork):
            raise InvalidNetwork(f"{path}: {error}") from error
        raise InvalidNetwork(f"{path} is no safetensors file: {error}") from error
    return _chain(named, reading, path, "safetensors", torch=True)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _safe(entry: Any, data: bytes, name: str) -> Array:
    kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _SAFE_TYPES:
        raise InvalidNetwork(f"{name} has type {kind}; expected one of {', '.join(_SAFE_TYPES)}")
    dtype = np.dtype(_SAFE_TYPES[kind]).newbyteorder("<")
    if not all(type(n) is int and n >= 0 for n in (*shape, start, end)) or end > len(data):
        raise InvalidNetwork(f"{name} lies at {start} … {end} of {len(data)} bytes")
    if math.prod(shape) * dtype.itemsize != end - start:
        raise InvalidNetwork(f"{name} of shape {shape} does not fill {end - start} bytes")
    array = np.frombuffer(data[start:end], dtype=dtype).reshape(shape)
    if kind == "BF16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return _finite(array, name)


def _finite(values: npt.ArrayLike, what: str) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise InvalidNetwork(f"{what} has type {array.dtype}; expected real numbers")
    require_numbers(array.shape, what)
    return finite(exact(array, what), what)


def _chain(named: dict[str, Array], reading: Reading, path: Path, what: str, *, torch: bool) -> Network:
    try:
        with budget():
            return chain(named, reading, f"{path} ({what})", torch=torch)
    except (InvalidNetwork, InvalidArgument, UnsupportedLayer) as error:
        raise type(error)(f"{path}: {error}") from error
