"""Write the corpora of certificates as terms for Checker.v: python3 proofs/translate.py > proofs/build/Corpora.v

Every case of tests/certificates/accept and reject becomes a term, with a proof by computation that the verified
checker says of it what checker.py says: true for accept, false for reject. Cases with the rule SDP are left out, which
Checker.v does not know, and said to be on standard error. Only the standard library is needed.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).resolve().parents[1] / "tests" / "certificates"
NORMS = {"1": "L1", "2": "L2", "inf": "Linf"}
RULES = {"split", "empty", "slopes"}


def number(text: str) -> str:
    """A rational number: a decimal, a fraction or a hexadecimal float."""
    value = number_of(text)
    return f"Num ({value.numerator}) {value.denominator}"


def listed(item: Callable[[Any], str], values: Iterable[Any]) -> str:
    """A list."""
    return "[:: " + "; ".join(map(item, values)) + "]"


def vector(values: list[str]) -> str:
    """A vector of numbers."""
    return listed(number, values)


def matrix(rows: list[list[str]]) -> str:
    """A list of rows."""
    return listed(vector, rows)


def network(record: dict[str, Any]) -> str:
    """The layers, from the last one to the first."""
    weights, biases = record["weights"], record["biases"]
    term = f"Last {matrix(weights[-1])} {vector(biases[-1])}"
    for W, b, slopes in reversed(list(zip(weights[:-1], biases[:-1], record["slopes"], strict=True))):
        pairs = listed(lambda pair: f"({number(pair[0])}, {number(pair[1])})", slopes)
        term = f"Layer {matrix(W)} {vector(b)} {pairs} ({term})"
    return term


def domain(case: dict[str, Any]) -> str:
    """The domain; a facet of A x <= b is b - A x."""
    if case.get("box"):
        return f"Box {vector(case['box']['lower'])} {vector(case['box']['upper'])}"
    if case.get("polytope"):
        A, b = case["polytope"]["A"], case["polytope"]["b"]
        facets = [([str(-Fraction(number_of(x))) for x in row], c) for row, c in zip(A, b, strict=True)]
        return "Polytope " + listed(lambda f: f"({vector(f[0])}, {number(f[1])})", facets)
    if case.get("ball"):
        return f"Ball {vector(case['ball']['center'])} ({number(case['ball']['radius'])})"
    return "Polytope [::]"


def number_of(text: str) -> Fraction:
    """The number that a string writes."""
    return Fraction(float.fromhex(text)) if "x" in text else Fraction(text)


def multipliers(pairs: list[list[int]]) -> str:
    """Rows and their positive multipliers."""
    return listed(lambda p: f"({f'Neuron {p[0]}' if p[0] >= 0 else f'Facet {-1 - p[0]}'}, {p[1]}%positive)", pairs)


def step(record: list[Any]) -> str:
    """One step of the tree."""
    rule, *rest = record
    if rule == "split":
        return f"Split {rest[0]}"
    if rule == "empty":
        return f"Empty {multipliers(rest[0])}"
    return "Slopes"


def optional(item: Callable[[Any], str], value: Any) -> str:
    """Something, or null."""
    return "None" if value is None else f"(Some ({item(value)}))"


def call(case: dict[str, Any]) -> str:
    """The checker's call."""
    p, q = [NORMS[x] for x in (case["p"].split(":") * 2)[:2]]
    given = case["certificate"]
    certificate = " ".join(
        [
            optional(vector, given["witness"]),
            optional(number, given["enough"]),
            optional(lambda steps: listed(step, steps), given["tree"]),
        ]
    )
    upper = optional(number, None if case["upper"] == "inf" else case["upper"])
    inputs = len(case["network"]["weights"][0][0])
    return (
        f"check {inputs} ({network(case['network'])}) ({domain(case)}) {p} {q} ({number(case['lower'])}) {upper} "
        f"(Certificate {certificate})"
    )


def main() -> None:
    """Write all cases to standard output, and what is left out to standard error."""
    lines = [
        "(* Written by translate.py: the verdicts of the verified checker on the corpora of certificates. *)",
        "From Coq Require Import ZArith.",
        "From mathcomp Require Import all_ssreflect.",
        "From Lipverify Require Import Rationals Checker.",
    ]
    left_out = []
    for folder, verdict in (("accept", "true"), ("reject", "false")):
        for path in sorted((CORPORA / folder).glob("*.json")):
            case = json.loads(path.read_text(encoding="utf-8"))
            if {s[0] for s in case["certificate"]["tree"] or ()} - RULES:
                left_out.append(f"{folder}/{path.stem}")
                continue
            name = re.sub(r"\W", "_", f"{folder}_{path.stem}")
            lines += [f"Theorem {name} : {call(case)} = {verdict}.", "Proof. by vm_compute. Qed."]
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stderr.write(f"Left out, with the rule SDP: {', '.join(left_out)}\n")


if __name__ == "__main__":
    main()
