"""Input regions from VNN-LIB property files, versions 1.0 and 2.0, `.vnnlib` and `.vnnlib.gz`.

A property is a formula about inputs and outputs; a region is what one case of it says about the inputs. What it says of
outputs only is left aside. Numbers are read as the rationals they are and limits rounded outward: a region contains
the file's, but for inputs that the file fixes at a number that is no float (0.1): they get the float nearest to it,
since outward rounding would set them free. Whether a limit itself is allowed (< or <=) makes no difference to a
Lipschitz constant.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from lipverify.domain import Box, Polytope
from lipverify.errors import InvalidArgument, InvalidDomain
from lipverify.readers.files import read_bytes
from lipverify.readers.vnnlib_terms import Expression, Linear, Names, linear, mentions_input, parse, show
from lipverify.trusted.rounding import float_down, float_up

_COMMENTS = ("set-logic", "set-info", "set-option", "check-sat", "exit", "get-model", "vnnlib-version")
_MOST_REGIONS = 10_000

Row: TypeAlias = tuple[tuple[tuple[int, Fraction], ...], Fraction]
"""Σ a_i x_i ≤ b, as sorted (i, a_i) and b."""


@dataclass(frozen=True)
class _Region:
    """What a conjunction says about the inputs: sorted limits, and rows of several inputs."""

    lower: tuple[tuple[int, Fraction], ...] = ()
    upper: tuple[tuple[int, Fraction], ...] = ()
    rows: tuple[Row, ...] = ()


def load_box(path: str | Path, index: int | None = None) -> Box | Polytope:
    """The region of inputs over which a property file speaks.

    Parameters
    ----------
    index
        Which one, of a file that speaks of several; `load_boxes` gives all of them.

    Returns
    -------
    Box or Polytope
        A Polytope where a constraint joins several inputs, or an input has no lower or no upper limit. Limits are
        rounded outward; an input that the file fixes has the float nearest to its value, and where that is another
        number the region is beside the file's, by less than a relative 1.2e-16.

    Raises
    ------
    InvalidDomain
        For a missing or damaged file, a constraint on inputs that is not linear, several regions and no index, or a
        region that is empty.
    InvalidArgument
        For an index that is not there.
    """
    regions, names, file = _regions_of(path)
    if index is None and len(regions) != 1:
        raise InvalidDomain(
            f"{file}: the property speaks of {len(regions)} different input regions: choose one, as in "
            f"lipverify.load_box(path, 0); lipverify.load_boxes(path) gives all"
        )
    if index is not None and (isinstance(index, bool) or not 0 <= index < len(regions)):
        raise InvalidArgument(f"{file}: index {index} is out of range: there are regions 0 … {len(regions) - 1}")
    return _closed(regions[index or 0], names, file)


def load_boxes(path: str | Path) -> list[Box | Polytope]:
    """All regions of inputs of a property file, in its order; errors as for `load_box`."""
    regions, names, file = _regions_of(path)
    return [_closed(region, names, file) for region in regions]


def _regions_of(path: str | Path) -> tuple[list[_Region], Names, Path]:
    file = Path(path)
    try:
        text = read_bytes(file, InvalidDomain).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidDomain(f"{file} is no text file: {error}") from error
    names, claims = Names(), list[Expression]()
    try:
        for command in parse(text):
            match command:
                case ["declare-const" | "declare-fun", str(name), *_]:
                    names.declare(name)
                case ["declare-network", _, *parts]:
                    names.declare_network(parts)
                case ["assert", claim]:
                    claims.append(claim)
                case [str(word), *_] if word in _COMMENTS:
                    continue
                case _:
                    raise InvalidDomain(f"cannot read {show(command)}; expected declare-const or assert")
        return _cases(["and", *claims], names), names, file
    except InvalidDomain as error:
        raise InvalidDomain(f"{file}: {error}") from error


def _cases(claim: Expression, names: Names) -> list[_Region]:
    """The different regions of a claim's disjunctive normal form."""
    match claim:
        case ["and", *parts]:
            return _meetings([_cases(part, names) for part in parts])
        case ["or", *parts] if parts:
            return list(dict.fromkeys(region for part in parts for region in _cases(part, names)))
        case ["<=" | "<", left, right]:
            return [_limit(left, right, claim, names)]
        case [">=" | ">", left, right]:
            return [_limit(right, left, claim, names)]
        case ["=" | "==", left, right]:
            both = (_limit(left, right, claim, names), _limit(right, left, claim, names))
            return [_meet(both)]
        case _ if not mentions_input(claim, names):
            return [_Region()]
        case _:
            raise InvalidDomain(f"cannot read {show(claim)}; expected <=, >=, <, >, =, and, or")


