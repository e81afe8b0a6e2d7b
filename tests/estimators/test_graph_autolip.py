"""AutoLip on graphs: every node rule against exact or sampled constants, and never below the exact constant."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from flint import arb, fmpq
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import lipverify as lv
from lipverify.errors import UnsupportedLayer
from lipverify.estimators.graph import rules
from lipverify.estimators.graph.activations import STEEPEST
from lipverify.estimators.graph.bound import node_constants
from lipverify.estimators.graph.combine import Local, root_up, shortened
from lipverify.norms import operator_norm
from lipverify.power import power_lower
from lipverify.readers.passes import lower_graph
from lipverify.readers.steps import Dense
from lipverify.readers.torch_graph import trace
from lipverify.readers.windows import LargestOf
from tests.conftest import examples
from tests.readers.test_graph import PIECEWISE, Does

NORMS = (1.0, 2.0, math.inf)


def upper(module: nn.Module, shape: tuple[int, ...], p: float, domain: Any = None) -> float:
    return lv.autolip(module, torch.zeros(shape, dtype=torch.float64), p=p, domain=domain).upper


def sampled(
    module: nn.Module, shape: tuple[int, ...], p: float, *, scale: float = 2.0, low: Any = None, points: int = 15
) -> float:
    """The largest Jacobian norm at some points (boxed to [−scale, scale], or [low, low + scale])."""
    generator = torch.Generator().manual_seed(0)
    best = 0.0
    for k in range(points):
        x = (torch.rand(shape, generator=generator, dtype=torch.float64) * 2 - 1) * scale * (1 if k % 3 else 0.1)
        if low is not None:
            x = low + torch.rand(shape, generator=generator, dtype=torch.float64) * scale
        jacobian = torch.autograd.functional.jacobian(lambda v: module(v[None]).ravel(), x)
        best = max(best, float(operator_norm(jacobian.reshape(-1, math.prod(shape)).numpy(), p)))
    return best


# The paper's example ------------------------------------------------------------------------------


@pytest.mark.parametrize("w", [0.0, 0.5, -0.7, 3.0])
@pytest.mark.parametrize(
    "softplus",
    [
        lambda x: torch.log(1 + torch.exp(x / 2)),
        lambda x: torch.log1p(torch.exp(x / 2)),
        lambda x: F.softplus(x / 2),
        lambda x: torch.logsumexp(torch.stack([torch.zeros_like(x), x / 2]), 0),
        lambda x: torch.log(torch.exp(x * 0.5) + torch.ones(1, dtype=torch.float64)),
    ],
)
def test_the_papers_example(softplus: Callable[[Any], Any], w: float) -> None:
    """ln(1 + e^{x/2}) + |x/2 − w·sin x|: 1 + |w|."""
    module = Does(lambda m, x: softplus(x) + torch.abs(x / 2 - w * torch.sin(x)))
    for p in NORMS:
        bound = lv.autolip(module, torch.zeros(1, dtype=torch.float64), p=p)
        assert bound.upper == pytest.approx(1 + abs(w), rel=1e-15)
        assert bound.upper >= 1 + abs(w)
        assert bound.upper_rigor is lv.Rigor.ROUNDED
        assert bound.details[-1].cumulative == bound.upper


def test_a_quotient_is_bounded_at_its_least_divisor() -> None:
    """tanh(x)/(3 + σ(x)): ⅓ times the 1 of tanh, 1/9 times the ¼ of σ, and no less by a rounding."""

    class Module(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(x) / (3 + torch.sigmoid(x))

    bound = Fraction(lv.autolip(Module(), torch.zeros(2, 1)).upper)
    assert Fraction(13, 36) <= bound <= Fraction(13, 36) * (1 + Fraction(1, 10**9))


def test_log_sum_exp_is_one_node_however_it_is_written() -> None:
    for function in (lambda x: torch.logsumexp(x, 1), lambda x: torch.log(torch.exp(x).sum(1))):
        assert upper(Does(lambda m, x, f=function: f(x)), (3,), 2) == 1.0
    assert upper(Does(lambda m, x: torch.logaddexp(x[:, :1], x[:, 1:])), (2,), 2) == 1.0
    with_weights = Does(lambda m, x: torch.log(torch.exp(x).mean(1)))  # a mean is no sum: log needs a range
    assert upper(with_weights, (3,), 2) == math.inf


# The table of activation functions ----------------------------------------------------------------

CURVES: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "arctan": torch.arctan,
    "asinh": torch.asinh,
    "celu": F.celu,
    "cos": torch.cos,
    "erf": torch.erf,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "hardswish": F.hardswish,
    "log_sigmoid": F.logsigmoid,
    "mish": F.mish,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "sin": torch.sin,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "tanh": torch.tanh,
}


def test_every_curve_of_the_table_is_tested() -> None:
    assert set(CURVES) == set(STEEPEST)


@pytest.mark.parametrize("name", CURVES)
def test_activation_constants_are_reached_and_never_exceeded(name: str) -> None:
    x = torch.linspace(-30, 30, 600_001, dtype=torch.float64).requires_grad_()
    (slopes,) = torch.autograd.grad(CURVES[name](x).sum(), x)
    steepest = float(slopes.abs().max())
    assert steepest <= STEEPEST[name] * (1 + 1e-15)
    assert steepest >= STEEPEST[name] * (1 - 3e-5)
    module = Does(lambda m, v: CURVES[name](v))
    for p in NORMS:
        assert upper(module, (3,), p) == STEEPEST[name]


def _phi(x: arb) -> arb:
    return (-x * x / 2).exp() / (2 * arb.pi()).sqrt()


def _sigmoid(x: arb) -> arb:
    return 1 / (1 + (-x).exp())


def _gelu_tanh(x: arb) -> arb:
    inner = (2 / arb.pi()).sqrt() * (x + arb("0.044715") * x**3)
    slope = (2 / arb.pi()).sqrt() * (1 + 3 * arb("0.044715") * x * x)
    t = inner.tanh()
    return (1 + t) / 2 + x * (1 - t * t) * slope / 2


def _mish(x: arb) -> arb:
    e = (-x).exp()
    t = (1 + 2 * e) / (1 + 2 * e + 2 * e * e)  # tanh(softplus(x))
    return t + x * (1 - t * t) * _sigmoid(x)


SLOPES: dict[str, Callable[[arb], arb]] = {
    "gelu": lambda x: (1 + (x / arb(2).sqrt()).erf()) / 2 + x * _phi(x),
    "gelu_tanh": _gelu_tanh,
    "silu": lambda x: _sigmoid(x) * (1 + x * (1 - _sigmoid(x))),
    "mish": _mish,
}


@pytest.mark.parametrize("name", SLOPES)
def test_the_steepest_slope_is_proved_by_ball_arithmetic(name: str) -> None:
    """|f′| ≤ the constant on every ball of a subdivision of [−9, 9]; beyond, f′ is within 0.01 of 0 or 1."""
    claimed = fmpq(*STEEPEST[name].as_integer_ratio())
    waiting = [(fmpq(-9), fmpq(9))]
    while waiting:
        low, high = waiting.pop()
        ball = arb((low + high) / 2, (high - low) / 2)
        if not abs(SLOPES[name](ball)) <= arb(claimed):
            assert high - low > fmpq(1, 2**40), f"{name} is steeper than {STEEPEST[name]} near {float(ball.mid())}"
            waiting += [(low, (low + high) / 2), ((low + high) / 2, high)]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_softmax_and_its_logarithm(size: int) -> None:
    for p in NORMS:
        for logarithm in (False, True):
            module = nn.LogSoftmax(1) if logarithm else nn.Softmax(1)
            bound = upper(module, (size,), p)
            reached = 0.0
            for x in itertools.product((-12.0, 0.0, 12.0), repeat=size):
                point = torch.tensor(x, dtype=torch.float64)
                jacobian = torch.autograd.functional.jacobian(lambda v, m=module: m(v[None])[0], point)
                reached = max(reached, float(operator_norm(jacobian.numpy(), p)))
            assert reached <= bound * (1 + 1e-15)
            assert bound <= max(reached, 1e-30) * 1.001 or size == 1
            assert logarithm or bound == (0.0 if size == 1 else 0.5)


@pytest.mark.parametrize(("alpha", "expected"), [(0.5, 1.0), (1.0, 1.0), (2.5, 2.5)])
def test_elu_and_selu(alpha: float, expected: float) -> None:
    assert upper(nn.ELU(alpha), (2,), 2) == pytest.approx(expected, rel=1e-15)
    assert upper(nn.SELU(), (2,), 2) == pytest.approx(1.7580993408473766, rel=1e-12)
    assert upper(nn.SELU(), (2,), 2) >= 1.7580993408473766


# Pooling ------------------------------------------------------------------------------------------


def brute_force_pooling(k: int, s: int, d: int, n: int, p: float) -> float:
    """The largest norm over all choices of one input per window that some input vector realises.

    A vector with one large entry is chosen by every window that sees it; every order of the entries is tried.
    """
    windows = [[i * s + t * d for t in range(k)] for i in range((n - d * (k - 1) - 1) // s + 1)]
    best = 0.0
    for order in itertools.permutations(range(n)):
        jacobian = np.zeros((len(windows), n))
        for row, window in enumerate(windows):
            jacobian[row, max(window, key=order.__getitem__)] = 1.0
        best = max(best, float(operator_norm(jacobian, p)))
    return best


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize(
    ("k", "s", "d", "n"),
    [(2, 1, 1, 5), (3, 1, 1, 6), (3, 2, 1, 7), (2, 2, 1, 6), (2, 3, 1, 7), (2, 1, 2, 6), (3, 2, 2, 7), (2, 2, 2, 7)],
)
def test_max_pooling_by_brute_force(k: int, s: int, d: int, n: int, p: float) -> None:
    truth = brute_force_pooling(k, s, d, n, p)
    bound = upper(nn.MaxPool1d(k, s, dilation=d), (1, n), p)
    assert truth * (1 - 1e-15) <= bound <= truth * (1 + 1e-15)
    shared = math.ceil(k * math.gcd(s, d) / s)  # the closed form, where the axis is long
    assert bound <= {1.0: shared, 2.0: math.sqrt(shared) * (1 + 1e-15), math.inf: 1.0}[p]


@pytest.mark.parametrize("p", NORMS)
def test_pooling_in_two_dimensions(p: float) -> None:
    """AlexNet's 3×3 windows two apart share a pixel up to four times: 4, 2 and 1."""
    assert upper(nn.MaxPool2d(3, 2), (1, 7, 7), p) == {1.0: 4.0, 2.0: 2.0, math.inf: 1.0}[p]
    for k, s in ((2, 2), (3, 3), (3, 2), (3, 1), (4, 3)):
        bound = upper(nn.AvgPool2d(k, s), (1, 12, 12), p)
        truth = sampled(nn.AvgPool2d(k, s), (1, 12, 12), p, points=1)  # linear: its Jacobian is the map
        assert truth * (1 - 1e-14) <= bound
        ceiling = {1.0: math.ceil(k / s) ** 2 / k**2, 2.0: math.ceil(k / s) / k, math.inf: 1.0}[p]
        assert bound <= ceiling * (1 + 1e-14)
        assert k != s or bound == pytest.approx(truth, rel=1e-14)
    uncounted = nn.AvgPool2d(2, 2, padding=1, count_include_pad=False)  # a corner is alone in its window
    assert upper(uncounted, (1, 2, 2), p) == pytest.approx(1.0, rel=1e-15)
    assert sampled(uncounted, (1, 2, 2), p) == pytest.approx(1.0, rel=1e-12)


