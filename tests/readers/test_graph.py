"""Traced graphs: lowered exactly, with known constants, and refused by name and line."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (everybody's name for it)
from torch import nn

import lipverify as lv
from lipverify.evaluate import forward_exact
from lipverify.network import Lowering
from lipverify.readers.passes.serialise import Placed, serialise
from lipverify.readers.passes.sums import sum_to_affine
from lipverify.readers.steps import Affine, Sum, TwoSlope
from lipverify.readers.torch_graph import trace
from tests import oracle
from tests.readers.exact import dyadic, of_steps, points

Shape = tuple[int, ...]


class Does(nn.Module):
    """A module that is a function, with layers that it may use."""

    def __init__(self, function: Callable[..., torch.Tensor], **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self, x)


def _max_min(m: Any, x: torch.Tensor) -> torch.Tensor:
    a, b = m.one(x).chunk(2, 1)
    return m.two(torch.cat([torch.maximum(a, b), torch.minimum(a, b)], 1))


def _in_place(m: Any, x: torch.Tensor) -> torch.Tensor:
    y = m.one(x)
    y += x[:, :1]
    y[:, 0] = 1.0
    y[:, 1:2].relu_()
    return y


def _inception(m: Any, x: torch.Tensor) -> torch.Tensor:
    a = F.relu(m.one(x))
    b = torch.abs(m.two(F.relu(x)))
    return torch.cat([a, b, x], 1) - 2 * torch.cat([x, b, a], 1)


PIECEWISE: dict[str, tuple[Callable[[], nn.Module], Shape]] = {
    "residual": (
        lambda: Does(lambda m, x: x + m.two(F.relu(m.one(x))), one=nn.Linear(3, 4), two=nn.Linear(4, 3)),
        (3,),
    ),
    "reused": (lambda: Does(lambda m, x: m.one(F.relu(m.one(x))) + m.one(x), one=nn.Linear(3, 3)), (3,)),
    "inception": (lambda: Does(_inception, one=nn.Linear(2, 2), two=nn.Linear(2, 2)), (2,)),
    "max-min": (lambda: Does(_max_min, one=nn.Linear(3, 4), two=nn.Linear(4, 2)), (3,)),
    "group sort": (
        lambda: Does(
            lambda m, x: m.two(m.one(x).view(-1, 2, 3).sort(-1)[0].flatten(1)), one=nn.Linear(3, 6), two=nn.Linear(6, 1)
        ),
        (3,),
    ),
    "sorted downwards": (
        lambda: Does(lambda m, x: torch.sort(m.one(x), dim=1, descending=True)[0], one=nn.Linear(3, 4)),
        (3,),
    ),
    "top": (lambda: Does(lambda m, x: torch.topk(m.one(x), 2, dim=1)[0], one=nn.Linear(3, 4)), (3,)),
    "in place": (lambda: Does(_in_place, one=nn.Linear(3, 3)), (3,)),
    "constants": (
        lambda: Does(lambda m, x: torch.maximum(x, torch.tensor(0.25)) * torch.tensor([1.0, -2.0]) + 0.5 - x / 4),
        (2,),
    ),
    "limits": (lambda: Does(lambda m, x: x.clamp(-1, 1.5) + x.clamp(min=0.5) + F.hardtanh(x) + F.softshrink(x)), (2,)),
    "extremes": (
        lambda: Does(lambda m, x: x.amax(1) - x.min(1)[0] + (x.amax((1, 2)) + x.mean((1, 2)))[:, None]),
        (2, 4),
    ),
    "prelu": (lambda: Does(lambda m, x: m.act(m.one(x)), one=nn.Linear(2, 3), act=nn.PReLU(3)), (2,)),
    "leaky": (lambda: Does(lambda m, x: F.leaky_relu(m.one(x), 0.125), one=nn.Linear(2, 3)), (2,)),
    "scalar from rows": (lambda: Does(lambda m, x: x @ m.one.weight[0], one=nn.Linear(2, 1)), (3, 2)),
    "matrix from the left": (lambda: Does(lambda m, x: m.one.weight @ x, one=nn.Linear(3, 2)), (3, 2)),
    "moved": (lambda: Does(lambda m, x: x.flip(1).roll(1, 2).permute(0, 2, 1)[:, ::2, 1:]), (3, 4)),
    "pool": (lambda: Does(lambda m, x: F.max_pool2d(m.one(x), 2, 1, padding=1), one=nn.Conv2d(1, 2, 2)), (1, 4, 3)),
    "odd pool": (lambda: nn.MaxPool2d((3, 2), (2, 1), dilation=(1, 2), ceil_mode=True), (2, 5, 5)),
    "average": (lambda: nn.AvgPool1d(4, 2, padding=2), (2, 7)),
    "adaptive": (lambda: nn.Sequential(nn.AdaptiveMaxPool1d(3), nn.AdaptiveAvgPool1d(3)), (2, 7)),
    "conv1d": (lambda: nn.Sequential(nn.Conv1d(2, 4, 3, stride=2, padding=1, dilation=2, groups=2), nn.ReLU()), (2, 9)),
    "conv3d": (lambda: nn.Conv3d(1, 2, (2, 1, 2), padding=(1, 0, 0)), (1, 2, 3, 2)),
    "transposed": (lambda: nn.ConvTranspose2d(2, 2, 3, stride=2, padding=1, output_padding=1, groups=2), (2, 3, 2)),
    "transposed 1d": (lambda: nn.ConvTranspose1d(2, 3, 2, stride=3, dilation=2), (2, 4)),
    **{
        f"padding {mode}": (lambda mode=mode: nn.Conv2d(1, 2, (3, 2), padding=(2, 1), padding_mode=mode), (1, 4, 3))
        for mode in ("reflect", "replicate", "circular", "zeros")
    },
}


@pytest.mark.parametrize("name", PIECEWISE)
def test_lowering_is_exact_on_rationals(name: str) -> None:
    """With small dyadic numbers torch's float64 arithmetic is exact, and so must the network be."""
    build, shape = PIECEWISE[name]
    module = dyadic(torch.Generator().manual_seed(3), build().double())
    net = lv.from_torch(module, example_input=torch.zeros(shape))
    assert net.lowering is Lowering.EXACT
    rng = np.random.default_rng(0)
    for _ in range(4):
        x = rng.integers(-24, 25, math.prod(shape)) / 8
        with torch.no_grad():
            truth = module(torch.tensor(x).reshape(1, *shape)).ravel().tolist()
        assert [float(v) for v in forward_exact(net, x.tolist())] == truth
        assert [Fraction(v) for v in truth] == list(forward_exact(net, x.tolist()))


