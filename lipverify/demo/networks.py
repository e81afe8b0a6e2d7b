"""Networks with two inputs as the second tab's page sends them: typed tables, examples, random ones, files."""

from __future__ import annotations

import base64
import binascii
import decimal
import io
import math
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeGuard

import lipverify as lv
from lipverify.demo.examples import EXAMPLES, dyadic

LAYERS, NEURONS, OUTPUTS = 3, 12, 3
LEAST, MOST = 1e-9, 1e9
"""The range of what is not zero: beyond it the pictures' own arithmetic would need care."""
FILE = 1 << 20  # bytes of a file, and sixteen times as many when it unfolds
SUFFIXES = (".json", ".npz", ".onnx", ".pt", ".pth")
RELU = (0.0, 1.0)
_NUMBER = re.compile(r"[-+]?(\d{1,20}(\.\d{0,20})?|\.\d{1,20})(e[-+]?\d{1,3}|/\d{1,20})?", re.ASCII)


@dataclass(frozen=True)
class Given:
    """A network, and what the page says about where it came from."""

    network: lv.Network
    rounded: Mapping[str, str] = field(default_factory=dict)
    """Cells that hold no float64, as "w0.1.2" (layer, row, place; s for slopes): the float that is meant instead."""


def number(text: object) -> tuple[float, bool]:
    """The float64 nearest to a decimal or a fraction that someone typed, and whether it is just that number.

    Raises
    ------
    InvalidArgument
        For anything else, and for numbers that are neither 0 nor of a size that the page can draw.
    """
    written = str(text).strip().replace("−", "-")  # a typographer's minus
    if not _NUMBER.fullmatch(written):
        raise lv.InvalidArgument(f"“{written[:30]}” is no number; write 2, -0.5 or 1/3")
    try:
        value = Fraction(written)
    except ZeroDivisionError:
        raise lv.InvalidArgument(f"“{written[:30]}” divides by zero") from None
    nearest = float(value) if abs(value) < 2 * MOST else math.inf
    if value and not LEAST <= abs(nearest) <= MOST:
        raise lv.InvalidArgument(f"“{written[:30]}” is too {'large' if abs(value) > 1 else 'small'}: {_RANGE}")
    return nearest, Fraction(nearest) == value


_RANGE = "the page takes 0 and sizes from 10^-9 to 10^9 (the library has no such limit)"


def read(request: Mapping[str, Any]) -> Given:
    """The network in a request: {"layers": …, "slopes": …}, {"example": …}, {"random": …} or {"file": …}.

    Raises
    ------
    InvalidArgument
        For a request that holds none, and for networks that the page is too small for.
    LipverifyError
        Whatever the readers say about a file.
    """
    if "example" in request:
        example = EXAMPLES.get(str(request["example"]))
        if example is None:
            raise lv.InvalidArgument(f"there is no example “{str(request['example'])[:40]}”")
        return Given(example.network())
    if "random" in request:
        return Given(_random(request["random"]))
    given = _file(request["file"]) if "file" in request else _table(request)
    limited(given.network)
    return given


def limited(net: lv.Network) -> None:
    """Raise InvalidArgument for networks that the page is too small for."""
    if net.input_dim != 2:
        raise lv.InvalidArgument(
            f"This network has {_count(net.input_dim, 'input')}. The page draws the plane, so it takes networks "
            "with 2; the library takes any number."
        )
    if len(net.hidden) > LAYERS or max((*net.hidden, 1)) > NEURONS or net.output_dim > OUTPUTS:
        shape = " → ".join(str(n) for n in (net.input_dim, *net.hidden, net.output_dim))
        raise lv.InvalidArgument(
            f"This network is {shape}. The page draws up to {LAYERS} hidden layers of up to {NEURONS} neurons, "
            f"and up to {OUTPUTS} outputs; the library has no such limit."
        )
    for group in (net.weights, net.biases, net.slopes):
        for x in (abs(v) for array in group for v in array.ravel().tolist()):
            if x and not LEAST <= x <= MOST:
                raise lv.InvalidArgument(f"The network holds the number {x:g}: {_RANGE}.")


# Tables ------------------------------------------------------------------------------------------


def table(net: lv.Network) -> dict[str, Any]:
    """The network as the page's tables hold it: per layer rows of weights with the bias last, and slopes."""
    return {
        "layers": [
            [[shortest(x) for x in (*row, shift)] for row, shift in zip(w.tolist(), b.tolist(), strict=True)]
            for w, b in zip(net.weights, net.biases, strict=True)
        ],
        "slopes": [[[shortest(x) for x in pair] for pair in s.tolist()] for s in net.slopes],
    }


def shortest(x: float) -> str:
    """The shortest decimal that `number` reads as this very float."""
    return repr(x + 0.0).removesuffix(".0")


def decimals(x: float) -> str:
    """A float's decimals, all of them if there are few."""
    text = format(decimal.Decimal(x), "f")
    return text if len(text) <= 26 else f"{text[:24]}…"


