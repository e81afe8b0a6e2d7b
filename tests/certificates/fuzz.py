"""Fuzz the checker with atheris, guided by its branches: no crash, and no proof of what is false.

    pip install atheris; python tests/certificates/fuzz.py FOLDER -max_total_time=300

Every input is a certificate file for claims about relu(x) − relu(−x) = x that are false by a thousandth. FOLDER
collects what reaches new branches; it starts from the corpora. Not part of the test suite: atheris has few wheels.
"""

from __future__ import annotations

import itertools
import json
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "lipverify" / "certificates"))

with atheris.instrument_imports():
    import checker

HONEST = json.loads((HERE / "accept" / "identity-by-hand.json").read_text(encoding="utf-8"))
DOMAINS = [
    checker.Domain(),
    checker.domain_of("ball", {"center": ["0"], "radius": "1"}, 1),
    checker.domain_of("box", {"lower": ["-1"], "upper": ["2"]}, 1),
]
CLAIMS = [(Fraction(0), Fraction(999, 1000)), (Fraction(1001, 1000), None)]


def main() -> None:
    """Write the first inputs, and fuzz until libFuzzer's options say stop."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for corpus in ("accept", "reject", "malformed"):
        for path in sorted((HERE / corpus).glob("*.json")):
            case = json.loads(path.read_text(encoding="utf-8"))
            raw = case.get("raw") or json.dumps(case["certificate"])
            (folder / f"{corpus}-{path.stem}").write_bytes(raw.encode("utf-8", "surrogateescape"))
    net = checker.network(HONEST["network"])
    with tempfile.NamedTemporaryFile() as scratch:
        file = Path(scratch.name)

        def one(data: bytes) -> None:
            file.write_bytes(data)
            try:
                record = checker.read_json(str(file))
            except checker.Refused:
                return
            for domain, norm, claim in itertools.product(DOMAINS, (1, 2), CLAIMS):
                try:
                    checker.check(net, record, domain, (norm, norm), *claim)
                except checker.Refused:
                    continue
                raise AssertionError(f"proved in the {norm}-norm on {domain}: {claim}")

        atheris.Setup(sys.argv, one)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
