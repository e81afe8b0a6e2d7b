"""Property files: the box contains the file's, and what is no box is an error."""

from __future__ import annotations

import gzip
import math
import time
from fractions import Fraction
from pathlib import Path

import pytest

from lipverify.domain import Box, Polytope
from lipverify.errors import InvalidArgument, InvalidDomain
from lipverify.readers.vnnlib import load_box, load_boxes

DECLARED = "(declare-const X_0 Real)\n(declare-const X_1 Real)(declare-const Y_0 Real)\n"
FIRST = "(assert (<= X_0 1))(assert (>= X_0 -1))"
BOTH = FIRST + "(assert (and (<= X_1 2.5) (<= -1e-1 X_1)))"


def _read(folder: Path, text: str) -> Box:
    (folder / "p.vnnlib").write_text(text, encoding="utf-8")
    box = load_box(folder / "p.vnnlib")
    assert isinstance(box, Box)
    return box


def test_limits_in_every_notation(tmp_path: Path) -> None:
    box = _read(tmp_path, f"; a comment ( with a bracket\n{DECLARED}{BOTH}(assert (<= Y_0 3))")
    assert box == Box([-1, -0.1], [1, 2.5])
    text = "(declare-const X_0 Real)(assert (>= +.5E+1 X_0)) ; 5\n(assert(>= X_0 -1.))"
    assert _read(tmp_path, text) == Box([-1], [5])


def test_decimals_are_rounded_outward(tmp_path: Path) -> None:
    box = _read(tmp_path, "(assert (<= X_0 0.3))(assert (>= X_0 0.1))")
    assert Fraction(box.lower[0]) <= Fraction(1, 10) < Fraction(3, 10) <= Fraction(box.upper[0])
    assert Fraction(math.nextafter(box.lower[0], 1)) > Fraction(1, 10)
    assert Fraction(math.nextafter(box.upper[0], 0)) < Fraction(3, 10)


def test_the_tighter_of_two_limits_counts(tmp_path: Path) -> None:
    assert _read(tmp_path, FIRST + "(assert (<= X_0 0.5))(assert (<= X_0 3))") == Box([-1], [0.5])


def test_one_box_inside_a_disjunction(tmp_path: Path) -> None:
    inside = "(>= X_0 -1) (<= X_0 1)"
    assert _read(tmp_path, f"(assert (or (and {inside} (>= Y_0 100))))") == Box([-1], [1])
    twice = f"(assert (or (and {inside} (>= Y_0 1)) (and (<= Y_0 0) {inside})))"
    assert _read(tmp_path, twice) == Box([-1], [1])
    outputs = "(assert (or (and (<= Y_0 Y_1)) (and (<= (+ Y_1 1.0) Y_0)) (not (= Y_0 Y_1))))"
    assert _read(tmp_path, FIRST + outputs) == Box([-1], [1])


def test_several_boxes_are_counted(tmp_path: Path) -> None:
    three = " ".join(f"(and (>= X_0 {k}) (<= X_0 {k + 1}))" for k in range(3))
    with pytest.raises(InvalidDomain, match=r"3 different input regions.*load_box\(path, 0\)"):
        _read(tmp_path, f"(assert (or {three}))")
    path = tmp_path / "p.vnnlib"
    assert load_box(path, 0) == Box([0], [1])
    assert load_boxes(path) == [load_box(path, k) for k in range(3)] == [Box([k], [k + 1]) for k in range(3)]
    for wrong in (3, -1, True):
        with pytest.raises(InvalidArgument, match=r"regions 0 … 2"):
            load_box(path, wrong)
    many = "".join(f"(assert (or (<= X_{k} 1) (<= X_{k} 2)))" for k in range(60))
    with pytest.raises(InvalidDomain, match="more than"):
        _read(tmp_path, many)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(assert (<= X_1 1))(assert (>= X_1 0))", "X_0 is missing"),
        ("(assert (<= X_0 1))(assert (>= X_0 1.0))", "the box is one point"),
        ("(assert (<= X_0 1e400))(assert (>= X_0 1e400))", "inf"),
        ("(assert (<= X_0 0.1))(assert (>= X_0 0.10000000000000000001))", "cross"),
        (FIRST + "(assert (<= X_0 Y_0))", "joins inputs and outputs"),
        (FIRST + "(assert (<= (* X_0 X_0) 1))", "multiplies variables"),
        (FIRST + "(assert (<= (/ 1 X_0) 1))", "divides by something else"),
        (FIRST + "(assert (<= (sin X_0) 1))", "no linear expression"),
        (FIRST + "(assert (<= (+ X_0 1) X_0))", "never true"),
        (DECLARED, "sets no limit"),
        (FIRST + "(assert (<= X_0 1/2))", "neither a variable nor a decimal"),
        (FIRST + "(assert (= X_0 3))", r"cross"),
        (FIRST + "(assert (<= X_0 1 2))", r"cannot read"),
        (FIRST + "(assert (not (<= X_0 1)))", "cannot read"),
        ("(declare-network f (declare-input X Real [2]))(assert (<= X[2] 1))", "outside the shape"),
        ("(declare-network f (declare-input X Real [2])(declare-input Z Real [2]))", "several inputs"),
        ("(declare-network f (declare-input X Real [99999999]))(assert (>= X[0] 1))", "too large"),
        (FIRST + "loose", "cannot read loose"),
        (FIRST + "(assert", "ends inside a bracket"),
        (FIRST + ")", "never opened"),
        ("(" * 200, "nested more than"),
        ("", "says nothing about inputs"),
        ("(declare-const Y_0 Real)(assert (<= Y_0 1))", "says nothing about inputs"),
        ("(assert (<= X_0 1e99999999999))", "neither a variable"),
        (f"(assert (<= X_0 {'1' * 5000}))", "cannot read"),
        ("(assert (<= X_0 1e400))(assert (>= X_0 0))", "inf"),
    ],
)
def test_what_is_no_box(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidDomain, match=message):
        _read(tmp_path, text)


