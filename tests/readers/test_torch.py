"""torch modules in and out: outputs against torch, exactness against Fractions, refusals by name."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lipverify.errors import InvalidArgument, InvalidNetwork, UnsupportedLayer
from lipverify.evaluate import forward_exact
from lipverify.network import Lowering, Network
from lipverify.readers.torch import from_torch, load_torch, to_torch
from lipverify.readers.torch_layers import TwoSlopes
from tests.readers.exact import dyadic, of_module, points

Shape = tuple[int, ...]


def _bn(module: nn.Module) -> nn.Module:
    """A batch norm with statistics and parameters that are not the initial ones."""
    with torch.no_grad():
        for tensor in (module.running_mean, module.running_var, module.weight, module.bias):
            if isinstance(tensor, torch.Tensor):
                tensor.uniform_(0.3, 2.0)
    return module


def _prelu(channels: int) -> nn.PReLU:
    layer = nn.PReLU(channels)
    with torch.no_grad():
        layer.weight.uniform_(-1, 1)
    return layer


ARCHITECTURES: dict[str, tuple[Any, Shape]] = {
    "mlp": (
        lambda: nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 2)),
        (3,),
    ),
    "one linear": (lambda: nn.Linear(4, 3, bias=False), (4,)),
    "one relu": (lambda: nn.ReLU(), (3,)),
    "relus at the ends": (lambda: nn.Sequential(nn.ReLU(), nn.Linear(3, 2), nn.ReLU(), nn.ReLU()), (3,)),
    "nested": (
        lambda: nn.Sequential(nn.Sequential(nn.Linear(2, 4), nn.Sequential(nn.LeakyReLU(0.2))), nn.Linear(4, 1)),
        (2,),
    ),
    "linear in a row": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Identity(), nn.Linear(4, 2), nn.ReLU()),
        (3,),
    ),
    "prelu": (lambda: nn.Sequential(nn.Linear(3, 4), _prelu(4), nn.Linear(4, 3), _prelu(1)), (3,)),
    "hardtanh": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Hardtanh(-0.3, 0.7), nn.Linear(4, 2), nn.ReLU6()),
        (3,),
    ),
    "bn1d": (
        lambda: nn.Sequential(nn.Linear(3, 4), _bn(nn.BatchNorm1d(4)), nn.ReLU(), nn.Dropout(0.5)),
        (3,),
    ),
    "bn1d on sequences": (
        lambda: nn.Sequential(_bn(nn.BatchNorm1d(2)), nn.Flatten(), nn.Linear(6, 2)),
        (2, 3),
    ),
    "linear on rows": (
        lambda: nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 1)),
        (2, 3),
    ),
    "partial flatten": (lambda: nn.Sequential(nn.Flatten(2), nn.Linear(6, 1), nn.Flatten(-2)), (2, 3, 2)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            _bn(nn.BatchNorm2d(4)),
            nn.ReLU(),
            nn.AvgPool2d(2),
            nn.Conv2d(4, 3, (2, 3), stride=(1, 2), padding=(1, 0), dilation=(2, 1), bias=False),
            _prelu(3),
            nn.Flatten(),
            nn.Linear(9, 2),
        ),
        (2, 6, 7),
    ),
    "groups": (
        lambda: nn.Sequential(nn.Conv2d(4, 6, 2, groups=2), nn.ReLU(), nn.Conv2d(6, 6, 1, groups=6)),
        (4, 3, 4),
    ),
    "same padding": (lambda: nn.Conv2d(1, 2, (4, 3), padding="same", dilation=(1, 2)), (1, 5, 6)),
    "valid padding": (lambda: nn.Conv2d(1, 2, 2, padding="valid", stride=2), (1, 5, 6)),
    "bn2d without parameters": (lambda: _bn(nn.BatchNorm2d(2, affine=False)), (2, 2, 3)),
}
for _count in (False, True):
    for _ceil in (False, True):
        for _override in (None, 5):
            for _kernel, _stride, _pad in ((3, 2, 1), ((2, 3), None, (1, 0)), (2, (3, 1), 1)):
                ARCHITECTURES[f"pool {_count} {_ceil} {_override} {_kernel}"] = (
                    lambda c=_count, e=_ceil, o=_override, k=_kernel, s=_stride, p=_pad: nn.AvgPool2d(
                        k, s, p, ceil_mode=e, count_include_pad=c, divisor_override=o
                    ),
                    (2, 5, 6),
                )


@pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_same_outputs_as_torch(name: str, dtype: torch.dtype) -> None:
    build, shape = ARCHITECTURES[name]
    torch.manual_seed(0)
    module = build().to(dtype).eval()
    net = from_torch(module, shape)
    x = torch.randn(16, *shape, dtype=dtype)
    with torch.no_grad():
        truth = module(x).flatten(1).double().numpy()
    tolerance = 1e-12 if dtype is torch.float64 else 1e-5
    assert np.allclose(net(x.flatten(1).double().numpy()), truth, rtol=tolerance, atol=tolerance)


EXACT = [
    nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)),
    nn.Sequential(nn.Flatten(), nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2), nn.ReLU()),
    nn.Sequential(nn.ReLU(), nn.Linear(3, 4), nn.PReLU(4), nn.Hardtanh(-0.3, 0.9), nn.Linear(4, 1)),
    nn.Sequential(nn.Linear(3, 2), nn.ReLU6(), nn.LeakyReLU(0.1), nn.Dropout(0.3), nn.Linear(2, 2, bias=False)),
]


@pytest.mark.parametrize("module", EXACT, ids=range(len(EXACT)))
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("small", [True, False])
def test_lowering_is_exact(module: nn.Module, dtype: torch.dtype, small: bool) -> None:
    module = copy.deepcopy(module).to(dtype).eval()
    if small:
        dyadic(torch.Generator().manual_seed(1), module)
    net = from_torch(module, 3)
    assert net.lowering is Lowering.EXACT
    for x in points(3, 3):
        assert list(forward_exact(net, x)) == of_module(module, np.array(x, dtype=object)).tolist()


def test_exact_products_are_fused() -> None:
    module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).double()
    assert from_torch(dyadic(torch.Generator().manual_seed(0), module)).hidden == ()
    torch.manual_seed(0)
    double: dict[str, Any] = {"dtype": torch.float64}  # as float32 they would be short enough to fuse
    assert from_torch(nn.Sequential(nn.Linear(3, 4, **double), nn.Linear(4, 2, **double))).hidden == (4,)


def test_what_rounds_says_so() -> None:
    assert from_torch(nn.BatchNorm1d(2).eval(), (2,)).lowering is Lowering.ROUNDED
    assert from_torch(nn.AvgPool2d(3), (1, 3, 3)).lowering is Lowering.ROUNDED
    assert from_torch(nn.AvgPool2d(2), (1, 4, 4)).lowering is Lowering.EXACT


class Custom(nn.Module):
    """A forward that nobody can read."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Overridden(nn.Sequential):
    """A Sequential that is none."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 (torch's name)
        return -input


class Blocks(nn.Sequential):
    """A Sequential that is one."""


class MyLinear(nn.Linear):
    """A layer that does something else."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x).tanh()


