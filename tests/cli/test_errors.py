"""Bad usage and bad input: exit code 2, one line on stderr, nothing on stdout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Answer

Run = Callable[..., Answer]


@pytest.mark.parametrize(
    ("argv", "word"),
    [
        ("exact no-such-file.onnx", "no-such-file.onnx"),
        ("exact model.txt", "model.txt"),
        ("exact --p 3", "3"),
        ("exact --p 1:2:inf", "p ="),
        ("exact --p", "--p"),
        ("exact --time-limit -1", "--time-limit"),
        ("exact --time-limit nan", "--time-limit"),
        ("exact --time-limit soon", "soon"),
        ("exact --seed -1", "seed"),
        ("exact --rel-gap -1", "--rel-gap"),
        ("exact --box 1", "--box"),
        ("exact --box 1:0", "lower"),
        ("exact --box 0:inf", "finite"),
        ("exact --box nan:1", "finite"),
        ("exact --box a:b", "a:b"),
        ("exact --box 0:1,0:1", "4"),
        ("exact --box 0:1,0:1,0:1,1", "commas"),
        ("exact --box 0:1,0:1,0:1,", "commas"),
        ("exact --box no-such-file.vnnlib", "no-such-file.vnnlib"),
        ("exact --method nothing", "nothing"),
        ("exact --method autolip", "autolip"),
        ("upper --method enumeration", "enumeration"),
        ("upper --method frobenius --p inf", "frobenius"),
        ("compare --method nothing", "nothing"),
        ("compare --method frobenius --p inf", "frobenius"),
        ("compare --plot bounds.bmp", ".svg"),
        ("compare --plot no/such/folder/bounds.svg", "folder"),
        ("compare --plot bounds.svg --p 1 --p 2", "--plot"),
        ("bench nothing", "nothing"),
        ("exact --no-such-option", "--no-such-option"),
        ("no-such-command", "no-such-command"),
        ("exact one.json two.json", "two.json"),
    ],
)
def test_bad_usage(lipverify: Run, argv: str, word: str) -> None:
    answer = lipverify(*argv.split())
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("lipverify: error: ")
    assert answer.err.count("\n") == 1
    assert word in answer.err


@pytest.mark.parametrize("suffix", ["onnx", "pt", "npz", "json"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff garbage \n" * 9, b"{}"])
def test_garbage_in_a_model_file(lipverify: Run, tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"garbage.{suffix}"
    path.write_bytes(content)
    answer = lipverify("exact", path)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("lipverify: error: ")
    assert answer.err.count("\n") == 1
    assert "garbage" in answer.err


def test_a_box_of_another_dimension(lipverify: Run, small: Path, tmp_path: Path) -> None:
    path = tmp_path / "prop.vnnlib"
    path.write_text("(declare-const X_0 Real)\n(assert (>= X_0 0))\n(assert (<= X_0 1))\n")
    answer = lipverify("exact", small, "--box", path)
    assert answer.code == 2
    assert "2 inputs" in answer.err


def test_a_folder_is_no_model(lipverify: Run, tmp_path: Path) -> None:
    folder = tmp_path / "folder.json"
    folder.mkdir()
    assert lipverify("exact", folder).code == 2
