"""Primitives of `lipverify.trusted` that err on the wrong side, one package of their users at a time.

A mutant of a primitive returns what it should, 2⁻¹⁶ too small (of an error, nothing; of an interval, too narrow). It
is put in the place of the true one in the modules of one package, and the tests of that package have to fail:

    python -m tests.trusted.mutants                      # all that are used: hours
    python -m tests.trusted.mutants rounding.norm_up     # one primitive; or rounding.norm_up:estimators, in one package

It prints a line a mutant, KILLED or SURVIVED, and ends with status 1 where one survives.
"""

from __future__ import annotations

import ast
import functools
import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "lipverify"
WISH = "LIPVERIFY_MUTANT"
PART = 2.0**-16

# What errs, and where ---------------------------------------------------------------------------------


def smaller(value: Any) -> Any:
    return value - PART * np.abs(value)


def larger(value: Any) -> Any:
    return value + PART * np.abs(value)


def nothing(value: Any) -> Any:
    return np.zeros_like(value)[()]


def no_first(values: tuple[Any, Any]) -> tuple[Any, Any]:
    return nothing(values[0]), values[1]


def no_last(values: tuple[Any, Any]) -> tuple[Any, Any]:
    return values[0], nothing(values[1])


def narrower(values: tuple[Any, ...]) -> tuple[Any, ...]:
    low, high, *rest = values
    with np.errstate(invalid="ignore"):
        inside = np.isfinite(low) & np.isfinite(high)
        cut = PART * np.where(inside, np.maximum(np.abs(low), np.abs(high)), 0.0)
    return np.minimum(low + cut, high), np.maximum(high - cut, low), *rest


UPPER = (
    "rounding.up rounding.ups rounding.float_up rounding.grown rounding.upper rounding.upper_end rounding.times_up "
    "rounding.quotient_up rounding.square_root_up rounding.total_up rounding.half_widths rounding.norm_up "
    "intervals.magnitude vectors.vector_upper vectors.vectors_upper semidefinite.largest_eigenvalue_up "
    "functionals.upper_bounds functionals.charged multipliers.weak_duality spectral.certifier.spectral_upper "
    "spectral.certifier.spectral_uppers spectral.certifier.cholesky_uppers spectral.convolution.convolution_upper "
    "spectral.dense.dense_upper"
)
LOWER = "rounding.down rounding.downs rounding.float_down rounding.lower_end"
ERRORS = "rounding.sum_error chains.diagonal_error semidefinite.eigenvalue_slack float_formats.bend_error"
FIRST = "chains.form_errors float_formats.affine_error"
LAST = "chains.chain_error intervals.middle"
INTERVALS = "intervals.affine intervals.bent intervals.scaled intervals.widened intervals.matrix_product"
WAYS: dict[str, Callable[[Any], Any]] = {
    name: way
    for names, way in (
        (UPPER, smaller),
        (LOWER, larger),
        (ERRORS, nothing),
        (FIRST, no_first),
        (LAST, no_last),
        (INTERVALS, narrower),
    )
    for name in names.split()
}

PROPOSALS = {
    ("rounding.float_down", "certificates"): "what the float bounds aim at; the checker's rules read all they find",
}
"""Uses that no number rests on, and why."""


def users() -> Iterator[tuple[str, str]]:
    """Every primitive with every package (a folder of `lipverify`, or a module of its top) that rests on it."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE).parts
        if inside[0] == "trusted":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lipverify.trusted."):
                room = str(node.module).removeprefix("lipverify.trusted.")
                found |= {(f"{room}.{name.name}", inside[0].removesuffix(".py")) for name in node.names}
    yield from sorted((name, package) for name, package in found if name in WAYS and (name, package) not in PROPOSALS)


# The tests with one mutant ----------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    """Put the mutant in its place; this module is a plugin of the run that looks for it."""
    name, package = os.environ[WISH].split(":")
    room, _, function = name.rpartition(".")
    original = getattr(importlib.import_module(f"lipverify.trusted.{room}"), function)

    @functools.wraps(original)
    def mutant(*args: Any, **kwargs: Any) -> Any:
        return WAYS[name](original(*args, **kwargs))

    for path in sorted((PACKAGE / package).rglob("*.py")) or [PACKAGE / f"{package}.py"]:
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for key, value in list(vars(module).items()):
            if value is original:
                setattr(module, key, mutant)


def killed(name: str, package: str) -> bool:
    """Whether the tests of the package fail with the mutant."""
    tests = [path for path in (ROOT / "tests" / package, ROOT / "tests" / f"test_{package}.py") if path.exists()]
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "tests.trusted.mutants", *map(str, tests)]
    environment = {**os.environ, WISH: f"{name}:{package}", "CI": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if run.returncode not in (0, 1):
        raise RuntimeError(f"the tests of {package} did not run with {name}:\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
    return run.returncode == 1


def main(wishes: list[str]) -> int:
    """Try what is wished for, or all; 1 where a mutant survives."""
    survived = 0
    for name, package in users():
        if not wishes or name in wishes or f"{name}:{package}" in wishes:
            dead = killed(name, package)
            survived += not dead
            print("KILLED  " if dead else "SURVIVED", name, package, flush=True)
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
