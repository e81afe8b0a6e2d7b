"""What only a process of its own can show: signals, pipes, and what is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import lipverify as lv

CALL = "import sys; from lipverify.cli import main; sys.exit(main())"
COMMAND = [sys.executable, "-c", CALL]


CTRL_C = (
    "import os, signal, sys, threading; from lipverify.cli import app, main; "
    "threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start(); sys.exit(main())"
)


@pytest.mark.parametrize("command", ["exact", "compare"])
def test_ctrl_c_prints_the_interval_and_exits_3(large: Path, command: str) -> None:
    argv = [sys.executable, "-c", CTRL_C, command, str(large), "--method", "enumeration", "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    data = json.loads(done.stdout)
    bound = data["comparisons"][0]["exact"] if command == "compare" else data
    assert (done.returncode, done.stderr) == (3, "")
    assert bound["status"] == "INTERRUPTED"
    assert 0 < bound["lower"] < bound["upper"]


def test_the_sample_is_compared_quickly_and_without_heavy_imports() -> None:
    probe = (
        "import sys; from lipverify.cli import main; code = main(['compare', '--json']); "
        "heavy = {'torch', 'matplotlib', 'onnx', 'sklearn'} & set(sys.modules); "
        "sys.stderr.write(' '.join(heavy)); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert json.loads(done.stdout)["comparisons"][0]["exact"]["status"] == "EXACT"


def test_a_piped_table_is_not_cut(tmp_path: Path) -> None:
    path = tmp_path / "small.json"
    lv.Network([[[1, 2]], [[3]]], source="a name that goes on and on " * 5).save(path)
    done = subprocess.run(
        [*COMMAND, "compare", str(path)], capture_output=True, text=True, check=True, env={"COLUMNS": "20"}
    )
    assert "a name that goes on and on " * 5 in done.stdout
    assert "…" not in done.stdout


def test_a_reader_that_leaves_is_no_error() -> None:
    process = subprocess.Popen([*COMMAND, "compare"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


def test_the_script_is_installed() -> None:
    script = Path(sys.executable).with_name("lipverify")
    if not script.exists():
        pytest.skip("lipverify is not installed beside this python")
    done = subprocess.run([str(script), "no-such-command"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
