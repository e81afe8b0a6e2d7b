"""Other people's files and objects: the same network as the one that was written, and a way out where none is read."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
import torch
from torch import nn

import lipverify as lv

rng = np.random.default_rng(3)
WEIGHTS = [rng.integers(-8, 9, size=s) / 4 for s in ((5, 3), (5, 5), (2, 5))]
BIASES = [rng.integers(-8, 9, size=len(w)) / 4 for w in WEIGHTS]
NET = lv.Network(WEIGHTS, BIASES)


def _nnet(path: Path, means: str = "0,0,0,0,", ranges: str = "1,1,1,1,", end: str = "") -> Path:
    lines = ["// two layers", "3,3,2,5,", "3,5,5,2,", "0,", "-1,-1,-1,", "1,1,1,", means, ranges]
    for weight, bias in zip(WEIGHTS, BIASES, strict=True):
        lines += [",".join(map(str, row)) + "," for row in weight.tolist()]
        lines += [f"{b}," for b in bias.tolist()]
    (path / "n.nnet").write_text("\n".join(lines) + "\n" + end)
    return path / "n.nnet"


def test_nnet(tmp_path: Path) -> None:
    net = lv.load(_nnet(tmp_path))
    assert net == NET
    assert net.lowering is lv.Lowering.EXACT


def test_nnet_says_whether_its_scale_belongs_to_it(tmp_path: Path) -> None:
    path = _nnet(tmp_path, "1,-2,0,3,", "2,4,0.5,8,")
    with pytest.raises(lv.InvalidNetwork, match=r"normalisation=True.*normalisation=False"):
        lv.load(path)
    assert lv.load(path, normalisation=False) == NET
    scaled = lv.load(path, normalisation=True)
    assert scaled.lowering is lv.Lowering.EXACT
    x = np.array([0.5, 3.0, -1.25])
    inner = (x - [1, -2, 0]) / [2, 4, 0.5]
    assert scaled(x).tolist() == (NET(inner) * 8 + 3).tolist()
    rounded = lv.load(_nnet(tmp_path, "0,0,0,0,", "3,1,1,1,"), normalisation=True)
    assert rounded.lowering is lv.Lowering.ROUNDED
    assert lv.load(_nnet(tmp_path, "0.1,0,0,0,"), normalisation=True).lowering is lv.Lowering.ROUNDED


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "ends too early|expected"),
        (lambda text: text + "1,\n", "more follows"),
        (lambda text: text.replace("3,3,2,5", "3,4,2,5"), "do not begin with"),
        (lambda text: text.replace("3,3,2,5", "3,x,2,5"), "expected 4 sizes"),
        (lambda text: text.replace("3,5,5,2", "3,999999,999999,2"), "readers stop at"),
        (lambda text: text.replace("1,1,1,1,", "1,0,1,1,"), "not all positive"),
        (lambda text: text.replace("1,1,1,1,", "1,1e999,1,1,"), "beyond float64"),
        (lambda text: text.replace("1,1,1,1,", "1,nan,1,1,"), "expected 4 numbers"),
        (lambda text: "é", "no text file"),
    ],
)
def test_damaged_nnet(tmp_path: Path, change: Any, message: str) -> None:
    path = _nnet(tmp_path)
    path.write_text(change(path.read_text()), encoding="utf-8")
    with pytest.raises((lv.InvalidNetwork, lv.UnsupportedLayer), match=message):
        lv.load(path)


def test_the_real_nnet_is_its_onnx(data: Path) -> None:
    for file in sorted(data.rglob("*.nnet")):
        with pytest.raises(lv.InvalidNetwork, match="normalisation"):
            lv.load(file)
        inner, outer = lv.load(file, normalisation=False), lv.load(file, normalisation=True)
        x = np.random.default_rng(0).uniform(-0.5, 0.5, size=(20, inner.input_dim))
        graph = file.with_suffix(".onnx")
        if graph.exists():
            truth = lv.load(graph)(x)
            scale = np.abs(truth).max()
            options = [inner(x), inner(x) * 17.479225 - 0.242819]
            assert min(np.abs(made - truth).max() for made in options) < 1e-4 * scale
        assert outer.input_dim == 3


def test_lists_of_arrays() -> None:
    assert lv.from_arrays(WEIGHTS, BIASES, activation="relu") == NET
    assert lv.from_arrays([w.T for w in WEIGHTS], BIASES, activation="relu", transposed=True) == NET
    assert lv.from_arrays([[[1, 2]]]).lowering is lv.Lowering.EXACT
    assert lv.from_arrays(WEIGHTS, [None, *BIASES[1:]], activation=["abs", "relu"]).hidden == (5, 5)
    with pytest.raises(lv.InvalidNetwork, match=r"activation='relu'"):
        lv.from_arrays(WEIGHTS)
    with pytest.raises(lv.InvalidNetwork, match="3 weights and 1 biases"):
        lv.from_arrays(WEIGHTS, BIASES[:1], activation="relu")
    with pytest.raises(lv.InvalidNetwork, match="nan"):
        lv.from_arrays([[[float("nan")]]])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learn() -> None:
    network = pytest.importorskip("sklearn.neural_network")
    x = rng.normal(size=(60, 3))
    model = network.MLPRegressor(hidden_layer_sizes=(5, 4), max_iter=5, random_state=0).fit(x, x @ [1.0, -2, 0])
    net = lv.from_sklearn(model)
    assert np.allclose(net(x).ravel(), model.predict(x), rtol=1e-9, atol=1e-9)
    assert lv.upper(model).upper == lv.upper(net).upper  # ty: ignore[invalid-argument-type]
    labels = (x[:, 0] > 0).astype(int) + (x[:, 1] > 1)
    classes = network.MLPClassifier(hidden_layer_sizes=(5,), max_iter=5, random_state=0).fit(x, labels)
    scores = lv.from_sklearn(classes)(x)
    odds = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(odds, classes.predict_proba(x), rtol=1e-7, atol=1e-9)
    assert "before its softmax" in lv.from_sklearn(classes).source
    with pytest.raises(lv.UnsupportedLayer, match="'tanh'"):
        lv.from_sklearn(network.MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", max_iter=5).fit(x, x[:, 0]))
    with pytest.raises(lv.InvalidNetwork, match="not fitted"):
        lv.from_sklearn(network.MLPRegressor())
    with pytest.raises(lv.InvalidNetwork, match="got list"):
        lv.from_sklearn([])


def test_matlab(tmp_path: Path) -> None:
    plain = {f"W{k}": w for k, w in enumerate(WEIGHTS, 1)} | {f"b{k}": b[:, None] for k, b in enumerate(BIASES, 1)}
    scipy.io.savemat(tmp_path / "plain.mat", plain)
    cells = {"weights": np.empty(3, dtype=object), "biases": np.empty(3, dtype=object)}
    for k in range(3):
        cells["weights"][k], cells["biases"][k] = WEIGHTS[k], BIASES[k][:, None]
    scipy.io.savemat(tmp_path / "cells.mat", cells)
    for name in ("plain.mat", "cells.mat"):
        with pytest.raises(lv.InvalidNetwork, match="activation='relu'"):
            lv.load(tmp_path / name)
        assert lv.load(tmp_path / name, activation="relu") == NET
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(200))
    with pytest.raises(lv.InvalidNetwork, match="'-v7'"):
        lv.load(tmp_path / "new.mat", activation="relu")
    (tmp_path / "new.mat").write_bytes(b"nothing")
    with pytest.raises(lv.InvalidNetwork, match="no readable MATLAB file"):
        lv.load(tmp_path / "new.mat", activation="relu")


def _safetensors(path: Path, tensors: dict[str, Any], kinds: dict[Any, str], **more: Any) -> Path:
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, array in tensors.items():
        entry = {
            "dtype": kinds[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        header[name] = entry | more
        data += array.tobytes()
    text = json.dumps(header).encode()
    (path / "m.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path / "m.safetensors"


def test_safetensors(tmp_path: Path) -> None:
    kinds = {
        np.dtype(np.float64): "F64",
        np.dtype(np.float32): "F32",
        np.dtype(np.float16): "F16",
        np.dtype(np.uint16): "BF16",
    }
    for dtype in (np.float64, np.float32, np.float16):
        tensors = {f"net.{2 * k}.weight": w.astype(dtype) for k, w in enumerate(WEIGHTS)}
        tensors |= {f"net.{2 * k}.bias": b.astype(dtype) for k, b in enumerate(BIASES)}
        path = _safetensors(tmp_path, tensors, kinds)
        with pytest.raises(lv.InvalidNetwork, match="activation='relu'"):
            lv.load(path)
        assert lv.load(path, activation="relu") == NET
    half = {"weight": (WEIGHTS[0].astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)}
    assert lv.load(_safetensors(tmp_path, half, kinds)).weights[0].tolist() == WEIGHTS[0].tolist()
    for more, message in (
        ({"shape": [2**30, 2**30]}, "does not fill"),
        ({"data_offsets": [0, 10**9]}, "lies at"),
        ({"dtype": "I8"}, "has type I8"),
        ({"shape": None}, "no safetensors file"),
    ):
        with pytest.raises(lv.InvalidNetwork, match=message):
            lv.load(_safetensors(tmp_path, {"weight": WEIGHTS[0]}, kinds, **more))
    for content in (b"", b"\0" * 8, b"\xff" * 30, struct.pack("<Q", 2) + b"[]"):
        (tmp_path / "m.safetensors").write_bytes(content)
        with pytest.raises(lv.InvalidNetwork, match=r"no safetensors file|no weights"):
            lv.load(tmp_path / "m.safetensors")


def test_what_is_not_read_says_what_to_do(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2)).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(1, 3),)), tmp_path / "n.pt2")
    with pytest.raises(lv.InvalidArgument, match=r"lipverify\.from_torch\(torch\.export\.load\(path\)\)"):
        lv.load(tmp_path / "n.pt2")
    assert lv.from_torch(torch.export.load(tmp_path / "n.pt2")) == lv.from_torch(module)
    torch.save(module.state_dict(), tmp_path / "n.ckpt")
    assert lv.load(tmp_path / "n.ckpt", activation="relu") == lv.from_torch(module)
    for name in ("n.h5", "n.keras", "n.txt"):
        with pytest.raises(lv.InvalidArgument, match=r"lipverify\.from_arrays\(weights, biases, activation='relu'\)"):
            lv.load(tmp_path / name)
    with pytest.raises(lv.InvalidArgument, match="never read"):
        lv.load(tmp_path / "n.pkl")
