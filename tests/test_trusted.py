"""Rounding is accounted for in one package: nobody else names its constants, steps to a next float, or factorises."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lipverify as lv

PACKAGE = Path(lv.__file__).resolve().parent
OWN = ("trusted",)
PROPOSALS = ("attacks", "engine", "relaxations/barrier.py", "relaxations/compiled.py")
"""Floats that only propose, and are verified elsewhere, may step and factorise as they like."""
CONSTANTS = frozenset({"gamma", "U", "TINY"})
STEPS = frozenset({"nextafter"})
MODULES = ("np", "numpy", "math", "np.linalg", "numpy.linalg", "scipy.linalg", "linalg")
FACTORISATIONS = frozenset({"cholesky", "cho_factor", "ldl"})


def accounts(package: Path) -> Iterator[str]:
    """Every place outside the trusted package that accounts for rounding by itself, as file:line and what."""
    for path in sorted(package.rglob("*.py")):
        where = path.relative_to(package).as_posix()
        if where.startswith(OWN):
            continue
        proposes = where.startswith(PROPOSALS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for name in names(node):
                if name in CONSTANTS or (name in STEPS | FACTORISATIONS and not proposes):
                    yield f"{where}:{getattr(node, 'lineno', 0)}: {name}"


def names(node: ast.AST) -> Iterator[str]:
    """The names of interest that a node imports or reads from a module."""
    if isinstance(node, ast.ImportFrom):
        trusted = (node.module or "").startswith("lipverify.trusted")
        for alias in node.names:
            if trusted or alias.name in STEPS | FACTORISATIONS:
                yield alias.name
    if isinstance(node, ast.Attribute):
        owner = ast.unparse(node.value)
        if node.attr in STEPS | FACTORISATIONS and owner in (
            "np",
            "numpy",
            "math",
            "np.linalg",
            "numpy.linalg",
            "scipy.linalg",
        ):
            yield node.attr
        if node.attr in CONSTANTS and owner.endswith("rounding"):
            yield node.attr


def test_rounding_is_accounted_for_in_one_place() -> None:
    assert list(accounts(PACKAGE)) == []


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("norms.py", "from lipverify.trusted.rounding import TINY, up", "TINY"),
        ("norms.py", "from lipverify.trusted.rounding import U as unit", "U"),
        ("norms.py", "from lipverify.trusted import rounding\nx = rounding.gamma(3)", "gamma"),
        ("relaxations/cells.py", "import numpy as np\nx = np.nextafter(1.0, 2.0)", "nextafter"),
        ("relaxations/cells.py", "from math import nextafter", "nextafter"),
        ("estimators/pair.py", "import numpy as np\nx = np.linalg.cholesky(y)", "cholesky"),
        ("attacks/points.py", "from lipverify.trusted.rounding import gamma", "gamma"),
    ],
)
def test_the_rule_can_fail(tmp_path: Path, file: str, text: str, name: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    (found,) = accounts(tmp_path)
    assert found.startswith(file)
    assert found.endswith(name)


def test_proposals_and_other_letters_are_free(tmp_path: Path) -> None:
    (tmp_path / "attacks").mkdir()
    (tmp_path / "attacks" / "moves.py").write_text("import numpy as np\nx = np.nextafter(1.0, 2.0)")
    (tmp_path / "trusted.py").write_text("from lipverify.trusted.rounding import U")
    (tmp_path / "bench.py").write_text("U, s, V = np.linalg.svd(A)\nU @ V")
    assert list(accounts(tmp_path)) == []
