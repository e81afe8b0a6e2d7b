"""Has a bound become looser? Ratios bound / exact on the suite, held to a baseline.

A check that compared nothing is no check: an estimator that refuses every case fails, and so does a stored line that
nobody measured.
"""

from __future__ import annotations

import enum
import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from lipverify.bound import Bound, Rigor
from lipverify.catalogue import methods
from lipverify.errors import InvalidArgument
from lipverify.fanout import fan_out
from lipverify.problem import Method
from lipverify.testing.baseline import Entry, Key
from lipverify.testing.estimators import Estimator, answer, as_estimator, name_of
from lipverify.testing.suite import Case, Exacts, suite

_Answer: TypeAlias = tuple[tuple[float, Rigor | None] | str | None, float]
"""A bound with its rigor, what was raised, or None for a refusal; and the seconds it took."""

SKIPPED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"joint-sdp": ("random-2-16-1", "random-2-24-1", "random-1-4-4-4-4-4-1")}
)
"""method → networks of the suite that it is not asked about: their programmes take seconds, the others together no
more than these."""

RTOL = 1e-3
ROUNDING = 1e-9


class Change(enum.Enum):
    """How a measurement compares with the baseline; the value is what a reader sees."""

    UNSOUND = "below the exact constant: this is no upper bound"
    LOOSER = "looser than the baseline"
    WEAKER = "less rigorous than the baseline"
    VANISHED = "in the baseline, but not measured any more"
    NOTHING = "was asked and answered nothing: every case was refused"
    FORGOTTEN = "in the baseline, but nobody asked for it"
    TIGHTER = "tighter than the baseline"
    NEW = "not in the baseline"


FAILING = (Change.UNSOUND, Change.LOOSER, Change.WEAKER, Change.VANISHED, Change.NOTHING, Change.FORGOTTEN)


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
    """What estimators say on the suite.

    Attributes
    ----------
    entries, unsound, errors
        The bounds, those among them below the exact constant, and what the estimators raised.
    families
        The kind of every network.
    asked
        The names of all estimators, also of those that refused everything.
    complete
        False where Ctrl-C came before the end: what is missing then says nothing.
    """

    entries: tuple[Entry, ...]
    unsound: frozenset[Key]
    errors: Mapping[Key, str]
    families: Mapping[str, str]
    asked: tuple[str, ...]
    complete: bool = True

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


class InterruptedMeasurement(KeyboardInterrupt):
    """Ctrl-C during a measurement; `measured` is what there was by then."""

    def __init__(self, measured: Measurement) -> None:
        super().__init__()
        self.measured = measured


def measure(
    estimators: Sequence[Estimator | Method | str],
    cases: Sequence[Case] | None = None,
    exacts: Exacts | None = None,
    on_progress: Callable[[str, Case], None] | None = None,
    *,
    jobs: int = 1,
    cluster: str | None = None,
) -> Measurement:
    """Ask upper bounds about every case of the suite; what is `SKIPPED`, or refused as unsupported, is left out.

    Who does the work, `jobs` or `cluster`, is as in `lipverify.fanout.fan_out`, and changes no number.

    Raises
    ------
    InvalidArgument
        For jobs and clusters that are none.
    InterruptedMeasurement
        On Ctrl-C, with what was measured.
    """
    chosen = suite() if cases is None else tuple(cases)
    known = Exacts() if exacts is None else exacts
    asked = [as_estimator(given) for given in estimators]
    names = tuple(name_of(estimator) for estimator in asked)
    questions = [
        (name, estimator, case)
        for name, estimator in zip(names, asked, strict=True)
        for case in chosen
        if cases is not None or case.name not in SKIPPED.get(name, ())
    ]
    answers: dict[int, _Answer] = {}

    def measured(complete: bool) -> Measurement:
        entries: list[Entry] = []
        unsound: set[Key] = set()
        errors: dict[Key, str] = {}
        for place in sorted(answers):
            name, _, case = questions[place]
            said, seconds = answers[place]
            key: Key = (name, *case.key)
            if isinstance(said, str):
                errors[key] = said
            elif said is not None:
                constant, (bound, rigor) = known(case), said
                entries.append(Entry(*key, bound, constant.upper, "-" if rigor is None else rigor.name, seconds))
                if _unsound(bound, constant.low, rigor):
                    unsound.add(key)
        families = {case.name: case.family for case in chosen}
        return Measurement(tuple(entries), frozenset(unsound), errors, families, names, complete)

    tasks = [partial(_ask, estimator, case) for _, estimator, case in questions]
    done = fan_out(tasks, jobs=jobs, cluster=cluster, lost=lambda place, error: (f"WorkerLost: {error}", 0.0))
    try:
        with closing(done):
            if on_progress is not None and questions:
                on_progress(questions[0][0], questions[0][2])
            for place, answers[place] in done:
                if isinstance(answers[place][0], tuple):
                    known(questions[place][2])  # now: Ctrl-C later on must not wait for it
                if on_progress is not None:
                    on_progress(questions[place][0], questions[place][2])
    except KeyboardInterrupt as interrupt:
        raise InterruptedMeasurement(measured(complete=False)) from interrupt
    return measured(complete=True)