@pytest.mark.parametrize("name", PIECEWISE)
def test_lowering_agrees_with_torch_on_any_weights(name: str) -> None:
    build, shape = PIECEWISE[name]
    torch.manual_seed(1)
    module = build().double().eval()
    net = lv.from_torch(module, shape)
    x = torch.randn(8, *shape, dtype=torch.float64)
    with torch.no_grad():
        truth = torch.stack([module(row[None]).ravel() for row in x]).numpy()
    assert np.allclose(net(x.flatten(1).numpy()), truth, rtol=1e-10, atol=1e-10)


def test_serialising_keeps_the_function() -> None:
    """A value read twice, read late, and read beside itself; a neuron row whose operand is needed again."""
    rng = np.random.default_rng(0)
    items = [
        Placed(Affine(rng.standard_normal((3, 2)), rng.standard_normal(3)), (0,)),
        Placed(TwoSlope(rng.standard_normal((3, 2))), (1,)),
        Placed(TwoSlope(rng.standard_normal((3, 2))), (1,)),
        Placed(Affine(rng.standard_normal((2, 6)), rng.standard_normal(2)), (2, 2)),
        Placed(TwoSlope(rng.standard_normal((2, 2))), (4,)),
        Placed(Affine(rng.integers(-3, 4, (2, 7)).astype(float), rng.standard_normal(2)), (5, 0, 3)),
    ]
    chain = serialise(items, 2)
    for x in points(0, 2, 3):
        values = [x]
        for item in items:
            values.append(of_steps([item.step], [v for i in item.reads for v in values[i]]))
        made = of_steps(chain, x)
        # Weights added up in floats (a value read twice) may round: everything else is exact.
        assert np.allclose(np.array(made, float), np.array(values[-1], float), rtol=1e-12)


