"""Has a bound become looser? Ratios bound / exact on the suite, held to a baseline file.

The file is text, one line per (method, network, domain, p), sorted, and a line is rewritten only when its
bound, exact constant or rigor has changed, so that a diff shows what a change did and nothing else.
"""

from __future__ import annotations

import enum
import math
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeAlias

from lipverify.bound import Bound, Rigor
from lipverify.catalogue import methods
from lipverify.errors import InvalidArgument
from lipverify.problem import Method
from lipverify.testing.estimators import Estimator, as_estimator, name_of
from lipverify.testing.suite import Case, Exacts, suite
from lipverify.writing import write_whole

BASELINE = Path(__file__).with_name("baseline.txt")
RTOL = 1e-3
ROUNDING = 1e-9
HEADER = "# lipverify tightness 1: bound / exact; written by `lipverify tightness update`"
COLUMNS = ("method", "network", "domain", "p", "bound", "exact", "ratio", "rigor", "seconds")

Key: TypeAlias = tuple[str, str, str, str]
"""Method, network, domain, p."""


@dataclass(frozen=True)
class Entry:
    """One measured bound.

    Attributes
    ----------
    rigor
        What a `Bound` says of itself; "-" for a plain number, which is held to be a promise.
    seconds
        Information only.
    """

    method: str
    network: str
    domain: str
    p: str
    bound: float
    exact: float
    rigor: str
    seconds: float

    @property
    def key(self) -> Key:
        """What it answers."""
        return self.method, self.network, self.domain, self.p

    @property
    def ratio(self) -> float:
        """bound / exact; 1 for 0 / 0."""
        if self.exact == 0:
            return 1.0 if self.bound == 0 else math.inf
        return self.bound / self.exact

    def cells(self) -> tuple[str, ...]:
        """The line's columns."""
        numbers = (repr(self.bound), repr(self.exact), f"{self.ratio:.6f}")
        return (*self.key, *numbers, self.rigor, f"{self.seconds:.2g}")


class Change(enum.Enum):
    """How a measurement compares with the baseline; the value is what a reader sees."""

    UNSOUND = "below the exact constant: this is no upper bound"
    LOOSER = "looser than the baseline"
    WEAKER = "less rigorous than the baseline"
    VANISHED = "in the baseline, but not measured any more"
    TIGHTER = "tighter than the baseline"
    NEW = "not in the baseline"


FAILING = (Change.UNSOUND, Change.LOOSER, Change.WEAKER, Change.VANISHED)


@dataclass(frozen=True)
class Finding:
    """One change, as a line to read."""

    change: Change
    key: Key
    text: str

    @property
    def fails(self) -> bool:
        """Whether a check fails because of it."""
        return self.change in FAILING

    def __str__(self) -> str:
        return f"{' '.join(self.key)}: {self.change.value}{': ' if self.text else ''}{self.text}"


@dataclass(frozen=True)
class Measurement:
    """What estimators say on the suite: entries, the unsound ones among them, and what they raised."""

    entries: tuple[Entry, ...]
    unsound: frozenset[Key]
    errors: Mapping[Key, str]
    families: Mapping[str, str]

    def ratios(self) -> dict[str, dict[str, list[float]]]:
        """method → family → ratios that are finite."""
        table: dict[str, dict[str, list[float]]] = {}
        for entry in self.entries:
            if entry.exact > 0 and math.isfinite(entry.ratio):
                family = self.families[entry.network]
                table.setdefault(entry.method, {}).setdefault(family, []).append(entry.ratio)
        return table


def upper_methods() -> list[str]:
    """Every upper method of the catalogue."""
    return [info.name for info in methods() if info.side == "upper"]


def measure(
    estimators: Sequence[Estimator | Method | str], cases: Sequence[Case] | None = None, exacts: Exacts | None = None
) -> Measurement:
    """Ask upper bounds about every case of the suite; what they refuse as unsupported is left out."""
    chosen = suite() if cases is None else tuple(cases)
    known = Exacts() if exacts is None else exacts
    entries: list[Entry] = []
    unsound: set[Key] = set()
    errors: dict[Key, str] = {}
    for given in estimators:
        estimator = as_estimator(given)
        for case in chosen:
            key: Key = (name_of(estimator), *case.key)
            pair = case.norm
            start = time.perf_counter()
            try:
                answer: Any = estimator(case.network, p=pair.p if pair.p == pair.q else tuple(pair), domain=case.domain)
                bound = answer.upper if isinstance(answer, Bound) else float(answer)
            except NotImplementedError:
                continue
            except Exception as error:  # noqa: BLE001 - what an estimator raises is reported with its case
                errors[key] = f"{type(error).__name__}: {error}"
                continue
            seconds = time.perf_counter() - start
            rigor = answer.upper_rigor if isinstance(answer, Bound) else None
            constant = known(case)
            entries.append(Entry(*key, bound, constant.upper, "-" if rigor is None else rigor.name, seconds))
            if _unsound(bound, constant.low, rigor):
                unsound.add(key)
    return Measurement(tuple(entries), frozenset(unsound), errors, {case.name: case.family for case in chosen})