def _ask(estimator: Estimator, case: Case) -> _Answer:
    pair = case.norm
    start = time.perf_counter()
    try:
        said = answer(estimator, case.network, pair.p if pair.p == pair.q else tuple(pair), case.domain)
    except NotImplementedError:
        return None, 0.0
    except Exception as error:  # noqa: BLE001 - what an estimator raises is reported with its case
        return f"{type(error).__name__}: {' '.join(str(error).split())}", 0.0
    seconds = time.perf_counter() - start
    return ((said.upper, said.upper_rigor) if isinstance(said, Bound) else (said, None)), seconds


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


def compare_entries(
    baseline: Iterable[Entry], measured: Measurement, *, rtol: float = RTOL, whole: bool = False
) -> list[Finding]:
    """Every change against the baseline.

    Parameters
    ----------
    rtol
        A ratio above old·(1 + rtol) is looser, one below old·(1 − rtol) tighter.
    whole
        Whether the measurement is meant to cover the whole baseline, so that what nobody asked for is forgotten.
    """
    asked = set(measured.asked)
    stored = {entry.key: entry for entry in baseline}
    old = {key: entry for key, entry in stored.items() if entry.method in asked}
    new = {entry.key: entry for entry in measured.entries}
    found = [Finding(Change.UNSOUND, key, _against(new[key])) for key in sorted(measured.unsound)]
    if measured.complete:
        answered = {entry.method for entry in measured.entries} | {key[0] for key in measured.errors}
        found += [Finding(Change.NOTHING, (name, "*", "*", "*"), "") for name in sorted(asked - answered)]
    if whole:
        forgotten = sorted({entry.method for entry in stored.values()} - asked)
        found += [Finding(Change.FORGOTTEN, (name, "*", "*", "*"), "") for name in forgotten]
    for key in sorted(old.keys() | new.keys() | measured.errors.keys()):
        if key not in new:
            if measured.complete or key in measured.errors:
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
        When a measurement is unsound, failed, or an estimator answered nothing: none of this becomes a standard.
    """
    problems = [f"{' '.join(key)} is below the exact constant" for key in sorted(measured.unsound)]
    problems += [f"{' '.join(key)} raised {error}" for key, error in sorted(measured.errors.items())]
    silent = set(measured.asked) - {entry.method for entry in measured.entries} - {key[0] for key in measured.errors}
    problems += [f"{name} {Change.NOTHING.value}" for name in sorted(silent) if measured.complete]
    if problems:
        raise InvalidArgument("the baseline stays as it is: " + "; ".join(problems))
    old = {entry.key: entry for entry in baseline}
    new = {entry.key for entry in measured.entries}
    kept = [e for e in old.values() if e.method not in measured.asked or not (measured.complete or e.key in new)]
    for entry in measured.entries:
        before = old.get(entry.key)
        same = before is not None and (before.bound, before.exact, before.rigor) == (
            entry.bound,
            entry.exact,
            entry.rigor,
        )
        kept.append(before if before is not None and same else entry)
    return sorted(kept, key=lambda entry: entry.key)
