"""lipverify's own files, `.npz` and `.json`: networks written and read back bit for bit.

Both hold K weight matrices, K biases, K − 1 arrays of slopes, the name of a `Lowering` and a source.

`.npz`: a zip of numpy arrays, never pickled. `format` is the string "lipverify-network-1"; `lowering`
and `source` are strings; `weight_0` … `weight_{K−1}`, `bias_0` … `bias_{K−1}` and
`slopes_0` … `slopes_{K−2}` are float64 arrays of the shapes that `Network` documents.

`.json`: one object,

    {"format": "lipverify-network", "version": 1, "lowering": "EXACT", "source": "",
     "weights": [[["0x1.8000000000000p+0", …], …], …], "biases": [["-0x0.0p+0", …], …],
     "slopes": [[["0x0.0p+0", "0x1.0000000000000p+0"], …], …]}

in which every number is a string as `float.hex` writes it: decimals would round. Other keys are refused.
"""

from __future__ import annotations

import json
import math
import tokenize
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lipverify.arrays import Array
from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError, UnsupportedLayer
from lipverify.network import Lowering, Network
from lipverify.readers.files import read_bytes
from lipverify.readers.limits import require_unpacked
from lipverify.readers.matrices import exact, finite
from lipverify.readers.named import chain
from lipverify.readers.options import SILENT, Reading
from lipverify.writing import write_whole

_NPZ_FORMAT = "lipverify-network-1"
_JSON_FORMAT = "lipverify-network"
_JSON_VERSION = 1
_JSON_KEYS = ("format", "version", "lowering", "source", "weights", "biases", "slopes")

Nested: TypeAlias = "str | list[Nested]"


def save(net: Network, path: Path) -> None:
    """Write a network to a `.npz` or `.json` file.

    Raises
    ------
    InvalidArgument
        For another suffix, or a path that cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".npz", ".json"):
        raise InvalidArgument(f"cannot save to {path}: expected a name that ends in .npz or .json")
    content = _npz_bytes(net) if suffix == ".npz" else _json_text(net).encode()
    try:
        write_whole(path, content)
    except OSError as error:
        raise InvalidArgument(f"cannot write {path}: {error}") from error


def load_npz(path: Path, reading: Reading = SILENT) -> Network:
    """The network in a `.npz` file, ours or anybody's named weights and biases.

    Raises
    ------
    InvalidNetwork
        For a damaged file, pickled objects, a missing or unknown entry, one of the wrong type, or what has to be said
        of another's file and was not.
    """
    found = _npz_arrays(path)
    if "format" not in found:
        try:
            numbers = {name: value for name, value in found.items() if reading.layers is None or _is_numeric(value)}
            arrays = {name: finite(_numbers_of_any(value, name), name) for name, value in numbers.items()}
            return chain(arrays, reading, f"{path} (named arrays)")
        except (InvalidNetwork, UnsupportedLayer) as error:
            raise type(error)(f"{path}: {error}") from error
    reading.require_only((), "a file that Network.save wrote")
    version = _text(found, "format", path)
    if version != _NPZ_FORMAT:
        raise InvalidNetwork(f"{path}: its format is {version!r}; expected {_NPZ_FORMAT!r}")
    layers = sum(name.startswith("weight_") for name in found)
    groups = {"weight": layers, "bias": layers, "slopes": layers - 1}
    names = {group: [f"{group}_{k}" for k in range(count)] for group, count in groups.items()}
    expected = {"format", "lowering", "source", *(name for group in names.values() for name in group)}
    _require_keys(set(found), expected, path)
    weights, biases, slopes = ([_numbers(found[name], name, path) for name in group] for group in names.values())
    lowering, source = _text(found, "lowering", path), _text(found, "source", path)
    return _network(weights, biases, slopes, lowering, source, path)


def load_json(path: Path) -> Network:
    """The network in a `.json` file.

    Raises
    ------
    InvalidNetwork
        For anything but the object that this module documents.
    """
    try:
        found = json.loads(read_bytes(path).decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise InvalidNetwork(f"{path} is no JSON file: {error}") from error
    if not isinstance(found, dict):
        raise InvalidNetwork(f"{path} holds a JSON {type(found).__name__}; expected an object")
    return network_of_record(found, path)


def network_of_record(found: Any, path: Path | str) -> Network:
    """The network of a JSON object; `path` says where it comes from.

    Raises
    ------
    InvalidNetwork
        For anything but the object that this module documents.
    """
    if not isinstance(found, dict):
        raise InvalidNetwork(f"{path} is a {type(found).__name__}; expected a dict")
    _require_keys(set(found), set(_JSON_KEYS), path)
    if found["format"] != _JSON_FORMAT or found["version"] is True or found["version"] != _JSON_VERSION:
        raise InvalidNetwork(
            f"{path}: its format is {found['format']!r}, version {found['version']!r}; "
            f"expected {_JSON_FORMAT!r}, version {_JSON_VERSION}"
        )
    arrays: list[list[Any]] = []
    for key in ("weights", "biases", "slopes"):
        if not isinstance(found[key], list):
            raise InvalidNetwork(f"{path}: {key} is no list")
        axes = 1 if key == "biases" else 2
        arrays.append([_from_hex(item, f"{key}[{k}]", path, axes) for k, item in enumerate(found[key])])
    weights, biases, slopes = arrays
    return _network(weights, biases, slopes, found["lowering"], found["source"], path)


def _network(
    weights: list[Any], biases: list[Any], slopes: list[Any], lowering: object, source: object, path: Path | str
) -> Network:
    if not isinstance(lowering, str) or lowering not in Lowering.__members__:
        known = ", ".join(Lowering.__members__)
        raise InvalidNetwork(f"{path}: lowering is {lowering!r}; expected one of {known}")
    if not isinstance(source, str) or any("\ud800" <= c <= "\udfff" for c in source):
        raise InvalidNetwork(f"{path}: source is {source!r:.80}; expected a string of characters")
    try:
        return Network(weights, biases, slopes, lowering=Lowering[lowering], source=source)
    except (LipverifyError, ValueError) as error:
        raise InvalidNetwork(f"{path}: {error}") from error


def _require_keys(found: set[Any], expected: set[str], path: Path | str) -> None:
    for key in sorted(expected - found):
        raise InvalidNetwork(f"{path}: the entry {key!r} is missing")
    for key in sorted(map(str, found - expected)):
        raise InvalidNetwork(f"{path}: unknown entry {key!r}")


def _npz_bytes(net: Network) -> bytes:
    arrays: dict[str, Any] = {
        "format": np.array(_NPZ_FORMAT),
        "lowering": np.array(net.lowering.name),
        "source": np.array(net.source),
    }
    groups = {"weight": net.weights, "bias": net.biases, "slopes": net.slopes}
    for name, group in groups.items():
        arrays.update({f"{name}_{k}": array for k, array in enumerate(group)})
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _npz_arrays(path: Path) -> dict[str, Any]:
    content = BytesIO(read_bytes(path))
    try:
        with zipfile.ZipFile(content) as archive:
            entries = archive.infolist()
            require_unpacked([e.file_size for e in entries], [e.filename for e in entries], str(path))
            for entry in entries:
                _require_filled(archive, entry, path)
        content.seek(0)
        with np.load(content, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (
        OSError,
        EOFError,
        ValueError,
        KeyError,
        SyntaxError,
        TypeError,
        MemoryError,
        RecursionError,
        NotImplementedError,
        RuntimeError,  # zipfile's word for encrypted entries
        tokenize.TokenError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        if isinstance(error, InvalidNetwork):
            raise
        raise InvalidNetwork(f"{path} is no readable .npz file: {error}") from error


def _require_filled(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Refuse an array whose header announces more than its entry holds: numpy would make room for it first."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    if math.prod(shape) * dtype.itemsize > entry.file_size:
        raise InvalidNetwork(f"{path}: {entry.filename} announces shape {shape}, but holds {entry.file_size} bytes")


def _text(found: dict[str, Any], name: str, path: Path) -> str:
    value = found.get(name)
    if not isinstance(value, np.ndarray) or value.shape != () or value.dtype.kind != "U":
        raise InvalidNetwork(f"{path}: the entry {name!r} is missing or no string")
    return str(value)


def _numbers(value: Any, name: str, path: Path) -> Array:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or value.dtype.itemsize != 8:
        kind = getattr(value, "dtype", type(value).__name__)
        raise InvalidNetwork(f"{path}: {name} has type {kind}; expected float64")
    return value


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"


def _numbers_of_any(value: Any, name: str) -> Array:
    """The numbers of somebody else's array; integers are floats that need no rounding."""
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu" or value.dtype.itemsize > 8:
        raise InvalidNetwork(
            f"{name} has type {getattr(value, 'dtype', None)}; expected real numbers. layers=[…] names the "
            "weights that are meant, in their order; what is not named is left aside then"
        )
    return exact(value, name)


