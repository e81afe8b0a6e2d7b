"""The checker by itself: numbers, files, matrices, arguments; what it is written in; and random input."""

from __future__ import annotations

import ast
import gzip
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lipverify.certificates import checker
from tests import oracle
from tests.certificates.cases import cases, run, write
from tests.conftest import examples

SOURCE = Path(checker.__file__)
HONEST = cases("accept")["identity-by-hand"]


# What it is written in -----------------------------------------------------------------------------


def test_there_are_no_floats_in_it() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, (float, complex))), ast.dump(node)
        assert not (isinstance(node, ast.Name) and node.id in ("float", "complex", "sum_of_floats")), ast.dump(node)
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), ast.dump(node)
        assert not (isinstance(node, ast.Attribute) and node.attr in ("fromhex", "hypot", "sqrt", "fsum")), ast.dump(
            node
        )


def test_it_imports_the_standard_library_alone() -> None:
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    found |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in found} <= {*sys.stdlib_module_names}


def test_it_loads_nothing_of_lipverify() -> None:
    probe = (
        "import runpy, sys; sys.argv = ['checker', '--help']\n"
        f"try: runpy.run_path({str(SOURCE)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('lipverify', 'numpy', 'flint')))"
    )
    result = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


# Numbers -------------------------------------------------------------------------------------------


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_hexadecimal_floats_are_themselves(x: float) -> None:
    assert checker.number(x.hex(), "") == Fraction(x)


@given(st.fractions())
def test_fractions_are_themselves(x: Fraction) -> None:
    assert checker.number(str(x), "") == x


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.25", "5/4"),
        ("-0.5e-3", "-1/2000"),
        ("+7", "7"),
        ("1e3", "1000"),
        ("0x1.8p+1", "3"),
        ("0x10p0", "16"),
        ("0x1p-1074", f"1/{2**1074}"),
    ],
)
def test_decimals_and_hexadecimals(text: str, value: str) -> None:
    assert checker.number(text, "") == Fraction(value)


@pytest.mark.parametrize(
    "text", ["", " 1", "1 ", "1_000", "nan", "inf", "0x1", "1/0", "1/-2", "1e", "--1", "١", "1e99999", None, 1, True]
)
def test_everything_else_is_refused(text: Any) -> None:
    with pytest.raises(checker.Refused):
        checker.number(text, "here")


# Matrices ------------------------------------------------------------------------------------------

small = st.integers(-4, 4)
squares = st.integers(1, 5).flatmap(lambda n: st.lists(st.lists(small, min_size=n, max_size=n), min_size=n, max_size=n))


@settings(max_examples=examples(200))
@given(squares, st.integers(-3, 3), st.booleans(), st.integers(0, 400))
def test_definiteness_agrees_with_fractions(A: list[list[int]], shift: int, gram: bool, bits: int) -> None:
    """Singular and indefinite matrices included, and scaled up."""
    n = len(A)
    Z = [[sum(A[k][i] * A[k][j] for k in range(n)) if gram else A[i][j] + A[j][i] for j in range(n)] for i in range(n)]
    Z = [[(x + shift * (i == j)) << bits for j, x in enumerate(row)] for i, row in enumerate(Z)]
    truth = tuple(tuple(map(Fraction, row)) for row in Z)
    assert checker.semidefinite(Z) == oracle.semidefinite(truth)
    assert checker.eliminated(Z, strict=True) == oracle.semidefinite(truth, strict=True)


@settings(max_examples=examples(200))
@given(squares, st.lists(st.integers(0, 200), min_size=5, max_size=5), st.integers(-4, 4))
def test_rounding_never_proves_too_much(A: list[list[int]], bits: list[int], excess: int) -> None:
    """Gram matrices, singular or not, with rows of very different sizes, a last bit more or less on the diagonal."""
    n = len(A)
    Z = [[sum(A[k][i] * A[k][j] for k in range(n)) << bits[i] + bits[j] for j in range(n)] for i in range(n)]
    Z[0][0] += excess
    assert checker.semidefinite(Z) == oracle.semidefinite(tuple(tuple(map(Fraction, row)) for row in Z))