# Every other row ----------------------------------------------------------------------------------


def _normalised(module: Any) -> nn.Module:
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if tensor.dtype.is_floating_point:
                tensor.uniform_(0.5, 2.0)
                if name == "weight":
                    tensor[0] = -3.0
    return module


SMOOTH: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "batch norm": (lambda: _normalised(nn.BatchNorm2d(2)), (2, 2, 2)),
    "batch norm 1d": (lambda: _normalised(nn.BatchNorm1d(3)), (3,)),
    "layer norm": (lambda: _normalised(nn.LayerNorm(4, eps=0.3)), (4,)),
    "layer norm of one": (lambda: nn.LayerNorm(1), (2, 1)),
    "group norm": (lambda: _normalised(nn.GroupNorm(2, 4, eps=0.1)), (4, 2)),
    "instance norm": (lambda: nn.InstanceNorm1d(2, eps=0.2), (2, 3)),
    "rms norm": (lambda: _normalised(nn.RMSNorm(3, eps=0.2)), (3,)),
    "dropout": (lambda: nn.Dropout(0.5), (3,)),
    "concatenation": (lambda: Does(lambda m, x: torch.cat([x, 2 * x], 1)), (2,)),
    "maximum": (
        lambda: Does(lambda m, x: torch.maximum(m.one(x), m.two(x)), one=nn.Linear(3, 4), two=nn.Linear(3, 4)),
        (3,),
    ),
    "residual": (lambda: Does(lambda m, x: x + torch.tanh(m.one(x)), one=nn.Linear(3, 3)), (3,)),
    "norm": (lambda: Does(lambda m, x: torch.linalg.vector_norm(x, dim=1)), (3, 2)),
    "outer scaling": (
        lambda: Does(lambda m, x: x.unsqueeze(1) * torch.tensor([[1.0], [-2.0]], dtype=torch.float64)),
        (3,),
    ),
    "division": (lambda: Does(lambda m, x: x / torch.tensor([3.0, -0.7], dtype=torch.float64)), (2,)),
    "softmax": (lambda: nn.Softmax(1), (3,)),
    "glu": (lambda: Does(lambda m, x: torch.sigmoid(x) - F.softshrink(x)), (4,)),
    "swish by hand": (lambda: Does(lambda m, x: x * torch.sigmoid(x)), (2,)),
}


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("name", SMOOTH)
def test_never_below_sampled_jacobians(name: str, p: float) -> None:
    build, shape = SMOOTH[name]
    torch.manual_seed(0)
    module = build().double().eval()
    bound = upper(module, shape, p)
    assert bound < math.inf
    assert sampled(module, shape, p) <= bound * (1 + 1e-13)


