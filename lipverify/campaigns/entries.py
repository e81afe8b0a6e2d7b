"""The entries of a specification: which networks, domains and norms their text means."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, starmap
from operator import mul
from pathlib import Path
from typing import Any, TypeAlias

from lipverify import hardness, samples
from lipverify.bench.paper.networks import named
from lipverify.domain import Ball, Box, Domain, Everywhere
from lipverify.errors import InvalidArgument, InvalidDomain, LipverifyError
from lipverify.network import Network
from lipverify.norms import NormPair, norm_pair
from lipverify.readers import load
from lipverify.readers.limits import require_numbers
from lipverify.readers.vnnlib import load_boxes
from lipverify.testing.campaign import drawn
from lipverify.testing.suite import Case, random_network, suite

Named: TypeAlias = tuple[str, Network]
LOAD = ("activation", "layers", "transposed", "key", "input", "output", "input_shape", "normalisation")


@dataclass(frozen=True)
class Place:
    """Where an entry stands: what an error names, and the folder that its paths start from."""

    key: str
    folder: Path

    def error(self, text: str) -> InvalidArgument:
        """An error that names the entry."""
        return InvalidArgument(f"{self.key}: {text}")

    @contextmanager
    def named(self) -> Generator[None]:
        """Errors inside name the entry."""
        try:
            yield
        except (LipverifyError, OSError) as error:
            raise self.error(str(error)) from error

    def table(self, entry: Mapping[str, Any], required: str, optional: tuple[str, ...]) -> None:
        """Refuse keys that nobody reads: most are mistyped."""
        for key in entry:
            if key != required and key not in optional:
                raise self.error(f"unknown key {key!r}; with {required!r} there may be: {', '.join(optional)}")

    def files(self, text: str) -> list[Path]:
        """The files that a path or a pattern means; $NAME stands for an environment variable."""
        expanded = os.path.expandvars(text)
        if missing := re.search(r"\$\{?(\w+)", expanded):
            raise self.error(f"{text!r} needs the environment variable {missing[1]}, which is not set")
        path = str(self.folder / Path(expanded).expanduser())
        found = sorted(glob.glob(path)) if glob.has_magic(path) else [path] if Path(path).is_file() else []
        if not found:
            raise self.error(f"there is no file {path}")
        return [Path(name) for name in found]


def networks(entry: Any, place: Place) -> list[Named]:
    """The networks of an entry: a path, a pattern, sample:, suite:, paper:, maxcut:, or a table.

    Raises
    ------
    InvalidArgument
        For what is none of these, with the entry's key.
    """
    with place.named():
        if isinstance(entry, Network):
            return [(entry.source or f"{place.key}", entry)]
        if isinstance(entry, str):
            return _network_of_text(entry, place)
        if isinstance(entry, Mapping):
            for key, read in _TABLES.items():
                if key in entry:
                    return read(entry, place)
        tables = ", ".join(f"{{{key} = …}}" for key in _TABLES)
        raise InvalidArgument(
            f"expected a path, 'sample:NAME', 'suite:PATTERN', 'paper:PATTERN', 'maxcut:GRAPH', or a table {tables}; "
            f"got {entry!r}"
        )


def _network_of_text(text: str, place: Place) -> list[Named]:
    kind, _, name = text.partition(":")
    if kind == "sample":
        return [(name, load(samples.path(name)))]
    if kind == "suite":
        return _called(name, {case.name: case.network for case in suite()}, "the tightness suite")
    if kind == "paper":
        return _called(name, named(), "the paper's experiments")
    if kind == "maxcut":
        return [(text, hardness.maxcut(hardness.load_graph(name)).network)]
    return [(path.name, load(path)) for path in place.files(text)]


def _called(pattern: str, known: Mapping[str, Network], whose: str) -> list[Named]:
    found = [(name, net) for name, net in known.items() if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        raise InvalidArgument(f"no network of {whose} is called {pattern!r}")
    return found


def _file(entry: Mapping[str, Any], place: Place) -> list[Named]:
    place.table(entry, "file", (*LOAD, "margin"))
    options = {key: entry[key] for key in LOAD if key in entry}
    found = [(path.name, load(path, **options)) for path in place.files(_of(entry, "file", str, "a path", place))]
    if "margin" not in entry:
        return found
    i, j = _integers(entry, "margin", 2, place)
    return [(f"{name} margin {i}-{j}", net.margin(i, j)) for name, net in found]


def _random(entry: Mapping[str, Any], place: Place) -> list[Named]:
    place.table(entry, "random", ("seeds",))
    sizes = tuple(_integers(entry, "random", None, place))
    if len(sizes) < 2 or min(sizes) < 1:
        raise InvalidArgument(f"'random' must be two or more widths ≥ 1; got {list(sizes)}")
    seeds = _integers(entry, "seeds", None, place) if "seeds" in entry else [0]
    require_numbers((len(seeds), sum(starmap(mul, pairwise(sizes)))), "'random'")
    label = "-".join(map(str, sizes))
    return [(f"random {label} #{seed}", random_network(sizes, seed)) for seed in seeds]


def _drawn(entry: Mapping[str, Any], place: Place) -> list[Named]:
    place.table(entry, "drawn", ("seed",))
    count, seed = _of(entry, "drawn", int, "a number", place), entry.get("seed", 0)
    found: dict[str, Named] = {}
    for number, net in enumerate(drawn(count, seed)):
        found.setdefault(net.digest, (f"drawn {number} of seed {seed}", net))
    return list(found.values())


_TABLES: Mapping[str, Callable[[Mapping[str, Any], Place], list[Named]]] = {
    "file": _file,
    "random": _random,
    "drawn": _drawn,
}


def domains(entry: Any, name: str, net: Network, place: Place) -> list[tuple[str, Domain]]:
    """The domains of an entry for a network: everywhere, LO:HI, suite, a .vnnlib file, or a ball.

    Raises
    ------
    InvalidArgument
        For what is none of these, or has another number of inputs, with the entry's key.
    """
    with place.named():
        found = _domains(entry, name, net, place)
        for label, domain in found:
            if domain.dimension not in (None, net.input_dim):
                raise InvalidDomain(f"{label} has {domain.dimension} coordinates; {name} has {net.input_dim} inputs")
        return found


def _domains(entry: Any, name: str, net: Network, place: Place) -> list[tuple[str, Domain]]:
    if isinstance(entry, Domain):
        return [(str(entry), entry)]
    if isinstance(entry, Mapping) and "radius" in entry:
        place.table(entry, "radius", ("center", "p"))
        center, radius = entry.get("center", 0.0), entry["radius"]
        whole = [center] * net.input_dim if isinstance(center, (int, float)) else center
        return [(f"radius {radius} around {center}, p = {entry.get('p', 2)}", Ball(whole, radius, entry.get("p", 2)))]
    if entry == "everywhere":
        return [("everywhere", Everywhere())]
    if entry == "suite":
        found: list[Case] = [case for case in suite() if case.name == name and case.domain != Everywhere()]
        if not found:
            raise InvalidArgument(f"the tightness suite has no box for {name}")
        return [("suite", found[0].domain)]
    if isinstance(entry, str) and entry.endswith((".vnnlib", ".vnnlib.gz")):
        boxes = [(path, box) for path in place.files(entry) for box in load_boxes(path)]
        return [(f"{path.name} #{number}", box) for number, (path, box) in enumerate(boxes)]
    if isinstance(entry, str) and re.fullmatch(r"[^:,]+:[^:,]+(,[^:,]+:[^:,]+)*", entry):
        limits = [_limits(part) for part in entry.split(",")]
        lower, upper = zip(*(limits * net.input_dim if len(limits) == 1 else limits), strict=True)
        return [(entry, Box(lower, upper))]
    raise InvalidArgument(
        f"expected 'everywhere', 'LO:HI' (for all inputs, or one for each with commas), 'suite', a .vnnlib file, or "
        f"{{radius = R, center = X, p = 2}}; got {entry!r}"
    )


def _limits(text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(":"))
    except ValueError:
        raise InvalidArgument(f"{text!r} is not LO:HI, two numbers such as -1:1") from None
    return low, high


def norm(entry: Any, place: Place) -> NormPair:
    """The norm of an entry: 1, 2, "inf", or a pair "1:inf".

    Raises
    ------
    InvalidArgument
        For anything else, with the entry's key.
    """
    with place.named():
        return norm_pair(tuple(entry.split(":")) if isinstance(entry, str) and ":" in entry else entry)


def _of(entry: Mapping[str, Any], key: str, kind: type, words: str, place: Place) -> Any:
    value = entry[key]
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InvalidArgument(f"{key!r} must be {words}; got {value!r}")
    return value


def _integers(entry: Mapping[str, Any], key: str, count: int | None, place: Place) -> list[int]:
    value = entry[key]
    fits = isinstance(value, list) and all(type(v) is int and v >= 0 for v in value)
    if not fits or not value or count not in (None, len(value)):
        raise InvalidArgument(f"{key!r} must be {'some' if count is None else count} integers ≥ 0; got {value!r}")
    return value
