"""What an audit reports."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from lipverify.bound import Bound
from lipverify.domain import Domain
from lipverify.errors import LipverifyError
from lipverify.network import Network
from lipverify.norms import NormPair
from lipverify.records import json_float
from lipverify.report import exact_text
from lipverify.tables import table
from lipverify.testing.campaign import End
from lipverify.testing.estimators import AuditSide
from lipverify.testing.verdicts import FINDINGS, Verdict
from lipverify.testing.witness import Pair


@final
@dataclass(frozen=True)
class Counterexample:
    """A question that an estimator answers wrongly, as small as the audit could make it.

    Attributes
    ----------
    network, domain, p
        The question.
    claimed
        The number on the wrong side.
    exact
        The exact constant as a float, rounded towards the claim: claimed < exact for an upper bound.
    witness
        Two rational points with a slope above a claimed upper bound; None for a claimed lower bound.
    snippet
        A program that shows it; for an upper bound it needs the standard library alone.
    truth
        The exact constant with its witness region.
    excess
        By what factor the number is wrong: inf for a claim of 0.
    """

    network: Network
    domain: Domain
    p: NormPair
    claimed: float
    exact: float
    witness: Pair | None
    snippet: str
    truth: Bound
    excess: float

    def __str__(self) -> str:
        question = f"{self.network!r} on {self.domain}, p = {self.p}"
        return f"{question}: claimed {self.claimed!r}, exactly {exact_text(self.truth)}"

    @property
    def factor(self) -> str:
        """By how much the number is wrong, for readers."""
        if self.excess == math.inf:
            return "by any factor"
        return f"by a factor of {self.excess:.4g}" if self.excess >= 1.01 else f"by a relative {self.excess - 1:.1e}"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        return _question(self.network, self.domain) | {
            "p": str(self.p),
            "claimed": json_float(self.claimed),
            "exact": json_float(self.exact),
            "excess": json_float(self.excess),
            "witness": None if self.witness is None else [[str(t) for t in point] for point in self.witness],
            "snippet": self.snippet,
        }


@final
@dataclass(frozen=True)
class Failure:
    """A question that an estimator does not answer: it raises, says NaN, or changes its mind."""

    verdict: Verdict
    message: str
    count: int
    network: Network
    domain: Domain
    snippet: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        said = {"verdict": self.verdict.name, "message": self.message, "count": self.count}
        return said | _question(self.network, self.domain) | {"snippet": self.snippet}


def _question(net: Network, domain: Domain) -> dict[str, Any]:
    arrays = {"weights": net.weights, "biases": net.biases, "slopes": net.slopes}
    return {name: [a.tolist() for a in group] for name, group in arrays.items()} | {"domain": str(domain)}


@final
@dataclass(frozen=True)
class Tightness:
    """How claims compare with exact constants that are not 0: ratios claim / exact, and which is the loosest."""

    count: int
    least: float
    median: float
    ninety: float
    worst: float
    greatest: float

    @classmethod
    def of(cls, ratios: Sequence[float], side: AuditSide) -> Tightness:
        """The summary of at least one ratio."""
        ordered = sorted(ratios, reverse=side == "lower")
        ninety = ordered[math.ceil(0.9 * len(ordered)) - 1]
        middle = statistics.median_low(ordered)
        return cls(len(ordered), min(ordered), middle, ninety, ordered[-1], max(ordered))


@final
@dataclass(frozen=True)
class Report:
    """What an audit found.

    Attributes
    ----------
    estimator, side, p, domain, rtol, seed
        What was asked.
    examples
        How many questions were asked.
    greatest
        The violation by the greatest factor, or None.
    counterexample
        The smallest network with a violation, or None.
    failures
        The smallest example of every crash, NaN and change of mind.
    counts
        How many answers there were of every `Verdict`.
    ratios
        claim / exact by family, where the exact constant is known and not 0.
    wrong
        How many violations there are, by family.
    zeros
        How many constants were 0, and how many of these were claimed as exactly 0.
    seconds, call_seconds
        The audit's wall-clock time, and the estimator's median time per question.
    end
        Whether all was asked, or what came first.
    lost
        How many questions were not asked because every process that asked one of their hundred ended.
    """

    estimator: str
    side: AuditSide
    p: NormPair
    domain: str
    rtol: float
    seed: int
    examples: int
    greatest: Counterexample | None
    counterexample: Counterexample | None
    failures: tuple[Failure, ...]
    counts: Mapping[Verdict, int]
    ratios: Mapping[str, tuple[float, ...]]
    wrong: Mapping[str, int]
    zeros: tuple[int, int]
    seconds: float
    call_seconds: float
    end: End
    lost: int = 0

    @property
    def complete(self) -> bool:
        """Whether all was asked."""
        return self.end is End.COMPLETE

    @property
    def violations(self) -> int:
        """How many answers were on the wrong side by more than rounding."""
        return self.counts[Verdict.VIOLATION]

    @property
    def rounding(self) -> int:
        """How many answers were on the wrong side by no more than rtol."""
        return self.counts[Verdict.ROUNDING]

    @property
    def crashes(self) -> int:
        """How many questions raised an exception."""
        return self.counts[Verdict.CRASH]

    @property
    def nans(self) -> int:
        """How many answers were not a number."""
        return self.counts[Verdict.NAN]

    @property
    def unstable(self) -> int:
        """How many questions got two answers."""
        return self.counts[Verdict.UNSTABLE]

    @property
    def answered(self) -> int:
        """How many questions were not refused as unsupported."""
        return self.examples - self.counts[Verdict.REFUSED]

    @property
    def findings(self) -> int:
        """How many answers the estimator must answer for; rounding is forgiven."""
        return sum(self.counts[verdict] for verdict in FINDINGS)

    @property
    def ok(self) -> bool:
        """Whether something was answered, and there are no findings."""
        return self.answered > 0 and not self.findings

    @property
    def tightness(self) -> dict[str, Tightness]:
        """The distribution of the ratios, by family and over "all"."""
        every = [r for ratios in self.ratios.values() for r in ratios]
        groups = {name: list(ratios) for name, ratios in self.ratios.items()} | {"all": every}
        return {name: Tightness.of(ratios, self.side) for name, ratios in groups.items() if ratios}

    def text(self) -> str:
        """The report for readers."""
        head = f"{self.estimator}: {self.side}, p = {self.p}, {self.domain}"
        effort = f"{self.examples} networks, seed {self.seed}, {self.seconds:.1f} s"
        lines = [head, *self._headline(), f"{effort} (the estimator: {1000 * self.call_seconds:.2f} ms each)"]
        lines += [f"{count:>7}  {verdict.value}" for verdict, count in self.counts.items() if count]
        lines.append(f"a wrong side by at most {self.rtol:g} of the exact constant counts as rounding")
        if not self.complete:
            lines.append(f"{self.end.value}: this speaks of what was asked{'' if self.lost else ' by then'}")
        if self.lost:
            lines.append(f"{self.lost} networks were not asked, since each process that asked some of them ended")
        if not self.examples:
            lines.append("nothing was asked: this says nothing about the estimator")
        elif not self.answered:
            lines.append("every question was refused: nothing was audited")
        lines += self._table()
        for failure in self.failures:
            lines += ["", f"{failure.verdict.value} ({failure.count}): {failure.message}", "", failure.snippet.rstrip()]
        for title, example in (("greatest violation", self.greatest), ("smallest network", self.counterexample)):
            if example is not None and not (title == "smallest network" and example == self.greatest):
                lines += ["", f"{title}: {example}", "", example.snippet.rstrip()]
        return "\n".join(lines)

    def _headline(self) -> list[str]:
        """What is worst, before everything else."""
        if self.greatest is None:
            return []
        question = f"on {self.greatest.network!r}"
        claimed, exact = f"{self.greatest.claimed!r} where L = {exact_text(self.greatest.truth)}", self.greatest.factor
        return [f"NOT A BOUND: it claims {claimed} {question}, wrong {exact}"]

    def _table(self) -> list[str]:
        """The ratios by family, those that may be wrong first; the worst are the loosest."""
        families = self.tightness
        if not families and not self.wrong:
            return []
        end = "greatest" if self.side == "lower" else "least"
        header = ("claim / exact", "n", end, "median", "90 %", "worst", *(["wrong"] if self.wrong else []))
        cells = [header]
        for name in dict.fromkeys([*sorted({*families, *self.wrong} - {"all"}), "all"]):
            t = families.get(name)
            numbers = [] if t is None else [getattr(t, end), t.median, t.ninety, t.worst]
            wrong = sum(self.wrong.values()) if name == "all" else self.wrong.get(name, 0)
            count = "0" if t is None else str(t.count)
            shown = [f"{r:.4g}" for r in numbers] or [""] * 4
            cells.append((name, count, *shown, *([str(wrong)] if self.wrong else [])))
        lines = ["", *table(cells, left=(0,))]
        if self.zeros[0]:
            lines.append(f"the constant is 0: {self.zeros[0]}, claimed as 0: {self.zeros[1]}")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready data."""
        keys = ("estimator", "side", "domain", "rtol", "seed", "examples", "lost", "seconds", "call_seconds")
        return {key: getattr(self, key) for key in keys} | {
            "complete": self.complete,
            "ok": self.ok,
            "p": str(self.p),
            "counts": {verdict.name: count for verdict, count in self.counts.items()},
            "zeros": {"networks": self.zeros[0], "claimed": self.zeros[1]},
            "tightness": {
                name: {"count": t.count}
                | {k: json_float(getattr(t, k)) for k in ("least", "median", "ninety", "worst", "greatest")}
                for name, t in self.tightness.items()
            },
            "violations": dict(self.wrong),
            "greatest": None if self.greatest is None else self.greatest.to_dict(),
            "failures": [failure.to_dict() for failure in self.failures],
            "counterexample": None if self.counterexample is None else self.counterexample.to_dict(),
        }


class InterruptedAudit(KeyboardInterrupt):
    """Ctrl-C during an audit.

    Attributes
    ----------
    report
        On what was asked by then; its findings are not shrunk.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(f"interrupted after {report.examples} networks")
        self.report = report


class Unsound(LipverifyError, AssertionError):
    """An estimator broke its promise on a network.

    Attributes
    ----------
    verdict
        What it did.
    counterexample
        The wrong number, when it gave one.
    """

    def __init__(self, message: str, verdict: Verdict, counterexample: Counterexample | None) -> None:
        super().__init__(message)
        self.verdict = verdict
        self.counterexample = counterexample