def test_closed_forms() -> None:
    norm = nn.BatchNorm1d(2).double().eval()
    with torch.no_grad():
        norm.running_var.copy_(torch.tensor([3.0, 0.75]))
        norm.weight.copy_(torch.tensor([1.0, -2.0]))
    assert upper(norm, (2,), 2) == pytest.approx(2 / math.sqrt(0.75 + norm.eps), rel=1e-15)
    assert upper(nn.LayerNorm(4, eps=0.25), (4,), 2) == pytest.approx(2.0, rel=1e-15)
    assert 1 / 6 < upper(nn.Hardsigmoid(), (2,), 2) < (1 / 6) * (1 + 1e-15)
    twice = Does(lambda m, x: torch.cat([x, x], 1))
    assert [upper(twice, (2,), p) for p in NORMS] == [2.0, math.nextafter(math.sqrt(2), 2), 1.0]
    branches = Does(lambda m, x: torch.maximum(3 * x, -4 * x))
    assert [upper(branches, (2,), p) for p in NORMS] == [7.0, 5.0, 4.0]
    assert upper(branches, (1,), 1) == 4.0  # one output: the larger of the two
    assert upper(Does(lambda m, x: x + 2 * x.flip(1)), (3,), 2) == 3.0
    layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    product = math.prod(float(torch.linalg.matrix_norm(layers[k].weight.detach(), 2)) for k in (0, 2))
    assert upper(layers, (3,), 2) == pytest.approx(product, rel=1e-12)