def _hooked() -> nn.Module:
    module = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    module[1].register_forward_hook(lambda *_: None)
    return module


def _prehooked() -> nn.Module:
    module = nn.Sequential(nn.Linear(2, 2))
    module.register_forward_pre_hook(lambda *_: None)
    return module


def _replaced() -> nn.Module:
    module = nn.Linear(2, 2)
    module.forward = lambda x: x  # ty: ignore[invalid-assignment]
    return module


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU(), nn.Tanh())),
            r"layer '1\.1' \(Tanh\)",
        ),
        (lambda: nn.Sequential(OrderedDict(a=nn.Linear(2, 2), b=nn.Sigmoid())), r"layer 'b' \(Sigmoid\)"),
        (nn.GELU, r"the module \(GELU\)"),
        (Custom, r"the module \(Custom\)"),
        (lambda: MyLinear(2, 2), r"the module \(MyLinear\)"),
        (lambda: nn.LazyLinear(2), r"LazyLinear"),
        (lambda: nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1)), r"layer '1' \(Softmax\)"),
        (_hooked, r"layer '1' \(ReLU\) has forward hooks"),
        (_prehooked, r"the module \(Sequential\) has forward hooks"),
        (_replaced, "replaced forward"),
        (lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2)), r"training mode; call module.eval"),
    ],
)
def test_unknown_layers_are_named(build: Any, message: str) -> None:
    with pytest.raises(UnsupportedLayer, match=message):
        from_torch(build())


def test_a_shape_is_asked_for_where_nothing_tells_it() -> None:
    with pytest.raises(UnsupportedLayer, match=r"Custom.*input_shape"):
        from_torch(Custom())
    assert from_torch(Custom(), (3,)).input_dim == 3
    assert from_torch(Custom(), example_input=torch.zeros(2, 2)).input_dim == 4
    with pytest.raises(InvalidArgument, match="not both"):
        from_torch(Custom(), (3,), example_input=torch.zeros(3))


