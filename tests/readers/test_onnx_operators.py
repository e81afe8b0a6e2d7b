"""Every ONNX operator that is read, against onnxruntime: the same outputs, for one sample and for rows of a batch."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

import lipverify as lv

rng = np.random.default_rng(11)
Constants = dict[str, Any]


def _c(*shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32)


def _i(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def _n(operator: str, inputs: str, outputs: str, **attributes: Any) -> onnx.NodeProto:
    names = [[] if not text else ["" if word == "-" else word for word in text.split()] for text in (inputs, outputs)]
    return helper.make_node(operator, *names, **attributes)


def _model(nodes: list[onnx.NodeProto], shape: Any, constants: Constants, outputs: str = "y", opset: int = 17) -> Any:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs.split()],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _run(content: bytes, x: Any, output: int = 0) -> Any:
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})[output]


def _check(path: Path, model: Any, shape: tuple[int, ...], **options: Any) -> lv.Network:
    """One sample at a time, what the network computes is what onnxruntime computes."""
    (path / "m.onnx").write_bytes(model.SerializeToString())
    net = lv.load(path / "m.onnx", **options)
    samples = np.random.default_rng(0).normal(size=(6, *shape)).astype(np.float32)
    for sample in samples:
        truth = _run(model.SerializeToString(), sample)
        assert np.allclose(net(sample.ravel().astype(float)), truth.ravel(), rtol=2e-5, atol=2e-5)
    return net


IMAGE = (1, 2, 5, 6)
CASES: dict[str, tuple[list[Any], tuple[int, ...], Constants]] = {
    "Abs, Neg": ([_n("Abs", "x", "a"), _n("Neg", "a", "y")], (1, 3), {}),
    "residual Add": (
        [_n("MatMul", "x W", "t"), _n("Relu", "t", "u"), _n("MatMul", "u V", "v"), _n("Add", "x v", "y")],
        (1, 4),
        {"W": _c(4, 8), "V": _c(8, 4)},
    ),
    "Sub of two": ([_n("Relu", "x", "t"), _n("Sub", "t x", "y")], (1, 3), {}),
    "Add with itself": ([_n("Add", "x x", "y")], (1, 3), {}),
    "Sum, Mean": ([_n("Sum", "x x c", "t"), _n("Mean", "t x c", "y")], (1, 3), {"c": _c(3)}),
    "Max, Min": ([_n("Relu", "x", "t"), _n("Max", "c t x", "u"), _n("Min", "u x c", "y")], (1, 3), {"c": _c(3)}),
    "HardSigmoid": ([_n("HardSigmoid", "x", "y", alpha=0.3, beta=0.4)], (1, 3), {}),
    "Clip without limits": ([_n("Clip", "x - c", "y")], (1, 3), {"c": np.float32(0.3)}),
    "PRelu per channel": ([_n("PRelu", "x c", "y")], IMAGE, {"c": _c(2, 1, 1)}),
    "LeakyRelu": ([_n("LeakyRelu", "x", "y", alpha=0.25)], IMAGE, {}),
    "Cast": ([_n("Cast", "x", "t", to=TensorProto.DOUBLE), _n("Cast", "t", "y", to=TensorProto.FLOAT)], (1, 3), {}),
    "(1, n, m) weights": ([_n("MatMul", "x W", "y")], (1, 2, 3), {"W": _c(1, 3, 4)}),
    "vector from the right": ([_n("MatMul", "x W", "y")], (1, 3), {"W": _c(3)}),
    "Gemm with transA": ([_n("Gemm", "x W c", "y", transA=1)], (3, 1), {"W": _c(3, 4), "c": _c(4)}),
    "Gemm from the left": ([_n("Gemm", "W x c", "y", transB=1, alpha=0.5)], (1, 3), {"W": _c(2, 3), "c": _c(2, 1)}),
    "Conv": (
        [_n("Conv", "x K b", "y", strides=[2, 1], pads=[0, 1, 2, 1], dilations=[1, 2])],
        IMAGE,
        {"K": _c(3, 2, 2, 3), "b": _c(3)},
    ),
    "Conv in groups": ([_n("Conv", "x K", "y", group=2)], IMAGE, {"K": _c(4, 1, 3, 3)}),
    "Conv SAME_UPPER": ([_n("Conv", "x K", "y", auto_pad="SAME_UPPER", strides=[2, 2])], IMAGE, {"K": _c(3, 2, 2, 3)}),
    "Conv SAME_LOWER": ([_n("Conv", "x K", "y", auto_pad="SAME_LOWER")], IMAGE, {"K": _c(3, 2, 2, 3)}),
    "Conv in one dimension": ([_n("Conv", "x K b", "y", pads=[1, 0])], (1, 2, 5), {"K": _c(3, 2, 2), "b": _c(3)}),
    "Conv as a dense layer": ([_n("Conv", "x K", "t"), _n("Flatten", "t", "y")], (1, 1, 1, 4), {"K": _c(6, 1, 1, 4)}),
    "ConvTranspose": (
        [_n("ConvTranspose", "x K b", "y", strides=[2, 3], pads=[1, 0, 0, 1], output_padding=[1, 0], dilations=[1, 2])],
        IMAGE,
        {"K": _c(2, 3, 2, 3), "b": _c(3)},
    ),
    "ConvTranspose in groups": ([_n("ConvTranspose", "x K", "y", group=2)], IMAGE, {"K": _c(2, 2, 2, 2)}),
    **{
        f"ConvTranspose {mode} {wanted or ''}": (
            [
                _n(
                    "ConvTranspose",
                    "x K",
                    "y",
                    strides=[2, 1],
                    auto_pad=mode,
                    **({"output_shape": wanted} if wanted else {}),
                )
            ],
            IMAGE,
            {"K": _c(2, 3, 3, 2)},
        )
        for mode, wanted in (
            ("SAME_UPPER", None),
            ("SAME_LOWER", None),
            ("NOTSET", [6, 5]),
            ("SAME_UPPER", [6, 4]),
            ("SAME_LOWER", [5, 4]),
        )
    },
    "BatchNormalization": (
        [_n("MatMul", "x W", "t"), _n("Relu", "t", "u"), _n("BatchNormalization", "u g b m v", "y")],
        (1, 4),
        {"W": _c(4, 8), "g": _c(8), "b": _c(8), "m": _c(8), "v": np.abs(_c(8))},
    ),
    "BatchNormalization of an image": (
        [_n("BatchNormalization", "x g b m v", "y", epsilon=0.1)],
        IMAGE,
        {"g": _c(2), "b": _c(2), "m": _c(2), "v": np.abs(_c(2))},
    ),
    "MaxPool": ([_n("MaxPool", "x", "y", kernel_shape=[2, 3], strides=[2, 1], pads=[1, 0, 0, 2])], IMAGE, {}),
    "MaxPool ceil": ([_n("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)], IMAGE, {}),
    "MaxPool dilated": ([_n("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[2, 1])], IMAGE, {}),
    "AveragePool": ([_n("AveragePool", "x", "y", kernel_shape=[2, 3], strides=[2, 1], pads=[1, 0, 0, 2])], IMAGE, {}),
    "AveragePool with padding": (
        [_n("AveragePool", "x", "y", kernel_shape=[2, 3], pads=[1, 0, 0, 2], count_include_pad=1)],
        IMAGE,
        {},
    ),
    "AveragePool SAME": ([_n("AveragePool", "x", "y", kernel_shape=[2, 2], auto_pad="SAME_UPPER")], IMAGE, {}),
    "GlobalAveragePool": ([_n("GlobalAveragePool", "x", "t"), _n("Flatten", "t", "y")], IMAGE, {}),
    "GlobalMaxPool": ([_n("GlobalMaxPool", "x", "y")], IMAGE, {}),
    "ReduceMean": ([_n("ReduceMean", "x", "y", axes=[1, -1], keepdims=0)], IMAGE, {}),
    "ReduceSum": ([_n("ReduceSum", "x a", "y")], IMAGE, {"a": _i(-1)}),
    "ReduceSum of all": ([_n("ReduceSum", "x", "y", keepdims=0)], (1, 3), {}),
    "ReduceMax, ReduceMin": (
        [_n("ReduceMax", "x", "t", axes=[2]), _n("ReduceMin", "t", "y", axes=[3], keepdims=0)],
        IMAGE,
        {},
    ),
    "Transpose": ([_n("Transpose", "x", "t", perm=[0, 2, 3, 1]), _n("MatMul", "t W", "y")], IMAGE, {"W": _c(2, 3)}),
    "Transpose of all": ([_n("Transpose", "x", "y")], (1, 2, 3), {}),
    "Slice": ([_n("Slice", "x s e a p", "y")], IMAGE, {"s": _i(4, -1), "e": _i(0, -9), "a": _i(2, 3), "p": _i(-2, -1)}),
    "Slice to the end": ([_n("Slice", "x s e a", "y")], IMAGE, {"s": _i(1), "e": _i(2**63 - 1), "a": _i(-1)}),
    "Gather, Gather, Sub": (
        [_n("Gather", "x i", "a", axis=1), _n("Gather", "x j", "b", axis=1), _n("Sub", "a b", "y")],
        (1, 3),
        {"i": np.int64(0), "j": np.int64(-1)},
    ),
    "Gather of some": ([_n("Gather", "x i", "y", axis=2)], IMAGE, {"i": np.array([[0, 3], [1, 1]])}),
    "Squeeze, Unsqueeze": (
        [_n("Unsqueeze", "x a", "t"), _n("Squeeze", "t b", "y")],
        (1, 3),
        {"a": _i(1, 3), "b": _i(-1)},
    ),
    "Concat": (
        [_n("Relu", "x", "t"), _n("Concat", "t x c t", "y", axis=1)],
        (1, 3),
        {"c": _c(1, 2)},
    ),
    "Split": (
        [_n("Split", "x s", "a b", axis=1), _n("Relu", "a", "t"), _n("Concat", "b t", "y", axis=1)],
        (1, 5),
        {"s": _i(2, 3)},
    ),
    "Split in halves": ([_n("Split", "x", "a b", axis=-1), _n("Max", "a b", "y")], (1, 4), {}),
    "Pad": ([_n("Pad", "x p v", "y")], IMAGE, {"p": _i(0, 1, 0, 2, 0, 0, 1, 0), "v": np.float32(0.5)}),
    "Pad by reflection": ([_n("Pad", "x p", "y", mode="reflect")], IMAGE, {"p": _i(0, 0, 2, 1, 0, 0, 1, 3)}),
    "Pad by edges": ([_n("Pad", "x p", "y", mode="edge")], IMAGE, {"p": _i(0, 0, 2, 1, 0, 0, 1, 3)}),
    "Expand, Tile": (
        [_n("Expand", "x e", "t"), _n("Tile", "t r", "y")],
        (1, 1, 3),
        {"e": _i(1, 2, 1), "r": _i(1, 1, 2)},
    ),
    "Where": ([_n("Relu", "x", "t"), _n("Where", "c t x", "y")], (1, 3), {"c": np.array([True, False, True])}),
    "DepthToSpace": ([_n("DepthToSpace", "x", "y", blocksize=2)], (1, 8, 2, 3), {}),
    "DepthToSpace CRD": ([_n("DepthToSpace", "x", "y", blocksize=2, mode="CRD")], (1, 8, 2, 3), {}),
    "SpaceToDepth": ([_n("SpaceToDepth", "x", "y", blocksize=2)], (1, 2, 4, 6), {}),
    "a view by the batch's size": (
        [
            _n("Shape", "x", "s"),
            _n("Gather", "s z", "n", axis=0),
            _n("Unsqueeze", "n a", "m"),
            _n("Concat", "m l", "q", axis=0),
            _n("Reshape", "x q", "t"),
            _n("MatMul", "t W", "y"),
        ],
        (1, 2, 3),
        {"z": np.int64(0), "a": _i(0), "l": _i(-1), "W": _c(6, 2)},
    ),
    "folded weights": (
        [_n("Div", "W d", "a"), _n("MatMul", "a V", "b"), _n("Transpose", "b", "c"), _n("MatMul", "x c", "y")],
        (1, 3),
        {"W": _c(4, 4), "d": np.float32(3.0), "V": _c(4, 3)},
    ),
    "filled and ranged": (
        [
            _n("ConstantOfShape", "s", "f", value=numpy_helper.from_array(np.array([2], np.float32))),
            _n("Range", "z n o", "r"),
            _n("Cast", "r", "c", to=TensorProto.FLOAT),
            _n("Mul", "x f", "t"),
            _n("Add", "t c", "y"),
        ],
        (1, 3),
        {"s": _i(1, 3), "z": np.int64(0), "n": np.int64(3), "o": np.int64(1)},
    ),
    "nodes out of order, and a dead one": (
        [_n("Relu", "t", "y"), _n("Tanh", "x", "dead"), _n("MatMul", "x W", "t")],
        (1, 3),
        {"W": _c(3, 2)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_same_outputs_as_onnxruntime(tmp_path: Path, name: str) -> None:
    nodes, shape, constants = CASES[name]
    whole = {"input_shape": shape} if shape[0] != 1 else {}
    if name.startswith("nodes out"):  # the oracle wants them in order
        net = _check(tmp_path, _model([nodes[2], nodes[0]], shape, constants), shape)
        (tmp_path / "o.onnx").write_bytes(_model(nodes, shape, constants).SerializeToString())
        assert lv.load(tmp_path / "o.onnx") == net
        return
    _check(tmp_path, _model(nodes, shape, constants), shape, **whole)


_MIXES = {"Gemm with transA", "Gemm from the left", "Transpose of all", "ReduceSum of all", "filled and ranged"}


@pytest.mark.parametrize("name", [n for n in CASES if not n.startswith("nodes out")])
def test_rows_of_a_batch(tmp_path: Path, name: str) -> None:
    """An open batch: where the operator keeps rows apart the network is that of every row, otherwise it is refused."""
    nodes, shape, constants = CASES[name]
    model = _model(nodes, ["N", *shape[1:]], constants)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    if name in _MIXES | {"Concat"}:
        if name in _MIXES - {"filled and ranged"}:
            with pytest.raises(lv.InvalidNetwork, match="may be a batch"):
                lv.load(tmp_path / "m.onnx")
        return
    net = lv.load(tmp_path / "m.onnx")
    rows = np.random.default_rng(1).normal(size=(3, *shape[1:])).astype(np.float32)
    truth = _run(model.SerializeToString(), rows)
    assert np.allclose(net(rows.reshape(3, -1).astype(float)), truth.reshape(3, -1), rtol=2e-5, atol=2e-5)


def test_broadcasting_before_opset_7(tmp_path: Path) -> None:
    nodes = [_n("Add", "x c", "t", broadcast=1, axis=1), _n("Gemm", "t W b", "y", broadcast=1)]
    model = _model(nodes, (1, 3), {"c": _c(3), "W": _c(3, 2), "b": _c(2)}, opset=6)
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    net = lv.load(tmp_path / "m.onnx")
    new = _model([_n("Add", "x c", "t"), _n("Gemm", "t W b", "y")], (1, 3), {})
    new.graph.initializer.extend(model.graph.initializer)
    x = np.random.default_rng(0).normal(size=(1, 3)).astype(np.float32)
    assert np.allclose(net(x.astype(float)), _run(new.SerializeToString(), x), rtol=1e-5)
    image = _model([_n("Mul", "x c", "y", broadcast=1, axis=1)], IMAGE, {"c": _c(2)}, opset=6)
    (tmp_path / "m.onnx").write_bytes(image.SerializeToString())
    factors = numpy_helper.to_array(image.graph.initializer[0])
    assert lv.load(tmp_path / "m.onnx")(np.ones(60)).tolist() == np.repeat(factors, 30).astype(float).tolist()
    training = _model([_n("Dropout", "x", "y")], (1, 3), {}, opset=6)
    (tmp_path / "m.onnx").write_bytes(training.SerializeToString())
    with pytest.raises(lv.InvalidNetwork, match="training mode"):
        lv.load(tmp_path / "m.onnx")


def test_weights_beside_the_model(tmp_path: Path) -> None:
    nodes = [_n("MatMul", "x W", "t"), _n("Relu", "t", "u"), _n("MatMul", "u V", "y")]
    constants = {"W": _c(10, 64), "V": _c(64, 2)}
    model = _model(nodes, (1, 10), constants)
    (tmp_path / "plain.onnx").write_bytes(model.SerializeToString())
    home = tmp_path / "home"
    home.mkdir()
    onnx.save(model, home / "m.onnx", save_as_external_data=True, location="m.onnx.data", size_threshold=0)
    assert lv.load(home / "m.onnx") == lv.load(tmp_path / "plain.onnx")
    data = (home / "m.onnx.data").read_bytes()
    (home / "m.onnx.data").write_bytes(data[:-1])
    with pytest.raises(lv.InvalidNetwork, match="which holds"):
        lv.load(home / "m.onnx")
    (home / "m.onnx.data").unlink()
    with pytest.raises(lv.InvalidNetwork, match="no such file"):
        lv.load(home / "m.onnx")
    (tmp_path / "secret").write_bytes(data)
    (home / "m.onnx.data").symlink_to(tmp_path / "secret")
    with pytest.raises(lv.InvalidNetwork, match="outside the model's folder"):
        lv.load(home / "m.onnx")
    for location in ("../secret", str(tmp_path / "secret"), "/etc/passwd", "", "sub/../../secret"):
        moved = onnx.load(home / "m.onnx", load_external_data=False)
        for entry in moved.graph.initializer[0].external_data:
            if entry.key == "location":
                entry.value = location
        (home / "moved.onnx").write_bytes(moved.SerializeToString())
        with pytest.raises(lv.InvalidNetwork, match=r"outside the model's folder|no such file"):
            lv.load(home / "moved.onnx")


def test_what_torch_exports_is_what_from_torch_reads(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(27, 40),
        nn.ReLU(),
        nn.Linear(40, 2),
    ).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's own parts about one another
        torch.onnx.export(module, (torch.zeros(1, 1, 6, 6),), tmp_path / "m.onnx", dynamo=True, verbose=False)
    net, truth = lv.load(tmp_path / "m.onnx"), lv.from_torch(module, (1, 6, 6))
    x = np.random.default_rng(0).normal(size=(5, 36))
    assert np.allclose(net(x), truth(x), rtol=1e-12, atol=1e-12)


def test_one_of_several_outputs_or_inputs_is_chosen(tmp_path: Path) -> None:
    nodes = [
        _n("MatMul", "x W", "logits"),
        _n("Softmax", "logits", "p"),
        _n("Relu", "logits", "r"),
        _n("Add", "r z", "s"),
    ]
    model = _model(nodes, (1, 3), {"W": _c(3, 2)}, "p logits s")
    model.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 2]))
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    path = tmp_path / "m.onnx"
    with pytest.raises(lv.InvalidNetwork, match=r"'p', 'logits', 's': choose a tensor.*output='p'"):
        lv.load(path)
    with pytest.raises(lv.UnsupportedLayer, match=r"Softmax.*not piecewise linear"):
        lv.load(path, output="p")
    assert lv.load(path, output="logits") == lv.load(path, output=1)
    assert lv.load(path, output="r").hidden == (2,)
    with pytest.raises(lv.InvalidNetwork, match="2 inputs beside the weights, 'x', 'z'"):
        lv.load(path, output="s")
    assert lv.load(path, output="r", input="x").hidden == (2,)
    with pytest.raises(lv.InvalidNetwork, match="depends on 1 inputs"):
        lv.load(path, output="r", input="z")
    for options in ({"output": "nothing"}, {"output": 7}, {"output": "r", "input": "nothing"}):
        with pytest.raises(lv.InvalidArgument, match="the graph has the"):
            lv.load(path, **options)  # ty: ignore[invalid-argument-type]


def test_the_label_of_a_classifier_is_left_aside(tmp_path: Path) -> None:
    nodes = [_n("MatMul", "x W", "scores"), _n("ArgMax", "scores", "label", axis=1)]
    model = _model(nodes, (1, 3), {"W": _c(3, 2)}, "label scores")
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
    (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
    assert lv.load(tmp_path / "m.onnx").output_dim == 2
