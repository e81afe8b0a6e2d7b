"""Named arrays, as state dicts and other people's files hold them, as a chain of linear layers.

Such a file says nothing about activations, and little about the order of the layers. What it does not say is asked
for: the activation always, the order where neither numbers in the names nor the shapes leave one only, whether
matrices are (out, in) where the shapes fit both ways.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lipverify.arrays import Array
from lipverify.errors import InvalidArgument, InvalidNetwork, LipverifyError
from lipverify.network import Network
from lipverify.readers.options import ACTIVATIONS, Reading, activation_step, activations
from lipverify.readers.passes import lower
from lipverify.readers.steps import Affine, Step

_NAME = re.compile(r"(?i)(|.*[^a-z])(weights?|kernels?|w|bias(?:es)?|b)([_.\-]?\d*)")
_MOST_TRIES = 10_000  # steps in the search for a second order of the layers


@dataclass(frozen=True, eq=False)
class _Layer:
    """A weight and its bias, and the name that they share."""

    stem: str
    weight: Array
    bias: Array | None


def chain(arrays: Mapping[str, Array], reading: Reading, source: str, *, torch: bool = False) -> Network:
    """The network of named weights and biases, with the activation that was asked for between the layers.

    Where `torch` is set, names and shapes are those of `torch.nn.Linear` and `Sequential`: matrices are (out, in), and
    numbers count modules, so that between adjacent ones there is none.

    Raises
    ------
    InvalidNetwork
        For arrays that belong to no chain of linear layers, and for what has to be said and was not: the message
        tells how.
    InvalidArgument
        For an activation or a layer that is not known.
    """
    layers = _layers(arrays, strict=reading.layers is None)
    names = [layer.stem for layer in layers]
    if reading.layers is not None:
        layers = _listed(layers, reading.layers)
    elif len(layers) > 1:
        _require_order(layers, torch)
    layers = _oriented(layers, False if torch and reading.transposed is None else reading.transposed)
    if len(layers) > 1 and reading.activation is None:
        raise InvalidNetwork(
            f"it holds the weights of {len(layers)} layers ({', '.join(names)}) and no activations: say what stands "
            f"between them, as in lipverify.load(path, activation='relu'). "
            f"Known are {ACTIVATIONS}"
        )
    between = activations("identity" if reading.activation is None else reading.activation, len(layers) - 1)
    steps: list[Step] = []
    for k, layer in enumerate(layers):
        bias = np.zeros(len(layer.weight)) if layer.bias is None else layer.bias
        steps.append(Affine(layer.weight, bias))
        if k < len(between):
            steps.append(activation_step(between[k], len(layer.weight)))
    said = f", {', '.join(dict.fromkeys(between))} as was said" if between else ""
    return lower(steps, inputs=layers[0].weight.shape[1], source=f"{source}{said}")


def _layers(arrays: Mapping[str, Array], strict: bool) -> list[_Layer]:
    """Weights in the order in which they stand, each with its bias; in a strict reading nothing else may be there."""
    weights: dict[str, Array] = {}
    biases: dict[str, Array] = {}
    for name, array in arrays.items():
        match = _NAME.fullmatch(name)
        kind = match[2].lower()[0] if match else ""
        flat = array.reshape(-1) if array.ndim == 2 and 1 in array.shape else array
        group = {"w": weights, "k": weights, "b": biases}.get(kind)
        if match is None or group is None or (flat if kind == "b" else array).ndim != (1 if kind == "b" else 2):
            if not strict:
                continue
            raise InvalidNetwork(
                f"the entry {name!r} of shape {array.shape} is no weight (two axes) or bias (one) of a linear layer; "
                "layers=[…] names the weights that are meant, in their order"
            )
        stem = _stem(name)
        if stem in group:
            raise InvalidNetwork(f"the entry {name!r} belongs to the layer {stem!r}, which has one already")
        group[stem] = flat if kind == "b" else array
    for stem in biases.keys() - weights.keys() if strict else ():
        raise InvalidNetwork(f"there is a bias of the layer {stem!r}, but no weight")
    if not weights:
        raise InvalidNetwork("it holds no weights")
    return [_Layer(stem, weight, biases.get(stem)) for stem, weight in weights.items()]


def _listed(layers: Sequence[_Layer], names: Sequence[str]) -> list[_Layer]:
    """The layers that were named, in that order."""
    known = {layer.stem: layer for layer in layers}
    chosen = [name.strip() for name in (names.split(",") if isinstance(names, str) else names)]
    chosen = [name if name in known else _stem(name) for name in chosen]
    for name in chosen:
        if name not in known:
            raise InvalidArgument(f"layers={names!r}: there is no layer {name!r}; there are {', '.join(known)}")
    return [known[name] for name in chosen]


def _stem(name: str) -> str:
    """What a weight and its bias have in common; a name that is no weight's stands for itself."""
    match = _NAME.fullmatch(name)
    return (match[1] + match[3]).strip("._-") if match else name


