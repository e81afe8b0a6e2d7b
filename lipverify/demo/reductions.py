"""The page's third tab: other hard problems as networks, solved piece by piece; no browser and no marimo in here."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np

import lipverify as lv
from lipverify.demo.questions import QUESTIONS, Question, Step
from lipverify.demo.rows import row
from lipverify.demo.stream import Stop, streamed
from lipverify.report import digits_down, digits_up

LINES = 700  # weights that a picture of the network still shows
PATIENCE = 5.0  # seconds an estimator may take
ESTIMATORS = ("frobenius", "autolip", "seqlip-greedy", "lipsdp", "seqlip")  # the last one after the search
WHY = {
    "frobenius": "Adds up all squared weights. Knows nothing of directions, so it is far above.",
    "autolip": "Multiplies the layers' norms, as if each layer met its worst input at the same time.",
    "lipsdp": "A semidefinite relaxation of all on/off choices at once, at polynomial cost.",
    "seqlip": "Bounds each pair of neighbouring layers over all on/off choices, whether they happen or not.",
    "seqlip-greedy": "Flips one neuron at a time until nothing improves: meant as an upper bound, it may end BELOW.",
    "local-search": "Flips one neuron at a time between real regions: a lower bound with a witness. "
    "Where the slope is zero all around, it is lost.",
}
OTHER_NORM = " It bounds L₂, which is never below L₁ here, and has the same integer part."
METHODS = {"ascent": "gradient ascent", "enumeration": "enumeration", "branch-and-bound": "branch and bound"}


@dataclass
class _State:
    """What is known so far, as the page reads it."""

    name: str
    question: Question
    version: int
    phase: str = "solving"
    started: float = field(default_factory=time.monotonic)
    rows: list[dict[str, Any]] = field(default_factory=list)
    lower: float = 0.0
    upper: float = math.inf
    low: Fraction = Fraction(0)
    high: Fraction | float = math.inf
    incumbent: lv.Bound | None = None
    last: lv.Bound | None = None
    seconds: float = 0.0

    @property
    def settled(self) -> bool:
        """Whether the problem's value is known, and with it the constant."""
        return self._constant() is not None

    def learn(self, bound: lv.Bound) -> None:
        """Intersect with what a rigorous bound leaves possible."""
        if self.settled:
            return
        low, high = self.question.reduction.interval(bound)
        self.low, self.high = max(self.low, low), min(self.high, high)
        if self.low == self.high or bound.method not in ESTIMATORS:
            self.last, self.seconds = bound, time.monotonic() - self.started
        if bound.upper_rigor >= lv.Rigor.ROUNDED:
            self.upper = min(self.upper, bound.upper)
        if bound.witness is not None and (self.incumbent is None or bound.lower > self.incumbent.lower):
            self.incumbent, self.lower = bound, bound.lower

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"version": self.version, "problem": self.name, "phase": self.phase, "bounds": self.rows}
        data["exact"] = {
            "settled": self.settled,
            "lower": self.lower,
            "upper": self.upper if math.isfinite(self.upper) else None,
            "low": str(self.low),
            "high": "?" if isinstance(self.high, float) else str(self.high),
            "text": self._constant(),
            "value": self.lower if self.settled else None,
            "how": self._how(),
        }
        data["solution"], data["pattern"] = {}, None
        if self.incumbent is not None and self.incumbent.witness is not None:
            data["solution"] = self.question.solution(self.incumbent)
            layers = self.incumbent.witness.pattern
            data["pattern"] = ["".join("1" if on else "0" for on in layer) for layer in layers]
        return data

    def _constant(self) -> str | None:
        if self.low != self.high:
            return None
        exact = self.last if self.last is not None and self.last.status is lv.Status.EXACT else None
        return self.question.constant(self.low, exact)

    def _how(self) -> str:
        if self.last is None:
            return self.question.ahead()
        spent = f"{self.seconds:.2f} s" if self.seconds < 10 else f"{self.seconds:.0f} s"
        counts = [_count(self.last.nodes, "node"), _count(self.last.regions, "region")]
        work = f"{METHODS.get(self.last.method, self.last.method)} ({', '.join(filter(None, [*counts, spent]))})"
        if self.settled:
            return f"Proved by {work}."
        known = f"Proved so far: {digits_down(self.lower)} ≤ L ≤ {digits_up(self.upper)}."
        if self.phase == "done":
            return f"Undecided: {work} did not settle it. {known}"
        return " ".join(filter(None, [f"Still searching: {work}.", self.question.ahead(), known, "Any edit stops it."]))