def _table(request: Mapping[str, Any]) -> Given:
    layers = _tables(request.get("layers"), "the request holds no network")
    if not 1 <= len(layers) <= LAYERS + 1:
        raise lv.InvalidArgument(
            f"this network has {len(layers)} layers; expected 1 … {LAYERS + 1}, the output's included"
        )
    slopes = [[RELU] * len(layer) for layer in layers[:-1]]
    if request.get("slopes") is not None:
        widths = [len(pairs) for pairs in slopes]
        slopes = _tables(request["slopes"], "the slopes are no tables")
        if [len(pairs) for pairs in slopes] != widths:
            raise lv.InvalidArgument("the slopes do not fit the layers")
    names = [f"Hidden layer {k + 1}" for k in range(len(layers) - 1)]
    rounded: dict[str, str] = {}
    weights, biases, width = [], [], 2
    for k, (name, layer) in enumerate(zip([*names, "The output layer"], layers, strict=True)):
        most = NEURONS if k < len(names) else OUTPUTS
        if not 1 <= len(layer) <= most:
            raise lv.InvalidArgument(f"{name} has {_count(len(layer), 'row')}; expected 1 … {most}")
        rows = [_row(cells, width + 1, f"{name}, row {i + 1}", f"w{k}.{i}", rounded) for i, cells in enumerate(layer)]
        weights.append([cells[:-1] for cells in rows])
        biases.append([cells[-1] for cells in rows])
        width = len(layer)
    pairs = [
        [_row(pair, 2, f"{name}, slopes of row {i + 1}", f"s{k}.{i}", rounded) for i, pair in enumerate(layer)]
        for k, (name, layer) in enumerate(zip(names, slopes, strict=True))
    ]
    return Given(lv.Network(weights, biases, pairs), rounded)


def _row(cells: Sequence[Any], width: int, where: str, key: str, rounded: dict[str, str]) -> list[float]:
    """The numbers of a row; those that are only the nearest floats go into `rounded`, under the key of their cell."""
    if len(cells) != width:
        raise lv.InvalidArgument(f"{where} holds {_count(len(cells), 'number')}; expected {width}")
    found = []
    for j, cell in enumerate(cells):
        try:
            value, exact = number(cell)
        except lv.InvalidArgument as error:
            raise lv.InvalidArgument(f"{where}: {error}") from error
        if not exact:
            rounded[f"{key}.{j}"] = decimals(value)
        found.append(value)
    return found


def _tables(value: Any, complaint: str) -> list[list[Sequence[Any]]]:
    """A list of lists of rows."""
    if not (_listed(value) and all(map(_listed, value)) and all(_listed(row) for rows in value for row in rows)):
        raise lv.InvalidArgument(complaint)
    return [list(rows) for rows in value]


def _listed(value: Any) -> TypeGuard[Sequence[Any]]:
    return isinstance(value, (list, tuple))


def _mapped(value: Any) -> bool:
    return isinstance(value, Mapping)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _random(given: Any) -> lv.Network:
    hidden, outputs, seed = (given.get(k) if _mapped(given) else None for k in ("hidden", "outputs", "seed"))
    wanted = [*hidden, outputs] if _listed(hidden) else []
    sizes = [n for n in wanted if type(n) is int and 1 <= n <= NEURONS]
    if not 1 <= len(wanted) <= LAYERS + 1 or sizes != wanted or sizes[-1] > OUTPUTS:
        raise lv.InvalidArgument(
            f"a random network needs up to {LAYERS} hidden layers of 1 … {NEURONS} neurons and 1 … {OUTPUTS} outputs"
        )
    if type(seed) is not int or not 0 <= seed < 10**9:
        raise lv.InvalidArgument("the seed must be a whole number from 0 to 999999999")
    return lv.Network(*dyadic(sizes, seed))


# Files -------------------------------------------------------------------------------------------


def as_file(net: lv.Network) -> str:
    """The text of a .json file that `lipverify.load` reads back bit for bit."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.json"
        net.save(path)
        return path.read_text(encoding="utf-8")


def _file(given: Any) -> Given:
    name, data = (str(given.get(key, "")) for key in ("name", "data")) if _mapped(given) else ("", "")
    shown = name if len(name) <= 60 else f"{name[:59]}…"
    suffix = next((s for s in SUFFIXES if name.lower().endswith(s)), None)
    if suffix is None:
        raise lv.InvalidArgument(f"{shown or 'The file'}: expected a name that ends in {', '.join(SUFFIXES)}")
    if len(data) > 4 * FILE // 3 + 4:
        raise lv.InvalidArgument(f"{shown} is too large: the page reads up to 1 MiB; the library has no such limit")
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise lv.InvalidArgument(f"{shown} arrived damaged: {error}") from error
    _refuse_bomb(content, shown)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"network{suffix}"  # nothing of the visitor's name but its ending
        path.write_bytes(content)
        activation = given.get("activation") if suffix in (".pt", ".pth", ".npz") else None
        try:
            return Given(lv.load(path, activation=str(activation) if activation is not None else None))
        except lv.LipverifyError as error:
            raise lv.InvalidArgument(str(error).replace(str(path), shown)[:400]) from error


def _refuse_bomb(content: bytes, shown: str) -> None:
    """A zip archive (.npz, .pt) says how large it unfolds; whoever unfolds it holds it to that."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return  # no archive; its reader will have a word on it
    if size > 16 * FILE:
        raise lv.InvalidArgument(f"{shown} unfolds into {size} bytes; the page stops at {16 * FILE}")
