"""Imports go downwards only, and `import lipverify` stays light. Each rule is shown to be able to fail."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import pkgutil
import re
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import lipverify as lv

PACKAGE = Path(lv.__file__).resolve().parent
HEAVY = ("torch", "cvxpy", "numba", "hypothesis", "matplotlib", "onnx", "networkx")

BASE = frozenset(
    {
        "arrays",
        "bound",
        "child",
        "company",
        "contract",
        "domain",
        "errors",
        "evaluate",
        "fixed_inputs",
        "identity",
        "network",
        "norms",
        "problem",
        "rationals",
        "text",
    }
    | {"kernels", "memory", "power", "readers", "threads", "trusted", "watch", "writing"}
    | {"frames", "html", "progress", "records", "report", "tables"}
)
TRUSTED = frozenset({"arrays", "errors", "kernels", "rationals", "threads", "watch"})
METHODS = frozenset({"estimators", "attacks", "solvers", "hardness"})
SEARCH = frozenset({"arrays", "errors", "trusted", "search"})
GROUND = BASE | {"search", "geometry", "relaxations"}
ALLOWED: dict[str, frozenset[str]] = {
    **dict.fromkeys(BASE, BASE),
    "trusted": TRUSTED,
    "search": SEARCH,
    "geometry": BASE | {"search"},
    "relaxations": GROUND - {"relaxations"},
    "engine": frozenset({"arrays", "child", "kernels", "trusted"}),
    **dict.fromkeys(METHODS, GROUND),
    "solvers": GROUND | {"engine", "fanout"},
    "certificates": GROUND | {"certificates.checker"},
    "certificates.checker": frozenset(),
    "catalogue": GROUND | METHODS | {"certificates", "listing", "fanout"},
    "listing": BASE,
    "fanout": frozenset({"errors"}),
}
"""What a layer may import besides itself; a layer that is not named stands at the top and may import all."""
PUBLIC_ONLY = ("cli", "demo")
"""Layers that see lipverify as a user does: its public names, and what only presents results."""
PRESENTATION = frozenset({"bench", "comparing", "comparison", "plots", "samples", "testing"}) | frozenset(
    {"frames", "html", "progress", "records", "report", "tables", "text"}
)
DEFERRED = {
    "network": frozenset({"readers", "evaluate", "html"}),
    "bound": frozenset({"html", "records", "report"}),
}
"""What a layer may import inside functions only, as these layers import it."""


def layer_of(module: str) -> str:
    """The layer of a module: its first name below the package, the checker apart."""
    below = module.split(".")[1:]
    return "certificates.checker" if below[:2] == ["certificates", "checker"] else (below or [""])[0]


def modules_of(package: Path) -> dict[str, Path]:
    """Every module of a package by its dotted name."""
    found: dict[str, Path] = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(module: str, path: Path) -> Iterator[tuple[str, bool, int]]:
    """(imported module, whether at module level, line) for every import, type checking's excepted."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def visit(node: ast.AST, top: bool) -> Iterator[tuple[str, bool, int]]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            for child in node.orelse:
                yield from visit(child, top)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, top, node.lineno
        if isinstance(node, ast.ImportFrom):
            name = "." * node.level + (node.module or "")
            base = importlib.util.resolve_name(name, package) if node.level else name
            for alias in node.names:
                yield f"{base}.{alias.name}", top, node.lineno
        inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, top and not inside)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")), True)


