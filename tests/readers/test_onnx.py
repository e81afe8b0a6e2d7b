"""ONNX graphs: outputs against onnxruntime, refusals by operator, node and place."""

from __future__ import annotations

import ast
import contextlib
import gzip
import math
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from lipverify.errors import InvalidArgument, InvalidNetwork, UnsupportedLayer
from lipverify.evaluate import forward_exact
from lipverify.network import Lowering, Network
from lipverify.readers.onnx import load_onnx
from lipverify.readers.options import Reading
from tests.readers.exact import of_network, points

Node = tuple[Any, ...]
"""An operator's name, its inputs (names, or arrays: constants), its attributes."""


def _model(nodes: list[Node], shape: Any, dtype: Any = np.float32, opset: int = 13) -> onnx.ModelProto:
    """A chain from 'x'; the input '' of a node is the output of the one before it."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    made, constants, name = [], [], "x"
    for k, (operator, inputs, *attributes) in enumerate(nodes):
        names: list[str] = []
        for j, value in enumerate(inputs):
            if isinstance(value, np.ndarray):
                constants.append(numpy_helper.from_array(value, f"c{k}_{j}"))
                names.append(f"c{k}_{j}")
            else:
                names.append(value or name)
        name = f"t{k}"
        made.append(helper.make_node(operator, names, [name], name=f"n{k}", **(attributes[0] if attributes else {})))
    graph = helper.make_graph(
        made,
        "g",
        [helper.make_tensor_value_info("x", kind, shape)],
        [helper.make_tensor_value_info(name, kind, None)],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def _read(folder: Path, model: onnx.ModelProto, **options: Any) -> Network:
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    return load_onnx(folder / "m.onnx", Reading(**options))


def _whole(shape: Any) -> dict[str, Any]:
    """The option that says that a first axis is no batch, where it could be one."""
    return {"input_shape": shape} if len(shape) > 1 and shape[0] not in (1, "N") else {}


def _runtime(content: bytes, x: Any) -> Any:
    """onnxruntime's outputs for rows of flat inputs, one sample at a time."""
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()
    shape = [n if isinstance(n, int) else 1 for n in value.shape]
    dtype = np.float64 if "double" in value.type else np.float32
    rows = [session.run(None, {value.name: row.astype(dtype).reshape(shape)})[0].ravel() for row in x]
    return np.array(rows, dtype=np.float64), dtype


def _reference(model: onnx.ModelProto, x: Any) -> Any:
    """The same from onnx's reference implementation, for operators that onnxruntime lacks in float64."""
    evaluator = ReferenceEvaluator(model)
    rows: list[Any] = [evaluator.run(None, {"x": row.reshape(1, -1)}) for row in x]
    return np.array([np.asarray(row[0]).ravel() for row in rows])


def _agree(net: Network, content: bytes, count: int = 12) -> None:
    x = np.random.default_rng(0).normal(size=(count, net.input_dim)).astype(np.float32).astype(np.float64)
    truth, dtype = _runtime(content, x)
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    scale = max(1.0, float(np.abs(truth).max()))
    assert np.abs(net(x) - truth).max() <= tolerance * scale


def test_every_real_network(data: Path) -> None:
    files = sorted([*data.rglob("*.onnx"), *data.rglob("*.onnx.gz")])
    assert len(files) > 20
    for file in files:
        content = file.read_bytes()
        net = load_onnx(file)
        folds = file.stem.startswith("mlp_L3") and not file.stem.endswith("folded")  # its first weight is a quotient
        assert net.lowering is (Lowering.ROUNDED if folds else Lowering.EXACT), file
        assert net.source == str(file)
        _agree(net, gzip.decompress(content) if file.suffix == ".gz" else content)


rng = np.random.default_rng(7)


def _c(*shape: int, dtype: Any = np.float32) -> Any:
    return rng.normal(size=shape).astype(dtype)


