"""What is audited: any callable `estimator(net, *, p, domain)`, a method object, or a name.

An estimator returns a number, or a `Bound`. It need not know lipverify: `net.weights` and `net.biases` are
numpy arrays, and `net.to_torch()` is a torch module.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, TypeAlias

from lipverify import verbs
from lipverify.bound import Bound
from lipverify.catalogue import METHODS
from lipverify.domain import Domain
from lipverify.errors import InvalidArgument
from lipverify.network import Network
from lipverify.norms import NormPair
from lipverify.problem import Method

Estimator: TypeAlias = Callable[..., Any]
AuditSide: TypeAlias = Literal["upper", "lower", "both"]

_VERBS: dict[str, Callable[..., Bound]] = {"upper": verbs.upper, "lower": verbs.lower, "exact": verbs.exact}


@dataclass(frozen=True)
class MethodEstimator:
    """One of lipverify's own methods, asked as any other estimator is."""

    method: Method

    def __call__(self, net: Network, *, p: Any, domain: Domain | None) -> Bound:
        return _VERBS[self.method.side](net, self.method, p=p, domain=domain)


@dataclass(frozen=True)
class Named:
    """The estimator `package.module:function`, imported where it is asked: here it need not be importable."""

    name: str

    def __call__(self, net: Network, *, p: Any, domain: Domain | None) -> Any:
        return load(self.name)(net, p=p, domain=domain)


def as_estimator(given: Estimator | Method | str) -> Estimator:
    """The callable that is meant: itself, a method object's, or a name's: see `load`."""
    if isinstance(given, str):
        return load(given)
    if isinstance(given, Method):
        return MethodEstimator(given)
    if not callable(given):
        raise InvalidArgument(f"an estimator is a callable, a method object or a name; got {given!r}")
    return given


def load(name: str) -> Estimator:
    """The estimator `package.module:function`, or a method of the catalogue by its name.

    Modules are looked for in the current directory too, as `python -m` does.

    Raises
    ------
    InvalidArgument
        When there is no such method, module or function.
    """
    if name in METHODS:
        return MethodEstimator(METHODS[name]())
    module_name, colon, attribute = name.partition(":")
    if not (colon and module_name and attribute):
        raise InvalidArgument(
            f"{name!r} is neither package.module:function nor one of the methods: {', '.join(METHODS)}"
        )
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        value: Any = import_module(module_name)
    except ImportError as error:
        raise InvalidArgument(f"cannot import {module_name!r} from here: {error}") from error
    for part in attribute.split("."):
        if not hasattr(value, part):
            raise InvalidArgument(f"module {module_name!r} has no {attribute!r}")
        value = getattr(value, part)
    return as_estimator(value)


def name_of(estimator: Estimator) -> str:
    """What a report calls it; `load` understands the name unless it is local or a lambda."""
    estimator = getattr(estimator, "__wrapped__", estimator)
    if isinstance(estimator, MethodEstimator):
        return estimator.method.name
    if isinstance(estimator, Named):
        return estimator.name
    named = estimator if hasattr(estimator, "__qualname__") else type(estimator)
    return f"{named.__module__}:{named.__qualname__}"


def importable(name: str) -> bool:
    """Whether somebody else can import an estimator of this name."""
    return ":" in name and "<" not in name and not name.startswith("__main__:")


@dataclass(frozen=True)
class Claim:
    """What an estimator says: lower ≤ L ≤ upper. A side on which nothing is claimed is 0 or inf."""

    lower: float = 0.0
    upper: float = math.inf

    @property
    def is_nan(self) -> bool:
        """Whether a side is not a number."""
        return math.isnan(self.lower) or math.isnan(self.upper)


def claim(estimator: Estimator, net: Network, pair: NormPair, domain: Domain, side: AuditSide) -> Claim:
    """Ask the estimator.

    Raises
    ------
    TypeError
        When the answer is no number; and whatever the estimator raises.
    """
    p = pair.p if pair.p == pair.q else tuple(pair)
    said = answer(estimator, net, p, domain)
    lower, upper = (said.lower, said.upper) if isinstance(said, Bound) else (said, said)
    return Claim(0.0 if side == "upper" else lower, math.inf if side == "lower" else upper)


def answer(estimator: Estimator, net: Network, p: Any, domain: Domain | None) -> Bound | float:
    """What the estimator says, as a bound or a float: whatever else is a number becomes one.

    Raises
    ------
    TypeError
        When the answer is no number; and whatever the estimator raises.
    """
    said = estimator(net, p=p, domain=domain)
    if isinstance(said, Bound):
        return said
    try:
        return float(said)
    except (TypeError, ValueError) as error:
        raise TypeError(f"the estimator returned {type(said).__name__}, which is no number") from error