def _meetings(parts: Sequence[list[_Region]]) -> list[_Region]:
    """The different regions that arise from one choice out of every part."""
    if math.prod(map(len, parts)) > _MOST_REGIONS:
        raise InvalidDomain(f"the property speaks of more than {_MOST_REGIONS} input regions")
    # Parts without a choice, nearly all of them, are met once.
    fixed = _meet(part[0] for part in parts if len(part) == 1)
    choices = itertools.product(*(part for part in parts if len(part) > 1))
    return list(dict.fromkeys(_meet((fixed, *choice)) for choice in choices))


def _meet(regions: Iterable[_Region]) -> _Region:
    lower: dict[int, Fraction] = {}
    upper: dict[int, Fraction] = {}
    rows: dict[Row, None] = {}
    for region in regions:
        for i, limit in region.lower:
            lower[i] = max(limit, lower.get(i, limit))
        for i, limit in region.upper:
            upper[i] = min(limit, upper.get(i, limit))
        rows.update(dict.fromkeys(region.rows))
    return _Region(tuple(sorted(lower.items())), tuple(sorted(upper.items())), tuple(rows))


def _limit(small: Expression, large: Expression, claim: Expression, names: Names) -> _Region:
    """What small ≤ large says about the inputs."""
    if not mentions_input(claim, names):
        return _Region()
    difference: Linear = linear(small, names) - linear(large, names)
    if difference.outputs:
        raise InvalidDomain(f"{show(claim)} joins inputs and outputs: it is no region of inputs")
    terms = tuple(sorted((i, a) for i, a in difference.factors.items() if a))
    bound = -difference.constant
    if not terms:
        if bound < 0:
            raise InvalidDomain(f"{show(claim)} is never true: the region is empty")
        return _Region()
    if len(terms) > 1:
        return _Region(rows=((terms, bound),))
    ((index, factor),) = terms
    limit = ((index, bound / factor),)
    return _Region(upper=limit) if factor > 0 else _Region(lower=limit)


def _closed(region: _Region, names: Names, file: Path) -> Box | Polytope:
    try:
        return _domain(region, names)
    except InvalidDomain as error:
        raise InvalidDomain(f"{file}: {error}") from error


def _domain(region: _Region, names: Names) -> Box | Polytope:
    lower, upper = dict(region.lower), dict(region.upper)
    used = {i for terms, _ in region.rows for i, _ in terms}
    known = sorted(names.inputs | set(lower) | set(upper) | used)
    if not known:
        raise InvalidDomain("it says nothing about inputs X_0, X_1, …")
    for i, index in enumerate(known):
        if i != index:
            raise InvalidDomain(f"the input X_{i} is missing, although there is an X_{index}")
        if index in lower and index in upper and lower[index] > upper[index]:
            # Rounded outward, an empty interval could seem to have an inside.
            raise InvalidDomain(f"the limits of X_{index} cross: {lower[index]} is above {upper[index]}")
    if not region.rows and len(lower) == len(upper) == len(known):
        # An input that is fixed has the float nearest to its value: outward rounding would set it free.
        fixed = [lower[i] == upper[i] for i in known]
        low = [_nearest(lower[i]) if flat else _down(lower[i]) for i, flat in zip(known, fixed, strict=True)]
        high = [_nearest(upper[i]) if flat else _up(upper[i]) for i, flat in zip(known, fixed, strict=True)]
        return Box(low, high)
    rows = [*region.rows]
    rows += [(((i, Fraction(1)),), limit) for i, limit in upper.items()]
    rows += [(((i, Fraction(-1)),), -limit) for i, limit in lower.items()]
    if not rows:
        raise InvalidDomain("it sets no limit to any input: leave the domain out for the whole space")
    matrix, bounds = zip(*(_row(terms, bound, len(known)) for terms, bound in rows), strict=True)
    return Polytope(list(matrix), list(bounds))


def _row(terms: Iterable[tuple[int, Fraction]], bound: Fraction, n: int) -> tuple[list[float], float]:
    """A row in floats: scaled so that its factors are exact, its bound rounded up."""
    found = dict(terms)
    scale = math.lcm(*(a.denominator for a in found.values()))
    row = [0.0] * n
    for i, factor in found.items():
        whole = int(factor * scale)
        if abs(whole) > 2**53:
            raise InvalidDomain(f"float64 does not hold the factor of X_{i} in a row of inputs; round it")
        row[i] = float(whole)
    return row, _up(bound * scale)


def _nearest(x: Fraction) -> float:
    return float(x) if math.isfinite(_down(x)) and math.isfinite(_up(x)) else math.inf


@lru_cache(maxsize=1 << 16)
def _up(x: Fraction) -> float:
    return float_up(x)


@lru_cache(maxsize=1 << 16)
def _down(x: Fraction) -> float:
    return float_down(x)
