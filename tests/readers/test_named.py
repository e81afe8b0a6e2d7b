"""Weights without an architecture: what they do not say is asked for, and the advice can be followed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import lipverify as lv


def _save(folder: Path, content: dict[str, Any], kind: str = "m.pt") -> Path:
    path = folder / kind
    if kind.endswith(".npz"):
        np.savez(path, **{name: np.asarray(value) for name, value in content.items()})
    else:
        torch.save(content, path)
    return path


def _follow(error: Exception, path: Path, **more: Any) -> lv.Network:
    """Do what the message says: the first call in it, with the file."""
    call = re.search(r"lipverify\.load\(path, ([a-z_]+=(?:\[[^\]]*\]|'[^']*'|True|False))", str(error))
    assert call, str(error)
    return eval(f"lv.load(path, {call[1]}, **more)", {"lv": lv, "path": path, "more": more})


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("relu", nn.ReLU()),
        ("leaky_relu:0.5", nn.LeakyReLU(0.5)),
        ("LEAKY_RELU:0.01", nn.LeakyReLU(0.01)),
        ("hardtanh", nn.Hardtanh()),
        ("relu6", nn.ReLU6()),
        ("identity", nn.Identity()),
    ],
)
def test_the_activation_has_to_be_said(tmp_path: Path, name: str, layer: nn.Module) -> None:
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(3, 8), layer, nn.Linear(8, 8, bias=False), layer, nn.Linear(8, 2))
    path = _save(tmp_path, module.state_dict())
    for verb in (lv.load, lv.exact):
        with pytest.raises(lv.InvalidNetwork, match=r"no activations.*activation='relu'") as caught:
            verb(path)
    assert _follow(caught.value, path) == lv.load(path, activation=["relu", "relu"])
    net = lv.load(path, activation=name)
    assert net == lv.from_torch(module)
    assert name in net.source
    mixed = nn.Sequential(nn.Linear(3, 8), layer, nn.Linear(8, 8, bias=False), nn.ReLU(), nn.Linear(8, 2))
    mixed.load_state_dict(module.state_dict())
    assert lv.load(path, activation=f"{name},relu") == lv.from_torch(mixed)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_groups_of_neighbours_are_sorted(size: int) -> None:
    rng = np.random.default_rng(size)
    weights = [rng.integers(-4, 5, shape).astype(float) for shape in ((8, 3), (8, 8), (2, 8))]
    biases = [rng.integers(-4, 5, len(w)).astype(float) for w in weights]
    net = lv.from_arrays(weights, biases, activation=f"groupsort:{size}")
    for x in rng.integers(-4, 5, (40, 3)).astype(float):
        y = x
        for W, b in zip(weights[:-1], biases[:-1], strict=True):
            y = np.sort((W @ y + b).reshape(-1, size), axis=1).ravel()
        assert (net(x) == weights[-1] @ y + biases[-1]).all()
    with pytest.raises(lv.InvalidArgument, match="8 neurons are no such groups"):
        lv.from_arrays(weights, biases, activation="groupsort:3")


def test_the_published_maxmin_networks_are_read(data: Path) -> None:
    files = json.loads((data / "maxmin" / "maxmin.json").read_text(encoding="utf-8"))["networks"]
    for name in ("weights_2_16", "weights_l2_2fc_32", "weights_l2_5fc_32"):
        stored = np.load(data / files[name]["file"])
        layers = [key for key in stored.files if key.startswith("W")]
        net = lv.load(data / files[name]["file"], activation="groupsort:2", layers=layers)
        x = np.random.default_rng(0).uniform(size=784)
        y = x
        for k in range(len(layers)):
            y = stored[f"W{k}"].astype(float) @ y + stored[f"b{k}"]
            y = np.sort(y.reshape(-1, 2), axis=1).ravel() if k + 1 < len(layers) else y
        assert net(x) == pytest.approx(y, rel=1e-9)


def test_two_activations_give_two_constants(tmp_path: Path) -> None:
    torch.manual_seed(1)
    leaky = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.5), nn.Linear(8, 2))
    path = _save(tmp_path, leaky.state_dict())
    truth = lv.exact(leaky, p=1)
    assert lv.exact(lv.load(path, activation="leaky_relu:0.5"), p=1).exact_value == truth.exact_value
    assert lv.exact(lv.load(path, activation="relu"), p=1).exact_value != truth.exact_value


@pytest.mark.parametrize(
    "name", ["tanh", "leaky_relu", "leaky_relu:x", "leaky_relu:inf", "relu:1", "", "relu,relu,relu"]
)
def test_unknown_activations_are_refused(tmp_path: Path, name: str) -> None:
    path = _save(tmp_path, {"fc1.weight": torch.ones(2, 3), "fc2.weight": torch.ones(1, 2)})
    with pytest.raises(lv.InvalidArgument, match=r"known are relu|names 3 activations"):
        lv.load(path, activation=name)


def test_one_layer_has_no_activation(tmp_path: Path) -> None:
    assert lv.load(_save(tmp_path, {"weight": torch.ones(2, 3), "bias": torch.ones(2)})).hidden == ()


def test_layers_in_another_order_than_they_run(tmp_path: Path) -> None:
    """The module of four inputs computes fc2(relu(fc1(x))): 2√3; in the order of the file it would be 6."""
    one, two = torch.eye(4), torch.ones(4, 4)
    one[0, 0], two[:, 0] = -3, 0
    path = _save(tmp_path, {"fc2.weight": two, "fc1.weight": one})
    with pytest.raises(lv.InvalidNetwork, match=r"in the order fc2, fc1.*layers=\['fc2', 'fc1'\]"):
        lv.load(path, activation="relu")
    net = lv.load(path, activation="relu", layers=["fc1", "fc2"])
    assert lv.exact(net).exact_square == 12
    assert lv.load(path, activation="relu", layers="fc1.weight,fc2.weight") == net  # ty: ignore[invalid-argument-type]
    with pytest.raises(lv.InvalidArgument, match=r"no layer 'fc3'; there are fc2, fc1"):
        lv.load(path, activation="relu", layers=["fc3"])


@pytest.mark.parametrize(
    "names",
    [("a", "b"), ("enc.0", "dec.0"), ("fc1", "fc3", "fc2"), ("l1.0", "l1.2", "l1.1"), ("fc10", "fc9")],
)
def test_orders_that_nothing_tells_are_asked_for(tmp_path: Path, names: tuple[str, ...]) -> None:
    path = _save(tmp_path, {f"{name}.weight": torch.eye(4) for name in names})
    with pytest.raises(lv.InvalidNetwork, match="order") as caught:
        lv.load(path, activation="relu")
    assert len(_follow(caught.value, path, activation="relu").weights) == 1 + len(names) - 1


@pytest.mark.parametrize("names", [("a", "b"), ("encoder.0", "decoder.0"), ("fc1", "fc2"), ("fc9", "fc10"), ("0", "2")])
def test_orders_that_numbers_or_shapes_tell(tmp_path: Path, names: tuple[str, ...]) -> None:
    content = {f"{names[0]}.weight": torch.ones(5, 4), f"{names[1]}.weight": torch.ones(3, 5)}
    assert lv.load(_save(tmp_path, content), activation="relu").hidden == (5,)
    reverse = dict(reversed(content.items()))
    with pytest.raises(lv.InvalidNetwork, match="order"):
        lv.load(_save(tmp_path, reverse), activation="relu")


def test_adjacent_numbers_of_a_sequential_can_be_confirmed(tmp_path: Path) -> None:
    path = _save(tmp_path, {"0.weight": torch.ones(2, 3), "1.weight": torch.ones(1, 2)})
    with pytest.raises(lv.InvalidNetwork, match="adjacent numbers") as caught:
        lv.load(path, activation="relu")
    assert _follow(caught.value, path, activation="relu").hidden == (2,)


def test_checkpoints_are_opened_by_key(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))
    path = _save(tmp_path, {"state_dict": module.state_dict(), "epoch": 3, "outer": {"in.ner": module.state_dict()}})
    with pytest.raises(lv.InvalidNetwork, match="'state_dict', 'epoch', 'outer'") as caught:
        lv.load(path, activation="relu")
    net = lv.from_torch(module)
    assert _follow(caught.value, path, activation="relu") == net
    assert lv.load(path, key="outer.in.ner", activation="relu") == net
    for wrong in ("other", "state_dict.0", "epoch.1"):
        with pytest.raises(lv.InvalidArgument, match=f"key='{wrong[-5:]}|no such entry"):
            lv.load(path, key=wrong, activation="relu")


def test_other_peoples_arrays(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    one, two = draw.normal(size=(5, 3)), draw.normal(size=(2, 5))
    content = {"W1": one, "b1": np.ones(5), "W2": two, "b2": np.ones((2, 1))}
    net = lv.Network([one, two], [np.ones(5), np.ones(2)])
    path = _save(tmp_path, content, "m.npz")
    with pytest.raises(lv.InvalidNetwork, match=r"no activations") as caught:
        lv.load(path)
    assert _follow(caught.value, path) == net
    turned = {"dense_1/kernel": one.T, "dense_1/bias": np.ones(5), "dense_2/kernel": two.T, "dense_2/bias": np.ones(2)}
    assert lv.load(_save(tmp_path, turned, "t.npz"), activation="relu") == net
    weights = _save(tmp_path, {"weight_0": one, "weight_1": two, "bias_0": np.ones(5), "bias_1": np.ones(2)}, "w.npz")
    assert lv.load(weights, activation="relu") == net


def test_square_matrices_have_to_be_turned_by_the_user(tmp_path: Path) -> None:
    path = _save(tmp_path, {"W1": np.array([[1.0, 2], [3, 4]]), "W2": np.eye(2)}, "m.npz")
    with pytest.raises(lv.InvalidNetwork, match=r"\(out, in\) and as \(in, out\)") as caught:
        lv.load(path, activation="relu")
    straight = _follow(caught.value, path, activation="relu")
    assert straight.weights[0].tolist() == [[1, 2], [3, 4]]
    assert lv.load(path, activation="relu", transposed=True).weights[0].tolist() == [[1, 3], [2, 4]]


def test_options_without_an_effect_are_refused(tmp_path: Path) -> None:
    net = lv.Network([[[1.0]]])
    for name in ("m.json", "m.npz"):
        net.save(tmp_path / name)
        with pytest.raises(lv.InvalidArgument, match=r"activation= is of no use"):
            lv.load(tmp_path / name, activation="relu")
        with pytest.raises(lv.InvalidArgument, match=r"key= is of no use"):
            lv.load(tmp_path / name, key="a")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"W1": np.ones((2, 2)), "extra": np.ones(3)}, "the entry 'extra'"),
        ({"W1": np.ones((2, 2, 2))}, r"'W1' of shape \(2, 2, 2\)"),
        ({"W1": np.ones((2, 3)), "b1": np.ones(5)}, "a bias of"),
        ({"W1": np.ones((2, 3)), "w1": np.ones((2, 3))}, "has one already"),
        ({"b1": np.ones(2)}, "no weight"),
        ({"W1": np.array([[np.nan]])}, "nan"),
        ({"W1": np.array([["a"]])}, "type <U1"),
        ({"W1": np.array([[2**63 - 1]])}, "no float64"),
        ({}, "no weights"),
    ],
)
def test_what_is_no_chain(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(lv.InvalidNetwork, match=message):
        lv.load(_save(tmp_path, content, "m.npz"), activation="relu")
    assert lv.load(
        _save(tmp_path, {"W1": np.ones((2, 3)), "extra": np.ones(3)}, "m.npz"), layers=["1"], transposed=False
    )