def _i(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


GRAPHS: dict[str, tuple[list[Node], Any]] = {
    "gemm": ([("Gemm", ["", _c(3, 4), _c(4)])], [1, 3]),
    "gemm transB": ([("Gemm", ["", _c(4, 3), _c(1, 4)], {"transB": 1})], ["N", 3]),
    "gemm without C": ([("Gemm", ["", _c(3, 4)])], [1, 3]),
    "gemm alpha beta": ([("Gemm", ["", _c(3, 4), _c(1)], {"alpha": 0.3, "beta": -0.7})], [1, 3]),
    "gemm scalar C": ([("Gemm", ["", _c(3, 4), np.float32(2.5).reshape(())])], [1, 3]),
    "gemm on rows": ([("Gemm", ["", _c(3, 4), _c(2, 1)])], [2, 3]),
    "matmul second": ([("MatMul", ["", _c(3, 4)]), ("Relu", [""])], ["N", 3]),
    "matmul second, rank 4": ([("MatMul", ["", _c(3, 4)])], [1, 2, 2, 3]),
    "matmul second, rank 1": ([("MatMul", ["", _c(3, 4)])], [3]),
    "matmul first, rank 1": ([("MatMul", [_c(4, 3), ""]), ("Add", ["", _c(4)])], [3]),
    "matmul first, column": ([("MatMul", [_c(4, 3), ""]), ("Add", ["", _c(4, 1)])], [3, 1]),
    "matmul first, matrix": ([("MatMul", [_c(4, 3), ""])], [3, 2]),
    "matmul first, rank 3": ([("MatMul", [_c(4, 3), ""])], [2, 3, 2]),
    "matmul first, one row": ([("MatMul", [_c(1, 1), ""])], [1, 3]),
    "matmul first, one number": ([("MatMul", [_c(2, 1), ""])], [1, 3]),
    "add left": ([("Add", [_c(3), ""])], [1, 3]),
    "add scalar": ([("Add", ["", np.float32(0.5).reshape(())])], [1, 3]),
    "add that repeats": ([("Add", ["", _c(2, 3)])], [1, 3]),
    "add that raises the rank": ([("Add", ["", _c(1, 3)]), ("Gemm", ["", _c(3, 2)])], [3]),
    "add per channel": ([("Add", ["", _c(2, 1, 1)])], [1, 2, 2, 3]),
    "sub": ([("Sub", ["", _c(1, 1, 1, 3)]), ("Flatten", [""]), ("MatMul", ["", _c(3, 2)])], [1, 1, 1, 3]),
    "sub from": ([("Sub", [_c(3), ""])], [1, 3]),
    "mul": ([("Mul", ["", _c(2, 1)])], [1, 2, 3]),
    "mul left": ([("Mul", [_c(3), ""])], [1, 3]),
    "div": ([("Div", ["", _c(3)])], [1, 3]),
    "flatten": ([("Flatten", [""]), ("Gemm", ["", _c(6, 2)])], ["N", 2, 3]),
    "flatten axis": ([("Flatten", [""], {"axis": 2}), ("Gemm", ["", _c(3, 2)])], [1, 2, 3]),
    "flatten negative axis": ([("Flatten", [""], {"axis": -1}), ("Gemm", ["", _c(3, 2)])], [1, 2, 3]),
    "flatten axis 0": ([("Flatten", [""], {"axis": 0}), ("Gemm", ["", _c(6, 2)])], [1, 2, 3]),
    "reshape": ([("Reshape", ["", _i(-1)]), ("MatMul", ["", _c(6, 2)])], [1, 2, 3]),
    "reshape copy": ([("Reshape", ["", _i(0, -1)]), ("Gemm", ["", _c(6, 2)])], ["N", 2, 3]),
    "reshape back": ([("Reshape", ["", _i(-1, 3, 2)]), ("MatMul", ["", _c(2, 2)])], ["N", 6]),
    "relus": ([("Relu", [""]), ("Relu", [""]), ("Gemm", ["", _c(3, 2)]), ("Relu", [""])], [1, 3]),
    "leaky": ([("LeakyRelu", [""], {"alpha": 0.3}), ("LeakyRelu", [""])], [1, 3]),
    "prelu": ([("PRelu", ["", _c(2, 1)])], [1, 2, 3]),
    "clip": ([("Clip", ["", np.float32(-0.3), np.float32(0.4)])], [1, 3]),
    "clip above": ([("Clip", ["", np.float32(-0.3)])], [1, 3]),
    "abs": ([("Abs", [""]), ("Gemm", ["", _c(3, 2)])], [1, 3]),
    "identity": ([("Identity", [""]), ("Dropout", [""])], [1, 3]),
    "dropout": ([("Dropout", ["", np.float32(0.5), np.array(False)]), ("Relu", [""])], [1, 3]),
    "affine in a row": (
        [("Gemm", ["", _c(3, 4), _c(4)]), ("Gemm", ["", _c(4, 2), _c(2)]), ("Relu", [""])],
        [1, 3],
    ),
}
for _nodes, _ in GRAPHS.values():
    for _inputs in (node[1] for node in _nodes):
        _inputs[:] = [np.asarray(v) if isinstance(v, np.generic) else v for v in _inputs]


@pytest.mark.parametrize(
    ("name", "dtype"),
    # onnxruntime has no PRelu in float64.
    [(n, d) for n in GRAPHS for d in (np.float32, np.float64) if (n, d) != ("prelu", np.float64)],
)
def test_same_outputs_as_onnxruntime(tmp_path: Path, name: str, dtype: Any) -> None:
    nodes, shape = GRAPHS[name]
    cast = [
        (
            op,
            [v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype == np.float32 else v for v in ins],
            *rest,
        )
        for op, ins, *rest in nodes
    ]
    model = _model(cast, shape, dtype)
    net = _read(tmp_path, model, **_whole(shape))
    if dtype is np.float64 and name == "leaky":
        x = np.random.default_rng(0).normal(size=(5, 3))
        assert np.allclose(net(x), _reference(model, x), rtol=1e-7)
    else:
        _agree(net, model.SerializeToString())


@pytest.mark.parametrize("name", GRAPHS)
def test_lowering_says_whether_it_rounds(tmp_path: Path, name: str) -> None:
    nodes, shape = GRAPHS[name]
    net = _read(tmp_path, _model(nodes, shape), **_whole(shape))
    assert (net.lowering is Lowering.ROUNDED) == (name == "div")
    for x in points(1, net.input_dim, 1):
        assert list(forward_exact(net, x)) == of_network(net, x)


ROWS: dict[str, tuple[list[Node], tuple[int, ...]]] = {
    "gemm": ([("Gemm", ["", _c(3, 4), _c(4)]), ("Relu", [""]), ("Gemm", ["", _c(4, 2), _c(1, 2)])], (3,)),
    "add and scale": ([("Add", ["", _c(3)]), ("Mul", ["", _c(1, 3)]), ("PRelu", ["", _c(3)])], (3,)),
    "matmul from the left": ([("MatMul", [_c(4, 3), ""])], (3, 2)),
    "flatten": ([("Flatten", [""]), ("MatMul", ["", _c(6, 2)])], (2, 3)),
    "reshape to the batch": ([("Reshape", ["", _i(8, -1)]), ("MatMul", ["", _c(6, 2)])], (2, 3)),
    "reshape, copied": ([("Reshape", ["", _i(0, 6)]), ("MatMul", ["", _c(6, 2)])], (2, 3)),
    "reshape, inferred": ([("Reshape", ["", _i(-1, 6)]), ("MatMul", ["", _c(6, 2)])], (2, 3)),
}


@pytest.mark.parametrize("name", ROWS)
def test_one_row_of_a_batch_that_acts_on_rows_alone(tmp_path: Path, name: str) -> None:
    nodes, shape = ROWS[name]
    batch = _model(nodes, [8, *shape])
    net = _read(tmp_path, batch)
    assert net.input_dim == math.prod(shape)
    assert "one row of its batch of 8" in repr(net)
    assert net == _read(tmp_path, batch, input_shape=shape)
    x = np.random.default_rng(0).normal(size=(8, *shape)).astype(np.float32)
    (truth,) = onnxruntime.InferenceSession(batch.SerializeToString()).run(None, {"x": x})
    assert np.allclose(net(x.reshape(8, -1).astype(float)), truth.reshape(8, -1), rtol=1e-5, atol=1e-5)
    whole = _read(tmp_path, batch, input_shape=(8, *shape))
    assert np.allclose(whole(x.ravel().astype(float)), truth.ravel(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("nodes", "shape"),
    [
        ([("Add", ["", _c(8, 3)])], (8, 3)),
        ([("Gemm", ["", _c(3, 4), _c(8, 1)])], (8, 3)),
        ([("MatMul", [_c(2, 8), ""])], (8, 3)),
        ([("Flatten", [""], {"axis": 0})], (8, 3)),
        ([("Flatten", [""], {"axis": 2})], (8, 3, 2)),
        ([("Reshape", ["", _i(4, -1)]), ("MatMul", ["", _c(6, 2)])], (8, 3)),
        ([("Reshape", ["", _i(-1, 4)])], (8, 3)),
        ([("Reshape", ["", _i(1, -1)])], (8, 3)),
    ],
)
def test_rows_that_meet_are_asked_about(tmp_path: Path, nodes: list[Node], shape: tuple[int, ...]) -> None:
    model = _model(nodes, shape)
    with pytest.raises(InvalidNetwork, match=r"may be a batch or part of the sample") as caught:
        _read(tmp_path, model)
    advice = re.search(r"lipverify\.load\(path, input_shape=(\([0-9, ]+\))\)", str(caught.value))
    assert advice
    _agree(_read(tmp_path, model, input_shape=ast.literal_eval(advice[1])), model.SerializeToString())
    with pytest.raises(InvalidNetwork, match="may be a batch"):
        _read(tmp_path, model, input_shape=shape[1:])
    with pytest.raises(InvalidArgument, match=r"input_shape=\(5,\)"):
        _read(tmp_path, model, input_shape=5)
    opened = _model(nodes, ["N", *shape[1:]])
    with pytest.raises(InvalidNetwork):
        _read(tmp_path, opened)


def test_shift_product_and_scale_stay_exact(tmp_path: Path) -> None:
    shift, weight, bias, scale = _c(3), _c(3, 2), _c(2), _c(2)
    nodes: list[Node] = [
        ("Sub", ["", shift]),
        ("MatMul", ["", weight]),
        ("Add", [bias, ""]),
        ("Mul", ["", scale]),
    ]
    net = _read(tmp_path, _model(nodes, [1, 3]))
    assert net.lowering is Lowering.EXACT
    for x in points(2, 3):
        inner = [v - Fraction(float(s)) for v, s in zip(x, shift, strict=True)]
        truth = [
            (
                sum((v * Fraction(float(w)) for v, w in zip(inner, column, strict=True)), Fraction(0))
                + Fraction(float(b))
            )
            * Fraction(float(s))
            for column, b, s in zip(weight.T, bias, scale, strict=True)
        ]
        assert list(forward_exact(net, x)) == truth


def test_division_by_powers_of_two_and_small_products_are_exact(tmp_path: Path) -> None:
    two = np.array([2.0, -4.0, 0.5], dtype=np.float32)
    assert _read(tmp_path, _model([("Div", ["", two])], [1, 3])).lowering is Lowering.EXACT
    nodes: list[Node] = [("Gemm", ["", np.eye(3), np.full(3, 0.1)], {"beta": 0.1})]
    assert _read(tmp_path, _model(nodes, [1, 3], np.float64)).lowering is Lowering.ROUNDED


def test_constants_from_nodes(tmp_path: Path) -> None:
    weight = numpy_helper.from_array(_c(3, 3), "w")
    model = _model([("MatMul", ["", "v"]), ("Add", ["", "b"]), ("Clip", ["", "low"])], [1, 3])
    made = [
        helper.make_node("Constant", [], ["w"], value=weight),
        helper.make_node("Identity", ["w"], ["v"]),
        helper.make_node("Constant", [], ["b"], value_floats=[1.0, 2.0, 3.0]),
        helper.make_node("Constant", [], ["low"], value_float=-0.5),
        *model.graph.node,
    ]
    del model.graph.node[:]
    model.graph.node.extend(made)
    _agree(_read(tmp_path, model), model.SerializeToString())


def test_half_precision_weights_are_the_numbers_they_are(tmp_path: Path) -> None:
    net = _read(tmp_path, _model([("MatMul", ["", np.array([[0.1]], dtype=np.float16)])], [1, 1], np.float16))
    assert net.weights[0].tolist() == [[float(np.float16(0.1))]]


def test_weights_listed_as_inputs(tmp_path: Path) -> None:
    model = _model([("MatMul", ["", _c(3, 2)])], [1, 3])
    model.graph.input.append(helper.make_tensor_value_info("c0_1", TensorProto.FLOAT, [3, 2]))
    assert _read(tmp_path, model).output_dim == 2


@pytest.mark.parametrize(
    ("nodes", "shape", "message"),
    [
        ([("Relu", [""]), ("Tanh", [""])], [1, 3], r"node 1 'n1' \(Tanh\): the operator is not piecewise linear"),
        ([("Mul", ["x", "x"])], [1, 3], r"\(Mul\): both operands depend on the input"),
        ([("Div", [_c(3), ""])], [1, 3], r"\(Div\): both operands|not piecewise linear"),
        ([("MatMul", ["", "x"])], [1, 1], "both operands"),
        ([("Gemm", ["", _c(3, 3)])], [1, 1, 3], "expected a matrix"),
        ([("MatMul", ["", _c(2, 3, 3)])], [1, 2, 3], "a stack of matrices"),
        ([("Cast", [""], {"to": 7})], [1, 3], "no real numbers"),
        ([("Softmax", [""])], [1, 3], r"\(Softmax\): the operator is not piecewise linear"),
        ([("Scan", [""])], [1, 3], r"\(Scan\): the operator cannot be read"),
        ([("Pad", ["", _i(0, -1, 0, 0)])], [1, 3], "cut entries off"),
        ([("Flatten", [""], {"axis": 1, "extra": 2})], [1, 3], "attribute 'extra'"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, nodes: list[Node], shape: Any, message: str) -> None:
    with pytest.raises(UnsupportedLayer, match=message):
        _read(tmp_path, _model(nodes, shape))


@pytest.mark.parametrize(
    ("nodes", "shape", "message"),
    [
        ([("Relu", [""])], [1, "width"], "may be open"),
        ([("Relu", [""])], ["width"], "may be open"),
        ([("Relu", [""])], [], "may be open"),
        ([("Relu", [""])], [1, 0], "impossible shape"),
        ([("Relu", [""])], [1, 2**40], "impossible shape"),
        ([("MatMul", ["", _c(4, 3)])], [1, 3], "cannot be multiplied"),
        ([("MatMul", [_c(4, 2), ""])], [1, 3, 2], "cannot be multiplied"),
        ([("Add", ["", _c(2)])], [1, 3], "do not broadcast"),
        ([("Gemm", ["", _c(3, 2), _c(3)])], [1, 3], "broadcast"),
        ([("Gemm", ["", _c(3, 2), _c(4, 2)])], [1, 3], "broadcast"),
        ([("PRelu", ["", _c(2, 3)])], [1, 3], "slopes do not broadcast"),
        ([("Reshape", ["", _i(4)])], [1, 3], "cannot be reshaped"),
        ([("Reshape", ["", _i(-1, -1)])], [1, 3], "cannot be reshaped"),
        ([("Reshape", ["", _i(0, 0, 0)])], [1, 3], "cannot be reshaped"),
        ([("Reshape", ["", _i(0, 3)], {"allowzero": 1})], [1, 3], "empty"),
        ([("Reshape", ["", _c(1)])], [1, 3], "expected int64"),
        ([("Flatten", [""], {"axis": 5})], [1, 3], "axis 5"),
        ([("Flatten", [""], {"axis": 0.5})], [1, 3], "expected an integer"),
        ([("Div", ["", np.zeros(3, np.float32)])], [1, 3], "divides by zero"),
        ([("Add", ["", np.array([math.nan], np.float32)])], [1, 3], "nan"),
        ([("MatMul", ["", np.array([[math.inf]], np.float32)])], [1, 1], "inf"),
        ([("MatMul", ["", np.ones((3, 2), np.int32)])], [1, 3], "int32"),
        ([("MatMul", ["", np.ones((3, 2), np.complex64)])], [1, 3], "complex64"),
        ([("Clip", ["", np.array([1, 2], np.float32)])], [1, 3], "limit 'min'"),
        ([("LeakyRelu", [""], {"alpha": math.nan})], [1, 3], "finite number"),
        ([("Dropout", ["", np.array(0.5, np.float32), np.array(True)])], [1, 3], "training mode"),
        ([("Relu", ["", _c(1)])], [1, 3], "2 inputs; expected 1 to 1"),
        ([("Add", [""])], [1, 3], "1 inputs"),
    ],
)
def test_what_is_no_network(tmp_path: Path, nodes: list[Node], shape: Any, message: str) -> None:
    with pytest.raises(InvalidNetwork, match=message):
        _read(tmp_path, _model(nodes, shape))


def _broken(change: Any) -> onnx.ModelProto:
    model = _model([("MatMul", ["", _c(3, 2)]), ("Relu", [""])], [1, 3])
    change(model)
    return model


def _external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_external, "outside the model's folder"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, -3), "impossible shape"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**40), "impossible shape"),
        (lambda m: m.graph.initializer[0].dims.__setitem__(0, 5), "damaged"),
        (lambda m: setattr(m.graph.initializer[0], "data_type", 99), "damaged"),
        (lambda m: setattr(m.graph.initializer[0], "raw_data", b"123"), "damaged"),
        (lambda m: m.graph.initializer.append(m.graph.initializer[0]), "two initialisers"),
        (lambda m: m.graph.sparse_initializer.add(), "sparse"),
        (lambda m: m.graph.output.append(m.graph.output[0]), "2 outputs"),
        (lambda m: m.graph.ClearField("output"), "0 outputs"),
        (lambda m: m.graph.ClearField("input"), "0 inputs"),
        (lambda m: m.graph.node[1].input.__setitem__(0, "nowhere"), "'nowhere' is made nowhere"),
        (
            lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.INT64),
            "no tensor of floats",
        ),
        (lambda m: setattr(m.opset_import[0], "version", 5), "opset 5"),
        (lambda m: m.ClearField("opset_import"), "opset 1"),
        (lambda m: m.ClearField("graph"), "no ONNX graph"),
        (lambda m: m.graph.node[1].output.__setitem__(0, "x"), "a second time"),
        (lambda m: m.graph.node[1].ClearField("output"), "made nowhere"),
        (lambda m: m.graph.node[1].CopyFrom(helper.make_node("Constant", [], ["t1"])), "exactly one value"),
        (lambda m: m.graph.node[0].input.__setitem__(0, "t1"), "depends on itself"),
    ],
)
def test_damaged_graphs(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(InvalidNetwork, match=message):
        _read(tmp_path, _broken(change))


def test_other_domains_are_unsupported(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedLayer, match=r"my\.domain\.Relu"):
        _read(tmp_path, _broken(lambda m: setattr(m.graph.node[1], "domain", "my.domain")))


def test_damaged_files(tmp_path: Path) -> None:
    content = _broken(lambda m: None).SerializeToString()
    for cut in range(0, len(content), 7):
        (tmp_path / "m.onnx").write_bytes(content[:cut])
        with pytest.raises((InvalidNetwork, UnsupportedLayer), match=r"m\.onnx"):
            load_onnx(tmp_path / "m.onnx")
    (tmp_path / "m.onnx.gz").write_bytes(gzip.compress(content))
    assert load_onnx(tmp_path / "m.onnx.gz").output_dim == 2
    for broken in (content, gzip.compress(content)[:-10], b""):
        (tmp_path / "m.onnx.gz").write_bytes(broken)
        with pytest.raises(InvalidNetwork, match=r"m\.onnx\.gz"):
            load_onnx(tmp_path / "m.onnx.gz")


def test_flipped_bits_never_escape_as_other_exceptions(tmp_path: Path) -> None:
    nodes: list[Node] = [("Clip", ["", "low"]), ("Gemm", ["", _c(2, 2), _c(2)], {"alpha": 0.5}), ("Flatten", [""])]
    model = _model(nodes, [1, 2])
    model.graph.node.insert(0, helper.make_node("Constant", [], ["low"], value_float=-0.5))
    content = model.SerializeToString()
    draw = np.random.default_rng(0)
    for place in draw.integers(0, len(content), 1500).tolist():
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(draw.integers(8))
        (tmp_path / "m.onnx").write_bytes(damaged)
        with contextlib.suppress(InvalidNetwork, UnsupportedLayer):
            load_onnx(tmp_path / "m.onnx")