def test_an_input_that_the_file_fixes_has_the_nearest_float(tmp_path: Path) -> None:
    text = FIRST + "(assert (<= X_1 0.1))(assert (>= X_1 1e-1))(assert (<= X_2 3))(assert (>= X_2 3))"
    box = _read(tmp_path, text)
    assert box == Box([-1, 0.1, 3], [1, 0.1, 3])
    assert box.fixed == {1: 0.1, 2: 3.0}


def test_files(tmp_path: Path) -> None:
    (tmp_path / "p.vnnlib.gz").write_bytes(gzip.compress(FIRST.encode()))
    assert load_box(str(tmp_path / "p.vnnlib.gz")) == Box([-1], [1])
    (tmp_path / "p.vnnlib.gz").write_bytes(gzip.compress(FIRST.encode())[:-9])
    with pytest.raises(InvalidDomain, match="cannot read"):
        load_box(tmp_path / "p.vnnlib.gz")
    (tmp_path / "p.vnnlib").write_bytes(b"\xff\xff")
    with pytest.raises(InvalidDomain, match="no text file"):
        load_box(tmp_path / "p.vnnlib")
    with pytest.raises(InvalidDomain, match="no file"):
        load_box(tmp_path / "missing.vnnlib")
    with pytest.raises(InvalidDomain, match="directory"):
        load_box(tmp_path)


def test_the_real_files(data: Path) -> None:
    files = sorted(data.rglob("*.vnnlib"))
    assert files
    refused: dict[str, str] = {}
    for file in files:
        try:
            box = load_box(file)
        except InvalidDomain as error:
            refused[file.name] = str(error)
        else:
            assert isinstance(box, Box)
            assert (box.lower <= box.upper).all()
    assert set(refused) <= {"prop_4.vnnlib", "prop_6.vnnlib"}
    assert "flat" in refused.get("prop_4.vnnlib", "flat")
    assert "2 different input regions" in refused.get("prop_6.vnnlib", "2 different input regions")


@pytest.mark.parametrize(
    "text",
    [
        "(assert (>= X_0 (- 1)))(assert (<= X_0 1))",
        "(assert (> X_0 -1))(assert (< X_0 1))",
        "(assert (<= (* 2.0 X_0) 2))(assert (>= (* 2 X_0) (- 2)))",
        "(assert (<= (+ X_0 1) 2))(assert (<= (- 1 X_0) 2.0))",
        "(assert (<= (- X_0) 1))(assert (<= (* 0.5 (+ X_0 X_0)) 1))",
        "(assert (and (<= (/ X_0 2) 0.5) (<= (- X_0 X_0 X_0) 1)))",
        "\ufeff(declare-const X_0 Real)(assert (<= X_0 1))(assert (>= X_0 -1))",
        "(vnnlib-version <2.0>)(declare-network f (declare-input X Real [1,1])(declare-output Y Real [1,2]))"
        "(assert (<= X[0,0] 1.0))(assert (>= X[0, 0] -1.0))(assert (<= Y[0,1] Y[0,0]))",
    ],
)
def test_one_interval_in_every_notation(tmp_path: Path, text: str) -> None:
    assert _read(tmp_path, text) == Box([-1], [1])


def test_tensors_of_version_2_are_read_row_by_row(tmp_path: Path) -> None:
    head = "(vnnlib-version <2.0>)\n(declare-network f (declare-input Z Real [2,2]) (declare-output Y Real []))\n"
    limits = "".join(f"(assert (and (>= Z[{i},{j}] {2 * i + j}) (<= Z[{i},{j}] 9)))" for i in (0, 1) for j in (0, 1))
    assert _read(tmp_path, head + limits + "(assert (>= Y 0))") == Box([0, 1, 2, 3], [9] * 4)


def test_joined_inputs_and_half_lines_are_polytopes(tmp_path: Path) -> None:
    (tmp_path / "p.vnnlib").write_text(DECLARED + BOTH + "(assert (<= X_0 (* 0.3 X_1)))(assert (>= Y_0 0))")
    made = load_box(tmp_path / "p.vnnlib")
    assert isinstance(made, Polytope)
    assert [10.0, -3.0] in made.A.tolist()
    inside, outside = (Fraction(1, 10), Fraction(2)), (Fraction(9, 10), Fraction(2))
    assert made.contains_inside(inside)
    assert not made.contains_inside(outside)
    (tmp_path / "p.vnnlib").write_text(DECLARED + FIRST + "(assert (>= X_1 0))")
    half = load_box(tmp_path / "p.vnnlib")
    assert isinstance(half, Polytope)
    assert not half.bounded
    assert half.contains_inside((Fraction(0), Fraction(10**9)))
    assert not half.contains_inside((Fraction(0), Fraction(-1)))


def test_a_thousand_boxes_take_linear_time(tmp_path: Path) -> None:
    """Four times the text takes about four times the time, not sixteen: nothing is compared with everything."""

    def seconds(count: int) -> float:
        cases = " ".join(
            "(and " + " ".join(f"(>= X_{i} {k}.{i}) (<= X_{i} {k + 1}.{i})" for i in range(10)) + ")"
            for k in range(count)
        )
        (tmp_path / "p.vnnlib").write_text(f"(assert (or {cases}))")
        started = time.process_time()
        assert len(load_boxes(tmp_path / "p.vnnlib")) == count
        return time.process_time() - started

    seconds(10)
    assert min(seconds(800) for _ in range(3)) < 8 * min(seconds(200) for _ in range(3)) + 0.5
