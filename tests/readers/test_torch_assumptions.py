"""What from_torch has to be told: nothing is guessed where the module could mean something else, and advice works."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lipverify as lv


class Does(nn.Module):
    """A module that is a function, with layers that it may use."""

    def __init__(self, function: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(self, x)


def _agrees(net: lv.Network, module: nn.Module, shape: tuple[int, ...]) -> bool:
    x = torch.randn(7, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        truth = module(x).reshape(7, -1).double().numpy()
    return np.allclose(net(x.reshape(7, -1).double().numpy()), truth, rtol=1e-4, atol=1e-5)


def _follow(error: lv.LipverifyError, module: Any) -> lv.Network:
    """Do what the message says: the call that stands in it, with the module."""
    call = re.search(r"lipverify\.from_torch\(module, ([a-z_]+=(?:\([0-9, ]+\)|'[a-z0-9.]+'))", str(error))
    assert call, str(error)
    return eval(f"lv.from_torch(module, {call[1]})", {"lv": lv, "module": module})


def _rows(dim: int) -> nn.Module:
    torch.manual_seed(0)
    return Does(lambda m, x: torch.relu(m.one(x)).mean(dim=dim), one=nn.Linear(4, 5))


GUESSED: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "mean over rows or units": (_rows(1), (3, 4)),
    "sorted along axis 1": (Does(lambda m, x: m.one(x).sort(1)[0], one=nn.Linear(4, 4)), (4,)),
    "batch norm over entries or rows": (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)).eval(), (4,)),
    "a slope for every entry or row": (nn.Sequential(nn.Linear(4, 6), nn.PReLU(6), nn.Linear(6, 1)), (4,)),
    "any length": (
        Does(lambda m, x: m.one(nn.functional.adaptive_avg_pool1d(x, 4)), one=nn.Linear(4, 2)),
        (6,),
    ),
    "flattened from axis 2": (Does(lambda m, x: m.one(x).flatten(1).amax(1, keepdim=True), one=nn.Linear(4, 2)), (4,)),
}


@pytest.mark.parametrize("name", GUESSED)
def test_a_shape_is_never_guessed_where_another_one_means_something_else(name: str) -> None:
    module, shape = GUESSED[name]
    if isinstance(module, nn.Sequential):
        for child in module:
            if isinstance(child, nn.PReLU):
                nn.init.uniform_(child.weight)
            if isinstance(child, nn.BatchNorm1d):
                child.running_mean.uniform_()  # ty: ignore[unresolved-attribute]
    for verb in (lv.from_torch, lv.exact, lv.upper):
        with pytest.raises(lv.InvalidNetwork, match="only a guess") as caught:
            verb(module)
        followed = _follow(caught.value, module)
        assert followed.input_dim == 4
    assert _agrees(lv.from_torch(module, shape), module, shape)


SAFE: dict[str, nn.Module] = {
    "Linear and relu alone": Does(lambda m, x: m.two(torch.relu(m.one(x))), one=nn.Linear(4, 5), two=nn.Linear(5, 2)),
    "flattened first": Does(lambda m, x: m.one(x.view(x.size(0), -1)).abs(), one=nn.Linear(4, 5)),
    "the last axis by name": Does(lambda m, x: m.one(x).sort(-1)[0], one=nn.Linear(4, 5)),
    "other rows are refused": Does(lambda m, x: m.two(m.one(x).flatten(1)), one=nn.Linear(4, 5), two=nn.Linear(5, 2)),
    "batch norms that differ": nn.Sequential(
        nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 5), nn.BatchNorm1d(5)
    ).eval(),
}


@pytest.mark.parametrize("name", SAFE)
def test_a_vector_is_guessed_where_nothing_else_can_be_meant(name: str) -> None:
    assert _agrees(lv.from_torch(SAFE[name]), SAFE[name], (4,))


def test_row_wise_constants_are_those_of_the_module() -> None:
    """Every number of rows has its constant, and the one that the vector would give is below them all."""
    module = _rows(1)
    constants = [lv.exact(lv.from_torch(module, (rows, 4))).upper for rows in (1, 2, 3)]
    assert constants == sorted(constants, reverse=True)
    x = torch.zeros(1, 1, 4, dtype=torch.float64)
    slopes = [
        torch.linalg.matrix_norm(torch.autograd.functional.jacobian(module.double(), x + c).reshape(5, 4), 2).item()
        for c in (-3.0, 0.0, 3.0)
    ]
    assert max(slopes) <= constants[0] * (1 + 1e-12)


def test_samples_of_a_batch_may_not_know_of_each_other() -> None:
    for function in (lambda m, x: m.one(x).mean(0), lambda m, x: m.one(x) - x.amax(0)[..., :1]):
        module = Does(function, one=nn.Linear(4, 5))
        with pytest.raises(lv.InvalidNetwork, match="mixes the samples"):
            lv.from_torch(module, (3, 4))
    bare = nn.Sequential(nn.Flatten(0), nn.Linear(12, 2))  # takes one sample without a batch axis
    assert lv.from_torch(bare, (3, 4)) == lv.from_torch(bare[1])
    bare = Does(lambda m, x: m.one(x).reshape(2, 2, -1).amax(0), one=nn.Linear(4, 3))
    with pytest.raises(lv.InvalidNetwork, match="batch"):
        lv.autolip(bare, torch.zeros(4, 4))
    constant = Does(lambda m, x: torch.ones(2))
    assert lv.exact(lv.from_torch(constant, 3)).upper == 0


def test_layers_registered_in_another_order_than_they_run() -> None:
    module = Does(lambda m, x: m.out(torch.relu(m.inp(x))), out=nn.Linear(8, 3), inp=nn.Linear(4, 8))
    with pytest.raises(lv.UnsupportedLayer, match=r"vector of 8 entries was guessed from layer 'out'") as caught:
        lv.exact(module)
    assert "eval()" not in str(caught.value)
    assert _agrees(lv.from_torch(module, input_shape=(4,)), module, (4,))


def test_the_stack_traces_of_torch_stay_off_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    late = Does(lambda m, x: m.out(torch.relu(m.inp(x))), out=nn.Linear(8, 3), inp=nn.Linear(4, 8))
    with pytest.raises(lv.UnsupportedLayer):
        lv.from_torch(late)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("verb", [lv.exact, lv.upper, lv.lower])
def test_the_advice_for_images_works_everywhere(verb: Any) -> None:
    conv = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2)).eval()
    with pytest.raises(lv.InvalidNetwork, match=r"lipverify\.from_torch\(module, input_shape=\(C, H, W\)\)"):
        verb(conv)
    assert verb(lv.from_torch(conv, input_shape=(1, 3, 3)), time_limit=5).upper > 0


def test_one_number_is_the_shape_of_a_vector() -> None:
    layer = nn.Linear(4, 2)
    assert lv.from_torch(layer, 4) == lv.from_torch(layer, (4,))
    for wrong in (0, -1, 2.5, "4", (2.0,), True):
        with pytest.raises(lv.InvalidNetwork, match="positive integers"):
            lv.from_torch(nn.Linear(4, 2), wrong)  # ty: ignore[invalid-argument-type]


def test_the_advice_for_curves_works() -> None:
    tanh = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).eval()
    with pytest.raises(lv.UnsupportedLayer, match=r"lipverify\.autolip\(module, example_input\)"):
        lv.upper(tanh, "autolip")
    assert 0 < lv.autolip(tanh, torch.zeros(4)).upper < 100


def _mlp() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).eval()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_torch_wraps_around_a_module_is_taken_off() -> None:
    module = _mlp()
    net = lv.from_torch(module, (4,))
    program = torch.export.export(module, (torch.zeros(1, 4),))
    batch = torch.export.Dim("batch")
    opened = torch.export.export(module, (torch.zeros(2, 4),), dynamic_shapes=({0: batch},))
    for wrapped in (torch.compile(module), program, program.module(), opened):
        assert _agrees(lv.from_torch(wrapped, (4,)), module, (4,))  # ty: ignore[invalid-argument-type]
    assert lv.from_torch(torch.compile(module)) == net  # ty: ignore[invalid-argument-type]
    assert lv.from_torch(program).input_dim == lv.from_torch(opened).input_dim == 4
    assert lv.exact(program).upper == lv.exact(net).upper  # ty: ignore[invalid-argument-type]
    eight = torch.export.export(module, (torch.zeros(8, 4),))
    with pytest.raises(lv.InvalidNetwork, match="batch, of one sample or open"):
        lv.from_torch(eight)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_other_wrappers_are_named_with_the_way_back() -> None:
    module = _mlp()
    for script in (torch.jit.script(module), torch.jit.trace(module, torch.zeros(1, 4))):
        with pytest.raises(lv.UnsupportedLayer, match=r"TorchScript.*Python module"):
            lv.from_torch(script, (4,))
    for wrap, remedy in (
        (nn.utils.spectral_norm, nn.utils.remove_spectral_norm),
        (nn.utils.weight_norm, nn.utils.remove_weight_norm),
    ):
        layer = wrap(nn.Linear(4, 8))
        hooked = nn.Sequential(layer, nn.ReLU()).eval()
        with pytest.raises(lv.UnsupportedLayer, match=rf"torch\.nn\.utils\.{remedy.__name__}"):
            lv.from_torch(hooked, (4,))
        remedy(layer)
        assert lv.from_torch(hooked, (4,)).output_dim == 8
    inside = nn.Sequential(torch.compile(nn.Linear(4, 8)), nn.ReLU())  # ty: ignore[invalid-argument-type]
    with pytest.raises(lv.UnsupportedLayer, match="_orig_mod"):
        lv.from_torch(inside, (4,))
    inside[0] = inside[0]._orig_mod
    assert lv.from_torch(inside, (4,)).output_dim == 8


def test_training_mode_is_blamed_where_it_is_the_cause() -> None:
    module = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 8)), nn.ReLU())
    with pytest.raises(lv.UnsupportedLayer, match=r"module\.eval\(\)"):
        lv.from_torch(module, (4,))
    assert _agrees(lv.from_torch(module.eval(), (4,)), module, (4,))


def test_one_of_several_outputs_is_chosen() -> None:
    def two(how: str) -> nn.Module:
        def forward(m: Any, x: torch.Tensor) -> Any:
            y = m.one(x)
            made = {"tuple": (y, torch.relu(y)), "dict": {"logits": y, "hidden": torch.relu(y)}, "none": (y, None)}
            return {**made, "nested": {"a": (y, torch.relu(y)), "b": 3}}[how]

        return Does(forward, one=nn.Linear(4, 3))

    assert lv.from_torch(two("none"), 4).hidden == ()
    assert lv.from_torch(two("none")).hidden == ()
    for how, first, second in (("tuple", 0, 1), ("dict", "logits", "hidden"), ("nested", "a.0", "a.1")):
        with pytest.raises(lv.InvalidNetwork, match=f"'{first}', '{second}': choose one") as caught:
            lv.from_torch(two(how), 4)
        assert _follow(caught.value, two(how)).hidden == ()
        assert lv.from_torch(two(how), 4, output=first).hidden == ()
        assert lv.from_torch(two(how), 4, output=second).hidden == (3,)
        with pytest.raises(lv.InvalidArgument, match="output='third'"):
            lv.from_torch(two(how), 4, output="third")


def test_an_example_with_a_batch_axis_is_told_so() -> None:
    conv = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(2, 2)).eval()
    example = torch.zeros(1, 1, 3, 3)
    with pytest.raises(lv.UnsupportedLayer, match=r"without the batch axis, as in example\[0\]"):
        lv.autolip(conv, example)
    assert lv.autolip(conv, example[0]).upper < 10