def test_an_overridden_forward_is_traced() -> None:
    assert forward_exact(from_torch(Overridden(nn.Linear(2, 2)), 2), [Fraction(1), Fraction(-2)]) == (-1, 2)


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.Dropout2d(0.1), nn.AlphaDropout(0.1), nn.BatchNorm1d(2)])
def test_training_mode_is_refused_where_it_matters(layer: nn.Module) -> None:
    with pytest.raises(InvalidNetwork, match=r"layer '1' .*eval\(\)"):
        from_torch(nn.Sequential(nn.Linear(2, 2), layer).train())
    from_torch(nn.Sequential(nn.Linear(2, 2), layer).eval(), (2,))


def test_training_mode_is_fine_where_it_does_not_matter() -> None:
    assert from_torch(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.0), nn.ReLU()).train()).hidden == (2,)
    assert from_torch(Blocks(nn.Linear(2, 2))).output_dim == 2


def test_a_layer_that_occurs_twice_runs_twice() -> None:
    layer = dyadic(torch.Generator().manual_seed(0), nn.Linear(2, 2).double())
    net = from_torch(nn.Sequential(layer, nn.ReLU(), layer, nn.ReLU(), layer))
    assert net.hidden == (2, 2)


def _with_weight(value: Any, layer: Any = None) -> nn.Module:
    layer = nn.Linear(2, 2) if layer is None else layer
    layer.weight = nn.Parameter(value, requires_grad=False)
    return nn.Sequential(layer)


@pytest.mark.parametrize(
    ("build", "shape", "message"),
    [
        (
            lambda: _with_weight(torch.tensor([[0.0, float("nan")], [0, 0]])),
            None,
            r"'0' \(Linear\): weight\[0, 1\] is nan",
        ),
        (lambda: _with_weight(torch.tensor([[0.0, float("inf")], [0, 0]])), None, "is inf"),
        (lambda: nn.Sequential(nn.Linear(2, 2, dtype=torch.complex64)), None, "complex64"),
        (lambda: _with_weight(torch.ones(2, 2, dtype=torch.int64)), None, "int64"),
        (lambda: nn.Linear(2, 2, device="meta"), None, "meta"),
        (lambda: nn.Sequential(nn.Conv2d(1, 1, 2)), None, r"from_torch\(module, input_shape=\(C, H, W\)\)"),
        (lambda: nn.Sequential(nn.AvgPool2d(2)), None, r"input_shape"),
        (lambda: nn.Sequential(nn.ReLU()), None, r"input_shape=\(n,\)"),
        (lambda: nn.Sequential(), None, "input_shape"),
        (lambda: nn.Conv2d(2, 1, 2), (1, 4, 4), r"it takes images \(2, H, W\)"),
        (lambda: nn.Conv2d(1, 1, 2), (16,), r"takes images"),
        (lambda: nn.Conv2d(1, 1, 5), (1, 4, 4), "does not fit"),
        (lambda: nn.AvgPool2d(5), (1, 4, 4), "does not fit"),
        (lambda: nn.AvgPool2d(2, padding=2), (1, 4, 4), "refuses to run"),
        (lambda: nn.AvgPool2d(2, divisor_override=0), (1, 4, 4), "refuses to run"),
        (lambda: nn.Linear(3, 2), (4,), "takes 3 values"),
        (lambda: nn.Linear(3, 2), (0,), "positive integers"),
        (lambda: nn.Linear(3, 2), (3.0,), "positive integers"),
        (lambda: nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3)), None, r"layer '1' \(Linear\): it takes 2"),
        (lambda: nn.PReLU(3), (2,), "3 slopes"),
        (lambda: nn.BatchNorm1d(3).eval(), (2,), "3 channels"),
        (lambda: nn.BatchNorm1d(3, track_running_stats=False).eval(), (3,), "depends on the batch"),
        (lambda: nn.Flatten(3), (2, 2), "flattens axes"),
        (lambda: nn.LeakyReLU(float("nan")), (2,), "slope"),
        (lambda: TwoSlopes(torch.ones(3, 2)), (2,), r"shape \(3, 2\)"),
    ],
)
def test_invalid_modules(build: Any, shape: Any, message: str) -> None:
    with pytest.raises(InvalidNetwork, match=message):
        from_torch(build(), shape)


def test_not_a_module() -> None:
    with pytest.raises(InvalidNetwork, match="got dict"):
        from_torch({})  # ty: ignore[invalid-argument-type]


