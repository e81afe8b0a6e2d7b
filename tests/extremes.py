"""Tiny networks at the far ends of float64, every method asked, every answer held to Fractions.

The generator is a stranger to `lipverify.testing.strategies`: weights, biases, slopes and boxes have exponents of up
to ±1000, alone, cancelling between layers, or cancelling neuron by neuron; rows repeat, oppose and vanish. Truth
is `tests.oracle`. Run one case or many by hand:

    python -m tests.extremes 0 1000        # seeds 0 to 999; prints what is wrong, and a count at the end
"""

from __future__ import annotations

import itertools
import math
import random
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import lipverify as lv
from lipverify.norms import norm_pair
from lipverify.problem import Problem
from tests import oracle

NORMS = (1, 2, math.inf)
PAIRS = tuple((p, q) for p in NORMS for q in NORMS)
LIMIT = 4.0
"""Seconds for one method; what it has by then must be valid."""
EVERY = 200
"""Networks between two signs of life."""
HINT = 0.002
"""Seconds for a lower method: what they report was verified exactly, early or late."""
ALLOWED = (lv.UnsupportedNorm, lv.UnsupportedDomain, lv.OutOfRange)
"""Refusals that are answers: outside a method's table, or beyond float64 with the advice to scale."""


@dataclass(frozen=True)
class Case:
    """One question."""

    net: lv.Network
    domain: lv.Box | lv.Polytope | None
    pair: tuple[float, float]


# The generator -------------------------------------------------------------------------------------


def case(seed: int) -> Case:
    """The question of a seed."""
    rng = random.Random(seed)
    net = _network(rng)
    return Case(net, _domain(rng, net), rng.choice(PAIRS))


