"""The differentiable AutoLip: its value, its gradient, and what training with it does to the exact constant."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

import lipverify as lv
from tests.readers.test_graph import Does


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1)).double()


MODULES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "mlp": (mlp, (2,)),
    "cnn": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1, stride=2),
            nn.PReLU(),
            nn.MaxPool2d(2, 1),
            nn.ConvTranspose2d(3, 1, 2),
            nn.Flatten(),
            nn.Linear(9, 2),
        ).double(),
        (1, 6, 6),
    ),
    "norms": (lambda: nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3), nn.LayerNorm(3, eps=0.1)).double(), (3,)),
    "residual": (lambda: Does(lambda m, x: x / 4 + F.softplus(m.one(x)), one=nn.Linear(3, 3).double()), (3,)),
    "large": (lambda: nn.Linear(200, 150).double(), (200,)),
}


@pytest.mark.parametrize("p", [1, 2, math.inf])
@pytest.mark.parametrize("name", MODULES)
def test_the_penalty_is_autolip_and_its_gradient_is_right(name: str, p: float) -> None:
    build, shape = MODULES[name]
    torch.manual_seed(1)
    module, iterations = build(), 300 if name == "large" else 80
    example = torch.zeros(shape, dtype=torch.float64)
    penalty = lv.autolip_penalty(module, example, p=p, iterations=iterations)
    certified = lv.autolip(module.eval(), example, p=p).upper
    assert float(penalty.detach()) == pytest.approx(certified, rel=1e-4)
    assert float(penalty.detach()) <= certified * (1 + 1e-12)
    penalty.backward()
    weight = next(w for w in module.parameters() if w.ndim > 1)
    assert weight.grad is not None
    step = weight.grad / weight.grad.norm() * 1e-6
    with torch.no_grad():
        values = []
        for sign in (1, -2):
            weight += sign * step
            values.append(float(lv.autolip_penalty(module, example, p=p, iterations=iterations)))
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(float(weight.grad.norm()), rel=1e-2)


def test_training_with_the_penalty_lowers_the_exact_constant() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(40, 2, generator=generator, dtype=torch.float64)
    y = torch.sin(6 * x[:, :1]) + torch.randn(40, 1, generator=generator, dtype=torch.float64) / 4
    exact: list[float] = []
    for strength in (0.0, 0.2):
        module = mlp()
        optimiser = torch.optim.Adam(module.parameters(), 0.03)
        for _ in range(40):
            optimiser.zero_grad()
            loss = F.mse_loss(module(x), y) + strength * lv.autolip_penalty(module)
            loss.backward()
            optimiser.step()
        exact.append(lv.exact(module).upper)
    assert exact[1] < 0.7 * exact[0]


def test_the_modules_mode_is_left_alone() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Dropout(0.5))
    module[1].eval()
    lv.autolip_penalty(module).backward()
    assert [m.training for m in module.modules()] == [True, True, False, True]


def test_parametrised_weights_are_differentiated_through() -> None:
    module = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    lv.autolip_penalty(module, torch.zeros(3)).backward()
    assert all(
        p.grad is not None and p.grad.abs().sum() > 0 for name, p in module.named_parameters() if "weight" in name
    )


def test_bad_questions() -> None:
    with pytest.raises(lv.InvalidArgument, match=r"mul.*no finite constant.*product"):
        lv.autolip_penalty(Does(lambda m, x: x * x), torch.zeros(2))
    with pytest.raises(lv.InvalidNetwork, match="example_input"):
        lv.autolip_penalty(nn.Conv1d(1, 1, 2))
    with pytest.raises(lv.InvalidArgument, match="iterations"):
        lv.autolip_penalty(mlp(), iterations=0)
    with pytest.raises(lv.UnsupportedNorm):
        lv.autolip_penalty(mlp(), p=(1, 2))