def test_a_reused_module_counts_each_time() -> None:
    layer = nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        layer.weight.fill_(3.0)
    module = Does(lambda m, x: m.one(F.relu(m.one(x))), one=layer)
    bound = lv.autolip(module, torch.zeros(1))
    assert bound.upper == 9.0
    assert [row.operator for row in bound.details] == ["linear", "relu", "linear"]
    assert [row.local for row in bound.details] == [3.0, 1.0, 3.0]
    assert [row.cumulative for row in bound.details] == [3.0, 3.0, 9.0]


def test_scales_do_not_overflow_on_the_way() -> None:
    for first, second in ((2.0**900, 2.0**-900), (2.0**-900, 2.0**900)):
        module = Does(lambda m, x, a=first, b=second: F.relu(x * a * 2.0**100) * (b * 2.0**-100))
        assert upper(module, (2,), 2) == 1.0
    module = Does(lambda m, x: F.relu(F.relu(x * 2.0**1000) * 2.0**1000) * 2.0**-1000 * 2.0**-1000)
    assert upper(module, (2,), 2) == 1.0


# Products and ranges ------------------------------------------------------------------------------

PRODUCTS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "square": (lambda: Does(lambda m, x: x * x), (2,)),
    "power": (lambda: Does(lambda m, x: x**3 + x.square()), (2,)),
    "gate": (
        lambda: Does(lambda m, x: torch.sigmoid(m.one(x)) * m.two(x), one=nn.Linear(2, 3), two=nn.Linear(2, 3)),
        (2,),
    ),
    "exp": (lambda: Does(lambda m, x: torch.exp(x) + torch.sinh(x)), (2,)),
    "log": (lambda: Does(lambda m, x: torch.log(x + 3) + torch.sqrt(x + 2.5) + torch.log1p(x + 2)), (2,)),
    "quotient": (lambda: Does(lambda m, x: x / (3 + x.flip(1)) + 1 / (x - 4)), (2,)),
    "bilinear": (lambda: Does(lambda m, x: x @ x.transpose(1, 2)), (2, 3)),
    "attention by hand": (
        lambda: Does(
            lambda m, x: torch.softmax(m.one(x) @ m.two(x).transpose(1, 2), -1) @ x,
            one=nn.Linear(2, 2),
            two=nn.Linear(2, 2),
        ),
        (3, 2),
    ),
    "after a convolution": (
        lambda: Does(
            lambda m, x: m.one(x) * F.avg_pool2d(m.two(F.max_pool2d(x, 2, 1)), 1),
            one=nn.Conv2d(1, 2, 2),
            two=nn.ConvTranspose2d(1, 2, 1),
        ),
        (1, 3, 3),
    ),
    "after everything": (
        lambda: Does(
            lambda m, x: m.one(x).sort(1)[0] * m.norm(F.elu(x)).clamp(-1, 3) * F.gelu(x),
            one=nn.Linear(3, 3),
            norm=nn.LayerNorm(3),
        ),
        (3,),
    ),
}


