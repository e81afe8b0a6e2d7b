"""The corpora's files, and how one of them is put to the checker's command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lipverify.certificates import checker

HERE = Path(__file__).resolve().parent


def cases(folder: str) -> dict[str, Any]:
    """Every case of a folder by its name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted((HERE / folder).glob("*.json"))}


def write(case: dict[str, Any], folder: Path) -> list[str]:
    """The case's files in a folder, and the checker's arguments."""
    net, certificate = folder / "network.json", folder / "certificate.json"
    net.write_text(json.dumps(case["network"]), encoding="utf-8")
    raw = case.get("raw")
    content = json.dumps(case["certificate"]).encode() if raw is None else raw.encode("utf-8", "surrogateescape")
    certificate.write_bytes(content)
    arguments = [str(net), str(certificate), "--p", case["p"], "--lower", case["lower"], "--upper", case["upper"]]
    for name in ("box", "polytope", "ball"):
        if case.get(name):
            path = folder / f"{name}.json"
            path.write_text(json.dumps(case[name]), encoding="utf-8")
            arguments += [f"--{name}", str(path)]
    return arguments


def run(case: dict[str, Any], folder: Path) -> int:
    """The checker's exit status."""
    return checker.main(write(case, folder))