def _require_order(layers: Sequence[_Layer], torch: bool) -> None:
    """Refuse layers whose order neither numbers in their names nor their shapes tell."""
    stems = [layer.stem for layer in layers]
    asked = f"say in which order they run, as in lipverify.load(path, layers={stems!r}, …)"
    numbers = [tuple(map(int, re.findall(r"\d{1,9}", stem))) for stem in stems]
    if len({re.sub(r"\d+", "#", stem) for stem in stems}) == 1:
        if not all(a < b for a, b in pairwise(numbers)):
            raise InvalidNetwork(f"the file holds the layers in the order {', '.join(stems)}: {asked}")
        for first, second in pairwise(stems) if torch else ():
            if re.fullmatch(r"(.*\.)?\d+", first) and int(second.split(".")[-1]) == int(first.split(".")[-1]) + 1:
                raise InvalidNetwork(
                    f"the layers {first!r} and {second!r} have adjacent numbers, so nothing tells whether an "
                    f"activation stands between them: if one does, {asked}"
                )
    elif _orders(layers) != [list(range(len(layers)))]:
        raise InvalidNetwork(f"the names {', '.join(stems)} and the shapes of the layers tell no order: {asked}")


def _orders(layers: Sequence[_Layer]) -> list[list[int]] | None:
    """The orders in which the shapes chain, at most two; None when that takes too long to find out."""
    found: list[list[int]] = []
    waiting = [[k] for k in range(len(layers))]
    for _ in range(_MOST_TRIES):
        if not waiting or len(found) == 2:
            return found
        order = waiting.pop()
        if len(order) == len(layers):
            found.append(order)
            continue
        width = layers[order[-1]].weight.shape[0]
        waiting += [[*order, k] for k in range(len(layers)) if k not in order and layers[k].weight.shape[1] == width]
    return None


def _oriented(layers: Sequence[_Layer], transposed: bool | None) -> list[_Layer]:
    """The layers with matrices of shape (out, in), whichever way the file holds them."""
    turned = [_Layer(layer.stem, layer.weight.T, layer.bias) for layer in layers]
    if transposed is not None:
        chosen = turned if transposed else list(layers)
        _require_fit(chosen)
        return chosen
    fits = [option for option in (list(layers), turned) if _fits(option)]
    if len(fits) == 2:
        raise InvalidNetwork(
            "its matrices fit as (out, in) and as (in, out): say transposed=False for rows that are outputs, as in "
            "lipverify.load(path, transposed=False, …), or transposed=True"
        )
    if not fits:
        _require_fit(layers)
    return fits[0]


def _fits(layers: Sequence[_Layer]) -> bool:
    try:
        _require_fit(layers)
    except LipverifyError:
        return False
    return True


def _require_fit(layers: Sequence[_Layer]) -> None:
    for layer in layers:
        if layer.bias is not None and layer.bias.shape != layer.weight.shape[:1]:
            raise InvalidNetwork(
                f"the layer {layer.stem!r} has a weight of shape {layer.weight.shape} and a bias of {layer.bias.shape}"
            )
    for first, second in pairwise(layers):
        if second.weight.shape[1] != first.weight.shape[0]:
            raise InvalidNetwork(
                f"the layer {second.stem!r} has a weight of shape {second.weight.shape}, but {first.stem!r} of shape "
                f"{first.weight.shape} feeds it; expected {first.weight.shape[0]} columns"
            )