@pytest.mark.parametrize("p", NORMS)
@pytest.mark.parametrize("name", PRODUCTS)
def test_products_need_a_box_and_are_bounded_on_it(name: str, p: float) -> None:
    build, shape = PRODUCTS[name]
    torch.manual_seed(2)
    module = build().double().eval()
    free = lv.autolip(module, torch.zeros(shape), p=p)
    assert free.upper == math.inf
    assert "a bounded domain" in free.stats["unbounded"]
    assert any(row.note for row in free.details)
    n = math.prod(shape)
    bound = upper(module, shape, p, lv.Box([-1.5] * n, [1.5] * n))
    assert sampled(module, shape, p, scale=3.0, low=-1.5) <= bound < math.inf
    half = upper(module, shape, p, lv.Box([-1] * n, [1] * n))
    assert half <= bound


def test_products_in_closed_form() -> None:
    square = Does(lambda m, x: x * x)
    assert upper(square, (1,), 2, lv.Box([-2], [3])) == pytest.approx(6, rel=1e-12)
    assert upper(square, (1,), 2, lv.Box([-2], [3])) >= 6
    assert upper(Does(lambda m, x: torch.exp(x)), (1,), 2, lv.Box([0], [1])) == pytest.approx(math.e, rel=1e-11)
    assert upper(Does(lambda m, x: torch.log(x)), (1,), 2, lv.Box([0.5], [1])) == pytest.approx(2, rel=1e-11)
    assert upper(Does(lambda m, x: torch.log(x)), (1,), 2, lv.Box([0], [1])) == math.inf


