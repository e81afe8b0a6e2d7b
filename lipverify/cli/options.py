"""The options that the commands share, and how their text is understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter

import lipverify as lv
from lipverify import samples

Model: TypeAlias = Annotated[
    str | None,
    Parameter(help="A network: .onnx, .pt, .nnet, .npz, .json, …; without it, the iris network that comes along."),
]
Norm: TypeAlias = Annotated[
    str, Parameter(name="--p", help="The norm: 1, 2 or inf, or a pair such as 1:inf (input:output).")
]
Jobs: TypeAlias = Annotated[int, Parameter(help="So many processes share the work; the answers are the same.")]
Cluster: TypeAlias = Annotated[
    str | None,
    Parameter(help="Share the work out to a dask scheduler, tcp://HOST:PORT, or one started here, local:WORKERS."),
]
MethodName: TypeAlias = Annotated[str, Parameter(name="--method", help="A name that `lipverify methods` lists.")]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Where to look, how long, and how to answer.

    Attributes
    ----------
    box
        Look only here: LO:HI for every input (--box -1:1), or one for each (--box -1:1,0:2), or a .vnnlib file. Without
        it, the whole space.
    ball
        Look only in this open Euclidean ball: X1,X2,…:RADIUS, or FILE:RADIUS with the centre in a text file.
    time_limit
        Seconds for each method; what is known by then is printed, with exit code 3.
    seed
        The seed of every random choice.
    json
        Print one JSON object, and nothing else, on stdout.
    """

    box: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="Look only here: LO:HI for every input (such as -1:1), or one for each (-1:1,0:2), or a .vnnlib file.",
        ),
    ] = None
    ball: Annotated[
        str | None,
        Parameter(
            allow_leading_hyphen=True,
            help="Look only in this Euclidean ball: X1,X2,…:RADIUS, 0:RADIUS around the origin, or FILE:RADIUS.",
        ),
    ] = None
    time_limit: Annotated[
        float | None,
        Parameter(allow_leading_hyphen=True, help="Seconds for each method; what is known by then is printed."),
    ] = None
    seed: Annotated[int, Parameter(allow_leading_hyphen=True, help="The seed of every random choice.")] = 0
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False


DEFAULTS = Common()


@Parameter(name="*")
@dataclass(frozen=True)
class Many:
    """Many boxes in place of one.

    Attributes
    ----------
    boxes
        A file of them.
    jobs, cluster
        Who shares the work.
    """

    boxes: Annotated[
        Path | None,
        Parameter(
            help="Answer for every box of a file, as CSV: one --box a line, # for remarks, or the boxes of a .vnnlib "
            "file."
        ),
    ] = None
    jobs: Jobs = 1
    cluster: Cluster = None


ONE = Many()


@Parameter(name="*")
@dataclass(frozen=True)
class Reading:
    """What a file leaves open; `lipverify.load` explains it.

    Attributes
    ----------
    activation, layers, transposed, key
        For weights without an architecture.
    input, output
        For a graph with several.
    input_shape
        For a graph whose first axis may be a batch or part of a sample.
    normalisation
        For `.nnet` files.
    """

    activation: Annotated[
        str | None,
        Parameter(
            help="For weights alone: relu, leaky_relu:0.01, abs, hardtanh, relu6, identity, groupsort:2; or a,b,…"
        ),
    ] = None
    layers: Annotated[str | None, Parameter(help="For the same: the layers' names in their order, as in fc1,fc2.")] = (
        None
    )
    transposed: Annotated[bool | None, Parameter(help="For the same: whether matrices are (in, out).")] = None
    key: Annotated[str | None, Parameter(help="For checkpoints: the entry with the weights, as in state_dict.")] = None
    input: Annotated[str | None, Parameter(help="For a graph with several inputs: the place or name of one.")] = None
    output: Annotated[str | None, Parameter(help="For several outputs: the same; or any tensor's name.")] = None
    input_shape: Annotated[
        str | None, Parameter(help="The shape of one sample, as in 1,28,28, where a file leaves it open.")
    ] = None
    normalisation: Annotated[
        bool | None, Parameter(help="For .nnet files: whether their means and ranges belong to the network.")
    ] = None


