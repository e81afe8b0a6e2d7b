"""1-Lipschitz layers of other libraries: deel-torchlip's and orthogonium's, and stand-ins of the same shape."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm

import lipverify as lv
from lipverify.network import Lowering

needs_deel = pytest.mark.skipif(find_spec("deel") is None, reason="deel-torchlip is not installed (PyPI, 1.0)")
needs_orthogonium = pytest.mark.skipif(find_spec("orthogonium") is None, reason="orthogonium is not installed (PyPI)")


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    with torch.random.fork_rng(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those libraries' own
        torch.manual_seed(0)
        yield


class Bjorck(nn.Module):
    """Orthogonal in training mode; keeps its last tensor for eval mode, as deel-torchlip's does."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", weight.detach().clone())

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        if self.training:
            for _ in range(20):
                weight = 1.5 * weight - 0.5 * weight @ weight.T @ weight
            self.kept = weight.detach()
        return self.kept


class Times(nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return self.factor * weight


class Mixin:
    def vanilla_export(self) -> nn.Module: ...


class Spectral(nn.Linear, Mixin):
    """A linear layer that inherits what it does, with three parametrizations, one upon the other."""

    def __init__(self, inputs: int, outputs: int, factor: float = 1.0) -> None:
        super().__init__(inputs, outputs)
        spectral_norm(self, name="weight")
        parametrize.register_parametrization(self, "weight", Bjorck(self.weight))
        parametrize.register_parametrization(self, "weight", Times(factor))


class PowerIteration(nn.Module):
    """Goes on with its iteration whenever it is asked, in eval mode too, as orthogonium's does."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("u", torch.randn(size))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        v = nn.functional.normalize(weight.T @ self.u, dim=0)
        self.u = nn.functional.normalize(weight @ v, dim=0)
        return weight / (self.u @ weight @ v)


class Sort(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pairs = x.view(x.shape[0], -1, 2)
        return torch.cat([pairs.min(2, keepdim=True)[0], pairs.max(2, keepdim=True)[0]], dim=2).view(x.shape)


class Householder(nn.Module):
    """By comparisons, as both libraries write it, or by a relu."""

    def __init__(self, *, continuous: bool) -> None:
        super().__init__()
        self.continuous = continuous
        self.theta = nn.Parameter(torch.tensor([0.3, 1.2]))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x, y = z.split(2, 1)
        sine, cosine = torch.sin(0.5 * self.theta), torch.cos(0.5 * self.theta)
        side = x * sine - y * cosine
        if self.continuous:
            return torch.cat([x - 2 * torch.relu(side) * sine, y + 2 * torch.relu(side) * cosine], dim=1)
        c, s = torch.cos(self.theta), torch.sin(self.theta)
        a = x * (side <= 0) + (x * c + y * s) * (side > 0)
        return torch.cat([a, y * (side <= 0) + (x * s - y * c) * (side > 0)], dim=1)


class Centering(nn.Module):
    """Looks at its own numbers to know what to do, as deel-torchlip's normalisations do."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("batches", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x - 1 if self.batches > 1 else x + 1

    def vanilla_export(self) -> nn.Module: ...


def _agrees(module: nn.Module, shape: tuple[int, ...], **options: Any) -> lv.Network:
    """The network of a module that computes what its forward pass does, up to float32's rounding."""
    net = lv.from_torch(module, **options)
    x = torch.randn(50, *shape)
    with torch.no_grad():
        there = module(x).double().reshape(50, -1)
    for point, expected in zip(x.double().reshape(50, -1), there, strict=True):
        assert net(point.numpy()) == pytest.approx(expected.numpy(), abs=2e-5)
    return net


@pytest.mark.parametrize("shape", [None, (4,)])
def test_an_inherited_layer_with_parametrizations(shape: tuple[int] | None) -> None:
    """They are read as they stand, as tensors of exact numbers, and no shape need be given."""
    module = nn.Sequential(Spectral(4, 4), nn.ReLU(), Spectral(4, 1, 2.0))
    module(torch.randn(3, 4))
    net = _agrees(module.eval(), (4,), input_shape=shape)
    assert net.lowering is Lowering.EXACT
    assert net.weights[1].tolist() == module[2].weight.double().tolist()
    assert lv.decide(module, at_most=2.001).status is lv.Answer.HOLDS
    assert lv.autolip(module, torch.zeros(4)).upper == pytest.approx(2.0, abs=1e-3)


def test_one_that_is_traced() -> None:
    module = nn.Sequential(Spectral(4, 4), Sort(), Spectral(4, 1))
    module(torch.randn(3, 4))
    state = {name: tensor.clone() for name, tensor in module.eval().state_dict().items()}
    net = _agrees(module, (4,), input_shape=(4,))
    assert net.lowering is Lowering.EXACT
    assert lv.decide(net, at_most=1.001).status is lv.Answer.HOLDS
    after = module.state_dict()
    assert state.keys() == after.keys()
    assert all(torch.equal(state[name], after[name]) for name in state)
    assert parametrize.is_parametrized(module[0])


def test_another_forward_is_another_layer() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(x)

    class Negative(nn.ReLU):
        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            return -super().__call__(x)

    module = nn.Sequential(Doubled(3, 3), Negative(), nn.Linear(3, 1)).eval()
    _agrees(module, (3,), input_shape=(3,))


def test_training_mode_is_refused() -> None:
    module = nn.Sequential(Spectral(4, 4), nn.ReLU(), Spectral(4, 1))
    with pytest.raises(lv.UnsupportedLayer, match=r"layer '0' .*in training mode; call module\.eval\(\) first"):
        lv.from_torch(module)


@pytest.mark.parametrize("shape", [None, (4,)])
def test_weights_that_change_whenever_they_are_asked_for_are_refused(shape: tuple[int] | None) -> None:
    layer = nn.Linear(4, 3)
    parametrize.register_parametrization(layer, "weight", PowerIteration(3))
    module = nn.Sequential(layer, nn.ReLU(), nn.Linear(3, 1)).eval()
    before = layer.parametrizations.weight[0].u.clone()
    with pytest.raises(lv.UnsupportedLayer, match=r"layer '0' \(Linear\).*remove_parametrizations\(layer, 'weight'\)"):
        lv.from_torch(module, input_shape=shape)
    asked = layer.parametrizations.weight[0].u.clone()
    assert torch.equal(asked, before)
    assert layer.weight.isfinite().all()
    assert not torch.equal(asked, layer.parametrizations.weight[0].u)  # it changes when it is run, and only then
    parametrize.remove_parametrizations(layer, "weight")
    _agrees(module, (4,), input_shape=shape)


def test_a_comparison_is_refused_and_its_relu_is_read() -> None:
    module = nn.Sequential(nn.Linear(3, 4), Householder(continuous=False), nn.Linear(4, 1)).eval()
    with pytest.raises(lv.UnsupportedLayer, match=r"layer '1'.*compares values that depend on the input.*torch\.relu"):
        lv.from_torch(module, input_shape=(3,))
    x = torch.randn(20, 3)
    expected = module(x)
    module[1] = Householder(continuous=True)
    assert torch.allclose(module(x), expected, atol=1e-5)
    _agrees(module, (3,), input_shape=(3,))


def test_layers_that_look_at_their_numbers_are_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(lv.UnsupportedLayer, match=r"vanilla_model\(module, in_place=False\)"):
        lv.from_torch(nn.Sequential(nn.Linear(3, 2), Centering()).eval(), input_shape=(3,))
    assert capfd.readouterr() == ("", "")


@needs_deel
def test_deel_torchlip() -> None:
    import deel.torchlip as tl

    def chain(*layers: nn.Module, **options: float) -> nn.Module:
        return tl.Sequential(*layers, **options).eval()

    linear = tl.SpectralLinear
    plain = nn.Sequential(linear(6, 8), nn.ReLU(), linear(8, 1)).eval()
    assert _agrees(plain, (6,)).lowering is Lowering.EXACT
    assert lv.decide(plain, at_most=1.00001).status is lv.Answer.HOLDS
    for sort in (tl.GroupSort2(), tl.GroupSort(4), tl.LPReLU()):
        net = _agrees(chain(linear(6, 4), sort, tl.FrobeniusLinear(4, 1)), (6,), input_shape=(6,))
        assert lv.decide(net, at_most=1.00001).status is lv.Answer.HOLDS
    for sort in (tl.FullSort(), tl.GroupSort2(k_coef_lip=0.5)):
        _agrees(
            chain(linear(6, 3, k_coef_lip=2.0), nn.ReLU(), linear(3, 4), sort, linear(4, 1)), (6,), input_shape=(6,)
        )
    _agrees(chain(linear(6, 2), tl.MaxMin(), linear(4, 1)), (6,), input_shape=(6,))
    down = chain(tl.InvertibleDownSampling(2), nn.ReLU(), nn.Flatten(), linear(16, 1))
    _agrees(down, (1, 4, 4), input_shape=(1, 4, 4))
    for conv in (tl.SpectralConv2d(1, 2, 3, padding=1), tl.FrobeniusConv2d(1, 2, 3, padding=1)):
        net = _agrees(chain(conv, tl.GroupSort2(), nn.Flatten(), linear(32, 1)), (1, 4, 4), input_shape=(1, 4, 4))
        assert net.lowering is Lowering.EXACT
    centred = nn.Sequential(linear(6, 4), tl.modules.BatchCentering(4), nn.ReLU(), linear(4, 1))
    for _ in range(3):
        centred(torch.randn(8, 6))
    with pytest.raises(lv.UnsupportedLayer, match="vanilla_model"):
        lv.from_torch(centred.eval(), input_shape=(6,))
    with torch.no_grad():
        centred(torch.randn(8, 6))
    _agrees(tl.vanilla_model(centred, in_place=False), (6,), input_shape=(6,))


@needs_orthogonium
def test_orthogonium() -> None:
    from orthogonium.layers import AdaptiveOrthoConv2d, BatchCentering2D, MaxMin, OrthoLinear, UnitNormLinear

    module = nn.Sequential(OrthoLinear(6, 8), MaxMin(), OrthoLinear(8, 1)).eval()
    with pytest.raises(lv.UnsupportedLayer, match=r"layer '0' \(OrthoLinear\).*remove_parametrizations"):
        lv.from_torch(module, input_shape=(6,))
    net = _agrees(_kept(module), (6,), input_shape=(6,))
    assert net.lowering is Lowering.EXACT
    assert lv.decide(net, at_most=1.0001).status is lv.Answer.HOLDS
    _agrees(nn.Sequential(UnitNormLinear(6, 4), nn.ReLU(), UnitNormLinear(4, 2)).eval(), (6,))
    for kernel, stride in ((3, 1), (2, 2)):
        conv = AdaptiveOrthoConv2d(2, 4, kernel, stride, padding=math.ceil((kernel - stride) / 2))
        module = nn.Sequential(conv, BatchCentering2D(4), MaxMin(), nn.Flatten()).eval()
        _agrees(_kept(module), (2, 4, 4), input_shape=(2, 4, 4))


def _kept(module: nn.Module) -> nn.Module:
    for layer in list(module.modules()):
        for name in list(getattr(layer, "parametrizations", {})):
            parametrize.remove_parametrizations(layer, name)
    return module