def violations(package: Path) -> list[str]:
    """Every import that goes upwards, as file:line and the rule it breaks."""
    modules = modules_of(package)
    layers = {layer_of(name) for name in modules}
    found: list[str] = []
    for name, path in modules.items():
        mine = layer_of(name)
        if mine in ("", "__main__"):
            continue  # the package itself hands out public names lazily; the other is the command's second name
        for target, top, line in imports_of(name, path):
            if target.split(".")[0] != package.name:
                continue
            theirs = layer_of(target)
            where = f"{path.relative_to(package)}:{line}"
            if mine in PUBLIC_ONLY:
                if theirs in layers - {"", *PUBLIC_ONLY, *PRESENTATION}:
                    found.append(f"{where}: {mine} uses public names only, not {target}")
            elif theirs not in layers - {""}:
                if mine in ALLOWED:
                    found.append(f"{where}: {mine} must not import the package itself ({target})")
            elif mine in ALLOWED and theirs not in ALLOWED[mine] | {mine}:
                found.append(f"{where}: {mine} must not import {theirs} ({target})")
            elif mine not in ALLOWED and theirs in PUBLIC_ONLY:
                found.append(f"{where}: nothing imports {theirs} ({target})")
            elif top and theirs in DEFERRED.get(mine, frozenset()):
                found.append(f"{where}: {mine} may import {theirs} inside functions only")
    return found


def test_imports_go_downwards_only() -> None:
    assert violations(PACKAGE) == []


@pytest.mark.parametrize(
    ("module", "line", "word"),
    [
        ("norms.py", "from lipverify.geometry import cells", "geometry"),
        ("norms.py", "from .geometry import cells", "geometry"),
        ("norms.py", "def f():\n    from lipverify import geometry", "geometry"),
        ("norms.py", "import lipverify.solvers.search", "solvers"),
        ("norms.py", "import lipverify", "itself"),
        ("network.py", "from lipverify.readers import files", "inside functions"),
        ("network.py", "from lipverify import evaluate", "inside functions"),
        ("geometry/cells.py", "from ..solvers.search import x", "solvers"),
        ("solvers/search.py", "from lipverify.estimators.autolip import x", "estimators"),
        ("solvers/search.py", "class A:\n    from lipverify import catalogue", "catalogue"),
        (
            "estimators/autolip.py",
            "try:\n    import lipverify.attacks\nexcept ImportError:\n    pass",
            "attacks",
        ),
        ("trusted/rounding.py", "from lipverify.norms import x", "norms"),
        ("trusted/rounding.py", "from lipverify.geometry import cells", "geometry"),
        ("certificates/checker.py", "from lipverify import norms", "norms"),
        ("certificates/checker.py", "from . import writer", "certificates"),
        ("cli/main.py", "from lipverify.norms import x", "public names"),
        ("cli/main.py", "from lipverify.geometry.cells import x", "public names"),
        ("comparison.py", "from lipverify.cli import main", "cli"),
    ],
)
def test_the_rule_can_fail(tmp_path: Path, module: str, line: str, word: str) -> None:
    package = fake_package(tmp_path)
    assert violations(package) == []
    path = package / module
    path.write_text(path.read_text() + line + "\n")
    (message,) = violations(package)
    assert message.startswith(module)
    assert word in message


def test_imports_for_type_checking_only_are_exempt(tmp_path: Path) -> None:
    package = fake_package(tmp_path)
    guarded = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from lipverify.solvers import search\n"
    (package / "norms.py").write_text(guarded)
    assert violations(package) == []


def fake_package(folder: Path) -> Path:
    """A package of lipverify's shape that keeps the rules."""
    files = {
        "__init__.py": "",
        "norms.py": "import math\nfrom . import errors\n",
        "errors.py": "",
        "evaluate.py": "from lipverify.network import Network\n",
        "network.py": "def f():\n    from lipverify import evaluate, readers\n",
        "readers/__init__.py": "",
        "readers/files.py": "from lipverify.network import Network\n",
        "trusted/__init__.py": "",
        "trusted/rounding.py": "from lipverify.arrays import x\nfrom lipverify.rationals import y\n",
        "arrays.py": "",
        "rationals.py": "from lipverify.arrays import x\n",
        "geometry/__init__.py": "",
        "geometry/cells.py": "from ..norms import x\nfrom . import lp\n",
        "geometry/lp.py": "",
        "solvers/__init__.py": "",
        "solvers/search.py": "from lipverify.geometry.cells import x\n",
        "estimators/__init__.py": "",
        "estimators/autolip.py": "from lipverify.norms import x\n",
        "attacks/__init__.py": "",
        "certificates/__init__.py": "",
        "certificates/checker.py": "import json\n",
        "certificates/writer.py": "from lipverify.geometry import cells\n",
        "catalogue.py": "from lipverify.solvers import search\n",
        "comparison.py": "from lipverify.catalogue import x\n",
        "cli/__init__.py": "from lipverify.cli.main import main\n",
        "cli/main.py": "from lipverify import Network\nfrom lipverify.comparison import Row\n",
    }
    package = folder / "lipverify"
    for name, text in files.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    return package


