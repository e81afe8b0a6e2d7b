"""Small files that ask for much, hide something or command the terminal: one clear error, at once, in little memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

import lipverify as lv
from lipverify.readers import limits
from lipverify.readers.files import read_bytes

_value = helper.make_tensor_value_info


def _graph(path: Path, nodes: list[onnx.NodeProto], inputs: int, constants: dict[str, np.ndarray]) -> Path:
    last = nodes[-1].output[0]
    graph = helper.make_graph(
        nodes,
        "g",
        [_value("x", TensorProto.FLOAT, [1, inputs])],
        [_value(last, TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def _wide_add(path: Path) -> Path:
    one = np.ones(1, dtype=np.float32)
    return _graph(path / "m.onnx", [helper.make_node("Add", ["x", "c"], ["y"])], 16_000, {"c": one})


def _many_relus(path: Path) -> Path:
    nodes = [helper.make_node("Relu", [f"t{k}" if k else "x"], [f"t{k + 1}"]) for k in range(50)]
    return _graph(path / "m.onnx", nodes, 16_000, {})


def _broadcast(path: Path) -> Path:
    column = np.ones((16_000, 1), dtype=np.float32)
    return _graph(path / "m.onnx", [helper.make_node("Add", ["x", "c"], ["y"])], 16_000, {"c": column})


def _many_nodes(path: Path) -> Path:
    nodes = [helper.make_node("Relu", [f"t{k}" if k else "x"], [f"t{k + 1}"]) for k in range(30_000)]
    return _graph(path / "m.onnx", nodes, 1, {})


def _stride_zero(path: Path) -> Path:
    torch.save({"weight": torch.zeros(1, 1).expand(2**20, 2**20)}, path / "m.pt")
    return path / "m.pt"


def _stride_zero_twice(path: Path) -> Path:
    wide = torch.zeros(1, 1).expand(10_000, 10_000)
    torch.save({"fc1.weight": wide, "fc2.weight": wide}, path / "m.pt")
    return path / "m.pt"


def _npy_header(path: Path) -> Path:
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }"
    text += b" " * (117 - len(text)) + b"\n"
    with zipfile.ZipFile(path / "m.npz", "w") as archive:
        archive.writestr("weight_0.npy", np.lib.format.magic(1, 0) + len(text).to_bytes(2, "little") + text)
    return path / "m.npz"


def _json(path: Path, text: str) -> Path:
    (path / "m.json").write_text(text, encoding="utf-8")
    return path / "m.json"


def _record(path: Path, **changes: object) -> str:
    lv.Network([[[1.0]]]).save(path / "plain.json")
    return json.dumps(json.loads((path / "plain.json").read_text()) | changes)


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "wide add": (_wide_add, "readers stop at"),
    "fifty wide relus": (_many_relus, "readers stop at"),
    "broadcast square": (_broadcast, "readers stop at"),
    "many nodes": (_many_nodes, "30000 nodes"),
    "stride 0": (_stride_zero, "1048576 × 1048576"),
    "stride 0 twice": (_stride_zero_twice, "beside 100000000 others"),
    "npy header": (_npy_header, "announces shape"),
    "deep json": (lambda p: _json(p, _record(p, weights="@").replace('"@"', "[" * 600 + "]" * 600)), "a list"),
    "very deep json": (lambda p: _json(p, "[" * 100_000), "no JSON"),
    "surrogate": (lambda p: _json(p, _record(p, source="@").replace("@", "\\ud800")), "source"),
    "long integer": (lambda p: _json(p, _record(p, version="@").replace('"@"', "9" * 10_000)), "no JSON"),
    "key twice": (lambda p: _json(p, _record(p)[:-1] + ', "weights": []}'), "'weights' stands there twice"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_one_clear_error_at_once_in_little_memory(name: str, tmp_path: Path) -> None:
    build, word = HOSTILE[name]
    path = build(tmp_path)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises((lv.InvalidNetwork, lv.UnsupportedLayer), match=word) as caught:
        lv.load(path, **({"activation": "relu"} if path.suffix in (".pt", ".npz") else {}))
    assert str(path) in str(caught.value)
    assert time.process_time() - started < 3
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown / (1 if sys.platform == "linux" else 1024) < 2**20  # KiB: less than one GiB


def test_what_adds_up_is_counted_for_each_reading_alone() -> None:
    with limits.budget():
        limits.require_numbers((limits.MOST_NUMBERS - 1,))
        with limits.budget(), pytest.raises(lv.UnsupportedLayer, match="beside"):
            limits.require_numbers((2,))
        limits.require_numbers((1,))
    with limits.budget():
        limits.require_numbers((limits.MOST_NUMBERS,))


def test_an_entry_that_stands_twice_is_refused(tmp_path: Path) -> None:
    lv.Network([[[1.0]]]).save(tmp_path / "m.npz")
    content = zipfile.ZipFile(tmp_path / "m.npz").read("weight_0.npy")
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "m.npz", "a") as archive:
        archive.writestr("weight_0.npy", content)
    with pytest.raises(lv.InvalidNetwork, match=r"two entries 'weight_0\.npy'"):
        lv.load(tmp_path / "m.npz")
    torch.save({"weight": torch.ones(1, 1)}, tmp_path / "m.pt")
    name = zipfile.ZipFile(tmp_path / "m.pt").namelist()[0]
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(tmp_path / "m.pt", "a") as archive:
        archive.writestr(name, b"")
    with pytest.raises(lv.InvalidNetwork, match="two entries"):
        lv.load(tmp_path / "m.pt")


def test_control_characters_are_shown_escaped(tmp_path: Path) -> None:
    path = _json(tmp_path, _record(tmp_path, source="\x1b[2J\x1b]0;evil\x07\nL = 0\u009b\u202e"))
    net = lv.load(path)
    assert repr(net).isprintable()
    assert "\\x1b[2J" in net.source
    net.save(tmp_path / "again.json")
    assert lv.load(tmp_path / "again.json").source == net.source


def test_a_small_file_needs_little_memory(tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(bytes(20_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(read_bytes(tmp_path / "small")) == 20_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**17


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii", "utf-8"])
def test_every_stdout_gets_its_answer(encoding: str, tmp_path: Path) -> None:
    lv.Network([[[1.0, 1.0]], [[1.0]]]).save(tmp_path / "m.json")
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1"}
    argv = [sys.executable, "-m", "lipverify", "exact", str(tmp_path / "m.json")]
    done = subprocess.run(argv, env=environment, capture_output=True, check=False)
    out = done.stdout.decode(encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "L = 1.41421356237" in out
    assert ("≥" if encoding == "utf-8" else ">=") in out
    assert ("→" if encoding == "utf-8" else "->") in out