def test_a_residual_network_has_its_known_constant() -> None:
    """x − 2·relu(x) = −|x|: 1, where the product of norms says 3; and a random one by brute force."""
    module = Does(lambda m, x: x - 2 * F.relu(x))
    bound = lv.exact(lv.from_torch(module, (1,)), p=math.inf)
    assert bound.exact_value == 1
    torch.manual_seed(0)
    block = PIECEWISE["residual"][0]().double()
    net = lv.from_torch(block)
    jacobians = [region.jacobian for region in oracle.regions(net)]
    for p in (1, math.inf):
        assert lv.exact(net, p=p).exact_value ** 2 == oracle.largest_square(jacobians, p, p)
    one, two = (getattr(block, n).weight.detach().numpy() for n in ("one", "two"))
    patterns = itertools.product((0.0, 1.0), repeat=4)
    assert lv.exact(net).upper <= max(np.linalg.norm(np.eye(3) + two * s @ one, 2) for s in patterns) + 1e-9


def test_a_max_min_network_has_its_known_constant() -> None:
    """Orthogonal layers with MaxMin between them: exactly 1 in ℓ2, and √2 times that with [1; 1] in front."""
    module = PIECEWISE["max-min"][0]().double()
    rotation = torch.tensor([[0.6, 0.8, 0, 0], [-0.8, 0.6, 0, 0], [0, 0, 1.0, 0], [0, 0, 0, 1.0]], dtype=torch.float64)
    with torch.no_grad():
        module.one.weight.copy_(rotation[:, :3])
        module.two.weight.copy_(rotation[:2])
        module.one.bias.zero_()
        module.two.bias.zero_()
    bound = lv.exact(lv.from_torch(module, 3))
    assert bound.status is lv.Status.EXACT
    assert bound.lower <= 1 + 1e-12
    assert bound.upper == pytest.approx(1, abs=1e-12)
    plain = Does(lambda m, x: torch.maximum(x[:, :1], x[:, 1:]) * 3 + torch.minimum(x[:, :1], x[:, 1:]))
    assert lv.exact(lv.from_torch(plain, (2,))).exact_square == 10  # slopes (3, 1) and (1, 3)
    assert lv.exact(lv.from_torch(plain, (2,)), p=math.inf).exact_value == 4


def _digits_cnn() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A small network with max-pooling, trained for a moment on scikit-learn's digits."""
    datasets = pytest.importorskip("sklearn.datasets")
    images, labels = datasets.load_digits(return_X_y=True)
    x, y = torch.tensor(images[:600] / 16.0).reshape(-1, 1, 8, 8), torch.tensor(labels[:600])
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 10)
    ).double()
    optimiser = torch.optim.Adam(module.parameters(), 0.05)
    for _ in range(60):
        optimiser.zero_grad()
        F.cross_entropy(module(x), y).backward()
        optimiser.step()
    return module.eval(), x, y


def test_a_cnn_on_digits_has_its_known_constant() -> None:
    module, x, y = _digits_cnn()
    with torch.no_grad():
        truth = module(x[:50]).numpy()
        assert float((module(x).argmax(1) == y).double().mean()) > 0.7
    net = lv.from_torch(module, (1, 8, 8))
    assert net.lowering is Lowering.EXACT
    assert np.allclose(net(x[:50].flatten(1).numpy()), truth, rtol=1e-10, atol=1e-10)
    # Around a point in general position the function is affine: its constant is the gradient's norm there.
    point = (x[3] + 0.01 * torch.randn(1, 8, 8, dtype=torch.float64)).requires_grad_()
    logits = module(point[None])[0]
    (gradient,) = torch.autograd.grad(logits[3] - logits[8], point)
    margin = net.output([0, 0, 0, 1, 0, 0, 0, 0, -1, 0])
    box = lv.Box.around(point.detach().numpy().ravel(), 1e-7)
    for p, dual in ((1, math.inf), (2, 2), (math.inf, 1)):
        found = lv.exact(margin, p=p, domain=box)
        assert found.status is lv.Status.EXACT
        assert found.upper == pytest.approx(float(gradient.ravel().norm(dual)), rel=1e-9)
    table = lv.autolip(module, torch.zeros(1, 8, 8)).details
    assert [row.operator for row in table] == ["conv2d", "relu", "max_pool2d", "linear"]


