"""`.nnet` files of collision-avoidance networks: text, relu between the layers, and a scale for inputs and outputs.

Format: Kyle Julian, "NNet", Stanford 2016. The network inside works on inputs (x − mean)/range and gives outputs that
are scaled back, y·range + mean; the limits to which its own tools clip inputs are a domain, and no part of the network.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np

from lipverify.arrays import Array
from lipverify.errors import InvalidNetwork
from lipverify.network import Network
from lipverify.readers.files import read_bytes
from lipverify.readers.limits import budget, require_numbers
from lipverify.readers.options import SILENT, Reading
from lipverify.readers.passes import lower
from lipverify.readers.steps import Affine, Step, TwoSlope
from lipverify.trusted.scaling import are_powers

_NUMBER = re.compile(r"[+-]?(\d{1,400}\.?\d{0,400}|\.\d{1,400})([eE][+-]?\d{1,3})?")


def load_nnet(path: Path, reading: Reading = SILENT) -> Network:
    """The network in a `.nnet` file; its decimals are rounded to float64, and the network says so.

    Raises
    ------
    InvalidNetwork
        For a damaged file, and for one with a scale of which nobody said whether it belongs to the network.
    """
    try:
        lines = read_bytes(path).decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidNetwork(f"{path} is no text file: {error}") from error
    try:
        with budget():
            return _network(iter([line for line in lines if not line.startswith("//")]), reading, path)
    except StopIteration as error:
        raise InvalidNetwork(f"{path} ends too early") from error
    except InvalidNetwork as error:
        raise InvalidNetwork(f"{path}: {error}") from error


def _network(lines: Iterator[str], reading: Reading, path: Path) -> Network:
    layers, inputs, outputs, _ = _integers(next(lines), 4)
    sizes = _integers(next(lines), layers + 1)
    if sizes[0] != inputs or sizes[-1] != outputs:
        raise InvalidNetwork(f"sizes {sizes} do not begin with {inputs} inputs and end with {outputs} outputs")
    require_numbers((sum(a * b for a, b in pairwise(sizes)),), "the network")
    next(lines)  # a flag that nothing uses
    for _ in range(2):  # the limits of the inputs
        _numbers(next(lines), inputs)
    (means, mean_rounded), (ranges, range_rounded) = (_numbers(next(lines), inputs + 1) for _ in range(2))
    if not (ranges > 0).all():
        raise InvalidNetwork(f"the ranges {ranges.tolist()} are not all positive")
    plain = not means.any() and bool((ranges == 1.0).all())
    if not plain and reading.normalisation is None:
        raise InvalidNetwork(
            "it has means and ranges of inputs and outputs: say normalisation=True for the function of the file's own "
            "units, as in lipverify.load(path, normalisation=True), or normalisation=False for the bare network on "
            "scaled inputs"
        )
    steps: list[Step] = []
    rounded = False
    for k, (read, made) in enumerate(pairwise(sizes)):
        rows = [_numbers(next(lines), read) for _ in range(made)]
        biases = [_numbers(next(lines), 1) for _ in range(made)]
        rounded = rounded or any(flag for _, flag in (*rows, *biases))
        steps.append(Affine(np.array([row for row, _ in rows]), np.array([b[0] for b, _ in biases])))
        if k < layers - 1:
            steps.append(TwoSlope.relu(made))
    if any(line.strip(" ,\t") for line in lines):
        raise InvalidNetwork("more follows behind the last layer")
    if not plain and reading.normalisation is True:
        steps = _scaled(steps, means, ranges)
        rounded = rounded or mean_rounded or range_rounded
    said = "" if plain else ", in its own units" if reading.normalisation is True else ", on scaled inputs"
    return lower(steps, inputs=inputs, source=f"{path}{said}", rounded=rounded)


def _scaled(steps: list[Step], means: Array, ranges: Array) -> list[Step]:
    """The network between the scales of its inputs and outputs."""
    n = len(means) - 1
    inverse = 1.0 / ranges[:n]
    exact = are_powers(ranges[:n])
    first = [Affine(np.eye(n), -means[:n]), Affine(np.diag(inverse), np.zeros(n), not exact)]
    last = steps[-1]
    assert isinstance(last, Affine)
    return [*first, *steps, Affine(ranges[n] * np.eye(last.width), np.full(last.width, means[n]))]


def _words(line: str) -> list[str]:
    return [word.strip() for word in line.strip().rstrip(",").split(",")]


def _integers(line: str, count: int) -> list[int]:
    words = _words(line)
    if len(words) != count or not all(re.fullmatch(r"[1-9]\d{0,6}", word) for word in words):
        raise InvalidNetwork(f"expected {count} sizes; got {line.strip()[:60]!r}")
    return [int(word) for word in words]


def _numbers(line: str, count: int) -> tuple[Array, bool]:
    """The floats nearest to a line's decimals, and whether one of them is rounded."""
    words = _words(line)
    if len(words) != count or not all(map(_NUMBER.fullmatch, words)):
        raise InvalidNetwork(f"expected {count} numbers; got {line.strip()[:60]!r}")
    values = [float(word) for word in words]
    if not np.isfinite(values).all():
        raise InvalidNetwork(f"a number of {line.strip()[:60]!r} is beyond float64")
    return np.array(values), any(Fraction(v) != Fraction(word) for v, word in zip(values, words, strict=True))