def _network(rng: random.Random) -> lv.Network:
    widths = [rng.choice((1, 1, 1, 2, 2, 3)), *(rng.randint(1, 4) for _ in range(rng.choice((0, 1, 1, 2, 2))))]
    if widths[0] == 3:
        widths[1:] = [min(w, 3) for w in widths[1:]]
    widths.append(rng.choice((1, 1, 2, 3)))
    layers = len(widths) - 1
    weights = [_matrix(rng, m, n) for n, m in itertools.pairwise(widths)]
    biases = [[_number(rng, 0.4) for _ in range(m)] for m in widths[1:]]
    slopes = [[_slopes(rng) for _ in range(m)] for m in widths[1:-1]]
    reach = rng.choice((0, 30, 300, 520, 700, 1000, 1000))
    kind = rng.choice(("ordinary", "layers", "neurons", "neurons", "entries", "few", "mixed", "mixed"))
    if kind in ("layers", "mixed"):  # each layer at its own scale, the last one taking most of it back
        total = 0
        for k in range(layers):
            e = rng.randint(-reach, reach)
            if k == layers - 1 and rng.random() < 0.7:
                e = -total
            total += e
            weights[k] = [[_shift(x, e) for x in row] for row in weights[k]]
            biases[k] = [_shift(x, total) for x in biases[k]]
    if kind in ("neurons", "mixed"):  # a neuron's row up, its column down
        for k in range(layers - 1):
            for i in range(widths[k + 1]):
                e = rng.randint(-reach, reach)
                weights[k][i] = [_shift(x, e) for x in weights[k][i]]
                biases[k][i] = _shift(biases[k][i], e)
                part = rng.choice((0, 0, e // 2, e, rng.randint(-reach, reach)))
                slopes[k][i] = [_shift(x, -part) for x in slopes[k][i]]
                for row in weights[k + 1]:
                    row[i] = _shift(row[i], part - e)
    if kind in ("entries", "few"):
        rungs = [rng.randint(-reach, reach) for _ in range(3)] + [0]
        for k in range(layers):
            for row in (*weights[k], biases[k], *(slopes[k] if k < layers - 1 else ())):
                for j, x in enumerate(row):
                    e = rng.choice(rungs) if kind == "few" else rng.randint(-reach, reach)
                    row[j] = _shift(x, e)
    return lv.Network(weights, biases, slopes)


def _matrix(rng: random.Random, m: int, n: int) -> list[list[float]]:
    rows: list[list[float]] = []
    for _ in range(m):
        if rows and rng.random() < 0.3:  # the same hyperplane again, opposed, or shrunk
            factor = rng.choice((1.0, -1.0, 0.75, -0.5))
            rows.append([factor * x for x in rng.choice(rows)])
        else:
            rows.append([_number(rng, 0.2) for _ in range(n)])
    return rows


def _number(rng: random.Random, zero: float) -> float:
    if rng.random() < zero:
        return 0.0
    if rng.random() < 0.75:
        return float(rng.choice((-3, -2, -1, -1, 1, 1, 2, 3)))
    return rng.uniform(-2.0, 2.0)


def _slopes(rng: random.Random) -> list[float]:
    if rng.random() < 0.6:
        return [0.0, 1.0]
    return rng.choice(([-1.0, 1.0], [0.5, 1.0], [1.0, 1.0], [_number(rng, 0.2), _number(rng, 0.2)]))


def _shift(x: float, e: int) -> float:
    """x · 2^e inside float64: what would overflow keeps its own exponent, what would vanish becomes 0 or subnormal."""
    if x == 0.0:
        return x
    return math.ldexp(x, max(-2200, e)) if math.frexp(x)[1] + e < 1024 else x


def _domain(rng: random.Random, net: lv.Network) -> lv.Box | lv.Polytope | None:
    if rng.random() < 0.35:
        return None
    d = net.input_dim
    scales = [math.frexp(abs(x))[1] for x in net.biases[0].tolist() if x] or [0]
    inner = [math.frexp(abs(x))[1] for x in net.weights[0].ravel().tolist() if x] or [0]
    lower, upper = [], []
    for _ in range(d):
        e = rng.choice((0, rng.randint(-1000, 1000), rng.choice(scales) - rng.choice(inner), rng.choice(scales)))
        e = max(-1020, min(1020, e))
        a = math.ldexp(rng.choice((0.0, -1.0, -1.0, 1.0, rng.uniform(-2, 2))), e)
        width = math.ldexp(rng.choice((1.0, 2.0, 3.0, rng.uniform(0.5, 2))), e - rng.choice((0, 0, 0, 1, 20, 45)))
        b = a + width
        if not a < b < math.inf:
            a, b = -1.0, 1.0
        lower.append(a)
        upper.append(b)
    if rng.random() < 0.75:
        return lv.Box(lower, upper)
    rows = [[float(s * (i == j)) for j in range(d)] for s in (1, -1) for i in range(d)]
    limits = [*upper, *(-x for x in lower)]
    if rng.random() < 0.5:  # not bounded any more
        del rows[-1], limits[-1]
    if rng.random() < 0.5:
        e = rng.randint(-400, 400)
        rows = [[_shift(x, e) for x in row] for row in rows]
        if all(math.frexp(x)[1] + e < 1020 for x in limits):
            limits = [_shift(x, e) for x in limits]
    half_spaces = [
        oracle.half_space([-Fraction(x) for x in row], Fraction(b)) for row, b in zip(rows, limits, strict=True)
    ]
    if oracle.point_inside(half_spaces, d) is None:  # flat, once its limits underflowed
        return lv.Box(lower, upper)
    return lv.Polytope(rows, limits)


# The judgement -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Finding:
    """Something that must not be: a wrong side, or an exception that is no answer."""

    seed: int
    kind: str
    method: str
    text: str

    def __str__(self) -> str:
        return f"{self.seed} {self.kind} {self.method}: {self.text}"


def findings(seed: int, counts: Counter[str] | None = None, limit: float = LIMIT) -> Iterator[Finding]:
    """Everything that is wrong with the answers to the question of a seed."""
    question = case(seed)
    counts = Counter() if counts is None else counts
    truth = oracle.regions(question.net, question.domain)
    jacobians = list({region.jacobian for region in truth})
    pair = norm_pair(question.pair)
    problem = Problem(question.net, pair, question.domain or lv.Everywhere())
    verbs = {"upper": lv.upper, "lower": lv.lower, "exact": lv.exact}
    for info in lv.methods():
        if pair not in info.norms or (info.needs_box and not problem.domain.bounded):
            continue
        given: dict[str, Any] = {"p": question.pair, "domain": question.domain, "seed": 0}
        given["time_limit"] = HINT if info.side == "lower" else limit
        if info.side == "exact":
            given["rel_gap"] = random.Random(seed).choice((0, 0, 1e-3, 10.0))
        try:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                bound = verbs[info.side](question.net, info.name, **given)
        except ALLOWED as error:
            counts[f"refused {type(error).__name__}"] += 1
            continue
        except Exception as error:  # noqa: BLE001 (whatever it is, it is a finding)
            yield Finding(seed, "CRASH", info.name, f"{type(error).__name__}: {str(error)[:200]}")
            continue
        counts["calls"] += 1
        for warning in heard[:1]:
            yield Finding(seed, "WARNING", info.name, f"{warning.message} ({warning.filename}:{warning.lineno})")
        counts[bound.status.name] += 1
        for kind, text in _wrong(question, jacobians, bound):
            yield Finding(seed, kind, info.name, text)
    try:
        found = len(list(lv.regions(question.net, question.domain)))
    except ALLOWED:
        return
    except Exception as error:  # noqa: BLE001
        yield Finding(seed, "CRASH", "regions", f"{type(error).__name__}: {str(error)[:200]}")
        return
    if found != len(truth):
        yield Finding(seed, "WRONG", "regions", f"{found} regions; there are {len(truth)}")


def _wrong(question: Case, jacobians: list[oracle.Matrix], bound: lv.Bound) -> Iterator[tuple[str, str]]:
    p, q = question.pair
    if bound.lower_rigor >= lv.Rigor.ROUNDED and not oracle.encloses(jacobians, bound.lower, math.inf, p, q):
        yield "WRONG", f"lower {bound.lower!r} ({bound.lower_rigor.name}) is above the constant"
    if bound.upper_rigor >= lv.Rigor.ROUNDED and not oracle.encloses(jacobians, 0.0, bound.upper, p, q):
        yield "WRONG", f"upper {bound.upper!r} ({bound.upper_rigor.name}) is below the constant"
    if bound.status is lv.Status.EXACT:
        square = oracle.largest_square(jacobians, p, q)
        if square is not None and bound.exact_square != square:
            yield "WRONG", f"exact_square is {_short(bound.exact_square)}; the constant's is {_short(square)}"
        if bound.exact_square is not None and not all(oracle.at_most(J, bound.exact_square, p, q) for J in jacobians):
            yield "WRONG", f"exact_square {_short(bound.exact_square)} is below the constant's"
    if bound.witness is not None:
        here = oracle.locate(question.net, question.domain, bound.witness.point)
        if here is None or here[0] != bound.witness.pattern:
            yield "WRONG", f"the witness {bound.witness} is not in its region"
        elif not oracle.encloses([here[1]], bound.lower, math.inf, p, q):
            yield "WRONG", f"the witness does not reach {bound.lower!r}"


def _short(value: Fraction | None) -> str:
    if value is None or value == 0:
        return str(value)
    e = value.numerator.bit_length() - value.denominator.bit_length()
    return f"{float(value / Fraction(2) ** e)!r}·2^{e}"


def main(start: int, count: int, limit: float = LIMIT) -> None:
    """Run seeds start … start + count − 1."""
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    begun = time.monotonic()
    for seed in range(start, start + count):
        for finding in findings(seed, counts, limit):
            kinds[finding.kind] += 1
            print(finding, flush=True)
        counts["networks"] += 1
        if counts["networks"] % EVERY == 0:
            print(counts["networks"], "networks", dict(kinds), flush=True)
    print(dict(kinds), dict(counts), f"{time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