def test_what_is_not_piecewise_linear_is_named_with_its_line() -> None:
    with pytest.raises(
        lv.UnsupportedLayer, match=r"'tanh' \(tanh\) at .*test_graph\.py, line \d+: .*self\.function.*autolip"
    ):
        lv.from_torch(Does(lambda m, x: torch.tanh(x)), (2,))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda m, x: torch.fft.fft(x).real, r"fft_fft_c2c|fft"),
        (lambda m, x: torch.round(x), r"node 'round.*aten\.round.*line \d+: .*self\.function.*not known"),
        (lambda m, x: x.cumsum(1), "cumsum"),
        (lambda m, x: torch.where(x > 0, x, -x), "gt"),
        (lambda m, x: x if x.sum() > 0 else -x, "torch.export cannot follow"),
        (lambda m, x: x.sort(1)[1].double(), "cannot be followed"),
        (lambda m, x: x.long().double(), "int64"),
        (lambda m, x: x.type_as(torch.zeros(1, dtype=torch.int32)).double(), "int32"),
        (lambda m, x: x.argmax(1).double(), "int64|argmax"),
        (lambda m, x: F.softplus(x, threshold=1.0), "jumps"),
        (lambda m, x: F.threshold(x, 0.5, 0.0), "jumps"),
    ],
)
def test_unknown_operators_are_errors_and_never_a_factor(function: Any, message: str) -> None:
    for read in (lambda m: lv.from_torch(m, (3,)), lambda m: lv.autolip(m, torch.zeros(3))):
        with pytest.raises(lv.UnsupportedLayer, match=message):
            read(Does(function))


def test_dead_branches_do_not_matter() -> None:
    graph = trace(Does(lambda m, x: (torch.round(x), x * 2)[1]), torch.zeros(2)).graph
    assert [node.kind for node in graph.nodes] == ["mul"]


def test_constants_that_torch_computes_are_marked_as_rounded() -> None:
    module = Does(lambda m, x: x * (m.one.weight[0] / 3), one=nn.Linear(2, 1))
    assert lv.from_torch(module).lowering is Lowering.ROUNDED
    assert "computes" in lv.autolip(module, torch.zeros(2)).subject
    assert lv.from_torch(Does(lambda m, x: x * m.one.weight[0], one=nn.Linear(2, 1))).lowering is Lowering.EXACT


def test_constant_and_identity_modules() -> None:
    constant = lv.from_torch(Does(lambda m, x: torch.ones(2)), (3,))
    assert lv.exact(constant).upper == 0
    assert lv.autolip(Does(lambda m, x: x * 0 + 1), torch.zeros(3)).upper == 0
    assert lv.autolip(Does(lambda m, x: x), torch.zeros(3)).upper == 1


def test_training_mode_is_refused_where_it_matters() -> None:
    for layer in (nn.Dropout(0.5), nn.BatchNorm1d(2)):
        module = Does(lambda m, x: m.one(m.act(x)), act=layer, one=nn.Linear(2, 2)).train()
        with pytest.raises(lv.LipverifyError, match=r"eval|buffers"):
            lv.autolip(module, torch.zeros(2))
        lv.autolip(module.eval(), torch.zeros(2))


@pytest.mark.parametrize(("coefficients", "rounded"), [((1.0, 1.0), False), ((0.1, -0.1), False), ((0.1, 0.2), True)])
def test_a_value_added_to_itself_is_exact_or_said_to_be_rounded(coefficients: Any, rounded: bool) -> None:
    (total,) = sum_to_affine((Sum(2, coefficients),))
    (step,) = serialise([Placed(total, (0, 0))], 2)
    assert isinstance(step, Affine)
    assert step.rounded is rounded
    assert lv.exact(lv.from_torch(Does(lambda m, x: x + x), (2,)), p=1).exact_value == 2