def test_attention_is_said_to_have_no_constant() -> None:
    module = Does(lambda m, x: F.scaled_dot_product_attention(x, x, x))
    bound = lv.autolip(module, torch.zeros(3, 2), domain=lv.Box([-1] * 6, [1] * 6))
    assert bound.upper == math.inf
    assert "not globally Lipschitz" in bound.stats["unbounded"]


def test_what_does_not_count_may_be_wild() -> None:
    """0 · inf = 0."""
    assert upper(Does(lambda m, x: 0 * torch.exp(x) + x), (2,), 2) == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_ranges_contain_every_value(seed: int) -> None:
    from lipverify.estimators.graph.ranges import Ranges

    for build, shape in (*PIECEWISE.values(), *PRODUCTS.values(), *SMOOTH.values()):
        torch.manual_seed(seed)
        module = build().double().eval()
        n = math.prod(shape)
        rng = np.random.default_rng(seed)
        low = rng.uniform(-1, 0.5, n)
        box = lv.Box(low, low + rng.uniform(0.1, 1, n))
        graph = trace(module, torch.zeros(shape, dtype=torch.float64)).graph
        below, above = Ranges(graph, box).of(len(graph.nodes))
        for _ in range(5):
            x = torch.tensor(rng.uniform(box.lower, box.upper)).reshape(1, *shape)
            with torch.no_grad():
                y = module(x).ravel().numpy()
            assert (below <= y + 1e-12).all()
            assert (y - 1e-12 <= above).all()


# Never below the exact constant -------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> nn.Module:
    """A random piecewise-linear module of two inputs: branches, reuse, sums, maxima, sorting, concatenations."""
    seed = draw(st.integers(0, 2**20))
    recipe = draw(st.lists(st.sampled_from(sorted(_MOVES)), min_size=1, max_size=4))
    generator = torch.Generator().manual_seed(seed)
    weights = [torch.randint(-2, 3, (2, 2), generator=generator).double() for _ in range(2)]

    def function(m: Any, x: torch.Tensor) -> torch.Tensor:
        y = x
        for move in recipe:
            y = _MOVES[move](y, x, weights)
        return y

    return Does(function)


_MOVES: dict[str, Callable[[Any, Any, Any], Any]] = {
    "linear": lambda y, x, w: y @ w[0] + 1,
    "relu": lambda y, x, w: F.relu(y @ w[1]),
    "residual": lambda y, x, w: y + F.relu(x @ w[0]),
    "abs": lambda y, x, w: torch.abs(y) - x,
    "maximum": lambda y, x, w: torch.maximum(y @ w[0], x),
    "minimum": lambda y, x, w: torch.minimum(y, y.flip(1)),
    "concatenate": lambda y, x, w: torch.cat([F.relu(y[:, :1]), x, -y], 1)[:, 1:3],
    "sort": lambda y, x, w: (y @ w[1]).sort(1)[0],
    "pool": lambda y, x, w: F.max_pool1d(torch.cat([y, x], 1)[:, None], 2, 1)[:, 0, :2],
    "average": lambda y, x, w: F.avg_pool1d(torch.cat([y, x], 1)[:, None], 2, 2)[:, 0],
    "clamp": lambda y, x, w: y.clamp(-1, 0.5) + y,
    "leaky": lambda y, x, w: F.leaky_relu(y, -0.5),
}


