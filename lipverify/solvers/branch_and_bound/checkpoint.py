"""A search written down, so that another process can go on with it: its open nodes, its incumbent, what was given up.

What is written is complete between two nodes: every region that is in no open node is no better than the incumbent, or
than what was given up. The search by layers has its open nodes for one head each; it goes on with those of the general
search, and that one with its. The incumbent is a point, verified anew by whoever reads it. The bounds of open nodes are
believed, and that they are all there: a checkpoint is a part of one's own run, bound to network, norm and domain, and a
checksum tells a damaged one. It is no certificate. Proof: proofs/branch_and_bound.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np

from lipverify.arrays import Signs
from lipverify.errors import InvalidArgument
from lipverify.geometry.witness import Certified, certify_point
from lipverify.identity import problem_key
from lipverify.problem import Problem
from lipverify.report import fraction_text
from lipverify.solvers.branch_and_bound.heads import heads
from lipverify.writing import write_whole

FORMAT = "lipverify checkpoint 2"
_SIGNS = {-1: "-", 0: "0", 1: "+"}
_VALUES = {text: value for value, text in _SIGNS.items()}
_LARGEST = 2**31  # bytes


class OpenNode(NamedTuple):
    """The signs of an open node, shape (n,), a certified upper bound of what is in it, and for which head of `heads`.

    Without a head it is open for the whole Jacobian.
    """

    signs: Signs
    upper: float
    head: int | None = None


@final
@dataclass(frozen=True)
class Saved:
    """A search between two nodes.

    Attributes
    ----------
    open
        The open nodes.
    incumbent
        The best point so far, or None.
    settled
        The largest bound that was given up for a tolerance.
    nodes
        Nodes that were taken apart.
    """

    open: tuple[OpenNode, ...]
    incumbent: tuple[Fraction, ...] | None
    settled: float
    nodes: int

    def best(self, problem: Problem) -> Certified | None:
        """The incumbent, verified.

        Raises
        ------
        InvalidArgument
            When it is no point of a region.
        """
        if self.incumbent is None:
            return None
        found = certify_point(problem, self.incumbent)
        if found is None:
            raise InvalidArgument("the checkpoint's best point lies on a boundary, or outside the domain")
        return found


@final
@dataclass(frozen=True)
class Checkpoint:
    """Where a search is written down, and how often.

    Parameters
    ----------
    path
        The file: it is replaced as a whole, so that there is always a complete one.
    resume
        Whether to go on from it where it is there.
    every
        Seconds between two writings; the last one is at the end, or when the search is stopped.

    Raises
    ------
    InvalidArgument
        For a file that is there, when nobody asked to go on from it.
    """

    path: Path
    resume: bool = False
    every: float = 10.0
    _due: list[float] = field(default_factory=lambda: [-math.inf], repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.path.exists() and not self.resume:
            raise InvalidArgument(f"{self.path} is there already: resume=True goes on from it; or name another file")
        if not self.path.parent.is_dir():
            raise InvalidArgument(f"there is no folder {self.path.parent} for the checkpoint")

    def load(self, problem: Problem) -> Saved | None:
        """What is written down; None where nothing is.

        Raises
        ------
        InvalidArgument
            For a file that is no checkpoint, is damaged, or is about another network, norm or domain.
        """
        if not self.path.exists():
            return None
        data = self._read()
        if data["problem"] != problem_key(problem):
            raise self._refused("it is about another network, norm or domain")
        try:
            nodes = tuple(_read(*entry) for entry in data["open"])
            point = None if data["incumbent"] is None else tuple(Fraction(text) for text in data["incumbent"])
            saved = Saved(nodes, point, float.fromhex(data["settled"]), data["nodes"])
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise self._refused(f"it is damaged ({error!r})") from error
        neurons, count = problem.network.neurons, len(heads(problem))
        if point is not None and len(point) != problem.network.input_dim:
            raise self._refused("it is damaged: a point of another size")
        if any(len(node.signs) != neurons or math.isnan(node.upper) for node in nodes) or math.isnan(saved.settled):
            raise self._refused("it is damaged: a node of another size, or a bound that is no number")
        if any(node.head is not None and node.head not in range(count) for node in nodes):
            raise self._refused("it is damaged: a node for a head that there is none of")
        return saved

    def save(self, problem: Problem, make: Callable[[], Saved], *, last: bool = False) -> None:
        """Write the search down, if it is time to.

        Raises
        ------
        OSError
            Whatever stands in the way; the file is as it was then.
        """
        began = time.monotonic()
        if not last and began < self._due[0]:
            return
        saved = make()
        data = {
            "format": FORMAT,
            "problem": problem_key(problem),
            "nodes": saved.nodes,
            "settled": float.hex(float(saved.settled)),
            "incumbent": None if saved.incumbent is None else [fraction_text(x) for x in saved.incumbent],
            "open": [_written(node) for node in saved.open],
        }
        write_whole(self.path, json.dumps(data | {"sha256": _checksum(data)}).encode())
        now = time.monotonic()
        self._due[0] = now + max(self.every, 20 * (now - began))  # at most a twentieth of the time

    def _read(self) -> dict[str, Any]:
        try:
            if self.path.stat().st_size > _LARGEST:
                raise self._refused(f"it has more than {_LARGEST} bytes")
            data = json.loads(self.path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise self._refused("it is no JSON, or cut short") from error
        except OSError as error:
            raise self._refused(error.strerror or str(error)) from error
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise self._refused(f"it is not {FORMAT!r}")
        if data.pop("sha256", None) != _checksum(data) or "problem" not in data:
            raise self._refused("it is damaged: its checksum is another one")
        return data

    def _refused(self, why: str) -> InvalidArgument:
        return InvalidArgument(f"{self.path} is no checkpoint to go on from: {why}")


@final
class Copy:
    """The checkpoint of a search that goes on, if it has one.

    Attributes
    ----------
    failure
        Why the last writing failed, for people; empty if it did not.
    """

    def __init__(self, checkpoint: Checkpoint | None, problem: Problem) -> None:
        self._checkpoint, self._problem = checkpoint, problem
        self.failure: dict[str, str] = {}

    def keep(self, make: Callable[[], Saved], *, last: bool = False) -> None:
        """Write the search down, if that is wanted and due: between two steps, when nothing is in hand."""
        if self._checkpoint is None:
            return
        try:
            self._checkpoint.save(self._problem, make, last=last)
        except OSError as error:  # the search is worth more than its copy, and the last one is still there
            self.failure = {"checkpoint": f"not written: {error}"}
        else:
            self.failure = {}


def _written(node: OpenNode) -> list[str | int | None]:
    return ["".join(_SIGNS[sign] for sign in node.signs.tolist()), float.hex(float(node.upper)), node.head]


def _read(text: str, upper: str, head: int | None) -> OpenNode:
    return OpenNode(np.array([_VALUES[sign] for sign in text], dtype=np.int8), float.fromhex(upper), head)


def _checksum(data: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()