def summary(measured: Measurement) -> str:
    """Median and worst ratio by method and family, as a Markdown table."""
    table = measured.ratios()
    families = list(dict.fromkeys(measured.families.values()))
    rows = [["method", "rigor", *families, "below exact"], ["---"] * (len(families) + 3)]
    rigors = {entry.method: entry.rigor for entry in measured.entries}
    below = Counter(entry.method for entry in measured.entries if entry.ratio < 1)
    for method, groups in table.items():
        cells = [_cell(groups.get(family, [])) for family in families]
        rows.append([method, rigors[method], *cells, str(below[method])])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.3g} (≤ {max(ratios):.3g})" if ratios else ""


def _unsound(bound: float, low: Fraction, rigor: Rigor | None) -> bool:
    """Whether a bound breaks its promise: a heuristic gives none, and only rigorous ones forgo rounding."""
    if rigor is Rigor.HEURISTIC:
        return False
    if math.isnan(bound):
        return True
    slack = Fraction(ROUNDING) if rigor in (None, Rigor.NUMERICAL) else Fraction(0)
    return bound < low * (1 - slack)


def compare_entries(baseline: Iterable[Entry], measured: Measurement, *, rtol: float = RTOL) -> list[Finding]:
    """Every change against the baseline, of the methods that were measured.

    Parameters
    ----------
    rtol
        A ratio above old·(1 + rtol) is looser, one below old·(1 − rtol) tighter.
    """
    asked = {entry.method for entry in measured.entries} | {key[0] for key in measured.errors}
    old = {entry.key: entry for entry in baseline if entry.method in asked}
    new = {entry.key: entry for entry in measured.entries}
    found = [Finding(Change.UNSOUND, key, _against(new[key])) for key in sorted(measured.unsound)]
    for key in sorted(old.keys() | new.keys() | measured.errors.keys()):
        if key not in new:
            found.append(Finding(Change.VANISHED, key, measured.errors.get(key, "")))
        elif key not in old:
            found.append(Finding(Change.NEW, key, _against(new[key])))
        else:
            found += [Finding(change, key, text) for change, text in _changes(old[key], new[key], rtol)]
    return found


def _changes(old: Entry, new: Entry, rtol: float) -> list[tuple[Change, str]]:
    changes: list[tuple[Change, str]] = []
    text = f"{old.ratio:.6f} → {new.ratio:.6f}"
    if new.ratio > old.ratio * (1 + rtol):
        changes.append((Change.LOOSER, text))
    if new.ratio < old.ratio * (1 - rtol):
        changes.append((Change.TIGHTER, text))
    ranks = {"-": -1} | {rigor.name: rank for rank, rigor in enumerate(Rigor)}
    if ranks[new.rigor] < ranks[old.rigor]:
        changes.append((Change.WEAKER, f"{old.rigor} → {new.rigor}"))
    return changes


def _against(entry: Entry) -> str:
    return f"bound {entry.bound!r}, exact {entry.exact!r}, ratio {entry.ratio:.6f}"


def updated(baseline: Iterable[Entry], measured: Measurement) -> list[Entry]:
    """The baseline with what was measured in it; a line whose bound and rigor are the same stays as it is.

    Raises
    ------
    InvalidArgument
        When a measurement is unsound, or failed: neither becomes a standard.
    """
    problems = [f"{' '.join(key)} is below the exact constant" for key in sorted(measured.unsound)]
    problems += [f"{' '.join(key)} raised {error}" for key, error in sorted(measured.errors.items())]
    if problems:
        raise InvalidArgument("the baseline stays as it is: " + "; ".join(problems))
    asked = {entry.method for entry in measured.entries}
    old = {entry.key: entry for entry in baseline}
    kept = [entry for entry in old.values() if entry.method not in asked]
    for entry in measured.entries:
        before = old.get(entry.key)
        same = before is not None and (before.bound, before.exact, before.rigor) == (
            entry.bound,
            entry.exact,
            entry.rigor,
        )
        kept.append(before if before is not None and same else entry)
    return sorted(kept, key=lambda entry: entry.key)


def read_baseline(path: Path) -> list[Entry]:
    """The entries of a baseline file; none when there is no file.

    Raises
    ------
    InvalidArgument
        For a file that is no baseline, with the line.
    """
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgument(f"cannot read the baseline {str(path)!r}: {error}") from error
    if not lines or lines[0] != HEADER:
        raise InvalidArgument(f"{str(path)!r} is no baseline: its first line is not {HEADER!r}")
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            method, network, domain, p, bound, exact, _, rigor, seconds = line.split()
            if rigor != "-":
                Rigor[rigor]
            entries.append(Entry(method, network, domain, p, float(bound), float(exact), rigor, float(seconds)))
        except (ValueError, KeyError) as error:
            raise InvalidArgument(f"{path}:{number} is no line of a baseline: {line!r} ({error})") from error
    return entries


def write_baseline(path: Path, entries: Sequence[Entry]) -> None:
    """Write a baseline file; columns have fixed widths, so that a line never changes because of another."""
    widths = (24, 24, 10, 4, 22, 22, 12, 10, 0)
    rows = [("# " + COLUMNS[0], *COLUMNS[1:]), *(entry.cells() for entry in entries)]
    lines = [" ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    try:
        write_whole(path, "\n".join([HEADER, *lines, ""]).encode())
    except OSError as error:
        raise InvalidArgument(f"cannot write the baseline {str(path)!r}: {error.strerror or error}") from error
