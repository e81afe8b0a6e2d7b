"""`load` and `as_network`: dispatch, missing files, and what is imported only when it is needed."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lipverify.errors import InvalidArgument, InvalidNetwork
from lipverify.network import Network
from lipverify.readers import as_network, load
from lipverify.readers.files import read_bytes

NET = Network([[[1.0], [2.0]], [[3.0, 4.0]]])
SUFFIXES = (".onnx", ".onnx.gz", ".pt", ".pth", ".npz", ".json")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_files_and_directories(tmp_path: Path, suffix: str) -> None:
    with pytest.raises(InvalidNetwork, match=f"no file .*net{suffix}"):
        load(tmp_path / f"net{suffix}")
    (tmp_path / f"net{suffix}").mkdir()
    with pytest.raises(InvalidNetwork, match=f"net{suffix} is a directory"):
        load(tmp_path / f"net{suffix}")


@pytest.mark.parametrize("name", ["net", "net.tflite", "net.npz.gz", "onnx"])
def test_unknown_suffixes_list_the_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"\.onnx, \.onnx\.gz, \.pt, .*\.nnet, \.npz, \.json"):
        load(tmp_path / name)


def test_as_network(tmp_path: Path) -> None:
    assert as_network(NET) is NET
    NET.save(tmp_path / "net.json")
    assert as_network(tmp_path / "net.json") == as_network(str(tmp_path / "net.json")) == NET
    assert as_network(NET.to_torch()) == NET
    torch.save(NET.to_torch().state_dict(), tmp_path / "net.PT")
    assert load(tmp_path / "net.PT", activation="relu") == NET
    assert as_network(torch.nn.AvgPool2d(2), (1, 4, 4)).input_dim == 16
    for wrong in (None, 3, [[1.0]], torch.ones(2, 2)):
        with pytest.raises(InvalidNetwork, match=type(wrong).__name__):
            as_network(wrong)  # ty: ignore[invalid-argument-type]


def test_a_small_archive_may_not_unfold_without_end(tmp_path: Path) -> None:
    (tmp_path / "net.onnx.gz").write_bytes(gzip.compress(bytes(10_000)))
    with pytest.raises(InvalidNetwork, match="more than 9999 bytes"):
        read_bytes(tmp_path / "net.onnx.gz", limit=9_999)
    assert len(read_bytes(tmp_path / "net.onnx.gz", limit=10_000)) == 10_000


def _modules_after(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_torch_is_imported_only_for_torch(tmp_path: Path) -> None:
    import onnx
    from onnx import helper

    NET.save(tmp_path / "net.json")
    NET.save(tmp_path / "net.npz")
    value = helper.make_tensor_value_info
    relu = helper.make_node("Relu", ["x"], ["y"])
    graph = helper.make_graph([relu], "g", [value("x", 1, [1, 2])], [value("y", 1, None)])
    onnx.save(helper.make_model(graph), tmp_path / "net.onnx")
    reads = "\n".join(f"load({str(tmp_path / name)!r})" for name in ("net.json", "net.npz", "net.onnx"))
    lines = ["import lipverify", "from lipverify.readers import as_network, load", reads]
    code = "\n".join([*lines, f"as_network({str(tmp_path / 'net.json')!r})"])
    seen = _modules_after(code)
    assert "lipverify.readers.onnx" in seen
    assert "torch" not in seen
    assert "onnx" not in _modules_after("import lipverify.readers")
    # The same look finds torch where it is imported, so this test can fail.
    assert "torch" in _modules_after("import lipverify.readers.torch")