def never_below_exact(module: nn.Module, shape: tuple[int, ...] = (2,), norms: Any = NORMS) -> None:
    graph = trace(module, torch.zeros(shape, dtype=torch.float64)).graph
    net = lower_graph(graph)
    for p in norms:
        exact = lv.exact(net, p=p)
        claimed = node_constants(graph, p, lv.Everywhere())[-1].cumulative
        low = exact.enclosure[0] if exact.enclosure else Fraction(exact.lower)
        assert Fraction(claimed) >= low, f"{claimed} < {float(low)} for p = {p}"


@settings(max_examples=examples(60), deadline=None)
@given(graphs())
def test_never_below_the_exact_constant(module: nn.Module) -> None:
    never_below_exact(module)


POOLED = Does(lambda m, x: F.max_pool1d(x[:, None], 2, 1)[:, 0].sum(1, keepdim=True))
REUSED = Does(lambda m, x: m.one(F.relu(m.one(x))), one=nn.Linear(2, 2, bias=False).double())
STEEP = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 2, bias=False)).double()
with torch.no_grad():
    REUSED.one.weight.copy_(torch.tensor([[2.0, 1.0], [0.0, 3.0]]))
    STEEP[0].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.01]]))
    STEEP[2].weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.02]]))


def test_the_pooling_factor_cannot_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    never_below_exact(Does(lambda m, x: F.max_pool1d(x[:, None], 2, 1)[:, 0]), (3,))
    one = {**rules.RULES, LargestOf: lambda step, where: Local((1.0,) * len(where.sizes), math.inf)}
    monkeypatch.setattr("lipverify.estimators.graph.bound.RULES", one)
    with pytest.raises(AssertionError, match="<"):
        never_below_exact(Does(lambda m, x: F.max_pool1d(x[:, None], 2, 1)[:, 0]), (3,))


def test_reuse_cannot_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    never_below_exact(REUSED)
    seen: set[int] = set()

    def once(step: Any, where: Any) -> Local:
        key = step.weight.__array_interface__["data"][0]
        first = key not in seen
        seen.add(key)
        return rules.RULES[Dense](step, where) if first else Local((1.0,))

    monkeypatch.setattr("lipverify.estimators.graph.bound.RULES", {**rules.RULES, Dense: once})
    with pytest.raises(AssertionError, match="<"):
        never_below_exact(REUSED, norms=(2.0,))


def test_an_unconverged_power_iteration_is_no_upper_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    never_below_exact(STEEP)

    def power(step: Any, where: Any) -> Local:
        weight = torch.tensor(step.weight)
        return Local((power_lower(lambda v: v @ weight.T, (weight.shape[1],), iterations=3, starts=1),))

    monkeypatch.setattr("lipverify.estimators.graph.bound.RULES", {**rules.RULES, Dense: power})
    with pytest.raises(AssertionError, match="<"):
        never_below_exact(STEEP, norms=(2.0,))


# The verb -----------------------------------------------------------------------------------------


def test_bad_questions() -> None:
    module = nn.Linear(2, 2)
    with pytest.raises(lv.UnsupportedNorm, match="1:inf"):
        lv.autolip(module, torch.zeros(2), p=(1, math.inf))
    with pytest.raises(lv.InvalidDomain, match="3 coordinates"):
        lv.autolip(module, torch.zeros(2), domain=lv.Box([0] * 3, [1] * 3))
    with pytest.raises(lv.InvalidDomain, match="domain must be"):
        lv.autolip(module, torch.zeros(2), domain="box")  # ty: ignore[invalid-argument-type]
    with pytest.raises(UnsupportedLayer, match="cannot follow Linear"):
        lv.autolip(module, torch.zeros(3))
    with pytest.raises(lv.InvalidNetwork, match="no tensor"):
        lv.autolip(module, "two")
    assert lv.autolip(module, np.zeros(2)).upper == lv.autolip(module, torch.zeros(2)).upper


@given(st.fractions(min_value=0), st.integers(-2000, 2000))
def test_roundings_go_up(x: Fraction, exponent: int) -> None:
    value = x * Fraction(2) ** exponent
    assert value <= shortened(value) <= value * (1 + Fraction(1, 2**78))
    assert value <= root_up(value) ** 2 <= value * (1 + Fraction(1, 2**76))
