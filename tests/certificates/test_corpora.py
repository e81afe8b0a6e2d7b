"""The corpora: every case in accept/ is accepted, every one in reject/ and malformed/ is not."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import lipverify as lv
from lipverify.certificates import checker
from tests import oracle
from tests.certificates.cases import cases, run, write

ACCEPT, REJECT, MALFORMED = cases("accept"), cases("reject"), cases("malformed")


@pytest.mark.parametrize("name", ACCEPT)
def test_true_claims_are_verified(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(ACCEPT[name], tmp_path) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.startswith("VERIFIED ")


@pytest.mark.parametrize("name", REJECT)
def test_lies_are_not_verified(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(REJECT[name], tmp_path) != 0, REJECT[name]["why"]
    said = capsys.readouterr()
    assert "VERIFIED " not in said.out.replace("NOT VERIFIED", "")
    assert len((said.out + said.err).splitlines()) == 1


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_certificate_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(MALFORMED[name], tmp_path) == 1
    assert capsys.readouterr().out.startswith("NOT VERIFIED")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("constant-row", "row 3 is constant, and bounds nothing"),
        ("circular", "step 11: the form of neuron 3 is not known here"),
        ("constant-facet", "row -1 is constant, and bounds nothing"),
        ("sdp-norm", "the rule is for p = 2"),
        ("sdp-weak", "the matrix is not shown to be positive semidefinite"),
        ("sdp-mixed-norm", "the rule is for p = 2"),
        ("split-twice", "neuron 0 is decided already"),
        ("closed-region", "on the boundary of neuron 0"),
        ("linear-row", "neuron 0 has no sign here"),
        ("facet-witness", "not inside facet 1"),
        ("closed-ball", "the combination is positive in the ball"),
        ("ball-centre", "the combination is positive at the centre"),
        ("undecided-row", "neuron 1 has no sign here"),
        ("positive", "the combination is positive"),
        ("enough-beyond-the-grid", "enough"),
        ("enough-without-a-grid", "enough"),
        ("empty-polytope", "nothing shows that the domain has an interior"),
    ],
)
def test_the_lie_is_named(name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(REJECT[name], tmp_path)
    assert reason in capsys.readouterr().out


@pytest.mark.parametrize("name", ACCEPT)
def test_true_claims_are_true(name: str) -> None:
    """By brute force in Fractions: what the corpus calls true is true, so that accepting it is right."""
    case = ACCEPT[name]
    if case.get("ball"):
        pytest.skip("the oracle knows no balls")
    net = network(case)
    regions = oracle.regions(net, domain(case))
    p, q = ((math.inf if x == "inf" else float(x)) for x in (case["p"] + ":" + case["p"]).split(":")[:2])
    lower = checker.number(case["lower"], "")
    assert lower == 0 or any(not oracle.at_most(r.jacobian, lower**2, p, q, strict=True) for r in regions)
    if case["upper"] != "inf":
        upper = checker.number(case["upper"], "")
        assert all(oracle.at_most(r.jacobian, upper**2, p, q) for r in regions)


def network(case: dict[str, Any]) -> lv.Network:
    def floats(values: Any) -> Any:
        return [floats(v) for v in values] if isinstance(values, list) else float.fromhex(values)

    return lv.Network(*(floats(case["network"][key]) for key in ("weights", "biases", "slopes")))


def domain(case: dict[str, Any]) -> lv.Box | lv.Polytope | None:
    def floats(values: list[str]) -> list[float]:
        return [float(checker.number(v, "")) for v in values]

    if case.get("box"):
        return lv.Box(floats(case["box"]["lower"]), floats(case["box"]["upper"]))
    if case.get("polytope"):
        return lv.Polytope([floats(row) for row in case["polytope"]["A"]], floats(case["polytope"]["b"]))
    return None


# The checker stands alone --------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [["-I"], ["-I", "-S"]])
def test_the_checker_runs_alone(flags: list[str], tmp_path: Path) -> None:
    """In isolated mode, and with no site-packages at all: the standard library is enough."""
    good, bad = (
        subprocess.run(
            [sys.executable, *flags, checker.__file__, *write(case, tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )
        for case in (ACCEPT["deep-p2"], REJECT["matrix-too-low"])
    )
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.startswith("VERIFIED ")
    assert (bad.returncode, bad.stderr) == (1, "")
    assert bad.stdout.startswith("NOT VERIFIED: step ")


def test_the_corpora_are_there() -> None:
    assert len(ACCEPT) > 50
    assert len(REJECT) > 40
    assert len(MALFORMED) > 30


def test_the_corpora_are_those_of_the_script() -> None:
    """Lies and malformed files are functions of the accepted cases."""
    from tests.certificates import make

    assert make.lies(ACCEPT).keys() == REJECT.keys()
    assert json.loads(json.dumps(make.malformed(ACCEPT))).keys() == MALFORMED.keys()


# Mutations -----------------------------------------------------------------------------------------


def edits(value: Any) -> list[Callable[[Any], Any]]:
    """What may happen to a value."""
    found: list[Callable[[Any], Any]] = [lambda _: None]
    if isinstance(value, bool) or value is None:
        return found
    if isinstance(value, int):
        found += [lambda x: -x, lambda x: x + 1, lambda x: x - 1, lambda x: x ^ 1, lambda x: 2 * x, lambda _: 0]
    if isinstance(value, str):
        found += [lambda x: "-" + x, lambda x: x[:-1], lambda x: x + "1", lambda x: x.swapcase()]
    if isinstance(value, list) and value:
        found += [
            lambda x: x[1:],
            lambda x: x[:-1],
            lambda x: [*x, x[-1]],
            lambda x: [x[-1], *x[:-1]],
            lambda x: x[::-1],
        ]
    return found


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a record."""
    found = [at] if at else []
    if isinstance(value, dict):
        value = list(value.items())
        return found + [p for key, v in value for p in places(v, (*at, key))]
    if isinstance(value, list):
        return found + [p for k, v in enumerate(value) for p in places(v, (*at, k))]
    return found


def looked_up(record: Any, at: tuple[Any, ...]) -> Any:
    for key in at:
        record = record[key]
    return record


@pytest.mark.parametrize("name", ACCEPT)
def test_no_mutation_proves_what_is_false(name: str) -> None:
    """The claim is moved to just beyond the truth; then no certificate may prove it, whatever is done to a field."""
    case = ACCEPT[name]
    net = checker.network(case["network"])
    (kind,) = [name for name in checker.KINDS if case.get(name)] or [None]
    where = checker.Domain() if kind is None else checker.domain_of(kind, case[kind], net.inputs)
    p, q = [{"1": 1, "2": 2, "inf": 0}[x] for x in (case["p"].split(":") * 2)[:2]]
    lower, upper = (
        checker.number(case["lower"], ""),
        None if case["upper"] == "inf" else checker.number(case["upper"], ""),
    )
    step = Fraction(1, 10**9)
    false = [(lower + step, None)]
    if upper is not None and upper > lower * (1 - step) and lower > 0:
        false.append((Fraction(0), lower * (1 - step)))
    text = json.dumps(case["certificate"])
    for at in places(case["certificate"]):
        for edit in edits(looked_up(case["certificate"], at)):
            mutant = json.loads(text)
            parent = looked_up(mutant, at[:-1])
            parent[at[-1]] = edit(parent[at[-1]])
            for low, high in false:
                with pytest.raises(checker.Refused):
                    checker.check(net, mutant, where, (p, q), low, high)
