"""A specification: products of networks, domains, norms and methods, read strictly."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from lipverify.campaigns import entries
from lipverify.campaigns.entries import Place
from lipverify.campaigns.jobs import VERBS, Job
from lipverify.catalogue import METHODS
from lipverify.errors import InvalidArgument

GRID = ("networks", "domains", "norms", "methods")
TOP = ("name", "seed", "time_limit", "grid", *GRID)
SPECS = Path(__file__).with_name("specs")


@dataclass(frozen=True)
class Spec:
    """What a campaign asks.

    Attributes
    ----------
    jobs
        Every question once, in the order of the specification.
    """

    name: str
    jobs: tuple[Job, ...]


def shipped() -> list[str]:
    """The names of the specifications that come along."""
    return sorted(path.stem for path in SPECS.glob("*.toml"))


def read_spec(source: str | Path | Mapping[str, Any]) -> Spec:
    """A specification: the path of a .toml file, the name of one that comes along, or its content.

    Raises
    ------
    InvalidArgument
        For a file that is none, a key that nobody reads, and an entry that means nothing: with the key.
    """
    if isinstance(source, Mapping):
        return _spec(source, "campaign", Path.cwd())
    path = SPECS / f"{source}.toml" if str(source) in shipped() else Path(source)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = ", ".join(shipped())
        raise InvalidArgument(
            f"there is no file {path}, and no specification of this name; there are: {known}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"{path} is no TOML file: {error}") from error
    except OSError as error:
        raise InvalidArgument(f"{path} cannot be read: {error.strerror}") from error
    try:
        return _spec(data, path.stem, path.parent)
    except InvalidArgument as error:
        raise InvalidArgument(f"{path}: {error}") from error


def _spec(data: Mapping[str, Any], name: str, folder: Path) -> Spec:
    for key in data:
        if key not in TOP:
            raise InvalidArgument(f"unknown key {key!r}; there may be: {', '.join(TOP)}")
    title = data.get("name", name)
    if not isinstance(title, str):
        raise InvalidArgument(f"name must be text; got {title!r}")
    seed, limit = data.get("seed", 0), data.get("time_limit")
    if type(seed) is not int or seed < 0:
        raise InvalidArgument(f"seed must be an integer ≥ 0; got {seed!r}")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, (int, float)) or not limit >= 0):
        raise InvalidArgument(f"time_limit must be a number of seconds ≥ 0; got {limit!r}")
    grids = [("", {key: data[key] for key in GRID if key in data})] if any(key in data for key in GRID) else []
    more = data.get("grid", [])
    if not isinstance(more, list) or not all(isinstance(grid, Mapping) for grid in more):
        raise InvalidArgument(f"grid must be tables, [[grid]]; got {more!r}")
    grids += [(f"grid[{number}].", grid) for number, grid in enumerate(more)]
    if not grids:
        raise InvalidArgument("nothing is asked: give networks and methods, or [[grid]] tables of them")
    found: dict[str, Job] = {}
    for prefix, grid in grids:
        for job in _grid(grid, prefix, folder, seed, None if limit is None else float(limit)):
            found.setdefault(job.key, job)
    return Spec(title, tuple(found.values()))


def _grid(grid: Mapping[str, Any], prefix: str, folder: Path, seed: int, limit: float | None) -> Iterator[Job]:
    for key in grid:
        if key not in GRID:
            raise InvalidArgument(f"unknown key '{prefix}{key}'; there may be: {', '.join(GRID)}")
    lists = {"domains": ["everywhere"], "norms": [2], **grid}
    for key in GRID:
        if key not in lists:
            raise InvalidArgument(f"{prefix}{key} is missing")
        if not isinstance(lists[key], (list, tuple)) or not lists[key]:
            raise InvalidArgument(f"{prefix}{key} must be a list that is not empty; got {lists[key]!r}")

    def places(key: str) -> Iterator[tuple[Place, Any]]:
        return ((Place(f"{prefix}{key}[{n}]", folder), entry) for n, entry in enumerate(lists[key]))

    norms = [entries.norm(entry, place) for place, entry in places("norms")]
    methods = [name for place, entry in places("methods") for name in _methods(entry, place)]
    for place, entry in places("networks"):
        for name, net in entries.networks(entry, place):
            where = [found for at, text in places("domains") for found in entries.domains(text, name, net, at)]
            for (label, domain), norm, method in product(where, norms, methods):
                yield Job(name, net, label, domain, norm, method, seed, limit)


def _methods(entry: Any, place: Place) -> list[str]:
    """A method by its name, or all of one side: upper:*."""
    if isinstance(entry, str) and entry.removesuffix(":*") in VERBS and entry.endswith(":*"):
        return [name for name, make in METHODS.items() if make().side == entry.removesuffix(":*")]
    if not isinstance(entry, str) or (entry not in METHODS and entry not in VERBS):
        known = ", ".join((*VERBS, *METHODS, *(f"{side}:*" for side in VERBS)))
        raise place.error(f"there is no method {entry!r}; there are: {known}")
    return [entry]