AS_IT_IS = Reading()


def network(model: str | None, reading: Reading = AS_IT_IS) -> lv.Network:
    """The network in a file, or the embedded one."""
    if model is None:
        return lv.load(samples.path("iris"))
    shape = None if reading.input_shape is None else _shape(reading.input_shape)
    return lv.load(
        model,
        activation=reading.activation,
        layers=None if reading.layers is None else reading.layers.split(","),
        transposed=reading.transposed,
        key=reading.key,
        input=_place(reading.input),
        output=_place(reading.output),
        input_shape=shape,
        normalisation=reading.normalisation,
    )


def _place(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 6 else text


def _shape(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.split(","))
    except ValueError:
        raise lv.InvalidArgument(f"--input-shape {text!r}: expected whole numbers, as in 1,28,28") from None


def domain(box: str | None, net: lv.Network, ball: str | None = None) -> lv.Box | lv.Polytope | lv.Ball | lv.Everywhere:
    """The domain that --box or --ball means."""
    if ball is not None:
        if box is not None:
            raise lv.InvalidArgument(f"there is one domain: --box {box!r} or --ball {ball!r}, not both")
        return _ball(ball, net)
    if box is None:
        return lv.Everywhere()
    file, _, index = box.rpartition(":") if re.search(r"\.vnnlib(\.gz)?:\d{1,9}$", box) else (box, "", "")
    if file.endswith((".vnnlib", ".vnnlib.gz")):
        return lv.load_box(file, int(index) if index else None)
    try:
        limits = [_interval(part) for part in box.split(",")]
    except ValueError:
        raise lv.InvalidArgument(
            f"--box {box!r} is neither LO:HI (two numbers, such as -1:1), nor one such pair per input with commas "
            "between them, nor a .vnnlib file"
        ) from None
    if len(limits) not in (1, net.input_dim):
        raise lv.InvalidArgument(f"--box {box!r} has limits for {len(limits)} inputs; the network has {net.input_dim}")
    low, high = zip(*(limits * net.input_dim if len(limits) == 1 else limits), strict=True)
    return lv.Box(low, high)


def _ball(text: str, net: lv.Network) -> lv.Ball:
    where, _, radius = text.rpartition(":")
    path = Path(where)
    try:
        words = path.read_text(encoding="utf-8").replace(",", " ").split() if path.is_file() else where.split(",")
        center, size = [float(word) for word in words], float(radius)
    except (ValueError, UnicodeDecodeError):
        raise lv.InvalidArgument(
            f"--ball {text!r} is neither X1,X2,…:RADIUS (one X for every input, or one for all, such as 0:0.5) nor "
            "FILE:RADIUS, a text file of these numbers"
        ) from None
    if len(center) not in (1, net.input_dim):
        raise lv.InvalidArgument(f"--ball {text!r} has {len(center)} coordinates; the network has {net.input_dim}")
    return lv.Ball(center * net.input_dim if len(center) == 1 else center, size)


def boxes(path: Path, net: lv.Network) -> list[Any]:
    """The domains in a file: a .vnnlib property's boxes, or one --box a line; a line that is none is its error."""
    if path.name.endswith((".vnnlib", ".vnnlib.gz")):
        return list(lv.load_boxes(path))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise lv.InvalidArgument(f"--boxes {path}: {error}") from error
    found: list[Any] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                found.append(domain(text, net))
            except lv.LipverifyError as error:
                found.append(type(error)(f"line {number}: {error}"))
    return found


def _interval(text: str) -> tuple[float, float]:
    low, high = map(float, text.split(":"))
    return low, high


def norm(text: str) -> Any:
    """The p that --p means: one norm, or a pair."""
    return tuple(text.split(":")) if ":" in text else text


def size(text: str | None) -> float | None:
    """Bytes: a number, in kilobytes, megabytes or gigabytes with K, M or G behind it."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)i?B?", text.strip(), re.IGNORECASE)
    if found is None or not float(found[1]):
        raise lv.InvalidArgument(f"--memory {text!r} is no size such as 500M or 2G")
    return float(found[1]) * 1024.0 ** " KMG".index(found[2].upper() or " ")