def _mixed() -> Network:
    rng = np.random.default_rng(0)
    slopes = [[[0, 1]] * 3, [[1, 1]] * 2, [[-1, 1], [0.1, 1.0]]]
    weights = [rng.normal(size=s) for s in ((3, 2), (2, 3), (2, 2), (1, 2))]
    return Network(weights, [rng.normal(size=len(w)) for w in weights], slopes)


def test_to_torch_and_back() -> None:
    net, state = _mixed(), torch.get_rng_state()
    module = to_torch(net)
    assert torch.equal(state, torch.get_rng_state())
    assert [type(m) for m in module] == [
        nn.Linear,
        nn.ReLU,
        nn.Linear,
        nn.Identity,
        nn.Linear,
        TwoSlopes,
        nn.Linear,
    ]
    assert not module.training
    assert from_torch(module) == net
    x = np.random.default_rng(1).normal(size=(8, 2))
    with torch.no_grad():
        assert np.allclose(module(torch.tensor(x)).numpy(), net(x), rtol=1e-12, atol=1e-12)
    again = pickle.loads(pickle.dumps(module))
    assert from_torch(again) == net
    assert net.to_torch(torch.float32)[0].weight.dtype is torch.float32


def test_to_torch_rounds_to_the_dtype_and_refuses_overflow() -> None:
    rounded = from_torch(to_torch(_mixed(), torch.float32))
    assert rounded.weights[0].tolist() == _mixed().weights[0].astype(np.float32).tolist()
    with pytest.raises(InvalidArgument, match="cannot hold"):
        to_torch(Network([[[1e6]]]), torch.float16)
    for dtype in (torch.int64, torch.complex64, "float32"):
        with pytest.raises(InvalidArgument, match="floating"):
            to_torch(Network([[[1.0]]]), dtype)  # ty: ignore[invalid-argument-type]


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (nn.Sequential(nn.Linear(2, 2)), r"pickled Python objects.*from_torch"),
        ({"0.weight": torch.ones(2, 3), "1.weight": torch.ones(1, 2)}, "adjacent numbers"),
        ({"a.0.weight": torch.ones(2, 3), "a.1.weight": torch.ones(1, 2)}, "adjacent numbers"),
        ({"0.weight": torch.ones(2, 3, 1, 1)}, r"'0.weight' of shape \(2, 3, 1, 1\)"),
        ({"0.bias": torch.ones(2)}, "bias of the layer '0'"),
        ({"0.weight": torch.ones(2, 3), "2.bias": torch.ones(2)}, "bias of the layer '2'"),
        ({"0.weight": torch.ones(2, 3), "2.weight": torch.ones(2)}, "'2.weight'"),
        ({"0.weight": torch.ones(2, 3), "2.weight": torch.ones(1, 3)}, "expected 2 columns"),
        ({"0.weight": torch.full((1, 1), float("nan"))}, "is nan"),
        ({"0.weight": torch.ones(1, 1, dtype=torch.int32)}, "int32"),
        ({"state_dict": {}, "epoch": 3}, "'state_dict'"),
        ({"state_dict": {"0.weight": torch.ones(1, 1)}, "epoch": 3}, r"load\(path, key='state_dict'"),
        ({}, "not a state dict"),
        ([torch.ones(2, 2)], "type list"),
        (torch.ones(2, 2), "type Tensor"),
    ],
)
def test_other_torch_files_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    torch.save(content, tmp_path / "m.pt")
    with pytest.raises(InvalidNetwork, match=message):
        load_torch(tmp_path / "m.pt")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    for name, protocol in (("a.pt", torch.save), ("b.pt", lambda o, p: p.write_bytes(pickle.dumps(o)))):
        protocol({"0.weight": Bomb(tmp_path / "boom")}, tmp_path / name)
        with pytest.raises(InvalidNetwork):
            load_torch(tmp_path / name)
    assert not (tmp_path / "boom").exists()


def test_damaged_torch_files(tmp_path: Path) -> None:
    torch.save(nn.Linear(30, 30).state_dict(), tmp_path / "m.pt")
    content = (tmp_path / "m.pt").read_bytes()
    for cut in (0, 1, 10, len(content) // 2, len(content) - 1):
        (tmp_path / "cut.pt").write_bytes(content[:cut])
        with pytest.raises(InvalidNetwork, match=r"cut\.pt"):
            load_torch(tmp_path / "cut.pt")
    (tmp_path / "cut.pt").write_bytes(b"not a torch file at all")
    with pytest.raises(InvalidNetwork, match=r"cut\.pt"):
        load_torch(tmp_path / "cut.pt")
