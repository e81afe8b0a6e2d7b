"""Counterexamples as programs: paste one into a file and run it."""

from __future__ import annotations

import math
from fractions import Fraction

from lipverify.domain import Ball, Box, Domain, Polytope
from lipverify.network import Network
from lipverify.norms import NormPair
from lipverify.testing.estimators import importable
from lipverify.testing.witness import Pair

_CHECK = """
def f(x):
    for k, (W, b) in enumerate(zip(WEIGHTS, BIASES)):
        x = [sum(F(w) * v for w, v in zip(row, x)) + F(c) for row, c in zip(W, b)]
        if k < len(SLOPES):  # each neuron's slope left and right of 0
            x = [F(pair[v > 0]) * v for pair, v in zip(SLOPES[k], x)]
    return x

def square(v, p):  # of the p-norm
    return sum(t * t for t in v) if p == 2 else (sum(map(abs, v)) if p == 1 else max(map(abs, v))) ** 2

rise, run = [b - a for a, b in zip(f(X), f(Y))], [b - a for a, b in zip(X, Y)]
print("claimed", CLAIMED, "but the slope from X to Y is", float(square(rise, Q) / square(run, P)) ** 0.5)
assert CLAIMED < 0 or square(rise, Q) > F(CLAIMED) ** 2 * square(run, P)
"""


def upper_snippet(name: str, net: Network, domain: Domain, norm: NormPair, claimed: float, pair: Pair) -> str:
    """A program of the standard library alone that shows a slope above a claimed upper bound."""
    heading = f"{name} claims that {claimed!r} is an upper bound for p = {norm}; two points show that it is not."
    again = [f"# {line}".rstrip() for line in _ask(name, domain, norm)]
    return "\n".join(
        [slope_snippet(heading, net, domain, norm, claimed, pair), "# To ask the estimator again:", *again, ""]
    )


def slope_snippet(
    heading: str, net: Network, domain: Domain, norm: NormPair, claimed: float | Fraction, pair: Pair
) -> str:
    """A program of the standard library alone that finds the slope between two points above a claim."""
    lines = [
        f"# {heading}",
        "from fractions import Fraction as F",
        "from math import inf",
        "",
        *_parameters(net),
        f"P, Q = {_number(norm.p)}, {_number(norm.q)}",
        f"CLAIMED = {_exact(claimed)}",
        f"X = {_point(pair[0])}",
        f"Y = {_point(pair[1])}",
        *_inside(domain),
        _CHECK.rstrip("\n"),
    ]
    return "\n".join([*lines, ""])


def lower_snippet(name: str, net: Network, domain: Domain, norm: NormPair, claimed: float) -> str:
    """A program that shows the exact constant below a claimed lower bound."""
    lines = [
        f"# {name} claims that {claimed!r} is a lower bound for p = {norm}; the exact constant is smaller.",
        "from math import inf",
        "import lipverify as lv",
        "",
        *_parameters(net),
        f"CLAIMED = {claimed!r}",
        f"exact = lv.exact(lv.Network(WEIGHTS, BIASES, SLOPES), p={_norm(norm)}, domain={_domain(domain)})",
        'print("claimed", CLAIMED, "but exactly it is at most", exact.upper)',
        "assert CLAIMED > exact.upper",
        "",
    ]
    return "\n".join(lines)


def failure_snippet(name: str, net: Network, domain: Domain, norm: NormPair, message: str) -> str:
    """A program that asks the estimator the question on which it failed."""
    lines = [
        f"# {name}: {' '.join(message.split())}",
        "from math import inf",
        *_parameters(net),
        *_ask(name, domain, norm),
    ]
    return "\n".join([*lines, ""])


def _ask(name: str, domain: Domain, norm: NormPair) -> list[str]:
    module, _, function = name.partition(":")
    if importable(name):
        head = [f"from {module} import {function.split('.')[0]} as estimator"]
        call = "estimator" + "".join(f".{part}" for part in function.split(".")[1:])
    elif ":" not in name:
        head, call = ["from lipverify.testing.estimators import load"], f"load({name!r})"
    else:
        head, call = [f"# estimator = {name}, which cannot be imported from elsewhere"], "estimator"
    question = f"{call}(lv.Network(WEIGHTS, BIASES, SLOPES), p={_norm(norm)}, domain={_domain(domain)})"
    return ["import lipverify as lv", *head, f"print({question})"]


def _parameters(net: Network) -> list[str]:
    return [
        f"WEIGHTS = {[w.tolist() for w in net.weights]}",
        f"BIASES = {[b.tolist() for b in net.biases]}",
        f"SLOPES = {[s.tolist() for s in net.slopes]}",
    ]


def _inside(domain: Domain) -> list[str]:
    """Lines that check that both points lie in the domain."""
    if isinstance(domain, Box):
        limits = f"zip({domain.lower.tolist()}, v, {domain.upper.tolist()})"
        return [f"assert all(low <= t <= high for v in (X, Y) for low, t, high in {limits})"]
    if isinstance(domain, Ball):
        square = f"sum((t - F(c)) ** 2 for t, c in zip(v, {domain.center.tolist()}))"
        return [f"assert all({square} < F({domain.radius!r}) ** 2 for v in (X, Y))"]
    if isinstance(domain, Polytope):
        rows = f"zip({domain.A.tolist()}, {domain.b.tolist()})"
        product = "sum(F(a) * t for a, t in zip(row, v))"
        return [f"assert all({product} <= limit for v in (X, Y) for row, limit in {rows})"]
    return []


def _domain(domain: Domain) -> str:
    if isinstance(domain, Box):
        return f"lv.Box({domain.lower.tolist()}, {domain.upper.tolist()})"
    if isinstance(domain, Ball):
        return f"lv.Ball({domain.center.tolist()}, {domain.radius!r})"
    if isinstance(domain, Polytope):
        return f"lv.Polytope({domain.A.tolist()}, {domain.b.tolist()})"
    return "lv.Everywhere()"


def _norm(norm: NormPair) -> str:
    return _number(norm.p) if norm.p == norm.q else f"({_number(norm.p)}, {_number(norm.q)})"


def _number(p: float) -> str:
    return "inf" if p == math.inf else str(int(p))


def _exact(x: float | Fraction) -> str:
    return f"F({x.numerator}, {x.denominator})" if isinstance(x, Fraction) else repr(x)


def _point(point: tuple[Fraction, ...]) -> str:
    parts = [f"F({t.numerator}, {t.denominator})" if t.denominator > 1 else f"F({t.numerator})" for t in point]
    return f"[{', '.join(parts)}]"
