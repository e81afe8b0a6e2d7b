"""The options that the commands share, and how their text is understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter

import lipverify as lv
from lipverify import samples

Model: TypeAlias = Annotated[
    str | None,
    Parameter(help="A network: .onnx, .pt, .npz or .json; without it, the iris network that comes along."),
]
Norm: TypeAlias = Annotated[
    str, Parameter(name="--p", help="The norm: 1, 2 or inf, or a pair such as 1:inf (input:output).")
]
MethodName: TypeAlias = Annotated[str, Parameter(name="--method", help="A name from lipverify.methods().")]


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Where to look, how long, and how to answer.

    Attributes
    ----------
    box
        Look only here: LO:HI for every input (--box -1:1), or one for each (--box -1:1,0:2), or a .vnnlib file. Without
        it, the whole space.
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
    time_limit: Annotated[
        float | None,
        Parameter(allow_leading_hyphen=True, help="Seconds for each method; what is known by then is printed."),
    ] = None
    seed: Annotated[int, Parameter(allow_leading_hyphen=True, help="The seed of every random choice.")] = 0
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object, and nothing else, on stdout.")] = False


DEFAULTS = Common()


def network(model: str | None) -> lv.Network:
    """The network in a file, or the embedded one."""
    return lv.load(samples.path("iris") if model is None else model)


def domain(box: str | None, net: lv.Network) -> lv.Box | lv.Everywhere:
    """The domain that --box means."""
    if box is None:
        return lv.Everywhere()
    if box.endswith((".vnnlib", ".vnnlib.gz")):
        return lv.load_box(box)
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


def _interval(text: str) -> tuple[float, float]:
    low, high = map(float, text.split(":"))
    return low, high


def norm(text: str) -> Any:
    """The p that --p means: one norm, or a pair."""
    return tuple(text.split(":")) if ":" in text else text