def test_the_map_names_every_part_of_the_package() -> None:
    assert lv.__doc__
    parts = {p.name for p in PACKAGE.glob("*.py")} | {f"{p.parent.name}/" for p in PACKAGE.glob("*/__init__.py")}
    named = set(re.findall(r"\b[a-z_]+(?:\.py|/)", lv.__doc__))
    assert {p for p in parts if not p.startswith("__")} <= named
    inside = {p.name for p in PACKAGE.rglob("*.py")} | {f"{p.parent.name}/" for p in PACKAGE.rglob("__init__.py")}
    assert named - {"npz/"} <= inside  # "npz/json" is no folder


# What an import loads ------------------------------------------------------------------------------


def loaded_by(program: str) -> list[str]:
    """Which heavy packages are in sys.modules after the program, run in a new interpreter."""
    probe = f"{program}\nimport sys\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return run.stdout.split()


def test_a_public_package_is_loaded_on_first_use() -> None:
    program = "import lipverify as lv, sys\nassert 'lipverify.hardness' not in sys.modules\nlv.hardness.maxcut"
    assert loaded_by(program) == []
    assert "hardness" in dir(lv)


def test_importing_lipverify_loads_nothing_heavy() -> None:
    assert loaded_by("import lipverify") == []


def test_the_probe_sees_what_is_loaded() -> None:
    assert "hypothesis" in loaded_by("import lipverify.testing.strategies")


def test_an_exact_method_loads_nothing_heavy() -> None:
    program = "import lipverify as lv\nlv.exact(lv.Network([[[1], [-1]], [[1, -1]]]), method='enumeration')"
    assert loaded_by(program) == []


# Public names --------------------------------------------------------------------------------------


def import_every_submodule() -> None:
    """Import everything that can be imported here; an optional dependency may be missing."""
    for info in pkgutil.walk_packages([str(PACKAGE)], "lipverify."):
        if info.name.endswith("__main__") or ".demo" in info.name:
            continue
        importlib.import_module(info.name)


def test_no_submodule_hides_a_public_name() -> None:
    import_every_submodule()
    for name in lv.__all__:
        thing = getattr(lv, name)
        assert not isinstance(thing, types.ModuleType), f"lipverify.{name} is a module"


def test_public_verbs_answer_after_every_submodule_is_imported() -> None:
    import_every_submodule()
    net = lv.Network([[[1], [-1]], [[1, -1]]])
    assert lv.exact(net, method="enumeration").exact_value == 1
    assert len(list(lv.regions(net))) == 2
    verbs = [getattr(lv, name) for name in lv.__all__ if inspect.isfunction(getattr(lv, name))]
    assert verbs
    for verb in verbs:
        with pytest.raises((TypeError, lv.LipverifyError)):  # it is there, and it looks at its arguments
            verb(no_such_argument=object())


def test_public_names_are_declared_sorted_and_there() -> None:
    assert sorted(lv.__all__) == list(lv.__all__)
    assert len(set(lv.__all__)) == len(lv.__all__)
    assert set(lv.__all__) <= set(dir(lv))