def network_record(net: Network) -> dict[str, Any]:
    """The JSON object of a network."""
    return {
        "format": _JSON_FORMAT,
        "version": _JSON_VERSION,
        "lowering": net.lowering.name,
        "source": net.source,
        "weights": [_to_hex(w.tolist()) for w in net.weights],
        "biases": [_to_hex(b.tolist()) for b in net.biases],
        "slopes": [_to_hex(s.tolist()) for s in net.slopes],
    }


def _json_text(net: Network) -> str:
    return json.dumps(network_record(net), indent=None, separators=(",", ":")) + "\n"


def _to_hex(values: Any) -> Nested:
    return [_to_hex(v) for v in values] if isinstance(values, list) else float(values).hex()


def _short(value: object) -> str:
    """For messages; lists may be nested too deeply to be shown."""
    return "a list" if isinstance(value, list) else repr(value)[:80]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; a key that stands there twice would hide one of its values."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for k, (key, _) in enumerate(pairs) if key in dict(pairs[:k]))
        raise ValueError(f"the key {twice!r} stands there twice")
    return found


def _from_hex(values: object, name: str, path: Path | str, axes: int) -> Any:
    """Lists of floats, as many deep as there are axes, from lists of strings."""
    if isinstance(values, list) and axes:
        return [_from_hex(v, f"{name}[{k}]", path, axes - 1) for k, v in enumerate(values)]
    try:
        value = float.fromhex(values) if isinstance(values, str) else None
    except (ValueError, OverflowError):
        value = None
    # Only what float.hex writes: anything else, like more digits than fit, could be rounded unseen.
    if value is None or value.hex() != values:
        raise InvalidNetwork(f"{path}: {name} is {_short(values)}; expected a number as float.hex writes it")
    return value
