"""Property files: the box contains the file's, and what is no box is an error."""

from __future__ import annotations

import gzip
import math
from fractions import Fraction
from pathlib import Path

import pytest

from lipverify.domain import Box
from lipverify.errors import InvalidDomain
from lipverify.readers.vnnlib import load_box

DECLARED = "(declare-const X_0 Real)\n(declare-const X_1 Real)(declare-const Y_0 Real)\n"
FIRST = "(assert (<= X_0 1))(assert (>= X_0 -1))"
BOTH = FIRST + "(assert (and (<= X_1 2.5) (<= -1e-1 X_1)))"


def _read(folder: Path, text: str) -> Box:
    (folder / "p.vnnlib").write_text(text, encoding="utf-8")
    return load_box(folder / "p.vnnlib")


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
    with pytest.raises(InvalidDomain, match="3 different input boxes"):
        _read(tmp_path, f"(assert (or {three}))")
    many = "".join(f"(assert (or (<= X_{k} 1) (<= X_{k} 2)))" for k in range(60))
    with pytest.raises(InvalidDomain, match="more than"):
        _read(tmp_path, many)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (DECLARED + FIRST, "X_1 has no lower limit"),
        (DECLARED + FIRST + "(assert (>= X_1 0))", "X_1 has no upper limit"),
        ("(assert (<= X_1 1))(assert (>= X_1 0))", "X_0 is missing"),
        ("(assert (<= X_0 1))(assert (>= X_0 1.0))", "the box is one point"),
        ("(assert (<= X_0 1e400))(assert (>= X_0 1e400))", "inf"),
        ("(assert (<= X_0 0.1))(assert (>= X_0 0.10000000000000000001))", "cross"),
        (FIRST + "(assert (<= X_0 X_1))", "no limit of one input"),
        (FIRST + "(assert (<= X_0 Y_0))", "no limit of one input"),
        (FIRST + "(assert (<= (* 2 X_0) 1))", "no limit of one input"),
        (FIRST + "(assert (<= X_0 1/2))", "no limit of one input"),
        (FIRST + "(assert (= X_0 1))", r"cannot read \(= X_0 1\)"),
        (FIRST + "(assert (<= X_0 1 2))", r"cannot read"),
        (FIRST + "(assert (not (<= X_0 1)))", "cannot read"),
        (FIRST + "(declare-network f)", r"cannot read \(declare-network f\)"),
        (FIRST + "loose", "cannot read loose"),
        (FIRST + "(assert", "ends inside a bracket"),
        (FIRST + ")", "never opened"),
        ("(" * 200, "nested more than"),
        ("", "says nothing about inputs"),
        ("(declare-const Y_0 Real)(assert (<= Y_0 1))", "says nothing about inputs"),
        ("(assert (<= X_0 1e99999999999))", "no limit of one input"),
        (f"(assert (<= X_0 {'1' * 5000}))", "cannot read the number"),
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
            assert (box.lower < box.upper).all()
    assert set(refused) <= {"prop_4.vnnlib", "prop_6.vnnlib"}
    assert "flat" in refused.get("prop_4.vnnlib", "flat")
    assert "2 different input boxes" in refused.get("prop_6.vnnlib", "2 different input boxes")