@settings(max_examples=examples(200))
@given(squares, st.integers(0, 40))
def test_elimination_in_rounded_integers_never_proves_too_much(A: list[list[int]], shift: int) -> None:
    Z = [[A[i][j] + A[j][i] + shift * (i == j) for j in range(len(A))] for i in range(len(A))]
    if checker.eliminated(Z, rounded=True):
        assert oracle.semidefinite(tuple(tuple(map(Fraction, row)) for row in Z))


def test_what_rounding_takes_away_is_charged() -> None:
    """In the first matrix 1·1 / 2 is rounded to 0; in the second one 0.9 are taken from what is off the diagonal."""
    assert not checker.eliminated([[2, 1], [1, 0]], rounded=True)
    unit, top = 1 << 240, 1 << checker.PRECISION
    across = (top - 1) * unit + 9 * unit // 10
    Z = [[top * unit // 2, across], [across, (2 * top - 2) * unit]]
    assert Z[0][0] * Z[1][1] < across**2
    assert not checker.semidefinite(Z)


def test_a_zero_pivot_needs_a_zero_row() -> None:
    assert checker.semidefinite([[1, 1, 1], [1, 1, 1], [1, 1, 2]])
    assert not checker.semidefinite([[1, 1, 1], [1, 1, 2], [1, 2, 9]])


def test_a_large_matrix_is_shown_when_rounded_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MOST_ELIMINATED", 1)
    assert checker.semidefinite([[2, 1], [1, 2]])
    with pytest.raises(checker.Refused, match="not decided exactly"):
        checker.semidefinite([[1, 1], [1, 1]])  # singular: not shown, though true
    with pytest.raises(checker.Refused, match="not decided exactly"):
        checker.eliminated([[2, 1], [1, 2]], strict=True)


@given(squares, squares)
def test_products_are_those_of_the_definition(A: list[list[int]], B: list[list[int]]) -> None:
    n = min(len(A), len(B))
    A, B = [row[:n] for row in A] * 9, [row * 9 for row in B[:n]]
    plain = [[sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*B, strict=True)] for row in A]
    assert checker.product(A, B) == plain


# Files and arguments -------------------------------------------------------------------------------


def test_packed_files_are_read(tmp_path: Path) -> None:
    arguments = write(HONEST, tmp_path)
    packed = tmp_path / "certificate.json"
    packed.write_bytes(gzip.compress(packed.read_bytes()))
    assert checker.main(arguments) == 0
    packed.write_bytes(packed.read_bytes() + b"more")
    assert checker.main(arguments) == 1


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checker, "MOST_BYTES", 10_000)
    arguments = write(HONEST, tmp_path)
    (tmp_path / "certificate.json").write_bytes(gzip.compress(b" " * 10_000_000))
    assert checker.main(arguments) == 1


def test_a_file_that_goes_on_behind_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = write(HONEST, tmp_path)
    path = tmp_path / "certificate.json"
    monkeypatch.setattr(checker, "MOST_BYTES", 1000)
    path.write_bytes(path.read_bytes().ljust(1000))
    assert checker.main(arguments) == 0
    path.write_bytes(path.read_bytes().ljust(1002))
    assert checker.main(arguments) == 1


@pytest.mark.parametrize(("name", "limit"), [("MOST_NEURONS", 1), ("MOST_ENTRIES", 3)])
def test_networks_beyond_the_limits_are_refused(
    name: str, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checker, name, limit)
    assert run(HONEST, tmp_path) == 2


def test_hard_norms_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = cases("accept")["deep-box-pinf-1"] | {
        "network": cases("accept")["matrix-p1"]["network"],
        "upper": "inf",
        "lower": "1",
    }
    monkeypatch.setattr(checker, "MOST_SIGNS", 1)
    case["certificate"] = case["certificate"] | {"witness": ["1/3", "1/5"]}
    assert run(case, tmp_path) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"format": "other"},
        {"version": 2},
        {"weights": []},
        {"weights": [[]]},
        {"weights": [[[]], [["0x1p0"]]]},
        {"weights": [[["0x1p0"], ["0x1p0", "0x1p0"]], [["0x1p0", "0x1p0"]]]},
        {"weights": [[["0x1p0"], ["0x1p0"]], [["0x1p0"]]]},
        {"weights": [[[]]], "biases": [["0"]], "slopes": []},
        {"biases": [[]]},
        {"slopes": []},
        {"slopes": [[["0x1p0"]]]},
    ],
)
def test_networks_that_are_none_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    assert run(HONEST | {"network": HONEST["network"] | change}, tmp_path) == 2


