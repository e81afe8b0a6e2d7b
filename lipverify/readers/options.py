"""What only the user knows about a file: the options of `lipverify.load`, and the activations that they name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeAlias, final

import numpy as np

from lipverify.errors import InvalidArgument
from lipverify.network import IDENTITY, RELU
from lipverify.readers.steps import Clip, Step, TwoSlope
from lipverify.readers.windows import SortedGroups

Activation: TypeAlias = "str | Sequence[str]"

ACTIVATIONS = "relu, leaky_relu:SLOPE, abs, hardtanh, relu6, identity, groupsort:SIZE"
_SLOPES = {"relu": RELU, "abs": (-1.0, 1.0), "identity": IDENTITY}
_LIMITS = {"hardtanh": (-1.0, 1.0), "relu6": (0.0, 6.0)}


@final
@dataclass(frozen=True, kw_only=True)
class Reading:
    """The options of `lipverify.load`, which explains them; None for what was not said."""

    activation: Activation | None = None
    layers: Sequence[str] | None = None
    transposed: bool | None = None
    key: str | None = None
    input: int | str | None = None
    output: int | str | None = None
    input_shape: Sequence[int] | int | None = None
    normalisation: bool | None = None

    def require_only(self, known: Sequence[str], what: str) -> None:
        """Refuse an option that a format has no use for, so that nobody believes that it had an effect.

        Raises
        ------
        InvalidArgument
            Naming the option.
        """
        for field in fields(self):
            if getattr(self, field.name) is not None and field.name not in known:
                taken = ", ".join(f"{name}=" for name in known) or "none"
                raise InvalidArgument(f"{field.name}= is of no use for {what}; options that are: {taken}")


SILENT = Reading()


def activation_step(name: str, n: int) -> Step:
    """A row of n neurons by their name.

    Raises
    ------
    InvalidArgument
        For a name that is not known, with the known ones.
    """
    kind, _, slope = name.strip().lower().partition(":")
    if kind == "groupsort" and slope.isdecimal() and len(slope) < 6 and int(slope) > 0:
        return _group_sort(n, int(slope))
    if kind == "leaky_relu" and slope:
        try:
            left = float(slope)
        except ValueError:
            left = math.nan
        if math.isfinite(left):
            return TwoSlope.uniform(n, left, 1.0)
    elif not slope and kind in _SLOPES:
        return TwoSlope.uniform(n, *_SLOPES[kind])
    elif not slope and kind in _LIMITS:
        return Clip(n, *_LIMITS[kind])
    raise InvalidArgument(f"the activation {name!r} is not known; known are {ACTIVATIONS}")


def _group_sort(n: int, size: int) -> Step:
    """Neighbours in groups, each sorted from the least to the greatest: MaxMin for groups of 2.

    References
    ----------
    Anil, Lucas & Grosse, "Sorting out Lipschitz function approximation", ICML 2019, arXiv:1811.05381.
    """
    if n % size:
        raise InvalidArgument(f"groupsort:{size} sorts groups of {size} neighbours; {n} neurons are no such groups")
    return SortedGroups(n, np.arange(n, dtype=np.intp).reshape(-1, size))


def activations(given: Activation, count: int) -> list[str]:
    """One name for each of `count` rows of neurons, from one for all, a list, or names with commas between them.

    Raises
    ------
    InvalidArgument
        For a list of another length.
    """
    names = given.split(",") if isinstance(given, str) else list(given)
    if len(names) == 1:
        names *= count
    if len(names) != count:
        raise InvalidArgument(f"activation={given!r} names {len(names)} activations; {count} stand between the layers")
    return names
