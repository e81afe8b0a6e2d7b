"""The float reader of the search by layers with one of its charges for rounding left out.

Each mutant is a line of its source with a term gone. Loops are interpreted, so that a mutant costs no compiling.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any
from unittest import mock

PARTS = ("sizes", "forms", "cones", "passes", "blocks", "floats")

# name: what stands there in which part, and what stands there instead
MUTANTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "rounding of forms": (("sizes", "error + gamma(n + 8) * form + lost", "error + lost"),),
    "magnified underflow of forms": (("sizes", "+ lost[:, None] + magnified)", "+ lost[:, None])"),),
    "errors of forms below": (("sizes", "error = (error + gamma(n", "error = (gamma(n"),),
    "rounding of shifts": (("sizes", "shift_error + gamma(n + 8) * shift + lost", "shift_error + lost"),),
    "magnified underflow of shifts": (("sizes", "+ lost + magnified_shift)", "+ lost)"),),
    "errors of shifts below": (("sizes", "shift_error = (shift_error + gamma(n", "shift_error = (gamma(n"),),
    "biases in the size of shifts": (("sizes", "(shift + np.abs(chain.biases[k]) + lost)", "(shift + lost)"),),
    "forms' errors in values": (("sizes", "(all_errors @ reach + np.concatenate", "(np.concatenate"),),
    "shifts' errors in values": (("sizes", "reach + np.concatenate(shift_errors) + lost", "reach + lost"),),
    "rounding of linear bounds": (
        ("sizes", "4 * depth * gamma(terms + 30 * depth) * value + value_error", "value_error"),
    ),
    "forms' errors in linear bounds": (("sizes", "* value + value_error + TINY", "* value + TINY"),),
    "underflow of linear bounds": (("sizes", " + TINY * (terms + 8) * (1 + met)", ""),),
    "magnified underflow of linear bounds": (("sizes", "(terms + 8) * (1 + met)", "(terms + 8)"),),
    "underflow of the size of functionals": (
        ("sizes", "size = size + TINY * (link.shape[1] + 4) * met", "size = size"),
    ),
    "underflow of tightened ranges": (("sizes", "= slack + lost * met", "= slack"),),
    "what underflows from layer to layer": (
        ("sizes", "lost = lost + TINY * (total + 8) * (1 + 4 * float(((1 + steep[t]) * size).sum()))", "pass"),
    ),
    "what underflows first": (("sizes", "(1 + 4 * float(((1 + steep[-1]) * size).sum()))", "1"),),
    "what underflows behind a slope": (("sizes", "float(((1 + steep[t]) * size)", "float((steep[t] * size)"),),
    "what underflows before a slope": (("sizes", "float(((1 + steep[t]) * size)", "float(((1) * size)"),),
    "rounding of entries": (("sizes", "entry = rounding * reach + (start_error", "entry = (start_error"),),
    "errors of the start in entries": (("sizes", " + (start_error @ (steep[0] * size)) * (1 + rounding)", ""),),
    "underflow of entries": (("sizes", "entry = entry + lost * (1 + start.sum(axis=1))", "entry = entry"),),
    "magnified underflow of entries": (("sizes", "lost * (1 + start.sum(axis=1))", "lost"),),
    "errors of a pass": (("sizes", "float(entry.sum() * (1 + gamma(len(start) + 8)) * 2)", "0.0"),),
    "error of a claim": (("forms", "charge = error + 2.0", "charge = 2.0"),),
    "rounding of a claim": (("forms", "error + 2.0 * rounding * size + lost", "error + lost"),),
    "underflow of a claim": (("forms", " + lost * (1.0 + mass)", ""),),
    "underflow by multipliers": (("forms", "lost * (1.0 + mass)", "lost"),),
    "form in the size of a claim": (("forms", "size += abs(a[j]) * flat.reach[j]", "pass"),),
    "rows in the size of a claim": (("forms", "size += x * sizes.rows[r]", "pass"),),
    "values in the size of a claim": (("forms", "size += x * sizes.value[v]", "pass"),),
    "errors of values in a claim": (("forms", "error += x * sizes.value_error[v]", "pass"),),
    "rounding of rows that are combined": (("cones", "(total + 8.0 * rounding * mass + lost)", "(total + lost)"),),
    "rounding of what is combined": (("cones", "(8.0 * rounding * mass + lost) * up", "lost * up"),),
    "underflow of what is combined, wherever it is charged": (
        ("cones", "(8.0 * rounding * mass + lost) * up", "8.0 * rounding * mass * up"),
        ("cones", "* up + lost < x[j]", "* up < x[j]"),
    ),
    "error of a combination": (("cones", "+ lost < x[j] - off[j]", "+ lost < x[j]"),),
    "error of ranges above the front": (("forms", "error, size = sizes.relaxed_error[v], s", "error, size = 0.0, s"),),
    "error of tightened ranges of v": (("passes", "lines, c, spare) + more[k, i]", "lines, c, spare)"),),
    "error of the tree": (("passes", "rest = error", "rest = 0.0"),),
    "error of a norm": (("floats", "found[:, 1]) + found[:, 2], np.inf)", "found[:, 1]), np.inf)"),),
    "underflow of forms, wherever it is charged": (
        ("sizes", "* form + lost[:, None] + magnified)", "* form + magnified)"),
        ("sizes", "form = form + lost[:, None]", "form = form"),
    ),
    "underflow of shifts, wherever it is charged": (
        ("sizes", "* shift + lost + magnified_shift)", "* shift + magnified_shift)"),
        ("sizes", "np.abs(chain.biases[k]) + lost) * up", "np.abs(chain.biases[k])) * up"),
    ),
    "error at the other end, wherever it is charged": (
        ("sizes", "self.end[front, : len(off)] = off", "self.end[front, : len(off)] = 0.0"),
        ("sizes", "np.nextafter(size + off, np.inf)", "np.nextafter(size, np.inf)"),
    ),
    "error of an entry of a block": (("blocks", "smaller(end, reach) + charge", "smaller(end, reach)"),),
    "forms' errors at the ends of a block": (
        ("sizes", "(LARGEST * off.sum(axis=0) + gamma(2 * len(given) + 16)", "(gamma(2 * len(given) + 16)"),
    ),
    "turns that make a block smaller": (("floats", " / np.sqrt(_singular(turns[0]) * _singular(turns[1])) *", " *"),),
    "turns that make a block smaller, the rows": (("floats", "_singular(turns[0]) * _singular", "_singular"),),
    "turns that make a block smaller, the columns": (("floats", " * _singular(turns[1])", ""),),
    "the other side of an entry of a block": (
        ("blocks", "                side = -1.0\n", "                side = 1.0\n"),
    ),
    "ratios of the power method but the first": (("blocks", "larger(square, z[b] / x[b])", "z[0] / x[0]"),),
}


@contextlib.contextmanager
def interpreted(name: str | None = None) -> Iterator[Any]:
    """`FloatReader`, interpreted, without one of the charges."""
    kernels = ModuleType("lipverify.kernels")
    for word in ("compiled", "inner_in_order"):
        setattr(kernels, word, lambda function: function)
    with mock.patch.dict(sys.modules, {"lipverify.kernels": kernels}):
        for part in PARTS:
            found = _without(part, MUTANTS[name] if name else ())
            sys.modules[found.__name__] = found
        yield found.FloatReader


def _without(part: str, changes: tuple[tuple[str, str, str], ...]) -> ModuleType:
    name = f"lipverify.trusted.evidence_{part}"
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    with open(spec.origin) as file:
        source = file.read()
    for where, old, new in changes:
        if where == part:
            assert source.count(old) == 1, (old, source.count(old))
            source = source.replace(old, new)
    module = ModuleType(name)
    module.__file__ = spec.origin
    exec(compile(source, spec.origin, "exec"), module.__dict__)
    return module
