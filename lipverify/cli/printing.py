"""Answers on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any

import lipverify as lv
from lipverify.records import bound_to_dict
from lipverify.report import digits_down, digits_up, exact_text
from lipverify.text import printable

COUNTS = ("regions", "nodes", "lps")


def say(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(printable(text, keep="\n") + "\n")


def say_aside(text: str) -> None:
    """Write a line to stderr."""
    sys.stderr.write(printable(text, keep="\n") + "\n")


def say_json(data: dict[str, Any]) -> None:
    """Write one JSON object to stdout; NaN and infinities would be no JSON and are refused."""
    text = json.dumps(data, indent=2, allow_nan=False, ensure_ascii=False)
    if not text.replace("\n", "").isprintable():
        text = json.dumps(data, indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")


def say_bound(bound: lv.Bound, net: lv.Network, domain: Any, norm: Any, *, as_json: bool) -> None:
    """Write one method's answer, as text or as a JSON object."""
    if as_json:
        problem = {"network": repr(net), "digest": net.digest, "domain": str(domain), "p": str(norm)}
        say_json(problem | bound_to_dict(bound))
        return
    say(f"network: {net!r}")
    say(f"domain: {domain}, p = {norm}")
    for line in _answer(bound):
        say(line)
    counts = [f"{bound.stats[key]} {key}" for key in COUNTS if key in bound.stats]
    say(", ".join([bound.method, *counts, f"{bound.seconds:.2f} s"]))
    say(f"status: {bound.status.value}")
    if bound.subject:
        say(f"subject: {bound.subject}")


def _answer(bound: lv.Bound) -> list[str]:
    """The value, then each side that the method gave with what it rests on."""
    lines = [f"L = {exact_text(bound)}"] if bound.status is lv.Status.EXACT else []
    lower = f"L ≥ {digits_down(bound.lower)}  ({bound.lower_rigor.name}: {bound.lower_rigor.value})"
    upper = f"L ≤ {digits_up(bound.upper)}  ({bound.upper_rigor.name}: {bound.upper_rigor.value})"
    one_sided = bound.status is lv.Status.ONE_SIDED
    if not (one_sided and bound.lower == 0.0 and bound.upper < float("inf")):
        lines.append(lower)
    if not (one_sided and bound.upper == float("inf") and bound.lower > 0.0):
        lines.append(upper)
    return lines