def _count(number: int | None, what: str) -> str:
    return "" if number is None else f"{number} {what}{'' if number == 1 else 's'}"


def study(request: Mapping[str, Any], stop: Stop = lambda: False) -> Iterator[dict[str, Any]]:
    """States of the tab, each complete, better and better; the last has phase "done".

    A request names its "problem" and holds the formula, the graph or the matrix, or the "text" of one. Text is
    answered by its drawing, for the page to show it and ask again. A state is an {"error": …} when the request holds
    nothing that the page can take. The first state brings the "picture", which stays the same.
    """
    version, name = request.get("version", 0), str(request.get("problem"))[:40]
    try:
        if name not in QUESTIONS:
            raise lv.InvalidArgument(f"{name!r} is none of the problems {', '.join(QUESTIONS)}")
        question = QUESTIONS[name](request)
    except lv.InvalidArgument as error:
        yield {"version": version, "problem": name, "error": str(error)}
        return
    if request.get("text") is not None:
        yield {"version": version, "problem": name, "drawing": question.drawing()}
        return
    state = _State(name, question, version)
    for method in ESTIMATORS[:-1]:
        _estimate(state, method, stop)
        if stop():
            return
    yield state.to_dict() | {"picture": picture(question)}
    for step in question.steps:
        if state.settled:
            break
        for bound in streamed(lambda tell, step=step: _run(question, step, tell), lambda: stop() or state.settled):
            state.learn(bound)
            yield state.to_dict()
        if stop():
            return
    state.phase = "estimating"
    _estimate(state, ESTIMATORS[-1], stop)
    net, p = question.reduction.network, question.reduction.p
    attack = lv.lower(net, question.lower, p=p, time_limit=1.0, on_progress=lambda _: stop())
    state.rows.append(row(question.lower, "lower", attack, WHY[question.lower]))
    if stop():
        return
    state.phase = "done"
    yield state.to_dict()


def _run(question: Question, step: Step, tell: Any) -> lv.Bound:
    reduction = question.reduction
    return step.verb(reduction.network, step.method, p=reduction.p, time_limit=step.seconds, on_progress=tell)


def _estimate(state: _State, method: str, stop: Stop) -> None:
    """A row of an upper bound; the interval learns from it, where it is rigorous."""
    reduction = state.question.reduction
    p: Literal[1, 2] = 1 if reduction.p == 1 and method == "autolip" else 2
    bound = lv.upper(reduction.network, method, p=p, time_limit=PATIENCE, on_progress=lambda _: stop())
    state.rows.append(row(method, "upper", bound, WHY[method] + (OTHER_NORM if p != reduction.p else "")))
    state.learn(bound)


def picture(question: Question) -> dict[str, Any]:
    """What stays the same: the network's layers and, when they are few, its weights as [layer, from, to, sign]."""
    net = question.reduction.network
    lines = [
        [k, int(j), int(i), int(np.sign(weight[i, j]))]
        for k, weight in enumerate(net.weights)
        for i, j in zip(*np.nonzero(weight), strict=True)
    ]
    layers = [net.input_dim, *net.hidden, net.output_dim]
    return {"layers": layers, "lines": lines if len(lines) <= LINES else None, **question.picture()}