def test_arguments_that_say_nothing_are_told_from_claims_that_do_not_hold(tmp_path: Path) -> None:
    arguments = write(HONEST, tmp_path)

    def given(kind: str, **record: Any) -> list[str]:
        path = tmp_path / f"domain-{len(list(tmp_path.iterdir()))}.json"
        path.write_text(json.dumps(record), encoding="utf-8")
        return [f"--{kind}", str(path)]

    for more, code in (
        (given("box", lower=["0"], upper=["2"]), 0),
        (given("box", lower=["0.5"], upper=["0x1.8p0"]), 0),
        (given("box", lower=["0"], upper=["1"]), 1),
        (given("box", lower=["0", "0"], upper=["2", "2"]), 2),
        (given("box", lower=["2"], upper=["0"]), 2),
        (given("box", A=[["1"]], b=["2"]), 2),
        (given("polytope", A=[["1"], ["-1"]], b=["2", "0"]), 0),
        (given("polytope", A=[["1"]], b=["1"]), 1),
        (given("polytope", A=[["1", "1"]], b=["1"]), 2),
        (given("polytope", A=[["1"]], b=["2", "0"]), 2),
        (given("ball", center=["0"], radius="2"), 0),
        (given("ball", center=["0"], radius="1"), 1),
        (given("ball", center=["0"], radius="0"), 2),
        (given("ball", center=["0", "0"], radius="2"), 2),
        (["--box", ""], 2),
        (["--p", "3"], 2),
        (["--p", "1:2:inf"], 2),
        (["--upper", "x"], 2),
    ):
        assert checker.main([*arguments, *more]) == code, more


def test_a_domain_of_another_dimension_is_refused() -> None:
    net = checker.network(HONEST["network"])
    plane = checker.domain_of("box", {"lower": ["0", "0"], "upper": ["1", "1"]}, 2)
    ball = checker.domain_of("ball", {"center": ["0", "0"], "radius": "1"}, 2)
    for domain in (plane, ball):
        with pytest.raises(checker.Refused, match="another dimension"):
            checker.check(net, HONEST["certificate"], domain, (2, 2), Fraction(1), None)


# Random input --------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=5)
    | st.sampled_from(["split", "empty", "1/3"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
rules = st.sampled_from(["split", "empty", "slopes", "sdp"])
rubbish = st.lists(
    st.tuples(rules, st.lists(json_values, max_size=3)).map(lambda t: [t[0], *t[1]]) | json_values, max_size=6
)


@settings(max_examples=examples(80))
@given(rubbish | json_values, json_values, json_values)
def test_rubbish_is_refused(tree: Any, witness: Any, enough: Any) -> None:
    record = {"format": "lipverify-certificate", "version": 1, "witness": witness, "enough": enough, "tree": tree}
    net = checker.network(HONEST["network"])
    everywhere = checker.Domain()
    with pytest.raises(checker.Refused):
        checker.check(net, record, everywhere, (1, 1), Fraction(0), Fraction(1, 2))
    with pytest.raises(checker.Refused):
        checker.check(net, record, everywhere, (1, 1), Fraction(2), None)


@settings(max_examples=examples(100))
@given(st.binary(max_size=200), st.integers(0, 10**6), st.booleans())
def test_damaged_bytes_are_refused_and_nothing_is_proved_of_a_false_claim(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, whole: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    arguments = write(HONEST | {"upper": "0.999", "lower": "0"}, folder)
    path = folder / "certificate.json"
    honest = json.dumps(HONEST["certificate"]).encode()
    cut = at % len(honest)
    path.write_bytes(noise if whole else honest[:cut] + noise + honest[cut + len(noise) :])
    assert checker.main(arguments) == 1
